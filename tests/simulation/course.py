"""One course of the simulation: a script, a load with faults, resumed until it ends; and checks."""

from __future__ import annotations

import random
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from sidecar_magics.errors import LoadStoppedError, ScriptError, StatementError
from sidecar_magics.load.planning import planner
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.running import lane, scheduler, streaming
from sidecar_magics.load.running.loader import Loader, run_load
from sidecar_magics.load.sources.opening import open_sources
from sidecar_magics.script.splitter import ClientCommand, split
from sidecar_magics.server import pymysql_errors
from tests.simulation import scripts
from tests.simulation.language import attempt
from tests.simulation.model import Server
from tests.simulation.world import SETTINGS, Fault, Hang, Killed, World

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("kill client", "kill client", "kill server", "cut", "cut")
MOST_RESUMES = 8


@contextmanager
def small_sizes() -> Iterator[None]:
    """Let scripts of some lines be as a gigabyte is to the loader."""
    with (
        mock.patch.object(planner, "LARGE_STATEMENT_BYTES", 80),
        mock.patch.object(lane, "LARGE_STATEMENT_BYTES", 80),
        mock.patch.object(planner, "TASK_BYTES", 160),
        mock.patch.object(planner, "TASK_STATEMENTS", 3),
        mock.patch.object(lane, "BATCH_BYTES", 400),
        mock.patch.object(lane, "BATCH_S", 0.05),
        mock.patch.object(lane, "NOTED_TOGETHER", 3),
        mock.patch.object(scheduler, "WINDOW_TASKS", 8),
        mock.patch.object(streaming, "WORTH_BYTES", 60),
    ):
        yield


@dataclass
class Course:
    """What became of one seed."""

    seed: int
    script: str = ""
    faults: list[Fault] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    failure: str = ""

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.failure or 'ok'}\n{self.script}\n"
            f"faults: {self.faults}\n" + "\n".join(self.steps)
        )


def play(seed: int) -> Course:
    """Play the course of a seed."""
    chance = random.Random(seed)
    course = Course(seed)
    mistakes = chance.choice((0, 0, 0, 1, 2))
    with_faults = chance.random() < 0.6 and not mistakes
    script = scripts.write(chance, mistakes=mistakes)
    course.script = script.text
    with small_sizes(), tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        path = Path(folder, "script.sql")
        path.write_text(script.text)
        try:
            _play(course, path, script, chance, with_faults=with_faults)
        except Hang as hang:
            course.failure = f"it hangs: {hang}"
    return course


def _play(
    course: Course,
    path: Path,
    script: scripts.Script,
    chance: random.Random,
    *,
    with_faults: bool,
) -> None:
    expected, first_error = _in_order(script.text)
    server = Server()
    if chance.random() < 0.2:  # then a lane that loses its connection is gone
        server.settings["innodb_flush_log_at_trx_commit"] = "2"
    jobs = chance.choice((1, 2, 3, 5))
    of_rows = random.Random(course.seed)  # so that what comes of other seeds stays as it was
    rows = of_rows.choice(("auto", "load-data", "load-data", "insert"))
    server.spoils_every = of_rows.choice((0, 1, 2, 5))
    for attempt_number in range(MOST_RESUMES):
        faults = []
        if with_faults and first_error is None and attempt_number < MOST_RESUMES - 1:
            count = chance.choice((0, 1, 1, 2, 3))
            faults = [
                Fault(chance.choice(KINDS), at) for at in sorted(chance.sample(range(1200), count))
            ]
        course.faults += faults
        world = World(server, chance, faults)
        outcome = _load(path, world, jobs, rows)
        course.steps.append(f"-> {outcome!r}"[:300])
        if outcome is None or isinstance(outcome, StatementError):
            break
        if isinstance(outcome, ScriptError):
            break
        if not isinstance(outcome, (Killed, LoadStoppedError)):
            course.failure = f"unexpected: {outcome!r}"
            return
    if isinstance(outcome, ScriptError):
        if script.resumable or "whether this statement was executed" not in str(outcome):
            course.failure = f"cannot be resumed: {outcome}"
        return
    _settle(server)
    if first_error is None:
        _compare(course, outcome, expected, server)
    else:
        _compare_failure(course, outcome, first_error, expected, server)


def _settle(server: Server) -> None:
    """Let the server finish what clients that are gone have sent."""
    for _ in range(1000):
        if not server.orphans:
            return
        for orphan in list(server.orphans):
            orphan.step()
            if orphan.executed:
                server.orphans.remove(orphan)
                if not orphan.connection.is_closed:
                    orphan.connection.close()


def _load(path: Path, world: World, jobs: int, rows: str) -> BaseException | None:
    policy = LoadPolicy(jobs=jobs, resume=True, rows=rows)
    sources = open_sources(path)
    report = LoadReport(sources.name)
    try:
        run_load(
            Loader(SETTINGS, report, policy=policy, runtime=world),  # type: ignore[arg-type]
            sources,
        )
    except (Exception, Killed) as error:
        if isinstance(error, Hang):
            raise
        return error
    return None


def _in_order(text: str) -> tuple[Server, tuple[int, int] | None]:
    """Return what the script makes, statement by statement, and its first error: line, number."""
    server = Server()
    connection = server.connect()
    for item in split([text.encode()]):
        sql = f"USE {item.argument.decode()}" if isinstance(item, ClientCommand) else ""
        sql = sql or item.sql.decode()  # type: ignore[union-attr]
        try:
            while attempt(connection, sql) is None:
                pass
        except pymysql_errors() as error:
            connection.close()
            return server, (item.line, error.args[0])
        if not connection.in_transaction:
            connection.commit()
    connection.close()
    return server, None


def _compare(
    course: Course, outcome: BaseException | None, expected: Server, server: Server
) -> None:
    if outcome is not None:
        course.failure = f"it does not end well: {outcome!r}"
        return
    one, other = expected.content(), server.content()
    unlike = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    if unlike:
        course.failure = "\n".join(
            f"{name}\n  in order: {one.get(name)}\n  loaded:   {other.get(name)}" for name in unlike
        )


def _compare_failure(
    course: Course,
    outcome: BaseException | None,
    first_error: tuple[int, int],
    expected: Server,
    server: Server,
) -> None:
    if not isinstance(outcome, StatementError):
        course.failure = f"it should have been refused at {first_error}: {outcome!r}"
    elif (outcome.line, outcome.errno) != first_error:
        course.failure = f"first in the script: {first_error}, told: {outcome}"
    else:
        later = "\n".join(course.script.splitlines()[first_error[0] - 1 :])
        for (schema, name), table in expected.tables.items():
            if schema == "s" and re.search(rf"\b{name}\b", later):
                continue  # what comes later may have been done by another lane
            found = server.tables.get((schema, name))
            rows = sorted(repr(cell.values) for cell in table.rows)
            there = sorted(repr(cell.values) for cell in found.rows) if found else None
            if schema != "sidecar_magics" and rows != there:
                course.failure = f"{name} before the error: {rows}, loaded: {there}"
