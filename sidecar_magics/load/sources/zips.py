"""One script out of a zip archive, read in one pass over the file."""

from __future__ import annotations

import bz2
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING

from .compression import DamagedError, Inflater, new_decompressor, pump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from .compression import Decompressor
    from .counting import CountingReader

ENCRYPTED = 0x1 | 0x40
LOCAL_HEADER_BYTES = 30
LOCAL_HEADER_MARK = b"PK\x03\x04"
BLOCK_BYTES = 64 * 1024

# Source: APPNOTE.TXT of zip, 4.4.5. Windows' own program writes Deflate64 for more than 2 GB.
STORED, DEFLATED, BZIP2, ZSTD, XZ = 0, 8, 12, 93, 95
OTHER_METHODS = {9: "Deflate64", 14: "LZMA", 97: "WavPack", 98: "PPMd"}
LISTED_MEMBERS = 8


class MemberError(Exception):
    """There is no one script to read in an archive.

    Parameters
    ----------
    what : str
        Continues after the archive's name: "has no member 'x'".
    hint : str, default ""
        The next step.
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def choose(raw: CountingReader, wanted: str | None) -> zipfile.ZipInfo:
    """Return the member of an archive that is the script.

    Parameters
    ----------
    raw : CountingReader
        The archive; it must be able to seek, because its list of members is at its end.
    wanted : str or None
        The member's name; None if the archive has only one.

    Raises
    ------
    MemberError
        There is none, more than one, or it cannot be read.
    DamagedError
        The list of members is not there.
    OSError
        The file cannot seek.
    """
    with raw.aside() as file:
        members = _members(file)
    scripts = [member for member in members if member.filename.lower().endswith(".sql")]
    if wanted is not None:
        chosen = [member for member in members if member.filename == wanted]
        if not chosen:
            raise MemberError(f"has no member {wanted!r}", hint=_listed(scripts or members))
    else:
        chosen = scripts or (members if len(members) == 1 else [])
    if not chosen and any(member.filename == "[Content_Types].xml" for member in members):
        raise MemberError(
            "is an Office document (.xlsx, .docx), not SQL text",
            hint="read a table of it with pandas.read_excel, and load it with DataFrame.to_sql.",
        )
    if not chosen:
        raise MemberError("is a zip archive without a script (.sql)", hint=_listed(members))
    if len(chosen) > 1:
        what = f"is a zip archive with {len(chosen)} scripts, and none of them is named"
        raise MemberError(what, hint=f"{_listed(chosen)} Write archive.zip:member.sql.")
    _check(chosen[0])
    return chosen[0]


def read_member(raw: CountingReader, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield one member, decompressed; all of the archive up to its end is read on the way.

    Parameters
    ----------
    raw : CountingReader
        The archive, at its beginning.
    member : ZipInfo
        What `choose` returned.

    Raises
    ------
    DamagedError
        It is cut short or damaged.
    """
    raw.skip(member.header_offset)
    header = raw.read_exactly(LOCAL_HEADER_BYTES)
    if not header.startswith(LOCAL_HEADER_MARK) or len(header) < LOCAL_HEADER_BYTES:
        raise DamagedError(f"is damaged (its member {member.filename!r} is not at its place)")
    raw.skip(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"))
    checksum = 0
    for data in _unpacked(member.compress_type, _limited(raw, member.compress_size)):
        checksum = zlib.crc32(data, checksum)
        yield data
    if checksum != member.CRC:
        raise DamagedError("is damaged (incorrect checksum)")
    raw.drain()


def _members(file: IO[bytes]) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise DamagedError(
            "is cut short or damaged: the list of its members is missing",
            hint="get the file again; nothing of it has been loaded.",
        ) from None
    # macOS keeps a file's attributes as a file of its own.
    return [
        entry
        for entry in entries
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]


def _check(member: zipfile.ZipInfo) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise MemberError(
            f"has {member.filename!r} as a link to a file, not as a script",
            hint="pack it again with the file itself: `zip` without --symlinks.",
        )
    if member.flag_bits & ENCRYPTED:
        raise MemberError(
            "is encrypted with a password", hint="unpack it first: `unzip`, or `7z x`."
        )
    method = member.compress_type
    if method not in {STORED, DEFLATED, BZIP2, ZSTD, XZ}:
        name = OTHER_METHODS.get(method, f"method {method}")
        raise MemberError(f"is compressed with {name}, not read here", hint="unpack it first.")


def _listed(members: list[zipfile.ZipInfo]) -> str:
    if not members:
        return "it has no members."
    names = [member.filename for member in members[:LISTED_MEMBERS]]
    more = len(members) - len(names)
    return f"it has {', '.join(names)}{f' and {more} more' if more else ''}."


def _unpacked(method: int, read: Callable[[], bytes]) -> Iterator[bytes]:
    if method == STORED:
        return iter(read, b"")
    decompressor: Decompressor
    if method == DEFLATED:
        decompressor = Inflater(-15)
    elif method == BZIP2:
        decompressor = bz2.BZ2Decompressor()
    else:
        decompressor = new_decompressor("zstd" if method == ZSTD else "xz")
    return pump(decompressor, read)


def _limited(raw: CountingReader, size: int) -> Callable[[], bytes]:
    """Return a function that reads the next `size` bytes, and not more."""
    end = raw.count + size

    def read() -> bytes:
        return raw.read(min(BLOCK_BYTES, end - raw.count))

    return read
