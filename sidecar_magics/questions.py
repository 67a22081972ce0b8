"""Our own questions to a server; an answer is checked before anything relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .protocol import CR_MALFORMED
from .server import pymysql_errors

if TYPE_CHECKING:
    import pymysql

QUESTION_SHOWN = 60


def ask(
    connection: pymysql.Connection[Any], sql: str, columns: int
) -> list[tuple[str | None, ...]]:
    """Ask a question of our own, and return its rows as text.

    It has no limit of its own: see `limits.limited`.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection that nothing is under way on, in any character set.
    sql : str
        The question, in ASCII.
    columns : int
        How many cells of a row are wanted; what a server has beyond them is left out.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server refused, or the connection was lost; 2027 if the answer does not fit.
    """
    import pymysql  # noqa: PLC0415

    try:
        with connection.cursor(pymysql.cursors.Cursor) as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
    except pymysql_errors():
        raise
    except Exception as error:  # PyMySQL stumbles over a malformed answer
        connection._force_close()
        raise _no_answer(sql, type(error).__name__) from None
    if cursor.description is None or len(cursor.description) < columns:
        raise _no_answer(sql, "no rows" if cursor.description is None else "too few columns")
    return [
        tuple(None if cell is None else as_text(cell) for cell in row[:columns]) for row in rows
    ]


def as_text(value: object) -> str:
    """Return a cell as text; ASCII is right in every character set."""
    if isinstance(value, (bytes, bytearray)):
        # ucs2, utf16 and utf32 put zeros between the letters.
        return bytes(value).replace(b"\0", b"").decode("utf-8", "replace")
    return str(value)


def _no_answer(sql: str, what: str) -> Exception:
    import pymysql  # noqa: PLC0415

    question = sql if len(sql) <= QUESTION_SHOWN else f"{sql[: QUESTION_SHOWN - 1]}…"
    message = f"the server's answer does not fit {question} ({what})"
    error: Exception = pymysql.err.OperationalError(CR_MALFORMED, message)
    return error
