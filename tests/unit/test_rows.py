from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.rows import first_values_are_numbers, literal_rows

ALL_BYTES = bytes(range(256))
ESCAPED = ALL_BYTES.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b'"', b'\\"')
LONG = rb"it\'s (not) a \"call\", \\ but \n text;" * 30_000


@pytest.mark.parametrize(
    "values",
    [
        b"(1)",
        b"()",
        b"(1,'a',NULL,-2.5,1e-10,TRUE,DEFAULT)",
        b"(1,'a'),(2,'b'),(3,'c')",
        b"(1,'a'),\n(2,'b'),\n(3,'c')",
        b"\n(1,'a'),\n (2,'b')",
        b"( 1 , 'a' ) ,\t( 2 , 'b' )",
        b"(0xDEADBEEF,x'00ff',X'',b'101',0b1,_binary 'a',_utf8mb4'b',N'c')",
        b"(_binary '" + ESCAPED + b"'),(_binary '" + ESCAPED + b"')",
        b"('a(b'),('c)d'),(')'),('('),('),(')",
        rb"('it\'s (here)','\\'),('\\\\','f(x)')",
        b"('it''s (here)',''),('''','()')",
        b"('a -- b','# c','/* d */','@e','`f`')",
        b"(1,'a)'),(2,'b'),(3,'c')",
        b"('NEXT VALUE FOR s','(SELECT 1)','ON DUPLICATE KEY UPDATE a=f(1)')",
        b"('2024-01-01 00:00:00','a@b.c')",
        b'(1,"text"),(2,"it\'s (this)"),(3,"a\\"b("),(4,"@")',
        b"('" + LONG + b"'),('" + LONG + b"')",
        b"('" + b"\\'" * 500_000 + b"(')",
        b"('" + b"''" * 500_000 + b"(')",
        b"('(" + b"x" * 1_000_000 + b"')",
        b",".join(b"(%d,'v (%d)',VALUE)" % (n, n) for n in range(3000)),
    ],
    ids=range(22),
)
def test_values_alone(values: bytes) -> None:
    rows = literal_rows(b"INSERT INTO `t` VALUES " + values)
    assert rows is not None
    assert rows.any_order


@pytest.mark.parametrize(
    ("sql", "any_order", "columns"),
    [
        (b"INSERT INTO t VALUES (1)", True, None),
        (b"insert into `s`.`t` values (1)", True, None),
        (b"INSERT  INTO\n`s` . `t` (`a`, `b`)\nVALUES\n(1,2)", True, b"`a`, `b`"),
        (b"INSERT INTO `#session`.`a``b`VALUES(1)", True, None),
        (b"INSERT INTO `t`(a)VALUES(1)", True, b"a"),
        ("INSERT INTO größe VALUES (1)".encode(), True, None),
        (b"INSERT IGNORE INTO t VALUES (1)", False, None),
        (b"INSERT  IGNORE INTO t VALUES (1)", False, None),
        (b"REPLACE INTO t VALUES (1)", False, None),
        (b"INSERT INTO t () VALUES ()", True, b""),
    ],
)
def test_forms(sql: bytes, any_order: bool, columns: bytes | None) -> None:
    rows = literal_rows(sql)
    assert rows is not None
    assert rows.any_order is any_order
    assert rows.columns == columns
    assert sql[rows.begins :].startswith(b"(")


