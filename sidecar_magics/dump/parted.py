"""A table that one connection reads: one question, whose answer is parted here.

To read a range of the key costs a server more than to read all: as much as to spell the rows (a
fifth of the time of MySQL 9.7 and MariaDB 10.11). Here the key of one row in 256 KB is looked at,
and a few more where a border is among them.

The bytes of each part are those that a question for the part alone would get: so a dump is the same
with one connection as with several.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .packets import EOF_BYTES, batches, filled, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

    from .packets import Batch

_EOF = b"\x05\x00\x00\x00\xfe\x00\x00\x00\x00"
# A row's end for certain: what stands between two rows has a zero among any seven bytes.
_SURE_END = re.compile(rb"[^\0]{8}(?=\0)")
# After a row's end: the first number of the next row.
_KEY = re.compile(rb"(?s)\0....(?:[^\xfb-\xff]|\xfc..|\xfd...)\((-?[0-9]+)[,)]")
_LOOK_BYTES = 256 * 1024
# So few are searched row by row.
_WALK_BYTES = 4 * 1024


class PartedAnswer:
    """The rows of one question, read part after part, each as if it had been asked for by itself.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection that nothing is under way on, and that is asked nothing else before the last
        part is read.
    sql : bytes
        The question. Each value is as for `read_rows`, and never NULL; it begins with ``(`` and a
        whole number, by which the rows are in ascending order.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server refused, or the connection was lost.
    """

    def __init__(self, connection: pymysql.Connection[Any], sql: bytes) -> None:
        connection.query(sql, unbuffered=True)
        result = connection._result
        # What is left unread, PyMySQL need not wait for: then the connection is of no more use.
        result.unbuffered_active, result.connection = False, None
        self._file = _PartFile(connection._rfile)

    def batches(self, end: int | None) -> Iterator[Batch]:
        """Yield the next part's rows.

        Parameters
        ----------
        end : int or None
            The part ends before this number; None for all that remain.

        Raises
        ------
        As `read_rows`.
        """
        self._file.begin(end)
        yield from batches(self._file, may_be_null=False)


class _PartFile:
    """What a server sends, up to the end of a part; an end of rows follows, as the server's own."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._held = b"\0"  # from a row's end on: none of it is handed out yet
        self._is_end = False  # the server's end of rows is in it
        self._until: int | None = None
        self._ready = memoryview(b"")

    def begin(self, end: int | None) -> None:
        """Begin the part after the one that was read."""
        self._until = end
        # Of the last part, nothing needs to be looked at.
        self._ready = memoryview(self._held if end is None else b"")[1:]

    def read1(self, size: int) -> bytes | memoryview:
        """Return some of the next bytes."""
        if not self._ready:
            if self._until is None:
                piece: bytes = self._file.read1(size)
                return piece
            self._ready = self._more(self._until)
        ready = self._ready[:size]
        self._ready = self._ready[size:]
        return ready

    def _more(self, end: int) -> memoryview:
        """Return the next bytes that are known to belong to the part, or its end."""
        while True:
            at, is_over = self._reach(end)
            if at:
                known, self._held = memoryview(self._held)[1 : at + 1], self._held[at:]
                return known
            if is_over:
                return memoryview(_EOF)
            if self._is_end:
                raise unreadable()
            wanted = len(self._held) + max(len(self._held), _LOOK_BYTES)
            self._held, self._is_end = filled(self._file, self._held, wanted)

    def _reach(self, end: int) -> tuple[int, bool]:
        """Return which row's end is known to belong to the part, and whether it is the last one."""
        held = self._held
        low, high = 0, len(held) - 1 - EOF_BYTES if self._is_end else 0
        if not self._is_end and self._is_below(end, low):
            sure = _SURE_END.search(held, max(0, len(held) - _WALK_BYTES))
            if sure is not None and (match := _KEY.match(held, sure.end())):
                if int(match[1]) < end:
                    return sure.end(), False
                high = sure.end()
        while high - low > _WALK_BYTES:
            sure = _SURE_END.search(held, (low + high) // 2, high)
            if sure is None:
                break
            if self._is_below(end, sure.end()):
                low = sure.end()
            else:
                high = sure.end()
        while self._is_below(end, low):
            following = low + 4 + int.from_bytes(held[low + 1 : low + 4], "little")
            if following >= len(held):
                return low, False
            low = following
        is_last = self._is_end and low == len(held) - 1 - EOF_BYTES
        return low, is_last or bool(_KEY.match(held, low))

    def _is_below(self, end: int, at: int) -> bool:
        """Return whether the row after a row's end is there, and belongs to the part."""
        match = _KEY.match(self._held, at)
        return match is not None and int(match[1]) < end
