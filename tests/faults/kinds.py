"""Scripts in which a table is filled by other things than plain rows: one for each kind of thing.

Each has the shape of a dump: after some small tables, with which all connections of a load get to
work, table `a` is dropped, made and filled by statements of its kind; then comes `b`, larger and of
plain rows, which a load takes in parallel; then some more of the kind, and a small table. What the
real client makes of it is what must be there in the end, however often the load was killed.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMAS = ("faults_k", "faults_l")
# 200 kB a statement, so that indexes are put off; a larger one is still under way while others are
# noted.
B_ROWS = (1_150, 1_150, 3_500, 1_150, 1_150, 1_150, 3_500, 1_150)
FIRST_TABLES = 7
HEADING = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n"
A_COLUMNS = (
    "id INT NOT NULL, text VARCHAR(200), n INT NOT NULL DEFAULT 0, PRIMARY KEY (id), KEY (n)"
)
B_COLUMNS = (
    "id INT NOT NULL, device INT NOT NULL, at DATETIME NOT NULL, note VARCHAR(200) NOT NULL,"
    " PRIMARY KEY (id), KEY device (device), KEY at (at, device), KEY note (note(20))"
)


@dataclass
class Kind:
    """What is special about a script.

    Parameters
    ----------
    fills : list of str
        What makes and fills `a`, a statement each (or a few with their DELIMITER).
    later : list of str
        More of that behind the rows of `b`.
    moments : tuple of bytes
        What the statements have in them that something interesting happens at.
    heading : bool, default False
        Begin as mysqldump does, so that its own transactions are left out.
    checks_keys : bool, default False
        Leave foreign keys to be checked, which dumps do not.
    keeps_transactions : bool, default True
        Whether a killed statement leaves nothing; MyISAM keeps what it has.
    may_doubt : bool, default False
        Whether a statement can have been executed and have left no trace that a resumed load
        sees: the error that says so is as good as the whole content.
    asks : tuple of str
        What the server is asked instead of looking at `unlike`.
    unlike : tuple of str
        Tables that hold numbers of the server's own, which may have gaps.
    data : str
        Content of a file beside the script, in whose place ``{data}`` stands.
    """

    fills: list[str]
    later: list[str]
    moments: tuple[bytes, ...] = (b"INTO a ",)
    heading: bool = False
    checks_keys: bool = False
    keeps_transactions: bool = True
    may_doubt: bool = False
    asks: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    data: str = ""


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
        *_made("b", B_COLUMNS),
    ]
    script.b_from = len("".join(script.chunks))
    for n, count in enumerate(B_ROWS):
        script.chunks.append(_b_rows(chance, 10_000 * n, count))
    script.b_to = len("".join(script.chunks))
    script.chunks += [
        *kind.later,
        *_made("c", A_COLUMNS),
        f"INSERT INTO c VALUES {_rows(chance, 1, 40)};\n",
        "CREATE OR REPLACE VIEW seen AS SELECT device, MAX(at) AS at FROM b GROUP BY device;\n",
    ]
    path.write_text("".join(script.chunks))
    return script


# What scripts are made of ------------------------------------------------------------------------


def _made(table: str, columns: str, end: str = "ENGINE=InnoDB") -> list[str]:
    return [f"DROP TABLE IF EXISTS {table};\n", f"CREATE TABLE {table} ({columns}) {end};\n"]


def _first_tables(chance: random.Random) -> list[str]:
    return [
        statement
        for n in range(FIRST_TABLES)
        for statement in (*_made(f"p{n}", A_COLUMNS), *_plain(chance, f"p{n}", 1, 2))
    ]


def _text(chance: random.Random, length: int = 60) -> str:
    return "it''s; " + "".join(chance.choices("abcdef(),", k=length))


def _rows(chance: random.Random, first: int, count: int) -> str:
    return ",".join(f"({first + n},'{_text(chance)}',{n % 9})" for n in range(count))


def _b_rows(chance: random.Random, first: int, count: int) -> str:
    rows = (
        f"({first + n},{chance.randrange(50)},"
        f"'2020-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 12:00:00',"
        f"'{_text(chance, 125)}')"
        for n in range(count)
    )
    return f"INSERT INTO b VALUES {','.join(rows)};\n"


def _each(template: str, first: int, count: int, chance: random.Random) -> list[str]:
    """Return statements of one form, with ``{id}``, ``{text}`` and ``{n}`` of their own."""
    return [
        template.replace("{id}", str(number))
        .replace("{text}", _text(chance))
        .replace("{n}", str(number % 9))
        + "\n"
        for number in range(first, first + count)
    ]


def _plain(chance: random.Random, table: str, first: int, statements: int) -> list[str]:
    return [
        f"INSERT INTO {table} VALUES {_rows(chance, first + 100 * n, 100)};\n"
        for n in range(statements)
    ]


def _like(template: str) -> Callable[[random.Random], Kind]:
    """Return the kind whose statements all look like one."""

    def kind(chance: random.Random) -> Kind:
        return Kind(
            [*_made("a", A_COLUMNS), *_each(template, 1, 40, chance)],
            _each(template, 41, 10, chance),
        )

    return kind


# The kinds ---------------------------------------------------------------------------------------


def _myisam(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS, "ENGINE=MyISAM"),
            "LOCK TABLES a WRITE;\n",
            "/*!40000 ALTER TABLE a DISABLE KEYS */;\n",
            *_plain(chance, "a", 1, 8),
            "/*!40000 ALTER TABLE a ENABLE KEYS */;\n",
            "UNLOCK TABLES;\n",
        ],
        _plain(chance, "a", 5_000, 2),
        heading=True,
        keeps_transactions=False,
        may_doubt=True,
    )


def _spatial(chance: random.Random) -> Kind:
    columns = "id INT NOT NULL PRIMARY KEY, at POINT NOT NULL, text VARCHAR(200), SPATIAL KEY (at)"
    put = "INSERT INTO a VALUES ({id}, ST_GeomFromText('POINT({id} {n})'), '{text}');"
    return Kind([*_made("a", columns), *_each(put, 1, 40, chance)], _each(put, 41, 10, chance))


def _selected(verb: str) -> Callable[[random.Random], Kind]:
    def kind(chance: random.Random) -> Kind:
        parts = [
            f"{verb} INTO a SELECT id, text, n + 1 FROM source WHERE id % 4 = {n};\n"
            for n in range(4)
        ]
        again = f"{verb} INTO a SELECT id + 5000, text, n FROM source WHERE id % 4 = 0;\n"
        return Kind(
            [
                *_made("source", A_COLUMNS),
                *_plain(chance, "source", 1, 3),
                *_made("a", A_COLUMNS),
                *parts,
            ],
            [again],
        )

    return kind


def _variable(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS),
            "SET @x := 'one', @n := 1;\n",
            *_each("INSERT INTO a VALUES ({id}, @x, @n);", 1, 12, chance),
            "SET @x := 'two';\n",
            *_each("INSERT INTO a VALUES ({id}, CONCAT(@x, '{text}'), @n + 1);", 13, 12, chance),
        ],
        _each("INSERT INTO a VALUES ({id}, @x, @n);", 30, 3, chance),
        moments=(b"INTO a ", b"SET @"),
    )


def _load_data(chance: random.Random) -> Kind:
    load = "LOAD DATA LOCAL INFILE '{data}' INTO TABLE a (id, text, n)"
    return Kind(
        [*_made("a", A_COLUMNS), f"{load};\n"],
        ["SET @more := 5000;\n", f"{load.replace('(id', '(@id')} SET id = @id + 5000;\n"],
        moments=(b"LOAD DATA",),
        data="".join(f"{n}\t{_text(chance)}\t{n % 9}\n" for n in range(1, 900)),
    )


def _transaction(chance: random.Random) -> Kind:
    put = "INSERT INTO a VALUES ({id}, '{text}', {n});"
    fills = [*_made("a", A_COLUMNS)]
    for n in range(4):
        fills += ["START TRANSACTION;\n", *_each(put, 10 * n, 10, chance), "COMMIT;\n"]
    fills += ["BEGIN;\n", *_each(put, 100, 3, chance), "SAVEPOINT here;\n"]
    fills += [*_each(put, 200, 3, chance), "ROLLBACK TO here;\n", "COMMIT;\n"]
    fills += ["SET autocommit = 0;\n", *_each(put, 300, 5, chance), "COMMIT;\n"]
    fills += [*_each(put, 400, 5, chance), "SET autocommit = 1;\n"]
    later = ["START TRANSACTION;\n", *_each(put, 500, 5, chance), "COMMIT;\n"]
    return Kind(fills, later, moments=(b"INTO a ", b"COMMIT", b"START TRANSACTION"))


def _trigger(chance: random.Random) -> Kind:
    log = "what VARCHAR(200) NOT NULL, id INT NOT NULL, PRIMARY KEY (id, what)"
    count = "name VARCHAR(9) PRIMARY KEY, n INT NOT NULL"
    return Kind(
        [
            *_made("a", A_COLUMNS),
            *_made("log", log),
            *_made("counts", count),
            "INSERT INTO counts VALUES ('a', 0);\n",
            "CREATE TRIGGER noted AFTER INSERT ON a FOR EACH ROW INSERT INTO log VALUES"
            " (NEW.text, NEW.id);\n",
            "CREATE TRIGGER counted BEFORE INSERT ON a FOR EACH ROW"
            " UPDATE counts SET n = n + 1 WHERE name = 'a';\n",
            *_plain(chance, "a", 1, 10),
        ],
        _plain(chance, "a", 5_000, 2),
    )


def _counter(chance: random.Random) -> Kind:
    """Return rows that the server numbers, and rows that read the numbers."""
    read = "INSERT INTO of_a SELECT CONCAT('of ', text), id FROM a WHERE text LIKE 'key {id} %';"
    put = "INSERT INTO a (text) VALUES ('key {id} {text}'), ('more {text}');"

    def both(first: int, count: int) -> list[str]:
        pairs = zip(_each(put, first, count, chance), _each(read, first, count, chance))
        return [statement for pair in pairs for statement in pair]

    return Kind(
        [
            *_made(
                "a", "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200), KEY (text)"
            ),
            *_made("of_a", "text VARCHAR(200) PRIMARY KEY, a INT NOT NULL"),
            *both(1, 20),
        ],
        both(21, 5),
        moments=(b"INTO a ", b"INTO of_a "),
        asks=(
            "SELECT text FROM faults_k.a ORDER BY text",
            "SELECT of_a.text, a.text FROM faults_k.of_a"
            " LEFT JOIN faults_k.a ON a.id = of_a.a ORDER BY 1, 2",
        ),
        unlike=("a", "of_a"),
    )


def _last_id(chance: random.Random) -> Kind:
    """Return rows that refer to the number that the statement before them was given."""
    kind = _counter(chance)
    read = "INSERT INTO of_a VALUES ('of {id}', LAST_INSERT_ID());"
    put = "INSERT INTO a (text) VALUES ('key {id} {text}');"
    pairs = zip(_each(put, 1, 25, chance), _each(read, 1, 25, chance))
    both = [statement for pair in pairs for statement in pair]
    kind.fills[4:], kind.later, kind.may_doubt = both[:40], both[40:], True
    return kind


def _changed(chance: random.Random) -> Kind:
    def changes(first: int) -> list[str]:
        return [
            f"UPDATE a SET n = n + {first} WHERE id % 3 = 0;\n",
            f"DELETE FROM a WHERE id % 50 = {first};\n",
            "UPDATE a JOIN a AS other ON other.id = a.id + 1 SET a.n = a.n * 2 + other.n % 2"
            " WHERE a.id % 4 = 0;\n",
            f"INSERT INTO a VALUES ({first - 100}, 'again', 0);\n",
        ]

    return Kind(
        [*_made("a", A_COLUMNS), *_plain(chance, "a", 1, 5), *changes(1), *changes(2), *changes(3)],
        [*changes(4), *changes(5)],
        moments=(b"UPDATE a", b"DELETE FROM a", b"INTO a "),
        checks_keys=True,
        may_doubt=True,
    )


def _upsert(chance: random.Random) -> Kind:
    def once(first: int) -> str:
        rows = _rows(chance, first, 100)
        return f"INSERT INTO a VALUES {rows} ON DUPLICATE KEY UPDATE n = n + VALUES(n) + 1;\n"

    return Kind(
        [*_made("a", A_COLUMNS), *(once(first) for first in range(1, 300, 30))],
        [once(1), once(50)],
        checks_keys=True,
    )


def _create_select(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("source", A_COLUMNS),
            *_plain(chance, "source", 1, 4),
            "DROP TABLE IF EXISTS a;\n",
            "CREATE TABLE a (PRIMARY KEY (id)) SELECT id, text, n * 2 AS n FROM source;\n",
            "INSERT INTO a VALUES (9001, 'more', 1);\n",
            "DROP TABLE IF EXISTS like_a;\n",
            "CREATE TABLE like_a LIKE a;\n",
            "INSERT INTO like_a SELECT * FROM a;\n",
        ],
        [
            "DROP TABLE IF EXISTS sums;\n",
            "CREATE TABLE sums AS SELECT n, COUNT(*) AS many FROM a GROUP BY n ORDER BY n;\n",
        ],
        moments=(b"CREATE TABLE a ", b"INTO like_a", b"CREATE TABLE like_a"),
    )


def _altered(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS),
            *_plain(chance, "a", 1, 4),
            "ALTER TABLE a ADD COLUMN extra INT NOT NULL DEFAULT 5;\n",
            *_each("INSERT INTO a VALUES ({id}, '{text}', {n}, {id});", 1_000, 20, chance),
            "ALTER TABLE a ADD KEY text (text(20));\n",
            "ALTER TABLE a DROP COLUMN extra;\n",
            *_plain(chance, "a", 2_000, 2),
            "ALTER TABLE a ADD COLUMN extra INT NOT NULL DEFAULT 7;\n",
        ],
        ["ALTER TABLE a DROP KEY text, ADD UNIQUE KEY both_of (id, n);\n"],
        moments=(b"ALTER TABLE a", b"INTO a "),
    )


def _renamed(chance: random.Random) -> Kind:
    return Kind(
        [
            "DROP TABLE IF EXISTS a;\n",
            "DROP TABLE IF EXISTS a_old;\n",
            *_made("a_new", A_COLUMNS),
            *_plain(chance, "a_new", 1, 4),
            "RENAME TABLE a_new TO a;\n",
            *_plain(chance, "a", 1_000, 2),
            *_made("a_new", A_COLUMNS),
            *_plain(chance, "a_new", 2_000, 3),
            "RENAME TABLE a TO a_old, a_new TO a;\n",
        ],
        ["ALTER TABLE a_old RENAME TO a_older;\n", *_plain(chance, "a", 3_000, 2)],
        moments=(b"RENAME", b"INTO a", b"CREATE TABLE a_new"),
        checks_keys=True,
    )


def _truncated(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS),
            *_plain(chance, "a", 1, 3),
            "TRUNCATE TABLE a;\n",
            *_plain(chance, "a", 1, 3),
            "TRUNCATE TABLE a;\n",
            *_each("INSERT INTO a VALUES ({id}, LOWER('{text}'), {n});", 1, 20, chance),
        ],
        _plain(chance, "a", 1_000, 2),
        moments=(b"TRUNCATE", b"INTO a "),
    )


def _called(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS),
            *_plain(chance, "a", 1, 2),
            "DELIMITER $$\nDROP PROCEDURE IF EXISTS fill$$\n"
            "CREATE PROCEDURE fill(IN k INT)\nBEGIN\n"
            "  INSERT INTO a VALUES (k, 'called', 1);\n  UPDATE a SET n = n + 1 WHERE id < 9;\n"
            "END$$\nDELIMITER ;\n",
            *_each("CALL fill({id});", 1_001, 6, chance),
        ],
        _each("CALL fill({id});", 1_007, 2, chance),
        moments=(b"CALL fill", b"PROCEDURE"),
        may_doubt=True,
    )


def _programs(chance: random.Random) -> Kind:
    put = "INSERT INTO a VALUES ({id}, '{text}', twice({n}));"
    return Kind(
        [
            *_made("a", A_COLUMNS),
            "DROP FUNCTION IF EXISTS twice;\n",
            "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;\n",
            *_each(put, 1, 25, chance),
            "CREATE OR REPLACE VIEW of_a AS SELECT id, text, n FROM a WHERE n >= 0;\n",
            *_each("INSERT INTO of_a VALUES ({id}, '{text}', {n});", 101, 20, chance),
        ],
        ["DROP FUNCTION twice;\n", "INSERT INTO of_a VALUES (900, 'last', 3);\n"],
        moments=(b"INTO a ", b"INTO of_a ", b"FUNCTION", b"VIEW"),
        checks_keys=True,
    )


def _generated(chance: random.Random) -> Kind:
    columns = A_COLUMNS + ", twice INT GENERATED ALWAYS AS (n * 2) STORED, KEY twice (twice)"
    put = "INSERT INTO a (id, text, n) VALUES {rows};\n"
    fills = [put.replace("{rows}", _rows(chance, 100 * n, 100)) for n in range(8)]
    more = "INSERT INTO a (id, text, n) VALUES ({id}, '{text}', DEFAULT), ({id}000, NULL, 4);"
    # MariaDB gives another checksum each time where there is such a column.
    asks = ("SELECT id, text, n, twice FROM faults_k.a ORDER BY id",)
    later = _each(more, 1_000, 5, chance)
    return Kind([*_made("a", columns), *fills], later, asks=asks, unlike=("a",))


def _delimited(chance: random.Random) -> Kind:
    """Return several statements that are sent as one."""

    def block(first: int) -> str:
        inserts = "".join(_each("INSERT INTO a VALUES ({id}, '{text}', {n});", first, 5, chance))
        return f"DELIMITER $$\n{inserts}UPDATE a SET n = n + 1 WHERE id = {first}$$\nDELIMITER ;\n"

    return Kind(
        [*_made("a", A_COLUMNS), *(block(10 * n) for n in range(5))],
        [block(900)],
        may_doubt=True,
    )


def _prepared(chance: random.Random) -> Kind:
    return Kind(
        [
            *_made("a", A_COLUMNS),
            "PREPARE put FROM 'INSERT INTO a VALUES (?, ?, ?)';\n",
            *(
                f"SET @i = {n}, @t = '{_text(chance)}';\nEXECUTE put USING @i, @t, @i;\n"
                for n in range(6)
            ),
            "DEALLOCATE PREPARE put;\n",
        ],
        [
            "SET @s = 'INSERT INTO a VALUES (99, \"prepared\", 1)';\n",
            "PREPARE p FROM @s;\n",
            "EXECUTE p;\n",
        ],
        moments=(b"EXECUTE", b"PREPARE"),
        may_doubt=True,
    )


def _schemas(chance: random.Random) -> Kind:
    fills = [*_made("a", A_COLUMNS)]
    put = "INSERT INTO a VALUES ({id}, REVERSE('{text}'), {n});"
    for n, schema in enumerate(("faults_l", "faults_k", "faults_l", "faults_k")):
        fills += [f"USE {schema};\n", *(_made("a", A_COLUMNS) if n == 0 else [])]
        fills += [*_each(put, 100 * n, 10, chance), *_plain(chance, "a", 1_000 * n + 500, 1)]
    later = ["USE faults_l;\n", *_each(put, 5_000, 5, chance), *_made("b", A_COLUMNS)]
    later += [*_plain(chance, "b", 1, 2), "USE faults_k;\n"]
    return Kind(fills, later, moments=(b"INTO a ", b"faults_l"))


def _temporary(chance: random.Random) -> Kind:
    """Return a table that lives only as long as the connection."""
    return Kind(
        [
            *_made("a", A_COLUMNS),
            f"CREATE TEMPORARY TABLE passing ({A_COLUMNS});\n",
            *_plain(chance, "passing", 1, 3),
            *(f"INSERT INTO a SELECT * FROM passing WHERE id % 4 = {n};\n" for n in range(4)),
        ],
        ["DROP TEMPORARY TABLE passing;\n"],
        moments=(b"INTO a ", b"passing"),
        may_doubt=True,
    )


def _appended(chance: random.Random) -> Kind:
    """Return what people append to dumps: rows that no dump tool writes."""
    pairs = [
        "INSERT INTO a (n) VALUES (-1), (-2), (-3);\n",
        "INSERT INTO a (n) SELECT LAST_INSERT_ID();\n",
    ]
    return Kind(
        _made("source", A_COLUMNS) + _plain(chance, "source", 1, 3),
        [*_made("a", "id INT AUTO_INCREMENT PRIMARY KEY, n INT"), *pairs, *pairs],
        heading=True,
        may_doubt=True,
        asks=(
            "SELECT COUNT(*), SUM(n < 0), SUM(n IN (SELECT id FROM faults_k.a AS first"
            " WHERE first.n = -1)) FROM faults_k.a",
        ),
        unlike=("a",),
    )


KINDS: dict[str, Callable[[random.Random], Kind]] = {
    "myisam": _myisam,
    "functions": _like("INSERT INTO a VALUES ({id}, UPPER('{text}'), CONVERT('{n}', SIGNED));"),
    "converted": _like(
        "INSERT INTO a SET id = {id}, text = CONVERT('{text}' USING latin1), n = 1;"
    ),
    "spatial": _spatial,
    "insert-select": _selected("INSERT"),
    "replace-select": _selected("REPLACE"),
    "variable": _variable,
    "load-data": _load_data,
    "transaction": _transaction,
    "trigger": _trigger,
    "counter": _counter,
    "last-id": _last_id,
    "changed": _changed,
    "upsert": _upsert,
    "create-select": _create_select,
    "altered": _altered,
    "renamed": _renamed,
    "truncated": _truncated,
    "called": _called,
    "programs": _programs,
    "generated": _generated,
    "delimited": _delimited,
    "prepared": _prepared,
    "schemas": _schemas,
    "temporary": _temporary,
    "appended": _appended,
}
"""Kinds of statement, by name."""


def mentions(chunk: str, table: str) -> bool:
    """Tell whether a statement names a table, as a word."""
    return re.search(rf"\b{re.escape(table)}\b", chunk) is not None
