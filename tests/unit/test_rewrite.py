"""Statements on their way into another schema, and everything at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.names import read_names
from sidecar_magics.script.rewrite import RewriteError, Rewriter, schema_of_heading
from sidecar_magics.script.tokens import tokens

OLD, NEW = "utf8mb4_0900_ai_ci", "utf8mb4_unicode_520_ci"
EVERYTHING: dict[str, Any] = {
    "into": "neu",
    "source": "shop",
    "skip_definer": True,
    "collation_map": {OLD: NEW},
}


def into(sql: str, *, source: str | None = "shop", schema: str | None = None, **how: Any) -> str:
    """Return the statement as it is for the schema ``neu``."""
    new = Rewriter(into="neu", source=source).rewrite(sql.encode(), schema=schema, **how)
    assert new is not None
    return new.decode()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("USE shop", "USE `neu`"),
        ("CREATE DATABASE `shop` COLLATE x", "CREATE DATABASE IF NOT EXISTS `neu` COLLATE x"),
        (
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 CHARSET x */",
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `neu` /*!40100 CHARSET x */",
        ),
        ("CREATE OR REPLACE SCHEMA shop", "CREATE OR REPLACE SCHEMA `neu`"),
        ("/*!40000 DROP DATABASE IF EXISTS `shop`*/", "/*!40000 DROP DATABASE IF EXISTS `neu`*/"),
        ("ALTER DATABASE `shop` COLLATE x", "ALTER DATABASE `neu` COLLATE x"),
        (
            "INSERT INTO `shop` . `t` VALUES ('`shop`.`t`')",
            "INSERT INTO `neu` . `t` VALUES ('`shop`.`t`')",
        ),
        ("INSERT INTO shop.t(a) VALUES (1)", "INSERT INTO `neu`.t(a) VALUES (1)"),
        ("INSERT INTO shop.t SELECT a FROM shop.u", "INSERT INTO `neu`.t SELECT a FROM `neu`.u"),
        (
            "CREATE TABLE shop.t(shop int COMMENT 'shop.t', FOREIGN KEY(a) REFERENCES shop.u(b))",
            "CREATE TABLE `neu`.t(shop int COMMENT 'shop.t', FOREIGN KEY(a) REFERENCES `neu`.u(b))",
        ),
        (
            "/*!50001 CREATE VIEW v AS select `shop`.`fn`(`shop`.`id`) from `shop` -- shop.t\n */",
            "/*!50001 CREATE VIEW v AS select `neu`.`fn`(`shop`.`id`) from `shop` -- shop.t\n */",
        ),
        (
            "CREATE TRIGGER shop.tr AFTER INSERT ON shop.t FOR EACH ROW DELETE FROM shop.u",
            "CREATE TRIGGER `neu`.tr AFTER INSERT ON `neu`.t FOR EACH ROW DELETE FROM `neu`.u",
        ),
        ("GRANT ALL ON `shop`.* TO u", "GRANT ALL ON `neu`.* TO u"),
        ("SELECT * FROM information_schema.tables", "SELECT * FROM information_schema.tables"),
        ("SET @a = 'shop.t'", "SET @a = 'shop.t'"),
    ],
)
def test_every_place_of_the_schema(sql: str, expected: str) -> None:
    assert into(sql) == expected


def test_the_pattern_of_a_grant_is_a_schema_too() -> None:
    rewriter = Rewriter(into="n_u", source="my_shop")
    grant = rb"GRANT ALL ON `my\_shop`.* TO u"
    assert rewriter.rewrite(grant, schema=None) == rb"GRANT ALL ON `n\_u`.* TO u"


def test_quotes_are_as_the_session_has_them() -> None:
    sql = 'CREATE VIEW "shop"."v" AS select * from "shop"."t"'
    assert into(sql, ansi_quotes=True) == 'CREATE VIEW `neu`."v" AS select * from `neu`."t"'
    assert into("SELECT \"shop.t\", 'C:\\', a FROM shop.t", no_backslash_escapes=True) == (
        "SELECT \"shop.t\", 'C:\\', a FROM `neu`.t"
    )


def test_odd_names() -> None:
    rewriter = Rewriter(into="n`u")
    assert rewriter.rewrite(b"USE `a``b`", schema=None) == b"USE `n``u`"
    assert rewriter.source == "a`b"
    assert rewriter.rewrite(b"DROP TABLE `a``b`.c", schema="a`b") == b"DROP TABLE `n``u`.c"


def run(*script: str, **options: Any) -> list[str | None]:
    rewriter = Rewriter(**options)
    schema = None
    done: list[str | None] = []
    for sql in script:
        new = rewriter.rewrite(sql.encode(), schema=schema)
        done.append(None if new is None else new.decode())
        used = re.fullmatch(r"USE (\w+)", sql)
        schema = used[1] if used else schema
    return done


@pytest.mark.parametrize(
    ("script", "named"),
    [
        (["USE shop", "USE other"], "`other`"),
        (["CREATE DATABASE shop", "CREATE DATABASE other"], "`other`"),
        (
            ["USE shop", "CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES other.x (b))"],
            "`other`.`x`",
        ),
        (["USE shop", "INSERT INTO other.t VALUES (1)"], "`other`.`t`"),
        (["USE shop", "CREATE VIEW v AS select other.f(1)"], "`other`.`f`"),
        (["USE shop", "DROP TABLE neu.t"], "`neu`.`t`"),
        (["INSERT INTO shop.t VALUES (1)", "INSERT INTO other.t VALUES (1)"], "`other`.`t`"),
    ],
)
def test_a_second_schema_is_refused_with_both_names(script: list[str], named: str) -> None:
    assert len(run(*script[:-1], into="neu")) == len(script) - 1
    with pytest.raises(RewriteError) as caught:
        run(*script, into="neu")
    assert f"of `shop`, names {named}" in str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        ["CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES shop.x (b))"],
        ["CREATE TABLE t (a int)", "INSERT INTO shop.t VALUES (1)"],
        ["INSERT INTO t VALUES (1)", "INSERT INTO shop.t VALUES (1)"],
        ["CREATE VIEW v AS select shop.f(1)"],
        ["SELECT * FROM shop.t"],
        ["USE shop", "ALTER TABLE t UNION=(shop.a)"],
    ],
)
def test_what_cannot_be_told_is_refused(script: list[str]) -> None:
    with pytest.raises(RewriteError, match=r"`shop`\.`"):
        run(*script, into="neu")


def test_a_script_without_a_schema_is_not_changed() -> None:
    script = [
        "CREATE TABLE t (a int)",
        "INSERT INTO t VALUES (1.5)",
        "CREATE VIEW v AS select t.a from t",
    ]
    assert run(*script, into="neu") == script


def test_a_script_that_is_about_that_schema_already_is_not_changed() -> None:
    script = ["CREATE DATABASE neu", "USE neu", "INSERT INTO neu.t VALUES (1)"]
    assert run(*script, into="neu") == script


def test_tables_are_selected_before_the_schema_is_changed() -> None:
    script = [
        "CREATE DATABASE other",
        "USE other",
        "SET @a = 1",
        "INSERT INTO t VALUES (1)",
        "USE shop",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO other.t VALUES (1)",
    ]
    expected = [None, None, "SET @a = 1", None, "USE `neu`", "INSERT INTO t VALUES (1)", None]
    assert run(*script, into="neu", tables=["shop.*"]) == expected


def test_the_servers_own_schemas_are_none_of_the_script() -> None:
    script = [
        "USE mysql",
        "DROP TABLE t",
        "CREATE DATABASE shop",
        "CREATE VIEW shop.v AS select a from mysql.user",
    ]
    expected = [
        None,
        None,
        "CREATE DATABASE IF NOT EXISTS `neu`",
        "CREATE VIEW `neu`.v AS select a from mysql.user",
    ]
    assert run(*script, into="neu") == expected
    assert run(*script, into="neu", system_schemas=True)[:2] == script[:2]


def test_statements_built_from_texts_are_noted() -> None:
    rewriter = Rewriter(into="neu", source="shop")
    body = b"CREATE PROCEDURE p() BEGIN SET @s = 'select * from shop.t'; PREPARE q FROM @s; END"
    assert rewriter.rewrite(body, schema="shop") is body
    assert len(rewriter.notes) == 1
    assert "shop" in rewriter.notes[0]


def test_several_statements_in_one() -> None:
    rewriter = Rewriter(into="neu", source="shop", tables=["t"])
    sql = b"DROP TABLE shop.t; DROP TABLE u;\nINSERT INTO shop.t VALUES (';', 1)"
    new = rewriter.rewrite(sql, schema="shop", several=True)
    assert new == b"DROP TABLE `neu`.t;\nINSERT INTO `neu`.t VALUES (';', 1)"
    assert rewriter.rewrite(b"DROP TABLE u; DROP TABLE w", schema="shop", several=True) is None


def test_several_statements_that_stay_are_the_same_object() -> None:
    sql = b"SELECT 1; SELECT ';';\nSELECT 2;"
    assert Rewriter(**EVERYTHING).rewrite(sql, schema=None, several=True) is sql


def test_a_body_is_one_statement() -> None:
    sql = b"DROP PROCEDURE IF EXISTS p; CREATE DEFINER=a@b PROCEDURE p() BEGIN DELETE FROM t; END"
    new = Rewriter(skip_definer=True, schema_only=True).rewrite(sql, schema="s", several=True)
    assert new == sql.replace(b"DEFINER=a@b ", b"")


def test_all_changes_of_one_statement() -> None:
    rewriter = Rewriter(into="neu", source="shop", skip_definer=True, collation_map={OLD: NEW})
    sql = f"CREATE DEFINER=`a`@`b` VIEW shop.v AS select a collate {OLD} from shop.t"
    expected = f"CREATE VIEW `neu`.v AS select a collate {NEW} from `neu`.t"
    assert rewriter.rewrite(sql.encode(), schema=None) == expected.encode()
    assert dict(rewriter.changed) == {"schema": 1, "definer": 1, "collation": 1}


def test_rows_of_a_megabyte_are_the_same_object() -> None:
    rows = b"INSERT INTO `t` VALUES " + b",".join(
        [b"(1,'shop.t COLLATE " + OLD.encode() + b"')"] * 30_000
    )
    assert Rewriter(**EVERYTHING).rewrite(rows, schema="shop") is rows


LOOK_ALIKES = [
    "shop.t",
    "`shop`.`t`",
    f"COLLATE {OLD}",
    "DEFINER=`a`@`b`",
    "; USE other; ",
    "FROM shop.t",
    "/*!1 ",
]
texts = st.lists(
    st.sampled_from([*LOOK_ALIKES, "'", "\\", "*/", "-- ", "\n", "ü", "CREATE "]), max_size=9
).map("".join)
SHAPES = [
    "CREATE TABLE t (a int COMMENT '{text}')",
    "SELECT 1 /* {comment} */ FROM t",
    "CREATE TABLE `{name}` (a int)",
    "CREATE PROCEDURE p() SELECT '{text}', \"{double}\", `{name}` -- {line}\n FROM t",
    "UPDATE t SET a = '{text}' WHERE `{name}` = 1 # {line}",
    "SET @a = '{text}'",
]


@given(texts, st.sampled_from(SHAPES), st.booleans())
def test_look_alikes_in_texts_names_and_comments_stay(
    text: str, shape: str, no_backslash_escapes: bool
) -> None:
    escaped = text if no_backslash_escapes else text.replace("\\", "\\\\")
    sql = shape.format(
        text=escaped.replace("'", "''"),
        double=escaped.replace('"', '""'),
        name=text.replace("`", "``"),
        comment=text.replace("*/", "").replace("/*!", ""),
        line=text.replace("\n", " "),
    ).encode()
    how: dict[str, Any] = {"no_backslash_escapes": no_backslash_escapes}
    assert Rewriter(**EVERYTHING).rewrite(sql, schema="shop", **how) is sql
    assert Rewriter(**EVERYTHING).rewrite(sql, schema="shop", several=True, **how) is sql


WORDS = [
    *["CREATE ", "TABLE ", "VIEW ", "TRIGGER ", "DATABASE ", "DROP ", "RENAME ", "INDEX ", "USE "],
    *[
        "SELECT ",
        "FROM ",
        "JOIN ",
        "INTO ",
        "INSERT ",
        "UPDATE ",
        "DELETE ",
        "VALUES ",
        "ON ",
        "TO ",
    ],
    *["IF NOT EXISTS ", "REFERENCES ", "LIKE ", "LOCK TABLES ", "GRANT ALL ", "PROCEDURE ", "AS "],
    *[
        "shop",
        "`shop`",
        "other",
        "t",
        "`t` ",
        ".",
        ".*",
        " ",
        "(",
        ")",
        ",",
        ";",
        "=",
        "1",
        "'shop.t'",
    ],
    *["DEFINER=a@b ", f"COLLATE {OLD} ", "/*!50001 ", "*/", "/* ", "-- ", "\n", "SET ", "@"],
]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join), st.booleans())
def test_nothing_of_the_schema_is_left_whatever_comes(sql: str, several: bool) -> None:
    rewriter = Rewriter(**EVERYTHING, tables=["*"])
    try:
        new = rewriter.rewrite(sql.encode(), schema="shop", several=several)
    except RewriteError:
        return
    mentions = read_names(tokens(new or b"")).mentions
    assert [name for name in mentions if name.certain and name.schema == "shop"] == []


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (b"-- MySQL dump 10.13\n--\n-- Host: 127.0.0.1    Database: my shop\n-- ---", "my shop"),
        (b"-- Host: x    Database: a\r\n", "a"),
        (b"-- Host: 127.0.0.1    Database: \n-- -----", None),
        (b"INSERT INTO t VALUES ('-- Host: x    Database: a')", None),
        (b"", None),
    ],
)
def test_the_heading_of_a_dump(beginning: bytes, expected: str | None) -> None:
    assert schema_of_heading(beginning) == expected
