"""Load scripts that nobody here wrote, in every way, and compare with what the real client makes.

    python -m tests.faults.folder /tmp/scripts --servers mysql,mariadb
    python -m tests.faults.folder /tmp/scripts --servers mysql --only northwind

Each file of the folder is loaded into an empty schema, by the client, with and without ``--force``,
and by a load in each of `WAYS`: the first error must be the client's, at its line, and the server
must hold the same. Then it is loaded with ``once`` twice; a load of it is killed at a random moment
and resumed; and ``--check`` and ``--explain`` have to end. What the client itself leaves otherwise
each time (times, random numbers) is not compared. What ``--check`` foresees in another way than the
load goes is printed as a note, and is no failure: it knows nothing of rows.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import SidecarError
from sidecar_magics.load.check import check
from sidecar_magics.load.planning.explain import explain
from sidecar_magics.load.policy import LoadPolicy
from tests.corpus.fingerprint import SYSTEM_ACCOUNTS, difference, fingerprint, quoted
from tests.faults.child import STOPS, Child, Worker
from tests.faults.connections import end_others
from tests.faults.doubt import IN_DOUBT
from tests.faults.side_by_side import on_each_server
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.refusals import Errors

SERVER_OPTIONS = (
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=OFF",
    "--local-infile=1",
)
SCHEMA = "strange"
WAYS: dict[str, dict[str, Any]] = {
    "jobs 1": {"jobs": 1},
    "default": {},
    "load-data": {"rows": "load-data"},
    "load-data, jobs 1": {"rows": "load-data", "jobs": 1},
    "insert": {"rows": "insert"},
}
CLIENT_OPTIONS = {
    "mysql": ("--default-character-set=utf8mb4", "--commands"),
    "mariadb": ("--default-character-set=utf8mb4",),
}
FORCED: dict[str, dict[str, Any]] = {
    "force": {"force": True, "rows": "load-data"},
    "force, jobs 1": {"force": True, "jobs": 1},
}
MOST_COMMENTS = 400  # lines
PLACE = re.compile(r":(\d+):\d+: ")
OUTCOMES = (None, "StatementError", "ScriptError")
LIMIT_S = 90.0
CHECK_LIMIT_S = 60
MOST_RESUMES = 5

# One of the client's own has no number.
CLIENT_ERROR = re.compile(r"^ERROR (?:(\d+) \(\w+\) )?at line (\d+)", re.MULTILINE)

COMMENTS = re.compile(rb"(?:\s+|/\*(?!M?!).*?\*/|(?:#|--(?=\s))[^\n]*)*", re.DOTALL)
# What has no effect on the tables that are there (docs/loading.md).
LEFT_OUT = re.compile(
    rb"LOCK TABLES? \S+ WRITE|/\*!40000 ALTER TABLE \S+ (?:DIS|EN)ABLE KEYS", re.IGNORECASE
)

State = dict[str, str]


@dataclass
class FolderOutcome:
    """What became of a script: what differs from the client, and what is only worth a look."""

    name: str
    errors: Errors = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    streamed: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        result = "FAILED" if self.failures else "ok"
        told = ", ".join(f"{number} in line {line}" for line, number in self.errors[:1])
        more = f" and {len(self.errors) - 1} more" if self.errors[1:] else ""
        return f"{self.name}: {result} ({self.seconds:.1f} s): {told or 'no error'}{more}"


@dataclass
class Wanted:
    """What the client makes of a script; `volatile` is what it makes otherwise each time."""

    path: Path
    errors: Errors
    state: State
    options: tuple[str, ...] = ()
    volatile: set[str] | None = None


class FolderStage:
    """A server into which scripts are loaded.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    seed : int
        Decides when loads are killed.
    """

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._seed = seed
        self._worker = Worker(server)

    def close(self) -> None:
        """End the process that loads."""
        self._worker.close()

    def __enter__(self) -> FolderStage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play(
        self, path: Path, ways: Sequence[str] = tuple(WAYS), *, brief: bool = False
    ) -> FolderOutcome:
        """Load one script in all ways, and compare.

        Parameters
        ----------
        path : Path
            The script.
        ways : sequence of str
            Which of `WAYS`.
        brief : bool, default False
            Leave out what is done once more, killed, checked and explained.
        """
        begin = time.monotonic()
        outcome = FolderOutcome(path.name)
        wanted = Wanted(path, *self._client(path))
        seconds = 0.0
        for what in ways:
            started = time.monotonic()
            told = self._load(path, outcome, what, **WAYS[what])
            seconds = time.monotonic() - started
            outcome.streamed = max(outcome.streamed, told.get("streamed", 0))
            self._judge(outcome, what, told, wanted)
            if not wanted.errors or WAYS[what].get("jobs") == 1:
                self._compare(outcome, what, wanted)
        outcome.errors = wanted.errors
        if wanted.errors:
            forced = Wanted(path, *self._client(path, "--force"), ("--force",))
            outcome.errors = forced.errors
            for what, options in FORCED.items():
                told = self._load(path, outcome, what, **options)
                self._judge(outcome, what, told, forced)
                self._compare(outcome, what, forced)
        elif not brief:
            self._twice(outcome, wanted)
            self._killed(outcome, wanted, seconds)
        if not brief:
            self._foresee(path, outcome)
        outcome.seconds = time.monotonic() - begin
        return outcome

    # The client --------------------------------------------------------------------------------

    def _client(self, path: Path, *options: str) -> tuple[Errors, State]:
        self.reset()
        flavour = self._server.flavour
        with path.open("rb") as script:
            done = subprocess.run(
                [*self._server.client, *CLIENT_OPTIONS[flavour], *options, SCHEMA],
                stdin=script,
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
                cwd=path.parent,
            )
        told = CLIENT_ERROR.findall(done.stderr.decode("utf-8", "replace"))
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        errors = [(_statement_of(lines, int(line)), int(number or 0)) for number, line in told]
        return errors, self._state()

    def _state(self) -> State:
        return fingerprint(self._server, dump=False)

    def reset(self) -> None:
        """Take away what scripts have made."""
        self._server.drop_schemas()
        self._server.restore_globals()
        with connect_now(self._server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT user, host FROM mysql.user")
            for user, host in cursor.fetchall():
                if user in SYSTEM_ACCOUNTS or user == "root":
                    continue
                is_role = self._server.flavour == "mariadb" and not host
                name = quoted(user) if is_role else f"{quoted(user)}@{quoted(host)}"
                cursor.execute(f"DROP {'ROLE' if is_role else 'USER'} {name}")
            cursor.execute(f"CREATE SCHEMA {SCHEMA}")

    # Ours --------------------------------------------------------------------------------------

    def _load(
        self, path: Path, outcome: FolderOutcome, what: str, **options: Any
    ) -> dict[str, Any]:
        self.reset()
        return self._load_more(path, outcome, what, **options)

    def _load_more(
        self, path: Path, outcome: FolderOutcome, what: str, **options: Any
    ) -> dict[str, Any]:
        told = self._worker.load(
            path, LIMIT_S, **{"database": SCHEMA, "system_schemas": True, **options}
        )
        if told["error"] in ("hung", "crashed"):
            outcome.failures.append(f"{what}: {told['error']}\n{told['message']}")
            end_others(self._server)
        return told

    def _judge(
        self, outcome: FolderOutcome, what: str, told: dict[str, Any], client: Wanted
    ) -> None:
        """Compare the errors; places are line, and number of the error."""
        if told["error"] in ("hung", "crashed"):
            return
        found = [(told["line"], told["errno"])] if told.get("line") else []
        if told["error"] == "ScriptError":
            place = PLACE.search(str(told["message"]))
            found = [(int(place[1]), 0)] if place else []
            if client.options and {*found} <= {*client.errors}:
                outcome.notes.append(f"{what}: ends at {found}, where the client continues")
                return
        if told["error"] is None:
            found = [(line, number) for line, number in told["errors"]]
        wanted = client.errors
        is_same = sorted(found) == sorted(wanted)
        if not is_same and client.options:
            is_same = _that_count(found, client.path) == _that_count(wanted, client.path)
        if not is_same or told["error"] not in OUTCOMES:
            differ = [e for e in wanted if e not in found], [e for e in found if e not in wanted]
            outcome.failures.append(
                f"{what}: only the client tells {differ[0][:5]}, only the load {differ[1][:5]}"
                f" {told['error']} {str(told.get('message'))[:600]}"
            )

    def _compare(self, outcome: FolderOutcome, what: str, client: Wanted) -> None:
        ours = self._state()
        if difference(client.state, ours) and client.volatile is None:
            time.sleep(1.1)  # times are to differ
            _, again = self._client(client.path, *client.options)
            keys = {*client.state, *again}
            client.volatile = {key for key in keys if client.state.get(key) != again.get(key)}
        state = dict(client.state)
        for key in client.volatile or ():
            ours.pop(key, None)
            state.pop(key, None)
        unlike = difference(state, ours)
        if unlike:
            outcome.failures.append(f"{what}: first: the client, second: the load\n{unlike}")

    def _twice(self, outcome: FolderOutcome, wanted: Wanted) -> None:
        told = self._load(wanted.path, outcome, "once", once=True)
        self._judge(outcome, "once", told, wanted)
        told = self._load_more(wanted.path, outcome, "once more", once=True)
        self._judge(outcome, "once more", told, wanted)
        if told["error"] is None and not told["already_loaded"]:
            outcome.notes.append(f"once: loaded again: {told.get('notes')}")
        self._compare(outcome, "once more", wanted)

    def _killed(self, outcome: FolderOutcome, wanted: Wanted, seconds: float) -> None:
        """Kill a load, and resume it until it ends."""
        self.reset()
        chance = random.Random(f"{self._seed} {wanted.path.name}")
        options: dict[str, Any] = {"database": SCHEMA, "system_schemas": True, "resume": True}
        child = Child(wanted.path, self._server, **options)
        child.go()
        time.sleep(0.4 + seconds * chance.uniform(0.1, 0.9))  # until it has begun
        child.process.send_signal(signal.SIGKILL)
        first = child.outcome()
        for _ in range(MOST_RESUMES):
            told = self._load_more(wanted.path, outcome, "resumed", resume=True)
            if told["error"] not in STOPS or told["error"] is None:
                break
        if told["error"] == "ScriptError" and IN_DOUBT in str(told["message"]):
            outcome.notes.append("resumed: in doubt")
            return
        what = f"resumed after {first['error']}"
        self._judge(outcome, what, told, wanted)
        if told["error"] is None:
            self._compare(outcome, what, wanted)

    def _foresee(self, path: Path, outcome: FolderOutcome) -> None:
        """Let the script be checked and explained."""
        self.reset()
        settings, policy = self._server.settings, LoadPolicy(database=SCHEMA)
        looks: dict[str, Callable[[], object]] = {
            "explain": lambda: explain(path, policy=policy),
            "check": lambda: check(path, settings, database=SCHEMA),
        }
        for what, look in looks.items():
            signal.signal(signal.SIGALRM, _too_long)
            signal.alarm(CHECK_LIMIT_S)
            try:
                report: Any = look()
                repr(report)
            except SidecarError as error:
                outcome.notes.append(f"{what}: {type(error).__name__} {str(error)[:200]}")
            except Exception as error:  # whatever it is
                outcome.failures.append(f"{what}: {type(error).__name__}: {str(error)[:600]}")
            else:
                if what == "check" and report.ok == bool(outcome.errors):
                    found = re.sub(r"\s+", " ", repr(report.problems))[:300]
                    outcome.notes.append(f"check: ok {report.ok}, {found}")
            finally:
                signal.alarm(0)


def _statement_of(lines: list[bytes], line: int) -> int:
    """Return where the statement begins that the client names by a line.

    MySQL's client counts from the comments before it.
    """
    text = b"\n".join(lines[line - 1 : line + MOST_COMMENTS])
    comments = COMMENTS.match(text)
    return line + text.count(b"\n", 0, comments.end() if comments else 0)


def _that_count(errors: Errors, path: Path) -> Errors:
    """Return the errors but for those of statements that a load may leave out."""
    lines = path.read_bytes().split(b"\n")
    return sorted(error for error in errors if not LEFT_OUT.match(lines[error[0] - 1]))


def _too_long(*_: object) -> None:
    raise TimeoutError("too long")


# Many ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the scripts, and return how many were not as with the client."""
    chosen = _parser().parse_args(arguments)
    # Servers outlive who started them: they are to be stopped, whatever ends this.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    flavours = chosen.servers.split(",")
    if len(flavours) > 1:
        options = [f"--seed={chosen.seed}", f"--only={chosen.only}", f"--ways={chosen.ways}"]
        options += [*(["--brief"] if chosen.brief else []), chosen.folder]
        numbers = ("--scripts", 0, chosen.scripts * len(flavours))
        return on_each_server("tests.faults.folder", flavours, numbers, options)
    return _on(flavours[0], chosen)


