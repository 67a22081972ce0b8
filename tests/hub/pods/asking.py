"""What the tests ask of a running server, from its notebook's container."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hub.pods.hub import Server
    from tests.hub.pods.podman import Result

WAIT = "from sidecar_magics import mysql_wait, resolve; mysql_wait(resolve({}), timeout_s=%d)"
NOTEBOOK = (
    "rm -rf /tmp/n && cp -R /notebooks /tmp/n && cd /tmp/n"
    " && jupyter execute --timeout=300 00_QuickStart.ipynb"
)
# MySQL's own words, in its log.
FAREWELL = "Shutdown complete"
RECOVERY = "Database was not shutdown normally"  # a note, so said on request only
TALKATIVE = "--log-error-verbosity=3"
RESTART_S = 90


async def run_python(server: Server, code: str, timeout_s: float = 120) -> Result:
    """Run Python in the notebook's container, whatever it ends with."""
    return await server.notebook.execute("python3", "-c", code, timeout_s=timeout_s)


async def wait(server: Server, timeout_s: int = 60) -> None:
    """Wait for MySQL as `%mysql_wait` does, with the settings that the container has."""
    done = await run_python(server, WAIT % timeout_s)
    assert done.status == 0, done.errors[-600:]


async def quick_start(server: Server) -> None:
    """Run the quick-start notebook, unchanged."""
    done = await server.notebook.execute("bash", "-c", NOTEBOOK, timeout_s=300)
    assert done.status == 0, done.errors[-2000:]


async def fill(server: Server) -> None:
    """Put a first row into the server."""
    for sql in (
        "CREATE SCHEMA mine",
        "CREATE TABLE mine.t (i INT PRIMARY KEY, b LONGBLOB)",
        "INSERT INTO mine.t VALUES (1, 'here')",
    ):
        await server.query(sql)


async def content(server: Server) -> list[str]:
    """Return the beginnings of the rows."""
    return await server.query("SELECT i, LEFT(b, 4) FROM mine.t ORDER BY i")


async def restarted(server: Server, restarts: int) -> None:
    """Wait until MySQL has been started again, and answers.

    Raises
    ------
    TimeoutError
        It was not within RESTART_S.
    """

    async def is_back() -> None:
        while server.mysql.restarts < restarts:
            await asyncio.sleep(0.2)
        await wait(server)

    await asyncio.wait_for(is_back(), RESTART_S)
