"""Send a task's statements, count them, and distinguish refusals from lost connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...server import pymysql_errors
from ..planning.tasks import TaskKind
from ..reporting import failures
from ..reporting.report import is_note
from .operations import Ask, Replies, Send
from .streaming import Streamer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...errors import SidecarError, StatementError
    from ..planning.tasks import Step, Task
    from .context import LoadContext
    from .operations import Reply, Work

DEADLOCK = 1213
# A server refuses a definition that it has already carried out with one of these.
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
        The error to show.
    """

    def __init__(self, at: int, failure: SidecarError) -> None:
        super().__init__(at)
        self.at = at
        self.failure = failure


class _Tally(NamedTuple):
    """The outcome of a statement, to be counted once it is committed; its place in the script."""

    step: Step
    place: tuple[int, int]
    reply: Reply
    streamed: bool = False


class Sender:
    """Sends statements on one lane's connection, as operations.

    Parameters
    ----------
    load : LoadContext
        The load.
    """

    def __init__(self, load: LoadContext) -> None:
        self._load = load
        self._streamer = Streamer(load)
        self._known: set[str] = set()  # tables whose first statements were sent one by one
        self._careful: set[str] = set()  # tables with warnings: each statement by itself
        self._tallies: list[_Tally] = []

    def run(self, task: Task, *, maybe_done: bool = False) -> Work[None]:
        """Send a task's statements, small ones together, and keep count of them.

        Parameters
        ----------
        task : Task
            Its session must be the connection's.
        maybe_done : bool, default False
            They may have been carried out before: "already exists" is no failure then.

        Raises
        ------
        Refused
            The server refused one, and the load does not continue after errors.
        Lost, RolledBack
            All that was not committed is to be done once more.
        """
        at = 0
        while at < len(task.steps):
            if not task.steps[at].sql:  # nothing to send: it only marks its place
                at += 1
                continue
            streamed = yield from self._stream(task, at)
            if streamed:
                at += streamed
                continue
            at, failure = yield from self._send_group(task, at, maybe_done)
            if failure is None:
                continue
            if not self._load.force:
                raise Refused(at, failure)
            self._load.report.add_error(failure)
            at += 1

    def _stream(self, task: Task, at: int) -> Work[int]:
        """Send rows by LOAD DATA; return how many statements are done by that."""
        try:
            replies = yield from self._streamer.run(task, at)
        except RuntimeError as error:  # of the guard (local_infile)
            raise Refused(
                at, failures.refused(task.steps[at], str(error), self._load.report)
            ) from None
        except pymysql_errors() as error:
            if failures.is_lost(error):
                raise Lost from None
            raise RolledBack from None
        for number, reply in enumerate(replies, at):
            place = task.number, number
            self._tallies.append(_Tally(task.steps[number], place, reply, streamed=True))
        return len(replies)

    def own(self, statements: Iterable[bytes], step: Step) -> Work[None]:
        """Send statements of the load's own, one after another; empty ones are left out.

        Raises
        ------
        StatementError
            The server refused one; `step` is the place that is named.
        Lost, RolledBack
            It is no refusal.
        """
        wanted = tuple(sql for sql in statements if sql)
        if not wanted:
            return
        replies: Replies = yield Send(wanted)
        if replies.error is not None:
            raise (yield from self.failure(replies.error, step))

    def ask(self, sql: str | bytes, step: Step) -> Work[list[tuple[str | None, ...]]]:
        """Ask a question of the load's own; raises as `own`."""
        try:
            rows: list[tuple[str | None, ...]] = yield Ask(sql)
        except pymysql_errors() as error:
            raise (yield from self.failure(error, step)) from None
        return rows

    def _send_group(
        self, task: Task, at: int, maybe_done: bool
    ) -> Work[tuple[int, StatementError | None]]:
        """Send some statements; return which comes next, or was refused, and the failure if so."""
        if len(task.steps[at].sql) + 1 >= self._load.max_packet_bytes:  # a byte is for the command
            limit = self._load.max_packet_bytes
            return at, failures.too_large(task.steps[at], limit, self._load.report)
        group = self._group(task, at)
        replies: Replies = yield Send(tuple(step.sql for step in group), keeps_rows=True)
        for reply in replies.done:
            self._tallies.append(_Tally(task.steps[at], (task.number, at), reply))
            at += 1
        error = replies.error
        if error is None:
            yield from self._collect_warnings(group)
            return at, None
        if isinstance(error, RuntimeError):
            # Of the guard (local_infile): no --force continues with such a server.
            raise Refused(at, failures.refused(task.steps[at], str(error), self._load.report))
        refusal = yield from self._refusal(error)
        if maybe_done and refusal[0] in _ALREADY:
            return at + 1, None
        return at, failures.failed(task.steps[at], *refusal, self._load.report)

    def _group(self, task: Task, at: int) -> list[Step]:
        """Return the steps to send at once: warnings can be read after a single one only."""
        step = task.steps[at]
        name = step.table or ""
        if task.kind not in (TaskKind.ROWS, TaskKind.DATA) or name in self._careful:
            return [step]
        if name not in self._known:
            if at == len(task.steps) - 1 or at >= 2:
                self._known.add(name)
            return [step]
        room = self._load.max_packet_bytes - 1
        group: list[Step] = []
        for other in task.steps[at:]:
            room -= len(other.sql) + 2
            if group and room <= 0:
                break
            group.append(other)
        return group

    def _collect_warnings(self, group: list[Step]) -> Work[None]:
        """Collect the warnings of the statements just sent."""
        warnings = sum(tally.reply.warnings for tally in self._tallies[-len(group) :])
        if not warnings:
            return
        if group[-1].is_data:  # of DROP TABLE IF EXISTS, rows need not be careful
            self._careful.add(group[-1].table or "")
        try:
            rows = yield Ask("SHOW WARNINGS")
        except pymysql_errors() as error:
            if failures.is_lost(error):
                raise Lost from None
            # 3977: after CREATE TABLE ... START TRANSACTION a server takes nothing but a COMMIT.
            rows = []
        self._load.report.add_warnings(failures.warnings(group, rows), warnings)
        notes = sum(is_note(code, level) for level, code, *_ in rows)
        if notes:  # the server reports about the last statement
            last = self._tallies[-1]
            left = max(last.reply.warnings - notes, 0)
            self._tallies[-1] = last._replace(reply=last.reply._replace(warnings=left))

    def count(self) -> None:
        """Count in the report all statements that were sent: they are done now."""
        tallies, self._tallies = self._tallies, []
        for step, place, reply, streamed in tallies:
            self._load.report.add(
                step.table,
                rows=reply.changed if step.is_data else 0,
                size_bytes=len(step.sql),
                seconds=reply.seconds,
                warnings=reply.warnings,
                streamed=streamed,
            )
            self._load.results.add(place, step.place, reply.results, reply.last)

    def forget(self) -> None:
        """Do not count the statements that were sent: they are undone."""
        self._tallies.clear()

    # Failures ----------------------------------------------------------------------------------

    def failure(self, error: Exception, step: Step) -> Work[StatementError]:
        """Return the error to report for one that the server gave on this connection.

        Raises
        ------
        Lost, RolledBack
            It is no refusal.
        """
        refusal = yield from self._refusal(error)
        return failures.failed(step, *refusal, self._load.report)

    def _refusal(self, error: Exception) -> Work[tuple[int, str, str]]:
        """Return the server's error number, SQLSTATE and words; raise where it is no refusal."""
        if failures.is_lost(error):
            raise Lost from None
        if failures.number(error) == DEADLOCK:
            raise RolledBack from None
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        sqlstate = getattr(error, "sqlstate", None)
        return failures.number(error), sqlstate or (yield from self._sqlstate()), message

    def _sqlstate(self) -> Work[str]:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        read = b"GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE"
        replies: Replies = yield Send((read,))
        if replies.error is None:
            try:
                rows = yield Ask("SELECT @sidecar_sqlstate")
            except pymysql_errors():
                rows = []
            if rows and rows[0][0]:
                return str(rows[0][0])
        return "HY000"
