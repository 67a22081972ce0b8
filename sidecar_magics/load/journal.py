"""How far a load is: kept in the server itself, in the same transactions as its rows."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from ..schemas import JOURNAL_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .entries import Entry
    from .failures import Step
    from .link import Link
    from .tasks import Table, Task

SCHEMA = JOURNAL_SCHEMA
REFUSED = 0xFFFFFFFF
"""In the place of a checksum: the statement was refused, so it was not done."""


class Piece(NamedTuple):
    """A part of a script that is done: from the first statement to the end of the last."""

    source: int
    begins: int
    ends: int
    crc: int
    touched: str


class Journal:
    """One load's part of the journal.

    Parameters
    ----------
    link : Link
        A connection for what is not part of a lane's transaction.
    entry : Entry
        The load.
    resumed : bool
        An earlier process began it.
    """

    def __init__(self, link: Link, entry: Entry, *, resumed: bool) -> None:
        self._link = link
        self.entry = entry
        self.resumed = resumed
        self._pieces: dict[int, list[Piece]] = defaultdict(list)
        self._read_to: dict[Piece, int] = {}  # checksum so far
        self._farthest: dict[str, tuple[int, int]] = {}
        self._doubts: dict[tuple[int, int], int] = {}
        self._deferred: dict[tuple[bytes, bytes], list[bytes]] = {}
        if resumed:
            self._read()

    # Writing: text for a lane's own transaction ------------------------------------------------

    def note_done(self, pieces: Iterable[Piece]) -> bytes:
        """Return the statement that notes pieces as done."""
        values = ",".join(
            f"({self.entry.id},{piece.source},{piece.begins},{piece.ends},{piece.crc},"
            f"{literal(piece.touched.encode())})"
            for piece in pieces
        )
        # A note whose answer was lost may be there already.
        return f"INSERT IGNORE INTO `{SCHEMA}`.`done` VALUES {values}".encode()

    def find(self, step: Step) -> bytes:
        """Return the question for the piece that begins with a step."""
        return (
            f"SELECT 1 FROM `{SCHEMA}`.`done` WHERE load_id = {self.entry.id}"
            f" AND source = {step.source.number} AND begins = {step.item.offset}"
        ).encode()

    def note_doubt(self, step: Step, before_crc: int) -> bytes:
        """Return the statement that notes a step before it runs."""
        values = f"({self.entry.id},{step.source.number},{step.item.offset},{before_crc})"
        return f"REPLACE INTO `{SCHEMA}`.`doubts` VALUES {values}".encode()

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

    # Reading: what an earlier process has done -------------------------------------------------

    def is_done(self, step: Step, task: Task) -> bool:
        """Tell whether a step was done by the process before this one.

        Raises
        ------
        ValueError
            The script has changed since.
        """
        if step.is_ours:
            return False
        place = (step.source.number, step.item.offset)
        for piece in self._pieces.get(place[0], ()):
            if piece.begins <= place[1] < piece.ends:
                self._compare(piece, step)
                return True
        # What came later and needed it is done.
        if task.is_barrier:
            return not task.in_transaction and place < self._farthest.get("", (-1, -1))
        return any(place < self._farthest.get(key, (-1, -1)) for key in task.writes)

    def doubt(self, step: Step) -> int | None:
        """Return what was noted before a step was run by an earlier process, if it was."""
        return self._doubts.get((step.source.number, step.item.offset))

    def deferred(self, table: Table) -> list[bytes]:
        """Return the indexes that an earlier process took from a table, and forget them here."""
        return self._deferred.pop((table.schema, table.name), [])

    def is_ours(self, link: Link) -> bool:
        """Tell whether no other process has taken the load over."""
        return self.entry.token == link.ask(
            f"SELECT token FROM {SCHEMA}.loads WHERE id = {self.entry.id}"
        )

    @property
    def reached(self) -> bool:
        """Whether an earlier process has done anything that is noted."""
        return bool(self._pieces or self._doubts)

    def _compare(self, piece: Piece, step: Step) -> None:
        crc = zlib.crc32(step.sql, self._read_to.get(piece, 0))
        self._read_to[piece] = crc
        if step.item.end > piece.ends or (step.item.end == piece.ends and crc != piece.crc):
            raise ValueError(step.place)

    def _read(self) -> None:
        where = f"WHERE load_id = {self.entry.id}"
        self._pieces.clear()
        for source, begins, ends, crc, touched in self._link.rows(
            f"SELECT source, begins, ends, crc, HEX(touched) FROM {SCHEMA}.done {where}"
            " ORDER BY source, begins"
        ):
            keys = bytes.fromhex(touched or "").decode("utf-8", "replace")
            piece = Piece(int(source or 0), int(begins or 0), int(ends or 0), int(crc or 0), keys)
            self._pieces[piece.source].append(piece)
            last = (piece.source, piece.ends)
            for key in ("", *_with_schemas(keys.split("\n"))):
                self._farthest[key] = max(last, self._farthest.get(key, last))
        for source, begins, before in self._link.rows(
            f"SELECT source, begins, before_crc FROM {SCHEMA}.doubts {where}"
        ):
            self._doubts[int(source or 0), int(begins or 0)] = int(before or 0)
        for schema, name, kept in self._link.rows(
            f"SELECT HEX(table_schema), HEX(table_name), HEX(definitions)"
            f" FROM {SCHEMA}.indexes {where}"
        ):
            definitions = json.loads(bytes.fromhex(kept or ""))
            names = (bytes.fromhex(schema or ""), bytes.fromhex(name or ""))
            self._deferred[names] = [text.encode("latin-1") for text in definitions]


def piece_of(steps: list[Step], touched: Iterable[str]) -> Piece:
    """Return the piece that steps, one behind another in one script, make up."""
    crc = 0
    for step in steps:
        crc = zlib.crc32(step.sql, crc)
    first, last = steps[0], steps[-1]
    # A barrier touches whatever it likes: it needs no name here.
    return Piece(
        first.source.number,
        first.item.offset,
        last.item.end,
        crc,
        "\n".join(sorted(touched))[:1000],
    )


def _with_schemas(keys: list[str]) -> set[str]:
    """Add to tables the schemas that they are in: those must have been there."""
    return {*keys, *(key.rpartition("`.`")[0] + "`" for key in keys if "`.`" in key)}


def lock_name(token: str, lane: int) -> str:
    """Return the name of the lock that a lane's connection holds as long as it lives."""
    return f"{SCHEMA}.{token}.{lane}"


def literal(data: bytes) -> str:
    """Return bytes as a literal of SQL."""
    return f"x'{data.hex()}'"
