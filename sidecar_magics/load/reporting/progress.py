"""How far a load is."""

from __future__ import annotations

from dataclasses import dataclass

from ...units import duration, size

# Before this a speed says nothing about the time that is left.
SPEED_FROM_S = 2.0
MOST_TABLES = 3


@dataclass(frozen=True)
class Progress:
    """How far a load is, at one moment.

    Parameters
    ----------
    source : str
        What is loaded.
    done_bytes : int
        How much of it is done, as it lies on disk. The server may still be at work when all is:
        see `builds`.
    size_bytes : int or None
        How much that will be; None if unknown.
    elapsed_s : float
        Seconds since it began.
    rows : int
        Rows changed so far.
    busy : int
        Connections that are at work.
    jobs : int
        Connections that there may be.
    tables : tuple of str
        What they work on.
    builds : tuple of (str, float)
        Tables that get their indexes now, each with the seconds that this has taken so far.
    reads : bool
        Whether there is more to read; else what was read is being finished.
    skipped_bytes : int
        The part of `done_bytes` that an earlier load had done.
    waits_for : str
        What the load is waiting for, if it makes no progress.
    """

    source: str
    done_bytes: int
    size_bytes: int | None
    elapsed_s: float
    rows: int = 0
    busy: int = 1
    jobs: int = 1
    tables: tuple[str, ...] = ()
    builds: tuple[tuple[str, float], ...] = ()
    reads: bool = True
    skipped_bytes: int = 0
    waits_for: str = ""

    @property
    def fraction(self) -> float | None:
        """The part that is done, from 0 to 1; None if unknown."""
        if not self.size_bytes:
            return None
        return min(self.done_bytes / self.size_bytes, 1.0)

    @property
    def is_finishing(self) -> bool:
        """Whether no statement of the script is left to be done: indexes are built, or committed.

        What is done by then says nothing about the time that this takes.
        """
        return not self.reads and self.done_bytes >= (self.size_bytes or 0)

    @property
    def new_bytes(self) -> int:
        """The part of `done_bytes` that this load has done by itself."""
        return max(self.done_bytes - self.skipped_bytes, 0)

    @property
    def speed(self) -> float | None:
        """Bytes a second since it began; None as long as it says nothing."""
        if self.elapsed_s < SPEED_FROM_S or not self.new_bytes:
            return None
        return self.new_bytes / self.elapsed_s

    @property
    def left_s(self) -> float | None:
        """Seconds that it will still take, about; None if unknown."""
        if self.speed is None or self.size_bytes is None:
            return None
        return max(self.size_bytes - self.done_bytes, 0) / self.speed

    def __str__(self) -> str:
        of = f" of {size(self.size_bytes)}" if self.size_bytes is not None else ""
        parts = [f"{self.source}: {size(self.done_bytes)}{of}"]
        if self.speed is not None and not self.is_finishing:
            parts.append(f"{size(self.speed)}/s")
        if self.waits_for:
            parts.append(f"waiting for {self.waits_for}")
        elif self.is_finishing:
            parts.append(f"finishing, {self.elapsed_s:.0f} s")
        elif self.left_s is not None:
            parts.append(f"about {duration(max(round(self.left_s), 1)).replace('.0', '')} left")
        else:
            parts.append(f"{self.elapsed_s:.0f} s")
        if self.jobs > 1:
            parts.append(f"{self.busy} of {self.jobs} connections")
        parts += self.work()
        return " · ".join(parts)

    def work(self) -> list[str]:
        """Return what the connections are doing: indexes, each with its time, and other tables."""
        built = {table for table, _ in self.builds}
        others = [table for table in self.tables if table not in built]
        other = ", ".join(others[:MOST_TABLES])
        if len(others) > MOST_TABLES:  # a line that fills the page says less
            other += f" and {len(others) - MOST_TABLES} more"
        builds = [f"building the indexes of {table} ({_time(s)})" for table, s in self.builds]
        return [*builds, *([other] if other else [])]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)
