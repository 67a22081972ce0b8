"""Options that say where the server is, and those of `wait`, `connect` and `doctor`."""

from __future__ import annotations

import argparse
from typing import Any

from ..settings import FIELDS, TLS_MODES
from .option import Option, Values, port_number, seconds


class _NoPassword(argparse.Action):
    """Refuse a password on the line, without repeating it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        parser.error(
            "a password has no place on a line that is saved; put it into an environment variable "
            "and name that with --password-env"
        )


CONNECTION = (
    Option(
        "--host",
        brief="name or address of the server",
        values={"127.0.0.1": "this machine, over TCP"},
        help="Name or address of the server. Default: 127.0.0.1.",
    ),
    Option(
        "--port",
        "-P",
        brief="TCP port of the server",
        values={"3306": "default"},
        type=port_number,
        help="TCP port of the server. Default: 3306.",
    ),
    Option(
        "--user",
        "-u",
        brief="account to log in with",
        values={"root": "default"},
        help="Account to log in with. Default: root.",
    ),
    Option(
        "--password-env",
        brief="environment variable with the password",
        values=Values.VARIABLES,
        metavar="VARIABLE",
        help="Environment variable that holds the password; a password itself has no place on a "
        "line that is saved. Default: that of the settings, else the tutorial's.",
    ),
    Option(
        "--tls",
        brief="encrypt the connection",
        values={"auto": "where the server can", "required": "refuse a server that cannot"},
        choices=TLS_MODES,
        help="auto: encrypt where the server can (default); required: refuse a server that cannot.",
    ),
    Option("--password", "-p", nargs="?", action=_NoPassword, help=argparse.SUPPRESS),
    Option(
        "--ca",
        brief="check the server's certificate",
        values=Values.CERTIFICATES,
        metavar="FILE",
        help="Check the server's certificate against this authority.",
    ),
)


QUIET = Option(
    "--quiet",
    "-q",
    brief="show nothing but errors",
    action="store_true",
    help="Show nothing but errors.",
)


WAIT = (
    *CONNECTION,
    Option(
        "--timeout",
        "-t",
        brief="seconds to wait at most",
        values={"0": "try once", "120": "default", "600": "ten minutes"},
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="Seconds to wait at most. Default: 120; 0 tries once.",
    ),
    Option(
        "--show",
        brief="show the settings, do nothing else",
        action="store_true",
        help="Do not wait: show each setting and where it came from, without the password.",
    ),
    QUIET,
)


CONNECT = (
    *CONNECTION,
    Option(
        "--config",
        brief="DataJoint's configuration file",
        values=Values.CONFIGURATIONS,
        metavar="FILE",
        help="Configuration file of DataJoint, of either line: its other settings (stores, ...) "
        "are set as well, and what it says about the server ranks after the environment and "
        "%%mysql_wait.",
    ),
    Option(
        "--wait",
        "-w",
        brief="wait for the server first",
        values={"120": "default", "600": "ten minutes"},
        nargs="?",
        type=seconds,
        const=120.0,
        metavar="SECONDS",
        help="Wait for the server first, as %%mysql_wait does; at most 120 seconds if none given.",
    ),
    Option(
        "--spyglass",
        brief="prepare Spyglass; its base folder",
        values=Values.FOLDERS,
        nargs="?",
        const="",
        metavar="BASE_DIR",
        help="Prepare Spyglass, before it is imported: its base folder and those below it, "
        "DataJoint's stores, files in tables. The folder may be relative; without one it is what "
        "DataJoint's configuration or SPYGLASS_BASE_DIR names, also if the tutorial was moved.",
    ),
    Option(
        "--save",
        brief="write the configuration file",
        action="store_true",
        help="Write these settings into the file of --config, or else dj_local_conf.json, for you "
        "only (0600) and without the password; the earlier version is kept as .bak.",
    ),
    Option(
        "--reset",
        brief="make a new connection",
        action="store_true",
        help="Make a new connection even if one is alive.",
    ),
    Option(
        "--assign",
        "-a",
        brief="variable for the connection",
        values={"conn": "as DataJoint's documentation names it"},
        metavar="NAME",
        help="Variable that gets DataJoint's connection.",
    ),
    Option(
        "--show",
        brief="show the settings, do nothing else",
        action="store_true",
        help="Do not connect: show each setting and where it came from, without the password.",
    ),
    QUIET,
)


DOCTOR = CONNECTION


def connection_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say where the server is, for `settings.resolve`."""
    names = {*FIELDS, "password_env"} - {"password"}
    return {name: value for name, value in vars(arguments).items() if name in names}
