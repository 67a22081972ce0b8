"""What a release of z2jh brings into a namespace besides the hub itself, as far as pods need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hub.chart import FILES_SECRET
from tests.hub.spawning import NAMESPACE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub.apiserver import Manifest
    from tests.hub.values import Values

HUB = "hub"
STORAGE_CLASS = "disks"
RBAC = "rbac.authorization.k8s.io"


def rights() -> list[Manifest]:
    """Return the namespace, and what the hub may do in it: the rules of the chart's own role."""
    every = ["get", "watch", "list", "create", "delete"]
    kinds = ["pods", "persistentvolumeclaims", "secrets", "services"]
    rules = [
        {"apiGroups": [""], "resources": kinds, "verbs": every},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "watch", "list"]},
    ]
    within = {"name": HUB, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": within, "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": within,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": HUB},
            "subjects": [{"kind": "User", "name": HUB, "apiGroup": RBAC}],
        },
    ]


def files(values: Values) -> Manifest:
    """Return the secret that the chart makes of ``singleuser.extraFiles``."""
    extra = values.get("singleuser", {}).get("extraFiles", {})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": FILES_SECRET, "namespace": NAMESPACE},
        "stringData": {key: file["stringData"] for key, file in extra.items()},
    }


def volumes(folder: Path, node: str, count: int) -> list[Manifest]:
    """Return a default storage class, and volumes of it that are folders on a node.

    They are of the kind `local`, whose files a kubelet gives to a pod's group, as it does on a
    cloud's disks; it does not do so for `hostPath`.
    """
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    made: list[Manifest] = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS, "annotations": default},
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    ]
    for number in range(count):
        place = folder / f"disk-{number}"
        place.mkdir(mode=0o755)
        spec = {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "local": {"path": str(place)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        }
        named = {"name": place.name}
        made.append(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": named, "spec": spec}
        )
    return made
