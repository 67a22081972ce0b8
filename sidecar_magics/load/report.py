"""What a load did: per table, with the server's warnings, fit to be kept with the results."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field, fields
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..units import duration, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas

    from ..errors import StatementError
    from ..sidecar import Sidecar

LARGEST_TABLES = 10
# Warnings whose words the server did not tell: it tells those of the last statement it was sent.
UNTOLD = 0


@dataclass
class TableReport:
    """What was done to one table: sums over all connections.

    Parameters
    ----------
    statements, rows : int
        Statements executed on it, and rows that they changed.
    size_bytes : int
        Size of those statements.
    seconds : float
        Time that the server took for them; connections that worked side by side add up.
    warnings : int
        Warnings that they gave.
    """

    statements: int = 0
    rows: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    warnings: int = 0


@dataclass
class WarningReport:
    """One kind of warning: how often it came, and the server's words the first time."""

    level: str
    message: str
    count: int = 0


@dataclass(frozen=True)
class ErrorReport:
    """A statement that the server refused, and that --force went on behind."""

    place: str
    errno: int
    sqlstate: str
    message: str
    statement_start: str
    table: str | None


@dataclass
class LoadReport:
    """What a load did.

    Parameters
    ----------
    source : str
        What was loaded: a path, a pattern, an address, or ``cell``.
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
        What the server warned of, by its error number.
    errors : list of ErrorReport
        Statements that were refused, with --force.
    notes : list of str
        What a user should know besides.
    skipped : dict of str to int
        Statements that were left out, by the reason.
    script_bytes, file_bytes : int
        Size of the SQL text, and of the file as it lies on disk (compressed).
    seconds : float
        Time taken.
    started : float
        When it began, in seconds since 1970.
    jobs : int
        Connections that it could work on.
    retries : int
        Connections that were lost, and made again.
    deferred_indexes : int
        Secondary indexes that were made behind the rows.
    resumed : int
        Statements that an earlier load had done.
    already_loaded : bool
        With --once: the same had been loaded before, and nothing was done.
    loaded_at : str
        When that was, by the server's clock.
    in_transaction : bool
        Whether a transaction was open at the end, which is rolled back.
    sha256 : str
        Of the file as it lies on disk; see `sources.Sources.digest` for several.
    """

    source: str
    server: str = ""
    flavour: str = "mysql"
    server_uuid: str | None = None
    statements: int = 0
    rows: int = 0
    tables: dict[str, TableReport] = field(default_factory=dict)
    warnings: dict[int, WarningReport] = field(default_factory=dict)
    errors: list[ErrorReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    script_bytes: int = 0
    file_bytes: int = 0
    seconds: float = 0.0
    jobs: int = 1
    retries: int = 0
    deferred_indexes: int = 0
    resumed: int = 0
    already_loaded: bool = False
    loaded_at: str = ""
    in_transaction: bool = False
    sha256: str = ""
    started: float = field(default_factory=time.time)

    # Tells whether this very cell's output shows the report already.
    is_on_screen: Callable[[], bool] | None = field(default=None, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    # Filling it ----------------------------------------------------------------------------------

    def add(
        self,
        table: str | None,
        *,
        statements: int = 1,
        rows: int = 0,
        size_bytes: int = 0,
        seconds: float = 0.0,
        warnings: int = 0,
    ) -> None:
        """Count what was done, to a table if it was one; any thread may do so."""
        with self._lock:
            self.statements += statements
            self.rows += rows
            if table is not None:
                tally = self.tables.setdefault(table, TableReport())
                tally.statements += statements
                tally.rows += rows
                tally.size_bytes += size_bytes
                tally.seconds += seconds
                tally.warnings += warnings

    def add_warnings(self, told: Iterable[tuple[str | None, ...]], count: int) -> None:
        """Count warnings.

        Parameters
        ----------
        told : iterable of tuple
            Level, number and words of those that the server tells.
        count : int
            How many there were; it may not tell all of them.
        """
        with self._lock:
            for level, code, message in told:
                warning = WarningReport(level or "", printable(message or ""))
                self.warnings.setdefault(int(code or 0), warning).count += 1
                count -= 1
            if count > 0:
                untold = WarningReport("Warning", "more warnings, which the server does not tell")
                self.warnings.setdefault(UNTOLD, untold).count += count

    def add_error(self, error: StatementError) -> None:
        """Keep a statement that was refused."""
        place = f"{error.source}:{error.line}:{error.column}"
        with self._lock:
            self.errors.append(
                ErrorReport(
                    place,
                    error.errno,
                    error.sqlstate,
                    error.message.rpartition(f"({error.sqlstate}): ")[2],
                    error.statement_start,
                    error.table,
                )
            )

    def describe_server(self, sidecar: Sidecar) -> None:
        """Take down what is loaded into."""
        settings = sidecar.settings
        self.server = f"{settings.user}@{settings.address}, {sidecar.server}"
        self.flavour, self.server_uuid = sidecar.flavour, sidecar.uuid

    # Reading it ----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        hidden = ("is_on_screen", "_lock")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in hidden}
        for name in ("tables", "warnings"):
            plain[name] = {key: asdict(value) for key, value in plain[name].items()}
        plain["errors"] = [asdict(error) for error in self.errors]
        return plain

    def to_frame(self) -> pandas.DataFrame:
        """Return the tables as a DataFrame.

        Returns
        -------
        pandas.DataFrame
            Indexed by schema and table; columns rows, statements, seconds, megabytes, warnings.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        import pandas  # noqa: PLC0415 - not a dependency

        names = [name.partition(".")[::2] for name in self.tables]
        return pandas.DataFrame(
            {
                "rows": [table.rows for table in self.tables.values()],
                "statements": [table.statements for table in self.tables.values()],
                "seconds": [table.seconds for table in self.tables.values()],
                "megabytes": [table.size_bytes / 1e6 for table in self.tables.values()],
                "warnings": [table.warnings for table in self.tables.values()],
            },
            index=pandas.MultiIndex.from_tuples(names, names=["schema", "table"])
            if names
            else pandas.MultiIndex.from_arrays([[], []], names=["schema", "table"]),
        )

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

    def summary(self) -> str:
        """Return in a few words what was loaded."""
        if self.already_loaded:
            return f"already loaded at {self.loaded_at}; nothing was done"
        warnings = sum(warning.count for warning in self.warnings.values())
        parts = [
            *([_count(len(self.errors), "error")] if self.errors else []),
            _count(self.statements, "statement"),
            _count(self.rows, "row"),
            f"{_count(len(self.tables), 'table')} in {_count(len(self.schemas), 'schema')}",
            *([_count(warnings, "warning")] if warnings else []),
            *([f"{_count(self.resumed, 'statement')} done before"] if self.resumed else []),
        ]
        return ", ".join(parts)

    def __repr__(self) -> str:
        lines = [f"<LoadReport {self.source}: {self.summary()}; {duration(self.seconds)}>"]
        largest = sorted(self.tables.items(), key=lambda item: -item[1].size_bytes)
        if len(largest) > 1 and largest[0][1].rows:
            lines += [
                f"  {printable(name)}: {_count(table.rows, 'row')}, {size(table.size_bytes)}"
                for name, table in largest[:LARGEST_TABLES]
                if table.rows
            ]
            if len(largest) > LARGEST_TABLES:
                lines.append(f"  … {_count(len(largest) - LARGEST_TABLES, 'smaller table')}")
        return "\n".join([*lines, *(f"  {remark}" for remark in self._remarks())])

    def _remarks(self) -> list[str]:
        remarks = [
            f"{error.place}: error {error.errno} ({error.sqlstate}): {error.message}"
            for error in self.errors
        ]
        remarks += [
            f"{warning.level} {code}: {warning.message} ({warning.count:,} times)"
            for code, warning in self.warnings.items()
        ]
        remarks += [
            f"Left out: {_count(n, 'statement')} ({why})" for why, n in self.skipped.items()
        ]
        if self.retries:
            remarks.append(f"{_count(self.retries, 'connection')} lost, and made again.")
        return remarks + self.notes

    def _ipython_display_(self) -> None:
        # Not implemented: IPython goes on to the other forms.
        if self.is_on_screen is None or not self.is_on_screen():
            raise NotImplementedError

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(name)}</td><td>{table.rows:,}</td>"
            f"<td>{table.statements:,}</td><td>{size(table.size_bytes)}</td>"
            f"<td>{table.seconds:.2f}</td><td>{table.warnings or ''}</td></tr>"
            for name, table in self.tables.items()
        )
        remarks = "".join(f"<li>{escape(remark)}</li>" for remark in self._remarks())
        digest = f" (sha256 <code>{self.sha256[:16]}…</code>)" if self.sha256 else ""
        return (
            f"<b>{escape(self.summary())}</b>; {duration(self.seconds)}<br>from "
            f"{escape(self.source)}{digest} into {escape(self.server)}"
            f"{f'<ul>{remarks}</ul>' if remarks else ''}"
            f"<details><summary>{_count(len(self.tables), 'table')}</summary><table>"
            "<tr><th>table</th><th>rows</th><th>statements</th><th>size</th>"
            f"<th>server's seconds</th><th>warnings</th></tr>{rows}</table></details>"
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
