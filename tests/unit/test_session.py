from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.script.session import DefaultOf, Initial, Literal, Session, sets_global_only
from sidecar_magics.script.versioned import effective

MYSQLDUMP_HEADER = b"""\
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */"""
MYSQLDUMP_TABLE = b"""\
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
/*!40101 SET character_set_client = @saved_cs_client */"""
MYSQLDUMP_TRIGGER = b"""\
/*!50003 SET @saved_cs_client      = @@character_set_client */;
/*!50003 SET @saved_cs_results     = @@character_set_results */;
/*!50003 SET @saved_col_connection = @@collation_connection */;
/*!50003 SET character_set_client  = latin1 */;
/*!50003 SET character_set_results = latin1 */;
/*!50003 SET collation_connection  = latin1_swedish_ci */;
/*!50003 SET @saved_sql_mode       = @@sql_mode */;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION' */;
/*!50003 SET sql_mode              = @saved_sql_mode */;
/*!50003 SET character_set_client  = @saved_cs_client */;
/*!50003 SET character_set_results = @saved_cs_results */;
/*!50003 SET collation_connection  = @saved_col_connection */"""
MYSQLDUMP_GTID = b"""\
SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN"""
MYSQLDUMP_FOOTER = b"""\
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */"""
MARIADB_HEADER = MYSQLDUMP_HEADER.replace(b"SQL_NOTES, SQL_NOTES", b"NOTE, SQL_NOTES").replace(
    b"/*!40111 SET @OLD_SQL_NOTES=@@NOTE, SQL_NOTES=0 */",
    b"/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */",
)
MARIADB_FOOTER = MYSQLDUMP_FOOTER.replace(
    b"/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */",
    b"/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */",
)


def follow(script: bytes, session: Session | None = None, flavour: str = "mysql") -> Session:
    """Return the session after several SETs, all of which can be followed."""
    version = 80036 if flavour == "mysql" else 101106
    session = session or Session()
    for statement in script.split(b";\n"):
        sql = effective(statement, flavour, version)
        after = session.after(sql) if sql.strip() else session
        assert after is not None, sql
        session = after
    return session


@pytest.mark.parametrize(
    ("header", "footer", "flavour"),
    [
        (MYSQLDUMP_HEADER, MYSQLDUMP_FOOTER, "mysql"),
        (MYSQLDUMP_HEADER, MYSQLDUMP_FOOTER, "mariadb"),
        (MARIADB_HEADER, MARIADB_FOOTER, "mariadb"),
        (MARIADB_HEADER, MARIADB_FOOTER, "mysql"),
    ],
)
@pytest.mark.parametrize("middle", [MYSQLDUMP_TABLE, MYSQLDUMP_TRIGGER, MYSQLDUMP_GTID])
def test_dumps_leave_the_session_as_it_was(
    header: bytes, middle: bytes, footer: bytes, flavour: str
) -> None:
    begun = follow(header, flavour=flavour)
    assert begun.is_off("foreign_key_checks")
    assert begun.is_off("unique_checks")
    assert begun.text("sql_mode") == "NO_AUTO_VALUE_ON_ZERO"
    between = follow(middle, begun, flavour)
    assert between.variables == begun.variables
    ended = follow(footer, between, flavour)
    assert ended.variables == {}
    assert ended == Session(user_variables=ended.user_variables)


def test_a_dump_within_a_changed_session_brings_that_back() -> None:
    before = follow(
        b"SET foreign_key_checks=0, sql_mode='ANSI';\nSET NAMES latin1 COLLATE latin1_bin"
    )
    after = follow(MYSQLDUMP_HEADER + b";\n" + MYSQLDUMP_FOOTER, before)
    assert after.variables == before.variables


CLIENT_AND_RESULTS = {
    "character_set_client": Literal(b"latin1"),
    "character_set_results": Literal(b"latin1"),
}


