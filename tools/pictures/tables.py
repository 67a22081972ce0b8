"""A drawing of some of Spyglass's tables, from the foreign keys of the notebooks' dump.

`datajoint.Diagram` needs Graphviz's ``dot``, which few images have; and of 296 tables a newcomer
wants to see ten.
"""

from __future__ import annotations

import gzip
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
DUMP = PROJECT / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
DRAWING = PROJECT / "notebooks" / "images" / "tables.svg"

SIZE = (150, 44)
# Column and row in the drawing. What a table refers to is above it.
PLACES = {
    "common_subject.subject": (0.0, 0),
    "common_nwbfile.nwbfile": (2.5, 0),
    "common_region.#brain_region": (0.0, 1),
    "common_session._session": (1.5, 1),
    "common_ephys._electrode_group": (0.5, 2),
    "common_interval.interval_list": (2.0, 2),
    "common_nwbfile.analysis_nwbfile": (3.5, 2),
    "common_ephys._electrode": (0.0, 3),
    "position_v1_trodes_position.__trodes_pos_v1": (2.0, 3),
    "lfp_band_v1.__l_f_p_band_v1": (3.5, 3),
}
STEP = (175, 95)
MARGIN = 20
# DataJoint's kinds of table, by how their names begin: fill, line, and what they are.
TIERS = {
    "__": ("#fdecea", "#b3261e", "computed"),
    "_": ("#e8eaf6", "#303f9f", "imported"),
    "#": ("#eeeeee", "#616161", "lookup"),
    "": ("#e8f5e9", "#2e7d32", "manual"),
}


class Edge(NamedTuple):
    """An arrow from a table to one that it refers to, itself or by way of tables not drawn."""

    child: str
    parent: str
    is_direct: bool


def foreign_keys(sql: str) -> dict[str, set[str]]:
    """Return the tables that each table of a dump refers to, as ``schema.table``."""
    found: dict[str, set[str]] = {}
    schema = table = ""
    for line in sql.splitlines():
        if used := re.match(r"USE `(.+)`;", line):
            schema = used[1]
        elif made := re.match(r"CREATE TABLE `(.+)` \(", line):
            table = f"{schema}.{made[1]}"
            found[table] = set()
        elif key := re.search(r"FOREIGN KEY \(.+?\) REFERENCES (?:`([^`]+)`\.)?`([^`]+)`", line):
            found[table].add(f"{key[1] or schema}.{key[2]}")
    return found


def edges(keys: dict[str, set[str]]) -> list[Edge]:
    """Return the arrows between the tables that are drawn.

    An arrow by way of other tables is there where no table that is drawn lies on the way.
    """
    found = []
    for child in PLACES:
        found += [Edge(child, parent, True) for parent in sorted(keys[child]) if parent in PLACES]
        reached = {edge.parent for edge in found if edge.child == child}
        hidden = [parent for parent in keys[child] if parent not in PLACES]
        seen = set(hidden)
        while hidden:
            for parent in sorted(keys[hidden.pop()]):
                if parent in PLACES and parent not in reached:
                    reached.add(parent)
                    found.append(Edge(child, parent, False))
                elif parent not in PLACES and parent not in seen:
                    seen.add(parent)
                    hidden.append(parent)
    return [edge for edge in found if edge.is_direct or not _is_implied(edge, found)]


def _is_implied(edge: Edge, every: list[Edge]) -> bool:
    """Say whether other arrows lead there already."""
    ahead = [e.parent for e in every if e.child == edge.child and e.parent != edge.parent]
    while ahead:
        table = ahead.pop()
        if table == edge.parent:
            return True
        ahead += [e.parent for e in every if e.child == table]
    return False


def drawing(keys: dict[str, set[str]]) -> str:
    """Return the drawing as SVG."""
    width = round(max(x for x, _ in PLACES.values()) * STEP[0] + SIZE[0] + 2 * MARGIN)
    height = max(y for _, y in PLACES.values()) * STEP[1] + SIZE[1] + 2 * MARGIN + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="14" role="img">',
        "<title>Some of Spyglass's tables, and what each refers to</title>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#666"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        *map(_arrow, edges(keys)),
        *map(_box, PLACES),
        *_legend(height - MARGIN),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _corner(table: str) -> tuple[float, float]:
    column, row = PLACES[table]
    return MARGIN + column * STEP[0], MARGIN + row * STEP[1]


def _arrow(edge: Edge) -> str:
    (x1, y1), (x2, y2) = _corner(edge.child), _corner(edge.parent)
    if y1 == y2:  # side by side
        right = x2 > x1
        start = (x1 + SIZE[0] * right, y1 + SIZE[1] / 2)
        end = (x2 + SIZE[0] * (not right), y2 + SIZE[1] / 2)
    else:
        # A little towards each other, so that arrows to the same table do not meet in one point.
        lean = max(-40.0, min(40.0, (x1 - x2) / 6))
        start = (x1 + SIZE[0] / 2 - lean, y1)
        end = (x2 + SIZE[0] / 2 + lean, y2 + SIZE[1])
    dashes = "" if edge.is_direct else ' stroke-dasharray="5 4"'
    return (
        f'<line data-from="{escape(edge.child)}" data-to="{escape(edge.parent)}" '
        f'x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}" '
        f'stroke="#666" stroke-width="1.3"{dashes} marker-end="url(#head)"/>'
    )


def _box(table: str) -> str:
    x, y = _corner(table)
    schema, _, name = table.partition(".")
    fill, line, _ = TIERS[_tier(name)]
    middle = x + SIZE[0] / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{SIZE[0]}" height="{SIZE[1]}" rx="5" fill="{fill}" '
        f'stroke="{line}"/>'
        f'<text x="{middle:g}" y="{y + 19:g}" text-anchor="middle" font-weight="bold">'
        f"{escape(class_name(name))}</text>"
        f'<text x="{middle:g}" y="{y + 35:g}" text-anchor="middle" font-size="10" fill="#444">'
        f"{escape(schema)}</text>"
    )


def _legend(y: float) -> list[str]:
    parts, x = [], MARGIN
    for fill, line, meaning in reversed(TIERS.values()):
        parts.append(
            f'<rect x="{x}" y="{y - 11:g}" width="14" height="14" rx="3" fill="{fill}" '
            f'stroke="{line}"/><text x="{x + 20}" y="{y:g}" font-size="12">{meaning}</text>'
        )
        x += 95
    parts.append(
        f'<line x1="{x}" y1="{y - 4:g}" x2="{x + 34}" y2="{y - 4:g}" stroke="#666" '
        f'stroke-dasharray="5 4"/><text x="{x + 42}" y="{y:g}" font-size="12">'
        "refers to it by way of tables that are not drawn</text>"
    )
    return parts


def _tier(name: str) -> str:
    return next(prefix for prefix in TIERS if name.startswith(prefix))


def class_name(table: str) -> str:
    """Return the name of a table's class, as DataJoint makes it: ``_electrode``: ``Electrode``."""
    return "".join(part.capitalize() for part in table.strip("_#").split("_"))


def draw() -> None:
    """Write the drawing to where the quick start has it."""
    sql = gzip.decompress(DUMP.read_bytes()).decode()
    DRAWING.write_text(drawing(foreign_keys(sql)), encoding="utf-8")
