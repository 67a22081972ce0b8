"""Tokens, the names among them, and the beginning of rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.insertion import Insertion, read_insertion
from sidecar_magics.script.names import read_names
from sidecar_magics.script.tokens import Edit, Shape, edited, quoted, tokens, unquoted

FRAGMENTS = [
    *(bytes([byte]) for byte in b"'\"`\\;#-/*!+M$.,()@=a1 \n\x00\xff"),
    *[b"''", rb"\'", b"``", b"/*!50001 ", b"*/", b"/*", b"-- ", b"\n", b"AS $$", b"$$", b"x"],
    *[b"CREATE ", b"TABLE ", b"FROM ", b"SELECT ", b"`s`.`t`", b"COLLATE ", b"DEFINER="],
]
scripts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join)


@given(sql=scripts, ansi_quotes=st.booleans(), no_backslash_escapes=st.booleans())
def test_tokens_stand_where_they_say(
    sql: bytes, ansi_quotes: bool, no_backslash_escapes: bool
) -> None:
    found = tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes)
    ends = [0, *(token.end for token in found)]
    assert all(end <= token.start for end, token in zip(ends, found))
    assert all(sql[token.start : token.end] == token.text for token in found)
    read_names(found)


@given(scripts)
def test_an_edit_of_every_token_leaves_what_is_between(sql: bytes) -> None:
    found = tokens(sql)
    again = edited(sql, [Edit(token.start, token.end, token.text) for token in found])
    assert again == sql
    assert edited(sql, []) is sql


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"a.b 'c.d' `e.f`", ["a", ".", "b", "'c.d'", "`e.f`"]),
        (rb"'it''s \' one' x", [rb"'it''s \' one'".decode(), "x"]),
        (b"/*!50001 CREATE*/ /* not /*!50001 this */ x", ["/*!50001", "CREATE", "*/", "x"]),
        (b"/*M!100100 a */ b /*+ hint */", ["/*M!100100", "a", "*/", "b"]),
        (b"2*/* c */3 -- four\n# five\n--6", ["2", "*", "3", "-", "-", "6"]),
        (
            b"LANGUAGE JAVASCRIPT AS $js$ a 'b; $js$",
            ["LANGUAGE", "JAVASCRIPT", "AS", "$js$ a 'b; $js$"],
        ),
        (b"a$$b", ["a$$b"]),
        (b"'never closed", ["'never closed"]),
        (b"/* never closed", []),
    ],
)
def test_tokens(sql: bytes, expected: list[str]) -> None:
    assert [token.text.decode() for token in tokens(sql)] == expected


def test_the_modes_decide_what_quotes_and_backslashes_mean() -> None:
    assert [token.shape for token in tokens(b'"a"', ansi_quotes=True)] == [Shape.NAME]
    assert [token.shape for token in tokens(b'"a"')] == [Shape.TEXT]
    assert len(tokens(rb"'\' x '")) == 1
    assert len(tokens(rb"'\' x", no_backslash_escapes=True)) == 2


@pytest.mark.parametrize("name", ["a", "a`b", "größe", ""])
def test_quoting_a_name(name: str) -> None:
    assert unquoted(quoted(name)) == name


SCHEMAS = [
    ("CREATE TABLE `s`.`t` (`s` int, FOREIGN KEY (`s`) REFERENCES `o`.`x` (`id`))", "s o"),
    ("CREATE TABLE t (a int, CHECK (`t`.`a` > 1.5))", ""),
    ("CREATE TABLE a (LIKE s.b)", "s"),
    ("CREATE TABLE a LIKE s.b", "s"),
    ("CREATE TABLE t (a int DEFAULT nextval(`s`.`q`))", "s"),
    ("DROP TABLE IF EXISTS s.a, o.b, c", "s o"),
    ("RENAME TABLE a.b TO c.d, e TO f.g", "a c f"),
    ("ALTER TABLE a.b RENAME TO c.d", "a c"),
    ("ALTER TABLE a.b RENAME c.d, ADD COLUMN x int", "a c"),
    ("ALTER TABLE a.b RENAME COLUMN c TO d", "a"),
    ("ALTER TABLE a EXCHANGE PARTITION p WITH TABLE s.b", "s"),
    ("CREATE UNIQUE INDEX i ON s.t (a)", "s"),
    ("DROP INDEX i ON s.t", "s"),
    ("DROP TRIGGER IF EXISTS s.tr", "s"),
    ("DROP DATABASE IF EXISTS s", "s"),
    ("ALTER DATABASE CHARACTER SET x", ""),
    ("ALTER DATABASE s CHARACTER SET x", "s"),
    ("USE `s`", "s"),
    ("SELECT DATABASE(), SCHEMA() FROM s.t", "s"),
    # A table called as its schema: the first `subject` of each pair is not always the same.
    ("CREATE VIEW v AS select `subject`.`id` from `subject`", ""),
    ("CREATE VIEW v AS select subject.id from subject.subject", "subject"),
    (
        "CREATE VIEW v AS select subject.subject.id, subject.* from subject.subject",
        "subject subject",
    ),
    ("CREATE VIEW `v` AS select `s`.`fn`(`p`.`id`) from `p`", "s"),
    ("CREATE VIEW v AS select a from s.t x, (s.u join o.y on s.u.a = o.y.b), s.w", "s s o s o s"),
    ("CREATE VIEW v AS select extract(day from t.a), trim('x' from t.b) from s.t", "s"),
    ("INSERT INTO s.t (a) SELECT x.a FROM s.x LEFT JOIN o.y USING (id), p.z WHERE 1", "s s o p"),
    ("INSERT IGNORE s.t VALUES (1) ON DUPLICATE KEY UPDATE a = s.t.a", "s s"),
    ("UPDATE s.t JOIN s.u ON s.u.a = t.b SET t.c = 1", "s s s"),
    ("DELETE s.t.*, u FROM s.t JOIN s.u ON 1", "s s s"),
    ("DELETE FROM u USING s.u JOIN t ON 1", "s"),
    ("TRUNCATE s.t", "s"),
    ("LOCK TABLES s.a READ, o.b AS c WRITE", "s o"),
    ("LOAD DATA INFILE 's.x' INTO TABLE s.t", "s"),
    ("CALL s.p(1)", "s"),
    ("DO SETVAL(`s`.`q`, 1, 0)", "s"),
    ("GRANT SELECT (a, b), INSERT ON TABLE s.t TO u@h.x WITH GRANT OPTION", "s"),
    ("GRANT ALL ON `s`.* TO 'a'@'b'", "s"),
    ("GRANT SELECT ON *.* TO `a`@`b`", ""),
    ("SET @@global.x = 1, @a.b = 2", ""),
    ("CREATE DEFINER=u@h.x EVENT s.e ON SCHEDULE EVERY 1 DAY DO delete from o.t", "s o"),
    ("CREATE TRIGGER s.tr AFTER DELETE ON s.t FOR EACH ROW UPDATE o.q SET a = OLD.a", "s s o"),
    ("CREATE PROCEDURE s.p() BEGIN DROP TABLE o.a, o.b; CALL o.q(); END", "s o o o"),
    ("CREATE PROCEDURE p() BEGIN FOR r IN c DO INSERT INTO o.z VALUES (r.x); END FOR; END", "o"),
    ("CREATE TABLE `s` (a int) /* FROM o.t */ COMMENT 'FROM o.t'", ""),
]


@pytest.mark.parametrize(("sql", "expected"), SCHEMAS)
def test_schemas_are_told_from_tables(sql: str, expected: str) -> None:
    mentions = read_names(tokens(sql.encode())).mentions
    assert " ".join(mention.schema for mention in mentions if mention.certain) == expected


def test_a_name_in_an_unknown_place_is_uncertain() -> None:
    (mention,) = read_names(tokens(b"ALTER TABLE t UNION=(s.a)")).mentions
    assert not mention.certain


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"INSERT INTO `t` VALUES (1,'", Insertion(None, "t", (0, 0))),
        (b"insert ignore into s.t(a,`b)`) values\n(1", Insertion("s", "t", (19, 20))),
        (b"REPLACE LOW_PRIORITY `a``b` VALUE (1)", Insertion(None, "a`b", (0, 0))),
        (b'INSERT INTO "s"."t" VALUES (1)', Insertion("s", "t", (12, 15))),
        (b"INSERT INTO t SELECT 1", None),
        (b"INSERT INTO t SET a = 1", None),
        (b"INSERT /* c */ INTO t VALUES (1)", None),
        (b"REPLACE('a', 'b', 'c')", None),
        (b"UPDATE t SET a = 1", None),
    ],
)
def test_the_beginning_of_rows(sql: bytes, expected: Insertion | None) -> None:
    assert read_insertion(sql) == expected
