from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.definitions import (
    TableDefinition,
    counts_up,
    read_definition,
    references,
    unquoted,
)


def definition(
    engine: bytes | None = None,
    *,
    unless_exists: bool = False,
    refers: bool = False,
    first: bytes | None = None,
    elsewhere: bool = False,
) -> TableDefinition:
    return TableDefinition(unless_exists, engine, refers, first, elsewhere)


MYSQLDUMP = b"""CREATE TABLE `scan` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `depth` decimal(10,2) DEFAULT '0.00' COMMENT 'um, (below); `pia` AUTO_INCREMENT REFERENCES `x`',
  `mode` enum('a,b','c)','it''s') NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk` FOREIGN KEY (`depth`) REFERENCES `session` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=42 DEFAULT CHARSET=utf8mb4 COMMENT='ENGINE=MyISAM AS SELECT (1)'"""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"CREATE TABLE t (a int)", definition()),
        (b"create table if not exists `s` . `t`(a int)", definition(unless_exists=True)),
        (b"CREATE TABLE `a``b` (a int) ENGINE=MyISAM", definition(b"myisam")),
        (b"CREATE TABLE t (a int) engine InnoDB", definition(b"innodb")),
        (b"CREATE TABLE t (a int) ENGINE = `Aria`", definition(b"aria")),
        (b"CREATE TABLE t (a int) ENGINE='InnoDB'", definition(b"innodb")),
        (b"CREATE TABLE t (a int) COMMENT='ENGINE=MyISAM'", definition()),
        (b"CREATE TABLE t (a int COMMENT ') ENGINE=x', b int)", definition()),
        (b"CREATE TABLE t (id int AUTO_INCREMENT)", definition(first=b"id")),
        (b"CREATE TABLE t (`i``d` int auto_increment, b int)", definition(first=b"i`d")),
        (b"CREATE TABLE t (a int, id int AUTO_INCREMENT)", definition(elsewhere=True)),
        (b"CREATE TABLE t (a int) AUTO_INCREMENT=5", definition()),
        (b"CREATE TABLE t (id SERIAL, b int)", definition(first=b"id")),
        (b"CREATE TABLE t (a int, id serial)", definition(elsewhere=True)),
        (b"CREATE TABLE t (id decimal(9,0) AUTO_INCREMENT)", definition(elsewhere=True)),
        (b"CREATE TABLE t (`serial` int, `auto_increment` int)", definition()),
        (b"CREATE TABLE t (a int COMMENT 'AUTO_INCREMENT', b int)", definition()),
        (
            b"CREATE TABLE t (a int COMMENT 'AUTO_INCREMENT', b int AUTO_INCREMENT)",
            definition(elsewhere=True),
        ),
        (
            b"CREATE TABLE t (`it's` int, a int COMMENT 'x', b int AUTO_INCREMENT)",
            definition(elsewhere=True),
        ),
        (b"CREATE TABLE t (a int REFERENCES u(b))", definition(refers=True)),
        (b"CREATE TABLE t (a int, FOREIGN KEY (a)REFERENCES`u`(b))", definition(refers=True)),
        (b'CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES "u" (b))', definition(refers=True)),
        (MYSQLDUMP, definition(b"innodb", refers=True, first=b"id")),
        (
            b"CREATE TABLE t (a int) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (1))",
            definition(),
        ),
        (b"CREATE TABLE t (a int) WITH SYSTEM VERSIONING", definition()),
    ],
)
def test_definitions(sql: bytes, expected: TableDefinition) -> None:
    found = read_definition(sql)
    assert found is None or found._replace(counts_unseen=False, has_primary_key=True) == expected
    assert found is not None


