"""The volume of its own that inject.values.yaml gives each server, on request."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.hub import chart
from tests.hub.apiserver import Manifest
from tests.hub.spawning import User, cluster
from tests.hub.values import INJECT, merge

VALUES = merge(INJECT.values(), {"custom": {"sidecarMysql": {"data": "claim", "disk": "5Gi"}}})


def claims_after(*users: User) -> list[Manifest]:
    """Return the claims for data after each of the users' servers ran, in that order."""

    async def go() -> list[Manifest]:
        async with cluster(chart.spawner_config(VALUES)) as one:
            for user in users:
                spawner: Any = one.spawner(user)
                await spawner.start()
                await spawner.stop()
            created = one.api.created["persistentvolumeclaims"]
            return [each for each in created if each["metadata"]["name"].startswith("mysql-")]

    return asyncio.run(go())


def test_made_once() -> None:
    (claim,) = claims_after(User(), User())
    assert claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert claim["metadata"]["labels"]["component"] == "sidecar-mysql"
    assert claim["metadata"]["annotations"]["hub.jupyter.org/username"] == "ada"


def test_one_for_each_server() -> None:
    claims = claims_after(User(), User("ada", "second"), User("grace"))
    assert len({claim["metadata"]["name"] for claim in claims}) == 3


def test_pods_ask_for_the_claim_that_was_made() -> None:
    async def go() -> tuple[str, set[str]]:
        async with cluster(chart.spawner_config(VALUES)) as one:
            await one.spawner(User("9user@email.com")).start()
            (pod,) = one.api.created["pods"]
            (name,) = [
                volume["persistentVolumeClaim"]["claimName"]
                for volume in pod["spec"]["volumes"]
                if volume["name"] == "sidecar-mysql-data"
            ]
            return name, set(one.api.objects["persistentvolumeclaims"])

    name, there = asyncio.run(go())
    assert name in there
