"""What a cluster needs besides Kubernetes' own programs: packages of the distribution, unpacked."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

from sidecar_magics.local.packages import fetch
from sidecar_magics.local.state import folders
from tests.hub.kubernetes.build import SUITE

STORE = ("etcd-server",)
RUNTIME = ("containerd", "runc", "containernetworking-plugins", "catatonit")
# What the machine has, or only a service of the system's needs.
NOT_NEEDED = ("adduser", "init-system-helpers", "iptables", "libc6", "lsb-base", "pipexec", "tini")


@functools.cache
def etcd() -> Path:
    """Return the program that an API server keeps its objects in."""
    return _unpacked("etcd", STORE) / "usr/bin/etcd"


@functools.cache
def runtime() -> Path:
    """Return the folder with what runs containers."""
    return _unpacked("containerd", RUNTIME)


def _unpacked(name: str, packages: tuple[str, ...]) -> Path:
    target = folders().cache / f"{name}-{SUITE}-{platform.machine()}"
    return fetch(packages, target, suite=SUITE, without=NOT_NEEDED)
