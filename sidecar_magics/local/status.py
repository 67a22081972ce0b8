"""What is known about the sidecar on this machine: whether it runs, and what it keeps."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..settings import PUBLIC_PASSWORDS
from ..units import size
from .access import client_command
from .state import NAMES, LocalSidecar, folders, process_of, read_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class LocalStatus:
    """What is known about the sidecar on this machine.

    Parameters
    ----------
    sidecar : LocalSidecar or None
        The one that ``up`` started last; None if none was, or an ephemeral one that is stopped.
    is_running : bool
        Whether its process is alive.
    uptime_s : float
        Seconds since its process started; 0 if it is not running.
    size_bytes : int
        What its data folder holds, as the disk counts it.
    others : mapping of Path to int
        Further data folders of ours, which no server uses now, and what each holds, in bytes.
    login : str or None
        The command with which another program logs in.
    """

    sidecar: LocalSidecar | None
    is_running: bool = False
    uptime_s: float = 0.0
    size_bytes: int = 0
    others: Mapping[Path, int] | None = None
    login: str | None = None

    def __str__(self) -> str:
        kept = [f"Data of an earlier sidecar: {size(b)} in {p}" for p, b in self._others()]
        if self.sidecar is None:
            start = "" if os.name == "nt" else "; `sidecar-magics up` starts one"
            first = f"No sidecar is running here{start}."
            return "\n".join([first, *kept])
        describe = self._of_running if self.is_running else self._of_stopped
        return "\n".join([*describe(self.sidecar), *kept])

    def _others(self) -> list[tuple[Path, int]]:
        return sorted((self.others or {}).items())

    def _of_running(self, sidecar: LocalSidecar) -> list[str]:
        place = "only its data folder and its log" if sidecar.confined else "wherever you can"
        lines = [
            f"{sidecar}: running for {self.uptime_s / 60:.0f} min",
            f"  data      {size(self.size_bytes)} in {sidecar.datadir}",
            f"  log       {sidecar.log}",
            f"  writes    {place}",
        ]
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
        return [
            f"{NAMES[sidecar.flavour]} {sidecar.version}: not running; "
            "`sidecar-magics up` starts one.",
            f"  data      {size(self.size_bytes)} remain in {sidecar.datadir}{until}",
        ]


def look() -> LocalStatus:
    """Return what is known about the sidecar that ``up`` started, and about data that remains."""
    record = read_record()
    used = record.datadir if record is not None else None
    others = {
        path: data_size_bytes(path)
        for path in (folders().data / flavour for flavour in NAMES)
        if path != used and path.is_dir()
    }
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
