"""How fast and how small %mysql_load is, against the servers' clients, myloader and the floor.

Each figure is the median of rounds in which all ways load the same data, in turn, into the same
server, emptied and calmed before. The floor is what the server's own work would take with all cores
busy: its processor seconds divided by the cores.

    python -m tests.benchmarks.load --only employees --json figures.json

The first run makes the files (a real mysqldump of 186 MB among them) and keeps them. myloader is
the distribution's and any other that is named; the fastest in a first try is the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # started by its path
    sys.path[0] = str(Path(__file__).parents[2])

from sidecar_magics.local.state import folders
from tests.benchmarks.files import Files
from tests.benchmarks.results import machine, table
from tests.benchmarks.suite import Bench
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARTS = ("spyglass", "employees", "one-table", "small", "single-rows", "large")
SLOW_PARTS = ("scaling",)
# What `sidecar-magics up` saves on, back at the servers' own defaults.
SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "stock": {
        "mysql": (
            "--log-bin=binlog",
            "--innodb-buffer-pool-size=128M",
            "--performance-schema=ON",
        ),
        "mariadb": ("--innodb-buffer-pool-size=128M",),
    },
    "sidecar": {"mysql": (), "mariadb": ()},
}
NOTES = {
    "stock": "the servers' own defaults: MySQL with binary log and performance_schema, pool 128 MB",
    "sidecar": "as `sidecar-magics up` has them: no binary log, no performance_schema, pool 256 MB",
}


def main(arguments: Sequence[str] = ()) -> None:
    """Measure, and print the table; also of what was measured before an error or an interrupt."""
    options = parse(arguments)
    if options.cores is not None:  # what is started from here on inherits it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    benches: dict[str, Bench] = {}
    with guarded_folder() as folder:
        facts = {**machine(folder), "servers' settings": NOTES[options.settings]}
        try:
            for flavour in options.servers:
                server_options = SETTINGS[options.settings][flavour]
                with Server(flavour, folder / flavour, options=server_options) as server:
                    facts[flavour] = str(server.engine)
                    files = Files(options.data, flavour, options.scale, say)
                    benches[flavour] = Bench(server, files, options, say)
                    for name in options.only or default_parts(options):
                        benches[flavour].parts()[name]()
        finally:
            show(benches, facts, options.json)


def default_parts(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the parts that are measured when none is named."""
    return (*PARTS, *SLOW_PARTS) if options.scaling else PARTS


def show(benches: Mapping[str, Bench], facts: Mapping[str, str], json_file: Path | None) -> None:
    """Print what was measured, and write it down."""
    lines = [line for bench in benches.values() for line in bench.lines]
    notes = [f"{flavour}: {note}" for flavour, bench in benches.items() for note in bench.notes]
    print(table(lines), end="\n\n")
    print("\n".join(f"{name}: {fact}" for name, fact in facts.items()))
    print("\n".join(f"- {note}" for note in notes))
    if json_file is not None:
        record = {
            "facts": facts,
            "notes": notes,
            "lines": [line.record() for line in lines],
            "runs": {flavour: bench.runs for flavour, bench in benches.items()},
        }
        json_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Return how far it is, apart from the results."""
    print(line, file=sys.stderr, flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", action="append", choices=PARTS + SLOW_PARTS, help="a part; may be repeated")
    add("--servers", type=_names, default=("mysql", "mariadb"), help="default: mysql,mariadb")
    add("--settings", choices=tuple(SETTINGS), default="stock", help="of the servers")
    add("--rounds", type=int, default=5, help="default: 5")
    add("--jobs", type=int, help="lanes of our load; default: the engine's own")
    add("--scale", type=float, default=1.0, help="share of the full size; default: 1")
    add("--large", type=float, default=1.0, metavar="GB", help="size of the large load; default: 1")
    add("--scaling", action="store_true", help="also load ten times the data, which is slow")
    add("--cores", type=int, help="use so many of the machine's cores")
    add("--data", type=Path, default=folders().cache / "benchmarks", help="folder of the files")
    add("--myloader", type=Path, help="another to try, with mydumper beside it")
    add("--myloader-threads", type=_numbers, default=(2, 4), help="to try; default: 2,4")
    add("--json", type=Path, metavar="FILE", help="write all runs there")
    return parser.parse_args(arguments)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main(sys.argv[1:])
