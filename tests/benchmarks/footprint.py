"""What each setting of hub-config's MySQL costs, and what it saves.

For the default's settings, and for each of them changed back or further, one at a time: the
server's memory when it idles and after the loads, its data folder before any data, and how long two
dumps take to load, as a ratio to the default's time in the same round.

    python -m tests.benchmarks.footprint --rounds 3

The settings are read from hub-config/sidecar.values.yaml. The server is MySQL 9.7 from the
distribution's packages, not the image.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.arena import Arena, run_ours
from tests.benchmarks.files import PROJECT, Files
from tests.guard import guarded_folder
from tests.hub.values import SIDECAR
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "sidecar.values.yaml"
# The image's my.cnf and the published values, where the default differs; then what was thought of.
CHANGES: dict[str, tuple[str, ...]] = {
    "buffer pool 4G, as the image": ("--innodb-buffer-pool-size=4G",),
    "buffer pool 512M": ("--innodb-buffer-pool-size=512M",),
    "buffer pool 128M": ("--innodb-buffer-pool-size=128M",),
    "redo log 4G, as the image": ("--innodb-redo-log-capacity=4G",),
    "redo log 512M": ("--innodb-redo-log-capacity=512M",),
    "redo log 32M": ("--innodb-redo-log-capacity=32M",),
    "performance schema, as the image": ("--performance-schema=ON",),
    "binary log, as the image": ("--log-bin=binlog",),
    "151 connections, as the image": ("--max-connections=151",),
    "log buffer 64M, as MySQL 8.4 has it": ("--innodb-log-buffer-size=64M",),
    "table caches of 400": ("--table-open-cache=400", "--table-definition-cache=400"),
    "commits to the disk once a second": ("--innodb-flush-log-at-trx-commit=2",),
    "no doublewrite buffer": ("--innodb-doublewrite=OFF",),
    "all that the image has": (
        "--innodb-buffer-pool-size=4G",
        "--innodb-redo-log-capacity=4G",
        "--performance-schema=ON",
        "--log-bin=binlog",
        "--max-connections=151",
    ),
}
# Of the container alone, or given to every server of the tests in another way.
NOT_MEASURED = ("mysqld", "--bind-address", "--loose-mysqlx", "--skip-log-bin", "--local-infile")
SETTLE_S = 5.0
MIB = 2**20


@dataclass
class Variant:
    """Settings, and what was measured with them.

    Parameters
    ----------
    options : tuple of str
        For the server.
    """

    options: tuple[str, ...]
    idle_mib: list[float] = field(default_factory=list)
    loaded_mib: list[float] = field(default_factory=list)
    disk_mib: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure all in turn, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--scale", type=float, default=0.25, help="of 186 MB; default: 0.25")
    parser.add_argument("--data", type=Path, default=PROJECT / ".cache" / "benchmarks")
    options = parser.parse_args(arguments or None)
    files = Files(options.data, "mysql", options.scale, say)
    scripts = {"Spyglass": files.spyglass(), f"{186 * options.scale:.0f} MB": files.employees()}
    variants = {DEFAULT: Variant(default_options())}
    for name, change in CHANGES.items():
        variants[name] = Variant((*default_options(), *change))
    with guarded_folder() as folder:
        for turn in range(options.rounds):
            # Each begins another round, since what comes first is slower.
            for name in rotated(list(variants), turn):
                measure(variants[name], Path(folder, name.replace(" ", "-")), scripts)
                say(f"round {turn + 1}: {name}")
    print(table(variants, list(scripts)))


def rotated(names: list[str], turn: int) -> list[str]:
    """Return the names in the order of a round: a third further on each time."""
    start = turn * len(names) // 3 % len(names)
    return names[start:] + names[:start]


def say(line: str) -> None:
    """Return how far it is, apart from the results."""
    print(line, file=sys.stderr, flush=True)


def default_options() -> tuple[str, ...]:
    """Return what hub-config's default gives to MySQL."""
    (mysql,) = SIDECAR.values()["singleuser"]["initContainers"]
    return tuple(each for each in mysql["args"] if not each.startswith(NOT_MEASURED))


def measure(variant: Variant, folder: Path, scripts: dict[str, Path]) -> None:
    """Start a server, let it idle, load, and stop it; its data folder stays for the next round."""
    with Server("mysql", folder, options=variant.options) as server:
        if not variant.idle_mib:
            variant.disk_mib = disk_mib(server.datadir)
        time.sleep(SETTLE_S)
        variant.idle_mib.append(memory_mib(server.pid))
        arena = Arena(server)
        for name, script in scripts.items():
            run = arena.run(partial(run_ours, script=script, arguments={}))
            variant.seconds.setdefault(name, []).append(run.seconds)
        variant.loaded_mib.append(memory_mib(server.pid))
        server.drop_schemas()


def memory_mib(pid: int) -> float:
    """Return a process's own memory, without the pages of files."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(fields["RssAnon"].split()[0]) * 1024 / MIB


def disk_mib(folder: Path) -> float:
    """Return what a folder takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*")) / MIB


def table(variants: dict[str, Variant], scripts: Sequence[str]) -> str:
    """Return what was measured as a table in Markdown."""
    headings = ["settings", "idle", "after the loads", "disk before data"]
    rows = [[*headings, *(f"time to load {name}" for name in scripts)]]
    rows.append(["---"] * len(rows[0]))
    default = variants[DEFAULT]
    for name, variant in variants.items():
        cells = [
            name,
            f"{statistics.median(variant.idle_mib):.0f} MiB",
            f"{statistics.median(variant.loaded_mib):.0f} MiB",
            f"{variant.disk_mib:,.0f} MiB",
        ]
        for script in scripts:
            pairs = zip(variant.seconds[script], default.seconds[script])
            ratios = [seconds / base for seconds, base in pairs]
            spread = f" ({min(ratios):.2f}-{max(ratios):.2f})" if variant is not default else ""
            cells.append(f"{statistics.median(ratios):.2f}{spread}")
        rows.append(cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
