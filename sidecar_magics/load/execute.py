"""Run a load: one thread reads and plans, lanes do the work."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import time
from typing import TYPE_CHECKING

from ..errors import LoadStoppedError, SidecarError
from ..protocol import ConnectError
from ..script.versioned import version_number
from ..server import connect, pymysql_errors
from . import failures
from .crew import Crew, Inspector
from .journal import lock_name
from .lane import OLD_CONNECTION_TIMEOUT_S, Lane, end_holder
from .link import Link
from .plan import Planner, Server
from .progress import Progress
from .reader import Quoting, Reader, quoting_of
from .tasks import TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..settings import ConnectionSettings
    from ..sidecar import Sidecar
    from .entries import Entry
    from .failures import Step
    from .policy import LoadPolicy
    from .report import LoadReport
    from .sources import Source, Sources
    from .tasks import Task

# MySQL has had strings in dollar quotes since 9.0; MariaDB has none.
DOLLAR_QUOTES_SINCE = 9
# A script this short is over before a second connection is made.
SHORT_SCRIPT_BYTES = 32 * 1024
# Rows keep the cores busy: one lane more than those, for when another waits for the disk. That is
# what definitions do most of the time, so more of them may run at once.
MOST_ROW_JOBS = 9
DEFINITION_JOBS_PER_CORE = 4
MOST_JOBS = 16
JOIN_S = 0.2
TELL_EVERY_S = 0.2
# How long an interrupted load waits for the server that it asks to end its statements.
KILL_TIMEOUT_S = 2.0


class _Ended(Exception):
    """A lane has failed: there is no use in reading on."""


class Loader:
    """One load into one server.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    report : LoadReport
        Filled as the load goes on, so that it is true at any moment.
    policy : LoadPolicy
        How, and what the script may do.
    progress : callable, optional
        Called with a `Progress` a few times a second.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        report: LoadReport,
        *,
        policy: LoadPolicy,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._settings = settings
        self.host, self.is_loopback = settings.host, settings.is_loopback
        self._report = report
        self._policy = policy
        self._progress = progress
        self._lanes: list[Lane] = []
        self._scripts: Sources | None = None
        self._began = time.monotonic()
        self._told_at = 0.0
        self._reads = True
        self._skipped_bytes = 0
        self._last_step: Step | None = None

    # From beginning to end ---------------------------------------------------------------------

    def connect(self, size_bytes: int | None) -> Sidecar:
        """Open the first connections and find out about the server.

        Raises
        ------
        ServerNotReadyError, AccessError
            There is no connection to be had.
        """
        control = self._control = Link(self._settings, [sql.encode() for sql in self._policy.init])
        self.sidecar = control.open()
        self._report.describe_server(self.sidecar)
        first = [sql.encode() for sql in self._policy.init]
        if not self._policy.binlog and self._may_skip_binlog(control):
            first.append(b"SET SESSION sql_log_bin = 0")
        collations = []
        if self._policy.wants_collations:
            names = control.rows("SELECT collation_name FROM information_schema.collations")
            collations = [name for (name,) in names if name]
        make_rewriter = functools.partial(self._policy.rewriter, collations)
        quoting = quoting_of(control.ask("SELECT @@sql_mode"))
        self.inspector = Inspector(control, self._settings)
        jobs = self._jobs(control, size_bytes)
        self.crew = Crew(
            self._settings,
            self._report,
            token=secrets.token_hex(16),
            first=first,
            jobs=jobs,
            row_jobs=self._policy.jobs or min(jobs, _cores() + 1, MOST_ROW_JOBS),
            max_packet_bytes=int(control.ask("SELECT @@max_allowed_packet")),
            uuid=self.sidecar.uuid,
            may_retry=control.ask("SELECT @@innodb_flush_log_at_trx_commit") == "1",
            force=self._policy.force,
            local_infile=self._policy.allow_local_infile,
        )
        major = self.sidecar.version.partition(".")[0]
        self.dollar_quotes = (
            self.sidecar.flavour == "mysql"
            and major.isdigit()
            and int(major) >= DOLLAR_QUOTES_SINCE
        )
        planner = Planner(
            Server(self.sidecar.flavour, version_number(self.sidecar.version)),
            self.inspector.look_up,
            checks_foreign_keys=control.ask("SELECT @@foreign_key_checks") == "1",
            verbatim=quoting.verbatim,
        )
        self._reader = Reader(
            planner, make_rewriter, self._policy, target=self, report=self._report, quoting=quoting
        )
        self._report.jobs = self.crew.jobs
        return self.sidecar

    @property
    def control(self) -> Link:
        """The connection for questions; not to be used while lanes are at work."""
        return self._control

    def run(self, scripts: Sources) -> None:
        """Run scripts, one behind another; what was done is in the report, also after an error.

        Raises
        ------
        ScriptError
            A script is broken, or asks for something that is refused.
        StatementError
            The server refused a statement.
        LoadStoppedError
            The connection was lost.
        """
        self._scripts = scripts
        self.crew.scheduler.on_wait = self._tell
        self._lanes = [Lane(n, self.crew, self.inspector) for n in range(self.crew.jobs)]
        self._lanes[0].open()
        for lane in self._lanes:
            lane.thread.start()
        error: Exception | None = None
        try:
            self._submit(self._reader.tasks(scripts))
        except _Ended:
            pass
        except Exception as failure:  # what comes before it is run first
            error = failure
        self._await_lanes(error)
        if self._report.in_transaction:
            self._report.notes.append(
                "The script ended inside a transaction; what it did not commit is rolled back."
            )

    @property
    def is_journaled(self) -> bool:
        """Whether the server knows how far the load is."""
        return bool(self._lanes) and self.crew.journal is not None

    def end_lanes_of(self, entry: Entry) -> None:
        """End the connections that a load before this one has left at the server."""
        deadline = time.monotonic() + OLD_CONNECTION_TIMEOUT_S
        for lane in range(entry.jobs):
            lock = lock_name(entry.token, lane)
            while self._control.ask(f"SELECT IS_USED_LOCK('{lock}')"):
                end_holder(self._control, lock)
                if time.monotonic() > deadline:
                    raise failures.still_there(self._report)
                time.sleep(0.02)

    def interrupt(self) -> None:
        """End at once what the server is doing for this load: it would go on with it."""
        if not self._lanes:
            return
        self.crew.scheduler.abort()
        # Where this fails, the statements have ended by themselves, or the server has; and who
        # presses Ctrl-C once more does not want to wait for it.
        with (
            contextlib.suppress(ConnectError, KeyboardInterrupt, *pymysql_errors()),
            connect(self._settings, timeout_s=KILL_TIMEOUT_S) as second,
            second.cursor() as cursor,
        ):
            for lane in self._lanes:
                if lane.link.connection is not None:
                    with contextlib.suppress(*pymysql_errors()):
                        cursor.execute(f"KILL {lane.link.thread_id:d}")
        for lane in self._lanes:
            with contextlib.suppress(RuntimeError):  # never started
                lane.thread.join(KILL_TIMEOUT_S)

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.close()
        if hasattr(self, "_control"):
            self._control.close()

    @property
    def place(self) -> str:
        """The first statement, in the order of the script, that is not done for certain."""
        task = self.crew.scheduler.first_unfinished if self._lanes else None
        step = task.steps[0] if task and task.steps else self._last_step
        return f"{step.source.name}:{step.line}" if step else ""

    def _await_lanes(self, error: Exception | None) -> None:
        self._reads = False
        self.crew.scheduler.close()
        for lane in self._lanes:
            while lane.thread.is_alive():
                lane.thread.join(JOIN_S)
                self._tell()
        failure = self.crew.first_failure or error
        if failure is None:
            return
        if isinstance(failure, SidecarError):
            failures.brought_up_to_date(failure, self._report)
        if not isinstance(failure, LoadStoppedError):
            self._make_indexes()
        raise failure

    def _make_indexes(self) -> None:
        """Give tables the indexes that were put off, where the load ends before it came to them."""
        for table in self.crew.filling:
            if not table.deferred:
                continue
            missing = self.inspector.missing(table, table.deferred)
            with contextlib.suppress(*pymysql_errors()):  # the next load tries again
                if missing:
                    self._control.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                if self.crew.journal:
                    self._control.send(self.crew.journal.forget_deferred(table))

    # What the server allows --------------------------------------------------------------------

    def _may_skip_binlog(self, control: Link) -> bool:
        """Tell whether there is a binary log that nobody else reads, and the right to skip it."""
        if not self._settings.is_loopback or control.ask("SELECT @@log_bin") != "1":
            return False
        replicas = "SHOW SLAVE HOSTS" if self.sidecar.flavour == "mariadb" else "SHOW REPLICAS"
        try:
            if control.rows(replicas):
                return False
            control.send(b"SET SESSION sql_log_bin = 0")
        except pymysql_errors():
            return False
        return True

    def _jobs(self, control: Link, size_bytes: int | None) -> int:
        if self._policy.jobs is not None:
            return self._policy.jobs
        if size_bytes is not None and size_bytes < SHORT_SCRIPT_BYTES:
            return 1
        jobs = min(MOST_JOBS, DEFINITION_JOBS_PER_CORE * _cores())
        limit = int(control.ask("SELECT @@max_connections"))
        used = control.rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        room = limit - int(used[0][1] or 0) - 2 if used else jobs
        own = int(control.ask("SELECT @@max_user_connections"))
        return max(1, min(jobs, room, own - 1 if own else jobs))

    # What the reader asks for -------------------------------------------------------------------

    def quoting(self, before: Quoting) -> Quoting:
        """Wait until all is done, and ask the first lane's connection how it reads strings."""
        del before
        self._drain()
        return quoting_of(self._lanes[0].link.ask("SELECT @@sql_mode"))

    def renew(self) -> None:
        """Wait until all is done, and connect the first lane anew."""
        self._drain()
        self._lanes[0].open()

    def passed(self, source: Source, step: Step) -> None:
        """Take note of how far the reader is."""
        del source
        self._last_step = step
        self._tell()

    def _tell(self) -> None:
        """Tell how far it is, if somebody wants to know and it is time."""
        now = time.monotonic()
        if self._progress is None or self._scripts is None or now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        running = self.crew.scheduler.running
        tables = dict.fromkeys(str(task.table) for task in running if task.table)
        self._progress(
            Progress(
                self._report.source,
                self._scripts.position_bytes,
                self._scripts.size_bytes,
                now - self._began,
                rows=self._report.rows,
                busy=len(running),
                jobs=self.crew.jobs,
                tables=tuple(tables),
                reads=self._reads,
                skipped_bytes=self._skipped_bytes,
            )
        )

    def _drain(self) -> None:
        if not self.crew.scheduler.drain():
            raise _Ended

    def _submit(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if self._was_done(task):
                self.crew.scheduler.skip(task)
                self._skipped_bytes = self._scripts.position_bytes if self._scripts else 0
            elif not self.crew.scheduler.add(task):
                raise _Ended

    def _was_done(self, task: Task) -> bool:
        """Tell whether an earlier process has done a task; take from it what that has done."""
        journal = self.crew.journal
        if journal is None or not journal.resumed or task.kind is TaskKind.INDEXES:
            return False
        if task.session is None:
            if journal.reached and journal.doubt(task.steps[0]) is not None:
                raise failures.in_doubt(task.steps[0], self._report)
            return False
        try:
            left = [step for step in task.steps if not journal.is_done(step, task)]
        except ValueError as error:
            raise failures.changed(str(error), self._report) from None
        self._report.resumed += len(task.steps) - len(left)
        task.steps = left
        task.maybe_done = task.kind is TaskKind.DEFINITION
        return not left


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
