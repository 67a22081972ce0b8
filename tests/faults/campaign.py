"""Disturb loads at random moments, resume them, and compare what they leave.

    python -m tests.faults.campaign --kills 200 --seed 7 --servers mysql,mariadb --jobs 4
    python -m tests.faults.campaign --seed 7 --servers mysql --script dump --only 42

Each case depends on the seed and its number alone: `--only` repeats it, as far as threads can be.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.faults.cases import Case, Course, Stage
from tests.faults.scripts import FULL, SCRIPTS, SMALL
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

# What cannot always be resumed is left out; test_resume.py has it.
USUAL_SCRIPTS = ("dump", "nodrop", "checked", "phpmyadmin", "single")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, and return how many have failed."""
    chosen = _parser().parse_args(arguments)
    # Servers outlive who started them: they are to be stopped, whatever ends this.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    failed: list[Course] = []
    tally: Counter[str] = Counter()
    start = time.monotonic()
    with guarded_folder("faults-") as folder:
        for turn, flavour in enumerate(chosen.servers.split(",")):
            with Server(flavour, folder / flavour) as server:
                stage = Stage(server, folder, SMALL if chosen.small else FULL, chosen.jobs)
                for number in _numbers(chosen, turn):
                    names = chosen.script.split(",")
                    case = Case.of(chosen.seed, number, names[number % len(names)])
                    course = stage.play(case)
                    tally.update(course.faults)
                    tally["cases"] += 1
                    print(f"{flavour} {course}", flush=True)
                    if course.failures:
                        print("\n".join(course.failures), flush=True)
                        failed.append(course)
                        stage.tidy()
    print(f"\n{time.monotonic() - start:.0f} s; {dict(sorted(tally.items()))}")
    for course in failed:
        print(f"FAILED {course}")
    print(f"{len(failed)} failures")
    return len(failed)


def _numbers(chosen: argparse.Namespace, turn: int) -> Sequence[int]:
    if chosen.only is not None:
        return [chosen.only]
    count = chosen.kills // len(chosen.servers.split(","))
    first = chosen.first + turn * count
    return range(first, first + count)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="cases, over all servers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--servers", default="mysql,mariadb")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--script", default=",".join(USUAL_SCRIPTS), help=", ".join(SCRIPTS))
    parser.add_argument("--small", action="store_true", help="a database of 1.3 MB instead of 7")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="run this case alone")
    return parser


if __name__ == "__main__":
    sys.exit(min(main(), 99))
