"""Send the rows of INSERT statements through LOAD DATA LOCAL, where that is proven to be the same.

The server reads the very bytes that stand in the script; see `script.streamable`. In LOCAL, errors
are warnings, and a row that cannot be stored as it is may be changed, or left out. So whatever a
server says but "as many rows as there are, and no warning" undoes what it has read, up to a
savepoint, and the INSERT statements are sent as they are: errors, places and warnings are theirs.
Rows of such a table are sent as INSERT from then on.

Notes are switched on for LOAD DATA: under ``sql_notes=0``, which dumps set, '12:34:56' goes into a
DECIMAL without a warning, where INSERT is refused (seen with MySQL 9.7). With ``wsrep_on`` Galera
may split LOAD DATA into transactions, so INSERT is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...errors import SettingsError
from ...script.layout import read_layout
from ...script.rows import head_of_rows
from ...script.streamable import File, Reading, load_data, target
from ..planning.tasks import TaskKind
from ..policy import AUTO, INSERT, LOAD_DATA
from ..reporting import failures
from .operations import Send, Stream

if TYPE_CHECKING:
    from ...script.layout import Layout
    from ...script.streamable import Target
    from ..planning.tasks import Table, Task
    from ..policy import LoadPolicy
    from ..reporting.report import LoadReport
    from .context import LoadContext
    from .link import Link
    from .operations import Replies, Reply, Work

# Below this, our questions about a table cost more than LOAD DATA saves.
WORTH_BYTES = 16 * 1024
SWITCH_ON = "the server's operator can set local_infile=ON; or choose --rows insert."
# About a second of the server's time.
WORTH_NOTING_BYTES = 8 * 1024 * 1024
SAVEPOINT = b"SAVEPOINT sidecar_rows"
UNDO = b"ROLLBACK TO SAVEPOINT sidecar_rows"
# Dumps switch notes off; but a value that LOAD DATA stores with a note may be an error for INSERT.
SHOW_NOTES, NO_NOTES = b"SET sql_notes = 1", b"SET sql_notes = 0"
DEADLOCK = 1213
MOST_LOST_FILES = 2
# A file's packets are smaller than this.
LEAST_PACKET_BYTES = 64 * 1024


class RowsWay(NamedTuple):
    """How rows may be sent by LOAD DATA.

    Attributes
    ----------
    reading : Reading
        How a new session reads statements.
    always : bool
        Also where it is not worth while.
    """

    reading: Reading
    always: bool = False

    def is_worth(self, task: Task) -> bool:
        """Return whether a task has rows for which a table is to be looked at."""
        return task.kind is TaskKind.ROWS and (self.always or task.size_bytes >= WORTH_BYTES)


def rows_way(link: Link, policy: LoadPolicy, report: LoadReport) -> RowsWay | None:
    """Find out whether a server reads rows by LOAD DATA LOCAL, and how its sessions read texts.

    Parameters
    ----------
    link : Link
        A new connection, in the state that those of lanes begin with.
    policy : LoadPolicy
        Which way the user wants.
    report : LoadReport
        Takes a note if the server lacks local_infile.

    Raises
    ------
    SettingsError
        The user wants LOAD DATA, and the server has it switched off.
    """
    if policy.rows == INSERT:
        return None
    ((takes, mode, client, connection, notes),) = link.rows(
        "SELECT @@local_infile, @@sql_mode, @@character_set_client, @@character_set_connection,"
        " @@sql_notes"
    )
    if takes != "1":
        if policy.rows == LOAD_DATA:
            raise SettingsError(
                "--rows load-data: the server has local_infile=OFF.", hint=SWITCH_ON
            )
        report.lacks_local_infile = policy.rows == AUTO
        return None
    if not _is_known_cluster(link, report):
        return None
    reading = Reading(mode or "", client or "", connection or "", notes == "1")
    return RowsWay(reading, policy.rows == LOAD_DATA)


def cost_note(report: LoadReport) -> str | None:
    """Return a note on the cost of local_infile=OFF; None for a load that is too small to matter.

    Parameters
    ----------
    report : LoadReport
        The load's.
    """
    size_bytes = sum(table.size_bytes for table in list(report.tables.values()))
    if not report.lacks_local_infile or size_bytes < WORTH_NOTING_BYTES:
        return None
    return (
        "The server has local_infile=OFF, so rows went as INSERT, which costs it up to twice "
        "as much processor time. Its operator can start it with --local-infile=ON."
    )


def _is_known_cluster(link: Link, report: LoadReport) -> bool:
    """Return whether LOAD DATA is one transaction: Galera may split it."""
    if report.flavour != "mariadb":
        return True
    found = link.rows("SHOW VARIABLES LIKE 'wsrep_on'")
    return not found or found[0][1] != "ON"


class StreamTarget:
    """A table as LOAD DATA fills it.

    Parameters
    ----------
    table : Table
        The table.
    create : bytes, optional
        SHOW CREATE TABLE's text; None if there is no such table.
    """

    def __init__(self, table: Table, create: bytes | None) -> None:
        self._name = table.quoted
        self.layout: Layout | None = read_layout(create) if create else None
        self._by_list: dict[bytes | None, Target | None] = {}

    def give_up(self) -> None:
        """Send rows as INSERT from now on."""
        self.layout = None

    def of(self, listed: bytes | None) -> Target | None:
        """Return what takes the rows of statements with this list of columns."""
        if self.layout is None:
            return None
        if listed not in self._by_list:
            self._by_list[listed] = target(self.layout, listed)
        return self._by_list[listed]

    def statement(self, to: Target, file: File) -> bytes:
        """Return the LOAD DATA for files that are spelled as this one is."""
        return load_data(self._name, to, file.charset, file.separator)


class _Group(NamedTuple):
    """Statements whose rows are read as one file."""

    to: Target
    files: list[File]


class Streamer:
    """Sends rows of one lane by LOAD DATA.

    Parameters
    ----------
    load : LoadContext
        The load.
    """

    def __init__(self, load: LoadContext) -> None:
        self._load = load
        self._session: object = None
        self._reading: Reading | None = None

    def run(self, task: Task, at: int) -> Work[list[Reply]]:
        """Send rows of a task, if that can be done in this way.

        Parameters
        ----------
        task : Task
            Its session is the connection's, and a transaction is open.
        at : int
            The first of its statements that is left to do.

        Returns
        -------
        list of Reply
            One for each statement that is done; none if they are to be sent as they are.

        Raises
        ------
        pymysql.err.MySQLError, OSError, RuntimeError
            The connection is lost, or the transaction undone: no INSERT can follow.
        """
        group = self._group(task, at)
        if group is None or task.table is None or task.table.target is None:
            return []
        notes = self._reading is None or self._reading.notes
        yield from _own(SAVEPOINT, *([] if notes else [SHOW_NOTES]))
        statement = task.table.target.statement(group.to, group.files[0])
        rows = tuple(file.values for file in group.files)
        replies: Replies = yield Stream(statement, rows)
        if replies.error is not None and _leaves_nothing(replies.error):
            self._note_loss(replies.error)
            raise replies.error
        if not notes:
            yield from _own(NO_NOTES)
        counts = _counts(group.files, replies)
        if counts is not None:
            seconds = replies.done[0].seconds / len(counts)
            return [replies.done[0]._replace(changed=n, seconds=seconds) for n in counts]
        task.table.target.give_up()
        yield from _own(UNDO)
        return []

    def _note_loss(self, error: Exception) -> None:
        """Send no more rows in this way where that has lost a connection twice.

        Something between here and the server may not let LOAD DATA LOCAL pass.
        """
        if failures.is_lost(error):
            self._load.lost_files += 1
            if self._load.lost_files >= MOST_LOST_FILES:
                self._load.rows = None

    def _group(self, task: Task, at: int) -> _Group | None:
        """Return the statements, from one on, that may be read as one file."""
        way, table = self._load.rows, task.table
        if way is None or table is None or table.target is None:
            return None
        if table.target.layout is None or not way.is_worth(task):
            return None
        if self._load.max_packet_bytes < LEAST_PACKET_BYTES:
            return None
        reading = self._read(way, task)
        if reading is None or not (reading.is_utf8 or table.quoted.isascii()):
            return None
        chosen: Target | None = None
        files: list[File] = []
        for step in task.steps[at:]:
            head = head_of_rows(step.sql)
            to = table.target.of(head.columns) if head and head.any_order else None
            if head is None or to is None or (chosen is not None and to is not chosen):
                break
            if len(step.sql) + 1 >= self._load.max_packet_bytes:  # which the server refuses
                break
            file = to.file(step.sql, head.begins, utf8=reading.is_utf8)
            if file is None or (files and not file.is_spelled_like(files[0])):
                break
            chosen = to
            files.append(file)
        return None if chosen is None else _Group(chosen, files)

    def _read(self, way: RowsWay, task: Task) -> Reading | None:
        """Return how a task's session reads statements; None if not as LOAD DATA reads rows."""
        if task.session is None:
            return None
        if self._session is not task.session:
            reading = way.reading.within(task.session)
            self._session = task.session
            self._reading = reading if reading is not None and reading.is_plain else None
        return self._reading


def _own(*statements: bytes) -> Work[None]:
    """Send statements of the load's own; raise where one is refused."""
    replies: Replies = yield Send(statements)
    if replies.error is not None:
        raise replies.error


def _leaves_nothing(error: Exception) -> bool:
    """Return whether the transaction is undone, or the server cannot be trusted."""
    is_over = failures.is_lost(error) or failures.number(error) == DEADLOCK
    return is_over or isinstance(error, RuntimeError)


def _counts(files: list[File], replies: Replies) -> list[int] | None:
    """Return how many rows each statement has, if the server has stored them all as they are."""
    if replies.error is not None or replies.done[0].warnings:
        return None
    for count in (File.opened, File.most_rows, File.row_count):  # the quick ones may be too high
        counts = [count(file) for file in files]
        if sum(counts) == replies.done[0].changed:
            return counts
    return None
