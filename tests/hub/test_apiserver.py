"""The API stand-in, as KubeSpawner's own watcher of pods meets it."""

from __future__ import annotations

import asyncio
import logging

from kubespawner.reflector import ResourceReflector

from tests.background import LIMIT_S, eventually
from tests.hub import chart
from tests.hub.spawning import NAMESPACE, Cluster, User, cluster
from tests.hub.values import SIDECAR

WATCH_S = 1
WATCH_ENDED = (logging.DEBUG, "pods watcher timeout")


class PodReflector(ResourceReflector):  # type: ignore[misc]
    """As KubeSpawner's, with shorter watches; it gives a silent server up after five of them."""

    kind = "pods"
    timeout_seconds = WATCH_S
    request_timeout = 5 * WATCH_S

    async def of(self, number: int) -> None:
        """Wait until it knows of so many pods."""
        await eventually(lambda: len(self.resources) == number)


class Words(logging.Handler):
    """Keeps what a reflector says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.levelno, record.getMessage()))


async def reflector_of(one: Cluster, words: Words) -> PodReflector:
    one.spawner(User())  # reads the address of the cluster
    reflector: PodReflector = PodReflector(namespace=NAMESPACE)
    reflector.log = logging.Logger("reflector")
    reflector.log.addHandler(words)
    await reflector.start()
    return reflector


def test_a_watch_ends_when_its_time_is_up() -> None:
    """The client begins another one, without a complaint, and misses nothing between the two."""
    words = Words()

    async def go() -> None:
        async with cluster(chart.spawner_config(SIDECAR.values())) as one:
            reflector = await reflector_of(one, words)
            try:
                await eventually(lambda: words.said.count(WATCH_ENDED) >= 2)
                server = one.spawner(User())
                await server.start()
                await reflector.of(1)
                await server.stop()
                await reflector.of(0)
            finally:
                await reflector.stop()

    asyncio.run(asyncio.wait_for(go(), LIMIT_S))
    complaints = [text for level, text in words.said if level >= logging.WARNING]
    assert complaints == ["pods watcher finished"]
