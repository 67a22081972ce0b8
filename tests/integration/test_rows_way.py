"""Loads end alike whether rows go as INSERT or through LOAD DATA: contents, errors, counts."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import ScriptError, SettingsError, SidecarError, StatementError
from sidecar_magics.load import LoadReport, load_sql
from sidecar_magics.server import send
from tests.corpus.fingerprint import difference, fingerprint
from tests.faults.proxy import Proxy
from tests.rogue import Rogue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

HEAD = "CREATE SCHEMA s; USE s;\n"
TABLE = "CREATE TABLE t (id int PRIMARY KEY, a varchar(5), n decimal(5,2));\n"
ROWS = "INSERT INTO t VALUES (1,'one',1.5),(2,NULL,NULL),(3,'it''s',-2);\n"
# Rows behind it are not of one file with those before.
APART = "SET @apart = 1;\n"
LATER = APART + "INSERT INTO t VALUES (10,'ten',10),(11,'x',11);\nCREATE TABLE later (a int);\n"

# What is tried, and whether any row goes through LOAD DATA then.
SCRIPTS: dict[str, tuple[str, bool]] = {
    "plain": (TABLE + ROWS + LATER, True),
    "blanks between values": (
        TABLE
        + ROWS.replace(",'", ", '").replace(",NULL", ", NULL").replace("',", "', ")
        + "INSERT INTO t VALUES\n\t(4,\t', ',\t7),\n\t(5,\t'\t',\tNULL);\n"
        + LATER,
        True,
    ),
    "a duplicate": (
        TABLE + ROWS + APART + "INSERT INTO t VALUES (4,'a',1),(2,'b',2);\n" + LATER,
        True,
    ),
    "a duplicate in itself": (TABLE + "INSERT INTO t VALUES (1,'a',1),(1,'a',1);" + LATER, False),
    "a text that is too long": (
        TABLE + ROWS + APART + "INSERT INTO t VALUES (4,'toolong',1);",
        True,
    ),
    "cut without strict mode": (
        TABLE
        + "SET sql_mode = '';\n"
        + ROWS
        + APART
        + "INSERT INTO t VALUES (4,'toolong',1);\n"
        + LATER,
        True,
    ),
    "noted where notes are off": (
        TABLE + "SET sql_notes = 0;\nINSERT INTO t VALUES (1,'a',1.23456);\n" + LATER,
        False,
    ),
    "noted": (TABLE + "INSERT INTO t VALUES (1,'a',1.23456);\n" + LATER, False),
    "out of range": (TABLE + ROWS + APART + "INSERT INTO t VALUES (4,'a',99999);\n" + LATER, True),
    "too few values": (TABLE + ROWS + APART + "INSERT INTO t VALUES (4,'a');\n" + LATER, True),
    "no NULL": (
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);\nINSERT INTO t VALUES (1,NULL);",
        False,
    ),
    "IGNORE": (
        TABLE + ROWS + APART + "INSERT IGNORE INTO t VALUES (1,'z',1),(7,'z',1);\n" + LATER,
        True,
    ),
    "REPLACE": (TABLE + ROWS + "REPLACE INTO t VALUES (1,'z',1),(7,'z',1);\n" + LATER, True),
    "counted up": (
        "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a varchar(5));\n"
        "INSERT INTO t VALUES (5,'a'),(9,'b');\nINSERT INTO t VALUES (NULL,'c'),(0,'d');\n",
        True,
    ),
    "a counter that would move": (
        "CREATE TABLE t (id smallint PRIMARY KEY AUTO_INCREMENT, a varchar(5));\n"
        "INSERT INTO t VALUES (5,'a'),(99999,'b');\n",
        False,
    ),
    "computed": (
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int AS (a * 2) STORED, c int AS (a + 1));\n"
        "INSERT INTO t (id, a) VALUES (1,2),(3,4);\nINSERT INTO t (a, id) VALUES (5,6);\n",
        True,
    ),
    "not all columns": (
        "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 7, b timestamp NULL DEFAULT NULL);\n"
        "INSERT INTO t (id) VALUES (1),(2);\n",
        False,
    ),
    "a trigger": (
        TABLE + "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 'r';\n" + ROWS,
        False,
    ),
    "a foreign key": (
        "CREATE TABLE p (id int PRIMARY KEY);\nINSERT INTO p VALUES (1),(2);\n"
        "CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id));\n"
        "INSERT INTO c VALUES (1,1),(2,NULL);\nINSERT INTO c VALUES (3,2),(4,9);\n",
        True,
    ),
    "a check": (
        "CREATE TABLE t (id int PRIMARY KEY, a int, CHECK (a > 0));\n"
        "INSERT INTO t VALUES (1,1);\nSET @apart = 1;\nINSERT INTO t VALUES (2,2),(3,-3);\n",
        True,
    ),
    "a column more": (
        TABLE + ROWS + "ALTER TABLE t ADD COLUMN b int DEFAULT 3;\n"
        "INSERT INTO t VALUES (4,'a',1,8);\nINSERT INTO t VALUES (5,'a',1);\n",
        True,
    ),
    "a column of another type": (
        TABLE + ROWS + "ALTER TABLE t MODIFY a int;\nINSERT INTO t VALUES (4,12,1);\n",
        True,
    ),
    "another table of that name": (
        TABLE
        + ROWS
        + "DROP TABLE t;\nCREATE TABLE t (id int PRIMARY KEY, a enum('x','1'), n int);\n"
        "INSERT INTO t VALUES (1,1,1);\nINSERT INTO t VALUES (2,'1',1);\n",
        True,
    ),
    "a transaction of its own": (TABLE + "BEGIN;\n" + ROWS + "ROLLBACK;\n" + LATER, True),
    "backslashes that escape nothing": (
        TABLE + "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nINSERT INTO t VALUES (1,'a\\n',1);\n",
        False,
    ),
    "latin1": (
        TABLE + "SET NAMES latin1;\nINSERT INTO t VALUES (1,'\u00e9',1),(2,'b',2);\n",
        False,
    ),
    "partitions": (
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION p VALUES LESS THAN (10));\n"
        "INSERT INTO t VALUES (1),(2);\nSET @apart = 1;\nINSERT INTO t VALUES (3),(11);\n",
        True,
    ),
    "a name with a quote": (
        "CREATE TABLE `t``x` (`i``d` int PRIMARY KEY, `gr\u00f6\u00dfe` int);\n"
        "INSERT INTO `t``x` VALUES (1,2),(3,4);\n",
        True,
    ),
}


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return a server that takes LOAD DATA LOCAL."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    with connect_now(found.settings) as connection:
        send(connection, b"SET GLOBAL local_infile = 1")
    return found


def outcome(server: Server, script: str, **options: Any) -> tuple[Any, dict[str, str], LoadReport]:
    """Load, and return the error, what is there, and the report."""
    server.drop_schemas()
    error, report = "", None
    try:
        report = load_sql(HEAD + script, server.settings, jobs=1, **options)
    except SidecarError as failure:
        error = str(failure)
        report = getattr(failure, "report", None)
    assert report is not None
    state = fingerprint(server, dump=False)
    # Of several statements that are sent at once the server tells the last one's warnings only.
    warnings = sum(warning.count for warning in report.warnings.values())
    told = (error, report.statements, report.rows, report.errors, warnings)
    return told, state, report


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", SCRIPTS)
def test_the_outcome_is_that_of_insert(server: Server, name: str, force: bool) -> None:
    script, streams = SCRIPTS[name]
    told, state, report = outcome(server, script, rows="insert", force=force)
    assert report.streamed_rows == 0
    other_told, other_state, report = outcome(server, script, rows="load-data", force=force)
    assert other_told == told
    assert difference(state, other_state) == ""
    assert (report.streamed_rows > 0) == streams


def test_rows_are_sent_that_way_by_itself_where_it_is_worth_while(server: Server) -> None:
    many = ",".join(f"({n},'r{n % 1000}',{n % 100}.25)" for n in range(9000))
    script = f"{TABLE}INSERT INTO t VALUES {many};\n"
    for jobs in (1, 4):
        server.drop_schemas()
        report = load_sql(HEAD + script, server.settings, jobs=jobs)
        assert (report.rows, report.streamed_rows, report.lacks_local_infile) == (9000, 9000, False)
    _, _, report = outcome(server, TABLE + ROWS)
    assert report.streamed_rows == 0


def test_a_server_that_has_it_off_gets_inserts(server: Server) -> None:
    with connect_now(server.settings) as connection:
        send(connection, b"SET GLOBAL local_infile = 0")
    many = ",".join(f"({n},'r{n % 1000}','{'x' * 2000}')" for n in range(5000))
    script = (
        f"CREATE TABLE t (id int PRIMARY KEY, a varchar(9), b text);\nINSERT INTO t VALUES {many};"
    )
    _, _, report = outcome(server, script)
    assert (report.rows, report.streamed_rows) == (5000, 0)
    assert any("--local-infile=ON" in line for line in report.remarks())
    with pytest.raises(SettingsError, match="local_infile=OFF"):
        load_sql(TABLE, server.settings, rows="load-data")
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.local_infile")
        assert cursor.fetchall() == ((0,),)


def test_small_rows_are_sent_together(server: Server) -> None:
    rows = "".join(f"INSERT INTO t VALUES ({n},'r{n}',NULL);\n" for n in range(200))
    # Of the table that is not there, the server has a note.
    script = HEAD + "DROP TABLE IF EXISTS t;\n" + TABLE + rows
    for way in ("insert", "load-data"):
        server.drop_schemas()
        with Proxy(server.port) as proxy:
            proxy.records = True
            settings = replace(server.settings, port=proxy.port)
            report = load_sql(script, settings, rows=way, jobs=1)
            sent = [sql for sql in proxy.statements if b"INTO TABLE" in sql or b"INSERT" in sql]
        assert report.rows == 200
        assert len(sent) <= 5


def test_an_unknown_way_is_refused(server: Server) -> None:
    with pytest.raises(SettingsError, match="--rows files: choose one of auto, insert, load-data"):
        load_sql(TABLE, server.settings, rows="files")


def test_a_server_that_asks_for_another_file_gets_rows(server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"nobody's business\n")
    with Rogue(server.port, "LOAD DATA", bytes(secret)) as rogue:
        settings = replace(server.settings, port=rogue.port)
        # It says that it has changed no row, so the rows come once more, as INSERT.
        report = load_sql(HEAD + TABLE + ROWS, settings, rows="load-data", jobs=1)
        assert (report.rows, report.streamed_rows) == (3, 0)
        assert rogue.got == ROWS[len("INSERT INTO t VALUES ") : -2].encode()


@pytest.mark.parametrize(
    "moment", ["SAVEPOINT", "START TRANSACTION", r"CREATE TABLE t", "COMMIT", "INSERT"]
)
def test_a_server_that_asks_at_another_moment_gets_nothing(
    server: Server, tmp_path: Path, moment: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"nobody's business\n")
    script = (
        HEAD + TABLE + ROWS + "REPLACE INTO t VALUES (4,'a',1);\nINSERT INTO t VALUES (5,1+1,1);"
    )
    with Rogue(server.port, rf"(?<=\x03){moment}\b", bytes(secret)) as rogue:
        settings = replace(server.settings, port=rogue.port)
        with pytest.raises(
            (ScriptError, StatementError), match=r"/secret' of this machine; nothing of it was sent"
        ):
            load_sql(script, settings, rows="load-data", jobs=1, force=True)
        assert rogue.asked >= 1
        assert rogue.got == b""


class Cutting(Rogue):
    """Ends a connection instead of passing a statement on, as a proxy may."""

    def _ask(self, client: socket.socket) -> None:
        self.asked += 1
        client.shutdown(socket.SHUT_RDWR)


def test_where_no_file_passes_rows_go_as_insert(server: Server) -> None:
    script = (
        HEAD + TABLE + ROWS + TABLE.replace("TABLE t", "TABLE u") + ROWS.replace("INTO t", "INTO u")
    )
    with Cutting(server.port, "LOAD DATA", b"") as proxy:
        settings = replace(server.settings, port=proxy.port)
        report = load_sql(script, settings, rows="load-data", jobs=1)
        assert (report.rows, report.streamed_rows, report.retries, proxy.asked) == (6, 0, 2, 2)
