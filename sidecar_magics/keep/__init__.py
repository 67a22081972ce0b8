"""Keep the work that is in a sidecar beyond the sidecar's life.

Users call `keep`. A snapshot is a dump, in a folder with a file for each table (`saving`);
unchanged tables (`fingerprints`) are taken from the snapshot before. A new server gets the newest
snapshot back (`restoring`): a mark in the server shows whether it is new (`marker`), and `choice`
decides what to do. A thread does the rest (`keeper`).

    policy.py        the options of keeping
    choice.py        restore, continue or refuse: decided without a server
    folder.py        the folder of snapshots: list, remove, lock
    manifest.py      the content of a snapshot
    marker.py        the server's row with the identity of its data
    fingerprints.py  whether a table is proven unchanged
    saving.py        makes a snapshot
    restoring.py     loads one
    keeping.py       one server and one folder: each step on demand
    thread.py        every few minutes, and at the process's end
    keeper.py        the result of `keep`: now, restore, status, off
    standing.py      as a process of its own, also in a pod
    report.py        the status that keeping shows

A snapshot depends on no file of the user's. It could name a tutorial's dump instead of holding its
rows; but when that file is edited or replaced, the snapshots that refer to it have lost rows that
only the gone server had. Holding them costs little: Spyglass's tutorial dump (296 tables, 87 kB) is
a snapshot of 400 kB, once; later ones link to its files.

Two locks are on files, so that they end with their process: one for the process that keeps, one
for writing. One is on the server (GET_LOCK), while something is restored. The records of `--once`
belong to the data: the dump reads them in its own transaction, the load enters them at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import given_or_resolved
from .keeper import Keeper
from .keeping import Keeping, Restored
from .manifest import Manifest
from .policy import KeepPolicy
from .report import KeepStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..load import Progress
    from ..settings import ConnectionSettings

__all__ = ["KeepPolicy", "KeepStatus", "Keeper", "Manifest", "Restored", "keep"]


def keep(
    settings: ConnectionSettings | None = None,
    *,
    begins: bool = True,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Keeper:
    """Restore the kept data, if the server is new, and keep its data from now on.

    Parameters
    ----------
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    begins : bool, default True
        Whether to restore and to keep; else the result acts only on demand.
    progress : callable, optional
        Called with a `Progress` a few times a second, while a snapshot is restored.
    **options
        The fields of `KeepPolicy`, such as ``every_s=60`` or ``folder="~/kept"``.

    Returns
    -------
    Keeper
        Has ``now()``, ``restore(name)``, ``status()`` and ``off()``.

    Raises
    ------
    KeepError
        The server has data that is not from the newest snapshot; that is damaged, or the server
        refuses it; or the folder cannot be written.
    ServerNotReadyError, AccessError
        There is no connection.
    SettingsError
        The server is on another machine, or a choice makes no sense.
    Interrupted
        Ctrl-C, or the stop button.
    """
    keeper = Keeper(Keeping(given_or_resolved(settings), KeepPolicy(**options)))
    if begins:
        keeper.begin(progress)
    return keeper
