"""What z2jh makes of its values: the configuration that KubeSpawner gets in the hub.

Written after z2jh's reference of its values (``singleuser.*``) for 4.3, as far as user pods go: the
chart itself is not needed to check the files of hub-config. What the chart refuses before anything
is installed is refused here as well.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.hub.values import Values

# Stand-ins for what belongs to the chart, not to the values.
SECRET_VALUES = {"hub.config.CryptKeeper.keys": "00" * 32}
IMAGE = "registry.example.org/jupyterhub/k8s-singleuser-sample:4.3.0"
NETWORK_TOOLS_IMAGE = "registry.example.org/jupyterhub/k8s-network-tools:4.3.0"
METADATA_SERVER = "169.254.169.254"
FILES_SECRET = "singleuser"

MAPPING, LIST = (dict,), (list,)
EITHER = (dict, list)
# singleuser's keys: the types that the chart allows, and the KubeSpawner trait that gets the value
# as it is (None: see the functions below, or nothing of a pod).
SINGLEUSER: dict[str, tuple[tuple[type, ...], str | None]] = {
    "allowPrivilegeEscalation": ((bool,), "allow_privilege_escalation"),
    "cloudMetadata": (MAPPING, None),
    "cmd": ((list, str), "cmd"),
    "cpu": (MAPPING, None),
    "defaultUrl": ((str,), "default_url"),
    "events": ((bool,), "events_enabled"),
    "extraAnnotations": (MAPPING, "extra_annotations"),
    "extraContainers": (LIST, "extra_containers"),
    "extraEnv": (EITHER, "environment"),
    "extraFiles": (MAPPING, None),
    "extraLabels": (MAPPING, None),
    "extraNodeAffinity": (MAPPING, None),
    "extraResource": (MAPPING, None),
    "extraTolerations": (LIST, "tolerations"),
    "extraPodConfig": (MAPPING, "extra_pod_config"),
    "fsGid": ((int,), "fs_gid"),
    "image": (MAPPING, None),
    "initContainers": (LIST, "init_containers"),
    "lifecycleHooks": (MAPPING, "lifecycle_hooks"),
    "memory": (MAPPING, None),
    "networkPolicy": (MAPPING, None),
    "nodeSelector": (MAPPING, "node_selector"),
    "podNameTemplate": ((str,), "pod_name_template"),
    "profileList": (LIST, "profile_list"),
    "serviceAccountName": ((str,), "service_account"),
    "startTimeout": ((int,), "start_timeout"),
    "storage": (MAPPING, None),
    "uid": ((int,), "uid"),
}
STORAGE: dict[str, tuple[type, ...]] = {
    "capacity": (str,),
    "dynamic": MAPPING,
    "extraLabels": MAPPING,
    "extraVolumeMounts": (*EITHER, type(None)),
    "extraVolumes": (*EITHER, type(None)),
    "homeMountPath": (str,),
    "static": MAPPING,
    "type": (str,),
}
# The traits of a volume for each user's home, by the keys of storage.dynamic.
DYNAMIC = {
    "pvcNameTemplate": "pvc_name_template",
    "storageAccessModes": "storage_access_modes",
    "storageClass": "storage_class",
}
# What is below, by its place: as much as our files have of it, and people change.
BELOW: dict[str, dict[str, tuple[type, ...]]] = {
    "cull": {
        "adminUsers": (bool,),
        "concurrency": (int,),
        "enabled": (bool,),
        "every": (int,),
        "maxAge": (int,),
        "removeNamedServers": (bool,),
        "timeout": (int,),
        "users": (bool,),
    },
    "hub": {
        "activeServerLimit": (int,),
        "allowNamedServers": (bool,),
        "concurrentSpawnLimit": (int,),
        "config": MAPPING,
        "extraConfig": MAPPING,
        "namedServerLimitPerUser": (int,),
    },
    "prePuller": {
        "continuous": MAPPING,
        "extraImages": MAPPING,
        "hook": MAPPING,
        "pullProfileListImages": (bool,),
    },
    "singleuser.cloudMetadata": {"blockWithIptables": (bool,), "ip": (str,)},
    "scheduling": {
        "podPriority": MAPPING,
        "userPlaceholder": MAPPING,
        "userPods": MAPPING,
        "userScheduler": MAPPING,
    },
    "scheduling.userPlaceholder": {
        "enabled": (bool,),
        "replicas": (int,),
        "resources": MAPPING,
    },
    "singleuser.extraNodeAffinity": {"preferred": LIST, "required": LIST},
    "singleuser.extraResource": {"guarantees": MAPPING, "limits": MAPPING},
    "singleuser.image": {
        "name": (str,),
        "pullPolicy": (str,),
        "pullSecrets": LIST,
        "tag": (str,),
    },
    "singleuser.networkPolicy": {
        "allowedIngressPorts": LIST,
        "egress": LIST,
        "egressAllowRules": MAPPING,
        "enabled": (bool,),
        "ingress": LIST,
        "interNamespaceAccessLabels": (str,),
    },
    "singleuser.networkPolicy.egressAllowRules": {
        "cloudMetadataServer": (bool,),
        "dnsPortsCloudMetadataServer": (bool,),
        "dnsPortsKubeSystemNamespace": (bool,),
        "dnsPortsPrivateIPs": (bool,),
        "nonPrivateIPs": (bool,),
        "privateIPs": (bool,),
    },
    "singleuser.storage": STORAGE,
    "singleuser.storage.dynamic": {
        "pvcNameTemplate": (str,),
        "storageAccessModes": LIST,
        "storageClass": (str,),
        "subPath": (str,),
        "volumeNameTemplate": (str,),
    },
    "singleuser.storage.static": {"pvcName": (str,), "subPath": (str,)},
}
PULLED_IMAGE: dict[str, tuple[type, ...]] = {"name": (str,), "tag": (str,)}
TOP = {
    "cull",
    "custom",
    "hub",
    "imagePullSecret",
    "imagePullSecrets",
    "prePuller",
    "proxy",
    "scheduling",
    "singleuser",
}
DEFAULTS: Values = {
    "allowPrivilegeEscalation": False,
    "cmd": "jupyterhub-singleuser",
    "fsGid": 100,
    "startTimeout": 300,
    "uid": 1000,
}


class ChartError(Exception):
    """The chart would refuse these values: ``helm upgrade`` fails, nothing changes."""


def spawner_config(values: Values) -> Config:
    """Return the hub's configuration, with ``hub.config`` and ``hub.extraConfig`` on top.

    Raises
    ------
    ChartError
        The chart's schema does not allow a key, or the type of its value.
    """
    _check_keys("", values, TOP)
    given = {**DEFAULTS, **values.get("singleuser", {})}
    # Helm takes the chart's own value away where an operator's is null.
    singleuser = {key: value for key, value in given.items() if value is not None}
    _check_types("singleuser", singleuser, {key: kinds for key, (kinds, _) in SINGLEUSER.items()})
    for place, allowed in BELOW.items():
        _check_types(place, _at(values, place, {}), allowed)
    for key, image in _at(values, "prePuller.extraImages", {}).items():
        _check_types(f"prePuller.extraImages.{key}", image, PULLED_IMAGE)
    config = Config()
    spawner = config.KubeSpawner
    for key, (_, trait) in SINGLEUSER.items():
        if trait is not None and key in singleuser:
            spawner[trait] = singleuser[key]
    _set_image(spawner, values, singleuser.get("image", {}))
    for kind in ("preferred", "required"):
        affinity = singleuser.get("extraNodeAffinity", {}).get(kind)
        if affinity:
            spawner[f"node_affinity_{kind}"] = affinity
    for kind, amounts in singleuser.get("extraResource", {}).items():
        spawner[f"extra_resource_{kind}"] = amounts
    spawner.extra_labels = {
        "hub.jupyter.org/network-access-hub": "true",
        **singleuser.get("extraLabels", {}),
    }
    _set_resources(spawner, singleuser)
    _set_volumes(spawner, singleuser)
    if singleuser.get("cloudMetadata", {}).get("blockWithIptables", True):
        # After the containers of the values.
        spawner.init_containers = [*singleuser.get("initContainers", []), _metadata_block()]
    _add_hub(config, values)
    return config


def _check_keys(where: str, found: Mapping[str, Any], allowed: set[str]) -> None:
    unknown = sorted(set(found) - allowed)
    if unknown:
        raise ChartError(f"{where or 'values'}: unknown key {unknown[0]!r}")


def _check_types(
    where: str, found: Mapping[str, Any], allowed: Mapping[str, tuple[type, ...]]
) -> None:
    _check_keys(where, found, set(allowed))
    for key, value in found.items():
        # Python's bool is an int; JSON's is not.
        if not isinstance(value, allowed[key]) or (
            type(value) is bool and bool not in allowed[key]
        ):
            names = " or ".join(kind.__name__ for kind in allowed[key])
            raise ChartError(f"{where}.{key}: {type(value).__name__} instead of {names}")


def _set_image(spawner: Config, values: Values, image: Values) -> None:
    name, tag = image.get("name"), image.get("tag")
    spawner.image = (f"{name}:{tag}" if tag else name) if name else IMAGE
    if image.get("pullPolicy"):
        spawner.image_pull_policy = image["pullPolicy"]
    secrets = [*values.get("imagePullSecrets", []), *image.get("pullSecrets", [])]
    if values.get("imagePullSecret", {}).get("create"):
        secrets.insert(0, "image-pull-secret")
    if secrets:
        spawner.image_pull_secrets = secrets


def _set_resources(spawner: Config, singleuser: Values) -> None:
    memory = {"guarantee": "1G", **singleuser.get("memory", {})}
    for prefix, amounts in (("mem", memory), ("cpu", singleuser.get("cpu", {}))):
        _check_keys(f"singleuser.{prefix}", amounts, {"guarantee", "limit"})
        for key, amount in amounts.items():
            spawner[f"{prefix}_{key}"] = amount


def _set_volumes(spawner: Config, singleuser: Values) -> None:
    storage = singleuser.get("storage", {})
    home = storage.get("homeMountPath", "/home/jovyan")
    volumes: Values = {}
    mounts: Values = {}
    kind = storage.get("type", "dynamic")
    if kind == "dynamic":
        dynamic = storage.get("dynamic", {})
        name = dynamic.get("volumeNameTemplate", "volume-{user_server}")
        volumes[name] = {"name": name, "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
        mounts[name] = {"mountPath": home, "name": name, "subPath": dynamic.get("subPath")}
        spawner.storage_pvc_ensure = True
        spawner.storage_capacity = storage.get("capacity", "10Gi")
        for key, trait in DYNAMIC.items():
            if dynamic.get(key) is not None:
                spawner[trait] = dynamic[key]
        if storage.get("extraLabels"):
            spawner.storage_extra_labels = storage["extraLabels"]
    elif kind == "static":
        static = storage.get("static", {})
        claim = {"claimName": static.get("pvcName")}
        volumes["home"] = {"name": "home", "persistentVolumeClaim": claim}
        sub_path = static.get("subPath", "{username}")
        mounts["home"] = {"mountPath": home, "name": "home", "subPath": sub_path}
    elif kind != "none":
        raise ChartError(f"singleuser.storage.type: {kind!r}")
    _add_files(volumes, mounts, singleuser.get("extraFiles", {}))
    # As the chart does: what is null stays so, and KubeSpawner fails at it.
    added = storage.get("extraVolumes") or {}
    volumes.update({each["name"]: each for each in added} if isinstance(added, list) else added)
    added = storage.get("extraVolumeMounts") or {}
    if isinstance(added, list):
        added = {f"{index}-{each['name']}": each for index, each in enumerate(added)}
    mounts.update(added)
    spawner.volumes, spawner.volume_mounts = volumes, mounts


def _add_files(volumes: Values, mounts: Values, files: Values) -> None:
    items = []
    for index, (key, file) in enumerate(files.items()):
        _check_keys("extraFiles", file, {"binaryData", "data", "mode", "mountPath", "stringData"})
        items.append(
            {"key": key, "path": key, **({"mode": file["mode"]} if "mode" in file else {})}
        )
        mount = {"mountPath": file["mountPath"], "name": "files", "subPath": key}
        mounts[f"{index}-files"] = mount
    if items:
        secret = {"secretName": FILES_SECRET, "items": items}
        volumes["files"] = {"name": "files", "secret": secret}


def _metadata_block() -> Values:
    """Return the init container that keeps users from the cloud's metadata server."""
    rule = f"--append OUTPUT --protocol tcp --destination {METADATA_SERVER}"
    rule += " --destination-port 80 --jump DROP"
    return {
        "name": "block-cloud-metadata",
        "image": NETWORK_TOOLS_IMAGE,
        "command": ["iptables", *rule.split()],
        "resources": {},
        "securityContext": {
            "privileged": True,
            "runAsUser": 0,
            "capabilities": {"add": ["NET_ADMIN"]},
        },
    }


