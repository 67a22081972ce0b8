"""Load scripts with mistakes at random places, and compare with what the real client makes of them.

    python -m tests.faults.refusals --scripts 500 --seed 7
    python -m tests.faults.refusals --seed 7 --servers mysql --only 42

The load must tell the first error that the client tells, at the line of the statement. With one
connection, the server holds the same then. With several, all must be there that stands before the
mistake; of what comes after it, some may be there, as rows and tables that do not depend on each
other are loaded side by side (it is counted, and a failure with `--strict`). With ``force``, all
errors and the whole content must be those of `mysql --force`.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from sidecar_magics.connection import connect_now
from tests.corpus.fingerprint import difference, fingerprint
from tests.faults.child import Worker
from tests.faults.connections import end_others
from tests.faults.mistakes import Maker
from tests.faults.side_by_side import on_each_server
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVER_OPTIONS = ("--innodb-flush-method=nosync",)
# How many connections, as many as the load thinks right among them, and whether with a journal,
# without which no index is put off.
MANNERS: tuple[tuple[int | None, bool], ...] = (
    (1, False),
    (2, True),
    (4, True),
    (8, False),
    (None, True),
)
FORCED_JOBS = (1, 4)
LIMIT_S = 30.0
CLIENT_LIMIT_S = 60.0
CLIENT_ERROR = re.compile(r"^ERROR (\d+) \(\w+\) at line (\d+)", re.MULTILINE)

Errors = list[tuple[int, int]]
"""Line and number of each."""


@dataclass
class MistakeOutcome:
    """What became of a script.

    Attributes
    ----------
    failures : list of str
        What differs from the client.
    ahead : list of int
        With how many connections more is there than stands before the mistake.
    errors : list
        The client's, with ``--force``.
    """

    number: int
    failures: list[str] = field(default_factory=list)
    ahead: list[int | None] = field(default_factory=list)
    errors: Errors = field(default_factory=list)
    hung: list[int | None] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        result = "FAILED" if self.failures else "ok"
        told = ", ".join(f"{number} in line {line}" for line, number in self.errors)
        return f"script {self.number}: {result} ({self.seconds:.1f} s): {told or 'no error'}"


class MistakeStage:
    """A server into which scripts with mistakes are loaded.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    folder : Path
        Where the scripts are put.
    seed : int
        What the scripts depend on, with their numbers.
    """

    def __init__(self, server: Server, folder: Path, seed: int) -> None:
        self._server = server
        self._folder = folder
        self._seed = seed
        self._worker = Worker(server)

    def play(self, number: int, *, strict: bool = False) -> MistakeOutcome:
        """Load one script in all manners, and compare.

        Parameters
        ----------
        number : int
            Which script.
        strict : bool, default False
            Whether nothing may be there that stands after the mistake, with several connections.
        """
        start = time.monotonic()
        outcome = MistakeOutcome(number)
        script = Maker(f"{self._seed} {number}")
        path = self._folder / f"{self._server.flavour}-{number}.sql"
        path.write_text(script.text)
        errors = self._client(path)
        state = self._state()
        for jobs, journaled in MANNERS:
            options = {"jobs": jobs, "resume": journaled}
            self._once(script, path, options, (errors, state), outcome, strict=strict)
        outcome.errors = self._client(path, "--force")
        state = self._state()
        for jobs in FORCED_JOBS if outcome.errors else ():
            self._forced(path, jobs, state, outcome)
        path.unlink()
        outcome.seconds = time.monotonic() - start
        return outcome

    def close(self) -> None:
        """End the process that loads."""
        self._worker.close()

    def __enter__(self) -> MistakeStage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # One load ----------------------------------------------------------------------------------

    def _client(self, path: Path, *options: str) -> Errors:
        self._server.drop_schemas()
        with path.open("rb") as script:
            done = subprocess.run(
                [*self._server.client, *options],
                stdin=script,
                capture_output=True,
                timeout=CLIENT_LIMIT_S,
                check=False,
            )
        told = CLIENT_ERROR.findall(done.stderr.decode("utf-8", "replace"))
        return [(int(line), int(number)) for number, line in told]

    def _state(self) -> dict[str, str]:
        return fingerprint(self._server, dump=False)

    def _load(
        self, path: Path, outcome: MistakeOutcome, what: str, **options: Any
    ) -> dict[str, Any]:
        self._server.drop_schemas()
        told = self._worker.load(path, LIMIT_S, **options)
        if told["error"] in ("hung", "crashed"):
            outcome.failures.append(f"{what}: {told['error']}\n{told['message']}")
            outcome.hung += [options["jobs"]] if told["error"] == "hung" else []
            end_others(self._server)
        return told

    def _once(
        self,
        script: Maker,
        path: Path,
        options: dict[str, Any],
        wanted: tuple[Errors, dict[str, str]],
        outcome: MistakeOutcome,
        *,
        strict: bool,
    ) -> None:
        errors, state = wanted
        jobs = options["jobs"]
        what = f"jobs {jobs}"
        told = self._load(path, outcome, what, **options)
        if told["error"] in ("hung", "crashed"):
            return
        found = [(told["line"], told["errno"])] if "errno" in told else []
        if found != errors or told["error"] not in (None, "StatementError"):
            outcome.failures.append(f"{what}: the client tells {errors}, the load {_said(told)}")
        ours = self._state()
        unlike = difference(state, ours)
        if unlike and errors and jobs != 1 and not strict:
            outcome.ahead.append(jobs)
            unlike = "\n".join(self._missing(script, script.at(errors[0][0]), path, state, ours))
        if unlike:
            outcome.failures.append(f"{what}: first: the client, second: the load\n{unlike}")

    def _forced(
        self, path: Path, jobs: int, state: dict[str, str], outcome: MistakeOutcome
    ) -> None:
        what = f"force, jobs {jobs}"
        told = self._load(path, outcome, what, jobs=jobs, force=True)
        if told["error"] in ("hung", "crashed"):
            return
        found = sorted((line, number) for line, number in told.get("errors", []))
        if told["error"] is not None or found != sorted(outcome.errors):
            outcome.failures.append(
                f"{what}: the client tells {outcome.errors}, the load {found} {_said(told)}"
            )
        unlike = difference(state, self._state())
        if unlike:
            outcome.failures.append(f"{what}: first: the client, second: the load\n{unlike}")

    # What is before the mistake ----------------------------------------------------------------

    def _missing(
        self,
        script: Maker,
        failed: int,
        path: Path,
        state: dict[str, str],
        ours: dict[str, str],
    ) -> list[str]:
        """Return what comes before the mistake and is not there, or is not as it should be."""
        later = script.statements[failed + 1 :]
        missing, unsettled = [], []
        for name, text in state.items():
            if ours.get(name) == text:
                continue
            table = name.rpartition(".")[2]
            if name in ours and any(_mentions(statement, table) for statement in later):
                unsettled.append(name)
            else:
                missing.append(f"before the mistake: {name}: {text}\nfound: {ours.get(name)}")
        tables = {name.partition(" ")[2] for name in unsettled if name.startswith("checksum ")}
        if tables:
            found = {table: self._ids(table) for table in tables}
            self._client(path)
            for table in sorted(tables):
                lost = self._ids(table) - found[table]
                if lost:
                    missing.append(f"{table} lacks {len(lost)} rows: {sorted(lost)[:9]} ...")
        return missing

    def _ids(self, table: str) -> set[int]:
        with connect_now(self._server.settings) as connection, connection.cursor() as cursor:
            try:
                cursor.execute(f"SELECT id FROM {table}")
            except pymysql.MySQLError:
                return set()
            return {number for (number,) in cursor.fetchall()}


def _mentions(chunk: str, table: str) -> bool:
    """Return whether a statement names a table, as a word."""
    return re.search(rf"\b{re.escape(table)}\b", chunk) is not None


def _said(told: dict[str, Any]) -> str:
    lines = str(told.get("message", "")).splitlines()[:3]
    return f"{told['error']} {told.get('line')}: {told.get('errno')} {' | '.join(lines)}"


# Many ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the scripts, and return how many were not as with the client."""
    chosen = _parser().parse_args(arguments)
    # Servers outlive who started them: they are to be stopped, whatever ends this.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    flavours = chosen.servers.split(",")
    if len(flavours) > 1:
        options = [f"--seed={chosen.seed}", *(["--strict"] if chosen.strict else [])]
        numbers = ("--scripts", chosen.first, chosen.scripts)
        return on_each_server("tests.faults.refusals", flavours, numbers, options)
    return _on(flavours[0], chosen)


