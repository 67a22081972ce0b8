"""One script: a file, plain or compressed, here or elsewhere, or the text of a cell."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...errors import ScriptError
from . import zips
from .compression import DamagedError, expand
from .counting import BLOCK_BYTES, CountingReader
from .dump_marks import DumpMarks, LoadedBefore, maker
from .formats import HEAD_BYTES, compression, foreign
from .paths import near_misses, spelt

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

# A dump tool's heading is in them.
HEADING_BYTES = 4096


class Source:
    """A script as a stream of bytes, whose place in the file is known at any time.

    Parameters
    ----------
    name : str
        How to call it in messages.
    file : binary file
        The bytes as they lie on disk; closed by `close`.
    size_bytes : int or None
        Their number; None if it is not known before the end.
    folder : Path
        The folder of relative names in ``source`` commands.
    path : Path, optional
        The file's own, with links resolved.
    member : str, optional
        Which script of a zip archive; needed where there are several.
    schema : str, optional
        Schema to begin in; undecodable bytes are surrogates, as `os.fsdecode` makes them.
    delimiter : bytes, default b";"
        Its first delimiter.
    fresh_session : bool, default False
        Whether the script expects the session state of a new connection.
    first_line : int, default 1
        Number of the script's first line, in messages.

    Attributes
    ----------
    number : int
        Its number among a load's scripts, from 0; set by the load.
    stray : Path or None
        Where the file really is, if that is outside of the folder that a user named.
    came_as_text : bool
        It is a cell, or standard input, and no file.
    """

    number: int = 0
    stray: Path | None = None
    came_as_text: bool = False

    def __init__(
        self,
        name: str,
        file: IO[bytes],
        *,
        size_bytes: int | None,
        folder: Path,
        path: Path | None = None,
        member: str | None = None,
        schema: str | None = None,
        delimiter: bytes = b";",
        fresh_session: bool = False,
        first_line: int = 1,
    ) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self.folder = folder
        self.path = path
        self.member = member
        self.schema = schema
        self.delimiter = delimiter
        self.fresh_session = fresh_session
        self.first_line = first_line
        self._raw = CountingReader(file)
        self._marks = DumpMarks()
        self._before = LoadedBefore()
        self._stream: Iterator[bytes] | None = None
        self._heading = b""

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, wanted_at: str = "") -> Source:
        """Open a file; how it is compressed is recognised by its content, not by its name.

        Parameters
        ----------
        path : path
            The file; ``~`` is the home folder.
        wanted_at : str, optional
            Place in another script that asks for it, for the message if it is not there.

        Raises
        ------
        ScriptError
            There is no such file, or it cannot be read.
        """
        file, size_bytes = open_file(path, wanted_at=wanted_at)
        real = Path(path).expanduser().resolve()
        return cls(str(path), file, size_bytes=size_bytes, folder=real.parent, path=real)

    @classmethod
    def from_text(cls, sql: str, *, first_line: int = 1) -> Source:
        """Make a source of SQL text, such as a cell's body."""
        data = sql.encode("utf-8", "surrogatepass")  # half an emoji is the server's to refuse
        source = cls(
            "cell", io.BytesIO(data), size_bytes=len(data), folder=Path.cwd(), first_line=first_line
        )
        source.came_as_text = True
        return source

    @property
    def position_bytes(self) -> int:
        """How many bytes of the file, as it lies on disk, have been read."""
        return self._raw.count

    @property
    def sha256(self) -> str:
        """Digest of the file, as it lies on disk, once it has been read to its end."""
        return self._raw.sha256

    @property
    def is_read_to_end(self) -> bool:
        """Whether the whole file has been read, so that `sha256` is its digest."""
        return self._raw.ended

    @property
    def is_dump(self) -> bool:
        """Whether the part that was read has the heading of mysqldump or mariadb-dump."""
        return self._marks.begun

    @property
    def is_typed(self) -> bool:
        """Whether a person wrote it here and now: it is no file, and has no dump tool's heading."""
        return self.came_as_text and not self.is_dump and maker(self._heading) is None

    def is_foreign_to(self, flavour: str, version: int) -> bool:
        """Return whether its heading names another kind of server than this, or a later one."""
        made_by = maker(self._heading)
        return made_by is not None and made_by.is_foreign_to(flavour, version)

    @property
    def looks_truncated(self) -> bool:
        """Whether this is a dump without its last line; true only after the last chunk."""
        return self._marks.open

    @property
    def loaded_before(self) -> list[dict[str, Any]]:
        """Records of the loads that are in this dump, if it is one of ours, once it was read."""
        return self._before.records

    def chunks(self) -> Iterator[bytes]:
        """Yield the script, decompressed, piece by piece; there is one stream, asked for again.

        Raises
        ------
        ScriptError
            The file is no script, is damaged or cut short; the message has the place in the file,
            and what could be read before it has been yielded.
        """
        if self._stream is None:
            self._stream = self._watched()
        return self._stream

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _watched(self) -> Iterator[bytes]:
        try:
            for chunk in self._script():
                self._marks.feed(chunk)
                self._heading = self._heading or chunk[:HEADING_BYTES]
                self._before.feed(chunk)
                yield chunk
        except DamagedError as error:
            raise self._stopped(error.what, error.hint) from None
        except zips.MemberError as error:
            raise ScriptError(f"{self.name} {error.what}.", hint=error.hint) from None
        except OSError as error:
            reason = error.strerror or error
            raise self._stopped(f"cannot be read further ({reason})") from None
        self._compare_size()

    def _script(self) -> Iterator[bytes]:
        head = self._raw.peek(HEAD_BYTES)
        self._refuse_foreign(head, "is")
        kind = compression(head)
        if self.member is not None and kind != "zip":
            raise zips.MemberError(f"is no zip archive, so it has no member {self.member!r}")
        if kind is None:
            return iter(lambda: self._raw.read(BLOCK_BYTES), b"")
        if kind == "zip":
            return self._checked(zips.read_member(self._raw, self._chosen_member()), kind)
        return self._checked(expand(self._raw, kind), kind)

    def _chosen_member(self) -> zipfile.ZipInfo:
        try:
            return zips.choose(self._raw, self.member)
        except OSError as error:
            raise zips.MemberError(
                "is a zip archive, whose list of members is at its end, and only its beginning can "
                f"be read here ({error.strerror or error})",
                hint="save it as a file first; or `unzip -p archive.zip | ...`.",
            ) from None

    def _checked(self, stream: Iterator[bytes], kind: str) -> Iterator[bytes]:
        """Yield a decompressed stream, unless its content is no script."""
        head, damage = b"", None
        try:
            while len(head) < HEAD_BYTES and (chunk := next(stream, b"")):
                head += chunk
        except DamagedError as error:  # after what is to be yielded
            damage = error
        self._refuse_foreign(head, "holds")
        if inner := compression(head):
            raise ScriptError(
                f"{self.name} is {inner} data, compressed once more with {kind}.",
                hint="unpack it once: a file that is compressed twice is not read.",
            )
        if head:
            yield head
        if damage is not None:
            raise damage
        yield from stream

    def _refuse_foreign(self, head: bytes, verb: str) -> None:
        found = foreign(head)
        if found is not None:
            raise ScriptError(f"{self.name} {verb} {found.kind}, not SQL text.", hint=found.hint)

    def _compare_size(self) -> None:
        if self.size_bytes is not None and self._raw.count < self.size_bytes:
            raise self._stopped("has become shorter while it was read")
        self.size_bytes = self._raw.count

    def _stopped(self, how: str, hint: str = "") -> ScriptError:
        of_all = "" if self.size_bytes is None else f" of {self.size_bytes:,}"
        return ScriptError(
            f"{self.name} {how}, near byte {self.position_bytes:,}{of_all}.",
            hint=hint or "get the file again; what came before this place has been loaded.",
        )


def open_file(path: str | os.PathLike[str], *, wanted_at: str = "") -> tuple[IO[bytes], int | None]:
    """Open a file of this machine.

    Parameters
    ----------
    path, wanted_at
        As for `Source.from_file`.

    Returns
    -------
    tuple of binary file and (int or None)
        The file without a buffer, and its size; None for a pipe.

    Raises
    ------
    ScriptError
        There is no such file, or it cannot be read.
    """
    asked = f"{wanted_at}: " if wanted_at else ""
    expanded = Path(path)
    try:
        expanded = expanded.expanduser()
        file = expanded.open("rb", buffering=0)
        status = os.fstat(file.fileno())
    except FileNotFoundError:
        where = "" if expanded.is_absolute() else f" in {Path.cwd()}"
        message = f"{asked}there is no file {spelt(path)}{where}."
        raise ScriptError(message, hint=near_misses(expanded)) from None
    except OSError as error:
        raise ScriptError(f"{asked}{path} cannot be read: {error.strerror}.") from None
    except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
        raise ScriptError(f"{asked}{str(path)!r} is no path: {error}.") from None
    return file, status.st_size if stat.S_ISREG(status.st_mode) else None
