"""The kinds of statement that fill a table, each with what makes it hard to resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.parts import A_COLUMNS, Kind, each, made, plain, rows_of, text_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


def _like(template: str) -> Callable[[random.Random], Kind]:
    """Return the kind whose statements all look like one."""

    def kind(chance: random.Random) -> Kind:
        return Kind(
            [*made("a", A_COLUMNS), *each(template, 1, 40, chance)],
            each(template, 41, 10, chance),
        )

    return kind


def _myisam(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("a", A_COLUMNS, "ENGINE=MyISAM"),
            "LOCK TABLES a WRITE;\n",
            "/*!40000 ALTER TABLE a DISABLE KEYS */;\n",
            *plain(chance, "a", 1, 8),
            "/*!40000 ALTER TABLE a ENABLE KEYS */;\n",
            "UNLOCK TABLES;\n",
        ],
        plain(chance, "a", 5_000, 2),
        heading=True,
        keeps_transactions=False,
        may_doubt=True,
    )


def _default_engine(chance: random.Random) -> Kind:
    """Return a table that is MyISAM's, though its definition does not say so."""
    return Kind(
        [
            "SET default_storage_engine = MyISAM;\n",
            *made("a", A_COLUMNS, ""),
            "SET default_storage_engine = InnoDB;\n",
            *plain(chance, "a", 1, 8),
        ],
        plain(chance, "a", 5_000, 2),
        keeps_transactions=False,
        may_doubt=True,
    )


def _spatial(chance: random.Random) -> Kind:
    columns = "id INT NOT NULL PRIMARY KEY, at POINT NOT NULL, text VARCHAR(200), SPATIAL KEY (at)"
    put = "INSERT INTO a VALUES ({id}, ST_GeomFromText('POINT({id} {n})'), '{text}');"
    return Kind([*made("a", columns), *each(put, 1, 40, chance)], each(put, 41, 10, chance))


def _selected(verb: str) -> Callable[[random.Random], Kind]:
    def kind(chance: random.Random) -> Kind:
        parts = [
            f"{verb} INTO a SELECT id, text, n + 1 FROM source WHERE id % 4 = {n};\n"
            for n in range(4)
        ]
        again = f"{verb} INTO a SELECT id + 5000, text, n FROM source WHERE id % 4 = 0;\n"
        return Kind(
            [
                *made("source", A_COLUMNS),
                *plain(chance, "source", 1, 3),
                *made("a", A_COLUMNS),
                *parts,
            ],
            [again],
        )

    return kind


def _variable(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("a", A_COLUMNS),
            "SET @x := 'one', @n := 1;\n",
            *each("INSERT INTO a VALUES ({id}, @x, @n);", 1, 12, chance),
            "SET @x := 'two';\n",
            *each("INSERT INTO a VALUES ({id}, CONCAT(@x, '{text}'), @n + 1);", 13, 12, chance),
        ],
        each("INSERT INTO a VALUES ({id}, @x, @n);", 30, 3, chance),
        moments=(b"INTO a ", b"SET @"),
    )


def _load_data(chance: random.Random) -> Kind:
    load = "LOAD DATA LOCAL INFILE '{data}' INTO TABLE a (id, text, n)"
    return Kind(
        [*made("a", A_COLUMNS), f"{load};\n"],
        ["SET @more := 5000;\n", f"{load.replace('(id', '(@id')} SET id = @id + 5000;\n"],
        moments=(b"LOAD DATA",),
        data="".join(f"{n}\t{text_of(chance)}\t{n % 9}\n" for n in range(1, 900)),
    )


def _transaction(chance: random.Random) -> Kind:
    put = "INSERT INTO a VALUES ({id}, '{text}', {n});"
    fills = [*made("a", A_COLUMNS)]
    for n in range(4):
        fills += ["START TRANSACTION;\n", *each(put, 10 * n, 10, chance), "COMMIT;\n"]
    fills += ["BEGIN;\n", *each(put, 100, 3, chance), "SAVEPOINT here;\n"]
    fills += [*each(put, 200, 3, chance), "ROLLBACK TO here;\n", "COMMIT;\n"]
    fills += ["SET autocommit = 0;\n", *each(put, 300, 5, chance), "COMMIT;\n"]
    fills += [*each(put, 320, 3, chance), "ROLLBACK;\n"]
    fills += [*each(put, 400, 5, chance), "SET autocommit = 1;\n"]
    later = ["START TRANSACTION;\n", *each(put, 500, 5, chance), "COMMIT;\n"]
    moments = (b"INTO a ", b"COMMIT", b"START TRANSACTION")
    return Kind(fills, later, moments=moments)


