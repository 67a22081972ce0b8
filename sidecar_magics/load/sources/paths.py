"""From the user's words to paths: ``~``, ``$VAR``, archive and member; similar names that exist."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = re.compile(r"\$(?:(\w+)|\{([^{}]*)\})", re.ASCII)
NUMBER = re.compile(r"(\d+)")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:://|::)")
# In the path of an address, the archive's name ends where the member's begins.
MEMBER_IN_URL = re.compile(r"(?i)(?<=\.zip):(?!/)([^?#]+)")
# A drive, or a server's share.
WINDOWS = re.compile(r"[A-Za-z]:|\\\\")
NEAR_MISSES = 5


def is_url(spec: str) -> bool:
    """Return whether a user's word is an address, not a path."""
    return URL.match(spec) is not None


def expand_variables(spec: str, *, strict: bool = True) -> str:
    """Put the environment's variables into ``$NAME`` and ``${NAME}``.

    Parameters
    ----------
    spec : str
        The user's word.
    strict : bool, default True
        Whether ``$NAME`` of a variable that is not set is an error, as ``${NAME}`` always is; an
        address may have a dollar of its own.

    Raises
    ------
    ScriptError
        A variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or ""
        if name in os.environ:
            return os.environ[name]
        if match[1] and not strict:
            return match[0]
        raise ScriptError(
            f"the variable {match[0]} is not set.",
            hint="set it before the notebook's server is started, or %env sets it for the kernel.",
        )

    return VARIABLE.sub(value, spec)


def expand_path(spec: str) -> Path:
    """Return the path that a user means; one that is there as it is written wins.

    Raises
    ------
    ScriptError
        It names a user or a variable that does not exist, or is no path.
    """
    try:
        if os.path.lexists(spec):
            return Path(spec)
        home = Path(spec).expanduser()
        if os.path.lexists(home):
            return home
        path = Path(expand_variables(spec)).expanduser()
    except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
        raise ScriptError(f"{spec!r} is no path: {error}.") from None
    return next(filter(os.path.lexists, _spelt_otherwise(path)), path)


def _spelt_otherwise(path: Path) -> Iterator[Path]:
    """Yield a path with its accents as letters of their own, and as one with their letters.

    Files of a Mac have the former, keyboards type the latter, and both look alike.
    """
    if not str(path).isascii():
        yield Path(unicodedata.normalize("NFC", str(path)))
        yield Path(unicodedata.normalize("NFD", str(path)))


def split_member(path: Path) -> tuple[Path, str | None]:
    """Take ``archive.zip:member.sql`` apart, if such a file is there and not one of the whole name.

    Returns
    -------
    tuple of Path and (str or None)
        The file, and the name of the member in it.
    """
    text = str(path)
    if ":" in text and not path.exists():
        for colon in (match.start() for match in re.finditer(":", text)):
            archive = Path(text[:colon])
            if text[colon + 1 :] and archive.is_file():
                return archive, text[colon + 1 :]
    return path, None


def split_member_of_url(url: str) -> tuple[str, str | None]:
    """Take ``https://.../archive.zip:member.sql`` apart."""
    match = MEMBER_IN_URL.search(url)
    if match is None:
        return url, None
    return url[: match.start()] + url[match.end() :], match[1]


def natural(name: str) -> tuple[tuple[int | str, ...], str]:
    """Return a key to sort names by, so that ``part10`` comes after ``part9``."""
    parts = NUMBER.split(name)
    # Texts and numbers alternate, so only like is compared with like.
    ordered = [int(part) if index % 2 else part.casefold() for index, part in enumerate(parts)]
    return (tuple(ordered), name)


def is_of_windows(path: str | os.PathLike[str]) -> bool:
    """Return whether a path begins as those of Windows do, and this is another system."""
    return os.name != "nt" and WINDOWS.match(os.fspath(path)) is not None


def spelt(path: str | os.PathLike[str]) -> str:
    """Return a path in quotes, for a message; backslashes are not doubled."""
    return repr(os.fspath(path)).replace(r"\\", "\\")


def near_misses(path: Path) -> str:
    """Return a hint for a missing path: a similar one, or the scripts of its folder."""
    if is_of_windows(path):
        return (
            "it is a path of a Windows machine, and the notebook runs on another one: upload the "
            "file, and name it as it is there."
        )
    folder = path.parent
    if folder.is_dir():
        return _near_misses_in(folder, path)
    near = difflib.get_close_matches(folder.name, _names(folder.parent, is_folder=True), n=1)
    if near:
        return f"did you mean {folder.parent / near[0] / path.name}?"
    here = "" if folder.is_absolute() else "; %pwd shows the notebook's"
    return f"there is no folder {folder} either{here}."


def _near_misses_in(folder: Path, path: Path) -> str:
    scripts = sorted(_names(folder, is_folder=False), key=natural)
    # Without their endings, in which all are alike.
    meant = {_stem(script): script for script in reversed(scripts)}
    for folded in difflib.get_close_matches(_stem(path.name), meant, n=1):
        return f"did you mean {folder / meant[folded]}?{_also(folder, scripts, meant[folded])}"
    if scripts:
        return f"{_called(folder)} has {_listed(scripts)}."
    if path.is_absolute():
        return f"there is no script in {folder}."
    return "the path is relative to the notebook's folder; %pwd shows it."


def _stem(name: str) -> str:
    return name.casefold().partition(".sql")[0]


def _names(folder: Path, *, is_folder: bool) -> list[str]:
    """Return the names of a folder's folders, or of its scripts."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return []
    if is_folder:
        return [entry.name for entry in entries if entry.is_dir()]
    return [entry.name for entry in entries if ".sql" in entry.name.lower()]


def _also(folder: Path, scripts: list[str], meant: str) -> str:
    others = [script for script in scripts if script != meant]
    return f" {_called(folder)} also has {_listed(others)}." if others else ""


def _called(folder: Path) -> str:
    return "this folder" if folder == Path() else str(folder)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NEAR_MISSES:,} more" if len(names) > NEAR_MISSES else ""
    return f"{', '.join(names[:NEAR_MISSES])}{more}"
