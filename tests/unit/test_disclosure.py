"""No secret of a statement in what is shown of it: in errors, reports, warnings and plans.

Sources of the statements: MySQL 9 Reference Manual ("Account Management Statements", "CHANGE
REPLICATION SOURCE TO", "CREATE SERVER", "ALTER INSTANCE", "The FEDERATED Storage Engine", "Prepared
Statements"), MariaDB Server documentation (the same, "Spider", "CONNECT", "SET STATEMENT").
"""

from __future__ import annotations

import pytest

from sidecar_magics.load.planning.tasks import Step
from sidecar_magics.load.reporting import failures
from sidecar_magics.load.reporting.failures import excerpt
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.sources.opening import Sources
from sidecar_magics.script.disclosure import may_show, shown
from sidecar_magics.script.splitter import Statement

# "hunter2" is the secret in each; what may be shown is after it.
SECRET = [
    ("CREATE USER bob IDENTIFIED BY 'hunter2'", "CREATE USER bob …"),
    ("CREATE USER 'bob'@'%' IDENTIFIED BY \"hunter2\"", "CREATE USER bob@% …"),
    ("CREATE USER IF NOT EXISTS `bob`@`localhost` IDENTIFIED BY 'hunter2'", "CREATE USER bob@"),
    ("CREATE USER bob IDENTIFIED BY hunter2", "CREATE USER bob …"),
    ("mysql -u root -phunter2 < dump.sql", "…"),
    ("docker exec db mysqldump -phunter2 lab", "…"),
    ("CREATE USER bob IDENTIFIED BY 0x68756e74657232 -- hunter2", "CREATE USER bob …"),
    ("CREATE USER bob IDENTIFIED WITH 'caching_sha2_password' AS 'hunter2'", "CREATE USER bob …"),
    ("CREATE USER bob IDENTIFIED WITH caching_sha2_password BY 'hunter2'", "CREATE USER bob …"),
    ("CREATE USER bob IDENTIFIED VIA mysql_native_password USING 'hunter2'", "CREATE USER bob …"),
    ("CREATE USER bob IDENTIFIED VIA ed25519 USING PASSWORD('hunter2') OR unix_socket", "CREATE"),
    ('CREATE USER bob ATTRIBUTE \'{"pin": "hunter2"}\'', "CREATE USER bob …"),
    ("CREATE USER bob REQUIRE SUBJECT '/CN=hunter2' AND ISSUER '/CN=x'", "CREATE USER bob …"),
    ("CREATE OR REPLACE USER bob@'10.%' IDENTIFIED BY PASSWORD 'hunter2'", "CREATE USER bob@10.%"),
    ("/*!50000 CREATE USER bob IDENTIFIED BY 'hunter2' */", "CREATE USER bob …"),
    ("/*M!100100 CREATE USER bob IDENTIFIED BY 'hunter2' */", "CREATE USER bob …"),
    ("CREATE /*!50000 USER */ bob IDENTIFIED /*!80000 BY 'hunter2' */", "CREATE USER bob …"),
    ("CREATE USER bob@h IDENTIFIED BY 'it''s hunter2'", "CREATE USER bob@h …"),
    ("ALTER USER bob IDENTIFIED BY 'new' REPLACE 'hunter2'", "ALTER USER bob …"),
    ("ALTER USER USER() IDENTIFIED BY 'hunter2' RETAIN CURRENT PASSWORD", "ALTER USER USER …"),
    ("ALTER USER bob COMMENT 'hunter2'", "ALTER USER bob …"),
    (
        "ALTER USER bob 2 FACTOR IDENTIFIED WITH x INITIATE REGISTRATION -- hunter2",
        "ALTER USER bob",
    ),
    ("SET PASSWORD = 'hunter2'", "SET PASSWORD …"),
    ("SET PASSWORD FOR 'bob'@'h' = PASSWORD('hunter2')", "SET PASSWORD FOR bob@h …"),
    (
        "SET PASSWORD FOR bob = 'x' REPLACE 'hunter2' RETAIN CURRENT PASSWORD",
        "SET PASSWORD FOR bob",
    ),
    ("SET PASSWORD TO RANDOM REPLACE 'hunter2'", "SET PASSWORD …"),
    ("SET PASSWORD hunter2", "SET PASSWORD …"),
    ("SET STATEMENT max_statement_time=1 FOR SET PASSWORD = 'hunter2'", "SET STATEMENT"),
    ("GRANT ALL ON *.* TO 'bob'@'%' IDENTIFIED BY 'hunter2' WITH GRANT OPTION", "GRANT … TO bob@%"),
    ("GRANT USAGE ON *.* TO bob IDENTIFIED BY PASSWORD '*hunter2'", "GRANT … TO bob"),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'hunter2')",
        "SERVER s",
    ),
    ("ALTER SERVER s OPTIONS (PASSWORD 'hunter2')", "ALTER SERVER s …"),
    ("CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='hunter2'", "CHANGE MASTER TO …"),
    ("CHANGE MASTER 'c' TO MASTER_PASSWORD='hunter2'", "CHANGE MASTER …"),
    (
        "CHANGE REPLICATION SOURCE TO SOURCE_USER='r', SOURCE_PASSWORD='hunter2'",
        "CHANGE REPLICATION SOURCE TO …",
    ),
    ("START REPLICA USER='r' PASSWORD='hunter2'", "START REPLICA …"),
    ("START GROUP_REPLICATION USER='r', PASSWORD='hunter2'", "START GROUP_REPLICATION …"),
    ("CLONE INSTANCE FROM 'd'@'h':3306 IDENTIFIED BY 'hunter2'", "CLONE …"),
    ("PREPARE s FROM 'CREATE USER bob IDENTIFIED BY ''hunter2'''", "PREPARE s …"),
    ('PREPARE s FROM "ALTER USER a IDENTIFIED BY ""hunter2"""', "PREPARE s …"),
    ("EXECUTE IMMEDIATE 'SET @x = ''hunter2'''", "EXECUTE IMMEDIATE …"),
    ("SET @pw = 'hunter2'", "SET @pw …"),
    ("SET @pw := hunter2", "SET @pw …"),
    ("SET @pin = 'x', @hunter = CONCAT('hunter', '2', 'hunter2')", "SET @pin …"),
    ("SET @s = CONCAT('ALTER USER a IDENTIFIED BY ''', 'hunter2', '''')", "SET @s …"),
    ("SET GLOBAL x_password = 'hunter2'", "SET GLOBAL x_password …"),
    ("SET GLOBAL wsrep_sst_auth = 'sst:hunter2'", "SET GLOBAL wsrep_sst_auth …"),
    ("SET PERSIST authentication_ldap_simple_bind_root_pwd = 'hunter2'", "SET PERSIST auth"),
    ("SET @@GLOBAL.init_connect = 'SET @a = ''hunter2'''", "SET @@GLOBAL.init_connect …"),
    ("SET sql_mode = '', @x = 'hunter2'", "SET sql_mode …"),
    ("ALTER INSTANCE ROTATE INNODB MASTER KEY -- password hunter2", "ALTER INSTANCE ROTATE …"),
    ("INSERT INTO `mysql`.`user` VALUES ('%','bob','hunter2')", "INSERT INTO mysql.user …"),
    ("INSERT INTO user VALUES ('%','bob','hunter2')", "INSERT INTO user …"),
    (
        "REPLACE mysql.global_priv VALUES ('%','a','{\"authentication_string\":\"hunter2\"}')",
        "REPLACE",
    ),
    (
        "UPDATE mysql.user SET authentication_string='hunter2' WHERE User='bob'",
        "UPDATE mysql.user …",
    ),
    ("UPDATE mysql.user, a.b SET x='hunter2'", "UPDATE mysql.user …"),
    ("INSERT INTO a SELECT 'hunter2' FROM mysql.user", "INSERT INTO a …"),
    ("INSERT INTO lab.users (name, password) VALUES ('bob', 'hunter2')", "INSERT INTO lab.users …"),
    ("INSERT INTO t VALUES (AES_ENCRYPT('data', 'hunter2'))", "INSERT INTO t …"),
    ("INSERT INTO t VALUES (SHA2('hunter2', 256))", "INSERT INTO t …"),
    ("CREATE TABLE f (i INT) ENGINE=FEDERATED CONNECTION='mysql://u:hunter2@h/d/t'", "TABLE f …"),
    ("CREATE TABLE f (i INT) ENGINE=CONNECT OPTION_LIST='pass=hunter2'", "CREATE TABLE f …"),
    ('CREATE TABLE f (i INT) ENGINE=SPIDER COMMENT=\'user "u", password "hunter2"\'', "TABLE f …"),
    ('CREATE TABLE f (i INT) ENGINE_ATTRIBUTE=\'{"par": "hunter2"}\'', "CREATE TABLE f …"),
    ("ALTER TABLE f CONNECTION='mysql://u:hunter2@h/d/t'", "ALTER TABLE f …"),
    (
        "CREATE DEFINER=`root`@`localhost` EVENT e ON SCHEDULE EVERY 1 DAY DO "
        "ALTER USER bob IDENTIFIED BY 'hunter2'",
        "CREATE EVENT e …",
    ),
    ("CREATE PROCEDURE a.p() BEGIN SET @x = 'hunter2'; END", "CREATE PROCEDURE a.p …"),
    ("CREATE PROCEDURE p() CALL login('hunter2')", "CREATE PROCEDURE p …"),
    ("CREATE FUNCTION f() RETURNS TEXT RETURN 'hunter2'", "CREATE FUNCTION f …"),
    ("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.x = 'hunter2'", "CREATE TRIGGER g"),
    (
        "CALL mysql.rds_set_external_master('h', 3306, 'repl', 'hunter2', 'f', 4, 0)",
        "CALL mysql.rds",
    ),
    ("CALL login('bob', 'hunter2')", "CALL login …"),
    ("SELECT keyring_key_store('k', 'AES', 'hunter2')", "SELECT …"),
    ("SELECT @x := 'hunter2'", "SELECT …"),
    ("DO login('hunter2')", "DO …"),
    ("DROP TABLE t; SET @x = 'hunter2'", "DROP TABLE t …"),
    ("DROP TABLE t;\nCREATE USER bob IDENTIFIED BY hunter2", "DROP TABLE t …"),
    ("INSERT INTO t VALUES ('a\\'); SET @x = 'hunter2'", "INSERT INTO t …"),
    ("BEGIN NOT ATOMIC SET @x = 'hunter2'; END", "BEGIN …"),
    ("Enter password: hunter2", "…"),
    ("IDENTIFIED BY 'hunter2'", "…"),
    ("'hunter2'", "…"),
    ("CREAT USER bob IDENTIFIED BY hunter2", "…"),
    ("XA START 'hunter2'", "XA …"),
]
OPEN = [
    "INSERT INTO t VALUES (1,'a'),(2,'b')",
    "INSERT INTO notes VALUES (1,'my password; IDENTIFIED BY ''x'' ')",
    "INSERT INTO t SELECT a, UPPER('x') FROM u",
    "REPLACE INTO a.b (x) VALUES ('y')",
    "UPDATE t SET a = 'b' WHERE c = 'd'",
    "DELETE FROM a.user WHERE name = 'x'",
    "CREATE TABLE t (i INT DEFAULT '0', s TEXT COMMENT 'a note') ENGINE=InnoDB",
    "CREATE TABLE users (password VARCHAR(64) NOT NULL)",
    "ALTER TABLE t ADD COLUMN x ENUM('a','b')",
    "CREATE DATABASE `d` /*!40100 DEFAULT CHARSET utf8mb4 */ /*!80016 DEFAULT ENCRYPTION='N' */",
    "CREATE VIEW v AS SELECT 'a' AS b",
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.x = OLD.y + 1",
    "CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN SELECT * FROM t; UPDATE u SET v = w; END",
    "DROP TABLE IF EXISTS t",
    "USE mysql",
    "LOCK TABLES `t` WRITE",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'",
    "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
    "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'abc:1-3'",
    "SET @saved_cs_client = @@character_set_client",
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
    "SET TIME_ZONE='+00:00'",
    "SET GLOBAL local_infile=1, nosuch = OFF",
    "SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SELECT 1 FROM t",
    "ANALYZE TABLE t",
    "SELEC * FORM t",
]


