"""IPython's own lines in a cell: where they are, and the cell without them.

A line that begins with ``!`` or ``%`` is IPython's only where a statement of Python could begin:
not within a text of several lines, not within brackets, not behind a backslash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMAND = re.compile(r"(\s*)(?:[!%?]|\w+\s*=\s*[!%](?!=)|[\w.]+\?\??\s*\Z)")
# What opens a text, a bracket or a comment; the rest of a line does not matter.
_OPENS = re.compile(r"\"\"\"|'''|[\"'#(){}\[\]]")


def commands(source: str) -> Iterator[range]:
    """Yield the lines of each command of IPython, counted from 0.

    A backslash at its end takes in the next line.

    Parameters
    ----------
    source : str
        The cell.
    """
    lines = source.split("\n")
    quote, depth, at = "", 0, 0
    while at < len(lines):
        end = at + 1
        is_behind = at > 0 and lines[at - 1].endswith("\\")
        if not quote and depth <= 0 and not is_behind and _COMMAND.match(lines[at]):
            while lines[end - 1].endswith("\\") and end < len(lines):
                end += 1
            yield range(at, end)
        else:
            quote, depth = _state_behind(lines[at], quote, depth)
        at = end


def without_commands(source: str) -> str:
    """Return a cell with IPython's commands as Python that does nothing, line by line."""
    lines = source.split("\n")
    for where in commands(source):
        indent = re.match(r"\s*", lines[where.start])
        lines[where.start] = (indent.group() if indent else "") + "pass"
        for number in where[1:]:
            lines[number] = ""
    return "\n".join(lines)


def _state_behind(line: str, quote: str, depth: int) -> tuple[str, int]:
    """Return which quote is open behind a line, and how many brackets are."""
    at = 0
    while at < len(line):
        if quote:
            closing = re.compile(rf"(?:\\.|(?!{quote})[^\\])*{quote}").match(line, at)
            if closing is None:
                # A text in single quotes ends with its line, unless a backslash is at the end.
                return (quote if len(quote) == 3 or line.endswith("\\") else ""), depth
            quote, at = "", closing.end()
        opening = _OPENS.search(line, at)
        if opening is None or opening.group() == "#":
            break
        at = opening.end()
        if opening.group() in "([{":
            depth += 1
        elif opening.group() in ")]}":
            depth -= 1
        else:
            quote = opening.group()
    return quote if len(quote) == 3 else "", depth
