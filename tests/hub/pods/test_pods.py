"""What the values promise, asked of running pods."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

import filelock
import pytest

from tests.hub.pods import images
from tests.hub.pods.asking import (
    CONTENT,
    PORTS,
    RECOVERY,
    TALKATIVE,
    WAIT,
    content,
    fill,
    keeps_its_promises,
    run_python,
    stops_cleanly,
    wait,
)
from tests.hub.pods.hub import hub
from tests.hub.pods.server import QueryError
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, SEED, SIDECAR, Deployment, Values

if TYPE_CHECKING:
    from pathlib import Path

# A network policy is not in the pod.
PLAIN = [each for each in DEPLOYMENTS if each.files[-1] != "netpol"]
GATING = [each for each in PLAIN if each.gates]
KEEPING = [each for each in PLAIN if each.keeps_data]


def talkative(deployment: Deployment) -> Values:
    """Return a change with which MySQL tells more in its log."""
    if "inject" in deployment.files:
        return {"custom": {"sidecarMysql": {"options": [TALKATIVE]}}}
    containers = copy.deepcopy(deployment.values()["singleuser"]["initContainers"])
    (mysql,) = [each for each in containers if each["name"] == "mysql"]
    mysql["args"].append(TALKATIVE)
    return {"singleuser": {"initContainers": containers}}


@pytest.mark.parametrize("deployment", GATING, ids=str)
def test_a_pods_life(deployment: Deployment, tmp_path: Path) -> None:
    """The first cell runs at once, the promises are kept, the end is clean."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(deployment.user)
            assert await server.query("SELECT 1") == ["1"]
            await keeps_its_promises(server, survives_shutdown=deployment.is_native)
            await stops_cleanly(server)

    asyncio.run(go())


def test_other_runs_wait() -> None:
    """Else they give the names of this run's images to theirs, and it finds none."""
    with pytest.raises(filelock.Timeout):
        filelock.FileLock(images.LOCK).acquire(timeout=0)


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
            await keeps_its_promises(server)
            await stops_cleanly(server)
            again = await here.start(deployment.user)
            await wait(again)
            assert await content(again) == CONTENT
            assert RECOVERY not in await again.mysql.log()

    asyncio.run(go())
    asyncio.run(_after_a_lost_node(deployment, tmp_path))


async def _after_a_lost_node(deployment: Deployment, folder: Path) -> None:
    # The hub above ended with its pod running: it was killed.
    async with hub(deployment, folder, talkative(deployment)) as here:
        server = await here.start(deployment.user)
        await wait(server)
        assert await content(server) == CONTENT
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
            await wait(server)
            for port in PORTS:
                assert await server.reaches(server.pod.address, port)
            doctor = await server.notebook.execute("python3", "-m", "sidecar_magics.cli", "doctor")
            assert doctor.status == 1
            assert "other pods" in doctor.output
            await server.query("SHUTDOWN")
            await asyncio.sleep(5)
            assert (await server.mysql.state()).status == "running"
            assert server.mysql.restarts == 0
            with pytest.raises(QueryError, match="2003"):
                await server.query("SELECT 1")
            ended = await server.stop()
            assert ended["mysql"].exit_code == 137

    asyncio.run(go())
