"""Run a script on one connection, statement after statement, as the ``mysql`` client would."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import printable
from ..script.classify import Kind, classify, reads_local_file, touches_sql_mode
from ..script.commands import Effect, effect_of
from ..script.splitter import ClientCommand, ScriptSyntaxError, Splitter, Statement
from ..server import pymysql_errors, send
from . import failures
from .failures import Step
from .report import TableReport, WarningReport
from .sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pymysql

    from ..script.splitter import Item
    from ..sidecar import Sidecar
    from .report import LoadReport

# Flags of a server's OK packet. Source: MySQL client/server protocol, SERVER_STATUS_flags_enum.
IN_TRANSACTION = 0x0001
NO_BACKSLASH_ESCAPES = 0x0200

# MySQL has had strings in dollar quotes since 9.0; MariaDB has none.
DOLLAR_QUOTES_SINCE = 9


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
    """Where a load is: how far its source has been read, and the table that was worked on."""

    source: Source
    table: str | None


class Executor:
    """One script's way into one server.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection of its own: the script's session state stays on it.
    sidecar : Sidecar
        The server, as it described itself.
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
        sidecar: Sidecar,
        report: LoadReport,
        *,
        policy: LoadPolicy,
        progress: Callable[[Position], None] | None = None,
    ) -> None:
        self._connection = connection
        self._report = report
        self._policy = policy
        self._progress = progress
        major = sidecar.version.partition(".")[0]
        self._dollar_quotes = (
            sidecar.flavour == "mysql" and major.isdigit() and int(major) >= DOLLAR_QUOTES_SINCE
        )
        # Our own questions are answered in the script's character set: taken as bytes, they can't
        # be misread.
        connection.use_unicode = False
        connection.decoders = {}
        self._max_packet_bytes = int(self._ask("SELECT @@max_allowed_packet"))
        self._ansi_quotes = False
        self._schema: str | None = None
        self._delimiter = b";"
        self._opened: list[Source] = []
        self._sandboxed = False
        self._ended = False

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
        if database is not None:
            name = database.encode()
            self._use(name, Step(ClientCommand("use", name, 1, 1, 0, 0), source))
        self._follow_sql_mode()
        self._run(source)
        if self._report.in_transaction:
            self._report.notes.append(
                "The script ended inside a transaction; what it did not commit is rolled back."
            )

    def _run(self, source: Source) -> None:
        self._opened.append(source)
        splitter = Splitter(delimiter=self._delimiter, dollar_quotes=self._dollar_quotes)
        for item in self._items(source, splitter):
            # Before the item acts: a script that it sources begins with this delimiter.
            self._delimiter = splitter.delimiter
            if isinstance(item, Statement):
                self._execute(item, source)
            else:
                self._obey(item, source)
            if self._ended:
                break  # this script; the one that sources it goes on, as with the client
            # And the other way round: what follows is read as that script left things.
            splitter.delimiter = self._delimiter
            self._set_quoting(splitter)
        self._ended = False
        self._opened.pop()

    def _items(self, source: Source, splitter: Splitter) -> Iterator[Item]:
        self._set_quoting(splitter)
        try:
            for chunk in source.chunks():
                self._report.script_bytes += len(chunk)
                yield from splitter.feed(chunk)
            yield from splitter.finish()
        except ScriptSyntaxError as error:
            raise failures.syntax_error(error, source, self._report) from None

    def _set_quoting(self, splitter: Splitter) -> None:
        """Read on as the session's sql_mode has it; each answer of the server tells the half."""
        status = self._connection.server_status
        splitter.no_backslash_escapes = bool(status & NO_BACKSLASH_ESCAPES)
        splitter.ansi_quotes = self._ansi_quotes

    # Statements --------------------------------------------------------------------------------

    def _execute(self, statement: Statement, source: Source) -> None:
        sql = statement.sql
        about = classify(sql)
        table = about.table and f"{about.schema or self._schema or '?'}.{about.table}"
        step = Step(statement, source, sql, table)
        if reads_local_file(sql) and not self._policy.local_infile:
            what = "LOAD DATA LOCAL INFILE would send a file of this machine to the server"
            hint = "allow it with --allow-local-infile if you trust the script."
            raise failures.refused(step, what, self._report, hint)
        changed = self._send(step)
        self._count(about.kind, table, changed)
        if about.kind is Kind.USE:
            self._schema = about.schema
        if touches_sql_mode(sql):
            self._follow_sql_mode()
        if self._progress is not None:
            self._progress(Position(self._opened[0], table))

    def _send(self, step: Step) -> int:
        """Send one statement, and return how many rows it changed."""
        if len(step.sql) + 1 >= self._max_packet_bytes:  # a packet has a byte for the command
            raise failures.too_large(step, self._max_packet_bytes, self._report)
        try:
            outcome = send(self._connection, step.sql)
            if outcome.warnings:
                self._collect_warnings()
        except pymysql_errors() as error:
            raise self._failure(error, step) from None
        except RuntimeError:
            # PyMySQL: the server wants a file of this machine, though it was told that it can't.
            what = "the server asked for a file of this machine"
            raise failures.refused(step, what, self._report) from None
        self._report.in_transaction = bool(self._connection.server_status & IN_TRANSACTION)
        return outcome.changed

    def _failure(self, error: Exception, step: Step) -> Exception:
        errno = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if isinstance(error, OSError) or errno in failures.CONNECTION_LOST:
            return failures.stopped(step, self._report)
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        sqlstate = getattr(error, "sqlstate", None) or self._sqlstate()
        return failures.failed(step, errno, sqlstate, message, self._report)

    def _sqlstate(self) -> str:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        try:
            self._ask("GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE")
            return self._ask("SELECT @sidecar_sqlstate")
        except pymysql_errors():
            return "HY000"

    def _count(self, kind: Kind, table: str | None, changed: int) -> None:
        rows = changed if kind is Kind.DATA else 0
        self._report.statements += 1
        self._report.rows += rows
        if table is not None:
            tally = self._report.tables.setdefault(table, TableReport())
            tally.statements += 1
            tally.rows += rows

    def _collect_warnings(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW WARNINGS")
            for level, code, message in cursor.fetchall():
                warning = WarningReport(_text(level), printable(_text(message)))
                self._report.warnings.setdefault(int(_text(code)), warning).count += 1

    def _follow_sql_mode(self) -> None:
        self._ansi_quotes = "ANSI_QUOTES" in self._ask("SELECT @@sql_mode")

    def _ask(self, sql: str) -> str:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            return _text(row[0]) if row else ""

    # The client's own commands -----------------------------------------------------------------

    def _obey(self, command: ClientCommand, source: Source) -> None:
        name, argument = command.name, command.argument
        step = Step(command, source)
        effect = effect_of(name)
        if effect is Effect.USE:
            self._use(argument, step)
            self._report.statements += 1
        elif effect is Effect.CHARSET:
            self._send(step._replace(sql=b"SET NAMES " + argument))
        elif effect is Effect.SOURCE:
            self._source(step, os.fsdecode(argument))
        elif effect is Effect.END:
            self._ended = True
        elif effect is Effect.SANDBOX:
            self._sandboxed = True
        elif effect in (Effect.REFUSE, Effect.RESET_CONNECTION):
            what = f"the client command {name!r} is not carried out"
            hint = "remove it from the script if it is not needed."
            raise failures.refused(step, what, self._report, hint)

    def _use(self, schema: bytes, step: Step) -> None:
        self._send(step._replace(sql=b"USE `" + schema.replace(b"`", b"``") + b"`"))
        self._schema = schema.decode("utf-8", "replace")

    def _source(self, step: Step, wanted: str) -> None:
        """Run another script at this place: relative to the one that names it, as a reader expects.

        The client takes the folder that it was started in; no dump can know that.
        """
        if self._sandboxed:
            what = "the script's first line forbids it to read files (MariaDB's sandbox mode)"
            raise failures.refused(step, what, self._report, "remove that line if you trust it.")
        try:
            path = (step.source.folder / Path(wanted).expanduser()).resolve()
        except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
            what = f"{wanted!r} is no path ({error})"
            raise failures.refused(step, what, self._report) from None
        home = self._opened[0].folder
        if home not in path.parents and not self._policy.outside_sources:
            what = f"{wanted!r} lies outside the script's own folder, {home}"
            hint = "allow it with --allow-outside-source if you trust the script."
            raise failures.refused(step, what, self._report, hint)
        if any(path == source.path for source in self._opened):
            what = f"{wanted!r} is being loaded already: it sources itself"
            raise failures.refused(step, what, self._report)
        inner = Source.from_file(path, wanted_at=step.place)
        try:
            self._run(inner)
        finally:
            inner.close()


def _text(value: object) -> str:
    """Return an answer to a question of ours: ASCII, in whatever character set it came."""
    if isinstance(value, bytes):
        # ucs2, utf16 and utf32 put zeros between the letters.
        return value.replace(b"\0", b"").decode("utf-8", "replace")
    return str(value)
