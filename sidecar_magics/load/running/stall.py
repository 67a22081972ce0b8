"""Find out why a load makes no progress: a server that is gone, or another connection's locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ...blockers import blockers
from ...protocol import ConnectError, Outlook
from ...server import pymysql_errors
from ...units import duration

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from ...blockers import Blocker
    from ..planning.tasks import Task

# How long a load may stand still before its server is asked why, and how often it is asked then.
STALL_S = 3.0
ASK_EVERY_S = 3.0
# How long the answer is waited for: meanwhile an interrupt is not noticed.
ANSWER_S = 2.0


class StallWatch:
    """Watches a load that may be waiting for another connection.

    Parameters
    ----------
    connect : callable
        Opens a connection to ask on, with a limit in seconds; raises `ConnectError`.
    """

    def __init__(self, connect: Callable[[float], Any]) -> None:
        self._connect = connect
        self._seen: Hashable = None
        self._since_s: float | None = None
        self._asked_at_s = 0.0
        self.longest_s = 0.0
        self.waits_for = ""  # now
        self.waited_for = ""  # the last time

    def look(
        self, now_s: float, sign: Hashable, running: list[Task], own: Callable[[], Collection[int]]
    ) -> str:
        """Return why the load waits; empty as long as it continues, or nothing is known.

        Parameters
        ----------
        now_s : float
            The time, in seconds.
        sign : hashable
            Something that changes with each progress.
        running : list of Task
            What lanes are at.
        own : callable
            Returns the numbers of the load's connections.
        """
        if sign != self._seen or self._since_s is None or not running:
            self._seen, self._since_s, self.waits_for = sign, now_s, ""
            return ""
        stalled_s = now_s - self._since_s
        if stalled_s >= STALL_S and now_s - self._asked_at_s >= ASK_EVERY_S:
            self._asked_at_s = now_s
            self._ask(own(), running)
        if self.waits_for:
            self.longest_s = max(self.longest_s, stalled_s)
            self.waited_for = self.waits_for
        return self.waits_for

    def _ask(self, own: Collection[int], running: list[Task]) -> None:
        try:
            with self._connect(ANSWER_S) as connection:
                found = blockers(connection, own, seconds=ANSWER_S)
        except ConnectError as error:
            # A lane waits for it, too, and connects again.
            is_gone = error.outlook is Outlook.LATER
            self.waits_for = f"the server, which does not answer: {error.answer}" if is_gone else ""
            return
        except pymysql_errors():
            return
        self.waits_for = _in_words(found[0], running) if found else ""

    def note(self) -> str:
        """Return a sentence on the longest wait; empty if there was none."""
        if not self.waited_for:
            return ""
        return f"It waited {duration(self.longest_s)} for {self.waited_for}."


def _in_words(blocker: Blocker, running: list[Task]) -> str:
    certainty = "" if blocker.is_certain else "most likely "
    wanted = dict.fromkeys(name for name in map(_about, running) if name)
    lock = f" to let go of {', '.join(wanted)}" if wanted else ""
    since = duration(blocker.since_s)
    what_to_do = (
        f"commit or close it where it was opened, or end it with KILL {blocker.id}"
        if blocker.is_idle
        else f"let it finish, or end it with KILL {blocker.id}"
    )
    return f"{certainty}{blocker}, for {since}{lock}; {what_to_do}"


def _about(task: Task) -> str:
    """Return the table, or else the schema, that a task works on."""
    if task.table is not None:
        return str(task.table)
    step = task.steps[0]
    return step.table or (f"schema {', '.join(step.schemas)}" if step.schemas else "")
