"""Ports for what the tests start, which nobody else takes before it does."""

from __future__ import annotations

import random
from pathlib import Path

from sidecar_magics.local.process import free_port, is_taken

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 20000
TRIES = 100


def quiet_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free, and that the system gives to nobody unasked.

    What `free_port` returns may be the next that the system gives away, as the port of somebody's
    connection or for another `free_port`: also while a server that had it is down.
    """
    try:
        first = int(RANGE.read_text().split()[0])
    except OSError:  # not Linux
        return free_port()
    # Not the global generator: whoever seeds that would make all runs take the same ports.
    chance = random.SystemRandom()
    for _ in range(TRIES if first > LOWEST else 0):
        port = chance.randrange(LOWEST, first)
        if not is_taken(port):
            return port
    return free_port()
