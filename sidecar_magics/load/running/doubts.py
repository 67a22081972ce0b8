"""Statements that may be done or not, if the load is killed now: noted before they run.

Rows are noted in their own transaction. A statement that commits by itself cannot be, so a resumed
load finds out whether it was done: an altered table differs from the one that was noted. Where it
cannot find out, the load ends with an error that says so.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...script import forms
from ..journal.pieces import REFUSED
from ..planning.tasks import TaskKind
from ..reporting import failures
from .operations import Record, ShowCreate

if TYPE_CHECKING:
    from ..planning.tasks import Step, Task
    from .context import LoadContext
    from .operations import Work
    from .sender import Sender


@dataclass(frozen=True)
class Doubts:
    """One lane's notes of statements that must not run twice.

    Parameters
    ----------
    load : LoadContext
        The load.
    sender : Sender
        Sends on the lane's connection.
    """

    load: LoadContext
    sender: Sender

    def note(self, task: Task, doubt: int | None) -> Work[int | None]:
        """Note a statement before it runs, if running it twice would do more than running it once.

        A definition that creates or drops needs no note: the server shows whether it is done.
        """
        journal, step = self.load.journal, task.steps[0]
        simple = task.kind is TaskKind.DEFINITION and not forms.alters(step.sql)
        if journal is None or simple or doubt is not None or not step.sql or step.is_ours:
            return doubt
        before = yield from self._state_of(task)
        yield from self._note(step, before)
        self._end_before_lock(step)
        return before

    def was_altered(self, task: Task, before: int | None) -> Work[bool]:
        """Return whether the table that a statement alters has changed since it was noted."""
        if before is None or not forms.alters(task.steps[0].sql):
            return False
        return (yield from self._state_of(task)) != before

    def note_irreversible(self, task: Task) -> Work[None]:
        """Note a statement that stays done although its transaction is rolled back."""
        journal, step = self.load.journal, task.steps[0]
        if journal is None or task.repeatable:
            return
        if journal.doubt(step) not in (None, REFUSED):
            raise failures.in_doubt(step, self.load.report)
        yield from self._record(step, 0)
        self._end_before_lock(step)

    def _end_before_lock(self, step: Step) -> None:
        """Note nothing any more where a statement locks the journal: its doubt is the last one."""
        if self.load.journal is not None and forms.locks_server(step.sql):
            self.load.journal.is_past_resuming = True

    def note_unknown(self, step: Step) -> Work[None]:
        """Note the place after which a script cannot be resumed: its session is unknown."""
        journal = self.load.journal
        if journal is not None and not journal.is_past_resuming:
            journal.is_past_resuming = True
            yield from self._record(step, 0)

    def _note(self, step: Step, before: int) -> Work[None]:
        """Note all that is done, then a statement that is about to run."""
        journal = self.load.journal
        if journal is None:
            return
        note = journal.note()
        yield from self.sender.own([note.sql, journal.note_doubt(step, before)], step)
        journal.noted(note)

    def _record(self, step: Step, before: int) -> Work[None]:
        """Do as `_note` on another connection.

        The lane's own may be within a transaction that is undone, but the doubt must stay; or under
        LOCK TABLES, which leaves the journal out.
        """
        journal = self.load.journal
        if journal is not None:
            note = journal.note()
            doubt = journal.note_doubt(step, before)
            yield Record((note.sql, doubt) if note.sql else (doubt,))
            journal.noted(note)

    def _state_of(self, task: Task) -> Work[int]:
        create = (yield ShowCreate(task.table)) if task.table else None
        return zlib.crc32(create or b"")
