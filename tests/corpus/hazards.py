"""Scripts with much data for two tables in turn, and something that makes their order matter.

A loader that runs the two tables' rows at the same time, or a table's rows before or after what
stands between them, leaves another state than the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.corpus.case import BOTH, Case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.corpus.workshop import Workshop

ROWS = 1000
FILLING = b"; -- \\' ),( \\\\ \\\"`/*" + b"filling" * 140

HEAD = b"CREATE DATABASE hazard;\nUSE hazard;\n"
TWO_TABLES = b"""
CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT, s TEXT);
CREATE TABLE b (id INT AUTO_INCREMENT PRIMARY KEY, n INT, s TEXT, KEY (n));
"""


def much(
    table: bytes,
    start: int,
    *,
    columns: bytes = b"n, s",
    verb: bytes = b"INSERT INTO",
    n: bytes = b"",
) -> bytes:
    """Return one INSERT of about a megabyte: rows with a number from `start` on, and a text."""
    rows = (
        b"(%s,'%d%s')" % (n or b"%d" % number, number, FILLING)
        for number in range(start, start + ROWS)
    )
    return verb + b" " + table + b" (" + columns + b") VALUES " + b",\n".join(rows) + b";\n"


def in_turn(between: Callable[[int], bytes] = lambda turn: b"", **how: bytes) -> bytes:
    """Return three INSERTs for each of a and b, with something between them."""
    return b"".join(
        much(b"a", turn * ROWS, **how) + between(turn) + much(b"b", turn * ROWS, **how)
        for turn in range(3)
    )


def triggers() -> bytes:
    return (
        TWO_TABLES
        + b"""CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(30), n INT);
