"""Rows that a script asks for: the last result set, as Python values, and how many there were.

The last result set is the script's last, by task and statement and not by time; it is kept as bytes
within limits, and decoded only at the end.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from ...outputs import pandas_module
from ...server import Fetched, Keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas

    from ...server import Field

# Limits for a result set, whatever a script selects: they bound its memory.
KEPT = Keep(rows=10_000, size_bytes=16 * 1024 * 1024, value_bytes=1024 * 1024)
# A server's numbers and dates are shorter; a longer text is none, and would take long to parse.
LONGEST_SCALAR = 128
BINARY_CHARSET = 63
# Character sets with another name in Python, or another default order of bytes.
_ENCODINGS = {
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
}


@dataclass(frozen=True)
class ResultSet:
    """Rows that a statement returned, in the server's order.

    Iterating yields its rows; its length is the number of those that are kept.

    Parameters
    ----------
    columns : tuple of str
        Names of the columns, as the server gives them; several may have the same.
    rows : list of tuple
        The first rows, at most 10,000 of them, and 16 MiB. Values are int, float,
        `decimal.Decimal`, str, bytes (BINARY, BLOB, BIT, GEOMETRY), `datetime.date`,
        `datetime.datetime` and `datetime.timedelta`; NULL is None. JSON is its text. A date that
        Python does not have, such as 0000-00-00, is a str.
    total_rows : int
        How many rows there were, whether they are kept or not.
    cut_values : int
        How many of the values are cut: at most 1 MiB of a value is kept.
    place : str
        Place of the statement: ``script:line:column``.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    total_rows: int = 0
    cut_values: int = 0
    place: str = ""

    @classmethod
    def of(cls, fetched: Fetched, place: str = "") -> ResultSet:
        """Make one of a server's bytes; a value that does not fit its type stays text, or bytes."""
        names = _encoding_of_names(fetched.fields)
        readers = [_reader(each, names) for each in fetched.fields]
        return cls(
            tuple(_text(each.name.replace(b"\0", b""), names) for each in fetched.fields),
            [
                tuple(None if value is None else read(value) for read, value in zip(readers, row))
                for row in fetched.rows
            ],
            fetched.total_rows,
            fetched.cut_values,
            place,
        )

    @property
    def is_complete(self) -> bool:
        """Whether every row and every value is kept."""
        return len(self.rows) == self.total_rows and not self.cut_values

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON: numbers, text and None.

        Bytes are hexadecimal digits, decimals their digits, dates and times as SQL writes them.
        """
        return {
            "columns": list(self.columns),
            "rows": [[_plain(value) for value in row] for row in self.rows],
            "total_rows": self.total_rows,
            "cut_values": self.cut_values,
            "place": self.place,
        }

    def to_frame(self) -> pandas.DataFrame:
        """Return the rows that are kept as a DataFrame.

        Values stay what they are: decimals are `decimal.Decimal`, dates `datetime.date`. A column
        of integers in which some are NULL is of type ``Int64`` or ``UInt64``, so that none is
        rounded.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_module()
        columns = list(zip(*self.rows)) if self.rows else [()] * len(self.columns)
        # By numbers, as several columns may have one name.
        frame = pandas.DataFrame(
            {number: _series(pandas, values) for number, values in enumerate(columns)}
        )
        frame.columns = pandas.Index(self.columns, dtype=object)
        return frame

    def __repr__(self) -> str:
        from .result_views import as_text  # noqa: PLC0415 - it imports what draws tables

        return as_text(self)

    def _repr_html_(self) -> str:
        from .result_views import as_html  # noqa: PLC0415

        return as_html(self)


