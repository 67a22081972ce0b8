"""A report as HTML: plain tags and inline styles, since saved notebooks run no scripts.

No colour is named: what is drawn takes the colour of the text, so that it fits a dark page, too.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ..errors import printable
from ..units import duration, size
from .report import count

if TYPE_CHECKING:
    from .report import LoadReport, TableReport

# A notebook is saved with its outputs; of more tables, the largest are shown.
MOST_TABLES = 500
BAR_PIXELS = 100
HEADINGS = ("table", "rows", "", "statements", "size", "server's seconds", "warnings")


def html(report: LoadReport) -> str:
    """Return a report as HTML.

    Parameters
    ----------
    report : LoadReport
        It is complete: nobody adds to it any more.
    """
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.remarks())
    digest = f" (sha256 <code>{escape(report.sha256[:16])}…</code>)" if report.sha256 else ""
    return (
        f"<b>{_text(report.summary())}</b>; {duration(report.seconds)}<br>"
        f"from {_text(report.source)}{digest} into {_text(report.server)}"
        f"{f'<ul>{remarks}</ul>' if remarks else ''}{_tables(report)}"
    )


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
        lines = [_row(n, table, most_rows) for n, table in tables.items() if n in shown]
        parts.append(_fold(heading, _table(lines)))
    left_out = len(report.tables) - len(shown)
    if left_out:
        parts.append(f"… and {count(left_out, 'smaller table')}, in <code>.tables</code>")
    body = "".join(parts)
    return body if len(schemas) < 2 else _fold(report.extent(), body)


def _table(lines: list[str]) -> str:
    names = "".join(f"<th>{name}</th>" for name in HEADINGS)
    return f"<table style='text-align:right'><tr>{names}</tr>{''.join(lines)}</table>"


def _row(full_name: str, table: TableReport, most_rows: int) -> str:
    pixels = round(BAR_PIXELS * table.rows / most_rows) if most_rows else 0
    look = f"width:{pixels}px;height:.7em;background:currentColor;opacity:.4"
    bar = f"<div style='{look}'></div>" if pixels else ""
    numbers = (
        f"{table.statements:,}",
        size(table.size_bytes).replace(" ", "&nbsp;"),
        f"{table.seconds:.2f}",
        f"{table.warnings:,}" if table.warnings else "",
    )
    name = _text(full_name.partition(".")[2] or full_name)
    return (
        f"<tr><td style='text-align:left'>{name}</td><td>{table.rows:,}</td><td>{bar}</td>"
        f"{''.join(f'<td>{number}</td>' for number in numbers)}</tr>"
    )


def _fold(heading: str, body: str) -> str:
    return f"<details><summary>{_text(heading)}</summary>{body}</details>"


def _text(text: str) -> str:
    return escape(printable(text))
