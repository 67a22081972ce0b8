from __future__ import annotations

from typing import Callable

import pytest

from sidecar_magics.script import forms

Form = Callable[[bytes], bool]

YES: list[tuple[Form, list[bytes]]] = [
    (forms.creates, [b"CREATE TABLE t (a int)", b"  create\nview v"]),
    (
        forms.may_drop,
        [
            b"DROP TABLE t",
            b"truncate t",
            b"/*!50001 DROP VIEW v*/",
            b"/*M!100100 DROP TABLE t */",
            b"CREATE OR  REPLACE TABLE t (a int)",
            b"ALTER TABLE t DROP a",
            b"-- c\ndrop/**/table t",
            b"SELECT 1; DROP TABLE t",
        ],
    ),
    (forms.drops_schema, [b"DROP DATABASE s", b"drop  schema if exists s"]),
    (
        forms.creates_in_transaction,
        [
            b"CREATE TABLE t (a int) START TRANSACTION",
            b"create table t (a int)\nengine=InnoDB start\ntransaction ",
        ],
    ),
    (
        forms.drops_one_table,
        [
            b"DROP TABLE t",
            b"drop table if exists `s` . `a``b`",
            b"DROP TABLE `a,b`",
            b"DROP TABLE t CASCADE",
            b"DROP TABLE IF EXISTS t RESTRICT ",
        ],
    ),
    (
        forms.is_about_temporary_table,
        [
            b"CREATE TEMPORARY TABLE t (a int)",
            b"CREATE OR REPLACE TEMPORARY TABLE t (a int)",
            b"drop\ntemporary table t",
        ],
    ),
    (
        forms.switches_keys,
        [b"ALTER TABLE `t` DISABLE KEYS", b" alter table s.t enable keys "],
    ),
    (
        forms.alters,
        [b"ALTER TABLE t ADD a int", b"CREATE INDEX i ON t (a)", b"create unique index i on t (a)"],
    ),
    (
        forms.only_adds_to_table,
        [
            b"ALTER TABLE t ADD a int",
            b"ALTER TABLE `s`.`t`\n  ADD PRIMARY KEY (`id`),\n  ADD KEY `a` (`a`)",
            b"ALTER TABLE `t` MODIFY `id` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5",
            b"ALTER TABLE t AUTO_INCREMENT = 5",
            b"ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (a) ON DELETE CASCADE",
        ],
    ),
    (forms.locks_one_table, [b"LOCK TABLES `t` WRITE", b"lock table s.t write"]),
    (forms.unlocks, [b"UNLOCK TABLES", b"unlock table "]),
    (
        forms.locks_server,
        [
            b"FLUSH TABLES WITH READ LOCK",
            b"flush local tables  with read lock",
            b"/*!50000 FLUSH TABLES WITH READ LOCK */",
            b"BACKUP STAGE BLOCK_COMMIT",
        ],
    ),
    (
        forms.begins_transaction,
        [b"BEGIN", b"begin work", b"START TRANSACTION", b"START TRANSACTION READ ONLY"],
    ),
    (forms.ends_transaction, [b"COMMIT", b"commit work", b"ROLLBACK", b"ROLLBACK WORK"]),
    (forms.commits, [b"COMMIT", b" commit  work "]),
    (
        forms.switches_autocommit,
        [
            b"SET AUTOCOMMIT=0",
            b"set autocommit = ON",
            b"SET @@AUTOCOMMIT=0",
            b"SET @@session.autocommit=1",
            b"SET SESSION autocommit=1",
            b"SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, @@AUTOCOMMIT=0",
            b"SET AUTOCOMMIT=@OLD_AUTOCOMMIT",
        ],
    ),
    (
        forms.only_asks,
        [b"SELECT 1", b"select * from t where a='b'", b"SHOW WARNINGS", b"DESCRIBE t", b"desc t"],
    ),
]

