"""A control group of our own in each hierarchy of version 1, for all that a kubelet starts."""

from __future__ import annotations

import contextlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.hub.kubernetes.able import CGROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END_S = 30.0


@contextmanager
def own_cgroup(name: str) -> Iterator[None]:
    """Have a group of that name in each hierarchy while a block runs, and nothing after it."""
    # One of version 2 may be beside them: a kubelet makes its group there by itself.
    groups = [each / name for each in CGROUPS.iterdir() if each.is_dir()]
    try:
        for group in groups:
            if (group.parent / "tasks").exists():
                group.mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, which nobody can join
            (CGROUPS / "cpuset" / name / file).write_text((CGROUPS / "cpuset" / file).read_text())
        yield
    finally:
        for group in groups:
            _remove(group)


def _remove(group: Path) -> None:
    deadline_s = time.monotonic() + END_S
    while group.exists() and time.monotonic() < deadline_s:
        below = sorted(each for each in group.rglob("*") if each.is_dir())
        for each in (*reversed(below), group):
            with contextlib.suppress(OSError):  # a process of it is about to end
                each.rmdir()
        time.sleep(0.1)
