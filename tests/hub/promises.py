"""What hub-config promises of a pod: mistakes that Kubernetes takes, and users suffer from.

A pod without a volume for MySQL's data, or with a probe that never succeeds, is a good pod to an
API server. Here a pod is asked whether it is what hub-config/README.md says it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.hub.admission import PROBES, amount
from tests.hub.manifests import variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traitlets.config import Config

    from tests.hub.apiserver import Manifest

OPTION_SIZE = re.compile(r"(\d+)([kmgKMG]?)")  # how MySQL's options write bytes
DATA = "/var/lib/mysql"
LOOPBACK = "127.0.0.1"
CLIENT_FILE = "/etc/my.cnf"
MYSQL_UID = 999  # the images'
NOTEBOOK = {
    "MYSQL_HOST": LOOPBACK,
    "MYSQL_TCP_PORT": "3306",
    "DJ_HOST": LOOPBACK,
    "DJ_PORT": "3306",
    "DJ_USER": "root",
}
PASSWORDS = ("MYSQL_PWD", "DJ_PASS")
# A stop writes what is in memory to the disk; more takes longer, up to the pool's 1 GiB.
LEAST_GRACE_S = 20
# MySQL makes its first data, or recovers; eight to twelve seconds on an idle machine.
LEAST_PATIENCE_S = 60
# Idle MySQL with these options: docs/hub-measurements.md, "Published values versus these".
IDLE_MEMORY = "258Mi"


class Sidecar(NamedTuple):
    """MySQL's container in a pod, and what of the pod belongs to it."""

    pod: Manifest
    container: Manifest
    is_initial: bool

    @property
    def options(self) -> dict[str, str]:
        """The server's options, without ``loose-``; the last one counts."""
        given = [arg[2:] for arg in self.container.get("args") or [] if arg.startswith("--")]
        pairs = (option.partition("=") for option in given)
        return {name.replace("_", "-").removeprefix("loose-"): value for name, _, value in pairs}

    @property
    def mount(self) -> Manifest | None:
        """Where the data is."""
        mounts = self.container.get("volumeMounts") or []
        return next((mount for mount in mounts if mount["mountPath"] == DATA), None)

    @property
    def volume(self) -> Manifest:
        """The volume that the data is on; empty if there is none."""
        volumes = {each["name"]: each for each in self.pod["spec"].get("volumes") or []}
        return volumes[self.mount["name"]] if self.mount else {}

    @property
    def keeps_data(self) -> bool:
        """Whether the data survives the pod."""
        return "persistentVolumeClaim" in self.volume

    @property
    def gate(self) -> str | None:
        """The probe that the notebook's start waits for."""
        kinds = ("startupProbe",) if self.is_initial else ("startupProbe", "readinessProbe")
        return next((kind for kind in kinds if self.container.get(kind)), None)


def sidecar_of(pod: Manifest) -> Sidecar | None:
    """Return MySQL in a pod that no wall has refused, None if it has none."""
    spec = pod["spec"]
    groups = ((True, spec.get("initContainers") or []), (False, spec["containers"]))
    found = (
        Sidecar(pod, container, is_initial)
        for is_initial, group in groups
        for container in group
        if container["name"] == "mysql"
    )
    return next(found, None)


def broken(pod: Manifest, config: Config) -> list[str]:
    """Return what a pod, of a hub with this configuration, does not keep of the promises."""
    sidecar = sidecar_of(pod)
    if sidecar is None:
        return ["there is no container named mysql"]
    return [
        *_start(sidecar),
        *_waiting(sidecar, config.KubeSpawner.get("start_timeout", 60)),
        *_probes(sidecar),
        *_end(sidecar, _grace_s(config)),
        *_data(sidecar),
        *_exposure(sidecar),
        *_rights(sidecar),
        *_sizes(sidecar),
        *_credentials(sidecar),
        *_neighbours(sidecar),
    ]


def _grace_s(config: Config) -> int:
    # inject.values.yaml gives it when a pod is made and when it is stopped (test_inject.py).
    given: int = config.KubeSpawner.get("delete_grace_period", 1)
    added: int = config.SidecarMysql.get("grace_s", 0)
    return max(given, added)


def _start(sidecar: Sidecar) -> Iterator[str]:
    if sidecar.is_initial and sidecar.container.get("restartPolicy") != "Always":
        yield "the pod waits for ever for MySQL to end: restartPolicy"
    if not sidecar.container.get("command"):
        yield "the image's own entrypoint does not pass a stop on"


def _waiting(sidecar: Sidecar, start_timeout_s: int) -> Iterator[str]:
    if sidecar.keeps_data and sidecar.gate:
        yield f"damaged data keeps the user from the notebook: {sidecar.gate}"
    if not sidecar.keeps_data and not sidecar.gate:
        yield "nothing waits for MySQL"
    startup = sidecar.container.get("startupProbe")
    if startup:
        patience_s = _patience_s(startup)
        if patience_s < LEAST_PATIENCE_S:
            yield f"MySQL has {patience_s} s for its first data"
        elif patience_s > start_timeout_s:
            yield f"KubeSpawner gives up after {start_timeout_s} s, the probe after {patience_s} s"
    liveness = sidecar.container.get("livenessProbe")
    if liveness and not startup and _patience_s(liveness) < LEAST_PATIENCE_S:
        yield f"MySQL is killed if it does not answer after {_patience_s(liveness)} s"


def _patience_s(probe: Manifest) -> int:
    """Return after how long a probe that never succeeds ends the container."""
    every_s, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
    return int(probe.get("initialDelaySeconds", 0) + every_s * failures)


