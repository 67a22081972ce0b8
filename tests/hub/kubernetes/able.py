"""Whether Kubernetes can be built and run here; ``python -m tests.hub.kubernetes.able`` says."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.archive import machine_archive

CGROUPS = Path("/sys/fs/cgroup")
# A kubelet of 1.20 wants these of version 1.
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
TOOLS = ("apt-get", "dpkg-deb", "patch", "tar")


def build_reason() -> str:
    """Return why Kubernetes cannot be built here; empty if it can."""
    try:
        archive = machine_archive()
    except LocalServerError as error:
        return str(error)
    if archive.distribution != "debian":
        return "the source package is Debian's, and this is another distribution"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"install {missing[0]}" if missing else ""


def node_reason() -> str:
    """Return why no node can be run here; empty if it can."""
    if os.geteuid() != 0:
        return "only root can make a node's namespaces"
    missing = [name for name in CONTROLLERS if not (CGROUPS / name / "tasks").exists()]
    if missing:
        return f"Kubernetes 1.20 needs cgroups of version 1, and {CGROUPS / missing[0]} is none"
    return "" if os.access(CGROUPS / "memory", os.W_OK) else f"{CGROUPS} cannot be written to"


if __name__ == "__main__":
    why = build_reason() or node_reason()
    sys.exit(f"No Kubernetes here: {why}." if why else 0)
