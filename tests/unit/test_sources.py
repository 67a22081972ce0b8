"""One script: how it may be compressed, what is wrong with it, where it is."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.sources import compression
from sidecar_magics.load.sources.dump_marks import DumpMarks, Maker, maker
from sidecar_magics.load.sources.source import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Packer = Callable[[bytes], bytes]

# Lines that compress to about a third, so that an archive has many blocks.
_random = random.Random(7)
LINES = [b"INSERT INTO t VALUES (%d, %d);\n" % (n, _random.getrandbits(80)) for n in range(36_000)]
SCRIPT = b"".join(LINES)


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("notes/", "")
        file.writestr("__MACOSX/._dump.sql", "attributes")
        file.writestr("notes/README", "two words")
        file.writestr("dump.sql", data)
    return archive.getvalue()


STREAMS: dict[str, Packer] = {
    "gzip": lru_cache(gzip.compress),
    "bzip2": lru_cache(bz2.compress),
    "xz": lru_cache(partial(lzma.compress, preset=0)),
    "zstd": lru_cache(zstd.compress),
}
PACKERS: dict[str, Packer] = {"plain": bytes, **STREAMS, "zip": lru_cache(zipped)}


def in_parts(pack: Packer) -> Packer:
    def packed(data: bytes) -> bytes:
        third = len(data) // 3
        parts = data[:third], b"", data[third : 2 * third], data[2 * third :]
        return b"".join(map(pack, parts))

    return packed


def write(folder: Path, data: bytes, name: str = "dump.sql") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read(path: Path) -> tuple[bytes, Source]:
    source = Source.from_file(path)
    script = b"".join(source.chunks())
    source.close()
    return script, source


def read_to_the_error(path: Path) -> tuple[bytes, ScriptError, Source]:
    source, script = Source.from_file(path), b""
    try:
        for chunk in source.chunks():
            script += chunk
    except ScriptError as error:
        return script, error, source
    finally:
        source.close()
    pytest.fail("no error")


@pytest.mark.parametrize("kind", PACKERS)
def test_a_script_of_any_kind(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](SCRIPT)
    script, source = read(write(tmp_path, packed, "any.name"))
    assert script == SCRIPT
    assert source.sha256 == hashlib.sha256(packed).hexdigest()
    assert source.position_bytes == source.size_bytes == len(packed)
    assert source.is_read_to_end


@pytest.mark.parametrize("kind", PACKERS)
def test_an_empty_script(tmp_path: Path, kind: str) -> None:
    script, source = read(write(tmp_path, PACKERS[kind](b"")))
    assert script == b""
    assert source.position_bytes == source.size_bytes


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("padding", [b"", b"\0" * 512, b"\0" * 40_000])
def test_several_parts(tmp_path: Path, kind: str, padding: bytes) -> None:
    script, source = read(write(tmp_path, in_parts(STREAMS[kind])(SCRIPT) + padding))
    assert script == SCRIPT
    assert source.position_bytes == source.size_bytes


def test_zeros_between_two_parts(tmp_path: Path) -> None:
    packed = gzip.compress(b"SELECT 1;") + b"\0" * 20_000 + gzip.compress(b"SELECT 2;")
    assert read(write(tmp_path, packed))[0] == b"SELECT 1;SELECT 2;"


def test_many_small_parts(tmp_path: Path) -> None:
    packed = b"".join(gzip.compress(line, 1) for line in LINES[:3000])  # bgzip writes such
    assert read(write(tmp_path, packed))[0] == b"".join(LINES[:3000])


def test_zstd_with_a_skippable_frame(tmp_path: Path) -> None:
    skippable = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
    packed = skippable + zstd.compress(SCRIPT) + skippable
    assert read(write(tmp_path, packed))[0] == SCRIPT


def test_zstd_with_a_large_window(tmp_path: Path) -> None:
    def packed(window_log: int) -> bytes:
        options: dict[int, int] = {zstd.CompressionParameter.window_log: window_log}
        compressor = zstd.ZstdCompressor(options=options)  # whose size the frame doesn't tell
        return compressor.compress(SCRIPT) + compressor.flush()

    assert read(write(tmp_path, packed(27)))[0] == SCRIPT
    script, error, _ = read_to_the_error(write(tmp_path, packed(28)))
    assert script == b""
    assert "needs more memory" in error.message
    assert "--long=31" in error.hint


@pytest.mark.parametrize("kind", PACKERS)
def test_the_position_only_grows(tmp_path: Path, kind: str) -> None:
    source = Source.from_file(write(tmp_path, PACKERS[kind](SCRIPT)))
    places = [source.position_bytes for _ in source.chunks()]
    assert places == sorted(places)
    assert len(set(places)) > 2, "it stands still"
    assert places[0] <= 256 * 1024
    source.close()


# Damage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("part", [0.001, 0.01, 0.3, 0.5, 0.77, 0.999])
def test_cut_short(tmp_path: Path, kind: str, part: float) -> None:
    packed = STREAMS[kind](SCRIPT)
    cut = packed[: max(12, int(len(packed) * part))]
    script, error, source = read_to_the_error(write(tmp_path, cut))
    assert "dump.sql is cut short, near byte" in error.message
    assert f"of {len(cut):,}." in error.message
    assert source.position_bytes == len(cut)
    assert SCRIPT.startswith(script)
    assert script == longest_prefix(kind, cut), "what could be read was withheld"


def longest_prefix(kind: str, cut: bytes) -> bytes:
    """Return what Python's own decompressor makes of it."""
    own: dict[str, Callable[[], Any]] = {
        "gzip": partial(zlib.decompressobj, 31),
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
        "zstd": zstd.ZstdDecompressor,
    }
    return bytes(own[kind]().decompress(cut))


