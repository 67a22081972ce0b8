"""A sidecar on your own machine, without Docker: start it, stop it, look at it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError, SidecarError
from ..wait import wait
from .find import find_engine
from .process import HOST, USER, free_port, is_taken, run_server, settings_for, stop
from .state import (
    LocalSidecar,
    folders,
    process_of,
    read_record,
    read_state,
    remove_record,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .engine import Engine

DEFAULT_PORT = 3306


@dataclass(frozen=True)
class LocalStatus:
    """What is known about the sidecar on this machine.

    Parameters
    ----------
    sidecar : LocalSidecar or None
        The one that ``up`` started; None if there is none.
    is_running : bool
        Whether its process is alive.
    uptime_s : float
        Seconds since its process started; 0 if it is not running.
    size_bytes : int
        What its data folder holds, as the disk counts it.
    """

    sidecar: LocalSidecar | None
    is_running: bool = False
    uptime_s: float = 0.0
    size_bytes: int = 0

    def __str__(self) -> str:
        if self.sidecar is None:
            return "No sidecar has been started here; `sidecar-magics up` starts one."
        state = f"running for {self.uptime_s / 60:.0f} min" if self.is_running else "not running"
        where = f"{self.size_bytes / 1e6:.0f} MB in {self.sidecar.datadir}"
        return f"{self.sidecar}: {state}; data: {where}; log: {self.sidecar.log}"


@dataclass(frozen=True)
class _Wish:
    """What ``up`` was asked for."""

    port: int | None
    password: str
    flavour: str | None
    datadir: Path | None
    ephemeral: bool
    deadline_s: float

    def left_s(self) -> float:
        return max(1.0, self.deadline_s - time.monotonic())


def up(
    *,
    port: int | None = None,
    password: str = "tutorial",  # noqa: S107 - the tutorial's convention, for loopback only
    flavour: str | None = None,
    datadir: Path | None = None,
    ephemeral: bool = False,
    timeout_s: float = 120.0,
    progress: Callable[[str], None] | None = None,
) -> LocalSidecar:
    """Start a server on 127.0.0.1 that outlives this process, or return the one that is there.

    Parameters
    ----------
    port : int, optional
        TCP port, or 0 for any that is free. Default: 3306; if that is taken by something that is
        not the tutorial's sidecar, any that is free.
    password : str, default "tutorial"
        Root's password from now on, also of a data folder that had another; may be empty.
    flavour : {"mysql", "mariadb"}, optional
        Default: MySQL, and MariaDB where it cannot be had.
    datadir : Path, optional
        Data folder. Default: one for each flavour in the user's data folder, kept between runs.
    ephemeral : bool, default False
        Use a new data folder, which `down` removes.
    timeout_s : float, default 120
        Seconds for making the data folder and starting; the download has no limit.
    progress : callable, optional
        Called with a line of text at each step.

    Returns
    -------
    LocalSidecar
        Ready: root can log in. A server that somebody else started, with the same login, is
        returned with ``is_ours`` false. ``started`` tells whether this call started it.

    Raises
    ------
    LocalServerError
        No server can be had; the port is taken; the server died or was not ready in time.
    """
    say = progress or _silence
    if ephemeral and datadir is not None:
        raise LocalServerError("An ephemeral sidecar has a data folder of its own.")
    with _lock():
        running = read_state()
        if running is not None:
            return _already_up(running, port, flavour, say)
        _clear_away(read_record())
        taken = port != 0 and is_taken(port or DEFAULT_PORT)
        if taken:
            other = _tutorial_server(port or DEFAULT_PORT, password, flavour)
            if other is not None:
                say(f"{other}: already up, started by somebody else; using it.")
                return other
        if taken and port is not None:
            raise _port_taken(port)
        engine = find_engine(flavour, say)
        wish = _Wish(port, password, flavour, datadir, ephemeral, time.monotonic() + timeout_s)
        chosen = free_port() if taken or port == 0 else port or DEFAULT_PORT
        if taken:
            say(f"Port {DEFAULT_PORT} is taken by another program; using port {chosen}.")
        return _start(engine, wish, chosen, say)


def down(*, timeout_s: float = 30.0) -> LocalSidecar | None:
    """Stop the sidecar that `up` started; of an ephemeral one, remove the data.

    Parameters
    ----------
    timeout_s : float, default 30
        Seconds the server gets to end by itself before it is killed.

    Returns
    -------
    LocalSidecar or None
        What was stopped; None if nothing was running.

    Raises
    ------
    LocalServerError
        The process belongs to another user.
    """
    with _lock():
        record = read_record()
        process = process_of(record) if record is not None else None
        if process is not None:
            stop(process, timeout_s=timeout_s)
        _clear_away(record)
        return record if process is not None else None


def status() -> LocalStatus:
    """Return what is known about the sidecar that `up` started."""
    record = read_record()
    if record is None:
        return LocalStatus(None)
    running = process_of(record) is not None
    uptime_s = time.time() - (record.create_time_s or 0.0) if running else 0.0
    return LocalStatus(record, running, uptime_s, _size_bytes(record.datadir))


def _already_up(
    running: LocalSidecar, port: int | None, flavour: str | None, say: Callable[[str], None]
) -> LocalSidecar:
    if flavour not in {None, running.flavour}:
        raise LocalServerError(
            f"A sidecar is already up, and it is another kind of server: {running}.",
            hint="`sidecar-magics down` stops it; its data stays.",
        )
    if port not in {None, 0, running.port}:
        raise LocalServerError(
            f"The sidecar is already up, at {running.address}.",
            hint="`sidecar-magics down` stops it; then it can start on another port.",
        )
    say(f"{running}: already up.")
    return running


def _tutorial_server(port: int, password: str, flavour: str | None) -> LocalSidecar | None:
    """Return the server on this port if root can log in with the password, and it is right."""
    try:
        there = wait(settings_for(port, password), timeout_s=0, access_grace_s=0)
    except SidecarError:
        return None
    if flavour not in {None, there.flavour}:
        return None
    return LocalSidecar(HOST, port, USER, password, there.flavour, there.version)


def _start(engine: Engine, wish: _Wish, port: int, say: Callable[[str], None]) -> LocalSidecar:
    with _place(engine, wish) as (datadir, log):
        if not engine.is_initialised(datadir):
            say(f"Making a data folder for {engine}.")
            engine.initialise(datadir, log)
        say(f"Starting {engine} on {HOST}:{port}.")
        process = run_server(
            engine, datadir, port=port, password=wish.password, log=log, timeout_s=wish.left_s()
        )
        sidecar = LocalSidecar(
            HOST,
            port,
            USER,
            wish.password,
            engine.flavour,
            engine.version,
            pid=process.pid,
            create_time_s=process.create_time(),
            datadir=datadir,
            log=log,
            ephemeral=wish.ephemeral,
            started=True,
        )
        try:
            write_record(sidecar)
        except BaseException:
            stop(process, timeout_s=10)
            raise
    say(f"{sidecar}: ready.")
    return sidecar


@contextlib.contextmanager
def _place(engine: Engine, wish: _Wish) -> Iterator[tuple[Path, Path]]:
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


def _clear_away(record: LocalSidecar | None) -> None:
    """Remove what a sidecar that has ended leaves: its record; if ephemeral, data and log."""
    if record is None:
        return
    if record.ephemeral and record.datadir is not None and record.log is not None:
        shutil.rmtree(record.datadir.parent, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            record.log.unlink()
    remove_record()


def _port_taken(port: int) -> LocalServerError:
    return LocalServerError(
        f"Port {port} is taken by another program, or by a server with another root password.",
        hint="leave --port out to use any free port, or stop the other program.",
    )


def _size_bytes(folder: Path | None) -> int:
    """Return the disk space below a folder; files may come and go meanwhile."""
    total = 0
    for path in folder.rglob("*") if folder is not None else ():
        with contextlib.suppress(OSError):
            # Counted in blocks of 512 bytes: InnoDB's files have holes.
            total += path.lstat().st_blocks * 512
    return total


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time start or stop the sidecar; a second one waits for its turn."""
    from filelock import FileLock  # noqa: PLC0415

    path = folders().state / "sidecar.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def _silence(line: str) -> None:
    del line