CREATE TRIGGER ta AFTER INSERT ON a FOR EACH ROW INSERT INTO log (what, n) VALUES ('a', NEW.n);
CREATE TRIGGER tb AFTER INSERT ON b FOR EACH ROW INSERT INTO log (what, n) VALUES ('b', NEW.n);
"""
        + in_turn()
    )


def trigger_reads_other() -> bytes:
    return (
        TWO_TABLES + b"CREATE TRIGGER tb BEFORE INSERT ON b FOR EACH ROW"
        b" SET NEW.n = (SELECT COUNT(*) FROM a);\n" + in_turn()
    )


def checked_parents() -> bytes:
    return (
        b"CREATE TABLE a (n INT PRIMARY KEY, s TEXT);\n"
        b"CREATE TABLE b (n INT PRIMARY KEY, s TEXT,"
        b" FOREIGN KEY (n) REFERENCES a (n) ON DELETE CASCADE);\n"
        + in_turn()
        + b"DELETE FROM a WHERE n % 7 = 0;\n"
        + much(b"a", 5000)
        + much(b"b", 5000)
    )


def orphans_in_the_middle() -> bytes:
    return checked_parents() + much(b"b", 9000) + much(b"a", 9000)


def last_insert_id() -> bytes:
    return TWO_TABLES + in_turn(
        lambda turn: (
            b"SET @last = LAST_INSERT_ID();\n"
            b"INSERT INTO b (n) VALUES (LAST_INSERT_ID()), (@last);\n"
        )
    )


def variables() -> bytes:
    return TWO_TABLES + b"SET @x = 0;\n" + in_turn(n=b"@x := @x + 1")


def session_between() -> bytes:
    settings = (
        b"SET time_zone = '+05:30', timestamp = 1500000000;\n",
        b"SET NAMES latin1; SET timestamp = 1600000000.123;\n",
        b"SET sql_mode = '', auto_increment_increment = 7, timestamp = 1400000000;\n",
    )
    at = b"n INT, at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP"
    return (
        TWO_TABLES.replace(b"n INT", at)
        + b"SET timestamp = 1700000000;\n"
        + in_turn(
            lambda turn: (
                settings[turn] + b"INSERT INTO b (s, at) VALUES ('\xc3\xa4', '2020-01-01');\n"
            )
        )
        + much(b"a", 9000)
    )


def insert_id() -> bytes:
    return TWO_TABLES + in_turn(lambda turn: b"SET insert_id = %d;\n" % (10_000 * (3 - turn)))


def copied_between() -> bytes:
    return TWO_TABLES + in_turn(
        lambda turn: b"INSERT INTO b (n, s) SELECT n, LEFT(s, 9) FROM a ORDER BY id DESC LIMIT 5;\n"
    )


def updated_between() -> bytes:
    return TWO_TABLES + in_turn(
        lambda turn: (
            b"UPDATE a, b SET a.n = b.n + %d, b.n = -1 WHERE a.id = b.id;\n"
            b"DELETE FROM b WHERE id > 1500 AND n > 0;\n" % turn
        )
    )


def made_twice() -> bytes:
    return (
        TWO_TABLES
        + in_turn()
        + b"DROP TABLE a, b;\n"
        + TWO_TABLES.replace(b"n INT", b"n VARCHAR(9)")
        + in_turn()
        + b"TRUNCATE b;\n"
        + much(b"b", 1)
    )


def swapped() -> bytes:
    return TWO_TABLES + in_turn(lambda turn: b"RENAME TABLE a TO c, b TO a, c TO b;\n")


def no_key() -> bytes:
    return b"CREATE TABLE a (n INT, s TEXT);\nCREATE TABLE b (n INT, s TEXT, KEY (n));\n" + in_turn(
        lambda turn: much(b"a", 90_000 - turn) + b"ALTER TABLE b ADD COLUMN c%d INT FIRST;\n" % turn
    )


def other_engines() -> bytes:
    return (
        b"CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT, s TEXT, KEY (n))"
        b" ENGINE = MyISAM;\n"
        b"CREATE TABLE b (n INT, s VARCHAR(1100)) ENGINE = MEMORY;\n"
        b"SET GLOBAL max_heap_table_size = 67108864, SESSION max_heap_table_size = 67108864;\n"
        b"ALTER TABLE b ENGINE = MEMORY;\n"
    ) + in_turn(lambda turn: b"DELETE FROM a WHERE n % 3 = 0;\n")


def rolled_back() -> bytes:
    return (
        TWO_TABLES
        + b"SET autocommit = 0;\n"
        + in_turn(lambda turn: (b"COMMIT;\n", b"SAVEPOINT x;\n", b"ROLLBACK TO x;\n")[turn])
        + b"COMMIT;\n"
        + much(b"a", 8000)
        + b"ROLLBACK;\n"
        + much(b"b", 8000)
    )


def duplicates() -> bytes:
    tables = TWO_TABLES.replace(b"n INT", b"n INT UNIQUE")
    return (
        tables
        + in_turn()
        + much(b"a", 500, verb=b"INSERT IGNORE INTO")
        + much(b"b", 2500, verb=b"REPLACE INTO")
        + much(b"a", 2900).replace(b";\n", b" ON DUPLICATE KEY UPDATE s = CONCAT('again ', n);\n")
        + much(b"b", 4000, verb=b"REPLACE INTO")
    )


def duplicate_in_the_middle() -> bytes:
    return (
        TWO_TABLES.replace(b"n INT", b"n INT UNIQUE")
        + in_turn()
        + much(b"b", 2999)
        + much(b"a", 9000)
    )


def through_views() -> bytes:
    return (
        TWO_TABLES + b"CREATE VIEW va AS SELECT n, s FROM b;\n"
        b"CREATE VIEW vb AS SELECT n, s FROM b WHERE n > 0;\n"
        + b"".join(much(b"va", turn * ROWS) + much(b"vb", turn * ROWS + 500) for turn in range(2))
        + much(b"b", 5000)
        + much(b"a", 5000)
    )


def locked() -> bytes:
    return (
        TWO_TABLES
        + b"LOCK TABLES a WRITE, b WRITE;\n"
        + in_turn()
        + b"UNLOCK TABLES;\nSTART TRANSACTION READ WRITE;\n"
        + much(b"a", 9000)
        + b"COMMIT AND CHAIN;\n"
        + much(b"b", 9000)
        + b"COMMIT;\nCREATE TABLE c LIKE a;\nINSERT INTO c SELECT * FROM a;\n"
    )


def two_schemas() -> bytes:
    copied = b"INSERT INTO hazard.a SELECT n + 500000, 'other' FROM a WHERE n %% 500 = %d;\n"
    in_each = (
        b"USE hazard;\n"
        + much(b"a", turn * ROWS)
        + b"USE other;\n"
        + much(b"a", turn * ROWS)
        + copied % turn
        for turn in range(3)
    )
    return (
        b"CREATE DATABASE other; USE other;\n"
        b"CREATE TABLE hazard.a (n INT PRIMARY KEY, s TEXT);\n"
        b"CREATE TABLE a (n INT PRIMARY KEY, s TEXT);\n"
        + b"".join(in_each)
        + b"CREATE TABLE hazard.z AS SELECT COUNT(*) FROM a;\n"
        b"DROP DATABASE other;\nCREATE DATABASE other;\n"
        b"CREATE TABLE other.z AS SELECT SUM(n) FROM hazard.a;\n"
    )


@dataclass(frozen=True)
class HazardCase(Case):
    """What one of the functions above makes."""

    body: Callable[[], bytes] = bytes

    def write(self, workshop: Workshop) -> Path:
        path = workshop.path(self.name)
        path.write_bytes(HEAD + self.body())
        return path


def _case(body: Callable[[], bytes], errno: int | None = None) -> HazardCase:
    name = f"much data, {body.__name__.replace('_', ' ')}"
    return HazardCase(name, errors=dict.fromkeys(BOTH, errno) if errno else {}, body=body)


HAZARDS: list[Case] = [
    *map(
        _case,
        (
            *(triggers, trigger_reads_other, checked_parents, last_insert_id, variables),
            *(session_between, insert_id, copied_between, updated_between, made_twice, swapped),
            *(no_key, other_engines, rolled_back, duplicates, through_views, locked, two_schemas),
        ),
    ),
    _case(orphans_in_the_middle, 1452),
    _case(duplicate_in_the_middle, 1062),
]
