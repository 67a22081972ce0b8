"""A container as the engine describes it; Docker and podman spell some things differently."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...addresses import is_loopback
from .recipe import DATA_FOLDER, LABEL, PORT, RECIPE_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables with root's password, for the images of MySQL, MariaDB and DataJoint.
PASSWORD_VARIABLES = ("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)")


@dataclass(frozen=True)
class Container:
    """A container.

    Parameters
    ----------
    id, name, image : str
        As the engine has them; the name without a slash.
    is_running : bool
        Whether its process is alive.
    pid : int or None
        That process, as the engine's machine counts; None if there is none.
    started_s : float or None
        When it started last, in seconds since 1970.
    host, port : str and int
        Where its MySQL is published; port 0 if it is not.
    volume : str or None
        The place of its data: the name of a volume, or a folder of this machine.
    labels, variables : mapping of str to str
        Its labels, and its environment: a password may be in it.
    exit_code, restarts : int
        How its process ended last, and how often the engine has started it again.
    was_out_of_memory : bool
        Whether the kernel killed its process for that.
    """

    id: str
    name: str
    image: str
    is_running: bool
    pid: int | None = None
    started_s: float | None = None
    host: str = ""
    port: int = 0
    volume: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    exit_code: int = 0
    restarts: int = 0
    was_out_of_memory: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether ``up`` made it, for this user."""
        return LABEL in self.labels

    @property
    def recipe(self) -> str:
        """The mark of its recipe; empty for a container that is not ours."""
        return self.labels.get(RECIPE_LABEL, "")

    @property
    def password(self) -> str | None:
        """Root's password, if it stands in the environment that the container was made with."""
        return next(
            (self.variables[name] for name in PASSWORD_VARIABLES if name in self.variables), None
        )

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach its port."""
        return self.port > 0 and not is_loopback(self.host)


def read(described: Any) -> Container:
    """Return the container that an entry of ``docker inspect`` (``podman inspect``) describes."""
    state, config = described.get("State") or {}, described.get("Config") or {}
    host, port = _published(described)
    return Container(
        id=described["Id"],
        name=str(described.get("Name", "")).lstrip("/"),
        image=str(described.get("ImageName") or config.get("Image") or ""),
        is_running=bool(state.get("Running")),
        pid=state.get("Pid") or None,
        started_s=moment_s(str(state.get("StartedAt", ""))),
        host=host,
        port=port,
        volume=_volume(described.get("Mounts") or ()),
        labels=config.get("Labels") or {},
        variables=dict(each.split("=", 1) for each in config.get("Env") or () if "=" in each),
        exit_code=int(state.get("ExitCode") or 0),
        restarts=int(described.get("RestartCount") or 0),
        was_out_of_memory=bool(state.get("OOMKilled")),
    )


def moment_s(text: str) -> float | None:
    """Return a moment as an engine writes it in seconds since 1970; None for year 1, which is none.

    Docker writes ``2026-11-27T19:00:00.123456789Z``, podman also ``+00:00``, with nine digits of a
    second that Python's own reader takes since 3.11 only.
    """
    match = _MOMENT.match(text)
    if match is None or match[1].startswith("0001"):
        return None
    zone = "+0000" if match[3] == "Z" else match[3].replace(":", "")
    with contextlib.suppress(ValueError):
        return datetime.strptime(
            f"{match[1]} {match[2]} {zone}", "%Y-%m-%d %H:%M:%S %z"
        ).timestamp()
    return None


def _published(described: Any) -> tuple[str, int]:
    """Return where port 3306 is published: as asked for, or, while it runs, as it was given."""
    wanted = f"{PORT}/tcp"
    for part, name in (("NetworkSettings", "Ports"), ("HostConfig", "PortBindings")):
        bindings = ((described.get(part) or {}).get(name) or {}).get(wanted) or ()
        for each in bindings:
            text = str(each.get("HostPort") or "")
            if text.isdigit() and int(text):
                return each.get("HostIp") or "0.0.0.0", int(text)  # noqa: S104 - that is what it means
    return "", 0


def _volume(mounts: Any) -> str | None:
    for each in mounts:
        if each.get("Destination") == DATA_FOLDER:
            return str(each.get("Name") or each.get("Source") or "") or None
    return None
