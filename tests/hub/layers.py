"""The four walls that a mistake in a values file can run into before a pod exists, and a fifth.

``chart``: Helm refuses the values, nothing changes. ``spawner``: KubeSpawner fails, the user sees a
failed start. ``schema``: the pod has a field or a type that Kubernetes does not know.
``admission``: the API server refuses the pod for another reason. ``promises``: ours only; the pod
runs, but is not what hub-config/README.md says of it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
from kubernetes_validate.utils import all_versions
from referencing import Registry, Resource

from tests.hub import admission, chart
from tests.hub.promises import broken
from tests.hub.spawning import SpawnError, User, pods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traitlets.config import Config

    from tests.hub.admission import Version
    from tests.hub.apiserver import Manifest
    from tests.hub.values import Values

WALLS = ("chart", "spawner", "schema", "admission")
LAYERS = (*WALLS, "promises")


def _supported() -> tuple[Version, ...]:
    parts = (text.split(".") for text in all_versions())
    return tuple(sorted({(int(major), int(minor)) for major, minor, *_ in parts}))


VERSIONS = _supported()


@dataclass(frozen=True)
class Objection:
    """What a layer says against values, and which one."""

    layer: str
    message: str


def objection(
    values: Values,
    *,
    users: Sequence[User] = (User(),),
    versions: Sequence[Version] = VERSIONS,
    layers: Sequence[str] = LAYERS,
) -> Objection | None:
    """Return the first objection to values on their way to running pods, None if there is none.

    The walls are always asked, the promises only if they are among `layers`.
    """
    try:
        config = chart.spawner_config(values)
    except chart.ChartError as error:
        return Objection("chart", str(error))
    # What KubeSpawner sends may depend on what the cluster has.
    old = [version for version in versions if version < admission.NATIVE_SIDECARS]
    for group in (old, [version for version in versions if version not in old]):
        found = _objection(config, users, group, layers) if group else None
        if found is not None:
            return found
    return None


def _objection(
    config: Config, users: Sequence[User], versions: Sequence[Version], layers: Sequence[str]
) -> Objection | None:
    try:
        made = pods(config, users, versions[-1])
    except SpawnError as error:
        return Objection("spawner", str(error))
    for user, pod in zip(users, made):
        for version in versions:
            found = pod_objection(pod, version)
            if found is not None:
                where = f"{user} on Kubernetes {version[0]}.{version[1]}"
                return Objection(found.layer, f"{where}: {found.message}")
    if "promises" in layers:
        for user, pod in zip(users, made):
            for message in broken(pod, config):
                return Objection("promises", f"{user}: {message}")
    return None


def pod_objection(pod: Manifest, version: Version) -> Objection | None:
    """Return the first objection to a pod in a cluster of that version.

    One that is older than all schemas at hand is asked with the oldest of these.
    """
    validator = _validator(max(version, VERSIONS[0]))
    complaint = jsonschema.exceptions.best_match(validator.iter_errors(pod))
    if complaint is not None:
        place = ".".join(str(part) for part in complaint.absolute_path)
        return Objection("schema", f"{place}: {complaint.message}")
    for message in admission.objections(pod, version):
        return Objection("admission", message)
    return None


@functools.cache
def _validator(version: Version) -> Any:
    """Return kubernetes-validate's strict check of a pod, kept: reading a schema takes a while."""
    folder = resources.files(kubernetes_validate).joinpath(
        "kubernetes-json-schema", f"v{version[0]}.{version[1]}.0-local-strict"
    )
    pod, definitions = (
        Resource.from_contents(json.loads(folder.joinpath(name).read_text()))
        for name in ("pod-v1.json", "_definitions.json")
    )
    registry: Any = definitions @ (pod @ Registry())
    return jsonschema.Draft202012Validator(pod.contents, registry=registry)
