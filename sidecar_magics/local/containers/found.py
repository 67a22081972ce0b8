"""Containers with a MySQL that are there already: ours, and those of DataJoint and Spyglass."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING

from ...errors import LocalServerError
from ..state import HOME_VARIABLE, folders
from .client import installed
from .container import read
from .recipe import LABEL
from .refusals import EngineRefusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .client import Client
    from .container import Container

# Spyglass's installation page names its container so; DataJoint's pages use this image,
# which may come from any registry.
SPYGLASS_NAME = "spyglass-db"
DATAJOINT_IMAGE = re.compile(r"(?:[^/]+/)*datajoint/mysql(?:[:@].*)?")


def own_name() -> str:
    """Return the name of this user's container and volume: several users may share an engine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as some containers have
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    name = f"{LABEL}-{re.sub(r'[^a-zA-Z0-9_.-]', '_', user)}"
    if os.environ.get(HOME_VARIABLE):
        name += f"-{hashlib.sha256(str(folders().state).encode()).hexdigest()[:8]}"
    return name


def own_container(client: Client) -> Container | None:
    """Return this user's container; None if there is none."""
    return named(client, own_name())


def named(client: Client, name: str) -> Container | None:
    """Return the container of a name or an id; None if there is none."""
    try:
        return read(client.inspect(name)[0])
    except EngineRefusal as refusal:
        if re.search(r"no such (container|object)|no container with", refusal.said, re.IGNORECASE):
            return None
        raise


def others(client: Client) -> list[Container]:
    """Return the containers of Spyglass's and DataJoint's users that publish MySQL's port."""
    ids = [
        each["ID"]
        for each in _listed(client)
        if SPYGLASS_NAME in each["Names"].split(",") or DATAJOINT_IMAGE.fullmatch(each["Image"])
    ]
    found = [read(each) for each in client.inspect(*ids)] if ids else []
    return [each for each in found if each.port and each.volume and not each.is_ours]


def pick(found: Sequence[Container], engine: str) -> Container | None:
    """Return the one to use; None if there is none.

    The one that runs goes before those that are stopped, and Spyglass's before the others.

    Raises
    ------
    LocalServerError
        It is not clear which one is meant.
    """
    running = [each for each in found if each.is_running]
    for group in (running, list(found)):
        by_name = [each for each in group if each.name == SPYGLASS_NAME]
        if by_name or len(group) == 1:
            return (by_name or group)[0]
        if group:
            names = ", ".join(sorted(each.name for each in group))
            raise LocalServerError(
                f"{engine} has several containers that could be meant: {names}.",
                hint=f"name one: `sidecar-magics up --container {group[0].name}`; or add "
                "--ephemeral for a new one.",
            )
    return None


def container_at(port: int) -> str | None:
    """Return in words which container publishes a port; None if no engine says so."""
    for client in installed():
        try:
            for each in _listed(client):
                if re.search(rf":{port}->", each["Ports"]):
                    return f"the container {each['Names'].split(',')[0]} of {client.name}"
        except EngineRefusal:
            continue
    return None


def _listed(client: Client) -> Iterator[dict[str, str]]:
    """Yield id, image, names and ports of all containers, as the engine's list has them."""
    # podman's own JSON has other names; fields of a template are the same.
    form = "{{json .ID}}\t{{json .Image}}\t{{json .Names}}\t{{json .Ports}}"
    for line in client.ask("ps", "--all", "--no-trunc", f"--format={form}").splitlines():
        fields = [json.loads(part) for part in line.split("\t")]
        if len(fields) == 4:
            yield dict(zip(("ID", "Image", "Names", "Ports"), fields))
