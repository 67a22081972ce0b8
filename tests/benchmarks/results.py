"""The measurements as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.benchmarks.arena import cores

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADINGS = ("server", "what", "ours", "against", "", "ratio (min-max)", "goal", "")
# The cores that the goals are set for.
GOAL_CORES = 2


@dataclass(frozen=True)
class Line:
    """One figure.

    Parameters
    ----------
    server, what : str
        Which server, which load.
    ours : str
        Our time or memory, with its unit.
    against, theirs : str
        What it is compared with, and its time; may be empty.
    values : tuple of float
        The figure, round by round; the median counts.
    goal : float or None
        What the median must reach; None: there is no goal.
    at_most : bool
        Whether the goal is an upper limit.
    """

    server: str
    what: str
    ours: str
    against: str
    theirs: str
    values: tuple[float, ...]
    goal: float | None = None
    at_most: bool = False

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal

    def cells(self) -> tuple[str, ...]:
        """Return the line's texts, one for each heading."""
        figure = f"{self.median:.2f}"
        if len(self.values) > 1:
            figure += f" ({min(self.values):.2f}-{max(self.values):.2f})"
        goal = "" if self.goal is None else f"{'<=' if self.at_most else '>='} {self.goal:g}"
        verdict = {None: "", True: "met", False: "missed"}[self.is_met]
        return (
            self.server,
            self.what,
            self.ours,
            self.against,
            self.theirs,
            figure,
            goal,
            verdict,
        )

    def record(self) -> dict[str, Any]:
        """Return the line for JSON."""
        return {
            "server": self.server,
            "what": self.what,
            "ours": self.ours,
            "against": self.against,
            "theirs": self.theirs,
            "median": self.median,
            "values": self.values,
            "goal": self.goal,
            "met": self.is_met,
        }


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table in plain text."""
    rows = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def machine(servers: Path) -> dict[str, str]:
    """Return what the figures depend on.

    Parameters
    ----------
    servers : Path
        Folder of the servers' data.
    """
    return {
        "cores": f"{cores()} of {os.cpu_count()}; the goals are for {GOAL_CORES}",
        "processor": _processor(),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "disk of the servers' data": (
            f"{_file_system(servers)}, {shutil.disk_usage(servers).free / 1e9:.0f} GB free"
        ),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _file_system(folder: Path) -> str:
    """Return the kind of the file system that a folder is on; tmpfs is memory."""
    inside = [
        part
        for part in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(part.mountpoint)
    ]
    return str(max(inside, key=lambda part: len(part.mountpoint)).fstype) if inside else "unknown"
