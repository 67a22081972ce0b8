from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import (
    Interrupted,
    LoadStoppedError,
    ScriptError,
    ServerNotReadyError,
    StatementError,
)
from sidecar_magics.load import LoadReport, Progress, load, load_sql
from sidecar_magics.load.check import check
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import LIMIT_S, meanwhile, until
from tests.servers import MYSQLS_COLLATION, takes

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

DUMP = Path(__file__).parents[2] / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"


@pytest.fixture
def settings(mysql_server: Server) -> ConnectionSettings:
    return mysql_server.settings


@pytest.fixture
def maria(mariadb_server: Server) -> ConnectionSettings:
    return mariadb_server.settings


def query(settings: ConnectionSettings, sql: str) -> list[tuple[Any, ...]]:
    with connect_now(settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def sleepers(settings: ConnectionSettings) -> list[int]:
    """Return the connections that execute DO SLEEP."""
    running = "SELECT id FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'"
    return [number for (number,) in query(settings, running)]


def dumped(server: Server) -> str:
    """Return what the real mysqldump says of all schemas, without the date."""
    command = [*server.dump_client, "--skip-dump-date", "--routines", "--triggers", "--events"]
    names = server.schemas()
    assert names
    command += ["--hex-blob", "--databases", *names]
    done = subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
    return done.stdout.decode()


def feed_client(server: Server, script: bytes) -> None:
    command = [*server.client, "--comments", "--commands"]
    done = subprocess.run(command, input=script, capture_output=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr.decode()


# Everything that a dump can hold, and all that a careless loader gets wrong; it is not UTF-8.
RICH = Path(__file__).parents[1] / "data" / "rich.sql"


@pytest.mark.quick
def test_the_spyglass_dump_is_loaded_as_the_client_does(
    mysql_server: Server, settings: ConnectionSettings
) -> None:
    report = load(DUMP, settings)
    ours = dumped(mysql_server)
    mysql_server.drop_schemas()
    feed_client(mysql_server, gzip.decompress(DUMP.read_bytes()))
    assert ours == dumped(mysql_server)
    assert len(report.schemas) == 60
    assert len(report.tables) == 296
    assert report.rows > 100
    assert report.file_bytes == DUMP.stat().st_size
    assert (
        report.sha256
        == subprocess.run(
            ["sha256sum", DUMP], check=True, capture_output=True, text=True, timeout=LIMIT_S
        ).stdout.split()[0]
    )


@pytest.mark.quick
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_rich_script_is_loaded_as_the_client_does(
    newline: bytes, mysql_server: Server, settings: ConnectionSettings, tmp_path: Path
) -> None:
    file = tmp_path / "rich.sql"
    file.write_bytes(b"\xef\xbb\xbf" + RICH.read_bytes().replace(b"\n", newline))
    report = load(file, settings)
    ours = dumped(mysql_server)
    mysql_server.drop_schemas()
    if newline == b"\r\n":
        # The client turns CRLF into LF, also inside of strings; --binary-mode stops it.
        ours = ours.replace("line one\\r\\nline two", "line one\\nline two")
        ours = ours.replace("\r\n", "\n")
    feed_client(mysql_server, RICH.read_bytes())
    assert ours == dumped(mysql_server)
    assert report.tables["rich.t"].rows > 10
    assert 'rich.odd; "name"' in report.tables


@pytest.mark.thorough
def test_loading_twice_gives_the_same(mysql_server: Server, settings: ConnectionSettings) -> None:
    load(DUMP, settings)
    once = dumped(mysql_server)
    load(DUMP, settings)
    assert dumped(mysql_server) == once


def test_mariadb_says_why_it_cannot_take_a_mysql_8_dump(maria: ConnectionSettings) -> None:
    if takes(maria, MYSQLS_COLLATION):
        pytest.skip("this MariaDB knows MySQL's collations, as 11.8 does")
    with pytest.raises(StatementError) as caught:
        load(DUMP, maria)
    error = caught.value
    assert (error.errno, error.sqlstate) == (1273, "HY000")
    assert "utf8mb4_0900_ai_ci" in error.message
    assert "--collation-map nearest" in error.hint
    assert (error.line, error.column) == (22, 1)


def test_mariadbs_own_dump_with_its_sandbox_line_loads(
    mariadb_server: Server, maria: ConnectionSettings, tmp_path: Path
) -> None:
    load_sql(
        "CREATE DATABASE m; USE m; CREATE TABLE t (a INT); INSERT INTO t VALUES (1),(2)", maria
    )
    text = dumped(mariadb_server)
    file = tmp_path / "m.sql"
    sandbox = "/*M!999999\\- enable the sandbox mode */ \n"
    file.write_text(text if text.startswith(sandbox) else sandbox + text)
    mariadb_server.drop_schemas()
    load(file, maria)
    assert query(maria, "SELECT a FROM m.t") == [(1,), (2,)]
    assert dumped(mariadb_server) == text


@pytest.mark.parametrize("flavour", ["settings", "maria"])
def test_a_failed_statement_is_placed(flavour: str, request: pytest.FixtureRequest) -> None:
    settings: ConnectionSettings = request.getfixturevalue(flavour)
    sql = "CREATE DATABASE e; USE e;\nCREATE TABLE t (a INT PRIMARY KEY);\n" + (
        "INSERT INTO t VALUES (1);\n  INSERT INTO t VALUES (2), (1); SELECT 1;"
    )
    with pytest.raises(StatementError) as caught:
        load_sql(sql, settings, first_line=2)
    error = caught.value
    assert (error.source, error.line, error.column) == ("cell", 5, 3)
    assert sql.encode()[error.offset :].startswith(b"INSERT INTO t VALUES (2)")
    assert (error.errno, error.sqlstate, error.table) == (1062, "23000", "e.t")
    assert error.statement_start == "INSERT INTO t VALUES (2), (1)"
    assert (error.report.statements, error.report.rows) == (4, 1)
    assert "ON DUPLICATE KEY UPDATE" in error.hint
    assert len(error._render_traceback_()) <= 8
    assert query(settings, "SELECT a FROM e.t") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "place", "words"),
    [
        ("SELECT 1;\nSELECT 'abc", "cell:2:8", "quote"),
        ("SELECT 1;\n\n /* abc", "cell:3:2", "comment"),
        ("SELECT 1;\n\\! rm -rf /", "cell:2:1", "system"),
        ("tee /tmp/x\nSELECT 1;", "cell:1:1", "tee"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;", "cell:1:1", "LOCAL INFILE"),
        ("/*!50000 LOAD  DATA /**/ LOCAL INFILE 'x' INTO TABLE t */;", "cell:1:1", "LOCAL INFILE"),
        ("source /etc/passwd\n", "cell:1:1", "outside"),
        ("\\. ../x.sql\n", "cell:1:1", "outside"),
        ("source ~nobody-here/x.sql\n", "cell:1:1", "no path"),
        ("SELECT 1;\nsource a\0b\n", "cell:2:1", "no path"),
    ],
)
def test_what_is_broken_or_refused_has_a_place(
    sql: str, place: str, words: str, settings: ConnectionSettings
) -> None:
    with pytest.raises(ScriptError) as caught:
        load_sql(sql, settings)
    assert str(caught.value).startswith(place)
    assert words in str(caught.value)


@pytest.mark.quick
def test_several_statements_before_one_delimiter_are_what_the_client_sends(
    settings: ConnectionSettings,
) -> None:
    script = (
        "CREATE DATABASE ms; USE ms; CREATE TABLE t (a INT);\nDELIMITER $$\n"
        "INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3);\nSELECT * FROM t$$\n"
        "INSERT INTO t VALUES (4); INSERT INTO nope VALUES (5)$$\n"
    )
    with pytest.raises(StatementError, match=r"cell:5:1: error 1146") as caught:
        load_sql(script, settings)
    assert caught.value.report.rows == 3
    assert query(settings, "SELECT COUNT(*) FROM ms.t") == [(4,)]


def test_a_hidden_local_infile_is_refused_by_the_protocol(settings: ConnectionSettings) -> None:
    script = "CREATE DATABASE h; CREATE TABLE h.t (a TEXT); SET GLOBAL local_infile = 1;"
    hidden = "DELIMITER $$\nSELECT 1; LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE h.t$$"
    with pytest.raises(ScriptError, match="'/etc/passwd' of this machine; nothing of it was sent"):
        load_sql(f"{script}\n{hidden}", settings)
    with pytest.raises(StatementError) as caught:  # then the server is not offered any file
        load_sql(hidden, settings, rows="insert")
    assert caught.value.errno == 3948
    assert query(settings, "SELECT COUNT(*) FROM h.t") == [(0,)]


def test_results_of_any_kind_are_thrown_away(settings: ConnectionSettings) -> None:
    report = load_sql(
        "CREATE DATABASE r; USE r;\nDELIMITER //\n"
        "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT x'ff' AS b; SELECT 2 LIMIT 0; END//\n"
        "DELIMITER ;\nCALL p();\nSET NAMES latin1; SELECT x'e4' AS '\u00e4';\nSELECT 1;",
        settings,
    )
    assert report.statements == 7
    assert report.rows == 0


@pytest.mark.quick
def test_local_infile_is_done_when_allowed(settings: ConnectionSettings, tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("1\n2\n")
    load_sql("SET GLOBAL local_infile = 1; CREATE DATABASE li; CREATE TABLE li.t (a INT)", settings)
    sql = f"LOAD DATA LOCAL INFILE '{tmp_path}/rows.txt' INTO TABLE li.t"
    assert load_sql(sql, settings, allow_local_infile=True).rows == 2


@pytest.mark.quick
def test_source_is_relative_to_the_script_and_keeps_its_delimiter(
    settings: ConnectionSettings, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "main.sql").write_text(
        "CREATE DATABASE s; USE s;\nDELIMITER //\nsource sub/inner.sql\nINSERT INTO t VALUES (3)//"
    )
    (tmp_path / "sub/inner.sql").write_text(
        "CREATE TABLE t (a INT)//\n\\. deep.sql\nINSERT INTO t VALUES (2)//"
    )
    (tmp_path / "sub/deep.sql").write_text("INSERT INTO t VALUES (1)//")
    load(tmp_path / "main.sql", settings)
    assert query(settings, "SELECT a FROM s.t") == [(1,), (2,), (3,)]


def test_source_does_not_leave_the_folder_by_a_link_or_name_itself(
    settings: ConnectionSettings, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.sql"
    outside.write_text("SELECT 1;")
    folder = tmp_path / "dump"
    folder.mkdir()
    (folder / "link.sql").symlink_to(outside)
    main = folder / "main.sql"
    main.write_text("source link.sql\n")
    with pytest.raises(ScriptError, match="outside the script's own folder"):
        load(main, settings)
    assert load(main, settings, allow_outside_source=True).statements == 1
    main.write_text("SELECT 1;\nsource main.sql\n")
    with pytest.raises(ScriptError, match=r"main\.sql:2:1.*sources itself"):
        load(main, settings)
    main.write_text("SELECT 1;\nsource nope.sql\n")
    with pytest.raises(ScriptError, match=r"main\.sql:2:1: there is no file"):
        load(main, settings)


@pytest.mark.parametrize(
    "windows", ["C:/data/x.sql", r"C:\data\x.sql", r"\\server\data\x.sql", "c:x.sql"]
)
def test_source_names_a_path_of_windows(
    windows: str, settings: ConnectionSettings, tmp_path: Path
) -> None:
    main = tmp_path / "main.sql"
    main.write_text(f"source {windows}\n")
    with pytest.raises(ScriptError) as caught:
        load(main, settings)
    assert f"refused: '{windows}' is a path of Windows" in str(caught.value)
    assert str(tmp_path / "x.sql") not in str(caught.value)
    assert "write `source x.sql`" in caught.value.hint
    (tmp_path / "x.sql").write_text("SELECT 1;")
    main.write_text("source x.sql\n")  # the hint, followed
    assert load(main, settings).statements == 1


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_script_that_ends_its_own_connection(
    flavour: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(f"{flavour}_server")
    script = tmp_path / "kill.sql"
    script.write_text("DO 1;\nDO 2;\n\nKILL CONNECTION_ID();\nDO 3;\n")
    with pytest.raises(StatementError, match=r"kill\.sql:4:1: error (1317|1927)"):
        load(script, server.settings)
    with pytest.raises(LoadStoppedError, match=r"was lost near .*kill\.sql:[45]: ") as caught:
        load(script, server.settings, force=True)
    assert "kill.sql:4:1: error" in caught.value.details[0]
    assert "Executed: 2 statements" in caught.value.details[1]
    assert "(2013" not in str(caught.value)


def test_use_as_clients_do(mariadb_server: Server, tmp_path: Path) -> None:
    load_sql(
        "CREATE DATABASE IF NOT EXISTS used; CREATE DATABASE IF NOT EXISTS `us ed`",
        mariadb_server.settings,
    )
    for form in ("'used'", '"used"', "`used`", "used/* c */", "`used`/* c */", "'us ed' more"):
        script = f"use {form};\nSELECT DATABASE();"
        run = subprocess.run(
            [*mariadb_server.client, "-N"],
            input=script.encode(),
            capture_output=True,
            check=True,
            timeout=LIMIT_S,
        )
        result = load_sql(script, mariadb_server.settings).result
        assert result is not None
        assert result.rows == [(run.stdout.decode().strip(),)]


def test_a_folder_has_no_links_to_elsewhere(settings: ConnectionSettings, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    (tmp_path / "outside.sql").write_text("CREATE SCHEMA outside;")
    (folder / "a.sql").write_text("CREATE SCHEMA inside;")
    (folder / "b.sql").symlink_to("../outside.sql")
    with pytest.raises(ScriptError, match=r"b\.sql is a link to /.*/outside\.sql, outside of"):
        load(folder, settings)
    assert query(settings, "SHOW SCHEMAS LIKE '%side'") == []  # before anything is loaded
    found = check(folder, settings)
    assert "it is a link to" in repr(found)
    assert "is a link to" not in repr(check(folder, settings, allow_outside_source=True))
    assert load(folder, settings, allow_outside_source=True).statements == 2


def test_quit_ends_only_the_script_that_says_it(
    settings: ConnectionSettings, tmp_path: Path
) -> None:
    (tmp_path / "inner.sql").write_text("SELECT 1;\nquit\nSELECT broken from;")
    main = tmp_path / "main.sql"
    main.write_text(
        "SELECT 2;\nsource inner.sql\nSELECT 3;\n\\q\n" + "SELECT broken from;" * 99_999
    )
    report = load(main, settings)
    assert report.statements == 3
    assert report.sha256 == hashlib.sha256(main.read_bytes()).hexdigest()


HEADING = "-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)\n"


@pytest.mark.parametrize("broken", ["SELECT 'never closed", "\\! refused", "/* open"])
@pytest.mark.parametrize("jobs", [1, 4])
def test_what_comes_before_a_broken_place_is_loaded(
    broken: str, jobs: int, settings: ConnectionSettings
) -> None:
    rows = "".join(f"INSERT INTO b.t VALUES ({i});\n" for i in range(3))
    script = f"CREATE DATABASE b;\nCREATE TABLE b.t (a INT PRIMARY KEY);\n{rows}{broken}"
    with pytest.raises(ScriptError, match=r"Executed: 5 statements .*\(3 rows\)"):
        load_sql(HEADING + script, settings, jobs=jobs)
    assert query(settings, "SELECT a FROM b.t") == [(0,), (1,), (2,)]


DRY_RUN = (
    "CREATE DATABASE b;\nCREATE TABLE b.t (a INT PRIMARY KEY);\n{begin};\n"
    "INSERT INTO b.t VALUES (1);\n{end};\nINSERT INTO b.t VALUES (2);\nCOMMIT;\n"
)


@pytest.mark.parametrize("end", ["ROLLBACK", "/*!40000 ROLLBACK */", "rollback work"])
def test_a_rollback_in_a_dump_is_not_passed_over(end: str, settings: ConnectionSettings) -> None:
    script = DRY_RUN.format(begin="SET autocommit=0", end=end)
    with pytest.raises(ScriptError, match=r"^cell:6:1: refused: a dump's rows are committed"):
        load_sql(HEADING + script, settings)
    assert query(settings, "SELECT a FROM b.t") == [(1,)]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("heading", "begin"), [("", "SET autocommit=0"), (HEADING, "START TRANSACTION")]
)
def test_what_a_script_rolls_back_is_not_there(
    heading: str, begin: str, settings: ConnectionSettings
) -> None:
    load_sql(heading + DRY_RUN.format(begin=begin, end="ROLLBACK"), settings)
    assert query(settings, "SELECT a FROM b.t") == [(2,)]


@pytest.mark.parametrize("begin", ["START TRANSACTION", "SET autocommit = 0"])
def test_what_is_rolled_back_is_not_said_to_stay(begin: str, settings: ConnectionSettings) -> None:
    load_sql("CREATE DATABASE b; CREATE TABLE b.t (a INT PRIMARY KEY)", settings)
    with pytest.raises(StatementError, match="rolled back"):
        load_sql(f"{begin}; INSERT INTO b.t VALUES (1); INSERT INTO b.t VALUES (1)", settings)
    assert query(settings, "SELECT * FROM b.t") == []


@pytest.mark.parametrize("flavour", ["settings", "maria"])
def test_our_questions_are_understood_in_any_character_set(
    flavour: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings: ConnectionSettings = request.getfixturevalue(flavour)
    load_sql("CREATE DATABASE q; CREATE TABLE q.t (a INT)", settings)
    script = "SET NAMES latin1; INSERT IGNORE INTO q.t VALUES ('\u00e9x');"
    path = tmp_path / "l.sql"
    path.write_bytes(
        script.encode("latin-1")
        + b"SET character_set_results = ucs2; SET sql_mode = 'ANSI_QUOTES';"
        b"CREATE TABLE q.\"a\\\" (b INT); INSERT IGNORE INTO q.t VALUES ('x');"
    )
    report = load(path, settings)
    assert report.warnings[1366].count == 2
    assert report.warnings[1366].level == "Warning"
    assert "q.a\\" in report.tables


def test_a_database_of_another_kind_is_named(settings: ConnectionSettings, tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_bytes(b"SQLite format 3\0" + bytes(100))
    with pytest.raises(ScriptError, match="SQLite"):
        load(tmp_path / "x.sql", settings)
    assert query(settings, "SELECT schema_name FROM information_schema.schemata WHERE 0") == []


def test_a_sandboxed_script_sources_nothing(settings: ConnectionSettings, tmp_path: Path) -> None:
    (tmp_path / "inner.sql").write_text("SELECT 1;")
    main = tmp_path / "main.sql"
    main.write_text("/*!999999\\- enable the sandbox mode */ \nsource inner.sql\n")
    with pytest.raises(ScriptError, match="sandbox"):
        load(main, settings)


def test_a_missing_file_is_told_with_its_neighbours(
    settings: ConnectionSettings, tmp_path: Path
) -> None:
    (tmp_path / "there.sql.gz").touch()
    with pytest.raises(ScriptError, match=r"there\.sql\.gz"):
        load(tmp_path / "their.sql.gz", settings)
    with pytest.raises(ScriptError, match="no folder"):
        load(tmp_path / "no" / "x.sql", settings)
    (tmp_path / "there.sql.gz").unlink()
    with pytest.raises(ScriptError, match="is empty"):
        load(tmp_path, settings)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_archive_is_an_error_with_what_came_before(
    keep: float, settings: ConnectionSettings, tmp_path: Path
) -> None:
    statements = ["CREATE DATABASE g;", "CREATE TABLE g.t (a INT, b CHAR(36));"]
    statements += [f"INSERT INTO g.t VALUES ({i}, UUID());" for i in range(1000)]
    data = gzip.compress("\n".join(statements).encode())
    file = tmp_path / "g.sql.gz"
    file.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ScriptError, match="cut short") as caught:
        load(file, settings)
    assert f"of {file.stat().st_size:,}" in str(caught.value)


def test_a_damaged_archive_is_an_error(settings: ConnectionSettings, tmp_path: Path) -> None:
    data = bytearray(DUMP.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file = tmp_path / "g.sql.gz"
    file.write_bytes(data)
    with pytest.raises((ScriptError, StatementError)):
        load(file, settings)


@pytest.mark.quick
def test_gzip_is_recognised_by_its_content(settings: ConnectionSettings, tmp_path: Path) -> None:
    (tmp_path / "plain.sql.gz").write_text("SELECT 1;")
    (tmp_path / "zipped.sql").write_bytes(gzip.compress(b"SELECT 1; SELECT 2"))
    assert load(tmp_path / "plain.sql.gz", settings).statements == 1
    assert load(tmp_path / "zipped.sql", settings).statements == 2


def test_warnings_are_counted_by_code(settings: ConnectionSettings) -> None:
    report = load_sql("DROP SCHEMA IF EXISTS no1; DROP SCHEMA IF EXISTS no2; SELECT 1", settings)
    assert report.warnings[1008].count == 2
    assert report.warnings[1008].level == "Note"


IF_EXISTS = b"""
CREATE DATABASE IF NOT EXISTS ife; CREATE DATABASE IF NOT EXISTS ife; USE ife;
DROP TABLE IF EXISTS t; CREATE TABLE t (a INT PRIMARY KEY); CREATE TABLE IF NOT EXISTS t (a INT);
INSERT INTO t VALUES (1);
DROP VIEW IF EXISTS v; DROP PROCEDURE IF EXISTS p; DROP FUNCTION IF EXISTS f;
DROP TRIGGER IF EXISTS g; DROP EVENT IF EXISTS e; DROP DATABASE IF EXISTS ife_2;
CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1;
CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1;
DROP USER IF EXISTS ife_user@h; CREATE USER IF NOT EXISTS ife_user@h;
CREATE USER IF NOT EXISTS ife_user@h; DROP USER ife_user@h;
DROP ROLE IF EXISTS ife_role;
"""
# What MySQL does not have.
IF_EXISTS_MARIADB = b"""
ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT; ALTER TABLE t DROP COLUMN IF EXISTS b;
CREATE INDEX IF NOT EXISTS i ON t (a); CREATE INDEX IF NOT EXISTS i ON t (a);
DROP INDEX IF EXISTS j ON t; ALTER TABLE t DROP FOREIGN KEY IF EXISTS k;
CREATE ROLE IF NOT EXISTS ife_role; CREATE ROLE IF NOT EXISTS ife_role; DROP ROLE ife_role;
DROP SEQUENCE IF EXISTS s; CREATE SEQUENCE IF NOT EXISTS s; CREATE SEQUENCE IF NOT EXISTS s;
DROP SERVER IF EXISTS x;
"""


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_what_a_script_asks_for_by_if_exists_is_no_note(
    flavour: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(f"{flavour}_server")
    script = tmp_path / "if_exists.sql"
    script.write_bytes(IF_EXISTS + (IF_EXISTS_MARIADB if flavour == "mariadb" else b""))
    for _ in range(2):
        report = load(script, server.settings)
        # MariaDB warns of events where their scheduler is off.
        assert [line for line in report.remarks() if "scheduler" not in line] == []
        assert "note" not in report.summary()
        assert report.warnings[1008].count  # for programs
    load_sql("DROP DATABASE ife", server.settings)


def test_a_statement_beyond_max_allowed_packet_is_told_before_it_is_sent(
    settings: ConnectionSettings,
) -> None:
    before = query(settings, "SELECT @@global.max_allowed_packet")[0][0]
    load_sql("SET GLOBAL max_allowed_packet = 1048576", settings)
    try:
        with pytest.raises(StatementError, match="max_allowed_packet") as caught:
            load_sql("SELECT 1;\nSELECT '" + "x" * 2_000_000 + "';", settings)
    finally:
        load_sql(f"SET GLOBAL max_allowed_packet = {before}", settings)
    assert (caught.value.errno, caught.value.line) == (1153, 2)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER u IDENTIFIED BY 's3cret' NONSENSE",
        "CREATE USER u IDENTIFIED WITH nope BY 's3cret it''s\\' s3cret'",
        'ALTER USER nobody IDENTIFIED BY "s3cret"',
        "SET PASSWORD FOR nobody = 's3cret'",
        "CREATE USER IDENTIFIED BY 's3cret" + "x" * 200 + "'",
    ],
)
def test_a_scripts_own_passwords_are_not_shown(sql: str, settings: ConnectionSettings) -> None:
    with pytest.raises(StatementError) as caught:
        load_sql(sql, settings)
    assert " …" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caught.value.statement_start


def test_the_session_is_the_clients(settings: ConnectionSettings) -> None:
    load_sql(
        "SET @autocommit = @@autocommit; CREATE DATABASE c; CREATE TABLE c.t AS SELECT "
        "@@collation_connection AS c, @@sql_mode AS m, @autocommit AS a, "
        "@@character_set_results AS r, @@time_zone AS z",
        settings,
    )
    ((collation, mode, autocommit, results, zone),) = query(settings, "SELECT * FROM c.t")
    defaults = query(settings, "SELECT @@global.sql_mode, @@global.time_zone")[0]
    assert (collation, autocommit, results) == ("utf8mb4_0900_ai_ci", 1, "utf8mb4")
    assert (mode, zone) == defaults


def test_an_open_transaction_at_the_end_is_told(settings: ConnectionSettings) -> None:
    load_sql("CREATE DATABASE o; CREATE TABLE o.t (a INT)", settings)
    report = load_sql("START TRANSACTION; INSERT INTO o.t VALUES (1)", settings)
    assert any("transaction" in note for note in report.notes)
    assert query(settings, "SELECT * FROM o.t") == []


@pytest.mark.quick
def test_a_database_can_be_given(settings: ConnectionSettings) -> None:
    load_sql("CREATE DATABASE `d``b`", settings)
    report = load_sql("CREATE TABLE t (a INT)", settings, database="d`b")
    assert list(report.tables) == ["d`b.t"]
    with pytest.raises(StatementError, match=r"^--database nope: the server has no") as caught:
        load_sql("SELECT 1", settings, database="nope")
    assert "`CREATE DATABASE nope` in a cell" in caught.value.hint
    assert "USE" not in str(caught.value)
    with pytest.raises(StatementError, match="cell:1:1: error 1049"):
        load_sql("USE nope", settings)


def test_an_interrupt_ends_the_statement_on_the_server(settings: ConnectionSettings) -> None:
    def interrupt() -> None:
        until(lambda: sleepers(settings))
        os.kill(os.getpid(), signal.SIGINT)

    with meanwhile(interrupt), pytest.raises(Interrupted, match="1 statement before"):
        load_sql("SELECT 1; DO SLEEP(600) /* left alone */", settings)
    until(lambda: not sleepers(settings))


def test_a_lost_connection_is_told_with_the_place(settings: ConnectionSettings) -> None:
    def kill() -> None:
        (number,) = until(lambda: sleepers(settings))
        query(settings, f"KILL {number}")

    with meanwhile(kill), pytest.raises(LoadStoppedError) as caught:
        load_sql("SELECT 1;\nDO SLEEP(600);\nSELECT 2;", settings)
    assert str(caught.value).startswith("cell:2:1: the connection to the server was lost")
    assert "DO SLEEP(600)" in str(caught.value)
    assert caught.value.report.statements == 1


def test_no_server_is_told_before_the_script_is_read() -> None:
    with pytest.raises(ServerNotReadyError):
        load(DUMP, ConnectionSettings(port=1, password=Secret("hush")))


@pytest.mark.thorough
def test_progress_goes_forward_to_the_end(settings: ConnectionSettings) -> None:
    seen: list[Progress] = []
    load(DUMP, settings, progress=seen.append)
    positions = [progress.done_bytes for progress in seen]
    assert positions == sorted(positions)
    assert positions[-1] == seen[-1].size_bytes == DUMP.stat().st_size
    assert seen[-1].fraction == 1
    assert max(progress.busy for progress in seen) > 1
    assert any("common" in table for progress in seen for table in progress.tables)


def test_a_report_can_be_kept(settings: ConnectionSettings) -> None:
    import json

    report = load_sql("CREATE DATABASE k; CREATE TABLE k.`<b>` (a INT)", settings)
    assert isinstance(report, LoadReport)
    kept = json.loads(json.dumps(report.to_dict()))
    assert kept["tables"]["k.<b>"]["statements"] == 1
    assert "&lt;b&gt;" in report._repr_html_()
    assert "MySQL" in report.server


def test_rows_in_mariadbs_mode_of_oracle(maria: ConnectionSettings, tmp_path: Path) -> None:
    """There, BEGIN begins a block of statements and no transaction."""
    (tmp_path / "x.sql").write_text(
        "CREATE DATABASE lab; USE lab; CREATE TABLE t (i INT PRIMARY KEY);\n"
        "SET sql_mode = 'ORACLE';\n" + "".join(f"INSERT INTO t VALUES ({n});\n" for n in range(100))
    )
    assert load(tmp_path / "x.sql", maria, resume=True).rows == 100
    assert query(maria, "SELECT COUNT(*) FROM lab.t") == [(100,)]
