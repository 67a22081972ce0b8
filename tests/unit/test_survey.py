from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.grants import Grants
from sidecar_magics.load.check.assignments import ScopedAssignment, assignments
from sidecar_magics.load.check.findings import Finding, some
from sidecar_magics.load.check.recorder import Dialect
from sidecar_magics.load.check.statements import (
    Account,
    is_deterministic,
    read_definition,
    table_traits,
)
from sidecar_magics.load.check.survey import survey
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.load.sources.opening import Source

if TYPE_CHECKING:
    from sidecar_magics.load.check.inventory import Inventory

MYSQL = Dialect("mysql", 90700, "ONLY_FULL_GROUP_BY")
MARIADB = Dialect("mariadb", 101100, "STRICT_TRANS_TABLES")


def surveyed(script: str | bytes, dialect: Dialect = MYSQL, **choice: Any) -> Inventory:
    text = script.decode("latin-1") if isinstance(script, bytes) else script
    return survey([Source.from_text(text)], dialect, LoadPolicy(**choice))


def events(script: str, dialect: Dialect = MYSQL, **choice: Any) -> list[tuple[str, ...]]:
    return [
        (event.verb, event.what, f"{event.schema}.{event.name}")
        for event in surveyed(script, dialect, **choice).events
    ]


def test_what_is_done_to_the_journals_schema_is_left_out() -> None:
    script = (
        "CREATE DATABASE sidecar_magics; USE sidecar_magics; DROP TABLE IF EXISTS done;"
        "INSERT INTO done VALUES (1); INSERT INTO done SELECT 2; CREATE TABLE b.t (i INT);"
    )
    inventory = surveyed(script, system_schemas=True)
    assert [(event.schema, event.name) for event in inventory.events] == [("b", "t")]
    assert inventory.system_statements == 5
    assert not inventory.tables


DEFINITIONS = {
    "CREATE TABLE t (a INT)": ("create", "table", ((None, "t"),)),
    "create temporary table if not exists `a``b`.`c.d` (i int)": (
        "create",
        "table",
        (("a`b", "c.d"),),
    ),
    "DROP TABLE IF EXISTS a, b.c , `d` CASCADE": (
        "drop",
        "table",
        ((None, "a"), ("b", "c"), (None, "d")),
    ),
    "RENAME TABLE a TO b, c.d TO c.e": (
        "rename",
        "table",
        ((None, "a"), (None, "b"), ("c", "d"), ("c", "e")),
    ),
    "LOCK TABLES a WRITE, b.c AS x READ LOCAL": ("lock", "table", ((None, "a"), ("b", "c"))),
    "TRUNCATE a": ("truncate", "table", ((None, "a"),)),
    "TRUNCATE TABLE a.b": ("truncate", "table", (("a", "b"),)),
    "CREATE UNIQUE INDEX i ON t (a)": ("create", "index", ((None, "i"),)),
    "CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`r`@`%` SQL SECURITY DEFINER VIEW v AS SELECT 1": (
        "create",
        "view",
        ((None, "v"),),
    ),
    "ALTER DATABASE CHARACTER SET utf8": ("alter", "schema", ()),
    "ALTER DATABASE `character` COLLATE x": ("alter", "schema", ((None, "character"),)),
    "CREATE USER IF NOT EXISTS 'a'@'b' IDENTIFIED BY 'c'": ("create", "account", ((None, "a@b"),)),
    "DROP VIEW a, b": ("drop", "view", ((None, "a"), (None, "b"))),
}


@pytest.mark.parametrize("sql", DEFINITIONS)
def test_definitions(sql: str) -> None:
    found = read_definition(sql.encode())
    assert found
    assert (found.verb, found.what, found.names) == DEFINITIONS[sql]
    assert found.temporary == ("temporary" in sql)
    assert found.conditional == ("EXISTS" in sql.upper())
    assert found.replaces == ("REPLACE" in sql)