MORE_THAN_VALUES = [
    b"(1) ON DUPLICATE KEY UPDATE a=1",
    b"(1) ON DUPLICATE KEY UPDATE a=VALUES(a)",
    b"(1) ON DUPLICATE KEY UPDATE a=2 -- )",
    b"(1),(2) ON DUPLICATE KEY UPDATE a=2 # )",
    b"(1,'('),(2,'(') ON DUPLICATE KEY UPDATE a=2 # )",
    b"(1) AS new(b) ON DUPLICATE KEY UPDATE a=b -- )",
    b"(1) RETURNING a",
    b"(1) RETURNING (a)",
    b"(1) RETURNING a -- )",
    b"(1),(2) RETURNING a # ),()",
    b"(1),(2) RETURNING a # ))",
    b"(1),(2) ON DUPLICATE KEY UPDATE a=2 -- ,)",
    b"(now())",
    b"(1,now())",
    b"(1),(now())",
    b"(1, now ())",
    b"('(',now())",
    b"('),(',now())",
    b"(1,`f`(1))",
    b"('a(',`f`(1))",
    b"(1,(SELECT 1))",
    b"(1,(SELECT max(a) FROM t))",
    b"(1,(SELECT a FROM t LIMIT 1))",
    b"(1,(TABLE u))",
    b"(1),(2,(SELECT a FROM t LIMIT 1))",
    b"(1,(2),(SELECT a FROM t))",
    b"((SELECT a FROM t),1)",
    b"((1),(SELECT a FROM t))",
    b"(1,'x(',(SELECT a FROM t))",
    b"(1,\n(SELECT a FROM t))",
    b"(@a)",
    b"(1,@@server_id)",
    b"('(',@a)",
    b"(@a:=1)",
    b"(1,'a' /* ( */,@a)",
    b"(NEXT VALUE FOR s)",
    b"(1,next value for s)",
    b"(1,nExT vAlUe FoR s)",
    b"(1,NEXT VALUE  FOR s)",
    b"(1,NEXT VALUE\nFOR s)",
    b"(1,NEXT VALUE/**/FOR s)",
    b"(1,PREVIOUS VALUE FOR s)",
    b"('(',NEXT Value for s)",
    b"(1),(NEXT VALUE FOR `s`)",
    b"(1 /* ' */,now() /* ' */)",
    b"(1 -- '\n,now() -- '\n)",
    b"('(' # '\n,now() # '\n)",
    b"('(' -- '\n,now()) -- ')",
    b"(1,/*!50000 now() */ 2)",
    b"('\\',now(),'\\')" + b",('a')",
    b"(1) ON",
    b"(1",
    b"('(','a)",
    b"",
]


@pytest.mark.parametrize("values", MORE_THAN_VALUES)
def test_more_than_values_is_seen(values: bytes) -> None:
    modes = [False, True] if b"\\" not in values else [True]
    for mode in modes:
        sql = b"INSERT INTO t VALUES " + values
        assert literal_rows(sql, no_backslash_escapes=mode) is None
        large = b"INSERT INTO t VALUES " + b"(1,'(')," * 2000 + values
        assert literal_rows(large, no_backslash_escapes=mode) is None


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t SET a=(1)",
        b"INSERT INTO t SELECT (1)",
        b"INSERT INTO t (a) SELECT b FROM u WHERE (1)",
        b"INSERT INTO t (a -- ) VALUES (\n) SELECT b FROM u -- )",
        b"INSERT INTO t (a -- ) VALUES (1)\n) SELECT b FROM u WHERE (1)",
        b"INSERT DELAYED INTO t VALUES (1)",
        b"INSERT INTO t PARTITION (p) VALUES (1)",
        b"INSERT INTO t VALUES ROW(1)",
        b"UPDATE t SET a=(1)",
        b"DELETE FROM t WHERE (1)",
        b"LOAD DATA INFILE 'x' INTO TABLE t (a)",
        b"WITH c AS (SELECT 1) INSERT INTO t VALUES (1)",
        b"/*!50000 INSERT INTO t VALUES (1) */",
        b"",
    ],
)
def test_other_statements(sql: bytes) -> None:
    assert literal_rows(sql) is None


@pytest.mark.parametrize(
    ("values", "escaped", "verbatim"),
    [
        (rb"('a(\',1)", False, True),
        (rb"('(\','b')", False, True),
        (rb"('\\',')',1)", True, True),
        (rb"('a\',now(),\'')", True, False),
        (rb'("a\"(b",1)', True, False),
        (rb'("(\",1)', False, True),
    ],
)
def test_what_backslashes_mean(values: bytes, escaped: bool, verbatim: bool) -> None:
    sql = b"INSERT INTO t VALUES " + values
    assert (literal_rows(sql) is not None) is escaped
    assert (literal_rows(sql, no_backslash_escapes=True) is not None) is verbatim


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (b"(1)", True),
        (b"(1,0),(20 ,NULL),\n(3,'a')", True),
        (b"(0)", False),
        (b"(1),(0)", False),
        (b"(1),(NULL,2)", False),
        (b"(1),(DEFAULT)", False),
        (b"(1),('2')", False),
        (b"(1),(-1)", False),
        (b"(1-1,2)", False),
        (b"(1),(007)", False),
        (b"()", False),
        (b"( 1 ,'f(x) (y'),( 2,'')", True),
        (b"(1,'('),\n  (0,'')", False),
        (b"(1,'a)' )          ,          (NULL,'(')", False),
        (b"(1,'),(')", False),  # needlessly
    ],
)
def test_first_values(values: bytes, expected: bool) -> None:
    sql = b"INSERT INTO t (a) VALUES " + values
    rows = literal_rows(sql)
    assert rows is not None
    assert first_values_are_numbers(sql, rows) is expected


