"""Notes of a load's progress: kept in the server, in the same transactions as its rows.

One rule makes it safe to resume: a note of a piece includes everything that was done before it, or
that is noted already. Rows are noted in their own transaction. A definition commits by itself; from
then on it is *pending*, and the next note of any lane includes all pending pieces. So a piece is
never noted without those that it needs, and a resumed load never repeats a DROP or CREATE under
rows that it takes for done.

Statements that must not run twice are noted before they run, with a checksum of SHOW CREATE TABLE
where they alter a table. Within the script's own transaction or LOCK TABLES these notes use another
connection.
"""

from __future__ import annotations

import json
import threading
import zlib
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from ...schemas import JOURNAL_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..planning.tables import Name
    from ..planning.tasks import Step, Table
    from ..running.link import Link
    from .loads import LoadRecord

SCHEMA = JOURNAL_SCHEMA
# Instead of a table's schema and name: LAST_INSERT_ID() of the first lane.
_NO_TABLE = "'',''"
REFUSED = 0xFFFFFFFF
"""Instead of a checksum: the statement was refused, so it was not done."""


class NotedPiece(NamedTuple):
    """A part of a script that is done: from its first statement to the end of its last."""

    source: int
    begins: int
    ends: int
    crc: int


class Note(NamedTuple):
    """A lane's entry for the journal.

    Attributes
    ----------
    sql : bytes
        The statement; empty if there is nothing to note.
    pending : tuple of NotedPiece
        Pieces that are not pending any more once the statement is committed.
    """

    sql: bytes
    pending: tuple[NotedPiece, ...]


