r"""Rows of one column off a connection, many at a time, without making a value of any.

The column's values hold no zero byte, and each ends with one: so a zero byte that is met while
reading on from a row's first byte is that row's end, whatever the bytes between two rows are. These
are the next packet's head: its length (3), its number (1), the value's length (1, 3 or 4).

Rows that are too long for one text (``max_allowed_packet``) are asked for again, column by column.

Source: MySQL client/server protocol, text result set.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

# So much is read before the rows are handed on: about the size of a statement.
BATCH_BYTES = 1024 * 1024
# No packet has more in one piece; the end of a longer one would not be where this looks for it.
LONGEST_ROW_BYTES = 0xFFFFFF - 64

_NULL_ROW = rb"\x01\x00\x00.\xfb"
EOF_BYTES = 9
# The end of a row and the bytes before the next one; or else, as a group, all that is left: there
# no zero byte is the end of a row.
_BORDER = re.compile(rb"(?s)\0(?:(?:%s)*.{4}(?:[^\xfb-\xff]|\xfc..|\xfd...)|(.*)\Z)" % _NULL_ROW)
# The same where no row is NULL: it takes half the time, and most tables have no others.
_BORDER_WITHOUT_NULL = re.compile(rb"(?s)\0(?:....[^\xfb-\xff]|....(?:\xfc..|\xfd...)|(.*)\Z)")
_IS_NULL = re.compile(rb"(?s)\0" + _NULL_ROW)
_END = re.compile(rb"[\0\xfb]\x05\x00\x00[\s\S]\xfe[\s\S]{4}\Z")
_END_BYTES = 10
_ERROR = re.compile(rb"[\0\xfb](?=([\s\S]{3})[\s\S](\xff[\s\S]*)\Z)")
_ERROR_BYTES = 1024


class Batch(NamedTuple):
    """Some rows.

    Attributes
    ----------
    rows : list of bytes
        Their values.
    has_null : bool
        Whether there may have been a row whose value is NULL among or beside them.
    """

    rows: list[bytes]
    has_null: bool


def read_rows(
    connection: pymysql.Connection[Any], sql: bytes, *, may_be_null: bool = True
) -> Iterator[Batch]:
    """Ask for rows of one column, and yield them in batches whose borders depend on them alone.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection that nothing is under way on. If the iterator is not used up it is of no more
        use.
    sql : bytes
        The question. Each value ends with a zero byte, has no other, and is no longer than
        `LONGEST_ROW_BYTES`; or it is NULL, and left out.
    may_be_null : bool, default True
        Whether a value can be NULL at all.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server refused, the connection was lost, or there is a NULL that cannot be.
    """
    connection.query(sql, unbuffered=True)
    result = connection._result
    try:
        # The answer's rows are read past PyMySQL, off the file that it reads from.
        yield from batches(connection._rfile, may_be_null=may_be_null)
    finally:
        result.unbuffered_active, result.connection = False, None


def batches(file: Any, *, may_be_null: bool) -> Iterator[Batch]:
    """Yield the rows that a file has, up to the end of an answer, as `read_rows` does.

    Parameters
    ----------
    file : binary file
        Its `read1` returns what a server sends after the columns.
    may_be_null : bool
        Whether a value can be NULL at all.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server ended with an error, the connection was lost, or there is a NULL that cannot be.
    """
    border = _BORDER if may_be_null else _BORDER_WITHOUT_NULL
    held, has_begun = b"\0", False  # as if a row had ended, which is none
    wanted = BATCH_BYTES
    is_last = has_null = False
    while not is_last:
        held, is_last = filled(file, held, wanted)
        if may_be_null:
            has_null = has_null or bool(_IS_NULL.search(held))
        rows, held = _split(border, held)
        if is_last:
            row, _, end = held.partition(b"\0")
            if len(end) != EOF_BYTES and not has_null:
                raise unreadable()
            rows.append(row)
        if rows and not has_begun:
            del rows[0]
            has_begun = True
        if rows or is_last:
            yield Batch(rows, has_null)
            wanted, has_null = BATCH_BYTES, False
        else:
            wanted = 2 * max(wanted, len(held))  # one row is longer


def _split(border: re.Pattern[bytes], held: bytes) -> tuple[list[bytes], bytes]:
    """Return the rows that are followed by another one's beginning, and the remaining bytes."""
    pieces = border.split(held)
    rows, rest = pieces[::2], b""
    if len(pieces) > 1 and pieces[-2] is not None:  # a row has ended, and it is not yet the next
        del rows[-1]
        rest = b"\0" + pieces[-2]
    last = rows.pop()
    return rows, last + rest


def filled(file: Any, held: bytes, wanted: int) -> tuple[bytes, bool]:
    """Read until there are so many bytes, or the end has come.

    Parameters
    ----------
    file : binary file
        As for `batches`.
    held : bytes
        What was read before, from a row's end on.
    wanted : int
        How many bytes to have at least.

    Returns
    -------
    held : bytes
        What was held, and what came.
    is_last : bool
        Whether the answer ends with it.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server ended with an error, or the connection was lost.
    """
    parts, size, tail = [held], len(held), held[-_ERROR_BYTES:]
    while True:
        if _END.search(tail[-_END_BYTES:]):
            return b"".join(parts), True
        if size >= wanted:
            return b"".join(parts), False
        _check_error(tail)
        piece = file.read1(wanted - size)
        if not piece:
            raise _lost()
        parts.append(piece)
        size += len(piece)
        tail = (tail + piece[-_ERROR_BYTES:])[-_ERROR_BYTES:]


def _check_error(tail: bytes) -> None:
    """Raise the error that the server ended its answer with, if it did."""
    if b"\xff" not in tail:
        return
    for match in _ERROR.finditer(tail):
        if int.from_bytes(match[1], "little") == len(match[2]):
            _raise(match[2])


def _raise(packet: bytes) -> None:
    import pymysql  # noqa: PLC0415 - nothing is imported before it is used

    if len(packet) >= struct.calcsize("<BH"):
        pymysql.err.raise_mysql_exception(packet)


def unreadable() -> Exception:
    """Return the error for an answer that is not what was asked for."""
    import pymysql  # noqa: PLC0415

    error: Exception = pymysql.err.OperationalError(2027, "Malformed packet")
    return error


def _lost() -> Exception:
    import pymysql  # noqa: PLC0415

    error: Exception = pymysql.err.OperationalError(2013, "Lost connection during query")
    return error
