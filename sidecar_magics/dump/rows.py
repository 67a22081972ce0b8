"""A table's rows as INSERT statements, spelled by the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import values
from .packets import LONGEST_ROW_BYTES, read_rows
from .parted import PartedAnswer
from .spelling import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

    from .catalogue import StoredTable
    from .packets import Batch

# A table is read in this many parts, or up to twice as many, if its key's numbers span as much.
LEAST_PARTS = 32
SPAN_OF_PARTS = 2**16
# So many bytes are read in parts where the numbers span less.
LARGE_BYTES = 64 * 1024 * 1024


class Range(NamedTuple):
    """A part of a table: the rows with keys from `first` up to before `end`; None is open."""

    first: int | None = None
    end: int | None = None


class InsertStatement(NamedTuple):
    """An INSERT statement, with its end of line, how many rows it has, and where they begin."""

    sql: bytes
    rows: int
    rows_at: int


WHOLE = Range()


def parts(lowest: int, highest: int, size_bytes: int) -> list[Range]:
    """Return the parts in which a table is read, by the range of its key.

    They depend on the numbers alone, but for a table of more than 64 MB with few of them: so the
    same rows are parted in the same way on each server.

    Parameters
    ----------
    lowest, highest : int
        The least and the largest number that the first column of its key has.
    size_bytes : int
        About how large the table is.
    """
    span = highest - lowest
    least = LEAST_PARTS * 2 if size_bytes >= LARGE_BYTES else SPAN_OF_PARTS
    if span < least:
        return [WHOLE]
    width = 1 << (span.bit_length() - LEAST_PARTS.bit_length())
    borders = range(lowest + width, highest + 1, width)
    return [Range(first, end) for first, end in zip([None, *borders], [*borders, None])]


class RowReader:
    """Reads the rows of a table.

    Parameters
    ----------
    table : StoredTable
        The table.
    max_packet_bytes : int
        The server's ``max_allowed_packet``: it makes NULL of a longer text.
    where : str, optional
        Condition that rows must meet.
    reads_on : bool, default False
        Whether all parts of the table are read by this, one after another, with nothing else asked
        on the connection between two of them.
    """

    def __init__(
        self,
        table: StoredTable,
        max_packet_bytes: int,
        where: str | None = None,
        *,
        reads_on: bool = False,
    ) -> None:
        self.table = self._table = table
        self._where = where
        self._max_packet_bytes = max_packet_bytes
        self._limit_bytes = min(max_packet_bytes, LONGEST_ROW_BYTES) // 2
        self._given = table.given
        self._wide = [c for c in self._given if values.widest(c) >= self._limit_bytes // 64]
        widest = sum(map(values.widest, self._given))
        self._may_be_too_long = widest >= self._limit_bytes
        is_led_by_key = table.is_sorted and self._given[:1] == (table.key,)
        self._reads_on = reads_on and is_led_by_key and not self._may_be_too_long
        self._answer: PartedAnswer | None = None
        names = b" (" + b",".join(quoted(c.name) for c in self._given) + b")"
        self._head = (
            b"INSERT INTO "
            + quoted(table.name)
            + (names if table.needs_names else b"")
            + b" VALUES\n"
        )

    def statements(
        self, connection: pymysql.Connection[Any], part: Range = WHOLE
    ) -> Iterator[InsertStatement]:
        """Yield INSERT statements of about a megabyte each, until all rows of a part are in them.

        Raises
        ------
        pymysql.err.MySQLError, OSError
            The server refused, or the connection was lost.
        """
        has_long = False
        for batch in self._batches(connection, part):
            has_long = has_long or batch.has_null
            if batch.rows:
                yield InsertStatement(
                    self._head + _joined(batch.rows), len(batch.rows), len(self._head)
                )
        if has_long:
            for row in self._long_rows(connection, part):
                yield InsertStatement(b"".join((self._head, row, b";\n")), 1, len(self._head))

    def _batches(self, connection: pymysql.Connection[Any], part: Range) -> Iterator[Batch]:
        if not self._reads_on or part == WHOLE:
            return read_rows(connection, self.select(part), may_be_null=self._may_be_too_long)
        if self._answer is None or part.first is None:
            self._answer = PartedAnswer(connection, self.select(WHOLE))
        return self._answer.batches(part.end)

    def select(self, part: Range = WHOLE) -> bytes:
        """Return the question for the rows of a part, each as one text: ``(1,'a')`` and a zero."""
        row = values.row(self._given)
        if self._may_be_too_long:
            row = b"IF(%s,NULL,%s)" % (self._is_long(), row)
        return self._from(row, part)

    def _from(self, what: bytes, part: Range, *conditions: bytes) -> bytes:
        table = self._table
        found = [*conditions, *self._conditions(part)]
        where = b" WHERE " + b" AND ".join(found) if found else b""
        path = quoted(table.schema, table.name)
        return b"SELECT %s FROM %s%s%s" % (what, path, self._index(part), where)

    def _index(self, part: Range) -> bytes:
        """Return which index to read by: rows lie in the order of the primary key, if any."""
        if not self._table.is_transactional:
            return b""
        return b" USE INDEX ()" if part == WHOLE else b" FORCE INDEX (PRIMARY)"

    def _conditions(self, part: Range) -> Iterator[bytes]:
        key = self._table.key
        if key is not None:
            yield from _between(quoted(key.name), part)
        if self._where is not None:
            yield b"(%s)" % self._where.encode()

    def _is_long(self) -> bytes:
        return b"%s > %d" % (b" + ".join(map(values.length, self._wide)), self._limit_bytes // 2)

    # Rows that are too long for one text of the server ------------------------------------------

    def _long_rows(self, connection: pymysql.Connection[Any], part: Range) -> Iterator[bytes]:
        """Yield the rows that the server cannot spell, one by one: spelled here."""
        cells = b",".join(
            values.plain(column) if column in self._wide else values.spelled(column)
            for column in self._given
        )
        connection.query(self._from(cells, part, self._is_long()), unbuffered=True)
        result: Any = connection._result
        try:
            while True:
                packet = connection._read_packet()
                if result._check_packet_is_eof(packet):
                    break
                yield b"(" + b",".join(self._cells(result._read_row_from_packet(packet))) + b")"
        finally:
            result.unbuffered_active, result.connection = False, None

    def _cells(self, row: tuple[bytes | None, ...]) -> Iterator[bytes]:
        # By their digits bytes are twice as long, and may be too long for a server to take.
        room = self._max_packet_bytes - sum(len(cell or b"") for cell in row)
        for column, cell in zip(self._given, row):
            if cell is None:
                yield b"NULL"
            elif column not in self._wide:
                yield cell
            elif not values.is_bytes(column):
                yield literal(cell)
            elif len(cell) > room - len(self._head) - 1024:
                yield b"_binary " + literal(cell)
            else:
                yield b"x'" + cell.hex().upper().encode() + b"'"
                room -= len(cell)


def _between(key: bytes, part: Range) -> Iterator[bytes]:
    """Yield the condition for the numbers of a part, which the server looks at for each row."""
    if part.first is not None and part.end is not None:
        yield b"%s BETWEEN %d AND %d" % (key, part.first, part.end - 1)  # one look, not two
    elif part.first is not None:
        yield b"%s >= %d" % (key, part.first)
    elif part.end is not None:
        yield b"%s < %d" % (key, part.end)


def _joined(rows: list[bytes]) -> bytes:
    r"""Return rows with a line each, and the ends of lines within them as ``\n`` and ``\r``."""
    body = b"\0".join(rows)
    for end, escaped in ((b"\n", b"\\n"), (b"\r", b"\\r")):
        if end in body:
            body = body.replace(end, escaped)
    return body.replace(b"\0", b",\n") + b";\n"
