"""Take down, statement by statement, what a server may object to in a script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...schemas import JOURNAL_SCHEMA, SYSTEM_SCHEMAS
from ...script.classify import Classification, Kind, classify, reads_local_file
from ...script.collations import names_in
from ...script.splitter import Statement, split
from ...script.versioned import effective
from . import statements
from .features import features
from .inventory import Event, Inventory, Mentions, Obstacle, Place, Tally
from .session import ReadSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .inventory import TableKey

_ROUTINE_BODY = re.compile(
    rb"\s*CREATE\b[^;]*?\b(?:PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)\b", re.IGNORECASE
)
# What a SET names, the server is asked for.
_NEVER_PECULIAR = (Kind.SESSION, Kind.USE, Kind.TRANSACTION, Kind.LOCK)
_LONGEST_DEFINITION_BYTES = 1 << 20
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
    """

    flavour: str = "mysql"
    version: int = 80000
    sql_mode: str = ""


class Choice(NamedTuple):
    """What of a script is loaded, and where to; as the options of `check.check`."""

    database: str | None = None
    into: str | None = None
    system_schemas: bool = False
    schema_only: bool = False
    data_only: bool = False
    wanted: Callable[[str | None, str], bool] | None = None
    allow_local_infile: bool = False
    allow_outside_source: bool = False