@pytest.mark.parametrize(
    ("sql", "variables"),
    [
        (b"SET a=1", {"a": Literal(b"1")}),
        (b"  set\n\tA = -1.5  ", {"a": Literal(b"-1.5")}),
        (b"SET SESSION a=ON", {"a": Literal(b"ON")}),
        (b"SET LOCAL a=ON", {"a": Literal(b"ON")}),
        (b"SET @@a = 'x'", {"a": Literal(b"'x'")}),
        (b"SET @@session.a = 'x'", {"a": Literal(b"'x'")}),
        (b'SET @@LOCAL . a := "x"', {"a": Literal(b'"x"')}),
        (b"SET `a`=1", {"a": Literal(b"1")}),
        (b"SET a=1, b='2,3', @@session.c=d", dict.fromkeys("abc")),
        (b"SET a=DEFAULT", {"a": Literal(b"DEFAULT")}),
        (b"SET a=@@a", {}),
        (b"SET a=@@b", {"a": Initial("b")}),
        (b"SET sql_mode=''", {"sql_mode": Literal(b"''")}),
        (b"SET NAMES latin1", {**CLIENT_AND_RESULTS, "collation_connection": DefaultOf(b"latin1")}),
        (
            b"SET NAMES 'latin1'",
            {**CLIENT_AND_RESULTS, "collation_connection": DefaultOf(b"latin1")},
        ),
        (
            b'set names "latin1" collate "latin1_bin"',
            {**CLIENT_AND_RESULTS, "collation_connection": Literal(b"latin1_bin")},
        ),
        (b"SET character_set_connection=latin1", {"collation_connection": DefaultOf(b"latin1")}),
        (b"SET character_set_connection='latin1'", {"collation_connection": DefaultOf(b"latin1")}),
        (b"SET collation_connection=latin1_bin", {"collation_connection": Literal(b"latin1_bin")}),
    ],
)
def test_what_is_set(sql: bytes, variables: dict[str, object]) -> None:
    session = Session().after(sql)
    assert session is not None
    assert session.user_variables == {}
    if None in variables.values():
        assert list(session.variables) == list(variables)
    else:
        assert session.variables == variables


