"""The network of the pods: a bridge on this machine, and an address on it for each pod.

Nothing filters between the pods, as in a cluster that does not enforce network policies. The bridge
goes nowhere else: there is no route to the world and no rule of a firewall. It has one range of
addresses, so only one such run at a time is possible (`images.built`).
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from tests.hub.pods.podman import run

HOST = "10.213.77.1"
NAME = "pods"  # and the number of the process whose bridge it is


class Network:
    """A bridge; use it as an async context manager.

    Attributes
    ----------
    host : str
        This machine's address, as pods see it.
    """

    host = HOST

    def __init__(self) -> None:
        self.bridge = f"{NAME}{os.getpid()}"[:15]
        self._numbers = itertools.count(2)

    async def __aenter__(self) -> Network:
        await _remove_orphans()
        await run("ip", "link", "add", self.bridge, "type", "bridge")
        await run("ip", "address", "add", f"{HOST}/24", "dev", self.bridge)
        await run("ip", "link", "set", self.bridge, "up")
        return self

    async def __aexit__(self, *_: object) -> None:
        await run("ip", "link", "delete", self.bridge)

    async def join(self, process: int) -> str:
        """Give the network namespace of a process an address, and return it."""
        number = next(self._numbers)
        address, ours = f"10.213.77.{number}", f"{self.bridge[:10]}v{number}"
        inside = ("nsenter", "--target", str(process), "--net", "ip")
        await run(
            *("ip", "link", "add", ours, "type", "veth"),
            *("peer", "name", "eth0", "netns", str(process)),
        )
        await run("ip", "link", "set", ours, "master", self.bridge, "up")
        await run(*inside, "address", "add", f"{address}/24", "dev", "eth0")
        await run(*inside, "link", "set", "eth0", "up")
        return address


async def _remove_orphans() -> None:
    """Remove the bridges of runs that were killed: two with the same addresses would not work."""
    for bridge in Path("/sys/class/net").glob(f"{NAME}*/bridge"):
        name = bridge.parent.name
        owner = name.removeprefix(NAME)
        if owner.isdigit() and not Path("/proc", owner).exists():
            await run("ip", "link", "delete", name)
