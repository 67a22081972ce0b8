"""The files of a dump: written beside their place, by several threads, in one order.

The first unfinished part of a file is written directly; the others wait in memory, then in a file
without a name. The last good dump stays: a new one is written under a name that no loader takes
(``.NAME.HOST-PID-....partial``), synced and renamed; the next dump removes the files of a killed
process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from ..errors import DumpError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .compression import Compressor

# A part that is not yet the next one keeps this much in memory, and the rest in a nameless file.
IN_MEMORY_BYTES = 8 * 1024 * 1024
_ENDING = ".partial"
_FORGOTTEN_S = 7 * 24 * 3600


class Part:
    """A part of a file, with a place in it that is known before it is written.

    Parameters
    ----------
    file : OrderedFile or Nowhere
        Its file.
    """

    def __init__(self, file: OrderedFile | Nowhere) -> None:
        self._file = file
        self._compressor = file.new_compressor()
        self.sql_bytes = 0

    def write(self, data: bytes) -> None:
        """Write the next bytes of it."""
        self.sql_bytes += len(data)
        self._file.place(self, self._compressor.compress(data))

    def close(self) -> None:
        """End the part."""
        self._file.place(self, self._compressor.flush())
        self._file.close_part(self)


class OrderedFile:
    """A file whose parts are written at the same time, and stand in the order of their making.

    Parameters
    ----------
    path : Path
        Where it is; recreated.
    new_compressor : callable
        Makes one for each part.
    final : Path
        How to call it where it cannot be written.
    """

    def __init__(self, path: Path, new_compressor: Callable[[], Compressor], final: Path) -> None:
        self._path = path
        self._final = final
        self.new_compressor = new_compressor
        self._file: IO[bytes] | None = None
        self._parts: list[Part] = []  # those not yet in the file; the first one is written to it
        self._waiting: dict[Part, IO[bytes]] = {}
        self._closed: set[Part] = set()
        self._lock = threading.Lock()

    def part(self) -> Part:
        """Return a new part, which stands after those that were asked for before."""
        part = Part(self)
        with self._lock:
            self._parts.append(part)
        return part

    def place(self, part: Part, data: bytes) -> None:
        """Write bytes of a part, now or when its turn comes."""
        if not data:
            return
        with self._lock, self._explaining():
            where = self._opened() if part is self._parts[0] else self._spool(part)
            where.write(data)

    def close_part(self, part: Part) -> None:
        """Continue with the next incomplete part, if this one was the first."""
        with self._lock, self._explaining():
            self._closed.add(part)
            while self._parts and self._parts[0] in self._closed:
                self._closed.remove(self._parts.pop(0))
                if self._parts:
                    self._take_over(self._parts[0])
            if not self._parts:
                self._finish()

    def abandon(self) -> None:
        """Close the file, which is of no use."""
        with self._lock:
            for waiting in (*self._waiting.values(), *([self._file] if self._file else [])):
                with contextlib.suppress(OSError):
                    waiting.close()

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self._final, error) from None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = self._path.open("wb")
        return self._file

    def _spool(self, part: Part) -> IO[bytes]:
        if part not in self._waiting:
            folder = str(self._path.parent)
            self._waiting[part] = cast(
                "IO[bytes]",
                tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=folder),  # noqa: SIM115
            )
        return self._waiting[part]

    def _take_over(self, part: Part) -> None:
        waiting = self._waiting.pop(part, None)
        if waiting is not None:
            with waiting:
                waiting.seek(0)
                shutil.copyfileobj(waiting, self._opened(), 1024 * 1024)

    def _finish(self) -> None:
        file = self._opened()
        file.flush()
        os.fsync(file.fileno())
        file.close()


class Nowhere:
    """The target of a dump whose content is only compared.

    Parameters
    ----------
    path : Path
        How to call it.
    """

    is_folder = False

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str, new_compressor: Callable[[], Compressor]) -> Nowhere:
        """Return a file that takes its parts."""
        del name
        self.new_compressor = new_compressor
        return self

    def part(self) -> Part:
        """Return a new part."""
        return Part(self)

    def place(self, part: Part, data: bytes) -> None:
        """Forget the bytes of a part."""

    def close_part(self, part: Part) -> None:
        """There is nothing to close."""


class Destination:
    """The place of a dump: a file, or a folder of files; and its place until it is complete.

    Used as a context: an incomplete dump is removed when it ends.

    Parameters
    ----------
    path : Path
        The file or folder, there already or not.
    is_folder : bool
        Whether it is a folder.

    Raises
    ------
    DumpError
        It cannot be written there.
    """

    def __init__(self, path: Path, *, is_folder: bool) -> None:
        self.path = _resolved(path)
        self.is_folder = is_folder
        self._check()
        self._mark = f"{socket.gethostname()}-{os.getpid()}-"
        name = f".{self.path.name}.{self._mark}{secrets.token_hex(4)}{_ENDING}"
        self.beside = self.path.with_name(name)
        self._files: list[OrderedFile] = []

    def __enter__(self) -> Destination:
        """Begin; remove incomplete dumps of killed processes."""
        self._remove_leftovers()
        try:
            if self.is_folder:
                self.beside.mkdir()
            else:
                self.beside.touch(exist_ok=False)
        except OSError as error:
            raise unwritable(self.path, error) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the files of an incomplete dump."""
        for file in self._files:
            file.abandon()
        _remove(self.beside)

    def file(self, name: str, new_compressor: Callable[[], Compressor]) -> OrderedFile:
        """Return a new file: the one of the folder that has this name, or the only one."""
        path = self.beside / name if self.is_folder else self.beside
        self._files.append(OrderedFile(path, new_compressor, self.path))
        return self._files[-1]

    @property
    def size_bytes(self) -> int:
        """How large it is on disk."""
        where = self.path if self.path.exists() else self.beside
        if not where.is_dir():
            return where.stat().st_size
        return sum(file.stat().st_size for file in where.iterdir())

    def complete(self) -> None:
        """Move it into its place, where it replaces an earlier dump.

        Raises
        ------
        OSError
            It cannot be moved; then an earlier dump stays.
        """
        if self.is_folder:
            _sync_folder(self.beside)
        if self.is_folder and self.path.exists():
            old = self.beside.with_name(f"{self.beside.name}.old{_ENDING}")
            self.path.rename(old)
            self.beside.rename(self.path)
            _sync_folder(self.path.parent)
            _remove(old)
            return
        if not self.is_folder and self.path.exists():
            self.beside.chmod(self.path.stat().st_mode & 0o777)
        self.beside.replace(self.path)
        _sync_folder(self.path.parent)

    def _check(self) -> None:
        parent = self.path.parent
        if not parent.is_dir():
            raise DumpError(
                f"{_shown(self.path)} cannot be written: there is no folder {_shown(parent)}.",
                hint="make the folder first, or name another file.",
            )
        if self.is_folder and self.path.exists():
            if not self.path.is_dir():
                raise DumpError(f"{_shown(self.path)} is a file, and a folder is to be written.")
            names = [each.name for each in self.path.iterdir()]
            if names and not any(name.startswith(FOLDER_MARK) for name in names):
                raise DumpError(
                    f"The folder {_shown(self.path)} holds files that are no dump of ours.",
                    hint="name a folder that is new or empty.",
                )
        elif self.path.is_dir():
            raise DumpError(
                f"{_shown(self.path)} is a folder.",
                hint="name a file in it; a name that ends with / writes a folder of files.",
            )
        elif self.path.exists() and not self.path.is_file():
            raise DumpError(f"{_shown(self.path)} is no file.", hint="name a file.")

    def _remove_leftovers(self) -> None:
        beginning = f".{self.path.name}."
        for path in self.path.parent.iterdir():
            if path.name.startswith(beginning) and path.name.endswith(_ENDING):
                middle = path.name[len(beginning) : -len(_ENDING)]
                if _is_left_over(path, middle):
                    _remove(path)


