"""Disturb loads at random moments, resume them, and compare what they leave.

    python -m tests.faults.campaign --kills 1000 --seed 7
    python -m tests.faults.campaign --seed 7 --servers mysql --script functions --only 42

Each case depends on the seed, its number and its script alone: `--only` repeats it, as far as
threads can be. Both servers are tried at the same time, each by a process of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.faults.cases import WAYS, Case
from tests.faults.connections import end_others
from tests.faults.kinds import KINDS
from tests.faults.scripts import FULL, SCRIPTS, SMALL
from tests.faults.side_by_side import on_each_server
from tests.faults.stage import KillStage
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.cases import Course

# What cannot always be resumed is left out; test_resume.py has it.
USUAL_SCRIPTS = ("dump", "nodrop", "checked", "phpmyadmin", "single", *KINDS)
# LOAD DATA LOCAL is to be tried; a process that is killed leaves what it has written to the system.
SERVER_OPTIONS = ("--local-infile=1", "--innodb-flush-method=nosync")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, and return how many have failed."""
    chosen = _parser().parse_args(arguments)
    # Servers outlive who started them: they are to be stopped, whatever ends this.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    flavours = chosen.servers.split(",")
    if len(flavours) > 1 and chosen.only is None:
        options = [f"--seed={chosen.seed}", f"--script={chosen.script}"]
        numbers = ("--kills", chosen.first, chosen.kills)
        options += ["--full"] if chosen.full else []
        options += [f"--rows={chosen.rows}"] if chosen.rows else []
        return on_each_server("tests.faults.campaign", flavours, numbers, options)
    campaign = Campaign(chosen)
    try:
        for flavour in flavours:
            campaign.run(flavour)
    finally:
        campaign.tell()
    return len(campaign.failed)


class Campaign:
    """Many cases, and what became of them.

    Parameters
    ----------
    chosen : Namespace
        See `_parser`.
    """

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self._start = time.monotonic()
        self._faults: Counter[str] = Counter()
        self._cases: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self.failed: list[str] = []

    def run(self, flavour: str) -> None:
        """Play the cases on one kind of server."""
        chosen = self._chosen
        names = chosen.script.split(",")
        numbers = [chosen.only]
        if chosen.only is None:
            numbers = list(range(chosen.first, chosen.first + chosen.kills))
        with guarded_folder("faults-") as folder:
            server = Server(flavour, folder / flavour, options=SERVER_OPTIONS)
            size = FULL if chosen.full else SMALL
            with server, KillStage(server, folder, size) as stage:
                for number in numbers:
                    course = stage.play(
                        Case.of(chosen.seed, number, names[number % len(names)], chosen.rows)
                    )
                    self._note(flavour, course)
                    if course.failures:
                        end_others(server)

    def _note(self, flavour: str, course: Course) -> None:
        case = course.case
        self._faults.update(course.faults)
        self._cases[case.script] += 1
        self._doubts[case.script] += course.is_in_doubt
        print(f"{flavour} {course}", flush=True)
        if course.failures:
            self._failures[case.script] += 1
            again = (
                f"python -m tests.faults.campaign --seed {self._chosen.seed} --servers {flavour}"
                f" --script {case.script} --only {case.number}"
                + (" --full" if self._chosen.full else "")
                + (f" --rows {self._chosen.rows}" if self._chosen.rows else "")
            )
            self.failed.append(again)
            print("\n".join([*course.failures, f"again: {again}"]), flush=True)

    def tell(self) -> None:
        """Print what became of all cases."""
        cases = sum(self._cases.values())
        seconds = time.monotonic() - self._start
        lines = [
            f"\n{self._chosen.servers}: {cases} cases over {len(self._cases)} kinds,"
            f" {seconds:.0f} s; {dict(sorted(self._faults.items()))}",
            *(
                f"{name}: {self._failures[name]} of {self._cases[name]} failed"
                for name in sorted(+self._failures)
            ),
            *(
                f"{name}: {self._doubts[name]} of {self._cases[name]} ended in doubt"
                for name in sorted(+self._doubts)
            ),
            f"in doubt: {sum(self._doubts.values())} of {cases}",
            *(f"FAILED {again}" for again in self.failed),
            f"{len(self.failed)} failures",
        ]
        print("\n".join(lines), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="cases, over all servers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--servers", default="mysql,mariadb")
    parser.add_argument(
        "--script",
        default=",".join(USUAL_SCRIPTS),
        help=f"default: all of them; also {', '.join(sorted({*SCRIPTS} - {*USUAL_SCRIPTS}))}",
    )
    parser.add_argument("--full", action="store_true", help="dumps of 7 MB instead of 1.3")
    parser.add_argument("--rows", choices=sorted({*WAYS}), help="default: each case has its own")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="run this case alone")
    return parser


if __name__ == "__main__":
    sys.exit(min(main(), 99))
