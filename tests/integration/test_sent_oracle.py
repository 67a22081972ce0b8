"""The real clients as the oracle: the bytes of each statement that reaches the server are ours.

`test_splitter_oracle` compares where statements begin and end; here nothing is made alike but
blanks at both ends, which the servers drop, and comments in front, which nobody keeps.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.script.sent import as_sent, client_keeps_comments
from sidecar_magics.script.splitter import Item, ScriptSyntaxError, Splitter, Statement
from sidecar_magics.script.versioned import version_number
from tests.oracle import Oracle, logged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

pytestmark = pytest.mark.server

ROUNDS = 150
SCRIPTS_AT_ONCE = 12


class Pair:
    """A server's client, and ours."""

    def __init__(self, oracle: Oracle, flavour: str) -> None:
        self.oracle = oracle
        self.flavour = flavour
        ((version,),) = oracle.query("SELECT VERSION()")
        self.keeps_comments = client_keeps_comments(flavour, version_number(version))

    def ours(self, script: bytes, chunk_bytes: int = 1 << 20) -> list[bytes]:
        splitter = Splitter(
            dollar_quotes=self.flavour == "mysql", keep_comments=self.keeps_comments
        )
        found: list[Item] = []
        for at in range(0, len(script), chunk_bytes):
            found += splitter.feed(script[at : at + chunk_bytes])
        found += splitter.finish()
        return [
            as_sent(item, keep_comments=self.keeps_comments).sql
            for item in found
            if isinstance(item, Statement)
        ]

    def clients(self, script: bytes) -> list[bytes]:
        return [text for kind, text in self.oracle(script) if kind == "Query"]


@pytest.fixture(scope="module")
def mysql_pair(mysql_process: Server) -> Iterator[Pair]:
    with logged(mysql_process.start()) as oracle:
        yield Pair(oracle, "mysql")


@pytest.fixture(scope="module")
def mariadb_pair(mariadb_process: Server) -> Iterator[Pair]:
    with logged(mariadb_process.start()) as oracle:
        yield Pair(oracle, "mariadb")


@pytest.fixture(params=["mysql", "mariadb"])
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.getfixturevalue(f"{request.param}_pair")
    return found


LEADING = re.compile(rb"(?:\s|(?:\#|--(?=\s|\Z))[^\n]*(?:\n|\Z)|/\*(?!!|M!|\+).*?\*/)*", re.DOTALL)


def bare(statements: list[bytes]) -> list[bytes]:
    """Drop what stands in front of statements, and those that are nothing else."""
    left = [sql[LEADING.match(sql).end() :].strip(b"; \t\r\n\v\f") for sql in statements]  # type: ignore[union-attr]
    return [sql for sql in left if sql]


SCRIPTS = [
    b"SELECT 'a\r\nb';\r\nSELECT \"a\r\nb\", `c\r\nd`;\r\n",
    b"SELECT 'a\rb', '\r\r\n', '\r\n\r\n', 'c\n\rd';\r\nSELECT 2\r",
    b"SELECT 'a\\\r\nb', 'c\\\nd', 'e\\\\\nf', 'g\\\\\\\r\nh';\r\n",
    b"SELECT 1 \\\n+ 1;\nSELECT 2 \\\r\n+ 2;\r\n",
    b"SELECT x'00', _binary 'a\r\nb\r\n';\r\n",
    b"SELECT 1 -- c\r\n+1;\r\n",
    b"SELECT 1 -- c\n+ 2 /* x\ny */ + 3 # d\n;\nSELECT 2 /* e */ ;\n",
    b"SELECT/**/1;SELECT 1/**/+1;SELECT 1/*\n*/+/*\n*/1;\n",
    b"SELECT 1/* a *//* b */+/* c */# d\n1/* e */-- f\n;\n",
    "SELECT/**/'é', 1 /**/é, /**/ü/**/+1;\n".encode(),
    b"SELECT 1\n\n\n  -- a\n\n\t/* b */\n  + 2;\n",
    b"-- a\n/* b\nc */ SELECT 1; /* d */ SELECT 2;\n -- e\n\n  # f\nSELECT 3",
    b"SELECT 1 -- at the end",
    b"SELECT 1 /* at the end */",
    b"SELECT 1 -- a\n\\g\nSELECT 2 /* b */ \\G\n",
    b"--bare\nSELECT 1; --bare\n;\nSELECT 1\n--bare\n;\n",
    b"SELECT '-- a\r\n', '/* b */', \"# c\", `-- d`, '\\'/* e */';\n",
    b"SELECT /*! 1 -- a\n + 2 */ + 3;\nSELECT /*!1 4 */ /* b */ + 5;\n",
    b"SELECT 1 /* it's */ + 2 -- it's\n+ 3;\n",
    b"SELECT 1 /* a \\\nb */ + 2 -- c\\\n+ 3;\n",
    b"SELECT 1;\r\n#a\r\nSELECT 2;\r\n-- b\r\n\r\nSELECT 3;--\r\nSELECT 4;\r\n",
    b"CREATE PROCEDURE p() SELECT 1; -- note\nCREATE PROCEDURE p() SELECT 1;#note ; SELECT 2\n",
    b"CREATE PROCEDURE p() SELECT 1; \t -- note\r\nSELECT 2;\r\n",
    b"CREATE PROCEDURE p() SELECT 1; /* no note */ -- either\nSELECT 2;\n",
    b"CREATE PROCEDURE p() SELECT 1; --\nALTER EVENT e DO SELECT 1; -- the last",
    b"CREATE PROCEDURE p() SELECT 1 -- a\n \\g -- b\nSELECT 2;\n",
    b"DELIMITER //\r\nCREATE PROCEDURE p() /* m */ -- k\r\n  COMMENT 'x\r\ny' BEGIN -- a\r\n\r\n"
    b"  SELECT 'q\\\r\nr'; -- b\r\n\t/* c */SELECT/**/2;# d\r\nEND // -- note\r\nDELIMITER ;\r\n",
    b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50020 DEFINER=`a`@`localhost`*/ /*!50003 PROCEDURE p()\n"
    b"BEGIN -- a\n  SELECT 1; /* b */ /* c */\n  SELECT 2;\nEND */;; -- note\nDELIMITER ;\n",
    b"DELIMITER $$\nDROP PROCEDURE IF EXISTS p $$ -- first\nCREATE FUNCTION f() RETURNS int\n"
    b"  RETURN 1 -- x\n  + 1 $$ # second $$\nSELECT 1$$\nDELIMITER ; -- third\nSELECT 2;\n",
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script[:40].decode("latin-1"))
def test_the_client_sends_the_same_bytes(pair: Pair, script: bytes) -> None:
    assert bare(pair.ours(script)) == bare(pair.clients(script))


