"""The folder of kept snapshots: list them, remove them, decide which process may write."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..dump.output import room_for
from ..errors import KeepError, printable
from ..files import OWNER_ONLY, write
from ..process_lock import ProcessLock
from .choice import too_old
from .fingerprints import Activity
from .manifest import MANIFEST, Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PARTIAL = ".partial"
_PROBED = ".writable"
_ACCESS = 0o700
LOCK_WAIT_S = 600.0


class Seen(NamedTuple):
    """The fingerprints of tables at the moment of a snapshot; see `fingerprints`.

    Attributes
    ----------
    data_id : str
        Of the server.
    snapshot : str
        The snapshot's name.
    tables : dict of str to str
        By ``schema.table``: only those that any change would alter.
    activity : Activity
        How much the server had written.
    """

    data_id: str = ""
    snapshot: str = ""
    tables: dict[str, str] = {}  # noqa: RUF012 - of a NamedTuple, and never changed
    activity: Activity = Activity()

    def is_of(self, data_id: str, snapshot: str) -> bool:
        """Return whether it is about a server's data, and about this snapshot."""
        return (self.data_id, self.snapshot) == (data_id, snapshot)


class Holder(NamedTuple):
    """The process that keeps a folder's snapshots.

    Attributes
    ----------
    host, pid, server : str, int, str
        Whose process, and which server it keeps.
    lost_after : float
        When the snapshot that it restored was made, if the keeper before was killed; else 0.
    """

    host: str
    pid: int
    server: str
    lost_after: float = 0.0

    def __str__(self) -> str:
        here = self.host == socket.gethostname()
        return f"process {self.pid}" + ("" if here else f" on {printable(self.host)}")