@pytest.mark.parametrize(
    "sql", ["", "INSERT INTO t VALUES (1)", "CREATE SERVER s", "CREATE", "UNLOCK TABLES", "\xff"]
)
def test_no_definitions(sql: str) -> None:
    assert read_definition(sql.encode("latin-1")) is None


@pytest.mark.parametrize(
    ("definer", "account"),
    [
        ("`a`@`b`", Account("a", "b")),
        ("'a'@'%'", Account("a", "%")),
        ("a @ localhost", Account("a", "localhost")),
        ("admins", Account("admins", None)),
        ("CURRENT_USER", None),
        ("current_user()", None),
    ],
)
def test_definers(definer: str, account: Account | None) -> None:
    sql = f"CREATE DEFINER={definer} TRIGGER s.g AFTER INSERT ON `s`.`t` FOR EACH ROW SET @a=1"
    found = read_definition(sql.encode())
    assert found
    assert (found.definer, found.names, found.on) == (account, (("s", "g"),), ("s", "t"))


def test_what_a_table_asks_for() -> None:
    traits = table_traits(
        b"CREATE TABLE t (i INT COMMENT 'PRIMARY KEY, ENGINE=x', `engine` INT, "
        b"FOREIGN KEY (i) REFERENCES `a`.`b` (c), j INT REFERENCES d(e), "
        b"k TEXT DEFAULT 'REFERENCES z') ENGINE=MyISAM COMMENT='SELECT'"
    )
    assert traits.engine == "MyISAM"
    assert traits.parents == (("a", "b"), (None, "d"))
    assert not traits.may_have_primary_key
    assert not traits.copies
    assert table_traits(b"CREATE TABLE t (i INT PRIMARY KEY) ENGINE = 'Aria'").engine == "Aria"
    assert table_traits(b"CREATE TABLE t (i INT PRIMARY KEY)").may_have_primary_key
    assert table_traits(b"CREATE TABLE t LIKE u").copies


def test_functions_that_a_binary_log_lets_in() -> None:
    head = b"CREATE FUNCTION f() RETURNS INT "
    assert is_deterministic(head + b"DETERMINISTIC RETURN 1")
    assert is_deterministic(head + b"NO\n  SQL RETURN 1")
    assert is_deterministic(head + b"READS SQL DATA RETURN 1")
    assert not is_deterministic(head + b"NOT DETERMINISTIC RETURN 1")
    assert not is_deterministic(head + b"COMMENT 'DETERMINISTIC' RETURN 1")
    assert not is_deterministic(head + b"MODIFIES SQL DATA RETURN 1")


ASSIGNMENTS = {
    "SET a=1, @b = 'x,y', @@c := CONCAT('(', ','), @@SESSION.d=3": [
        ("session", "a", "1"),
        ("user", "b", ""),
        ("session", "c", "CONCAT('(', ',')"),
        ("session", "d", "3"),
    ],
    "SET GLOBAL a=1, b=2, SESSION c=3, @@e=5": [
        ("global", "a", "1"),
        ("global", "b", "2"),
        ("session", "c", "3"),
        ("session", "e", "5"),
    ],
    "SET @@GLOBAL.GTID_PURGED='x', f=1": [("global", "gtid_purged", "'x'"), ("session", "f", "1")],
    "SET PERSIST x = 1": [("global", "x", "1")],
    "SET NAMES 'latin1' COLLATE latin1_bin": [("session", "names", "latin1")],
    "SELECT 1": [],
}


@pytest.mark.parametrize("sql", ASSIGNMENTS)
def test_assignments(sql: str) -> None:
    wanted = [
        ScopedAssignment(scope, name, value.encode()) for scope, name, value in ASSIGNMENTS[sql]
    ]
    assert assignments(sql.encode()) == wanted


