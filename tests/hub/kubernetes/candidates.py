"""Every pod of the tests of hub-config that Kubernetes 1.20 can judge: without native sidecars.

Where values have one, it becomes a second regular container, with all else as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import yaml

from tests.hub import chart
from tests.hub.broken_promises import BROKEN_PROMISES
from tests.hub.checking import ALL_SHAPES, Shape
from tests.hub.kubernetes.build import VERSION
from tests.hub.mutations import MUTATIONS
from tests.hub.spawning import User, pods
from tests.hub.values import DEPLOYMENTS, SEED, merge, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.hub.apiserver import Manifest
    from tests.hub.mutation import Mutation
    from tests.hub.values import Deployment, Values

FILES = {deployment.files: deployment for deployment in DEPLOYMENTS}
# Stopped before a pod is made.
EARLIER = ("chart", "spawner")
# What they are about is gone without a native sidecar.
ONLY_NATIVE = {"restartPolicy: always", "a native sidecar before Kubernetes 1.29"}
# Its own hook refuses users without groups.
NOBODYS = "07-profiles-with-choices"


@dataclass(frozen=True)
class Candidate:
    """Values, and a user whose pod is made with them.

    Parameters
    ----------
    name : str
        The files, or the shape, that the values are of.
    mistake : str, default empty
        What is wrong with them (`mutation.Mutation.name`).
    """

    name: str
    values: Callable[[], Values]
    user: User
    mistake: str = ""

    def pod(self) -> Manifest:
        """Return the pod that KubeSpawner asks for, of a cluster of 1.20."""
        config = chart.spawner_config(classic(self.values()))
        return pods(config, [self.user], VERSION)[0]

    def __str__(self) -> str:
        return f"{self.name}: {self.mistake}" if self.mistake else self.name


def classic(values: Values) -> Values:
    """Return values with each native sidecar as a second regular container."""
    singleuser = values.get("singleuser", {})
    containers = singleuser.get("initContainers", [])
    native = [each for each in containers if each.get("restartPolicy")]
    if native:
        singleuser["initContainers"] = [each for each in containers if each not in native]
        for each in native:
            del each["restartPolicy"]
        singleuser["extraContainers"] = [*native, *singleuser.get("extraContainers", [])]
    return values


def candidates() -> list[Candidate]:
    """Return all of them."""
    return [*_deployments(), *_mistakes(), *_shapes()]


def _deployments() -> Iterator[Candidate]:
    for deployment in (*DEPLOYMENTS, SEED):
        yield Candidate(str(deployment), deployment.values, deployment.user)


def _mistakes() -> Iterator[Candidate]:
    for mistake in (*MUTATIONS, *BROKEN_PROMISES):
        if mistake.layer not in EARLIER and mistake.name not in ONLY_NATIVE:
            deployment = FILES[mistake.file,]
            values = partial(_with, mistake, deployment)
            yield Candidate(mistake.file, values, deployment.user, mistake.name)


def _with(mistake: Mutation, deployment: Deployment) -> Values:
    return mistake.of(deployment.values())


def _shapes() -> Iterator[Candidate]:
    for shape in ALL_SHAPES:
        if str(shape) != NOBODYS:
            yield Candidate(f"shape {shape}", partial(_below_inject, shape), User())


def _below_inject(shape: Shape) -> Values:
    values: Values = yaml.safe_load(shape.path.read_text())
    for key in shape.keys:
        values = values[key]
    return merge(values, read("inject"))
