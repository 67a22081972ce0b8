"""The packages on this side, and DataJoint's settings."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..errors import DataJointConnectionError, SidecarError
from ..settings import shown_host
from .diagnosis import failure, ok, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..settings import ConnectionSettings
    from .diagnosis import Check

# The oldest that work; pyproject.toml has the same.
OLDEST = {"IPython": "8.18", "PyMySQL": "1.1", "DataJoint": "0.14.1"}
# The newest that docs/datajoint.md's table was made with, by the line of DataJoint.
NEWEST_DATAJOINT = "2.3.5"
DISTRIBUTIONS = {
    "IPython": "ipython",
    "PyMySQL": "pymysql",
    "DataJoint": "datajoint",
    "Spyglass": "spyglass-neuro",
}


def installed() -> dict[str, str]:
    """Return the versions of the installed packages that matter here."""
    found = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found


def versions(found: Mapping[str, str]) -> Check:
    """Compare the installed versions with the tested ones.

    Parameters
    ----------
    found : mapping of str to str
        As from `installed`.
    """
    shown = ", ".join(f"{name} {version}" for name, version in found.items())
    for name, least in OLDEST.items():
        if name in found and release(found[name]) < release(least):
            return failure(
                "versions",
                f"{name} {found[name]} is older than {least}, the oldest that works here.",
                f"%pip install '{DISTRIBUTIONS[name]}>={least}', then restart the kernel.",
            )
    datajoint = found.get("DataJoint", "")
    if "Spyglass" in found and release(datajoint) >= (2,):
        return failure(
            "versions",
            f"Spyglass {found['Spyglass']} needs DataJoint 0.14, and {datajoint} is installed.",
            "%pip install 'datajoint>=0.14.10,<2', then restart the kernel.",
        )
    if release(datajoint) > release(NEWEST_DATAJOINT):
        return warning(
            "versions",
            f"DataJoint {datajoint} is newer than {NEWEST_DATAJOINT}, the newest that was tested.",
            "if %datajoint_connect fails, install that version.",
        )
    return ok("versions", f"{shown}.")


def release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with: ``2.3.5rc1`` is (2, 3, 5)."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in match.group().split(".")) if match else ()


def datajoint_target(settings: ConnectionSettings, found: Mapping[str, str]) -> Check:
    """Return whether DataJoint is set to, or connected to, another server than this one.

    Parameters
    ----------
    settings : ConnectionSettings
        The server that was looked at.
    found : mapping of str to str
        As from `installed`: DataJoint is only imported if it is there.
    """
    if "DataJoint" not in found:
        return ok("DataJoint", "it is not installed; only %datajoint_connect needs it.")
    from ..dj.target import wishes  # noqa: PLC0415 - nothing is imported before it is used
    from ..dj.versions import load_datajoint  # noqa: PLC0415

    try:
        datajoint = load_datajoint()
        places = wishes(datajoint, None)
    except DataJointConnectionError as error:
        return failure("DataJoint", error.message, error.hint)
    except SidecarError as error:
        return warning("DataJoint", error.message, error.hint)
    connected = getattr(datajoint.connection, "conn_info", None)
    if connected and _differences(connected, settings):
        return warning(
            "DataJoint",
            f"in this kernel it is connected elsewhere: {_differences(connected, settings)}.",
            "run %datajoint_connect to connect it to this server.",
        )
    for place in places.values():
        elsewhere = _differences({name: hit.value for name, hit in place.items()}, settings)
        if elsewhere:
            return warning(
                "DataJoint",
                f"dj.config says {elsewhere}: dj.conn() by itself goes there.",
                "run %datajoint_connect to correct it, or look for dj_local_conf.json, "
                "~/.datajoint_config.json, datajoint.json and variables that begin with DJ_.",
            )
    return ok("DataJoint", f"{datajoint.version}; nothing leads it to another server.")


def _differences(place: Mapping[str, Any], settings: ConnectionSettings) -> str:
    return ", ".join(
        f"{name} {shown_host(place[name]) if name == 'host' else place[name]}"
        for name in ("host", "port", "user")
        if place.get(name) is not None
        and str(place[name]).lower().replace("localhost", "127.0.0.1")
        != str(getattr(settings, name))
    )
