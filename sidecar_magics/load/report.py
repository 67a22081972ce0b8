"""What a load did: per table, with the server's warnings, fit to be kept with the results."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sidecar import Sidecar


@dataclass
class TableReport:
    """Statements executed on one table, and rows that they changed."""

    statements: int = 0
    rows: int = 0


@dataclass
class WarningReport:
    """One kind of warning: how often it came, and the server's words the first time."""

    level: str
    message: str
    count: int = 0


@dataclass
class LoadReport:
    """What a load did.

    Parameters
    ----------
    source : str
        The file's path, or ``cell``.
    server : str
        What it was loaded into: account, address, flavour and version.
    flavour : str
        ``mysql`` or ``mariadb``.
    server_uuid : str or None
        The server's own identity.
    statements : int
        Statements executed.
    rows : int
        Rows that data statements inserted, changed or deleted, as the server counts them.
    tables : dict of str to TableReport
        By ``schema.table``, in the order of their first statement.
    warnings : dict of int to WarningReport
        By the server's warning number.
    notes : list of str
        What a user should know besides.
    script_bytes, file_bytes : int
        Size of the SQL text, and of the file as it lies on disk (compressed).
    seconds : float
        Time taken.
    started : float
        When it began, in seconds since 1970.
    in_transaction : bool
        Whether a transaction was open at the end, which is rolled back.
    sha256 : str
        Of the file as it lies on disk.
    """

    source: str
    server: str = ""
    flavour: str = "mysql"
    server_uuid: str | None = None
    statements: int = 0
    rows: int = 0
    tables: dict[str, TableReport] = field(default_factory=dict)
    warnings: dict[int, WarningReport] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    script_bytes: int = 0
    file_bytes: int = 0
    seconds: float = 0.0
    in_transaction: bool = False
    sha256: str = ""
    started: float = field(default_factory=time.time)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)

    @property
    def schemas(self) -> list[str]:
        """The schemas whose tables were touched, sorted."""
        return sorted({name.partition(".")[0] for name in self.tables})

    def so_far(self) -> str:
        """Return one sentence for an error: what was done before it."""
        if not self.statements:
            return "Nothing was executed before it."
        done = f"{_count(self.statements, 'statement')} before it ({_count(self.rows, 'row')})"
        if self.in_transaction:
            return f"Executed: {done}; what was not committed is rolled back."
        return f"Executed: {done}; what they did stays."

    def describe_server(self, sidecar: Sidecar) -> None:
        """Take down what is loaded into."""
        settings = sidecar.settings
        self.server = f"{settings.user}@{settings.address}, {sidecar.server}"
        self.flavour, self.server_uuid = sidecar.flavour, sidecar.uuid

    def summary(self) -> str:
        """Return in a few words what was loaded."""
        warnings = sum(warning.count for warning in self.warnings.values())
        parts = [
            _count(self.statements, "statement"),
            _count(self.rows, "row"),
            f"{_count(len(self.tables), 'table')} in {_count(len(self.schemas), 'schema')}",
        ]
        if warnings:
            parts.append(_count(warnings, "warning"))
        return ", ".join(parts)

    def __repr__(self) -> str:
        lines = [f"<LoadReport {self.source}: {self.summary()}; {self.seconds:.1f} s>"]
        lines += [
            f"  {warning.level} {code}: {warning.message} ({warning.count} times)"
            for code, warning in self.warnings.items()
        ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(name)}</td><td>{table.statements:,}</td>"
            f"<td>{table.rows:,}</td></tr>"
            for name, table in self.tables.items()
        )
        warnings = "".join(
            f"<li>{escape(warning.level)} {code}: {escape(warning.message)} "
            f"({warning.count:,} times)</li>"
            for code, warning in self.warnings.items()
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<b>{escape(self.summary())}</b><br>from {escape(self.source)} "
            f"(sha256 <code>{self.sha256[:16]}…</code>) into {escape(self.server)}"
            f"{f'<ul>{warnings}{notes}</ul>' if warnings or notes else ''}"
            f"<details><summary>{_count(len(self.tables), 'table')}</summary><table>"
            f"<tr><th>table</th><th>statements</th><th>rows</th></tr>{rows}</table></details>"
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
