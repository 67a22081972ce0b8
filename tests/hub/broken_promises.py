"""Mistakes that no wall stops, for Kubernetes takes such pods; and the promise that each breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.hub.mutation import (
    Mutation,
    argument,
    at,
    forget,
    merged,
    mysql,
    no_argument,
    put,
    rename,
)

if TYPE_CHECKING:
    from tests.hub.values import Values

NOTEBOOK = ("singleuser", "extraEnv")
SPAWNER = ("hub", "config", "KubeSpawner")
MOUNT = ("volumeMounts", 0)
RIGHTS = ("securityContext",)
CAPABILITIES = (*RIGHTS, "capabilities")
LIMIT = ("resources", "limits", "memory")
REQUEST = ("resources", "requests", "memory")
FAILURES = ("startupProbe", "failureThreshold")
COMMAND = ("startupProbe", "exec", "command")
OVER_TCP = {"exec": {"command": ["mysqladmin", "ping", "--host=127.0.0.1"]}, "failureThreshold": 90}
DIALS = {"tcpSocket": {"port": 3306}, "periodSeconds": 1, "failureThreshold": 90}
SOCKET = ["mysqladmin", "ping", "--host=localhost"]


def _volume(values: Values) -> Any:
    return at(values, "singleuser", "storage", "extraVolumes", "sidecar-mysql-data")


def _without_a_limit(values: Values) -> None:
    _volume(values)["emptyDir"] = {}


def _in_memory(values: Values) -> None:
    _volume(values)["emptyDir"] = {"medium": "Memory", "sizeLimit": "10Gi"}


def _ends_by_itself(values: Values) -> None:
    """With its probes the API server would refuse it."""
    for key in ("restartPolicy", "startupProbe", "livenessProbe"):
        del mysql(values)[key]


def _typo_of_the_grace_period(values: Values) -> None:
    settings = at(values, *SPAWNER)
    settings["delete_grace_periods"] = settings.pop("delete_grace_period")


def _host_in_the_sidecar(values: Values) -> None:
    mysql(values)["env"].append({"name": "MYSQL_HOST", "value": "127.0.0.1"})


def _no_client_file(values: Values) -> None:
    del values["singleuser"]["extraFiles"]


def _owner_too_late(values: Values) -> None:
    """The container that gives the folder to MySQL runs after it."""
    values["singleuser"]["initContainers"].reverse()


def _own_init_containers(values: Values) -> None:
    """Lists replace: a hub's own, in a values file after ours."""
    values["singleuser"]["initContainers"] = [{"name": "mine", "image": "busybox:1"}]


def _past_z2jh(values: Values) -> None:
    """As KubeSpawner's own documentation has it; z2jh's container goes."""
    at(values, *SPAWNER)["init_containers"] = values["singleuser"].pop("initContainers")


def _typo_in_a_profile(values: Values) -> None:
    (profile,) = [each for each in values["singleuser"]["profileList"] if each["slug"] == "mysql"]
    override = profile["kubespawner_override"]
    override["extra_container"] = override.pop("extra_containers")


