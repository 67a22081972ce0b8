"""Options of verbs for this machine: `convert`, `up`, `down`, `status`, `logs`."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import SettingsError
from ..local.wish import BACKENDS
from ..settings import TUTORIAL_PASSWORD, password_in
from .connecting import QUIET, _NoPassword
from .option import Option, Values, line_count, port_or_any, seconds

CONVERT = (
    Option("notebooks", nargs="+", metavar="NOTEBOOK", help="Notebooks (.ipynb) to convert."),
    Option(
        "--write",
        action="store_true",
        help="Write each converted notebook in place, and keep the original as .bak. "
        "Default: only show what would be changed.",
    ),
    Option(
        "--output", "-o", metavar="FILE", help="Write the converted notebook there; for one only."
    ),
)


UP = (
    Option(
        "--backend",
        brief="what runs the server",
        values=BACKENDS,
        choices=tuple(BACKENDS),
        default="auto",
        help="What runs the server: a container of docker or podman, with the image, settings and "
        "limits of compose.yaml; native, a process of yours, which needs neither; auto (default): "
        "what answers already, else what the data are with, else docker or podman if it works "
        "here, else native.",
    ),
    Option(
        "--port",
        "-P",
        brief="TCP port of the server",
        values={"3306": "default, or the next free one", "0": "any"},
        type=port_or_any,
        help="TCP port; 0 is any that is free. Default: 3306, or the next free one if it is taken.",
    ),
    Option(
        "--flavour",
        brief="kind of server",
        values={"mysql": "default", "mariadb": "native only"},
        choices=("mysql", "mariadb"),
        help="Kind of server. Default: MySQL; native, MariaDB if only that can be had.",
    ),
    Option(
        "--password-env",
        brief="environment variable with the password",
        values=Values.VARIABLES,
        metavar="VARIABLE",
        help="Environment variable that holds root's password. Default: the one that the data had "
        "last, at first a random one; notebooks find it by themselves, `status` shows how other "
        "programs do. A container that `up` did not make keeps its own: name that here, if it is "
        "not the one that the container was made with.",
    ),
    Option("--password", "-p", nargs="?", action=_NoPassword, help=argparse.SUPPRESS),
    Option(
        "--tutorial-password",
        brief="give root the tutorial's password",
        action="store_true",
        help="Give root the password `tutorial`, for notebooks that have it written down; then "
        "every account of this machine can log in.",
    ),
    Option(
        "--ephemeral",
        brief="delete the data at `down`",
        action="store_true",
        help="Delete the data at `down`.",
    ),
    Option(
        "--container",
        brief="use this container",
        values={"spyglass-db": "as Spyglass's users name it"},
        metavar="NAME",
        help="Use this container of docker or podman, and start it if it is stopped. Default: the "
        "one that `up` made, else spyglass-db, else the only one of datajoint/mysql, else a new "
        "one.",
    ),
    Option(
        "--timeout",
        brief="seconds to wait at most",
        values={"120": "default", "600": "ten minutes"},
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="Seconds to wait for the server at most, without downloads. Default: 120.",
    ),
    QUIET,
)


DOWN = (
    Option(
        "--delete-data",
        action="store_true",
        help="Remove the data as well, for good; asks first.",
    ),
    Option(
        "--yes",
        action="store_true",
        help="With --delete-data: do not ask.",
    ),
)


STATUS = (
    Option(
        "--json",
        action="store_true",
        help="Print it as JSON, for programs; without the password.",
    ),
)


LOGS = (
    Option(
        "--lines",
        "-n",
        type=line_count,
        default=100,
        metavar="N",
        help="Show the last N lines. Default: 100.",
    ),
    Option(
        "--follow",
        "-f",
        action="store_true",
        help="Keep showing new lines, until the server ends, or Ctrl-C.",
    ),
)


def starting_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `up`, as `lifecycle.up` takes them.

    Raises
    ------
    SettingsError
        There is no such variable, or two passwords are named.
    """
    names = ("backend", "port", "flavour", "ephemeral", "container")
    given = {name: getattr(arguments, name) for name in names}
    return {**given, "password": _password_to_give(arguments), "timeout_s": arguments.timeout}


def _password_to_give(arguments: argparse.Namespace) -> str | None:
    """Return root's password for `up`; None for a random one."""
    if arguments.password_env is None:
        return TUTORIAL_PASSWORD.reveal() if arguments.tutorial_password else None
    if arguments.tutorial_password:
        raise SettingsError("--tutorial-password and --password-env exclude each other.")
    return password_in(arguments.password_env).reveal()
