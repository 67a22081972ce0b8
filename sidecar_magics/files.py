"""Files that are written as a whole or not at all, and their earlier versions."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

OWNER_ONLY = 0o600


def write(path: Path, text: str, *, mode: int | None = None) -> None:
    """Replace a file, once the new one is completely written.

    Parameters
    ----------
    path : Path
        The file, new or not. A link continues being one.
    text : str
        Its content, in UTF-8; line ends stay as they are.
    mode : int, optional
        Its rights. Default: those of the file that is there, or a new file's usual ones.

    Raises
    ------
    OSError
        It cannot be written; then it is as it was.
    """
    path = _resolved(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_usual_mode(path) if mode is None else mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def keep(path: Path, *, mode: int | None = None) -> Path:
    """Copy a file beside itself, as ``.bak``, ``.bak2`` and so on, and return the first free name.

    Parameters
    ----------
    path : Path
        The file.
    mode : int, optional
        The copy's rights. Default: the file's own, as others may not be allowed to read it.

    Raises
    ------
    OSError
        It cannot be copied.
    """
    _resolved(path)
    mode = path.stat().st_mode & 0o777 if mode is None else mode
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(path.read_bytes())
            return backup
        number += 1


def _resolved(path: Path) -> Path:
    """Return the target of a link; refuse a device, which root could replace by a file."""
    with contextlib.suppress(RuntimeError):  # raised for a link to itself, before Python 3.13
        path = path.resolve()
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link to itself", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path


def _usual_mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)  # can only be read by being set
    os.umask(mask)
    return 0o666 & ~mask


def shown_path(name: str) -> str:
    """Return how to show a file's name: without ``folder/..``, where that is the same file.

    Parameters
    ----------
    name : str
        As a user wrote it. After a link to a folder ``..`` leads elsewhere, so it stays.
    """
    plain = os.path.normpath(name)
    with contextlib.suppress(OSError, ValueError):
        if ".." in Path(name).parts and os.path.samefile(name, plain):  # noqa: PTH121 - two names
            return plain
    return name
