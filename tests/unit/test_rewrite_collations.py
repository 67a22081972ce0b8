from __future__ import annotations

import pytest

from sidecar_magics.script.collations import (
    Charsets,
    checked_collation_map,
    mapped,
    names_in,
    parse_collation_map,
)
from sidecar_magics.script.substitutes import nearest, substitutes
from sidecar_magics.script.tokens import edited, tokens

OLD, NEW = "utf8mb4_0900_ai_ci", "utf8mb4_uca1400_nopad_ai_ci"


def moved(sql: str) -> str:
    return edited(sql.encode(), mapped(tokens(sql.encode()), {OLD: NEW})).decode()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE {} */",
        "ALTER DATABASE `d` CHARACTER SET utf8mb4 COLLATE {}",
        "CREATE TABLE t (a text COLLATE {} COMMENT 'x', b int) DEFAULT CHARSET=utf8mb4 COLLATE={}",
        "CREATE TABLE t (a text /*!80016 COLLATE {} */) COLLATE = '{}'",
        "CREATE TABLE t (g int GENERATED ALWAYS AS (if((`n` collate {}) = _utf8mb4'x',1,0)))",
        "CREATE VIEW v AS select (`p`.`n` collate `{}`) AS `c` from `p`",
        "CREATE FUNCTION f() RETURNS text CHARSET utf8mb4 COLLATE {} RETURN 'x' COLLATE {}",
        "SET NAMES utf8mb4 COLLATE {}",
        "/*!50001 SET collation_connection      = {} */",
        "SET @x = 1, @@session.collation_connection := '{}'",
        "CREATE PROCEDURE p() BEGIN SET collation_connection = {}; END",
    ],
)
def test_a_collation_is_replaced_wherever_the_grammar_has_one(sql: str) -> None:
    assert moved(sql.replace("{}", OLD)) == sql.replace("{}", NEW)
    assert OLD in names_in(sql.replace("{}", OLD).encode()).collations


@pytest.mark.parametrize(
    "sql",
    [
        f"CREATE TABLE t (`{OLD}` int COMMENT 'COLLATE {OLD}') /* COLLATE {OLD} */",
        f"CREATE TABLE `COLLATE` (a int) -- COLLATE {OLD}",
        f"SELECT * FROM t WHERE collation_connection = '{OLD}'",
        f"SET @collation_connection = '{OLD}'",
        f"SELECT 'COLLATE {OLD}', \"COLLATE {OLD}\", `COLLATE {OLD}`",
        f"CREATE TABLE t (a text COLLATE {OLD}_x)",
    ],
)
def test_what_only_looks_like_one_stays(sql: str) -> None:
    assert moved(sql) == sql


def test_rows_are_not_looked_at() -> None:
    rows = f"INSERT INTO t VALUES (1, 'x' COLLATE {OLD})".encode()
    assert names_in(rows) == Charsets(set(), set())


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE t (a char(3) character set latin1, PRIMARY KEY (a) USING BTREE)", "latin1"),
        ("SET NAMES utf8mb4", "utf8mb4"),
        ("SET NAMES DEFAULT", ""),
        ("/*!40101 SET character_set_client = utf8mb3 */", "utf8mb3"),
        ("/*!40101 SET character_set_client = @saved_cs_client */", ""),
        (
            "CREATE VIEW v AS select convert(`a` using gb18030), _latin1'x', _binary x'00'",
            "binary gb18030 latin1",
        ),
        ("CREATE DATABASE d CHARSET = 'big5'", "big5"),
    ],
)
def test_character_sets_are_listed(sql: str, expected: str) -> None:
    assert sorted(names_in(sql.encode()).charsets) == expected.split()


def test_reading_a_map() -> None:
    expected = {"utf8mb4_0900_ai_ci": "utf8mb4_bin", "utf8_bin": "utf8mb3_bin"}
    assert parse_collation_map("utf8mb4_0900_AI_CI = utf8mb4_bin,utf8_bin=utf8mb3_bin,") == expected


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b=c", "a=b c", "a='b'"])
def test_a_malformed_map(text: str) -> None:
    with pytest.raises(ValueError, match="FROM=TO"):
        parse_collation_map(text)


def test_another_character_set_is_refused() -> None:
    with pytest.raises(ValueError, match="different character sets, latin1 and utf8mb4"):
        checked_collation_map({"latin1_bin": "utf8mb4_bin"})