class Journal:
    """One load's part of the journal; any thread may use it.

    Parameters
    ----------
    link : Link
        A connection to read the notes of an earlier process.
    entry : LoadRecord
        The load.
    resumed : bool
        An earlier process began it.
    """

    def __init__(self, link: Link, entry: LoadRecord, *, resumed: bool) -> None:
        self.entry = entry
        self.resumed = resumed
        self.is_past_resuming = False  # from now on nothing is noted
        self._lock = threading.Lock()
        self._pending: dict[NotedPiece, None] = {}
        self._pieces: dict[int, list[NotedPiece]] = defaultdict(list)
        self._read_to: dict[NotedPiece, int] = {}  # checksum so far
        self._doubts: dict[tuple[int, int], int] = {}
        self._deferred: dict[tuple[bytes, bytes], list[bytes]] = {}
        self.undone_numbers: dict[Name, int] = {}
        if resumed:
            self._read(link)

    # Writing: text for a lane's own connection -------------------------------------------------

    def completed(self, piece: NotedPiece) -> int:
        """Take note of a piece that committed by itself, and return how many are pending.

        To be called before anything that needs the piece may run.
        """
        with self._lock:
            self._pending[piece] = None
            return len(self._pending)

    def note(self, pieces: Iterable[NotedPiece] = ()) -> Note:
        """Return the note for pieces that are done, together with all pending pieces."""
        with self._lock:
            pending = tuple(self._pending)
        # In one order: two lanes that note the same pieces at once cannot block each other then.
        values = ",".join(
            f"({self.entry.id},{piece.source},{piece.begins},{piece.ends},{piece.crc})"
            for piece in sorted({*pending, *pieces})
        )
        if not values:
            return Note(b"", pending)
        # Another lane may note a pending piece too, and a note may be there although its answer was
        # lost.
        columns = "load_id, source, begins, ends, crc"
        sql = f"INSERT IGNORE INTO `{SCHEMA}`.`done` ({columns}) VALUES {values}"
        return Note(sql.encode(), pending)

    def noted(self, note: Note) -> None:
        """Take note that a note is committed."""
        with self._lock:
            for piece in note.pending:
                self._pending.pop(piece, None)

    def find(self, step: Step) -> str:
        """Return the question for the piece that begins with a step."""
        return (
            f"SELECT 1 FROM `{SCHEMA}`.`done` WHERE load_id = {self.entry.id}"
            f" AND source = {step.source.number} AND begins = {step.item.offset}"
        )

    def note_doubt(self, step: Step, before_crc: int) -> bytes:
        """Return the statement that notes a step before it runs, to follow a `note` of the rest."""
        values = f"({self.entry.id},{step.source.number},{step.item.offset},{before_crc})"
        return f"REPLACE INTO `{SCHEMA}`.`doubts` VALUES {values}".encode()

    def note_numbers(self, place: tuple[int, int], numbers: Mapping[Name, int]) -> bytes:
        """Return the statement that notes the next AUTO_INCREMENT numbers of tables.

        They hold until the piece that begins at the place is done: the first one of the
        transaction that uses them.
        """
        values = ",".join(
            f"({self.entry.id},{literal(schema)},{literal(name)},{place[0]},{place[1]},{number})"
            for (schema, name), number in numbers.items()
        )
        return f"REPLACE INTO `{SCHEMA}`.`numbers` VALUES {values}".encode()

    def note_last_id(self) -> bytes:
        """Return the statement that notes LAST_INSERT_ID(), for the transaction that it is in."""
        return (
            f"REPLACE INTO `{SCHEMA}`.`numbers` VALUES"
            f" ({self.entry.id},{_NO_TABLE},0,0,LAST_INSERT_ID())"
        ).encode()

    def take_up_last_id(self) -> bytes:
        """Return the statement that gives a connection the noted LAST_INSERT_ID()."""
        return (
            "SET SESSION last_insert_id = (SELECT COALESCE(MAX(next_number), 0)"
            f" FROM `{SCHEMA}`.`numbers` WHERE load_id = {self.entry.id}"
            f" AND (table_schema, table_name) = ({_NO_TABLE}))"
        ).encode()

    def note_deferred(self, table: Table, definitions: list[bytes]) -> bytes:
        """Return the statement that notes indexes before they are dropped."""
        kept = json.dumps([definition.decode("latin-1") for definition in definitions]).encode()
        values = f"({self.entry.id},{literal(table.schema)},{literal(table.name)},{literal(kept)})"
        return f"REPLACE INTO `{SCHEMA}`.`indexes` VALUES {values}".encode()

    def forget_deferred(self, table: Table) -> bytes:
        """Return the statement that notes that a table has its indexes again."""
        return (
            f"DELETE FROM `{SCHEMA}`.`indexes` WHERE load_id = {self.entry.id}"
            f" AND table_schema = {literal(table.schema)} AND table_name = {literal(table.name)}"
        ).encode()

    # Reading: the notes of an earlier process --------------------------------------------------

    def is_done(self, step: Step) -> bool:
        """Return whether the process before this one did a step.

        Raises
        ------
        ValueError
            The script has changed since.
        """
        if step.is_ours:
            return False
        piece = self._piece_at(step.source.number, step.item.offset)
        if piece is None:
            return False
        self._compare(piece, step)
        return True

    def covers(self, step: Step) -> bool:
        """Return whether a step is within a noted piece, without comparing it."""
        return self._piece_at(step.source.number, step.item.offset) is not None

    def _piece_at(self, source: int, offset: int) -> NotedPiece | None:
        """Return the noted piece that a place is in, if there is one."""
        pieces = self._pieces.get(source, [])
        at = bisect_right(pieces, NotedPiece(source, offset + 1, 0, 0)) - 1
        return pieces[at] if at >= 0 and offset < pieces[at].ends else None

    def doubt(self, step: Step) -> int | None:
        """Return the note that an earlier process wrote before it ran a step, if any."""
        return self._doubts.get((step.source.number, step.item.offset))

    def is_doubtful(self, step: Step) -> bool:
        """Return whether a step may be committed although its transaction is not noted.

        It may, if the script continued after it: a definition commits everything before it, and
        nothing is noted once the session is unknown.
        """
        place = (step.source.number, step.item.offset)
        if step.is_ours:
            return False
        return any(other >= place for other, before in self._doubts.items() if before != REFUSED)

    def deferred(self, table: Table) -> list[bytes]:
        """Return the indexes that an earlier process deferred, and forget them here."""
        return self._deferred.pop((table.schema, table.name), [])

    def token_query(self) -> str:
        """Return the question for the token of the process that has the load now."""
        return f"SELECT token FROM {SCHEMA}.loads WHERE id = {self.entry.id}"

    def _compare(self, piece: NotedPiece, step: Step) -> None:
        crc = zlib.crc32(step.sql, self._read_to.get(piece, 0))
        self._read_to[piece] = crc
        if step.item.end > piece.ends or (step.item.end == piece.ends and crc != piece.crc):
            raise ValueError(step.place)

    def _read(self, link: Link) -> None:
        where = f"WHERE load_id = {self.entry.id}"
        for row in link.rows(
            f"SELECT source, begins, ends, crc FROM {SCHEMA}.done {where} ORDER BY source, begins"
        ):
            piece = NotedPiece(*(int(cell or 0) for cell in row))
            self._pieces[piece.source].append(piece)
        for source, begins, before in link.rows(
            f"SELECT source, begins, before_crc FROM {SCHEMA}.doubts {where}"
        ):
            self._doubts[int(source or 0), int(begins or 0)] = int(before or 0)
        for schema, name, kept in link.rows(
            f"SELECT HEX(table_schema), HEX(table_name), HEX(definitions)"
            f" FROM {SCHEMA}.indexes {where}"
        ):
            definitions = json.loads(bytes.fromhex(kept or ""))
            names = (bytes.fromhex(schema or ""), bytes.fromhex(name or ""))
            self._deferred[names] = [text.encode("latin-1") for text in definitions]
        for schema, name, source, begins, number in link.rows(
            "SELECT HEX(table_schema), HEX(table_name), source, begins, next_number"
            f" FROM {SCHEMA}.numbers {where} AND table_name <> ''"
        ):
            if self._piece_at(int(source or 0), int(begins or 0)) is None:
                names = (bytes.fromhex(schema or ""), bytes.fromhex(name or ""))
                self.undone_numbers[names] = int(number or 1)


def piece_of(steps: list[Step]) -> NotedPiece:
    """Return the piece of consecutive steps of one script."""
    crc = 0
    for step in steps:
        crc = zlib.crc32(step.sql, crc)
    first, last = steps[0], steps[-1]
    return NotedPiece(first.source.number, first.item.offset, last.item.end, crc)


def lock_name(token: str, lane: int) -> str:
    """Return the name of the lock that a lane's connection holds as long as it lives."""
    return f"{SCHEMA}.{token}.{lane}"


def literal(data: bytes) -> str:
    """Return bytes as a literal of SQL."""
    return f"x'{data.hex()}'"
