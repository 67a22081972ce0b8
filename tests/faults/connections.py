"""Who is connected to a server, and how that is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql

from sidecar_magics.connection import connect_now

if TYPE_CHECKING:
    from tests.servers import Server


def others(cursor: Any) -> dict[int, list[Any]]:
    """Return all connections but one's own: what each does, by its number."""
    cursor.execute(
        "SELECT id, user, host, db, command, time, state, LEFT(info, 200)"
        " FROM information_schema.processlist"
        " WHERE id <> CONNECTION_ID() AND user NOT IN ('event_scheduler', 'system user')"
    )
    return {number: does for number, *does in cursor.fetchall()}


def end_others(server: Server) -> None:
    """End what a load that hung or was killed may have left, and what that waits for."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for number in others(cursor):
            try:
                cursor.execute(f"KILL {number}")
            except pymysql.MySQLError:  # it has just ended
                continue
