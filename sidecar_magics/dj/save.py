"""Write DataJoint's configuration file (``--save``): whole or not at all, for its owner only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from ..files import OWNER_ONLY, keep, write
from .config import ConfigFile
from .masking import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

# 0.14 reads it from the present folder when it is imported.
NAME = "dj_local_conf.json"


def save_path(config_file: ConfigFile | None) -> Path:
    """Return the file to write: that of ``--config``, or the one that 0.14 reads by itself."""
    return config_file.path if config_file else Path(NAME)


def save(path: Path, values: Mapping[str, Any]) -> str:
    """Write settings into a file, over those that it has, and return a note about it.

    Passwords, and the secrets of stores, are not written; those that the file has already stay
    there. The earlier version is kept beside the new one, as ``.bak``, ``.bak2`` and so on.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    values : mapping
        Settings by flat name.

    Raises
    ------
    SettingsError
        The file holds no settings, or cannot be written; then it is as it was.
    """
    before = dict(ConfigFile.read(str(path)).values) if path.exists() else {}
    after = _merged(before, values)
    if after == before:
        return f"{path.name} has these settings already."
    try:
        backup = keep(path, mode=OWNER_ONLY) if before else None
        write(path, json.dumps(after, indent=2) + "\n", mode=OWNER_ONLY)
    except OSError as error:
        raise SettingsError(
            f"The configuration file {path} cannot be written: {error.strerror}.",
            hint="leave out --save, or make the folder writable.",
        ) from None
    kept = f"; the earlier version is in {backup.name}" if backup else ""
    if _has_secret(after):
        # In the copy as well: the file is the user's, so we remove nothing.
        return f"Saved in {path.name}, which still contains an earlier password{kept}."
    return f"Saved in {path.name}, without a password{kept}."


def _is_secret(key: str) -> bool:
    return any(secret in key.lower() for secret in SECRET_NAMES)


def _has_secret(values: Mapping[str, Any]) -> bool:
    return any(
        _has_secret(value) if isinstance(value, dict) else _is_secret(key) and bool(value)
        for key, value in values.items()
    )


def _merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for key, value in values.items():
        if _is_secret(key):
            continue
        inner = merged.get(key)
        if isinstance(value, dict):
            merged[key] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged
