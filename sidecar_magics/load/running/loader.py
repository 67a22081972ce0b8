"""Run a load: one thread reads and plans, lanes do the work."""

from __future__ import annotations

import contextlib
import functools
import secrets
from typing import TYPE_CHECKING

from ...errors import Interrupted, LoadStoppedError, ScriptError, SidecarError, shown
from ...script.quoting import Quoting, quoting_of
from ...script.versioned import version_number
from ...server import WHOLE_ANSWERS, pymysql_errors
from ..journal.bookkeeping import Bookkeeping
from ..journal.pieces import lock_name
from ..planning.planner import Planner, Server
from ..planning.tasks import TaskKind
from ..reporting import failures
from ..walk import Walk
from . import terms
from .context import LoadContext
from .index_builds import missing_clause
from .inspector import Inspector
from .lane import Lane
from .reconnecting import OLD_CONNECTION_TIMEOUT_S, get_lock
from .scheduler import Scheduler
from .set_trial import Trial
from .showing import Showing
from .stall import StallWatch
from .streaming import cost_note, rows_way
from .threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...script.classify import Classification
    from ...settings import ConnectionSettings
    from ...sidecar import Sidecar
    from ..journal.loads import LoadRecord
    from ..planning.tables import TableFacts
    from ..planning.tasks import Step, Task
    from ..policy import LoadPolicy
    from ..reporting.progress import Progress
    from ..reporting.report import LoadReport
    from ..sources.opening import Sources

END_PAUSE_S = 0.02


class _Ended(Exception):
    """A lane has failed: there is no use in reading on."""


