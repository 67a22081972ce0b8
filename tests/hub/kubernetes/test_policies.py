"""Kubernetes' own policy admission: the pods for "restricted" namespaces, and others, meet it.

1.20 has PodSecurityPolicy in the place of the labels that came with 1.22; this one is "restricted"
of its documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import chart
from tests.hub.kubernetes.able import build_reason
from tests.hub.kubernetes.build import VERSION
from tests.hub.kubernetes.release import HUB, RBAC
from tests.hub.kubernetes.server import RealApi, api_server
from tests.hub.kubernetes.test_verdicts import refusal
from tests.hub.spawning import pod
from tests.hub.values import INJECT, Values, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub.apiserver import Manifest

NAME = "restricted"
SECCOMP = "seccomp.security.alpha.kubernetes.io"
IDS = {"rule": "MustRunAs", "ranges": [{"min": 1, "max": 65535}]}
VOLUMES = ["configMap", "emptyDir", "projected", "secret", "downwardAPI", "persistentVolumeClaim"]
# z2jh's own container, which is privileged, is switched off as its documentation says.
WITHOUT_ROOT: Values = {"singleuser": {"uid": 1000, "cloudMetadata": {"blockWithIptables": False}}}


def _policy() -> Iterator[Manifest]:
    yield {
        "apiVersion": "policy/v1beta1",
        "kind": "PodSecurityPolicy",
        "metadata": {
            "name": NAME,
            "annotations": {
                f"{SECCOMP}/allowedProfileNames": "runtime/default",
                f"{SECCOMP}/defaultProfileName": "runtime/default",
            },
        },
        "spec": {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "requiredDropCapabilities": ["ALL"],
            "volumes": VOLUMES,
            "runAsUser": {"rule": "MustRunAsNonRoot"},
            "seLinux": {"rule": "RunAsAny"},
            "supplementalGroups": IDS,
            "fsGroup": IDS,
        },
    }
    use = {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "verbs": ["use"]}
    named = {"name": NAME}
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": named,
        "rules": [{**use, "resourceNames": [NAME]}],
    }
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": named,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
        "subjects": [{"kind": "User", "name": HUB, "apiGroup": RBAC}],
    }


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealApi]:
    """An API server that takes nothing else."""
    if reason := build_reason():
        pytest.fail(reason)
    option = "--enable-admission-plugins=PodSecurityPolicy"
    with api_server(tmp_path_factory.mktemp(NAME), option) as api:
        for item in _policy():
            api.admin.create(item)
        yield api


def made(*layers: Values, **settings: str) -> Manifest:
    """Return a pod with MySQL, as of a cluster of 1.20."""
    own: Values = {"custom": {"sidecarMysql": settings}}
    return pod(chart.spawner_config(merge(INJECT.values(), *layers, own)), version=VERSION)


@pytest.mark.parametrize(
    "settings", [{}, {"data": "claim"}, {"data": "home", "homeOwner": "user"}], ids=str
)
def test_it_takes_the_pods(settings: dict[str, str], restricted: RealApi) -> None:
    assert refusal(restricted, made(WITHOUT_ROOT, **settings)) is None


def test_it_refuses_a_container_that_is_root_for_a_moment(restricted: RealApi) -> None:
    refused = refusal(restricted, made(WITHOUT_ROOT, data="home"))
    assert refused is not None
    assert refused.status == 403
    assert "spec.initContainers[0].securityContext" in refused.message


def test_it_refuses_z2jhs_own_privileged_container(restricted: RealApi) -> None:
    refused = refusal(restricted, made())
    assert refused is not None
    assert "Privileged containers are not allowed" in refused.message
