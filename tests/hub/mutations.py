"""Mistakes that people make in values files, and the wall that stops each (None: it is none)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from tests.hub.mutation import Mutation, argument, forget, merged, mysql, put, rename, variable
from tests.hub.values import read

if TYPE_CHECKING:
    from tests.hub.values import Values


def _typo_of_the_key(values: Values) -> None:
    values["singleuser"]["extraContainer"] = values["singleuser"].pop("extraContainers")


def _as_mapping(values: Values) -> None:
    values["singleuser"]["extraContainers"] = {"mysql": mysql(values)}


def _past_the_chart(values: Values) -> None:
    """KubeSpawner 7 takes a mapping; by this way the chart does not see it."""
    containers = {"10-mysql": values["singleuser"].pop("extraContainers")[0]}
    values["hub"]["config"]["KubeSpawner"]["extra_containers"] = containers


def _native(values: Values) -> None:
    container = {**values["singleuser"].pop("extraContainers")[0], "restartPolicy": "Always"}
    del container["readinessProbe"]
    values["singleuser"]["initContainers"] = [container]


def _init_with_probe(values: Values) -> None:
    values["singleuser"]["initContainers"] = [values["singleuser"].pop("extraContainers")[0]]


def _twice(values: Values) -> None:
    values["singleuser"]["extraContainers"].append(copy.deepcopy(mysql(values)))


def _drop_volumes(values: Values) -> None:
    del values["singleuser"]["storage"]


def _server_name_as_field(values: Values) -> None:
    values["singleuser"]["storage"]["extraVolumes"]["sidecar-mysql-data"]["name"] = "{user.name}"


def _tag_without_quotes(values: Values) -> None:
    values["prePuller"]["extraImages"]["sidecar-mysql"]["tag"] = 8.0


def _hub_typo(values: Values) -> None:
    values["hub"]["confg"] = values["hub"].pop("config")


def _both_files(values: Values) -> None:
    """The default, left in place when the other file came: ``helm upgrade --reuse-values``."""
    values["singleuser"]["initContainers"] = read("sidecar")["singleuser"]["initContainers"]


MUTATIONS = (
    Mutation("a typo of extraContainers", "chart", "extraContainer", _typo_of_the_key),
    Mutation("extraContainers as a mapping", "chart", "dict instead of list", _as_mapping),
    Mutation(
        "startTimeout as text", "chart", "startTimeout", merged("singleuser", startTimeout="300")
    ),
    Mutation("uid as a truth value", "chart", "uid", merged("singleuser", uid=True)),
    Mutation(
        "an unknown storage type",
        "chart",
        "storage.type",
        merged("singleuser", storage={"type": "nfs"}),
    ),
    Mutation("a typo of hub.config", "chart", "confg", _hub_typo),
    Mutation(
        "a truth value in quotes",
        "chart",
        "allowNamedServers",
        merged("hub", allowNamedServers="false"),
    ),
    Mutation(
        "a time with a unit",
        "chart",
        "cull.timeout: str",
        lambda values: values.update(cull={"timeout": "30m"}),
    ),
    Mutation(
        "a typo in the network policy",
        "chart",
        "privateIP",
        merged("singleuser", networkPolicy={"egressAllowRules": {"privateIP": False}}),
    ),
    Mutation(
        "an image's tag without quotes", "chart", "tag: float", _tag_without_quotes, "profiles"
    ),
    Mutation("${VARIABLE} in an argument", "spawner", "KeyError", argument("--x=${PASSWORD}")),
    Mutation("JSON in a variable", "spawner", "KeyError", variable('{"a": 1}')),
    Mutation("find's braces", "spawner", "IndexError", argument("find / -exec ls {} ;")),
    Mutation("a lone brace", "spawner", "ValueError", argument("--x={")),
    Mutation("a field that there is not", "spawner", "KeyError", _server_name_as_field),
    Mutation(
        "{user} in a subPath",
        "spawner",
        "KeyError",
        put("volumeMounts", 0, "subPath", value="{user}"),
    ),
    Mutation(
        "volumeMount for volumeMounts",
        "spawner",
        "volumeMount",
        rename("volumeMounts", "volumeMount"),
    ),
    Mutation(
        "a port without quotes for the notebook",
        "spawner",
        "TypeError",
        merged("singleuser", "extraEnv", MYSQL_TCP_PORT=3306),
    ),
    Mutation(
        "a truth value for the notebook",
        "spawner",
        "TypeError",
        merged("singleuser", "extraEnv", DJ_USE_TLS=True),
    ),
    Mutation(
        "braces in the notebook's password",
        "spawner",
        "KeyError",
        merged("singleuser", "extraEnv", MYSQL_PWD="{secret}"),
    ),
    Mutation(
        "a grace period in quotes",
        "spawner",
        "delete_grace_period",
        merged("hub", "config", "KubeSpawner", delete_grace_period="30"),
    ),
    Mutation("limit for limits", "schema", "limit", rename("limits", "limit", "resources")),
    Mutation(
        "periodSecond for periodSeconds",
        "schema",
        "periodSecond",
        rename("periodSeconds", "periodSecond", "readinessProbe"),
    ),
    Mutation("a number in a variable", "schema", "3306", variable(3306)),
    Mutation("a truth value in a variable", "schema", "True", variable(True)),
    Mutation("a user as text", "schema", "999", put("securityContext", "runAsUser", value="999")),
    Mutation(
        "a command as text", "schema", "command", put("command", value="docker-entrypoint.sh")
    ),
    Mutation("4GiB", "admission", "4GiB", put("resources", "limits", "memory", value="4GiB")),
    Mutation("1 core", "admission", "1 core", put("resources", "limits", "cpu", value="1 core")),
    Mutation(
        "more requested than the limit",
        "admission",
        "requests more memory",
        put("resources", "requests", "memory", value="8Gi"),
    ),
    Mutation(
        "a mount of no volume",
        "admission",
        "does not have",
        put("volumeMounts", 0, "name", value="other"),
    ),
    Mutation("the volume forgotten", "admission", "does not have", _drop_volumes),
    Mutation(
        "an absolute subPath",
        "admission",
        "subPath",
        put("volumeMounts", 0, "subPath", value="/data"),
    ),
    Mutation(
        "a subPath that leaves the volume",
        "admission",
        "subPath",
        put("volumeMounts", 0, "subPath", value="a/../../b"),
    ),
    Mutation("two containers named mysql", "admission", "two of container", _twice),
    Mutation(
        "a container named notebook",
        "admission",
        "two of container",
        put("name", value="notebook"),
    ),
    Mutation("a name with an underscore", "admission", "not a name", put("name", value="my_sql")),
    Mutation(
        "restartPolicy on a regular container",
        "admission",
        "restartPolicy",
        put("restartPolicy", value="Always"),
    ),
    Mutation(
        "a probe without a way to probe",
        "admission",
        "exactly one",
        put("startupProbe", value={"periodSeconds": 1}),
    ),
    Mutation("an init container that is probed", "admission", "is to end", _init_with_probe),
    Mutation("a native sidecar before Kubernetes 1.29", "admission", "1.29", _native),
    Mutation(
        "root, but not as root",
        "admission",
        "runAsNonRoot",
        put("securityContext", "runAsUser", value=0),
    ),
    Mutation(
        "a port's name of 18 letters",
        "admission",
        "port name",
        put("ports", value=[{"name": "mysql-sidecar-port", "containerPort": 3306}]),
    ),
    Mutation("no image", "admission", "image", forget("image")),
    Mutation(
        "restartPolicy: always",
        "admission",
        "'always'",
        put("restartPolicy", value="always"),
        "sidecar",
    ),
    Mutation(
        "a seccomp profile that there is not",
        "admission",
        "runtimeDefault",
        put("securityContext", "seccompProfile", "type", value="runtimeDefault"),
    ),
    Mutation("two files that each bring MySQL", "admission", "two of container", _both_files),
    # Not mistakes.
    Mutation("${{VARIABLE}}", None, "", argument("--x=${{PASSWORD}}")),
    Mutation("$(VARIABLE)", None, "", argument("--x=$(MYSQL_ROOT_PASSWORD)")),
    Mutation("a mapping past the chart", None, "", _past_the_chart),
)
