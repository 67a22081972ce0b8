"""A SET that the server refuses, or that is overwritten before anything needs it.

The client sends every SET where it stands. So a refused one ends the load there, also where it has
no effect; with --force what was valid before it still holds; and of one SET with several
assignments nothing is done if one of them is refused, as both servers have it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import StatementError
from sidecar_magics.load import load_sql
from tests.oracle import client_run

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

HEAD = """CREATE SCHEMA s;
USE s;
CREATE TABLE t (i int AUTO_INCREMENT PRIMARY KEY, s varchar(100), at timestamp NULL);
CREATE TABLE modes (a text, b text, c text);
"""
TELL = (
    "INSERT INTO modes SELECT REPLACE(@@sql_mode, 'NO_AUTO_CREATE_USER,', ''),"
    " CONCAT_WS(' ', @@time_zone, @@unique_checks, @@foreign_key_checks,"
    " @@sql_notes, @@autocommit),"
    " CONCAT_WS(' ', @@character_set_client, @@character_set_connection,"
    " @@character_set_results, @@collation_connection);\n"
)
ROW = "INSERT INTO t (i, s, at) VALUES (0, 'zero', '2020-01-01 12:00:00');\n"
LATER = "CREATE TABLE later (a int);\n"
ROUTINE = "CREATE PROCEDURE p() SELECT 1;\n"

# What is refused: a mode that is none in MySQL 8 and later; in MariaDB NO_AUTO_CREATE_USER is one.
BAD_MODE = "SET sql_mode = 'NO_SUCH_MODE';\n"
SCRIPTS = {
    "mode": f"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n{BAD_MODE}{ROW}",
    "mode of old dumps": "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
    f"SET sql_mode = 'NO_AUTO_CREATE_USER';\n{ROW}",
    "mode overwritten": f"{BAD_MODE}SET sql_mode = '';\n{ROW}",
    "mode of old dumps overwritten": "SET sql_mode = 'NO_AUTO_CREATE_USER';\n"
    f"SET sql_mode = '';\n{ROW}",
    "mode alone": BAD_MODE,
    "mode in the middle of rows": f"{ROW}SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n{BAD_MODE}"
    f"{ROW}{ROW}",
    "modes one behind another": f"{BAD_MODE}SET sql_mode = 'ALSO_NO_MODE';\n{BAD_MODE}{ROW}",
    "time zone": f"SET time_zone = '+05:00';\nSET time_zone = 'Nowhere/None';\n{ROW}",
    "time zone overwritten": f"SET time_zone = 'Nowhere/None';\nSET time_zone = '+02:00';\n{ROW}",
    "names": "SET NAMES latin1;\nSET NAMES nosuch;\nINSERT INTO t (s) VALUES ('größe');\n",
    "names overwritten": f"SET NAMES nosuch;\nSET NAMES utf8mb4;\n{ROW}",
    "names with a collation": "SET NAMES latin1;\nSET NAMES utf8mb4 COLLATE latin1_bin;\n"
    f"{TELL}{ROW}",
    "client's charset": "SET NAMES latin1;\nSET character_set_client = nosuch;\n"
    "INSERT INTO t (s) VALUES ('größe');\n",
    "a charset that no client may have": f"SET character_set_client = utf16;\n{TELL}{ROW}",
    "mode of a routine": f"SET sql_mode = 'ANSI';\n{BAD_MODE}{ROUTINE}",
    "mode of a routine overwritten": f"{BAD_MODE}SET sql_mode = 'ANSI';\n{ROUTINE}",
    "names of a routine": f"SET NAMES latin1;\nSET NAMES nosuch;\n{ROUTINE}",
    "unknown variable saved": f"SET @old = @@nosuch;\n{ROW}",
    "unknown variable saved and put back": f"SET @old = @@nosuch;\n{ROW}"
    f"SET sql_mode = @old;\n{TELL}",
    "unknown variable": f"SET nosuch = 1;\n{ROW}",
    "unknown variable of the session": f"SET SESSION nosuch = 1, @a = 2;\n{ROW}",
    "several, the second refused": "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone ="
    f" 'Nowhere/None';\n{ROW}{TELL}",
    "several, the first refused": "SET time_zone = 'Nowhere/None', sql_mode ="
    f" 'NO_AUTO_VALUE_ON_ZERO';\n{ROW}{TELL}",
    "several, the second unknown": "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', nosuch = 1;\n"
    f"{ROW}{TELL}",
    "several with a user variable": "SET @a = 5, time_zone = 'Nowhere/None';\n"
    "INSERT INTO t (i) VALUES (@a);\n",
    "read-only": f"SET SESSION version = '1';\n{ROW}",
    "read-only with others": f"SET time_zone = '+03:00', version_comment = 'x';\n{ROW}{TELL}",
    "global only": f"SET SESSION max_connections = 10;\n{ROW}",
    "global only without a word": f"SET key_buffer_size = 100000;\n{ROW}",
    "wrong type": f"SET foreign_key_checks = 'perhaps';\n{ROW}{TELL}",
    "wrong type overwritten": "SET foreign_key_checks = 'perhaps';\n"
    f"SET foreign_key_checks = 0;\n{TELL}",
    "checks, then refused": f"SET unique_checks = 0;\nSET unique_checks = 'no way';\n{TELL}{ROW}",
    "versioned": "/*!40101 SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO' */;\n"
    f"/*!40101 {BAD_MODE[:-2]} */;\n{ROW}",
    "versioned and saved": "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_SUCH_MODE' */;\n"
    f"{ROW}/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n{TELL}",
    "versioned, for nobody": f"/*!999999 {BAD_MODE[:-2]} */;\n{ROW}",
    "at the very end": f"{ROW}{BAD_MODE}",
    "at the very end, overwritten": f"{ROW}{BAD_MODE}SET sql_mode = '';\n",
    "at the very end, without its semicolon": f"{ROW}SET NAMES nosuch",
    "null": f"SET time_zone = '+05:00';\nSET time_zone = NULL;\n{ROW}{TELL}",
    "saved, refused, put back": "SET @old = @@sql_mode;\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
    f"{BAD_MODE}{ROW}SET sql_mode = @old;\n{TELL}{ROW}",
    "an expression": "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
    f"SET sql_mode = CONCAT(@@sql_mode, ',NO_SUCH_MODE');\n{ROW}{TELL}",
    "a default": "SET time_zone = '+05:00';\nSET time_zone = 'x';\n"
    f"SET time_zone = DEFAULT;\n{TELL}",
    "schema": f"USE nosuch;\n{ROW}",
    "schema overwritten": f"USE nosuch;\nUSE s;\n{ROW}",
}
KEPT = (
    "SELECT i, s, at FROM s.t ORDER BY i",
    "SELECT * FROM s.modes",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 's' ORDER BY 1",
    "SELECT routine_name, sql_mode, character_set_client, collation_connection"
    " FROM information_schema.routines WHERE routine_schema = 's'",
)
ERROR = re.compile(rb"^ERROR (\d+) .*? at line (\d+)", re.MULTILINE)


class Outcome(NamedTuple):
    """What a load came to: its errors as number and line, and what the server has then."""

    errors: list[tuple[int, int]]
    kept: list[Any]


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def kept(server: Server) -> list[Any]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        found = []
        for question in KEPT:
            cursor.execute(question)
            found.append(cursor.fetchall())
    server.drop_schemas()
    return found


def clients(server: Server, script: str, *, force: bool) -> Outcome:
    said = client_run(server, script.encode(), *(["--force"] if force else []))
    return Outcome([(int(errno), int(line)) for errno, line in ERROR.findall(said)], kept(server))


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str, bool], Outcome]:
    """Return the clients' outcomes by now: they have no --jobs."""
    return {}


def ours(server: Server, script: str, *, force: bool, jobs: int) -> Outcome:
    try:
        report = load_sql(script, server.settings, force=force, jobs=jobs)
    except StatementError as error:
        return Outcome([(error.errno, error.line)], kept(server))
    refused = [(error.errno, int(error.place.rsplit(":", 2)[1])) for error in report.errors]
    return Outcome(refused, kept(server))


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_refused_set_has_the_clients_outcome(
    server: Server,
    known: dict[tuple[str, str, bool], Outcome],
    script: str,
    force: bool,
    jobs: int,
) -> None:
    at_the_end = script.startswith("INSERT") or script == BAD_MODE
    whole = HEAD + script + ("" if at_the_end else LATER)
    case = (server.flavour, script, force)
    if case not in known:
        known[case] = clients(server, whole, force=force)
    assert ours(server, whole, force=force, jobs=jobs) == known[case]


@pytest.mark.thorough
def test_the_scripts_try_what_they_should(mysql_server: Server) -> None:
    refused = [
        name
        for name, script in SCRIPTS.items()
        if clients(mysql_server, HEAD + script, force=False)[0]
    ]
    assert len(refused) >= 25
    assert "versioned, for nobody" not in refused
