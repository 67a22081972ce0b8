"""The real ``mysql`` client as the oracle: what reaches the server is what the splitter yields."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sidecar_magics.script.splitter import Item, ScriptSyntaxError, Statement, split
from tests.oracle import Oracle, logged
from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def oracle(mysql_process: Server) -> Iterator[Oracle]:
    with logged(mysql_process) as oracle:
        yield oracle


def sent(items: list[Item]) -> list[tuple[str, bytes]]:
    """Return what the client sends for these items."""
    queries = []
    for item in items:
        if isinstance(item, Statement):
            queries.append(("Query", item.sql))
        elif item.name == "use":
            queries.append(("Init DB", item.argument))
        elif item.name == "charset":
            queries.append(("Query", b"SET NAMES " + item.argument))
        elif item.name == "quit":
            break
    return queries


PIECE = re.compile(
    rb"""
    (?P<comment> /\*(?!!|M!|\+).*?(?:\*/|\Z) | (?:\#|--(?=\s|\Z))[^\n]* )
  | (?P<blank> \s+ )
  | (?P<text> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` | /\*\+.*?\*/ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def normal(queries: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Drop what others drop or add: comments at both ends, outer blanks, semicolons at the end.

    The first two are the client's doing, the last is the server's, before it logs.
    """
    out = []
    for kind, sql in queries:
        pieces = [
            match for match in PIECE.finditer(sql.rstrip(b"; \n\t")) if match.lastgroup != "blank"
        ]
        while pieces and pieces[0].lastgroup == "comment":
            del pieces[0]
        while pieces and pieces[-1].lastgroup == "comment":
            del pieces[-1]
        text = b" ".join(match.group().strip() for match in pieces).rstrip(b"; ")
        if text and text != b"/ * ! * /":  # what the client leaves of /*!\\C utf8mb4 */
            out.append((kind, text))
    return out


SCRIPTS = [
    b"SELECT 1; SELECT 2;",
    b"SELECT 1;\nSELECT 2",
    b"SELECT 1;;; ;\n;SELECT 2;",
    b"SELECT\n1\n,\n2\n;\n\n\nSELECT 3\n\n;\n",
    b"\xef\xbb\xbfSELECT 1;",
    rb"SELECT 'a;b', 'it''s', 'c\';d', '\\'; SELECT 2;",
    rb'SELECT "a;b", "say ""x""", "c\";d", "\\"; SELECT 2;',
    b"SELECT `a;b``c`, `d\\`; SELECT 2;",
    b"SELECT '\"', \"'\", '`', \"`\", '-- ', '#', '/*'; SELECT 2;",
    b"SELECT 'a\n;\nb';\nSELECT 2;",
    b"SELECT 'a' 'b;' 'c';",
    "SELECT 'größe;', '日本;語';".encode(),
    b"SELECT 1 -- a; ' b\n; SELECT 2;",
    b"SELECT 1 # a; ' b\n; SELECT 2;",
    b"SELECT 1 /* a; ' b */; SELECT 2;",
    b"SELECT 1 /* a;\n ' \n b */ + 1; SELECT 2;",
    b"-- first\n# second\n/* third; */ SELECT 1;",
    b"SELECT 1; -- behind\nSELECT 2; # behind\nSELECT 3;",
    b"SELECT 1--1; SELECT 5--\t;2\n+ 1; SELECT 4 --\n;",
    b"SELECT 6/2; SELECT 6-2; SELECT 3*/**/2;",
    b"/**/SELECT 1/**/;/***/SELECT 2;/*/;*/SELECT 3;",
    b"/*!40101 SET NAMES utf8mb4 */;\n/*!40101 SET @a = 'x;y' */;",
    b"/*M!100100 SET @a = 1 */; SELECT 1;",
    b"/*! SELECT 1; SELECT 2 */;",
    b"SELECT /*!40000 'a;b' */ 1; SELECT 2;",
    b"SELECT /*! 1 /* nested */ + 2 */; SELECT 2;",
    b"SELECT /*+ MAX_EXECUTION_TIME(1000) ; ' */ 1; SELECT 2;",
    b"SELECT 1\\GSELECT 2\\g SELECT 3;",
    b"SELECT 1\\g\n\\g\n\\G;SELECT 2;",
    b"SELECT \\N; SELECT '\\N';",
    b"SELECT 1 \\c SELECT 2; SELECT 3\n\\c\nSELECT 4;",
    b"SELECT 1; \\q SELECT 2;",
    b"SELECT 1 \\q\nSELECT 2;",
    b"SELECT 1;\nquit\nSELECT 2;",
    b"SELECT 1;\n  EXIT  \nSELECT 2;",
    b"SELECT 1;\nquit;\nSELECT 2;",
    b"SELECT 1\nquit\nFROM dual;",
    b"DELIMITER //\nSELECT 1; SELECT 2//\nSELECT 3//\ndelimiter ;\nSELECT 4;",
    b"delimiter $$\nSELECT '$$', 1$$ SELECT 2$$\nDELIMITER ;\nSELECT 3;",
    b"DELIMITER ;;\nSELECT 1; ;;SELECT 2;;;\nDeLiMiTeR ;\nSELECT 3;",
    b"DELIMITER go\nSELECT 1\ngo\nSELECT category go SELECT 2 GO go\n",
    b"DELIMITER '//'\nSELECT 1// SELECT 2//\n",
    b"\t DELIMITER   //   ignored\nSELECT 1;//\n",
    b"/* c */ DELIMITER //\nSELECT 1;//",
    b"SELECT 1\nDELIMITER //\n; SELECT 2;",
    b"\\d //\nSELECT 1;// SELECT 2//\\d ;\nSELECT 3;",
    b"DELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN\n"
    b"  SET NEW.a = 'x;;y'; -- c;;\n  SET NEW.b = 1;\nEND ;;\nDELIMITER ;\nSELECT 1;",
    b"DELIMITER /*!*/;\nSELECT 1/*!*/;\n/*!\\C utf8mb4 *//*!*/;\nSELECT 2;/*!*/;\nDELIMITER ;\n",
    b"use mysql\nSELECT 1;\nUSE sys;\nSELECT 2; use mysql; SELECT 3;\n",
    b"\\u mysql\nSELECT 1;",
    b"use mysql\\g\nSELECT 1;",
    b"\\C utf8mb4\nSELECT 1;\ncharset utf8mb4\nSELECT 2;\ncharset utf8mb4;",
    b"print\nhelp\nwarnings\nnowarning\nrehash\n? \nSELECT 1;\nwarnings;\nclear;\nSELECT 2;",
    b"\\w\\W\\p SELECT 1;\n\\h\nSELECT 2;\n\\# SELECT 3;",
    b"warnings of the nation; SELECT 1;",
    b"SELECT $$a;b$$, $x$c;$$;$x$, a$$b; SELECT 2;",
    b"--no comment\n; SELECT 1;",
    b"SELECT 1 AS delimiter; SELECT 2 AS `use`;",
    b"",
    b"\n\n",
    b"-- only\n/* comments */",
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script[:40].decode("latin-1"))
def test_the_client_sends_the_same(oracle: Oracle, script: bytes) -> None:
    ours = sent(list(split([script], dollar_quotes=True)))
    assert normal(ours) == normal(oracle(script))


FRAGMENTS = [
    b"SELECT 1",
    b" ",
    b"\n",
    b";",
    b"@@",
    b"@",
    b"/",
    b"-",
    b"x",
    b"'a;b'",
    b"'it''s @@'",
    rb"'\\\';'",
    b'"c;\n@@"',
    b"`d;\\`",
    b"-- e;'@@\n",
    b"# f;`@@\n",
    b"/* g;' @@ */",
    b'/* h;\n" */',
    b"/*!40000 SELECT 2 */",
    b"/*+ j;' */",
    b"--k",
    rb"\N",
    rb"\g",
    rb"\G",
    rb"\c",
]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([b"", b"DELIMITER @@\n", b"DELIMITER ;;\n"]),
    st.lists(st.sampled_from(FRAGMENTS), max_size=20),
)
@pytest.mark.thorough
def test_the_client_sends_the_same_for_any_mixture(
    oracle: Oracle, head: bytes, fragments: list[bytes]
) -> None:
    script = head + b"".join(fragments)
    try:
        ours = sent(list(split([script], dollar_quotes=True)))
    except ScriptSyntaxError:
        reject()  # a quote or a comment is open at the end: the client sends that
    assert normal(ours) == normal(oracle(script))
