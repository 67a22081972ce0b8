"""Mistakes that people make in values files, and the layer that stops each (None: it is none).

Each changes `sidecar-classic.values.yaml`, where the container stands under the key that z2jh
documents.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.hub.values import Values


@dataclass(frozen=True)
class Mutation:
    """A mistake.

    Parameters
    ----------
    name : str
        What somebody did.
    layer : str or None
        Who stops it (`layers.LAYERS`); None if nobody has to.
    says : str
        A part of the message.
    change : callable
        Makes the mistake in a copy of the values.
    """

    name: str
    layer: str | None
    says: str
    change: Callable[[Values], object]

    def __str__(self) -> str:
        return self.name

    def of(self, values: Values) -> Values:
        """Return the values with the mistake in them."""
        changed = copy.deepcopy(values)
        self.change(changed)
        return changed


def _container(values: Values) -> Values:
    container: Values = values["singleuser"]["extraContainers"][0]
    return container


def _put(*path: str | int, value: Any) -> Callable[[Values], None]:
    """Return a change that sets a part of the container."""

    def change(values: Values) -> None:
        *way, last = path
        node: Any = _container(values)
        for key in way:
            node = node[key]
        node[last] = value

    return change


def _rename(old: str, new: str, *way: str) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        node: Any = _container(values)
        for key in way:
            node = node[key]
        node[new] = node.pop(old)

    return change


def _variable(value: object) -> Callable[[Values], None]:
    return lambda values: _container(values)["env"].append({"name": "EXTRA", "value": value})


def _argument(text: str) -> Callable[[Values], None]:
    return lambda values: _container(values)["args"].append(text)


def _singleuser(**changes: object) -> Callable[[Values], None]:
    return lambda values: values["singleuser"].update(changes)


def _typo_of_the_key(values: Values) -> None:
    values["singleuser"]["extraContainer"] = values["singleuser"].pop("extraContainers")


def _as_mapping(values: Values) -> None:
    values["singleuser"]["extraContainers"] = {"mysql": _container(values)}


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
    values["singleuser"]["extraContainers"].append(copy.deepcopy(_container(values)))


def _drop_volumes(values: Values) -> None:
    del values["singleuser"]["storage"]


def _server_name_as_field(values: Values) -> None:
    values["singleuser"]["storage"]["extraVolumes"]["sidecar-mysql-data"]["name"] = "{user.name}"


MUTATIONS = (
    Mutation("a typo of extraContainers", "chart", "extraContainer", _typo_of_the_key),
    Mutation("extraContainers as a mapping", "chart", "dict instead of list", _as_mapping),
    Mutation("startTimeout as text", "chart", "startTimeout", _singleuser(startTimeout="300")),
    Mutation("uid as a truth value", "chart", "uid", _singleuser(uid=True)),
    Mutation(
        "an unknown storage type", "chart", "storage.type", _singleuser(storage={"type": "nfs"})
    ),
    Mutation("${VARIABLE} in an argument", "spawner", "KeyError", _argument("--x=${PASSWORD}")),
    Mutation("JSON in a variable", "spawner", "KeyError", _variable('{"a": 1}')),
    Mutation("find's braces", "spawner", "IndexError", _argument("find / -exec ls {} ;")),
    Mutation("a lone brace", "spawner", "ValueError", _argument("--x={")),
    Mutation("a field that there is not", "spawner", "KeyError", _server_name_as_field),
    Mutation(
        "{user} in a subPath",
        "spawner",
        "KeyError",
        _put("volumeMounts", 0, "subPath", value="{user}"),
    ),
    Mutation(
        "volumeMount for volumeMounts",
        "spawner",
        "volumeMount",
        _rename("volumeMounts", "volumeMount"),
    ),
    Mutation("limit for limits", "schema", "limit", _rename("limits", "limit", "resources")),
    Mutation(
        "periodSecond for periodSeconds",
        "schema",
        "periodSecond",
        _rename("periodSeconds", "periodSecond", "readinessProbe"),
    ),
    Mutation("a number in a variable", "schema", "3306", _variable(3306)),
    Mutation("a truth value in a variable", "schema", "True", _variable(True)),
    Mutation("a user as text", "schema", "999", _put("securityContext", "runAsUser", value="999")),
    Mutation(
        "a command as text", "schema", "command", _put("command", value="docker-entrypoint.sh")
    ),
    Mutation("4GiB", "admission", "4GiB", _put("resources", "limits", "memory", value="4GiB")),
    Mutation("1 core", "admission", "1 core", _put("resources", "limits", "cpu", value="1 core")),
    Mutation(
        "more requested than the limit",
        "admission",
        "requests more memory",
        _put("resources", "requests", "memory", value="8Gi"),
    ),
    Mutation(
        "a mount of no volume",
        "admission",
        "does not have",
        _put("volumeMounts", 0, "name", value="other"),
    ),
    Mutation("the volume forgotten", "admission", "does not have", _drop_volumes),
    Mutation(
        "an absolute subPath",
        "admission",
        "subPath",
        _put("volumeMounts", 0, "subPath", value="/data"),
    ),
    Mutation(
        "a subPath that leaves the volume",
        "admission",
        "subPath",
        _put("volumeMounts", 0, "subPath", value="a/../../b"),
    ),
    Mutation("two containers named mysql", "admission", "two of container", _twice),
    Mutation(
        "a container named notebook",
        "admission",
        "two of container",
        _put("name", value="notebook"),
    ),
    Mutation("a name with an underscore", "admission", "not a name", _put("name", value="my_sql")),
    Mutation(
        "restartPolicy on a regular container",
        "admission",
        "restartPolicy",
        _put("restartPolicy", value="Always"),
    ),
    Mutation(
        "a probe without a way to probe",
        "admission",
        "exactly one",
        _put("startupProbe", value={"periodSeconds": 1}),
    ),
    Mutation("an init container that is probed", "admission", "is to end", _init_with_probe),
    Mutation("a native sidecar before Kubernetes 1.29", "admission", "1.29", _native),
    Mutation(
        "root, but not as root",
        "admission",
        "runAsNonRoot",
        _put("securityContext", "runAsUser", value=0),
    ),
    Mutation(
        "a port's name of 18 letters",
        "admission",
        "port name",
        _put("ports", value=[{"name": "mysql-sidecar-port", "containerPort": 3306}]),
    ),
    # Not mistakes.
    Mutation("${{VARIABLE}}", None, "", _argument("--x=${{PASSWORD}}")),
    Mutation("$(VARIABLE)", None, "", _argument("--x=$(MYSQL_ROOT_PASSWORD)")),
    Mutation("a mapping past the chart", None, "", _past_the_chart),
)