@pytest.mark.parametrize(("sql", "words"), SECRET, ids=[sql for sql, _ in SECRET])
def test_of_a_statement_that_may_hold_a_secret_verb_and_object_are_shown(
    sql: str, words: str
) -> None:
    start = excerpt(sql.encode())
    assert "hunter2" not in start
    assert words in start
    assert start.endswith("…")
    assert not may_show(sql.encode())


_WRAPPINGS = {
    "versioned": "/*!50000 {} */",
    "mariadb": "/*M!100100 {} */",
    "lower case": "{}",
    "comments": "-- a note\n/* and one */ {}",
    "prepared": "PREPARE s FROM '{}'",
    "executed": 'EXECUTE IMMEDIATE "{}"',
    "set": "SET @s = '{}'",
    "event": "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO {}",
    "procedure": "CREATE PROCEDURE p() BEGIN SELECT 1; {}; END",
    "trigger": "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW {}",
    "second": "DROP TABLE IF EXISTS t; {}",
    "first": "{}; DROP TABLE t",
    "explained": "EXPLAIN {}",
    "compound": "BEGIN NOT ATOMIC {}; END",
}


@pytest.mark.parametrize("wrapping", _WRAPPINGS)
def test_a_secret_stays_one_in_another_statement(wrapping: str) -> None:
    """A hidden statement is hidden as the text, the body or the neighbour of another one, too."""
    for sql, _ in SECRET:
        inner = sql.replace("-- ", "")
        if wrapping in ("prepared", "set"):
            inner = inner.replace("'", "''")
        wrapped = _WRAPPINGS[wrapping].format(sql.lower() if wrapping == "lower case" else inner)
        start, is_open = shown(wrapped.encode())
        assert not is_open, wrapped
        assert "hunter2" not in start, wrapped