def test_the_inventory_of_a_dump() -> None:
    inventory = surveyed(
        "-- MySQL dump 10.13  Distrib 8.0.36\n-- Server version\t8.0.36-log\n"
        "/*!40101 SET NAMES utf8mb4 */;\n/*!40103 SET TIME_ZONE='Europe/Paris' */;\n"
        "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ANSI' */;\n"
        "CREATE DATABASE d; USE d;\n"
        'CREATE TABLE "t" (i INT) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin;\n'
        'INSERT INTO `t` VALUES (1);\nINSERT INTO `t` VALUES (2);\nINSERT INTO "t" VALUES (3);\n'
        "SET SQL_MODE=@OLD_SQL_MODE;\n"
    )
    assert (inventory.maker, inventory.maker_version) == ("mysql", "8.0.36-log")
    assert inventory.statements == 10
    assert inventory.tables[("d", "t")].statements == 3
    assert inventory.tables[("d", "t")].bytes == 3 * len("INSERT INTO `t` VALUES (1)")
    assert list(inventory.charsets) == ["utf8mb4", "latin1"]
    assert list(inventory.collations) == ["latin1_bin"]
    assert list(inventory.time_zones) == ["Europe/Paris"]
    assert list(inventory.sql_modes) == ["NO_AUTO_VALUE_ON_ZERO", "ANSI"]
    assert list(inventory.session_variables) == ["time_zone", "sql_mode"]
    assert (inventory.largest_bytes, inventory.largest_at and inventory.largest_at.line) == (80, 7)
    assert [event.verb for event in inventory.events] == [
        "create", "use", "create", "insert", "insert"
    ]  # fmt: skip


def test_mariadbs_header() -> None:
    header = "-- MariaDB dump 10.19\n-- Server version\t10.11.6-MariaDB-log\nSELECT 1"
    inventory = surveyed(header)
    assert (inventory.maker, inventory.maker_version) == ("mariadb", "10.11.6-MariaDB-log")


def test_versioned_comments_are_for_some_servers_only() -> None:
    script = "/*!80000 CREATE TABLE s.new (i INT) */; /*M!100000 CREATE TABLE s.maria (i INT) */;"
    assert events(script) == [("create", "table", "s.new")]
    assert events(script, MARIADB) == [("create", "table", "s.maria")]


def test_quoting_follows_the_sql_mode() -> None:
    script = (
        "SET @old=@@sql_mode, sql_mode='NO_BACKSLASH_ESCAPES';\n"
        "INSERT INTO t VALUES ('\\');\nSET sql_mode=@old;\n"
        "INSERT INTO t VALUES ('\\';');\nSET sql_mode=CONCAT(@@sql_mode, ',ANSI_QUOTES');"
        'INSERT INTO "t" VALUES ("\\");'
    )
    assert surveyed(script).statements == 6
    mode = Dialect("mysql", 90700, "NO_BACKSLASH_ESCAPES")
    assert surveyed("INSERT INTO t VALUES ('\\');SELECT 1", mode).statements == 2


def test_several_statements_under_one_delimiter() -> None:
    script = (
        "DELIMITER $$\nDROP TABLE s.a; DROP PROCEDURE s.p; CREATE PROCEDURE s.p() BEGIN DROP TABLE"
        " s.b; END $$ DROP TABLE s.c $$"
    )
    assert events(script) == [
        ("drop", "table", "s.a"),
        ("drop", "procedure", "s.p"),
        ("create", "procedure", "s.p"),
        ("drop", "table", "s.c"),
    ]


def test_the_schema_of_each_thing() -> None:
    script = "CREATE TABLE a (i INT); USE x; CREATE TABLE b (i INT); CREATE TABLE y.c (i INT)"
    found = [("create", "table", "x.b"), ("create", "table", "y.c")]
    assert [event for event in events(script) if event[1] == "table"] == [
        ("create", "table", "None.a"),
        *found,
    ]
    given = events(script, database="d")
    assert given[:2] == [("use", "schema", "d."), ("create", "table", "d.a")]
    script = "CREATE DATABASE x; USE x; CREATE TABLE a (i INT); CREATE TABLE x.b (i INT)"
    into = events(script, into="z")
    assert [event[2] for event in into if event[1] == "table"] == ["z.a", "z.b"]
    assert ("create", "schema", "x.") not in into