def _trigger(chance: random.Random) -> Kind:
    log = "what VARCHAR(200) NOT NULL, id INT NOT NULL, PRIMARY KEY (id, what)"
    count = "name VARCHAR(9) PRIMARY KEY, n INT NOT NULL"
    return Kind(
        [
            *made("a", A_COLUMNS),
            *made("log", log),
            *made("counts", count),
            "INSERT INTO counts VALUES ('a', 0);\n",
            "CREATE TRIGGER noted AFTER INSERT ON a FOR EACH ROW INSERT INTO log VALUES"
            " (NEW.text, NEW.id);\n",
            "CREATE TRIGGER counted BEFORE INSERT ON a FOR EACH ROW"
            " UPDATE counts SET n = n + 1 WHERE name = 'a';\n",
            *plain(chance, "a", 1, 10),
        ],
        plain(chance, "a", 5_000, 2),
    )


def _counter(chance: random.Random) -> Kind:
    """Return rows that the server numbers, and rows that read the numbers."""
    read = "INSERT INTO of_a SELECT CONCAT('of ', text), id FROM a WHERE text LIKE 'key {id} %';"
    put = "INSERT INTO a (text) VALUES ('key {id} {text}'), ('more {text}');"

    def both(first: int, count: int) -> list[str]:
        pairs = zip(each(put, first, count, chance), each(read, first, count, chance))
        return [statement for pair in pairs for statement in pair]

    return Kind(
        [
            *made("a", "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200), KEY (text)"),
            *made("of_a", "text VARCHAR(200) PRIMARY KEY, a INT NOT NULL"),
            *both(1, 20),
        ],
        both(21, 5),
        moments=(b"INTO a ", b"INTO of_a "),
        asks=(
            "SELECT text FROM faults_k.a ORDER BY text",
            "SELECT of_a.text, a.text FROM faults_k.of_a"
            " LEFT JOIN faults_k.a ON a.id = of_a.a ORDER BY 1, 2",
        ),
    )


def _last_id(chance: random.Random) -> Kind:
    """Return rows that refer to the number that the statement before them was given."""
    kind = _counter(chance)
    read = "INSERT INTO of_a VALUES ('of {id}', LAST_INSERT_ID());"
    put = "INSERT INTO a (text) VALUES ('key {id} {text}');"
    pairs = zip(each(put, 1, 25, chance), each(read, 1, 25, chance))
    both = [statement for pair in pairs for statement in pair]
    kind.fills[4:], kind.later = both[:40], both[40:]
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
        [*made("a", A_COLUMNS), *plain(chance, "a", 1, 5), *changes(1), *changes(2), *changes(3)],
        [*changes(4), *changes(5)],
        moments=(b"UPDATE a", b"DELETE FROM a", b"INTO a "),
        checks_keys=True,
        may_doubt=True,
    )


def _upsert(chance: random.Random) -> Kind:
    def once(first: int) -> str:
        rows = rows_of(chance, first, 100)
        return f"INSERT INTO a VALUES {rows} ON DUPLICATE KEY UPDATE n = n + VALUES(n) + 1;\n"

    return Kind(
        [*made("a", A_COLUMNS), *(once(first) for first in range(1, 300, 30))],
        [once(1), once(50)],
        checks_keys=True,
    )


def _create_select(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("source", A_COLUMNS),
            *plain(chance, "source", 1, 4),
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
            *made("a", A_COLUMNS),
            *plain(chance, "a", 1, 4),
            "ALTER TABLE a ADD COLUMN extra INT NOT NULL DEFAULT 5;\n",
            *each("INSERT INTO a VALUES ({id}, '{text}', {n}, {id});", 1_000, 20, chance),
            "ALTER TABLE a ADD KEY text (text(20));\n",
            "ALTER TABLE a DROP COLUMN extra;\n",
            *plain(chance, "a", 2_000, 2),
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
            *made("a_new", A_COLUMNS),
            *plain(chance, "a_new", 1, 4),
            "RENAME TABLE a_new TO a;\n",
            *plain(chance, "a", 1_000, 2),
            *made("a_new", A_COLUMNS),
            *plain(chance, "a_new", 2_000, 3),
            "RENAME TABLE a TO a_old, a_new TO a;\n",
        ],
        ["ALTER TABLE a_old RENAME TO a_older;\n", *plain(chance, "a", 3_000, 2)],
        moments=(b"RENAME", b"INTO a", b"CREATE TABLE a_new"),
        checks_keys=True,
    )


def _truncated(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("a", A_COLUMNS),
            *plain(chance, "a", 1, 3),
            "TRUNCATE TABLE a;\n",
            *plain(chance, "a", 1, 3),
            "TRUNCATE TABLE a;\n",
            *each("INSERT INTO a VALUES ({id}, LOWER('{text}'), {n});", 1, 20, chance),
        ],
        plain(chance, "a", 1_000, 2),
        moments=(b"TRUNCATE", b"INTO a "),
    )


