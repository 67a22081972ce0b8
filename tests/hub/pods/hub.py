"""A hub whose users' pods really run: KubeSpawner, the API stand-in and the kubelet together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.hub import chart
from tests.hub.pods.kubelet import PodmanKubelet, RunningPod
from tests.hub.pods.network import Network
from tests.hub.pods.server import AnyServer
from tests.hub.spawning import Cluster, User, cluster
from tests.hub.values import Deployment, Values, merge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.hub.pods.container import Container, State

# In the place of jupyterhub-singleuser, which needs a hub to talk to; it ends when it is told to.
WAITING = "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, [s.SIGTERM]); s.sigwait([s.SIGTERM])"
TEST_VALUES: Values = {
    "singleuser": {"cmd": ["python3", "-c", WAITING], "memory": {"guarantee": "64M"}}
}
SHARED_CLAIM = "home-nfs"
# In the place of the values' own: a machine that has much else to do must not fail a test.
START_S = 1800


@dataclass
class Server(AnyServer):
    """A user's server that has been started."""

    spawner: Any
    pod: RunningPod
    kubelet: PodmanKubelet

    @property
    def address(self) -> str:
        return self.pod.address

    @property
    def notebook(self) -> Container:
        return self.pod.containers["notebook"]

    @property
    def mysql(self) -> Container:
        return self.pod.containers["mysql"]

    async def stop(self) -> dict[str, State]:
        """Stop the server as its user does, and return how each container ended."""
        await self.kubelet.unless_it_fails(self.spawner.stop())
        return self.pod.ended


@dataclass
class PodHub:
    """The hub; see `hub`."""

    cluster: Cluster
    kubelet: PodmanKubelet

    async def start(self, user: User) -> Server:
        """Start a user's server; returns when KubeSpawner says that it runs."""
        spawner: Any = self.cluster.spawner(user)
        spawner.start_timeout = START_S
        await self.kubelet.unless_it_fails(spawner.start())
        return Server(spawner, self.kubelet.pods[spawner.pod_name], self.kubelet)


@asynccontextmanager
async def hub(deployment: Deployment, folder: Path, *changes: Values) -> AsyncIterator[PodHub]:
    """Yield a hub with a deployment's values, and `changes` on top; its volumes are in `folder`."""
    values = merge(deployment.values(), TEST_VALUES, *changes)
    extra = values["singleuser"].get("extraFiles", {})
    files = {key: file["stringData"] for key, file in extra.items()}
    async with Network() as network:
        shared = frozenset({SHARED_CLAIM})
        kubelet = PodmanKubelet(folder, network, files, shared_claims=shared)
        async with cluster(chart.spawner_config(values), kubelet) as running:
            try:
                yield PodHub(running, kubelet)
            finally:
                for pod in list(running.api.objects["pods"].values()):
                    await running.api.remove_pod(pod)
