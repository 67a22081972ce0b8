"""The report of a dump: its content per table, fit to be saved."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..outputs import CellOutput, pandas_module
from ..units import count, duration, size

if TYPE_CHECKING:
    import pandas

    from ..sidecar import Sidecar

LARGEST_TABLES = 10
MOST_TABLES = 500
MOST_NOT_VERIFIED = 5


@dataclass
class DumpedTable:
    """One table in a dump.

    Parameters
    ----------
    rows : int
        How many rows.
    size_bytes : int
        Size of their statements.
    seconds : float
        Time taken; the times of parts that were read in parallel add up.
    """

    rows: int = 0
    size_bytes: int = 0
    seconds: float = 0.0


@dataclass
class DumpReport(CellOutput):
    """The report of a dump.

    Parameters
    ----------
    file : str
        Where it is.
    server : str
        The server: account, address, flavour and version.
    flavour, server_version : str
        ``mysql`` or ``mariadb``; its version.
    server_uuid : str or None
        The server's own identity.
    schemas : list of str
        Which schemas.
    tables : dict of str to DumpedTable
        By ``schema.table``.
    views, routines, triggers, events, sequences : int
        How many of each.
    left_out : list of str
        Objects of the server that are not in it, a sentence each.
    hidden : list of str
        Objects that it may lack, because they are hidden from the account, a sentence each.
    sees_all_schemas : bool
        Whether the account sees all schemas of the server, if all of them were asked for.
    notes : list of str
        Further notes for the user.
    sql_bytes, file_bytes : int
        Size of the SQL text, and on disk.
    seconds : float
        Time taken.
    started : float
        When it began, in seconds since 1970: the moment that it shows is a little later.
    jobs : int
        Connections that saw that moment.
    is_verified : bool
        Whether it was loaded again, and the same came out, but for `not_verified`.
    not_verified : dict of str to str
        Objects that could not be loaded again and compared, as ``view lab.v``, and why.
    verified_tables, verified_rows : int
        Tables and rows that were loaded again and compared.
    verify_seconds : float
        Time taken to verify it, which is part of `seconds`.
    """

    file: str
    server: str = ""
    flavour: str = "mysql"
    server_version: str = ""
    server_uuid: str | None = None
    schemas: list[str] = field(default_factory=list)
    tables: dict[str, DumpedTable] = field(default_factory=dict)
    views: int = 0
    routines: int = 0
    triggers: int = 0
    events: int = 0
    sequences: int = 0
    left_out: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    sees_all_schemas: bool = True
    notes: list[str] = field(default_factory=list)
    sql_bytes: int = 0
    file_bytes: int = 0
    seconds: float = 0.0
    started: float = field(default_factory=time.time)
    jobs: int = 1
    is_verified: bool = False
    not_verified: dict[str, str] = field(default_factory=dict)
    verified_tables: int = 0
    verified_rows: int = 0
    verify_seconds: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows, in all tables."""
        return sum(table.rows for table in list(self.tables.values()))

    def describe_server(self, sidecar: Sidecar) -> None:
        """Take down the server."""
        settings = sidecar.settings
        self.server = f"{settings.user}@{settings.address}, {sidecar.server}"
        self.flavour, self.server_uuid = sidecar.flavour, sidecar.uuid
        self.server_version = sidecar.version

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = self.__getstate__()
        plain["tables"] = {name: asdict(table) for name, table in self.tables.items()}
        return plain

    def to_frame(self) -> pandas.DataFrame:
        """Return the tables as a DataFrame.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``schema.table``; columns rows, megabytes, seconds.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_module()
        tables = self.tables.values()
        columns = {
            "rows": [table.rows for table in tables],
            "megabytes": [table.size_bytes / 1e6 for table in tables],
            "seconds": [table.seconds for table in tables],
        }
        return pandas.DataFrame(columns, index=pandas.Index(list(self.tables), name="table"))

    def summary(self) -> str:
        """Return a summary in a few words."""
        counted = (
            (self.views, "view"),
            (self.routines, "routine"),
            (self.triggers, "trigger"),
            (self.events, "event"),
            (self.sequences, "sequence"),
        )
        parts = [
            f"{count(len(self.tables), 'table')} in {count(len(self.schemas), 'schema')}",
            count(self.rows, "row"),
            *(count(number, noun) for number, noun in counted if number),
            self._sizes(),
            *self._verified(),
        ]
        return ", ".join(parts)

    def remarks(self) -> list[str]:
        """Return further notes for the user, a line each."""
        lacks = (*self.hidden, *self.left_out)
        return [printable(note) for note in (*self._verification(), *lacks, *self.notes)]

    def _verified(self) -> list[str]:
        if not self.is_verified:
            return []
        left = len(self.not_verified)
        return [f"verified but for {count(left, 'object')}" if left else "verified"]

    def _verification(self) -> list[str]:
        """Return the result of --verify."""
        if not self.is_verified:
            return []
        left_out = [
            f"Not verified: {name}, since {why}." for name, why in self.not_verified.items()
        ]
        if len(left_out) > MOST_NOT_VERIFIED:
            rest = len(left_out) - MOST_NOT_VERIFIED
            left_out[MOST_NOT_VERIFIED:] = [f"Not verified: {count(rest, 'other object')}."]
        done = f"{count(self.verified_tables, 'table')}, {count(self.verified_rows, 'row')}"
        took = duration(self.verify_seconds)
        return [f"Verified: {done} loaded into scratch schemas and compared in {took}.", *left_out]

    def _sizes(self) -> str:
        if self.file_bytes == self.sql_bytes:
            return size(self.sql_bytes)
        return f"{size(self.file_bytes)} ({size(self.sql_bytes)} of SQL)"

    def __repr__(self) -> str:
        head = f"{printable(self.file)}: {self.summary()}; {duration(self.seconds)}"
        lines = [*self._table_lines(), *self.remarks()]
        return "\n".join([f"<DumpReport {head}>", *map("  {}".format, lines)])

    def _table_lines(self) -> list[str]:
        """Return a line for each of the largest tables, if there are several."""
        tables = self._largest()
        if len(tables) < 2:
            return []
        lines = [
            f"{printable(name)}: {count(table.rows, 'row')}, {size(table.size_bytes)}"
            for name, table in tables[:LARGEST_TABLES]
        ]
        rest = len(self.tables) - len(lines)
        return [*lines, f"… {count(rest, 'smaller table')}"] if rest else lines

    def _largest(self) -> list[tuple[str, DumpedTable]]:
        with_rows = [item for item in self.tables.items() if item[1].rows]
        return sorted(with_rows, key=lambda item: -item[1].size_bytes)

    def _repr_html_(self) -> str:
        remarks = "".join(f"<li>{escape(remark)}</li>" for remark in self.remarks())
        return (
            f"<b>{escape(self.summary())}</b>; {duration(self.seconds)}<br>"
            f"into {escape(printable(self.file))} from {escape(printable(self.server))}"
            f"{f'<ul>{remarks}</ul>' if remarks else ''}{self._html_tables()}"
        )

    def _html_tables(self) -> str:
        tables = self._largest()
        if not tables:
            return ""
        lines = "".join(
            f"<tr><td style='text-align:left'>{escape(printable(name))}</td>"
            f"<td style='white-space:nowrap'>{table.rows:,}</td>"
            f"<td style='white-space:nowrap'>{size(table.size_bytes)}</td></tr>"
            for name, table in tables[:MOST_TABLES]
        )
        rest = len(self.tables) - min(len(tables), MOST_TABLES)
        more = f"… and {count(rest, 'smaller or empty table')}" if rest else ""
        return (
            f"<details><summary>{count(len(self.tables), 'table')}</summary>"
            "<table style='text-align:right'><tr><th>table</th><th>rows</th><th>size</th></tr>"
            f"{lines}</table>{more}</details>"
        )
