"""Write DataJoint's configuration file (``--save``): whole or not at all, for its owner only."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
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
    """Write settings into a file, over those that it has, and return what to tell.

    Passwords, and the secrets of stores, are not written; what stands in the file already is left
    there. A file that is changed is kept beside the new one, as ``.bak``, ``.bak2`` and so on.

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
        backup = _keep(path) if before else None
        _replace(path, json.dumps(after, indent=2) + "\n")
    except OSError as error:
        raise SettingsError(
            f"The configuration file {path} cannot be written: {error.strerror}.",
            hint="leave out --save, or make the folder writable.",
        ) from None
    kept = f"; what it was is in {backup.name}" if backup else ""
    return f"Saved in {path.name}, without a password{kept}."


def _merged(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for key, value in values.items():
        if any(secret in key.lower() for secret in SECRET_NAMES):
            continue
        inner = merged.get(key)
        if isinstance(value, dict):
            merged[key] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _keep(path: Path) -> Path:
    """Copy a file beside itself under a name that is free; it may hold a password."""
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(path.read_bytes())
            return backup
        number += 1


def _replace(path: Path, text: str) -> None:
    path = path.resolve()  # a link goes on being one
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
