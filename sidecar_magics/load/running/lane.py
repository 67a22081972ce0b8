"""A lane: decides what one connection of a load does next, also after a failure.

A lane is a generator. It decides, and yields `operations`; a thread carries them out on a real
connection, or a simulation on a server of its own. Nothing here waits, or knows of sockets.

Rows of several tasks are committed together, with their place in the journal. Three rules keep
lanes from waiting for each other in a circle that no server sees:

- a lane waits for a task only with nothing uncommitted;
- it asks about tables, and defines anything, only with nothing uncommitted: both may have to wait
  for locks of other lanes;
- a lane whose statement was refused continues with tasks that come before it in the script. One
  that has lost its connection for good ends the load: others could wait for its uncommitted work.

Uncommitted work is done once more where a connection is lost, or the server ends a deadlock. That
is possible as long as the session's state is known, and right because nothing of it is there.

The server cannot end such a circle, because it does not see that two connections are one load. Of
several failures the one that comes first in the script is reported.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Callable

from ...errors import ScriptError, SidecarError, StatementError
from ...script import forms
from ...server import pymysql_errors
from ..journal.pieces import REFUSED, Note, lock_name, piece_of
from ..planning.planner import LARGE_STATEMENT_BYTES
from ..planning.tasks import TaskKind
from ..reporting import failures
from . import index_builds
from .doubts import Doubts
from .index_clauses import read_indexes
from .link import SessionError
from .numbering import Numbering
from .operations import (
    AwaitWork,
    Enter,
    Open,
    Send,
    ShowCreate,
    Sleep,
    Take,
)
from .reconnecting import RETRIES, reconnect
from .sender import Lost, Refused, RolledBack, Sender
from .streaming import StreamTarget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...script.session import Session
    from ..journal.pieces import NotedPiece
    from ..planning.tasks import Step, Table, Task
    from .context import LoadContext
    from .link import Link
    from .operations import Work

# BEGIN begins a block of statements in MariaDB's sql_mode ORACLE.
BEGIN = b"START TRANSACTION"
BATCH_BYTES = 8 * 1024 * 1024
BATCH_S = 1.0
RETRY_PAUSE_S = 0.01
NOTED_TOGETHER = 50


class _Stuck(Exception):
    """Uncommitted work can be neither committed nor done once more."""

    def __init__(self, error: SidecarError) -> None:
        super().__init__(str(error))
        self.error = error


class Lane:
    """One of a load's connections.

    Parameters
    ----------
    number : int
        From 0.
    load : LoadContext
        The load.
    link : Link
        The connection; only its state is read here, which needs no answer of the server.
    """

    def __init__(self, number: int, load: LoadContext, link: Link) -> None:
        self.number = number
        self.link = link
        self._load = load
        self._sender = Sender(load)
        self._batch: list[Task] = []  # executed, and not committed yet
        self._batch_began = 0.0
        self._batch_bytes = 0
        self._committing: Note | None = None  # written by the COMMIT that is under way
        self._own_notes: list[NotedPiece] = []  # of the script's own transaction
        self._numbering = Numbering(load, self._sender)
        self._doubts = Doubts(load, self._sender)

    def run(self) -> Work[None]:
        """Do tasks until none is left; however that ends, no other lane waits for this one."""
        task: Task | None = None
        try:
            if not (yield from self._is_open_in_time()):
                return
            if self._load.journal and self._load.journal.resumed:
                yield from self._numbering.take_up()
            while True:
                task = yield Take(wait=not self._batch)
                try:
                    if task is not None:
                        yield from self._do(task)
                    elif self._batch:
                        yield from self._settle()
                    else:
                        return
                except (StatementError, ScriptError) as refusal:
                    if task is None:
                        raise
                    self._load.fail(task, refusal)  # the connection is as good as before
        except GeneratorExit:
            raise
        except BaseException as error:  # whatever it is, the reader must hear of it
            if not self._load.tasks.was_aborted:
                cause = error.error if isinstance(error, _Stuck) else error
                self._load.lose([*self._batch, *([task] if task else [])], cause)

    def _is_open_in_time(self) -> Work[bool]:
        """Connect while the tasks before this lane's first one run.

        The first lane is connected already. If another cannot connect, the load is only slower.
        """
        if self.link.is_open:
            return True
        if not (yield AwaitWork()):
            return False
        try:
            yield Open(self._lock)
        except SidecarError:
            return False
        except pymysql_errors():
            return False
        return True

    @property
    def _lock(self) -> str:
        return lock_name(self._load.token, self.number)

    # One task ----------------------------------------------------------------------------------

    def _do(self, task: Task) -> Work[None]:
        if task.shares_transaction:
            yield from self._repeat(partial(self._add, task), task.steps[0])
            self._load.tasks.executed(task)
            self._batch_bytes += task.size_bytes
            full = self._batch_bytes >= BATCH_BYTES
            if full or self._load.clock() - self._batch_began > BATCH_S:
                yield from self._settle()
            return
        yield from self._settle()
        if task.kind is TaskKind.INDEXES:
            yield from self._build_indexes(task)
        elif task.in_transaction:
            yield from self._do_as_written(task)
        else:
            yield from self._define(task)
        self._load.done([task])

    def _settle(self) -> Work[None]:
        """Commit the batch, before work that may wait for other connections."""
        if self._batch:
            yield from self._repeat(self._commit, self._batch[0].steps[0])

    # Rows --------------------------------------------------------------------------------------

    def _add(self, task: Task) -> Work[None]:
        """Run a task as part of the batch."""
        yield from self._look_at_table(task)
        yield from self._enter(task)
        first = (self._batch or [task])[0].steps[0]
        yield from self._numbering.before(task, (first.source.number, first.item.offset))
        if not self._batch:
            yield from self._sender.own([BEGIN], task.steps[0])
            self._batch_began, self._batch_bytes = self._load.clock(), 0
        self._batch.append(task)
        try:
            yield from self._send(task)
        except (Lost, RolledBack):
            self._batch.remove(task)
            raise

    def _commit(self) -> Work[None]:
        """Commit the batch, and the note about it, in one transaction."""
        if not self._batch:
            return
        journal, step = self._load.journal, self._batch[0].steps[0]
        pieces = [piece_of(task.steps) for task in self._batch]
        note = journal.note(pieces) if journal else Note(b"", ())
        try:
            yield from self._sender.own([note.sql, *self._last_id_of(self._batch)], step)
            self._committing = note
            yield from self._sender.own([b"COMMIT"], step)
        except StatementError as error:
            raise _Stuck(error) from None
        self._committing = None
        if journal:
            journal.noted(note)
        self._finish_batch()

    def _last_id_of(self, tasks: Iterable[Task]) -> tuple[bytes, ...]:
        """Return the statement that notes LAST_INSERT_ID(), if tasks may have changed it."""
        journal = self._load.journal
        if journal is None or not any(task.numbers for task in tasks):
            return ()
        return (journal.note_last_id(),)

    def _finish_batch(self) -> None:
        self._sender.count()
        self._numbering.forget()
        done, self._batch = self._batch, []
        self._load.done(done)

    def _look_at_table(self, task: Task) -> Work[None]:
        """Find out how a table takes many rows: in any order, with indexes later, by LOAD DATA."""
        table = task.table
        if table is None or task.kind is not TaskKind.ROWS:
            return
        is_large = self._load.is_parallel and len(task.steps[0].sql) >= LARGE_STATEMENT_BYTES
        way = self._load.rows
        streams = way is not None and table.target is None and way.is_worth(task)
        if not streams and (table.inspected or not is_large):
            return
        if self._batch:
            yield from self._commit()
        create = yield ShowCreate(table)
        if streams:
            table.target = StreamTarget(table, create)
        if is_large and not table.inspected:
            table.inspected = True
            yield from self._look_at_indexes(task, table, create)

    def _look_at_indexes(self, task: Task, table: Table, create: bytes | None) -> Work[None]:
        indexes = read_indexes(create) if create else None
        if indexes is None or not indexes.sorts_rows:
            return
        journal = self._load.journal
        owed = journal.deferred(table) if journal else []
        if owed:
            table.deferred = owed
        elif indexes.last and task.any_order:
            yield from index_builds.put_off(self._load, self._sender, task, indexes.last)
        self._load.tasks.release(task)

    def _build_indexes(self, task: Task) -> Work[None]:
        """Give a table the indexes that were put off."""
        table, journal = task.table, self._load.journal
        if table is None:
            return
        table.inspected = False
        table.deferred = table.deferred or (journal.deferred(table) if journal else [])
        for attempt in range(RETRIES + 1):
            try:
                yield from index_builds.build(self._load, self._sender, task)
                return
            except RolledBack:
                yield Sleep(RETRY_PAUSE_S * (attempt + 1))
            except Lost:
                yield from self._reconnect(task.steps[0], attempt)
        raise failures.stopped(task.steps[0], self._load.report)

    # Everything else ---------------------------------------------------------------------------

    def _define(self, task: Task) -> Work[None]:
        """Run statements that commit by themselves; of one in doubt, look whether it was done."""
        step, journal = task.steps[0], self._load.journal
        doubt = journal.doubt(step) if journal and journal.resumed else None
        maybe_done = doubt is not None or task.maybe_done
        if doubt == REFUSED:
            doubt, maybe_done = None, False
        if doubt is not None and not task.repeatable:
            raise failures.in_doubt(step, self._load.report)
        for attempt in range(RETRIES + 1):
            try:
                if not (maybe_done and (yield from self._doubts.was_altered(task, doubt))):
                    doubt = yield from self._doubts.note(task, doubt)
                    yield from self._enter(task)
                    yield from self._send(task, maybe_done=maybe_done)
                self._sender.count()
                break
            except StatementError:
                if journal and step.sql and not step.is_ours:  # it will be tried again
                    yield Send((journal.note_doubt(step, REFUSED),))
                raise
            except RolledBack:
                yield Sleep(RETRY_PAUSE_S * (attempt + 1))
            except Lost:
                if not task.repeatable:
                    raise failures.stopped(step, self._load.report) from None
                maybe_done = True
                yield from self._reconnect(step, attempt)
        else:
            raise failures.stopped(step, self._load.report)
        if step.sql and not step.is_ours:
            yield from self._complete(task)

    def _complete(self, task: Task) -> Work[None]:
        """Take note that a task committed by itself; every so often, note it in the server."""
        journal = self._load.journal
        if journal is None or journal.is_past_resuming:
            return
        pending = journal.completed(piece_of(task.steps))
        # A new foreign key may need the table that comes in its place: it cannot be dropped again.
        drops = task.is_barrier and forms.may_drop(task.steps[0].sql)
        if pending < NOTED_TOGETHER and not drops:
            return
        note = journal.note()
        replies = yield Send((note.sql,))
        # Where that is lost, the next statement meets it, and the notes come once more.
        if replies.error is None:
            journal.noted(note)

    def _do_as_written(self, task: Task) -> Work[None]:
        """Run a task of the script's own transaction, or in a session that we do not know."""
        note, journal = None, self._load.journal
        try:
            if task.session is None:
                yield from self._doubts.note_unknown(task.steps[0])
            else:
                yield from self._enter(task)
                yield from self._doubts.note_irreversible(task)
                note = yield from self._note_own(task)
                if journal and self._own_notes:
                    first = self._own_notes[0]
                    yield from self._numbering.before(task, (first.source, first.begins))
            yield from self._send(task)
        except (Lost, RolledBack):
            raise failures.stopped(task.steps[0], self._load.report) from None
        if not self.link.is_in_transaction:
            self._numbering.forget()
        if journal and note:
            journal.noted(note)
        elif journal and self._own_notes and not self.link.is_in_transaction:
            # It was rolled back: done again, it would change LAST_INSERT_ID() alone.
            yield Send((journal.note_last_id(),))
            while self._own_notes:
                journal.completed(self._own_notes.pop())
        self._sender.count()
        self._load.report.in_transaction = self.link.is_in_transaction

    def _note_own(self, task: Task) -> Work[Note | None]:
        """Keep a piece of the script's own transaction; return the note of all once it commits."""
        journal, step = self._load.journal, task.steps[0]
        if journal is None:
            return None
        if not step.is_ours:
            self._own_notes.append(piece_of(task.steps))
        if not (self._own_notes and forms.commits(step.sql)):
            return None
        note = journal.note(self._own_notes)
        yield from self._sender.own([note.sql, journal.note_last_id()], step)
        self._own_notes.clear()
        return note

    # Its session, its statements ---------------------------------------------------------------

    def _enter(self, task: Task) -> Work[None]:
        session = task.session
        if session is None:
            return
        if self._batch and self.link.differs(session):
            yield from self._commit()  # not every variable may change within a transaction
        yield from self._bring_into(session, task)

    def _bring_into(self, session: Session, task: Task) -> Work[None]:
        """Bring the connection into the session that a task needs."""
        try:
            yield Enter(session, task.is_barrier)
        except SessionError as failure:
            step = session.origins.get(failure.name) or task.steps[0]
            if failure.name == "USE":
                step = task.steps[0]
                step = step._replace(sql=step.sql or b"USE " + (session.schema or b""))
            refused = yield from self._sender.failure(failure.error, step)
            if not self._load.force:
                raise refused from None
            self._load.report.add_error(refused)

    def _send(self, task: Task, *, maybe_done: bool = False) -> Work[None]:
        """Send a task's statements; if one is refused, those before it stay done."""
        try:
            yield from self._sender.run(task, maybe_done=maybe_done)
        except Refused as refused:
            yield from self._keep_what_is_done(task, refused.at)
            raise refused.failure from None

    def _keep_what_is_done(self, task: Task, at: int) -> Work[None]:
        """Keep the statements before a refused one: they are committed with the batch."""
        if task not in self._batch:
            self._sender.count()
            self._load.report.in_transaction = self.link.is_in_transaction
            return
        self._batch.remove(task)
        if at:
            self._batch.append(replace(task, steps=task.steps[:at]))
        elif not self._batch:  # the lane may wait now, and must not hold the statement's locks
            yield Send((b"ROLLBACK",))

    # Doing it once more ------------------------------------------------------------------------

    def _repeat(self, action: Callable[[], Work[None]], step: Step) -> Work[None]:
        """Do something with the batch; if the batch is lost meanwhile, do all of it once more."""
        for attempt in range(RETRIES + 1):
            try:
                if self._committing is not None and (yield from self._is_noted(step)):
                    self._finish_batch()
                elif attempt and self._batch:
                    yield from self._replay()
                yield from action()
                return
            except RolledBack:
                yield Sleep(RETRY_PAUSE_S * (attempt + 1))
                yield Send((b"ROLLBACK",))
                yield from self._numbering.restore()
                self._committing = None
                self._sender.forget()
            except Lost:
                if any(task.session is None for task in self._batch):
                    raise failures.stopped(step, self._load.report) from None
                yield from self._reconnect(step, attempt)
                if self._committing is None:
                    yield from self._numbering.restore()
                    self._sender.forget()
        raise failures.stopped(step, self._load.report)

    def _replay(self) -> Work[None]:
        """Do the batch once more: its variables are the same, the default schema may change."""
        first = self._batch[0]
        try:
            if first.session is not None:
                yield from self._bring_into(first.session, first)
            yield from self._sender.own([BEGIN], first.steps[0])
            for task in self._batch:
                if task.session is not None:
                    yield from self._bring_into(task.session, task)
                yield from self._sender.run(task)
        except StatementError as error:
            raise _Stuck(error) from None
        except Refused as refused:  # which it was not the first time
            raise _Stuck(refused.failure) from None

    def _is_noted(self, step: Step) -> Work[bool]:
        """Return whether the server had carried out the commit that was under way."""
        journal, note = self._load.journal, self._committing
        if journal is None or note is None:
            raise failures.stopped(step, self._load.report)
        rows = yield from self._sender.ask(journal.find(self._batch[0].steps[0]), step)
        self._committing = None
        if not rows:
            yield from self._numbering.restore()
            self._sender.forget()
            return False
        journal.noted(note)
        return True

    def _reconnect(self, step: Step, attempt: int) -> Work[None]:
        yield from reconnect(self._load, self._lock, step, attempt)
        yield from self._numbering.take_up()
