"""The beginning of a statement that does nothing but put values into a table.

Nearly all bytes of a dump are such values; to find only the table's name, we must not look at them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .tokens import unquoted

_NAME = rb"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[\w$\x80-\xff]+)"
_HEAD = re.compile(
    rb"""\s*(?:INSERT|REPLACE)\s+(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s+)*(?:INTO\s+)?
    (?P<first>%s) (?:\s*\.\s* (?P<second>%s))? \s*
    (?: \( [^()'"`;]* (?: (?:`[^`]*`|"[^"]*") [^()'"`;]* )* \) \s* )?
    VALUES? \s* \("""
    % (_NAME, _NAME),
    re.VERBOSE | re.IGNORECASE,
)


class Insertion(NamedTuple):
    """The target of the values.

    Attributes
    ----------
    schema : str or None
        None if not given.
    table : str
        The table.
    schema_at : tuple of int
        Where the schema begins and ends in the statement.
    """

    schema: str | None
    table: str
    schema_at: tuple[int, int]


def read_insertion(sql: bytes) -> Insertion | None:
    """Return the target of an ``INSERT`` or ``REPLACE INTO t [(a, b)] VALUES (``.

    None for any other statement, and where a comment stands in between.

    Guarantees:
    - nothing after VALUES is looked at.
    """
    head = _HEAD.match(sql)
    if head is None:
        return None
    first, second = head["first"], head["second"]
    if second is None:
        return Insertion(None, unquoted(first), (0, 0))
    return Insertion(unquoted(first), unquoted(second), head.span("first"))
