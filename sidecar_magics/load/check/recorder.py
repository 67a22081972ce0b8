"""Take down, statement by statement, everything in a script that a server may object to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...script.classify import Classification, Kind, classify, reads_local_file
from ...script.collations import names_in
from ...script.splitter import Statement, split
from ...script.versioned import effective
from . import statements
from .features import features
from .inventory import Event, Inventory, Mentions, Obstacle, Position, Tally
from .session import ReadSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...errors import ScriptError

_ROUTINE_BODY = re.compile(
    rb"\s*CREATE\b[^;]*?\b(?:PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)\b", re.IGNORECASE
)
# A body without a routine: MariaDB's compound statements. The body has variables of its own.
_COMPOUND = re.compile(
    rb"\s*(?:BEGIN\s+NOT\s+ATOMIC|IF|CASE|LOOP|REPEAT|WHILE|FOR|DECLARE)\b", re.IGNORECASE
)
# The server is asked about the names in a SET.
_NEVER_PECULIAR = (Kind.SESSION, Kind.USE, Kind.TRANSACTION, Kind.LOCK)
_LONGEST_DEFINITION_BYTES = 1 << 20
_NAME = rb"(`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_CALL = re.compile(rb"\s*CALL\s+(?:%s\s*\.\s*)?%s" % (_NAME, _NAME), re.IGNORECASE)
_FIRST_WORD = re.compile(rb"[\s(]*([A-Za-z]+)")


@dataclass(frozen=True)
class Dialect:
    """The server that a script is read for.

    Parameters
    ----------
    flavour : str, default mysql
        ``mysql`` or ``mariadb``: which versioned comments count.
    version : int, default 80000
        As versioned comments spell it.
    sql_mode : str
        Of a new session.
    host : str, default 127.0.0.1
        Where it is.
    is_loopback : bool, default True
        Whether that is this machine.
    """

    flavour: str = "mysql"
    version: int = 80000
    sql_mode: str = ""
    host: str = "127.0.0.1"
    is_loopback: bool = True

    @property
    def release(self) -> str:
        """The version with dots, as a server spells it."""
        return f"{self.version // 10000}.{self.version // 100 % 100}.{self.version % 100}"


class Recorder:
    """Takes statements down, in the order of the script.

    Parameters
    ----------
    dialect : Dialect
        The server that the script is read for.

    Attributes
    ----------
    inventory : Inventory
        The record so far.
    session : ReadSession
        The script's, where it is being read.
    filling : dict of bytes to Tally
        Tables that get rows, by how such a statement begins, until something else comes between.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.inventory = Inventory()
        self.filling: dict[bytes, Tally] = {}
        self._dialect = dialect
        self.session = ReadSession(dialect.sql_mode)

    def begin(self, schema: str | None, place: Position) -> None:
        """Begin a script that knows nothing of the one before it: in a new session."""
        self.session = ReadSession(self._dialect.sql_mode)
        self._enter(None)
        if schema is not None:
            self.use(schema, place)

    # Statements --------------------------------------------------------------------------------

    def first_rows(self, rows: re.Match[bytes], size: int, place: Position) -> None:
        """Take down a table that gets rows; the statements that follow are only counted."""
        table = classify(rows[0])
        key = (table.schema or self.session.schema, table.table or "")
        tally = self.inventory.tables.setdefault(key, Tally())
        tally.statements += 1
        tally.bytes += size
        self.filling[rows[0]] = tally
        self._event(rows[1].lower().decode(), "table", key[0], key[1], place)

    def statement(self, sql: bytes, place: Position, delimiter: bytes) -> None:
        """Take down a statement, or several that were under another delimiter."""
        if reads_local_file(sql):
            self.inventory.local_files.append(place)
        if len(sql) <= _LONGEST_DEFINITION_BYTES:
            as_read = effective(sql, self._dialect.flavour, self._dialect.version)
            self._mention_features(sql, as_read, place)
            sql = as_read
        if delimiter == b";" or b";" not in sql:
            self._one(sql, place)
            return
        if _COMPOUND.match(sql):
            self._lose_sight(place)
            return
        # Several statements at once, under another delimiter: the last may be a routine's body.
        if _ROUTINE_BODY.match(sql):
            self._one(sql, place)
            return
        rest = sql
        for part in split([sql]):
            if isinstance(part, Statement):
                if _ROUTINE_BODY.match(part.sql):
                    self._one(rest[part.offset :], place)
                    return
                self._one(part.sql, place)

    def _one(self, sql: bytes, place: Position) -> None:
        if not sql.strip():
            return  # for another server
        about = classify(sql)
        kind = about.kind
        if kind is Kind.SESSION:
            self.set(sql, place)
        elif kind is Kind.USE:
            if about.schema is not None:
                self.use(about.schema, place)
        elif kind is Kind.DATA:
            self._data(sql, about, place)
        elif kind is Kind.TRANSACTION:
            pass
        elif kind in (Kind.QUERY, Kind.OTHER):
            self._other(sql, place)
        elif kind is Kind.ACCOUNT and not statements.read_definition(sql):
            self.filling.clear()
            if _first_word(sql) in (b"GRANT", b"REVOKE"):
                self._event("grant", "account", "mysql", "", place)
        else:
            self._define(sql, about, place)
        self._mention_names(sql, kind, place)

    def _define(self, sql: bytes, about: Classification, place: Position) -> None:
        definition = statements.read_definition(sql)
        if definition is None:
            return
        verb, what = definition.verb, definition.what
        if verb != "lock":
            self.filling.clear()
        if definition.definer is not None:
            mentions = self.inventory.definers.setdefault(definition.definer, Mentions())
            mentions.add(what, place)
        schema, on = self.session.schema, definition.on
        if on and on[0] and what == "trigger":
            schema = on[0]
        traits = statements.table_traits(sql) if what == "table" else None
        for (own, name), new in _subjects(definition, sql):
            own_schema = own or schema
            self._event(
                verb,
                what,
                "mysql" if what == "account" else own_schema,
                name,
                place,
                definition=definition,
                traits=self._resolved(traits, own_schema),
                new=(new[0] or own_schema, new[1]) if new else None,
                deterministic=what != "function" or statements.is_deterministic(sql),
                no_effect_on_innodb=statements.switches_keys(sql),
            )
        if what == "schema" and verb == "drop" and self.session.schema == about.schema:
            self._enter(None)

    def _data(self, sql: bytes, about: Classification, place: Position) -> None:
        if about.table is None:
            return
        schema = about.schema or self.session.schema
        verb = _first_word(sql).lower().decode()
        if verb == "load" and b"LOCAL" not in sql[:100].upper():
            self.inventory.commands.add("FILE", place)
        tally = self.inventory.tables.setdefault((schema, about.table), Tally())
        tally.statements += 1
        tally.bytes += len(sql)
        self._event(verb, "table", schema, about.table, place)

    def _other(self, sql: bytes, place: Position) -> None:
        word = _first_word(sql)
        called = _CALL.match(sql)
        # With a schema MariaDB may mean a package's procedure.
        if called and (called[1] is None or self._dialect.flavour == "mysql"):
            schema, name = (_unquoted(part) for part in called.groups())
            self._event("call", "procedure", schema or self.session.schema, name or "", place)
        if word in (b"CALL", b"EXECUTE", b"PREPARE"):
            self._lose_sight(place)
        elif word == b"FLUSH":
            self.inventory.commands.add("RELOAD", place)

    def _lose_sight(self, place: Position) -> None:
        """Take note that the effect of this statement is unknown."""
        self.inventory.unfollowed.append(place)
        self.filling.clear()

    def refuse(self, place: Position, error: ScriptError) -> None:
        """Take down a refusal of the loader."""
        message = error.message.removeprefix(f"{place}: ").rstrip(".")
        self.inventory.obstacles.append(Obstacle(place, message, error.hint))

    def _event(
        self, verb: str, what: str, schema: str | None, name: str, place: Position, **more: object
    ) -> None:
        self.inventory.events.append(
            Event(
                verb,
                what,
                schema,
                name,
                place,
                self.session.state,
                likely=bool(self.inventory.unfollowed),
                **more,  # type: ignore[arg-type]
            )
        )

    def _resolved(
        self, traits: statements.TableTraits | None, schema: str | None
    ) -> statements.TableTraits | None:
        """Return a table's traits with the schemas of its parents spelled out."""
        if traits is None or not traits.parents:
            return traits
        parents = {(own or schema, name): None for own, name in traits.parents}
        return traits._replace(parents=tuple((own, name) for own, name in parents))

    # The session -------------------------------------------------------------------------------

    def _enter(self, schema: str | None) -> None:
        self.session.schema = schema
        self.filling.clear()

    def use(self, schema: str, place: Position) -> None:
        """Follow the script into another schema."""
        self._enter(schema)
        self._event("use", "schema", schema, "", place)

    def set(self, sql: bytes, place: Position) -> None:
        """Follow a SET."""
        self.session.set(sql, place, self.inventory)
        self.filling.clear()

    def _mention_features(self, sql: bytes, as_read: bytes, place: Position) -> None:
        if not as_read.strip() or classify(as_read).kind in _NEVER_PECULIAR:
            return
        mode = self.session.sql_mode
        for feature in features(sql, as_read, self._dialect.flavour, sql_mode=mode):
            self.inventory.features.setdefault(feature, Mentions()).add(feature.name, place)

    def _mention_names(self, sql: bytes, kind: Kind, place: Position) -> None:
        if kind is Kind.DATA or len(sql) > _LONGEST_DEFINITION_BYTES:
            return
        mode = self.session.sql_mode
        names = names_in(
            sql,
            ansi_quotes="ANSI" in mode,
            no_backslash_escapes="NO_BACKSLASH_ESCAPES" in mode,
        )
        for collation in sorted(names.collations):
            self.inventory.collations.add(collation, place)
        for charset in sorted(names.charsets):
            self.inventory.charsets.add(charset, place)


def _subjects(
    definition: statements.Definition, sql: bytes
) -> Iterator[tuple[statements.DefinedName, statements.DefinedName | None]]:
    """Yield the objects of a definition, each with its new name in a RENAME."""
    verb, what, names = definition.verb, definition.what, definition.names
    if what == "schema":
        yield from (((name, ""), None) for _, name in names)
    elif what == "index" and definition.on:
        yield definition.on, None
    elif what == "table" and verb == "rename":
        yield from zip(names[::2], names[1::2])
    else:
        new = statements.renamed_to(sql) if (verb, what) == ("alter", "table") else None
        yield from ((name, new) for name in names)


def _first_word(sql: bytes) -> bytes:
    found = _FIRST_WORD.match(sql)
    return found[1].upper() if found else b""


def _unquoted(name: bytes | None) -> str | None:
    if name is None:
        return None
    return name.strip(b"`").replace(b"``", b"`").decode("utf-8", "replace")
