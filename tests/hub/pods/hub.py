"""A hub whose users' pods really run: KubeSpawner, the API stand-in and the kubelet together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.hub import chart
from tests.hub.pods.kubelet import PodmanKubelet, RunningPod
from tests.hub.pods.network import Network
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
# One statement; its rows, as text, a line each.
QUERY = """
import sys, pymysql
connection = pymysql.connect(
    host=sys.argv[1], user="root", password="tutorial", autocommit=True, connect_timeout=5,
    max_allowed_packet=2**30,
)
with connection, connection.cursor() as cursor:
    cursor.execute(sys.argv[2])
    for row in cursor.fetchall():
        print(*row, sep="\\t")
"""
KNOCK = """
import sys, socket
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
except OSError:
    sys.exit(1)
"""


class QueryError(Exception):
    """A statement has failed, or there is nobody to send it to."""


@dataclass
class Server:
    """A user's server that has been started."""

    spawner: Any
    pod: RunningPod

    @property
    def notebook(self) -> Container:
        return self.pod.containers["notebook"]

    @property
    def mysql(self) -> Container:
        return self.pod.containers["mysql"]

    async def query(self, sql: str, host: str = "127.0.0.1") -> list[str]:
        """Send a statement from the notebook's container.

        Raises
        ------
        QueryError
            It failed.
        """
        done = await self.notebook.execute("python3", "-c", QUERY, host, sql)
        if done.status:
            raise QueryError(done.errors.strip().splitlines()[-1])
        return done.output.splitlines()

    async def reaches(self, address: str, port: int) -> bool:
        """Return whether something answers there, seen from the notebook's container."""
        done = await self.notebook.execute("python3", "-c", KNOCK, address, str(port))
        return done.status == 0

    async def stop(self) -> dict[str, State]:
        """Stop the server as its user does, and return how each container ended."""
        await self.spawner.stop()
        return self.pod.ended


@dataclass
class PodHub:
    """The hub; see `hub`."""

    cluster: Cluster
    kubelet: PodmanKubelet

    async def start(self, user: User) -> Server:
        """Start a user's server; returns when KubeSpawner says that it runs."""
        spawner: Any = self.cluster.spawner(user)
        start = asyncio.ensure_future(spawner.start())
        while not start.done():
            await asyncio.wait({start}, timeout=0.5)
            if self.kubelet.failures:
                start.cancel()
                raise self.kubelet.failures[0]
        start.result()
        return Server(spawner, self.kubelet.pods[spawner.pod_name])


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
