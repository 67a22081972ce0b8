"""What a mistake in a values file is, and the changes that most of them are made of."""

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
    file : str, default "sidecar-classic"
        The values that it is made in; in those the container stands under the key that z2jh
        documents.
    """

    name: str
    layer: str | None
    says: str
    change: Callable[[Values], object]
    file: str = "sidecar-classic"

    def __str__(self) -> str:
        return self.name

    def of(self, values: Values) -> Values:
        """Return the values with the mistake in them."""
        changed = copy.deepcopy(values)
        self.change(changed)
        return changed


def mysql(values: Values) -> Values:
    """Return MySQL's container, under either key."""
    singleuser = values["singleuser"]
    groups = (singleuser.get(key, []) for key in ("initContainers", "extraContainers"))
    (found,) = [each for group in groups for each in group if each["name"] == "mysql"]
    container: Values = found
    return container


def put(*path: str | int, value: Any) -> Callable[[Values], None]:
    """Return a change that sets a part of the container."""

    def change(values: Values) -> None:
        *way, last = path
        at(mysql(values), *way)[last] = value

    return change


def forget(*path: str | int) -> Callable[[Values], None]:
    """Return a change that leaves a part of the container out."""

    def change(values: Values) -> None:
        *way, last = path
        del at(mysql(values), *way)[last]

    return change


def rename(old: str, new: str, *way: str) -> Callable[[Values], None]:
    """Return a change that calls a part of the container otherwise."""

    def change(values: Values) -> None:
        node = at(mysql(values), *way)
        node[new] = node.pop(old)

    return change


def variable(value: object) -> Callable[[Values], None]:
    """Return a change that adds a variable to the container."""
    return lambda values: mysql(values)["env"].append({"name": "EXTRA", "value": value})


def argument(text: str) -> Callable[[Values], None]:
    """Return a change that adds an argument."""
    return lambda values: mysql(values)["args"].append(text)


def no_argument(name: str) -> Callable[[Values], None]:
    """Return a change that leaves an option out."""

    def change(values: Values) -> None:
        args = mysql(values)["args"]
        args[:] = [arg for arg in args if name not in arg]

    return change


def merged(*way: str, **changes: object) -> Callable[[Values], None]:
    """Return a change of a mapping that is not in the container."""
    return lambda values: at(values, *way).update(changes)


def at(node: Any, *way: str | int) -> Any:
    """Return what is there, below a node."""
    for key in way:
        node = node[key]
    return node
