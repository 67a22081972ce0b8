"""The plan of a dump: pieces, in the order of its files.

Schemas with sequences and tables, routines, views (each after those in its text), triggers, events:
so no stand-ins for views are needed, and no trigger sees the rows. The places where a table is
split depend on its key alone, so the same rows give the same bytes on each server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

from .. import __version__
from . import rows, script
from .output import FOLDER_MARK
from .spelling import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .catalogue import Schema, StoredTable
    from .policy import DumpPolicy

# A table counts at least this much in the progress.
LEAST_BYTES = 16 * 1024
PROGRAMS = "2.programs.sql"
MOST_CHARACTERS = 120


class Text(NamedTuple):
    """A text that needs no question."""

    sql: bytes


class Beginning(NamedTuple):
    """The definition of a schema, and of the sequences in it."""

    schema: Schema


class TableCreation(NamedTuple):
    """The definition of a table."""

    table: StoredTable


class RowsPart(NamedTuple):
    """Rows of a table, or of a part of it; with about how large they are."""

    table: StoredTable
    part: rows.Range
    size_bytes: int


class Views(NamedTuple):
    """All views, in an order of their own."""

    schemas: tuple[Schema, ...]


class Programs(NamedTuple):
    """Routines, or triggers, or events of a schema."""

    schema: Schema
    kind: str


Piece = Union[Text, Beginning, TableCreation, RowsPart, Views, Programs]


class DumpWork(NamedTuple):
    """Pieces that one connection does, one after the other; with about how large they are."""

    pieces: tuple[Piece, ...]
    size_bytes: int = 0

    @property
    def needs_lock(self) -> bool:
        """Whether it reads a table whose rows no snapshot has."""
        return any(isinstance(p, RowsPart) and not p.table.is_transactional for p in self.pieces)


class PlannedFile(NamedTuple):
    """A file of a folder: its name without an ending, its pieces, the table that it is of."""

    name: str
    pieces: Iterator[Piece]
    table: StoredTable | None = None


class DumpPlanner:
    """Plans a dump.

    Parameters
    ----------
    policy : DumpPolicy
        The options of the dump.
    schemas : list of Schema
        The schemas to dump.
    server : str
        Kind and version of the server.
    parts_of : callable
        Returns the parts in which a table's rows are read.
    loaded_before : sequence of mapping, default ()
        Records of the loads with --once that are in the dump.
    lacks : sequence of str, default ()
        Objects that the dump may lack, a sentence each.
    """

    def __init__(
        self,
        policy: DumpPolicy,
        schemas: list[Schema],
        server: str,
        parts_of: Callable[[StoredTable], list[rows.Range]],
        loaded_before: Sequence[Mapping[str, str | None]] = (),
        *,
        lacks: Sequence[str] = (),
    ) -> None:
        self._policy = policy
        self._schemas = schemas
        self._heading = Text(script.heading(__version__, server))
        self._first_heading = Text(script.heading(__version__, server, loaded_before, lacks))
        self._ending = Text(script.ending(server))
        self._parts_of = parts_of

    def file(self) -> Iterator[Piece]:
        """Yield the pieces of a dump that is one file."""
        yield self._first_heading
        # A table may take its numbers from a sequence in any schema: then these come first.
        begin_first = any(schema.sequences for schema in self._schemas)
        if begin_first:
            for schema in self._schemas:
                yield from self._begin(schema)
        for schema in self._schemas:
            if not begin_first:
                yield from self._begin(schema)
            elif schema.tables:
                yield Text(b"\n" + script.use(schema.name))
            for table in schema.tables:
                yield from self._table(table)
        yield from self._programs()
        yield self._ending

    def folder(self) -> Iterator[PlannedFile]:
        """Yield the files of a dump that is a folder, in the order in which they are loaded."""
        schemas = (piece for schema in self._schemas for piece in self._begin(schema))
        yield PlannedFile(FOLDER_MARK, self._alone(schemas, self._first_heading))
        names = FileNames()
        for schema in self._schemas:
            for table in schema.tables:
                used = (Text(b"\n" + script.use(schema.name)), *self._table(table))
                yield PlannedFile(names.of(table), self._alone(used), table)
        yield PlannedFile(PROGRAMS, self._alone(self._programs()))

    def _alone(self, pieces: Iterable[Piece], heading: Text | None = None) -> Iterator[Piece]:
        yield heading or self._heading
        yield from pieces
        yield self._ending

    def _begin(self, schema: Schema) -> Iterator[Piece]:
        if self._policy.data_only:
            yield Text(b"\n" + script.use(schema.name))
        else:
            yield Beginning(schema)

    def _table(self, table: StoredTable) -> Iterator[Piece]:
        if not self._policy.data_only:
            yield TableCreation(table)
        if self._policy.schema_only or not has_rows(table):
            return
        parts = self._parts_of(table)
        for part in parts:
            yield RowsPart(table, part, max(table.size_bytes // len(parts), LEAST_BYTES))

    def _programs(self) -> Iterator[Piece]:
        if self._policy.data_only:
            return
        for schema in self._schemas:
            yield Programs(schema, "routines")
        yield Views(tuple(self._schemas))
        for kind in ("triggers", "events"):
            for schema in self._schemas:
                yield Programs(schema, kind)


# Engines that keep no rows of their own.
_ROWLESS = frozenset({"MRG_MYISAM", "MRG_ISAM", "BLACKHOLE", "FEDERATED"})


def has_rows(table: StoredTable) -> bool:
    """Return whether a table keeps rows that are its own."""
    return table.engine.upper() not in _ROWLESS


def grouped(pieces: Iterable[Piece]) -> Iterator[DumpWork]:
    """Yield pieces in groups, each up to rows that are read by themselves.

    A compressed file shows where groups end, so they do not depend on the server's estimates.
    """
    held: list[Piece] = []
    for piece in pieces:
        held.append(piece)
        if isinstance(piece, RowsPart):
            yield DumpWork(tuple(held), piece.size_bytes)
            held = []
    if held:
        yield DumpWork(tuple(held))


class FileNames:
    """Names for the files of tables: plain, and no two the same where capitals do not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, table: StoredTable) -> str:
        """Return the name of a table's file."""
        stem = f"1.{_short(table.schema)}.{_short(table.name)}"
        name, number = stem, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}~{number}"
        self._taken.add(name.casefold())
        return f"{name}.sql"


def _short(name: str) -> str:
    return file_name(name)[:MOST_CHARACTERS]
