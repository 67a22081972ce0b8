"""What was converted and what was left, cell by cell; without the passwords that stood there."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar_magics.errors import printable
from sidecar_magics.settings import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"\s#.*")
# What a cell holds of which nothing is needed.
DONE = "# the server is there: the cell before has waited for it"


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
    """A cell that was left as it is, and why; what else is to be done there."""

    number: int
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hint:
    """Something to change by hand, and the cells that have it, counted from 1."""

    cells: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Offer:
    """Lines that a notebook misses, since it connects DataJoint without a word about a server.

    Parameters
    ----------
    cell : int
        The cell that they belong in front of, counted from 1, in the notebook as it was.
    line : int or None
        The line of that cell, counted from 1, where it is not its beginning.
    why : str
        What that cell does.
    source : str
        The lines.
    notes : tuple of str
        What is to be done besides.
    """

    cell: int
    line: int | None
    why: str
    source: str
    notes: tuple[str, ...] = ()


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
    offer : Offer or None
        Lines that are missing, and are not written: whether a notebook is to have them, its author
        knows.
    language : str
        That of its kernel.
    paths : tuple of Hint
        Paths that other machines do not have.
    datajoint_2 : tuple of Hint
        What DataJoint 2 lacks.
    takes_first : bool
        Whether the first cell that is changed begins with `first`: none is put before it.
    """

    name: str
    text: str
    first: str | None = None
    cells: tuple[Changed | Left, ...] = ()
    secrets: frozenset[str] = frozenset()
    offer: Offer | None = None
    language: str = "python"
    paths: tuple[Hint, ...] = ()
    datajoint_2: tuple[Hint, ...] = ()
    takes_first: bool = False

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
        if self.language != "python":
            return f"nothing to convert, as its kernel is for {self.language}"
        if not self.cells:
            hints = ", but lines to change by hand" if self.paths or self.datajoint_2 else ""
            return "nothing to convert" + (", but lines to add" if self.offer else hints)
        changed, left = len(self.changed), len(self.left)
        return f"{changed} {'cell' if changed == 1 else 'cells'} converted, {left} left"

    def __str__(self) -> str:
        return "\n".join(
            [f"{printable(os.path.normpath(self.name))}: {self.summary()}", *self._lines()]
        )

    def _lines(self) -> Iterator[str]:
        is_first = True
        shown: dict[str, int] = {}
        for cell in self.cells:
            if isinstance(cell, Left):
                yield f"  cell {cell.number}, left as it is: {printable(cell.why)}"
                yield from (f"    note: {printable(note)}" for note in cell.notes)
                continue
            if is_first and self.first is not None and not self.takes_first:
                yield f"  a new cell before cell {cell.number}"
                yield from (f"    + {line}" for line in self.first.splitlines())
            is_first = False
            yield f"  cell {cell.number} {printable(cell.what)}"
            yield from (f"    {line}" for line in self._difference(cell))
            for note in cell.notes:
                begin, _, rest = note.partition(". ")
                before = shown.setdefault(note, cell.number)
                again = rest and before != cell.number
                yield f"    note: {printable(f'{begin}: see cell {before}' if again else note)}"
        if self.offer is not None:
            place = f"cell {self.offer.cell}"
            if self.offer.line is not None:
                place = f"line {self.offer.line} of {place}"
            yield f"  add before {place}, which {printable(self.offer.why)}:"
            yield from (f"    + {printable(line)}" for line in self.offer.source.splitlines())
            yield from (f"    note: {printable(note)}" for note in self.offer.notes)
        yield from self._hints("on another machine", self.paths)
        yield from self._hints("with DataJoint 2 (0.14 runs it as it is)", self.datajoint_2)

    def _hints(self, where: str, hints: tuple[Hint, ...]) -> Iterator[str]:
        if hints:
            yield f"  {where}:"
        for hint in hints:
            cells = ", ".join(map(str, hint.cells))
            text = printable(self._masked(hint.text))
            yield f"    cell{'s' if len(hint.cells) > 1 else ''} {cells}: {text}"

    def _difference(self, cell: Changed) -> Iterator[str]:
        """Yield the lines that differ; what stays is not shown, since it may hold a password."""
        if not cell.is_shown:
            yield "(not shown, as a password is in it)"
            return
        # Masked as a whole: a password may go over the end of a line.
        before, after = self._masked(cell.before), self._masked(cell.after)
        gone, new = _apart(before.splitlines(), after.splitlines())
        for line in (*(f"- {line}" for line in gone), *(f"+ {line}" for line in new)):
            yield line if line == f"+ {DONE}" else printable(_COMMENT.sub(" # …", line))

    def _masked(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text


def _apart(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Return which lines are gone, and which are new; lines that stay would stand between them."""
    gone: list[str] = []
    new: list[str] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if kind != "equal":
            gone += before[a:b]
            new += after[c:d]
    return gone, new
