"""A sidecar on your own machine: start it, stop it, look at it, with any backend."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ..errors import LocalServerError, SidecarError
from ..process_lock import ProcessLock
from ..settings import PUBLIC_PASSWORDS, TUTORIAL_PASSWORD
from ..wait import wait
from . import ports
from .access import remove_client_file, write_client_file
from .backends import backend_for, candidates, recorded_backend
from .logs import shown_line
from .native import NativeBackend, clear_away
from .process import HOST, USER, is_taken, settings_for
from .state import (
    NATIVE,
    LocalSidecar,
    folders,
    is_running,
    read_record,
    read_state,
    remove_record,
    write_record,
)
from .status import LocalStatus, look
from .wish import AUTO, DEFAULT_TIMEOUT_S, Reporter, Wish, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Another `up` may be fetching a server, or an image.
LOCK_S = 1800.0


def up(
    *,
    backend: str = AUTO,
    port: int | None = None,
    password: str | None = None,
    flavour: str | None = None,
    datadir: Path | None = None,
    ephemeral: bool = False,
    container: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    progress: Callable[[str], None] | None = None,
    download: Callable[[int, int], None] | None = None,
    layers: Callable[[int, int], None] | None = None,
) -> LocalSidecar:
    """Start a server on 127.0.0.1 that outlives this process, or return the one that is there.

    Parameters
    ----------
    backend : {"auto", "docker", "podman", "native"}, default "auto"
        The program that runs it. ``auto`` takes a server that answers already, else the backend
        that has the data, else Docker or podman, if one of them works here, else a native server.
    port : int, optional
        TCP port, or 0 for any that is free. Default: 3306, and the next free one if that is taken.
    password : str, optional
        Root's password from now on, also of data that had another; may be empty. Default: the one
        that these data had last, unless that was a public one; else a random one. The record has
        it, where `settings.resolve` finds it. A container that ``up`` did not make keeps its own:
        there it is the one to log in with.
    flavour : {"mysql", "mariadb"}, optional
        Default: MySQL, and MariaDB where it cannot be had. Containers are MySQL.
    datadir : Path, optional
        Data folder of a native server. Default: one for each flavour in the user's data folder,
        kept between runs.
    ephemeral : bool, default False
        Use new data, which `down` removes.
    container : str, optional
        Name of a container to use. Default: ours, or one of Spyglass or DataJoint, or a new one.
    timeout_s : float, default 120
        Seconds for making the data and starting; downloads have limits of their own.
    progress : callable, optional
        Called with a line of text at each step.
    download : callable, optional
        Called during a download with the bytes that are there, and those that there will be.
    layers : callable, optional
        The same for the layers of an image.

    Returns
    -------
    LocalSidecar
        Ready: root can log in. A server that another program started, with the same login, is
        returned with ``is_ours`` false. ``started`` says whether this call started it.

    Raises
    ------
    LocalServerError
        No server can be had; the port is taken; the server died or was not ready in time.
    """
    wish = Wish(port, password, flavour, datadir, ephemeral, container, timeout_s)
    report = Reporter(progress or silence, download, layers)
    with _lock():
        running = read_state()
        if running is not None:
            return _already_up(running, wish, backend, report)
        last = read_record()
        _clear_away(last)
        if backend == AUTO and container is None:
            other = _tutorial_server(wish)
            if other is not None:
                report.say(f"{other}: already up, started by another program; using it.")
                return other
        return _recorded(_start(backend, wish, last, report), report)


def down(*, timeout_s: float = 30.0) -> LocalSidecar | None:
    """Stop the sidecar that `up` started; of an ephemeral one, remove the data.

    Parameters
    ----------
    timeout_s : float, default 30
        Seconds the server gets to end by itself before it is killed.

    Returns
    -------
    LocalSidecar or None
        The stopped sidecar; None if nothing was running. A container that ran before `up` is left
        running: then ``is_ours`` is false, and only the record of it is removed.

    Raises
    ------
    LocalServerError
        The process belongs to another user; the container's engine does not answer.

    Notes
    -----
    The record of one whose data stays is kept: it has the password, and `status` shows the data.
    """
    with _lock():
        record = read_record()
        runs = record is not None and is_running(record)
        if record is not None and runs and record.is_ours:
            recorded_backend(record).stop(record, timeout_s=timeout_s)
        _clear_away(record)
        if record is not None and not record.is_ours:
            remove_record()
        return record if runs else None


def delete_data(*, timeout_s: float = 30.0) -> LocalSidecar | None:
    """Stop the sidecar that `up` started last, and remove its data for good.

    Returns
    -------
    LocalSidecar or None
        Whose data were removed; None if there is none.

    Raises
    ------
    LocalServerError
        The data are in a container that ``up`` did not make.
    """
    record = read_record()
    if record is None:
        return None
    if record.container is not None and record.container.is_foreign:
        raise LocalServerError(
            f"The container {record.container.name} was not made by `up`, so its data stay.",
            hint=f"`{record.backend} rm --volumes {record.container.name}` removes both.",
        )
    down(timeout_s=timeout_s)
    with _lock():
        if not record.ephemeral:
            recorded_backend(record).delete_data(record)
        remove_record()
    return record


def delete_earlier_data(folder: Path) -> None:
    """Remove data of an earlier sidecar for good.

    Parameters
    ----------
    folder : Path
        One of the `others` that `status` shows.

    Raises
    ------
    LocalServerError
        There are no such data any more; a server uses them.
    """
    with _lock():
        if folder not in (look().others or {}):
            raise LocalServerError(f"{folder} has no data of an earlier sidecar.")
        NativeBackend().delete_earlier_data(folder)


def status() -> LocalStatus:
    """Return the status of the sidecar that `up` started, and of data that remains."""
    return look()


def logs(*, lines: int = 100, follow: bool = False) -> Iterator[str]:
    """Yield the last messages of the server that `up` started, without passwords.

    Parameters
    ----------
    lines : int, default 100
        How many.
    follow : bool, default False
        Continue with those that come, until the server ends.

    Raises
    ------
    LocalServerError
        No server was started; its engine does not answer.
    """
    record = read_record()
    if record is None:
        raise LocalServerError(
            "No sidecar was started here.", hint="`sidecar-magics up` starts one."
        )
    for line in recorded_backend(record).logs(record, lines, follow=follow):
        yield shown_line(line)


def _start(backend: str, wish: Wish, last: LocalSidecar | None, report: Reporter) -> LocalSidecar:
    if backend != AUTO:
        return backend_for(backend).start(wish, last, report)
    for each, passed_over in candidates(wish, last, report.say):
        try:
            return each.start(wish, last, report)
        except passed_over as error:
            said = error.message.rstrip(". ")  # an engine's words end as it likes
            report.say(f"{said}. So {each.kind} is not used.")
    raise AssertionError("of the last candidate nothing is passed over")


def _recorded(sidecar: LocalSidecar, report: Reporter) -> LocalSidecar:
    """Write the record of a server; stop the server if that fails."""
    try:
        write_record(sidecar)
        write_client_file(sidecar)
    except BaseException:
        if sidecar.started:
            recorded_backend(sidecar).stop(sidecar, timeout_s=10)
        raise
    report.say(f"{sidecar}: ready.")
    if sidecar.password not in PUBLIC_PASSWORDS:
        report.say(
            "Notebooks find its password; `sidecar-magics status` shows how other programs log in."
        )
    return sidecar


def _already_up(running: LocalSidecar, wish: Wish, backend: str, report: Reporter) -> LocalSidecar:
    if backend not in {AUTO, running.backend}:
        raise LocalServerError(
            f"A sidecar is already up, with --backend {running.backend}: {running}.",
            hint="`sidecar-magics down` stops it; its data stays.",
        )
    if wish.container is not None and (
        running.container is None or running.container.name != wish.container
    ):
        raise LocalServerError(
            f"A sidecar is already up, and it is not the container {wish.container}: {running}.",
            hint="`sidecar-magics down` stops it; its data stays.",
        )
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
    if running.password in PUBLIC_PASSWORDS and wish.password is None and running.is_ours:
        report.say("Its password is public; `sidecar-magics down` and `up` give it a private one.")
    report.say(f"{running}: already up.")
    return running


def _tutorial_server(wish: Wish) -> LocalSidecar | None:
    """Return the server on the port that is wanted if it is the tutorial's, of the right kind.

    The program that listens there may be another account's, so a private password is not tried.
    """
    port = ports.DEFAULT_PORT if wish.port is None else wish.port
    public = TUTORIAL_PASSWORD.reveal()
    if wish.password not in {None, public} or port == 0 or not is_taken(port):
        return None
    try:
        there = wait(settings_for(port, public), timeout_s=0, access_grace_s=0)
    except SidecarError:
        return None
    if wish.flavour not in {None, there.flavour}:
        return None
    return LocalSidecar(HOST, port, USER, public, there.flavour, there.version)


def _clear_away(record: LocalSidecar | None) -> None:
    """Remove the files of a sidecar that has ended: if ephemeral, also its data."""
    remove_client_file()
    if record is None or not record.ephemeral:
        return
    if record.backend == NATIVE:
        clear_away(record)
    else:
        with contextlib.suppress(LocalServerError):  # it is gone, or its engine is
            recorded_backend(record).delete_data(record)
    remove_record()


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time start or stop the sidecar; a second one waits for its turn.

    Where the state folder's file system has no locks, none waits.
    """
    path = folders().state / "sidecar.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = ProcessLock(path)
    if not lock.acquire(LOCK_S):
        raise LocalServerError(
            f"Another `sidecar-magics` has been starting or stopping the sidecar for "
            f"{LOCK_S / 60:.0f} min.",
            hint="end it, and try again.",
        )
    try:
        yield
    finally:
        lock.release()
