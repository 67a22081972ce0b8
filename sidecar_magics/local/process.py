"""A server's process: start it detached, see it become ready, stop it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError, ServerNotReadyError, SidecarError
from ..settings import ConnectionSettings, Secret
from ..wait import wait
from .confine import confined, landlock_version
from .engine import TEMPORARY, environment, password_sql, telling_lines

if TYPE_CHECKING:
    import psutil

    from .engine import Engine

HOST = "127.0.0.1"
USER = "root"
NOT_ON_WINDOWS = "`sidecar-magics up` cannot start a server on Windows without Docker."
WINDOWS_HINT = (
    "start Docker Desktop, which `sidecar-magics up` then uses, or run `sidecar-magics up` in WSL; "
    "the magics connect to either."
)


def run_server(
    engine: Engine, datadir: Path, *, port: int, password: str, log: Path, timeout_s: float
) -> psutil.Process:
    """Start a server that outlives this process, and wait until root can log in.

    It can write nowhere but in its data folder and its log, where `can_confine` says so.

    Parameters
    ----------
    engine : Engine
        The program.
    datadir : Path
        Its initialised data folder.
    port : int
        Free TCP port on 127.0.0.1.
    password : str
        Root's password from now on, whatever it was before.
    log : Path
        File for the server's messages; emptied first.
    timeout_s : float
        Seconds until it must be ready.

    Raises
    ------
    LocalServerError
        The server died or was not ready in time; no process of it is left.
    """
    # mkstemp makes the file with mode 0600; other accounts could read a command line.
    handle, name = tempfile.mkstemp(prefix="init-", suffix=".sql", dir=log.parent)
    init_file = Path(name)
    process = None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(password_sql(password))
        log.write_bytes(b"")
        (datadir / TEMPORARY).mkdir(exist_ok=True)
        command = engine.command(datadir, port=port, log=log, init_file=init_file)
        if can_confine():
            command = confined(command, folder=datadir, files=[log])
        process = _spawn(command, log)
        _await_readiness(engine, process, port=port, password=password, log=log, limit_s=timeout_s)
    except BaseException:
        if process is not None:
            stop(process, timeout_s=10)
        raise
    finally:
        init_file.unlink()
    return process


def can_confine() -> bool:
    """Return whether the servers started here can write nowhere but in their data folders."""
    return landlock_version() > 0


def stop(process: psutil.Process, *, timeout_s: float) -> bool:
    """End a server's process, and wait until it is gone.

    Parameters
    ----------
    process : psutil.Process
        The server.
    timeout_s : float
        Seconds it gets to write its data down and end by itself; then it is killed.

    Returns
    -------
    bool
        Whether it ended by itself.

    Raises
    ------
    LocalServerError
        The process belongs to another user.
    """
    import psutil  # noqa: PLC0415

    try:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout_s)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        raise LocalServerError(f"Process {process.pid} belongs to another user.") from None
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(timeout_s)
        return False
    return True


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process is there and has not ended, waited for or not."""
    import psutil  # noqa: PLC0415

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def settings_for(port: int, password: str) -> ConnectionSettings:
    """Return how root logs in to a server on this machine."""
    return ConnectionSettings(host=HOST, port=port, user=USER, password=Secret(password))


def is_taken(port: int) -> bool:
    """Return whether something listens on this port of this machine."""
    with socket.socket() as listener:
        # Without this, connections of the last server would count for a minute after its end.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            # Not so for a port that only root may use: there the server's own words are better.
            return error.errno == errno.EADDRINUSE
        return False


def free_port() -> int:
    """Return a TCP port that is free at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _spawn(command: list[str], log: Path) -> psutil.Process:
    """Start a process in a session of its own, so that a closing terminal does not end it."""
    import psutil  # noqa: PLC0415

    if sys.platform == "win32":
        raise LocalServerError(NOT_ON_WINDOWS, hint=WINDOWS_HINT)
    # Not subprocess.Popen: it complains when it is forgotten while its process runs.
    pid = os.posix_spawn(
        command[0],
        command,
        environment(),
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    return psutil.Process(pid)


def _await_readiness(
    engine: Engine, process: psutil.Process, *, port: int, password: str, log: Path, limit_s: float
) -> None:
    def watch() -> None:
        if not is_alive(process):
            raise _failure(f"{engine} ended while it was starting.", log)

    try:
        wait(settings_for(port, password), timeout_s=limit_s, access_grace_s=limit_s, watch=watch)
    except LocalServerError:
        raise
    except ServerNotReadyError as error:
        reason = f"{engine} was not ready after {error.waited_s:.0f} s: {error.last_answer}."
        raise _failure(reason, log) from None
    except SidecarError as error:
        raise _failure(error.message, log) from None


def _failure(message: str, log: Path) -> LocalServerError:
    return LocalServerError(message, details=telling_lines(log), hint=f"the whole log: {log}")
