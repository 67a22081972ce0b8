"""The state that the lanes of one load share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from ..reporting.results import Results

if TYPE_CHECKING:
    from ..journal.pieces import Journal
    from ..planning.tasks import Table, Task
    from ..reporting.report import LoadReport
    from .handover import Handover
    from .streaming import RowsWay


@dataclass
class LoadContext:
    """One load: where it goes, how, and how far it is.

    Parameters
    ----------
    report : LoadReport
        Counts finished work.
    tasks : Handover
        Where lanes get their tasks.
    token : str
        Part of the names of the locks that the lanes' connections hold.
    jobs : int
        How many lanes there may be.
    max_packet_bytes : int
        The server takes shorter statements only.
    uuid : str, optional
        The server's identity.
    journal : Journal, optional
        Where pieces are noted, if they are.
    may_retry : bool
        The server keeps committed work even if its machine fails.
    force : bool
        Continue after a statement that is refused.
    clock : callable, default `time.monotonic`
        Seconds that go by.
    flavour : str
        ``mysql`` or ``mariadb``.
    folds_case : bool, default False
        ``Lab`` and ``lab`` are one schema for the server.
    rows : RowsWay, optional
        How rows may be sent by LOAD DATA; None for not at all.
    lost_files : int
        How often a connection was lost while it sent rows in that way.
    """

    report: LoadReport
    tasks: Handover
    token: str
    jobs: int
    max_packet_bytes: int
    uuid: str | None = None
    journal: Journal | None = None
    may_retry: bool = False
    force: bool = False
    clock: Callable[[], float] = time.monotonic
    flavour: str = "mysql"
    folds_case: bool = False
    rows: RowsWay | None = None
    lost_files: int = 0
    results: Results = field(default_factory=Results)
    filling: list[Table] = field(default_factory=list)  # tables that are owed indexes
    failures: list[tuple[int, BaseException]] = field(default_factory=list)

    @property
    def is_parallel(self) -> bool:
        """Whether tasks may run in parallel."""
        return self.jobs > 1

    def done(self, tasks: list[Task]) -> None:
        """Take note that tasks are committed, with the statements around them that need no task."""
        self.count(sum(task.absorbed for task in tasks))
        self.tasks.done(tasks)

    def count(self, absorbed: int) -> None:
        """Count statements that no task is made of."""
        if absorbed:
            self.report.add(None, statements=absorbed)

    def fail(self, task: Task, error: BaseException) -> None:
        """Keep why the server refused a task, and end the load there."""
        self.failures.append((task.number, error))
        self.tasks.fail(task)

    def lose(self, tasks: list[Task], error: BaseException) -> None:
        """Keep the reason why a lane is lost with uncommitted work, and end the load there."""
        self.failures.append((min((task.number for task in tasks), default=0), error))
        for task in tasks:
            self.tasks.fail(task)
        self.tasks.halt()

    @property
    def first_failure(self) -> BaseException | None:
        """The failure that comes first in the script."""
        return min(self.failures, key=lambda failure: failure[0])[1] if self.failures else None
