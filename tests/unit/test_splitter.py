from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from sidecar_magics.script.splitter import (
    ClientCommand,
    Item,
    ScriptSyntaxError,
    Splitter,
    Statement,
    split,
)

SANDBOX = rb"/*!999999\- enable the sandbox mode */"
MARIADB_SANDBOX = rb"/*M!999999\- enable the sandbox mode */"


def brief(item: Item) -> bytes | tuple[str, bytes]:
    return item.sql if isinstance(item, Statement) else (item.name, item.argument)


def items_of(script: bytes, chunk_bytes: int = 1 << 20, **settings: Any) -> list[Item]:
    chunks = [script[at : at + chunk_bytes] for at in range(0, len(script), chunk_bytes)]
    return list(split(chunks, **settings))


STATEMENTS = {
    "two": (b"SELECT 1; SELECT 2;", [b"SELECT 1", b"SELECT 2"]),
    "last without a terminator": (b"SELECT 1;SELECT 2", [b"SELECT 1", b"SELECT 2"]),
    "nothing": (b"", []),
    "only blanks": (b" \t\r\n\v\f", []),
    "only comments": (b"-- a\n# b\n/* c */ -- d", []),
    "only delimiters": (b";; ;\n;", []),
    "blanks at the end are no part": (b"SELECT 1 \t\r\n ;\n", [b"SELECT 1"]),
    "CRLF": (b"SELECT\r\n1;\r\n-- c\r\nSELECT '\r\n';\r\n", [b"SELECT\r\n1", b"SELECT '\r\n'"]),
    "not UTF-8": (
        b"INSERT 1,'\xff\xfe;\x80\x00';\x00;",
        [b"INSERT 1,'\xff\xfe;\x80\x00'", b"\x00"],
    ),
    "UTF-8 byte order mark": (b"\xef\xbb\xbfSELECT 1;", [b"SELECT 1"]),
    "the mark only counts at the beginning": (b"a;\xef\xbb\xbf", [b"a", b"\xef\xbb\xbf"]),
    "quotes": (rb"""a ';' ";" `;` ; b""", [rb"""a ';' ";" `;`""", b"b"]),
    "doubled quotes": (b"""a 'x'';' "y"";" `z``;`; b""", [b"""a 'x'';' "y"";" `z``;`""", b"b"]),
    "escapes": (rb"""a '\';' "\";" '\\'; b""", [rb"""a '\';' "\";" '\\'""", b"b"]),
    "no escapes in backticks": (rb"a `\`; b", [rb"a `\`", b"b"]),
    "quotes in quotes": (b"""a '"`' "'`" `'"`; b""", [b"""a '"`' "'`" `'"`""", b"b"]),
    "comments in quotes": (b"""a '-- ' "/*" `#`; b""", [b"""a '-- ' "/*" `#`""", b"b"]),
    "comments in front": (b"-- a;\n # b;\n/* c; */ d;", [b"d"]),
    "comments within stay": (b"a -- b;\n/* c; */ # d;\n e;", [b"a -- b;\n/* c; */ # d;\n e"]),
    "comments behind stay too": (b"a /* b; */ ; c -- d;", [b"a /* b; */", b"c -- d;"]),
    "quotes in comments": (b"-- '\n/* \" */ # `\na;", [b"a"]),
    "two dashes need a blank": (b"5--3; --\ta\n--\n--x;", [b"5--3", b"--x"]),
    "or a control byte": (b"a --\x01;'\n;", [b"a --\x01;'"]),
    "or the end": (b"a --", [b"a --"]),
    "short comments": (b"/**/a;/***/b;/*/;*/c;", [b"a", b"b", b"c"]),
    "division is no comment": (b"6/2*3; 6*/2;", [b"6/2*3", b"6*/2"]),
    "versioned comments": (
        b"/*!40101 SET a=';' */; b /*M!100100 c */; /*! d */",
        [b"/*!40101 SET a=';' */", b"b /*M!100100 c */", b"/*! d */"],
    ),
    "a delimiter in them counts": (b"/*! a; b */;", [b"/*! a", b"b */"]),
    "a comment in them": (b"/*! a /* ; */ b */;", [b"/*! a /* ; */ b */"]),
    "hints": (b"SELECT /*+ a;'\n; */ 1; /*+ b */;", [b"SELECT /*+ a;'\n; */ 1", b"/*+ b */"]),
    "NULL": (rb"\N; a \N;", [rb"\N", rb"a \N"]),
    "backslash at a line's end": (b"a \\\nb \\\r\nc;\\", [b"a \\\nb \\\r\nc", b"\\"]),
    "\\g and \\G end a statement": (rb"a\Gb \g c", [b"a", b"b", b"c"]),
    "words that are no commands": (
        b"user;\nuse_it;\nhelper 1;\nstatus of it;\nsourc;\ndelimiterx;",
        [b"user", b"use_it", b"helper 1", b"status of it", b"sourc", b"delimiterx"],
    ),
    "a command's name in a statement": (
        b"SELECT 1\nuse x\nquit\nDELIMITER //\n;",
        [b"SELECT 1\nuse x\nquit\nDELIMITER //"],
    ),
    "a command over two lines is none": (b"a;use x\n.y;", [b"a", b"use x\n.y"]),
    "\\g hides a command": (b"use x\\g\nb;", [b"use x", b"b"]),
}


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(("script", "expected"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_statements(script: bytes, expected: list[bytes], chunk_bytes: int) -> None:
    items = items_of(script, chunk_bytes)
    assert all(isinstance(item, Statement) for item in items)
    assert [brief(item) for item in items] == expected


MIXED: dict[str, tuple[bytes, list[bytes | tuple[str, bytes]]]] = {
    "delimiter": (
        b"DELIMITER //\na; b//\ndelimiter ;\nc;",
        [("delimiter", b"//"), b"a; b", ("delimiter", b";"), b"c"],
    ),
    "delimiters of every kind": (
        b"delimiter $$\na$$DELIMITER go\nb GO go\n\tDeLiMiTeR\t;;\r\nc;;\nDELIMITER '|'\nd|"
        b'DELIMITER "a b"\ne;a bDELIMITER `#`\nf#DELIMITER --\ng--DELIMITER /*\nh/*',
        [
            ("delimiter", b"$$"),
            b"a",
            ("delimiter", b"go"),
            b"b GO",
            ("delimiter", b";;"),
            b"c",
            ("delimiter", b"|"),
            b"d",
            ("delimiter", b"a b"),
            b"e;",
            ("delimiter", b"#"),
            b"f",
            ("delimiter", b"--"),
            b"g",
            ("delimiter", b"/*"),
            b"h",
        ],
    ),
    "the rest of the line is not a delimiter": (
        b"DELIMITER ;; -- c\na;b;;",
        [("delimiter", b";;"), b"a;b"],
    ),
    "behind a statement": (
        b"DELIMITER //\nBEGIN a; END // DELIMITER ;\nb;",
        [("delimiter", b"//"), b"BEGIN a; END", ("delimiter", b";"), b"b"],
    ),
    "short delimiter": (
        rb"\d // a;//\d ;" + b"\nb;",
        [("delimiter", b"//"), b"a;", ("delimiter", b";"), b"b"],
    ),
    "a delimiter in quotes and comments": (
        b"DELIMITER //\n'//' \"//\" `//` /* // */ -- //\n //",
        [("delimiter", b"//"), b"'//' \"//\" `//` /* // */ -- //"],
    ),
    "a delimiter's beginning": (
        b"DELIMITER ;;;\na;b;;c;;;d",
        [("delimiter", b";;;"), b"a;b;;c", b"d"],
    ),
    "a trigger as mysqldump writes it": (
        b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 TRIGGER t BEGIN"
        b" a; b; END */;;\nDELIMITER ;\n",
        [
            ("delimiter", b";;"),
            b"/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 TRIGGER t BEGIN a; b; END */",
            ("delimiter", b";"),
        ],
    ),
    "use": (
        b"use a\nUSE b;\n use `c``d`\n\\u e;use f; use 'g'; \\u h\nuse i",
        [("use", name) for name in (b"a", b"b", b"c`d", b"e", b"f", b"g", b"h", b"i")],
    ),
    "source": (
        b"source a b.sql\nSOURCE c.sql;\n\\. d/e.sql\r\n\\. f.sql; x;\n",
        [*(("source", name) for name in (b"a b.sql", b"c.sql", b"d/e.sql", b"f.sql")), b"x"],
    ),
    "commands at the beginning of lines": (
        b"-- c\nprint\n  help me  \nwarnings\r\n/* c */ status\n? x\nclear\nego\na;\nrehash",
        [
            ("print", b""),
            ("help", b"me"),
            ("warnings", b""),
            ("status", b""),
            ("help", b"x"),
            ("clear", b""),
            ("ego", b""),
            b"a",
            ("rehash", b""),
        ],
    ),
    "and at a delimiter": (
        b"a; print; charset utf8mb4; b;",
        [b"a", ("print", b""), ("charset", b"utf8mb4"), b"b"],
    ),
    "short commands": (
        rb"\w\W\p\x\#\s a; \! ls; \T f" + b"\n\\C utf8mb4\nb",
        [
            ("nowarning", b""),
            ("warnings", b""),
            ("print", b""),
            ("resetconnection", b""),
            ("rehash", b""),
            ("status", b""),
            b"a",
            ("system", b"ls"),
            ("tee", b"f"),
            ("charset", b"utf8mb4"),
            b"b",
        ],
    ),
    "\\c drops": (rb"a \c b; \c c", [("clear", b"a"), b"b", ("clear", b""), b"c"]),
    "\\g alone": (rb"\g a; \G", [("go", b""), b"a", ("ego", b"")]),
    "\\q sends what is there": (rb"a \q b", [b"a", ("quit", b""), b"b"]),
    "quit": (b"quit\nexit;\nquit", [("quit", b"")] * 3),
    "sandbox": (SANDBOX + b"\n-- d\na;", [("sandbox", b""), b"a"]),
    "MariaDB's sandbox": (MARIADB_SANDBOX + b"\r\na;", [("sandbox", b""), b"a"]),
    "sandbox behind a mark": (b"\xef\xbb\xbf" + SANDBOX + b"a", [("sandbox", b""), b"a"]),
    "mysqlbinlog": (
        b"DELIMITER /*!*/;\n/*!\\C utf8mb4 *//*!*/;\nSET a/*!*/;\n/*!\\N*//*!*/;",
        [("delimiter", b"/*!*/;"), ("charset", b"utf8mb4"), b"SET a", b"/*!\\N*/"],
    ),
    "a delimiter of words": (
        b"DELIMITER 'a b c'\na b c x a b c",
        [("delimiter", b"a b c"), b"x"],
    ),
    "a delimiter of a command's first letter": (
        b"DELIMITER d\na d delimiter ;\nb;",
        [("delimiter", b"d"), b"a", b"elimiter ;\nb;"],
    ),
    "a delimiter of a command's first letters": (
        b"DELIMITER done\na done delimiter ;\nb;",
        [("delimiter", b"done"), b"a", ("delimiter", b";"), b"b"],
    ),
}


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(("script", "expected"), MIXED.values(), ids=MIXED.keys())
def test_statements_and_commands(
    script: bytes, expected: list[bytes | tuple[str, bytes]], chunk_bytes: int
) -> None:
    assert [brief(item) for item in items_of(script, chunk_bytes)] == expected


def test_sql_mode() -> None:
    script = rb"""a '\'; b "\"; c `\`; d"""
    assert [brief(i) for i in split([script], no_backslash_escapes=True)] == [
        rb"a '\'",
        rb'b "\"',
        rb"c `\`",
        b"d",
    ]
    script = rb"""a '\';'; b "\"; d"""
    assert [brief(i) for i in split([script], ansi_quotes=True)] == [
        rb"a '\';'",
        rb'b "\"',
        b"d",
    ]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
def test_dollar_quotes(chunk_bytes: int) -> None:
    script = b"a $$;'$$; b $x$;$$;$x$; c$$d; $e;"
    found = [brief(item) for item in items_of(script, chunk_bytes, dollar_quotes=True)]
    assert found == [b"a $$;'$$", b"b $x$;$$;$x$", b"c$$d", b"$e"]
    found = [brief(item) for item in items_of(rb"\p$x$;$x$", chunk_bytes, dollar_quotes=True)]
    assert found == [("print", b""), b"$x$;$x$"]
    assert [brief(item) for item in items_of(b"$$;$$", chunk_bytes)] == [b"$$", b"$$"]


def test_places() -> None:
    script = b"\xef\xbb\xbfa;\r\n  -- c\n\tb\n\n'\n' ;c;use d\n\n\xc3\xb6; e;\nDELIMITER //\nf"
    assert items_of(script) == [
        Statement(b"a", 1, 1, 3, 5),
        Statement(b"b\n\n'\n'", 3, 2, 15, 23),
        Statement(b"c", 6, 4, 23, 25),
        Statement(b"use d\n\n\xc3\xb6", 6, 6, 25, 35),
        Statement(b"e", 8, 5, 36, 38),
        ClientCommand("delimiter", b"//", 9, 1, 39, 52),
        Statement(b"f", 10, 1, 52, 53),
    ]


ERRORS = {
    "single quote": (b"a;\n b 'c\n;", 2, 4, "quote"),
    "double quote": (b'a;\n b "c\n;', 2, 4, "quote"),
    "backtick": (b"a;\n b `c\n;", 2, 4, "quote"),
    "quote of a statement above": (b"a;\n--it's b\nc 'd';", 3, 5, "its statement begins in line 2"),
    "quote with an escape at the end": (b"'\\", 1, 1, "quote"),
    "comment": (b"a;\n\n /* b\n;", 3, 2, "comment"),
    "comment in a statement": (b"a\n/* b */ c /* d", 2, 11, "comment"),
    "hint": (b"a /*+ b;", 1, 3, "comment"),
    "no delimiter": (b"a;\nDELIMITER\nb;", 2, 1, "delimiter must be followed by"),
    "no delimiter but the old one": (b"a;\n DELIMITER;", 2, 2, "delimiter must be followed by"),
    "delimiter of a backslash": (b"DELIMITER \\\\\n", 1, 1, "backslash"),
    "delimiter with a backslash": (b"\\d a\\\n", 1, 1, "backslash"),
    "use of nothing": (b"use\nmysql;", 1, 1, "use must be followed by"),
    "source of nothing": (b"\\.\n", 1, 1, "source must be followed by"),
    "unknown command": (b"a;\nb \\y c;", 2, 3, "unknown client command '\\y'"),
    "unknown command in a comment": (b"/*!50000\\y */", 1, 1, "unknown client command"),
    "command in a statement": (
        b"SELECT 1\n\\u x",
        2,
        1,
        "stands inside the statement that begins in line 1",
    ),
    "open comment around a command": (b"/*!\\C " + b"x" * 300, 1, 1, "not closed"),
    "UTF-16 little": ("SELECT 1".encode("utf-16-le").join([b"\xff\xfe", b""]), 1, 1, "UTF-16"),
    "UTF-16 big": (b"\xfe\xff" + "SELECT 1".encode("utf-16-be"), 1, 1, "UTF-16"),
    "UTF-16 without a mark": ("SELECT 1".encode("utf-16-le"), 1, 1, "UTF-16"),
    "UTF-16 big without a mark": ("-- x\n".encode("utf-16-be"), 1, 1, "UTF-16"),
    "UTF-32": (b"\xff\xfe\x00\x00" + "S".encode("utf-32-le"), 1, 1, "UTF-32"),
    "UTF-32 big": (b"\x00\x00\xfe\xff" + "S".encode("utf-32-be"), 1, 1, "UTF-32"),
    "UTF-16 and nothing else": (b"\xff\xfe", 1, 1, "UTF-16"),
}


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(("script", "line", "column", "says"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_say_where_it_began(
    script: bytes, line: int, column: int, says: str, chunk_bytes: int
) -> None:
    with pytest.raises(ScriptSyntaxError) as caught:
        items_of(script, chunk_bytes)
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert says in error.message
    lines = script.split(b"\n")
    assert error.offset == sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
    assert str(error) == f"line {line}, column {column}: {error.message}"


@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20])
@pytest.mark.parametrize("rest", [b"x" * 99 + b";", b"'" + b"x" * 500, b"/* " + b"x" * 500])
def test_a_statement_that_is_too_long(rest: bytes, chunk_bytes: int) -> None:
    fits = b"a" * 50 + b";\n"
    with pytest.raises(ScriptSyntaxError, match="more than 100 bytes") as caught:
        items_of(fits + b" bb" + rest, chunk_bytes, max_statement_bytes=100)
    assert (caught.value.line, caught.value.column, caught.value.offset) == (2, 2, 53)
    assert items_of(fits + b"/*" + b"x" * 500 + b"*/" + fits, max_statement_bytes=100)


def test_sql_mode_changes_between_items() -> None:
    splitter = Splitter()
    items = splitter.feed(rb"""a '\';'; b '\'; c "\";"; d "\"; e '\';'""")
    assert brief(next(items)) == rb"a '\';'"
    splitter.no_backslash_escapes = True
    assert brief(next(items)) == rb"b '\'"
    splitter.no_backslash_escapes = False
    assert brief(next(items)) == rb'c "\";"'
    splitter.ansi_quotes = True
    assert brief(next(items)) == rb'd "\"'
    assert [brief(item) for item in splitter.finish()] == [rb"e '\';'"]


def test_the_byte_after_an_item_is_read_under_the_new_setting() -> None:
    splitter = Splitter()
    items = splitter.feed(b"a;b|c;d")
    assert brief(next(items)) == b"a"
    splitter.delimiter = b"|"
    assert brief(next(items)) == b"b"
    splitter.delimiter = b";"
    assert brief(next(items)) == b"c"
    assert next(items, None) is None
    assert [brief(item) for item in splitter.finish()] == [b"d"]


def test_an_iterator_left_early_loses_nothing() -> None:
    splitter = Splitter()
    first = splitter.feed(b"a;b;c;")
    assert brief(next(first)) == b"a"
    second = splitter.feed(b"d;e;")
    assert brief(next(second)) == b"b"
    assert brief(next(first)) == b"c"
    last = splitter.finish()
    assert [brief(item) for item in last] == [b"d", b"e"]
    assert list(second) == []
    with pytest.raises(ValueError, match="after finish"):
        splitter.feed(b"f")


def test_items_come_as_soon_as_they_are_complete() -> None:
    splitter = Splitter()
    assert [brief(item) for item in splitter.feed(b"SELECT 1;\n")] == [b"SELECT 1"]
    assert [brief(item) for item in splitter.feed(b"use x\n")] == [("use", b"x")]
    assert [brief(item) for item in splitter.feed(b"SELECT '")] == []


@pytest.mark.parametrize("delimiter", [b"'", b'"', b"`", b"-", b"/", b"#", b"$", b"*", b"\xff"])
def test_any_byte_may_be_the_delimiter(delimiter: bytes) -> None:
    for chunk_bytes in (1, 100):
        script = delimiter.join([b"a ", b" b", b"c"])
        assert [brief(i) for i in items_of(script, chunk_bytes, delimiter=delimiter)] == [
            b"a",
            b"b",
            b"c",
        ]


def test_an_empty_delimiter_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        list(split([b"a"], delimiter=b""))


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [b"INSERT INTO t VALUES ('it\\'s; \"', 1);\n", b"/* a comment */\n", b"-- c\n", b"\n", b";"],
)
def test_memory_does_not_grow_with_the_script(piece: bytes) -> None:
    chunk = piece * (20_000 // len(piece))
    list(split([piece]))  # compiles and keeps the patterns
    tracemalloc.start()
    try:
        for _ in split(chunk for _ in range(10)):
            pass
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * len(chunk)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        b"'" + rb"\'" * 300_000 + b"'",
        b"'" + b"''" * 300_000 + b"'",
        b"`" + b"a" * 600_000 + b"`",
        b"a" * 600_000,
        b"- / " * 150_000,
        b"('a',\"b\",`c`)," * 40_000,
        b"(" * 600_000,
        b"a" + b"-- \n" * 150_000 + b"b",
        b"/*!1 */" * 80_000,
        b"status " + b"x" * 600_000 + b"\ny",
    ],
    ids=range(10),
)
def test_long_statements_take_time_in_proportion(sql: bytes) -> None:
    """What a squared or exponential search would need hours for must come to an end."""
    for chunk_bytes in (101, 1 << 20):
        (item,) = items_of(sql + b" ;", chunk_bytes)
        assert isinstance(item, Statement)
        assert item.sql == sql.rstrip()
