"""Choose a port for a server, and find the program that has the wanted one."""

from __future__ import annotations

import contextlib
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..errors import LocalServerError
from .process import free_port, is_taken

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

    from .wish import Wish

DEFAULT_PORT = 3306
# How many ports after the one that is taken are tried, before any is taken.
NEIGHBOURS = 50
# Programs that hold a port for a container.
FORWARDERS = (
    "docker-proxy",
    "rootlessport",
    "com.docker",
    "gvproxy",
    "vpnkit",
    "conmon",
    "slirp4netns",
)
# Options of a dynamic loader that are followed by a value.
LOADER_OPTIONS = ("--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0")


def choose_port(wish: Wish, say: Callable[[str], None], preferred: int | None = None) -> int:
    """Return the port for a server that is to start.

    Parameters
    ----------
    wish : Wish
        Its `port` is taken at its word.
    say : callable
        Called with a line about the program that has the port, if another one is chosen.
    preferred : int, optional
        The one that the server had last. Default: 3306.

    Raises
    ------
    LocalServerError
        The port that was asked for is taken.
    """
    if wish.port == 0:
        return free_port()
    wanted = wish.port or preferred or DEFAULT_PORT
    if not is_taken(wanted):
        return wanted
    if wish.port is not None:
        raise LocalServerError(
            f"Port {wanted} is taken by {holder(wanted)}.",
            hint="leave --port out to use the next free port, or stop the other program.",
        )
    chosen = next_free_port(wanted)
    say(f"Port {wanted} is taken by {holder(wanted)}; using port {chosen}.")
    return chosen


def next_free_port(port: int) -> int:
    """Return the first free port after this one; any, if the next fifty are taken."""
    candidates = range(port + 1, min(port + 1 + NEIGHBOURS, 65536))
    return next((each for each in candidates if not is_taken(each)), 0) or free_port()


def holder(port: int) -> str:
    """Return the program that listens on a port, in words, as far as this account may know."""
    process = _process_at(port)
    if process is None or process.startswith(FORWARDERS):
        container = _container_at(port)
        if container is not None:
            return container
    return "another program" if process is None else f"the program {process}"


def _process_at(port: int) -> str | None:
    """Return name, number and user of the process that listens; None if it is not to be known."""
    import psutil  # noqa: PLC0415

    with contextlib.suppress(psutil.Error, OSError, RuntimeError):
        for each in psutil.net_connections(kind="tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid:
                process = psutil.Process(each.pid)
                return f"{_name(process)} (process {each.pid} of {process.username()})"
    return None


def _name(process: psutil.Process) -> str:
    """Return the program of a process; of a dynamic loader, the program that it runs."""
    import psutil  # noqa: PLC0415

    name: str = process.name()
    if name.startswith("ld-"):  # as of packages that are unpacked, such as ours
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            for option, word in zip(words, words[1:]):
                if not word.startswith("-") and option not in LOADER_OPTIONS:
                    return PurePath(word).name
    return name


def _container_at(port: int) -> str | None:
    from .containers.found import container_at  # noqa: PLC0415 - engines are asked when needed

    return container_at(port)
