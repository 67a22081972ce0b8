r"""Rows that LOAD DATA reads as INSERT does, as they stand: proven, or left to INSERT.

``(1,'a'),(2,NULL)`` is what an INSERT has after VALUES, and it is what

    LOAD DATA ... FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\'' ESCAPED BY '\\'
        LINES STARTING BY '(' TERMINATED BY ')'

reads, at half the cost for the server: no row is parsed as SQL. Tools write a blank or a tab after
the comma, too, and then do so everywhere: it is part of what fields are terminated by. The two do
not agree on everything:

- without quotes LOAD DATA takes whatever stands there for a text: expressions, functions, DEFAULT,
  ``0x41``, ``TRUE``, an introducer (``_latin1'a'``). Only NULL and numbers may stand there, numbers
  only in columns of numbers, and an exponent only where the column has one itself. For ENUM, SET,
  BIT, YEAR, dates and JSON a number means something else than the same digits as a text.
- in quotes, a text that is no number is an error for INSERT; LOAD DATA may give only a note.
- ``-0`` is 0 for INSERT, and minus zero for LOAD DATA in FLOAT and DOUBLE.
- ``\%``, ``\_`` and ``\N`` in quotes are other texts.
- NULL in a TIMESTAMP or AUTO_INCREMENT column that takes none may be replaced without a warning.
- bytes that are no text of the session's character set are taken as they are. (``_binary 'a'``, as
  mysqldump writes blobs, is read in the character set ``binary`` without its introducer, where all
  other columns keep UTF-8 as it is. Of ``0x41`` nothing is gained: to UNHEX it costs as much.)
- some modes read texts in another way (NO_BACKSLASH_ESCAPES, MariaDB's EMPTY_STRING_IS_NULL).

The server reports the rest: each field that does not fit, each row with too many or too few fields,
and each refused row is a warning, after which the INSERT is sent instead.

Looking costs some 3 ns a byte: one regular expression for each table, in a single pass.

Nothing is streamed that a savepoint could not take back: AUTO_INCREMENT columns take only numbers
with fewer digits than the type's limit, because no savepoint puts a counter back.

Source: Sql_cmd_load_table::read_sep_field and READ_INFO in sql/sql_load.cc (MySQL, MariaDB);
tests/integration/test_streamed_rows.py puts each type, spelling, mode and character set through
both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .layout import Form
from .patterns import past, possessive
from .tokens import quoted

if TYPE_CHECKING:
    from .layout import Column, Layout
    from .session import Session


def _text(ordinary: bytes, other: bytes) -> bytes:
    # With more of the other, it goes as INSERT: it is long, and there is little to be saved.
    run = possessive(ordinary + b"*")
    return b"'" + run + possessive(b"(?:" + other + run + b"){0,1000}") + b"'"


_TEXT = _text(rb"[^'\\]", rb"(?:''|\\[^%_N])")
_PLAIN_TEXT = _text(rb"[^']", rb"''")  # where there is no backslash; half the time
# A minus in front of nothing but zeros is another value for LOAD DATA. Literals are exact up to 65
# digits.
_MINUS = possessive(rb"(?:-(?![0.]+[,)eE']))?")
_DIGITS = possessive(rb"[0-9]{1,30}")
_FRACTION = possessive(rb"(?:\." + possessive(rb"[0-9]{0,30}") + b")?")
_EXPONENT = possessive(rb"(?:[eE][-+]?" + possessive(rb"[0-9]{1,3}") + b")?")
_BARE = {
    Form.WHOLE: _MINUS + possessive(rb"[0-9]{1,20}"),
    Form.EXACT: _MINUS + _DIGITS + _FRACTION,
    Form.REAL: _MINUS + _DIGITS + _FRACTION + _EXPONENT,
    Form.YEAR: rb"(?:(?:19|20)[0-9][0-9]|0000)",
}
_BINARY = b"_binary "
# A quote, written twice; or the end of a text, with another value or row after it, or nothing.
_MAYBE_IN_TEXT = re.compile(_BINARY + rb"'(?:'|,[ \t]?[-'0-9N_]|\)(?:,|\Z))")
# The regular expression engine keeps something for each repetition; see `patterns`.
_ROWS_AT_ONCE, _ROWS_WITH_ESCAPES_AT_ONCE = 500, 20
# Separators of values, and of rows: within a statement always the same.
_SEPARATORS = (b",", b", ", b",\t")
_BORDER = re.compile(rb",[ \t\n]{0,40}(?=\()")
_MOST_BORDERS = 20

_HARMLESS_MODES = frozenset(
    (
        "ALLOW_INVALID_DATES",
        "ANSI",
        "ANSI_QUOTES",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "HIGH_NOT_PRECEDENCE",
        "IGNORE_SPACE",
        "NO_AUTO_CREATE_USER",
        "NO_AUTO_VALUE_ON_ZERO",
        "NO_DIR_IN_CREATE",
        "NO_ENGINE_SUBSTITUTION",
        "NO_UNSIGNED_SUBTRACTION",
        "NO_ZERO_DATE",
        "NO_ZERO_IN_DATE",
        "ONLY_FULL_GROUP_BY",
        "PIPES_AS_CONCAT",
        "REAL_AS_FLOAT",
        "STRICT_ALL_TABLES",
        "STRICT_TRANS_TABLES",
        "TRADITIONAL",
    )
)
_HARMLESS_VARIABLES = frozenset(
    (
        "autocommit",
        "character_set_client",
        "character_set_results",
        "collation_connection",
        "default_storage_engine",
        "foreign_key_checks",
        "net_read_timeout",
        "net_write_timeout",
        "sql_log_bin",
        "sql_mode",
        "sql_notes",
        "sql_quote_show_create",
        "time_zone",
        "unique_checks",
        "wait_timeout",
        "lock_wait_timeout",
        "innodb_lock_wait_timeout",
    )
)
# In these, ASCII is ASCII, and no byte of a longer character is a quote or a backslash.
_ASCII_CHARSETS = frozenset({"utf8mb4", "utf8mb3", "utf8", "latin1", "ascii"})
_UTF8 = "utf8mb4"


class Reading(NamedTuple):
    """How a session reads statements.

    Attributes
    ----------
    sql_mode, client, connection : str
        Its sql_mode, and the character sets of statements and of texts in them.
    notes : bool, default True
        Whether the server reports notes.
    """

    sql_mode: str
    client: str
    connection: str
    notes: bool = True

    def within(self, session: Session) -> Reading | None:
        """Return how a script's session reads, where this is how a new one does.

        None if the session has a variable that may make a difference.
        """
        if not _HARMLESS_VARIABLES.issuperset(session.variables):
            return None
        values = []
        for name, initial in (("sql_mode", self.sql_mode), ("character_set_client", self.client)):
            is_set = name in session.variables
            value = session.text(name) if is_set else initial
            if value is None:
                return None
            values.append(value)
        connection = session.connection_charset(self.connection)
        notes = not session.is_off("sql_notes") if "sql_notes" in session.variables else self.notes
        return None if connection is None else Reading(values[0], values[1], connection, notes)

    @property
    def is_plain(self) -> bool:
        """Whether texts are read as LOAD DATA would read them, if they are ASCII."""
        modes = {mode.strip().upper() for mode in self.sql_mode.split(",")} - {""}
        return modes <= _HARMLESS_MODES and {self.client, self.connection} <= _ASCII_CHARSETS

    @property
    def is_utf8(self) -> bool:
        """Whether they may be any text in UTF-8."""
        return self.client == self.connection == _UTF8


class Target:
    """The target of rows: a table, and the columns that they have values for.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the values.
    are_listed : bool, default False
        Whether the statement lists them. Else LOAD DATA does not either: should the table have
        others by now, the server says so.
    """

    def __init__(self, columns: tuple[Column, ...], *, are_listed: bool = False) -> None:
        self._columns = columns
        self._takes_bytes = any(column.form is Form.BYTES for column in columns) and all(
            column.keeps_utf8 for column in columns
        )
        self._patterns: dict[tuple[bytes, bytes, bytes], _Rows] = {}
        self.names = b""
        if are_listed:
            self.names = b" (" + b",".join(quoted(c.name.decode("utf-8")) for c in columns) + b")"

    def file(self, sql: bytes, begins: int, *, utf8: bool) -> File | None:
        """Return the content of a file for LOAD DATA; None to send the INSERT.

        Parameters
        ----------
        sql : bytes
            The statement.
        begins : int
            Where the first row begins.
        utf8 : bool
            Whether text beyond ASCII is UTF-8 for the session.
        """
        if self._takes_bytes and utf8 and _BINARY in sql:
            return self._file_of_bytes(sql, begins)
        if not (sql.isascii() or (utf8 and _is_utf8(sql))):
            return None
        rows = self._rows(sql, begins, _TEXT if b"\\" in sql else _PLAIN_TEXT)
        if rows is None:
            return None
        return File(b"utf8mb4", memoryview(sql)[begins:], rows, sql, begins)

    def _file_of_bytes(self, sql: bytes, begins: int) -> File | None:
        """Return rows without the introducers of their bytes.

        One that stands in a text is followed by that text's end, or by a quote that is written
        twice; so where none is followed by that, they can all be taken away at once.
        """
        if _MAYBE_IN_TEXT.search(sql, begins):
            return None
        rows = self._rows(sql, begins, _TEXT, _BINARY + _TEXT)
        if rows is None:
            return None
        values = sql[begins:].replace(_BINARY + b"'", b"'")
        return File(b"binary", memoryview(values), rows, sql, begins)

    def _rows(self, sql: bytes, begins: int, text: bytes, of_bytes: bytes = b"") -> _Rows | None:
        """Return the patterns of a statement's rows, if they match these to the last byte."""
        for separator in _SEPARATORS:
            kind = text, of_bytes, separator
            rows = self._patterns.get(kind)
            if rows is None:
                rows = self._patterns[kind] = _Rows(self._columns, *kind)
            first = rows.one.match(sql, begins)
            if first is not None:
                return rows if rows.end(sql, first.end()) == len(sql) else None
        return None


