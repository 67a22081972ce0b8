"""The next step after a failed connection, for where the code runs: hub, Docker, bare machine."""

from __future__ import annotations

import enum
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .local.state import is_running, read_record, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import ConnectionSettings


class Runtime(enum.Enum):
    """Where this code runs, as far as it matters for getting a MySQL server."""

    HUB = "a JupyterHub on Kubernetes"
    CONTAINER = "a container"
    DOCKER = "a machine with Docker"
    NATIVE = "a machine without Docker"
    WINDOWS = "Windows without Docker"


def place(environ: Mapping[str, str] | None = None) -> Runtime:
    """Return where this code runs.

    Parameters
    ----------
    environ : mapping, optional
        Default: the process's environment.
    """
    environ = os.environ if environ is None else environ
    # JupyterHub sets the first for every user's server, Kubernetes the second in every container.
    if "JUPYTERHUB_API_URL" in environ or "KUBERNETES_SERVICE_HOST" in environ:
        return Runtime.HUB
    if Path("/.dockerenv").exists():
        return Runtime.CONTAINER
    if shutil.which("docker"):
        return Runtime.DOCKER
    return Runtime.WINDOWS if os.name == "nt" else Runtime.NATIVE


START_A_SERVER = {
    Runtime.HUB: "the sidecar container may be missing or failing: stop your server in the hub's "
    "control panel and start it again; if that does not help, send this message to the hub's "
    "operator.",
    Runtime.CONTAINER: "127.0.0.1 is this container itself: start a server in it with "
    "`sidecar-magics up`, or set SIDECAR_MYSQL_HOST to the name of the container that has one.",
    Runtime.DOCKER: "start one with `sidecar-magics up`, which uses Docker if that runs; if one "
    "was started, look at `sidecar-magics status` and `sidecar-magics logs`.",
    Runtime.NATIVE: "start one with `sidecar-magics up`; it needs neither Docker nor root.",
    Runtime.WINDOWS: "install Docker Desktop, and start a server with `sidecar-magics up`; or run "
    "`sidecar-magics up` in WSL.",
}

RESTART_IT = {
    Runtime.HUB: "stop your server in the hub's control panel and start it again.",
    Runtime.CONTAINER: "restart the MySQL container.",
    Runtime.DOCKER: "look at `sidecar-magics status` and `sidecar-magics logs`; `sidecar-magics "
    "down` and `up` restart it, `docker restart` a container of your own.",
    Runtime.NATIVE: "look at `sidecar-magics status`; `sidecar-magics down` and `up` restart it.",
    Runtime.WINDOWS: "restart the MySQL service; in WSL, `sidecar-magics down` and `up` restart "
    "it.",
}


def for_stage(stage: str, errno: int | None, settings: ConnectionSettings) -> str:
    """Return the next step for a connection that did not get past `stage`.

    Parameters
    ----------
    stage : str
        ``name``, ``port``, ``greeting``, ``tls``, ``login`` or ``query``.
    errno : int or None
        The server's error number, if it gave one.
    settings : ConnectionSettings
        Where the connection was to go.
    """
    source = settings.sources.get("password", "given")
    elsewhere = stage == "port" and not settings.is_loopback
    if errno in ACCOUNT_HINTS:
        return ACCOUNT_HINTS[errno]
    if stage == "name" or elsewhere:
        return f"check that {settings.address} is right (%mysql_wait --show) and can be reached."
    if stage == "login" and _is_private_sidecar(settings):
        return _without_password(source)
    if stage == "port" and settings.is_loopback and place() is not Runtime.HUB and _is_stopped():
        return STOPPED_SIDECAR
    if stage == "login" and errno in LOST_CONNECTION:
        return RESTART_IT[place()]
    return {
        "port": START_A_SERVER[place()],
        "greeting": f"{RESTART_IT[place()]} If another program has that port, add --port PORT.",
        "tls": f"check that {settings.ca} is the authority of the server's certificate."
        if settings.ca
        else "use --tls auto, or give the server a certificate and ciphers of today.",
        "login": f"check user and password (password from: {source}) with %mysql_wait --show.",
    }.get(stage, RESTART_IT[place()])


STOPPED_SIDECAR = (
    "start the server of `sidecar-magics up` again: it is stopped, its data remain, and "
    "`sidecar-magics up` (%mysql_up) starts it with them."
)


def _without_password(source: str) -> str:
    """Return how to leave a wrong password out, so that the private server's own one is used."""
    why = "the server of `sidecar-magics up` has another one, which is found if none is given."
    kind, _, name = source.partition(" ")
    if kind == "environment":
        return (
            f'remove the environment variable {name}: `import os; del os.environ["{name}"]` in a '
            f"cell, or `unset {name}` in a terminal and start anew; {why}"
        )
    return f"leave out the password, which is from: {source}; {why}"


def _is_stopped() -> bool:
    """Return whether ``up`` has started a server whose data are there, and that does not run."""
    record = read_record()
    if record is None or record.ephemeral or is_running(record):
        return False
    return record.container is not None or (record.datadir is not None and record.datadir.is_dir())


def _is_private_sidecar(settings: ConnectionSettings) -> bool:
    """Return whether this is the sidecar of ``up``, with a password that is not its own."""
    sidecar = read_state()
    return (
        sidecar is not None
        and (settings.host, settings.port, settings.user)
        == (sidecar.host, sidecar.port, sidecar.user)
        and settings.password != sidecar.password
    )


# PyMySQL's numbers for a connection that ended, or stayed silent, during the login.
LOST_CONNECTION = {None, 2006, 2013}

# Next steps for server error numbers that mean the same everywhere.
ACCOUNT_HINTS = {
    1040: "close other notebooks' kernels, or raise the server's max_connections.",
    1203: "close other notebooks' kernels, or raise the account's max_user_connections.",
    1226: "close other notebooks' kernels, or raise the account's limits.",
    1129: "run `FLUSH HOSTS` (or TRUNCATE performance_schema.host_cache) on the server.",
    1130: "create the account for this host, such as 'root'@'%': it exists for others only.",
    1290: "ask the server's operator to make it writable: it runs with --read-only or the like.",
    1836: "ask the server's operator to make it writable: it is read-only.",
    1820: "set a new password with ALTER USER first: this one has expired.",
    1862: "set a new password with ALTER USER first: this one has expired.",
    2059: "run pip install 'pymysql[rsa]', or ask for an account with another plugin.",
    2061: "give the server a certificate, so that the connection is encrypted, or go through a "
    "tunnel that ends on this machine (ssh -L) and connect to 127.0.0.1.",
    4151: "ask for the account to be unlocked (ALTER USER ... ACCOUNT UNLOCK).",
    3118: "ask for the account to be unlocked (ALTER USER ... ACCOUNT UNLOCK).",
}
