"""The report of a load: its work per table, and the server's warnings; fit to be saved."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import printable
from ...outputs import CellOutput, pandas_module
from ...units import count, duration, size
from .server_errors import WARNING_HINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas

    from ...errors import StatementError
    from ...sidecar import Sidecar
    from .nearest import Lack
    from .results import ResultSet

LARGEST_TABLES = 10
MOST_ERRORS = 10
# Warnings without words: a server shows only those of the last statement, and at most
# `max_error_count` of them.
UNSHOWN = 0
# A later MySQL will no longer have something: that matters to a script's author. Nothing of the
# loaded data is lost, so it is no warning for a load.
DEPRECATIONS = frozenset({1287, 1681, 3090, 3129, 3135, 3719, 3778})
# The level of a server's remarks.
NOTE = "Note"
# As notes they answer IF EXISTS or IF NOT EXISTS, of a schema, table, view, sequence, routine,
# trigger, event, column, index, constraint or account: the script asks for that case to pass.
# Source: MySQL server error reference; MariaDB error codes.
ASKED_FOR = frozenset(
    {1007, 1008, 1050, 1051, 1060, 1061, 1091, 1304, 1305, 1359, 1360, 1537, 1539}
)
ASKED_FOR |= {1476, 1477, 1826, 1973, 1974, 1975, 1976, 3162, 3163, 4091, 4092}


@dataclass
class TableReport:
    """The work on one table: sums over all connections.

    Parameters
    ----------
    statements, rows : int
        Statements executed on it, and rows that they changed.
    size_bytes : int
        Size of those statements.
    seconds : float
        Time that the server took for them; the times of parallel connections add up.
    warnings : int
        Warnings that they gave; notes do not count.
    """

    statements: int = 0
    rows: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    warnings: int = 0


@dataclass
class WarningReport:
    """One kind of warning or note: how often it came, and the server's first words."""

    level: str
    message: str
    count: int = 0
    is_note: bool = False  # harmless for the loaded data, so no warning
    is_asked_for: bool = False  # by IF EXISTS or IF NOT EXISTS: counted, and not shown


@dataclass(frozen=True)
class ErrorReport:
    """A statement that the server refused, and that --force continued after."""

    place: str
    errno: int
    sqlstate: str
    message: str
    statement_start: str
    table: str | None
    hint: str = ""  # asks whether a name was meant that is like one that is not there

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return printable(
            f"{self.place}: error {self.errno} ({self.sqlstate}): {self.message}{hint}"
        )


