"""The part of a script that is in memory, and where in the script it lies."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A place in a script: line and column (in bytes) from 1, offset in bytes from 0."""

    line: int
    column: int
    offset: int


class Window:
    """A stretch of a script's bytes that moves forward with the scan.

    Attributes
    ----------
    data : bytearray
        The bytes in memory; the other places here are counted from its beginning.
    at : int
        Where the scan stands.
    final : bool
        Whether the script ends where the data end.
    hungry : bool
        Whether the scan waits for more bytes.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.at = 0
        self.final = False
        self.hungry = False
        self._base = 0  # offset in the script of the first byte in memory
        self._counted = 0  # up to where lines are counted
        self._line = 1
        self._line_start = 0

    def extend(self, chunk: bytes, *, keep_from: int) -> None:
        """Forget the bytes before *keep_from*, which becomes place 0, and add *chunk*."""
        self.place(max(keep_from, self._counted))
        del self.data[:keep_from]
        self.data += chunk
        self._base += keep_from
        self.at -= keep_from
        self._counted -= keep_from
        self._line_start -= keep_from

    def lacks(self, length: int) -> bool:
        """Return whether to wait for more bytes, because fewer than *length* are left to read.

        At the end of the script there is nothing to wait for, but one byte must be left.
        """
        left = len(self.data) - self.at
        self.hungry = left < length and (left == 0 or not self.final)
        return self.hungry

    def offset(self, at: int) -> int:
        """Return the offset in the script of the byte *at*."""
        return self._base + at

    def place(self, at: int) -> Place:
        """Return the place of the byte *at*; calls must go forward, so that none counts twice."""
        lines = self.data.count(b"\n", self._counted, at)
        if lines:
            self._line += lines
            self._line_start = self.data.rindex(b"\n", self._counted, at) + 1
        self._counted = at
        return Place(self._line, at - self._line_start + 1, self._base + at)

    def skip_mark(self, length: int) -> None:
        """Step over a byte order mark: an offset counts it, a column does not."""
        self.at = self._counted = self._line_start = length
