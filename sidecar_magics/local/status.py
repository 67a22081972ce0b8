"""The status of the sidecar on this machine: whether it runs, and its data.

A cell that resolves settings looks at the recorded container's process (0.2 ms on Linux); the
engine is asked only if the process is gone.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LocalServerError
from ..settings import PUBLIC_PASSWORDS
from ..units import duration, size
from .access import client_command
from .state import NAMES, LocalSidecar, folders, is_running, process_of, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .containers.container import Container


@dataclass(frozen=True)
class LocalStatus:
    """The status of the sidecar on this machine.

    Parameters
    ----------
    sidecar : LocalSidecar or None
        The one that ``up`` started last; None if none was, or an ephemeral one that is stopped.
    is_running : bool
        Whether its process or its container is alive.
    uptime_s : float
        Seconds since that started; 0 if it is not running.
    size_bytes : int or None
        Size of its data on disk; None if unknown, for a stopped container.
    others : mapping of Path to int
        Further data folders of ours, which no server uses now, with their sizes in bytes.
    login : str or None
        The command with which another program logs in.
    container : Container or None
        Its container as it is now.
    trouble : str
        Why its engine cannot be asked; empty where it can.
    """

    sidecar: LocalSidecar | None
    is_running: bool = False
    uptime_s: float = 0.0
    size_bytes: int | None = 0
    others: Mapping[Path, int] | None = None
    login: str | None = None
    container: Container | None = None
    trouble: str = ""

    def __str__(self) -> str:
        kept = [f"Data of an earlier sidecar: {size(b)} in {p}" for p, b in self._others()]
        if self.sidecar is None:
            start = "; `sidecar-magics up` starts one"
            first = f"No sidecar is running here{start}."
            return "\n".join([first, *kept])
        describe = self._of_running if self.is_running else self._of_stopped
        return "\n".join([*describe(self.sidecar), *kept])

    @property
    def place(self) -> str:
        """Where the data are: a folder, or a volume of an engine."""
        sidecar = self.sidecar
        if sidecar is None:
            return ""
        if sidecar.container is None:
            return str(sidecar.datadir)
        volume = sidecar.container.volume or "the container itself"
        is_folder = volume.startswith(("/", "~")) or ":" in volume
        return f"{'' if is_folder else 'the volume '}{volume} of {sidecar.backend}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON; never a password."""
        sidecar = self.sidecar
        known = {
            "running": self.is_running,
            "trouble": self.trouble or None,
            "others": [{"folder": str(p), "size_bytes": b} for p, b in self._others()],
        }
        if sidecar is None:
            return {**known, "backend": None}
        container = sidecar.container
        return {
            **known,
            "backend": sidecar.backend,
            "host": sidecar.host,
            "port": sidecar.port,
            "user": sidecar.user,
            "flavour": sidecar.flavour,
            "version": sidecar.version,
            "since": self._since(),
            "uptime_s": round(self.uptime_s, 1),
            "data": self.place,
            "size_bytes": self.size_bytes,
            "ephemeral": sidecar.ephemeral,
            "log": None if sidecar.log is None else str(sidecar.log),
            "login": self.login,
            "password_is_public": sidecar.password in PUBLIC_PASSWORDS,
            "container": None if container is None else container.name,
            "image": None if container is None else container.image,
            "made_by_up": container is None or not container.is_foreign,
        }

    def _since(self) -> str | None:
        if not self.is_running:
            return None
        moment = datetime.fromtimestamp(time.time() - self.uptime_s, timezone.utc)
        return moment.isoformat(timespec="seconds")

    def _others(self) -> list[tuple[Path, int]]:
        return sorted((self.others or {}).items())

    @property
    def amount(self) -> str:
        """How much data there is, in words."""
        return self._size()

    def _size(self) -> str:
        return "of unknown size" if self.size_bytes is None else size(self.size_bytes)

    def _of_running(self, sidecar: LocalSidecar) -> list[str]:
        lines = [f"{sidecar}: running for {duration(self.uptime_s)}"]
        if sidecar.container is None:
            place = "only its data folder and its log" if sidecar.confined else "wherever you can"
            lines += [
                f"  data      {self._size()} in {self.place}",
                f"  log       {sidecar.log}",
                f"  writes    {place}",
            ]
        else:
            lines += [
                f"  backend   {sidecar.backend}, container {sidecar.container.name}, "
                f"{sidecar.container.image}",
                f"  data      {self._size()} in {self.place}",
                "  log       `sidecar-magics logs`",
            ]
            if sidecar.container.was_running:
                lines.append("  ends      not with `down`: it ran before `up`")
        if sidecar.password in PUBLIC_PASSWORDS:
            return [*lines, "  password  public: every account of this machine can log in"]
        if self.login is None:
            return [*lines, "  password  notebooks and `sidecar-magics` find it"]
        return [
            *lines,
            "  password  notebooks and `sidecar-magics` find it; other programs find it with",
            f"            {self.login}",
        ]

    def _of_stopped(self, sidecar: LocalSidecar) -> list[str]:
        until = ", until the next `up` or `down`" if sidecar.ephemeral else ""
        amount = "" if self.size_bytes is None else f"{size(self.size_bytes)} "
        lines = [
            f"{NAMES[sidecar.flavour]} {sidecar.version}: not running; "
            "`sidecar-magics up` starts one.",
            f"  data      {amount}remain in {self.place}{until}",
        ]
        return [*lines, f"  trouble   {self.trouble}"] if self.trouble else lines


def look() -> LocalStatus:
    """Return the status of the sidecar that ``up`` started, and of data that remains."""
    record = read_record()
    used = record.datadir if record is not None else None
    others = {
        path: data_size_bytes(path)
        for path in (folders().data / flavour for flavour in NAMES)
        if path != used and path.is_dir()
    }
    if record is not None and record.container is not None:
        return _look_at_container(record, others)
    if record is None or record.datadir is None or not record.datadir.is_dir():
        return LocalStatus(None, others=others)
    running = process_of(record) is not None
    return LocalStatus(
        record,
        running,
        time.time() - (record.create_time_s or 0.0) if running else 0.0,
        data_size_bytes(record.datadir),
        others,
        client_command(record) if running else None,
    )


def _look_at_container(record: LocalSidecar, others: Mapping[Path, int]) -> LocalStatus:
    from .containers.backend import backend_of  # noqa: PLC0415 - only where there are containers

    try:
        backend = backend_of(record.backend)
        container = backend.container_of(record)
    except LocalServerError as error:
        return LocalStatus(record, is_running(record), 0.0, None, others, trouble=error.message)
    if container is None:
        name = "" if record.container is None else record.container.name
        trouble = f"the container {name} is gone; its volume may be there"
        return LocalStatus(record, size_bytes=None, others=others, trouble=trouble)
    running = container.is_running
    return LocalStatus(
        record,
        running,
        max(0.0, time.time() - (container.started_s or time.time())) if running else 0.0,
        backend.size_bytes(record) if running else None,
        others,
        client_command(record) if running else None,
        container,
    )


def data_size_bytes(folder: Path) -> int:
    """Return the disk space below a folder; files may come and go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            # In blocks of 512 bytes, as InnoDB's files have holes; Windows has no such number.
            blocks = getattr(status, "st_blocks", None)
            total += status.st_size if blocks is None else blocks * 512
    return total
