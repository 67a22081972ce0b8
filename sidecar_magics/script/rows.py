"""Statements that do nothing but put given values into a table.

Such a statement means the same on any connection in the right session, whatever else is going on
beside it. One that computes its values, selects them or counts them up does not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .patterns import past

_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_HEAD = re.compile(
    rb"""\s*(?P<verb>INSERT|REPLACE)\s+(?:(?P<ignore>IGNORE)\s+)?INTO\s+
    %s(?:\s*\.\s*%s)?\s*
    (?:\((?P<columns>[^()'"@]*)\)\s*)?
    VALUES\s*(?=\()"""
    % (_NAME, _NAME),
    re.VERBOSE | re.IGNORECASE,
)

# The first thing that looks like what a dump's maker writes between two rows.
_BETWEEN_ROWS = re.compile(rb"\)\s{0,8},\s{0,8}\(")
# MariaDB's sequences are the one thing that counts without a parenthesis.
_COUNTS = (b"VALUE FOR", b"value for", b"Value for", b"Value For")

# Up to the next byte that may mean more than a value. Bounded, as in `patterns`.
_QUIET = rb"[^'\"`(@,/\#\-]*"
_SHORT_TEXT = rb"'[^'\\]*(?:\\.[^'\\]*){0,50}'"
_VALUES = re.compile(
    rb"%s(?:(?:,(?:\s*\()?|-(?!-)|%s)%s){0,1000}" % (_QUIET, _SHORT_TEXT, _QUIET), re.DOTALL
)
_TEXT_BODY = re.compile(rb"[^'\\]*(?:\\.[^'\\]*){0,1000}", re.DOTALL)
_VERBATIM_VALUES = re.compile(
    rb"%s(?:(?:,(?:\s*\()?|-(?!-)|'[^']*')%s){0,1000}" % (_QUIET, _QUIET), re.DOTALL
)

_NO_PLAIN_NUMBER = re.compile(rb"\((?![1-9])")


class Rows(NamedTuple):
    """How a statement puts its values into a table.

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


def literal_rows(sql: bytes, *, no_backslash_escapes: bool = False) -> Rows | None:
    """Return how a statement puts literal values into a table, or None if it does more than that.

    Guarantees:
    - None for a statement with a function, a subquery, a variable, ON DUPLICATE KEY UPDATE or
      RETURNING in it, wherever;
    - a statement as mysqldump writes it, of whatever size, costs about 1 ns a byte; one whose texts
      hold parentheses some 10 ns.
    """
    head = _HEAD.match(sql)
    if not head or not sql.endswith(b")"):
        return None
    begins = head.end()
    if not _only_rows(sql, begins, no_backslash_escapes):
        return None
    any_order = head["verb"].upper() == b"INSERT" and not head["ignore"]
    return Rows(any_order, begins, head["columns"])


def first_values_are_numbers(sql: bytes, rows: Rows) -> bool:
    """Tell whether each row begins with a number above zero, so that nothing counts it up."""
    return not _NO_PLAIN_NUMBER.search(sql, rows.begins)


def _only_rows(sql: bytes, begins: int, no_backslash_escapes: bool) -> bool:
    """Tell whether every parenthesis opens a row, and no variable is named.

    Where there are no other parentheses, nothing can be called or selected. First those inside of
    texts are counted, too: most statements pass, and counting is quick.
    """
    if sql.find(b"@", begins) < 0 and not any(sql.find(word, begins) >= 0 for word in _COUNTS):
        opened = sql.count(b"(", begins)
        mark = _BETWEEN_ROWS.search(sql, begins)
        if opened == 1 or (mark and opened == sql.count(mark[0], begins) + 1):
            return True
    at = begins + 1
    values = _VERBATIM_VALUES if no_backslash_escapes else _VALUES
    while True:
        at = past(values, sql, at)
        if at == len(sql):
            return not any(sql.find(word, begins) >= 0 for word in _COUNTS)
        if sql[at : at + 1] != b"'" or no_backslash_escapes:
            return False
        at = past(_TEXT_BODY, sql, at + 1)
        if sql[at : at + 1] != b"'":
            return False
        at += 1
