"""Whether a dump came to its end: its maker says so in its last line."""

from __future__ import annotations

HEADERS = (b"\n-- MySQL dump 1", b"\n-- MariaDB dump 1", b"\n-- sidecar-magics dump ")
FOOTER = b"\n-- Dump completed"
_BEGINNING = b"\n-- "
TAIL_BYTES = max(map(len, (*HEADERS, FOOTER))) - 1
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DumpMarks:
    r"""Count the first and the last lines of dumps in a stream: mysqldump's, mariadb-dump's, ours.

    Several dumps may have been joined to one file; each of them must be whole. In their data such
    a line cannot occur, because a line's end in a string is written as ``\n``. A dump made with
    ``--skip-comments`` has neither line.
    """

    def __init__(self) -> None:
        self._begun = self._completed = 0
        self._tail = b"\n"
        self._start: bytes | None = b""

    @property
    def begun(self) -> bool:
        """Whether a dump has begun."""
        return self._begun > 0

    @property
    def open(self) -> bool:
        """Whether a dump has begun and not been completed."""
        return self._begun > self._completed

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        if self._start is not None:
            chunk = self._start + chunk
            if len(chunk) < len(BYTE_ORDER_MARK):
                self._start = chunk
                return
            self._start = None
            chunk = chunk[len(BYTE_ORDER_MARK) :] if chunk.startswith(BYTE_ORDER_MARK) else chunk
        # Most chunks hold nothing but rows: one look is enough.
        if _BEGINNING in chunk or _BEGINNING[:1] in self._tail:
            self._begun += sum(self._count(header, chunk) for header in HEADERS)
            self._completed += self._count(FOOTER, chunk)
        self._tail = (self._tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]

    def _count(self, mark: bytes, chunk: bytes) -> int:
        # Neither half of the seam has room for the whole mark, so none is counted twice.
        most = len(mark) - 1
        seam = self._tail[-most:] + chunk[:most]
        return chunk.count(mark) + seam.count(mark)
