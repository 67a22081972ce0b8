"""A hub's servers on a real kubelet, to be asked as those on podman are (see `pods/asking.py`)."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.background import LIMIT_S, eventually
from tests.hub import chart
from tests.hub.kubernetes.candidates import classic
from tests.hub.kubernetes.release import files
from tests.hub.kubernetes.witness import Witness, witness
from tests.hub.pods.hub import TEST_VALUES
from tests.hub.pods.podman import Result, run
from tests.hub.pods.server import AnyServer
from tests.hub.spawning import NAMESPACE, Spawners, User, reaching
from tests.hub.values import Deployment, Values, merge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.hub.apiserver import Manifest
    from tests.hub.kubernetes.cluster import RealCluster

# In the place of the values' own: a machine that has much else to do must not fail a test.
START_S = 1800
# Longer than a pod with a keeper gets: what takes as long as it gets is to be seen as that.
STOP_S = 600.0
# Before the text of a line of a container's log.
LOG_PREFIX = re.compile(r"^\S+ (?:stdout|stderr) [FP] ", re.MULTILINE)


@dataclass(frozen=True)
class RealEnd:
    """How a container ended.

    Parameters
    ----------
    exit_code : int
        As containerd says.
    reason : str
        As the kubelet says, if it does: see `Witness.reasons`.
    """

    exit_code: int
    reason: str


@dataclass
class RealContainer:
    """A container that a kubelet runs.

    Attributes
    ----------
    last_words : str
        Its log, when it was stopped.
    """

    name: str
    uid: str
    cluster: RealCluster
    witness: Witness
    last_words: str = ""

    @property
    def restarts(self) -> int:
        count: int = self.witness.status(self.uid, self.name).get("restartCount", 0)
        return count

    @property
    def ends(self) -> list[RealEnd]:
        # Of a pod that was deleted, the kubelet of 1.20 does not always tell how it ended.
        codes = self.cluster.exit_codes()
        reasons = self.witness.reasons[self.uid, self.name]
        return [RealEnd(codes[id_], reason) for id_, reason in [*reasons.items()] if id_ in codes]

    @property
    def is_running(self) -> bool:
        return "running" in self.witness.status(self.uid, self.name).get("state", {})

    async def execute(self, *command: str, timeout_s: float = LIMIT_S) -> Result:
        """Run a command in it, with its user, rights and variables, whatever it ends with."""
        options = ("tasks", "exec", "--exec-id", uuid.uuid4().hex, self._id())
        asked = self.cluster.ctr(*options, *command)
        return await run(*asked, check=False, timeout_s=timeout_s)

    async def kill(self) -> None:
        """Kill its first process, as `kill -9` does, past the kubelet."""
        await run(*self.cluster.ctr("tasks", "kill", "--signal=SIGKILL", self._id()))

    def log(self) -> Path:
        """Return the file with what it has said since it was last started."""
        (folder,) = self.cluster.layout.path("log/pods").glob(f"*_{self.uid}/{self.name}")
        return max(folder.glob("*.log"), key=lambda path: int(path.stem))

    def _id(self) -> str:
        found: str = self.witness.status(self.uid, self.name)["containerID"]
        return found.rpartition("/")[2]


@dataclass
class RealServer(AnyServer):
    """A user's server on a real kubelet.

    Attributes
    ----------
    stop_s : float
        How long its stop took, for who asked for it.
    """

    spawner: Any
    uid: str
    cluster: RealCluster
    witness: Witness
    stop_s: float = 0.0

    def __post_init__(self) -> None:
        parts = (self.uid, self.cluster, self.witness)
        self._notebook, self._mysql = (
            RealContainer(each, *parts) for each in ("notebook", "mysql")
        )

    @property
    def address(self) -> str:
        address: str = self.witness.pods[self.uid]["status"]["podIP"]
        return address

    @property
    def notebook(self) -> RealContainer:
        return self._notebook

    @property
    def mysql(self) -> RealContainer:
        return self._mysql

    @property
    def pod(self) -> Manifest:
        """The pod, as it was last."""
        return self.witness.pods[self.uid]

    async def stop(self) -> dict[str, RealEnd]:
        # The kubelet removes the log with the pod; who has it open can read it all the same.
        with self.mysql.log().open() as log:
            began_s = time.monotonic()
            await asyncio.wait_for(self.spawner.stop(), STOP_S)
            self.stop_s = time.monotonic() - began_s
            self.mysql.last_words = LOG_PREFIX.sub("", log.read())
        return {each.name: each.ends[-1] for each in (self.notebook, self.mysql)}


@dataclass
class RealHub:
    """A hub; see `real_hub`."""

    spawners: Spawners
    cluster: RealCluster
    witness: Witness

    async def start(self, user: User) -> RealServer:
        """Start a user's server; returns when KubeSpawner says that it runs."""
        spawner: Any = self.spawners.spawner(user)
        spawner.start_timeout = START_S
        try:
            await asyncio.wait_for(spawner.start(), START_S + LIMIT_S)
        except BaseException:
            await spawner.stop(now=True)
            raise
        pod = self.cluster.api.admin.get("Pod", spawner.pod_name, NAMESPACE)
        uid = pod["metadata"]["uid"]
        server = RealServer(spawner, uid, self.cluster, self.witness)
        await eventually(lambda: server.notebook.is_running)
        return server


@asynccontextmanager
async def real_hub(
    cluster: RealCluster, deployment: Deployment, *changes: Values
) -> AsyncIterator[RealHub]:
    """Yield a hub with a deployment's values, and `changes` on top; its pods end with it.

    Native sidecars, which Kubernetes 1.20 does not know, are regular containers.
    """
    values = classic(merge(deployment.values(), TEST_VALUES, *changes))
    secret = files(values)
    with witness(cluster.api.admin) as seen:
        async with reaching(cluster.api.hub.kubeconfig()):
            with closing(Spawners(chart.spawner_config(values))) as spawners:
                cluster.api.admin.create(secret)
                try:
                    yield RealHub(spawners, cluster, seen)
                finally:
                    await _clean(cluster)


async def _clean(cluster: RealCluster) -> None:
    """Remove what a hub has made, but for its users' volumes."""
    admin = cluster.api.admin
    for secret in admin.list("Secret", NAMESPACE):
        if secret["type"] == "Opaque":
            admin.delete("Secret", secret["metadata"]["name"], NAMESPACE)
    for pod in admin.list("Pod", NAMESPACE):
        admin.delete("Pod", pod["metadata"]["name"], NAMESPACE, grace_s=0)
    await eventually(lambda: not admin.list("Pod", NAMESPACE))
