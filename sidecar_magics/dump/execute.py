"""Run a dump: from the first connection to a file that is complete."""

from __future__ import annotations

import threading
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from ..cores import cores
from ..errors import DumpError, Interrupted, SidecarError, printable, shown
from ..grants import read_grants
from ..load.journal import records
from ..server import pymysql_errors
from . import plan, rights, rows
from .catalogue import read_catalogue, schema_names
from .compression import compressor
from .content import Content
from .course import Course, Job
from .output import Destination, unwritable
from .progress import DumpProgress
from .report import DumpedTable
from .snapshot import Asking, Snapshot
from .spelling import quoted
from .work import NOTHING_LEFT, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from ..grants import Grants
    from ..settings import ConnectionSettings
    from .catalogue import Schema, StoredTable
    from .output import Nowhere
    from .policy import DumpPolicy
    from .report import DumpReport

MOST_JOBS = 8
# Tables may be altered while they are dumped: then the moment is gone, and another one is taken.
ATTEMPTS = 3
# A table's definition has changed since the snapshot; there is none of that name any more; or a
# definition that is just being changed was in the way of a question about it (MySQL).
CHANGED = frozenset({1412, 1146, 1051, 1049, 1356, 1305, 1360, 1539, 1213})
LOST = frozenset({0, 2006, 2013})
DENIED = frozenset({1044, 1142, 1143, 1227, 1370, 3118})


class Earlier(Protocol):
    """An earlier dump of the same server: its files are taken for tables that are as they were."""

    def before(self, asking: Asking, schemas: list[Schema]) -> None:
        """Look at the server, just before the moment that the dump shows."""

    def taken(self, asking: Asking) -> None:
        """Look at it again on a connection that sees that moment."""

    def has(self, name: str, table: StoredTable | None) -> bool:
        """Return whether a file needs no dumping; `name` is the one that it is to have."""

    def complete(self, folder: Path) -> bool:
        """Add the files that were not dumped; return whether the dump is wanted at all."""


class _AlteredError(Exception):
    """A table was altered during its dump."""


