"""Find the sources that a user names: a file, several, a folder, an address, a text."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import ScriptError
from ...files import shown_path
from . import folders
from .counting import CountingReader
from .origins import FileOrigin, InputOrigin, Origin, TextOrigin
from .paths import (
    expand_path,
    expand_variables,
    is_url,
    near_misses,
    split_member,
    split_member_of_url,
)
from .remote import RemoteOrigin
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Script", "Source", "Sources", "open_sources"]

GLOB = re.compile(r"[*?\[]")
# Kinds that are one thing, whose digest is its own.
SINGLE = frozenset({"file", "url", "stdin", "text"})


@dataclass(frozen=True)
class Script:
    """A script that is not open yet.

    Parameters
    ----------
    origin : Origin
        Where its bytes are.
    label : str
        Its name among the others: relative to their folder.
    member, schema, delimiter, fresh_session, first_line
        As for `Source`.
    home : Path, optional
        Folder that the file must be in, with links resolved; None for a file that the user named.
    """

    origin: Origin
    label: str
    member: str | None = None
    schema: str | None = None
    delimiter: bytes = b";"
    fresh_session: bool = False
    first_line: int = 1
    home: Path | None = None

    @property
    def stray(self) -> Path | None:
        """The file's real place, if that is outside of its required folder."""
        path = self.origin.path
        if self.home is None or path is None:
            return None
        real = path.resolve()
        return None if self.home in real.parents else real

    def open(self) -> Source:
        """Open it.

        Raises
        ------
        ScriptError
            It cannot be read.
        """
        path = self.origin.path
        real = None if path is None else path.resolve()
        source = Source(
            self.origin.name,
            self.origin.open(),
            size_bytes=self.origin.size_bytes,
            folder=Path.cwd() if real is None else real.parent,
            path=real,
            member=self.member,
            schema=self.schema,
            delimiter=self.delimiter,
            fresh_session=self.fresh_session,
            first_line=self.first_line,
        )
        source.stray = self.stray
        source.came_as_text = isinstance(self.origin, (TextOrigin, InputOrigin))
        return source


