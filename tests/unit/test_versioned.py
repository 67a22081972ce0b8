from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.versioned import effective, version_number

OLD, NEW, MARIADB = ("mysql", 80036), ("mysql", 90700), ("mariadb", 101106)


@pytest.mark.parametrize(
    ("comment", "executed_by"),
    [
        (b"/*! X */", {OLD, NEW, MARIADB}),
        (b"/*!X*/", {OLD, NEW, MARIADB}),
        (b"/*!323 X */", {OLD, NEW, MARIADB}),  # no number, but text
        (b"/*!32302 X */", {OLD, NEW, MARIADB}),
        (b"/*!40101 X */", {OLD, NEW, MARIADB}),
        (b"/*!40101X*/", {OLD, NEW, MARIADB}),
        (b"/*!50699 X */", {OLD, NEW, MARIADB}),
        (b"/*!50700 X */", {OLD, NEW}),
        (b"/*!50708 X */", {OLD, NEW}),
        (b"/*!80000 X */", {OLD, NEW}),
        (b"/*!80036 X */", {OLD, NEW}),
        (b"/*!80037 X */", {NEW}),
        (b"/*!90700 X */", {NEW}),
        (b"/*!90701 X */", set()),
        (b"/*!99999 X */", set()),
        (b"/*!080036 X */", {OLD, NEW}),
        (b"/*!100000 X */", {MARIADB}),
        (b"/*!101106 X */", {MARIADB}),
        (b"/*!101107 X */", set()),
        (b"/*!999999 X */", set()),
        (b"/*M! X */", {MARIADB}),
        (b"/*M!50708 X */", {MARIADB}),
        (b"/*M!100100 X */", {MARIADB}),
        (b"/*M!101106X*/", {MARIADB}),
        (b"/*M!110000 X */", set()),
        (b"/*M!999999 X */", set()),
        (b"/* X */", set()),
        (b"/*+ X */", set()),
        (b"/**X*/", set()),
        (b"-- X\n", set()),
        (b"# X\n", set()),
    ],
)
@pytest.mark.parametrize("server", [OLD, NEW, MARIADB])
def test_who_executes_what(
    comment: bytes, executed_by: set[tuple[str, int]], server: tuple[str, int]
) -> None:
    words = effective(b"a" + comment + b"b", *server).split()
    if server in executed_by:
        assert words[0] == b"a"
        assert words[-2:] == [b"X", b"b"]
        assert b"*/" not in words
    else:
        assert words == [b"a", b"b"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"/*!40101 SET NAMES utf8 */", b"SET NAMES utf8"),
        (b"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t */", None),
        (b"SET a = '/*!50000 b */'", b"SET a = '/*!50000 b */'"),
        (b'SET a = "/* b */"', b'SET a = "/* b */"'),
        (b"SELECT `/* b */`", b"SELECT `/* b */`"),
        (rb"SET a = 'it\'s /* b */'", rb"SET a = 'it\'s /* b */'"),
        (b"SET a = 'it''s -- b', c = '# d'", b"SET a = 'it''s -- b', c = '# d'"),
        (b"SET a = 1 /* ' */ , b = 2 -- '", b"SET a = 1 , b = 2"),
        (b"SELECT 1--2", b"SELECT 1--2"),
        (b"SELECT 2*/* c */3", b"SELECT 2* 3"),
        (b"SELECT 2 */ 3 /* a */", b"SELECT 2 */ 3"),
        (b"/*!40101 SET a = '*/' */", b"SET a = '*/'"),
        (b"/*!40101 SET a = '/*b*/c' */", b"SET a = '/*b*/c'"),
        (b'/*!40101 SET a = "*/", b = `*/` */', b'SET a = "*/", b = `*/`'),
        (b"/*!50001 CREATE /* a */ VIEW v */ AS x", b"CREATE VIEW v AS x"),
        (b"/*!50001 a /*!80000 b */ /*!99999 c */ d */ e", b"a b d e"),
        (b"/*!99999 a /* b */ c */ d", b"d"),
        (b"/*!99999 it's */ d 'e'", b"d 'e'"),
        (b"/*!50000 a", b"/*!50000 a"),
        (b"/*!99999 a", b"/*!99999 a"),
        (b"/* a", b"/* a"),
        (b"", b""),
        (b"SELECT 1", b"SELECT 1"),
    ],
)
def test_what_is_left(sql: bytes, expected: bytes | None) -> None:
    found = effective(sql, *OLD)
    if expected is None:
        expected = b"CREATE DEFINER=`a`@`%` TRIGGER t"
    assert b" ".join(found.split()) == expected


def test_without_comments_it_is_the_same_object() -> None:
    sql = b"INSERT INTO t VALUES ('a*/b')"
    assert effective(sql, *OLD) is sql


@pytest.mark.parametrize(
    ("version", "number"),
    [
        ("8.0.36", 80036),
        ("9.7.4-debian", 90704),
        ("10.11.6-MariaDB-0+deb12u1", 101106),
        ("11.4.2-MariaDB", 110402),
        ("9.7", 90700),
        ("", 0),
        ("MariaDB", 0),
    ],
)
def test_numbers(version: str, number: int) -> None:
    assert version_number(version) == number


parts = st.lists(
    st.sampled_from([b"/*", b"*/", b"/*!", b"/*!50000 ", b"/*!99999 ", b"/*M!", b"'", b'"', b"`"])
    | st.sampled_from([b"\\", b"-- ", b"# ", b"\n", b"a", b" ", b"*", b"/"]),
    max_size=20,
).map(b"".join)


@given(parts | st.binary(), st.sampled_from([OLD, NEW, MARIADB]))
def test_any_bytes_get_an_answer(sql: bytes, server: tuple[str, int]) -> None:
    effective(sql, *server)


@given(st.text("ab'\"`/*-#\\ \n", max_size=12), st.sampled_from([b"'", b'"', b"`"]))
def test_quotes_are_not_touched(content: str, quote: bytes) -> None:
    text = content.encode().replace(b"\\", b"")
    text = quote + text.replace(quote, quote * 2) + quote
    assert effective(b"/* x */" + text + b"/*!40000 " + text + b"*/", *OLD) == (
        b" " + text + b"  " + text + b" "
    )
