"""A pod of the stand-in ends, at whichever moment, and however often, it is asked to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.background import LIMIT_S, eventually
from tests.hub.apiserver import ApiServer, HollowKubelet
from tests.hub.pods.podman import run

if TYPE_CHECKING:
    from tests.hub.apiserver import Manifest

POD = {"metadata": {"name": "one"}, "spec": {"containers": []}}


class Command:
    """A process that ends when it is told to."""

    returncode = 0

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def communicate(self) -> tuple[bytes, bytes]:
        await self.over
        return b"", b""


class PatientKubelet(HollowKubelet):
    """Ends a pod when it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.ends = 0
        self.may_end = False

    async def end(self, pod: Manifest, grace_s: int) -> None:
        self.ends += 1
        await eventually(lambda: self.may_end)


@pytest.mark.parametrize("turns", range(10))
def test_a_command_that_ends_when_it_is_cancelled(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled is cancelled: else a kubelet would look after its pod for ever."""

    async def go() -> None:
        command = Command()

        async def start(*_: object, **__: object) -> Command:
            return command

        monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
        task = asyncio.create_task(run("true"))
        await asyncio.sleep(0.01)
        command.over.set_result(None)
        for _ in range(turns):
            await asyncio.sleep(0)
        was_done = task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=LIMIT_S)
        assert was_done or task.cancelled()

    asyncio.run(go())


def test_a_pod_that_ends_is_asked_once_more() -> None:
    """KubeSpawner repeats a request that was not answered within three seconds."""

    async def go() -> None:
        kubelet = PatientKubelet()
        async with ApiServer(kubelet) as api, aiohttp.ClientSession() as session:
            place = f"{api.url}/api/v1/namespaces/hub/pods"
            await session.post(place, json=POD)
            for _ in range(2):
                async with session.delete(f"{place}/one?gracePeriodSeconds=30") as answer:
                    assert answer.status == 200
            await eventually(lambda: kubelet.ends)
            kubelet.may_end = True
            await eventually(lambda: not api.objects["pods"])
            assert kubelet.ends == 1

    asyncio.run(go())