class File(NamedTuple):
    """The rows of a statement, as a file for LOAD DATA.

    Attributes
    ----------
    charset : bytes
        Their character set.
    values : memoryview
        The bytes.
    rows : _Rows
        The patterns that they match.
    """

    charset: bytes
    values: memoryview
    rows: _Rows
    sql: bytes
    begins: int

    def is_spelled_like(self, other: File) -> bool:
        """Return whether one statement can read both."""
        return (self.charset, self.separator) == (other.charset, other.separator)

    @property
    def separator(self) -> bytes:
        """The separator of values."""
        return self.rows.separator

    def row_count(self) -> int:
        """Return how many rows there are."""
        return sum(1 for _ in self.rows.one.finditer(self.sql, self.begins))

    def opened(self) -> int:
        """Return how many parentheses open: a row is one of them, at a twentieth of the cost."""
        return self.sql.count(b"(", self.begins)

    def most_rows(self) -> int:
        """Return how many rows there are, or more, at a tenth of the cost.

        A text that looks like the border of two rows counts, too.
        """
        first = self.rows.one.match(self.sql, self.begins)
        border = first and _BORDER.match(self.sql, first.end())
        return 1 + (self.sql.count(b")" + border[0] + b"(", self.begins) if border else 0)


class _Rows:
    """The patterns of rows whose texts are spelled, and whose values are separated, in one way."""

    def __init__(
        self, columns: tuple[Column, ...], text: bytes, of_bytes: bytes, separator: bytes
    ) -> None:
        values = (
            _value(column, (column.form is Form.BYTES and of_bytes) or text) for column in columns
        )
        self.separator = separator
        self._row = rb"\(" + separator.join(values) + rb"\)"
        self.one = re.compile(self._row, re.DOTALL)
        self._at_once = _ROWS_AT_ONCE if text is _PLAIN_TEXT else _ROWS_WITH_ESCAPES_AT_ONCE
        self._more: dict[bytes, re.Pattern[bytes]] = {}

    def end(self, sql: bytes, at: int) -> int:
        """Return where the rows end of which the first ends at a place."""
        border = _BORDER.match(sql, at)
        if border is None:
            return at
        more = self._more.get(border[0])
        if more is None:
            if len(self._more) >= _MOST_BORDERS:
                return at
            pattern = rb"(?:%s%s){1,%d}" % (border[0], self._row, self._at_once)
            more = self._more[border[0]] = re.compile(pattern, re.DOTALL)
        return past(more, sql, at)


