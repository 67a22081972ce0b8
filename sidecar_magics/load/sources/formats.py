"""Recognise files by their first bytes: the name may say anything."""

from __future__ import annotations

import re
from typing import NamedTuple

# A tar archive's mark is at its byte 257.
HEAD_BYTES = 512

# Source: RFC 1952; bzip2's, xz's and zstd's formats; APPNOTE.TXT of zip. A zstd file may begin with
# a skippable frame (pzstd, and its seekable format).
COMPRESSIONS = {
    "gzip": re.compile(rb"\x1f\x8b"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
}
LONGEST_MARK = 10

UNPACK = "unpack it first."


class Foreign(NamedTuple):
    """A kind of file that people mistake for a script.

    Parameters
    ----------
    mark : pattern of bytes
        Its first bytes.
    kind : str
        Its name, with its article.
    hint : str
        The next step.
    """

    mark: re.Pattern[bytes]
    kind: str
    hint: str


def _foreign(mark: bytes, kind: str, hint: str) -> Foreign:
    return Foreign(re.compile(mark, re.DOTALL), kind, hint)


# Source of most marks: the formats' own documents, and file(1).
FOREIGN = (
    _foreign(rb".{257}ustar", "a tar archive", "unpack it first: `tar -xf`, then load the folder."),
    _foreign(rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    _foreign(rb"Rar!\x1a\x07", "a RAR archive", UNPACK),
    _foreign(rb"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    _foreign(rb"\x1f\x9d", "a compress (.Z) archive", UNPACK),
    _foreign(rb"LZIP", "an lzip archive", UNPACK),
    _foreign(rb"SQLite format 3", "an SQLite database", "write it as SQL with `.dump` in sqlite3."),
    _foreign(
        rb"PGDMP",
        "a PostgreSQL dump (pg_dump's custom format)",
        "load it into PostgreSQL with pg_restore: MySQL understands neither it nor its SQL.",
    ),
    _foreign(
        rb"\xfebin",
        "a binary log of MySQL",
        "write it as SQL with mysqlbinlog.",
    ),
    _foreign(
        rb"XBSTCK01",
        "a backup by xtrabackup or mariabackup",
        "restore it as its tool's manual says: it holds a server's data files.",
    ),
    _foreign(
        rb"\x89HDF\r\n\x1a\n",
        "an HDF5 file, as NWB files are",
        "read it with h5py or pynwb: it is data, not a dump of a database.",
    ),
    _foreign(
        rb"PAR1",
        "a Parquet file",
        "read it with pandas.read_parquet, and load it with DataFrame.to_sql.",
    ),
    _foreign(rb"\x93NUMPY", "a NumPy file", "read it with numpy.load: it is data."),
    _foreign(
        rb"MATLAB 5\.0 MAT-file",
        "a MATLAB file",
        "read it with scipy.io.loadmat: it is data, not a dump of a database.",
    ),
    _foreign(
        rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Office document (.xls, .doc)",
        "read a table of it with pandas.read_excel, and load it with DataFrame.to_sql.",
    ),
    _foreign(rb"%PDF-", "a PDF document", "ask for the dump itself, a .sql or .sql.gz file."),
    _foreign(
        rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a",
        "a picture",
        "check the name: a dump is a .sql or .sql.gz file.",
    ),
    _foreign(
        rb"\s*\{\s*\"(?:cells|metadata|nbformat)\"",
        "a notebook",
        "open it in JupyterLab: a notebook is run, not loaded.",
    ),
    _foreign(
        rb"\s*[\[{]\s*[\[\]{}\"]",
        "a JSON file",
        "read it with pandas.read_json, and load it with DataFrame.to_sql.",
    ),
    _foreign(
        rb"version https://git-lfs\.github\.com/",
        "a placeholder of Git LFS",
        "fetch the file itself with `git lfs pull`.",
    ),
    _foreign(
        rb"/annex/objects/",
        "a placeholder of git-annex",
        "fetch the file itself with `git annex get` or `datalad get`.",
    ),
    _foreign(
        rb"\s*(?i:<!doctype html|<html)",
        "a web page",
        "check the address: it may need a login, or lead to a page about the file.",
    ),
)


# A server's own data file begins with a checksum. UTF-32 has three such bytes in a row.
BINARY = _foreign(
    rb".{0,8}\0{4}",
    "a binary file",
    "check the name: a dump is text; a server's data files (.ibd, .frm) are none.",
)

# No LF at all: for every client, a comment then reaches to the end of the file.
OLD_MAC = _foreign(
    rb"(?=[^\n\0]*\Z)(?=(?:[^\r]*\r){2})(?:[^\n]*\r)?[ \t]*(?:--[ \t\r]|#|(?i:DELIMITER)[ \t])",
    "text with an old Mac's ends of lines (CR alone)",
    r"convert it with `tr '\r' '\n' < FILE > NEW.sql`: a comment hides all that follows it.",
)


def compression(head: bytes) -> str | None:
    """Return how a file is compressed; None if it is not, or in an unknown way.

    Parameters
    ----------
    head : bytes
        Its first bytes; `LONGEST_MARK` of them are enough.
    """
    for name, mark in COMPRESSIONS.items():
        if mark.match(head):
            return name
    return None


def foreign(head: bytes) -> Foreign | None:
    """Return the kind of a file that is no script; None if it may be a script.

    Parameters
    ----------
    head : bytes
        Its first bytes, `HEAD_BYTES` of them if it has as many.
    """
    for kind in FOREIGN:
        if kind.mark.match(head):
            return kind
    if compression(head) is not None:
        return None
    return next((kind for kind in (BINARY, OLD_MAC) if kind.mark.match(head)), None)