@pytest.mark.parametrize("sql", OPEN)
def test_other_statements_are_shown(sql: str) -> None:
    text, is_open = shown(sql.encode())
    assert is_open
    assert text == sql[:120] + (" …" if len(sql) > 120 else "")


@pytest.mark.parametrize("sql", [sql for sql, _ in SECRET])
@pytest.mark.parametrize("errno", [1064, 1045, 1105, 1227, 1231, 1396, 1524, 1644, 1819, 3819])
def test_the_servers_words_repeat_no_secret(sql: str, errno: int) -> None:
    near = f"for the right syntax to use near '{sql[-80:]}' at line 3"
    error = failures.failed(_step(sql), errno, "42000", f"You are wrong {near}", LoadReport("s"))
    for text in (str(error), repr(error), *error._render_traceback_(), error.statement_start):
        assert "hunter2" not in text
    report = LoadReport("s")
    report.add_error(error)
    assert "hunter2" not in repr(report) + report._repr_html_() + str(report.to_dict())


def test_the_servers_words_are_shown_where_they_quote_nothing_else() -> None:
    error = failures.failed(
        _step("CREATE USER bob IDENTIFIED BY 'x'"),
        1819,
        "HY000",
        "Your password does not satisfy the current policy requirements",
        LoadReport("s"),
    )
    assert "does not satisfy the current policy" in str(error)
    refused = failures.failed(
        _step("CREATE PROCEDURE p() SELECT 'x' FROM a.b"),
        1146,
        "42S02",
        "Table 'a.b' doesn't exist",
        LoadReport("s"),
    )
    assert "Table 'a.b' doesn't exist" in str(refused)
    wrong = failures.failed(
        _step("CREATE USER bob IDENTIFID BY 'x'"),
        1064,
        "42000",
        "You have an error in your SQL syntax; check the manual for the right syntax to use near "
        "'IDENTIFID BY 'x'' at line 2",
        LoadReport("s"),
    )
    assert wrong.message.endswith("to use near … at line 2")


