"""Suggest the server's own name that is most like a missing one.

The names come from information_schema, so an account's rights decide which ones there are.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import SidecarError, printable
from ...limits import limited
from ...questions import ask
from ...schemas import JOURNAL_SCHEMA, SYSTEM_SCHEMAS
from ...script.names import read_names
from ...script.tokens import tokens
from ...server import pymysql_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pymysql

    from ...errors import StatementError
    from .report import LoadReport

# It is only for a hint: a server that is slow to answer, or has very many names, gives none.
LIMIT_S = 3.0
LIMIT_BYTES = 4 * 1024 * 1024
MOST_NAMES = 20_000
# With --force a load may meet a million errors; the first of them are shown.
MOST_LACKS = 64
# Of a statement, the beginning that is looked at for the tables that it names.
HEAD_BYTES = 4096
# As difflib counts: with two letters in ten that differ, it is another name.
ALIKE = 0.75

_NO_SCHEMA = 1046
_DATABASE = 1049
_COLUMN = 1054
_ROUTINE = 1305
# What the server's words name, by the number of its error. Source: MySQL server error reference.
_WORDS = {
    _DATABASE: r"Unknown database '(?P<name>[^']{1,64})'",
    1051: r"Unknown table '(?P<schema>[^'.,]{1,64})\.(?P<name>[^',]{1,64})'",
    _COLUMN: r"Unknown column '(?:[^']{1,200}\.)?(?P<name>[^'.]{1,64})' in",
    1146: r"Table '(?P<schema>[^'.]{1,64})\.(?P<name>[^']{1,64})'",
    _ROUTINE: r"(?P<kind>PROCEDURE|FUNCTION) (?P<schema>[^.\s]{1,64})\.(?P<name>\S{1,64}) does",
}
_DEFINES = re.compile(rb"\s*(?:CREATE|DROP|ALTER)\b", re.IGNORECASE)


class Lack(NamedTuple):
    """What a server lacks, in its own words, and the statement that asked for it.

    Both are as they stand there, so a `Lack` is never shown: a word in double quotes may be a
    password, and the "unknown column" of an error.
    """

    errno: int
    name: str
    schema: str
    kind: str
    tables: tuple[tuple[str | None, str], ...]
    default: str  # the schema that the statement was executed in, as far as it is known
    defines: bool


def read_lack(errno: int, message: str, sql: bytes, table: str | None) -> Lack | None:
    """Return what a server lacks; None where an error is about nothing of the kind.

    Parameters
    ----------
    errno : int
        The error's number.
    message : str
        The server's words.
    sql : bytes
        The statement.
    table : str, optional
        ``schema.table`` that it is about, where that is known.
    """
    found = re.search(_WORDS[errno], message) if errno in _WORDS else None
    if found is None and errno != _NO_SCHEMA:
        return None
    words = {} if found is None else found.groupdict()
    head = sql[:HEAD_BYTES]
    return Lack(
        errno=errno,
        name=words.get("name", ""),
        schema=words.get("schema", ""),
        kind=words.get("kind", ""),
        tables=tuple(read_names(tokens(head)).tables),
        default=(table or "").partition(".")[0] if "." in (table or "") else "",
        defines=_DEFINES.match(head) is not None,
    )


def offer_nearest(
    report: LoadReport,
    connect: Callable[[], pymysql.Connection[Any]],
    *,
    error: StatementError | None = None,
    database: str | None = None,
) -> None:
    """Ask, after an error, whether the name was meant that is most like the one a server lacks.

    The hints of `error`, and of those errors in the report that are shown, get the question; they
    stay as they are where no name is like it, or the server does not answer.

    Parameters
    ----------
    report : LoadReport
        Of the load that has ended.
    connect : callable
        Opens a connection. It is closed afterwards.
    error : StatementError, optional
        What the load ended with.
    database : str, optional
        The schema that the script began in.
    """
    lacks, report.lacks = report.lacks, {}
    if not lacks or report.resumed or not (error or report.errors):
        return
    quietly = contextlib.suppress(SidecarError, *pymysql_errors())
    with quietly, connect() as link, limited(link, LIMIT_S, max_bytes=LIMIT_BYTES):
        if error is not None and error.place in lacks:
            lack = lacks[error.place]
            question = _question(lack, link, database, is_typed=report.shows_result)
            if question and lack.errno == _NO_SCHEMA:
                error.hint = question
            elif question:
                error.hint = f"{question} If not, {error.hint}"
        for at, refused in enumerate(report.errors):
            if refused.place in lacks:
                lack = lacks[refused.place]
                question = _question(lack, link, database, is_typed=report.shows_result)
                report.errors[at] = replace(refused, hint=question)


def _question(
    lack: Lack, connection: pymysql.Connection[Any], database: str | None, *, is_typed: bool
) -> str:
    """Return a question after the name that was meant; empty where there is none like it."""
    if lack.errno == _NO_SCHEMA:
        return _schema_for(lack, connection) if is_typed else ""
    if lack.errno == _COLUMN:
        names = _columns(lack, connection, database)
    else:
        names = _names_of_its_kind(lack, connection)
    near = nearest(lack.name, names)
    if not near and not names and lack.schema:  # MariaDB says so of a schema that it lacks, too
        near = nearest(lack.schema, _asked(connection, "schema_name", "schemata", "TRUE"))
    return f"did you mean `{printable(near)}`?" if near else ""


def _names_of_its_kind(lack: Lack, connection: pymysql.Connection[Any]) -> list[str]:
    """Return the server's names of the same kind as the missing one."""
    if lack.errno == _DATABASE:
        return _asked(connection, "schema_name", "schemata", "TRUE")
    schema = _text(lack.schema)
    if lack.errno == _ROUTINE:
        place = f"routine_schema = {schema} AND routine_type = '{lack.kind}'"
        return _asked(connection, "routine_name", "routines", place)
    return _asked(connection, "table_name", "tables", f"table_schema = {schema}")


