"""A result set as a table, in text and in HTML: the server's values are cut and escaped.

Only the beginning is shown, since a notebook is saved with its outputs. Where pandas can be
imported, the HTML is `DataFrame.to_html` with its user's options; pandas is no dependency, so there
is a plain table as well. pandas' Styler would need jinja2, and writes a style for each cell.
"""

from __future__ import annotations

import decimal
import io
import shutil
from html import escape
from typing import TYPE_CHECKING, Any

from ...errors import shown
from ...units import count, size
from .results import KEPT, as_sql

if TYPE_CHECKING:
    from .results import ResultSet

ROWS_SHOWN = 100
COLUMNS_SHOWN = {"text": 20, "html": 50}
# A value's characters: fewer where there are many columns.
VALUE_SHOWN = {"text": 50, "html": 200}
LEAST_SHOWN = 20
LINE_SHOWN = 4000
USUAL_COLUMNS = 100


def as_text(result: ResultSet, *, is_kept: bool = True) -> str:
    """Return a result set as text, with a line that says how many rows there are.

    Parameters
    ----------
    result : ResultSet
        The rows.
    is_kept : bool, default True
        Whether its reader can ask for the other rows, as in a notebook.
    """
    # rich is imported when the first table is drawn, not when a script is loaded.
    from rich.box import ASCII2  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    names, rows, numbers = _beginning(result, "text")
    table = Table(box=ASCII2)
    for name, is_number in zip(names, numbers):
        table.add_column(
            Text(name),
            justify="right" if is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row))
    # Wide enough that no value is cut for a narrow window.
    width = max(shutil.get_terminal_size((USUAL_COLUMNS, 24)).columns, USUAL_COLUMNS)
    # The text is saved, so it must not depend on the terminal of this moment.
    console = Console(
        file=io.StringIO(), width=width, color_system=None, force_jupyter=False, _environ={}
    )
    with console.capture() as captured:
        console.print(table)
    return f"{captured.get().rstrip()}\n{note(result, is_kept=is_kept)}"


def as_html(result: ResultSet) -> str:
    """Return a result set as HTML: by pandas if it can be imported, as its user has set it up."""
    return f"{_pandas_table(result) or _plain_table(result)}<div>{escape(note(result))}</div>"


def note(result: ResultSet, *, is_kept: bool = True) -> str:
    """Return the numbers of rows that there are, are shown and are kept."""
    kept, total = len(result.rows), result.total_rows
    text = count(total, "row")
    if total > ROWS_SHOWN:
        text = f"The first {min(ROWS_SHOWN, kept)} of {total:,} rows"
        if is_kept:
            text += f"; .result has {'all of them' if kept == total else f'the first {kept:,}'}"
    if len(result.columns) > COLUMNS_SHOWN["html"]:
        text += f"; {len(result.columns):,} columns"
    if result.cut_values:
        cut = count(result.cut_values, "value")
        text += f"; {cut} cut at {size(min(KEPT.value_bytes, _value_bytes(result)))}"
    return text


def _value_bytes(result: ResultSet) -> int:
    return KEPT.size_bytes // max(len(result.columns), 1)


def _beginning(result: ResultSet, form: str) -> tuple[list[str], list[list[Any]], list[bool]]:
    """Return names, rows and which columns are numbers, as much of each as is shown."""
    shown_columns = min(len(result.columns), COLUMNS_SHOWN[form])
    left_out = len(result.columns) > shown_columns
    limit = min(VALUE_SHOWN[form], max(LEAST_SHOWN, LINE_SHOWN // max(shown_columns, 1)))
    names = [shown(name, limit) for name in result.columns[:shown_columns]]
    rows = [
        [_shown(value, limit) for value in row[:shown_columns]] for row in result.rows[:ROWS_SHOWN]
    ]
    numbers = [
        all(_is_number(row[at]) for row in result.rows[:ROWS_SHOWN]) for at in range(shown_columns)
    ]
    if left_out:
        names.append("…")
        rows = [[*row, "…"] for row in rows]
        numbers.append(False)
    return names, rows, numbers


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float, decimal.Decimal))


def _shown(value: Any, limit: int) -> Any:
    """Return a value as it is shown: a number that stays one, or a text."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, bytes):
        digits = as_sql(value[: limit // 2])
        return digits if len(digits) <= limit else f"{digits[: limit - 1]}… ({size(len(value))})"
    return shown(as_sql(value) if not isinstance(value, str) else value, limit)


def _pandas_table(result: ResultSet) -> str:
    """Return the table as pandas draws it, with the options that its user has set."""
    try:
        import pandas  # noqa: PLC0415 - not a dependency

        names, rows, _ = _beginning(result, "html")
        frame = pandas.DataFrame(rows, columns=range(len(names)), dtype=object)
        frame.columns = pandas.Index(names, dtype=object)
        columns: int | None = pandas.get_option("display.max_columns") or None
        return str(frame.to_html(max_cols=columns, notebook=True))
    except Exception:  # a broken pandas, or one that is too old
        return ""


def _plain_table(result: ResultSet) -> str:
    names, rows, numbers = _beginning(result, "html")
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    aligned = ["" if is_number else " style='text-align:left'" for is_number in numbers]
    body = "".join(
        "<tr>"
        + "".join(f"<td{style}>{escape(str(value))}</td>" for style, value in zip(aligned, row))
        + "</tr>"
        for row in rows
    )
    return (
        "<table border='1' class='dataframe' style='text-align:right'>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
