"""Suggest the server's own name that is most like a missing one.

The names come from information_schema, so an account's rights decide which ones there are.
"""

from __future__ import annotations

import contextlib
import difflib
import re
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

# It is only for a hint: a server that is slow to answer, or has very many names, gives none.
LIMIT_S = 3.0
LIMIT_BYTES = 4 * 1024 * 1024
MOST_NAMES = 20_000
# As difflib counts: with two letters in ten that differ, it is another name.
ALIKE = 0.75

_NO_SCHEMA = 1046
_DATABASE = 1049
_COLUMN = 1054
_ROUTINE = 1305
# The name in the server's words, by error number. Source: MySQL server error reference.
_WORDS = {
    _DATABASE: r"(?:Unknown database '|--database )(?P<name>[^'\s:]{1,64})",
    1051: r"Unknown table '(?P<schema>[^'.,]{1,64})\.(?P<name>[^',]{1,64})'",
    _COLUMN: r"Unknown column '(?:[^']{1,200}\.)?(?P<name>[^'.]{1,64})' in",
    1146: r"Table '(?P<schema>[^'.]{1,64})\.(?P<name>[^']{1,64})'",
    _ROUTINE: r"(?P<kind>PROCEDURE|FUNCTION) (?P<schema>[^.\s]{1,64})\.(?P<name>\S{1,64}) does",
}
_DEFINES = re.compile(r"\s*(?:CREATE|DROP|ALTER)\b", re.IGNORECASE)


class _Missing(NamedTuple):
    """A name that the server lacks."""

    name: str
    schema: str = ""
    kind: str = ""


def offer_nearest(
    error: StatementError,
    connect: Callable[[], pymysql.Connection[Any]],
    *,
    database: str | None = None,
    is_typed: bool = False,
) -> None:
    """Suggest, in an error's hint, the server's name that is most like the missing one.

    Parameters
    ----------
    error : StatementError
        Any; its hint stays as it is if no name is similar, or the server does not answer.
    connect : callable
        Opens a connection. It is closed afterwards.
    database : str, optional
        The schema that the script began in.
    is_typed : bool, default False
        A person wrote the statement into a cell.
    """
    if (error.errno not in _WORDS and error.errno != _NO_SCHEMA) or error.report.resumed:
        return
    quietly = contextlib.suppress(SidecarError, *pymysql_errors())
    with quietly, connect() as link, limited(link, LIMIT_S, max_bytes=LIMIT_BYTES):
        if error.errno != _NO_SCHEMA:
            _offer(error, link, database)
        elif is_typed:
            _offer_schema(error, link)


def _offer(
    error: StatementError, connection: pymysql.Connection[Any], database: str | None
) -> None:
    found = re.search(_WORDS[error.errno], error.message.partition(f"({error.sqlstate}): ")[2])
    found = found or re.search(_WORDS[error.errno], error.message)
    if found is None:
        return
    missing = _Missing(**found.groupdict())
    if error.errno == _COLUMN:
        names = _columns(error, connection, database)
    else:
        names = _names_of_its_kind(error.errno, missing, connection)
    near = nearest(missing.name, names)
    if not near and not names and missing.schema:  # MariaDB says so of a schema that it lacks, too
        near = nearest(missing.schema, _asked(connection, "schema_name", "schemata", "TRUE"))
    if near:
        error.hint = f"did you mean `{printable(near)}`? If not, {error.hint}"


def _names_of_its_kind(
    errno: int, missing: _Missing, connection: pymysql.Connection[Any]
) -> list[str]:
    """Return the server's names of the same kind as the missing one."""
    if errno == _DATABASE:
        return _asked(connection, "schema_name", "schemata", "TRUE")
    schema = _text(missing.schema)
    if errno == _ROUTINE:
        place = f"routine_schema = {schema} AND routine_type = '{missing.kind}'"
        return _asked(connection, "routine_name", "routines", place)
    return _asked(connection, "table_name", "tables", f"table_schema = {schema}")


def _columns(
    error: StatementError, connection: pymysql.Connection[Any], database: str | None
) -> list[str]:
    """Return the columns of the tables that a statement names, if we know these."""
    default = error.table.partition(".")[0] if error.table else database
    names: list[str] = []
    for schema, table in _tables(error):
        place = f"table_name = {_text(table)}"
        if schema or default:
            place += f" AND table_schema = {_text(schema or default or '')}"
        elif len(_schemas_with(connection, table)) != 1:
            continue
        names += _asked(connection, "column_name", "columns", place)
    return names


def _offer_schema(error: StatementError, connection: pymysql.Connection[Any]) -> None:
    """Name the schema that has a statement's table, where no schema was chosen."""
    tables = _tables(error)
    if _DEFINES.match(error.statement_start) or not tables:
        return
    table = tables[0][1]
    schemas = _schemas_with(connection, table)
    if len(schemas) == 1:
        schema, table = printable(schemas[0]), printable(table)
        error.hint = f"add --database {schema}, which has `{table}`, or write `{schema}`.`{table}`."


def _tables(error: StatementError) -> list[tuple[str | None, str]]:
    return read_names(tokens(error.statement_start.encode())).tables


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
    known = sorted(set(names) - {name})
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(_folded(each), each)
    wanted = _folded(name)
    # People type LabMember, lab_member, #lab_member and lab-member for the same name.
    if wanted in folded:
        return folded[wanted]
    near = difflib.get_close_matches(wanted, folded, n=1, cutoff=ALIKE)
    return folded[near[0]] if near else ""


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold()) or name