@pytest.mark.parametrize(
    ("columns", "unseen", "has_key"),
    [
        (b"a INT, b INT", False, False),
        (b"a INT PRIMARY  KEY", False, True),
        (b"a INT COMMENT 'PRIMARY KEY', `invisible` INT AUTO_INCREMENT, KEY (a)", False, False),
        (b"id INT AUTO_INCREMENT INVISIBLE, a INT, PRIMARY KEY (id)", True, True),
        (b"a INT, id SERIAL /* c */ invisible", True, False),
        (b"id INT AUTO_INCREMENT, a INT, primary key (id)", False, True),
        (b"a INT INVISIBLE", False, False),
    ],
)
def test_columns_that_rows_leave_out(columns: bytes, unseen: bool, has_key: bool) -> None:
    found = read_definition(b"CREATE TABLE t (" + columns + b")")
    assert found is not None
    assert (found.counts_unseen, found.has_primary_key) == (unseen, has_key)


@pytest.mark.parametrize(
    "sql",
    [
        b"CREATE TABLE t LIKE u",
        b"CREATE TABLE t (LIKE u)",
        b"CREATE TABLE t SELECT 1",
        b"CREATE TABLE t (SELECT 1)",
        b"CREATE TABLE t ( (SELECT 1) )",
        b"CREATE TABLE t (a int) SELECT 1 AS a",
        b"CREATE TABLE t (a int) AS SELECT 1",
        b"CREATE TABLE t (a int) ENGINE=InnoDB IGNORE SELECT 1",
        b"CREATE TABLE t (a int) REPLACE (SELECT 1)",
        b"CREATE TABLE t (a int) AS TABLE u",
        b"CREATE TABLE t (a int) TABLE u",
        b"CREATE TABLE t (a int) WITH c AS (SELECT 1) SELECT * FROM c",
        b"CREATE TABLE t (a int) VALUES ROW(1)",
        b"CREATE TABLE t (a int) ENGINE=MERGE UNION=(u,v)",
        b"CREATE TEMPORARY TABLE t (a int)",
        b"CREATE OR REPLACE TABLE t (a int)",
        b'CREATE TABLE "t" (a int)',
        b"CREATE TABLE t",
        b"CREATE TABLE t (a int",
        b"CREATE TABLE t (a int COMMENT ')'",
        b"CREATE VIEW v AS SELECT (1)",
        b"ALTER TABLE t ADD (a int)",
        b"",
    ],
)
def test_more_or_less_than_a_definition(sql: bytes) -> None:
    assert read_definition(sql) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"a int REFERENCES u (b)", [(None, b"u")]),
        (b"references `s`.`u`(b)", [(b"s", b"u")]),
        (b"REFERENCES s . `u``v` (b), REFERENCES\nw(c)", [(b"s", b"u`v"), (None, b"w")]),
        (b"REFERENCES`u`(b)", [(None, b"u")]),
        (b'REFERENCES "s"."u""v" (b)', [(b"s", b'u"v')]),
        (b"a int", []),
        (b"`references` int", []),
    ],
)
def test_references(sql: bytes, expected: list[tuple[bytes | None, bytes]]) -> None:
    assert references(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"ALTER TABLE t MODIFY `id` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7", True),
        (b"ALTER TABLE t ADD id serial", True),
        (b"ALTER TABLE t AUTO_INCREMENT = 7", False),
        (b"ALTER TABLE t ADD a int COMMENT 'auto_increment'", False),
        (b"ALTER TABLE t ADD `auto_increment` int", False),
    ],
)
def test_counting(sql: bytes, expected: bool) -> None:
    assert counts_up(sql) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"`a``b`", b"a`b"), (b'"a""b"', b'a"b'), (b"ab", b"ab"), (b"`\xff`", b"\xff")],
)
def test_names(name: bytes, expected: bytes) -> None:
    assert unquoted(name) == expected


@given(st.binary() | st.text("()'\"`,\\a1 ", max_size=40).map(str.encode))
def test_any_bytes_get_an_answer(columns: bytes) -> None:
    read_definition(b"CREATE TABLE t (" + columns)
