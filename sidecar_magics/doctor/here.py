"""The near side of the connection: the machine, container or pod that the notebook runs in."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..addresses import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

# A machine answers itself at once, or a firewall of its own drops it.
OWN_ADDRESS_TIMEOUT_S = 1.0
# cgroup v2, then v1, as a container sees its own limit.
LIMIT_FILES = ("memory.max", "memory/memory.limit_in_bytes")
# Files that lie in every data folder of InnoDB, on MySQL and MariaDB alike.
LANDMARK = "ibdata1"


def own_addresses() -> tuple[str, ...]:
    """Return the addresses by which other machines or pods know this one."""
    import psutil  # noqa: PLC0415 - nothing is imported before it is used

    found: dict[str, None] = {}
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            # An IPv6 address with a zone is for one's own wire only, and every machine has some.
            if "%" not in each.address and not is_loopback(each.address):
                found[each.address] = None
    return tuple(found)


def open_ports(addresses: Iterable[str], ports: Iterable[int]) -> tuple[tuple[str, int], ...]:
    """Return which of these ports take a connection, by address.

    Nothing is sent, a password least of all: the program that listens there may be a foreign one.

    Parameters
    ----------
    addresses : iterable of str
        This machine's own.
    ports : iterable of int
        TCP ports.
    """
    wanted = tuple(ports)
    found = []
    for address in addresses:
        for port in wanted:
            with contextlib.suppress(OSError):
                socket.create_connection((address, port), OWN_ADDRESS_TIMEOUT_S).close()
                found.append((address, port))
    return tuple(found)


def age_s() -> float | None:
    """Return how many seconds ago this container, or machine, started; None if it is hidden."""
    import psutil  # noqa: PLC0415

    try:
        return max(0.0, time.time() - float(psutil.Process(1).create_time()))
    except psutil.Error:
        return None


def memory_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the memory that programs here may take: the container's limit, or the machine's all.

    Parameters
    ----------
    cgroup : Path, default /sys/fs/cgroup
        Where the kernel shows the limits.
    """
    limits = [machine_bytes()]
    for name in LIMIT_FILES:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
            limits.append(int((cgroup / name).read_text(encoding="ascii")))
    return min(limits)


def machine_bytes() -> int:
    """Return the memory of the machine, whatever limits there are."""
    import psutil  # noqa: PLC0415

    return int(psutil.virtual_memory().total)


def has_folder(datadir: str) -> bool:
    """Return whether a server's data folder lies here, and can be seen by this account.

    Parameters
    ----------
    datadir : str
        As the server names it: in a container that means another container's disk.
    """
    try:
        return bool(datadir) and (Path(datadir) / LANDMARK).exists()
    except OSError:  # before Python 3.12, of a folder that is closed to us
        return False
