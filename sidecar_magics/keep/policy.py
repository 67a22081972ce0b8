"""The options of keeping: everything that a user may choose."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..local.state import folders

if TYPE_CHECKING:
    from ..settings import ConnectionSettings

# The name of a hub's named server: each has a sidecar, and all of a user share a home.
_NAMED_SERVER = "JUPYTERHUB_SERVER_NAME"


def kept_folder(name: str | None = None) -> Path:
    """Return where snapshots are unless a folder is named.

    Parameters
    ----------
    name : str, optional
        Of the server. Default: the sidecar, whichever it is; of a hub's named servers, each has one
        of its own.
    """
    return folders().data / "kept" / (name or _sidecar(os.environ.get(_NAMED_SERVER, "")))


def _sidecar(named_server: str) -> str:
    if not named_server:
        return "sidecar"
    digest = hashlib.sha256(named_server.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"sidecar-{_plain(named_server)[:40]}-{digest}"


@dataclass(frozen=True)
class KeepPolicy:
    """How, where and how often work is kept.

    Parameters
    ----------
    folder : path, optional
        Where snapshots are. Default: a folder in the user's data folder, one for the sidecar,
        whichever it is (one for each of a hub's named servers), and one for each server on another
        machine.
    every_s : float, default 300
        Seconds between two looks whether tables have changed.
    last : int, default 5
        How many snapshots stay; of the seven days before the newest one's, the last one of each
        stays, too.
    at_exit_s : float, default 10
        Seconds that keeping may take when the kernel ends; 0 does not keep then.
    yes_remote : bool, default False
        Keep a server that is not on this machine, and restore it.
    force : bool, default False
        Keep everything that the account sees, even if it may not see everything.

    Raises
    ------
    SettingsError
        A choice makes no sense.
    """

    folder: str | os.PathLike[str] | None = None
    every_s: float = 300.0
    last: int = 5
    at_exit_s: float = 10.0
    yes_remote: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        if self.every_s <= 0:
            raise SettingsError(f"--every {self.every_s / 60:g}: it must be more than 0 minutes.")
        if self.last < 1:
            raise SettingsError(f"--last {self.last}: at least one snapshot must stay.")
        if self.at_exit_s < 0:
            raise SettingsError(
                f"--at-exit {self.at_exit_s:g}: it must not be less than 0 seconds."
            )

    def folder_for(self, settings: ConnectionSettings) -> Path:
        """Return where the snapshots of a server are.

        Raises
        ------
        SettingsError
            The server is on another machine, and that was not allowed.
        """
        if not settings.is_loopback and not self.yes_remote:
            raise SettingsError(
                f"{settings.address} is not on this machine, so it may be a server of many people.",
                hint="add --yes-remote if all of it is yours to keep and to restore.",
            )
        if self.folder is not None:
            return Path(os.path.abspath(os.path.expanduser(self.folder)))  # noqa: PTH100, PTH111
        return kept_folder() if settings.is_loopback else kept_folder(_plain(settings.address))


def _plain(address: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in address)
