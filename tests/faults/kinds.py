"""Scripts in which a table is filled by other things than plain rows: one for each kind of thing.

Each has the shape of a dump: after some small tables, with which all connections of a load get to
work, table `a` is dropped, made and filled by statements of its kind; then comes `b`, larger and of
plain rows, which a load takes in parallel; then some more of the kind, and a small table. What the
real client makes of it is what must be there in the end, however often the load was killed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.fillings import KINDS
from tests.faults.parts import A_COLUMNS, Kind, made, plain, rows_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KINDS", "SCHEMAS", "Kind", "Script", "write"]

SCHEMAS = ("faults_k", "faults_l")
# 200 kB a statement, so that indexes are put off; a larger one is still under way while others are
# noted.
B_ROWS = (1_150, 1_150, 3_500, 1_150, 1_150, 1_150, 3_500, 1_150)
FIRST_TABLES = 7
HEADING = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n"
B_COLUMNS = (
    "id INT NOT NULL, device INT NOT NULL, at DATETIME NOT NULL, note VARCHAR(200) NOT NULL,"
    " PRIMARY KEY (id), KEY device (device), KEY at (at, device), KEY note (note(20))"
)


@dataclass
class Script:
    """A script as it was written.

    Attributes
    ----------
    kind : Kind
        What is special about it.
    chunks : list of str
        Its statements, in order.
    b_from, b_to : int
        Where the rows of `b` are, in bytes.
    """

    kind: Kind
    chunks: list[str] = field(default_factory=list)
    b_from: int = 0
    b_to: int = 0

    def chunk_at(self, line: int) -> int:
        """Return the index of the statement that a line belongs to, from 1."""
        for index, chunk in enumerate(self.chunks):
            line -= chunk.count("\n")
            if line < 1:
                return index
        return len(self.chunks) - 1


def write(name: str, path: Path) -> Script:
    """Write the script of a kind; the same bytes each time."""
    chance = random.Random(name)
    kind = KINDS[name](chance)
    if kind.data:
        data = path.with_suffix(".tsv")
        data.write_text(kind.data)
        for chunks in (kind.fills, kind.later):
            chunks[:] = [chunk.replace("{data}", str(data)) for chunk in chunks]
    script = Script(kind)
    script.chunks = [
        *([HEADING] if kind.heading else []),
        "SET NAMES utf8mb4;\n",
        *([] if kind.checks_keys else ["SET foreign_key_checks = 0;\n"]),
        *(f"CREATE DATABASE IF NOT EXISTS {schema};\n" for schema in SCHEMAS),
        "USE faults_k;\n",
        *_first_tables(chance),
        *kind.fills,
        *made("b", B_COLUMNS),
    ]
    script.b_from = len("".join(script.chunks))
    for n, count in enumerate(B_ROWS):
        script.chunks.append(_b_rows(chance, 10_000 * n, count))
    script.b_to = len("".join(script.chunks))
    script.chunks += [
        *kind.later,
        *made("c", A_COLUMNS),
        f"INSERT INTO c VALUES {rows_of(chance, 1, 40)};\n",
        "CREATE OR REPLACE VIEW seen AS SELECT device, MAX(at) AS at FROM b GROUP BY device;\n",
    ]
    path.write_text("".join(script.chunks))
    return script


def _first_tables(chance: random.Random) -> list[str]:
    return [
        statement
        for n in range(FIRST_TABLES)
        for statement in (*made(f"p{n}", A_COLUMNS), *plain(chance, f"p{n}", 1, 2))
    ]


def _b_rows(chance: random.Random, first: int, count: int) -> str:
    rows = (
        f"({first + n},{chance.randrange(50)},"
        f"'2020-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 12:00:00',"
        f"'{text_of(chance, 125)}')"
        for n in range(count)
    )
    return f"INSERT INTO b VALUES {','.join(rows)};\n"
