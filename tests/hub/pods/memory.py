"""How much memory a container takes, without its page cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.hub.pods.podman import podman

if TYPE_CHECKING:
    from tests.hub.pods.container import Container

CGROUPS = Path("/sys/fs/cgroup")
MIB = 2**20


async def memory_mib(container: Container) -> float:
    """Return the anonymous memory of all processes of a running container."""
    found = await podman("inspect", container.name, "--format", "{{.State.Pid}}")
    lines = Path(f"/proc/{found.output.strip()}/cgroup").read_text().splitlines()
    groups = dict(line.split(":", 2)[1:] for line in lines)
    if "memory" in groups:  # cgroups of version 1
        folder, key = CGROUPS / "memory" / groups["memory"].lstrip("/"), "total_rss"
    else:
        folder, key = CGROUPS / groups[""].lstrip("/"), "anon"
    stat = (folder / "memory.stat").read_text()
    return int(dict(line.split() for line in stat.splitlines())[key]) / MIB
