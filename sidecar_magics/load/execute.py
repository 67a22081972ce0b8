"""Run a script on one connection, statement after statement, as the ``mysql`` client would."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import LoadStoppedError, ScriptError, StatementError
from ..script.classify import Kind, classify, reads_local_file, touches_sql_mode
from ..script.commands import COMMANDS, Effect
from ..script.splitter import ClientCommand, ScriptSyntaxError, Splitter, Statement
from ..server import pymysql_errors
from . import server_errors
from .report import TableReport, WarningReport
from .sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pymysql

    from .report import LoadReport

# Flags of a server's OK packet. Source: MySQL client/server protocol, SERVER_STATUS_flags_enum.
IN_TRANSACTION = 0x0001
NO_BACKSLASH_ESCAPES = 0x0200

CONNECTION_LOST = {0, 2006, 2013}
EXCERPT_BYTES = 120


@dataclass(frozen=True)
class LoadPolicy:
    """What a script is allowed to do to the machine that loads it.

    Parameters
    ----------
    local_infile : bool, default False
        LOAD DATA LOCAL INFILE, which sends any file that this user can read to the server.
    outside_sources : bool, default False
        ``source`` of files outside the folder of the script itself.
    """

    local_infile: bool = False
    outside_sources: bool = False


class Position(NamedTuple):
    """Where a load is."""

    source: Source
    table: str | None


class Executor:
    """One script's way into one server.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection of its own: the script's session state stays on it.
    report : LoadReport
        Filled as the load goes on, so that it is true at any moment.
    policy : LoadPolicy
        What the script may do.
    progress : callable, optional
        Called with a `Position` after each statement.
    """

    def __init__(
        self,
        connection: pymysql.Connection[Any],
        report: LoadReport,
        *,
        policy: LoadPolicy,
        progress: Callable[[Position], None] | None = None,
    ) -> None:
        self.connection = connection
        self.report = report
        self.policy = policy
        self.progress = progress
        self._schema: str | None = None
        self._sandboxed = False
        self._delimiter = b";"
        self._ansi_quotes = False
        self._ended = False
        self._max_packet_bytes = 0
        self._top: Source | None = None

    def run(self, source: Source, *, database: str | None = None) -> None:
        """Run the whole script; what was done is in the report, also after an error.

        Parameters
        ----------
        source : Source
            The script.
        database : str, optional
            Schema to work in until the script says otherwise.

        Raises
        ------
        ScriptError
            The script is broken, or asks for something that is refused.
        StatementError
            The server refused a statement.
        LoadStoppedError
            The connection was lost.
        """
        self._max_packet_bytes = int(self._ask("SELECT @@max_allowed_packet"))
        self._schema = self._ask("SELECT DATABASE()")
        self._follow_sql_mode()
        self._top = source
        self._run(source, opened=[])
        if self.connection.server_status & IN_TRANSACTION:
            self.report.notes.append(
                "The script ended inside a transaction; what it did not commit is rolled back."
            )

    def _run(self, source: Source, opened: list[Path]) -> None:
        splitter = Splitter(delimiter=self._delimiter)
        place = _Place(source, opened)
        for item in self._items(source, splitter):
            if isinstance(item, Statement):
                self._execute(item, place)
            else:
                self._command(item, place)
            self._delimiter = splitter.delimiter
            if self._ended:
                return
            self._set_quoting(splitter)

    def _items(self, source: Source, splitter: Splitter) -> Iterator[Statement | ClientCommand]:
        self._set_quoting(splitter)
        try:
            for chunk in source.chunks():
                self.report.script_bytes += len(chunk)
                yield from splitter.feed(chunk)
            yield from splitter.finish()
        except ScriptSyntaxError as error:
            place = f"{source.name}:{error.line + source.first_line - 1}:{error.column}"
            raise ScriptError(f"{place}: {error.message}", details=[self.report.so_far()]) from None

    def _set_quoting(self, splitter: Splitter) -> None:
        status = self.connection.server_status
        splitter.no_backslash_escapes = bool(status & NO_BACKSLASH_ESCAPES)
        splitter.ansi_quotes = self._ansi_quotes

    def _execute(self, statement: Statement, place: _Place) -> None:
        sql = statement.sql
        if reads_local_file(sql) and not self.policy.local_infile:
            what = "LOAD DATA LOCAL INFILE would send a file of this machine to the server"
            hint = "allow it with --allow-local-infile if you trust the script."
            raise self._refused(what, statement, place, hint)
        about = classify(sql)
        table = about.table and f"{about.schema or self._schema or '?'}.{about.table}"
        rows = self._send(sql, statement, place, table)
        if about.kind is Kind.USE:
            self._schema = about.schema
        self._count(about.kind, table, rows)
        if touches_sql_mode(sql):
            self._follow_sql_mode()
        if self.progress is not None:
            self.progress(Position(place.source, table))

    def _count(self, kind: Kind, table: str | None, rows: int) -> None:
        changed = rows if kind is Kind.DATA else 0
        self.report.statements += 1
        self.report.rows += changed
        if table is not None:
            tally = self.report.tables.setdefault(table, TableReport())
            tally.statements += 1
            tally.rows += changed

    def _command(self, command: ClientCommand, place: _Place) -> None:
        effect = COMMANDS[command.name].effect
        if effect is Effect.USE:
            name = command.argument
            self._send(b"USE `" + name.replace(b"`", b"``") + b"`", command, place)
            self._schema = name.decode("utf-8", "replace")
            self.report.statements += 1
        elif effect is Effect.CHARSET:
            self._send(b"SET NAMES " + command.argument, command, place)
        elif effect is Effect.SOURCE:
            self._source(command, place)
        elif command.name == "sandbox":
            self._sandboxed = True
        elif effect is Effect.END:
            self._ended = True
        elif effect in (Effect.REFUSE, Effect.RESET_CONNECTION):
            what = f"the client command {command.name!r} is not carried out here"
            raise self._refused(what, command, place, "remove it from the script.")

    def _source(self, command: ClientCommand, place: _Place) -> None:
        wanted = Path(os.fsdecode(command.argument)).expanduser()
        path = (place.source.folder / wanted).resolve()
        home = (self._top or place.source).folder
        if self._sandboxed:
            what = "the script forbids itself to read files (MariaDB's sandbox mode), and reads one"
            raise self._refused(what, command, place, "remove the sandbox line if you trust it.")
        if home not in path.parents and not self.policy.outside_sources:
            what = f"{str(wanted)!r} lies outside the script's own folder {home}"
            hint = "allow it with --allow-outside-source if you trust the script."
            raise self._refused(what, command, place, hint)
        if path in place.opened:
            raise self._refused(f"{str(wanted)!r} sources itself", command, place, "")
        inner = Source.from_file(path)
        try:
            self._run(inner, [*place.opened, path])
        finally:
            inner.close()

    def _send(
        self, sql: bytes, item: Statement | ClientCommand, place: _Place, table: str | None = None
    ) -> int:
        """Send one statement, throw away the rows it returns, and return how many it changed."""
        if len(sql) >= self._max_packet_bytes:
            # The server would answer by closing the connection; tell before that.
            what = f"is larger than its max_allowed_packet ({self._max_packet_bytes:,} bytes)"
            error = (1153, f"this statement of {len(sql):,} bytes {what}")
            raise self._statement_error(error, "08S01", sql, item, place, table)
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - not loaded before it is used

        cursor = self.connection.cursor(SSCursor)
        try:
            cursor.execute(sql)  # bytes pass through PyMySQL untouched
            changed = cursor.rowcount if cursor.description is None else 0
            cursor.close()
            if cursor.warning_count:
                self._collect_warnings()
        except pymysql_errors() as error:
            raise self._failure(error, sql, item, place, table) from None
        return max(changed, 0)

    def _collect_warnings(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW WARNINGS")
            for level, code, message in cursor.fetchall():
                self.report.warnings.setdefault(code, WarningReport(level, message)).count += 1

    def _follow_sql_mode(self) -> None:
        self._ansi_quotes = "ANSI_QUOTES" in self._ask("SELECT @@sql_mode")

    def _ask(self, sql: str) -> Any:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    # Errors ------------------------------------------------------------------------------------

    def _refused(
        self, what: str, item: Statement | ClientCommand, place: _Place, hint: str
    ) -> ScriptError:
        return ScriptError(
            f"{place.of(item)}: refused: {what}.", details=[self.report.so_far()], hint=hint
        )

    def _failure(
        self,
        error: Exception,
        sql: bytes,
        item: Statement | ClientCommand,
        place: _Place,
        table: str | None,
    ) -> StatementError | LoadStoppedError:
        errno = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if isinstance(error, OSError) or errno in CONNECTION_LOST:
            return LoadStoppedError(
                f"{place.of(item)}: the connection to the server was lost.",
                details=[self.report.so_far(), "Whether this statement was executed is not known."],
                hint="%mysql_wait tells whether the server is back; then load again.",
                report=self.report,
            )
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        state = getattr(error, "sqlstate", None) or self._sqlstate()
        return self._statement_error((errno, message), state, sql, item, place, table)

    def _statement_error(
        self,
        answer: tuple[int, str],
        sqlstate: str,
        sql: bytes,
        item: Statement | ClientCommand,
        place: _Place,
        table: str | None,
    ) -> StatementError:
        errno, message = answer
        start = excerpt(sql)
        about = f" (table {table})" if table else ""
        return StatementError(
            f"{place.of(item)}: error {errno} ({sqlstate}): {message}",
            details=[f"Statement{about}: {start}", self.report.so_far()],
            hint=server_errors.hint(errno, self.report.flavour),
            source=place.source.name,
            line=place.line(item),
            column=item.column,
            offset=item.offset,
            errno=errno,
            sqlstate=sqlstate,
            statement_start=start,
            table=table,
            report=self.report,
        )

    def _sqlstate(self) -> str:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE")
                cursor.execute("SELECT @sidecar_sqlstate")
                return str(cursor.fetchone()[0])
        except pymysql_errors():
            return "HY000"


class _Place(NamedTuple):
    """A script, and the files that led to it."""

    source: Source
    opened: list[Path]

    def line(self, item: Statement | ClientCommand) -> int:
        return item.line + self.source.first_line - 1

    def of(self, item: Statement | ClientCommand) -> str:
        return f"{self.source.name}:{self.line(item)}:{item.column}"


def excerpt(sql: bytes) -> str:
    """Return the beginning of a statement on one line, fit for a message."""
    text = " ".join(sql[:EXCERPT_BYTES].decode("utf-8", "backslashreplace").split())
    return text + (" …" if len(sql) > EXCERPT_BYTES else "")
