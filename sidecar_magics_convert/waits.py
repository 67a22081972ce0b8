"""Waits that come twice in a row, and pauses after them: one ``%mysql_wait`` is enough."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from .ipython import commands
from .report import DONE, Changed

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT = "%mysql_wait"
_ANY_WAIT = re.compile(r"(?:\w+[ \t]*=[ \t]*)?%mysql_wait\b.*")
# Lines between a wait and a pause that make no difference.
_IDLE = re.compile(r"[ \t]*(?:#.*)?|(?:import|from)[ \t][\w., \t]*")
_PAUSE = re.compile(
    r"(?:(?:time\.)?sleep\([\d. ]+\)|!+[ \t]*sleep[ \t]+[\d.]+[smh]?)[; \t]*(?:#.*)?"
)
_PAUSING_CELL = re.compile(r"\s*%%(?:bash|sh)[ \t]*\n\s*sleep[ \t]+[\d.]+[smh]?\s*")


def settled(
    sources: Mapping[int, str], changed: Mapping[int, Changed], first: str | None
) -> tuple[dict[int, Changed], bool]:
    """Return the changed cells without needless waits, and whether the first has the extension.

    Parameters
    ----------
    sources : mapping of int to str
        The code cells as they were, by their number.
    changed : mapping of int to Changed
        What was converted.
    first : str or None
        The cell that would be put before these; one that begins with a wait takes it in.
    """
    found = dict(changed)
    takes_first = False
    reader = _Reader()
    for at, source in sources.items():
        cell = changed.get(at)
        text = source if cell is None else cell.after
        if first is not None and at == min(changed, default=None):
            takes_first = _begins_with_wait(text)
            text = re.sub(rf"^{WAIT}$", first, text, count=1, flags=re.M) if takes_first else text
            if not takes_first:
                reader.has_waited = True
        after = reader.read(text, is_changed=cell is not None)
        if cell is not None:
            found[at] = replace(cell, after=after, what=_what(cell.what, after))
        elif after != source:
            found[at] = Changed(at + 1, "pauses no longer", source, after)
    return found, takes_first


def _begins_with_wait(text: str) -> bool:
    lines = (line for line in text.split("\n") if not _IDLE.fullmatch(line))
    return next(lines, None) == WAIT


def _what(what: str, after: str) -> str:
    """Return what a cell does, without the wait if it lost it."""
    if WAIT in after:
        return what
    rest = [each for each in what.split(", and ") if WAIT not in each]
    return ", and ".join(rest) or f"needs nothing, since {WAIT} has waited"


class _Reader:
    """Goes through the cells, and knows whether the last thing that they did was to wait.

    Attributes
    ----------
    has_waited : bool
        Whether it was.
    """

    def __init__(self) -> None:
        self.has_waited = False
        self._is_ours = False  # a pause after a wait that an author wrote may have its reason

    def read(self, text: str, *, is_changed: bool) -> str:
        """Return a cell without what is needless in it."""
        if self.has_waited and self._is_ours and _PAUSING_CELL.fullmatch(text):
            return DONE
        lines = text.split("\n")
        ours = {where.start for where in commands(text)} if WAIT in text else set()
        kept = [
            line
            for number, line in enumerate(lines)
            if not self._is_needless(line, is_wait=number in ours, is_changed=is_changed)
        ]
        if len(kept) == len(lines):
            return text
        return "\n".join(kept) if "".join(kept).strip() else DONE

    def _is_needless(self, line: str, *, is_wait: bool, is_changed: bool) -> bool:
        if is_wait and _ANY_WAIT.fullmatch(line):
            if self.has_waited and is_changed and line == WAIT:
                self._is_ours = True
                return True
            self.has_waited, self._is_ours = True, is_changed
        elif self.has_waited and self._is_ours and _PAUSE.fullmatch(line):
            return True
        elif not _IDLE.fullmatch(line):
            self.has_waited = False
        return False
