"""IPython's own lines in a cell: where they are, and the cell without them.

Which lines those are, IPython says itself, step by step as it does before it runs a cell: a line
that begins with ``!`` or ``%`` within a text or within brackets is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import (
    EscapedCommand,
    HelpEnd,
    MagicAssign,
    SystemAssign,
    find_end_of_continued_line,
    make_tokens_by_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Any = (MagicAssign, SystemAssign, EscapedCommand, HelpEnd)


def commands(source: str) -> list[range]:
    """Return the lines of each command of IPython, counted from 0.

    A backslash at its end takes in the next line.

    Parameters
    ----------
    source : str
        The cell.
    """
    return sorted(_masked(_lines(source)), key=lambda where: where.start)


def without_commands(source: str) -> str:
    """Return a cell with IPython's commands as Python that does nothing, line by line."""
    lines = _lines(source)
    for _ in _masked(lines):
        pass
    return "".join(lines)[:-1]


def _lines(source: str) -> list[str]:
    return [line + "\n" for line in source.split("\n")]


def _masked(lines: list[str]) -> Iterator[range]:
    """Replace one command after the other in the lines, and yield where it was."""
    while True:
        tokens = make_tokens_by_line(lines)
        found = [command for kind in _KINDS if (command := kind.find(tokens)) is not None]
        if not found:
            return
        start = min(found, key=lambda command: command.sortby()).start_line
        end = find_end_of_continued_line(lines, start) + 1
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        lines[start:end] = [f"{indent}pass\n"] + ["\n"] * (end - start - 1)
        yield range(start, end)