def _probes(sidecar: Sidecar) -> Iterator[str]:
    for kind in PROBES:
        probe = sidecar.container.get(kind)
        if not probe:
            continue
        if "exec" not in probe:
            yield f"{kind} dials the pod's address, where nothing listens"
        elif not {f"--host={LOOPBACK}", f"-h{LOOPBACK}"} & set(probe["exec"]["command"]):
            yield f"{kind} asks at the socket, which answers too early"


def _end(sidecar: Sidecar, grace_s: int) -> Iterator[str]:
    if grace_s < LEAST_GRACE_S:
        yield f"MySQL has {grace_s} s to stop"
    pods_s = sidecar.pod["spec"].get("terminationGracePeriodSeconds", 30)
    if pods_s < LEAST_GRACE_S:
        yield f"MySQL has {pods_s} s to stop when its node is drained"


def _data(sidecar: Sidecar) -> Iterator[str]:
    if sidecar.mount is None:
        yield "a restart loses the data"
        return
    if sidecar.mount.get("readOnly"):
        yield "the data cannot be written"
    if sidecar.keeps_data:
        # At the top there is lost+found at least, and MySQL makes no data beside other files.
        if not sidecar.mount.get("subPath"):
            yield "the data needs a folder of its own in its volume"
        if _is_shared(sidecar) and not _is_given_to_mysql(sidecar):
            yield "the data is in the home, and belongs to the user"
    else:
        kind = sidecar.volume.get("emptyDir") or {}
        if kind.get("medium") == "Memory":
            yield "the data is in memory"
        if "sizeLimit" not in kind:
            yield "the data may fill the node's disk"


def _is_shared(sidecar: Sidecar) -> bool:
    """Return whether another regular container has the data's volume as well."""
    return any(
        mount["name"] == sidecar.volume["name"]
        for container in sidecar.pod["spec"]["containers"]
        if container is not sidecar.container
        for mount in container.get("volumeMounts") or []
    )


def _is_given_to_mysql(sidecar: Sidecar) -> bool:
    """Return whether an init container before MySQL, as root, has the data's folder."""
    mount = sidecar.mount or {}
    before = list(sidecar.pod["spec"].get("initContainers") or [])
    if sidecar.is_initial:
        before = before[: before.index(sidecar.container)]
    place = (mount["name"], mount.get("subPath"))
    return any(
        (each["name"], each.get("subPath")) == place
        for container in before
        if (container.get("securityContext") or {}).get("runAsUser") == 0
        for each in container.get("volumeMounts") or []
    )


def _exposure(sidecar: Sidecar) -> Iterator[str]:
    if sidecar.options.get("bind-address") != LOOPBACK:
        yield "other pods can connect: bind-address"
    if sidecar.options.get("mysqlx") != "OFF":
        yield "other pods can connect: the X plugin"
    if sidecar.container.get("ports"):
        yield "a port is declared that nobody is to reach"


def _rights(sidecar: Sidecar) -> Iterator[str]:
    context = sidecar.container.get("securityContext") or {}
    user, capabilities = context.get("runAsUser"), context.get("capabilities") or {}
    if user != MYSQL_UID:
        yield f"MySQL runs as {user or 'root'}, its data are {MYSQL_UID}'s"
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield "MySQL may become root"
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "MySQL has capabilities"


def _sizes(sidecar: Sidecar) -> Iterator[str]:
    resources = sidecar.container.get("resources") or {}
    limit = (resources.get("limits") or {}).get("memory")
    request = (resources.get("requests") or {}).get("memory", limit)
    pool = sidecar.options.get("innodb-buffer-pool-size")
    if limit is None:
        yield "one user's MySQL may take the node's memory"
    elif pool is None:
        yield "the buffer pool is the image's, 4G"
    elif (size := OPTION_SIZE.fullmatch(pool)) is None:
        yield f"MySQL takes no buffer pool of {pool}"
    elif amount(f"{size[1]}{size[2].upper()}i" if size[2] else size[1]) * 2 > amount(limit):
        yield f"a buffer pool of {pool} is more than half of {limit}"
    if "innodb-redo-log-capacity" not in sidecar.options:
        yield "the redo log is the image's, 4G of disk before any data"
    if request is None or amount(request) < amount(IDLE_MEMORY):
        yield f"it requests {request}, and takes {IDLE_MEMORY} when idle"


def _credentials(sidecar: Sidecar) -> Iterator[str]:
    (notebook,) = (each for each in sidecar.pod["spec"]["containers"] if each["name"] == "notebook")
    told, own = variables(notebook), variables(sidecar.container)
    for name, value in NOTEBOOK.items():
        if told.get(name) != value:
            yield f"the notebook's {name} is {told.get(name)}"
    password = own.get("MYSQL_ROOT_PASSWORD")
    if not password:
        yield "MySQL has no password"
    for name in PASSWORDS:
        if told.get(name) != password:
            yield f"the notebook's {name} is not MySQL's password"
    if "MYSQL_HOST" in own:
        yield "with MYSQL_HOST the image cannot make its first data"
    mounts = {mount["mountPath"] for mount in notebook.get("volumeMounts") or []}
    if CLIENT_FILE not in mounts:
        yield f"the mysql client has no {CLIENT_FILE}"


def _neighbours(sidecar: Sidecar) -> Iterator[str]:
    names = {each["name"] for each in sidecar.pod["spec"].get("initContainers") or []}
    if "block-cloud-metadata" not in names:
        yield "users reach the cloud's metadata server"
