"""Looking into a pod's manifest."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING

from tests.hub import chart
from tests.hub.spawning import pod

if TYPE_CHECKING:
    from tests.hub.apiserver import Manifest
    from tests.hub.values import Deployment


def made(deployment: Deployment) -> Manifest:
    """Return the pod that a deployment makes for one user."""
    return copy.deepcopy(_made(deployment))


@functools.cache
def _made(deployment: Deployment) -> Manifest:
    """Make it once: many tests look at the same pod."""
    return pod(chart.spawner_config(deployment.values()), deployment.user)


def container(manifest: Manifest, name: str) -> Manifest:
    """Return one of a pod's containers, of either kind."""
    spec = manifest["spec"]
    every = [*(spec.get("initContainers") or []), *spec["containers"]]
    (found,) = [each for each in every if each["name"] == name]
    return dict(found)


def variables(of: Manifest) -> dict[str, str]:
    """Return the environment of a container, where it is text."""
    return {item["name"]: item["value"] for item in of.get("env") or [] if "value" in item}
