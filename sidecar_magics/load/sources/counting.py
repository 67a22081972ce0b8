"""A file from a disk or a network: read once, counted and hashed on the way."""

from __future__ import annotations

import contextlib
import hashlib
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 256 * 1024


class CountingReader:
    """The bytes of a file from its first to its last; its place is known at any moment.

    Parameters
    ----------
    file : binary file
        At its beginning; closed by `close`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        # A pipe gives the bytes that there are: a statement need not wait until a block is full.
        self._fetch = getattr(file, "read1", file.read)
        self._ahead = b""
        self._fetched = 0
        self._digest = hashlib.sha256()
        self.ended = False

    @property
    def count(self) -> int:
        """How many bytes have been read."""
        return self._fetched - len(self._ahead)

    @property
    def sha256(self) -> str:
        """Digest of the bytes read so far: of the whole file, once `ended` is true."""
        return self._digest.hexdigest()

    def read(self, size: int) -> bytes:
        """Return the next bytes: at most `size`, none only at the end."""
        if not self._ahead:
            self._ahead = self._block()
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def read_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""
        data = self.peek(size)
        self._ahead = self._ahead[len(data) :]
        return data

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end, without passing over them."""
        while len(self._ahead) < size and (block := self._block()):
            self._ahead += block
        return self._ahead[:size]

    def push_back(self, data: bytes) -> None:
        """Put back the last bytes that were read: they are the next ones again."""
        self._ahead = data + self._ahead

    def skip(self, size: int) -> None:
        """Skip `size` bytes; they are hashed, too."""
        while size > 0 and (data := self.read(min(size, BLOCK_BYTES))):
            size -= len(data)

    def drain(self) -> None:
        """Read to the end, so that the digest is whole."""
        while self.read(BLOCK_BYTES):
            pass

    @contextlib.contextmanager
    def aside(self) -> Iterator[IO[bytes]]:
        """Lend the file itself, to seek in; it is put back where it was.

        Raises
        ------
        OSError
            It cannot seek: it is a pipe.
        """
        self._file.seek(0)
        try:
            yield self._file
        finally:
            self._file.seek(self._fetched)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _block(self) -> bytes:
        block: bytes = self._fetch(BLOCK_BYTES)
        self._fetched += len(block)
        self._digest.update(block)
        self.ended = not block
        return block
