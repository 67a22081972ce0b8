"""Errors that end a load: each with its place in the script, and the work done before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import LoadStoppedError, ScriptError, SidecarError, StatementError, printable
from ...script.disclosure import CUT, shown
from ...script.versioned import version_number
from .nearest import MOST_LACKS, read_lack
from .server_errors import Refusal, hint_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...script.splitter import ScriptSyntaxError
    from ..planning.tasks import Step
    from ..sources.source import Source
    from .report import LoadReport

# PyMySQL's own numbers for a connection that is gone; 0 is a connection that is closed already.
CONNECTION_LOST = {0, 2006, 2013}
PACKET_TOO_LARGE = 1153
NO_SUCH_SCHEMA = 1049
# A schema or a table. Source: MySQL server error reference.
NOT_THERE = {NO_SUCH_SCHEMA, 1146}
# Errors whose words quote names and nothing else of a statement.
_QUOTES_NAMES = {1007, 1008, 1049, 1050, 1051, 1146, 1304, 1305, 1347, 1359, 1360, 1537, 1539}
# Errors whose words are the server's own up to the first quote.
_OWN_WORDS = {1044, 1045, 1046, 1064, 1071, 1118, 1133, 1142, 1153, 1193, 1227, 1231, 1235, 1270}
_OWN_WORDS |= {1287, 1290, 1295, 1396, 1410, 1418, 1419, 1470, 1524, 1525, 1531, 1681, 1819}
_OWN_WORDS |= {3009, 3619, 3955}
_NOT_SHOWN = "the server's words are not shown, since they may quote a secret"
_LINE = re.compile(r" at line [0-9]+\Z")


def syntax_error(error: ScriptSyntaxError, source: Source, report: LoadReport) -> ScriptError:
    """Return the error for a script that cannot be split."""
    place = f"{source.name}:{error.line + source.first_line - 1}:{error.column}"
    return ScriptError(f"{place}: {error.message}.", details=[report.so_far()], hint=error.hint)


def refused(step: Step, what: str, report: LoadReport, hint: str = "") -> ScriptError:
    """Return the error for a step that is refused."""
    return ScriptError(f"{step.place}: refused: {what}.", details=[report.so_far()], hint=hint)


def stopped(step: Step, report: LoadReport) -> LoadStoppedError:
    """Return the error for a connection that was lost while a statement was under way."""
    return LoadStoppedError(
        f"{step.place}: the connection to the server was lost.",
        details=[
            report.so_far(),
            f"Whether this statement was executed is not known: {excerpt(step.sql, step.table)}",
        ],
        hint="run %mysql_wait until the server answers, then load again with --resume.",
        report=report,
    )


def brought_up_to_date(error: SidecarError, report: LoadReport) -> SidecarError:
    """Return an error with the work done by now, not when a lane met it."""
    error.details = tuple(
        report.so_far() if detail.startswith(report.SO_FAR) else detail for detail in error.details
    )
    return error


def in_doubt(step: Step, report: LoadReport, *, onwards: bool = False) -> ScriptError:
    """Return the error for a load that stopped at a statement that may be done or not.

    Parameters
    ----------
    step : Step
        The first such statement.
    report : LoadReport
        Counts finished work.
    onwards : bool, default False
        Nothing is known of the statements after it either.
    """
    rest = ", nor how many of those after it" if onwards else ""
    return ScriptError(
        f"{step.place}: whether this statement was executed cannot be known{rest}, so the load "
        "cannot be resumed here.",
        details=[f"Statement: {excerpt(step.sql, step.table)}", report.so_far()],
        hint="load from the beginning, without --resume and --once.",
    )


def changed(place: str, report: LoadReport) -> ScriptError:
    """Return the error for a script that has changed since the load that it resumes."""
    return ScriptError(
        f"{place}: the script has changed since a part of it was loaded.",
        details=[report.so_far()],
        hint="load it from the beginning, without --resume and --once.",
    )


def still_there(report: LoadReport) -> LoadStoppedError:
    """Return the error for a server that still has an earlier load's connection."""
    return LoadStoppedError(
        f"{report.source}: the server is still rolling back an earlier load.",
        hint="load again with --resume in a minute.",
        report=report,
    )


