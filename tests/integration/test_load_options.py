"""What each option of a load does, alone and together with others, on real servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.cli import main
from sidecar_magics.connection import connect_now
from sidecar_magics.errors import (
    LoadStoppedError,
    ScriptError,
    SettingsError,
    SidecarError,
    StatementError,
)
from sidecar_magics.load import load, load_sql
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import INTERRUPTED, LIMIT_S, meanwhile, running, until
from tests.corpus.fingerprint import difference, fingerprint
from tests.servers import MYSQLS_COLLATION, Server, takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

pytestmark = pytest.mark.server

DUMP = Path(__file__).parents[2] / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"

# Names without their schema, as a dump of one schema has them.
ZOO = """\
CREATE TABLE animal (id INT PRIMARY KEY, name VARCHAR(40));
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40));
INSERT INTO animal VALUES (1, 'zoo.animal'), (2, '`zoo`.`animal`');
DELIMITER ;;
CREATE DEFINER=`ghost`@`%` TRIGGER born AFTER INSERT ON animal FOR EACH ROW
  INSERT INTO log (what) VALUES (NEW.name);;
CREATE DEFINER=`ghost`@`%` FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;;
DELIMITER ;
CREATE DEFINER=`ghost`@`%` VIEW names AS SELECT name FROM animal;
"""
WHOLE_ZOO = (
    "CREATE DATABASE zoo; USE zoo;\n"
    + ZOO
    + "CREATE VIEW zoo.ids AS SELECT `zoo`.`animal`.`id` FROM `zoo`.`animal`;\n"
)

# More than one lane can take at once, so that what comes after it could overtake it.
MANY_ROWS = "".join(
    "INSERT INTO p VALUES {};\n".format(",".join(f"({i}, 'x')" for i in range(first, first + 500)))
    for first in range(0, 6000, 500)
)

# What the result of depends on the order of the statements, in ways that are easily missed.
IN_ORDER = {
    "a key in use is taken from an index": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT PRIMARY KEY, v INT);\n"
        + "".join(f"REPLACE INTO t VALUES (1, {n});\n" for n in range(50))
        + "INSERT IGNORE INTO t VALUES (1, 99), (2, 99); INSERT INTO t VALUES (3, 3);\n"
    ),
    "rows without a key lie as they came": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (v INT); CREATE TABLE u (v INT);\n"
        + "".join(
            f"INSERT INTO t VALUES ({n}); INSERT INTO u VALUES ({n});"
            f" INSERT INTO o.t VALUES (-{n}); /*!50000 INSERT INTO `o` . t VALUES (0) */;\n"
            for n in range(50)
        )
    ),
    "numbers are counted up": (
        "CREATE DATABASE o; USE o;"
        " CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT UNIQUE);\n"
        "INSERT INTO t (v) VALUES (1), (2); INSERT IGNORE INTO t (v) VALUES (1), (2), (3);\n"
        "INSERT INTO t (v) VALUES (4); REPLACE INTO t (v) VALUES (4);\n"
        "INSERT INTO t (id, v) VALUES (NULL, 7), (50, 8), (NULL, 9);\n"
        "INSERT INTO t VALUES (0, 10), (5-5, 12);\n"
    ),
    "names look alike": (
        "CREATE DATABASE `o.b`; CREATE DATABASE o;"
        " CREATE TABLE `o.b`.`c` (id INT AUTO_INCREMENT PRIMARY KEY, v INT);"
        " CREATE TABLE o.`b.c` LIKE `o.b`.c; CREATE TABLE o.T (id INT PRIMARY KEY);"
        " CREATE TABLE o.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT);"
        " CREATE TABLE o.`x``y` (id INT PRIMARY KEY);\n"
        + "".join(
            f"INSERT INTO `o.b`.`c` (v) VALUES ({n}); INSERT INTO o.`b.c` (v) VALUES ({n});"
            f" INSERT INTO o.T VALUES ({n}); INSERT INTO o.t (v) VALUES ({n});"
            f" INSERT INTO o.`x``y` VALUES ({n});\n"
            for n in range(20)
        )
    ),
    "a temporary table hides another": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT);\n"
        "INSERT INTO t (v) VALUES (1); CREATE TEMPORARY TABLE t (id INT, v INT);\n"
        "INSERT INTO t (v) VALUES (5), (6); CREATE TABLE z SELECT * FROM t;\n"
        "DROP TEMPORARY TABLE t; INSERT INTO t (v) SELECT v FROM z;\n"
    ),
    "a transaction is rolled back, in part": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (v INT);\n"
        "START TRANSACTION; INSERT INTO t VALUES (4); SAVEPOINT s; INSERT INTO t VALUES (5);\n"
        "ROLLBACK TO s; COMMIT; BEGIN; INSERT INTO t VALUES (6); CREATE TABLE u (v INT);\n"
        "ROLLBACK; SET autocommit = 0; INSERT INTO t VALUES (40); ROLLBACK;\n"
        "INSERT INTO t VALUES (41);\n"
    ),
    "a table is made anew, altered and renamed between its rows": (
        "CREATE DATABASE o; USE o;\n"
        + "".join(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200), KEY (v));"
            f"\nINSERT INTO t VALUES {rows};\nALTER TABLE t ADD w INT DEFAULT {n};\n"
            "ALTER TABLE t DROP KEY v; ALTER TABLE t ADD KEY k (w);"
            f" INSERT INTO t VALUES (9000, 'x', 7); ALTER TABLE t RENAME t{n};\n"
            for n, rows in enumerate(
                ",".join(f"({i}, '{'x' * 150}')" for i in range(first, first + 1000))
                for first in (1, 2000)
            )
        )
    ),
    "a partition changes places with a table": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT PRIMARY KEY)"
        " PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (1000));\n"
        "CREATE TABLE u (id INT PRIMARY KEY); INSERT INTO u VALUES (1), (2);\n"
        "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u; INSERT INTO u VALUES (1);\n"
        "INSERT INTO t VALUES (3); ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u;\n"
        "INSERT INTO t VALUES (2); TRUNCATE u; INSERT INTO u VALUES (7);\n"
    ),
    "quotes mean names for a while": (
        'SET sql_mode = \'ANSI\'; CREATE DATABASE "o"; USE "o";'
        ' CREATE TABLE "t" ("id" INT AUTO_INCREMENT PRIMARY KEY, "v" VARCHAR(20));\n'
        'INSERT INTO "t" ("v") VALUES (\'a\'\'b\'); INSERT INTO "o"."t" (v) VALUES (\'c\');\n'
        "SET sql_mode = ''; INSERT INTO t (v) VALUES (\"d;\");\n"
    ),
}

# The same, but wrong so far: each with the reason.
NOT_YET_IN_ORDER = {
    "a schema is made anew and entered again": (
        "CREATE DATABASE o; USE o; DROP DATABASE o; CREATE DATABASE o; USE o;"
        " CREATE TABLE t (v INT);",
        "a DROP DATABASE that runs alone leaves the default schema in the planner's session",
    ),
    "a row refers to one that comes before it": (
        "CREATE DATABASE o; USE o; CREATE TABLE p (id INT PRIMARY KEY, v CHAR(200));"
        " CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));\n"
        + MANY_ROWS
        + "INSERT INTO c VALUES (1, 5999);",
        "rows do not wait for those of the table that they refer to",
    ),
    "the last number that was counted up": (
        "CREATE DATABASE o; USE o; CREATE TABLE p (id INT PRIMARY KEY, v CHAR(200));"
        " CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT); CREATE TABLE r (a INT);\n"
        + MANY_ROWS
        + "INSERT INTO t (v) VALUES (7); INSERT INTO t (v) VALUES (8);\n"
        "SET @id = LAST_INSERT_ID(); INSERT INTO r VALUES (@id);",
        "LAST_INSERT_ID() is asked for on another connection than the one that counted",
    ),
    "a trigger adds up in a variable": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE r"
        " (id INT PRIMARY KEY, v INT);\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW"
        " SET @s = @s + NEW.v;\nSET @s = 0; INSERT INTO t VALUES (1, 5), (2, 6);\n"
        "SET @k = @s; INSERT INTO r VALUES (1, @k);",
        "a variable that a function or trigger changes is followed as if it had not",
    ),
    "rows go through a view": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT);"
        " CREATE VIEW w AS SELECT v FROM t;\n"
        + "".join(
            f"INSERT INTO w VALUES ({n}); INSERT INTO t (v) VALUES (-{n});" for n in range(300)
        ),
        "a view that is not made yet when its rows are read is taken for a table",
    ),
    "a table with a trigger takes another name": (
        "CREATE DATABASE o; USE o; CREATE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY, v INT);"
        " CREATE TABLE t (id INT PRIMARY KEY, v INT);\nCREATE TRIGGER g AFTER INSERT ON t"
        " FOR EACH ROW INSERT INTO n (v) VALUES (NEW.v);\nRENAME TABLE t TO b;\n"
        + "".join(
            f"INSERT INTO b VALUES ({n}, {n}); INSERT INTO n (v) VALUES (-{n});" for n in range(300)
        ),
        "a table that is not renamed yet when its rows are read is taken for one without triggers",
    ),
    "a function sets a variable": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT PRIMARY KEY, v INT);\n"
        "DELIMITER ;;\nCREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC NO SQL"
        " BEGIN SET @y = x; RETURN x; END;;\nDELIMITER ;\n"
        "SET @y = 0; INSERT INTO t VALUES (1, f(42)); SET @z = @y; INSERT INTO t VALUES (2, @z);",
        "a variable that a function or trigger changes is followed as if it had not",
    ),
    "a variable is text in another character set": (
        b"CREATE DATABASE o; USE o; CREATE TABLE t (v VARCHAR(9)) CHARACTER SET utf8mb4;"
        b"SET NAMES latin1; SET @x = '\xe9'; SET NAMES utf8mb4; INSERT INTO t VALUES (@x);",
        "a variable's text is sent in the character set of a later statement",
    ),
    "an index lies before one over places": (
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200),"
        " g POINT NOT NULL SRID 0, KEY a (v), SPATIAL KEY s (g));\nINSERT INTO t VALUES "
        + ",".join(
            f"({i}, '{'x' * 120}', 0x000000000101000000000000000000F03F000000000000F03F)"
            for i in range(800)
        )
        + ";",
        "SPATIAL KEY keeps its place among the other indexes, which come behind it when remade",
    ),
    "an index has a comment with a backslash": (
        "CREATE DATABASE o; USE o; SET sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE TABLE t"
        " (id INT PRIMARY KEY, v VARCHAR(200), KEY a (v) COMMENT 'a\\b');\nINSERT INTO t VALUES "
        + ",".join(f"({i}, '{'x' * 150}')" for i in range(1000))
        + ";",
        "SHOW CREATE TABLE is read in one sql_mode and its text sent in another",
    ),
}


@pytest.fixture
def settings(mysql_server: Server) -> ConnectionSettings:
    return mysql_server.settings


@pytest.fixture
def maria(mariadb_server: Server) -> ConnectionSettings:
    return mariadb_server.settings


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a script and returns its path."""

    def write_script(text: str | bytes, name: str = "script.sql") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_script


