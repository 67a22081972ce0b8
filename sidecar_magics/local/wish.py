"""The options of ``up``, and its messages meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_TIMEOUT_S = 120.0
AUTO = "auto"
BACKENDS = {
    AUTO: "what answers, else an engine, else native",
    "docker": "a container of Docker",
    "podman": "a container of podman",
    "native": "a process of yours, no container",
}


def silence(*_: object) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Wish:
    """The options of ``up``.

    Parameters
    ----------
    port : int or None
        TCP port, or 0 for any that is free; None for 3306, or the next free one.
    password : str or None
        Root's password from now on; None for the one that the data has, or a random one.
    flavour : {"mysql", "mariadb"} or None
        None for MySQL, and MariaDB where it cannot be had.
    datadir : Path or None
        Data folder of a native server; None for the user's own.
    ephemeral : bool
        Whether ``down`` removes the data.
    container : str or None
        Name of a container to use; None for one that is found, or a new one.
    timeout_s : float
        Seconds for starting, without downloads.
    """

    port: int | None = None
    password: str | None = None
    flavour: str | None = None
    datadir: Path | None = None
    ephemeral: bool = False
    container: str | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True)
class Reporter:
    """The receivers of messages from ``up``.

    Parameters
    ----------
    say : callable
        Called with a line of text at each step.
    download : callable
        Called during a download with the amounts so far and in all: bytes, or layers of an image.
    """

    say: Callable[[str], None] = silence
    download: Callable[[int, int], None] | None = None
    layers: Callable[[int, int], None] | None = None
