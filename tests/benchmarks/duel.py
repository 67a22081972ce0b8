"""Ways to load the same data, in turn, into the same server; and what came out."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sidecar_magics.errors import SidecarError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.benchmarks.arena import Arena, Run
    from tests.benchmarks.peers import Cost
    from tests.servers import Server

    Way = Callable[[Server], Cost]

OURS = "ours"


@dataclass
class Outcome:
    """What the rounds of a duel gave.

    Parameters
    ----------
    runs : dict of str to list of Run
        For each way, its runs, round by round.
    failures : dict of str to str
        For each way that failed, why; it took no part from then on.
    differences : dict of str to list of str
        For each way that left something else than ours did, the tables.
    """

    runs: dict[str, list[Run]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)

    def median_s(self, way: str) -> float:
        """Return the seconds of a way's middle run."""
        return statistics.median(run.seconds for run in self.runs[way])

    def ratios(self, way: str) -> list[float]:
        """Return the way's time over ours, round by round: above 1, ours is faster."""
        pairs = zip(self.runs[way], self.runs[OURS])
        return [theirs.seconds / ours.seconds for theirs, ours in pairs]

    def floor_s(self) -> float:
        """Return the middle of our runs' floors, in seconds."""
        return statistics.median(run.floor_s for run in self.runs[OURS])

    def floor_ratios(self) -> list[float]:
        """Return our time over the floor, round by round."""
        return [run.seconds / run.floor_s for run in self.runs[OURS]]

    @property
    def disturbed(self) -> int:
        """Number of runs that began while other programs used the machine."""
        return sum(run.disturbed for runs in self.runs.values() for run in runs)


def fight(
    arena: Arena,
    ways: Mapping[str, Way],
    rounds: int,
    say: Callable[[str], None],
    *,
    compared: bool = True,
) -> Outcome:
    """Run each way once a round; each goes first in turn.

    Parameters
    ----------
    arena : Arena
        The server.
    ways : mapping of str to callable
        Each loads once and returns what it cost.
    rounds : int
        How many.
    say : callable
        Called with a line of text for each run.
    compared : bool, default True
        Whether to compare the tables in the first round: a way that loads less is no measure.
    """
    outcome = Outcome({way: [] for way in ways})
    contents = {}
    names = list(ways)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if name in outcome.failures:
                continue
            try:
                run = arena.run(ways[name])
            except (RuntimeError, SidecarError) as error:
                outcome.failures[name] = str(error)
                say(f"  {name}: {error}")
                continue
            outcome.runs[name].append(run)
            say(_line(number, name, run))
            if compared and number == 0:
                contents[name] = arena.contents()
    for name in outcome.failures:
        del outcome.runs[name]
    outcome.differences = _differences(contents)
    return outcome


def _line(number: int, name: str, run: Run) -> str:
    memory = "" if run.peak_mb is None else f", {run.peak_mb:.0f} MB"
    return (
        f"  round {number + 1}: {name}: {run.seconds:.2f} s; processor: server "
        f"{run.server_cpu_s:.2f} s, client {run.client_cpu_s:.2f} s{memory}"
        f"{' (the machine was not quiet)' if run.disturbed else ''}"
    )


def _differences(contents: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    differences: dict[str, list[str]] = {}
    ours = contents.get(OURS)
    if ours is None:  # it failed, or takes no part
        return differences
    for name, theirs in contents.items():
        tables = {table for table in {*ours, *theirs} if ours.get(table) != theirs.get(table)}
        if tables:
            differences[name] = sorted(tables)
    return differences
