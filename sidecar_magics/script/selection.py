"""Select statements of a script: some tables, no rows, rows only, no system schemas.

The first words decide about a statement; an unknown one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from .classify import Classification, Kind, first_word
from .names import Names
from .tokens import Edit, Shape, Token, tokens

_SHORT_BYTES = 300
_OBJECTS = {Kind.TABLE, Kind.DATA, Kind.ROUTINE, Kind.TRIGGER, Kind.EVENT, Kind.VIEW}
_OF_TABLES = {Kind.TABLE, Kind.DATA, Kind.VIEW}
_NEVER_SKIPPED = {Kind.SESSION, Kind.TRANSACTION}
_DEFINITIONS = _OBJECTS - {Kind.DATA} | {Kind.SCHEMA, Kind.ACCOUNT}
_DEFINING = {b"CREATE", b"ALTER", b"DROP", b"RENAME"}
_PREPARED = {b"PREPARE", b"EXECUTE", b"DEALLOCATE"}
_MAINTAINING = {b"ANALYZE", b"OPTIMIZE", b"REPAIR", b"CHECK"}
# mysqldump switches it off around the tables of InnoDB's statistics, which are in mysql.
_OF_STATISTICS = (b"SET", b"GLOBAL", b"INNODB_STATS_AUTO_RECALC")
_SYSTEM = {"mysql", "sys", "ndbinfo"}
_VIRTUAL = {"information_schema", "performance_schema"}
_NOT_OF_TABLES = {
    Kind.ROUTINE: "routines",
    Kind.EVENT: "events",
    Kind.TRIGGER: "triggers",
    Kind.ACCOUNT: "accounts",
}


class Look:
    """The facts about a statement; each is read when first asked for.

    Parameters
    ----------
    sql : bytes
        The statement, or its beginning.
    about : Classification
        Its kind, and its first name.
    schema : str or None
        Its schema: the one that it names, or the default one.

    Attributes
    ----------
    names : Names or None
        All names, where tables are to be selected.
    """

    def __init__(self, sql: bytes, about: Classification, schema: str | None) -> None:
        self.about = about
        self.schema = schema
        self.names: Names | None = None
        self._sql = sql

    @cached_property
    def first(self) -> bytes:
        """The first word, in capitals; b"" if there is none."""
        return first_word(self._sql)

    def mentions(self, word: bytes) -> bool:
        """Return whether the beginning holds a word, which is given in capitals."""
        return word in self._sql[:_SHORT_BYTES].upper()

    @cached_property
    def words(self) -> tuple[bytes, ...]:
        """The first words, in capitals: of a short statement, all."""
        return tuple(token.word for token in tokens(self._sql[:_SHORT_BYTES]) if token.word)


class Pattern(NamedTuple):
    """A pattern of wanted tables: ``table`` or ``schema.table``, with ``*``, ``?``, ``[...]``."""

    text: str
    schema: str | None
    table: str

    @classmethod
    def read(cls, text: str) -> Pattern:
        """Read a pattern; the first dot ends the schema. Case counts, as with Linux's servers."""
        schema, dot, table = text.partition(".")
        return cls(text, schema if dot else None, table if dot else schema)

    def matches_schema(self, schema: str | None) -> bool:
        """Return whether tables of this schema (None if unknown) may be meant."""
        return self.schema is None or (schema is not None and fnmatchcase(schema, self.schema))

    def matches(self, schema: str | None, table: str) -> bool:
        """Return whether a table is meant."""
        return self.matches_schema(schema) and fnmatchcase(table, self.table)