def _on(flavour: str, chosen: argparse.Namespace) -> int:
    paths = [path for path in sorted(Path(chosen.folder).glob("*.sql")) if chosen.only in path.name]
    ways = [way for way in chosen.ways.split(";") if way] or list(WAYS)
    tally: Counter[str] = Counter()
    failed = []
    start = time.monotonic()
    with guarded_folder("folder-") as folder:
        server = Server(flavour, Path(folder, flavour), options=SERVER_OPTIONS)
        with server, FolderStage(server, chosen.seed) as stage:
            for path in paths[chosen.first :][: chosen.scripts]:
                try:
                    outcome = stage.play(path, ways, brief=chosen.brief)
                except subprocess.TimeoutExpired:
                    print(f"{flavour} {path.name}: the client takes too long", flush=True)
                    end_others(server)
                    continue
                tally["scripts"] += 1
                tally["refused"] += bool(outcome.errors)
                tally["streamed"] += bool(outcome.streamed)
                print(f"{flavour} {outcome}", flush=True)
                for line in outcome.notes:
                    print(f"    note: {line}", flush=True)
                if outcome.failures:
                    failed.append(path.name)
                    print("\n".join(f"    {text}" for text in outcome.failures), flush=True)
    print(f"\n{flavour}: {time.monotonic() - start:.0f} s; {dict(sorted(tally.items()))}")
    print("\n".join(f"FAILED {line}" for line in failed))
    print(f"{len(failed)} failures", flush=True)
    return len(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults.folder", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--scripts", type=int, default=10_000, help="at most, on each server")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--servers", default="mysql,mariadb")
    parser.add_argument("--first", type=int, default=0, help="number of the first script")
    parser.add_argument("--ways", default="", help="those of WAYS to take, with ; between them")
    parser.add_argument("--brief", action="store_true", help="load each script only in these ways")
    parser.add_argument("--only", default="", help="a part of the names of those to load")
    return parser


if __name__ == "__main__":
    sys.exit(min(main(), 99))
