"""A connection to look at tables with, in a state that does not depend on the script's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable

from ...server import pymysql_errors
from ..planning.tables import TableFacts
from ..reporting.failures import is_lost
from .link import text

if TYPE_CHECKING:
    from ..planning.tasks import Table
    from .link import Link


class Inspector:
    """Looks at tables; any thread may use it.

    It is a connection of its own, so the server does not know that a lane which asks it also has
    another one. So a lane that asks must have nothing uncommitted and hold no lock: the answer
    may have to wait for a definition, and that for the asker's locks, and the server would not see
    the circle.

    Parameters
    ----------
    link : Link
        An open connection, in the server's default state.
    await_server : callable
        Waits until the server can be logged in to.
    """

    def __init__(self, link: Link, await_server: Callable[[], object]) -> None:
        self._link = link
        self._await_server = await_server
        self._lock = threading.Lock()
        self._prepare()

    def _prepare(self) -> None:
        self._link.send(b"SET sql_quote_show_create = 1")
        mode = self._link.ask("SELECT @@sql_mode").split(",")
        kept = ",".join(name for name in mode if not name.startswith("ANSI"))
        self._link.send(b"SET sql_mode = '" + kept.encode() + b"'")
        for name, _ in self._link.rows("SHOW VARIABLES LIKE 'show_gipk_in_create_table%'"):
            # So that a primary key which the server has added is seen.
            self._link.send(f"SET {name} = 1".encode())

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
            self._await_server()
            self._link.open()
            self._prepare()

    def rows(self, sql: bytes) -> list[tuple[Any, ...]]:
        """Ask, on a connection that is made again if it is lost; cells are bytes, or None."""
        with self._lock:
            for again in (True, False):
                try:
                    return self._link.cells(sql)
                except pymysql_errors() as error:
                    if not (again and is_lost(error)):
                        raise
                    self._revive()
        return []

    def show_create(self, table: Table) -> bytes | None:
        """Return the server's text for a table, None if there is no such table."""
        try:
            rows = self.rows(b"SHOW CREATE TABLE " + table.quoted)
        except pymysql_errors() as error:
            if is_lost(error):
                raise
            return None
        return rows[0][1] if rows and isinstance(rows[0][1], bytes) else None

    def look_up(self, schema: bytes, name: bytes) -> TableFacts | None:
        """Return the facts about a table or view; None if it is not there."""
        in_schema = f"CONVERT(x'{schema.hex()}' USING utf8mb4)"
        of_table = f"CONVERT(x'{name.hex()}' USING utf8mb4)"
        of_counter = (
            f"table_schema = {in_schema} AND table_name = {of_table}"
            " AND extra LIKE '%auto_increment%' LIMIT 1"
        )
        rows = self.rows(
            (
                "SELECT table_type = 'BASE TABLE', COALESCE(engine = 'InnoDB', 0), EXISTS (SELECT 1"
                f" FROM information_schema.triggers WHERE event_object_schema = {in_schema}"
                f" AND event_object_table = {of_table}), (SELECT CONCAT(ordinal_position, ' ',"
                " HEX(CONVERT(column_name USING utf8mb4)), ' ', extra LIKE '%invisible%')"
                " FROM information_schema.columns"
                f" WHERE {of_counter}) FROM information_schema.tables"
                f" WHERE table_schema = {in_schema} AND table_name = {of_table}"
            ).encode()
        )
        if not rows:
            return None
        is_table, innodb, watched, counter = rows[0]
        place, name_in_hex, unseen = text(counter).split(" ") if counter else ("", "", "0")
        return TableFacts(
            is_table=text(is_table) == "1",
            innodb=text(innodb) == "1",
            watched=text(watched) == "1",
            counts_up=bytes.fromhex(name_in_hex) if place == "1" else None,
            counts_up_elsewhere=place not in ("", "1"),
            counts_unseen=unseen == "1",
        )
