"""Send a task's statements, keep count of them, and tell refusals from lost connections."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ..server import pymysql_errors
from . import failures
from .tasks import TaskKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import SidecarError, StatementError
    from .crew import Crew
    from .failures import Step
    from .link import Link
    from .tasks import Task

DEADLOCK = 1213
# What a server says of a definition that it has already carried out.
# Source: MySQL server error reference.
_ALREADY = {1007, 1008, 1050, 1051, 1060, 1061, 1068, 1091, 1304, 1305, 1359, 1360, 1396, 1537}
_ALREADY |= {1539, 1826, 1146}


class Lost(Exception):
    """The connection is gone."""


class RolledBack(Exception):
    """The server has undone the transaction, to end a deadlock."""


class Refused(Exception):
    """The server refused a statement of a task.

    Attributes
    ----------
    at : int
        Which of the task's statements; those before it are done.
    failure : SidecarError
        What to tell the user.
    """

    def __init__(self, at: int, failure: SidecarError) -> None:
        super().__init__(at)
        self.at = at
        self.failure = failure


class Sender:
    """What sends statements on one connection.

    Parameters
    ----------
    link : Link
        The connection.
    crew : Crew
        The load.
    """

    def __init__(self, link: Link, crew: Crew) -> None:
        self._link = link
        self._crew = crew
        self._told: set[str] = set()  # tables whose first statements were sent one by one
        self._careful: set[str] = set()  # tables with warnings: each statement by itself
        self._tallies: list[tuple[Step, str | None, int, int, float]] = []

    def run(self, task: Task, *, maybe_done: bool = False) -> None:
        """Send a task's statements, small ones together, and keep count of them.

        Parameters
        ----------
        task : Task
            Its session must be the connection's.
        maybe_done : bool, default False
            They may have been carried out before: what is there already is no failure.

        Raises
        ------
        Refused
            The server refused one, and the load does not go on behind errors.
        Lost, RolledBack
            All that was not committed is to be done once more.
        """
        at = 0
        while at < len(task.steps):
            if not task.steps[at].sql:  # it only stands for its place
                at += 1
                continue
            at, failure = self._send_group(task, at, maybe_done)
            if failure is None:
                continue
            if not self._crew.force:
                raise Refused(at, failure)
            self._crew.report.add_error(failure)
            at += 1

    def _send_group(
        self, task: Task, at: int, maybe_done: bool
    ) -> tuple[int, StatementError | None]:
        """Send some statements; return which comes next, or was refused, and the failure if so."""
        if len(task.steps[at].sql) + 1 >= self._crew.max_packet_bytes:  # a byte is for the command
            limit = self._crew.max_packet_bytes
            return at, failures.too_large(task.steps[at], limit, self._crew.report)
        group = self._group(task, at)
        sent = time.monotonic()
        try:
            outcomes = (
                [self._link.send(group[0].sql)]
                if len(group) == 1
                else self._link.send_each([step.sql for step in group])
            )
            for outcome in outcomes:
                now = time.monotonic()
                self._tally(task.steps[at], outcome.changed, outcome.warnings, now - sent)
                sent, at = now, at + 1
            self._collect_warnings(group)
        except RuntimeError as error:
            # Of the guard (local_infile): no --force goes on with such a server.
            failure = failures.refused(task.steps[at], str(error), self._crew.report)
            raise Refused(at, failure) from None
        except pymysql_errors() as error:
            refusal = self._refusal(error)
            if maybe_done and refusal[0] in _ALREADY:
                return at + 1, None
            return at, failures.failed(task.steps[at], *refusal, self._crew.report)
        return at, None

    def _group(self, task: Task, at: int) -> list[Step]:
        """Return the steps to send at once: warnings can be read behind a single one only."""
        step = task.steps[at]
        name = step.table or ""
        if task.kind not in (TaskKind.ROWS, TaskKind.DATA) or name in self._careful:
            return [step]
        if name not in self._told:
            if at == len(task.steps) - 1 or at >= 2:
                self._told.add(name)
            return [step]
        room = self._crew.max_packet_bytes - 1
        group: list[Step] = []
        for other in task.steps[at:]:
            room -= len(other.sql) + 2
            if group and room <= 0:
                break
            group.append(other)
        return group

    def _tally(self, step: Step, changed: int, warnings: int, took_s: float) -> None:
        rows = changed if step.is_data else 0
        self._tallies.append((step, step.table, rows, warnings, took_s))

    def _collect_warnings(self, group: list[Step]) -> None:
        """Collect the warnings of what was sent."""
        warnings = sum(tally[3] for tally in self._tallies[-len(group) :])
        if not warnings:
            return
        self._careful.add(group[-1].table or "")
        self._crew.report.add_warnings(self._link.rows("SHOW WARNINGS"), warnings)

    def count(self) -> None:
        """Count in the report what was sent: it is done now."""
        tallies, self._tallies = self._tallies, []
        for step, table, rows, warnings, took_s in tallies:
            self._crew.report.add(
                table, rows=rows, size_bytes=len(step.sql), seconds=took_s, warnings=warnings
            )

    def forget(self) -> None:
        """Do not count what was sent: it is undone."""
        self._tallies.clear()

    # Failures ----------------------------------------------------------------------------------

    def failure(self, error: Exception, step: Step) -> StatementError:
        """Return what to tell of an error that the server gave on this connection.

        Raises
        ------
        Lost, RolledBack
            It is no refusal.
        """
        return failures.failed(step, *self._refusal(error), self._crew.report)

    def _refusal(self, error: Exception) -> tuple[int, str, str]:
        """Return the server's error number, SQLSTATE and words; raise where it is no refusal."""
        if failures.is_lost(error):
            raise Lost from None
        if failures.number(error) == DEADLOCK:
            raise RolledBack from None
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        sqlstate = getattr(error, "sqlstate", None) or self._sqlstate()
        return failures.number(error), sqlstate, message

    @contextlib.contextmanager
    def translated(self, step: Step) -> Iterator[None]:
        """Raise, in place of what PyMySQL raises, what a user is told; or `Lost`, `RolledBack`."""
        try:
            yield
        except pymysql_errors() as error:
            raise self.failure(error, step) from None

    def _sqlstate(self) -> str:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        try:
            self._link.send(b"GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE")
            return self._link.ask("SELECT @sidecar_sqlstate")
        except pymysql_errors():
            return "HY000"