class Dumper:
    """One dump of one server.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    report : DumpReport
        Filled while the dump runs.
    policy : DumpPolicy
        The options of the dump.
    progress : callable, optional
        Called with a `DumpProgress` a few times a second.
    earlier : Earlier, optional
        Where files of tables may be taken from; for folders.
    in_place : bool, default False
        Work in the calling thread, on one connection: an interpreter that ends starts no thread.
    verify : callable, optional
        Verifies a dump that is complete, before it takes its place.
    parts_of : callable, optional
        Returns the parts in which a table's rows are read: as in an earlier dump of tables that
        nothing has changed since, and that need no lock. Default: by what its key has.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        report: DumpReport,
        *,
        policy: DumpPolicy,
        progress: Callable[[DumpProgress], None] | None = None,
        earlier: Earlier | None = None,
        in_place: bool = False,
        verify: Callable[[Destination, Content], None] | None = None,
        parts_of: Callable[[StoredTable], list[rows.Range]] | None = None,
    ) -> None:
        self._settings = settings
        self.report = report
        self._verify = verify
        self._own_parts_of = parts_of
        self._policy = policy
        self._progress = progress
        self._earlier = earlier
        self.in_place = in_place
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def run(self, target: Destination, ending: str) -> None:
        """Dump into a target that is complete afterwards, or not there.

        Parameters
        ----------
        target : Destination
            Where to.
        ending : str
            Of the names of a folder's files: how they are compressed.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with target:
                    content = Content() if self._verify else None
                    self._dump(target, ending, content)
                    if self._verify and content:
                        self._verify(target, content)
                    if self._earlier is None or self._earlier.complete(target.beside):
                        target.complete()
                    self.report.file_bytes = target.size_bytes
                return
            except _AlteredError as error:
                if attempt == ATTEMPTS:
                    raise DumpError(
                        f"The tables change faster than they can be dumped: {error}.",
                        hint="dump again when no other connection alters tables.",
                    ) from None
            except OSError as error:
                raise unwritable(target.path, error) from None

    def read(self, target: Nowhere, content: Content) -> None:
        """Read everything for a dump, and only take its content down.

        Raises
        ------
        As `dump`.
        """
        try:
            self._dump(target, "", content)
        except _AlteredError as error:
            raise DumpError(f"The scratch schemas were altered: {error}.") from None

    def _dump(self, target: Destination | Nowhere, ending: str, content: Content | None) -> None:
        jobs = 1 if self.in_place else self._policy.jobs or min(cores(), MOST_JOBS)
        is_still = self._own_parts_of is not None
        snapshot = Snapshot(self._settings, jobs, is_still=is_still)
        try:
            schemas = self._look(snapshot, target)
            tables = [table for schema in schemas for table in schema.tables]
            if self._earlier is not None:
                self._earlier.before(snapshot.control, schemas)
            self._take(snapshot, [] if self._policy.schema_only else tables)
            if self._earlier is not None:
                self._earlier.taken(snapshot.control)
            jobs_to_do = self._jobs(snapshot.control, schemas, target, ending)
            workers = [self._worker(each, content) for each in snapshot.connections]
            course = Course(workers, snapshot, jobs_to_do)
            course.run(None if self.in_place else self._show)
            _check_unaltered(snapshot.control, schemas)
            self.report.sql_bytes = sum(job.part.sql_bytes for job in course.jobs)
        except pymysql_errors() as error:
            raise self._explained(error) from None
        finally:
            snapshot.close()

    def _look(self, snapshot: Snapshot, target: Destination | Nowhere) -> list[Schema]:
        """Find the schemas to dump."""
        ask = snapshot.control.rows
        there = schema_names(ask)
        if isinstance(target, Destination):
            _check_is_a_file(target, self._policy.schemas, there)
        names = self._policy.schemas_of(there)
        schemas = read_catalogue(ask, names)
        self._policy.select(schemas)
        report = self.report
        report.describe_server(snapshot.control.sidecar)
        report.notes.clear()
        report.left_out[:] = _history(schemas)
        if self._own_parts_of is None:  # not of scratch schemas, which are a copy of the dump
            self._look_for_hidden(snapshot.control, schemas)
        report.schemas = [schema.name for schema in schemas]
        report.tables = {str(table): DumpedTable() for s in schemas for table in s.tables}
        for kind in ("views", "routines", "triggers", "events", "sequences"):
            setattr(report, kind, sum(len(getattr(schema, kind)) for schema in schemas))
        return schemas

    def _look_for_hidden(self, asking: Asking, schemas: list[Schema]) -> None:
        """Leave out hidden objects, with a note, or raise."""
        grants = read_grants(lambda sql: asking.rows(sql.encode()), pymysql_errors())
        there = rights.hidden(schemas, grants, asking.sidecar, self._policy)
        account = asking.value(b"SELECT CURRENT_USER()")
        self.report.sees_all_schemas = rights.sees_all_schemas(grants, self._policy)
        if not self.report.sees_all_schemas:
            left_out = f"The account {account} sees some schemas only: others are not in the dump."
            self.report.left_out.append(left_out)
        if there and not self._policy.force:
            raise _hidden_error(there, grants, account)
        self.report.hidden[:] = rights.told(there, account)
        rights.leave_out(schemas, there)

    def _take(self, snapshot: Snapshot, tables: list[StoredTable]) -> None:
        others = [table for table in tables if not table.is_transactional and plan.has_rows(table)]
        snapshot.take(keeps_lock=bool(others))
        self.report.jobs = len(snapshot.connections)
        self.report.notes.extend(snapshot.notes)

    def _jobs(
        self, asking: Asking, schemas: list[Schema], target: Destination | Nowhere, ending: str
    ) -> list[Job]:
        def parts_of(table: StoredTable) -> list[rows.Range]:
            own = self._own_parts_of
            return own(table) if own else _parts_of(asking, table)

        planner = plan.DumpPlanner(
            self._policy,
            schemas,
            asking.sidecar.server,
            parts_of,
            self._loaded_before(asking),
            lacks=self.report.hidden,
        )
        files = [(target.path.name, planner.file())]
        if target.is_folder:
            files = [
                (name + ending, pieces)
                for name, pieces, table in planner.folder()
                if self._earlier is None or not self._earlier.has(name + ending, table)
            ]
        jobs = []
        for name, pieces in files:
            file = target.file(name, compressor(name))
            jobs += [Job(work, file.part()) for work in plan.grouped(pieces)]
        return jobs

    def _loaded_before(self, asking: Asking) -> list[Mapping[str, str | None]]:
        """Return the records of --once for scripts whose data is completely in this dump."""
        if not self._policy.is_whole:
            return []
        dumped = set(self.report.schemas)
        found = records.finished_records(asking.rows)
        return [each for each in found if records.schemas_of(each) <= dumped]

    # While it runs -------------------------------------------------------------------------------

    def _worker(self, asking: Asking, content: Content | None) -> Worker:
        """Return a worker that does pieces on a connection."""
        return Worker(asking, self._policy, self.report, self._lock, content)

    def _show(self, course: Course) -> None:
        """Show the progress, if the caller asked for it."""
        if self._progress is not None:
            self._progress(
                DumpProgress(
                    self.report.file,
                    sum(job.part.sql_bytes for job in course.jobs),
                    self.report.rows,
                    course.fraction,
                    self.seconds,
                    tables=course.doing,
                )
            )

    def _explained(self, error: Exception) -> Exception:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        words = shown(error.args[1] if len(error.args) > 1 else error)
        if number in CHANGED:
            return _AlteredError(words)
        if number in LOST or isinstance(error, OSError):
            return DumpError(
                f"{printable(self.report.file)}: the connection to the server was lost ({words}).",
                details=[NOTHING_LEFT],
                hint="run %mysql_wait until the server answers, then dump again.",
            )
        hint = "dump as an account that may SELECT, SHOW VIEW, TRIGGER and EVENT there."
        return DumpError(
            f"{printable(self.report.file)}: the server refuses (error {number}): {words}.",
            details=[NOTHING_LEFT],
            hint=hint if number in DENIED else "",
        )


