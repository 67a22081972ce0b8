from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.classify import (
    Classification,
    Kind,
    classify,
    may_change_quoting,
    reads_local_file,
)

LONG = b"x" * 1_000_000


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"SET NAMES utf8mb4", (Kind.SESSION, None, None)),
        (b"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE */", (Kind.SESSION, None, None)),
        (b"SET PASSWORD FOR u = 'x'", (Kind.ACCOUNT, None, None)),
        (b"set transaction isolation level read committed", (Kind.TRANSACTION, None, None)),
        (b"USE `a``b`", (Kind.USE, "a`b", None)),
        (b"use\n\tcommon_lab", (Kind.USE, "common_lab", None)),
        (
            b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `lab` /*!40100 DEFAULT CHARACTER SET x */",
            (Kind.SCHEMA, "lab", None),
        ),
        (b"drop schema if exists lab", (Kind.SCHEMA, "lab", None)),
        (b"ALTER DATABASE CHARACTER SET utf8mb4", (Kind.SCHEMA, None, None)),
        (b"ALTER SCHEMA `default` COLLATE x", (Kind.SCHEMA, "default", None)),
        (b"CREATE TABLE `a``b` (`table` int)", (Kind.TABLE, None, "a`b")),
        (b'create temporary table if not exists "s"."t" (a int)', (Kind.TABLE, "s", "t")),
        (b"DROP TABLE IF EXISTS `s` . `t`, u", (Kind.TABLE, "s", "t")),
        (b"/*!40000 ALTER TABLE `t` DISABLE KEYS */", (Kind.TABLE, None, "t")),
        (b"/*M!100100 ALTER TABLE `t` ENABLE KEYS */", (Kind.TABLE, None, "t")),
        (b"TRUNCATE t", (Kind.TABLE, None, "t")),
        (b"truncate table s.t", (Kind.TABLE, "s", "t")),
        (b"RENAME TABLE a TO b", (Kind.TABLE, None, "a")),
        (b"CREATE UNIQUE INDEX i ON s.t (a)", (Kind.TABLE, "s", "t")),
        (b"DROP INDEX `ON` ON t", (Kind.TABLE, None, "t")),
        (b"INSERT INTO `t` VALUES (1,'" + LONG, (Kind.DATA, None, "t")),
        (b"insert/**/ignore\ninto`#session`.`_task`VALUES(1)", (Kind.DATA, "#session", "_task")),
        (b"REPLACE LOW_PRIORITY t SET a=1", (Kind.DATA, None, "t")),
        (b"INSERT INTO `into` VALUES (1)", (Kind.DATA, None, "into")),
        ("INSERT INTO `größe` VALUES (1)".encode(), (Kind.DATA, None, "größe")),
        (b"INSERT INTO `\xff` VALUES (1)", (Kind.DATA, None, "\ufffd")),
        (b"UPDATE IGNORE t SET a=1", (Kind.DATA, None, "t")),
        (b"DELETE QUICK FROM s.t WHERE 1", (Kind.DATA, "s", "t")),
        (b"LOAD DATA INFILE 'into.csv' INTO TABLE s.t", (Kind.DATA, "s", "t")),
        (b"LOAD INDEX INTO CACHE t", (Kind.OTHER, None, None)),
        (
            b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER `s`.`tr`"
            b" BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1 */",
            (Kind.TRIGGER, "s", "t"),
        ),
        (b"DROP TRIGGER IF EXISTS s.tr", (Kind.TRIGGER, "s", None)),
        (
            b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`event`@`table` "
            b"SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS SELECT 1 */",
            (Kind.VIEW, None, "v"),
        ),
        (b"CREATE DEFINER='user'@'role' FUNCTION s.f() RETURNS int", (Kind.ROUTINE, "s", None)),
        (b"DROP PROCEDURE p", (Kind.ROUTINE, None, None)),
        (b"CREATE PACKAGE BODY s.p AS END", (Kind.ROUTINE, "s", None)),
        (b"ALTER EVENT s.e ON SCHEDULE EVERY 1 DAY", (Kind.EVENT, "s", None)),
        (b"CREATE USER u IDENTIFIED BY 'table'", (Kind.ACCOUNT, None, None)),
        (b"GRANT SELECT ON t TO u", (Kind.ACCOUNT, None, None)),
        (b"CREATE SERVER s OPTIONS (USER 'u', DATABASE 'd')", (Kind.OTHER, None, None)),
        (b"CREATE TABLESPACE t ADD DATAFILE 'x'", (Kind.OTHER, None, None)),
        (b"START TRANSACTION", (Kind.TRANSACTION, None, None)),
        (b"START REPLICA", (Kind.OTHER, None, None)),
        (b"commit", (Kind.TRANSACTION, None, None)),
        (b"LOCK TABLES `t` WRITE", (Kind.LOCK, None, None)),
        (b"UNLOCK TABLES", (Kind.LOCK, None, None)),
        (b"((SELECT 1) UNION (SELECT 2))", (Kind.QUERY, None, None)),
        (b"-- one\n# two\n/* three */ /*+ four */ show tables", (Kind.QUERY, None, None)),
        (b"", (Kind.OTHER, None, None)),
        (b"  -- nothing", (Kind.OTHER, None, None)),
        (b"/* open", (Kind.OTHER, None, None)),
        (b"CREATE", (Kind.OTHER, None, None)),
        (b"CREATE TABLE", (Kind.TABLE, None, None)),
        (b"CREATE TABLE (", (Kind.TABLE, None, None)),
        (b"CREATE " + b"x " * 500_000 + b"TABLE t", (Kind.OTHER, None, None)),
        (b"\x00\xff;'", (Kind.OTHER, None, None)),
        (b"`CREATE` TABLE t", (Kind.OTHER, None, None)),
    ],
)
def test_kind_and_names(sql: bytes, expected: tuple[Kind, str | None, str | None]) -> None:
    assert classify(sql) == Classification(*expected)


