"""Load tables with foreign keys and indexes on a machine that is busy, and see that each load ends.

    python -m tests.faults.busy --loads 100 --seed 7
    python -m tests.faults.busy --seed 7 --only 42

Beside the loads a loop runs on each core, so that every thread and connection is late at times.
Each load has a limit, and must leave what the real client leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import employees
from tests.faults.child import Worker
from tests.faults.connections import end_others
from tests.faults.doubt import content, load_with_client
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.doubt import Content

SCALES = (0.01, 0.03, 0.06, 0.12, 0.25)  # 2 to 46 MB
ROWS_PER_INSERT = (1_500, 5_000, 20_000)
JOBS = (None, None, 2, 4, 8)
LIMIT_S, LIMIT_AT_SCALE_1_S = 60.0, 600.0
SERVER_OPTIONS = ("--local-infile=1", "--innodb-flush-method=nosync")
# It ends when its parent does, however that ends.
LOOP = "import os\nwhile os.getppid() == {parent}:\n    sum(range(1_000_000))"


@dataclass(frozen=True)
class BusyCase:
    """One load: how large, in what statements, with how many connections."""

    scale: float
    rows_per_insert: int
    jobs: int | None

    @staticmethod
    def of(seed: int, number: int, scales: Sequence[float] = SCALES) -> BusyCase:
        """Return the case of this number; the scales take turns."""
        chance = random.Random(f"{seed} {number}")
        scale = scales[number // 2 % len(scales)]
        return BusyCase(scale, chance.choice(ROWS_PER_INSERT), chance.choice(JOBS))

    def __str__(self) -> str:
        return f"scale {self.scale}, {self.rows_per_insert} rows a statement, jobs {self.jobs}"


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy meanwhile."""
    code = LOOP.format(parent=os.getpid())
    count = os.cpu_count() or 1
    loops = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait(10)


class BusyStage:
    """A server into which the tables are loaded.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    folder : Path
        Where the scripts are put.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._wholes: dict[float, Content] = {}
        self._worker = Worker(server)

    def play(self, case: BusyCase) -> str:
        """Load, and return what went wrong; an empty text if nothing did."""
        path = self._folder / f"{self._server.flavour}-{case.scale}-{case.rows_per_insert}.sql"
        if not path.exists():
            with path.open("wb") as file:
                file.writelines(employees.handwritten(case.scale, case.rows_per_insert))
        whole = self._whole(case.scale, path)
        self._server.drop_schemas()
        limit_s = LIMIT_S + LIMIT_AT_SCALE_1_S * case.scale
        told = self._worker.load(path, limit_s, jobs=case.jobs)
        if told["error"] is not None:
            end_others(self._server)
            return f"{told['error']}: {told['message']}"
        found = content(self._server, (employees.SCHEMA,))
        return "" if found == whole else f"the client: {whole}\nthe load: {found}"

    def close(self) -> None:
        """End the process that loads."""
        self._worker.close()

    def __enter__(self) -> BusyStage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _whole(self, scale: float, path: Path) -> Content:
        if scale not in self._wholes:
            self._server.drop_schemas()
            load_with_client(self._server, path)
            self._wholes[scale] = content(self._server, (employees.SCHEMA,))
        return self._wholes[scale]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the loads, and return how many went wrong."""
    chosen = _parser().parse_args(arguments)
    # Servers outlive who started them: they are to be stopped, whatever ends this.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    flavours = chosen.servers.split(",")
    scales = [float(scale) for scale in chosen.scales.split(",")]
    numbers = [chosen.only] if chosen.only is not None else range(chosen.loads)
    failed: list[str] = []
    tally: Counter[str] = Counter()
    start = time.monotonic()
    with guarded_folder("busy-") as folder, contextlib.ExitStack() as open_:
        stages: dict[str, BusyStage] = {}
        for number in numbers:
            flavour = flavours[number % len(flavours)]
            if flavour not in stages:
                server = Server(flavour, Path(folder, flavour), options=SERVER_OPTIONS)
                open_.enter_context(server)
                stages[flavour] = open_.enter_context(BusyStage(server, Path(folder)))
            case = BusyCase.of(chosen.seed, number, scales)
            began = time.monotonic()
            with busy_cores() if chosen.busy else contextlib.nullcontext():
                wrong = stages[flavour].play(case)
            tally[wrong.partition(":")[0] or "ok"] += 1
            took = f"{time.monotonic() - began:.1f} s"
            print(f"{flavour} load {number}: {wrong[:4000] or 'ok'} ({took}): {case}", flush=True)
            if wrong:
                failed.append(
                    f"python -m tests.faults.busy --seed {chosen.seed} --servers {chosen.servers}"
                    f" --scales {chosen.scales} --only {number}"
                )
    print(f"\n{time.monotonic() - start:.0f} s; {dict(sorted(tally.items()))}")
    print("\n".join(f"FAILED {line}" for line in failed))
    print(f"{len(failed)} failures")
    return len(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.busy", description=__doc__)
    parser.add_argument("--loads", type=int, default=100, help="over all servers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--servers", default="mysql,mariadb")
    parser.add_argument("--scales", default=",".join(map(str, SCALES)), help="they take turns")
    parser.add_argument("--quiet", dest="busy", action="store_false", help="nothing beside them")
    parser.add_argument("--only", type=int, help="do this load alone")
    return parser


if __name__ == "__main__":
    sys.exit(min(main(), 99))
