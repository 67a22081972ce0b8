"""The server as the judge of where a statement ends.

A script of several statements is sent whole, so that the server's own parser cuts it, and piece by
piece, as the splitter cuts it, over a connection that takes one statement at a time. The answers
must be the same. (tests/integration/test_splitter_oracle.py asks the client in the same way.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.constants import CLIENT

from sidecar_magics.script.splitter import Statement, split
from tests.corpus.case import BOTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

pytestmark = pytest.mark.server

Answer = tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]

NASTY = [
    *[b"a", b" ", b"\n", b";", b";;", b"--", b"-- ", b"#", b"/*", b"*/", b"/*!", b"/*+", b"$$"],
    *["ü;".encode(), b"\nDELIMITER //\n", b"//", b"SELECT 1;", b"%s", b"\x7f", b"\x01", b"\t"],
]


def strings(quote: bytes, *, escapes: bool) -> st.SearchStrategy[bytes]:
    """Return literals in these quotes."""
    others = [other for other in (b"'", b'"', b"`") if other != quote]
    parts = [*NASTY, *others, quote * 2, "🐀".encode()]
    parts += [rb"\\", rb"\'", rb"\"", rb"\n", rb"\;", b"\\\n"] if escapes else [b"\\"]
    return _joined(parts, 8).map(lambda text: quote + text + quote)


def names(quote: bytes) -> st.SearchStrategy[bytes]:
    """Return aliases in these quotes: at most 64 characters, no blank at the end, no emoji."""
    others = [other for other in (b"'", b'"', b"`") if other != quote]
    parts = [*NASTY, *others, quote * 2, b"\\"]
    return _joined(parts, 3).map(lambda text: b"1 AS " + quote + b"n" + text + b"n" + quote)


def _joined(parts: list[bytes], count: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(parts), max_size=count).map(b"".join)


@st.composite
def comments(draw: st.DrawFn) -> bytes:
    """Return a comment, or what a server heeds although it looks like one."""
    text = draw(_joined([*NASTY, b"'", b'"', b"`", b"\\"], 5))
    if draw(st.booleans()):
        return draw(st.sampled_from([b"#", b"-- "])) + text.replace(b"\n", b" ") + b"\n"
    # Neither another comment nor a versioned one.
    text = text.replace(b"*/", b"").replace(b"/*", b"").lstrip(b"!M+/")
    return b"/* " + text + b" */"


@st.composite
def scripts(draw: st.DrawFn, *, ansi_quotes: bool, no_backslash_escapes: bool) -> bytes:
    """Return a script of which every statement is valid under this sql_mode."""
    escapes = not no_backslash_escapes
    single = strings(b"'", escapes=escapes)
    double = strings(b'"', escapes=escapes)
    plain = single if ansi_quotes else single | double
    value = st.one_of(
        plain,
        plain.map(lambda text: b"N" + text if text.startswith(b"'") else text),
        st.sampled_from(
            [b"5--1", b"6/2", b"NULL", b"/*!40000 1 + */ 1", b"x'3b27'", b"@a", b"3*-2"]
        ),
        plain.map(lambda text: b"/*!40100 CONCAT( */ " + text + b" /*!40100 ) */"),
        names(b"`"),
        names(b'"') if ansi_quotes else st.nothing(),
    )
    blank = st.sampled_from([b" ", b"\n", b"\t", b"\r\n"]) | comments()
    statements = []
    for number in range(draw(st.integers(1, 5))):
        values = draw(st.lists(value, min_size=1, max_size=4))
        sql = draw(st.sampled_from([b"SELECT", b"select", b"SELECT /*+ NO_ICP(t) ; */"]))
        for text in (b"%d" % number, *(b"," + value for value in values)):
            sql += draw(blank) + text
        before, behind = draw(st.sampled_from([b"", b"\n"]) | comments()), draw(blank)
        statements.append(before + sql + behind)
    return b";".join(statements) + draw(st.sampled_from([b"", b";", b" ;\n"]))


class Judge:
    """Asks a server, over a connection that takes several statements at once, or one."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connections: dict[int, pymysql.Connection[Any]] = {}

    def answers(self, requests: list[bytes], mode: str, *, several: bool) -> list[list[Answer]]:
        """Return for each request all that it is answered with."""
        flag = CLIENT.MULTI_STATEMENTS if several else 0
        connection = self._connections.pop(flag, None) or self._connect(flag)
        connection.query(f"SET SESSION sql_mode = '{mode}'")
        found = [list(self._answers(connection, request)) for request in requests]
        self._connections[flag] = connection  # not after an error: answers may be under way
        return found

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _connect(self, flag: int) -> pymysql.Connection[Any]:
        server = self._server
        connection = pymysql.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            charset="utf8mb4",
            use_unicode=False,
            client_flag=flag,
        )
        connection.decoders = {}  # the values as they come
        return connection

    @staticmethod
    def _answers(connection: pymysql.Connection[Any], request: bytes) -> Iterator[Answer]:
        connection.query(request)
        more = True
        while more:
            result: Any = connection._result
            names = tuple(field.name for field in result.fields)
            yield names, tuple(result.rows)
            more = result.has_next
            if more:
                connection.next_result()


@pytest.fixture(scope="module")
def judges(request: pytest.FixtureRequest) -> Iterator[dict[str, Judge]]:
    """Yield the judges that have been asked, by flavour."""
    asked: dict[str, Judge] = {}
    yield asked
    for judge in asked.values():
        judge.close()


@pytest.fixture
def judge(flavour: str, judges: dict[str, Judge], request: pytest.FixtureRequest) -> Judge:
    """Return one for the server that serves the whole session; the scripts change nothing in it."""
    if flavour not in judges:
        judges[flavour] = Judge(request.getfixturevalue(f"{flavour}_process").start())
    return judges[flavour]


@pytest.mark.parametrize("flavour", BOTH)
@pytest.mark.parametrize(
    "modes",
    [(), ("ANSI_QUOTES",), ("NO_BACKSLASH_ESCAPES",), ("ANSI_QUOTES", "NO_BACKSLASH_ESCAPES")],
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), size=st.integers(1, 50))
def test_each_piece_is_one_statement_for_the_server(
    judge: Judge, modes: tuple[str, ...], data: st.DataObject, size: int
) -> None:
    ansi_quotes, plain = "ANSI_QUOTES" in modes, "NO_BACKSLASH_ESCAPES" in modes
    script = data.draw(scripts(ansi_quotes=ansi_quotes, no_backslash_escapes=plain))
    chunks = [script[at : at + size] for at in range(0, len(script), size)]

    items = split(chunks, ansi_quotes=ansi_quotes, no_backslash_escapes=plain)
    pieces = [item.sql for item in items if isinstance(item, Statement)]

    mode = ",".join(modes)
    (whole,) = judge.answers([script.rstrip(b"; \n")], mode, several=True)
    assert judge.answers(pieces, mode, several=False) == [[answer] for answer in whole]