def test_rows_of_the_servers_own_accounts_are_known_by_the_default_schema() -> None:
    sql = "INSERT INTO odd VALUES ('%','bob','hunter2')"
    error = failures.failed(
        _step(sql, table="mysql.odd"), 1062, "23000", "Duplicate entry 'hunter2'", LoadReport("s")
    )
    assert "hunter2" not in str(error)


def test_warnings_repeat_no_secret() -> None:
    steps = [_step("ALTER USER bob IDENTIFIED BY 'hunter2'")]
    told: list[tuple[str | None, ...]] = [
        ("Warning", "1105", "odd: hunter2"),
        ("Note", "1287", "'hunter2' is deprecated"),
    ]
    assert "hunter2" not in str(failures.warnings(steps, told))
    plain = [_step("INSERT INTO t VALUES (1)")]
    assert failures.warnings(plain, told) == told


def test_a_long_statement_that_is_not_rows_is_not_shown() -> None:
    text = "x" * 100_000
    assert not may_show(f"CREATE VIEW v AS SELECT '{text}'".encode())
    assert may_show(f"INSERT INTO t VALUES ('{text}')".encode())


@pytest.mark.parametrize(
    "sql", [b"", b"\xff\xfe", b"'", b";", b"SET", b"CREATE", b"SET @", b"GRANT TO"]
)
def test_any_bytes_get_an_answer(sql: bytes) -> None:
    assert isinstance(shown(sql).text, str)


def _step(sql: str, table: str | None = None) -> Step:
    (source,) = Sources.from_text(sql, first_line=1)
    return Step(Statement(sql.encode(), 1, 1, 0, len(sql)), source, sql.encode(), table)
