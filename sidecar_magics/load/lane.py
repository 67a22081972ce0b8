"""A lane: one connection in a thread of its own, which runs the tasks that are handed to it.

Rows of several tasks are committed together, with their place in the journal. A lane never waits
while it has something to commit: its locks would keep others waiting, perhaps for it. What was not
committed when a connection is lost, or the server ends a deadlock, is done once more; that is
possible as long as the session's state is known, and right because nothing of it is there.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from typing import TYPE_CHECKING

from ..errors import AccessError, ServerNotReadyError, StatementError
from ..script import forms
from ..server import pymysql_errors
from ..wait import wait
from . import failures
from .crew import READY_TIMEOUT_S
from .indexes import drop_clause
from .journal import REFUSED, lock_name, piece_of
from .link import Link, SessionError
from .plan import LARGE_STATEMENT_BYTES
from .tasks import TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .crew import Crew, Inspector
    from .failures import Step
    from .journal import Piece
    from .tasks import Task

BATCH_BYTES = 8 * 1024 * 1024
BATCH_S = 1.0
RETRIES = 5
OLD_CONNECTION_TIMEOUT_S = 60.0
NOTED_TOGETHER = 50

DEADLOCK = 1213
# What a server says of a definition that it has already carried out.
# Source: MySQL server error reference.
_ALREADY = {1007, 1008, 1050, 1051, 1060, 1061, 1068, 1091, 1304, 1305, 1359, 1360, 1396, 1537}
_ALREADY |= {1539, 1826, 1146}


class _Lost(Exception):
    """The connection is gone."""


class _RolledBack(Exception):
    """The server has undone the transaction, to end a deadlock."""


class Lane:
    """One of a load's connections.

    Parameters
    ----------
    number : int
        From 0.
    crew : Crew
        The load.
    inspector : Inspector
        To look at tables with.
    """

    def __init__(self, number: int, crew: Crew, inspector: Inspector) -> None:
        self.number = number
        self._crew = crew
        self._inspector = inspector
        self._link = Link(crew.settings, crew.first, local_infile=crew.local_infile)
        self._batch: list[Task] = []
        self._began = 0.0
        self._committing = False
        self._unnoted: list[Piece] = []  # done, but not in the journal yet
        self._told: set[str] = set()  # tables whose first statements were sent one by one
        self._careful: set[str] = set()  # tables with warnings: each statement by itself
        self._tallies: list[tuple[Step, str | None, int, int, float]] = []
        self.thread = threading.Thread(target=self._run, name=f"lane-{number}", daemon=True)

    def open(self) -> None:
        """Connect; to be called before the thread starts, or by it."""
        self._link.open()
        self._link.ask(f"SELECT GET_LOCK('{lock_name(self._crew.token, self.number)}', 0)")

    def _open_at_last(self, step: Step) -> None:
        """Connect when the first task is there; a server that has just gone is waited for."""
        try:
            self.open()
        except ServerNotReadyError:
            self._reconnect(step, 0)
        except pymysql_errors():
            self._reconnect(step, 0)

    @property
    def link(self) -> Link:
        """The connection."""
        return self._link

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    # The loop ----------------------------------------------------------------------------------

    def _run(self) -> None:
        scheduler = self._crew.scheduler
        task: Task | None = None
        try:
            while True:
                task = scheduler.take(self.number, wait=not self._batch)
                if task is not None:
                    if self._link.connection is None:
                        self._open_at_last(task.steps[0])
                    self._do(task)
                elif self._batch and not scheduler.was_aborted:
                    task = self._batch[0]
                    self._repeat(self._commit, task.steps[0])
                else:
                    break
        except BaseException as error:  # whatever it is, the reader must hear of it
            if task is not None and not scheduler.was_aborted:
                self._crew.fail(task, error)

    def _do(self, task: Task) -> None:
        if task.shares_transaction:
            self._repeat(lambda: self._add(task), task.steps[0])
            self._crew.scheduler.executed(task)
            full = sum(other.size_bytes for other in self._batch) >= BATCH_BYTES
            if full or time.monotonic() - self._began > BATCH_S:
                self._repeat(self._commit, task.steps[0])
            return
        if self._batch:
            self._repeat(self._commit, self._batch[0].steps[0])
        if task.kind is TaskKind.INDEXES:
            self._make_indexes(task)
        elif task.in_transaction:
            self._do_raw(task)
        else:
            self._define(task)
        self._crew.scheduler.done([task])

    # Rows --------------------------------------------------------------------------------------

    def _add(self, task: Task) -> None:
        """Run a task as part of the batch."""
        self._look_at_table(task)
        self._enter(task)
        if not self._batch:
            with self._translated(task.steps[0]):
                self._link.send(b"BEGIN")
            self._began = time.monotonic()
        self._batch.append(task)
        try:
            self._send_steps(task)
        except (_Lost, _RolledBack):
            self._batch.remove(task)
            raise

    def _commit(self) -> None:
        """Commit the batch, and what is to be noted, in one transaction."""
        if self._batch:
            self._close_batch([piece_of(task.steps, _touched(task)) for task in self._batch])

    def _close_batch(self, pieces: list[Piece]) -> None:
        with self._translated(self._batch[0].steps[0]):
            journal = self._crew.journal
            if journal and (pieces or self._unnoted):
                self._link.send(journal.note_done([*self._unnoted, *pieces]))
            self._committing = True
            self._link.send(b"COMMIT")
        self._committing = False
        self._finish_batch()

    def _finish_batch(self) -> None:
        self._unnoted.clear()
        self._count()
        done, self._batch = self._batch, []
        self._crew.scheduler.done(done)

    def _look_at_table(self, task: Task) -> None:
        """See if a table that gets many rows takes them in any order, and indexes later."""
        table = task.table
        if (
            task.kind is not TaskKind.ROWS
            or table is None
            or table.inspected
            or not self._crew.is_parallel
            or len(task.steps[0].sql) < LARGE_STATEMENT_BYTES
        ):
            return
        table.inspected = True
        indexes = self._inspector.indexes(table)
        if indexes is None or not indexes.sorts_rows:
            return
        journal = self._crew.journal
        owed = journal.deferred(table) if journal else []
        if owed:
            table.deferred = owed
        elif indexes.last and task.any_order:
            self._commit()
            self._put_off(task, indexes.last)
        self._crew.scheduler.release(task)

    def _put_off(self, task: Task, definitions: list[bytes]) -> None:
        table, journal = task.table, self._crew.journal
        if table is None or journal is None:
            return  # without a journal nobody would know what is owed, if this process were killed
        with self._translated(task.steps[0]):
            if self._link.rows(b"SELECT 1 FROM " + table.quoted + b" LIMIT 1"):
                return
            self._link.send(journal.note_deferred(table, definitions))
            self._crew.filling.append(table)
            table.deferred = definitions
            try:
                self._link.send(b"ALTER TABLE " + table.quoted + b" " + drop_clause(definitions))
            except pymysql_errors() as error:
                if failures.is_lost(error):
                    raise
                return  # 1553: another table's foreign key needs one of them
        self._crew.report.add_deferred_indexes(len(definitions))

    def _make_indexes(self, task: Task) -> None:
        """Give a table the indexes that were put off."""
        table, journal = task.table, self._crew.journal
        if table is None:
            return
        table.inspected = False
        definitions = table.deferred or (journal.deferred(table) if journal else [])
        if not definitions:
            return
        table.deferred = definitions  # until they are made
        start = time.monotonic()
        for attempt in range(RETRIES + 1):
            missing = self._inspector.missing(table, definitions)
            try:
                with self._translated(task.steps[0]):
                    if missing:
                        self._link.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                    if journal:
                        self._link.send(journal.forget_deferred(table))
                break
            except _RolledBack:
                time.sleep(0.01 * (attempt + 1))
            except _Lost:
                self._reconnect(task.steps[0], attempt)
        table.deferred = []
        self._crew.report.add(str(table), seconds=time.monotonic() - start, statements=0)

    # Everything else ---------------------------------------------------------------------------

    def _define(self, task: Task) -> None:
        """Run statements that commit by themselves; one that is in doubt is settled by looking."""
        step, journal = task.steps[0], self._crew.journal
        doubt = journal.doubt(step) if journal and journal.resumed else None
        maybe_done = doubt is not None or task.maybe_done
        if doubt == REFUSED:
            doubt, maybe_done = None, False
        if doubt is not None and not task.repeatable:
            raise failures.in_doubt(step, self._crew.report)
        for attempt in range(RETRIES + 1):
            try:
                if not (maybe_done and self._was_altered(task, doubt)):
                    doubt = self._note_doubt(task, doubt)
                    self._enter(task)
                    self._send_steps(task, maybe_done=maybe_done)
                self._count()
                break
            except StatementError:
                if journal and step.sql:  # it was not done, and will be tried again
                    with contextlib.suppress(*pymysql_errors()):
                        self._link.send(journal.note_doubt(step, REFUSED))
                raise
            except _RolledBack:
                time.sleep(0.01 * (attempt + 1))
            except _Lost:
                if not task.repeatable:
                    raise failures.stopped(step, self._crew.report) from None
                maybe_done = True
                self._reconnect(step, attempt)
        else:
            raise failures.stopped(step, self._crew.report)
        if journal and step.sql:
            self._unnoted.append(piece_of(task.steps, _touched(task)))
            if len(self._unnoted) >= NOTED_TOGETHER:
                # Where that is lost, the next statement meets it, and the notes come once more.
                with contextlib.suppress(*pymysql_errors()):
                    self._link.send(journal.note_done(self._unnoted))
                    self._unnoted.clear()

    def _note_doubt(self, task: Task, doubt: int | None) -> int | None:
        """Note a statement before it runs, if running it twice would do more than running it once.

        Tables and schemas that are dropped and created tell by themselves whether that is done.
        """
        journal, step = self._crew.journal, task.steps[0]
        simple = task.kind is TaskKind.DEFINITION and not forms.alters(step.sql)
        if journal is None or simple or doubt is not None or not step.sql:
            return doubt
        before = self._state_of(task)
        with self._translated(step):
            self._link.send(journal.note_doubt(step, before))
        return before

    def _was_altered(self, task: Task, before: int | None) -> bool:
        """Tell whether the table that a statement alters has changed since it was noted."""
        altered = forms.alters(task.steps[0].sql)
        return before is not None and altered and self._state_of(task) != before

    def _state_of(self, task: Task) -> int:
        table = task.table
        create = self._inspector.show_create(table) if table else None
        return zlib.crc32(create or b"")

    def _do_raw(self, task: Task) -> None:
        """Run what belongs to a transaction of the script's own, or needs what its session has."""
        journal = self._crew.journal
        if task.session is not None and journal and not task.steps[0].is_ours:
            self._unnoted.append(piece_of(task.steps, ()))
        try:
            self._enter(task)
            noted = journal and self._unnoted and task.session is not None
            if journal and noted and forms.commits(task.steps[0].sql):
                self._link.send(journal.note_done(self._unnoted))
                self._unnoted.clear()
            self._send_steps(task)
        except (_Lost, _RolledBack):
            raise failures.stopped(task.steps[0], self._crew.report) from None
        self._count()
        self._crew.report.in_transaction = self._link.is_in_transaction

    # Sending -----------------------------------------------------------------------------------

    def _enter(self, task: Task) -> None:
        session = task.session
        if session is None:
            return
        if self._batch and self._link.differs(session):
            self._commit()  # not every variable may change within a transaction
        self._bring_into(task)

    def _bring_into(self, task: Task) -> None:
        """Bring the connection into the session that a task needs."""
        session = task.session
        if session is None:
            return
        try:
            self._link.enter(session, user_variables=task.is_barrier)
        except SessionError as failure:
            step = session.origins.get(failure.name) or task.steps[0]
            if failure.name == "USE":
                step = task.steps[0]
                step = step._replace(sql=step.sql or b"USE " + (session.schema or b""))
            self._raise(failure.error, step)

    def _send_steps(self, task: Task, *, maybe_done: bool = False) -> None:
        """Send a task's statements, small ones together, and keep count of them."""
        at = 0
        while at < len(task.steps):
            if not task.steps[at].sql:  # it only stands for its place
                at += 1
                continue
            group = self._group(task, at)
            sent = time.monotonic()
            try:
                outcomes = (
                    [self._link.send(group[0].sql)]
                    if len(group) == 1
                    else self._link.send_each([step.sql for step in group])
                )
                for outcome in outcomes:
                    step = task.steps[at]
                    now = time.monotonic()
                    self._tally(step, outcome.changed, outcome.warnings, now - sent)
                    sent, at = now, at + 1
                self._collect_warnings(group)
            except pymysql_errors() as error:
                step = task.steps[at]
                refusal = self._refusal(error)
                at += 1
                if maybe_done and refusal[0] in _ALREADY:
                    continue
                if not self._crew.force:
                    self._keep_what_is_done(task, at - 1)
                failure = failures.failed(step, *refusal, self._crew.report)
                if not self._crew.force:
                    raise failure from None
                self._crew.report.add_error(failure)
            except RuntimeError:
                # PyMySQL: the server wants a file of this machine, though it was told not to ask.
                what = "the server asked for a file of this machine"
                raise failures.refused(task.steps[at], what, self._crew.report) from None

    def _group(self, task: Task, at: int) -> list[Step]:
        """Return the steps to send at once: warnings can be read behind a single one only."""
        step = task.steps[at]
        if len(step.sql) + 1 >= self._crew.max_packet_bytes:  # a byte is for the command
            raise failures.too_large(step, self._crew.max_packet_bytes, self._crew.report)
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

    def _count(self) -> None:
        """Count in the report what is done now."""
        tallies, self._tallies = self._tallies, []
        for step, table, rows, warnings, took_s in tallies:
            self._crew.report.add(
                table, rows=rows, size_bytes=len(step.sql), seconds=took_s, warnings=warnings
            )

    # Failures ----------------------------------------------------------------------------------

    def _keep_what_is_done(self, task: Task, at: int) -> None:
        """Commit what was done before a statement that was refused."""
        if task not in self._batch:
            self._count()
            self._crew.report.in_transaction = self._link.is_in_transaction
            return
        pieces = [piece_of(other.steps, _touched(other)) for other in self._batch[:-1]]
        if at:
            pieces.append(piece_of(task.steps[:at], _touched(task)))
        self._batch.remove(task)
        self._batch = self._batch or [task]
        self._close_batch(pieces)

    def _failure(self, error: Exception, step: Step) -> StatementError:
        return failures.failed(step, *self._refusal(error), self._crew.report)

    def _refusal(self, error: Exception) -> tuple[int, str, str]:
        """Return the server's error number, SQLSTATE and words; raise where it is no refusal."""
        if failures.is_lost(error):
            raise _Lost from None
        if failures.number(error) == DEADLOCK:
            raise _RolledBack from None
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        sqlstate = getattr(error, "sqlstate", None) or self._sqlstate()
        return failures.number(error), sqlstate, message

    def _raise(self, error: Exception, step: Step) -> None:
        failure = self._failure(error, step)
        if not self._crew.force:
            raise failure
        self._crew.report.add_error(failure)

    @contextlib.contextmanager
    def _translated(self, step: Step) -> Iterator[None]:
        try:
            yield
        except pymysql_errors() as error:
            raise self._failure(error, step) from None

    def _sqlstate(self) -> str:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        try:
            self._link.send(b"GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE")
            return self._link.ask("SELECT @sidecar_sqlstate")
        except pymysql_errors():
            return "HY000"

    # Doing it once more ------------------------------------------------------------------------

    def _repeat(self, action: Callable[[], None], step: Step) -> None:
        """Do something with the batch; where that is lost, do all of the batch once more."""
        for attempt in range(RETRIES + 1):
            try:
                if attempt and self._batch:
                    self._replay()
                action()
                return
            except _RolledBack:
                time.sleep(0.01 * (attempt + 1))
                with contextlib.suppress(*pymysql_errors()):
                    self._link.send(b"ROLLBACK")
                self._tallies.clear()
            except _Lost:
                committing, self._committing = self._committing, False
                if any(task.kind is TaskKind.DATA for task in self._batch) or step.counts_up:
                    # A number that was counted up stays used, though its row is undone.
                    raise failures.stopped(step, self._crew.report) from None
                self._reconnect(step, attempt)
                if committing and self._is_noted(step):
                    self._finish_batch()
                else:
                    self._tallies.clear()
        raise failures.stopped(step, self._crew.report)

    def _replay(self) -> None:
        """Do the batch once more: its variables are the same, the default schema may change."""
        with self._translated(self._batch[0].steps[0]):
            self._bring_into(self._batch[0])
            self._link.send(b"BEGIN")
        for task in self._batch:
            self._bring_into(task)
            self._send_steps(task)

    def _is_noted(self, step: Step) -> bool:
        """Tell whether the commit that was under way has come to pass."""
        journal = self._crew.journal
        if journal is None:
            raise failures.stopped(step, self._crew.report)
        return bool(self._link.rows(journal.find(self._batch[0].steps[0])))

    def _reconnect(self, step: Step, attempt: int) -> None:
        """Connect again, once the server is ready and has let go of the lost connection."""
        crew = self._crew
        if crew.scheduler.was_aborted or not crew.may_retry or attempt == RETRIES:
            raise failures.stopped(step, crew.report) from None
        crew.report.add_retry()
        deadline = time.monotonic() + OLD_CONNECTION_TIMEOUT_S
        try:
            sidecar = wait(crew.settings, timeout_s=READY_TIMEOUT_S)
            self._link.open()
            lock = lock_name(crew.token, self.number)
            while self._link.ask(f"SELECT GET_LOCK('{lock}', 1)") != "1":
                end_holder(self._link, lock)
                if time.monotonic() > deadline:
                    raise failures.stopped(step, crew.report)
        except (ServerNotReadyError, AccessError):
            raise failures.stopped(step, crew.report) from None
        except pymysql_errors():
            raise failures.stopped(step, crew.report) from None
        if sidecar.uuid != crew.uuid:
            raise failures.new_server(step, crew.report)
        if crew.journal and not crew.journal.is_ours(self._link):
            raise failures.stopped(step, crew.report)


def end_holder(link: Link, lock: str) -> None:
    """End the connection that holds a lock: what it has not committed is undone."""
    holder = link.ask(f"SELECT IS_USED_LOCK('{lock}')")
    if holder:
        with contextlib.suppress(*pymysql_errors()):  # it has just ended
            link.send(f"KILL {int(holder)}".encode())


def _touched(task: Task) -> set[str]:
    return {task.table.key} if task.kind is TaskKind.ROWS and task.table else set(task.writes)