def _on(flavour: str, chosen: argparse.Namespace) -> int:
    numbers = [chosen.only]
    if chosen.only is None:
        numbers = list(range(chosen.first, chosen.first + chosen.scripts))
    tally: Counter[str] = Counter()
    failed = []
    start = time.monotonic()
    with guarded_folder("refusals-") as folder:
        server = Server(flavour, Path(folder, flavour), options=SERVER_OPTIONS)
        with server, MistakeStage(server, Path(folder), chosen.seed) as stage:
            for number in numbers:
                outcome = stage.play(number, strict=chosen.strict)
                tally["scripts"] += 1
                tally["hung"] += bool(outcome.hung)
                tally["refused"] += bool(outcome.errors)
                tally["ahead"] += bool(outcome.ahead)
                print(f"{flavour} {outcome}", flush=True)
                if outcome.failures:
                    failed.append(again(flavour, chosen.seed, number))
                    print("\n".join([*outcome.failures, f"again: {failed[-1]}"]), flush=True)
    print(f"\n{flavour}: {time.monotonic() - start:.0f} s; {dict(sorted(tally.items()))}")
    print("\n".join(f"FAILED {line}" for line in failed))
    print(f"{len(failed)} failures", flush=True)
    return len(failed)


def again(flavour: str, seed: int, number: int) -> str:
    """Return the command that repeats a script."""
    return f"python -m tests.faults.refusals --seed {seed} --servers {flavour} --only {number}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.refusals", description=__doc__)
    parser.add_argument("--scripts", type=int, default=500, help="over all servers")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--servers", default="mysql,mariadb")
    parser.add_argument("--strict", action="store_true", help="nothing behind the mistake")
    parser.add_argument("--first", type=int, default=0, help="number of the first script")
    parser.add_argument("--only", type=int, help="load this script alone")
    return parser


if __name__ == "__main__":
    sys.exit(min(main(), 99))
