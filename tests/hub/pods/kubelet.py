"""A kubelet for the API stand-in: it runs the pods that KubeSpawner asks for, on podman.

What of a kubelet matters for a sidecar: one network namespace for a pod; init containers one after
the other; native sidecars that start before, and end after, the others; probes; restarts; limits;
users and groups; volumes with their owners; the grace period.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.hub.pods.container import Container, State
from tests.hub.pods.podman import PodmanError, podman
from tests.hub.pods.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from tests.hub.apiserver import ApiServer, Manifest
    from tests.hub.pods.network import Network

LOOK_EVERY_S = 0.3
# What a sidecar gets to start, however often it is started again.
START_S = 900.0
# What a sidecar gets after the others have used the grace period up.
LAST_GRACE_S = 2.0


class PodFailed(Exception):
    """An init container has failed, or a native sidecar never started: the pod does not run."""


@dataclass
class RunningPod:
    """A pod on podman.

    Attributes
    ----------
    containers : dict of str to Container
        By name, in the order of their start.
    address : str
        The pod's address.
    ended : dict of str to State
        How each container ended when the pod was stopped.
    """

    containers: dict[str, Container]
    address: str
    volumes: Volumes
    ended: dict[str, State]

    @property
    def regular(self) -> list[Container]:
        return [each for each in self.containers.values() if not each.is_initial]

    @property
    def tended(self) -> list[Container]:
        return [each for each in self.containers.values() if each.is_sidecar or not each.is_initial]


class PodmanKubelet:
    """Runs pods; see `tests.hub.apiserver.Kubelet`.

    Parameters
    ----------
    folder : Path
        For the volumes. A second kubelet on the same folder finds the claims of the first.
    network : Network
        Where pods get their addresses.
    files : mapping
        By key, the content of ``singleuser.extraFiles``.
    shared_claims : frozenset of str, default empty
        See `Volumes`.

    Attributes
    ----------
    pods : dict of str to RunningPod
        By name, each pod that was started, also after its end.
    failures : list of Exception
        Why pods could not be started, or run on.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        files: Mapping[str, str],
        *,
        shared_claims: frozenset[str] = frozenset(),
    ) -> None:
        self._folder, self._network, self._files = folder, network, files
        self._shared_claims = shared_claims
        self.pods: dict[str, RunningPod] = {}
        self.failures: list[Exception] = []

    async def run(self, server: ApiServer, pod: Manifest) -> None:
        """Run a pod and tell of its status, until cancelled."""
        try:
            await self._run(server, pod)
        except (PodmanError, PodFailed) as error:
            self.failures.append(error)
            server.update("pods", pod, phase="Failed", message=str(error), containerStatuses=[])

    async def _run(self, server: ApiServer, pod: Manifest) -> None:
        running = await self._create(pod)
        told = None
        up = asyncio.create_task(self._up(running))
        try:
            while True:
                if up.done():
                    up.result()
                    for container in running.tended:
                        await container.tend()
                status = await _status(running, has_begun=up.done())
                if status != told:
                    told = status
                    server.update("pods", pod, **status)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await up

    async def end(self, pod: Manifest, grace_s: int) -> None:
        """End a pod: the containers together, then the native sidecars, the last one first."""
        try:
            await self._end(pod, grace_s)
        except (PodmanError, TimeoutError) as error:
            self.failures.append(error)  # the API would only say that the pod is still there
            raise

    async def _end(self, pod: Manifest, grace_s: int) -> None:
        running = self.pods[pod["metadata"]["name"]]
        began_s = time.monotonic()

        async def stop(container: Container, least_s: float) -> None:
            left_s = max(least_s, grace_s - (time.monotonic() - began_s))
            running.ended[container.spec["name"]] = await container.stop(left_s)

        await asyncio.gather(*(stop(each, 0) for each in running.regular))
        for sidecar in reversed([each for each in running.tended if each.is_sidecar]):
            await stop(sidecar, LAST_GRACE_S if grace_s else 0)
        await podman("pod", "rm", "--force", "--time", "0", pod["metadata"]["name"])
        running.volumes.remove()

    async def unless_it_fails(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait for what needs this kubelet.

        Raises
        ------
        Exception
            The kubelet's first failure, as soon as there is one: the work would wait in vain.
        """
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=0.5)
            if self.failures and not task.done():
                task.cancel()
                raise self.failures[0]
        await task

    async def _create(self, pod: Manifest) -> RunningPod:
        name = pod["metadata"]["name"]
        await podman("pod", "rm", "--force", "--time", "0", name, check=False)
        await podman("pod", "create", "--name", name, "--share", "net,ipc,uts", "--network=none")
        await podman("pod", "start", name)
        infra = await podman("pod", "inspect", name, "--format", "{{.InfraContainerID}}")
        process = await podman("inspect", infra.output.strip(), "--format", "{{.State.Pid}}")
        address = await self._network.join(int(process.output))
        claims = self._folder / "claims"
        volumes = Volumes(
            pod, self._folder / name, claims, self._files, shared_claims=self._shared_claims
        )
        spec = pod["spec"]
        containers = {
            each["name"]: Container(each, pod, volumes, address, is_initial)
            for is_initial, group in (
                (True, spec.get("initContainers") or []),
                (False, spec["containers"]),
            )
            for each in group
        }
        self.pods[name] = RunningPod(containers, address, volumes, {})
        return self.pods[name]

    async def _up(self, running: RunningPod) -> None:
        for container in running.containers.values():
            await container.start()
            if container.is_sidecar:
                await _wait_for_start(container)
            elif container.is_initial:
                status = await container.end()
                if status:
                    raise PodFailed(
                        f"{container.name} ended with {status}: {await container.log()}"
                    )


async def _wait_for_start(sidecar: Container) -> None:
    """Wait until the next container may start: its startup probe has succeeded, or it has none."""
    deadline_s = time.monotonic() + START_S
    while not sidecar.is_started:
        if time.monotonic() > deadline_s:
            raise PodFailed(f"{sidecar.name} has not started within {START_S} s")
        await sidecar.tend()
        await asyncio.sleep(LOOK_EVERY_S)


async def _status(running: RunningPod, *, has_begun: bool) -> Manifest:
    return {
        "phase": "Running" if has_begun else "Pending",
        "podIP": running.address,
        "containerStatuses": [await _of(each) for each in running.regular],
        "initContainerStatuses": [
            await _of(each) for each in running.containers.values() if each.is_initial
        ],
    }


async def _of(container: Container) -> Manifest:
    state = await container.state()
    if state.status == "running":
        told: Manifest = {"running": {}}
    elif state.has_ended:
        reason = "OOMKilled" if state.killed_for_memory else "Error"
        told = {"terminated": {"exitCode": state.exit_code, "reason": reason}}
    else:
        told = {"waiting": {"reason": "PodInitializing"}}
    return {
        "name": container.spec["name"],
        "ready": container.is_ready,
        "started": container.is_started,
        "restartCount": container.restarts,
        "state": told,
        "image": container.spec["image"],
        "imageID": "",
    }
