"""The content of a server: schemas with tables and their columns, views and programs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .spelling import literal, table_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    # A question in SQL -> its rows, each cell as a text.
    Ask = Callable[[bytes], "list[tuple[str | None, ...]]"]

# MySQL says DEFAULT_GENERATED of an expression as a default, which is another thing.
_GENERATED = re.compile(r"\b(?:VIRTUAL|STORED|PERSISTENT) GENERATED", re.IGNORECASE)
_INVISIBLE = re.compile(r"\bINVISIBLE\b", re.IGNORECASE)
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
# Tables whose rows are those of a transaction's snapshot.
TRANSACTIONAL = frozenset({"innodb", "rocksdb", "tokudb"})


class StoredColumn(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        Its type without any length: ``varchar``, ``int``, ...
    definition : str
        Its type with length and values: ``varchar(20)``, ``enum('a','b')``, ...
    charset : str or None
        Character set of a text, else None.
    is_nullable : bool
        Whether it may be NULL.
    size_bytes : int
        Length of the longest text or string of bytes; 0 for other types.
    is_generated : bool
        Whether the server computes it: it takes no value.
    is_invisible : bool
        Whether ``*`` leaves it out.
    """

    name: str
    kind: str
    definition: str = ""
    charset: str | None = None
    is_nullable: bool = True
    size_bytes: int = 0
    is_generated: bool = False
    is_invisible: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether it holds whole numbers."""
        return self.kind in _INTEGERS


@dataclass(frozen=True)
class StoredTable:
    """A table, and the facts that decide how to read its rows.

    Parameters
    ----------
    schema, name : str
        Its schema.
    kind : str
        As the server calls it: ``BASE TABLE``, ``SYSTEM VERSIONED``, ``SEQUENCE``, ``VIEW``.
    engine : str
        Storage engine; empty for a view.
    size_bytes : int
        Size of its rows, as the server estimates.
    rows : int
        Number of its rows, as the server estimates.
    columns : tuple of StoredColumn
        In their order.
    key : StoredColumn or None
        First column of the primary key; None if there is no such key.
    is_sorted : bool
        Whether reading all of it gives the rows by that column, in ascending order.
    """

    schema: str
    name: str
    kind: str = "BASE TABLE"
    engine: str = "InnoDB"
    size_bytes: int = 0
    rows: int = 0
    columns: tuple[StoredColumn, ...] = ()
    key: StoredColumn | None = None
    is_sorted: bool = False

    def __str__(self) -> str:
        return table_path(self.schema, self.name)

    @property
    def is_transactional(self) -> bool:
        """Whether a snapshot has its rows as they were at one moment."""
        return self.engine.lower() in TRANSACTIONAL

    @property
    def given(self) -> tuple[StoredColumn, ...]:
        """The columns that a statement gives values for."""
        return tuple(column for column in self.columns if not column.is_generated)

    @property
    def needs_names(self) -> bool:
        """Whether an INSERT must name its columns, since others are left out or not seen."""
        return any(column.is_generated or column.is_invisible for column in self.columns)


class StoredProgram(NamedTuple):
    """A routine, trigger or event.

    Attributes
    ----------
    kind : str
        As SHOW CREATE names it.
    name : str
        Its name.
    table : str
        Of a trigger.
    is_hidden : bool
        Whether its body is hidden from the account.
    """

    kind: str
    name: str
    table: str = ""
    is_hidden: bool = False


@dataclass
class Schema:
    """A schema and its content.

    Parameters
    ----------
    name : str
        Its name.
    collation : str
        Collation of its new tables.
    tables, sequences, views : list of StoredTable
        By name.
    routines, triggers, events : list of StoredProgram
        In the order in which they are to be made.
    """

    name: str
    collation: str = ""
    tables: list[StoredTable] = field(default_factory=list)
    sequences: list[StoredTable] = field(default_factory=list)
    views: list[StoredTable] = field(default_factory=list)
    routines: list[StoredProgram] = field(default_factory=list)
    triggers: list[StoredProgram] = field(default_factory=list)
    events: list[StoredProgram] = field(default_factory=list)


def schema_names(ask: Ask) -> list[str]:
    """Return the names of all schemas that the account can see."""
    rows = ask(b"SELECT schema_name FROM information_schema.schemata ORDER BY BINARY schema_name")
    return [name or "" for (name,) in rows]


def read_catalogue(ask: Ask, names: Sequence[str]) -> list[Schema]:
    """Return some schemas with their content.

    Parameters
    ----------
    ask : callable
        Asks the server.
    names : sequence of str
        Schemas that exist, in the order in which they are to be returned.
    """
    if not names:
        return []
    of = _Questions(ask, names)
    schemas = {name: Schema(name, collation) for name, collation in of.collations()}
    columns, keys = of.columns(), of.keys()
    for table in of.tables():
        path = (table.schema, table.name)
        described = columns.get(path, ())
        first, ascends = keys.get(path, ("", False))
        key = next((column for column in described if column.name == first), None)
        known = {"columns": described, "key": key, "is_sorted": table.is_sorted and ascends}
        _list_of(schemas[table.schema], table.kind).append(StoredTable(**{**vars(table), **known}))
    for schema, routine in of.programs(_ROUTINES):
        schemas[schema].routines.append(routine)
    for schema, trigger in of.programs(_TRIGGERS):
        schemas[schema].triggers.append(trigger)
    for schema, event in of.programs(_EVENTS):
        schemas[schema].events.append(event)
    return [schemas[name] for name in names if name in schemas]


# A column that is to be the name of one of the schemas.
_SCHEMA = re.compile(rb"(\w+) IS_NAMED")
# A package's body needs the package; MariaDB lists both as routines.
_ROUTINES = b"""SELECT routine_schema, routine_type, routine_name, '', routine_definition IS NULL
 FROM information_schema.routines WHERE routine_schema IS_NAMED ORDER BY routine_schema,
 FIELD(routine_type, 'PACKAGE', 'PACKAGE BODY'), routine_type, BINARY routine_name"""
# Those of one table and moment fire in the order in which they were made.
_TRIGGERS = b"""SELECT trigger_schema, 'TRIGGER', trigger_name, event_object_table,
 action_statement IS NULL
 FROM information_schema.triggers WHERE trigger_schema IS_NAMED ORDER BY trigger_schema,
 BINARY event_object_table, action_timing, event_manipulation, action_order"""
_EVENTS = b"""SELECT event_schema, 'EVENT', event_name, '', 0 FROM information_schema.events
 WHERE event_schema IS_NAMED ORDER BY event_schema, BINARY event_name"""


class _Questions:
    """Questions to information_schema about some schemas."""

    def __init__(self, ask: Ask, names: Iterable[str]) -> None:
        texts = [literal(name) for name in names]
        self._named = texts
        self._ask_server = ask

    def _ask(self, sql: bytes) -> Iterator[list[str]]:
        for row in self._ask_server(_SCHEMA.sub(self._among, sql)):
            yield ["" if cell is None else cell for cell in row]

    def _among(self, asked: re.Match[bytes]) -> bytes:
        """Return the condition that a column is one of the schemas' names.

        MariaDB opens the tables of all schemas unless exactly one is named. Of several it takes
        those that differ in capitals or accents alone for one, unless bytes are compared.
        """
        if len(self._named) == 1:
            return b"%s = %s" % (asked[1], self._named[0])
        return b"BINARY %s IN (%s)" % (asked[1], b", ".join(self._named))

    def collations(self) -> Iterator[tuple[str, str]]:
        sql = (
            b"SELECT schema_name, default_collation_name FROM information_schema.schemata"
            b" WHERE schema_name IS_NAMED"
        )
        return ((name, collation) for name, collation in self._ask(sql))

    def tables(self) -> Iterator[StoredTable]:
        sql = (
            b"SELECT table_schema, table_name, table_type, engine, data_length, table_rows,"
            b" engine = 'InnoDB' AND create_options NOT LIKE '%partitioned%'"
            b" FROM information_schema.tables WHERE table_schema IS_NAMED"
            b" ORDER BY table_schema, BINARY table_name"
        )
        for schema, name, kind, engine, size, rows, lies_in_order in self._ask(sql):
            yield StoredTable(
                *(schema, name, kind, engine, int(size or 0), int(rows or 0)),
                is_sorted=lies_in_order == "1",
            )

    def columns(self) -> dict[tuple[str, str], tuple[StoredColumn, ...]]:
        sql = (
            b"SELECT table_schema, table_name, column_name, data_type, column_type,"
            b" character_set_name, is_nullable, character_octet_length, extra"
            b" FROM information_schema.columns WHERE table_schema IS_NAMED"
            b" ORDER BY table_schema, BINARY table_name, ordinal_position"
        )
        found: dict[tuple[str, str], list[StoredColumn]] = {}
        for schema, table, name, kind, definition, charset, null, size, extra in self._ask(sql):
            found.setdefault((schema, table), []).append(
                StoredColumn(
                    name,
                    kind.lower(),
                    definition,
                    charset or None,
                    null == "YES",
                    int(size or 0),
                    bool(_GENERATED.search(extra)),
                    bool(_INVISIBLE.search(extra)),
                )
            )
        return {path: tuple(columns) for path, columns in found.items()}

    def keys(self) -> dict[tuple[str, str], tuple[str, bool]]:
        sql = (
            b"SELECT table_schema, table_name, column_name, collation = 'A'"
            b" FROM information_schema.statistics"
            b" WHERE index_name = 'PRIMARY' AND seq_in_index = 1 AND table_schema IS_NAMED"
        )
        return {(schema, table): (name, up == "1") for schema, table, name, up in self._ask(sql)}

    def programs(self, sql: bytes) -> Iterator[tuple[str, StoredProgram]]:
        for schema, kind, name, table, is_hidden in self._ask(sql):
            yield schema, StoredProgram(kind, name, table, is_hidden == "1")


def _list_of(schema: Schema, kind: str) -> list[StoredTable]:
    if kind == "SEQUENCE":
        return schema.sequences
    return schema.views if kind.endswith("VIEW") else schema.tables
