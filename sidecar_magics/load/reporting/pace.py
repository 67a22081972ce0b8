"""The speed of a load, the time that is left, and the line that shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...errors import printable
from ...units import duration, size
from .progress import SPEED_FROM_S

if TYPE_CHECKING:
    from .progress import Progress

# The speed is that of about the last third of a load, but at least of this time.
LEAST_MEMORY_S = 10.0
# Beyond this, a reason helps more than a number.
LONGEST_S = 100 * 3600.0
NAME_CHARACTERS = 40


class Pace:
    """The recent speed of one load: that of the rest is more like it than like an earlier one.

    A mean of the speeds seen, in which the older count less (exponentially); how much less grows
    with the time taken, so that the guess becomes calmer the longer a load runs.
    """

    def __init__(self) -> None:
        self._speed = 0.0
        self._since_s: float | None = None  # when this load began its own work
        self._at_s = 0.0
        self._bytes = 0

    def note(self, progress: Progress) -> None:
        """Take the progress of the load now into account."""
        if progress.skipped_bytes and not progress.new_bytes:
            self._since_s = self._at_s = progress.elapsed_s  # still skipping earlier work
            return
        passed_s = progress.elapsed_s - self._at_s
        if passed_s <= 0:
            return
        self._since_s = self._since_s or 0.0
        latest = max(progress.new_bytes - self._bytes, 0) / passed_s
        taken_s = progress.elapsed_s - self._since_s
        memory_s = max(LEAST_MEMORY_S, taken_s / 3)
        # As long as there is less to remember, every moment counts the same.
        weight = max(1 - math.exp(-passed_s / memory_s), min(passed_s / taken_s, 1.0))
        self._speed += weight * (latest - self._speed)
        self._at_s, self._bytes = progress.elapsed_s, progress.new_bytes

    @property
    def speed(self) -> float | None:
        """Bytes a second; None as long as it is too early to say."""
        if self._since_s is None or self._at_s - self._since_s < SPEED_FROM_S:
            return None
        return self._speed or None


def describe(progress: Progress, speed: float | None) -> str:
    """Return the progress of a load as one line, the most important first: a screen may cut it.

    Parameters
    ----------
    progress : Progress
        The load's.
    speed : float or None
        Bytes a second; None if unknown.
    """
    of = f" of {size(progress.size_bytes)}" if progress.size_bytes is not None else ""
    parts = [f"{_short(progress.source)}: {size(progress.done_bytes)}{of}"]
    if progress.waits_for:
        return " · ".join([*parts, f"waiting for {printable(progress.waits_for)}"])
    parts.append(_time(progress, speed))
    if speed and not progress.is_finishing:
        parts.append(f"{size(speed)}/s")
    if progress.jobs > 1:
        parts.append(f"{progress.busy} of {progress.jobs} connections")
    return " · ".join([*parts, *map(printable, progress.work())])


def _time(progress: Progress, speed: float | None) -> str:
    """Return the time that is left, or else the time taken."""
    if speed and progress.size_bytes and not progress.is_finishing:
        left_s = max(progress.size_bytes - progress.done_bytes, 0) / speed
        if left_s < LONGEST_S:
            return f"{about(left_s)} left"
    seconds = progress.elapsed_s
    taken = f"{seconds:.0f} s so far" if seconds < 59.5 else f"{duration(seconds)} so far"
    return f"finishing, {taken}" if progress.is_finishing else taken


def about(seconds: float) -> str:
    """Return an estimated time in words: ``about 3 min``."""
    if seconds < 57.5:
        step_s = 5 if seconds >= 10 else 1
        return f"about {max(round(seconds / step_s) * step_s, 1)} s"
    minutes = max(round(seconds / 60), 1)
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60} min"


def _short(source: str) -> str:
    """Return the last part of a path, an address or a pattern, and its end if it is long."""
    name = printable(source.rstrip("/").rpartition("/")[2] or source)
    return name if len(name) <= NAME_CHARACTERS else f"…{name[1 - NAME_CHARACTERS :]}"
