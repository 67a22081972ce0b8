"""Configuration files of DataJoint that a tutorial loads: what they say about the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sidecar_magics.addresses import is_loopback
from sidecar_magics.settings import TUTORIAL_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .steps import NamedServer

ELSEWHERE = "{}: put it into SIDECAR_MYSQL_PASSWORD, in the environment of the kernel"
# A server of this machine is a hub's sidecar, that of compose.yaml, or that of `up`.
FOUND = (
    "{}. None is needed: the magics find the password of a hub's sidecar, of compose.yaml and of "
    "`sidecar-magics up`; for any other server put it into SIDECAR_MYSQL_PASSWORD before the "
    "kernel starts"
)


def about_password(reason: str, target: NamedServer) -> str:
    """Return what to do about a password that a notebook no longer has."""
    is_here = target.host is None or is_loopback(target.host)
    return (FOUND if is_here else ELSEWHERE).format(reason)


def settings_in(path: Path) -> dict[str, Any] | None:
    """Return what a file says; None if it is not here, or holds no settings."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def names_a_base(settings: dict[str, Any] | None) -> bool:
    """Return whether a configuration of DataJoint names Spyglass's base folder."""
    try:
        return bool(settings and settings["custom"]["spyglass_dirs"]["base"])
    except (KeyError, TypeError):
        return False


def found_by_datajoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the file that DataJoint takes by itself in a folder, and what it says.

    0.14 takes ``dj_local_conf.json`` there; 2.x ``datajoint.json``, there or in a folder
    above it, up to that of the repository.
    """
    if (settings := settings_in(folder / "dj_local_conf.json")) is not None:
        return folder / "dj_local_conf.json", settings
    for each in (folder, *folder.parents):
        if (settings := settings_in(each / "datajoint.json")) is not None:
            return each / "datajoint.json", settings
        if (each / ".git").exists():
            break
    return None


def said_by(settings: dict[str, Any]) -> dict[str, str]:
    """Return what a configuration of DataJoint says of the server: host, port, user."""
    given = {name: _setting(settings, name) for name in ("host", "port", "user")}
    return {name: str(value) for name, value in given.items() if value}


def requires_tls(settings: dict[str, Any]) -> bool:
    """Return whether a configuration of DataJoint asks for an encrypted connection."""
    return _setting(settings, "use_tls") is True


def _setting(settings: dict[str, Any], name: str) -> Any:
    """Return a setting of the connection: 0.14's files are flat, 2.x's nested."""
    group = settings.get("database")
    nested = group.get(name) if isinstance(group, dict) else None
    return settings.get(f"database.{name}", nested)


def remarks_on(settings: dict[str, Any] | None, target: NamedServer) -> Iterator[str]:
    """Yield what to do about a configuration file, for the server that is meant."""
    if settings is None:
        yield "the file is not on this machine: its server is ignored, that of %mysql_wait is used"
    elif is_own(_setting(settings, "password"), target):
        yield about_password("the password in the file is not taken", target)


def is_own(password: object, target: NamedServer) -> bool:
    """Return whether a password has to be put somewhere: the magics know the tutorial's own.

    That one they send to this machine only.
    """
    if target.host is None or is_loopback(target.host):
        return password not in (None, "", TUTORIAL_PASSWORD.reveal())
    return password is not None
