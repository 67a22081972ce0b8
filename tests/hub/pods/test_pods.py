"""What the values promise, asked of running pods."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

import pytest

from tests.hub.pods.asking import (
    FAREWELL,
    RECOVERY,
    TALKATIVE,
    WAIT,
    content,
    fill,
    quick_start,
    restarted,
    run_python,
    wait,
)
from tests.hub.pods.hub import QueryError, hub
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, SEED, SIDECAR, Deployment, Values

if TYPE_CHECKING:
    from pathlib import Path

# A network policy is not in the pod.
PLAIN = [each for each in DEPLOYMENTS if each.files[-1] != "netpol"]
GATING = [each for each in PLAIN if each.gates]
KEEPING = [each for each in PLAIN if each.keeps_data]
BLOB = "INSERT INTO mine.t SELECT 2, REPEAT('x', 64 * 1024 * 1024)"


def talkative(deployment: Deployment) -> Values:
    """Return a change with which MySQL tells more in its log."""
    containers = copy.deepcopy(deployment.values()["singleuser"]["initContainers"])
    (mysql,) = [each for each in containers if each["name"] == "mysql"]
    mysql["args"].append(TALKATIVE)
    return {"singleuser": {"initContainers": containers}}


@pytest.mark.parametrize("deployment", GATING, ids=str)
def test_a_pods_life(deployment: Deployment, tmp_path: Path) -> None:
    """The notebook runs at once, nobody else gets in, a large blob fits, the end is clean."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(deployment.user)
            assert await server.query("SELECT 1") == ["1"]
            await quick_start(server)
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


def test_mysql_comes_back_with_its_data(tmp_path: Path) -> None:
    """After a kill, and after SQL's SHUTDOWN, which ends with status 0."""

    async def go() -> None:
        async with hub(SIDECAR, tmp_path) as here:
            server = await here.start(User())
            await fill(server)
            await server.mysql.kill()
            await restarted(server, 1)
            assert await content(server) == ["1\tb'here'"]
            await server.query("SHUTDOWN")
            await restarted(server, 2)
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
        async with hub(deployment, tmp_path, talkative(deployment)) as here:
            server = await here.start(deployment.user)
            await wait(server)
            await quick_start(server)
            await fill(server)
            for port in (3306, 33060):
                assert not await server.reaches(server.pod.address, port)
            ended = await server.stop()
            assert ended["mysql"].exit_code == 0
            assert FAREWELL in server.mysql.last_words
            again = await here.start(deployment.user)
            await wait(again)
            assert await content(again) == ["1\tb'here'"]
            assert RECOVERY not in await again.mysql.log()

    asyncio.run(go())
    asyncio.run(_after_a_lost_node(deployment, tmp_path))


async def _after_a_lost_node(deployment: Deployment, folder: Path) -> None:
    # The hub above ended with its pod running: it was killed.
    async with hub(deployment, folder, talkative(deployment)) as here:
        server = await here.start(deployment.user)
        await wait(server)
        assert await content(server) == ["1\tb'here'"]
        assert RECOVERY in await server.mysql.log()


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
            done = await run_python(again, WAIT % 5)
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