@pytest.fixture
def environment(mysql_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find the server."""
    monkeypatch.setenv("SIDECAR_MYSQL_HOST", mysql_server.host)
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)


def query(settings: ConnectionSettings, sql: str) -> list[tuple[Any, ...]]:
    with connect_now(settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def objects(settings: ConnectionSettings, schema: str) -> set[str]:
    """Return the names of what a schema has: tables, views, triggers, routines."""
    names = query(
        settings,
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'"
        " UNION ALL SELECT trigger_name FROM information_schema.triggers"
        f" WHERE trigger_schema = '{schema}'"
        " UNION ALL SELECT routine_name FROM information_schema.routines"
        f" WHERE routine_schema = '{schema}'",
    )
    return {name for (name,) in names}


def others(settings: ConnectionSettings) -> list[Any]:
    """Return what other connections are doing."""
    rows = query(settings, "SHOW FULL PROCESSLIST")
    others = [row[7] for row in rows if row[1] == settings.user]
    return [doing for doing in others if "PROCESSLIST" not in str(doing)]


def feed_client(server: Server, script: bytes, *options: str) -> str:
    command = [*server.client, "--comments", *options]
    done = subprocess.run(command, input=script, capture_output=True, check=False, timeout=LIMIT_S)
    return done.stderr.decode()


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sidecar_magics.cli", "load", *arguments]


# What of the script ------------------------------------------------------------------------------


def test_tables_are_chosen_with_what_belongs_to_them(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    report = load(write(WHOLE_ZOO), settings, tables=["anim*", "zoo.nope"], skip_definer=True)
    assert objects(settings, "zoo") == {"animal", "born"}
    assert query(settings, "SELECT COUNT(*) FROM zoo.animal") == [(2,)]
    assert any("zoo.nope" in note for note in report.notes)
    assert report.skipped


def test_schema_and_rows_can_be_loaded_one_after_the_other(
    mysql_server: Server, settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    script = WHOLE_ZOO.replace("`ghost`@`%`", "CURRENT_USER")
    tables = script.split("DELIMITER")[0]  # a trigger would watch the rows
    file = write(tables)
    feed_client(mysql_server, tables.encode())
    wanted = fingerprint(mysql_server, dump=False)
    mysql_server.drop_schemas()
    assert load(file, settings, schema_only=True).rows == 0
    assert query(settings, "SELECT COUNT(*) FROM zoo.animal") == [(0,)]
    assert load(file, settings, data_only=True, jobs=4).rows == 2
    assert not difference(wanted, fingerprint(mysql_server, dump=False))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schema_only": True, "data_only": True}, "exclude each other"),
        ({"jobs": 0}, "at least one"),
        ({"into": "mysql"}, "no schema to load into"),
        ({"into": ""}, "no schema to load into"),
        ({"tables": [""]}, "pattern"),
        ({"collation_map": "utf8mb4_bin"}, "FROM=TO"),
    ],
)
def test_choices_that_make_no_sense_are_refused_before_anything_is_done(
    options: dict[str, Any], words: str, settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    with pytest.raises(SettingsError, match=words):
        load(write(WHOLE_ZOO), settings, **options)
    assert objects(settings, "zoo") == set()


def test_definers_are_left_out(settings: ConnectionSettings, write: Callable[..., Path]) -> None:
    load(write(WHOLE_ZOO), settings, skip_definer=True)
    definers = query(
        settings,
        "SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'zoo'"
        " UNION SELECT definer FROM information_schema.views WHERE table_schema = 'zoo'"
        " UNION SELECT definer FROM information_schema.routines WHERE routine_schema = 'zoo'",
    )
    assert definers == [("root@localhost",)]
    query(settings, "INSERT INTO zoo.animal VALUES (3, 'c')")  # the trigger may run


@pytest.mark.parametrize("script", [ZOO, WHOLE_ZOO])
def test_all_of_it_goes_into_another_schema(
    script: str, settings: ConnectionSettings, write: Callable[..., Path], mysql_server: Server
) -> None:
    load(write(script), settings, into="ark", skip_definer=True, jobs=4)
    assert mysql_server.schemas() == ["ark"]
    assert objects(settings, "ark") >= {"animal", "log", "born", "one", "names"}
    # What only looks like a name is a text.
    texts = query(settings, "SELECT name FROM ark.animal ORDER BY id")
    assert texts == [("zoo.animal",), ("`zoo`.`animal`",)]
    if script is WHOLE_ZOO:
        assert query(settings, "SELECT COUNT(*) FROM ark.ids") == [(2,)]


def test_a_database_that_is_not_there_is_told(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    with pytest.raises(StatementError, match="nope") as caught:
        load(write(ZOO), settings, database="nope")
    assert caught.value.errno == 1049
    with pytest.raises(StatementError, match="--database") as caught:
        load(write(ZOO), settings)
    assert caught.value.errno == 1046


def test_system_schemas_are_skipped_unless_asked_for(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    file = write(
        "CREATE DATABASE IF NOT EXISTS mysql; USE mysql; CREATE TABLE left_out (a INT);\n"
        "INSERT INTO left_out VALUES (1); CREATE DATABASE IF NOT EXISTS s; USE s;\n"
        "CREATE TABLE IF NOT EXISTS t (a INT); DROP TABLE IF EXISTS mysql.left_out;\n"
    )
    report = load(file, settings)
    assert sum(report.skipped.values()) >= 3
    assert objects(settings, "s") == {"t"}
    report = load(file, settings, system_schemas=True)
    assert report.tables["mysql.left_out"].rows == 1
    assert not report.skipped


# Collations --------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_the_nearest_collations_take_a_dump_of_mysql_8_to_mariadb(
    maria: ConnectionSettings,
) -> None:
    report = load(DUMP, maria, collation_map="nearest")
    assert (len(report.schemas), len(report.tables)) == (60, 296)
    if takes(maria, MYSQLS_COLLATION):
        pytest.skip("this MariaDB knows MySQL's collations, as 11.8 does: none is replaced")
    left = query(
        maria,
        "SELECT COUNT(*) FROM information_schema.columns WHERE collation_name LIKE '%0900%'",
    )
    assert left == [(0,)]


def test_a_collation_is_taken_for_another(settings: ConnectionSettings) -> None:
    load_sql(
        "CREATE DATABASE c; CREATE TABLE c.t (a VARCHAR(3) COLLATE utf8mb4_nope_ci);"
        " INSERT INTO c.t VALUES ('utf8mb4_nope_ci' IS NULL)",
        settings,
        collation_map={"utf8mb4_nope_ci": "utf8mb4_bin"},
    )
    assert "utf8mb4_bin" in query(settings, "SHOW CREATE TABLE c.t")[0][1]


# Going on after errors ---------------------------------------------------------------------------

BROKEN = """\
CREATE DATABASE f; USE f; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(5));
INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b');
INSERT INTO t VALUES (3, 'c'), (1, 'twice');
INSERT INTO t VALUES (4, 'much too long');
INSERT INTO nope VALUES (1);
SELEC 1;
INSERT INTO t VALUES (5, 'e');
CREATE USER u@nope IDENTIFIED BY 's3cret' NONSENSE;
CREATE TABLE u (id INT);
"""


@pytest.mark.parametrize("jobs", [1, 4])
def test_force_goes_on_as_the_client_does_and_tells_every_error(
    jobs: int, mysql_server: Server, settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    told = feed_client(mysql_server, BROKEN.encode(), "--force")
    wanted = fingerprint(mysql_server, dump=False)
    mysql_server.drop_schemas()
    file = write(BROKEN)
    report = load(file, settings, force=True, jobs=jobs)
    assert not difference(wanted, fingerprint(mysql_server, dump=False))
    lines = {int(error.place.rsplit(":", 2)[1]) for error in report.errors}
    assert lines == {3, 4, 5, 6, 8}
    assert len(report.errors) == told.count("ERROR ")
    assert "s3cret" not in f"{report!r} {report._repr_html_()} {report.to_dict()}"


def test_force_goes_on_in_the_right_schema(
    mysql_server: Server, settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    script = (
        "CREATE DATABASE f; CREATE DATABASE g; CREATE TABLE f.t (a INT); CREATE TABLE g.t (a INT);"
        "USE f; INSERT INTO t VALUES (1); SET no_variable = 1; USE g; INSERT INTO t VALUES (2);"
        "USE nowhere; INSERT INTO t VALUES (3); SET sql_mode = ''; INSERT INTO t VALUES ('x');"
    )
    feed_client(mysql_server, script.encode(), "--force")
    wanted = fingerprint(mysql_server, dump=False)
    mysql_server.drop_schemas()
    report = load(write(script), settings, force=True)
    assert not difference(wanted, fingerprint(mysql_server, dump=False))
    assert [error.errno for error in report.errors] == [1193, 1049]


@pytest.mark.parametrize("jobs", [1, 4])
def test_all_before_an_error_is_done_and_nobody_stays_behind(
    jobs: int, settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    tables = "".join(f"CREATE TABLE t{n} (id INT PRIMARY KEY, v CHAR(200));\n" for n in range(3))
    rows = [
        f"INSERT INTO t{n} VALUES "
        + ",".join(f"({i}, 'x')" for i in range(first, first + 200))
        + ";\n"
        for n in range(3)
        for first in range(0, 2000, 200)
    ]
    rows[15] = rows[15].replace(";", ", (1, 'twice');")
    file = write("CREATE DATABASE p; USE p;\n" + tables + "".join(rows))
    with pytest.raises(StatementError, match=r"script\.sql:20:1: error 1062") as caught:
        load(file, settings, jobs=jobs)
    assert caught.value.table == "p.t1"
    assert query(settings, "SELECT COUNT(*) FROM p.t0") == [(2000,)]
    assert query(settings, "SELECT COUNT(*) FROM p.t1") == [(1000,)]  # nothing of it half done
    assert [thread for thread in threading.enumerate() if thread.name.startswith("lane")] == []
    until(lambda: not others(settings))  # what was closed takes a moment to go


def test_an_error_leaves_the_table_with_its_indexes(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    rows = ",".join(f"({n}, '{'x' * 150}')" for n in range(1000))
    file = write(
        "CREATE DATABASE x; USE x; CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200), KEY (v));\n"
        f"INSERT INTO t VALUES {rows};\nINSERT INTO t VALUES (1, 'twice');\n"
    )
    with pytest.raises(StatementError, match=r"script\.sql:[23]:1: error 1062"):
        load(file, settings, jobs=4)
    assert "KEY `v`" in query(settings, "SHOW CREATE TABLE x.t")[0][1]


# Connections -------------------------------------------------------------------------------------


def test_first_statements_are_sent_on_each_connection(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    script = "CREATE DATABASE i; USE i;" + "".join(
        f"CREATE TABLE t{n} (a INT DEFAULT 1, b TIMESTAMP DEFAULT CURRENT_TIMESTAMP);\n"
        + f"INSERT INTO t{n} (a) VALUES (1);\n" * 20
        for n in range(4)
    )
    load(write(script), settings, jobs=4, init=["SET timestamp = 86400", "SET time_zone='+00:00'"])
    for n in range(4):
        assert query(settings, f"SELECT DISTINCT UNIX_TIMESTAMP(b) FROM i.t{n}") == [(86400,)]


def test_the_binary_log_is_left_out_unless_wanted(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    with Server("mariadb", tmp_path / "logging", options=("--log-bin", "--server-id=1")) as server:

        def position() -> tuple[Any, ...]:
            return query(server.settings, "SHOW MASTER STATUS")[0][:2]

        before = position()
        script = "CREATE DATABASE b; CREATE TABLE b.t (a INT); INSERT INTO b.t VALUES (1)"
        load(write(script), server.settings, jobs=3)
        assert position() == before
        load(write("INSERT INTO b.t VALUES (2)"), server.settings, binlog=True)
        assert position() > before


@pytest.mark.parametrize("sql", ["DROP DATABASE d", "/*!50000 DROP TABLE d.t */", "TRUNCATE d.t"])
def test_nothing_is_dropped_on_another_machine_unless_meant(
    sql: str, settings: ConnectionSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_sql("CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (1)", settings)
    monkeypatch.setattr(ConnectionSettings, "is_loopback", property(lambda _: False))
    with pytest.raises(ScriptError, match="not this machine") as caught:
        load_sql(f"SELECT 1;\n{sql};", settings)
    assert str(caught.value).startswith("cell:2:1")
    assert "--yes-remote" in caught.value.hint
    assert query(settings, "SELECT * FROM d.t") == [(1,)]
    assert load_sql(sql, settings, yes_remote=True).statements == 1


def test_an_address_of_this_machine_is_loopback(settings: ConnectionSettings) -> None:
    for host, expected in (("127.0.0.2", True), ("localhost", True), ("192.0.2.1", False)):
        found = ConnectionSettings(host, settings.port, settings.user, settings.password)
        assert found.is_loopback is expected


# Before loading ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_check_and_explain_change_nothing(
    settings: ConnectionSettings,
    write: Callable[..., Path],
    mysql_server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = str(write(WHOLE_ZOO))
    assert main(["load", file, "--check"]) == 0
    assert "ghost@%" in capsys.readouterr().out
    assert main(["load", file, "--explain", "--port", "1"]) == 0  # asks no server
    assert "zoo.animal" in capsys.readouterr().out
    assert main(["load", file, "--explain", "--into", "ark", "--tables", "animal"]) == 0
    assert "ark.animal" in capsys.readouterr().out
    assert main(["load", file, "--explain", "--check"]) != 0
    assert "exclude each other" in capsys.readouterr().err
    assert mysql_server.schemas() == []
    until(lambda: not others(settings))  # what was closed takes a moment to go


# Where scripts come from -------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_standard_input_is_loaded_quietly(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    done = subprocess.run(
        command_line("-", "--quiet", "--into", "piped", "--skip-definer"),
        input=write(WHOLE_ZOO).read_bytes(),
        capture_output=True,
        check=True,
        timeout=LIMIT_S,
    )
    assert done.stdout == done.stderr == b""
    assert query(settings, "SELECT COUNT(*) FROM piped.animal") == [(2,)]


def test_a_pattern_a_folder_and_a_member_of_an_archive(
    settings: ConnectionSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "1.sql").write_text("CREATE DATABASE IF NOT EXISTS z; CREATE TABLE z.a (i INT);")
    (folder / "2.sql").write_text("INSERT INTO z.a VALUES (1);")
    with zipfile.ZipFile(tmp_path / "parts.zip", "w") as archive:
        archive.write(folder / "1.sql", "x/1.sql")
        archive.write(folder / "2.sql", "2.sql")
    load(folder / "*.sql", settings)
    load(f"{tmp_path}/parts.zip:2.sql", settings)
    assert query(settings, "SELECT COUNT(*) FROM z.a") == [(2,)]
    with pytest.raises(ScriptError, match="2 scripts") as caught:
        load(tmp_path / "parts.zip", settings)
    assert "x/1.sql" in caught.value.hint
    query(settings, "DROP DATABASE z")
    load(folder, settings)
    assert query(settings, "SELECT COUNT(*) FROM z.a") == [(1,)]


# Stop and continue --------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_an_interrupt_ends_all_at_once_and_resume_goes_on(
    settings: ConnectionSettings, write: Callable[..., Path], tmp_path: Path
) -> None:
    file = write(
        "CREATE DATABASE n; USE n; CREATE TABLE t (a INT PRIMARY KEY);\n"
        "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);\n"
        "INSERT INTO t SELECT 3 + SLEEP(IF(@@global.long_query_time > 5, 600, 0));\n"
        "INSERT INTO t VALUES (4);\n"
    )
    with running(
        command_line("script.sql", "--resume", "--jobs", "2"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        until(lambda: any("IF(" in str(sql) for sql in others(settings)))
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=LIMIT_S)[1].decode()
    assert process.returncode in INTERRUPTED
    assert "Stopped loading script.sql near script.sql:" in told
    assert "--resume" in told
    assert "Traceback" not in told
    until(lambda: not others(settings))  # what was closed takes a moment to go
    query(settings, "SET GLOBAL long_query_time = 1")
    try:
        load(file, settings, resume=True)
    finally:
        query(settings, "SET GLOBAL long_query_time = DEFAULT")
    assert query(settings, "SELECT a FROM n.t") == [(1,), (2,), (3,), (4,)]


@pytest.mark.parametrize("own", [False, True], ids=["ours", "script's own"])
def test_a_lost_connection_does_not_change_the_numbers_that_are_counted_up(
    settings: ConnectionSettings, write: Callable[..., Path], own: bool
) -> None:
    """Nor does a transaction of the script's own, with which the load stops and is resumed."""
    file = write(
        "CREATE DATABASE l; USE l; CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, t INT);\n"
        "SET SESSION sql_select_limit = 1;\n"  # holds for what the load itself asks there, too
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) AUTO_INCREMENT = 5;\n"
        "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO log (t) VALUES (NEW.id);\n"
        "INSERT INTO t (v) VALUES (0), (0), (0); DELETE FROM t WHERE id > 5;\n"
        + ("START TRANSACTION;\n" if own else "")
        + "".join(f"INSERT INTO t (v) VALUES ({n});\n" for n in range(1, 20))
        + "INSERT INTO t (v) VALUES (LAST_INSERT_ID());\n"
        + "INSERT INTO t (v) SELECT SLEEP(IF(@@global.long_query_time > 5, 600, 0));\n"
        + ("COMMIT;\n" if own else "")
    )
    sleeping = (
        "SELECT id FROM information_schema.processlist WHERE info LIKE '%IF(@@%600%'"
        " AND id <> CONNECTION_ID()"
    )
    try:
        with meanwhile(_load_until_lost, file, settings, own):
            ((number,),) = until(lambda: query(settings, sleeping))
            query(settings, "SET GLOBAL long_query_time = 1")
            query(settings, f"KILL {number}")
        if own:
            load(file, settings, resume=True)
    finally:
        query(settings, "SET GLOBAL long_query_time = DEFAULT")
    found = query(settings, "SELECT id, v FROM l.t ORDER BY id")
    assert found == [(5, 0), *((n + 7, n) for n in range(1, 20)), (27, 26), (28, 0)]
    logged = query(settings, "SELECT id, t FROM l.log ORDER BY id")
    assert logged == [(1, 5), (2, 6), (3, 7), *((n - 4, n) for n in range(8, 29))]