def _called(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("a", A_COLUMNS),
            *plain(chance, "a", 1, 2),
            "DELIMITER $$\nDROP PROCEDURE IF EXISTS fill$$\n"
            "CREATE PROCEDURE fill(IN k INT)\nBEGIN\n"
            "  INSERT INTO a VALUES (k, 'called', 1);\n  UPDATE a SET n = n + 1 WHERE id < 9;\n"
            "END$$\nDELIMITER ;\n",
            *each("CALL fill({id});", 1_001, 6, chance),
        ],
        each("CALL fill({id});", 1_007, 2, chance),
        moments=(b"CALL fill", b"PROCEDURE"),
        may_doubt=True,
    )


def _programs(chance: random.Random) -> Kind:
    put = "INSERT INTO a VALUES ({id}, '{text}', twice({n}));"
    return Kind(
        [
            *made("a", A_COLUMNS),
            "DROP FUNCTION IF EXISTS twice;\n",
            "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n;\n",
            *each(put, 1, 25, chance),
            "CREATE OR REPLACE VIEW of_a AS SELECT id, text, n FROM a WHERE n >= 0;\n",
            *each("INSERT INTO of_a VALUES ({id}, '{text}', {n});", 101, 20, chance),
        ],
        ["DROP FUNCTION twice;\n", "INSERT INTO of_a VALUES (900, 'last', 3);\n"],
        moments=(b"INTO a ", b"INTO of_a ", b"FUNCTION", b"VIEW"),
        checks_keys=True,
    )


def _generated(chance: random.Random) -> Kind:
    columns = A_COLUMNS + ", twice INT GENERATED ALWAYS AS (n * 2) STORED, KEY twice (twice)"
    put = "INSERT INTO a (id, text, n) VALUES {rows};\n"
    fills = [put.replace("{rows}", rows_of(chance, 100 * n, 100)) for n in range(8)]
    more = "INSERT INTO a (id, text, n) VALUES ({id}, '{text}', DEFAULT), ({id}000, NULL, 4);"
    # MariaDB gives another checksum each time where there is such a column.
    asks = ("SELECT id, text, n, twice FROM faults_k.a ORDER BY id",)
    later = each(more, 1_000, 5, chance)
    return Kind([*made("a", columns), *fills], later, asks=asks, unlike=("a",))


def _delimited(chance: random.Random) -> Kind:
    """Return several statements that are sent as one."""

    def block(first: int) -> str:
        inserts = "".join(each("INSERT INTO a VALUES ({id}, '{text}', {n});", first, 5, chance))
        return f"DELIMITER $$\n{inserts}UPDATE a SET n = n + 1 WHERE id = {first}$$\nDELIMITER ;\n"

    return Kind(
        [*made("a", A_COLUMNS), *(block(10 * n) for n in range(5))],
        [block(900)],
        in_parts=True,
        may_doubt=True,
    )


def _prepared(chance: random.Random) -> Kind:
    return Kind(
        [
            *made("a", A_COLUMNS),
            "PREPARE put FROM 'INSERT INTO a VALUES (?, ?, ?)';\n",
            *(
                f"SET @i = {n}, @t = '{text_of(chance)}';\nEXECUTE put USING @i, @t, @i;\n"
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
    fills = [*made("a", A_COLUMNS)]
    put = "INSERT INTO a VALUES ({id}, REVERSE('{text}'), {n});"
    for n, schema in enumerate(("faults_l", "faults_k", "faults_l", "faults_k")):
        fills += [f"USE {schema};\n", *(made("a", A_COLUMNS) if n == 0 else [])]
        fills += [*each(put, 100 * n, 10, chance), *plain(chance, "a", 1_000 * n + 500, 1)]
    later = ["USE faults_l;\n", *each(put, 5_000, 5, chance), *made("b", A_COLUMNS)]
    later += [*plain(chance, "b", 1, 2), "USE faults_k;\n"]
    return Kind(fills, later, moments=(b"INTO a ", b"faults_l"))


def _temporary(chance: random.Random) -> Kind:
    """Return a table that lives only as long as the connection."""
    return Kind(
        [
            *made("a", A_COLUMNS),
            f"CREATE TEMPORARY TABLE passing ({A_COLUMNS});\n",
            *plain(chance, "passing", 1, 3),
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
        made("source", A_COLUMNS) + plain(chance, "source", 1, 3),
        [*made("a", "id INT AUTO_INCREMENT PRIMARY KEY, n INT"), *pairs, *pairs],
        heading=True,
        may_doubt=True,
        asks=(
            "SELECT COUNT(*), SUM(n < 0), SUM(n IN (SELECT id FROM faults_k.a AS first"
            " WHERE first.n = -1)) FROM faults_k.a",
        ),
    )


KINDS: dict[str, Callable[[random.Random], Kind]] = {
    "myisam": _myisam,
    "default-engine": _default_engine,
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
