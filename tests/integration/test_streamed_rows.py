"""Rows that LOAD DATA takes as they stand are the rows that INSERT makes of them.

Each type of column, spelling of a value, sql_mode and character set goes through both, on both
servers: either the spelling is left to INSERT, or the server complains, or the two are the same.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pymysql
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.script.layout import read_layout
from sidecar_magics.script.rows import head_of_rows
from sidecar_magics.script.session import Session
from sidecar_magics.script.streamable import Reading, load_data, target
from sidecar_magics.server import read_rows, send
from tests.turns import some

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

TYPES = """tinyint; tinyint unsigned; bool; smallint; mediumint; int; int unsigned; int zerofill
bigint; bigint unsigned; decimal(5,2); decimal(65,30); decimal(10,0); float; double; float(7,4)
double(10,2); double unsigned; char(5); varchar(20); varchar(20) character set latin1
varchar(20) character set ucs2; varchar(20) character set ascii; varchar(20) character set utf32
char(5) character set utf8mb3; varchar(5) collate utf8mb4_bin
text; tinytext; longtext; binary(5); varbinary(20); blob; tinyblob; enum('x','y','','1','2')
set('x','y','1'); bit(8); date; datetime; datetime(3); timestamp; timestamp(6); time; time(3); year
json; geometry""".replace("\n", ";").split(";")

# One of each kind that a mode, or a character set, may be about.
DIFFERENT = """tinyint unsigned; decimal(5,2); double; char(5); varchar(20); blob; date; datetime(3)
timestamp; time; year; json; enum('x','y','','1','2')""".replace("\n", ";").split(";")

BARE = rb"""NULL null Null 0 1 -1 127 128 255 256 -129 00012 007 1.5 -1.5 2.5 3.5 -2.5 0.5 .5 5. 1e2
1.5e-3 2.5e0 3.5e0 -2.5e0 1E5 -0 -0.0 0.0 -0e0 -.0 0e5 1e400 1e-400 -1e-400 99999999999999999999
18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 2147483648
3.14159265358979 0.1 0.30000000000000004 1.005 1.015 12345.6785 1.0 16777217 9007199254740993
1234567890123456789012345678901234567890 0.0000000000000000000000000000000000012345 20200101
20200101123456 101 70 69 2010 1901 2155 2156 1900 0000 1999 0070 70.5 TRUE FALSE DEFAULT N 0x41
x'41' X'41' b'1' 0b1 _binary'a' N'a' _utf8mb4'a' n'a' "a" 1+1 1-1 (1) CURRENT_DATE NOW() +5 --5
5'a' 'a'5 5NULL NULL5 NULLNULL NULL'a' 'a'NULL 'a'"b" @a \N 1_000 0x 1e 1e+ e5 -e5 - . -. 1.2.3
/*c*/1 1/*c*/ 'a'/*c*/""".split()
QUOTED = rb"""'' 'a' 'NULL' '\N' 'a\N' 'a\%b' 'a\_b' '\\N' '\\%' '\\_' 'it''s' '''' ''''''
'\'' '\\' '\\\\' 'a\\' 'a\\''' '\\''' ',' '),(' '(' ')' 'a,b' ''',''' '\'),(\'' '\n\t\r\b\0\Z'
'\a\x\(\)' '\"' '"' '1' '-1' '-0' '-0.0' '1.5' '2.5' '1e2' '2.5e0' '0x41' '300' '99999999999'
'2020-01-01' '2020-02-30' '0000-00-00' '2020-00-00' '20-1-1' '2020-01-01T00:00:00+02:00' '12:34:56'
'-838:59:59' '839:00:00' '0' '70' '2010' 'x' 'X' 'y' 'x,y' 'x,x' '2' '3' '{"a":1}' '[1.0,1e2]'
'{"a":["\\"q\\"",null]}' '\"text\"'""".split()
WITH_SPACES = rb"""'2020-01-01 12:34:56'|'2020-01-01 12:34:56.789'|'2020-01-01 12:34:56.9999999'
'2038-01-19 03:14:08'|'2020-03-29 02:30:00'|'1 12:34'|' 1'|'1 '|'not json'|'a   '|'   '|'a' 'b'
 'a'|'a' | 1|1 """.replace(b"\n", b"|").split(b"|")
BEYOND_ASCII = [text.encode() for text in ("'é'", "'ßÄ'", r"'\é'", "'日本'", "'🎉'")]
NO_TEXT = [b"'\xff'", b"'\xe9'", b"'\xc3'", b"'\xc3\\''", b"'\xed\xa0\x80'"]
CONTROLS = [b"'a\nb'", b"'a\r\nb'", b"'a\tb'", b"'a\0b'", b"'\x1a'", b"'\\\n'", b"\n1", b"'a'\n"]
LONG = [b"'abcdefgh'", b"'" + b"x" * 300 + b"'", b"'" + b"1" * 40 + b"'"]
BYTES = [b"_binary " + text for text in (*QUOTED, *BEYOND_ASCII, *NO_TEXT, *CONTROLS, *LONG)]
BYTES += [
    b"_binary 'a\xc3'",
    b"_binary '\xe9\\\\'",
    b"_binary '\xff\\0\\''",
    b"_BINARY 'a'",
    b"_binary  'a'",
]
TEXTS = [*BYTES, *QUOTED, *WITH_SPACES, *BEYOND_ASCII, *NO_TEXT, *CONTROLS, *LONG]
SPELLINGS = [*BARE, *TEXTS]

MODES = """STRICT_TRANS_TABLES; ; ANSI_QUOTES,STRICT_ALL_TABLES; NO_BACKSLASH_ESCAPES; TRADITIONAL
ALLOW_INVALID_DATES; NO_AUTO_VALUE_ON_ZERO; NO_ZERO_DATE,NO_ZERO_IN_DATE
ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION
REAL_AS_FLOAT,PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION
TIME_TRUNCATE_FRACTIONAL; TIME_ROUND_FRACTIONAL; EMPTY_STRING_IS_NULL; PAD_CHAR_TO_FULL_LENGTH
ORACLE""".replace("\n", ";").split(";")
CHARSETS = ("utf8mb4", "utf8mb3", "latin1", "ascii", "binary", "gbk", "cp1251", "sjis")


class Both(NamedTuple):
    """A session whose statements go one way or the other, and how it reads them."""

    connection: Any
    reading: Reading


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    with connect_now(found.settings) as connection:
        send(connection, b"SET GLOBAL local_infile = 1")
    return found


def session(server: Server, *settings: str) -> Both | None:
    """Return a connection in a state; None if the server has no such state."""
    connection = connect_now(server.settings, own_rows=True)
    connection.decoders, connection.use_unicode, connection.encoding = {}, False, "latin-1"
    script = Session()
    for setting in (*settings, "SET time_zone = '+00:00'"):
        try:
            send(connection, setting.encode())
        except pymysql.MySQLError:
            connection.close()
            return None
        after = script.after(setting.encode())
        assert after is not None
        script = after
    asked = "SELECT @@sql_mode, @@character_set_client, @@character_set_connection"
    ((mode, *charsets),) = rows_of(connection, asked)
    reading = Reading(mode.decode(), *(charset.decode() for charset in charsets))
    followed = Reading("", "utf8mb4", "utf8mb4").within(script)
    assert followed is not None
    # What is followed without a server is what there is.
    assert [followed.client, followed.connection] == [
        name if name != "utf8mb3" or "utf8mb3" in settings[0] else "utf8" for name in reading[1:3]
    ] or server.flavour == "mariadb"
    send(connection, b"SET max_error_count = 0")  # warnings are counted all the same
    return Both(connection, reading)


def rows_of(connection: Any, sql: str | bytes) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def made(connection: Any, columns: str) -> bytes | None:
    """Make two tables; return how the server spells them."""
    for table in ("one", "two"):
        try:
            send(connection, f"CREATE OR REPLACE TABLE {table} ({columns})".encode())
        except pymysql.MySQLError:
            try:
                send(connection, f"DROP TABLE IF EXISTS {table}".encode())
                send(connection, f"CREATE TABLE {table} ({columns})".encode())
            except pymysql.MySQLError:
                return None
    ((mode,),) = rows_of(connection, "SELECT @@sql_mode")
    send(connection, b"SET sql_mode = ''")  # as a load asks: with names in backticks
    create: bytes = rows_of(connection, "SHOW CREATE TABLE one")[0][1]
    send(connection, b"SET sql_mode = '" + mode + b"'")
    return create


def both_ways(both: Both, create: bytes, values: bytes) -> str:
    """Put rows into two tables; return what became of that: refused, warned, taken."""
    layout = read_layout(create)
    to = None if layout is None else target(layout, None)
    insert = b"INSERT INTO two VALUES " + values
    head = head_of_rows(insert)
    if to is None or head is None or not both.reading.is_plain:
        return "refused"
    file = to.file(insert, head.begins, utf8=both.reading.is_utf8)
    if file is None:
        return "refused"
    number = head.begins + 1, insert.index(b",", head.begins)
    undo = b"DELETE FROM one WHERE id BETWEEN %s AND %s + 9" % ((insert[slice(*number)],) * 2)
    try:
        statement = load_data(b"`one`", to, file.charset, file.separator)
        outcome = read_rows(both.connection, statement, [file.values])
    except pymysql.MySQLError:
        return "warned"
    count = file.row_count()
    assert file.most_rows() >= count
    if outcome.warnings or outcome.changed != count:
        send(both.connection, undo)
        return "warned"
    inserted = send(both.connection, insert)
    assert (inserted.changed, inserted.warnings) == (count, 0), insert
    return "taken"


def assert_same(connection: Any, where: object) -> None:
    checks = rows_of(connection, "CHECKSUM TABLE one, two")
    if checks[0][1] != checks[1][1]:
        one, two = (rows_of(connection, f"SELECT * FROM {name}") for name in ("one", "two"))
        differ = [pair for pair in zip(one, two) if pair[0] != pair[1]]
        raise AssertionError(f"{where}: {differ or (one, two)}")


def columns_of(kind: str) -> list[str]:
    """Return a table's columns with a type that takes NULL, and one that does not."""
    null = "NULL" if kind.startswith("timestamp") else ""
    return [f"id int primary key, v {kind} {null}, w int", f"id int primary key, v {kind} NOT NULL"]