# In each folder of ours; the loader runs it first.
FOLDER_MARK = "0.schemas.sql"


def unwritable(path: Path, error: OSError) -> DumpError:
    """Return the error for a file that could not be written."""
    reason = error.strerror or str(error)
    kept = "; the one that was there is as it was" if path.exists() else ""
    return DumpError(
        f"{_shown(path)} cannot be written: {reason}.",
        details=[f"Nothing is left of the dump{kept}."],
        hint=f"{room_for('name a file on another disk', error)}, and dump again.",
    )


def room_for(elsewhere: str, error: OSError) -> str:
    """Return the next step for a place that takes nothing: make room, if the disk is full."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return f"make room, or {elsewhere}" if is_full else elsewhere


def _shown(path: Path) -> str:
    return printable(str(path))


def _resolved(path: Path) -> Path:
    with contextlib.suppress(OSError, RuntimeError):  # a link to itself
        return path.resolve()
    return path.absolute()


def _is_left_over(path: Path, middle: str) -> bool:
    """Return whether the process that wrote a part of a dump is gone."""
    host, _, rest = middle.partition(f"{socket.gethostname()}-")
    if host == "" and (number := rest.partition("-")[0]).isdigit():
        import psutil  # noqa: PLC0415 - takes time to import, few dumps need it

        return not psutil.pid_exists(int(number))
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > _FORGOTTEN_S
    return False


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, where the system can be asked for that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