def new_server(step: Step, report: LoadReport) -> LoadStoppedError:
    """Return the error for a server that came back without its data."""
    return LoadStoppedError(
        f"{step.place}: the server was recreated during the load; its data is gone.",
        details=[report.so_far()],
        hint="load again from the beginning, without --resume and --once.",
        report=report,
    )


def too_large(step: Step, limit_bytes: int, report: LoadReport) -> StatementError:
    """Return the error for a statement that the server would answer by hanging up."""
    message = (
        f"the statement has {len(step.sql):,} bytes, and the server takes fewer than "
        f"{limit_bytes:,} (max_allowed_packet)"
    )
    return failed(step, PACKET_TOO_LARGE, "08S01", message, report)


def failed(
    step: Step, errno: int, sqlstate: str, message: str, report: LoadReport
) -> StatementError:
    """Return the error for a statement that the server refused."""
    start = printable(shown(step.sql, step.table).text)
    if len(report.lacks) < MOST_LACKS:
        lack = read_lack(errno, message, step.sql, step.table)
        if lack is not None:
            report.lacks[step.place] = lack
    if errno == NO_SUCH_SCHEMA and step.is_ours:  # the schema of --database
        schema = printable(step.sql[len(b"USE ") :].decode("utf-8", "replace").strip("`"))
        sentence = f"--database {schema}: the server has no schema of that name."
        details = [report.so_far()]
        hint = (
            f"create it, `CREATE DATABASE {schema}` in a cell below %%mysql_load; or check the "
            "name: `SHOW DATABASES`."
        )
    else:
        about = f" (table {step.table})" if step.table else ""
        words = server_words(step, errno, message)
        sentence = f"{step.place}: error {errno} ({sqlstate}): {words}"
        details = [f"Statement{about}: {start}", report.so_far()]
        hint = _hint(step, errno, message, report)
    return StatementError(
        sentence,
        details=details,
        hint=hint,
        source=step.source.name,
        line=step.line,
        column=step.item.column,
        offset=step.item.offset,
        errno=errno,
        sqlstate=sqlstate,
        statement_start=start,
        table=step.table,
        report=report,
    )


def _hint(step: Step, errno: int, message: str, report: LoadReport) -> str:
    if report.resumed and errno in NOT_THERE:
        return (
            "load from the beginning, without --resume and --once: tables of the earlier load were "
            "dropped since."
        )
    version = version_number(report.server_version)
    return hint_for(
        Refusal(
            errno,
            message,
            report.flavour,
            step.sql,
            is_foreign=step.source.is_foreign_to(report.flavour, version),
            is_typed=step.source.is_typed,
            name=step.source.name,
        )
    )


def server_words(step: Step, errno: int, message: str) -> str:
    """Return a server's words about a statement, without the secrets that they may quote."""
    is_open = shown(step.sql, step.table).is_open
    return printable(message if is_open else _without_quotes(errno, message))


def warnings(
    steps: Sequence[Step], rows: list[tuple[str | None, ...]]
) -> list[tuple[str | None, ...]]:
    """Return a server's warnings, without the secrets that they may quote.

    Parameters
    ----------
    steps : sequence of Step
        The statements that were sent.
    rows : list of tuple
        Level, number and words, as SHOW WARNINGS has them.
    """
    if all(shown(step.sql, step.table).is_open for step in steps):
        return rows
    return [
        (level, code, _without_quotes(int(code or 0), words or "")) for level, code, words in rows
    ]


def _without_quotes(errno: int, message: str) -> str:
    """Return a server's words, without the parts that may quote a statement."""
    if errno in _QUOTES_NAMES:
        return message
    if errno not in _OWN_WORDS:
        return _NOT_SHOWN
    beginning = re.split("['\"`]", message, maxsplit=1)[0]
    if beginning == message:
        return message
    line = _LINE.search(message)
    return beginning.rstrip() + CUT + (line[0] if line else "")


def excerpt(sql: bytes, table: str | None = None) -> str:
    """Return the beginning of a statement on one line, fit for a message: without a secret."""
    return printable(shown(sql, table).text)


def number(error: Exception) -> int:
    """Return a server's error number, 0 where there is none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def is_lost(error: Exception) -> bool:
    """Return whether an error means that the connection is gone."""
    return isinstance(error, OSError) or number(error) in CONNECTION_LOST