def test_what_a_load_would_refuse_is_taken_down_and_read_past() -> None:
    script = "USE x; CREATE TABLE a (i INT); CREATE TABLE y.c (i INT); CREATE TABLE d (i INT)"
    inventory = surveyed(script, into="z")
    assert [event.name for event in inventory.events if event.verb == "create"] == ["a", "d"]
    (obstacle,) = inventory.obstacles
    assert str(obstacle.place) == "cell:1:32"
    assert obstacle.message.startswith("refused: --into takes a script of one schema")
    remote = Dialect("mysql", 90700, host="db.example.org", is_loopback=False)
    assert len(surveyed("DROP TABLE a; DROP TABLE b", remote).obstacles) == 2
    assert not surveyed("DROP TABLE a; DROP TABLE b", remote, yes_remote=True).obstacles


def test_what_is_wanted() -> None:
    script = "CREATE TABLE s.a (i INT); INSERT INTO s.a VALUES (1); INSERT INTO s.b VALUES (1)"
    assert events(script, schema_only=True) == [("create", "table", "s.a")]
    assert [verb for verb, _, _ in events(script, data_only=True)] == ["insert", "insert"]
    only_b = events(script, tables=("s.b",))
    assert only_b == [("insert", "table", "s.b")]


def test_scripts_that_expect_a_new_session(tmp_path: Path) -> None:
    def read(*, fresh: bool) -> list[tuple[str | None, bool | None]]:
        sources = [
            Source.from_text("USE a; SET foreign_key_checks=0; CREATE TABLE t (i INT)"),
            Source.from_text("CREATE TABLE u (i INT); CREATE TABLE v (i INT)"),
        ]
        sources[1].fresh_session = fresh
        made = [event for event in survey(sources, MYSQL).events if event.what == "table"]
        return [(event.schema, event.state.foreign_key_checks) for event in made]

    assert read(fresh=False) == [("a", False)] * 3
    assert read(fresh=True) == [("a", False), (None, None), (None, None)]


def test_what_a_source_is_for() -> None:
    source = Source.from_text("CREATE TABLE t (i INT) $$ SELECT 1")
    source.schema, source.delimiter, source.fresh_session = "s", b"$$", True
    inventory = survey([source], MYSQL)
    assert [(event.verb, event.schema) for event in inventory.events] == [
        ("use", "s"),
        ("create", "s"),
    ]
    assert inventory.statements == 2


def test_a_dump_that_is_cut_off() -> None:
    head = "-- MySQL dump 10.13  Distrib 8.0.36\nSELECT 1;\n"
    assert surveyed(head).truncated == ["cell"]
    assert surveyed(head + "-- Dump completed on 2024-01-01\n").truncated == []


@pytest.mark.slow
@pytest.mark.thorough
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        file = tmp_path / "rows.sql"
        row = b"INSERT INTO s.t VALUES (1,'%s');\n" % (b"x" * 200)
        file.write_bytes(b"CREATE TABLE s.t (i INT);\n" + row * rows)
        source = Source.from_file(file)
        tracemalloc.start()
        try:
            inventory = survey([source], MYSQL)
            assert inventory.tables[("s", "t")].statements == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            source.close()

    peak(10)
    assert peak(20_000) < peak(4_000) + 200_000


def test_a_script_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cell:1:8: a quote begins here"):
        surveyed("SELECT 'x")
    file = tmp_path / "cut.sql.gz"
    file.write_bytes(gzip.compress(b"SELECT 1;" * 1000)[:-9])
    source = Source.from_file(file)
    with pytest.raises(ScriptError, match="cut short"):
        survey([source], MYSQL)
    source.close()


# Rights -----------------------------------------------------------------------------------------