def try_all(
    both: Both, spellings: list[bytes], kinds: list[str] = TYPES, separator: bytes = b","
) -> Counter[tuple[str, str]]:
    """Put each spelling into a column of each type."""
    became: Counter[tuple[str, str]] = Counter()
    for kind in map(str.strip, kinds):
        for columns in columns_of(kind):
            create = made(both.connection, columns)
            if create is None:
                continue
            send(both.connection, b"START TRANSACTION")
            more = separator + b"7)" if columns.endswith("w int") else b")"
            for number, spelling in enumerate(spellings):
                values = b"(%d%s%s%s" % (number, separator, spelling, more)
                try:
                    became[kind, both_ways(both, create, values)] += 1
                except (AssertionError, pymysql.MySQLError) as error:
                    message = f"{kind}: {values!r}: {both.reading}: {error}"
                    raise AssertionError(message) from error
            send(both.connection, b"COMMIT")
            assert_same(both.connection, (kind, both.reading))
    return became


@pytest.fixture
def schema(server: Server) -> Server:
    with connect_now(server.settings) as connection:
        send(connection, b"CREATE SCHEMA s CHARACTER SET utf8mb4")
    return server


@pytest.mark.parametrize("separator", [b",", b", "], ids=["comma", "comma and blank"])
def test_every_type_and_spelling(schema: Server, separator: bytes) -> None:
    modes = ("SET sql_mode = 'STRICT_TRANS_TABLES'", "SET sql_notes = 0")
    both = session(schema, "SET NAMES utf8mb4", *modes)
    assert both is not None
    send(both.connection, b"USE s")
    became = try_all(both, SPELLINGS, separator=separator)
    both.connection.close()
    for kind in map(str.strip, TYPES):
        if kind not in ("bit(8)", "geometry"):
            assert became[kind, "taken"] >= 5, (kind, became)
    assert became["bit(8)", "taken"] == became["geometry", "taken"] == 0


