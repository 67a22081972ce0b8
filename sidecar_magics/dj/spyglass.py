"""Prepare Spyglass before it is imported: its folders, DataJoint's stores, files in tables.

Spyglass looks for its base folder once, while it is imported, and gives up quietly if there is
none: then ``import spyglass.common`` fails with "filepath data type is disabled". The base is
``dj.config["custom"]["spyglass_dirs"]``, then SPYGLASS_BASE_DIR; each sub-folder comes from
``custom``, then from a variable of its own, then it is below the base. So ``custom`` gets every
folder, and no variable of a hub's image overrules it. In ``test_mode`` Spyglass silently ignores a
base folder without a part called ``tests``; that is refused (``spyglass/settings.py`` of 0.6.0).
"""

from __future__ import annotations

import contextlib
import os
import re
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
# An unknown variable, or an unknown user's home, in a path: we make no folder of such a name.
UNKNOWN = re.compile(r"\$(?:\w+|\{[^}]*\})|\{\w+\}|^~[^/]*")


class Spyglass(NamedTuple):
    """Where Spyglass keeps its files.

    Parameters
    ----------
    base : Path
        Its base folder, absolute.
    folders : mapping
        Its other folders, by the groups of FOLDERS and their names.
    notes : tuple of str
        Notes for the user about how they were found.
    """

    base: Path
    folders: Mapping[str, Mapping[str, Path]]
    notes: tuple[str, ...] = ()

    def settings(self, configured: Mapping[str, Any]) -> dict[str, Any]:
        """Return the new values for ``dj.config``: ``stores`` and ``custom``.

        Parameters
        ----------
        configured : mapping
            The present values; other stores, and other parts of ``custom``, are kept.
        """
        places = {name: str(self.folders["spyglass_dirs"][name]) for name in STORES}
        stores = {
            name: {"protocol": "file", "location": place, "stage": place}
            for name, place in places.items()
        }
        custom = dict(_mapping(configured.get("custom")))
        for group, folders in self.folders.items():
            custom[group] = {name: str(folder) for name, folder in folders.items()}
        custom["spyglass_dirs"]["base"] = str(self.base)
        return {"stores": {**_mapping(configured.get("stores")), **stores}, "custom": custom}

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Make the folders and set the environment; if the block fails, restore the environment.

        Folders that were made stay: they are empty, and other programs may have begun to use them.

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
            for group in self.folders.values():
                for folder in group.values():
                    folder.mkdir(parents=True, exist_ok=True)
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
        The folder, absolute or relative to the present one; with ``~`` and ``$VARIABLE``. Empty:
        the one that the configuration or the environment names.
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
            f"Spyglass needs DataJoint 0.14, and this kernel has {datajoint.version}.",
            hint="start a kernel of the environment that has Spyglass.",
        )
    named, source = _named(values)
    if name:
        base = _given(name)
        note = _overruled(base, named, source)
    elif named:
        base, note = _found(named, source)
    else:
        raise SettingsError(
            f"No base folder for Spyglass: neither dj.config nor {ENVIRONMENT} names one.",
            hint="add --spyglass BASE_DIR; it may be relative to the notebook's folder.",
        )
    _check(base, values)
    folders, outside = _placed(base, named, values)
    return Spyglass(base, folders, tuple(note for note in (note, outside) if note))


def missing(values: Mapping[str, Any]) -> str:
    """Return a note if a base folder is configured that is not on this machine; else nothing.

    Parameters
    ----------
    values : mapping
        As for `look_for`.
    """
    named, source = _named(values)
    if not named or _absolute(named).is_dir():
        return ""
    return (
        f"Spyglass's base folder {named}, from {source}, is not on this machine: "
        "name another with --spyglass BASE_DIR."
    )


def _named(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the base folder that is configured, as Spyglass would look for it, and where."""
    in_config = _mapping(_mapping(values.get("custom")).get("spyglass_dirs")).get("base")
    if in_config:
        return str(in_config), 'dj.config["custom"]["spyglass_dirs"]["base"]'
    return os.environ.get(ENVIRONMENT, ""), ENVIRONMENT


def _given(name: str) -> Path:
    """Return the folder that the line names; unlike Spyglass, with variables."""
    expanded = os.path.expanduser(os.path.expandvars(name))  # noqa: PTH111 - as in _absolute
    unknown = UNKNOWN.search(expanded)
    if unknown:
        raise SettingsError(
            f"Spyglass's base folder {name} names {unknown[0]}, which this kernel does not know.",
            hint="add --spyglass BASE_DIR; it may be relative to the notebook's folder.",
        )
    return _absolute(expanded)


def _absolute(name: str) -> Path:
    return Path(os.path.expanduser(name)).resolve()  # noqa: PTH111 - leaves ~nobody as it is


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a part of the configuration, which a user may have written by hand."""
    return value if isinstance(value, dict) else {}


def _overruled(base: Path, named: str, source: str) -> str:
    if not named or _absolute(named) == base:
        return ""
    return f"{source} names {named}; --spyglass overrides it."


def _found(named: str, source: str) -> tuple[Path, str]:
    """Return the configured folder, or its place on this machine, and a note."""
    base = _absolute(named)
    if base.is_dir() or not Path(named).is_absolute():
        return base, ""
    moved = _moved(base)
    if moved is None:
        raise SettingsError(
            f"Spyglass's base folder {named}, from {source}, is not on this machine.",
            hint="add --spyglass BASE_DIR; it may be relative to the notebook's folder.",
        )
    return moved, f"{source} names {named}, which is not on this machine; {moved} is used."


def _placed(
    base: Path, named: str, values: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Path]], str]:
    """Return where each folder is, and a note on those that are not below the base.

    A folder below the old base gets the same place below the new one. A folder elsewhere stays
    there if this machine has it (a laboratory's raw data, say).
    """
    old_base = _absolute(named) if named else base
    custom = _mapping(values.get("custom"))
    folders: dict[str, dict[str, Path]] = {}
    outside: list[str] = []
    for group, usual in FOLDERS.items():
        folders[group] = {name: base / folder for name, folder in usual.items()}
        for name, text in _mapping(custom.get(group)).items():
            path = _absolute(str(text)) if text and name in usual else None
            if path is None:
                continue
            if old_base in (path, *path.parents):
                folders[group][name] = base / path.relative_to(old_base)
            elif path.is_dir():
                folders[group][name] = path
                if base not in path.parents:
                    outside.append(f"{group} {name} {path}")
    note = f"Not below the base folder, as configured: {', '.join(outside)}." if outside else ""
    return folders, note


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
    custom = _mapping(values.get("custom"))
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
    how = f"with the base folder {imported}" if imported else "without a base folder"
    raise DataJointConnectionError(
        f"Spyglass was imported already, {how}; it cannot be changed to {base}.",
        hint="restart the kernel, and connect before Spyglass is imported.",
    )