@pytest.mark.parametrize("kind", STREAMS)
def test_cut_short_within_the_last_bytes(tmp_path: Path, kind: str) -> None:
    packed = STREAMS[kind](b"SELECT 1;")
    whole = packed + packed
    for length in range(len(packed) + 1, len(whole)):
        script, error, _ = read_to_the_error(write(tmp_path, whole[:length]))
        assert "is cut short" in error.message
        assert script.startswith(b"SELECT 1;")
        assert b"SELECT 1;SELECT 1;".startswith(script)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*STREAMS, "zip"])
@pytest.mark.parametrize("part", [0.1, 0.35, 0.5, 0.8, 0.95])
def test_a_flipped_bit(tmp_path: Path, kind: str, part: float) -> None:
    packed = bytearray(
        zstd.compress(SCRIPT, options={zstd.CompressionParameter.checksum_flag: 1})
        if kind == "zstd"
        else PACKERS[kind](SCRIPT)
    )
    place = int(len(packed) * part)
    packed[place] ^= 0x10
    script, error, source = read_to_the_error(write(tmp_path, bytes(packed)))
    assert "is damaged (" in error.message or "is cut short" in error.message
    assert error.hint.startswith("get the file again; everything before this place")
    assert source.position_bytes >= place - compression.INPUT_BYTES
    same = next(n for n in range(len(SCRIPT)) if script[n : n + 1] != SCRIPT[n : n + 1])
    # Nearly all in front of the damage is there: a step's output, and of bzip2 a block, may not be.
    assert same >= int(len(SCRIPT) * part) - 900_000 - compression.OUTPUT_BYTES
    if kind in ("gzip", "zip"):
        assert same >= int(len(SCRIPT) * part) - 3 * compression.OUTPUT_BYTES


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("garbage", [b"garbage behind it", b"\0\0\0garbage", b"-"])
def test_something_else_behind_the_end(tmp_path: Path, kind: str, garbage: bytes) -> None:
    packed = STREAMS[kind](SCRIPT)
    script, error, _ = read_to_the_error(write(tmp_path, packed + garbage))
    assert script == SCRIPT
    place = len(packed) + len(garbage) - len(garbage.lstrip(b"\0"))
    assert f"has something else after the end of its {kind} data, near byte {place:,} of" in str(
        error
    )


