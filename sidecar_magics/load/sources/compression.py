"""Decompress a stream: gzip, bzip2, xz and zstd, as many parts of it as there are."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from .formats import COMPRESSIONS, LONGEST_MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .counting import CountingReader

# Small steps: the output of a step is lost if it also meets the damage, and the place in an error
# is as exact as a step.
INPUT_BYTES = 16 * 1024
OUTPUT_BYTES = 64 * 1024

# zstd's window: as its own program without --long (2**27 bytes); xz: four times the memory of
# `xz -9`. An archive may ask for more than a machine has.
ZSTD_WINDOW_LOG = 27
XZ_MEMORY_BYTES = 256 << 20

# The first bytes of each part, as far as they are always the same.
BEGINNINGS = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\0",
    "zstd": b"\x28\xb5\x2f\xfd",
}

GET_IT_AGAIN = "get the file again; what came before this place has been loaded."


class DamagedError(Exception):
    """A compressed stream cannot be read on.

    Parameters
    ----------
    what : str
        Continues after the file's name: "is cut short".
    hint : str, optional
        What to do about it.
    """

    def __init__(self, what: str, *, hint: str = GET_IT_AGAIN) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Decompressor(Protocol):
    """One compressed stream, as `bz2.BZ2Decompressor` has it."""

    @property
    def eof(self) -> bool:
        """Whether the stream has come to its end."""

    @property
    def unused_data(self) -> bytes:
        """The input of `decompress` after the end."""

    @property
    def needs_input(self) -> bool:
        """Whether more output needs more input."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Take more input, and return at most `max_length` bytes of output."""


class Inflater:
    """zlib's decompressor with the interface of the others.

    Parameters
    ----------
    wbits : int, default 31
        31 for gzip, -15 for a bare stream as in a zip archive.
    """

    def __init__(self, wbits: int = 31) -> None:
        self._inflate = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        """Whether the stream has come to its end, its checksum included."""
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        """The input of `decompress` after the end."""
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        """Whether more output needs more input."""
        # zlib may hold back output also when it has taken all input.
        return not self._full and not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        """Take more input, and return at most `max_length` bytes of output."""
        output = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self._full = len(output) == max_length
        return output


def new_decompressor(compression: str) -> Decompressor:
    """Return a decompressor for one stream.

    Parameters
    ----------
    compression : str
        ``gzip``, ``bzip2``, ``xz`` or ``zstd``.

    Raises
    ------
    DamagedError
        This Python cannot read it.
    """
    if compression == "gzip":
        return Inflater()
    if compression == "bzip2":
        return bz2.BZ2Decompressor()
    if compression == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES)
    return _zstd_decompressor()


def _zstd_decompressor() -> Decompressor:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - takes time to import, few need it
        else:
            from backports import zstd  # noqa: PLC0415
    except ImportError:
        package = "Python with zstd" if sys.version_info >= (3, 14) else "package backports.zstd"
        raise DamagedError(
            f"is a zstd archive, and the {package} is missing", hint="unpack it: `zstd -d`."
        ) from None
    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
    )


def expand(raw: CountingReader, compression: str) -> Iterator[bytes]:
    """Yield a file's content, part after part, as ``zcat`` writes it.

    Parameters
    ----------
    raw : CountingReader
        At the beginning of the first part.
    compression : str
        As in `new_decompressor`.

    Raises
    ------
    DamagedError
        It is cut short or damaged. The content before the damage, but for at most `OUTPUT_BYTES`,
        has been yielded.
    """
    while True:
        decompressor = new_decompressor(compression)
        yield from pump(decompressor, lambda: raw.read(INPUT_BYTES))
        raw.push_back(decompressor.unused_data)
        _pass_over_padding(raw)
        following = raw.peek(LONGEST_MARK)
        if not following:
            return
        if not _goes_on(compression, following):
            raise DamagedError(
                f"has something else after the end of its {compression} data",
                hint="all of that data has been loaded; the file may be two that were joined.",
            )


def pump(decompressor: Decompressor, read: Callable[[], bytes]) -> Iterator[bytes]:
    """Yield the content of one compressed stream, step by step.

    Parameters
    ----------
    decompressor : Decompressor
        A fresh one.
    read : callable
        Returns the next compressed bytes, none at the end.

    Raises
    ------
    DamagedError
        As in `expand`.
    """
    while not decompressor.eof:
        data = b""
        if decompressor.needs_input and not (data := read()):
            raise DamagedError("is cut short")
        try:
            output = decompressor.decompress(data, OUTPUT_BYTES)
        except Exception as error:  # zlib.error, OSError, LZMAError, ZstdError: nothing in common
            raise _explained(error) from None
        if output:
            yield output


def _explained(error: Exception) -> DamagedError:
    if "memory" in str(error).lower():  # LZMAError, ZstdError
        return DamagedError(
            "needs more memory to be unpacked than is given to it",
            hint="unpack it first: `xz -d`, or `zstd -d --long=31`.",
        )
    return DamagedError(f"is damaged ({error})")


def _pass_over_padding(raw: CountingReader) -> None:
    """Skip zeros after the last part: tapes and xz have them."""
    while data := raw.read(INPUT_BYTES):
        if rest := data.lstrip(b"\0"):
            raw.push_back(rest)
            return


def _goes_on(compression: str, following: bytes) -> bool:
    """Return whether another part begins; the file may end within its mark."""
    beginning = BEGINNINGS[compression]
    cut_short = beginning.startswith(following[: len(beginning)])
    return cut_short or COMPRESSIONS[compression].match(following) is not None
