"""A schema with a few tables of some megabytes: enough for many INSERTs of a megabyte each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from sidecar_magics.connection import connect_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

SCHEMA = "corpus_bulk"
ROWS = 18_000
ROWS_AT_ONCE = 3_000


class Table(NamedTuple):
    """A table's columns, its keys, and its foreign key."""

    columns: str
    keys: tuple[str, ...] = ()
    constraint: str = ""


TABLES = {
    # In the order of names, as the tools write them, a child comes before its parent.
    "child": Table(
        "id INT NOT NULL AUTO_INCREMENT, parent INT NOT NULL, name VARCHAR(60) NOT NULL,"
        " amount DECIMAL(10,2), note VARCHAR(200)",
        ("PRIMARY KEY (id)", "KEY parent (parent)", "KEY n (name, amount)", "UNIQUE KEY u (note)"),
        "CONSTRAINT child_of FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE",
    ),
    "loose": Table("at DATETIME, kind INT, text VARCHAR(250)", ("KEY kind (kind)",)),
    "parent": Table(
        "id INT NOT NULL, name VARCHAR(250) NOT NULL, body VARBINARY(100)",
        ("PRIMARY KEY (id)", "KEY name (name(20))"),
    ),
    "pictures": Table("id INT NOT NULL AUTO_INCREMENT, data MEDIUMBLOB", ("PRIMARY KEY (id)",)),
}


def fill(server: Server) -> None:
    """Make the schema; its content is the same each time."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
        cursor.execute(f"CREATE DATABASE {SCHEMA}")
        cursor.execute(f"USE {SCHEMA}")
        for table, (columns, keys, constraint) in TABLES.items():
            parts = ", ".join(filter(None, (columns, *keys, constraint)))
            cursor.execute(f"CREATE TABLE {table} ({parts})")
            for values in _batches(table):
                places = ", ".join(["%s"] * len(values[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({places})", values)
        connection.commit()


def _batches(table: str) -> Iterator[list[tuple[object, ...]]]:
    chance = random.Random(table)
    rows = list(_rows(table, chance))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def _rows(table: str, chance: random.Random) -> Iterator[tuple[object, ...]]:
    if table == "pictures":
        for number in range(60):
            yield number + 1, chance.randbytes(40_000 + number)
        return
    for number in range(ROWS):
        text = f"it's; ({number}),('\\ \"" + chance.choice("xyzü🐀") * chance.randrange(80, 180)
        if table == "parent":
            yield 3 * number, text, chance.randbytes(chance.randrange(60))
        elif table == "child":
            parent = 3 * chance.randrange(ROWS)
            yield 2 * number + 1, parent, f"n{chance.randrange(5000)}", number / 100, text[:200]
        else:
            yield f"2020-01-01 {number % 24}:00:00", chance.randrange(9), text