NO: list[tuple[Form, list[bytes]]] = [
    (
        forms.creates_in_transaction,
        [
            b"START TRANSACTION",
            b"CREATE TABLE t (a int) COMMENT 'START TRANSACTION'",
            b"CREATE TABLE t (a int)",
        ],
    ),
    (forms.creates, [b"CREATED", b"DROP TABLE t", b""]),
    (
        forms.may_drop,
        [b"DROPPED", b"CREATE TABLE t (a int)", b"INSERT INTO t VALUES ('DROP')", b"COMMIT", b""],
    ),
    (forms.drops_schema, [b"DROP TABLE s", b"CREATE DATABASE s", b"DROP DATABASES"]),
    (
        forms.drops_one_table,
        [
            b"DROP TABLE t, u",
            b"DROP TABLE t WAIT 5",
            b"DROP TABLES t",
            b"DROP TEMPORARY TABLE t",
            b"DROP TABLE",
            b"DROP VIEW v",
            b"DROP TABLE t /* c */",
        ],
    ),
    (
        forms.is_about_temporary_table,
        [b"CREATE TABLE temporary (a int)", b"CREATE TABLE t (a int) COMMENT 'CREATE TEMPORARY '"],
    ),
    (
        forms.switches_keys,
        [b"ALTER TABLE t DISABLE KEYS, ADD a int", b"ALTER TABLE t ADD a int", b"DISABLE KEYS"],
    ),
    (forms.alters, [b"CREATE TABLE t (a int)", b"DROP INDEX i ON t", b"ALTER VIEW v AS SELECT 1"]),
    (
        forms.only_adds_to_table,
        [
            b"ALTER TABLE t DROP a",
            b"ALTER TABLE t ADD a int, DROP b",
            b"ALTER TABLE t ADD a int, RENAME TO u",
            b"ALTER TABLE t ADD a int, rename column b to c",
            b"ALTER TABLE t ADD PARTITION (PARTITION p VALUES IN (1))",
            b"ALTER TABLE t ADD a int, ORDER  BY a",
            b"ALTER TABLE t ADD a int FIRST",
            b"ALTER TABLE t MODIFY a int FIRST",
            b"ALTER TABLE t CHANGE a b int",
            b"ALTER TABLE t ENGINE=MyISAM",
            b"ALTER TABLE t CONVERT TO CHARACTER SET latin1",
            b"ALTER VIEW v ADD a",
        ],
    ),
    (
        forms.locks_one_table,
        [
            b"LOCK TABLES t READ",
            b"LOCK TABLES t WRITE, u WRITE",
            b"LOCK TABLES t AS x WRITE",
            b"LOCK TABLES t LOW_PRIORITY WRITE",
            b"LOCK INSTANCE FOR BACKUP",
        ],
    ),
    (forms.unlocks, [b"UNLOCK INSTANCE", b"UNLOCK TABLES t", b""]),
    (forms.locks_server, [b"FLUSH TABLES", b"FLUSH TABLES t WITH READ LOCK", b"BACKUP LOCK t"]),
    (forms.begins_transaction, [b"BEGIN NOT ATOMIC", b"BEGIN; SELECT 1", b"START REPLICA"]),
    (
        forms.ends_transaction,
        [b"COMMIT AND CHAIN", b"ROLLBACK TO SAVEPOINT a", b"COMMIT RELEASE", b"COMMIT; SELECT 1"],
    ),
    (forms.commits, [b"ROLLBACK", b"COMMIT AND CHAIN", b""]),
    (
        forms.switches_autocommit,
        [
            b"SET AUTOCOMMIT=@x",
            b"SET AUTOCOMMIT=0, a=1",
            b"SET a=1, AUTOCOMMIT=0",
            b"SET GLOBAL AUTOCOMMIT=0",
            b"SET AUTOCOMMIT=f()",
        ],
    ),
    (
        forms.only_asks,
        [
            b"SELECT f()",
            b"SELECT GET_LOCK('a', 1)",
            b"SELECT @a:=1",
            b"SELECT 1 INTO @a",
            b"SELECT 1 into outfile 'x'",
            b"CALL p",
            b"DO 1",
            b"EXPLAIN ANALYZE DELETE FROM t",
            b"WITH a AS (SELECT 1) DELETE FROM t",
            b"",
        ],
    ),
]


def cases(table: list[tuple[Form, list[bytes]]]) -> list[tuple[Form, bytes]]:
    return [(form, sql) for form, statements in table for sql in statements]


@pytest.mark.parametrize(("form", "sql"), cases(YES))
def test_it_has_the_form(form: Form, sql: bytes) -> None:
    assert form(sql)


@pytest.mark.parametrize(("form", "sql"), cases(NO))
def test_it_has_another_form(form: Form, sql: bytes) -> None:
    assert not form(sql)


def test_what_stands_behind_rows_may_drop() -> None:
    assert forms.may_drop(b"INSERT INTO t VALUES (1); DROP TABLE t")


@pytest.mark.parametrize(
    ("sql", "on"),
    [
        (b"SET autocommit=0", False),
        (b"set  AUTOCOMMIT := on", True),
        (b"SET @@autocommit=1", True),
        (b"SET @@local.autocommit = OFF ", False),
        (b"SET SESSION autocommit=1", True),
        (b"SET @autocommit=0", None),
        (b"SET GLOBAL autocommit=0", None),
        (b"SET autocommit=0, a=1", None),
        (b"SET autocommit=@old", None),
        (b"SET autocommit=10", None),
        (b"SET @old=@@autocommit, autocommit=0", None),
    ],
)
def test_autocommit_is_switched(sql: bytes, on: bool | None) -> None:
    assert forms.sets_autocommit(sql) is on