def target(layout: Layout, listed: bytes | None) -> Target | None:
    """Return where the rows of a statement go; None if not every column gets a value from them.

    Parameters
    ----------
    layout : Layout
        The table's.
    listed : bytes, optional
        The statement's list of columns, without its parentheses.
    """
    columns = layout.columns
    if listed is None:
        return None if layout.must_list else Target(columns)
    by_name = {column.name.lower(): column for column in columns}
    names = [name.strip().strip(b"`").lower() for name in listed.split(b",")]
    if len(names) != len(columns) or {*names} != {*by_name}:
        return None
    return Target(tuple(by_name[name] for name in names), are_listed=True)


def load_data(table: bytes, target: Target, charset: bytes, separator: bytes = b",") -> bytes:
    """Return the statement that reads rows as an INSERT has them.

    Parameters
    ----------
    table : bytes
        The table's name, in backticks.
    target : Target
        Its columns.
    charset : bytes
        The character set of the rows; see `File`.
    """
    return (
        b"LOAD DATA LOCAL INFILE 'rows' INTO TABLE %s CHARACTER SET %s"
        b" FIELDS TERMINATED BY '%s' OPTIONALLY ENCLOSED BY '''' ESCAPED BY '\\\\'"
        b" LINES STARTING BY '(' TERMINATED BY ')'%s" % (table, charset, separator, target.names)
    )


def _value(column: Column, text: bytes) -> bytes:
    """Return the pattern of a column's values."""
    if column.counts_up:
        # A number that is within range: else the counter would move, though the row is undone.
        return possessive(b"[0-9]{1,%d}" % column.safe_digits)
    bare = _BARE.get(column.form)
    forms = [text] if bare is None else [bare, b"'" + bare + b"'"]
    return b"(?:" + b"|".join([*forms, *([b"NULL"] if column.nullable else [])]) + b")"


def _is_utf8(values: bytes) -> bool:
    try:
        values.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
