"""Findings of a check: each has one sentence and a hint; many are grouped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LISTED = 3


@dataclass(frozen=True)
class Finding:
    """A problem that would stop the load, or a fact to know before it.

    Parameters
    ----------
    kind : str
        A stable word for its kind: ``packet``, ``exists``, ``collation`` and so on.
    message : str
        One sentence.
    hint : str, optional
        The next step.
    place : str, optional
        Its first place in the script.
    errno : int, optional
        The server's error number; None for a refusal of the loader.
    items : tuple of str
        All names, where the sentence has only some.
    likely : bool
        It may not come true: the effect of an earlier statement cannot be foreseen.
    """

    kind: str
    message: str
    hint: str = ""
    place: str = ""
    errno: int | None = None
    items: tuple[str, ...] = ()
    likely: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {**vars(self), "items": list(self.items)}

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        number = f" (error {self.errno})" if self.errno else ""
        return printable(f"{where}{self.message.rstrip('.')}{number}.")


def by_place(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings as they come in the script; those without a place stay before the others.

    Scripts come in the order in which the findings name them.
    """
    scripts: dict[str, int] = {}

    def place(finding: Finding) -> tuple[int, int, int]:
        name, *numbers = finding.place.rsplit(":", 2)
        if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
            return -1, 0, 0
        line, column = map(int, numbers)
        return scripts.setdefault(name, len(scripts)), line, column

    return sorted(findings, key=place)


def some(names: Sequence[str], *, listed: int = LISTED) -> str:
    """Return a list in words, cut off where it is long: ``a, b, c and 4 more``."""
    if len(names) <= listed + 1:
        return ", ".join(names)
    return f"{', '.join(names[:listed])} and {len(names) - listed:,} more"


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return names once each, in the order in which they came."""
    return tuple(dict.fromkeys(names))
