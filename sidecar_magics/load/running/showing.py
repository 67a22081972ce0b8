"""Show the progress of a load, a few times a second, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..planning.tasks import TaskKind
from ..reporting.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..planning.tasks import Task
    from ..reporting.report import LoadReport
    from ..sources.opening import Sources
    from .context import LoadContext
    from .stall import StallWatch

SHOW_EVERY_S = 0.2


class Showing:
    """Shows the progress of a load.

    Parameters
    ----------
    report : LoadReport
        Counts finished work.
    progress : callable or None
        Called with a `Progress`.
    stall : StallWatch
        Finds out why the load makes no progress.
    clock : callable
        Returns the time, in seconds.

    Attributes
    ----------
    reads : bool
        Whether the script is still being read.
    skipped_bytes : int
        How much of it an earlier load has done.
    """

    def __init__(
        self,
        report: LoadReport,
        progress: Callable[[Progress], None] | None,
        stall: StallWatch,
        clock: Callable[[], float],
    ) -> None:
        self.reads = True
        self.skipped_bytes = 0
        self._report = report
        self._progress = progress
        self._stall = stall
        self._clock = clock
        self._began = clock()
        self._shown_at = 0.0
        self._seen_bytes = 0
        self._builds: dict[Task, float] = {}  # since when a table gets its indexes

    @property
    def seconds(self) -> float:
        """Seconds since the load began."""
        return self._clock() - self._began

    def show(
        self,
        load: LoadContext,
        scripts: Sources,
        connections: Callable[[], list[int]],
        *,
        is_end: bool = False,
    ) -> None:
        """Report progress, if the caller asked for it and it is time.

        Parameters
        ----------
        load : LoadContext
            How far the load is.
        scripts : Sources
            How far they are read.
        connections : callable
            Returns the numbers of the load's connections at the server.
        is_end : bool, default False
            The end is shown at any time.
        """
        now = self._clock()
        if not is_end and now - self._shown_at < SHOW_EVERY_S:
            return
        self._shown_at = now
        running = load.tasks.running
        sign = (self._report.statements, scripts.position_bytes, len(running))
        waits_for = self._stall.look(now, sign, running, connections)
        if self._progress is None:
            return
        tables = dict.fromkeys(str(task.table) for task in running if task.table)
        began = self._builds
        self._builds = {
            task: began.get(task, now) for task in running if task.kind is TaskKind.INDEXES
        }
        self._progress(
            Progress(
                self._report.source,
                self._done_bytes(load, scripts.position_bytes),
                scripts.size_bytes,
                now - self._began,
                rows=self._report.rows,
                busy=len(running),
                jobs=load.jobs,
                tables=tuple(tables),
                builds=tuple(
                    (str(task.table), now - since) for task, since in self._builds.items()
                ),
                reads=self.reads,
                skipped_bytes=self.skipped_bytes,
                waits_for=waits_for,
            )
        )

    def show_waiting(self, holder: str) -> None:
        """Show that another process loads the same script."""
        if holder and self._progress is not None:
            waits_for = f"{holder}, which loads the same script"
            source = self._report.source
            self._progress(Progress(source, 0, None, self.seconds, waits_for=waits_for))

    def _done_bytes(self, load: LoadContext, read_bytes: int) -> int:
        """Return how much is done, as it lies on disk: what waits in memory is read, not done."""
        waiting = load.tasks.unfinished_bytes
        packed = read_bytes / max(self._report.script_bytes, 1)  # SQL is counted unpacked
        done_bytes = max(read_bytes - int(waiting * min(packed, 1.0)), 0)
        # Not back where the next part of the file is packed better.
        self._seen_bytes = max(self._seen_bytes, done_bytes)
        return self._seen_bytes