@dataclass
class LoadReport(CellOutput):
    """The report of a load.

    Parameters
    ----------
    source : str
        The script: a path, a pattern, an address, or ``cell``.
    server : str
        The server: account, address, flavour and version.
    flavour : str
        ``mysql`` or ``mariadb``.
    server_version : str
        The server's version, such as ``9.7.4-2``.
    server_uuid : str or None
        The server's own identity.
    statements : int
        Statements executed.
    rows : int
        Rows that data statements inserted, changed or deleted, as the server counts them.
    tables : dict of str to TableReport
        By ``schema.table``, in the order of their first statement.
    warnings : dict of int to WarningReport
        The server's warnings and notes, by error number.
    results : int
        How many result sets the statements returned.
    result : ResultSet or None
        The last of them, in the order of the script.
    errors : list of ErrorReport
        Statements that were refused, with --force.
    notes : list of str
        Further notes for the user.
    skipped : dict of str to int
        Number of statements that were left out, by reason.
    script_bytes, file_bytes : int
        Size of the SQL text, and of the file as it lies on disk (compressed).
    seconds : float
        Time taken.
    started : float
        When it began, in seconds since 1970.
    jobs : int
        Connections that it could use.
    retries : int
        Connections that were lost, and re-established.
    deferred_indexes : int
        Secondary indexes that were built after the rows.
    resumed : int
        Statements that an earlier load did.
    already_loaded : bool
        With --once: the script was loaded before, so nothing was done.
    loaded_at : str
        When the earlier load ended, by the server's clock.
    loaded_rows : int
        Rows that it had.
    in_transaction : bool
        Whether the script ended inside a transaction, which is rolled back.
    sha256 : str
        Of the file as it lies on disk; see `sources.Sources.digest` for several.
    streamed_rows : int
        Rows that were sent by LOAD DATA LOCAL, from memory.
    lacks_local_infile : bool
        No rows were sent in this way, because the server has local_infile=OFF.
    """

    source: str
    server: str = ""
    flavour: str = "mysql"
    server_version: str = ""
    server_uuid: str | None = None
    statements: int = 0
    rows: int = 0
    tables: dict[str, TableReport] = field(default_factory=dict)
    warnings: dict[int, WarningReport] = field(default_factory=dict)
    errors: list[ErrorReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    results: int = 0
    result: ResultSet | None = None
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
    loaded_rows: int = 0
    in_transaction: bool = False
    sha256: str = ""
    streamed_rows: int = 0
    lacks_local_infile: bool = False
    started: float = field(default_factory=time.time)

    # Whether to show the rows: those of a cell are shown, those of a file only mentioned.
    shows_result: bool = field(default=False, repr=False, compare=False)
    # Names that the server lacks, by the place of the statement; see `nearest`.
    lacks: dict[str, Lack] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    HIDDEN = ("_lock", "lacks", "shows_result")
    SO_FAR: ClassVar[tuple[str, ...]] = ("Executed: ", "Nothing was executed")

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
        streamed: bool = False,
    ) -> None:
        """Count a statement, for a table if it is about one; any thread may do so."""
        with self._lock:
            self.statements += statements
            self.rows += rows
            self.streamed_rows += rows if streamed else 0
            if table is not None:
                tally = self.tables.setdefault(table, TableReport())
                tally.statements += statements
                tally.rows += rows
                tally.size_bytes += size_bytes
                tally.seconds += seconds
                tally.warnings += warnings

    def add_warnings(self, reported: Iterable[tuple[str | None, ...]], count: int) -> None:
        """Count warnings.

        Parameters
        ----------
        reported : iterable of tuple
            Level, number and words of those that the server reports.
        count : int
            How many there were; it may not show all of them.
        """
        with self._lock:
            for level, code, message in reported:
                words = printable(message or "")
                warning = WarningReport(
                    level or "",
                    words,
                    is_note=is_note(code, level),
                    is_asked_for=level == NOTE and int(code or 0) in ASKED_FOR,
                )
                self.warnings.setdefault(int(code or 0), warning).count += 1
                count -= 1
            if count > 0:
                unshown = WarningReport("Warning", "more warnings, which the server does not show")
                self.warnings.setdefault(UNSHOWN, unshown).count += count

    def add_error(self, error: StatementError) -> None:
        """Keep a statement that was refused."""
        with self._lock:
            self.errors.append(
                ErrorReport(
                    error.place,
                    error.errno,
                    error.sqlstate,
                    error.message.rpartition(f"({error.sqlstate}): ")[2],
                    error.statement_start,
                    error.table,
                )
            )

    def add_retry(self) -> None:
        """Count a connection that was lost, and re-established."""
        with self._lock:
            self.retries += 1

    def add_deferred_indexes(self, number: int) -> None:
        """Count indexes that are built after the rows."""
        with self._lock:
            self.deferred_indexes += number

    def describe_server(self, sidecar: Sidecar) -> None:
        """Take down the server."""
        settings = sidecar.settings
        self.server = f"{settings.user}@{settings.address}, {sidecar.server}"
        self.flavour, self.server_uuid = sidecar.flavour, sidecar.uuid
        self.server_version = sidecar.version

    # Reading it ----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = self.__getstate__()
        for name in ("tables", "warnings"):
            plain[name] = {key: asdict(value) for key, value in list(plain[name].items())}
        plain["errors"] = [asdict(error) for error in self.errors]
        plain["result"] = None if self.result is None else self.result.to_dict()
        plain["notes"], plain["skipped"] = list(self.notes), dict(self.skipped)
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
        pandas = pandas_module()
        tables = list(self.tables.items())
        names = [name.partition(".")[::2] for name, _ in tables]
        columns = {
            "rows": [table.rows for _, table in tables],
            "statements": [table.statements for _, table in tables],
            "seconds": [table.seconds for _, table in tables],
            "megabytes": [table.size_bytes / 1e6 for _, table in tables],
            "warnings": [table.warnings for _, table in tables],
        }
        index = pandas.MultiIndex.from_arrays(
            [[schema for schema, _ in names], [table for _, table in names]],
            names=["schema", "table"],
        )
        kinds = {
            name: "float64" if name in ("seconds", "megabytes") else "int64" for name in columns
        }
        return pandas.DataFrame(columns, index=index).astype(kinds)

    @property
    def schemas(self) -> list[str]:
        """The schemas whose tables were touched, sorted."""
        return sorted({name.partition(".")[0] for name in list(self.tables)})

    def so_far(self) -> str:
        """Return one sentence for an error: the work done before it."""
        # With several connections, the others may have been before the error's place, or past it.
        when = "before it" if self.jobs == 1 else "by then"
        if not self.statements:
            return f"Nothing was executed {when}."
        if not self.rows and not self.tables and not self.in_transaction:
            # SET and USE, or statements about no table, such as CREATE DATABASE.
            done = f"{count(self.statements, 'statement')} {when}"
            return f"Executed: {done}, none of which changed a row; whatever they created stays."
        done = f"{count(self.statements, 'statement')} {when} ({count(self.rows, 'row')})"
        if self.in_transaction:
            return f"Executed: {done}; uncommitted work is rolled back."
        return f"Executed: {done}; their changes stay."

    def summary(self) -> str:
        """Return a summary in a few words; errors come first."""
        if self.already_loaded:
            rows = f", {count(self.loaded_rows, 'row')}" if self.loaded_rows else ""
            return f"already loaded at {self.loaded_at}{rows}; nothing was done"
        warnings, notes = self._warnings_and_notes()
        parts = [
            *([count(len(self.errors), "error")] if self.errors else []),
            count(self.statements, "statement"),
            *([count(self.rows, "row")] if self.rows or not self.results else []),
            *([self._returned()] if self.results else []),
            *([self.extent()] if self.tables else []),
            *([count(warnings, "warning")] if warnings else []),
            *([count(notes, "note")] if notes else []),
            *([f"{count(self.resumed, 'statement')} done before"] if self.resumed else []),
        ]
        return ", ".join(parts)

    def _warnings_and_notes(self) -> tuple[int, int]:
        """Return the numbers of warnings and of harmless notes."""
        counts = [(warning.count, warning.is_note) for _, warning in self._told()]
        notes = sum(number for number, is_note in counts if is_note)
        return sum(number for number, _ in counts) - notes, notes

    def _told(self) -> list[tuple[int, WarningReport]]:
        """Return the server's warnings and unexpected notes, by error number."""
        reported = list(self.warnings.items())
        return [(code, warning) for code, warning in reported if not warning.is_asked_for]

    def _returned(self) -> str:
        """Return the number of result sets, and of rows in the last."""
        rows = "" if self.result is None else count(self.result.total_rows, "row")
        if self.results == 1:
            return f"1 result set{f' of {rows}' if rows else ''}"
        return count(self.results, "result set") + (f" (the last of {rows})" if rows else "")

    def extent(self) -> str:
        """Return the numbers of tables and schemas that were touched."""
        return f"{count(len(self.tables), 'table')} in {count(len(self.schemas), 'schema')}"

    def remarks(self) -> list[str]:
        """Return further notes for the user, a line each, the most important first."""
        lines = [str(error) for error in self.errors[:MOST_ERRORS]]
        if len(self.errors) > MOST_ERRORS:
            lines.append(f"… and {count(len(self.errors) - MOST_ERRORS, 'more error')}, in .errors")
        for code, warning in sorted(self._told(), key=lambda item: item[1].is_note):
            number = f" {code}" if code != UNSHOWN else ""
            times = "once" if warning.count == 1 else f"{warning.count:,} times"
            harmless = "; nothing is lost" if code in DEPRECATIONS else ""
            step = f"; {WARNING_HINTS[code]}" if code in WARNING_HINTS else ""
            level = NOTE if warning.is_note else warning.level
            lines.append(f"{level}{number}: {warning.message} ({times}{harmless}){step}")
        for why, number_left_out in self.skipped.items():
            lines.append(f"Left out: {count(number_left_out, 'statement')} ({why})")
        if self.result is not None and not self.shows_result:
            lines.append(f"What {self.result.place} returned is in .result.")
        if self.retries:
            lines.append(f"{count(self.retries, 'connection')} lost, and re-established.")
        return [printable(line) for line in [*lines, *self.notes]]

    def __repr__(self) -> str:
        shown = self.result if self.shows_result else None
        return self._text([] if shown is None else [repr(shown)])

    def for_terminal(self) -> str:
        """Return the output of a command: with the last result set, as it returns no value."""
        from .result_views import as_text  # noqa: PLC0415 - it imports what draws tables

        self.shows_result = True
        return self._text([] if self.result is None else [as_text(self.result, is_kept=False)])

    def _text(self, rows: list[str]) -> str:
        head = f"{printable(self.source)}: {self.summary()}; {duration(self.seconds)}"
        return "\n".join(
            [
                f"<LoadReport {head}>",
                *self._table_lines(),
                *map("  {}".format, self.remarks()),
                *rows,
            ]
        )

    def _table_lines(self) -> list[str]:
        """Return a line for each of the largest tables, if there are several."""
        tables = sorted(self.tables.items(), key=lambda item: -item[1].size_bytes)
        if len(tables) < 2 or not any(table.rows for _, table in tables):
            return []
        shown = [(name, table) for name, table in tables[:LARGEST_TABLES] if table.rows]
        lines = [
            f"  {printable(name)}: {count(table.rows, 'row')}, {size(table.size_bytes)}"
            for name, table in shown
        ]
        rest = len(tables) - len(shown)
        return [*lines, f"  … {count(rest, 'smaller table')}"] if rest else lines

    def _repr_html_(self) -> str:
        from .report_html import html  # noqa: PLC0415 - it imports this module

        return html(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, shows_result=False, lacks={}, _lock=threading.Lock())


def is_note(code: str | None, level: str | None) -> bool:
    """Return whether a warning of the server is harmless for the loaded data.

    Parameters
    ----------
    code : str, optional
        The server's error number, as SHOW WARNINGS has it.
    level : str, optional
        The server's word: ``Note``, ``Warning`` or ``Error``.
    """
    return level == NOTE or int(code or 0) in DEPRECATIONS
