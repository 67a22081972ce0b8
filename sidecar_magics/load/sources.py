"""Where a script comes from: a file, plain or gzipped, or the text of a cell."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import ScriptError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

CHUNK_BYTES = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
# What else people have and take for a script, by the bytes that it begins with.
OTHER_KINDS = {
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
}
LONGEST_MAGIC = max(map(len, OTHER_KINDS))


class Source:
    """A script as a stream of bytes, whose place in the file is known at any time.

    Parameters
    ----------
    name : str
        How to call it in messages.
    file : binary file
        The bytes as they lie on disk; closed by `close`.
    size_bytes : int
        Their number.
    folder : Path
        What a ``source`` command in the script is relative to.
    path : Path, optional
        The file's own, with links resolved.
    first_line : int, default 1
        Number of the script's first line, in messages.
    """

    def __init__(
        self,
        name: str,
        file: IO[bytes],
        *,
        size_bytes: int,
        folder: Path,
        path: Path | None = None,
        first_line: int = 1,
    ) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self.folder = folder
        self.path = path
        self.first_line = first_line
        self._raw = _CountingReader(file)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, wanted_at: str = "") -> Source:
        """Open a file; gzip is recognised by its content, not by its name.

        Parameters
        ----------
        path : path
            The file; ``~`` is the home folder.
        wanted_at : str, optional
            Place in another script that asks for it, for the message if it is not there.

        Raises
        ------
        ScriptError
            There is no such file, or it cannot be read.
        """
        asked = f"{wanted_at}: " if wanted_at else ""
        expanded = Path(path)
        try:
            expanded = expanded.expanduser()
            file = expanded.open("rb")
            size_bytes = expanded.stat().st_size
        except FileNotFoundError:
            where = "" if expanded.is_absolute() else f" in {Path.cwd()}"
            message = f"{asked}there is no file {str(path)!r}{where}."
            raise ScriptError(message, hint=_near_misses(expanded)) from None
        except OSError as error:
            raise ScriptError(f"{asked}{path} cannot be read: {error.strerror}.") from None
        except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
            raise ScriptError(f"{asked}{str(path)!r} is no path: {error}.") from None
        real = expanded.resolve()
        return cls(str(path), file, size_bytes=size_bytes, folder=real.parent, path=real)

    @classmethod
    def from_text(cls, sql: str, *, first_line: int = 1) -> Source:
        """Make a source of SQL text, such as a cell's body."""
        data = sql.encode("utf-8", "surrogatepass")  # half an emoji is the server's to refuse
        return cls(
            "cell", io.BytesIO(data), size_bytes=len(data), folder=Path.cwd(), first_line=first_line
        )

    @property
    def position_bytes(self) -> int:
        """How many bytes of the file, as it lies on disk, have been read."""
        return self._raw.count

    @property
    def sha256(self) -> str:
        """Digest of the bytes read so far: of the file, once it has been read to its end."""
        return self._raw.digest.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yield the script, decompressed, piece by piece.

        Raises
        ------
        ScriptError
            The compressed file is damaged or cut short; the message has the place in the file.
        """
        head = self._raw.peek(LONGEST_MAGIC)
        for magic, kind in OTHER_KINDS.items():
            if head.startswith(magic):
                raise ScriptError(
                    f"{self.name} is {kind}, not SQL text.",
                    hint="unpack it first; of compressed files only gzip is read as it is.",
                )
        stream: io.IOBase = self._raw
        if head.startswith(GZIP_MAGIC):
            stream = gzip.GzipFile(fileobj=self._raw)
        try:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk
        except EOFError:
            raise self._damaged("is cut short") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._damaged(f"is damaged ({error})") from None
        except OSError as error:
            raise self._damaged(f"cannot be read on ({error.strerror})") from None

    def read_rest(self) -> None:
        """Read the file to its end, where a script ended before it, so that the digest is whole."""
        while self._raw.read(CHUNK_BYTES):
            pass

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _damaged(self, how: str) -> ScriptError:
        return ScriptError(
            f"{self.name} {how}, near byte {self.position_bytes:,} of {self.size_bytes:,}.",
            hint="get the file again; what came before this place has been loaded.",
        )


class _CountingReader(io.RawIOBase):
    """A file that counts and hashes what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
        self._ahead = b""
        self.count = 0
        self.digest = hashlib.sha256()

    def peek(self, size: int) -> bytes:
        """Return the next bytes without passing over them."""
        self._ahead = self._file.read(size)
        return self._ahead

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if 0 <= size <= len(self._ahead):
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._ahead + self._file.read(-1 if size < 0 else size - len(self._ahead))
            self._ahead = b""
        self.count += len(data)
        self.digest.update(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def _near_misses(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder} either; %pwd shows the notebook's."
    scripts = sorted(entry.name for entry in folder.glob("*.sql*"))[:5]
    if scripts:
        return f"the folder has {', '.join(scripts)}."
    if path.is_absolute():
        return f"there is no script in {folder}."
    return "the path is relative to the notebook's folder; %pwd shows it."
