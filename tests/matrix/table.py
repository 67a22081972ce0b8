"""The results as the documentation's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.matrix.arena import KINDS
from tests.matrix.environments import Environment
from tools.setup_venv import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DOCUMENT = PROJECT / "docs" / "datajoint.md"
BEGIN, END = "<!-- {}: written by `make test-matrix` -->", "<!-- end of {} -->"

# What each cell found, by environment and kind of server.
Results = dict[tuple[Environment, str], dict[str, Any]]


def failures(found: Mapping[str, Any]) -> list[str]:
    """Return the checks of a cell that failed, with what was wrong."""
    return [f"{name}: {wrong}" for name, wrong in found["checks"].items() if wrong]


def with_us(found: Mapping[str, Any]) -> str:
    """Return a cell of the first table: `%datajoint_connect`."""
    failed = failures(found)
    if failed:
        return f"**no**: {'; '.join(failed)}"
    return f"yes, `{found['cipher']}`" if found["cipher"] else "yes, not encrypted"


def alone(found: Mapping[str, Any]) -> str:
    """Return a cell of the second table: `dj.conn()`."""
    return str(found["alone"])


def with_tables(text: str, results: Results) -> str:
    """Return a document with its two tables written anew.

    Raises
    ------
    ValueError
        The document has no place for a table.
    """
    for name, cell in (("with us", with_us), ("alone", alone)):
        begin, end = BEGIN.format(name), END.format(name)
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"{DOCUMENT.name} has no place for the table {name!r}")
        text = "\n".join([head + begin, *_table(results, cell), end + tail])
    return text


def row_of(text: str, name: str, datajoint: str, pymysql: str) -> list[str]:
    """Return one row of a document's table, by kind of server as in `KINDS`."""
    table = text.partition(BEGIN.format(name))[2].partition(END.format(name))[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[:2] == [datajoint, pymysql]:
            return cells[2:]
    raise ValueError(f"{DOCUMENT.name} has no row for DataJoint {datajoint}, PyMySQL {pymysql}")


def _table(results: Results, cell: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    yield _row(["DataJoint", "PyMySQL", *(kind.title for kind in KINDS.values())])
    yield _row(["---"] * (2 + len(KINDS)))
    for environment in dict.fromkeys(environment for environment, _ in results):
        found = [results[environment, name] for name in KINDS]
        yield _row([found[0]["datajoint"], found[0]["pymysql"], *map(cell, found)])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
