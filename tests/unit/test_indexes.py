from __future__ import annotations

import pytest

from sidecar_magics.load.running.index_clauses import add_clause, drop_clause, read_indexes

MYSQL = b"""CREATE TABLE `unit` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `scan` int NOT NULL COMMENT 'KEY `by_scan` (`x`), PRIMARY KEY (`a`)',
  `depth` decimal(10,2) DEFAULT NULL,
  `name` varchar(255) COLLATE utf8mb4_bin NOT NULL DEFAULT 'KEY `by_name` (',
  `text` text,
  `where` geometry NOT NULL /*!80003 SRID 0 */,
  PRIMARY KEY (`id`),
  UNIQUE KEY `only` (`name`),
  SPATIAL KEY `area` (`where`),
  KEY `scan` (`scan`,`depth`),
  KEY `by_depth` (`depth` DESC,`id`),
  KEY `by_name` (`name`(10)) USING BTREE COMMENT 'a, `b`, KEY `c` (`d`),',
  KEY `lower` ((lower(`name`)),`depth`),
  KEY `hidden` (`depth`) /*!80000 INVISIBLE */,
  KEY `a``b (c` (`depth`,`name`),
  FULLTEXT KEY `words` (`text`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `unit_ibfk_1` FOREIGN KEY (`scan`) REFERENCES `scan` (`id`) ON DELETE CASCADE,
  CONSTRAINT `unit_chk_1` CHECK ((`depth` > 0))
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='KEY `z` (`a`)'
/*!50100 PARTITION BY HASH (`id`)
PARTITIONS 4 */"""

MARIADB = b"""CREATE TABLE `unit` (
  `a` int(11) NOT NULL,
  `b` varchar(20) DEFAULT NULL,
  PRIMARY KEY (`a`),
  UNIQUE KEY `b` (`b`) USING HASH,
  KEY `one` (`b`,`a`) COMMENT 'it''s',
  KEY `two` (`b`) IGNORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_ai_ci
 PARTITION BY KEY (`a`)
PARTITIONS 2"""


def create(*lines: bytes, engine: bytes = b"InnoDB", columns: bytes = b"`a` int NOT NULL") -> bytes:
    body = b",\n  ".join([columns, *lines])
    return b"CREATE TABLE `t` (\n  " + body + b"\n) ENGINE=" + engine + b" DEFAULT CHARSET=latin1"


def test_mysql() -> None:
    indexes = read_indexes(MYSQL)
    assert indexes.sorts_rows
    assert indexes.last == [
        b"KEY `by_depth` (`depth` DESC,`id`)",
        b"KEY `by_name` (`name`(10)) USING BTREE COMMENT 'a, `b`, KEY `c` (`d`),'",
        b"KEY `lower` ((lower(`name`)),`depth`)",
        b"KEY `hidden` (`depth`) /*!80000 INVISIBLE */",
        b"KEY `a``b (c` (`depth`,`name`)",
    ]
    quoted = {b"`only`", b"`scan`", b"`by_depth`", b"`by_name`", b"`lower`", b"`hidden`"}
    assert indexes.names == {*quoted, b"`a``b (c`", b"`area`", b"`words`"}


def test_mariadb() -> None:
    indexes = read_indexes(MARIADB)
    assert indexes.sorts_rows
    assert indexes.last == [b"KEY `one` (`b`,`a`) COMMENT 'it''s'", b"KEY `two` (`b`) IGNORED"]
    assert indexes.names == {b"`b`", b"`one`", b"`two`"}


PRIMARY, ONE, TWO, THREE = (
    b"PRIMARY KEY (`a`)",
    b"KEY `one` (`b`)",
    b"KEY `two` (`c`)",
    b"KEY `three` (`d`,`b`)",
)


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ([PRIMARY], []),
        ([PRIMARY, ONE, TWO, THREE], [ONE, TWO, THREE]),
        ([PRIMARY, ONE, TWO, THREE, b"CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `u` (`x`)"],
         [TWO, THREE]),
        ([PRIMARY, ONE, TWO, THREE, b"CONSTRAINT `f` FOREIGN KEY (`d`, `x`) REFERENCES `u` (`x`)"],
         []),
        ([PRIMARY, ONE, b"KEY `\xc3\xa4` (`c`)", THREE], [THREE]),
        ([PRIMARY, ONE, b"KEY `k` (`c`) COMMENT '\xb5m'"], []),
        ([PRIMARY, b"UNIQUE KEY `u` (`b`)", TWO], [TWO]),
        ([PRIMARY, ONE, b"FULLTEXT KEY `f` (`b`)"], [ONE]),
        ([ONE, TWO], [ONE, TWO]),
        ([PRIMARY, ONE, b"SPATIAL KEY `s` (`b`)", TWO], [TWO]),
        ([PRIMARY, ONE, b"KEY `k` (`c`) COMMENT 'a\\\\b'", TWO], [TWO]),
    ],
)  # fmt: skip
def test_only_the_last_may_wait(lines: list[bytes], last: list[bytes]) -> None:
    assert read_indexes(create(*lines)).last == last


def test_the_index_of_what_counts_up_may_not_wait() -> None:
    text = create(ONE, b"KEY `n` (`n`)", TWO, columns=b"`n` int NOT NULL AUTO_INCREMENT")
    assert read_indexes(text).last == [TWO]


@pytest.mark.parametrize(
    ("text", "sorts"),
    [
        (create(PRIMARY), True),
        (create(ONE), False),
        (create(b"UNIQUE KEY `u` (`a`)"), False),
        (create(columns=b"`a` int COMMENT 'PRIMARY KEY'"), False),
        (create(PRIMARY, engine=b"MyISAM"), False),
        (create(PRIMARY, engine=b"Aria"), False),
        (create(PRIMARY, engine=b"innodb"), True),
        (b"CREATE ALGORITHM=UNDEFINED VIEW `v` AS select 1 AS `1`", False),
        (b"", False),
    ],
)
def test_what_sorts_rows(text: bytes, sorts: bool) -> None:
    assert read_indexes(text).sorts_rows is sorts


@pytest.mark.parametrize("engine", [b"MyISAM", b"Aria", b"MEMORY", b"ROCKSDB"])
def test_other_engines_put_nothing_off(engine: bytes) -> None:
    indexes = read_indexes(create(PRIMARY, ONE, engine=engine))
    assert indexes.last == []
    assert indexes.names == {b"`one`"}


@pytest.mark.parametrize("text", [MYSQL, MARIADB, create(PRIMARY, ONE, TWO)])
def test_what_is_dropped_is_added_again(text: bytes) -> None:
    indexes = read_indexes(text)
    dropped = drop_clause(indexes.last)
    names = [piece[len(b"DROP KEY ") :] for piece in dropped.split(b", ")]
    assert set(names) <= indexes.names
    lines = [line for line in text.splitlines() if line.strip().rstrip(b",") not in indexes.last]
    without = read_indexes(b"\n".join(lines))
    assert without.names == indexes.names - set(names)
    added = add_clause(indexes.last, without.names)
    assert added == b", ".join(b"ADD " + definition for definition in indexes.last)
    assert add_clause(indexes.last, indexes.names) == b""


def test_clauses() -> None:
    odd = b"KEY `a (b` (`c`) COMMENT 'x (y, KEY `z` (`a`)'"
    assert drop_clause([ONE, odd]) == b"DROP KEY `one`, DROP KEY `a (b`"
    assert add_clause([ONE, odd, TWO], {b"`one`"}) == b"ADD " + odd + b", ADD KEY `two` (`c`)"
    assert add_clause([ONE], {b"`one`", b"`more`"}) == b""