def _add_hub(config: Config, values: Values) -> None:
    hub = values.get("hub", {})
    if "allowNamedServers" in hub:
        config.JupyterHub.allow_named_servers = hub["allowNamedServers"]
    for section, traits in hub.get("config", {}).items():
        config[section].update(traits)
    for _, code in sorted(hub.get("extraConfig", {}).items()):
        if code is not None:
            run_config(code, config, values)


def run_config(code: str, config: Config, values: Values) -> None:
    """Run a piece of ``hub.extraConfig`` as the hub does, with ``c`` and the module ``z2jh``."""
    with z2jh_module(values):
        exec(compile(code, "hub.extraConfig", "exec"), {"c": config, "__name__": "extraConfig"})


@contextmanager
def z2jh_module(values: Values) -> Iterator[None]:
    """Let the module ``z2jh`` be there, as in the hub's container."""
    z2jh: Any = ModuleType("z2jh")
    z2jh.get_config = lambda key, default=None: _at(values, key, default)
    z2jh.get_secret_value = lambda key: SECRET_VALUES[key]
    before = sys.modules.get("z2jh")
    sys.modules["z2jh"] = z2jh
    try:
        yield
    finally:
        if before is None:
            del sys.modules["z2jh"]
        else:
            sys.modules["z2jh"] = before


def _at(values: Values, key: str, default: Any) -> Any:
    node: Any = values
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return default
        node = node[part]
    return node