def test_a_file_that_shrinks(tmp_path: Path) -> None:
    path = write(tmp_path, SCRIPT)
    source = Source.from_file(path)
    next(source.chunks())
    os.truncate(path, 300_000)
    with pytest.raises(ScriptError, match=r"has become shorter while it was read, near byte 300"):
        for _ in source.chunks():
            pass
    source.close()


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = write(tmp_path, b"SELECT 1;")
    source = Source.from_file(path)
    with path.open("ab") as file:
        file.write(b"SELECT 2;")
    assert b"".join(source.chunks()) == b"SELECT 1;SELECT 2;"
    assert source.position_bytes == source.size_bytes == 18
    source.close()


# zip --------------------------------------------------------------------------------------------


def several(*names: str, data: bytes = b"SELECT 1;") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, data + name.encode())
    return archive.getvalue()


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (several("a.sql", "b.SQL", "c.txt"), "with 2 scripts, and none of them is named"),
        (several("a.txt", "b.csv"), "without a script (.sql)"),
        (several("data/", "__MACOSX/a.sql"), "without a script (.sql)"),
        (several(), "without a script (.sql)"),
        (zipped(SCRIPT)[:-30], "the list of its members is missing"),
    ],
)
def test_a_zip_without_one_script(tmp_path: Path, archive: bytes, message: str) -> None:
    script, error, _ = read_to_the_error(write(tmp_path, archive))
    assert script == b""
    assert message in error.message
    if "2 scripts" in message:
        assert error.hint == "it has a.sql, b.SQL. Write archive.zip:member.sql."


def test_the_only_file_of_a_zip_need_not_be_called_sql(tmp_path: Path) -> None:
    assert read(write(tmp_path, several("backup")))[0] == b"SELECT 1;backup"


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, 93, 95]
)
def test_methods_of_zip(tmp_path: Path, method: int) -> None:
    packers: dict[int, Packer] = {93: zstd.compress, 95: lzma.compress}
    pack = packers.get(method)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method if pack is None else 0) as file:
        file.writestr("dump.sql", SCRIPT if pack is None else pack(SCRIPT))
    packed = bytearray(archive.getvalue())
    if pack is not None:  # as programs that know the method write it
        crc = zlib.crc32(SCRIPT).to_bytes(4, "little")
        for place, crc_at in ((0, 14), (packed.rindex(b"PK\1\2"), 16)):
            method_at = place + crc_at - 6
            packed[method_at : method_at + 2] = method.to_bytes(2, "little")
            packed[place + crc_at : place + crc_at + 4] = crc
    assert read(write(tmp_path, bytes(packed)))[0] == SCRIPT


def test_a_zip64_with_a_data_descriptor(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):  # zipfile can't go back to write the sizes
        def __init__(self) -> None:
            self.written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("dump.sql", "w", force_zip64=True) as member,
    ):
        member.write(SCRIPT)
    assert read(write(tmp_path, pipe.written))[0] == SCRIPT


@pytest.mark.parametrize("over", range(0, 264, 8))
def test_a_stream_whose_last_step_is_full(tmp_path: Path, over: int) -> None:
    # zlib has taken all input and still holds back a part of the output.
    script = b" " * (2 * compression.OUTPUT_BYTES + over)
    assert read(write(tmp_path, zipped(script)))[0] == script


def test_a_zip_behind_something_else(tmp_path: Path) -> None:
    packed = b"PK\x03\x04 not a header" + b"#" * 300_000 + zipped(SCRIPT)
    assert read(write(tmp_path, packed))[0] == SCRIPT


@pytest.mark.parametrize(("flag", "method", "message"), [(1, 8, "encrypted"), (0, 9, "Deflate64")])
def test_a_zip_that_is_not_read(tmp_path: Path, flag: int, method: int, message: str) -> None:
    packed = bytearray(several("dump.sql"))
    entry = packed.rindex(b"PK\1\2")
    packed[entry + 8] |= flag
    packed[entry + 10] = method
    _, error, _ = read_to_the_error(write(tmp_path, bytes(packed)))
    assert message in error.message


