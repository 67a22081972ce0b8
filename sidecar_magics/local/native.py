"""A sidecar on your own machine, without Docker: start it, stop it, look at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError, SidecarError
from ..settings import PUBLIC_PASSWORDS, TUTORIAL_PASSWORD
from ..wait import wait
from .access import password_for, remove_client_file, write_client_file
from .find import find_engine
from .process import (
    HOST,
    NOT_ON_WINDOWS,
    USER,
    WINDOWS_HINT,
    can_confine,
    free_port,
    is_taken,
    run_server,
    settings_for,
    stop,
)
from .state import (
    LocalSidecar,
    folders,
    process_of,
    read_record,
    read_state,
    remove_record,
    write_record,
)
from .status import LocalStatus, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .engine import Engine

DEFAULT_PORT = 3306
UNCONFINED = (
    "This system cannot keep the server to its data folder (Linux's Landlock is missing): a script "
    "that you load can make it write where you can; load only what you trust."
)


@dataclass(frozen=True)
class _Wish:
    """What ``up`` was asked for."""

    port: int | None
    password: str | None
    flavour: str | None
    datadir: Path | None
    ephemeral: bool
    timeout_s: float


def up(
    *,
    port: int | None = None,
    password: str | None = None,
    flavour: str | None = None,
    datadir: Path | None = None,
    ephemeral: bool = False,
    timeout_s: float = 120.0,
    progress: Callable[[str], None] | None = None,
    download: Callable[[int, int], None] | None = None,
) -> LocalSidecar:
    """Start a server on 127.0.0.1 that outlives this process, or return the one that is there.

    Parameters
    ----------
    port : int, optional
        TCP port, or 0 for any that is free. Default: 3306; if that is taken by something that is
        not the tutorial's sidecar, any that is free.
    password : str, optional
        Root's password from now on, also of a data folder that had another; may be empty. Default:
        the one that this data had last, unless that was a public one; else a random one. The
        record has it, where `settings.resolve` finds it.
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
    download : callable, optional
        Called during a download with the bytes that are there, and those that there will be.

    Returns
    -------
    LocalSidecar
        Ready: root can log in. A server that somebody else started, with the same login, is
        returned with ``is_ours`` false. ``started`` tells whether this call started it.

    Raises
    ------
    LocalServerError
        No server can be had; the port is taken; the server died or was not ready in time; this is
        Windows.
    """
    if os.name == "nt":
        raise LocalServerError(NOT_ON_WINDOWS, hint=WINDOWS_HINT)
    say = progress or _silence
    if ephemeral and datadir is not None:
        raise LocalServerError("An ephemeral sidecar has a data folder of its own.")
    with _lock():
        wish = _Wish(port, password, flavour, datadir, ephemeral, timeout_s)
        running = read_state()
        if running is not None:
            return _already_up(running, wish, say)
        last = read_record()
        _clear_away(last)
        taken = port != 0 and is_taken(port or DEFAULT_PORT)
        if taken:
            other = _tutorial_server(port or DEFAULT_PORT, wish)
            if other is not None:
                say(f"{other}: already up, started by somebody else; using it.")
                return other
        if taken and port is not None:
            raise _port_taken(port)
        engine = find_engine(flavour, say, download)
        chosen = free_port() if taken or port == 0 else port or DEFAULT_PORT
        if taken:
            say(f"Port {DEFAULT_PORT} is taken by another program; using port {chosen}.")
        return _start(engine, wish, chosen, last, say)


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

    Notes
    -----
    The record of one whose data stays is kept: it has the password, and `status` tells of the data.
    """
    with _lock():
        record = read_record()
        process = process_of(record) if record is not None else None
        if process is not None:
            stop(process, timeout_s=timeout_s)
        _clear_away(record)
        return record if process is not None else None


def status() -> LocalStatus:
    """Return what is known about the sidecar that `up` started, and about data that remains."""
    return look()


def _already_up(running: LocalSidecar, wish: _Wish, say: Callable[[str], None]) -> LocalSidecar:
    if wish.flavour not in {None, running.flavour}:
        raise LocalServerError(
            f"A sidecar is already up, and it is another kind of server: {running}.",
            hint="`sidecar-magics down` stops it; its data stays.",
        )
    if wish.port not in {None, 0, running.port}:
        raise LocalServerError(
            f"The sidecar is already up, at {running.address}.",
            hint="`sidecar-magics down` stops it; then it can start on another port.",
        )
    if wish.password not in {None, running.password}:
        raise LocalServerError(
            f"A sidecar is already up, with another password: {running}.",
            hint="`sidecar-magics down` stops it; its data stays, and `up` gives it this password.",
        )
    if running.password in PUBLIC_PASSWORDS and wish.password is None:
        say("Its password is public; `sidecar-magics down` and `up` give it a private one.")
    say(f"{running}: already up.")
    return running


def _tutorial_server(port: int, wish: _Wish) -> LocalSidecar | None:
    """Return the server on this port if it is the tutorial's, of the right kind.

    Whoever listens there may be another account's program, so a private password is not tried.
    """
    public = TUTORIAL_PASSWORD.reveal()
    if wish.password not in {None, public}:
        return None
    try:
        there = wait(settings_for(port, public), timeout_s=0, access_grace_s=0)
    except SidecarError:
        return None
    if wish.flavour not in {None, there.flavour}:
        return None
    return LocalSidecar(HOST, port, USER, public, there.flavour, there.version)


def _start(
    engine: Engine, wish: _Wish, port: int, last: LocalSidecar | None, say: Callable[[str], None]
) -> LocalSidecar:
    deadline_s = time.monotonic() + wish.timeout_s
    with _place(engine, wish) as (datadir, log):
        if not engine.is_initialised(datadir):
            say(f"Making a data folder for {engine}.")
            engine.initialise(datadir, log)
        password = password_for(datadir, last) if wish.password is None else wish.password
        say(f"Starting {engine} on {HOST}:{port}.")
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
        try:
            write_record(sidecar)
            write_client_file(sidecar)
        except BaseException:
            stop(process, timeout_s=10)
            raise
    if not sidecar.confined:
        say(UNCONFINED)
    say(f"{sidecar}: ready.")
    if password not in PUBLIC_PASSWORDS:
        say("Notebooks find its password; `sidecar-magics status` tells how other programs do.")
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
    """Remove what a sidecar that has ended leaves and nobody needs: if ephemeral, everything."""
    remove_client_file()
    if record is None or not record.ephemeral:
        return
    if record.datadir is not None and record.log is not None:
        shutil.rmtree(record.datadir.parent, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            record.log.unlink()
    remove_record()


def _port_taken(port: int) -> LocalServerError:
    return LocalServerError(
        f"Port {port} is taken by another program, or by a server with another root password.",
        hint="leave --port out to use any free port, or stop the other program.",
    )


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
