"""Recognise statements that do nothing but put given values into a table.

Such a statement means the same on any connection in the right session, whatever runs in parallel.
A statement that computes, selects or numbers its values does not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .patterns import ESCAPED_BODY, past, possessive

_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_HEAD = re.compile(
    rb"""\s*(?P<verb>INSERT|REPLACE)\s+(?:(?P<ignore>IGNORE)\s+)?INTO\s+
    %s(?:\s*\.\s*%s)?\s*
    (?:\((?P<columns>[^()'"@]*)\)\s*)?
    VALUES\s*(?=\()"""
    % (_NAME, _NAME),
    re.VERBOSE | re.IGNORECASE,
)

# The text between two rows in a dump, or one like it.
_BETWEEN_ROWS = re.compile(rb"\)\s{0,8},\s{0,8}\(")
# MariaDB's sequences (NEXT VALUE FOR s) are the one thing that counts without a parenthesis.
_COUNTS = b"VALUE"

# Up to the next byte that may mean more than a value. Bounded, as in `patterns`.
_QUIET = possessive(rb"[^'\"`()@/\#\-\\Vv]*")
_ROW_ENDS = rb"\)(?:\s*,\s*\(|\Z)"
_NO_SEQUENCE = rb"[Vv](?!(?i:alue)[^,)])"
_RUN = possessive(rb"[^'\\]*")
_SHORT_TEXT = b"'" + _RUN + possessive(rb"(?:\\." + _RUN + b"){0,50}") + b"'"
_VERBATIM_TEXT = b"'" + possessive(rb"[^']*") + b"'"


def _values(text: bytes) -> re.Pattern[bytes]:
    double = text.replace(b"'", b'"')
    parts = b"|".join([_ROW_ENDS, rb"-(?!-)", _NO_SEQUENCE, text, double])
    more = possessive(rb"(?:(?:%s)%s){0,1000}" % (parts, _QUIET))
    return re.compile(_QUIET + more, re.DOTALL)


_VALUES = _values(_SHORT_TEXT)
_VERBATIM_VALUES = _values(_VERBATIM_TEXT)
_TEXT_BODIES = {
    quote: re.compile(ESCAPED_BODY % {b"quote": quote}, re.DOTALL) for quote in (b"'", b'"')
}

# 1-1 begins like a number, and is none above zero.
_FIRST_IS_NUMBER = re.compile(rb"\(\s*[1-9][0-9]*\s*[,)]")
_NEXT_IS_NONE = re.compile(rb"\)\s*,\s*\((?!\s*[1-9][0-9]*\s*[,)])")
_FIRST_IS_ANY_NUMBER = re.compile(rb"\(\s*-?[0-9]+\s*[,)]")
_NEXT_IS_NO_NUMBER = re.compile(rb"\)\s*,\s*\((?!\s*-?[0-9]+\s*[,)])")
_NO_VALUE = re.compile(rb"\b(?:NULL|DEFAULT)\b", re.IGNORECASE)


class Rows(NamedTuple):
    """The facts about a statement that puts given values into a table.

    Attributes
    ----------
    any_order : bool
        A plain INSERT: two of them give the same whichever comes first, if the table takes both.
    begins : int
        Where the first row begins.
    columns : bytes or None
        The list of columns, if there is one.
    """

    any_order: bool
    begins: int
    columns: bytes | None


def literal_rows(
    sql: bytes, *, no_backslash_escapes: bool = False, has_sequences: bool = True
) -> Rows | None:
    """Return the facts about a statement that only puts literal values into a table; else None.

    Parameters
    ----------
    sql : bytes
        The statement.
    no_backslash_escapes : bool, default False
        Whether backslashes escape nothing.
    has_sequences : bool, default True
        Whether the server may be MariaDB, whose NEXT VALUE FOR has no parenthesis.

    Guarantees:
    - None for a statement with a function, a subquery, a variable, ON DUPLICATE KEY UPDATE or
      RETURNING in it, wherever;
    - a statement as mysqldump writes it, of whatever size, costs some 2 ns a byte; one whose texts
      hold parentheses some 10 ns.
    """
    rows = head_of_rows(sql)
    if rows is None or not sql.endswith(b")"):
        return None
    return rows if _only_rows(sql, rows.begins, no_backslash_escapes, has_sequences) else None


def head_of_rows(sql: bytes) -> Rows | None:
    """Return the facts about the beginning of a statement with VALUES, whatever follows."""
    head = _HEAD.match(sql)
    if head is None:
        return None
    any_order = head["verb"].upper() == b"INSERT" and not head["ignore"]
    return Rows(any_order, head.end(), head["columns"])


def first_values_are_numbers(sql: bytes, rows: Rows, *, zero_counts: bool = True) -> bool:
    """Return whether each row begins with a number of its own, so that nothing counts it up.

    A text that looks like the border of two rows may make this a no.

    Parameters
    ----------
    sql : bytes
        The statement.
    rows : Rows
        The result of `literal_rows`.
    zero_counts : bool, default True
        Whether the server numbers a row that has 0: not with NO_AUTO_VALUE_ON_ZERO.
    """
    first = _FIRST_IS_NUMBER if zero_counts else _FIRST_IS_ANY_NUMBER
    other = _NEXT_IS_NONE if zero_counts else _NEXT_IS_NO_NUMBER
    return bool(first.match(sql, rows.begins)) and not other.search(sql, rows.begins)


def mentions_no_value(sql: bytes, rows: Rows) -> bool:
    """Return whether a NULL or DEFAULT may be among the values; in a text it counts, too."""
    return bool(_NO_VALUE.search(sql, rows.begins))


def _only_rows(sql: bytes, begins: int, no_backslash_escapes: bool, has_sequences: bool) -> bool:
    """Return whether every parenthesis opens a row, no variable is named, and the rows are all.

    Where there are no other parentheses, nothing can be called or selected. First those inside of
    texts are counted, too: most statements pass, and counting is quick. As many must be closed as
    are opened: the last byte is that of the last row then, and not of a comment after it.
    """
    counts = has_sequences and sql.upper().find(_COUNTS, begins) >= 0
    if sql.find(b"@", begins) < 0 and not counts:
        opened = sql.count(b"(", begins)
        mark = _BETWEEN_ROWS.search(sql, begins)
        rows = sql.count(mark[0], begins) + 1 if mark else 1
        if opened == rows == sql.count(b")", begins):
            return True
    at = begins + 1
    values = _VERBATIM_VALUES if no_backslash_escapes else _VALUES
    while True:
        at = past(values, sql, at)
        if at == len(sql):
            return sql[at - 1 :] == b")"
        quote = sql[at : at + 1]
        if no_backslash_escapes or quote not in _TEXT_BODIES:
            return False
        at = past(_TEXT_BODIES[quote], sql, at + 1)
        if sql[at : at + 1] != quote:
            return False
        at += 1
