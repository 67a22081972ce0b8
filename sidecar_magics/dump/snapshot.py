"""Connections that see one moment of a server, as long as they live.

All connections begin their transactions under FLUSH TABLES WITH READ LOCK. Without the right
RELOAD, or if the lock is not granted in time, one connection does everything. Tables without
transactions are read first, under the lock. A table that was altered meanwhile is refused (1412):
then the dump begins again (`execute.ATTEMPTS`).
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

from ..connection import connect_now
from ..limits import limited
from ..server import WHOLE_ANSWERS, Keep, pymysql_errors, send
from ..sidecar import Sidecar, describe

if TYPE_CHECKING:
    import pymysql

    from ..settings import ConnectionSettings

# Definitions and lists of columns; no row of a table is ever asked for in this way.
_KEEP = Keep(5_000_000, 1 << 30, 1 << 26)
# A connection that waits for all tables holds up every other one meanwhile.
LOCK_WAIT_S = 5
_SESSION = (
    WHOLE_ANSWERS,
    b"SET NAMES utf8mb4",
    # Nothing is converted on its way here: a program's text is in the character set of its maker.
    b"SET character_set_results = NULL",
    b"SET SESSION sql_mode = '', time_zone = '+00:00', sql_quote_show_create = 1,"
    b" net_write_timeout = 31536000, wait_timeout = 31536000",
    b"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
)
# Not each version has these variables, nor the features that they switch off.
_MAY_BE = {
    "mysql": (
        b"SET SESSION information_schema_stats_expiry = 0",
        b"SET SESSION max_execution_time = 0",
        b"SET SESSION show_gipk_in_create_table_and_information_schema = 1",
        b"SET SESSION show_create_table_verbosity = 0",
    ),
    "mariadb": (b"SET SESSION max_statement_time = 0",),
}


class Asking:
    """A connection for questions, whose answers stay bytes.

    Parameters
    ----------
    settings : ConnectionSettings
        Where to.

    Raises
    ------
    ServerNotReadyError, AccessError
        There is no connection.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.connection: pymysql.Connection[Any] = connect_now(settings)
        try:
            self.sidecar: Sidecar = describe(self.connection, settings, 0.0)
            self.connection.use_unicode, self.connection.decoders = False, {}
            self._set_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it, however much of an answer is still to come."""
        with contextlib.suppress(*pymysql_errors()):
            self.connection._force_close()

    def hang_up(self) -> None:
        """End the statement that another thread waits for on it."""
        sock = self.connection._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def send(self, sql: bytes) -> None:
        """Send a statement that returns nothing."""
        send(self.connection, sql)

    def rows(self, sql: bytes) -> list[tuple[str | None, ...]]:
        """Return the rows of a question as texts."""
        fetched = send(self.connection, sql, keep=_KEEP).last
        if fetched is None:
            return []
        return [
            tuple(None if cell is None else cell.decode("utf-8", "replace") for cell in row)
            for row in fetched.rows
        ]

    def value(self, sql: bytes) -> str:
        """Return the first cell of a question's answer, empty if there is none."""
        rows = self.rows(sql)
        return (rows[0][0] or "") if rows else ""

    def shown(self, sql: bytes) -> dict[str, bytes]:
        """Return the one row of an answer by the names of its columns, in small letters.

        NULLs are left out.
        """
        fetched = send(self.connection, sql, keep=_KEEP).last
        if fetched is None or not fetched.rows or fetched.cut_values:
            return {}
        names = [field.name.decode("utf-8", "replace").lower() for field in fetched.fields]
        return {n: cell for n, cell in zip(names, fetched.rows[0]) if cell is not None}

    def _set_up(self) -> None:
        with limited(self.connection):
            for sql in _SESSION:
                self.send(sql)
            for sql in _MAY_BE[self.sidecar.flavour]:
                with contextlib.suppress(*pymysql_errors()):
                    self.send(sql)


class Snapshot:
    """Some connections that see the same moment.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    jobs : int
        How many connections are wanted.
    is_still : bool, default False
        Whether no other connection writes to these tables: then all moments are the same, and
        nothing is locked.

    Attributes
    ----------
    connections : list of Asking
        The first one is there at once, all of them after `take`.
    notes : list of str
        Notes for the user.
    """

    def __init__(self, settings: ConnectionSettings, jobs: int, *, is_still: bool = False) -> None:
        self._settings = settings
        self._jobs = jobs
        self._is_still = is_still
        self.connections = [Asking(settings)]
        self.notes: list[str] = []
        self._is_locked = False

    @property
    def control(self) -> Asking:
        """The first connection."""
        return self.connections[0]

    def take(self, *, keeps_lock: bool) -> None:
        """Take the snapshot: of as many connections as can see the same.

        Parameters
        ----------
        keeps_lock : bool
            Whether no other connection may write until `release`: for tables without transactions.
        """
        is_alone = self._is_still or (self._jobs == 1 and not keeps_lock)
        self._is_locked = not is_alone and self._lock()
        for _ in range(self._jobs - 1 if self._is_locked or self._is_still else 0):
            try:
                self.connections.append(Asking(self._settings))
            except Exception as error:  # the server may have no room for more
                self.notes.append(f"{len(self.connections)} connections: {error.args[0]}")
                break
        for each in self.connections:
            each.send(b"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        if self._is_locked and not keeps_lock:
            self.release()

    def release(self) -> None:
        """Let others write again."""
        if self._is_locked:
            self._locker.close()
            self._is_locked = False

    def close(self) -> None:
        """Close all connections."""
        if self._is_locked:
            self._locker.close()
        for each in self.connections:
            each.close()

    def _lock(self) -> bool:
        """Block all other writers; return whether that was possible."""
        self._locker = Asking(self._settings)
        try:
            self._locker.send(b"SET SESSION lock_wait_timeout = %d" % LOCK_WAIT_S)
            self._locker.send(b"FLUSH TABLES WITH READ LOCK")
        except pymysql_errors() as error:
            self._locker.close()
            self.notes.append(_why_alone(error))
            return False
        return True


def _why_alone(error: Exception) -> str:
    number = error.args[0] if error.args else 0
    if number == 1205:
        return (
            "One connection: another one has held a table's lock for too long, so that no moment "
            "could be found for several."
        )
    return (
        f"One connection: several need the right RELOAD, to see the same moment (error {number})."
    )
