"""What hints say, as far as that needs no server; tests/integration/test_hints.py follows them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from sidecar_magics import options
from sidecar_magics.load.reporting.server_errors import RULES, Refusal, hint_for

# Words that a hint may begin with.
IMPERATIVES = re.compile(
    "add|allow|check|choose|close|convert|correct|create|delete|drop|dump|end|free|give|go|insert"
    "|leave|load|log|name|remove|run|shorten|start|take|use|write"
)
# Options of other programs.
FOREIGN = {
    "--databases",
    "--set-gtid-purged",
    "--add-drop-trigger",
    "--routines",
    "--flavour",
    "--show",
}


def _own_options() -> set[str]:
    parser = argparse.ArgumentParser()
    for option in options.LOAD:
        option.add_to(parser)
    return {name for action in parser._actions for name in action.option_strings}


@pytest.mark.parametrize("hint", sorted({rule.hint for rule in RULES}))
def test_a_hint_is_an_imperative_with_options_that_there_are(hint: str) -> None:
    assert IMPERATIVES.fullmatch(hint.split(maxsplit=1)[0])
    assert hint.endswith(".")
    assert len(hint) < 200
    assert set(re.findall(r"--[a-z-]+\w", hint)) <= _own_options() | FOREIGN


def test_every_rule_can_be_reached() -> None:
    """A general rule does not stand before the special one of the same error."""
    seen: list[tuple[int, str, tuple[object, ...], bool | None]] = []
    for rule in RULES:
        for errno in rule.errnos:
            for earlier in seen:
                same = earlier[0] == errno and earlier[1] in ("", rule.flavour)
                is_general = earlier[2] == ("", b"", None, "") and earlier[3] in (
                    None,
                    rule.is_typed,
                )
                assert not (same and is_general), rule.hint
            cause = rule.words, rule.sql, rule.is_foreign, rule.name
            seen.append((errno, rule.flavour, cause, rule.is_typed))


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(1227, sql=b"CREATE /*!50017 DEFINER=`a`@`b`*/ TRIGGER t"), "--skip-definer"),
        (Refusal(1227, sql=b"SET @@GLOBAL.GTID_PURGED='x'"), "--set-gtid-purged=OFF"),
        (Refusal(1227, sql=b"KILL 5"), "--user NAME"),
        (
            Refusal(1064, "near 'SELECT 2' at line 3", sql=b"SELECT 1\n\nSELECT 2"),
            "semicolon (;) before the SELECT",
        ),
        (Refusal(1064, "near 'SELECT' at line 1", sql=b"SELECT (SELECT"), "correct the syntax"),
        (Refusal(1064, sql=b"mysql -u root -px < dump.sql"), "remove the shell's commands"),
        (Refusal(1064, sql=b"docker exec db mysql"), "remove the shell's commands"),
        (Refusal(1064, sql=b"import pandas as pd", is_typed=True), "write the Python"),
        (Refusal(1064, sql=b"rows = lab.fetch()", is_typed=True), "write the Python"),
        (Refusal(1064, sql=b"a,b", name="data/x.csv"), "pandas.read_csv"),
        (Refusal(1064, sql=b"a\tb", name="x.tsv.gz"), "pandas.read_csv"),
        (Refusal(1449), "--skip-definer"),
        (Refusal(1273), "--collation-map nearest"),
        (Refusal(1273, flavour="mariadb"), "--collation-map nearest"),
        (Refusal(1231, "Variable 'sql_mode' can't be set to"), "NO_AUTO_CREATE_USER"),
        (Refusal(1067, "Invalid default value for 'd'"), "--init \"SET sql_mode='STRICT_TRANS"),
        (Refusal(1292, "Incorrect datetime value: '0000-00-00'"), "zero dates"),
        (Refusal(1292, "Truncated incorrect DOUBLE value: 'x'"), "--init \"SET sql_mode=''\""),
        (Refusal(3105), "mysqldump"),
        (Refusal(1906, flavour="mariadb"), "--init"),
        (Refusal(1824), '--init "SET foreign_key_checks=0"'),
        (Refusal(3780), "type"),
        (Refusal(6125), "restrict_fk_on_non_standard_key=OFF"),
        (Refusal(1524), "caching_sha2_password"),
        (Refusal(1410), "CREATE USER"),
        (Refusal(1101), "--flavour mariadb"),
        (Refusal(1064, sql=b"mysqldump: [Warning] Using a\n\nSET x"), "sed -i 1d FILE"),
        (Refusal(1064, sql=b"mysqldump.exe: [Warning] Using a\n\nSET x"), "sed -i 1d FILE"),
        (Refusal(1064, sql=b"[Warning]: Using a password"), "sed -i 1d FILE"),
        (Refusal(1064, sql=b"Enter password: \n-- MySQL dump"), "`Enter password:`"),
        (Refusal(1064, sql=b"SELEC 1"), "correct the syntax"),
        (
            Refusal(
                1064, "syntax to use near '' at line 3", sql=b"create procedure p()\nbegin\n do 1"
            ),
            "DELIMITER //",
        ),
        (
            Refusal(
                1064, "near '' at line 1", "mariadb", b"CREATE TRIGGER t FOR EACH ROW IF 1 THEN"
            ),
            "DELIMITER //",
        ),
        (Refusal(1064, "near 'x' at line 1", sql=b"CREATE PROCEDURE p() BEGIN"), "correct the"),
        (Refusal(1064, "near '' at line 1", sql=b"CREATE TABLE begin ("), "correct the syntax"),
        (Refusal(1064, sql=b"--it's a note\nSELECT 1"), "a blank after the two dashes"),
        (Refusal(1064, sql=b"mysql> SELECT 1"), "prompts"),
        (Refusal(1064, sql=b"MariaDB [(none)]> SELECT 1"), "prompts"),
        (Refusal(1064, sql=b"```sql\nSELECT 1"), "Markdown"),
        (Refusal(1064, sql=b"%%mysql_load\nSELECT 1"), "magic"),
        (Refusal(1054, "Unknown column '\u2018x\u2019' in"), "typographic quotes"),
        (Refusal(1054, "column '\u2018x\u2019' in", is_typed=True), "typographic quotes"),
        (Refusal(1064, "near '}'", sql=b"SELECT {x}", is_typed=True), "variables of Python"),
        (Refusal(1064, "near '{x}'", sql=b"SELECT {{ x }}", is_typed=True), "variables of Python"),
        (Refusal(1054, "Unknown column '$x' in", is_typed=True), "variables of Python"),
        (Refusal(1064, "near ':x'", sql=b"SELECT :x", is_typed=True), "variables of Python"),
        (Refusal(1064, "near '%s'", sql=b"SELECT %s", is_typed=True), "variables of Python"),
        (Refusal(1064, "near '%(x)s'", sql=b"SELECT %(x)s", is_typed=True), "variables of Python"),
        (Refusal(1064, "near 'y'", sql=b"SELECT ':x' x y", is_typed=True), "correct the syntax"),
        (Refusal(1064, "near '// a'", sql=b"// a", is_typed=True), "before a comment, not //"),
        (Refusal(1064, "near '\u201cx\u201d)' at line 1"), "typographic quotes"),
        (Refusal(1064, "near '\u00a0INSERT INTO t' at line 1"), "invisible character"),
        (Refusal(1064, "near '\ufeffCREATE TABLE t' at line 1"), "invisible character"),
        (Refusal(1049, "Unknown database '[master]'"), "SQL Server"),
        (Refusal(1064, "near 'TRANSACTION' at", sql=b"BEGIN TRANSACTION"), "SQLite"),
        (Refusal(1064, sql=b"SET NOCOUNT ON\r\nGO\r\n\r\nUSE master\r\nGO"), "one of SQL Server"),
        (Refusal(1064, sql=b"SELECT 1\nGO\nSELECT 2"), "one of SQL Server"),
        (Refusal(1064, sql=b"CREATE PROCEDURE dbo.p AS SELECT 1"), "one of SQL Server"),
        (Refusal(1064, sql=b":setvar DatabaseName x\nGO"), "one of SQL Server"),
        (Refusal(1064, sql=b"@defs\n\nDROP SEQUENCE s"), "one of Oracle"),
        (Refusal(1064, sql=b"SET DEFINE OFF"), "one of Oracle"),
        (Refusal(1064, sql=b"CREATE TABLE public.t (i INT)"), "one of PostgreSQL"),
        (Refusal(1064, sql=b"CREATE TABLE t (i INT DEFAULT nextval('s'))"), "one of PostgreSQL"),
        (Refusal(1064, sql=b"ALTER TABLE t OWNER TO me"), "one of PostgreSQL"),
        (Refusal(1064, sql=b"CREATE SEQUENCE s"), "MySQL has no sequences"),
        (Refusal(1064, flavour="mariadb", sql=b"CREATE SEQUENCE s ("), "correct the syntax"),
        (Refusal(1064, sql=b"UPDATE cargo SET gone = go WHER id = 1"), "correct the syntax"),
        (Refusal(1305, "FUNCTION lab.REGEXP_LIKE does not exist", "mariadb"), "MariaDB lacks"),
        (Refusal(1305, "FUNCTION lab.median does not exist", "mysql"), "MySQL lacks"),
        (Refusal(1305, "FUNCTION lab.my_nvl does not exist", "mysql"), "--routines"),
        (
            Refusal(1959, flavour="mariadb", sql=b"CREATE DEFINER=`` PROCEDURE p() SELECT 1"),
            "--skip-definer",
        ),
        (Refusal(1064, sql=b"CREATE TABLE t (a NUMBER(10), b VARCHAR2(20))"), "Oracle"),
        (Refusal(1064, sql=b"CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"), "SQLite"),
        (Refusal(1064, sql=b"CREATE", is_foreign=True), "version of server that made the dump"),
        (Refusal(1005, "Can't create table (errno: 150 \"Foreign key"), "foreign_key_checks=0"),
        (Refusal(1005, "Can't create table (errno: 140 \"Wrong create"), "innodb_strict_mode"),
        (Refusal(1044), "--user NAME"),
        (Refusal(1045), "--user NAME"),
        (Refusal(1049), "--into NAME"),
        (Refusal(1050), "--into NAME"),
        (Refusal(1062), "--once"),
        (Refusal(1071), "ROW_FORMAT"),
        (Refusal(1118), "innodb_strict_mode=OFF"),
        (Refusal(1118, "Row size too large. The maximum row size ... is 65535."), "TEXT or BLOB"),
        (Refusal(1153), "SET GLOBAL max_allowed_packet=1073741824"),
        (Refusal(1214), "ENGINE=InnoDB"),
        (Refusal(1217), "foreign_key_checks=0"),
        (Refusal(1290, "running with the --secure-file-priv option"), "--allow-local-infile"),
        (Refusal(1290, "running with the --read-only option"), "this one only reads"),
        (Refusal(1366, "Incorrect string value: '\\xE4'"), 'SET NAMES latin1"'),
        (Refusal(1366, "Incorrect integer value: 'x'"), "sql_mode=''"),
        (Refusal(1406), "sql_mode=''"),
        (Refusal(1418), "log_bin_trust_function_creators=1"),
        (Refusal(1451), "foreign_key_checks=0"),
        (Refusal(1452), "foreign_key_checks=0"),
        (Refusal(1709), "ROW_FORMAT"),
        (Refusal(3546), "--set-gtid-purged=OFF"),
        (Refusal(1701), "foreign_key_checks=0"),
        (Refusal(1356), "load the dump that has the view again, with --skip-definer"),
        (Refusal(9999), ""),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_cause_has_its_hint(refusal: Refusal, words: str) -> None:
    assert words in hint_for(refusal)
    assert bool(words) is bool(hint_for(refusal))


FOREIGN_KEY = (
    "a foreign key constraint fails (`s`.`c`, CONSTRAINT `c_ibfk_1` FOREIGN KEY (`i`, `j`) "
    "REFERENCES `p` (`i`, `j`))"
)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(1452, FOREIGN_KEY), "insert the row of `p` first that `i`, `j` of this one"),
        (Refusal(1452, ""), "insert the row first"),
        (Refusal(1451, FOREIGN_KEY, sql=b"DROP TABLE p"), "drop the table `s`.`c` first"),
        (Refusal(1451, FOREIGN_KEY, sql=b"DELETE FROM p"), "the rows of `s`.`c` first"),
        (Refusal(3730, "key constraint 'c_ibfk_1' on table 'c'."), "drop the table c first"),
        (Refusal(1217, "", sql=b"DROP TABLE p"), "drop the tables first"),
        (Refusal(1701, ""), "DELETE FROM"),
        (Refusal(1824, ""), "create the table first"),
        (Refusal(1062, "", sql=b"INSERT INTO t VALUES (1)"), "ON DUPLICATE KEY UPDATE"),
        (Refusal(1062, "", sql=b"UPDATE t SET i = 1"), "no other row has"),
        (Refusal(1062, "", sql=b"ALTER TABLE t ADD UNIQUE (i)"), "duplicate keys"),
        (Refusal(1406, "Data too long for column 's' at row 1"), "too long for the column s;"),
        (Refusal(1264, "Out of range value for column 'i' at row 1"), "out of the range"),
        (Refusal(1364, "Field 'i' doesn't have a default value"), "a value for the column i,"),
        (Refusal(1366, "Incorrect string value: '\\xE4'"), "utf8mb4"),
        (Refusal(1366, "Incorrect integer value: 'x'"), "correct the value"),
        (Refusal(1067, "Invalid default value for 'd'"), "correct the default"),
        (Refusal(1292, "Incorrect date value: '0000-00-00'"), "zero dates"),
        (Refusal(3105, ""), "write DEFAULT"),
        (Refusal(3819, ""), "CHECK"),
        (Refusal(4025, ""), "CHECK"),
        (Refusal(1146, "Table 's.nowhere' doesn't exist"), "`SHOW TABLES FROM s`"),
        (Refusal(1146, ""), "`SHOW TABLES`"),
        (Refusal(1054, ""), "SHOW COLUMNS"),
        (Refusal(1050, ""), "CREATE TABLE IF NOT EXISTS"),
        (Refusal(1049, ""), "`SHOW DATABASES`"),
        (Refusal(1304, ""), "IF EXISTS"),
        (Refusal(1305, ""), "SHOW PROCEDURE STATUS"),
        (
            Refusal(1449, "", sql=b"SELECT * FROM v"),
            "load the dump that it is from again with --sk",
        ),
        (Refusal(1449, "", sql=b"CREATE TABLE t AS SELECT * FROM v"), "add --skip-definer"),
        (Refusal(1231, "Variable 'sql_mode' can't be set to"), "remove the mode"),
        (Refusal(1286, ""), "ENGINE=InnoDB"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_a_person_typed_has_hints_of_its_own(refusal: Refusal, words: str) -> None:
    typed = hint_for(refusal._replace(is_typed=True))
    assert words in typed
    for harmful in ("--init", "sed ", "mysqldump", "drop the table or"):
        assert harmful not in typed
    assert "{" not in typed


def test_no_hint_for_typed_sql_switches_checks_off() -> None:
    for errno in {errno for rule in RULES for errno in rule.errnos}:
        if errno in {1148, 3948, 4166, 1418, 1419, 6125, 1005, 1031, 1118, 1478}:
            continue  # rights and formats, which only an option changes
        for flavour in ("mysql", "mariadb"):
            hint = hint_for(Refusal(errno, flavour=flavour, sql=b"INSERT", is_typed=True))
            assert "--init" not in hint, errno


def test_the_documentation_names_the_same_options() -> None:
    text = (Path(__file__).parents[2] / "docs" / "loading.md").read_text()
    rows = text.partition("| the server refuses | add |")[2].partition("\n\n")[0]
    named = re.findall(r"\| `(--.+)` \|", rows)
    assert len(named) > 5
    for option in named:
        assert any(option in rule.hint for rule in RULES), option
