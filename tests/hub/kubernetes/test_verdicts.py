"""What tests/hub says of a pod, compared with what Kubernetes' API server says of the same one.

`admission.py` and the schemas are our own walls; here a real one, of 1.20, judges all their pods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import chart
from tests.hub.kubernetes.build import VERSION
from tests.hub.kubernetes.candidates import Candidate, candidates
from tests.hub.kubernetes.client import ApiRefusal
from tests.hub.layers import pod_objection
from tests.hub.manifests import container
from tests.hub.spawning import NAMESPACE, pod
from tests.hub.values import DEPLOYMENTS

if TYPE_CHECKING:
    from tests.hub.apiserver import Manifest
    from tests.hub.kubernetes.server import RealApi

# By mistake, what the API server says against its pod: of the place that we object to.
REFUSED = {
    "a number in a variable": "v1.EnvVar.Value",
    "a truth value in a variable": "v1.EnvVar.Value",
    "a user as text": "v1.SecurityContext.RunAsUser",
    "a command as text": "v1.Container.Command",
    "4GiB": "v1.ResourceRequirements.Limits",
    "1 core": "v1.ResourceRequirements.Limits",
    "more requested than the limit": "containers[1].resources.requests",
    "a mount of no volume": 'volumeMounts[0].name: Not found: "other"',
    "the volume forgotten": 'volumeMounts[0].name: Not found: "mysql-data"',
    "an absolute subPath": "must be a relative path",
    "a subPath that leaves the volume": "must not contain '..'",
    "two containers named mysql": 'name: Duplicate value: "mysql"',
    "two files that each bring MySQL": 'name: Duplicate value: "mysql"',
    "a container named notebook": 'name: Duplicate value: "notebook"',
    "a name with an underscore": 'containers[1].name: Invalid value: "my_sql"',
    "a probe without a way to probe": "containers[1].startupProbe: Required value",
    "an init container that is probed": "initContainers[0].livenessProbe: Invalid value",
    # Past the chart, and so still an init container here.
    "KubeSpawner.init_containers": "initContainers[0].livenessProbe: Invalid value",
    "a port's name of 18 letters": "ports[0].name: Invalid value",
    "no image": "containers[1].image: Required value",
    "a seccomp profile that there is not": "seccompProfile.type: Unsupported value",
}
# Where only we object: the API server takes the pod, and it goes wrong later, or in silence.
ONLY_OURS = {
    "limit for limits": "the field is dropped: no limit is in force",
    "periodSecond for periodSeconds": "the field is dropped",
    "restartPolicy on a regular container": "the field is dropped; 1.20 does not know it",
    "root, but not as root": "the kubelet refuses to start the container (test_life.py)",
}


def refusal(api: RealApi, manifest: Manifest) -> ApiRefusal | None:
    """Return what the API server says against a pod of the hub's; None if it takes it."""
    try:
        taken(api, manifest)
    except ApiRefusal as refused:
        return refused
    return None


def taken(api: RealApi, manifest: Manifest) -> Manifest:
    """Return what the API server makes of a pod of the hub's, without keeping it."""
    metadata = {**manifest["metadata"], "namespace": NAMESPACE}
    item = {**manifest, "kind": "Pod", "apiVersion": "v1", "metadata": metadata}
    return api.hub.create(item, dry_run=True)


@pytest.mark.parametrize("candidate", candidates(), ids=str)
def test_the_api_server_says_the_same(candidate: Candidate, api: RealApi) -> None:
    manifest = candidate.pod()
    ours, theirs = pod_objection(manifest, VERSION), refusal(api, manifest)
    if candidate.mistake in REFUSED:
        assert ours is not None
        assert theirs is not None
        assert (theirs.status in (400, 422), REFUSED[candidate.mistake] in theirs.message) == (
            True,
            True,
        ), theirs
    else:
        assert theirs is None, theirs
        assert (ours is not None) == (candidate.mistake in ONLY_OURS), ours


def test_no_exception_is_out_of_date() -> None:
    assert {*REFUSED, *ONLY_OURS} <= {candidate.mistake for candidate in candidates()}


def test_an_unknown_field_is_dropped_in_silence(api: RealApi) -> None:
    """So `schema` is a check of ours, and no wall: this MySQL would run without any limit."""
    (candidate,) = [each for each in candidates() if each.mistake == "limit for limits"]
    manifest = candidate.pod()
    assert "memory" in container(manifest, "mysql")["resources"]["limit"]
    assert set(container(taken(api, manifest), "mysql")["resources"]) == {"requests"}


@pytest.mark.parametrize(
    ("name", "probe"), [("sidecar", "startupProbe"), ("persistent", "livenessProbe")]
)
def test_a_native_sidecar_is_refused_before_1_29(name: str, probe: str, api: RealApi) -> None:
    """For its probes: without any, the pod would be taken, and wait for MySQL to end."""
    (deployment,) = [each for each in DEPLOYMENTS if each.files == (name,)]
    manifest = pod(chart.spawner_config(deployment.values()), deployment.user, VERSION)
    refused = refusal(api, manifest)
    assert refused is not None
    assert f"{probe}: Invalid value" in refused.message
    for each in manifest["spec"]["initContainers"]:
        for key in ("startupProbe", "livenessProbe"):
            each.pop(key, None)
    (made,) = [
        each for each in taken(api, manifest)["spec"]["initContainers"] if each["name"] == "mysql"
    ]
    assert "restartPolicy" not in made