def test_a_journal_of_an_earlier_version_is_completed(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    file = write(
        "CREATE DATABASE o; USE o; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT);\n"
        "INSERT INTO t (v) VALUES (1), (2);\n"
    )
    load(file, settings, once=True)
    query(settings, "DROP TABLE sidecar_magics.numbers")
    assert load(file, settings, once=True).already_loaded
    query(settings, "DROP DATABASE o")
    load(file, settings, resume=True)
    assert query(settings, "SELECT id, v FROM o.t") == [(1, 1), (2, 2)]


def test_without_the_right_to_alter_the_report_says_that_numbers_are_higher(
    settings: ConnectionSettings, write: Callable[..., Path], mysql_server: Server
) -> None:
    query(settings, "CREATE DATABASE p")
    query(settings, "CREATE TABLE p.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    query(settings, "DROP USER IF EXISTS filler")
    query(settings, "CREATE USER filler IDENTIFIED BY 'filler'")
    query(settings, "GRANT SELECT, INSERT ON p.* TO filler")
    query(settings, "GRANT ALL ON sidecar_magics.* TO filler")
    filler = replace(settings, user="filler", password=Secret("filler"))
    file = write("INSERT INTO p.t (v) VALUES (1);\nINSERT INTO p.u (v) VALUES (1);\n")
    with pytest.raises(StatementError):  # as if it had been killed: there is no p.u
        load(file, filler, resume=True)
    query(settings, "UPDATE sidecar_magics.numbers SET begins = 9999 WHERE table_name = 't'")
    query(settings, "CREATE TABLE p.u (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    notes = load(file, filler, resume=True).notes
    query(settings, "DROP USER filler")
    assert any("p.t get higher AUTO_INCREMENT numbers than with the client" in n for n in notes)


def _load_until_lost(file: Path, settings: ConnectionSettings, is_lost: bool) -> None:
    if not is_lost:
        load(file, settings, resume=True)
        return
    with pytest.raises(LoadStoppedError):
        load(file, settings, resume=True)


def test_resume_after_an_error_does_what_is_left_and_nothing_twice(
    settings: ConnectionSettings, write: Callable[..., Path], mysql_server: Server
) -> None:
    script = (
        "CREATE DATABASE g; USE g; CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1);\n"
        "INSERT INTO nope VALUES (2);\nINSERT INTO t VALUES (3);\n"
    )
    file = write(script)
    with pytest.raises(StatementError, match=r"script\.sql:2:1"):
        load(file, settings, resume=True)
    with pytest.raises(StatementError, match=r"script\.sql:2:1"):
        load(file, settings, resume=True, jobs=3)
    # What was loaded may not change in between; what comes later may.
    write(script.replace("(1)", "(9)"))
    with pytest.raises(ScriptError, match="has changed"):
        load(file, settings, resume=True)
    write(script.replace("nope", "t   "))
    report = load(file, settings, resume=True, jobs=2)
    assert report.resumed >= 3  # what comes after it may be done as well
    assert query(settings, "SELECT a FROM g.t") == [(1,), (2,), (3,)]
    assert load(file, settings, resume=True).already_loaded


def test_with_nothing_to_resume_it_begins_at_the_beginning(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    report = load(write(WHOLE_ZOO), settings, resume=True, skip_definer=True)
    assert any("beginning" in note for note in report.notes)
    assert report.tables["zoo.animal"].rows == 2


def test_with_nothing_left_to_resume_nothing_is_done_twice(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    query(settings, "CREATE DATABASE IF NOT EXISTS r")
    query(settings, "CREATE TABLE IF NOT EXISTS r.t (a INT)")
    file = write("INSERT INTO r.t VALUES (1);")
    assert [load(file, settings, resume=True).already_loaded for _ in range(2)] == [False, True]
    assert query(settings, "SELECT a FROM r.t") == [(1,)]
    load(file, settings)
    assert query(settings, "SELECT a FROM r.t") == [(1,), (1,)]


def test_what_was_dropped_before_a_resume_is_told(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    file = write("CREATE DATABASE r; USE r; CREATE TABLE t (a INT); INSERT INTO t VALUES (1, 2);")
    with pytest.raises(StatementError, match="1136"):
        load(file, settings, resume=True)
    query(settings, "DROP DATABASE r")
    with pytest.raises(StatementError, match=r"1049|1146") as caught:
        load(file, settings, resume=True)
    assert "dropped since" in str(caught.value)


# Once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["settings", "maria"])
def test_once_loads_what_is_new_and_nothing_else(
    flavour: str, request: pytest.FixtureRequest, write: Callable[..., Path], tmp_path: Path
) -> None:
    settings: ConnectionSettings = request.getfixturevalue(flavour)
    again = (
        "CREATE DATABASE IF NOT EXISTS k; DROP TABLE IF EXISTS k.t; CREATE TABLE k.t (a INT);"
        " INSERT INTO k.t VALUES ({});"
    )
    file = write(again.format(1))

    def loaded(path: Path, **options: Any) -> bool:
        return not load(path, settings, once=True, **options).already_loaded

    assert loaded(file)
    assert not loaded(file)
    os.utime(file, (1, 1))  # touched
    assert not loaded(file)
    assert not loaded(write(again.format(1), "renamed.sql"))
    assert loaded(file, tables=["t"])  # another result
    assert not loaded(file, tables=["t"])
    write(again.format(2))
    assert loaded(file)
    assert query(settings, "SELECT a FROM k.t") == [(2,)]
    query(settings, "DROP DATABASE k")
    assert loaded(file)


def test_a_cell_is_loaded_once(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    cell = "CREATE DATABASE x; CREATE TABLE x.t (a INT);"
    for already in (False, True):
        report = shell.run_cell_magic("mysql_load", "--once --quiet", cell)
        assert report.already_loaded is already


@pytest.mark.parametrize("flavour", ["mysql_server", "mariadb_server"])
def test_a_routine_does_not_change_how_quotes_are_read(
    flavour: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(flavour)
    mode = "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"
    script = f"""\
CREATE DATABASE q; USE q; CREATE TABLE t (a VARCHAR(40)); SET @order = (SELECT 1);
DELIMITER //
CREATE PROCEDURE p() BEGIN {mode}; END //
CREATE FUNCTION f() RETURNS INT DETERMINISTIC BEGIN {mode}; RETURN 1; END //
DELIMITER ;
CALL p();
INSERT INTO t VALUES ("it\\'s; 1");
SELECT f();
INSERT INTO t VALUES ("it\\'s; 2");
PREPARE s FROM '{mode.replace("'", "''")}'; EXECUTE s;
INSERT INTO t VALUES ('\\'); INSERT INTO t VALUES ('3; "');
"""
    wanted = [("it's; 1",), ("it's; 2",), ("\\",), ('3; "',)]
    feed_client(server, script.encode())
    assert query(server.settings, "SELECT a FROM q.t") == wanted
    server.drop_schemas()
    load_sql(script, server.settings)
    assert query(server.settings, "SELECT a FROM q.t") == wanted


# In order ----------------------------------------------------------------------------------------


def compare_with_client(server: Server, script: bytes, file: Path) -> str:
    """Return how a load in parallel differs from the client's, and what either said."""
    refused = feed_client(server, script)
    wanted = fingerprint(server, dump=False)
    server.drop_schemas()
    file.write_bytes(script)
    try:
        load(file, server.settings, jobs=4)
    except SidecarError as error:
        if not refused:
            return str(error)
    return difference(wanted, fingerprint(server, dump=False))


@pytest.mark.parametrize("name", IN_ORDER)
def test_what_depends_on_the_order_is_as_with_the_client(
    name: str, mysql_server: Server, tmp_path: Path
) -> None:
    assert not compare_with_client(mysql_server, IN_ORDER[name].encode(), tmp_path / "o.sql")


@pytest.mark.parametrize(
    "script",
    [pytest.param(script, id=name) for name, (script, reason) in NOT_YET_IN_ORDER.items()],
)
def test_what_is_easily_missed_is_as_with_the_client(
    script: str | bytes, mysql_server: Server, tmp_path: Path
) -> None:
    script = script if isinstance(script, bytes) else script.encode()
    assert not compare_with_client(mysql_server, script, tmp_path / "o.sql")


# Secrets -----------------------------------------------------------------------------------------


def test_a_password_in_a_first_statement_is_not_kept(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    with pytest.raises(StatementError):
        load(
            write("SELECT 1; INSERT INTO nope.t VALUES (1);"),
            settings,
            resume=True,
            init=["SET @password = 's3cret'"],
        )
    assert "s3cret" not in str(query(settings, "SELECT * FROM sidecar_magics.loads"))


def test_a_refused_first_statement_is_told_without_its_password(
    settings: ConnectionSettings, write: Callable[..., Path]
) -> None:
    with pytest.raises(SidecarError) as caught:
        load(write("SELECT 1"), settings, init=["CREATE USERS u IDENTIFIED BY 's3cret'"])
    assert "s3cret" not in str(caught.value)
    assert "was lost" not in str(caught.value)
    assert "--init" in str(caught.value)
