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

from ..errors import AccessError, ServerNotReadyError, SidecarError, StatementError
from ..script import forms
from ..server import pymysql_errors
from ..wait import wait
from . import failures
from .crew import READY_TIMEOUT_S
from .indexes import drop_clause
from .journal import REFUSED, lock_name, piece_of
from .link import Link, SessionError
from .plan import LARGE_STATEMENT_BYTES
from .sending import Lost, Refused, RolledBack, Sender
from .tasks import TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from .crew import Crew, Inspector
    from .failures import Step
    from .journal import Piece
    from .tasks import Task

BATCH_BYTES = 8 * 1024 * 1024
BATCH_S = 1.0
RETRIES = 5
OLD_CONNECTION_TIMEOUT_S = 60.0
NOTED_TOGETHER = 50


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
        self._sender = Sender(self._link, crew)
        self._batch: list[Task] = []
        self._began = 0.0
        self._committing = False
        self._unnoted: list[Piece] = []  # done, but not in the journal yet
        self.thread = threading.Thread(target=self._run, name=f"lane-{number}", daemon=True)

    def open(self) -> None:
        """Connect; to be called before the thread starts, or by it."""
        self._link.open()
        self._link.ask(f"SELECT GET_LOCK('{lock_name(self._crew.token, self.number)}', 0)")

    def _open_in_time(self) -> None:
        """Connect while the tasks before this lane's first one run."""
        if not self._link.is_open and self._crew.scheduler.await_work(self.number):
            with contextlib.suppress(SidecarError, *pymysql_errors()):
                self.open()
                return
            self._link.close()  # it is tried again, and told, when there is a task

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
            self._open_in_time()
            while True:
                task = scheduler.take(self.number, wait=not self._batch)
                if task is not None:
                    if not self._link.is_open:
                        self._open_at_last(task.steps[0])
                    self._do(task)
                elif self._batch and not scheduler.was_aborted:
                    task = self._batch[0]
                    self._repeat(self._commit, task.steps[0])
                else:
                    break
        except BaseException as error:  # whatever it is, the reader must hear of it
            if task is not None and not scheduler.was_aborted:
                # All of the batch is lost: a lane that waited for it would wait for ever.
                first = min((task, *self._batch), key=lambda each: each.number)
                self._crew.fail(first, error)

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
            with self._sender.translated(task.steps[0]):
                self._link.send(b"BEGIN")
            self._began = time.monotonic()
        self._batch.append(task)
        try:
            self._send(task)
        except (Lost, RolledBack):
            self._batch.remove(task)
            raise

    def _commit(self) -> None:
        """Commit the batch, and what is to be noted, in one transaction."""
        if self._batch:
            self._close_batch([piece_of(task.steps, _touched(task)) for task in self._batch])

    def _close_batch(self, pieces: list[Piece]) -> None:
        with self._sender.translated(self._batch[0].steps[0]):
            journal = self._crew.journal
            if journal and (pieces or self._unnoted):
                self._link.send(journal.note_done([*self._unnoted, *pieces]))
            self._committing = True
            self._link.send(b"COMMIT")
        self._committing = False
        self._finish_batch()

    def _finish_batch(self) -> None:
        self._unnoted.clear()
        self._sender.count()
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
        with self._sender.translated(task.steps[0]):
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
                with self._sender.translated(task.steps[0]):
                    if missing:
                        self._link.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                    if journal:
                        self._link.send(journal.forget_deferred(table))
                break
            except RolledBack:
                time.sleep(0.01 * (attempt + 1))
            except Lost:
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
                    self._send(task, maybe_done=maybe_done)
                self._sender.count()
                break
            except StatementError:
                if journal and step.sql:  # it was not done, and will be tried again
                    with contextlib.suppress(*pymysql_errors()):
                        self._link.send(journal.note_doubt(step, REFUSED))
                raise
            except RolledBack:
                time.sleep(0.01 * (attempt + 1))
            except Lost:
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
        with self._sender.translated(step):
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
                with self._sender.translated(task.steps[0]):
                    self._link.send(journal.note_done(self._unnoted))
                self._unnoted.clear()
            self._send(task)
        except (Lost, RolledBack):
            raise failures.stopped(task.steps[0], self._crew.report) from None
        self._sender.count()
        self._crew.report.in_transaction = self._link.is_in_transaction

    # Its session, its statements ---------------------------------------------------------------

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
            refused = self._sender.failure(failure.error, step)
            if not self._crew.force:
                raise refused from None
            self._crew.report.add_error(refused)

    def _send(self, task: Task, *, maybe_done: bool = False) -> None:
        """Send a task's statements; where one is refused, those before it are kept."""
        try:
            self._sender.run(task, maybe_done=maybe_done)
        except Refused as refused:
            self._keep_what_is_done(task, refused.at)
            raise refused.failure from None

    def _keep_what_is_done(self, task: Task, at: int) -> None:
        """Commit what was done before a statement that was refused."""
        if task not in self._batch:
            self._sender.count()
            self._crew.report.in_transaction = self._link.is_in_transaction
            return
        pieces = [piece_of(other.steps, _touched(other)) for other in self._batch[:-1]]
        if at:
            pieces.append(piece_of(task.steps[:at], _touched(task)))
        self._batch.remove(task)
        self._batch = self._batch or [task]
        self._close_batch(pieces)

    # Doing it once more ------------------------------------------------------------------------

    def _repeat(self, action: Callable[[], None], step: Step) -> None:
        """Do something with the batch; where that is lost, do all of the batch once more."""
        for attempt in range(RETRIES + 1):
            try:
                if attempt and self._batch:
                    self._replay()
                action()
                return
            except RolledBack:
                time.sleep(0.01 * (attempt + 1))
                with contextlib.suppress(*pymysql_errors()):
                    self._link.send(b"ROLLBACK")
                self._sender.forget()
            except Lost:
                committing, self._committing = self._committing, False
                if any(task.kind is TaskKind.DATA for task in self._batch) or step.counts_up:
                    # A number that was counted up stays used, though its row is undone.
                    raise failures.stopped(step, self._crew.report) from None
                self._reconnect(step, attempt)
                if committing and self._is_noted(step):
                    self._finish_batch()
                else:
                    self._sender.forget()
        raise failures.stopped(step, self._crew.report)

    def _replay(self) -> None:
        """Do the batch once more: its variables are the same, the default schema may change."""
        with self._sender.translated(self._batch[0].steps[0]):
            self._bring_into(self._batch[0])
            self._link.send(b"BEGIN")
        for task in self._batch:
            self._bring_into(task)
            self._send(task)

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