def test_rights_of_an_account() -> None:
    grants = Grants.parse(
        [
            "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*1234'",
            "GRANT PROCESS ON *.* TO `u`@`%`",
            "GRANT SELECT, INSERT (`a`, `b`), CREATE VIEW ON `my\\_db%`.* TO `u`@`%`",
            "GRANT ALL PRIVILEGES ON `all`.* TO `u`@`%` WITH GRANT OPTION",
            "GRANT DELETE ON `x`.`t``s` TO `u`@`%`",
            "GRANT `role`@`%` TO `u`@`%`",
            "GRANT PROXY ON ``@`` TO `u`@`%`",
            "GRANT EXECUTE ON PROCEDURE `x`.`p` TO `u`@`%`",
        ]
    )
    assert grants.allow("PROCESS")
    assert not grants.allow("USAGE")
    assert grants.allow("SELECT", "my_db1", "t")
    assert not grants.allow("SELECT", "myxdb", "t")
    assert not grants.allow("INSERT", "my_db")  # on columns only
    assert grants.allow("CREATE VIEW", "my_db")
    assert grants.allow("DROP", "all")
    assert grants.allow("GRANT OPTION", "all")
    assert not grants.allow("GRANT OPTION", "my_db")
    assert grants.allow("DELETE", "x", "t`s")
    assert not grants.allow("DELETE", "x")
    assert not grants.any_of("SUPER", "CONNECTION_ADMIN")


@pytest.mark.parametrize(
    ("lines", "merges", "is_allowed", "place"),
    [
        (["SELECT ON `lab`.* TO `u`@`%`", "TRIGGER ON `la%`.* TO `u`@`%`"], False, False, "lab"),
        (["SELECT ON `lab`.* TO `u`@`%`", "TRIGGER ON `la%`.* TO `u`@`%`"], True, False, "lab"),
        (["SELECT ON `la%`.* TO `u`@`%`", "TRIGGER ON `l%`.* TO `u`@`%`"], False, False, "la%"),
        (["SELECT ON `la%`.* TO `u`@`%`", "TRIGGER ON `l%`.* TO `u`@`%`"], True, True, "la%"),
        (["TRIGGER ON `la%`.* TO `u`@`%`", "SELECT ON `l%`.* TO `u`@`%`"], False, True, "la%"),
        (["SELECT ON `la%`.* TO `u`@`%`", "TRIGGER ON `la_`.* TO `u`@`%`"], False, False, "la%"),
        (["SELECT ON `lab`.* TO `u`@`%`", "TRIGGER ON `l%`.* TO `r`"], False, True, "lab"),
        (["TRIGGER ON `l%`.* TO `r`"], False, True, "lab"),
        (["TRIGGER ON `l\\_b`.* TO `u`@`%`"], False, False, "lab"),
    ],
)
def test_which_of_several_patterns_counts(
    lines: list[str], merges: bool, is_allowed: bool, place: str
) -> None:
    grants = Grants.parse([f"GRANT {line}" for line in lines], merges_patterns=merges)
    assert grants.allow("TRIGGER", "lab", "t") is is_allowed
    assert grants.place("lab") == place


def test_a_grant_names_a_schema_and_no_pattern() -> None:
    assert Grants.parse([]).place("a_b%") == "a\\_b\\%"
    assert Grants.parse([], partial_revokes=True).place("a_b") == "a_b"


def test_rights_that_hold_all_but_somewhere() -> None:
    grants = Grants.parse(
        ["GRANT SELECT, INSERT ON *.* TO `u`@`%`", "REVOKE INSERT ON `x_y`.* FROM `u`@`%`"],
        partial_revokes=True,
    )
    assert grants.allow("INSERT", "y")
    assert grants.allow("SELECT", "x_y")
    assert not grants.allow("INSERT", "x_y", "t")
    exact = Grants.parse(["GRANT INSERT ON `a_b`.* TO `u`@`%`"], partial_revokes=True)
    assert exact.allow("INSERT", "a_b")
    assert not exact.allow("INSERT", "axb")


# Words ------------------------------------------------------------------------------------------


def test_words() -> None:
    assert some(["a", "b", "c", "d"]) == "a, b, c, d"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert str(Finding("k", "no \x1b[1m", "", "f:1:1", 7)) == r"f:1:1: no \x1b[1m (error 7)."
