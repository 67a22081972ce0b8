"""Ending a load as soon as the server's journal holds a part of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pymysql

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import SidecarError
from sidecar_magics.load.journal.pieces import SCHEMA
from tests.background import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.kinds import Script
    from tests.servers import Server

POLL_S = 0.001
# Source: MySQL error reference; schema, table, column unknown.
NOT_YET = {1049, 1146}
UNKNOWN_COLUMN = 1054


class Watch:
    """A thread that asks a server how far a load is, and acts once.

    Parameters
    ----------
    server : Server
        Where the journal is.
    script : Script
        What is loaded: a piece of the rows of `b` is waited for.
    pieces : int
        How many of them.
    act : callable
        Called in the thread.
    """

    def __init__(
        self, server: Server, script: Script, pieces: int, act: Callable[[], None]
    ) -> None:
        noted = f"FROM {SCHEMA}.done WHERE begins BETWEEN {script.b_from} AND {script.b_to}"
        self._questions = [
            f"SELECT COUNT(*) >= {pieces} {noted}",
            # Rows are noted in their own transaction: those that can be seen are noted.
            "SELECT COUNT(*) > 0 FROM (SELECT 1 FROM faults_k.b LIMIT 1) AS some",
        ]
        self._server, self._act = server, act
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Give up, if it has not happened yet; wait until it is over if it is just happening."""
        self._ends.set()
        self._thread.join(10)

    def _run(self) -> None:
        until(lambda: self._ends.is_set() or self._has_happened())

    def _has_happened(self) -> bool:
        try:
            with connect_now(self._server.settings) as connection:
                self._ask(connection)
        except (pymysql.MySQLError, SidecarError, OSError):  # the server was ended
            return False
        return True

    def _ask(self, connection: pymysql.Connection[Any]) -> None:
        connection.autocommit(True)
        with connection.cursor() as cursor:
            while not self._ends.wait(POLL_S):
                try:
                    cursor.execute(self._questions[0])
                    if cursor.fetchall()[0][0]:
                        self._act()
                        return
                except pymysql.MySQLError as error:
                    if error.args[0] == UNKNOWN_COLUMN and len(self._questions) > 1:
                        self._questions.pop(0)
                    elif error.args[0] not in NOT_YET:
                        raise
