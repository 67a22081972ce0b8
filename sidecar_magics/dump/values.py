"""SQL expressions by which the server spells a column's value as SQL, from columns alone.

Guarantees: the result is a literal of the same value, in utf8mb4, without zero bytes; NULL is the
word. Ends of lines in texts come as they are (`rows` escapes them).

A text in a character set that utf8mb4 does not give back byte by byte (`LOSSLESS` has the others)
is spelled by its bytes where they would differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalogue import StoredColumn

EXACT_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"})
BINARY = frozenset(
    {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector", "geometry"}
)
SPATIAL = frozenset(
    {
        *("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geomcollection", "geometrycollection"),
    }
)
_UNSIZED = frozenset({"geometry", "json", "vector"})
TEMPORAL = frozenset({"date", "datetime", "timestamp", "time"})
# Character sets of which each byte comes back after utf8mb4: tried with all bytes, and pairs of
# them, on MySQL 9.7 and MariaDB 10.11.
LOSSLESS = frozenset(
    {
        *("utf8mb4", "utf8mb3", "utf8", "utf16", "utf16le", "utf32", "gb18030"),
        *("latin1", "latin2", "latin5", "latin7", "cp850", "cp852", "cp866", "keybcs2"),
        *("koi8r", "koi8u", "macce", "macroman"),
    }
)
# Length of a value's literal, at most, by kind; without texts and bytes.
_LONGEST = 100
# A byte of a text may be two in utf8mb4 (latin1), or two hexadecimal digits, each escaped or not.
_WIDENING = 4


class Spelling(NamedTuple):
    """How a value becomes a literal.

    Attributes
    ----------
    before, after : bytes
        The text around it in each row.
    expression : bytes
        The SQL expression for the text in between.
    """

    before: bytes
    expression: bytes
    after: bytes = b""


def spelling(column: StoredColumn) -> Spelling:
    """Return how a column's value becomes a literal."""
    return _SPELLINGS[_family(column)](column, quoted(column.name))


def spelled(column: StoredColumn) -> bytes:
    """Return the SQL expression for a column's value as a literal."""
    before, expression, after = spelling(column)
    return _concatenated(before, expression, after) if before else expression


def row(columns: Sequence[StoredColumn]) -> bytes:
    """Return the SQL expression for a whole row, as one text that ends with a zero byte."""
    fixed, parts = b"(", []
    for number, column in enumerate(columns):
        before, expression, after = spelling(column)
        comma = b"," if number else b""
        parts += [_fixed(fixed + comma + before), expression]
        fixed = after
    return b"CONCAT(%s)" % b",".join([*parts, _fixed(fixed + b")\\0")])


def widest(column: StoredColumn) -> int:
    """Return how many bytes a value's literal can have, at most."""
    return column.size_bytes * _WIDENING + _LONGEST if column.size_bytes else _unsized(column)


def length(column: StoredColumn) -> bytes:
    """Return the SQL expression for as many bytes as a value's literal has, or more."""
    return b"IFNULL(LENGTH(%s), 0) * %d" % (quoted(column.name), _WIDENING)


def is_bytes(column: StoredColumn) -> bool:
    """Return whether a column holds bytes that are no text."""
    return _family(column) == "bytes"


def plain(column: StoredColumn) -> bytes:
    """Return the SQL expression for a value that is to be spelled here: bytes, or utf8mb4."""
    name = quoted(column.name)
    if is_bytes(column) or column.charset in (None, "utf8mb4"):
        return name
    return b"CONVERT(%s USING utf8mb4)" % name


def _unsized(column: StoredColumn) -> int:
    # Of these the server names no size.
    return 2**32 if column.kind in SPATIAL or column.kind in _UNSIZED else _LONGEST


def _family(column: StoredColumn) -> str:
    if column.kind in EXACT_NUMBERS or column.kind in TEMPORAL or column.kind == "bit":
        return column.kind if column.kind == "bit" else _NUMBER_OR_TIME[column.kind]
    if column.kind in ("float", "double"):
        return column.kind
    if column.kind in BINARY or column.kind in SPATIAL:
        return "bytes"
    return "text"


_NUMBER_OR_TIME = {
    **dict.fromkeys(EXACT_NUMBERS, "number"),
    **dict.fromkeys(TEMPORAL, "time"),
}


def _or_null(column: StoredColumn, expression: bytes) -> bytes:
    return b"IFNULL(%s,'NULL')" % expression if column.is_nullable else expression


def _within(column: StoredColumn, before: bytes, expression: bytes, after: bytes) -> Spelling:
    """Return how a value stands between fixed letters, or is the word NULL without them."""
    if not column.is_nullable:
        return Spelling(before, expression, after)
    return Spelling(b"", _or_null(column, _concatenated(before, expression, after)))


def _number(column: StoredColumn, name: bytes) -> Spelling:
    return Spelling(b"", _or_null(column, name))


def _time(column: StoredColumn, name: bytes) -> Spelling:
    return _within(column, b"'", name, b"'")


def _bit(column: StoredColumn, name: bytes) -> Spelling:
    return _within(column, b"b'", b"BIN(%s+0)" % name, b"'")


def _double(column: StoredColumn, name: bytes) -> Spelling:
    # As a number, -0 would lose its sign.
    return Spelling(b"", _or_null(column, b"IF(%s=0,QUOTE(%s),%s)" % (name, name, name)))


def _float(column: StoredColumn, name: bytes) -> Spelling:
    # The server shows six digits of a FLOAT, and all of a DOUBLE.
    return _double(column, b"(%s*1e0)" % name)


def _bytes(column: StoredColumn, name: bytes) -> Spelling:
    return _within(column, b"x'", b"HEX(%s)" % name, b"'")


def _text(column: StoredColumn, name: bytes) -> Spelling:
    charset = column.charset
    if charset in (None, "utf8mb4"):
        text = b"QUOTE(%s)" % name
    else:
        text = b"QUOTE(CONVERT(%s USING utf8mb4))" % name
        if charset not in LOSSLESS:
            text = _if_exact(name, charset.encode(), text)
    if column.kind == "enum" and "''" in column.definition:
        # An error's number is 0, and it looks like the empty word that this column also has.
        text = b"IF(%s=0,'0',%s)" % (name, text)
    return Spelling(b"", text)  # QUOTE makes the word of NULL by itself


def _concatenated(before: bytes, expression: bytes, after: bytes) -> bytes:
    return b"CONCAT(%s,%s,%s)" % (_fixed(before), expression, _fixed(after))


def _fixed(text: bytes) -> bytes:
    return b"'" + text.replace(b"'", b"''") + b"'"


def _if_exact(name: bytes, charset: bytes, text: bytes) -> bytes:
    """Return the expression that spells a text by its bytes where utf8mb4 would change it."""
    back = b"CONVERT(CONVERT(%s USING utf8mb4) USING %s)" % (name, charset)
    exact = b"CAST(%s AS BINARY)<=>CAST(%s AS BINARY)" % (back, name)
    by_bytes = _concatenated(b"_%s x'" % charset, b"HEX(%s)" % name, b"'")
    return b"IF(%s,%s,%s)" % (exact, text, by_bytes)


_SPELLINGS = {
    "number": _number,
    "time": _time,
    "bit": _bit,
    "float": _float,
    "double": _double,
    "bytes": _bytes,
    "text": _text,
}
