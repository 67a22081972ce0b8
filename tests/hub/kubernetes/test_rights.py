"""KubeSpawner on a real API server, with the rights that z2jh gives a hub, and no others."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.background import LIMIT_S, eventually
from tests.hub import chart
from tests.hub.kubernetes.candidates import classic
from tests.hub.kubernetes.client import ApiRefusal
from tests.hub.spawning import NAMESPACE, Spawners, User, reaching
from tests.hub.values import DEPLOYMENTS, Deployment

if TYPE_CHECKING:
    from tests.hub.apiserver import Manifest
    from tests.hub.kubernetes.server import RealApi

RIVALS = [each for each in DEPLOYMENTS if each.files[0] in ("inject", "sidecar-classic")]


def running(pod: Manifest) -> Manifest:
    """Return the status that a kubelet would give a pod."""
    ready = [
        {
            "name": each["name"],
            "ready": True,
            "restartCount": 0,
            "image": each["image"],
            "imageID": "",
            "state": {"running": {}},
        }
        for each in pod["spec"]["containers"]
    ]
    return {"phase": "Running", "podIP": "127.0.0.2", "containerStatuses": ready}


@pytest.mark.parametrize("deployment", RIVALS, ids=str)
def test_they_are_enough_to_start_and_stop(deployment: Deployment, api: RealApi) -> None:
    """Also for the claim that inject.values.yaml makes, and for its question for the version."""

    async def go() -> Manifest:
        async with reaching(api.hub.kubeconfig()):
            with closing(Spawners(chart.spawner_config(classic(deployment.values())))) as hub:
                spawner: Any = hub.spawner(User())
                start = asyncio.ensure_future(spawner.start())
                await eventually(lambda: start.done() or api.admin.list("Pod", NAMESPACE))
                if start.done():
                    await start  # says why
                (pod,) = api.admin.list("Pod", NAMESPACE)
                pod = {**pod, "kind": "Pod"}
                api.admin.set_status(pod, running(pod))
                await asyncio.wait_for(start, LIMIT_S)
                assert await spawner.poll() is None
                await asyncio.wait_for(spawner.stop(), LIMIT_S)
                return pod

    pod = asyncio.run(go())
    assert api.admin.list("Pod", NAMESPACE) == []
    assert [each["name"] for each in pod["spec"]["containers"]].count("mysql") == 1


def test_a_hub_may_not_do_more(api: RealApi) -> None:
    with pytest.raises(ApiRefusal) as caught:
        api.hub.list("Node")
    assert caught.value.status == 403