def run_dump(dumper: Dumper, target: Destination, ending: str) -> None:
    """Dump; the dumper's report counts the work.

    Parameters
    ----------
    dumper : Dumper
        Not connected yet.
    target : Destination
        Where to.
    ending : str
        As for `Dumper.run`.

    Raises
    ------
    As `dump`.
    """
    try:
        dumper.run(target, ending)
    except KeyboardInterrupt:
        kept = "; what was there before is as it was" if target.path.exists() else ""
        name = printable(dumper.report.file)
        message = f"Stopped dumping into {name}. Nothing is left of the dump{kept}."
        raise Interrupted(message) from None
    except SidecarError:
        raise
    finally:
        dumper.report.seconds = dumper.seconds


def _hidden_error(there: list[rights.Hidden], grants: Grants, account: str) -> DumpError:
    idle = [printable(role) for role in grants.idle_roles]
    roles = [f"Its roles are not active: {', '.join(idle)}."] if idle else []
    return DumpError(
        f"The account {printable(account)} does not see all {rights.summary(there)}: the dump may "
        "lack some.",
        details=[*roles, *map(printable, rights.statements(there, account))],
        hint="let an administrator run that, or add --force: the dump then says what it may lack.",
    )


def _parts_of(asking: Asking, table: StoredTable) -> list[rows.Range]:
    if table.key is None or not table.key.is_integer or not table.is_transactional:
        return [rows.WHOLE]
    key = quoted(table.key.name)
    path = quoted(table.schema, table.name)
    (lowest, highest), *_ = asking.rows(b"SELECT MIN(%s), MAX(%s) FROM %s" % (key, key, path))
    if lowest is None or highest is None:
        return [rows.WHOLE]
    return rows.parts(int(lowest), int(highest), table.size_bytes)


def _check_unaltered(asking: Asking, schemas: list[Schema]) -> None:
    """Raise if a table has other columns now than when the dump was planned.

    No snapshot has definitions: rows may have been read by other columns than those of the table
    that is made for them. Not each server refuses that.
    """
    now = read_catalogue(asking.rows, [schema.name for schema in schemas])
    columns = {str(table): table.columns for schema in now for table in schema.tables}
    for schema in schemas:
        for table in schema.tables:
            if columns.get(str(table), table.columns) != table.columns:
                raise _AlteredError(f"{printable(str(table))} was altered")


def _check_is_a_file(target: Destination, schemas: Sequence[str], there: Collection[str]) -> None:
    """Check that the first name is a file, not a schema to dump."""
    name = target.path.name
    if name not in there or target.is_folder or target.path.exists():
        return
    if not schemas or not any(fnmatchcase(each, schemas[-1]) for each in there):
        file = f"{name}.sql.gz" if not schemas else printable(schemas[-1])
        raise DumpError(
            f"{name} is a schema of the server, and the first name is the file to dump into.",
            hint=f"name the file, and then the schema: {file} {name}",
        )


def _history(schemas: list[Schema]) -> list[str]:
    """Return the note about tables with a history, which is not in a dump."""
    versioned = [str(t) for s in schemas for t in s.tables if t.kind == "SYSTEM VERSIONED"]
    if not versioned:
        return []
    return [f"Of system-versioned tables ({', '.join(versioned[:3])}) the history is left out."]