class Recorder:
    """What is taken down; the statements come in the order of the script.

    Parameters
    ----------
    dialect : Dialect
        The server that the script is read for.
    choice : Choice
        What of it is loaded, and where to.

    Attributes
    ----------
    inventory : Inventory
        What was found so far.
    session : ReadSession
        The script's, where it is being read.
    filling : dict of bytes to Tally
        Tables that get rows, by how such a statement begins, until something else comes between.
    """

    def __init__(self, dialect: Dialect, choice: Choice) -> None:
        self.inventory = Inventory()
        self.filling: dict[bytes, Tally] = {}
        self._dialect = dialect
        self._choice = choice
        self.session = ReadSession(dialect.sql_mode)

    def begin(self, schema: str | None = None, *, fresh: bool = False) -> None:
        """Begin a script.

        Parameters
        ----------
        schema : str, optional
            Schema that the script is for. Default: the one chosen for all.
        fresh : bool, default False
            Whether it expects the session of a new connection.
        """
        if fresh:
            self.session = ReadSession(self._dialect.sql_mode)
            self._enter(None)
        schema = self._choice.database if schema is None else schema
        if schema is not None:
            self.use(schema, Place("--database", 1, 1))

    # Statements --------------------------------------------------------------------------------

    def first_rows(self, rows: re.Match[bytes], size: int, place: Place) -> None:
        """Take down a table that gets rows; the statements that follow are only counted."""
        table = classify(rows[0])
        key = (table.schema or self.session.schema, table.table or "")
        if self._leaves_out(key[0]):
            self.inventory.system_statements += 1
            return
        tally = self.inventory.tables.setdefault(self._target(*key), Tally())
        tally.statements += 1
        tally.bytes += size
        self.filling[rows[0]] = tally
        self._event(rows[1].lower().decode(), "table", key[0], key[1], place)

    def statement(self, sql: bytes, place: Place, delimiter: bytes) -> None:
        """Take down a statement, or several that were under another delimiter."""
        if reads_local_file(sql):
            self._local_file(place)
        if len(sql) <= _LONGEST_DEFINITION_BYTES:
            as_read = effective(sql, self._dialect.flavour, self._dialect.version)
            self._mention_features(sql, as_read, place)
            sql = as_read
        if delimiter == b";" or b";" not in sql:
            self._one(sql, place)
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

    def _one(self, sql: bytes, place: Place) -> None:
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

    def _define(self, sql: bytes, about: Classification, place: Place) -> None:
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
                new=self._target(new[0] or own_schema, new[1]) if new else None,
                deterministic=what != "function" or statements.is_deterministic(sql),
                no_effect_on_innodb=statements.switches_keys(sql),
            )
        if what == "schema" and verb == "drop" and self.session.schema == about.schema:
            self._enter(None)

    def _data(self, sql: bytes, about: Classification, place: Place) -> None:
        if about.table is None:
            return
        schema = about.schema or self.session.schema
        verb = _first_word(sql).lower().decode()
        if verb == "load" and b"LOCAL" not in sql[:100].upper():
            self.inventory.commands.add("FILE", place)
        if not self._leaves_out(schema):
            tally = self.inventory.tables.setdefault(self._target(schema, about.table), Tally())
            tally.statements += 1
            tally.bytes += len(sql)
        self._event(verb, "table", schema, about.table, place)

    def _other(self, sql: bytes, place: Place) -> None:
        word = _first_word(sql)
        if word in (b"CALL", b"EXECUTE", b"PREPARE"):
            self.inventory.unfollowed.append(place)
            self.filling.clear()
        elif word == b"FLUSH":
            self.inventory.commands.add("RELOAD", place)

    def _local_file(self, place: Place) -> None:
        self.inventory.local_files.append(place)
        if not self._choice.allow_local_infile:
            message = "LOAD DATA LOCAL INFILE would send a file of this machine to the server"
            hint = "allow it with --allow-local-infile if you trust the script."
            self.refuse(place, message, hint)

    def refuse(self, place: Place, message: str, hint: str) -> None:
        """Take down what the loader would refuse."""
        self.inventory.obstacles.append(Obstacle(place, message, hint))

    def _event(
        self, verb: str, what: str, schema: str | None, name: str, place: Place, **more: object
    ) -> None:
        choice = self._choice
        if what != "account" and self._leaves_out(schema):
            if verb != "use":
                self.inventory.system_statements += 1
            return
        is_rows = verb in ("insert", "replace", "update", "delete", "load")
        if (choice.schema_only and is_rows) or (
            choice.data_only and not is_rows and verb not in ("use", "lock")
        ):
            return
        if choice.wanted and what in ("table", "view") and not choice.wanted(schema, name):
            return
        if choice.into is not None and what != "account":
            if what == "schema" and verb != "use":
                return
            schema = choice.into
        self.inventory.events.append(
            Event(verb, what, schema, name, place, self.session.state, **more)  # type: ignore[arg-type]
        )

    def _leaves_out(self, schema: str | None) -> bool:
        """Tell whether nothing that a script does to a schema is done."""
        name = "" if schema is None else schema.lower()
        is_system = name in SYSTEM_SCHEMAS and not self._choice.system_schemas
        return is_system or name == JOURNAL_SCHEMA

    def _target(self, schema: str | None, name: str) -> TableKey:
        """Return where a table is to go."""
        return (self._choice.into or schema, name)

    def _resolved(
        self, traits: statements.TableTraits | None, schema: str | None
    ) -> statements.TableTraits | None:
        """Return a table's traits with the schemas of its parents spelled out."""
        if traits is None or not traits.parents:
            return traits
        parents = {self._target(own or schema, name): None for own, name in traits.parents}
        return traits._replace(parents=tuple((own, name) for own, name in parents))

    # The session -------------------------------------------------------------------------------

    def _enter(self, schema: str | None) -> None:
        self.session.schema = schema
        self.filling.clear()

    def use(self, schema: str, place: Place) -> None:
        """Follow the script into another schema."""
        self._enter(schema)
        self._event("use", "schema", schema, "", place)

    def set(self, sql: bytes, place: Place) -> None:
        """Follow a SET."""
        self.session.set(sql, place, self.inventory)
        self.filling.clear()

    def _mention_features(self, sql: bytes, as_read: bytes, place: Place) -> None:
        if not as_read.strip() or classify(as_read).kind in _NEVER_PECULIAR:
            return
        mode = self.session.sql_mode
        for feature in features(sql, as_read, self._dialect.flavour, sql_mode=mode):
            self.inventory.features.setdefault(feature, Mentions()).add(feature.name, place)

    def _mention_names(self, sql: bytes, kind: Kind, place: Place) -> None:
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
) -> Iterator[tuple[statements.Name, statements.Name | None]]:
    """Yield what a definition is about, and the new name where it gives one."""
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