@pytest.mark.parametrize("chunk_bytes", [1, 2, 7])
def test_chunks_make_no_difference(pair: Pair, chunk_bytes: int) -> None:
    for script in SCRIPTS:
        assert pair.ours(script, chunk_bytes) == pair.ours(script)


ENDS = [b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"\r\n\r\n"]
COMMENTS = [b"-- it's; x", b'# "y; `', b"/* z; ' */", b"/**/", b"/* two\n lines; */", b"/* \r\n */"]


class Writer:
    """Writes scripts with comments and ends of lines wherever they may stand."""

    def __init__(self, seed: int, *, delimiter: bytes) -> None:
        self.chance = random.Random(seed)
        self.delimiter = delimiter

    def script(self) -> bytes:
        text = b""
        for _ in range(self.chance.randrange(1, 5)):
            statement = self.statement()
            text += self.filler() + statement + self.delimiter + self.behind(statement)
        if self.delimiter == b";":
            return text
        end = self.chance.choice(ENDS[:2])
        head = b"DELIMITER " + self.delimiter + end
        return head + text + end + b"DELIMITER ;" + end

    def statement(self) -> bytes:
        kind = self.chance.randrange(4)
        words = [b"SELECT", self.value()]
        for _ in range(self.chance.randrange(4)):
            words += [b"+", self.value()]
        if kind == 0 and self.delimiter != b";":
            body = [*words, b";", *words, b";"]
            words = [b"CREATE", b"PROCEDURE", b"p", b"()", b"BEGIN", *body, b"END"]
        elif kind == 1:
            words = [b"CREATE", b"FUNCTION", b"f", b"()", b"RETURNS", b"int", b"RETURN", *words[1:]]
        return b"".join(word + self.between() for word in words[:-1]) + words[-1] + self.maybe()

    def value(self) -> bytes:
        quote = self.chance.choice([b"'", b'"', b"`", b""])
        if not quote:
            return self.chance.choice([b"1", b"@a", b"2.5"])
        pieces = [b"a", b"-- b", b"/* c */", b"#", b"\r", b"\t", *ENDS, "é".encode(), b"x  "]
        if quote != b"`":
            pieces += [b"\\\n", b"\\\r\n", b"\\\\", b"\\'", b"\\\\\n", b"\\n"]
        return quote + b"".join(self.chance.choices(pieces, k=self.chance.randrange(5))) + quote

    def comment(self) -> bytes:
        text = self.chance.choice(COMMENTS)
        return text if text.startswith(b"/*") else text + self.chance.choice(ENDS)

    def between(self) -> bytes:
        pieces = [b" ", b" ", b"\t", *ENDS]
        return self.chance.choice(pieces) + self.maybe() + self.chance.choice([b"", *pieces])

    def maybe(self) -> bytes:
        return self.comment() if self.chance.random() < 0.3 else b""

    def behind(self, statement: bytes) -> bytes:
        """Return what follows a delimiter on its line; we send it only where it is kept."""
        if self.delimiter == b";" and not statement.startswith(b"CREATE"):
            return self.chance.choice(ENDS)
        blanks = self.chance.choice([b"", b" ", b" \t "])
        note = self.chance.choice([b"", b"", b"-- n; x", b"# n", b"/* n */"])
        return blanks + note + self.chance.choice(ENDS)

    def filler(self) -> bytes:
        return b"".join(
            self.chance.choice([b"", b"\n", b"  ", b"\r\n", self.comment()])
            for _ in range(self.chance.randrange(3))
        )


@pytest.mark.parametrize("delimiter", [b";", b"//", b"$$"])
@pytest.mark.parametrize("seed", range(0, ROUNDS, SCRIPTS_AT_ONCE))
def test_generated_scripts_are_sent_as_the_client_does(
    pair: Pair, seed: int, delimiter: bytes
) -> None:
    scripts = [Writer(seed + n, delimiter=delimiter).script() for n in range(SCRIPTS_AT_ONCE)]
    whole = b"".join(scripts)
    try:
        ours = bare(pair.ours(whole))
    except ScriptSyntaxError as error:
        pytest.fail(f"{error} in {whole!r}")
    theirs = bare(pair.clients(whole))
    if ours != theirs:  # tell which
        for script in scripts:
            assert bare(pair.ours(script)) == bare(pair.clients(script)), (seed, script)
    assert ours == theirs
