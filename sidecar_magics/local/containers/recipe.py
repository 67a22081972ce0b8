"""The sidecar's container: image, options and limits, the same as in compose.yaml.

These constants are what ``up`` starts; `tests/hub/test_compose.py` holds compose.yaml to them, and
compose.yaml to the hubs' pods.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# Without a registry: Docker has one of its own for such names; podman takes an image that is here
# under this name, from whichever registry it came, and else asks those of its registries.conf.
IMAGE = "datajoint/mysql:8.0"
ENTRYPOINT = "docker-entrypoint.sh"
COMMAND = (
    "mysqld",
    "--loose-mysqlx=OFF",
    "--innodb-buffer-pool-size=1G",
    "--loose-innodb-redo-log-capacity=128M",
    "--loose-innodb-log-file-size=64M",
    "--innodb-log-buffer-size=16M",
    "--performance-schema=OFF",
    "--skip-log-bin",
    "--max-allowed-packet=1G",
    "--max-connections=60",
    "--local-infile=ON",
)
ENVIRONMENT = {"MYSQL_INITDB_SKIP_TZINFO": "1"}
MEMORY = "2g"
CPUS = 1.0
USER_ID = GROUP_ID = 999
RESTART = "unless-stopped"
STOP_GRACE_S = 30
PORT = 3306
DATA_FOLDER = "/var/lib/mysql"

# Read by the image's entrypoint when it makes the data; the file is put into the container before
# it starts, so that neither a command line nor `inspect` has the password.
PASSWORD_FILE = "/sidecar-magics-password"  # noqa: S105 - a path
PASSWORD_VARIABLE = "MYSQL_ROOT_PASSWORD_FILE"  # noqa: S105 - a name

LABEL = "sidecar-magics"
RECIPE_LABEL = "sidecar-magics.recipe"


class Limits(NamedTuple):
    """Which limits the engine can keep: without root that depends on the machine's cgroups."""

    memory: bool = True
    cpus: bool = True


ALL_LIMITS = Limits()


def create_arguments(
    name: str, port: int, volume: str | None, limits: Limits = ALL_LIMITS
) -> list[str]:
    """Return the arguments of ``docker create`` (``podman create``), the same for both.

    Parameters
    ----------
    name : str
        Of the container.
    port : int
        Port of 127.0.0.1.
    volume : str or None
        Name of the volume with the data; None for one that goes with the container.
    limits : Limits
        The limits that the engine can keep.
    """
    data = f"{volume}:{DATA_FOLDER}" if volume else DATA_FOLDER
    variables = {**ENVIRONMENT, PASSWORD_VARIABLE: PASSWORD_FILE}
    return [
        "create",
        f"--name={name}",
        f"--label={LABEL}={name}",
        f"--label={RECIPE_LABEL}={digest(limits)}",
        f"--entrypoint={ENTRYPOINT}",
        f"--user={USER_ID}:{GROUP_ID}",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        *([f"--memory={MEMORY}"] if limits.memory else []),
        *([f"--cpus={CPUS}"] if limits.cpus else []),
        f"--restart={RESTART}",
        f"--stop-timeout={STOP_GRACE_S}",
        f"--publish=127.0.0.1:{port}:{PORT}",
        f"--volume={data}",
        *(f"--env={variable}={value}" for variable, value in variables.items()),
        IMAGE,
        *COMMAND,
    ]


def digest(limits: Limits = ALL_LIMITS) -> str:
    """Return a mark of the recipe: a container with another mark is recreated."""
    recipe: Sequence[object] = (
        IMAGE,
        ENTRYPOINT,
        COMMAND,
        sorted(ENVIRONMENT.items()),
        (MEMORY, CPUS, USER_ID, GROUP_ID, RESTART, STOP_GRACE_S, DATA_FOLDER, PASSWORD_FILE),
        tuple(limits),
    )
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]