MARIADB_1011 = {
    *["uca1400_nopad_ai_ci", "uca1400_nopad_as_cs", "uca1400_nopad_as_ci"],
    "utf8mb4_bin",
}
MARIADB_1011 |= {"uca1400_swedish_nopad_ai_ci", "utf8mb4_nopad_bin", "utf8mb4_unicode_520_ci"}
MARIADB_105 = {
    "utf8mb4_bin",
    "utf8mb4_nopad_bin",
    "utf8mb4_unicode_520_nopad_ci",
    "utf8mb4_swedish_ci",
}
MYSQL_9 = {f"utf8mb4_0900_{counts}" for counts in ("ai_ci", "as_ci", "as_cs", "bin")}
MYSQL_9 |= {
    "utf8mb4_sv_0900_ai_ci",
    "utf8mb4_sv_0900_as_cs",
    "utf8mb3_unicode_520_ci",
    "latin1_bin",
}
MYSQL_57 = {"utf8mb4_unicode_520_ci", "utf8mb4_bin", "utf8_bin"}


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [
        (OLD, MYSQL_9, (OLD, "")),
        (OLD, MARIADB_1011, (NEW, "Unicode 14 instead of 9")),
        (OLD, MARIADB_105, ("utf8mb4_unicode_520_nopad_ci", "Unicode 5.2")),
        (OLD, MYSQL_57, ("utf8mb4_unicode_520_ci", "Unicode 5.2, trailing spaces do not count")),
        ("utf8mb4_0900_as_ci", MARIADB_105, ("utf8mb4_nopad_bin", "ordered by code, case counts")),
        ("utf8mb4_0900_bin", MARIADB_1011, ("utf8mb4_nopad_bin", "another name for the same")),
        (
            "utf8mb4_ru_0900_ai_ci",
            MARIADB_1011,
            (NEW, "Unicode 14 instead of 9, Cyrillic letters after Latin ones"),
        ),
        (
            "utf8mb4_ja_0900_as_cs",
            MARIADB_1011,
            (
                "utf8mb4_uca1400_nopad_as_cs",
                "Unicode 14 instead of 9, not in Japanese order, kana count",
            ),
        ),
        (
            "utf8mb4_sv_0900_ai_ci",
            MARIADB_105,
            ("utf8mb4_swedish_ci", "an older order, trailing spaces do not count"),
        ),
        (
            "utf8mb4_uca1400_ai_ci",
            MYSQL_9,
            (OLD, "Unicode 9 instead of 14, trailing spaces count"),
        ),
        (
            "utf8mb4_uca1400_swedish_nopad_as_ci",
            MYSQL_9,
            (
                "utf8mb4_sv_0900_as_cs",
                "Unicode 9 instead of 14, some letters compared differently, case counts",
            ),
        ),
        ("utf8mb3_uca1400_ai_ci", MYSQL_9, ("utf8mb3_unicode_520_ci", "Unicode 5.2")),
        ("utf8mb4_nopad_bin", MYSQL_9, ("utf8mb4_0900_bin", "another name for the same")),
        ("latin1_nopad_bin", MYSQL_9, ("latin1_bin", "trailing spaces do not count")),
        ("utf8mb3_bin", MYSQL_57, ("utf8_bin", "another name for the same")),
        ("gb18030_bin", MARIADB_1011, None),
        ("nonsense", MARIADB_1011, None),
    ],
)
def test_the_nearest_collation(
    wanted: str, known: set[str], expected: tuple[str, str] | None
) -> None:
    assert nearest(wanted, known) == expected


def test_substitutes_are_only_for_what_is_missing() -> None:
    assert OLD not in substitutes(MYSQL_9)
    assert substitutes(MARIADB_105)[OLD] == "utf8mb4_unicode_520_nopad_ci"


def test_a_dump_of_mariadb_finds_substitutes_on_mysql() -> None:
    """Since 11.5, uca1400_ai_ci is MariaDB's default collation, and in each of its dumps."""
    found = substitutes(MYSQL_9)
    assert found["utf8mb4_uca1400_ai_ci"] == "utf8mb4_0900_ai_ci"
    assert found["utf8mb4_uca1400_swedish_nopad_as_cs"] == "utf8mb4_sv_0900_as_cs"
    assert all(name in MYSQL_9 for name in found.values())


def test_substitutes_stay_within_the_character_set() -> None:
    found = substitutes(MARIADB_1011)
    assert found[OLD] == NEW
    assert checked_collation_map(found) == found