class TableSelection:
    """The wanted tables: those that match one of some patterns.

    Parameters
    ----------
    patterns : sequence of str
        See `Pattern`; none: all tables.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [Pattern.read(text) for text in patterns]
        self._unmatched = dict.fromkeys(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @property
    def unmatched(self) -> list[str]:
        """The patterns without a matching table so far."""
        return list(self._unmatched)

    def has(self, schema: str | None, table: str) -> bool:
        """Return whether a table is among them."""
        return any(pattern.matches(schema, table) for pattern in self._patterns)

    def wants(self, schema: str | None, table: str) -> bool:
        """Return the same for the table of a statement, and note the pattern as used."""
        matching = [pattern.text for pattern in self._patterns if pattern.matches(schema, table)]
        for text in matching:
            self._unmatched.pop(text, None)
        return bool(matching)

    def wants_of(self, schema: str) -> bool:
        """Return whether any table of a schema can be wanted."""
        return any(pattern.matches_schema(schema) for pattern in self._patterns)


def is_system_schema(name: str) -> bool:
    """Return whether a schema belongs to the server itself."""
    return name in _SYSTEM or name.lower() in _VIRTUAL


class Selection:
    """Decides whether to skip a statement.

    Parameters
    ----------
    tables : TableSelection
        The tables that are wanted.
    schema_only, data_only, system_schemas : bool
        See `rewrite.Rewriter`.
    reserved : mapping of str to str
        See `rewrite.Rewriter`.
    """

    def __init__(
        self,
        tables: TableSelection,
        *,
        schema_only: bool,
        data_only: bool,
        system_schemas: bool,
        reserved: Mapping[str, str],
    ) -> None:
        self.tables = tables
        self._reserved = reserved
        self._schema_only = schema_only
        self._data_only = data_only
        self._system_schemas = system_schemas
        self._left_system_out = False

    def reason(self, look: Look) -> str | None:
        """Return the reason to skip a statement, for the report; None to keep it."""
        kind = look.about.kind
        if kind in _NEVER_SKIPPED:
            return self._reason_of_setting(look)
        sets_role = look.first == b"SET" and look.words[1:2] == (b"ROLE",)
        if look.first in _PREPARED or sets_role:
            return None
        return self._reason_of_schema(look) or self._reason_of_kind(look) or self._by_table(look)

    def reason_of_rows(self, schema: str | None, table: str) -> str | None:
        """Return the same for a statement with rows."""
        about = Classification(Kind.DATA, schema, table)
        return self.reason(Look(b"INSERT", about, schema))

    def _reason_of_setting(self, look: Look) -> str | None:
        if self._system_schemas or not look.mentions(_OF_STATISTICS[-1]):
            return None
        return "system schema mysql" if look.words[:3] == _OF_STATISTICS else None

    def _reason_of_schema(self, look: Look) -> str | None:
        if self._left_system_out and look.words[:2] == (b"FLUSH", b"PRIVILEGES"):
            return "system schema mysql"
        if look.schema is None or look.about.kind is Kind.ACCOUNT:
            return None
        if (why := self._reserved.get(look.schema.lower())) is not None:
            return why
        if is_system_schema(look.schema) and not self._system_schemas:
            self._left_system_out = True
            return f"system schema {look.schema}"
        if self.tables and not self.tables.wants_of(look.schema):
            return "other schemas"
        return None

    def _reason_of_kind(self, look: Look) -> str | None:
        kind = look.about.kind
        truncates = look.first == b"TRUNCATE"
        if self._schema_only:
            words = look.words
            switches_keys = words[:2] == (b"ALTER", b"TABLE") and words[-1:] == (b"KEYS",)
            if kind in (Kind.DATA, Kind.LOCK) or truncates or switches_keys:
                return "rows"
        if self._data_only:
            if kind is Kind.LOCK:
                return "locks"
            defines = kind is Kind.OTHER and look.first in _DEFINING
            if (kind in _DEFINITIONS and not truncates) or defines:
                return "definitions"
        return None

    def _by_table(self, look: Look) -> str | None:
        if not self.tables:
            return None
        if not _is_about_tables(look):
            return _reason_beside_tables(look)
        # All of them are asked for, so that each pattern's use is seen.
        wanted = [self.tables.wants(*table) for table in targets(look)]
        return None if any(wanted) else "other tables"


def _reason_beside_tables(look: Look) -> str | None:
    """Return the reason to skip a statement about no table, if tables are selected."""
    kind = look.about.kind
    if kind is Kind.SCHEMA:
        # It would take the tables that are not selected with it.
        drops = look.first == b"DROP" or b"REPLACE" in look.words[:3]
        return "DROP DATABASE" if drops else None
    if kind is Kind.QUERY and look.first == b"CALL":
        return "routines"
    if kind is Kind.OTHER and look.first in _DEFINING:
        return "definitions"
    return _NOT_OF_TABLES.get(kind)


def _is_about_tables(look: Look) -> bool:
    kind, words = look.about.kind, look.words
    if kind is Kind.LOCK:
        return look.first == b"LOCK" and words[1:2] != (b"INSTANCE",)
    if kind is Kind.OTHER:
        return b"SEQUENCE" in words[:4] or look.first in _MAINTAINING
    if kind is Kind.TRIGGER:
        return look.about.table is not None  # DROP TRIGGER does not say whose it was
    return kind in _OF_TABLES or (kind is Kind.QUERY and b"SETVAL" in words[:2])


def targets(look: Look) -> list[tuple[str | None, str]]:
    """Return the tables that a statement changes, not those that it refers to."""
    if look.about.kind in (Kind.DATA, Kind.TRIGGER) and look.about.table is not None:
        return [(look.schema, look.about.table)]
    tables = look.names.tables if look.names else []
    qualified = [(schema or look.schema, table) for schema, table in tables]
    if look.first == b"RENAME":
        return qualified[::2]
    lists = look.first in (b"DROP", b"LOCK") and b"INDEX" not in look.words[:3]
    return qualified if lists else qualified[:1]


def without_items(statement: list[Token], unwanted: set[int]) -> list[Edit]:
    """Return the edits that leave some names out of a DROP TABLE or LOCK TABLES.

    Parameters
    ----------
    statement : list of Token
        The statement.
    unwanted : set of int
        Which of its names, from 0.
    """
    first = 0
    for at, token in enumerate(statement):
        if token.word in (b"TABLE", b"TABLES", b"VIEW", b"SEQUENCE", b"IF", b"EXISTS"):
            first = at + 1
        elif token.shape is Shape.SIGN and token.text == b",":
            break
    items: list[list[Token]] = [[]]
    for token in statement[first:]:
        if token.shape is Shape.SIGN and token.text == b",":
            items.append([])
        elif token.shape not in (Shape.OPEN, Shape.CLOSE):
            items[-1].append(token)
    # The last name may have RESTRICT after it: leave a name and one comma out.
    edits = []
    kept = [number for number in range(len(items)) if number not in unwanted]
    for number in unwanted:
        begin, end = items[number][0].start, items[number][-1].end
        if number > kept[-1]:
            begin = items[number - 1][-1].end
        else:
            end = items[number + 1][0].start
        edits.append(Edit(begin, end, b""))
    return edits