@pytest.mark.parametrize(
    "sql",
    [
        b"SET GLOBAL local_infile=1",
        b"SET @@GLOBAL.GTID_PURGED= '+' 'abc:1-5'",
        b"SET global `innodb_flush_log_at_trx_commit` = 2",
        b"SET PERSIST max_connections=1",
        b"SET @@PERSIST . event_scheduler=1",
        b"SET persist_only a=1",
        b"SET @@persist_only.a=1",
        b"SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ],
)
def test_what_is_about_the_server(sql: bytes) -> None:
    assert Session().after(sql) is None
    assert sets_global_only(sql)


@pytest.mark.parametrize(
    "sql",
    [
        b"SET GLOBAL local_infile=1, max_connections=2",
        b"SET @@global.local_infile=1, SESSION b=2",
        b"SET GLOBAL time_zone = '+05:00'",
        b"SET @@global.sql_mode=''",
        b"SET PERSIST default_storage_engine=MyISAM",
        b"SET GLOBAL innodb_strict_mode=0",
        b"SET GLOBAL flush_time=1",
        b"SET GLOBAL hot.key_buffer_size=1",
        b"SET b=2, GLOBAL a=1",
        b"SET a=1, @@persist.b=2",
        b"SET insert_id=5",
        b"SET LAST_INSERT_ID = 5",
        b"SET @@session.identity=5",
        b"SET rand_seed1=5, rand_seed2=6",
        b"SET gtid_next='AUTOMATIC'",
        b"SET pseudo_thread_id=5",
        b"SET transaction_isolation='SERIALIZABLE'",
        b"SET tx_read_only=1",
        b"SET autocommit=0",
        b"SET completion_type=1",
        b"SET a=1, autocommit=0",
        b"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        b"SET STATEMENT max_statement_time=1 FOR SELECT 1",
        b"SET CHARACTER SET utf8mb4",
        b"SET NAMES DEFAULT",
        b"SET NAMES utf8mb4 COLLATE DEFAULT",
        b"SET NAMES",
        b"SET NAMES utf8mb4, a=1",
        b"SET NAMES @cs",
        b"SET a=1+1",
        b"SET a=(SELECT 1)",
        b"SET a=now()",
        b"SET sql_mode=concat(@@sql_mode,',ANSI')",
        b"SET a=b=1",
        b"SET @a=@b:=1",
        b"SET a=-b",
        b"SET a='x' 'y'",
        b"SET a='it''s'",
        rb"SET a='it\'s'",
        b"SET a='x",
        b"SET a=1,",
        b"SET a=1 b=2",
        b"SET a=",
        b"SET =1",
        b"SET",
        b"SET a=@@global.a",
        b"SET a=@@hot_cache.key_buffer_size",
        b"SET hot_cache.key_buffer_size=1",
        b"SET a=@never_set",
        b"SET a='\xc3\xa4'",
        b"SET @a=1, @b=@a",
        b"SET a=1, @b=@@a",
        b"SET @id=@@last_insert_id",
        b"SET @id=@@identity",
        b"SET @now=@@timestamp",
        b"SET @n=@@session.warning_count",
        b"SET @@'a'=1",
        b"SELECT 1",
        b"",
    ],
)
def test_what_cannot_be_followed(sql: bytes) -> None:
    assert Session().after(sql) is None
    assert not sets_global_only(sql)


def test_copies_are_values_of_their_time() -> None:
    session = follow(b"SET a=1;\nSET @x=@@a, @`y z`=@@b;\nSET a=2, b=3;\nSET c=@x, d=@`Y Z`")
    assert session.user_variables == {"@x": Literal(b"1"), "@y z": Initial("b")}
    assert session.variables == {
        "a": Literal(b"2"),
        "b": Literal(b"3"),
        "c": Literal(b"1"),
        "d": Initial("b"),
    }


def test_reading_before_setting_in_one_statement_is_followed() -> None:
    session = follow(b"SET a=1;\nSET @old=@@a, a=2")
    assert session.user_variables == {"@old": Literal(b"1")}
    assert session.variables == {"a": Literal(b"2")}


@pytest.mark.parametrize(
    ("script", "charset"),
    [
        (b"SET NAMES latin1", Literal(b"latin1")),
        (b"SET NAMES latin1 COLLATE latin1_bin", Literal(b"latin1")),
        (b"SET collation_connection='utf8mb4_0900_ai_ci'", Literal(b"utf8mb4")),
        (b"SET collation_connection=binary", Literal(b"binary")),
        (b"SET character_set_connection=latin1", Literal(b"latin1")),
        (b"SET character_set_client=latin1", Initial("character_set_connection")),
    ],
)
def test_one_state_behind_charset_and_collation(script: bytes, charset: object) -> None:
    session = follow(script + b";\nSET @saved=@@character_set_connection")
    assert session.user_variables == {"@saved": charset}


def test_a_collation_takes_the_place_of_a_charset() -> None:
    first = follow(b"SET character_set_connection=latin1;\nSET collation_connection=utf8mb4_bin")
    assert first.variables == {"collation_connection": Literal(b"utf8mb4_bin")}
    second = follow(b"SET character_set_connection=latin1", first)
    assert second.variables == {"collation_connection": DefaultOf(b"latin1")}


def test_a_default_collation_is_no_value_of_other_variables() -> None:
    session = follow(b"SET NAMES latin1;\nSET @c=@@collation_connection")
    assert session.after(b"SET collation_connection=@c") is not None
    assert session.after(b"SET collation_server=@c") is None


@pytest.mark.parametrize("value", [b"0", b"OFF", b"off", b"'OFF'", b"FALSE", b'"0"'])
def test_off(value: bytes) -> None:
    assert follow(b"SET foreign_key_checks=" + value).is_off("foreign_key_checks")


@pytest.mark.parametrize("value", [b"1", b"ON", b"DEFAULT", b"'00'", b"@@other"])
def test_not_off(value: bytes) -> None:
    assert not follow(b"SET foreign_key_checks=" + value).is_off("foreign_key_checks")
    assert not Session().is_off("foreign_key_checks")


@pytest.mark.parametrize(
    ("value", "text"),
    [(b"''", ""), (b"'A,B'", "A,B"), (b"ANSI", "ANSI"), (b"@@x", None)],
)
def test_texts(value: bytes, text: str | None) -> None:
    assert follow(b"SET sql_mode=" + value).text("sql_mode") == text
    assert Session().text("sql_mode") is None


def test_schemas() -> None:
    session = Session().using(b"a")
    assert session.schema == b"a"
    assert session.using(b"a") is session
    assert session.using(b"b") == Session(b"b")
    dropped = session.using(None)
    assert dropped.schema is None
    assert dropped.using(b"a") != session  # it must be entered once more
    assert follow(b"SET x=1", session).schema == b"a"


def test_origins_are_kept_but_make_no_difference() -> None:
    one, two = Session().after(b"SET a=1", "one"), Session().after(b"SET a=1", "two")
    assert one == two
    assert one is not None
    assert one.origins == {"a": "one"}
    assert "origin" not in repr(one)


def test_a_session_does_not_change() -> None:
    before = follow(b"SET a=1, @b=2")
    assert before.after(b"SET a=2, @b=3, c=4, NAMES x") is None
    assert before.after(b"SET a=2, @b=3, c=4") is not None
    assert before == follow(b"SET a=1, @b=2")


@given(st.binary() | st.text("SETNAMES@=,'`.:a1 ", max_size=30).map(str.encode))
def test_any_bytes_get_an_answer(sql: bytes) -> None:
    Session().after(b"SET " + sql)
    assert sets_global_only(b"SET " + sql) in (True, False)
