"""How far a load is."""

from __future__ import annotations

from dataclasses import dataclass

from ...units import duration, size

# Before this it is too early to estimate the time that is left.
SPEED_FROM_S = 2.0
MOST_TABLES = 3


@dataclass(frozen=True)
class Progress:
    """How far a load is, at one moment.

    Parameters
    ----------
    source : str
        The script's name.
    done_bytes : int
        How much of the file is done, in bytes on disk. The server may still be at work when all is:
        see `builds`.
    size_bytes : int or None
        Size of the file; None if unknown.
    elapsed_s : float
        Seconds since it began.
    rows : int
        Rows changed so far.
    busy : int
        Connections at work.
    jobs : int
        Connections in all.
    tables : tuple of str
        The tables that they work on.
    builds : tuple of (str, float)
        Tables whose indexes are being built, with the seconds that this has taken so far.
    reads : bool
        Whether there is more of the script to read.
    skipped_bytes : int
        The part of `done_bytes` that an earlier load did.
    waits_for : str
        The reason why the load makes no progress; else empty.
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
        """Whether all statements are sent, and only index builds or commits are left.

        Their time cannot be estimated from the speed before.
        """
        return not self.reads and self.done_bytes >= (self.size_bytes or 0)

    @property
    def new_bytes(self) -> int:
        """The part of `done_bytes` that this load did."""
        return max(self.done_bytes - self.skipped_bytes, 0)

    @property
    def speed(self) -> float | None:
        """Bytes a second since it began; None as long as it is too early to say."""
        if self.elapsed_s < SPEED_FROM_S or not self.new_bytes:
            return None
        return self.new_bytes / self.elapsed_s

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, about; None if unknown."""
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
        """Return the work of the connections: index builds with their time, and other tables."""
        built = {table for table, _ in self.builds}
        others = [table for table in self.tables if table not in built]
        other = ", ".join(others[:MOST_TABLES])
        if len(others) > MOST_TABLES:  # a line that fills the page says less
            other += f" and {len(others) - MOST_TABLES} more"
        builds = [f"building the indexes of {table} ({_time(s)})" for table, s in self.builds]
        return [*builds, *([other] if other else [])]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)
