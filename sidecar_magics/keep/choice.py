"""Decide what to do with a server and earlier snapshots, without access to either.

Only a server without tables gets the newest snapshot, or one whose data is completely in a
snapshot, as with an operator's image that comes with a tutorial. A half done restore begins anew.
"""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .manifest import Manifest
    from .marker import Marker

# Days before the newest snapshot's, of which the last one stays.
DAYS_KEPT = 7
# These show that a new server comes with data: an operator may have put some into each.
FIRST_KEPT = 3


class FirstStep(enum.Enum):
    """The first step of `%mysql_keep`."""

    RESTORE = "restore the newest snapshot"
    RESTORE_AGAIN = "restore once more what was half restored"
    CONTINUE = "continue with the server's data"
    REFUSE_UNKNOWN = "the server has data that no snapshot is of"
    REFUSE_OTHER = "the newest snapshot is of another server's data"


REFUSALS = (FirstStep.REFUSE_UNKNOWN, FirstStep.REFUSE_OTHER)


class Choice(NamedTuple):
    """A step, and the snapshot that it is about."""

    step: FirstStep
    snapshot: Manifest | None = None


def choose(marker: Marker | None, snapshots: Sequence[Manifest], *, has_data: bool) -> Choice:
    """Decide what to do at the beginning.

    Parameters
    ----------
    marker : Marker or None
        The server's mark of its data.
    snapshots : sequence of Manifest
        All that there are, the newest first.
    has_data : bool
        Whether the server has tables, views or programs of the user.

    Guarantees: data that no snapshot holds is never overwritten; no snapshot of older data follows
    a newer snapshot.
    """
    newest = snapshots[0] if snapshots else None
    if marker is not None and marker.is_restoring:
        begun = next((each for each in snapshots if each.name == marker.snapshot), newest)
        return Choice(FirstStep.RESTORE_AGAIN if begun else FirstStep.CONTINUE, begun)
    if newest is None:
        return Choice(FirstStep.CONTINUE)
    if marker is None:
        return Choice(FirstStep.REFUSE_UNKNOWN if has_data else FirstStep.RESTORE, newest)
    if marker.data_id == newest.data_id or marker.snapshot == newest.name:
        return Choice(FirstStep.CONTINUE, newest)
    return Choice(FirstStep.REFUSE_OTHER if has_data else FirstStep.RESTORE, newest)


def too_old(snapshots: Sequence[Manifest], last: int) -> list[Manifest]:
    """Return the snapshots to remove.

    Parameters
    ----------
    snapshots : sequence of Manifest
        All that there are, the newest first.
    last : int
        How many of them stay in any case; of the seven days before the newest one's, the last one
        of each stays, too, and the last few of what servers had at first.

    Guarantees: the newest one stays, and the newest that is not partial.
    """
    stay = list(snapshots[: max(last, 1)])
    if not stay:
        return []
    days = {_day(snapshots[0])}
    for each in snapshots[1:]:
        day = _day(each)
        if day not in days and len(days) <= DAYS_KEPT:
            days.add(day)
            if each not in stay:
                stay.append(each)
    whole = [each for each in snapshots if not each.is_partial][:1]
    first = [each for each in snapshots if each.is_first][:FIRST_KEPT]
    return [each for each in snapshots if each not in (*stay, *whole, *first)]


def _day(snapshot: Manifest) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(snapshot.made))
