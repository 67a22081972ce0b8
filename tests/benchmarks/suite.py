"""What is measured, and the goals."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sidecar_magics.errors import SidecarError
from tests.benchmarks.arena import Arena, run_ours
from tests.benchmarks.duel import OURS, Outcome, fight
from tests.benchmarks.employees import MB_AT_SCALE_1
from tests.benchmarks.peers import MyDumper, run_client
from tests.benchmarks.results import Line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.benchmarks.duel import Way
    from tests.benchmarks.files import Files
    from tests.benchmarks.peers import Cost
    from tests.benchmarks.shapes import Shape
    from tests.servers import Server

CLIENT, MYLOADER, FLOOR = "the client", "myloader", "the floor"
AS_INSERT = "ours, --rows insert"
# On cores that server and client share. What is not said of a kind of server is said of MySQL.
GOALS: dict[tuple[str, ...], float] = {
    ("employees", CLIENT): 3.6,
    ("employees", CLIENT, "mariadb"): 2.4,
    ("employees", MYLOADER): 1.6,
    ("spyglass", CLIENT): 2.6,
    ("one-table", CLIENT): 0.95,
    ("small", CLIENT): 0.95,
}
# With a core for the server alone.
HUB_GOALS: dict[tuple[str, ...], float] = {("employees", CLIENT): 2.4, ("spyglass", CLIENT): 2.2}
FLOOR_GOALS = {"employees": 1.25}
# Our own processor time, as a share of the server's.
OWN_GOALS = {("employees", "mysql"): 0.08}
MEMORY_GOAL_MB = 100.0
SCALING_GOAL = 10.5


class Bench:
    """All measurements on one server.

    Parameters
    ----------
    server : Server
        Running.
    files : Files
        What is loaded into it.
    options : argparse.Namespace
        The command line.
    say : callable
        Called with a line of text at each step.
    shape : Shape
        Who uses which cores.
    """

    def __init__(
        self,
        server: Server,
        files: Files,
        options: argparse.Namespace,
        say: Callable[[str], None],
        shape: Shape,
    ) -> None:
        self._goals = HUB_GOALS if shape.server != shape.clients else GOALS
        self.lines: list[Line] = []
        self.runs: dict[str, Any] = {}
        self.notes: list[str] = []
        self._arena = Arena(server, len(shape.server))
        self._files = files
        self._options = options
        self._say = say
        self._arguments = {} if options.jobs is None else {"jobs": options.jobs}

    def parts(self) -> dict[str, Callable[[], None]]:
        """Return the measurements by name."""
        return {
            "spyglass": self.spyglass,
            "employees": self.employees,
            "one-table": self.one_table,
            "small": self.small,
            "single-rows": self.single_rows,
            "large": self.large,
            "scaling": self.scaling,
        }

    def spyglass(self) -> None:
        """Many small tables: 296 in 60 schemas."""
        self._compare("spyglass", self._files.spyglass())

    def employees(self) -> None:
        """Four tables, most rows in one of them; also against myloader."""
        script = self._files.employees()
        as_insert = {AS_INSERT: self._ours(script, rows="insert")}
        self._compare("employees", script, {**as_insert, **self._best_myloader()})

    def one_table(self) -> None:
        """One table, each statement after the one before."""
        self._compare("one-table", self._files.one_table())

    def small(self) -> None:
        """Many small statements, one after another."""
        self._compare("small", self._files.small_statements())

    def single_rows(self) -> None:
        """Each row a statement and a transaction: mysqldump --skip-extended-insert."""
        self._compare("single-rows", self._files.single_rows())

    def large(self) -> None:
        """Load, once, what is many times the memory that the load may take."""
        try:
            script = self._files.large(self._options.large)
        except OSError as error:
            self.notes.append(f"The large load was left out: {error}.")
            return
        self._compare(f"large ({self._options.large:g} GB)", script, against_client=False, rounds=1)

    def scaling(self) -> None:
        """Load ten times the data, against the single amount."""
        size_gb = self._options.scale * MB_AT_SCALE_1 / 1000
        once, tenfold = self._files.large(size_gb), self._files.large(10 * size_gb)
        ways = {"10x": self._ours(tenfold), OURS: self._ours(once)}
        outcome = self._fight("scaling", ways, self._options.rounds, compared=False)
        if not outcome.failures:
            ours = f"{outcome.median_s('10x'):.2f} s"
            theirs = f"{outcome.median_s(OURS):.2f} s"
            values = tuple(outcome.ratios("10x"))
            self._add("scaling", ours, "a tenth of it", theirs, values, SCALING_GOAL, True)
            self._add_memory("scaling, 10x", outcome, "10x")

    def _compare(
        self,
        name: str,
        script: Path,
        more: dict[str, Way] | None = None,
        *,
        against_client: bool = True,
        rounds: int | None = None,
    ) -> None:
        client: dict[str, Way] = {CLIENT: lambda server: run_client(server, script)}
        ways = {OURS: self._ours(script), **(client if against_client else {}), **(more or {})}
        rounds = rounds or self._options.rounds
        outcome = self._fight(name, ways, rounds, compared=len(ways) > 1)
        if OURS in outcome.failures:
            return
        ours = f"{outcome.median_s(OURS):.2f} s"
        for way in outcome.runs:
            if way != OURS:
                goal = self._goal(name, MYLOADER if way.startswith(MYLOADER) else way)
                theirs = f"{outcome.median_s(way):.2f} s"
                self._add(name, ours, way, theirs, tuple(outcome.ratios(way)), goal)
        ratios = tuple(outcome.floor_ratios())
        floor = f"{outcome.floor_s():.2f} s"
        self._add(name, ours, FLOOR, floor, ratios, FLOOR_GOALS.get(name), True)
        shares = tuple(run.client_cpu_s / run.server_cpu_s for run in outcome.runs[OURS])
        own = OWN_GOALS.get((name, self._arena.server.flavour))
        self._add(f"{name}: own processor time", "", "the server's", "", shares, own, True)
        self._add_memory(name, outcome, OURS)

    def _goal(self, name: str, against: str) -> float | None:
        of_flavour = self._goals.get((name, against, self._arena.server.flavour))
        return of_flavour or self._goals.get((name, against))

    def _fight(self, name: str, ways: dict[str, Way], rounds: int, *, compared: bool) -> Outcome:
        self._say(f"{self._arena.server.flavour}: {name}")
        outcome = fight(self._arena, ways, rounds, self._say, compared=compared)
        self.runs[name] = {way: [asdict(run) for run in runs] for way, runs in outcome.runs.items()}
        for way, failure in outcome.failures.items():
            self.notes.append(f"{name}: {way} failed: {failure}")
        for way, tables in outcome.differences.items():
            shown = ", ".join(tables[:3])
            self.notes.append(f"{name}: {way} left other tables than ours did: {shown}")
        if outcome.disturbed:
            self.notes.append(f"{name}: {outcome.disturbed} runs began on a machine in use.")
        return outcome

    def _ours(self, script: Path, **more: Any) -> Way:
        return lambda server: run_ours(server, script, {**self._arguments, **more})

    def _best_myloader(self) -> dict[str, Way]:
        """Try each myloader, threads and kind of folder once; return the fastest."""
        tried: dict[str, tuple[float, Way]] = {}
        programs = [None] if self._options.myloader is None else [None, self._options.myloader]
        for program in programs:
            try:
                mydumper = MyDumper(program, self._say)
                for name, way in self._myloader_ways(mydumper):
                    tried[name] = self._arena.run(way).seconds, way
                    self._say(f"  trying {name}: {tried[name][0]:.2f} s")
            except (OSError, RuntimeError, SidecarError) as error:
                where = program or "the distribution"
                self.notes.append(f"myloader of {where} is not among the peers: {error}")
        if not tried:
            return {}
        times = "; ".join(f"{name}: {seconds:.1f} s" for name, (seconds, _) in tried.items())
        self.notes.append(f"Tried once: {times}.")
        best = min(tried, key=lambda name: tried[name][0])
        return {best: tried[best][1]}

    def _myloader_ways(self, mydumper: MyDumper) -> Iterator[tuple[str, Way]]:
        for kind, folder in self._files.mydumper(mydumper).items():
            for threads in self._options.myloader_threads:

                def way(server: Server, folder: Path = folder, threads: int = threads) -> Cost:
                    return mydumper.load(server, folder, threads=threads)

                yield f"{MYLOADER} {mydumper.version} -t {threads}, {kind}", way

    def _add(
        self,
        what: str,
        ours: str,
        against: str,
        theirs: str,
        values: tuple[float, ...],
        goal: float | None,
        at_most: bool = False,
    ) -> None:
        # At another scale the goals mean nothing.
        goal = goal if self._options.scale == 1 else None
        flavour = self._arena.server.flavour
        self.lines.append(Line(flavour, what, ours, against, theirs, values, goal, at_most))

    def _add_memory(self, what: str, outcome: Outcome, way: str) -> None:
        peaks = [run.peak_mb for run in outcome.runs[way] if run.peak_mb is not None]
        if peaks:
            ours = f"{max(peaks):.0f} MB"
            self._add(f"{what}: memory", ours, "", "", (max(peaks),), MEMORY_GOAL_MB, True)
