"""What the values promise, asked of running pods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.hub.pods.hub import QueryError, Server, hub
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, SEED, SIDECAR, Deployment

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = [each for each in DEPLOYMENTS if each.files[-1] not in ("netpol", "ephemeral")]
GATING = [each for each in PLAIN if each.gates]
KEEPING = [each for each in PLAIN if each.keeps_data]
WAIT = "from sidecar_magics import mysql_wait, resolve; mysql_wait(resolve({}), timeout_s=%d)"
NOTEBOOK = (
    "cp -R /notebooks /tmp/n && cd /tmp/n && jupyter execute --timeout=300 00_QuickStart.ipynb"
)
BLOB = "INSERT INTO mine.t SELECT 2, REPEAT('x', 64 * 1024 * 1024)"
# MySQL's own word, in its log.
FAREWELL = "Shutdown complete"
KILL_S = 60


async def wait(server: Server, timeout_s: int = 60) -> None:
    done = await server.notebook.execute("python3", "-c", WAIT % timeout_s)
    assert done.status == 0, done.errors[-600:]


async def fill(server: Server) -> None:
    for sql in (
        "CREATE SCHEMA mine",
        "CREATE TABLE mine.t (i INT PRIMARY KEY, b LONGBLOB)",
        "INSERT INTO mine.t VALUES (1, 'here')",
    ):
        await server.query(sql)


async def content(server: Server) -> list[str]:
    return await server.query("SELECT i, LEFT(b, 4) FROM mine.t ORDER BY i")


async def is_back(server: Server, restarts: int) -> None:
    """Wait until MySQL has been started again, and answers."""
    while server.mysql.restarts < restarts:
        await asyncio.sleep(0.2)
    await wait(server)


@pytest.mark.parametrize("deployment", GATING, ids=str)
def test_a_pods_life(deployment: Deployment, tmp_path: Path) -> None:
    """The first cell works at once, nobody else gets in, a large blob fits, the end is clean."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(deployment.user)
            assert await server.query("SELECT 1") == ["1"]
            for port in (3306, 33060):
                assert not await server.reaches(server.pod.address, port)
            await fill(server)
            await server.query(BLOB)
            assert await content(server) == ["1\tb'here'", "2\tb'xxxx'"]
            ended = await server.stop()
            assert ended["mysql"].exit_code == 0
            assert FAREWELL in server.mysql.last_words
            assert server.mysql.restarts == 0

    asyncio.run(go())


def test_the_quick_start_notebook_runs(tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(SIDECAR, tmp_path) as here:
            server = await here.start(User())
            done = await server.notebook.execute("bash", "-c", NOTEBOOK, timeout_s=300)
            assert done.status == 0, done.errors[-2000:]

    asyncio.run(go())


def test_mysql_comes_back_with_its_data(tmp_path: Path) -> None:
    """After a kill, and after SQL's SHUTDOWN, which ends with status 0."""

    async def go() -> None:
        async with hub(SIDECAR, tmp_path) as here:
            server = await here.start(User())
            await fill(server)
            await server.mysql.kill()
            await asyncio.wait_for(is_back(server, 1), KILL_S)
            assert await content(server) == ["1\tb'here'"]
            await server.query("SHUTDOWN")
            await asyncio.wait_for(is_back(server, 2), KILL_S)
            assert await content(server) == ["1\tb'here'"]
            assert [end.exit_code for end in server.mysql.ends] == [137, 0]

    asyncio.run(go())


def test_two_users_do_not_reach_each_other(tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(SIDECAR, tmp_path) as here:
            ada, grace = [await here.start(User(name)) for name in ("ada", "grace")]
            await fill(ada)
            assert not await grace.reaches(ada.pod.address, 3306)
            with pytest.raises(QueryError, match="2003"):
                await grace.query("SELECT 1", host=ada.pod.address)
            with pytest.raises(QueryError, match="mine"):
                await content(grace)

    asyncio.run(go())


@pytest.mark.parametrize("deployment", KEEPING, ids=str)
def test_data_is_kept(deployment: Deployment, tmp_path: Path) -> None:
    """Over a stop, which is clean, and over the loss of the node, which is not."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(deployment.user)
            await wait(server)
            await fill(server)
            for port in (3306, 33060):
                assert not await server.reaches(server.pod.address, port)
            ended = await server.stop()
            assert ended["mysql"].exit_code == 0
            assert FAREWELL in server.mysql.last_words
            again = await here.start(deployment.user)
            await wait(again)
            assert await content(again) == ["1\tb'here'"]

    asyncio.run(go())
    asyncio.run(_after_a_lost_node(deployment, tmp_path))


async def _after_a_lost_node(deployment: Deployment, folder: Path) -> None:
    # The hub above ended with its pod running: it was killed.
    async with hub(deployment, folder) as here:
        server = await here.start(deployment.user)
        await wait(server)
        assert await content(server) == ["1\tb'here'"]


@pytest.mark.parametrize("deployment", KEEPING, ids=str)
def test_damaged_data_locks_nobody_out(deployment: Deployment, tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(deployment.user)
            await wait(server)
            await server.stop()
            (tablespace,) = (tmp_path / "claims").rglob("ibdata1")
            tablespace.write_bytes(b"damaged" * 100)
            again = await here.start(deployment.user)
            done = await again.notebook.execute("python3", "-c", WAIT % 5)
            assert done.status != 0
            assert "nothing listens" in done.errors.lower() or "refused" in done.errors.lower()

    asyncio.run(go())


def test_the_published_values(tmp_path: Path) -> None:
    """Each defect that shows in a running pod."""

    async def go() -> None:
        async with hub(SEED, tmp_path) as here:
            server = await here.start(User())
            with pytest.raises(QueryError, match="2003"):
                await server.query("SELECT 1")
            await wait(server, 120)
            for port in (3306, 33060):
                assert await server.reaches(server.pod.address, port)
            await server.query("SHUTDOWN")
            await asyncio.sleep(5)
            assert (await server.mysql.state()).status == "running"
            assert server.mysql.restarts == 0
            with pytest.raises(QueryError, match="2003"):
                await server.query("SELECT 1")
            ended = await server.stop()
            assert ended["mysql"].exit_code == 137

    asyncio.run(go())
