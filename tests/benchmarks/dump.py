"""Dumps against mysqldump (or mariadb-dump) and mydumper, in turn, by ratio.

``python -m tests.benchmarks.dump [--scale 1] [--rounds 5] [--flavour mysql]``; run nothing else
meanwhile. Each way dumps the same database of the shape of "employees"; a ratio is the other way's
time over ours within a round, so above 1 ours is faster. Each of our dumps is a process of its own,
as theirs are, and the time of its start is counted. The processor seconds of the server and of the
clients stand beside it: a busy machine changes these less.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from sidecar_magics.errors import LocalServerError
from sidecar_magics.load import load
from tests.background import running
from tests.benchmarks import employees
from tests.benchmarks.peers import MyDumper
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Way = Callable[[], None]

LIMIT_S = 3600.0
OURS_ONE, OURS_TWO, OURS_ZSTD = "ours, 1 connection", "ours, 2 connections", "ours to .zst"
THEIRS, THEIRS_ZSTD = "mysqldump", "mysqldump | zstd"


class Goal(NamedTuple):
    """Whose time over whose, and how much it should be at least."""

    theirs: str
    ours: str
    least: float


GOALS = (
    Goal(THEIRS, OURS_ONE, 0.9),
    Goal(THEIRS, OURS_TWO, 1.4),
    Goal(THEIRS_ZSTD, OURS_ZSTD, 1.0),
    Goal("mydumper, 2 threads", OURS_TWO, 1 / 1.3),
)


class Taken(NamedTuple):
    """What one dump took: seconds, and seconds of a processor."""

    seconds: float
    server_s: float
    client_s: float


class Ways:
    """What dumps the database, each in a process of its own.

    Parameters
    ----------
    server : Server
        Running, with the database in it.
    folder : Path
        Where dumps go; each is removed before the next.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def all(self) -> dict[str, Way]:
        """Return the ways that there are on this machine, by name."""
        ways: dict[str, Way] = {
            THEIRS: lambda: self._theirs(self._folder / "theirs.sql"),
            OURS_ONE: lambda: self._ours("ours1.sql", 1),
            OURS_TWO: lambda: self._ours("ours2.sql", 2),
            OURS_ZSTD: lambda: self._ours("ours.sql.zst", 2),
        }
        if shutil.which("zstd"):
            ways[THEIRS_ZSTD] = self._theirs_compressed
        try:
            mydumper = MyDumper(None, print)
        except (LocalServerError, OSError, RuntimeError) as error:
            print(f"no mydumper: {error}")
        else:
            ways["mydumper, 2 threads"] = lambda: self._mydumper(mydumper)
        return ways

    def _ours(self, name: str, jobs: int) -> None:
        command = [sys.executable, "-m", "sidecar_magics.cli", "dump", str(self._folder / name)]
        command += [employees.SCHEMA, "--quiet", "--jobs", str(jobs)]
        command += ["--port", str(self._server.port), "--password-env", "BENCH_PASSWORD"]
        environment = {**os.environ, "BENCH_PASSWORD": self._server.password}
        subprocess.run(command, check=True, timeout=LIMIT_S, env=environment)

    def _command(self) -> Sequence[str]:
        options = ("--single-transaction", "--hex-blob", "--databases", employees.SCHEMA)
        return [*self._server.dump_client, *options]

    def _theirs(self, path: Path) -> None:
        with path.open("wb") as file:
            subprocess.run(self._command(), stdout=file, check=True, timeout=LIMIT_S)

    def _theirs_compressed(self) -> None:
        path = self._folder / "theirs.sql.zst"
        with running(self._command(), stdout=subprocess.PIPE) as dumping, path.open("wb") as file:
            subprocess.run(
                ["zstd", "-q", "-c"], stdin=dumping.stdout, stdout=file, check=True, timeout=LIMIT_S
            )

    def _mydumper(self, mydumper: MyDumper) -> None:
        folder = self._folder / "mydumper"
        shutil.rmtree(folder, ignore_errors=True)
        mydumper.dump(self._server, employees.SCHEMA, folder)


def measured(way: Way, server_pid: int) -> Taken:
    """Return what one dump took."""
    server = psutil.Process(server_pid)
    began, server_began, client_began = time.monotonic(), _server_s(server), _client_s()
    way()
    return Taken(
        time.monotonic() - began, _server_s(server) - server_began, _client_s() - client_began
    )


def _server_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


def _client_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rounds_of(ways: dict[str, Way], rounds: int, server_pid: int) -> dict[str, list[Taken]]:
    """Return what each way took, round by round; each goes first in turn."""
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            taken[name].append(measured(ways[name], server_pid))
            print(f"round {number + 1}, {name}: {taken[name][-1].seconds:.2f} s", flush=True)
    return taken


def lines(taken: dict[str, list[Taken]]) -> Iterator[str]:
    """Yield a table of medians, and of ratios with their goals."""
    yield "| way | median | processor: server | client |"
    yield "|---|---|---|---|"
    for name, each in taken.items():
        columns = " | ".join(f"{statistics.median(column):.2f} s" for column in zip(*each))
        yield f"| {name} | {columns} |"
    yield ""
    yield "| ratio of times | median | goal |"
    yield "|---|---|---|"
    for theirs, ours, least in GOALS:
        if theirs in taken and ours in taken:
            ratios = [a.seconds / b.seconds for a, b in zip(taken[theirs], taken[ours])]
            yield f"| {theirs} / {ours} | {statistics.median(ratios):.2f} | {least:.2f} |"


def main() -> None:
    """Make the database, let all dump it, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flavour", choices=("mysql", "mariadb"), default="mysql")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-dump-") as name:
        folder = Path(name)
        script = folder / "employees.sql"
        with script.open("wb") as file:
            file.writelines(employees.script(given.scale))
        with Server(given.flavour, folder / "server") as server:
            load(script, server.settings)
            script.unlink()
            for line in lines(rounds_of(Ways(server, folder).all(), given.rounds, server.pid)):
                print(line)


if __name__ == "__main__":
    main()
