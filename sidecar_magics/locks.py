"""Ask a server about its connections: account, statement, locks, and which waits for which.

Each kind of server reports a part of it in another place, and not to each account. So we ask for
everything, and leave refused or missing answers out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .questions import ask
from .server import pymysql_errors

if TYPE_CHECKING:
    import pymysql

# In this order: id, account, command, seconds in it, state, statement.
PROCESSES = "SHOW FULL PROCESSLIST"
TRANSACTIONS = (
    "SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW()), trx_state "
    "FROM information_schema.innodb_trx WHERE trx_mysql_thread_id > 0"
)
METADATA_LOCKS = (
    "SELECT t.processlist_id, l.object_type, l.object_schema, l.object_name, l.lock_type, "
    "l.lock_status FROM performance_schema.metadata_locks l "
    "JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id "
    "WHERE t.processlist_id IS NOT NULL"
)
# MariaDB's plugin, which has to be installed, shows the locks that are held, in its own words.
METADATA_LOCK_INFO = (
    "SELECT thread_id, 'TABLE', table_schema, table_name, lock_mode, 'GRANTED' "
    "FROM information_schema.metadata_lock_info WHERE lock_type = 'Table metadata lock'"
)
ROW_WAITS = (
    "SELECT r.processlist_id, b.processlist_id, CONCAT(l.object_schema, '.', l.object_name) "
    "FROM performance_schema.data_lock_waits w "
    "JOIN performance_schema.data_locks l ON l.engine_lock_id = w.requesting_engine_lock_id "
    "JOIN performance_schema.threads r ON r.thread_id = w.requesting_thread_id "
    "JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id"
)
# MySQL up to 5.7, and MariaDB.
OLDER_ROW_WAITS = (
    "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, REPLACE(l.lock_table, '`', '') "
    "FROM information_schema.innodb_lock_waits w "
    "JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id "
    "JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id "
    "JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
)
# The digest has marks where literals stood: another user's statements may hold secrets.
STATEMENTS = (
    "SELECT t.processlist_id, s.digest_text FROM performance_schema.events_statements_current s "
    "JOIN performance_schema.threads t ON t.thread_id = s.thread_id "
    "WHERE t.processlist_id IS NOT NULL AND COALESCE(s.nesting_event_type, '') <> 'STATEMENT'"
)
# An unknown schema, table, or table of information_schema; a column that this version has not; no
# right to the schema, to the table, to a column, to see others (PROCESS); switched off.
NOT_TOLD = {1049, 1146, 1109, 1054, 1044, 1142, 1143, 1227, 1235}

_NUMBER = re.compile(r"\d{1,18}\Z", re.ASCII)


class Process(NamedTuple):
    """A connection, as the list of processes has it."""

    id: int
    user: str
    host: str
    command: str
    time_s: float
    state: str
    statement: str


class Lock(NamedTuple):
    """A lock on a definition, held or waited for."""

    id: int
    kind: str
    schema: str
    name: str
    mode: str
    is_held: bool

    @property
    def target(self) -> tuple[str, str, str]:
        """The object that it is on."""
        return (self.kind, self.schema, self.name)

    @property
    def label(self) -> str:
        """Its table, for a sentence; empty if it is not on a table."""
        return f"{self.schema}.{self.name}" if self.kind == "TABLE" else ""


class LockWait(NamedTuple):
    """One connection waits for another, because of a lock."""

    waiting: int
    holding: int
    table: str


@dataclass(frozen=True)
class Sight:
    """A server's answers about its connections.

    Parameters
    ----------
    processes : mapping of int to Process
        By connection.
    transactions : mapping of int to float
        Seconds since each began, by connection.
    stuck : frozenset of int
        Connections whose transaction waits for a row.
    locks : tuple of Lock
        Locks on definitions.
    row_waits : tuple of LockWait
        Pairs of connections: one waits for the other's rows.
    statements : mapping of int to str
        Last statement, without literals, by connection.
    """

    processes: dict[int, Process] = field(default_factory=dict)
    transactions: dict[int, float] = field(default_factory=dict)
    stuck: frozenset[int] = frozenset()
    locks: tuple[Lock, ...] = ()
    row_waits: tuple[LockWait, ...] = ()
    statements: dict[int, str] = field(default_factory=dict)


def look(connection: pymysql.Connection[Any]) -> Sight:
    """Ask for everything that this server shows this account."""
    rows = _rows(connection, METADATA_LOCKS, 6) or _rows(connection, METADATA_LOCK_INFO, 6)
    waits = [*_rows(connection, ROW_WAITS, 3), *_rows(connection, OLDER_ROW_WAITS, 3)]
    processes = [
        Process(_number(row[0]), row[1], row[2], row[4], float(_number(row[5])), row[6], row[7])
        for row in _rows(connection, PROCESSES, 8)
    ]
    transactions = _rows(connection, TRANSACTIONS, 3)
    return Sight(
        {each.id: each for each in processes},
        {_number(row[0]): float(_number(row[1])) for row in transactions},
        frozenset(_number(row[0]) for row in transactions if row[2] == "LOCK WAIT"),
        tuple(
            Lock(_number(row[0]), row[1], row[2], row[3], _mode(row[4]), row[5] == "GRANTED")
            for row in rows
        ),
        tuple(LockWait(_number(row[0]), _number(row[1]), row[2]) for row in waits),
        {_number(row[0]): row[1] for row in _rows(connection, STATEMENTS, 2) if row[1]},
    )


def _mode(text: str) -> str:
    # MariaDB's plugin says MDL_SHARED_READ.
    return text[4:] if text.startswith("MDL_") else text


def _rows(connection: pymysql.Connection[Any], sql: str, columns: int) -> list[list[str]]:
    """Return rows as text; none if the server refuses the question."""
    try:
        rows = ask(connection, sql, columns)
    except pymysql_errors() as error:
        if error.args and error.args[0] in NOT_TOLD:
            return []
        raise
    return [[cell or "" for cell in row] for row in rows]


def _number(text: str) -> int:
    return int(text) if _NUMBER.match(text) else 0
