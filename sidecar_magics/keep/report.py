"""The status of keeping, with the snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..outputs import CellOutput
from ..units import count, duration, size
from .manifest import moment

if TYPE_CHECKING:
    from .folder import Holder
    from .keeping import Restored
    from .manifest import Manifest


@dataclass
class KeepStatus(CellOutput):
    """The snapshots, their folder, their keeper, and how often it looks.

    Parameters
    ----------
    folder : str
        Where snapshots are.
    snapshots : list of Manifest
        All snapshots, the newest first.
    is_on : bool
        Whether this one keeps, or would if no other one did.
    keeper : Holder or None
        The process that keeps, if that is another one.
    every_s : float
        Seconds between two looks.
    restored : Restored or None
        The restore just done.
    made : Manifest or None
        The snapshot just made.
    was_asked : bool
        Whether a snapshot was asked for just now.
    problem : str
        Why the last attempt to keep failed; empty if it did not.
    lists : bool
        Whether to show all snapshots.
    """

    folder: str
    snapshots: list[Manifest] = field(default_factory=list)
    is_on: bool = False
    keeper: Holder | None = None
    every_s: float = 300.0
    restored: Restored | None = None
    made: Manifest | None = None
    was_asked: bool = False
    problem: str = ""
    lists: bool = False

    def lines(self) -> list[str]:
        """Return it in words, a line for each thing."""
        lines = []
        if self.restored is not None:
            lines += _restored_lines(self.restored)
        if self.was_asked:
            lines.append(f"Kept {described(self.made)}." if self.made else "Nothing has changed.")
        lines.append(self._activity())
        if self.keeper is not None and self.keeper.lost_after:
            lines.append(_lost_line(self.keeper.lost_after))
        if self.snapshots:
            lines += map(printable, self.snapshots[0].left_out)
        if self.problem:
            lines.append(f"The last attempt failed: {printable(self.problem)}")
        if self.lists:
            lines += [f"{each.name}: {described(each)}" for each in self.snapshots]
        elif self.snapshots and self.restored is None and self.made is None:
            lines.append(f"Newest snapshot: {described(self.snapshots[0])}.")
        return lines

    def _activity(self) -> str:
        folder = printable(self.folder)
        number = count(len(self.snapshots), "snapshot")
        if not self.is_on:
            if self.keeper:
                return f"Kept by {self.keeper}; {number} in {folder}."
            return f"Not kept from now on: %mysql_keep starts that; {number} in {folder}."
        if self.keeper is not None:
            return (
                f"Kept by {self.keeper}; this one takes over when that ends; {number} in {folder}."
            )
        return f"Kept every {minutes(self.every_s)}, and at the end; {number} in {folder}."

    def to_dict(self) -> dict[str, Any]:
        """Return the main values as plain ones, for JSON."""
        return {
            "folder": self.folder,
            "is_on": self.is_on,
            "every_s": self.every_s,
            "problem": self.problem,
            "snapshots": [
                {
                    "name": each.name,
                    "made": each.made,
                    "schemas": list(each.schemas),
                    "rows": each.rows,
                    "size_bytes": each.size_bytes,
                    "left_out": list(each.left_out),
                    "is_partial": each.is_partial,
                }
                for each in self.snapshots
            ],
        }

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return "<br>".join(escape(line) for line in self.lines())


def minutes(seconds: float) -> str:
    """Return a number of minutes: ``minute``, ``5 minutes``, ``0.5 minutes``."""
    return "minute" if seconds == 60 else f"{seconds / 60:g} minutes"


def described(snapshot: Manifest) -> str:
    """Return the content of a snapshot in a few words."""
    return (
        f"{count(len(snapshot.tables), 'table')} in {count(len(snapshot.schemas), 'schema')}, "
        f"{count(snapshot.rows, 'row')}, {size(snapshot.size_bytes)}"
        f"{', perhaps not all' if snapshot.is_partial else ''}, of {snapshot.when}"
    )


def _restored_lines(restored: Restored) -> list[str]:
    lines = [f"Restored {described(restored.snapshot)}, in {duration(restored.report.seconds)}."]
    if restored.report.errors:
        lines.append("Not restored, since the server refuses it; its text is in the snapshot:")
        lines += [printable(str(error)) for error in restored.report.errors]
    if restored.earlier is not None:
        lines.append(f"What the server had is kept as {printable(restored.earlier.name)}.")
    if restored.was_killed:
        lines.append(_lost_line(restored.snapshot.made))
    return lines


def _lost_line(made: float) -> str:
    return (
        f"What was done after {moment(made)} may be missing: the process that kept it was killed "
        "before it could keep the end."
    )
