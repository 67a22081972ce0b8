"""What a server says of itself when it is asked; asking changes nothing there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..load.entries import UNFINISHED, Unfinished
from ..server import pymysql_errors
from ..sidecar import Sidecar, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pymysql

    from ..settings import ConnectionSettings

ON = {"ON", "1", "YES"}
# The sizes of all tables' files, without opening the tables; for accounts with PROCESS.
FILE_SIZES = {
    "mysql": "SELECT SUM(FILE_SIZE) FROM information_schema.INNODB_TABLESPACES",
    "mariadb": "SELECT SUM(FILE_SIZE) FROM information_schema.INNODB_SYS_TABLESPACES",
}
SINCE_1970 = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"


@dataclass(frozen=True)
class ServerFacts:
    """A server, as it described itself.

    Parameters
    ----------
    settings : ConnectionSettings
        How it was reached.
    sidecar : Sidecar
        What it is.
    variables : mapping of str to str
        Its global variables, by name in lower case.
    connections : int
        How many there are, ours included.
    table_bytes : int or None
        What the tables take on its disk; None if this account may not know.
    ahead_s : float
        Seconds that its clock is ahead of ours.
    unfinished : tuple of Unfinished
        Loads that did not come to their end.
    """

    settings: ConnectionSettings
    sidecar: Sidecar
    variables: Mapping[str, str] = field(default_factory=dict)
    connections: int = 1
    table_bytes: int | None = None
    ahead_s: float = 0.0
    unfinished: tuple[Unfinished, ...] = ()

    def is_on(self, variable: str) -> bool:
        """Tell whether a variable is on; one that this server doesn't have is not."""
        return self.variables.get(variable, "").upper() in ON

    def number(self, variable: str) -> int:
        """Return a variable's value, 0 if it has none."""
        text = self.variables.get(variable, "")
        return int(text) if text.isdigit() else 0


def ask(connection: pymysql.Connection[Any], settings: ConnectionSettings) -> ServerFacts:
    """Ask a server what the checks want to know.

    Parameters
    ----------
    connection : pymysql.Connection
        A logged-in connection.
    settings : ConnectionSettings
        How it was reached.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        It does not answer, or refuses what every account may ask.
    """
    sidecar = describe(connection, settings, 0.0)
    variables = {
        str(name).lower(): str(value) for name, value in _rows(connection, "SHOW GLOBAL VARIABLES")
    }
    ((_, connections),) = _rows(connection, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")
    sizes = _rows_if_allowed(connection, FILE_SIZES[sidecar.flavour])
    return ServerFacts(
        settings,
        sidecar,
        variables,
        connections=int(connections),
        table_bytes=int(sizes[0][0]) if sizes and sizes[0][0] is not None else None,
        ahead_s=_ahead_s(connection),
        unfinished=tuple(
            Unfinished(bytes(name).decode("utf-8", "replace"), str(started), bool(holder))
            for name, started, holder in _rows_if_allowed(connection, UNFINISHED)
        ),
    )


def _ahead_s(connection: pymysql.Connection[Any]) -> float:
    """Return how far the server's clock is ahead; what the question took is in its favour."""
    before_s = time.time()
    # Not UNIX_TIMESTAMP(NOW()), which takes the way over a time zone with an hour that comes twice.
    ((microseconds,),) = _rows(connection, SINCE_1970)
    after_s = time.time()
    theirs_s = int(microseconds) / 1e6
    if theirs_s < before_s:
        return theirs_s - before_s
    return max(0.0, theirs_s - after_s)


def _rows_if_allowed(connection: pymysql.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    """Return rows; none where there is no such table, or it is not for this account."""
    import pymysql  # noqa: PLC0415 - nothing is imported before it is used

    try:
        return _rows(connection, sql)
    except pymysql_errors() as error:
        if isinstance(error, (pymysql.err.ProgrammingError, pymysql.err.OperationalError)) and (
            error.args[0] in NOT_THERE_OR_NOT_ALLOWED
        ):
            return []
        raise


# Unknown schema, unknown table; no right to: the schema, the table, a privilege (PROCESS).
NOT_THERE_OR_NOT_ALLOWED = {1049, 1146, 1044, 1142, 1227}


def _rows(connection: pymysql.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