def test_columns_do_not_count_as_first_values() -> None:
    sql = b"INSERT INTO t (a) VALUES (5)"
    rows = literal_rows(sql)
    assert rows is not None
    assert first_values_are_numbers(sql, rows)


def text_of(content: bytes, quote: bytes, verbatim: bool) -> bytes:
    if not verbatim:
        content = content.replace(b"\\", b"\\\\")
    return quote + content.replace(quote, quote * 2) + quote


pieces = st.sampled_from(
    [
        b"(",
        b")",
        b"),(",
        b"'",
        b'"',
        b"\\",
        b",",
        b"@",
        b"-- ",
        b"/*",
        b"*/",
        b"#",
        b"`",
        b"\n",
        b"VALUE FOR",
        b"(SELECT 1)",
        b"\x00",
        b"\xff",
        b"a",
    ]
)
contents = st.lists(pieces, max_size=5).map(b"".join)
plain = st.sampled_from([b"1", b"-1.5e-3", b"NULL", b"0xFF", b"b'1'", b"x'00'", b"TRUE"])
separators = st.sampled_from([b",", b", ", b",\n", b" ,\r\n\t"])


@st.composite
def inserts(draw: st.DrawFn) -> tuple[list[list[bytes]], bytes, bool]:
    """Draw rows of literals, what stands between them, and whether backslashes are plain."""
    verbatim = draw(st.booleans())
    texts = st.builds(
        lambda prefix, content, quote: prefix + text_of(content, quote, verbatim),
        st.sampled_from([b"", b"_binary ", b"_utf8mb4"]),
        contents,
        st.sampled_from([b"'", b'"']),
    )
    rows = st.lists(st.lists(plain | texts, min_size=1, max_size=4), min_size=1, max_size=4)
    return draw(rows), draw(separators), verbatim


def joined(rows: list[list[bytes]], separator: bytes) -> bytes:
    return b"INSERT INTO t VALUES " + separator.join(b"(" + b",".join(row) + b")" for row in rows)


@given(inserts())
def test_rows_of_literals(drawn: tuple[list[list[bytes]], bytes, bool]) -> None:
    rows, separator, verbatim = drawn
    assert literal_rows(joined(rows, separator), no_backslash_escapes=verbatim)


@given(
    inserts(),
    st.sampled_from(
        [
            b"f()",
            b"`f` (1)",
            b"(SELECT a FROM b)",
            b"@a",
            b"NEXT VALUE FOR s",
            b"1+(2)",
            b"/* ' */f(1)",
            b"-- '\n(TABLE u)",
            b"f('),(')",
            b"a IN (1)",
            b"next value\tfor s",
        ]
    ),
    st.data(),
)
def test_one_expression_anywhere(
    drawn: tuple[list[list[bytes]], bytes, bool], expression: bytes, data: st.DataObject
) -> None:
    rows, separator, verbatim = drawn
    row = data.draw(st.sampled_from(rows))
    row.insert(data.draw(st.integers(0, len(row))), expression)
    assert literal_rows(joined(rows, separator), no_backslash_escapes=verbatim) is None


@given(
    inserts(),
    st.sampled_from(
        [
            b" ON DUPLICATE KEY UPDATE a=1 -- )",
            b" RETURNING a # )",
            b"ON DUPLICATE KEY UPDATE a=(1)",
            b" RETURNING f(a)",
            b" AS n(a)",
            b" -- )",
            b",",
            b" x",
        ]
    ),
)
def test_anything_behind_the_rows(
    drawn: tuple[list[list[bytes]], bytes, bool], tail: bytes
) -> None:
    rows, separator, verbatim = drawn
    assert literal_rows(joined(rows, separator) + tail, no_backslash_escapes=verbatim) is None


@given(st.binary(), st.booleans())
def test_any_bytes_get_an_answer(values: bytes, verbatim: bool) -> None:
    sql = b"INSERT INTO t VALUES (" + values + b")"
    rows = literal_rows(sql, no_backslash_escapes=verbatim)
    assert rows is None or sql[rows.begins :].startswith(b"(")