class Sources:
    """One script or several, in order; each is opened when its turn comes.

    Iterating yields each `Source`, open, and closes it before the next. It can be repeated from the
    beginning if `can_reopen`.

    Parameters
    ----------
    name : str
        How to call all of it in messages.
    kind : str
        ``file``, ``glob``, ``folder``, ``mydumper``, ``stdin``, ``url`` or ``text``.
    scripts : sequence of Script
        The scripts.
    notes : sequence of str, default ()
        Notes for the user before the load.
    """

    def __init__(
        self, name: str, kind: str, *, scripts: Sequence[Script], notes: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.kind = kind
        self.scripts = tuple(scripts)
        self.notes = tuple(notes)
        self._current: Source | None = None
        self._index = -1
        self._passed_bytes = 0
        self._digests: dict[int, str] = {}
        self._before: dict[int, list[dict[str, Any]]] = {}

    @classmethod
    def from_text(cls, sql: str, *, first_line: int = 1) -> Sources:
        """Make a source of SQL text, such as a cell's body.

        Parameters
        ----------
        sql : str
            The script.
        first_line : int, default 1
            Number of its first line, in messages.
        """
        script = Script(TextOrigin(sql), "cell", first_line=first_line)
        return cls("cell", "text", scripts=[script])

    @property
    def labels(self) -> list[str]:
        """Names of the scripts, in order, relative to their folder."""
        return [script.label for script in self.scripts]

    @property
    def paths(self) -> list[Path]:
        """Those of the scripts that are files of this machine, in order."""
        return [script.origin.path for script in self.scripts if script.origin.path is not None]

    @property
    def whereabouts(self) -> str:
        """Its name in any folder: an absolute path or an address; empty for a text."""
        if self.kind in ("text", "stdin"):
            return ""
        if self.kind == "url":
            return self.name
        return str(Path(os.path.expandvars(self.name)).expanduser().resolve())

    @property
    def size_bytes(self) -> int | None:
        """Size of all of it, as it lies on disk; None if a part does not say."""
        sizes = [script.origin.size_bytes for script in self.scripts]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def position_bytes(self) -> int:
        """How much of `size_bytes` has been read or skipped."""
        return self._passed_bytes + (self._current.position_bytes if self._current else 0)

    @property
    def can_reopen(self) -> bool:
        """Whether it can be read more than once."""
        return all(script.origin.can_reopen for script in self.scripts)

    @property
    def sha256(self) -> str | None:
        """The result of `digest`, without reading again; None unless all was read to its end."""
        self._note_read()
        if len(self._digests) < len(self.scripts):
            return None
        return self._joined([self._digests[index] for index in range(len(self.scripts))])

    @property
    def loaded_before(self) -> list[dict[str, Any]]:
        """Records of the loads that are in these dumps, as far as they were read."""
        self._note_read()
        return [record for index in sorted(self._before) for record in self._before[index]]

    def __len__(self) -> int:
        return len(self.scripts)

    def __iter__(self) -> Iterator[Source]:
        for index in range(len(self.scripts)):
            yield self.open(index)

    def open(self, index: int) -> Source:
        """Open one of the scripts, and close the one that was open.

        Parameters
        ----------
        index : int
            Its number, from 0; the scripts before it count as read.

        Raises
        ------
        ScriptError
            It cannot be read, or not once more.
        """
        script = self.scripts[index]
        if index <= self._index and not script.origin.can_reopen:
            raise ScriptError(
                f"{self.name} can be read only once.", hint="save it as a file to read it again."
            )
        reached = 0 if self._current is None else self._current.position_bytes
        self.close()
        if index == self._index + 1:
            size = self.scripts[self._index].origin.size_bytes if self._index >= 0 else 0
            self._passed_bytes += max(reached, size or 0)
        else:
            before = (earlier.origin.size_bytes or 0 for earlier in self.scripts[:index])
            self._passed_bytes = sum(before)
        self._index = index
        self._digests.pop(index, None)
        self._current = script.open()
        return self._current

    def check_inside(self) -> None:
        """Check that a folder's scripts lie in it, and are no links to other files.

        Raises
        ------
        ScriptError
            One of them is elsewhere: the folder's author has chosen a file of this machine.
        """
        for script in self.scripts:
            if script.stray is not None:
                what = folders.astray(script.stray)
                raise ScriptError(f"{script.origin.name} {what}.", hint=folders.ALLOW_LINKS)

    def close(self) -> None:
        """Close the script that is open; `position_bytes` and `sha256` stay."""
        self._note_read()
        if self._current is not None:
            self._current.close()

    def stamp(self) -> dict[str, Any] | None:
        """Return quickly a stamp that changes when a file does, ready for JSON.

        Per file its name relative to the folder, its size and the time of its last change (in
        nanoseconds); for an address what its server sends (ETag and the like).

        Returns
        -------
        dict or None
            None where only reading all of it shows that: standard input, a text, some servers.
        """
        files = []
        for script in self.scripts:
            stamp = script.origin.stamp()
            if stamp is None:
                return None
            files.append({"name": self._digest_label(script), **stamp})
        return {"kind": self.kind, "files": files}

    def digest(self) -> str:
        r"""Return the SHA-256 of all scripts, as hexadecimal digits; they are read once.

        Of one file, address or text that is its own, as ``sha256sum`` prints it. Of a folder or a
        pattern, and of a named member of an archive, it is that of the lines that ``sha256sum``
        would print for the files, in order: ``"digest  name\n"``, each name relative to the folder.

        Raises
        ------
        ScriptError
            It cannot be read, or only once.
        """
        if not self.can_reopen:
            raise ScriptError(
                f"{self.name} can be read only once.", hint="save it as a file to read it again."
            )
        return self._joined([_sha256(script) for script in self.scripts])

    def _joined(self, digests: Sequence[str]) -> str:
        if self.kind in SINGLE and self.scripts[0].member is None:
            return digests[0]
        lines = (
            f"{digest}  {self._digest_label(script)}\n"
            for digest, script in zip(digests, self.scripts)
        )
        return hashlib.sha256(os.fsencode("".join(lines))).hexdigest()

    def _digest_label(self, script: Script) -> str:
        return script.label if script.member is None else f"{script.label}:{script.member}"

    def _note_read(self) -> None:
        """Note the facts about the open script, as far as it was read."""
        if self._current is None:
            return
        self._before[self._index] = self._current.loaded_before
        if self._current.is_read_to_end:
            self._digests[self._index] = self._current.sha256


def open_sources(
    spec: str | os.PathLike[str],
    *,
    member: str | None = None,
    stdin: IO[bytes] | None = None,
) -> Sources:
    """Find the scripts that a user names; reads only as much as their order needs.

    Parameters
    ----------
    spec : str or path
        A path; a pattern (``data/*.sql.gz``); a folder; ``-`` for standard input; an address
        (``https://...``, ``s3://...``); ``archive.zip:member.sql``. ``~``, ``$VAR`` and ``${VAR}``
        are expanded. A file of exactly this name wins over any other meaning.
    member : str, optional
        Which script of a zip archive.
    stdin : binary file, optional
        What ``-`` means. Default: the process's standard input.

    Raises
    ------
    ScriptError
        There is nothing of that name, it cannot be read, or it has no scripts.
    """
    text = os.fspath(spec)
    if text == "-" and isinstance(spec, str):
        return _single("stdin", InputOrigin(stdin), "-", member)
    if is_url(text) and not os.path.lexists(text):
        return _from_url(expand_variables(text, strict=False), member)
    if GLOB.search(text) and not os.path.lexists(text) and (found := _matches(Path(text))):
        listing = folders.list_matches(found, _read_small)
        return _several(text, listing, member, _fixed_part(Path(text)))
    path = expand_path(text)
    if member is None:
        path, member = split_member(path)
    if path.is_dir():
        listing = folders.list_folder(path, str(path), _read_small)
        return _several(text, listing, member, path)
    if GLOB.search(str(path)) and not os.path.lexists(path):
        found = _matches(path)
        if not found:
            raise ScriptError(f"no file matches {str(path)!r}.", hint=near_misses(path))
        listing = folders.list_matches(found, _read_small)
        return _several(str(path), listing, member, _fixed_part(path))
    name = text if "$" not in text else str(path)
    name = name if member is None else str(path)
    return _single("file", FileOrigin(path, shown_path(name)), path.name, member)


def _single(kind: str, origin: Origin, label: str, member: str | None) -> Sources:
    name = origin.name if member is None else f"{origin.name}:{member}"
    return Sources(name, kind, scripts=[Script(origin, label, member=member)])


def _several(name: str, listing: folders.Listing, member: str | None, home: Path) -> Sources:
    if member is not None and len(listing.entries) > 1:
        raise ScriptError(f"{name} is {len(listing.entries)} files; a member is of one archive.")
    base = os.path.commonpath([entry.path.parent for entry in listing.entries])
    scripts = [
        Script(
            FileOrigin(entry.path, str(entry.path)),
            Path(os.path.relpath(entry.path, base)).as_posix(),
            member=member,
            schema=entry.schema,
            delimiter=entry.delimiter,
            fresh_session=True,
            home=home.resolve(),
        )
        for entry in listing.entries
    ]
    return Sources(name, listing.kind, scripts=scripts, notes=listing.notes)


def _from_url(url: str, member: str | None) -> Sources:
    if url.lower().startswith("file://"):
        from urllib.request import url2pathname  # noqa: PLC0415 - loads http.client as well

        # On Windows /C:/dumps/a.sql is C:\dumps\a.sql.
        return open_sources(Path(url2pathname(urlsplit(url).path)), member=member)
    if member is None:
        url, member = split_member_of_url(url)
    origin = RemoteOrigin(url)
    return _single("url", origin, origin.name, member)


def _fixed_part(pattern: Path) -> Path:
    """Return the folder that a pattern looks into: the part before its first wildcard."""
    while GLOB.search(str(pattern)):
        pattern = pattern.parent
    return pattern


def _matches(pattern: Path) -> list[Path]:
    # Path.glob takes no absolute pattern.
    found = map(Path, glob.glob(str(pattern), recursive=True))  # noqa: PTH207
    return [path for path in found if path.is_file()]


def _read_small(path: Path) -> bytes:
    """Return the content of a small file of a dump, decompressed."""
    source = Source.from_file(path)
    with contextlib.closing(source):
        return b"".join(source.chunks())


def _sha256(script: Script) -> str:
    raw = CountingReader(script.origin.open())
    with contextlib.closing(raw):
        try:
            raw.drain()
        except OSError as error:
            reason = error.strerror or error
            raise ScriptError(f"{script.origin.name} cannot be read: {reason}.") from None
    return raw.sha256
