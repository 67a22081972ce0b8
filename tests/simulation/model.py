"""A server made up for the simulation: tables, transactions, metadata locks, named locks.

It understands the few statements that generated scripts and the loader send, and no others. What
it models of a real server, and what not, is in ARCHITECTURE.md ("Simulation"). Nothing waits here:
a statement that has to wait raises `Blocked`, and is tried again after another step. Rows and
definitions keep a value of the session each, so that a wrong session shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

import pymysql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Name = tuple[str, str]
Row = tuple[Any, ...]

INITIAL = {
    "sql_mode": "STRICT_TRANS_TABLES",
    "time_zone": "SYSTEM",
    "foreign_key_checks": "1",
    "unique_checks": "1",
    "sql_quote_show_create": "1",
    "sql_notes": "1",
    "information_schema_stats_expiry": "86400",
}
REFUSED_VALUES = {"nosuch", "NO_AUTO_CREATE_USER"}


def refusal(errno: int, message: str) -> Exception:
    """Return the error that PyMySQL would raise for a refused statement."""
    error = pymysql.err.OperationalError(errno, message)
    error.sqlstate = "HY000"
    return error  # type: ignore[no-any-return]


def lost() -> Exception:
    """Return the error that PyMySQL would raise on a connection that is gone."""
    return pymysql.err.OperationalError(2013, "Lost connection")  # type: ignore[no-any-return]


class Blocked(Exception):
    """A statement has to wait for other connections."""

    def __init__(self, others: Iterable[Connection], *, metadata: bool) -> None:
        super().__init__()
        self.others = set(others)
        self.metadata = metadata


@dataclass
class Cell:
    """One row: its values, and the connection that has not committed it yet."""

    values: Row
    owner: Connection | None


@dataclass
class Table:
    """A table. Its first column is the primary key, if it has one."""

    keyed: bool = True
    innodb: bool = True
    counts: bool = False
    next_id: int = 1
    parent: Name | None = None
    indexes: list[str] = field(default_factory=list)
    made_under: str = ""
    log: Name | None = None  # where a trigger writes
    rows: list[Cell] = field(default_factory=list)


class Connection:
    """What the server knows of one connection."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.number = number
        self.schema: str | None = None
        self.variables = dict(INITIAL)
        self.user_variables: dict[str, str] = {}
        self.in_transaction = False
        self.undo: list[Callable[[], None]] = []
        self.savepoint: int | None = None  # how long `undo` was
        self.owned: list[Cell] = []  # rows that are not committed
        self.shared: set[str] = set()  # metadata locks until the transaction ends
        self.exclusive: set[str] = set()  # those of the statement under way
        self.wants: str | None = None  # the exclusive lock that it waits for
        self.waits_for: Blocked | None = None
        self.named: set[str] = set()
        self.is_closed = False
        self.must_end = False  # KILL, or the client is gone
        self.last_id = 0

    # Transactions ------------------------------------------------------------------------------

    def commit(self) -> None:
        """Make what was done stay."""
        self.undo.clear()
        for cell in self.owned:
            cell.owner = None
        self._end()

    def rollback(self) -> None:
        """Undo what was done since the transaction began."""
        while self.undo:
            self.undo.pop()()
        self._end()

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint; locks stay."""
        if self.savepoint is None:
            raise refusal(1305, "SAVEPOINT sidecar_rows does not exist")
        while len(self.undo) > self.savepoint:
            self.undo.pop()()

    def _end(self) -> None:
        self.in_transaction = False
        self.savepoint = None
        self.owned.clear()
        self.shared.clear()

    def close(self) -> None:
        """End the connection."""
        self.rollback()
        self.exclusive.clear()
        self.wants = self.waits_for = None
        self.named.clear()
        self.is_closed = True
        self.server.connections.pop(self.number, None)

    def name(self, text: str) -> Name:
        """Return the schema and name that a text stands for."""
        parts = [part.strip("`") for part in text.split(".")]
        if len(parts) == 2:
            return parts[0], parts[1]
        if self.schema is None:
            raise refusal(1046, "No database selected")
        return self.schema, parts[0]


class Server:
    """Schemas, tables and connections; `crash` leaves what is committed."""

    def __init__(self) -> None:
        self.schemas: set[str] = set()
        self.tables: dict[Name, Table] = {}
        self.programs: dict[str, str] = {}  # views and procedures, with the sql_mode of each
        self.loads: dict[int, dict[str, Any]] = {}
        self.connections: dict[int, Connection] = {}
        self.settings: dict[str, str] = {}
        self.orphans: list[Any] = []  # requests of clients that are gone
        self.spoils_every = 0  # which LOAD DATA stores something else, with a warning
        self.streamed = 0
        self._numbers = 0
        self._loads = 0

    def connect(self) -> Connection:
        """Return a new connection."""
        self._numbers += 1
        connection = Connection(self, self._numbers)
        self.connections[self._numbers] = connection
        return connection

    def crash(self) -> None:
        """End all connections at once; what was not committed is undone."""
        for connection in list(self.connections.values()):
            connection.close()

    def next_load(self) -> int:
        """Return the number of a new load."""
        self._loads += 1
        return self._loads

    def content(self) -> dict[str, object]:
        """Return what is committed, fit to be compared: in no order but that of the keys."""
        state: dict[str, object] = {}
        for name, table in self.tables.items():
            if name[0] == "sidecar_magics":
                continue
            state[".".join(name)] = (
                table.made_under,
                table.parent,
                tuple(table.indexes),
                table.log,
                sorted((cell.values for cell in table.rows), key=repr),
            )
        state["schemas"] = sorted(self.schemas - {"sidecar_magics"})
        state["programs"] = dict(sorted(self.programs.items()))
        return state

    # Locks -------------------------------------------------------------------------------------

    def take_shared(self, connection: Connection, key: str, *, keep: bool) -> None:
        """Take a metadata lock for work with a table; an exclusive one that waits comes first."""
        if key in connection.shared or key in connection.exclusive:
            return
        others = [
            other
            for other in self.connections.values()
            if other is not connection and (key in other.exclusive or other.wants == key)
        ]
        if others:
            raise Blocked(others, metadata=True)
        if keep:
            connection.shared.add(key)

    def take_exclusive(self, connection: Connection, key: str) -> None:
        """Take a metadata lock for a definition."""
        if key in connection.exclusive:
            return
        others = [
            other
            for other in self.connections.values()
            if other is not connection and (key in other.shared or key in other.exclusive)
        ]
        if others:
            connection.wants = key
            raise Blocked(others, metadata=True)
        connection.wants = None
        connection.exclusive.add(key)

    def is_circle(self, connection: Connection, blocked: Blocked) -> bool:
        """Return whether a wait would close a circle that this server sees: of one kind of lock."""
        seen: set[Connection] = set()
        ahead = list(blocked.others)
        while ahead:
            other = ahead.pop()
            if other is connection:
                return True
            if other in seen:
                continue
            seen.add(other)
            if other.waits_for is not None and other.waits_for.metadata == blocked.metadata:
                ahead += other.waits_for.others
        return False

    def referring(self, name: Name) -> Iterator[Name]:
        """Yield the tables that have a foreign key to one."""
        for other, table in self.tables.items():
            if table.parent == name:
                yield other