@some("mode", [mode.strip() for mode in MODES], each=4)
def test_every_mode(schema: Server, mode: str) -> None:
    # Without notes, as in dumps, and here for LOAD DATA, too.
    settings = (f"SET sql_mode = '{mode}'", "SET sql_notes = 0")
    both = session(schema, "SET NAMES utf8mb4", *settings)
    if both is None:
        pytest.skip(f"the server has no {mode}")
    send(both.connection, b"USE s")
    became = try_all(both, SPELLINGS, DIFFERENT)
    both.connection.close()
    reads_alike = both.reading.is_plain
    assert reads_alike == any(what == "taken" for _, what in became)


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_character_set(schema: Server, charset: str) -> None:
    both = session(schema, f"SET NAMES {charset}", "SET sql_mode = ''")
    if both is None:
        pytest.skip(f"the server has no {charset}")
    send(both.connection, b"USE s")
    became = try_all(both, TEXTS, [*DIFFERENT, "varchar(20) character set ucs2"])
    both.connection.close()
    assert both.reading.is_plain == any(what == "taken" for _, what in became)


def value_for(kind: str, chance: random.Random) -> bytes:
    """Return a value that LOAD DATA may take for a type."""
    if ("binary" in kind or "blob" in kind) and chance.random() < 0.9:
        return chance.choice(BYTES)
    plain = [s for s in SPELLINGS if s.startswith(b"'") or s in (b"NULL", b"1", b"-1", b"2.5")]
    return chance.choice(plain)


def test_rows_of_chance(schema: Server) -> None:
    both = session(schema, "SET NAMES utf8mb4", "SET sql_notes = 0")
    assert both is not None
    send(both.connection, b"USE s")
    chance = random.Random(11)
    became: Counter[str] = Counter()
    for _ in range(80):
        kinds = [chance.choice(TYPES).strip() for _ in range(chance.randint(1, 5))]
        if {"bit(8)", "geometry"} & {*kinds}:
            continue
        columns = [f"c{n} {k} {'NULL' if 'timest' in k else ''}" for n, k in enumerate(kinds)]
        create = made(both.connection, ", ".join(["id int primary key", *columns]))
        if create is None:
            continue
        send(both.connection, b"START TRANSACTION")
        for number in range(40):
            size = chance.randint(1, 3)
            rows = [
                [b"%d" % (number * 10 + n), *(value_for(kind, chance) for kind in kinds)]
                for n in range(size)
            ]
            if chance.random() < 0.1:
                chance.choice(rows).append(b"1")
            border = chance.choice([b"),(", b"),\n(", b"), (", b"),\n\t("])
            separator = chance.choice([b",", b", ", b",\t"])
            values = b"(" + border.join(map(separator.join, rows)) + b")"
            became[both_ways(both, create, values)] += 1
        send(both.connection, b"COMMIT")
        assert_same(both.connection, kinds)
    both.connection.close()
    assert became["taken"] > 50, became
