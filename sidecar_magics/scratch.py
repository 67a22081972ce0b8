"""Scratch schemas, with names of their own; those of killed processes are dropped.

A process with scratch schemas holds a named lock (GET_LOCK) with their token as long as it is
connected. Killed processes leave scratch schemas without such a lock; the next process drops them.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from .limits import limited
from .server import pymysql_errors

if TYPE_CHECKING:
    import pymysql

    from .settings import ConnectionSettings

# Their purpose: a rehearsal of --check, the copy of --verify.
CHECK = "check"
VERIFY = "verify"
# For Python and for servers.
SCRATCH_PATTERN = f"^sidecar_({CHECK}|{VERIFY})_([0-9a-f]{{8}})_[0-9]+$"
_NAME = re.compile(SCRATCH_PATTERN, re.ASCII)
# Source: wait_timeout, "Server System Variables": a year is the most.
_FOREVER_S = 31536000
_QUESTION_S = 20.0
# Tables with rows take longer than a question.
_DROP_S = 600.0


def is_scratch(schema: str) -> bool:
    """Return whether a schema is, by its name, a scratch schema."""
    return _NAME.fullmatch(schema) is not None


class ScratchSchemas:
    """The scratch schemas of one task.

    Parameters
    ----------
    connection : pymysql.Connection
        Makes and drops them, and holds the lock: they are the task's as long as it lives.
    purpose : str
        `CHECK` or `VERIFY`.
    """

    def __init__(self, connection: pymysql.Connection[Any], purpose: str) -> None:
        self._connection = connection
        self._token = secrets.token_hex(4)
        self._purpose = purpose

    def begin(self) -> list[str]:
        """Take the lock, drop those of killed processes, and return all schemas that there were.

        Raises
        ------
        pymysql.err.MySQLError
            The server refuses the lock, or the connection was lost.
        """
        self._ask(f"SELECT GET_LOCK('{_lock(self._purpose, self._token)}', 0)")
        with contextlib.suppress(*pymysql_errors()):  # they are not for replicas
            self._ask("SET SESSION sql_log_bin = 0")
        self._ask(f"SET SESSION foreign_key_checks = 0, wait_timeout = {_FOREVER_S}")
        names = [str(name) for (name,) in self._ask("SHOW SCHEMAS")]
        for name in names:
            found = _NAME.fullmatch(name)
            if found and not self._is_held(_lock(found[1], found[2])):
                self.drop(name)
        return names

    def name(self, number: int) -> str:
        """Return the name of one of them; sorted by name they are sorted by number."""
        return f"sidecar_{self._purpose}_{self._token}_{number:03}"

    def drop(self, name: str) -> None:
        """Drop one, if it exists and the server allows it."""
        connection = self._connection
        with contextlib.suppress(*pymysql_errors()), limited(connection, _DROP_S):
            connection.cursor().execute(f"DROP DATABASE IF EXISTS `{name}`")

    def _is_held(self, lock: str) -> bool:
        return self._ask(f"SELECT IS_USED_LOCK('{lock}')")[0][0] is not None

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with limited(self._connection, _QUESTION_S), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


def free_bytes(settings: ConnectionSettings, data_folder: str) -> int | None:
    """Return the free bytes on the disk of a server's data; None if we cannot see it from here.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    data_folder : str
        Its ``datadir``.
    """
    if not data_folder or not settings.is_loopback:
        return None
    try:
        return shutil.disk_usage(data_folder).free
    except OSError:
        return None  # in a container, or another account's


def _lock(purpose: str, token: str) -> str:
    return f"sidecar_magics.{purpose}.{token}"
