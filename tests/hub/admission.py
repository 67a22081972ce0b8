"""What an API server refuses of a pod although its schema allows it: the rules a sidecar can break.

Written after the validation that Kubernetes' API reference describes for Pod; only the part that
the values of a hub can reach.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub.apiserver import Manifest

Version = tuple[int, int]

NATIVE_SIDECARS: Version = (1, 29)
RESTART_RULES: Version = (1, 35)  # restartPolicy on every container
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
RESTART_POLICIES = (None, "Always", "Never", "OnFailure")
SECCOMP_PROFILES = (None, "Localhost", "RuntimeDefault", "Unconfined")

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]?)")
UNITS = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
UNITS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


def objections(pod: Manifest, kubernetes: Version) -> list[str]:
    """Return what an API server of this version says against a pod; nothing if it takes it."""
    spec = pod["spec"]
    found = [*_metadata(pod["metadata"]), *_volumes(spec)]
    initial, regular = spec.get("initContainers") or [], spec["containers"]
    found += _doubles("container", [each["name"] for each in initial + regular])
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    for container in initial:
        found += _labelled(container, _initial(container, kubernetes))
    for container in regular:
        if container.get("restartPolicy") and kubernetes < RESTART_RULES:
            found.append(
                f"{container['name']}: restartPolicy on a container that is no init container"
            )
    for container in initial + regular:
        found += _labelled(container, _container(container, volumes))
    return found


def amount(quantity: object) -> float:
    """Return a quantity (``512Mi``, ``0.05``, ``50m``) as a number of bytes or cores.

    Raises
    ------
    ValueError
        It is none.
    """
    match = QUANTITY.fullmatch(str(quantity))
    if match is None or match[2] not in UNITS:
        raise ValueError(f"quantity {quantity!r}")
    return float(match[1]) * UNITS[match[2]]


def _labelled(container: Manifest, found: Iterator[str]) -> list[str]:
    return [f"{container['name']}: {message}" for message in found]


def _doubles(what: str, names: list[str]) -> list[str]:
    return [f"two of {what} {name!r}" for name, count in Counter(names).items() if count > 1]


def _is_name(text: str) -> bool:
    return len(text) <= 63 and LABEL.fullmatch(text) is not None


def _is_long_name(text: str) -> bool:
    return len(text) <= 253 and all(LABEL.fullmatch(part) for part in text.split("."))


def _metadata(metadata: Manifest) -> Iterator[str]:
    # A pod's name is its host name as well, which is cut at 63.
    if not _is_long_name(metadata["name"]):
        yield f"name {metadata['name']!r}"
    for key, value in (metadata.get("labels") or {}).items():
        if len(value) > 63 or not LABEL_VALUE.fullmatch(value):
            yield f"label {key}: {value!r}"


def _volumes(spec: Manifest) -> Iterator[str]:
    volumes = spec.get("volumes") or []
    yield from _doubles("volume", [volume["name"] for volume in volumes])
    for volume in volumes:
        if not _is_name(volume["name"]):
            yield f"volume name {volume['name']!r}"
        if len(set(volume) - {"name"}) > 1:
            yield f"volume {volume['name']!r} is of two kinds"
        claim = volume.get("persistentVolumeClaim")
        if claim and not _is_long_name(claim.get("claimName") or ""):
            yield f"claim name {claim.get('claimName')!r}"
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit is not None:
            yield from _quantity("sizeLimit", limit)


def _initial(container: Manifest, kubernetes: Version) -> Iterator[str]:
    """Yield what is wrong with an init container, in a pod of that version."""
    policy = container.get("restartPolicy")
    if policy not in RESTART_POLICIES:
        yield f"restartPolicy {policy!r}"
    if policy == "Always":
        if kubernetes < NATIVE_SIDECARS:
            # The field is dropped there, and the pod waits for ever for MySQL to end.
            yield "a native sidecar needs Kubernetes 1.29"
        return
    for key in (*PROBES, "lifecycle"):
        if container.get(key):
            yield f"{key} on an init container that is to end"


def _container(container: Manifest, volumes: set[str]) -> Iterator[str]:
    if not _is_name(container["name"]):
        yield "not a name"
    image = container.get("image") or ""
    if not image or image != image.strip():
        yield f"image {image!r}"
    for item in container.get("env") or []:
        if not VARIABLE.fullmatch(item["name"]):
            yield f"variable {item['name']!r}"
    yield from _probes(container)
    yield from _mounts(container.get("volumeMounts") or [], volumes)
    yield from _ports(container.get("ports") or [])
    yield from _resources(container.get("resources") or {})
    yield from _security(container.get("securityContext") or {})


def _probes(container: Manifest) -> Iterator[str]:
    for key in PROBES:
        probe = container.get(key)
        if not probe:
            continue
        if sum(handler in probe for handler in HANDLERS) != 1:
            yield f"{key} needs exactly one of {', '.join(HANDLERS)}"
        if key != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            yield f"{key}.successThreshold is not 1"


def _mounts(mounts: list[Manifest], volumes: set[str]) -> Iterator[str]:
    yield from _doubles("mount path", [mount["mountPath"] for mount in mounts])
    for mount in mounts:
        if mount["name"] not in volumes:
            yield f"mount of a volume that the pod does not have: {mount['name']!r}"
        sub_path = mount.get("subPath") or ""
        if sub_path.startswith("/") or ".." in sub_path.split("/"):
            yield f"subPath {sub_path!r}"


def _ports(ports: list[Manifest]) -> Iterator[str]:
    for port in ports:
        name = port.get("name", "port")
        if len(name) > 15 or not LABEL.fullmatch(name):
            yield f"port name {name!r}"


def _quantity(where: str, quantity: Any) -> Iterator[str]:
    try:
        amount(quantity)
    except ValueError as error:
        yield f"{where}: {error}"


def _resources(resources: Manifest) -> Iterator[str]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    wrong = [
        message
        for where, amounts in (("limits", limits), ("requests", requests))
        for resource, quantity in amounts.items()
        for message in _quantity(f"{where}.{resource}", quantity)
    ]
    yield from wrong
    if not wrong:
        for resource in set(limits) & set(requests):
            if amount(requests[resource]) > amount(limits[resource]):
                yield f"it requests more {resource} than its limit"


def _security(context: Manifest) -> Iterator[str]:
    if context.get("runAsNonRoot") and context.get("runAsUser") == 0:
        yield "runAsNonRoot as user 0"
    profile = (context.get("seccompProfile") or {}).get("type")
    if profile not in SECCOMP_PROFILES:
        yield f"seccomp profile {profile!r}"
    added = (context.get("capabilities") or {}).get("add") or []
    if context.get("allowPrivilegeEscalation") is False and (
        context.get("privileged") or "SYS_ADMIN" in added
    ):
        yield "privileged, but without allowPrivilegeEscalation"
