"""A report as HTML: plain tags and inline styles, since saved notebooks run no scripts.

No colour is named: bars have the colour of the text, so that they fit a dark page, too.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Callable

from ...errors import printable
from ...units import count, duration, size
from .report import TableReport

if TYPE_CHECKING:
    from .report import LoadReport

# A notebook is saved with its outputs, so only the largest tables are shown.
MOST_TABLES = 500
BAR_PIXELS = 100
# A number and its unit stay on one line, however narrow the page is.
NOT_BROKEN = "style='white-space:nowrap'"
# The cells of each column; a column without any value is left out.
COLUMNS: dict[str, Callable[[TableReport, int], str]] = {
    "rows": lambda table, _: f"{table.rows:,}" if table.rows else "",
    "": lambda table, most_rows: _bar(table.rows, most_rows),
    "statements": lambda table, _: f"{table.statements:,}" if table.statements else "",
    "size": lambda table, _: size(table.size_bytes) if table.size_bytes else "",
    "server time": lambda table, _: f"{table.seconds:.2f} s" if table.seconds else "",
    "warnings": lambda table, _: f"{table.warnings:,}" if table.warnings else "",
}


def html(report: LoadReport) -> str:
    """Return a report as HTML.

    Parameters
    ----------
    report : LoadReport
        Complete: nothing is added to it any more.
    """
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.remarks())
    digest = f" (sha256 <code>{escape(report.sha256[:16])}…</code>)" if report.sha256 else ""
    return (
        f"<b>{_text(report.summary())}</b>; {duration(report.seconds)}<br>"
        f"from {_text(report.source)}{digest} into {_text(report.server)}"
        f"{f'<ul>{remarks}</ul>' if remarks else ''}{_tables(report)}{_rows_of(report)}"
    )


def _rows_of(report: LoadReport) -> str:
    """Return the rows that a cell asked for."""
    if not report.shows_result or report.result is None:
        return ""
    return report.result._repr_html_()


def _tables(report: LoadReport) -> str:
    """Return the tables, folded; those of several schemas are folded once more."""
    largest = sorted(report.tables, key=lambda name: -report.tables[name].size_bytes)
    shown = set(largest[:MOST_TABLES])
    schemas: dict[str, dict[str, TableReport]] = {}
    for name, table in report.tables.items():
        schemas.setdefault(name.partition(".")[0], {})[name] = table
    most_rows = max((table.rows for table in report.tables.values()), default=0)
    parts = []
    for schema, tables in schemas.items():
        rows = sum(table.rows for table in tables.values())
        heading = f"{schema}: {count(len(tables), 'table')}, {count(rows, 'row')}"
        there = {name: table for name, table in tables.items() if name in shown}
        parts.append(_fold(heading, _table(there, most_rows)))
    left_out = len(report.tables) - len(shown)
    if left_out:
        parts.append(f"… and {count(left_out, 'smaller table')}, in <code>.tables</code>")
    body = "".join(parts)
    return body if len(schemas) < 2 else _fold(report.extent(), body)


def _table(tables: dict[str, TableReport], most_rows: int) -> str:
    cells = {
        heading: [look(table, most_rows) for table in tables.values()]
        for heading, look in COLUMNS.items()
    }
    cells = {heading: column for heading, column in cells.items() if any(column)}
    names = "".join(f"<th>{heading}</th>" for heading in ("table", *cells))
    lines = (
        f"<tr><td style='text-align:left'>{_text(name.partition('.')[2] or name)}</td>"
        f"{''.join(f'<td {NOT_BROKEN}>{cell}</td>' for cell in row)}</tr>"
        for name, row in zip(tables, zip(*cells.values()) if cells else [()] * len(tables))
    )
    return f"<table style='text-align:right'><tr>{names}</tr>{''.join(lines)}</table>"


def _bar(rows: int, most_rows: int) -> str:
    pixels = round(BAR_PIXELS * rows / most_rows) if most_rows else 0
    look = f"width:{pixels}px;height:.7em;background:currentColor;opacity:.4"
    return f"<div style='{look}'></div>" if pixels else ""


def _fold(heading: str, body: str) -> str:
    return f"<details><summary>{_text(heading)}</summary>{body}</details>"


def _text(text: str) -> str:
    return escape(printable(text))