# What is no script ------------------------------------------------------------------------------


def tar() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.addfile(tarfile.TarInfo("dump.sql"))
    return archive.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tar(), "a tar archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"PGDMP\1\16\0", "a PostgreSQL dump"),
        (b"PAR1", "a Parquet file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "an HDF5 file, as NWB files are"),
        (b"\xfebin", "a binary log of MySQL"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
        (b"\x93NUMPY\1\0", "a NumPy file"),
        (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        (b'{\n "cells": [', "a notebook"),
        (b'[{"a": 1}]', "a JSON file"),
        (b'{"a": 1}', "a JSON file"),
        (b"\x5a\x12\x09\x77" + bytes(600), "a binary file"),
        (bytes(600), "a binary file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a placeholder of Git LFS"),
        (b"-- MySQL dump\r--\rCREATE TABLE t (i INT);\r", "text with an old Mac's ends of lines"),
        (
            b"SELECT 1;\rDELIMITER //\rSELECT 2//\r" + b" " * 900,
            "text with an old Mac's ends of lines",
        ),
        (b"/annex/objects/MD5E-s7--0.sql\n", "a placeholder of git-annex"),
    ],
)
@pytest.mark.parametrize("kind", PACKERS)
def test_no_script(tmp_path: Path, data: bytes, message: str, kind: str) -> None:
    script, error, _ = read_to_the_error(write(tmp_path, PACKERS[kind](data)))
    assert script == b""
    verb = "is" if kind == "plain" else "holds"
    assert f"dump.sql {verb} {message}" in error.message
    assert error.hint


def test_a_sheet_is_no_archive_of_scripts(tmp_path: Path) -> None:
    sheet = several("[Content_Types].xml", "xl/workbook.xml")
    script, error, _ = read_to_the_error(write(tmp_path, sheet))
    assert script == b""
    assert "is an Office document" in error.message
    assert "pandas.read_excel" in error.hint


@pytest.mark.parametrize("outer", [*STREAMS, "zip"])
@pytest.mark.parametrize("inner", [*STREAMS, "zip"])
@pytest.mark.slow
def test_compressed_twice(tmp_path: Path, outer: str, inner: str) -> None:
    packed = PACKERS[outer](PACKERS[inner](SCRIPT))
    script, error, _ = read_to_the_error(write(tmp_path, packed))
    assert script == b""
    assert f"is {inner} data, compressed once more with {outer}" in error.message


@pytest.mark.parametrize(
    "text",
    [
        *(b"BZhello", b"PKILL", b"P", b"\x1f", b"(\xb5", b"<", b"PAR", b"{", b"[a]", b"%PD"),
        *(b"\0\0\0S", b"SELECT 1;\rSELECT 2;\r", b"SELECT 1;\r\n-- c\r\n", b"-- c\r"),
        b"SELECT '\r--\r';\n",
    ],
)
def test_what_only_begins_like_something_else(tmp_path: Path, text: bytes) -> None:
    assert read(write(tmp_path, text))[0] == text


# Whole or not -----------------------------------------------------------------------------------

SANDBOX = b"/*M!999999\\- enable the sandbox mode */ \n"
MYSQL = b"-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)\n--\n"
MARIADB = b"-- MariaDB dump 10.19-11.4.2-MariaDB, for debian-linux-gnu (x86_64)\n"
END = b"-- Dump completed on 2026-11-23  2:18:50\n"
BODY = b"INSERT INTO `t` VALUES (1);\n"


@pytest.mark.parametrize(
    ("script", "truncated"),
    [
        (MYSQL + BODY, True),
        (MYSQL + BODY + END, False),
        (MARIADB + BODY + b"-- Dump completed\n", False),
        (SANDBOX + MARIADB + BODY, True),
        (SANDBOX + MARIADB + BODY + END, False),
        (b"\xef\xbb\xbf" + MYSQL + BODY, True),
        (MYSQL.replace(b"\n", b"\r\n") + BODY + b"\r\n" + END.replace(b"\n", b"\r\n"), False),
        (MYSQL + BODY * 1000 + END + BODY * 1000, False),  # somebody has added to it
        (MYSQL + BODY + MYSQL + BODY + END, True),  # two in one file, the first is not whole
        (MYSQL + BODY + END + MYSQL + BODY + END, False),
        (MYSQL + BODY + END[:10], True),
        (MYSQL + b"INSERT INTO t VALUES ('-- Dump completed');\n", True),
        (BODY, False),
        (b"", False),
        (b"-- MySQL dumps are made at night\n" + BODY, False),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_truncated_dumps(script: bytes, truncated: bool, size: int) -> None:
    marks = DumpMarks()
    for place in range(0, len(script), size):
        marks.feed(script[place : place + size])
    assert marks.open is truncated


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("end", [END, b""])
def test_the_rest_of_a_script_that_quits_counts(tmp_path: Path, kind: str, end: bytes) -> None:
    packed = PACKERS[kind](MYSQL + SCRIPT + end)
    source = Source.from_file(write(tmp_path, packed))
    next(source.chunks())
    for _ in source.chunks():
        pass
    assert source.looks_truncated is (not end)
    assert source.sha256 == hashlib.sha256(packed).hexdigest()
    assert source.position_bytes == len(packed)
    source.close()


# Memory -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "gzip", "bzip2", "zstd", "zip"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    peaks = []
    for times in (1, 8):
        # What compresses well: a small piece of the file would be a large piece of the script.
        path = write(tmp_path, PACKERS[kind]((SCRIPT[:1_000_000]) * times))
        tracemalloc.start()
        source = Source.from_file(path)
        size = sum(map(len, source.chunks()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        source.close()
        assert size == 1_000_000 * times
    assert peaks[1] < peaks[0] + 1_500_000


@pytest.mark.parametrize(
    ("heading", "made_by"),
    [
        (b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n", ("mysql", "8.0.36")),
        (
            b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux\n--\n-- Server version\t8.4.1\n",
            ("mysql", "8.4.1"),
        ),
        (
            b"-- MySQL dump 10.13  Distrib 8.0.36\n-- Server version\t5.5.5-10.6.2-MariaDB\n",
            ("mariadb", "5.5.5-10.6.2-MariaDB"),
        ),
        (
            b"-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for x\n",
            ("mariadb", "10.11.6-MariaDB"),
        ),
        (b"-- phpMyAdmin SQL Dump\n-- Server version: 8.0.31\n", ("mysql", "8.0.31")),
        (b"-- sidecar-magics dump 0.3\n--\n-- Server: MySQL 9.7.4\n", ("mysql", "9.7.4")),
        (b"SELECT 1; -- Server version 8.0\n", None),
    ],
)
def test_the_server_that_a_dump_is_of(heading: bytes, made_by: tuple[str, str] | None) -> None:
    assert maker(heading) == made_by


@pytest.mark.parametrize(
    ("made_by", "flavour", "version", "is_foreign"),
    [
        (Maker("mysql", "8.0.36"), "mysql", 80011, False),
        (Maker("mysql", "8.4.0"), "mysql", 80036, True),
        (Maker("mysql", "5.7.1"), "mysql", 80036, False),
        (Maker("mysql", "5.7.1"), "mariadb", 101106, True),
        (Maker("mariadb", "5.5.5-10.6.2-MariaDB"), "mariadb", 100500, True),
        (Maker("mariadb", "5.5.5-10.6.2-MariaDB"), "mariadb", 101106, False),
    ],
)
def test_a_dump_of_another_server(
    made_by: Maker, flavour: str, version: int, is_foreign: bool
) -> None:
    assert made_by.is_foreign_to(flavour, version) is is_foreign
