"""What the lanes of one load share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..server import pymysql_errors
from ..wait import wait
from .failures import is_lost
from .indexes import Indexes, add_clause, read_indexes
from .known import Found
from .link import text
from .schedule import Scheduler

if TYPE_CHECKING:
    from ..settings import ConnectionSettings
    from .journal import Journal
    from .link import Link
    from .report import LoadReport
    from .tasks import Table, Task


# How long a server that was lost is waited for.
READY_TIMEOUT_S = 120.0


@dataclass
class Crew:
    """One load: where it goes, how, and how far it is.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    report : LoadReport
        What was done.
    token : str
        Part of the names of the locks that the lanes' connections hold.
    first : list of bytes
        Statements for each new connection.
    jobs : int
        How many lanes there may be.
    row_jobs : int
        How many of them get rows.
    journal : Journal, optional
        Where pieces are noted, if they are.
    may_retry : bool
        The server keeps what it has said to be committed, whatever happens to it.
    force : bool
        Go on behind a statement that is refused.
    local_infile : bool
        The server may ask for files of this machine.
    """

    settings: ConnectionSettings
    report: LoadReport
    token: str
    first: list[bytes]
    jobs: int
    row_jobs: int
    max_packet_bytes: int
    uuid: str | None
    journal: Journal | None = None
    may_retry: bool = False
    force: bool = False
    local_infile: bool = False
    scheduler: Scheduler = field(init=False)
    filling: list[Table] = field(default_factory=list)  # tables that are owed indexes
    failures: list[tuple[int, BaseException]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.row_jobs)

    @property
    def is_parallel(self) -> bool:
        """Whether tasks may run at the same time."""
        return self.jobs > 1

    def fail(self, task: Task, error: BaseException) -> None:
        """Keep why a task failed, and end the load there."""
        self.failures.append((task.number, error))
        self.scheduler.fail(task)

    @property
    def first_failure(self) -> BaseException | None:
        """The failure that comes first in the script."""
        return min(self.failures, key=lambda failure: failure[0])[1] if self.failures else None


class Inspector:
    """A connection to look at tables with, in a state of its own; any thread may use it.

    Parameters
    ----------
    link : Link
        An open connection, in the server's default state.
    """

    def __init__(self, link: Link, settings: ConnectionSettings) -> None:
        self._link = link
        self._settings = settings
        self._lock = threading.Lock()
        self._prepare()

    def _prepare(self) -> None:
        self._link.send(b"SET sql_quote_show_create = 1")
        mode = self._link.ask("SELECT @@sql_mode").split(",")
        kept = ",".join(name for name in mode if not name.startswith("ANSI"))
        self._link.send(b"SET sql_mode = '" + kept.encode() + b"'")

    def revive(self) -> None:
        """Connect again, if the connection is lost; once the server is ready.

        Raises
        ------
        ServerNotReadyError, AccessError
            It does not come back.
        """
        with self._lock:
            self._revive()

    def _revive(self) -> None:
        try:
            self._link.ask("SELECT 1")
        except pymysql_errors():
            wait(self._settings, timeout_s=READY_TIMEOUT_S)
            self._link.open()
            self._prepare()

    def _rows(self, sql: bytes) -> list[tuple[Any, ...]]:
        """Ask, on a connection that is made again if it is lost; rows as they come."""
        with self._lock:
            for again in (True, False):
                try:
                    with self._link.connection.cursor() as cursor:
                        cursor.execute(sql)
                        return list(cursor.fetchall())
                except pymysql_errors() as error:
                    if not (again and is_lost(error)):
                        raise
                    self._revive()
        return []

    def show_create(self, table: Table) -> bytes | None:
        """Return the server's text for a table, None if there is no such table."""
        try:
            rows = self._rows(b"SHOW CREATE TABLE " + table.quoted)
        except pymysql_errors() as error:
            if is_lost(error):
                raise
            return None
        return bytes(rows[0][1]) if rows and isinstance(rows[0][1], bytes) else None

    def indexes(self, table: Table) -> Indexes | None:
        """Return what is known of a table's indexes, None if there is no such table."""
        create = self.show_create(table)
        return None if create is None else read_indexes(create)

    def missing(self, table: Table, definitions: list[bytes]) -> bytes:
        """Return what ALTER TABLE needs to give a table the indexes that it lacks."""
        indexes = self.indexes(table)
        return b"" if indexes is None else add_clause(definitions, indexes.names)

    def look_up(self, schema: bytes, name: bytes) -> Found | None:
        """Return what a table or view is; None if it is not there."""
        in_schema = f"CONVERT(x'{schema.hex()}' USING utf8mb4)"
        of_table = f"CONVERT(x'{name.hex()}' USING utf8mb4)"
        rows = self._rows(
            (
                "SELECT table_type = 'BASE TABLE', COALESCE(engine = 'InnoDB', 0), EXISTS (SELECT 1"
                f" FROM information_schema.triggers WHERE event_object_schema = {in_schema}"
                f" AND event_object_table = {of_table}) FROM information_schema.tables"
                f" WHERE table_schema = {in_schema} AND table_name = {of_table}"
            ).encode()
        )
        return Found(*(text(cell) == "1" for cell in rows[0])) if rows else None
