"""A table's columns, as far as they decide how values may be spelled.

SHOW CREATE TABLE is the server's own text: one column a line, in one spelling. If we do not
understand a line, the whole table is unknown, and its rows are left to INSERT.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Form(Enum):
    """Unquoted values that a column takes, and that LOAD DATA reads as INSERT does."""

    TEXT = "nothing"
    WHOLE = "whole numbers"
    EXACT = "decimal numbers"
    REAL = "numbers with an exponent, too"
    YEAR = "years of four digits"
    BYTES = "nothing, and has no character set"


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    name : bytes
        Without quotes.
    form : Form
        Its unquoted values.
    nullable : bool
        It takes NULL.
    counts_up : bool
        AUTO_INCREMENT.
    safe_digits : int
        Any number of so many digits is within its range; 0 if that is not known.
    keeps_utf8 : bool
        Bytes that are UTF-8 become the same text in it as a text in UTF-8 does. (MySQL's JSON is
        UTF-8, but takes no bytes.)
    """

    name: bytes
    form: Form
    nullable: bool
    counts_up: bool = False
    safe_digits: int = 0
    keeps_utf8: bool = False


class Layout(NamedTuple):
    """A table's columns that may be given values.

    Attributes
    ----------
    columns : tuple of Column
        In the table's order, without those that the server computes.
    must_list : bool
        A statement has to list them, as others are computed.
    """

    columns: tuple[Column, ...]
    must_list: bool


_COLUMN = re.compile(rb"  `((?:[^`]|``)+)` ([a-z]+)(.*?),?\Z", re.DOTALL)
_TEXT = re.compile(rb"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", re.DOTALL)
_OTHER_LINE = re.compile(
    rb"  (?:PRIMARY KEY|UNIQUE KEY|FULLTEXT KEY|SPATIAL KEY|KEY|CONSTRAINT)[ `]"
)
_LAST_LINE = re.compile(rb"\) ENGINE=InnoDB\b")
_COMPUTED = re.compile(rb"\b(?:GENERATED|AS)\b")
_UNKNOWN = re.compile(
    rb"\b(?:SYSTEM|VERSIONING|COMPRESSED|PERIOD|SRID|REF_SYSTEM_ID|INVISIBLE)\b", re.IGNORECASE
)
_FORMS = {
    **dict.fromkeys((b"tinyint", b"smallint", b"mediumint", b"int", b"bigint"), Form.WHOLE),
    b"decimal": Form.EXACT,
    **dict.fromkeys((b"float", b"double"), Form.REAL),
    **dict.fromkeys((b"char", b"varchar", b"enum", b"set", b"json"), Form.TEXT),
    **dict.fromkeys((b"tinytext", b"text", b"mediumtext", b"longtext"), Form.TEXT),
    **dict.fromkeys((b"binary", b"varbinary"), Form.BYTES),
    **dict.fromkeys((b"tinyblob", b"blob", b"mediumblob", b"longblob"), Form.BYTES),
    **dict.fromkeys((b"date", b"datetime", b"timestamp", b"time"), Form.TEXT),
    b"year": Form.YEAR,
}
_HAVE_CHARSET = {kind for kind, form in _FORMS.items() if form is Form.TEXT} - {
    b"date",
    b"datetime",
    b"timestamp",
    b"time",
}
_CHARSET = re.compile(
    rb"\b(?:CHARACTER SET|CHARSET)[ =](\w+)|\bCOLLATE[ =]([^\W_]+)", re.IGNORECASE
)
_UTF8 = (b"utf8mb4", b"utf8mb3", b"utf8")
_SAFE_DIGITS = {b"tinyint": 2, b"smallint": 4, b"mediumint": 6, b"int": 9, b"bigint": 18}


def read_layout(create: bytes) -> Layout | None:
    """Read a table's columns from the server's own SHOW CREATE TABLE.

    Parameters
    ----------
    create : bytes
        Its text, with names in backticks, from a session in which backslashes escape.

    Returns
    -------
    Layout or None
        None where a column is of another type than those that were tried with every spelling, and
        for a table that keeps its history, or is not InnoDB's.
    """
    head, *lines = create.split(b"\n")
    at = next((at for at, line in enumerate(lines) if line.startswith(b")")), 0)
    options = _TEXT.sub(b"''", b"\n".join(lines[at:]))
    if not _LAST_LINE.match(options) or not head.startswith(b"CREATE TABLE `"):
        return None
    found = [_COLUMN.match(line) for line in lines[:at] if not _OTHER_LINE.match(line)]
    words = [_TEXT.sub(b"''", column[3]).upper() for column in found if column]
    if len(words) < len(found) or any(_UNKNOWN.search(text) for text in (options, *words)):
        return None
    default = _charset(options)
    columns = [
        _column(column[1], column[2], text, default)
        for column, text in zip(found, words)
        if column and not _COMPUTED.search(text)
    ]
    known = tuple(column for column in columns if column is not None)
    if len(known) < len(columns) or not known:
        return None
    return Layout(known, must_list=len(known) < len(found))


def _column(name: bytes, kind: bytes, words: bytes, default: bytes) -> Column | None:
    form = _FORMS.get(kind)
    if form is None:
        return None
    counts_up = b"AUTO_INCREMENT" in words
    if counts_up and kind not in _SAFE_DIGITS:
        return None
    return Column(
        name.replace(b"``", b"`"),
        form,
        nullable=b"NOT NULL" not in words,
        counts_up=counts_up,
        safe_digits=_SAFE_DIGITS.get(kind, 0),
        keeps_utf8=kind != b"json"
        and (kind not in _HAVE_CHARSET or (_charset(words) or default) in _UTF8),
    )


def _charset(words: bytes) -> bytes:
    """Return the character set that a column's words, or a table's options, name; b"" for none."""
    found = _CHARSET.search(words)
    return (found[1] or found[2]).lower() if found else b""
