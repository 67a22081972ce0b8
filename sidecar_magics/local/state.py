"""The record of the sidecar that ``up`` started, and the folders that are ours on this machine."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files import OWNER_ONLY, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psutil

MYSQL = "mysql"
MARIADB = "mariadb"
NAMES: Mapping[str, str] = {MYSQL: "MySQL", MARIADB: "MariaDB"}

NATIVE = "native"
HOME_VARIABLE = "SIDECAR_MAGICS_HOME"
# /proc counts in hundredths of a second since the boot, whose own time is known to the second.
CREATE_TIME_TOLERANCE_S = 2.0


class Folders(NamedTuple):
    """Our folders of this user."""

    cache: Path
    data: Path
    state: Path


class ContainerRecord(NamedTuple):
    """The container that a sidecar is in.

    Parameters
    ----------
    id, name, image : str
        As the engine has them.
    volume : str or None
        Volume, or folder of this machine, that has the data.
    is_foreign : bool, default False
        Whether it was there before ``up``: it is never removed, nor are its data.
    was_running : bool, default False
        Whether it ran before ``up``: then ``down`` leaves it running.
    """

    id: str
    name: str
    image: str
    volume: str | None = None
    is_foreign: bool = False
    was_running: bool = False


@dataclass(frozen=True)
class LocalSidecar:
    """A server on this machine.

    Parameters
    ----------
    host : str
        Always ``127.0.0.1``.
    port : int
        TCP port.
    user : str
        Always ``root``.
    password : str
        May be empty.
    flavour : str
        ``mysql`` or ``mariadb``.
    version : str
        Such as ``9.7.4``.
    pid : int or None
        Process; None for a server that was there before, which is not ours to stop, and for one in
        a container whose processes cannot be seen here.
    create_time_s : float or None
        When the process started, in seconds since 1970: a pid is used again, a moment is not.
    datadir, log : Path or None
        Its data folder and its log; None as for `pid`, and for a container.
    ephemeral : bool, default False
        Whether ``down`` removes the data.
    confined : bool, default False
        Whether it can write nowhere but in its data folder and its log.
    backend : {"native", "docker", "podman"}, default "native"
        The program that runs it.
    container : ContainerRecord or None
        Which one, if that is Docker or podman.
    started : bool, default False
        Whether this call of ``up`` started it; not recorded.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    flavour: str
    version: str
    pid: int | None = None
    create_time_s: float | None = None
    datadir: Path | None = None
    log: Path | None = None
    ephemeral: bool = False
    confined: bool = False
    backend: str = NATIVE
    container: ContainerRecord | None = None
    started: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{NAMES[self.flavour]} {self.version} at {self.address}"

    @property
    def is_ours(self) -> bool:
        """Whether ``up`` started it, now or before, so that ``down`` may stop it."""
        if self.container is not None:
            return not self.container.was_running
        return self.pid is not None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


def folders() -> Folders:
    """Return the folders for downloads, for the servers' data and for records.

    The environment variable SIDECAR_MAGICS_HOME puts all three below one folder.
    """
    home = os.environ.get(HOME_VARIABLE)
    if home:
        base = Path(home).expanduser().absolute()
        return Folders(base / "cache", base / "data", base / "state")
    import platformdirs  # noqa: PLC0415 - for those who look at the record only

    dirs = platformdirs.PlatformDirs("sidecar-magics", appauthor=False)
    return Folders(*map(Path, (dirs.user_cache_dir, dirs.user_data_dir, dirs.user_state_dir)))


def read_state() -> LocalSidecar | None:
    """Return the sidecar that ``up`` started, if its process is alive."""
    record = read_record()
    return record if record is not None and is_running(record) else None


def is_running(sidecar: LocalSidecar) -> bool:
    """Return whether the process or the container of a sidecar is alive, and not a later one.

    The process of a container can be seen on Linux, unless the engine has started it again; else
    the engine is asked.
    """
    if process_of(sidecar) is not None:
        return True
    if sidecar.container is None:
        return False
    from .containers.backend import is_up  # noqa: PLC0415 - only where there are containers

    return is_up(sidecar)


def read_record() -> LocalSidecar | None:
    """Return the recorded sidecar, alive or not; None without a record."""
    try:
        return _from_values(json.loads(_record_path().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # not ours, or half a file of a full disk: as if there were none


def write_record(sidecar: LocalSidecar) -> None:
    """Write the record: readable for its owner only, complete or not at all."""
    path = _record_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {name: value for name, value in asdict(sidecar).items() if name != "started"}
    values["container"] = None if sidecar.container is None else sidecar.container._asdict()
    text = json.dumps(values, default=str, indent=1) + "\n"
    write(path, text, mode=OWNER_ONLY)


def remove_record() -> None:
    """Remove the record, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        _record_path().unlink()


def process_of(sidecar: LocalSidecar) -> psutil.Process | None:
    """Return the sidecar's process if it is alive, and not a later one with the same number."""
    if sidecar.pid is None or sidecar.create_time_s is None:
        return None
    import psutil  # noqa: PLC0415 - only when there is a record

    try:
        process = psutil.Process(sidecar.pid)
        started_s = process.create_time()
        is_over = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    same = abs(started_s - sidecar.create_time_s) < CREATE_TIME_TOLERANCE_S
    return process if same and not is_over else None


def _from_values(values: Any) -> LocalSidecar:
    paths = {name: Path(values[name]) if values[name] else None for name in ("datadir", "log")}
    container = values.get("container")
    if container is None and (paths["datadir"] is None or paths["log"] is None):
        raise ValueError("neither a container nor a folder")
    found = None if container is None else ContainerRecord(**container)
    return LocalSidecar(**{**values, **paths, "container": found})


def _record_path() -> Path:
    return folders().state / "sidecar.json"
