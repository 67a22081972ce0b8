"""Locks that end with their process, however that ends; where a file system has none, no lock."""

from __future__ import annotations

import contextlib
import errno
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Lustre without its locks says the first, NFS without its lock service the last.
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})


class ProcessLock:
    """A lock on a file, for one process at a time.

    Parameters
    ----------
    path : Path
        The file; its folder is there when the lock is taken.
    thread_local : bool, default True
        Whether it keeps threads apart, too; else another thread may release it.
    """

    def __init__(self, path: Path, *, thread_local: bool = True) -> None:
        from filelock import FileLock  # noqa: PLC0415 - most of what imports this takes no lock

        self._path = path
        self._lock = FileLock(str(path), thread_local=thread_local)

    def has_locks(self) -> bool:
        """Return whether the file system has locks that end with their process.

        Where it has none, `filelock` makes a file the lock: that of a process which was killed
        would stay for ever.

        Raises
        ------
        OSError
            No file can be made beside it.
        """
        if sys.platform == "win32":  # it has locks everywhere
            return True
        import fcntl  # noqa: PLC0415 - Windows has none, and imports this module as well

        # Not the file itself: another process could not lock it in that moment.
        try:
            with tempfile.TemporaryFile(dir=self._path.parent) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        return True

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock; return whether no other process has it.

        Parameters
        ----------
        timeout_s : float, default 0
            Seconds to wait for it.

        Raises
        ------
        OSError
            The file cannot be made, or not be written.
        """
        from filelock import Timeout  # noqa: PLC0415

        if not self.has_locks():
            return True
        try:
            self._lock.acquire(timeout=timeout_s)
        except Timeout:
            return False
        except NotImplementedError:
            pass
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        return True

    def release(self) -> None:
        """Release it, if it was taken."""
        with contextlib.suppress(OSError):
            self._lock.release()
