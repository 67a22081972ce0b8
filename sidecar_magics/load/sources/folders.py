"""The scripts of a folder, or some of them, in the order in which they are to be run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ScriptError
from . import mydumper
from .paths import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

SCRIPT = re.compile(r"(?i)[^.].*\.sql(?:\.(?:gz|zst|bz2|xz|zip))?", re.DOTALL)
LISTED = 8
ALLOW_LINKS = "add --allow-outside-source if you trust the folder's author."


class ListedScript(NamedTuple):
    """A script of a folder.

    Parameters
    ----------
    path : Path
        The file.
    schema : str or None, default None
        Schema to begin in.
    delimiter : bytes, default b";"
        Its first delimiter.
    """

    path: Path
    schema: str | None = None
    delimiter: bytes = b";"


class Listing(NamedTuple):
    """The scripts of a folder, in order.

    Parameters
    ----------
    kind : str
        ``folder``, or ``mydumper`` for what mydumper wrote.
    entries : tuple of ListedScript
        In order.
    notes : tuple of str
        Notes for the user.
    """

    kind: str
    entries: tuple[ListedScript, ...]
    notes: tuple[str, ...] = ()


def list_folder(folder: Path, name: str, read: Callable[[Path], bytes]) -> Listing:
    """Return the scripts of a folder.

    Parameters
    ----------
    folder : Path
        The folder; those within it are not looked into.
    name : str
        How to call it in messages.
    read : callable
        Returns the content of a small file, decompressed.

    Raises
    ------
    ScriptError
        It cannot be read, has no scripts, or holds rows in files that are no scripts.
    """
    try:
        files = {entry.name for entry in folder.iterdir() if entry.is_file()}
    except OSError as error:
        raise ScriptError(f"the folder {name} cannot be read: {error.strerror}.") from None
    _refuse_other_dumps(files, name)
    if mydumper.is_mydumpers(files, lambda file: read(folder / file)):
        if not any(mydumper.SCRIPT.fullmatch(file) for file in files):
            raise _nothing_in(folder, name)
        return _by_mydumper(folder, files, read)
    scripts = sorted((file for file in files if SCRIPT.fullmatch(file)), key=natural)
    if not scripts:
        raise _nothing_in(folder, name)
    _refuse_tab_dump(scripts, files, name)
    left_out = [file for file in files if ".sql." in file.lower() and file not in scripts]
    notes = [f"{file} is left out: it is no script by its name." for file in sorted(left_out)]
    return Listing("folder", tuple(ListedScript(folder / file) for file in scripts), tuple(notes))


def list_matches(paths: Collection[Path], read: Callable[[Path], bytes]) -> Listing:
    """Return the files that a pattern has found, in order.

    Those of a folder that mydumper wrote are run as that folder would be, so that
    ``dump/*.sql.gz`` is all of it and ``dump/shop.*`` one schema.

    Parameters
    ----------
    paths : collection of Path
        The files.
    read : callable
        As for `list_folder`.
    """
    folders = {path.parent for path in paths}
    if len(folders) == 1:
        folder = folders.pop()
        files = {entry.name for entry in folder.iterdir() if entry.is_file()}
        if mydumper.is_mydumpers(files, lambda file: read(folder / file)):
            kind, entries, notes = _by_mydumper(folder, files, read)
            wanted = tuple(entry for entry in entries if entry.path in paths)
            if wanted:
                return Listing(kind, wanted, notes)
    ordered = sorted(paths, key=lambda path: natural(str(path)))
    return Listing("glob", tuple(map(ListedScript, ordered)))


def astray(real: Path) -> str:
    """Return the end of a sentence, after a script's name: it is a link out of its folder."""
    return f"is a link to {real}, outside of its folder"


def _by_mydumper(folder: Path, files: Collection[str], read: Callable[[Path], bytes]) -> Listing:
    pieces, notes = mydumper.layout(files, lambda file: read(folder / file))
    rows = mydumper.row_files(files)
    if rows and not any(piece.step is mydumper.Stage.DATA for piece in pieces):
        raise ScriptError(
            f"the rows of the dump in {folder} are in {rows[0]} and the like, and no script loads "
            "them.",
            hint="load it with myloader, or dump again without --csv or --load-data.",
        )
    entries = (ListedScript(folder / piece.name, piece.schema, piece.delimiter) for piece in pieces)
    return Listing("mydumper", tuple(entries), notes)


def _refuse_other_dumps(files: Collection[str], name: str) -> None:
    # Source: MySQL Shell's "Instance Dump Utility": @.json comes first, @.done.json last.
    if "@.json" in files:
        raise ScriptError(
            f"{name} is a dump by MySQL Shell; its rows are in files that are no scripts.",
            hint="load it with `util.loadDump` of mysqlsh.",
        )
    # Source: xtrabackup and mariabackup write one of these into each backup.
    if {"xtrabackup_checkpoints", "mariadb_backup_checkpoints"} & set(files):
        raise ScriptError(
            f"{name} is a backup of a server's data files, not of SQL.",
            hint="restore it with xtrabackup or mariabackup.",
        )


def _refuse_tab_dump(scripts: Collection[str], files: Collection[str], name: str) -> None:
    """Refuse a folder of ``mysqldump --tab``: loading its scripts would leave the tables empty."""
    rows = [f"{script[: -len('.sql')]}.txt" for script in scripts if script.endswith(".sql")]
    there = [file for file in rows if file in files]
    if there:
        raise ScriptError(
            f"{name} is a dump by `mysqldump --tab`: its rows are in {there[0]} and the like.",
            hint=f"load {name}/*.sql for the tables, then the rows with `mysqlimport --local`; or "
            "dump again without --tab.",
        )


def _nothing_in(folder: Path, name: str) -> ScriptError:
    there = sorted(folder.iterdir(), key=lambda path: natural(path.name))
    names = [f"{path.name}/" if path.is_dir() else path.name for path in there]
    if not names:
        return ScriptError(f"the folder {name} is empty.")
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    hint = f"it has {', '.join(names[:LISTED])}{more}; scripts are called *.sql, *.sql.gz, ..."
    return ScriptError(f"the folder {name} has no scripts.", hint=hint)
