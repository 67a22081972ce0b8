from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.sent import (
    LONGEST_NOTE_BYTES,
    as_sent,
    client_keeps_comments,
    takes_note,
)
from sidecar_magics.script.splitter import Item, Splitter, Statement, split


def found(script: bytes, *, keep: bool = True) -> list[Statement]:
    items = split([script], keep_comments=keep)
    return [item for item in items if isinstance(item, Statement)]


def sent(script: bytes, *, keep: bool = True, **modes: bool) -> list[bytes]:
    return [as_sent(item, keep_comments=keep, **modes).sql for item in found(script, keep=keep)]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        (b"SELECT 'a\r\nb';", b"SELECT 'a\nb'"),
        (b"SELECT 'a\rb\r\r\n', '\n\r';", b"SELECT 'a\rb\r\n', '\n\r'"),
        (b'SELECT `a\r\nb`, "\r\n"\r\n;', b'SELECT `a\nb`, "\n"'),
        (b"SELECT 'a\\\nb', 'c\\\r\nd', 'e\\\\\nf';", b"SELECT 'a\nb', 'c\nd', 'e\\\\\nf'"),
        (b"SELECT '\r\\\n';", b"SELECT '\r\n'"),
        (b"SELECT 1 \\\n+ 1;", b"SELECT 1 \n+ 1"),
        (b"SELECT `a\\\nb`, '`\\\n';", b"SELECT `a\\\nb`, '`\n'"),
    ],
)
def test_ends_of_lines_are_the_clients(script: bytes, wanted: bytes) -> None:
    assert sent(script) == sent(script, keep=False) == [wanted]


def test_backslashes_stay_where_they_escape_nothing() -> None:
    script = b"SELECT 'a\\\nb', \"c\\\nd\";"
    assert sent(script, no_backslash_escapes=True) == [script[:-1]]
    assert sent(script, ansi_quotes=True) == [b"SELECT 'a\nb', \"c\\\nd\""]


@pytest.mark.parametrize(
    ("script", "kept", "dropped"),
    [
        (b"SELECT 1 -- a\r\n+ 1;", b"SELECT 1 -- a\n+ 1", b"SELECT 1 \n+ 1"),
        (b"SELECT 1/* a\nb */+ 1;", b"SELECT 1/* a\nb */ + 1", b"SELECT 1 + 1"),
        (b"SELECT 1/**//**/+ 1;", b"SELECT 1/**//**/ + 1", b"SELECT 1 + 1"),
        (b"SELECT 1/**/\n+ 1;", b"SELECT 1/**/\n+ 1", b"SELECT 1\n+ 1"),
        (b"SELECT 1/**/# a\n+ 1;", b"SELECT 1/**/# a\n+ 1", b"SELECT 1\n+ 1"),
        (b"SELECT 1 /* a */;", b"SELECT 1 /* a */", b"SELECT 1"),
        (b"SELECT 1 -- a", b"SELECT 1 -- a", b"SELECT 1"),
        (b"SELECT /*+ a */ 1;", b"SELECT /*+ a */ 1", b"SELECT  1"),
        (b"SELECT /*! 1 */ + 1;", b"SELECT /*! 1 */ + 1", b"SELECT /*! 1 */ + 1"),
        (b"SELECT '/* a */', '-- ';", b"SELECT '/* a */', '-- '", b"SELECT '/* a */', '-- '"),
        (b"SELECT 1--\x01\n;", b"SELECT 1--\x01", b"SELECT 1--\x01"),
        ("SELECT /**/é;".encode(), "SELECT /**/é".encode(), "SELECT é".encode()),
    ],
)
def test_comments_are_kept_or_dropped(script: bytes, kept: bytes, dropped: bytes) -> None:
    assert sent(script) == [kept]
    assert sent(script, keep=False) == [dropped]


def test_a_note_goes_with_what_the_server_keeps() -> None:
    script = b"CREATE PROCEDURE p() SELECT 1 ; -- it's\r\nSELECT 2; # no\n"
    assert sent(script) == [b"CREATE PROCEDURE p() SELECT 1  -- it's", b"SELECT 2"]
    assert sent(script, keep=False) == [b"CREATE PROCEDURE p() SELECT 1", b"SELECT 2"]
    # It is read once more, between the statements: places are in the script.
    assert [item.end for item in found(script)] == [31, 50]


@pytest.mark.parametrize("behind", [b" /* a */ -- b\n", b" --\n", b"--\r\n", b"\n-- a\n", b" x;\n"])
def test_what_is_no_note(behind: bytes) -> None:
    assert found(b"CREATE EVENT e DO SELECT 1;" + behind)[0].note == b""


def test_a_note_has_a_limit() -> None:
    for length, is_note in ((LONGEST_NOTE_BYTES - 1, True), (LONGEST_NOTE_BYTES, False)):
        script = b"CREATE EVENT e DO SELECT 1;" + b"#".ljust(length, b"x")
        for tail in (b"", b"\nSELECT 2;"):
            whole = found(script + tail)
            assert bool(whole[0].note) == is_note
            splitter, pieces = Splitter(), list[Item]()
            for at in range(0, len(script + tail), 1000):
                pieces += splitter.feed((script + tail)[at : at + 1000])
            assert [*pieces, *splitter.finish()] == whole


def test_only_what_follows_on_the_line_is_waited_for() -> None:
    splitter = Splitter()
    assert len(list(splitter.feed(b"CREATE EVENT e DO SELECT 1; S"))) == 1
    assert not list(splitter.feed(b"ELECT 1;CREATE EVENT e DO SELECT 1; -"))[1:]
    assert len(list(splitter.feed(b"- note\n"))) == 1


@pytest.mark.parametrize(
    ("sql", "takes"),
    [
        (b"CREATE PROCEDURE p() SELECT 1", True),
        (b"create definer=`a`@`b` function f()", True),
        (b"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t", True),
        (b"CREATE OR REPLACE EVENT e", True),
        (b"ALTER EVENT e", True),
        (b"CREATE TABLE event (a int)", False),
        (b"CREATE VIEW v AS SELECT 1", False),
        (b"INSERT INTO procedure_list VALUES (1)", False),
    ],
)
def test_which_statements_take_a_note(sql: bytes, takes: bool) -> None:
    assert takes_note(sql, 0, b";") == takes
    assert takes_note(sql, 0, b"//")


def test_two_dashes_begin_a_comment_for_clients_that_drop_them() -> None:
    script = b"--a\nSELECT 1--a\n;--b\nSELECT 2;"
    assert sent(script, keep=False) == [b"SELECT 1--a", b"SELECT 2"]
    assert sent(script) == [b"--a\nSELECT 1--a", b"--b\nSELECT 2"]


def test_what_needs_no_change_is_not_copied() -> None:
    item = found(b"INSERT INTO t VALUES ('\\r\\n\\\\', 1,\n2);")[0]
    assert as_sent(item, keep_comments=True) is item


@given(st.binary(), st.booleans())
def test_any_bytes_have_an_end(text: bytes, keep: bool) -> None:
    as_sent(Statement(text, 1, 1, 0, len(text)), keep_comments=keep)


def test_which_clients_keep_comments() -> None:
    assert client_keeps_comments("mysql", 90704)
    assert client_keeps_comments("mysql", 80400)
    assert not client_keeps_comments("mysql", 80036)
    assert not client_keeps_comments("mariadb", 101118)
