"""The threads of one dump: each has a connection, and takes one job after another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .output import Part
    from .plan import DumpWork
    from .snapshot import Snapshot
    from .work import Worker

SHOW_EVERY_S = 0.2


class Job(NamedTuple):
    """Pieces for one connection, and the part of a file that they go into."""

    work: DumpWork
    part: Part


class Course:
    """One run through all jobs of a dump.

    Parameters
    ----------
    workers : sequence of Worker
        Its workers, one for each connection.
    snapshot : Snapshot
        The connections; it gives its lock back when no job needs it any more.
    jobs : list of Job
        The jobs.
    """

    def __init__(self, workers: Sequence[Worker], snapshot: Snapshot, jobs: list[Job]) -> None:
        self.jobs = jobs
        self._workers = workers
        self._snapshot = snapshot
        # Those that need the lock first: it keeps every other connection from writing.
        self._left = sorted(jobs, key=lambda job: not job.work.needs_lock)
        self._locked = sum(job.work.needs_lock for job in jobs)
        self._done_bytes = 0
        self._all_bytes = sum(job.work.size_bytes for job in jobs)
        self._failure: BaseException | None = None
        self._change = threading.Condition()

    @property
    def fraction(self) -> float | None:
        """The part that is done; None if the sizes are not known."""
        return self._done_bytes / self._all_bytes if self._all_bytes else None

    @property
    def doing(self) -> tuple[str, ...]:
        """The tables that are being read."""
        return tuple(worker.doing for worker in self._workers if worker.doing)

    def run(self, show: Callable[[Course], None] | None) -> None:
        """Do all jobs.

        Parameters
        ----------
        show : callable or None
            Called a few times a second; None to work in the calling thread, without another.

        Raises
        ------
        BaseException
            The first error; nothing runs any more.
        """
        if show is None:
            self._work(self._workers[0])
        else:
            self._run_threads(show)
        if self._failure is not None:
            raise self._failure

    def _run_threads(self, show: Callable[[Course], None]) -> None:
        threads = [
            threading.Thread(target=self._work, args=(worker,), name="sidecar-magics-dump")
            for worker in self._workers
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                with self._change:
                    self._change.wait(SHOW_EVERY_S)
                show(self)
        except BaseException:
            self._stop(threads)
            raise

    def _stop(self, threads: list[threading.Thread]) -> None:
        with self._change:
            self._left.clear()
        self._hang_up()
        for thread in threads:
            thread.join(10)

    def _hang_up(self) -> None:
        """End the statements that the connections wait for."""
        for asking in self._snapshot.connections:
            asking.hang_up()

    def _work(self, worker: Worker) -> None:
        try:
            while (job := self._next()) is not None:
                worker.do(job.work, job.part)
                self._finished(job)
        except BaseException as error:  # it is raised again where the dump was asked for
            with self._change:
                is_first = self._failure is None
                self._failure = self._failure or error
                self._left.clear()
            if is_first:
                self._hang_up()
        finally:
            with self._change:
                self._change.notify_all()

    def _next(self) -> Job | None:
        with self._change:
            return self._left.pop(0) if self._left else None

    def _finished(self, job: Job) -> None:
        with self._change:
            self._done_bytes += job.work.size_bytes
            self._locked -= job.work.needs_lock
            if not self._locked:
                self._snapshot.release()
