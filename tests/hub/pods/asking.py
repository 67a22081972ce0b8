"""What the tests ask of a running server, from its notebook's container."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.background import LIMIT_S, eventually

if TYPE_CHECKING:
    from tests.hub.pods.podman import Result
    from tests.hub.pods.server import AnyServer

WAIT = "from sidecar_magics import mysql_wait, resolve; mysql_wait(resolve({}), timeout_s=%d)"
NOTEBOOK = (
    "rm -rf /tmp/n && cp -R /notebooks /tmp/n && cd /tmp/n"
    " && jupyter execute --timeout=600 00_QuickStart.ipynb"
)
# MySQL's own words, in its log.
FAREWELL = "Shutdown complete"
RECOVERY = "Database was not shutdown normally"  # a note, so said on request only
TALKATIVE = "--log-error-verbosity=3"
# None of these measures anything: the machine may have much else to do.
RESTART_S = 3 * LIMIT_S
NOTEBOOK_S = 900.0
PORTS = (3306, 33060)
FIRST = (
    "CREATE SCHEMA mine",
    "CREATE TABLE mine.t (i INT PRIMARY KEY, b LONGBLOB)",
    "INSERT INTO mine.t VALUES (1, 'here')",
)
BLOB = "INSERT INTO mine.t SELECT 2, REPEAT('x', 64 * 1024 * 1024)"
CONTENT = ["1\tb'here'", "2\tb'xxxx'"]


async def run_python(server: AnyServer, code: str, timeout_s: float = LIMIT_S) -> Result:
    """Run Python in the notebook's container, whatever it ends with."""
    return await server.notebook.execute("python3", "-c", code, timeout_s=timeout_s)


async def wait(server: AnyServer, timeout_s: int = int(LIMIT_S)) -> None:
    """Wait for MySQL as `%mysql_wait` does, with the settings that the container has."""
    done = await run_python(server, WAIT % timeout_s, timeout_s + LIMIT_S)
    assert done.status == 0, done.errors[-600:]


async def quick_start(server: AnyServer) -> None:
    """Run the quick-start notebook, unchanged."""
    done = await server.notebook.execute("bash", "-c", NOTEBOOK, timeout_s=NOTEBOOK_S)
    assert done.status == 0, done.errors[-2000:]


async def fill(server: AnyServer) -> None:
    """Put a first row into the server."""
    for sql in FIRST:
        await server.query(sql)


async def content(server: AnyServer) -> list[str]:
    """Return the beginnings of the rows."""
    return await server.query("SELECT i, LEFT(b, 4) FROM mine.t ORDER BY i")


async def keeps_its_promises(server: AnyServer, *, survives_shutdown: bool = True) -> None:
    """Ask for what all values promise of a server that answers, and kill MySQL under way.

    Parameters
    ----------
    server : AnyServer
        A server without data of its own.
    survives_shutdown : bool, default True
        MySQL is started again after SQL's SHUTDOWN, too, with which it ends with status 0.
    """
    await quick_start(server)
    doctor = await server.notebook.execute("python3", "-m", "sidecar_magics.cli", "doctor")
    assert doctor.status == 0, doctor.output
    for port in PORTS:
        assert not await server.reaches(server.address, port)
    await fill(server)
    await server.query(BLOB)
    await server.mysql.kill()
    await restarted(server, 1)
    assert await content(server) == CONTENT
    if survives_shutdown:
        await server.query("SHUTDOWN")
        await restarted(server, 2)
        assert await content(server) == CONTENT
    assert [end.exit_code for end in server.mysql.ends] == [137, 0][: server.mysql.restarts]


async def stops_cleanly(server: AnyServer) -> None:
    """Stop a server, and see that MySQL has ended by itself."""
    ended = await server.stop()
    assert ended["mysql"].exit_code == 0
    assert FAREWELL in server.mysql.last_words


async def restarted(server: AnyServer, restarts: int) -> None:
    """Wait until MySQL has been started again, and answers.

    Raises
    ------
    TimeoutError
        It was not within RESTART_S.
    """

    async def is_back() -> None:
        await eventually(lambda: server.mysql.restarts >= restarts)
        await wait(server)

    await asyncio.wait_for(is_back(), RESTART_S)
