"""The shapes of a machine that is measured: who may use which cores, and how the server is set."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# What `sidecar-magics up` saves on, back at the servers' own defaults.
STOCK: dict[str, tuple[str, ...]] = {
    "mysql": ("--log-bin=binlog", "--innodb-buffer-pool-size=128M", "--performance-schema=ON"),
    "mariadb": ("--innodb-buffer-pool-size=128M",),
}
# As hub-config/sidecar.values.yaml sets the sidecar of a pod.
HUB: dict[str, tuple[str, ...]] = {
    "mysql": (
        "--innodb-buffer-pool-size=1G",
        "--loose-innodb-redo-log-capacity=128M",
        "--innodb-log-buffer-size=16M",
        "--max-connections=60",
    ),
    "mariadb": (
        "--innodb-buffer-pool-size=1G",
        "--innodb-log-file-size=64M",
        "--innodb-log-buffer-size=16M",
        "--max-connections=60",
    ),
}
SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "stock": STOCK,
    "sidecar": {"mysql": (), "mariadb": ()},
    "hub": HUB,
}
NOTES = {
    "stock": "the servers' own defaults: MySQL with binary log and performance_schema, pool 128 MB",
    "sidecar": "as `sidecar-magics up` has them: no binary log, no performance_schema, pool 256 MB",
    "hub": "as hub-config has them: no binary log, no performance_schema, pool 1 GB",
}


class Shape(NamedTuple):
    """Who may use which cores.

    Attributes
    ----------
    server, clients : frozenset of int
        Numbers of the cores; the same ones where they share them.
    """

    server: frozenset[int]
    clients: frozenset[int]

    @contextlib.contextmanager
    def starting_server(self) -> Iterator[None]:
        """Let what is started in the block use the server's cores, and the rest the clients'."""
        os.sched_setaffinity(0, self.server)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self.clients)

    def __str__(self) -> str:
        if self.server == self.clients:
            return f"server and client share {len(self.server)} cores"
        return f"the server on {len(self.server)} core, the client on {len(self.clients)} other"


def shape(name: str, cores: int | None = None) -> Shape:
    """Return a shape by its name.

    Parameters
    ----------
    name : {"shared", "hub"}
        All cores for both; or as in a hub's pod: one for the server, another for the client.
    cores : int, optional
        How many cores to share. Default: all that this process may use.

    Raises
    ------
    ValueError
        There is no second core.
    """
    mine = sorted(os.sched_getaffinity(0))
    if name == "shared":
        return Shape(frozenset(mine[:cores]), frozenset(mine[:cores]))
    if len(mine) < 2:
        raise ValueError("the shape of a hub needs two cores")
    return Shape(frozenset(mine[:1]), frozenset(mine[1:2]))
