"""The progress of a dump."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import printable
from ..units import duration, size

MOST_NAMED = 3


@dataclass(frozen=True)
class DumpProgress:
    """The progress of a dump, at one moment.

    Parameters
    ----------
    file : str
        The file.
    sql_bytes : int
        Size of the SQL so far.
    rows : int
        Rows so far.
    fraction : float or None
        The part that is done, from 0 to 1, as far as the server knows how large its tables are;
        None if that is not known.
    elapsed_s : float
        Seconds since it began.
    tables : tuple of str
        The tables that are being read.
    waits_for : str
        The reason why it waits; else empty.
    verifies : str
        The step of verifying the complete dump: ``loading it again``.
    """

    file: str
    sql_bytes: int
    rows: int
    fraction: float | None
    elapsed_s: float
    tables: tuple[str, ...] = ()
    waits_for: str = ""
    verifies: str = ""

    def __str__(self) -> str:
        name = printable(self.file.rstrip("/").rpartition("/")[2] or self.file)
        parts = [f"{name}: {size(self.sql_bytes)} of SQL", f"{self.rows:,} rows"]
        if self.verifies:
            parts = [f"{name}: {self.verifies}", f"{self.rows:,} rows"]
        if self.waits_for:
            parts.append(f"waiting for {printable(self.waits_for)}")
        elif self.elapsed_s > 1 and not self.verifies:
            parts.append(f"{size(self.sql_bytes / self.elapsed_s)}/s")
        parts.append(f"{duration(self.elapsed_s)} so far")
        parts += map(printable, self.tables[:MOST_NAMED])
        return " · ".join(parts)
