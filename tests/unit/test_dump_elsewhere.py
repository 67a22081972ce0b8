"""A dump's statements go into scratch schemas, or nowhere."""

from __future__ import annotations

import pytest

from sidecar_magics.dump import script
from sidecar_magics.dump.content import Content, Defined, DumpedThing
from sidecar_magics.dump.elsewhere import Copy, Relocation, ScratchRewriter, UnmovableError
from sidecar_magics.script.classify import Kind
from sidecar_magics.script.quoting import Quoting
from sidecar_magics.script.rewrite import RewriteError
from sidecar_magics.script.splitter import Splitter, Statement

TO = Relocation({"lab": "x0", "Lab 2": "x1"}, ["lab", "Lab 2", "other"], "x9", folds=False)
PLAIN = Quoting()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (Kind.USE, b"USE `lab`", b"USE `x0`"),
        (Kind.SCHEMA, b"CREATE DATABASE IF NOT EXISTS `Lab 2`", None),
        (
            Kind.TABLE,
            b"CREATE TABLE t (i INT DEFAULT 'lab.t', FOREIGN KEY (i) REFERENCES `other`.`t` (i))",
            b"CREATE TABLE t (i INT DEFAULT 'lab.t', FOREIGN KEY (i) REFERENCES `x9`.`t` (i))",
        ),
        (
            Kind.VIEW,
            b"CREATE VIEW `lab`.`v` AS SELECT `lab`.`t`.`i`, `other`.`f`() FROM `lab`.`t`",
            b"CREATE VIEW `x0`.`v` AS SELECT `x0`.`t`.`i`, `other`.`f`() FROM `x0`.`t`",
        ),
        (
            Kind.EVENT,
            b"CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ENABLE DO DELETE FROM `lab`.`t`",
            b"CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM `x0`.`t`",
        ),
        (
            Kind.EVENT,
            b"CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DISABLE DO ALTER EVENT e ENABLE",
            b"CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY DISABLE DO ALTER EVENT e ENABLE",
        ),
    ],
)
def test_names_of_schemas_are_replaced(kind: Kind, before: bytes, after: bytes | None) -> None:
    expected = b"CREATE DATABASE IF NOT EXISTS `x1`" if after is None else after
    assert TO.moved(before, kind, PLAIN) == expected


@pytest.mark.parametrize(
    ("kind", "sql", "why"),
    [
        (Kind.TABLE, b"CREATE TABLE t (i INT) DATA DIRECTORY='/x/'", "DATA DIRECTORY|DIRECTORY"),
        (Kind.TABLE, b"CREATE TABLE t (i INT) ENGINE=CONNECT", "CONNECT in its definition"),
        (Kind.TABLE, b"CREATE TABLE t (i INT) CONNECTION='mysql://u@h/d/t'", "CONNECTION"),
        (Kind.TABLE, b"CREATE TABLE `mysql`.`t` (i INT)", "names the schema mysql"),
        (Kind.TABLE, b"CREATE TABLE t (i INT) UNION=(`lab`.`u`)", "lab"),
        (Kind.VIEW, b"CREATE VIEW v AS SELECT `lab`.`i` FROM `u`", "a schema or a table"),
        (Kind.USE, b"USE `other`", "no schema of the dump"),
        (Kind.USE, b"USE `mysql`", "no schema of the dump"),
        (Kind.SCHEMA, b"DROP DATABASE `other`", "no schema of the dump"),
    ],
)
def test_what_cannot_be_moved_for_certain_is_not(kind: Kind, sql: bytes, why: str) -> None:
    with pytest.raises(UnmovableError, match=why):
        TO.moved(sql, kind, PLAIN)


def test_capitals_count_as_the_server_counts_them() -> None:
    folding = Relocation({"lab": "x0"}, ["lab"], "x9", folds=True)
    assert folding.moved(b"USE `LAB`", Kind.USE, PLAIN) == b"USE `x0`"
    with pytest.raises(UnmovableError):
        TO.moved(b"USE `LAB`", Kind.USE, PLAIN)


def copy_of(*things: tuple[str, str, bytes]) -> Copy:
    content = Content()
    for kind, name, sql in things:
        content.define(kind, "lab", name, Defined(sql))
    copy = Copy(TO)
    copy.plan(content)
    return copy


def test_what_needs_something_that_is_left_out_is_left_out_too() -> None:
    copy = copy_of(
        ("table", "t", b"CREATE TABLE `t` (`i` int) CONNECTION='c'"),
        ("table", "u", b"CREATE TABLE `u` (`i` int)"),
        ("view", "a", b"CREATE VIEW `lab`.`a` AS select 1 from `lab`.`b`"),
        ("view", "b", b"CREATE VIEW `lab`.`b` AS select 1 from `lab`.`t`"),
        ("view", "c", b"CREATE VIEW `lab`.`c` AS select 1 from `lab`.`u`"),
        ("view", "d", b"CREATE VIEW `lab`.`d` AS select `lab`.`f`() AS x"),
    )
    assert {thing.name for thing in copy.left_out} == {"t", "a", "b", "d"}
    rewriter = ScratchRewriter(copy)
    assert rewriter.rewrite(b"INSERT INTO `t` VALUES (1)", schema="lab") is None
    rows = b"INSERT INTO `u` VALUES (1)"
    assert rewriter.rewrite(rows, schema="lab") is rows
    view = b"CREATE VIEW `lab`.`b` AS select 1 from `lab`.`t`"
    assert rewriter.rewrite(view, schema="lab") is None


@pytest.mark.parametrize("server", ["MySQL 9.7.0", "MariaDB 10.11.6"])
def test_the_fixed_words_of_a_dump_are_sent_as_they_are(server: str) -> None:
    """Also those that are added to it: the rewriter knows the dump's own forms, and no others."""
    rewriter = ScratchRewriter(copy_of())
    splitter = Splitter()
    words = script.heading("1.0", server) + script.ending(server)
    items = [*splitter.feed(words), *splitter.finish()]
    assert len(items) > 10
    for item in items:
        assert isinstance(item, Statement)
        assert rewriter.rewrite(item.sql, schema=None) is item.sql


@pytest.mark.parametrize(
    ("sql", "schema"),
    [
        (b"INSERT INTO `u` VALUES (1)", None),
        (b"INSERT INTO `u` VALUES (1)", "other"),
        (b"INSERT INTO `lab`.`u` VALUES (1)", "lab"),
        (b"DROP TABLE IF EXISTS `u`", "other"),
        (b"DELETE FROM u", "lab"),
        (b"GRANT ALL ON *.* TO x@y", "lab"),
        (b"CALL p()", "lab"),
        (b"LOAD DATA INFILE 'x' INTO TABLE u", "lab"),
        (b"USE other", "lab"),
    ],
)
def test_nothing_but_a_dumps_own_forms_is_sent(sql: bytes, schema: str | None) -> None:
    copy = copy_of(("table", "u", b"CREATE TABLE `u` (`i` int)"))
    assert DumpedThing("table", "lab", "u") in copy.defined
    with pytest.raises(RewriteError):
        ScratchRewriter(copy).rewrite(sql, schema=schema)
