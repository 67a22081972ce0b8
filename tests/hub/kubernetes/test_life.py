"""What the values promise of pods with a classic sidecar, asked on a real kubelet.

The questions are those that tests/hub/pods asks on podman. Native sidecars, which came with
Kubernetes 1.29, are not here.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.background import LIMIT_S, eventually
from tests.hub.kubernetes.real_server import real_hub
from tests.hub.pods.asking import (
    CONTENT,
    content,
    fill,
    keeps_its_promises,
    restarted,
    stops_cleanly,
    wait,
)
from tests.hub.pods.server import QueryError
from tests.hub.pods.test_trouble import GREEDY
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, INJECT, Deployment, Values

if TYPE_CHECKING:
    from tests.hub.kubernetes.cluster import RealCluster

# Longer than the pause before a second restart, which is ten seconds.
STAYS_DOWN_S = 15
# As much as MySQL has at the beginning, and some rows more.
SMALL_DISK = {"custom": {"sidecarMysql": {"disk": "300Mi"}}}
ROW = "INSERT INTO mine.t VALUES (%d, REPEAT('x', 16 * 1024 * 1024))"

# A kubelet's reason for not starting a container.
REFUSED = "CreateContainerConfigError"

(CLASSIC,) = [each for each in DEPLOYMENTS if each.files == ("sidecar-classic",)]
INJECTING = [each for each in DEPLOYMENTS if each.files == ("inject",)]
# `inject` finds by itself that 1.20 has no native sidecars; the other one is told so.
GATING = [
    each
    for each in DEPLOYMENTS
    if each.gates and each.files[0] in ("inject", "sidecar-classic", "profiles", "basehub")
]
# Of the two with snapshots, the one that finds out by itself.
SNAPSHOTS = next(each for each in INJECTING if ("data", "keep") in each.settings)
KEEPING = [each for each in INJECTING if each.keeps_data and not each.hub] + [SNAPSHOTS]


@pytest.mark.parametrize("deployment", GATING, ids=str)
def test_a_pods_life(deployment: Deployment, kubernetes: RealCluster) -> None:
    """The first cell runs at once, the promises are kept over a `kill -9`, the end is clean."""
    # Homes stay, and what is kept in one comes back.
    user = replace(deployment.user, name=f"life-{GATING.index(deployment)}")

    async def go() -> None:
        async with real_hub(kubernetes, deployment) as here:
            server = await here.start(user)
            assert await server.query("SELECT 1") == ["1"]
            await keeps_its_promises(server, survives_shutdown=False)
            assert await server.spawner.poll() is None
            await stops_cleanly(server)
            print(f"{deployment}: stop() took {server.stop_s:.1f} s")

    asyncio.run(go())


def test_mysql_that_took_too_much_memory_comes_back(kubernetes: RealCluster) -> None:
    async def go() -> None:
        async with real_hub(kubernetes, INJECT) as here:
            server = await here.start(User())
            await fill(server)
            with pytest.raises(QueryError, match="2013"):
                await server.query(GREEDY)
            await restarted(server, 1)
            assert [(end.reason, end.exit_code) for end in server.mysql.ends] == [
                ("OOMKilled", 137)
            ]
            assert server.notebook.is_running
            assert await content(server) == ["1\tb'here'"]

    asyncio.run(go())


def test_a_shutdown_stays(kubernetes: RealCluster) -> None:
    """A regular container that ends with status 0 is not started again before the pod is."""

    async def go() -> None:
        async with real_hub(kubernetes, INJECT) as here:
            server = await here.start(User())
            await server.query("SHUTDOWN")
            await eventually(lambda: server.mysql.ends)
            await asyncio.sleep(STAYS_DOWN_S)
            assert [(end.reason, end.exit_code) for end in server.mysql.ends] == [("Completed", 0)]
            assert not server.mysql.is_running
            assert server.mysql.restarts == 0
            assert await server.spawner.poll() is None
            with pytest.raises(QueryError, match="2003"):
                await server.query("SELECT 1")

    asyncio.run(go())


def test_a_pod_whose_disk_is_too_small_is_evicted(kubernetes: RealCluster) -> None:
    async def go() -> None:
        async with real_hub(kubernetes, INJECT, SMALL_DISK) as here:
            server = await here.start(User())
            await fill(server)
            with contextlib.suppress(QueryError):  # the kubelet looks every ten seconds
                for number in range(10, 22):
                    await server.query(ROW % number)
            await eventually(lambda: server.pod["status"].get("reason") == "Evicted")
            assert "sidecar-mysql-data" in server.pod["status"]["message"]
            assert await server.spawner.poll() is not None

    asyncio.run(go())


@pytest.mark.parametrize("deployment", KEEPING, ids=str)
def test_data_is_kept(deployment: Deployment, kubernetes: RealCluster) -> None:
    """Over a clean stop, and over a pod that is taken away at once."""
    user = User(f"keeps-{deployment.settings[0][1]}")

    async def go() -> None:
        async with real_hub(kubernetes, deployment) as here:
            server = await here.start(user)
            await wait(server)
            await keeps_its_promises(server, survives_shutdown=False)
            await stops_cleanly(server)
            again = await here.start(user)
            await wait(again)
            assert await content(again) == CONTENT
        # That hub ended with its pod running: it had no time to end.
        async with real_hub(kubernetes, deployment) as here:
            server = await here.start(user)
            await wait(server)
            assert await content(server) == CONTENT

    asyncio.run(go())


def test_the_datas_folder_is_in_one_of_roots(kubernetes: RealCluster) -> None:
    """A kubelet makes the folders of a sub-path: users cannot put anything beside the data."""
    (home,) = [each for each in KEEPING if ("data", "home") in each.settings]

    async def go() -> None:
        async with real_hub(kubernetes, home) as here:
            server = await here.start(User("folders"))
            command = "stat --format=%a:%u:%g ~/.sidecar-mysql ~/.sidecar-mysql/*"
            done = await server.notebook.execute("bash", "-c", command)
            assert done.output.split() == ["2755:0:100", "700:999:999"]

    asyncio.run(go())


def test_two_users_do_not_reach_each_other(kubernetes: RealCluster) -> None:
    async def go() -> None:
        async with real_hub(kubernetes, INJECT) as here:
            ada, grace = [await here.start(User(name)) for name in ("ada", "grace")]
            await fill(ada)
            assert not await grace.reaches(ada.address, 3306)
            with pytest.raises(QueryError, match="2003"):
                await grace.query("SELECT 1", host=ada.address)

    asyncio.run(go())


def test_root_that_must_not_be_root_is_refused_by_the_kubelet(kubernetes: RealCluster) -> None:
    """Not by the API server: the pod is there, and its container does not start."""

    async def go() -> None:
        async with real_hub(kubernetes, CLASSIC, _as_root()) as here:
            spawner = here.spawners.spawner(User())
            start = asyncio.ensure_future(spawner.start())

            def waits() -> bool:
                return any(
                    status.get("state", {}).get("waiting", {}).get("reason") == REFUSED
                    for uid in here.witness.pods
                    for status in [here.witness.status(uid, "mysql")]
                )

            await eventually(waits)
            assert {pod["status"]["phase"] for pod in here.witness.pods.values()} == {"Pending"}
            start.cancel()
            await asyncio.wait({start}, timeout=LIMIT_S)
            await spawner.stop(now=True)

    asyncio.run(go())


def _as_root() -> Values:
    (mysql,) = CLASSIC.values()["singleuser"]["extraContainers"]
    mysql["securityContext"]["runAsUser"] = 0
    return {"singleuser": {"extraContainers": [mysql]}}
