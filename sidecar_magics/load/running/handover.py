"""The scheduler between threads: the reader adds tasks, lanes take them, and each may wait."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..planning.tasks import Task
    from .scheduler import Scheduler

POLL_S = 0.2  # how late an interrupt of the main thread may be noticed


class Handover:
    """One load's scheduler, which any thread may use.

    Parameters
    ----------
    scheduler : Scheduler
        Nothing else uses it.

    Attributes
    ----------
    on_wait : callable, optional
        Called while the reader waits, every `POLL_S` seconds.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._changed = threading.Condition()
        self.on_wait: Callable[[], None] | None = None

    # The reader's side -------------------------------------------------------------------------

    def add(self, task: Task) -> bool:
        """Add the next task of the script once there is room; False if the load has ended."""
        if not self._wait_until(lambda: self._scheduler.has_room(task)):
            return False
        with self._changed:
            self._scheduler.add(task)
            self._changed.notify_all()
        return True

    def skip(self, task: Task) -> None:
        """Count a task that an earlier load has done."""
        with self._changed:
            self._scheduler.skip(task)

    def drain(self) -> bool:
        """Wait until every task is done; False if the load ended before."""
        return self._wait_until(lambda: self._scheduler.is_drained)

    def close(self) -> None:
        """Note that no further task comes."""
        with self._changed:
            self._scheduler.close()
            self._changed.notify_all()

    def abort(self) -> None:
        """End the load at once."""
        with self._changed:
            self._scheduler.abort()
            self._changed.notify_all()

    @property
    def unfinished_bytes(self) -> int:
        """Bytes of the statements at hand that are not done."""
        return self._scheduler.unfinished_bytes

    @property
    def first_unfinished(self) -> Task | None:
        """The first task, in the order of the script, that is not done."""
        with self._changed:
            return self._scheduler.first_unfinished

    @property
    def running(self) -> list[Task]:
        """The tasks that lanes are working on."""
        with self._changed:
            return self._scheduler.running

    @property
    def has_ended(self) -> bool:
        """Whether a failure or an interrupt stopped the load."""
        return self._scheduler.has_ended

    @property
    def was_aborted(self) -> bool:
        """Whether the load was interrupted."""
        return self._scheduler.was_aborted

    # The lanes' side ---------------------------------------------------------------------------

    def await_work(self, lane: int) -> bool:
        """Wait for a task for a lane, to run now or later; False if none will come."""
        with self._changed:
            while not self._scheduler.has_work_for(lane):
                if self._scheduler.is_closed or self._scheduler.has_ended:
                    return False
                self._changed.wait()
            return not self._scheduler.has_ended

    def take(self, lane: int, *, wait: bool) -> Task | None:
        """Return the next task for a lane, or None: there is none now, or none any more.

        Parameters
        ----------
        lane : int
            Number of the lane, from 0.
        wait : bool
            Whether to wait for a task; a lane that has work to commit must not.
        """
        with self._changed:
            while True:
                task = self._scheduler.next_for(lane)
                if task is not None or not wait or self._scheduler.is_over:
                    return task
                self._changed.wait()

    def executed(self, task: Task) -> None:
        """Note that a task's statements are done, though not committed yet."""
        with self._changed:
            self._scheduler.executed(task)

    def done(self, tasks: Iterable[Task]) -> None:
        """Note that what tasks did is committed."""
        with self._changed:
            self._scheduler.done(tasks)
            self._changed.notify_all()

    def fail(self, task: Task) -> None:
        """End the load at a task; see `Scheduler.fail`."""
        with self._changed:
            self._scheduler.fail(task)
            self._changed.notify_all()

    def halt(self) -> None:
        """End the load without beginning anything more; see `Scheduler.halt`."""
        with self._changed:
            self._scheduler.halt()
            self._changed.notify_all()

    def release(self, task: Task) -> None:
        """Note that a table's rows may now come in any order, and wake lanes for them."""
        with self._changed:
            self._scheduler.release(task)
            self._changed.notify_all()

    def _wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait in short steps, so that a signal gets its turn; False if the load ended before."""
        while True:
            with self._changed:
                if self._scheduler.has_ended:
                    return False
                if condition():
                    return True
                self._changed.wait(POLL_S)
            if self.on_wait is not None:  # lanes continue meanwhile
                self.on_wait()
