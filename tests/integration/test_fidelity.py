"""What a server keeps of a script as text is the same through its client and through us."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import StatementError
from sidecar_magics.load import load
from tests.oracle import client_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

HEAD = b"CREATE SCHEMA s;\nUSE s;\n"
LONG = b"a" * 62
SCRIPTS = {
    "strings": b"CREATE TABLE t (s text, b blob);\r\n"
    b"INSERT INTO t VALUES ('a\r\nb', 'c\r\r\nd\re'),"
    b" (\"f\\\r\n\", _binary '\\r\\n\r\n\\\\\r\n');\r\n",
    "a name that is too long with CR": b"CREATE TABLE t (`" + LONG + b"\r\nb` int);\r\n",
    "names": b"CREATE TABLE `a\r\nb` (`c\r\nd` int COMMENT 'e\r\nf');\r\n",
    "columns called by their expressions": b"CREATE TABLE t AS SELECT 1 /* c */ + 2, 3 -- x\r\n+4,"
    b" 5+/**/6, 'a\r\nb', 7+\\\n8; -- note\nCREATE VIEW v AS SELECT 1 -- x\n + /* y\n */2;\n",
    "a routine": b"DELIMITER //\r\nCREATE PROCEDURE p() -- k\r\n COMMENT 'x\r\ny'\r\n"
    b"BEGIN -- a\r\n\r\n"
    b"  SELECT 'q\\\r\nr'; -- b\r\n\t/* c */SELECT/**/2;# d\r\nEND // -- note\r\nDELIMITER ;\r\n",
    "a routine as mysqldump writes it": b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50020 DEFINER="
    b"`root`@`localhost`*/ /*!50003 FUNCTION f() RETURNS int DETERMINISTIC\nBEGIN -- a\n  # b\n"
    b"  RETURN 1 /* c */ + 1;\nEND */;;\nDELIMITER ;\n",
    "a note": b"CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1 /* it's */; -- it's\n"
    b"CREATE PROCEDURE p() SELECT 1 -- a\r\n; #note\r\n",
    "a trigger": b"CREATE TABLE t (a int);\n/* lead */ CREATE /* mid */ TRIGGER r BEFORE INSERT"
    b" ON t FOR EACH ROW SET NEW.a = 1 /* c */ + /* d\r\n */ 1; # note\n"
    b"INSERT INTO t VALUES (7);\n",
    "an event": b"CREATE EVENT e ON SCHEDULE EVERY 1 /* k */ DAY STARTS '2030-01-01' DISABLE"
    b" DO SELECT '\r\n' /* c */ -- e\n; -- note\nALTER EVENT e DO SELECT 2 /**/; -- another\n",
    "a collation that came with its character set": b"SET NAMES latin1;\n"
    b"SET @kept = @@collation_connection, @set = @@character_set_connection;\n"
    b"CREATE TABLE t (a text, b text);\nINSERT INTO t VALUES (@kept, @set);\n"
    b"SET NAMES utf8mb4;\nSET collation_connection = @kept;\n"
    b"INSERT INTO t VALUES (@@collation_connection, @@character_set_connection);\n",
    "bare dashes": b"--bare\nCREATE TABLE t (a int); --bare\n;\nINSERT INTO t VALUES (1);\n",
    "a backslash in another mode": b"SET sql_mode = 'NO_BACKSLASH_ESCAPES';\n"
    b"CREATE TABLE t (a text);\nINSERT INTO t VALUES ('a\\\nb\\\r\nc'); SET sql_mode = '';\n"
    b"INSERT INTO t VALUES ('a\\\nb\\\r\nc');\n",
}
KEPT = (
    "SELECT routine_name, routine_definition, routine_comment FROM information_schema.routines"
    " WHERE routine_schema = 's' ORDER BY 1",
    "SELECT trigger_name, action_statement FROM information_schema.triggers"
    " WHERE trigger_schema = 's' ORDER BY 1",
    "SELECT event_name, event_definition FROM information_schema.events"
    " WHERE event_schema = 's' ORDER BY 1",
    "SELECT table_name, column_name, column_comment FROM information_schema.columns"
    " WHERE table_schema = 's' ORDER BY table_name, ordinal_position",
)


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def kept(server: Server) -> list[Any]:
    """Return what is in the schema, and drop it."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        found: list[Any] = []
        for question in KEPT:
            cursor.execute(question)
            found.append(cursor.fetchall())
        for name in {name for name, *_ in found[-1]}:
            cursor.execute(f"SELECT * FROM s.`{name}`")
            found.append((name, cursor.fetchall()))
    server.drop_schemas()
    return found


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_server_keeps_the_same(
    server: Server, tmp_path: Path, script: bytes, jobs: int
) -> None:
    refused = re.search(rb"ERROR (\d+)", client_run(server, HEAD + script))
    wanted = kept(server)
    file = tmp_path / "script.sql"
    file.write_bytes(HEAD + script)
    if refused:  # MySQL takes no bare dashes for a comment
        with pytest.raises(StatementError, match=refused[1].decode()):
            load(file, server.settings, jobs=jobs)
    else:
        load(file, server.settings, jobs=jobs)
        assert any(wanted)
    assert kept(server) == wanted