class Results:
    """The result sets of one load: how many there were, and the last in the script's order.

    Lanes work in parallel, so the last in the script need not be the last in time.
    """

    def __init__(self) -> None:
        self.number = 0
        self._last: tuple[tuple[int, int], str, Fetched] | None = None
        self._lock = threading.Lock()

    def add(self, order: tuple[int, int], place: str, number: int, fetched: Fetched | None) -> None:
        """Count the result sets of a statement; any thread may do so.

        Parameters
        ----------
        order : tuple of int
            Number of the task, and of the statement in it.
        place : str
            Its place in the script.
        number : int
            How many it returned.
        fetched : Fetched, optional
            The last of them.
        """
        if not number:
            return
        with self._lock:
            self.number += number
            if fetched is not None and (self._last is None or order >= self._last[0]):
                self._last = order, place, fetched

    def last(self) -> ResultSet | None:
        """Return the last result set in the script; None if there is none."""
        with self._lock:
            last = self._last
        return None if last is None else ResultSet.of(last[2], last[1])


# Values ------------------------------------------------------------------------------------------


def _reader(column: Field, names: str) -> Callable[[bytes], Any]:
    """Return the function that makes a Python value of a column's bytes."""
    from pymysql.connections import TEXT_TYPES  # noqa: PLC0415
    from pymysql.constants import FIELD_TYPE  # noqa: PLC0415 - nothing is imported before its use
    from pymysql.converters import decoders, through  # noqa: PLC0415

    if column.type_code == FIELD_TYPE.JSON:  # the server calls its character set binary
        return lambda value: _text(value, names)
    if column.type_code in TEXT_TYPES:
        if column.charset == BINARY_CHARSET:
            return bytes
        encoding = _encoding(column.charset)
        return lambda value: _text(value, encoding)
    convert = decoders.get(column.type_code)
    if convert is None or convert is through:
        return bytes

    def scalar(value: bytes) -> Any:
        # ucs2, utf16 and utf32 put zeros between the letters of numbers and dates.
        text = _text(value.replace(b"\0", b""), "")
        if len(text) > LONGEST_SCALAR:
            return text
        with contextlib.suppress(ValueError, ArithmeticError):  # not a number or date after all
            return convert(text)
        return text

    return scalar


def _text(value: bytes, encoding: str) -> str:
    if encoding:
        with contextlib.suppress(LookupError):  # Python lacks some of MySQL's
            return value.decode(encoding, "replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _encoding(charset: int) -> str:
    """Return Python's name of a character set; an empty one if it is not known."""
    from pymysql.charset import charset_by_id  # noqa: PLC0415

    try:
        known = charset_by_id(charset)
    except KeyError:  # MariaDB's newer ones
        return ""
    return _ENCODINGS.get(known.name, known.encoding or "")


def _encoding_of_names(columns: tuple[Field, ...]) -> str:
    """Return the encoding of the columns' names: as for texts, character_set_results."""
    told = {each.charset for each in columns if each.charset != BINARY_CHARSET}
    return _encoding(told.pop()) if len(told) == 1 else ""


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (int, float, str)) else as_sql(value)


def as_sql(value: Any) -> str:
    """Return a value as the ``mysql`` client writes it; bytes as ``0x`` and digits."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"0x{value.hex().upper()}"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.timedelta):
        return _time(value)
    return str(value)


def _time(value: datetime.timedelta) -> str:
    seconds, fraction = divmod(abs(value), datetime.timedelta(seconds=1))
    sign = "-" if value < datetime.timedelta(0) else ""
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction.microseconds:06d}" if fraction else text


def _series(pandas: Any, values: tuple[Any, ...]) -> Any:
    """Return a column for a DataFrame that has each value as it is."""
    known = [value for value in values if value is not None]
    if known and all(type(value) is int and value < 1 << 64 for value in known):
        unsigned = max(known) >= 1 << 63
        if len(known) < len(values):
            return pandas.array(values, dtype="UInt64" if unsigned else "Int64")
        return pandas.Series(values, dtype="uint64" if unsigned else "int64")
    if known and all(type(value) in (float, datetime.datetime) for value in known):
        return pandas.Series(values)
    return pandas.Series(values, dtype=object)