@pytest.mark.parametrize(
    "sql",
    [
        b"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t",
        b"load\n\tdata  low_priority local infile 'x' into table t",
        b"LOAD XML CONCURRENT LOCAL INFILE 'x' INTO TABLE t",
        b"LOAD/**/DATA/* a */LOCAL-- b\nINFILE 'x' INTO TABLE t",
        b"# c\n /* d */ LOAD DATA LOCAL INFILE 'x' INTO TABLE t",
        b"/*!50000 LOAD DATA LOCAL INFILE 'x' INTO TABLE t */",
        b"/*!50000LOAD*/ /*M!100000DATA*/ /*!LOCAL*/ INFILE 'x' INTO TABLE t",
        b"LOAD /*!99999 a */ DATA /*!99999 ' */ LOCAL INFILE 'x' INTO TABLE t",
        b"/*!99999 SELECT */ LOAD DATA LOCAL INFILE 'x' INTO TABLE t",
        b"/*" + LONG + b"*/ LOAD DATA LOCAL INFILE 'x' INTO TABLE t",
    ],
)
def test_reading_a_local_file_is_seen(sql: bytes) -> None:
    assert reads_local_file(sql)


@pytest.mark.parametrize(
    "sql",
    [
        b"LOAD DATA INFILE '/var/data/local/infile.csv' INTO TABLE t",
        b"LOAD DATA LOW_PRIORITY INFILE 'x' INTO TABLE local",
        b"LOAD INDEX INTO CACHE t",
        b"INSERT INTO help VALUES ('/*! LOAD DATA LOCAL INFILE */')",
        b"/* LOAD DATA LOCAL INFILE 'x' */ SELECT 1",
        b"/*!50000 LOAD DATA INFILE 'x' INTO TABLE t */",
        b"SELECT 'LOAD DATA LOCAL INFILE'",
        b"",
    ],
)
def test_other_statements_read_no_local_file(sql: bytes) -> None:
    assert not reads_local_file(sql)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"SET sql_mode = ''", True),
        (b"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */", True),
        (b"-- a\nset @@session.Sql_Mode = concat(@@sql_mode, ',ANSI_QUOTES')", True),
        (b"BEGIN NOT ATOMIC SET sql_mode = ''; END", True),
        (b"BEGIN NOT ATOMIC Execute Immediate @sql; END", True),
        (b"EXECUTE s", True),
        (b"EXECUTE IMMEDIATE @sql", True),
        (b"DO SLEEP(0)", False),
        (b"CALL changes_its_own_mode()", False),
        (b"SET NAMES utf8mb4", False),
        (b"SET @a = 1", False),
        (b"START TRANSACTION", False),
        (b"BEGIN", False),
        (b"INSERT INTO t VALUES ('SET sql_mode')", False),
        (b"SELECT @@sql_mode", False),
        (b"", True),
    ],
)
def test_what_may_change_the_meaning_of_quotes(sql: bytes, expected: bool) -> None:
    assert may_change_quoting(sql, classify(sql).kind) is expected


NAMES = st.sampled_from(
    ["t", "`t`", "`a``b`", "s.t", "`s`.`t`", "s . t", "`s`. t", '"q"', "ignore"]
)


@given(
    st.sampled_from(["INSERT", "insert", "REPLACE", "UPDATE", "DELETE"]),
    st.lists(st.sampled_from(["INTO", "IGNORE", "FROM", "LOW_PRIORITY", "quick"]), max_size=3),
    NAMES,
    st.sampled_from(
        ["", " ", "(", " (a)", " VALUES (1)", "/**/", "-- c\n", ".", " .x", " SET a=1"]
    ),
)
def test_what_is_read_in_one_go_is_as_word_by_word(
    first: str, noise: list[str], name: str, rest: str
) -> None:
    sql = " ".join([first, *noise, name]).encode() + rest.encode()
    assert classify(sql) == classify(b"/* word by word */" + sql)
