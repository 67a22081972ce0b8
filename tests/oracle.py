"""The real client as the oracle: what reaches the server when a script goes through it."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Any

import pymysql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

# What the client asks for itself, when it connects and for USE.
CLIENTS_OWN = (b"select @@version_comment limit 1", b"SELECT DATABASE()", b"select $$")
TIMEOUT_S = 60


def client_command(server: Server, *options: str) -> list[str]:
    """Return the command line of a server's client that runs a script, commands and all."""
    command = [*server.client, "--default-character-set=utf8mb4", "--batch", *options]
    if server.flavour == "mysql":
        command.append("--commands")  # newer clients obey a script's only when told to
    return command


def client_run(server: Server, script: bytes, *options: str) -> bytes:
    """Run a script through a server's client, and return what it says of errors."""
    command = client_command(server, *options)
    done = subprocess.run(
        command, input=script, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    return done.stderr


class Oracle:
    """Runs scripts through the client and reads in the general log what the server was sent.

    Parameters
    ----------
    server : Server
        A running one, whose general log is written into a table.
    admin : pymysql.Connection
        A connection of one's own.
    """

    def __init__(self, server: Server, admin: pymysql.Connection[Any]) -> None:
        self.server = server
        self.admin = admin

    def __call__(self, script: bytes) -> list[tuple[str, bytes]]:
        """Return the kind and the text of each command that reached the server."""
        self.query("TRUNCATE mysql.general_log")
        client_run(self.server, script, "--force")
        rows = self.query(
            "SELECT command_type, argument FROM mysql.general_log"
            " WHERE command_type IN ('Query', 'Init DB') AND thread_id <> CONNECTION_ID()"
            " ORDER BY event_time"
        )
        sent = [(kind, text.encode() if isinstance(text, str) else text) for kind, text in rows]
        return [(kind, text) for kind, text in sent if text not in CLIENTS_OWN]

    def query(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        """Ask the server on a connection of one's own."""
        with self.admin.cursor() as cursor:
            cursor.execute(sql)
            return tuple(cursor.fetchall())


@contextlib.contextmanager
def logged(server: Server) -> Iterator[Oracle]:
    """Yield an oracle, while the server writes its general log into a table."""
    admin = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        autocommit=True,
        read_timeout=TIMEOUT_S,
    )
    wanted = {"log_output": "'TABLE'", "general_log": "ON"}
    if server.flavour == "mysql":
        wanted = {"log_raw": "ON", **wanted}  # else a statement that doesn't parse is not logged
    oracle = Oracle(server, admin)
    before = {name: oracle.query(f"SELECT @@GLOBAL.{name}")[0][0] for name in wanted}
    for name, value in wanted.items():
        oracle.query(f"SET GLOBAL {name} = {value}")
    try:
        yield oracle
    finally:
        for name, value in before.items():
            oracle.query(f"SET GLOBAL {name} = {value!r}")
        admin.close()
