"""Which rows may be read by LOAD DATA; what comes of them is for the integration test to see."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from sidecar_magics.script.layout import Column, Form, read_layout
from sidecar_magics.script.rows import head_of_rows
from sidecar_magics.script.session import Session
from sidecar_magics.script.streamable import File, Reading, Target, load_data, target

CREATE = b"""CREATE TABLE `t` (
  `id` int NOT NULL AUTO_INCREMENT COMMENT 'it''s, AS INVISIBLE',
  `a``b` varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT 'x',
  `n` decimal(5,2) DEFAULT NULL,
  `e` enum('a,b','c') NOT NULL,
  `f` double NOT NULL,
  `y` year NOT NULL,
  `blob` longblob,
  PRIMARY KEY (`id`),
  KEY `k` (`n`),
  CONSTRAINT `c` CHECK ((`n` > 0))
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='SYSTEM'"""

NUMBERS = (Column(b"a", Form.WHOLE, nullable=False), Column(b"b", Form.TEXT, nullable=True))
BLOBS = (
    Column(b"a", Form.WHOLE, nullable=False, keeps_utf8=True),
    Column(b"b", Form.BYTES, nullable=True, keeps_utf8=True),
    Column(b"c", Form.TEXT, nullable=True, keeps_utf8=True),
)


def file(to: Target, values: bytes, *, utf8: bool = True) -> File | None:
    sql = b"INSERT INTO `t` VALUES " + values
    head = head_of_rows(sql)
    assert head is not None
    return to.file(sql, head.begins, utf8=utf8)


def test_a_layout_is_read_from_the_servers_own_text() -> None:
    layout = read_layout(CREATE)
    assert layout is not None
    assert [(c.name, c.form, c.nullable, c.counts_up, c.keeps_utf8) for c in layout.columns] == [
        (b"id", Form.WHOLE, False, True, True),
        (b"a`b", Form.TEXT, True, False, False),
        (b"n", Form.EXACT, True, False, True),
        (b"e", Form.TEXT, False, False, True),
        (b"f", Form.REAL, False, False, True),
        (b"y", Form.YEAR, False, False, True),
        (b"blob", Form.BYTES, True, False, True),
    ]
    assert not layout.must_list


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"`n` decimal(5,2)", b"`n` geometry"),
        (b"`n` decimal(5,2)", b"`n` bit(8)"),
        (b"`n` decimal(5,2)", b"`n` inet6"),
        (b"`n` decimal(5,2) DEFAULT NULL", b"`n` decimal(5,2) DEFAULT NULL /*!80023 INVISIBLE */"),
        (b"ENGINE=InnoDB", b"ENGINE=MyISAM"),
        (b"DEFAULT CHARSET=utf8mb4", b"DEFAULT CHARSET=utf8mb4 WITH SYSTEM VERSIONING"),
        (b"  `n` decimal", b"  `n"),
        (b"CREATE TABLE", b"CREATE VIEW"),
    ],
)
def test_a_table_of_another_kind_is_not_known(old: bytes, new: bytes) -> None:
    assert CREATE.count(old) == 1
    assert read_layout(CREATE.replace(old, new)) is None


def test_columns_that_are_computed_get_no_values() -> None:
    computed = CREATE.replace(
        b"`n` decimal(5,2) DEFAULT NULL", b"`n` decimal(5,2) GENERATED ALWAYS AS (`f`) STORED"
    )
    layout = read_layout(computed)
    assert layout is not None
    assert layout.must_list
    assert target(layout, None) is None
    assert target(layout, b"`id`, `a``b`,e,F,y") is None  # one is missing
    to = target(layout, b"`blob`,`id`, `e`,F,y,`n`")
    assert to is None
    plain = read_layout(b"CREATE TABLE `t` (\n  `A` int,\n  `b` int AS (`A`)\n) ENGINE=InnoDB X")
    assert plain is not None
    assert target(plain, b" `a` ") is not None


TAKEN = [
    b"(1,'a')",
    b"(-1,NULL)",
    b"(1,''),(2,'it''s'),(3,'\\''),(4,'\\\\')",
    b"('1','a')",
    b"(1,'),('),(2,',')",
    b"(1,'a'),\n(2,'b')",
    b"(1,'a'), (2,'b')",
    b"(1, 'a'),\n\t(2, NULL)",
    b"(1,\t'a'),\n(2,\t', ')",
    "(1,'gr\u00f6\u00dfe')".encode(),
]


@pytest.mark.parametrize("values", TAKEN)
def test_what_is_proven_is_taken_as_it_stands(values: bytes) -> None:
    found = file(Target(NUMBERS), values)
    assert found is not None
    assert bytes(found.values) == values
    assert found.charset == b"utf8mb4"
    assert found.row_count() <= found.most_rows() <= found.opened()


@pytest.mark.parametrize(
    "values",
    [
        *(
            b"(1,%s)" % value
            for value in (b"1", b"a", b"null", b"DEFAULT", b"N'a'", b"0x41", b'"a"')
        ),
        *(
            b"(1,%s)" % value
            for value in (b"_utf8mb4'a'", b"'a' 'b'", b"'\\%'", b"'\\_'", b"'\\N'")
        ),
        *(
            b"(%s,'a')" % value
            for value in (b"1.5", b"1e2", b"NULL", b"1+1", b"-0", b"TRUE", b"''")
        ),
        *(b"(%s,'a')" % value for value in (b"'x'", b" 1", b"1 ", b"--1", b"+1", b"", b"'1'2")),
        b"(1,'a',2)",
        b"(1)",
        b"(1,'a')(2,'b')",
        b"(1,'a'),(2,'b'),\n(3,'c')",
        b"(1, 'a'), (2,'b')",
        b"(1,  'a')",
        b"(1, 'a') , (2, 'b')",
        b"(1,'a') ON DUPLICATE KEY UPDATE a = 1",
        b"(1,'a'),(2,'b",
        b"(1,'\xff')",
    ],
)
def test_anything_else_is_not(values: bytes) -> None:
    assert file(Target(NUMBERS), values) is None


def test_text_beyond_ascii_is_taken_if_the_session_reads_it_as_utf8() -> None:
    assert file(Target(NUMBERS), "(1,'\u00f6')".encode(), utf8=False) is None
    assert file(Target(NUMBERS), b"(1,'o')", utf8=False) is not None


def test_bytes_go_without_their_introducer() -> None:
    found = file(
        Target(BLOBS), b"(1,_binary '\xff\\0',NULL),(2,NULL,'\xc3\xb6'),(3,_binary ',x','')"
    )
    assert found is not None
    assert bytes(found.values) == b"(1,'\xff\\0',NULL),(2,NULL,'\xc3\xb6'),(3,',x','')"
    assert (found.charset, found.row_count()) == (b"binary", 3)


@pytest.mark.parametrize(
    "values",
    [
        b"(1,_binary 'a','x _binary ')",
        b"(1,_binary 'a','x _binary ''y')",
        b"(1,_binary 'a',' _binary '),(2,NULL,'b')",
        b"(NULL, 'x _binary ', 'b')",
        b"(1,\t_binary 'a',\t'x _binary ''y')",
        b"(1,_binary 'a',_binary 'b')",
        b"(1,_binary'a','b')",
        b"(1,'a',_binary 'b')",
    ],
)
def test_an_introducer_that_may_stand_in_a_text_is_left_alone(values: bytes) -> None:
    assert file(Target(BLOBS), values) is None


def test_bytes_are_not_taken_beside_columns_that_would_read_them_otherwise() -> None:
    latin1 = (*BLOBS[:2], BLOBS[2]._replace(keeps_utf8=False))
    assert file(Target(latin1), b"(1,_binary 'a','b')") is None


def test_what_stands_between_two_values_is_told_to_the_server() -> None:
    found = file(Target(NUMBERS), b"(1, 'a'),\n(2, 'b')")
    assert found is not None
    assert (found.separator, found.row_count()) == (b", ", 2)
    sql = load_data(b"`t`", Target(NUMBERS), found.charset, found.separator)
    assert b" FIELDS TERMINATED BY ', ' OPTIONALLY " in sql
    other = file(Target(NUMBERS), b"(3,'c')")
    assert other is not None
    assert not other.is_spelled_like(found)


def test_rows_are_counted_although_texts_look_like_borders() -> None:
    found = file(Target(NUMBERS), b"(1,'),('),(2,'b')")
    assert found is not None
    assert (found.row_count(), found.most_rows(), found.opened()) == (2, 3, 3)
    found = file(Target(NUMBERS), b"(1,'(a)'),(2,'b')")
    assert found is not None
    assert (found.row_count(), found.most_rows(), found.opened()) == (2, 2, 3)


def test_a_counter_is_not_moved() -> None:
    counter = Column(b"a", Form.WHOLE, nullable=False, counts_up=True, safe_digits=4)
    to = Target((counter,))
    assert file(to, b"(9999)") is not None
    assert file(to, b"(10000)") is None
    assert file(to, b"(NULL)") is None


def test_the_statement_names_columns_where_the_insert_does() -> None:
    columns = (Column(b"a`b", Form.WHOLE, nullable=False),)
    assert load_data(b"`t`", Target(columns), b"utf8mb4").endswith(b"TERMINATED BY ')'")
    odd = Target(columns, are_listed=True)
    sql = load_data(b"`s`.`t`", odd, b"utf8mb4")
    assert sql.startswith(
        b"LOAD DATA LOCAL INFILE 'rows' INTO TABLE `s`.`t` CHARACTER SET utf8mb4 "
    )
    assert sql.endswith(b" (`a``b`)")


NEW = Reading("STRICT_TRANS_TABLES", "utf8mb4", "utf8mb4")


@pytest.mark.parametrize(
    ("script", "plain"),
    [
        ("", True),
        ("SET NAMES latin1", True),
        ("SET NAMES gbk", False),
        ("SET NAMES binary", False),
        ("SET character_set_client = sjis", False),
        ("SET sql_mode = 'ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO'", True),
        ("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", False),
        ("SET sql_mode = 'EMPTY_STRING_IS_NULL'", False),
        ("SET max_error_count = 0", None),
        ("SET sql_notes = 0", True),
    ],
)
def test_a_session_is_read_as_the_script_has_left_it(script: str, plain: bool | None) -> None:
    session = Session().after(script.encode()) if script else Session()
    assert session is not None
    reading = NEW.within(session)
    assert (None if reading is None else reading.is_plain) == plain
    if reading is not None and plain:
        assert reading.is_utf8 == ("NAMES" not in script)
        assert reading.notes == ("sql_notes" not in script)


@pytest.mark.timing
def test_rows_are_looked_at_in_time_that_grows_with_their_size() -> None:
    to, seconds = Target(NUMBERS), []
    for size in (2_000, 20_000):
        values = b",".join(b"(%d,'a\\\\b''c')" % n for n in range(size)) + b",(1,x)"
        start = time.process_time()
        assert file(to, values) is None
        seconds.append(time.process_time() - start)
    assert seconds[1] < 40 * max(seconds[0], 0.001)


def test_a_text_of_nothing_but_escapes_takes_no_memory() -> None:
    tracemalloc.start()
    text = b"\\'" * 1_000_000
    assert file(Target(NUMBERS), b"(1,'" + text + b"')") is None
    many = b",".join([b"(1,'" + text[:2000] + b"')"] * 500)
    before = tracemalloc.get_traced_memory()[0]
    assert file(Target(NUMBERS), many) is not None
    assert tracemalloc.get_traced_memory()[1] - before < 40e6
    tracemalloc.stop()
