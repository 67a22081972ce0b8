"""Make the indexes that a load put off and, because it was killed, never made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..server import pymysql_errors
from . import entries

if TYPE_CHECKING:
    from .crew import Inspector
    from .link import Link
    from .report import LoadReport


def make_owed_indexes(inspector: Inspector, link: Link, report: LoadReport) -> None:
    """Give tables the indexes that loads which are gone owe them.

    Parameters
    ----------
    inspector : Inspector
        To see which are missing.
    link : Link
        The connection to make them on.
    report : LoadReport
        Gets a note for each table.
    """
    for table, definitions in entries.owed_indexes(link):
        missing = inspector.missing(table, definitions)
        try:
            if missing:
                link.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                report.notes.append(f"{table} got the indexes that an interrupted load owed it.")
        except pymysql_errors() as error:
            report.notes.append(f"{table} lacks indexes that an interrupted load owed it: {error}.")
            continue
        entries.forget_owed(link, table)