class KeepFolder:
    """The folder of kept snapshots.

    Parameters
    ----------
    path : Path
        Where it is; made when it is needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # See `Holder`; set before this becomes the keeper.
        self.lost_after = 0.0
        # Released by the system when a process ends in whatever way.
        # The first is taken in one thread and released in another; the second keeps threads apart.
        self._keeper_path = path / ".keeper.lock"
        self._keeper = ProcessLock(self._keeper_path, thread_local=False)
        self._writer = ProcessLock(path / ".writer.lock")

    def make(self) -> None:
        """Make the folder, for its owner only.

        Raises
        ------
        KeepError
            It cannot be made, or not be written.
        """
        try:
            self.path.mkdir(mode=_ACCESS, parents=True, exist_ok=True)
            self.path.chmod(_ACCESS)
            write(self.path / _PROBED, "", mode=OWNER_ONLY)
        except OSError as error:
            raise unwritable(self.path, error) from None

    # Snapshots ---------------------------------------------------------------------------------

    def snapshots(self) -> list[Manifest]:
        """Return the snapshots that are complete, the newest first; damaged ones are left out."""
        found = []
        for name in self._names():
            with contextlib.suppress(KeepError):
                found.append(read_manifest(self.path / name))
        return sorted(found, key=lambda each: (each.made, each.name), reverse=True)

    def check_newest(self, newest: Manifest | None) -> None:
        """Check that there is no damaged snapshot which is newer than the newest whole one.

        Raises
        ------
        KeepError
            There is one, or one by a later version.
        """
        for name in sorted(self._names(), reverse=True):
            if newest is not None and name <= newest.name:
                return
            read_manifest(self.path / name)

    def snapshot(self, name: str) -> Manifest:
        """Return a snapshot by its name.

        Raises
        ------
        KeepError
            There is none of this name, or it is damaged.
        """
        if name not in self._names():
            names = [each.name for each in self.snapshots()]
            there = f"there are {', '.join(names[:8])}" if names else "there is none at all"
            raise KeepError(f"There is no snapshot {printable(name)}.", hint=f"{there}.")
        return read_manifest(self.path / name)

    def place(self, snapshot: Manifest) -> Path:
        """Return the folder of a snapshot."""
        return self.path / snapshot.name

    def _names(self) -> list[str]:
        try:
            entries = list(self.path.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise KeepError(
                f"{printable(str(self.path))} cannot be read: {error.strerror}.",
                hint="name another folder with --folder.",
            ) from None
        return [e.name for e in entries if e.name[:1] != "." and (e / MANIFEST).exists()]

    def new_name(self, made: float) -> str:
        """Return a name that no snapshot has yet: a moment in UTC."""
        stem = name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(made))
        number = 1
        while (self.path / name).exists():
            number += 1
            name = f"{stem}-{number}"
        return name

    # Changes -----------------------------------------------------------------------------------

    def tidy(self, last: int) -> None:
        """Remove old snapshots, and files of killed processes; the caller may write."""
        for each in too_old(self.snapshots(), last):
            doomed = self.path / f".{each.name}{_PARTIAL}"
            with contextlib.suppress(OSError):
                # Without its name it is none, also if it is half removed.
                self.place(each).rename(doomed)
        with contextlib.suppress(OSError):
            for entry in list(self.path.iterdir()):
                if entry.name.startswith(".") and entry.name.endswith(_PARTIAL):
                    shutil.rmtree(entry, ignore_errors=True)

    def seen(self) -> Seen:
        """Return the fingerprints of the newest snapshot; none if unknown."""
        try:
            values = json.loads((self.path / ".seen.json").read_text(encoding="utf-8"))
            started_s, uptime_s, written = values[3]
            activity = Activity(int(started_s), int(uptime_s), str(written))
            return Seen(str(values[0]), str(values[1]), dict(values[2]), activity)
        except (OSError, ValueError, TypeError, LookupError):
            return Seen()

    def write_seen(self, seen: Seen) -> None:
        """Note fingerprints; without the note, all tables are dumped again."""
        with contextlib.suppress(OSError):
            write(self.path / ".seen.json", json.dumps(seen), mode=OWNER_ONLY)

    # Locks -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self, timeout_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Let no other process write meanwhile, where the file system has locks.

        Names of snapshots differ also without.

        Raises
        ------
        KeepError
            Another one has been writing all the time.
        """
        if not _is_taken(self._writer, timeout_s):
            raise KeepError(
                f"Another process has been writing into {printable(str(self.path))} for "
                f"{timeout_s:.0f} s.",
                hint="wait until it is done, or name another folder with --folder.",
            )
        try:
            yield
        finally:
            self._writer.release()

    def become_keeper(self, server: str) -> bool:
        """Be the one that keeps the server's data here, unless there is one already."""
        if not _is_taken(self._keeper):
            return False
        if self._takes_locks():
            holder = Holder(socket.gethostname(), os.getpid(), server, self.lost_after)
            with contextlib.suppress(OSError):
                write(self.path / ".keeper.json", json.dumps(holder), mode=OWNER_ONLY)
        return True

    def _takes_locks(self) -> bool:
        try:
            return self._keeper.has_locks()
        except OSError:  # there is no folder, or it is not ours to write
            return False

    def stop_keeping(self) -> None:
        """Let another process be the keeper."""
        with contextlib.suppress(OSError):
            (self.path / ".keeper.json").unlink()
        self._keeper.release()

    def keeper(self) -> Holder | None:
        """Return the keeper; None if there is none, or it is unknown."""
        free = ProcessLock(self._keeper_path)
        if not self._keeper_path.exists() or not self._takes_locks():
            return None
        if not _is_taken(free):
            return self._noted_keeper()
        free.release()
        return None

    def was_keeper_killed(self) -> bool:
        """Return whether the last keeper has not ended by itself: it may not have kept the end."""
        return self.keeper() is None and self._noted_keeper() is not None

    def _noted_keeper(self) -> Holder | None:
        try:
            values: Any = json.loads((self.path / ".keeper.json").read_text(encoding="utf-8"))
            return Holder(str(values[0]), int(values[1]), str(values[2]), float(values[3]))
        except (OSError, ValueError, TypeError, LookupError):
            return None


def _is_taken(lock: ProcessLock, timeout_s: float = 0.0) -> bool:
    """Take a lock; return whether no other process has it, as far as can be known."""
    try:
        return lock.acquire(timeout_s)
    except OSError:
        return True


def unwritable(path: Path, error: OSError) -> KeepError:
    """Return the error for a folder that takes no snapshot."""
    is_file = isinstance(error, (FileExistsError, NotADirectoryError))
    reason = "there is a file in its place" if is_file else error.strerror or error
    return KeepError(
        f"{printable(str(path))} cannot be written: {reason}.",
        hint=f"{room_for('name another folder with --folder', error)}.",
    )
