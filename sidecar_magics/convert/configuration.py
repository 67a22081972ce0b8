"""Configuration files of DataJoint that a tutorial loads: what they say about the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..settings import TUTORIAL_PASSWORD
from .shell import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ELSEWHERE = "{}: put it into SIDECAR_MYSQL_PASSWORD, in the environment of the kernel"


def settings_in(path: Path) -> dict[str, Any] | None:
    """Return what a file says; None if it is not here, or holds no settings."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def names_a_base(settings: dict[str, Any] | None) -> bool:
    """Tell whether a configuration of DataJoint names Spyglass's base folder."""
    try:
        return bool(settings and settings["custom"]["spyglass_dirs"]["base"])
    except (KeyError, TypeError):
        return False


def target_of(settings: dict[str, Any]) -> Target:
    """Return the server that a configuration of DataJoint names."""
    given = {name: _setting(settings, name) for name in ("host", "port", "user")}
    return Target.of(**{name: str(value) if value else None for name, value in given.items()})


def _setting(settings: dict[str, Any], name: str) -> Any:
    """Return a setting of the connection: 0.14's files are flat, 2.x's nested."""
    group = settings.get("database")
    nested = group.get(name) if isinstance(group, dict) else None
    return settings.get(f"database.{name}", nested)


def remarks_on(settings: dict[str, Any] | None) -> Iterator[str]:
    """Yield what to do about a configuration file."""
    if settings is None:
        yield "the file is not here: whatever server it names, the one that is waited for is taken"
    elif _setting(settings, "password") not in (None, "", TUTORIAL_PASSWORD.reveal()):
        yield ELSEWHERE.format("the password in the file is not taken")
