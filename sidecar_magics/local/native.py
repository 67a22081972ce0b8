"""The sidecar as a plain process of this account: a server that is installed or was fetched."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError
from .access import password_for
from .find import find_engine
from .logs import tail
from .ports import choose_port
from .process import HOST, NOT_ON_WINDOWS, USER, WINDOWS_HINT, can_confine, run_server, stop
from .state import NATIVE, LocalSidecar, folders, process_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Engine
    from .wish import Reporter, Wish

UNCONFINED = (
    "This system cannot keep the server to its data folder (Linux's Landlock is missing): a script "
    "that you load can make it write where you can; load only what you trust."
)


@dataclass(frozen=True)
class NativeBackend:
    """A sidecar that is a process of this account, without Docker and without root."""

    kind: str = NATIVE

    def start(self, wish: Wish, last: LocalSidecar | None, report: Reporter) -> LocalSidecar:
        """Start a server that outlives this process.

        Raises
        ------
        LocalServerError
            No server can be had; the port is taken; the server died or was not ready in time; this
            is Windows.
        """
        if os.name == "nt":
            raise LocalServerError(NOT_ON_WINDOWS, hint=WINDOWS_HINT)
        if wish.ephemeral and wish.datadir is not None:
            raise LocalServerError("An ephemeral sidecar has a data folder of its own.")
        if wish.port:
            choose_port(wish, report.say)  # before anything is fetched
        engine = find_engine(wish.flavour, report.say, report.download)
        return _start(engine, wish, choose_port(wish, report.say), last, report)

    def stop(self, sidecar: LocalSidecar, *, timeout_s: float) -> None:
        """Stop the server; of an ephemeral one `clear_away` removes the data."""
        process = process_of(sidecar)
        if process is not None:
            stop(process, timeout_s=timeout_s)

    def delete_data(self, sidecar: LocalSidecar) -> None:
        """Remove the data folder and the log."""
        if sidecar.datadir is not None:
            shutil.rmtree(sidecar.datadir)
        if sidecar.log is not None:
            sidecar.log.unlink(missing_ok=True)

    def delete_earlier_data(self, folder: Path) -> None:
        """Remove a data folder of which there is no record any more, and its log.

        Raises
        ------
        LocalServerError
            A server uses it.
        """
        pid = _server_of(folder)
        if pid is not None:
            raise LocalServerError(
                f"A server that is not on record, process {pid}, uses {folder}.",
                hint=f"end it (`kill {pid}`), and try again.",
            )
        shutil.rmtree(folder)
        (folders().state / f"{folder.name}.log").unlink(missing_ok=True)

    def logs(self, sidecar: LocalSidecar, lines: int, *, follow: bool) -> Iterator[str]:
        """Yield the last lines of the server's log, and with `follow` those that come."""
        if sidecar.log is not None:
            yield from tail(
                sidecar.log, lines, goes_on=lambda: follow and process_of(sidecar) is not None
            )


def _server_of(folder: Path) -> int | None:
    """Return the process of this account's that serves a data folder."""
    import psutil  # noqa: PLC0415 - for those who look for processes only

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if f"--datadir={folder}" in process.cmdline():
                return int(process.pid)
    return None


def clear_away(record: LocalSidecar) -> None:
    """Remove the files of an ephemeral server that has ended."""
    if record.datadir is not None and record.log is not None:
        shutil.rmtree(record.datadir.parent, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            record.log.unlink()


def _start(
    engine: Engine, wish: Wish, port: int, last: LocalSidecar | None, report: Reporter
) -> LocalSidecar:
    deadline_s = time.monotonic() + wish.timeout_s
    with _place(engine, wish) as (datadir, log):
        if not engine.is_initialised(datadir):
            report.say(f"Making a data folder for {engine}.")
            engine.initialise(datadir, log)
        password = password_for(datadir, last) if wish.password is None else wish.password
        report.say(f"Starting {engine} on {HOST}:{port}.")
        left_s = max(1.0, deadline_s - time.monotonic())
        process = run_server(
            engine, datadir, port=port, password=password, log=log, timeout_s=left_s
        )
        sidecar = LocalSidecar(
            HOST,
            port,
            USER,
            password,
            engine.flavour,
            engine.version,
            pid=process.pid,
            create_time_s=process.create_time(),
            datadir=datadir,
            log=log,
            ephemeral=wish.ephemeral,
            confined=can_confine(),
            started=True,
        )
    if not sidecar.confined:
        report.say(UNCONFINED)
    return sidecar


@contextlib.contextmanager
def _place(engine: Engine, wish: Wish) -> Iterator[tuple[Path, Path]]:
    """Provide the data folder and the log; an ephemeral folder goes if this fails."""
    log = folders().state / f"{engine.flavour}.log"
    if not wish.ephemeral:
        datadir = wish.datadir or folders().data / engine.flavour
        yield datadir.expanduser().absolute(), log
        return
    base = Path(tempfile.mkdtemp(prefix="sidecar-magics-"))
    try:
        yield base / "data", log
    except BaseException:
        shutil.rmtree(base, ignore_errors=True)
        raise
