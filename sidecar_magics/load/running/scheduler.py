"""Which task may run when: in the order of the script wherever two tasks touch the same thing.

A task is done once its work is committed. One that waits for another may also follow it on the
same lane before that: a connection sees its own work. Tasks that would only wait for each other's
locks at the server do not run in parallel: the lanes have better things to do. The window of tasks
at hand is bounded, so that a script of any size takes the same memory.

Nothing here waits or knows of threads: `handover` makes threads wait, a simulation makes its own
lanes wait, and both ask the same scheduler.

CREATE TABLE takes exclusive metadata locks, also on the tables at both ends of its foreign keys;
eight lanes on Spyglass's dump spent 9 of 16 lane seconds waiting for these in the server.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from ..planning.tasks import Task, TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WINDOW_BYTES = 16 * 1024 * 1024
WINDOW_TASKS = 200


class _Traffic:
    """Which unfinished tasks touch one schema or table."""

    __slots__ = ("last_ordered", "readers", "rows", "writer")

    def __init__(self) -> None:
        self.writer: Task | None = None
        self.readers: list[Task] = []
        self.rows: list[Task] = []
        self.last_ordered: Task | None = None  # the last rows whose order matters


_BUSY_KINDS = (TaskKind.ROWS, TaskKind.INDEXES)


class Scheduler:
    """The tasks at hand, handed to lanes as soon as nothing before them is in their way.

    Parameters
    ----------
    row_lanes : int, optional
        Only so many lanes get rows and indexes, which keep processors busy; default: all. The
        others get definitions alone, which mostly wait for the server's disk.
    """

    def __init__(self, row_lanes: int | None = None) -> None:
        self._row_lanes = row_lanes
        self._waiting: deque[Task] = deque()
        self._unfinished: dict[Task, None] = {}  # in order
        self._running: dict[Task, None] = {}  # taken, and not committed yet
        self._traffic: defaultdict[str, _Traffic] = defaultdict(_Traffic)
        self._barrier: Task | None = None
        self._bytes = 0
        self._count = 0
        self.is_closed = False
        self._failed: Task | None = None
        self._halted = False
        self.was_aborted = False

    # The reader's side -------------------------------------------------------------------------

    def has_room(self, task: Task) -> bool:
        """Return whether the window takes one more task."""
        if not self._unfinished:
            return True
        fits = self._bytes + task.size_bytes <= WINDOW_BYTES
        return fits and len(self._unfinished) < WINDOW_TASKS

    def add(self, task: Task) -> None:
        """Take a task, the next one of the script."""
        self._count += 1
        task.number = self._count
        self._bytes += task.size_bytes
        self._find_what_is_before(task)
        self._unfinished[task] = None
        self._waiting.append(task)

    def skip(self, task: Task) -> None:
        """Count a task that an earlier load has done."""
        self._count += 1
        task.number = self._count
        task.done = True

    def close(self) -> None:
        """Note that no further task comes: lanes that have nothing to do end."""
        self.is_closed = True

    def abort(self) -> None:
        """End the load at once: no lane begins anything more, or commits its batch."""
        self.was_aborted = True

    @property
    def has_ended(self) -> bool:
        """Whether a failure or an interrupt stopped the load."""
        return self.was_aborted or self._halted or self._failed is not None

    @property
    def is_drained(self) -> bool:
        """Whether every task is done."""
        return not self._unfinished

    @property
    def unfinished_bytes(self) -> int:
        """Bytes of the statements at hand that are not done."""
        return self._bytes

    @property
    def first_unfinished(self) -> Task | None:
        """The first task, in the order of the script, that is not done."""
        return next(iter(self._unfinished), None)

    @property
    def running(self) -> list[Task]:
        """The tasks that lanes are working on."""
        return sorted(
            (task for task in self._running if not task.executed), key=lambda task: task.number
        )

    # The lanes' side ---------------------------------------------------------------------------

    def has_work_for(self, lane: int) -> bool:
        """Return whether a task is at hand that a lane may get, now or later."""
        return any(self._is_for(task, lane) for task in self._waiting)

    def next_for(self, lane: int) -> Task | None:
        """Hand a lane the first task that may run now; None if there is none.

        Parameters
        ----------
        lane : int
            Number of the lane, from 0.
        """
        if self.was_aborted or self._halted:
            return None
        for task in self._waiting:
            if self._failed and task.number > self._failed.number:
                return None
            if self._may_run(task, lane) and not self._would_block(task, lane):
                self._waiting.remove(task)
                self._running[task] = None
                task.lane = lane
                return task
        return None

    @property
    def is_over(self) -> bool:
        """Whether no lane will get a task any more: one that has got none need not wait."""
        if self.was_aborted or self._halted:
            return True
        if self._failed is not None:
            return not self._waiting or self._waiting[0].number > self._failed.number
        return self.is_closed and not self._waiting

    def executed(self, task: Task) -> None:
        """Note that a task's statements are done, though not committed yet."""
        task.executed = True

    def done(self, tasks: Iterable[Task]) -> None:
        """Note that tasks are committed."""
        for task in tasks:
            task.executed = task.done = True
            self._unfinished.pop(task, None)
            self._running.pop(task, None)
            self._bytes -= task.size_bytes
            task.after.clear()
            task.before_rows = None
            self._forget(task)

    def fail(self, task: Task) -> None:
        """End the load at a task: tasks before it in the script still run, none after it.

        The task holds no lock at the server any more: it was refused, or its connection is gone.
        """
        self._running.pop(task, None)
        if self._failed is None or task.number < self._failed.number:
            self._failed = task

    def halt(self) -> None:
        """End the load without beginning anything more; executed tasks are still committed.

        For a lane that is lost with uncommitted work: other lanes may wait for just that work.
        """
        self._halted = True

    def release(self, task: Task) -> None:
        """Note that a table's rows may now come in any order."""
        if task.table:
            task.table.any_order = True

    # Inside ------------------------------------------------------------------------------------

    def _forget(self, task: Task) -> None:
        """Let go of a task that is done: it holds its statements."""
        if self._barrier is task:
            self._barrier = None
        for key in {*task.reads, *task.writes, *([task.table.key] if task.table else [])}:
            traffic = self._traffic.get(key)
            if traffic is None:
                continue
            traffic.readers, traffic.rows = _undone(traffic.readers), _undone(traffic.rows)
            if traffic.writer and traffic.writer.done:
                traffic.writer = None
            if traffic.last_ordered and traffic.last_ordered.done:
                traffic.last_ordered = None
            if not (traffic.writer or traffic.readers or traffic.rows or traffic.last_ordered):
                del self._traffic[key]

    def _is_for(self, task: Task, lane: int) -> bool:
        """Return whether a lane gets tasks of this kind."""
        if task.is_barrier:
            return lane == 0
        return self._row_lanes is None or lane < self._row_lanes or task.kind not in _BUSY_KINDS

    def _may_run(self, task: Task, lane: int) -> bool:
        after = task.after
        while after and after[-1].done:
            after.pop()
        # Most tasks still wait for the same task as the last time: look at that first.
        if after and not _is_visible(after[-1], lane):
            return False
        if not self._is_for(task, lane):
            return False
        first = task.before_rows
        if first and not (task.table and task.table.any_order) and not _is_visible(first, lane):
            return False
        return all(_is_visible(other, lane) for other in reversed(after))

    def _would_block(self, task: Task, lane: int) -> bool:
        """Return whether a task would wait at the server for another lane's work."""
        is_about_rows = task.kind is TaskKind.ROWS
        return any(
            not other.locks.isdisjoint(task.locks)
            for other in self._running
            if other.lane != lane and not (is_about_rows and other.kind is TaskKind.ROWS)
        )

    def _find_what_is_before(self, task: Task) -> None:
        """Collect the unfinished tasks that must come first, and take note of this one."""
        before: dict[Task, None] = {}

        def wait_for(*tasks: Task | None) -> None:
            before.update((other, None) for other in tasks if other and not other.done)

        if task.is_barrier:
            wait_for(*self._unfinished)
            self._traffic.clear()
            self._barrier = task
        else:
            wait_for(self._barrier)
            for key in task.reads:
                traffic = self._traffic[key]
                wait_for(traffic.writer)
                traffic.readers = [*_undone(traffic.readers), task]
            for key in task.writes:
                traffic = self._traffic[key]
                wait_for(traffic.writer, *traffic.readers, *traffic.rows)
                traffic.writer, traffic.readers, traffic.rows = task, [], []
                traffic.last_ordered = None
            if task.kind is TaskKind.ROWS and task.table:
                self._queue_rows(task, task.table.key, wait_for)
        task.after = list(before)

    def _queue_rows(self, task: Task, key: str, wait_for: Callable[..., None]) -> None:
        traffic = self._traffic[key]
        wait_for(traffic.writer)
        rows = _undone(traffic.rows)
        if task.any_order:
            wait_for(traffic.last_ordered)
            task.before_rows = rows[-1] if rows else None
        else:
            wait_for(*rows)
            traffic.last_ordered = task
        traffic.rows = [*rows, task]


def _is_visible(task: Task, lane: int) -> bool:
    """Return whether a lane sees a task's work."""
    return task.done or (task.executed and task.lane == lane)


def _undone(tasks: Iterable[Task]) -> list[Task]:
    return [task for task in tasks if not task.done]
