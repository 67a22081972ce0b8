"""Facts that a server reports about itself; asking changes nothing there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..blockers import Blocker, blockers
from ..errors import shown
from ..limits import limited
from ..load.journal.loads import UNFINISHED, LoadCall, Unfinished
from ..questions import ask as ask_server
from ..server import pymysql_errors
from ..sidecar import Sidecar, identify

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pymysql

    from ..settings import ConnectionSettings

# The longest that checks look at are folders.
VALUE_SHOWN = 4096
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
        Its description.
    variables : mapping of str to str
        Its global variables, by name in lower case.
    connections : int
        How many there are, ours included.
    table_bytes : int or None
        Size of the tables on its disk; None if this account may not know.
    ahead_s : float
        Seconds that its clock is ahead of ours.
    unfinished : tuple of Unfinished
        Unfinished loads.
    blockers : tuple of Blocker
        Connections with an open transaction or with locks.
    """

    settings: ConnectionSettings
    sidecar: Sidecar
    variables: Mapping[str, str] = field(default_factory=dict)
    connections: int = 1
    table_bytes: int | None = None
    ahead_s: float = 0.0
    unfinished: tuple[Unfinished, ...] = ()
    blockers: tuple[Blocker, ...] = ()

    def is_on(self, variable: str) -> bool:
        """Return whether a variable is on; one that this server doesn't have is not."""
        return self.variables.get(variable, "").upper() in ON

    def number(self, variable: str) -> int:
        """Return a variable's value, 0 if it has none."""
        text = self.variables.get(variable, "")
        return _number(text) or 0


def ask(connection: pymysql.Connection[Any], settings: ConnectionSettings) -> ServerFacts:
    """Ask a server for the facts that the checks need.

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
    with limited(connection):
        sidecar = identify(connection, settings, 0.0)
        variables = {
            shown(name or "").lower(): shown(value or "", VALUE_SHOWN)
            for name, value in ask_server(connection, "SHOW GLOBAL VARIABLES", 2)
        }
        threads = ask_server(connection, "SHOW GLOBAL STATUS LIKE 'Threads_connected'", 2)
        sizes = _rows_if_allowed(connection, FILE_SIZES[sidecar.flavour], 1)
        return ServerFacts(
            settings,
            sidecar,
            variables,
            connections=_number(threads[0][1] if threads else None) or 1,
            table_bytes=_number(sizes[0][0]) if sizes else None,
            ahead_s=_ahead_s(connection),
            unfinished=tuple(
                Unfinished(
                    shown(name or ""),
                    shown(started or ""),
                    holder is not None,
                    _number(done) or 0,
                    _call(stamp),
                )
                for name, started, holder, done, stamp in _rows_if_allowed(
                    connection, UNFINISHED, 5
                )
            ),
            blockers=tuple(blockers(connection)),
        )


def _call(stamp: str | None) -> LoadCall:
    """Return how a load was called, in words that can be shown."""
    call = LoadCall.from_json(stamp or "")
    options = tuple(shown(word, VALUE_SHOWN) for word in call.options)
    return LoadCall(shown(call.where, VALUE_SHOWN), options, call.target)


def _ahead_s(connection: pymysql.Connection[Any]) -> float:
    """Return how far the server's clock is ahead, allowing for the time of the question."""
    before_s = time.time()
    # Not UNIX_TIMESTAMP(NOW()), which takes the way over a time zone with an hour that comes twice.
    rows = ask_server(connection, SINCE_1970, 1)
    after_s = time.time()
    microseconds = _number(rows[0][0] if rows else None)
    if microseconds is None:
        return 0.0
    theirs_s = microseconds / 1e6
    if theirs_s < before_s:
        return theirs_s - before_s
    return max(0.0, theirs_s - after_s)


def _rows_if_allowed(
    connection: pymysql.Connection[Any], sql: str, columns: int
) -> list[tuple[str | None, ...]]:
    """Return rows; none where there is no such table, or it is not for this account."""
    try:
        return ask_server(connection, sql, columns)
    except pymysql_errors() as error:
        if error.args and error.args[0] in NOT_THERE_OR_NOT_ALLOWED:
            return []
        raise


# Unknown schema, unknown table; no right to: the schema, the table, a privilege (PROCESS).
NOT_THERE_OR_NOT_ALLOWED = {1049, 1146, 1044, 1142, 1227}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