# File, what somebody did, what is said of it, and the change.
_TABLE = (
    ("sidecar", "restartPolicy forgotten", "waits for ever", _ends_by_itself),
    ("sidecar", "the image's entrypoint", "pass a stop on", forget("command")),
    (
        "sidecar",
        "readinessProbe on a native sidecar",
        "nothing waits",
        rename("startupProbe", "readinessProbe"),
    ),
    ("sidecar", "no startup probe", "nothing waits", forget("startupProbe")),
    ("sidecar", "ten seconds to start", "10 s for its first data", put(*FAILURES, value=10)),
    ("sidecar", "an hour to start", "gives up after 300 s", put(*FAILURES, value=3600)),
    ("sidecar", "a probe of tcpSocket", "nothing listens", put("startupProbe", value=DIALS)),
    ("sidecar", "a probe at the socket", "too early", put(*COMMAND, value=SOCKET)),
    ("sidecar", "five seconds to stop", "5 s to stop", merged(*SPAWNER, delete_grace_period=5)),
    ("sidecar", "a typo of delete_grace_period", "1 s to stop", _typo_of_the_grace_period),
    (
        "sidecar",
        "five seconds on a drained node",
        "drained",
        merged("singleuser", extraPodConfig={"terminationGracePeriodSeconds": 5}),
    ),
    ("sidecar", "no mount", "loses the data", put("volumeMounts", value=[])),
    ("sidecar", "a read-only mount", "cannot be written", put(*MOUNT, "readOnly", value=True)),
    ("sidecar", "no sizeLimit", "the node's disk", _without_a_limit),
    ("sidecar", "data in memory", "in memory", _in_memory),
    ("sidecar", "no bind-address", "bind-address", no_argument("bind-address")),
    ("sidecar", "a second bind-address", "bind-address", argument("--bind_address=*")),
    ("sidecar", "the X plugin", "X plugin", no_argument("mysqlx")),
    ("sidecar", "a port", "declared", put("ports", value=[{"containerPort": 3306}])),
    ("sidecar", "no securityContext", "runs as root", forget(*RIGHTS)),
    ("sidecar", "the notebook's user", "runs as 1000", put(*RIGHTS, "runAsUser", value=1000)),
    ("sidecar", "root on request", "become root", forget(*RIGHTS, "allowPrivilegeEscalation")),
    ("sidecar", "a capability", "has capabilities", put(*CAPABILITIES, "add", value=["SYS_NICE"])),
    ("sidecar", "no capability dropped", "has capabilities", forget(*CAPABILITIES)),
    ("sidecar", "no memory limit", "the node's memory", forget(*LIMIT)),
    ("sidecar", "a limit as large as the pool", "more than half", put(*LIMIT, value="1Gi")),
    ("sidecar", "a larger pool", "more than half", argument("--innodb-buffer-pool-size=2G")),
    ("sidecar", "a pool of 1Gi", "takes no", argument("--innodb_buffer_pool_size=1Gi")),
    ("sidecar", "the image's pool", "4G", no_argument("innodb-buffer-pool-size")),
    ("sidecar", "the image's redo log", "4G of disk", no_argument("redo-log-capacity")),
    ("sidecar", "a request of 64Mi", "requests 64Mi", put(*REQUEST, value="64Mi")),
    ("sidecar", "another password", "MYSQL_PWD", put("env", 0, "value", value="other")),
    ("sidecar", "no password", "no password", put("env", value=[])),
    ("sidecar", "MYSQL_HOST in the sidecar", "first data", _host_in_the_sidecar),
    ("sidecar", "localhost", "DJ_HOST is localhost", merged(*NOTEBOOK, DJ_HOST="localhost")),
    ("sidecar", "no file for the client", "/etc/my.cnf", _no_client_file),
    (
        "sidecar",
        "cloudMetadata off",
        "metadata",
        merged("singleuser", cloudMetadata={"blockWithIptables": False}),
    ),
    ("sidecar", "initContainers of one's own", "no container", _own_init_containers),
    ("sidecar", "KubeSpawner.init_containers", "metadata", _past_z2jh),
    ("sidecar-classic", "no readiness probe", "nothing waits", forget("readinessProbe")),
    (
        "sidecar-classic",
        "an impatient liveness probe",
        "after 30 s",
        put("livenessProbe", value={**OVER_TCP, "failureThreshold": 3}),
    ),
    ("profiles", "a typo in a profile", "no container", _typo_in_a_profile),
    (
        "persistent",
        "a startup probe",
        "keeps the user from the notebook",
        put("startupProbe", value=OVER_TCP),
    ),
    ("persistent", "no folder in the home", "of its own", forget(*MOUNT, "subPath")),
    ("persistent", "the folder's owner too late", "belongs to the user", _owner_too_late),
    ("persistent-static", "the folder's owner too late", "belongs to the user", _owner_too_late),
)
BROKEN_PROMISES = tuple(
    Mutation(name, "promises", says, change, file) for file, name, says, change in _TABLE
)
