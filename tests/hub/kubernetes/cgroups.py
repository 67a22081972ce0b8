"""A control group of our own in each hierarchy of version 1, for all that a kubelet starts."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.hub.kubernetes.able import CGROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "kubernetes-"  # and the number of the process whose group it is
END_S = 30.0


@contextmanager
def own_cgroup() -> Iterator[str]:
    """Yield the name of a group that is in each hierarchy while a block runs, and not after it."""
    name = f"{PREFIX}{os.getpid()}"
    # One of version 2 may be beside them: a kubelet makes its group there by itself.
    groups = [each / name for each in CGROUPS.iterdir() if each.is_dir()]
    _remove_orphans()
    try:
        for group in groups:
            if (group.parent / "tasks").exists():
                group.mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, which nobody can join
            (CGROUPS / "cpuset" / name / file).write_text((CGROUPS / "cpuset" / file).read_text())
        yield name
    finally:
        for group in groups:
            _remove(group)


def _remove_orphans() -> None:
    """Remove the groups of runs that were killed."""
    for group in CGROUPS.glob(f"*/{PREFIX}*"):
        owner = group.name.removeprefix(PREFIX)
        if owner.isdigit() and not Path("/proc", owner).exists():
            _remove(group)


def _remove(group: Path) -> None:
    deadline_s = time.monotonic() + END_S
    while group.exists() and time.monotonic() < deadline_s:
        below = sorted(each for each in group.rglob("*") if each.is_dir())
        for each in (*reversed(below), group):
            with contextlib.suppress(OSError):  # a process of it is about to end
                each.rmdir()
        time.sleep(0.1)
