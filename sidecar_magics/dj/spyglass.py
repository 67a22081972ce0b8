"""What Spyglass needs before it is imported: its folders, DataJoint's stores, files in tables.

Spyglass looks for its base folder once, while it is imported, and gives up quietly if there is
none: then ``import spyglass.common`` fails with "filepath data type is disabled". What is set here
goes before everything else that Spyglass looks at (``spyglass/settings.py`` of 0.6.0).
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DataJointConnectionError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .versions import DataJoint

# Below the base folder, as in spyglass/directory_schema.json; by the groups of dj.config["custom"].
FOLDERS = {
    "spyglass_dirs": {
        "raw": "raw",
        "analysis": "analysis",
        "recording": "recording",
        "sorting": "spikesorting",
        "waveforms": "waveforms",
        "temp": "tmp",
        "video": "video",
        "export": "export",
    },
    "kachery_dirs": {"cloud": ".kachery-cloud", "storage": "kachery_storage", "temp": "tmp"},
    "dlc_dirs": {
        "base": "deeplabcut",
        "project": "deeplabcut/projects",
        "video": "deeplabcut/video",
        "output": "deeplabcut/output",
    },
    "moseq_dirs": {"base": "moseq", "project": "moseq/projects", "video": "moseq/video"},
}
# The folders that DataJoint's stores of the same names are in.
STORES = ("raw", "analysis")
ENVIRONMENT = "SPYGLASS_BASE_DIR"
# DataJoint 0.14 asks for it each time that a table with a file is declared or read.
FILEPATHS = "DJ_SUPPORT_FILEPATH_MANAGEMENT"


class Spyglass(NamedTuple):
    """Where Spyglass keeps its files.

    Parameters
    ----------
    base : Path
        Its base folder, absolute.
    note : str
        What a user should know of how it was found; may be empty.
    """

    base: Path
    note: str = ""

    def settings(self, configured: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ``dj.config`` is to have: ``stores`` and ``custom``.

        Parameters
        ----------
        configured : mapping
            What it has now; other stores, and what else is ``custom``, is kept.
        """
        stores = {
            name: {
                "protocol": "file",
                "location": str(self.base / name),
                "stage": str(self.base / name),
            }
            for name in STORES
        }
        custom = dict(configured.get("custom") or {})
        for group, folders in FOLDERS.items():
            custom[group] = {name: str(self.base / folder) for name, folder in folders.items()}
        custom["spyglass_dirs"]["base"] = str(self.base)
        return {"stores": {**(configured.get("stores") or {}), **stores}, "custom": custom}

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Make the folders and set the environment; if what follows fails, it is as it was.

        Folders that were made stay: they are empty, and somebody may have begun to use them.

        Raises
        ------
        SettingsError
            A folder cannot be made.
        """
        self._make_folders()
        wanted = {ENVIRONMENT: str(self.base), FILEPATHS: "TRUE"}
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        except BaseException:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            raise

    def _make_folders(self) -> None:
        try:
            for group in FOLDERS.values():
                for folder in group.values():
                    (self.base / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"Spyglass's folder {error.filename} cannot be made: {error.strerror}.",
                hint="name a folder of yours: --spyglass BASE_DIR; it may be relative.",
            ) from None


def look_for(name: str, datajoint: DataJoint, values: Mapping[str, Any]) -> Spyglass:
    """Return Spyglass's base folder, if it can be used in this kernel.

    Parameters
    ----------
    name : str
        The folder, absolute or relative to the present one; ``~`` is a home. Empty: the one that
        the configuration or the environment names.
    datajoint : DataJoint
        The DataJoint of this kernel.
    values : mapping
        ``dj.config``'s settings, by flat name; ``custom`` is looked at.

    Raises
    ------
    DataJointConnectionError
        DataJoint is not of the line that Spyglass needs, or Spyglass was imported already.
    SettingsError
        No folder is named, or not one that could be used.
    """
    if not datajoint.version.startswith("0."):
        raise DataJointConnectionError(
            f"Spyglass needs DataJoint 0.14, and here is {datajoint.version}.",
            hint="start a kernel of the environment that has Spyglass.",
        )
    named, source = _named(values)
    if name:
        spyglass = Spyglass(_absolute(name), _overruled(_absolute(name), named, source))
    elif named:
        spyglass = _found(named, source)
    else:
        raise SettingsError(
            f"No base folder for Spyglass: neither dj.config nor {ENVIRONMENT} names one.",
            hint="--spyglass BASE_DIR; it may be relative to the notebook's folder.",
        )
    _check(spyglass.base, values)
    return spyglass


def _named(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the base folder that is configured, as Spyglass would look for it, and where."""
    custom = values.get("custom") or {}
    in_config = (custom.get("spyglass_dirs") or {}).get("base")
    if in_config:
        return str(in_config), 'dj.config["custom"]["spyglass_dirs"]["base"]'
    return os.environ.get(ENVIRONMENT, ""), ENVIRONMENT


def _absolute(name: str) -> Path:
    return Path(os.path.expanduser(name)).resolve()  # noqa: PTH111 - leaves ~nobody as it is


def _overruled(base: Path, named: str, source: str) -> str:
    if not named or _absolute(named) == base:
        return ""
    return f"{source} said {named}; --spyglass goes before it."


def _found(named: str, source: str) -> Spyglass:
    """Return the folder that is configured, or what it has become on this machine."""
    base = _absolute(named)
    if base.is_dir() or not Path(named).is_absolute():
        return Spyglass(base)
    moved = _moved(base)
    if moved is None:
        raise SettingsError(
            f"Spyglass's base folder {named}, from {source}, is not on this machine.",
            hint="--spyglass BASE_DIR; it may be relative to the notebook's folder.",
        )
    return Spyglass(moved, f"{source} says {named}, which is not here; {moved} is.")


def _moved(base: Path) -> Path | None:
    """Return where a folder of another machine is on this one.

    A tutorial that was written at ``/home/jovyan/demo/data`` may be at ``/work/demo/data`` now: of
    the present folder and those above it one has the path's end, the longer the better.
    """
    here = Path.cwd()
    for first in range(1, len(base.parts)):
        end = Path(*base.parts[first:])
        for folder in (here, *here.parents):
            if (folder / end).is_dir():
                return folder / end
    return None


def _check(base: Path, values: Mapping[str, Any]) -> None:
    if base.exists() and not base.is_dir():
        raise SettingsError(f"Spyglass's base folder {base} is a file.")
    custom = values.get("custom") or {}
    if str(custom.get("test_mode", "")).lower() == "true" and "tests" not in base.parts:
        raise SettingsError(
            f'dj.config["custom"]["test_mode"] is set, and Spyglass then takes no base folder '
            f'outside of one called "tests": {base}.',
            hint='dj.config["custom"]["test_mode"] = False, or remove it from the file.',
        )
    settings = sys.modules.get("spyglass.settings")
    if settings is None:
        return
    imported = getattr(settings, "base_dir", None)
    if imported and Path(imported).resolve() == base:
        return
    told = f"with the base folder {imported}" if imported else "without a base folder"
    raise DataJointConnectionError(
        f"Spyglass was imported already, {told}; it cannot be changed to {base}.",
        hint="restart the kernel, and connect before Spyglass is imported.",
    )
