"""What was converted and what was left, cell by cell; without the passwords that stood there."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import printable
from ..settings import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"\s#.*")


@dataclass(frozen=True)
class Changed:
    """A cell that was converted.

    Parameters
    ----------
    number : int
        Which, counted from 1, in the notebook as it was.
    what : str
        What it does now.
    before, after : str
        Its source.
    notes : tuple of str
        What is to be done besides.
    is_shown : bool
        Whether the passwords in it are known as they are written, so that the rest can be shown.
    """

    number: int
    what: str
    before: str
    after: str
    notes: tuple[str, ...] = ()
    is_shown: bool = True


@dataclass(frozen=True)
class Left:
    """A cell that was left as it is, and why."""

    number: int
    why: str


@dataclass(frozen=True)
class Conversion:
    """What became of a notebook.

    Parameters
    ----------
    name : str
        The notebook.
    text : str
        Its file, converted; as it was if nothing is changed.
    first : str or None
        The cell that was put before the first one that is changed.
    cells : tuple of Changed or Left
        In order.
    secrets : frozenset of str
        Passwords that stood there.
    """

    name: str
    text: str
    first: str | None = None
    cells: tuple[Changed | Left, ...] = ()
    secrets: frozenset[str] = frozenset()

    @property
    def changed(self) -> tuple[Changed, ...]:
        """The cells that were converted."""
        return tuple(cell for cell in self.cells if isinstance(cell, Changed))

    @property
    def left(self) -> tuple[Left, ...]:
        """The cells that were left although they are about a server."""
        return tuple(cell for cell in self.cells if isinstance(cell, Left))

    def summary(self) -> str:
        """Return in a few words what was done."""
        if not self.cells:
            return "nothing to convert"
        changed, left = len(self.changed), len(self.left)
        return f"{changed} {'cell' if changed == 1 else 'cells'} converted, {left} left"

    def __str__(self) -> str:
        return "\n".join([f"{printable(self.name)}: {self.summary()}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        is_first = True
        for cell in self.cells:
            if isinstance(cell, Left):
                yield f"  cell {cell.number}, left as it is: {printable(cell.why)}"
                continue
            if is_first and self.first is not None:
                yield f"  a new cell before cell {cell.number}"
                yield from (f"    + {line}" for line in self.first.splitlines())
            is_first = False
            yield f"  cell {cell.number} {printable(cell.what)}"
            yield from (f"    {line}" for line in self._difference(cell))
            yield from (f"    note: {printable(note)}" for note in cell.notes)

    def _difference(self, cell: Changed) -> Iterator[str]:
        """Yield the lines that differ; what stays is not shown, since it may hold a password."""
        if not cell.is_shown:
            yield "(not shown, as a password is in it)"
            return
        # Masked as a whole: a password may go over the end of a line.
        before, after = self._masked(cell.before), self._masked(cell.after)
        for line in difflib.ndiff(before.splitlines(), after.splitlines()):
            if line[0] in "-+":
                yield printable(_COMMENT.sub(" # …", line))

    def _masked(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text
