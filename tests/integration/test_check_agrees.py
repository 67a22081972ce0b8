"""`--check` and a load agree: whether a script is loaded, and where it is refused first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import ScriptError, SidecarError, StatementError
from sidecar_magics.load import load
from sidecar_magics.load.check import check
from tests.corpus.handwritten import PROJECT, SCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar_magics.load.check import CheckReport
    from tests.servers import Server

pytestmark = pytest.mark.server

# What depends on rows, or on what a procedure does: --check says that it cannot know.
OF_ROWS = {1048, 1062, 1264, 1292, 1364, 1366, 1406, 1452}
OF_PROGRAMS = {"fails-1305-in-a-procedure.sql"}
PLACE = re.compile(r"[^/\s]*:(\d+):(\d+)")
FIRST = "CREATE DATABASE lab;\nUSE lab;\n"
TABLES = "CREATE TABLE t (id INT PRIMARY KEY, s TEXT);\nCREATE TABLE u (id INT);\n"

SCRIPTS_AND_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "into a schema that is not there": (
        "USE a;\nCREATE TABLE t (i INT);\nINSERT INTO t VALUES (1);\n",
        {"into": "fresh"},
    ),
    "a trigger on what is not wanted": (
        FIRST + TABLES + "CREATE TRIGGER r BEFORE INSERT ON u FOR EACH ROW SET @a = 1;\n",
        {"tables": ("t",)},
    ),
    "a sql_mode as a number": (
        FIRST + TABLES + "SET SESSION sql_mode = 1048576;\nINSERT INTO t VALUES (1, 'a\\');\n",
        {},
    ),
    "a sql_mode that is computed": (
        FIRST + TABLES + "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES');\n"
        'INSERT INTO "t" VALUES (1, \'"\');\n',
        {},
    ),
    "two schemas into one": (
        FIRST + "CREATE TABLE t (i INT);\nCREATE DATABASE other;\nCREATE TABLE other.t (i INT);\n",
        {"into": "fresh"},
    ),
    "a dump that rolls back": (
        "-- MySQL dump 10.13\n" + FIRST + TABLES + "SET autocommit = 0;\n"
        "INSERT INTO t VALUES (1, 'a');\nROLLBACK;\n",
        {},
    ),
    "definitions of some schemas": (
        "CREATE DATABASE h;\nCREATE TABLE h.t (i INT);\nCREATE DATABASE k;\n"
        "CREATE TABLE k.t (i INT);\n",
        {"schema_only": True, "tables": ("h.*",)},
    ),
    "words that are names here": (
        FIRST + "CREATE TABLE t (sequence INT, package INT, uuid INT, inet6 INT, year INT,"
        " json INT, KEY uuid (uuid), KEY `json` (json));\n"
        "CREATE VIEW v AS SELECT sequence AS package, year AS json FROM t;\n"
        "INSERT INTO t (sequence, uuid) VALUES (1, 2);\nSELECT json AS uuid FROM t;\n",
        {},
    ),
    "a mistake before a PREPARE": (
        FIRST + "CREATE TABLE t (i INT, b TEXT DEFAULT 'x', g GEOMETRY DEFAULT 1);\n"
        "PREPARE p FROM 'SELECT 1';\nEXECUTE p;\n",
        {},
    ),
    "a view on nothing": (FIRST + "CREATE VIEW v AS SELECT * FROM gone;\n", {}),
    "a table like nothing": (FIRST + "CREATE TABLE t LIKE gone;\n", {}),
    "a table of a selection": (
        FIRST + "CREATE TABLE t AS SELECT 1 AS a, 'b' AS b;\n"
        "CREATE TABLE u AS SELECT a FROM t WHERE c > 1;\n",
        {},
    ),
    "a question about nothing": (FIRST + "SELECT COUNT(*) FROM gone;\n", {}),
    "a question before a change": (FIRST + "SELECT * FROM gone;\nTRUNCATE gone;\n", {}),
    "a change before a question": (FIRST + "TRUNCATE gone;\nSELECT * FROM gone;\n", {}),
    "a look at nothing": (FIRST + TABLES + "DESC t;\nDESCRIBE `gone` id;\n", {}),
    "a look at nothing's columns": (
        FIRST + TABLES + "SHOW FULL COLUMNS FROM u;\nSHOW FIELDS IN gone FROM lab;\n",
        {},
    ),
    "a look at nothing's keys": (FIRST + "SHOW INDEX FROM lab.gone;\n", {}),
    "a look at nothing's definition": (
        FIRST + TABLES + "SHOW CREATE TABLE t;\nSHOW CREATE TABLE gone;\n",
        {},
    ),
    "names that are words of other statements": (
        FIRST + "CREATE TABLE t (connection INT, directory TEXT, s3 INT);\n"
        "CREATE VIEW v AS SELECT connection FROM t s3;\nSELECT s3.a FROM gone s3;\n",
        {},
    ),
    "the plan of a question about nothing": (
        FIRST + TABLES + "EXPLAIN SELECT * FROM t;\nEXPLAIN SELECT * FROM gone;\n",
        {},
    ),
    "a column that is not there": (FIRST + TABLES + "INSERT INTO t (id, x) VALUES (1, 2);\n", {}),
    "rows that are too short": (FIRST + TABLES + "INSERT INTO t VALUES (1);\n", {}),
    "an update of nothing": (FIRST + TABLES + "UPDATE t SET gone = 1;\n", {}),
    "a key on what is not unique": (
        FIRST + TABLES + "CREATE TABLE c (p INT, FOREIGN KEY (p) REFERENCES t (s(9)));\n",
        {},
    ),
    "a parent that comes later": (
        FIRST + "CREATE TABLE c (p INT, FOREIGN KEY (p) REFERENCES q (id));\n"
        "CREATE TABLE q (id INT PRIMARY KEY);\n",
        {},
    ),
    "the tool's warning as a first line": ("mysqldump: [Warning] Using a password.\n" + FIRST, {}),
    "an unknown variable": (FIRST + "SET GLOBAL nosuch = 1;\n", {}),
    "an unknown mode": (FIRST + "SET sql_mode = 'NO_SUCH_MODE';\n", {}),
    "a SET of another dialect": (FIRST + TABLES + "SET IDENTITY_INSERT t ON;\n", {}),
    "a lock that cannot be read": (FIRST + TABLES + "LOCK TABELS t WRITE;\n", {}),
    "a COMMIT that cannot be read": (FIRST + TABLES + "COMMIT WORKK;\n", {}),
    "a DO that cannot be read": (FIRST + "DO 1 2;\n", {}),
    "what is read, and not executed": (
        FIRST + TABLES + "SET NAMES DEFAULT; SET CHARACTER SET utf8mb4; SET GLOBAL sort_buffer_size"
        " = DEFAULT; SET @@session.sql_notes = 1, @a := (SELECT 1), @b = @a + 1;\n"
        "LOCK TABLES t READ LOCAL, u AS x WRITE; UNLOCK TABLES; LOCK TABLE t READ; UNLOCK TABLE;\n"
        "BEGIN; COMMIT; BEGIN WORK; ROLLBACK WORK; START TRANSACTION WITH CONSISTENT SNAPSHOT;\n"
        "SAVEPOINT a; ROLLBACK TO SAVEPOINT a; RELEASE SAVEPOINT a; COMMIT AND NO CHAIN;\n"
        "SET TRANSACTION READ WRITE; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\n"
        "XA START 'x'; XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'; XA RECOVER;\n"
        "SHOW TABLES; DESCRIBE t; DESC t id; EXPLAIN SELECT 1; CHECKSUM TABLE t; DO SLEEP(0);\n"
        "HELP 'SELECT'; SHOW CREATE TABLE t; SHOW FULL COLUMNS FROM t LIKE '%d';\n"
        "(SELECT 1) UNION (SELECT 2); WITH c AS (SELECT 1 AS n) SELECT n FROM c;\n"
        "VALUES ROW(1);\n",  # of MySQL
        {},
    ),
    "an unknown character set": (FIRST + "SET NAMES nosuch;\n", {}),
    "a procedure that is not there": (FIRST + "CALL nothing();\n", {}),
    "a procedure that is made": (
        FIRST + "CREATE PROCEDURE p() SELECT 1;\nCALL p();\nDROP PROCEDURE p;\n",
        {},
    ),
    "a mistake after a call": (
        FIRST
        + "CREATE PROCEDURE p() SELECT 1;\nCALL p();\nCREATE TABLE t (i INT) LOCK TABLES x;\n",
        {},
    ),
    "a sequence, and a mistake": (  # MariaDB's; MySQL has none
        FIRST + "DROP SEQUENCE IF EXISTS s;\nCREATE SEQUENCE s START WITH 5;\n"
        "SELECT NEXTVAL(s), SETVAL(s, 9, 0);\nCREATE TABLE t (i INT DEFAULT NEXTVAL(s));\n"
        "INSERT INTO t VALUES (DEFAULT);\nDROP SEQUENCE s;\nSELECT * FROM gone;\n",
        {},
    ),
    "a sequence twice": (FIRST + "CREATE SEQUENCE s;\nCREATE SEQUENCE s;\n", {}),
    "a mistake in a procedure": (
        FIRST + "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELEC 1; END//\nDELIMITER ;\n",
        {},
    ),
    "an account that cannot be read": (FIRST + "CREATE USER IDENTIFIED;\n", {}),
    "everything twice": (FIRST + TABLES + TABLES, {}),
    "if it exists": (FIRST + "DROP TABLE IF EXISTS t;\nDROP VIEW IF EXISTS v;\n" + TABLES, {}),
    "altered on the way": (
        FIRST
        + TABLES
        + "ALTER TABLE t ADD n INT, ADD KEY (n);\nINSERT INTO t VALUES (1, 'a', 2);\n"
        "RENAME TABLE t TO t2;\nINSERT INTO t2 (n) VALUES (5);\nALTER TABLE t2 DROP KEY nosuch;\n",
        {},
    ),
    "without a schema": ("CREATE TABLE t (i INT);\n", {}),
    "a schema that is dropped": (
        FIRST + TABLES + "DROP DATABASE lab;\nINSERT INTO t VALUES (1);\n",
        {},
    ),
    "too long a name": (FIRST + f"CREATE TABLE {'n' * 65} (i INT);\n", {}),
    "an unknown function": (FIRST + TABLES + "CREATE VIEW v AS SELECT nosuch(id) FROM t;\n", {}),
    "a duplicate": (
        FIRST + TABLES + "INSERT INTO t VALUES (1, 'a');\nINSERT INTO t VALUES (1, 'b');\n",
        {},
    ),
}


def first_place(text: str) -> tuple[int, int] | None:
    found = PLACE.search(text)
    return (int(found[1]), int(found[2])) if found else None


def foreseen(path: Path, server: Server, options: dict[str, Any]) -> tuple[int, int] | str:
    """Return the first place that --check finds something at; or that there is none."""
    try:
        report: CheckReport = check(path, server.settings, **options)
    except ScriptError as error:
        return first_place(str(error)) or "no place"
    places = [place for problem in report.problems if (place := first_place(problem.place))]
    return min(places, default="loads")


def happened(path: Path, server: Server, options: dict[str, Any]) -> tuple[int, int] | str:
    """Return where a load is refused; or that it is not."""
    try:
        load(path, server.settings, jobs=1, **options)
    except StatementError as error:
        if error.errno in OF_ROWS or path.name in OF_PROGRAMS:
            return "stopped by what nobody can foresee"
        return error.line, error.column
    except SidecarError as error:
        return first_place(str(error)) or "no place"
    return "loads"


def scratch(server: Server) -> list[str]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW SCHEMAS LIKE 'sidecar\\_check\\_%'")
        return [name for (name,) in cursor.fetchall()]


def both_ways(path: Path, server: Server, options: dict[str, Any]) -> None:
    """Compare on an empty server, and again on one that has what the first load has made."""
    for _ in range(2):
        said = foreseen(path, server, options)
        assert not scratch(server)
        did = happened(path, server, options)
        # After what nobody can foresee there may be what can be.
        assert said == did or did == "stopped by what nobody can foresee"


@pytest.mark.parametrize("name", SCRIPTS_AND_OPTIONS)
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_script_of_a_few_lines(
    flavour: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(f"{flavour}_server")
    script, options = SCRIPTS_AND_OPTIONS[name]
    path = tmp_path / "script.sql"
    path.write_text(script)
    both_ways(path, server, options)


OPTIONS: list[dict[str, Any]] = [
    {"schema_only": True},
    {"data_only": True},
    {"into": "fresh"},
    {"skip_definer": True},
    {"tables": ("*e*",)},
]


FILES = [
    *sorted(SCRIPTS.glob("*.sql")),
    PROJECT / "tests/data/rich.sql",
    PROJECT / "notebooks/data/spyglass-prepopulate.sql.gz",
]


# Sixty schemas, made and rehearsed four times, take MySQL a minute: `.ci/run` does it once.
SPYGLASS = FILES[-1]


@pytest.mark.thorough
def test_the_spyglass_dump(mysql_server: Server) -> None:
    assert foreseen(SPYGLASS, mysql_server, {}) == happened(SPYGLASS, mysql_server, {}) == "loads"
    assert not scratch(mysql_server)


@pytest.mark.parametrize(
    ("flavour", "number"),
    [
        pytest.param(
            *(flavour, number),
            id=f"{flavour}-{path.name}",
            marks=pytest.mark.campaign if (flavour, path) == ("mysql", SPYGLASS) else (),
        )
        for flavour in ("mysql", "mariadb")
        for number, path in enumerate(FILES)
    ],
)
def test_a_script_of_the_corpus(flavour: str, number: int, request: pytest.FixtureRequest) -> None:
    """Also what was made for the other kind of server."""
    path = FILES[number]
    if path.name == "accounts.sql":
        pytest.skip("what is done to accounts is not undone between tests")
    server: Server = request.getfixturevalue(f"{flavour}_server")
    both_ways(path, server, {})
    server.drop_schemas()
    both_ways(path, server, OPTIONS[number % len(OPTIONS)])