class Loader:
    """One load into one server.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    report : LoadReport
        Filled as the load continues, so that it is true at any moment.
    policy : LoadPolicy
        The options of the load.
    progress : callable, optional
        Called with a `Progress` a few times a second.
    runtime : Threads, optional
        Where it runs; a simulation has one of its own.

    Raises
    ------
    ServerNotReadyError, AccessError
        There is no connection to be had.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        report: LoadReport,
        *,
        policy: LoadPolicy,
        progress: Callable[[Progress], None] | None = None,
        runtime: Threads | None = None,
    ) -> None:
        self.host, self.is_loopback = settings.host, settings.is_loopback
        self.report = report
        self._policy = policy
        self._runtime = runtime or Threads(settings)
        self._lanes: list[Lane] = []
        self._scripts: Sources | None = None
        self._books: Bookkeeping | None = None
        self._stall = StallWatch(self._runtime.connect)
        self._trial: Trial | None = None
        self._showing = Showing(report, progress, self._stall, self._runtime.clock)
        self._last_step: Step | None = None
        # The journal is read on it, and no statement of the script ever runs there.
        self.control = self._runtime.link([*(sql.encode() for sql in policy.init), WHOLE_ANSWERS])

    # From beginning to end ---------------------------------------------------------------------

    def connect(self, size_bytes: int | None) -> Sidecar:
        """Open the first connections and find out about the server.

        Raises
        ------
        ServerNotReadyError, AccessError
            There is no connection to be had.
        """
        control = self.control
        self.sidecar = control.open()
        self.report.describe_server(self.sidecar)
        self._first = terms.first_statements(
            control, self.sidecar, self._policy, is_loopback=self.is_loopback
        )
        collations = []
        if self._policy.wants_collations:
            names = control.rows("SELECT collation_name FROM information_schema.collations")
            collations = [name for (name,) in names if name]
        make_rewriter = functools.partial(self._policy.rewriter, collations)
        quoting = quoting_of(control.ask("SELECT @@sql_mode"))
        rows = rows_way(control, self._policy, self.report)
        self.inspector = Inspector(control, self._runtime.await_server)
        jobs = terms.jobs_for(control, self._policy, size_bytes)
        self.load = LoadContext(
            self.report,
            self._runtime.handover(Scheduler(terms.row_jobs_for(self._policy, jobs))),
            token=secrets.token_hex(16),
            jobs=jobs,
            max_packet_bytes=int(control.ask("SELECT @@max_allowed_packet")),
            uuid=self.sidecar.uuid,
            may_retry=control.ask("SELECT @@innodb_flush_log_at_trx_commit") == "1",
            force=self._policy.force,
            clock=self._runtime.clock,
            flavour=self.sidecar.flavour,
            folds_case=control.ask("SELECT @@lower_case_table_names") != "0",
            rows=rows,
        )
        self.dollar_quotes = terms.has_dollar_quotes(self.sidecar)
        self._trial = Trial(self._runtime.link(self._first), self.load, self._drain)
        planner = Planner(
            Server(
                self.sidecar.flavour,
                version_number(self.sidecar.version),
                folds_case=self.load.folds_case,
                default_engine=control.ask("SELECT @@default_storage_engine"),
            ),
            self._look_up,
            takes=self._trial.takes,
            enters=self._trial.enters if self._policy.force else None,
            is_done=self._is_done,
            checks_foreign_keys=control.ask("SELECT @@foreign_key_checks") == "1",
            verbatim=quoting.no_backslash_escapes,
        )
        self._walk = Walk(
            planner, make_rewriter, self._policy, target=self, report=self.report, quoting=quoting
        )
        self.report.jobs = jobs
        return self.sidecar

    def load_all(self, scripts: Sources) -> None:
        """Connect, and load scripts, unless they are loaded; note in the server that they are."""
        if self._policy.once and not scripts.can_reopen:
            raise ScriptError("--once needs a file: standard input can be read only once.")
        self.connect(scripts.size_bytes)
        self._books = Bookkeeping(self, scripts, self._policy, self.report)
        self._books.await_turn(self._showing.show_waiting)
        if self._books.is_loaded():
            return
        self.load.journal = self._books.open()
        self.run(scripts)
        self.report.seconds = self.seconds
        self.report.sha256 = scripts.sha256 or ""
        self._books.close()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return self._showing.seconds

    def run(self, scripts: Sources) -> None:
        """Run scripts, one after another; the report counts finished work, also after an error.

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
        self.load.tasks.on_wait = self._show
        may = {
            "local_infile": self._policy.allow_local_infile,
            "own_rows": self.load.rows is not None,
        }
        self._lanes = [
            Lane(number, self.load, self._runtime.link(self._first, **may))
            for number in range(self.load.jobs)
        ]
        self._open_first_lane()
        self._runtime.start(self._lanes, self.inspector)
        error: Exception | None = None
        try:
            self._submit(self._walk.tasks(scripts))
        except _Ended:
            pass
        except Exception as failure:  # what comes before it is run first
            error = failure
        try:
            self._await_lanes(error)
        finally:
            results = self.load.results
            self.report.results, self.report.result = results.number, results.last()
            self.report.notes += filter(None, [self._stall.note(), cost_note(self.report)])
        self._show(is_end=True)
        if self.report.in_transaction:
            self.report.notes.append(
                "The script ended inside a transaction; its uncommitted work is rolled back."
            )

    @property
    def is_journaled(self) -> bool:
        """Whether the server knows how far the load is."""
        return bool(self._lanes) and self.load.journal is not None

    def end_lanes_of(self, entry: LoadRecord) -> None:
        """End the connections that a load before this one has left at the server."""
        deadline = self._runtime.clock() + OLD_CONNECTION_TIMEOUT_S
        for lane in range(entry.jobs):
            lock = lock_name(entry.token, lane)
            while holder := self.control.ask(f"SELECT IS_USED_LOCK('{lock}')"):
                try:
                    self.control.send(f"KILL {int(holder)}".encode())
                except pymysql_errors() as error:
                    if failures.is_lost(error):
                        raise
                    # Else it has just ended.
                if self._runtime.clock() > deadline:
                    raise failures.still_there(self.report)
                self._runtime.sleep(END_PAUSE_S)

    def interrupt(self) -> None:
        """End at once the server's work for this load: it would continue with it."""
        if self._lanes:
            self.load.tasks.abort()
            self._runtime.kill(self._lanes)

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.link.close()
        if self._trial is not None:
            self._trial.close()
        self.control.close()

    @property
    def waits_for(self) -> str:
        """What the load is waiting for, if known; else empty."""
        return self._stall.waits_for

    @property
    def place(self) -> str:
        """The place of the first statement that may not be done, in the order of the script."""
        task = self.load.tasks.first_unfinished if self._lanes else None
        step = task.steps[0] if task and task.steps else self._last_step
        return f"{step.source.name}:{step.line}" if step else ""

    def _open_first_lane(self) -> None:
        link = self._lanes[0].link
        link.open()
        link.ask(get_lock(lock_name(self.load.token, 0)))

    def _await_lanes(self, error: Exception | None) -> None:
        self._showing.reads = False
        self.load.tasks.close()
        self._runtime.finish(self._show)
        for lane in self._lanes:  # rolls uncommitted work back, and releases its locks
            lane.link.close()
        if self.load.first_failure is None:
            self.load.count(self._walk.absorbed)
        failure = self.load.first_failure or error
        if failure is None:
            return
        if isinstance(failure, SidecarError):
            failures.brought_up_to_date(failure, self.report)
        if not isinstance(failure, LoadStoppedError):
            self._note_pending()
            self._build_indexes()
        raise failure

    def _note_pending(self) -> None:
        """Note finished work, so that a resumed load need not do it again."""
        note = self.load.journal.note() if self.load.journal else None
        if note and note.sql:
            with contextlib.suppress(*pymysql_errors()):  # then it is done again
                self.control.send(note.sql)

    def _build_indexes(self) -> None:
        """Build deferred indexes where the load ends before their tasks."""
        for table in self.load.filling:
            if not table.deferred:
                continue
            try:
                missing = missing_clause(self.inspector.show_create(table), table.deferred)
                if missing:
                    self.control.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                if self.load.journal:
                    self.control.send(self.load.journal.forget_deferred(table))
            except pymysql_errors():
                continue  # the next load tries again

    # Questions of the walk and the planner -------------------------------------------------------

    def quoting(self, before: Quoting) -> Quoting:
        """Wait until all is done, and ask the first lane's connection how it reads strings."""
        self._drain()
        try:
            return quoting_of(self._lanes[0].link.ask("SELECT @@sql_mode"))
        except pymysql_errors() as error:
            if failures.is_lost(error):
                raise
            # 3977: after CREATE TABLE ... START TRANSACTION a server takes nothing but a COMMIT.
            return before

    def _look_up(self, schema: bytes, name: bytes, /, *, settled: bool) -> TableFacts | None:
        if settled:
            self._drain()
        return self.inspector.look_up(schema, name)

    def renew(self) -> None:
        """Wait until all is done, and connect the first lane anew."""
        self._drain()
        self._open_first_lane()

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        """Take note of how far the walk is."""
        del about, delimiter
        self._last_step = step
        self._show()

    def refuse(self, error: ScriptError, step: Step) -> None:
        """End the load where something is refused."""
        del step
        raise error

    def _show(self, *, is_end: bool = False) -> None:
        if self._scripts is not None:
            self._showing.show(self.load, self._scripts, self._connections, is_end=is_end)

    def _connections(self) -> list[int]:
        """Return the numbers of this load's connections at the server."""
        links = [*(lane.link for lane in self._lanes), self.control]
        return [link.thread_id for link in links if link.is_open]

    def _drain(self) -> None:
        if not self.load.tasks.drain():
            raise _Ended

    def _submit(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            task.absorbed, self._walk.absorbed = self._walk.absorbed, 0
            if self._books is not None:
                for step in task.steps:
                    self._books.touch(step)
            if self._was_done(task):
                self.load.count(task.absorbed)
                self.load.tasks.skip(task)
                self._showing.skipped_bytes = self._scripts.position_bytes if self._scripts else 0
            elif not self.load.tasks.add(task):
                raise _Ended

    def _is_done(self, step: Step) -> bool:
        journal = self.load.journal
        return journal is not None and journal.covers(step)

    def _was_done(self, task: Task) -> bool:
        """Return whether an earlier process did a task; remove the steps that are done from it."""
        journal = self.load.journal
        if journal is None or not journal.resumed or task.kind is TaskKind.INDEXES:
            return False
        if task.session is None:
            if journal.doubt(task.steps[0]) is not None:
                raise failures.in_doubt(task.steps[0], self.report, onwards=True)
            return False
        try:
            left = [step for step in task.steps if not journal.is_done(step)]
        except ValueError as error:
            raise failures.changed(str(error), self.report) from None
        if left and task.in_transaction and journal.is_doubtful(left[0]):
            raise failures.in_doubt(left[0], self.report)
        self.report.resumed += len(task.steps) - len(left)
        task.steps = left
        task.maybe_done = task.kind is TaskKind.DEFINITION
        return not left


def run_load(loader: Loader, sources: Sources) -> None:
    """Load scripts from beginning to end; the loader's report counts finished work.

    Parameters
    ----------
    loader : Loader
        Not connected yet.
    sources : Sources
        The scripts; closed at the end.

    Raises
    ------
    As `load.load`.
    """
    report = loader.report
    try:
        loader.load_all(sources)
    except KeyboardInterrupt:
        place = loader.place
        loader.interrupt()
        where = f" near {place}" if place else ""
        cause = f" It was waiting for {loader.waits_for}." if loader.waits_for else ""
        hint = " Resume with --resume." if loader.is_journaled else ""
        message = f"Stopped loading {sources.name}{where}.{cause} {report.so_far()}{hint}"
        raise Interrupted(message) from None
    except SidecarError:
        raise
    except pymysql_errors() as error:
        near = f" near {loader.place}" if loader.place else ""
        when = near if report.statements else " before its first statement"
        words = shown(error.args[-1] if error.args else error)
        raise LoadStoppedError(
            f"The connection for {sources.name} was lost{when}: {words}.",
            details=[*map(str, report.errors[-1:]), report.so_far()],
            hint="%mysql_wait shows whether the server is back; then load again, with --resume.",
            report=report,
        ) from None
    finally:
        report.seconds = loader.seconds
        sources.close()
        loader.close()
