"""Compress a dump, by the ending of its name; its parts are compressed in parallel."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, Protocol

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

# The programs' own defaults, except for xz, whose 6 reads less than 1 MB a second.
GZIP_LEVEL, BZIP2_LEVEL, ZSTD_LEVEL, XZ_LEVEL = 6, 9, 3, 1
_GZIP_WINDOW = 31  # for zlib: with gzip's heading, without a time

_ELSEWHERE = {".zip": ".gz", ".7z": ".xz", ".lz4": ".zst", ".br": ".zst", ".z": ".gz"}


class Compressor(Protocol):
    """One compressed stream, as `zlib.compressobj` has it."""

    def compress(self, data: bytes, /) -> bytes:
        """Take more input, and return the output so far."""

    def flush(self) -> bytes:
        """Return the rest."""


class _Plain:
    """Leaves what it takes as it is."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def compressor(name: str) -> Callable[[], Compressor]:
    """Return a function that makes compressors for a file of this name.

    Streams of one kind, one after the other, are one file of it.

    Parameters
    ----------
    name : str
        The file's: ``.gz``, ``.zst``, ``.xz``, ``.bz2``, or anything else for none.

    Raises
    ------
    SettingsError
        The name's ending means another compression.
    """
    ending = "." + name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _ELSEWHERE:
        raise SettingsError(
            f"{name}: a dump cannot be compressed as {ending}.",
            hint=f"end its name with {_ELSEWHERE[ending]}.",
        )
    makers: dict[str, Callable[[], Compressor]] = {
        ".gz": lambda: zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW),
        ".bz2": lambda: bz2.BZ2Compressor(BZIP2_LEVEL),
        ".xz": lambda: lzma.LZMACompressor(preset=XZ_LEVEL),
        ".zst": _zstd(name) if ending == ".zst" else _Plain,
    }
    return makers.get(ending, _Plain)


def _zstd(name: str) -> Callable[[], Compressor]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - takes time to import, few need it
        else:
            from backports import zstd  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            f"{name}: zstd is not there.",
            hint="install backports.zstd, or end the name with .gz.",
        ) from None
    return lambda: zstd.ZstdCompressor(ZSTD_LEVEL)
