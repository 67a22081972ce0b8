"""Which statements of a script are skipped."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar_magics.script.rewrite import RewriteError, Rewriter

DUMP = """\
/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF */
SET NAMES utf8mb4
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `mysql`
USE `mysql`
DROP TABLE IF EXISTS `db`
CREATE TABLE `db` (`x` int)
INSERT INTO `db` VALUES (1)
LOCK TABLES `db` WRITE
SET @saved = 1
SELECT * FROM `db`
UNLOCK TABLES
CREATE USER `u`@`h`
FLUSH PRIVILEGES
/*!40000 DROP DATABASE IF EXISTS `shop`*/
CREATE DATABASE `shop`
ALTER DATABASE `shop` CHARACTER SET utf8mb4
USE `shop`
DROP TABLE IF EXISTS `parent`
CREATE TABLE `parent` (`id` int) AUTO_INCREMENT=7
LOCK TABLES `parent` WRITE
/*!40000 ALTER TABLE `parent` DISABLE KEYS */
INSERT INTO `parent` VALUES (1)
/*!40000 ALTER TABLE `parent` ENABLE KEYS */
UNLOCK TABLES
DROP TABLE IF EXISTS `child`
CREATE TABLE `child` (`id` int, FOREIGN KEY (`id`) REFERENCES `parent` (`id`))
INSERT INTO `child` (`id`) VALUES (1)
TRUNCATE TABLE `child`
START TRANSACTION
UPDATE `child` SET `id` = 2
COMMIT
/*!50003 DROP TRIGGER IF EXISTS `tr` */
/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `child` x */
CREATE VIEW `v` AS select * from `child`
CREATE PROCEDURE `p`() select 1
CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DO select 1
CALL p()
DROP SEQUENCE IF EXISTS `sq`
CREATE SEQUENCE `sq` start with 1
DO SETVAL(`sq`, 1, 0)
ANALYZE TABLE `child`
CREATE SERVER `s` FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u')
EXECUTE IMMEDIATE CONCAT('SET ROLE ', @current_role)
SET ROLE NONE
USE `other`
CREATE TABLE `child` (`id` int)
INSERT INTO `shop`.`parent` VALUES (2)
INSERT INTO `sys`.`sys_config` VALUES (2)""".splitlines()

OF_SYSTEM = {0, *range(2, 8), 9, 10, 12, 47}
ROWS = {19, 20, 21, 22, 23, 26, 27, 29, 46}
DEFINITIONS = {11, *range(13, 16), 17, 18, 24, 25, *range(31, 36), 37, 38, 41, 45}
LOCKS = {19, 23}
KEYS = {20, 22}


def skipped(**options: Any) -> tuple[set[int], Rewriter]:
    """Return which of DUMP's statements are skipped."""
    rewriter = Rewriter(**options)
    schema = None
    numbers = set()
    for number, sql in enumerate(DUMP):
        new = rewriter.rewrite(sql.encode(), schema=schema)
        if new is None:
            numbers.add(number)
        schema = sql[5:-1] if sql.startswith("USE") else schema
    return numbers, rewriter


def test_system_schemas_are_skipped_unless_asked_for() -> None:
    numbers, rewriter = skipped()
    assert numbers == OF_SYSTEM
    assert dict(rewriter.skipped) == {"system schema mysql": 10, "system schema sys": 1}
    numbers, rewriter = skipped(system_schemas=True)
    assert numbers == set()
    assert not rewriter.skipped


def test_rights_are_not_read_anew_if_none_were_loaded() -> None:
    rewriter = Rewriter()
    assert rewriter.rewrite(b"FLUSH PRIVILEGES", schema="shop") is not None
    assert rewriter.rewrite(b"INSERT INTO mysql.db VALUES (1)", schema="shop") is None
    assert rewriter.rewrite(b"FLUSH PRIVILEGES", schema="shop") is None


def test_no_rows() -> None:
    numbers, rewriter = skipped(schema_only=True)
    assert numbers == OF_SYSTEM | ROWS
    assert rewriter.skipped["rows"] == len(ROWS)


def test_only_rows() -> None:
    numbers, rewriter = skipped(data_only=True)
    assert numbers == OF_SYSTEM | DEFINITIONS | LOCKS | KEYS
    assert rewriter.skipped["locks"] == len(LOCKS)


@pytest.mark.parametrize(
    ("patterns", "kept", "unmatched"),
    [
        (["child"], {24, 25, 26, 27, 29, 32, 40, 45}, []),
        (["shop.child", "nix"], {24, 25, 26, 27, 29, 32, 40}, ["nix"]),
        (["[ps]*"], {17, 18, 19, 20, 21, 22, 37, 38, 39, 46}, []),
        (["v", "V"], {33}, ["V"]),
        (["*.parent"], {17, 18, 19, 20, 21, 22, 46}, []),
    ],
)
def test_selected_tables(patterns: list[str], kept: set[int], unmatched: list[str]) -> None:
    numbers, rewriter = skipped(tables=patterns)
    always = {1, 8, 14, 15, 16, 23, 28, 30, 42, 43, 44}
    assert set(range(len(DUMP))) - numbers == kept | always
    assert rewriter.unmatched == unmatched


def test_a_schema_of_which_nothing_is_selected_is_not_made() -> None:
    numbers, rewriter = skipped(tables=["other.*"])
    assert {14, 15, 16} <= numbers
    assert not {44, 45} & numbers
    assert rewriter.skipped["other schemas"] > 0


def test_what_a_selected_table_will_miss_is_noted() -> None:
    assert skipped(tables=["child", "parent"])[1].notes == []
    assert skipped(tables=["child"])[1].notes == ["child refers to parent, which is left out"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DROP TABLE a, b, c", "DROP TABLE b"),
        ("DROP TABLE IF EXISTS `b`, s.c RESTRICT", "DROP TABLE IF EXISTS `b`"),
        ("/*!50001 DROP VIEW IF EXISTS a, b*/", "/*!50001 DROP VIEW IF EXISTS b*/"),
        ("DROP TABLE a, b, c, b2", "DROP TABLE b, b2"),
        ("LOCK TABLES a READ, b AS x WRITE, c READ", "LOCK TABLES b AS x WRITE"),
        ("DROP TABLE b, b2", "DROP TABLE b, b2"),
        ("DROP TABLE a, c", None),
        ("LOCK TABLES a READ", None),
        ("RENAME TABLE b TO c", "RENAME TABLE b TO c"),
        ("RENAME TABLE c TO b", None),
        ("CREATE INDEX a ON b (c)", "CREATE INDEX a ON b (c)"),
        ("CREATE INDEX b ON a (c)", None),
        ("CREATE OR REPLACE DATABASE d", None),
        ("SELECT sequence FROM a", "SELECT sequence FROM a"),
        ("", ""),
    ],
)
def test_lists_of_tables(sql: str, expected: str | None) -> None:
    new = Rewriter(tables=["b*"]).rewrite(sql.encode(), schema="s")
    assert (new.decode() if new is not None else None) == expected


def test_renaming_some_of_the_tables_is_refused() -> None:
    with pytest.raises(RewriteError, match="only some"):
        Rewriter(tables=["b"]).rewrite(b"RENAME TABLE a TO x, b TO y", schema=None)


@pytest.mark.parametrize(
    "options",
    [
        {"schema_only": True, "data_only": True},
        {"into": "mysql"},
        {"into": ""},
        {"tables": ["a", ""]},
        {"collation_map": {"latin1_bin": "utf8mb4_bin"}},
    ],
)
def test_contradictions(options: dict[str, Any]) -> None:
    with pytest.raises(RewriteError):
        Rewriter(**options)
