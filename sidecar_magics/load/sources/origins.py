"""Places of a script's bytes on this machine: a file, standard input, a text."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path
from typing import IO, Any, Protocol, cast

from ...errors import ScriptError
from .source import open_file


class Origin(Protocol):
    """A place of bytes that can be opened, once or again; `remote.RemoteOrigin` is another."""

    @property
    def name(self) -> str:
        """How to call it in messages."""

    @property
    def path(self) -> Path | None:
        """The file, where it is one of this machine."""

    @property
    def size_bytes(self) -> int | None:
        """Size as it lies on disk; None if that is not known before the end."""

    @property
    def can_reopen(self) -> bool:
        """Whether it can be read more than once."""

    def open(self) -> IO[bytes]:
        """Open it, at its beginning."""

    def stamp(self) -> dict[str, Any] | None:
        """Return a stamp that changes when its bytes do; None if only reading shows that."""


class FileOrigin:
    """A file of this machine.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How to call it in messages.

    Raises
    ------
    ScriptError
        There is no such file.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        try:
            status = path.stat()
        except (OSError, ValueError):
            open_file(path)[0].close()  # says why
            raise
        # A pipe (`<(...)` of a shell) has its bytes once, and does not say how many.
        self.can_reopen = stat.S_ISREG(status.st_mode)
        self.size_bytes = status.st_size if self.can_reopen else None

    def open(self) -> IO[bytes]:
        """Open it, without a buffer."""
        return open_file(self.path)[0]

    def stamp(self) -> dict[str, Any] | None:
        """Return size and time of the last change, as they are now."""
        if not self.can_reopen:
            return None
        status = self.path.stat()
        return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


class InputOrigin:
    """Standard input.

    Parameters
    ----------
    file : binary file, optional
        Default: the process's own.

    Raises
    ------
    ScriptError
        There is none, or a user would have to type it.
    """

    name = "standard input"
    path = None
    can_reopen = False

    def __init__(self, file: IO[bytes] | None = None) -> None:
        found: IO[bytes] | None = getattr(sys.stdin, "buffer", None) if file is None else file
        if found is None or found.closed:
            raise ScriptError("there is no standard input to read.", hint="name a file.")
        if found.isatty():
            raise ScriptError(
                "standard input is this terminal, not a script.",
                hint="`... - < dump.sql`, or `zcat dump.sql.gz | ... -`.",
            )
        self._file = found
        self.size_bytes = _size_to_come(found)

    def open(self) -> IO[bytes]:
        """Return it; that it is closed later ends only our use of it."""
        return cast("IO[bytes]", Borrowed(self._file))

    def stamp(self) -> None:
        """Return nothing: only reading it shows what it is."""
        return


class TextOrigin:
    """A text, such as the body of a cell.

    Parameters
    ----------
    sql : str
        The script.
    """

    name = "cell"
    path = None
    can_reopen = True

    def __init__(self, sql: str) -> None:
        self._data = sql.encode("utf-8", "surrogatepass")
        self.size_bytes = len(self._data)

    def open(self) -> IO[bytes]:
        """Open it as if it were a file."""
        return io.BytesIO(self._data)

    def stamp(self) -> None:
        """Return nothing: a text is quickly read."""
        return


class Borrowed(io.RawIOBase):
    """A file that the caller opened and will close.

    Parameters
    ----------
    file : binary file
        It is read as it comes: a pipe's bytes before it is full.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._start = file.tell() if file.seekable() else 0

    def readable(self) -> bool:
        """Report that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return whether it is a file, not a pipe."""
        return self._file.seekable()

    def tell(self) -> int:
        """Return the place, counted from where it began for us."""
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place, and return it."""
        start = self._start if whence == os.SEEK_SET else 0
        return self._file.seek(offset + start, whence) - self._start

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, as many as there are by now; none at the end."""
        read = getattr(self._file, "read1", self._file.read)
        data: bytes = read(size)
        return data


def _size_to_come(file: IO[bytes]) -> int | None:
    try:
        status = os.fstat(file.fileno())
        return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError):  # no file of the system's, or a pipe
        return None