def _columns(lack: Lack, connection: pymysql.Connection[Any], database: str | None) -> list[str]:
    """Return the columns of the tables that a statement names, if it is known which those are."""
    names: list[str] = []
    for schema, table in lack.tables:
        where = schema or lack.default or database
        place = f"table_name = {_text(table)}"
        if where:
            place += f" AND table_schema = {_text(where)}"
        elif len(_schemas_with(connection, table)) != 1:
            continue
        names += _asked(connection, "column_name", "columns", place)
    return names


def _schema_for(lack: Lack, connection: pymysql.Connection[Any]) -> str:
    """Return what to add for a statement's table, where no schema was chosen and one has it."""
    if lack.defines or not lack.tables:
        return ""
    table = lack.tables[0][1]
    schemas = _schemas_with(connection, table)
    if len(schemas) != 1:
        return ""
    schema, table = printable(schemas[0]), printable(table)
    return f"add --database {schema}, which has `{table}`, or write `{schema}`.`{table}`."


def _schemas_with(connection: pymysql.Connection[Any], table: str) -> list[str]:
    schemas = _asked(connection, "table_schema", "tables", f"table_name = {_text(table)}")
    return [name for name in schemas if name.lower() not in {*SYSTEM_SCHEMAS, JOURNAL_SCHEMA}]


def _asked(connection: pymysql.Connection[Any], column: str, view: str, place: str) -> list[str]:
    """Return the names in a column of a view of information_schema."""
    rows = ask(
        connection,
        f"SELECT HEX(CONVERT({column} USING utf8mb4)) FROM information_schema.{view}"
        f" WHERE {place} LIMIT {MOST_NAMES}",
        1,
    )
    return [bytes.fromhex(name).decode("utf-8", "replace") for (name,) in rows if name]


def _text(name: str) -> str:
    # A number in hexadecimal: no quotes, so sql_mode does not matter.
    return f"CONVERT(x'{name.encode().hex()}' USING utf8mb4)"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name that is most like another one; empty if none is.

    Parameters
    ----------
    name : str
        The missing one.
    names : iterable of str
        The server's.
    """
    known = sorted(set(names))
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(_folded(each), each)
    wanted = _folded(name)
    if name in known:  # by now; or the cause is another one
        return ""
    # People type LabMember, lab_member, #lab_member and lab-member for the same name.
    if wanted in folded:
        return folded[wanted]
    near = difflib.get_close_matches(wanted, folded, n=1, cutoff=ALIKE)
    return folded[near[0]] if near else ""


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold()) or name
