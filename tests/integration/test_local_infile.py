"""Of this machine's files only what a statement names reaches a server, whatever it asks for."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import ScriptError, SidecarError, StatementError
from sidecar_magics.load import load_sql
from sidecar_magics.server import send
from tests.oracle import client_run
from tests.rogue import Rogue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

SECRET = b"nobody's business\n"
HEAD = "CREATE SCHEMA s; USE s; CREATE TABLE t (a varchar(99));\n"


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return takes_files(found)


@pytest.fixture
def mysql(mysql_server: Server) -> Server:
    return takes_files(mysql_server)


def takes_files(server: Server) -> Server:
    with connect_now(server.settings) as connection:
        send(connection, b"SET GLOBAL local_infile = 1")
    return server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has some files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "rows.txt").write_bytes(b"1\n2\n")
    return tmp_path


def rows(server: Server) -> list[str]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a FROM s.t ORDER BY a")
        return [value for (value,) in cursor.fetchall()]


NAMES = [
    "rows.txt",
    "./rows.txt",
    "it's",
    'say "x"',
    "back\\slash",
    "tab\tbed",
    "größe",
    "a b",
    "%_",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
def test_the_named_file_is_sent(server: Server, folder: Path, name: str, mode: str) -> None:
    (folder / name).write_bytes(b"1\n2\n")
    spelled = name.replace("'", "''")
    if not mode:
        spelled = spelled.replace("\\", "\\\\").replace("\t", "\\t")
    sql = f"{HEAD}SET sql_mode = '{mode}'; LOAD DATA LOCAL INFILE '{spelled}' INTO TABLE s.t;"
    client_run(server, sql.encode(), "--local-infile=1")
    assert rows(server) == ["1", "2"]
    server.drop_schemas()
    load_sql(sql, server.settings, allow_local_infile=True)
    assert rows(server) == ["1", "2"]


def test_names_are_bytes(server: Server, folder: Path) -> None:
    name = os.path.join(os.fsencode(folder), "größe".encode("latin-1"))  # noqa: PTH118
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(b"7\n")
    with connect_now(server.settings, local_infile=True) as connection:
        for sql in [*HEAD.encode().split(b";")[:3], b"SET NAMES latin1"]:
            send(connection, sql)
        assert send(connection, b"LOAD DATA LOCAL INFILE '" + name + b"' INTO TABLE t").changed == 1


def test_the_home_folder_is_that_of_the_client(mysql: Server, folder: Path) -> None:
    sql = f"{HEAD}LOAD DATA LOCAL INFILE '~/rows.txt' INTO TABLE s.t;"
    client_run(mysql, sql.encode(), "--local-infile=1")
    assert rows(mysql) == ["1", "2"]
    mysql.drop_schemas()
    load_sql(sql, mysql.settings, allow_local_infile=True)
    assert rows(mysql) == ["1", "2"]


def test_a_large_file_is_sent_whole(server: Server, folder: Path) -> None:
    lines = 300_000
    (folder / "large").write_bytes(b"".join(b"%d\n" % n for n in range(lines)))
    sql = f"{HEAD}LOAD DATA LOCAL INFILE 'large' INTO TABLE s.t;"
    assert load_sql(sql, server.settings, allow_local_infile=True).rows == lines


def test_a_file_that_is_not_there_is_told(server: Server, folder: Path) -> None:
    sql = f"{HEAD}LOAD DATA LOCAL INFILE 'nosuch' INTO TABLE s.t;"
    with pytest.raises(StatementError, match=r"error 1017 .*'nosuch' of this machine cannot be"):
        load_sql(sql, server.settings, allow_local_infile=True)
    assert (
        "cannot be read"
        in load_sql(
            sql.replace("CREATE SCHEMA s;", "").replace("CREATE", "CREATE OR REPLACE")
            if server.flavour == "mariadb"
            else "LOAD DATA LOCAL INFILE 'nosuch' INTO TABLE s.t; INSERT INTO s.t VALUES (3);",
            server.settings,
            allow_local_infile=True,
            force=True,
        )
        .errors[0]
        .message
    )


def test_a_second_statement_gets_no_file(server: Server, folder: Path) -> None:
    hidden = "DELIMITER $$\nSELECT 1; LOAD DATA LOCAL INFILE 'secret' INTO TABLE s.t; SELECT 2$$\n"
    with pytest.raises(ScriptError, match="'secret' of this machine in answer to a statement"):
        load_sql(f"{HEAD}{hidden}", server.settings, allow_local_infile=True, jobs=1)
    assert rows(server) == []


ASKING = {
    "LOAD": "LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE s.t",
    "SELECT": "SELECT a FROM s.t",
    "INSERT": "INSERT INTO s.t VALUES (1)",
    "ALTER": "ALTER TABLE s.t ADD COLUMN b int",
}


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize(
    ("verb", "allowed"), [(verb, True) for verb in ASKING] + [("SELECT", False), ("INSERT", False)]
)
def test_a_server_that_asks_for_another_file_gets_nothing(
    mysql: Server, folder: Path, verb: str, force: bool, allowed: bool
) -> None:
    secret = os.fsencode(folder / "secret")
    with Rogue(mysql.port, rf"{verb}.*s\.t", secret) as rogue:
        settings = replace(mysql.settings, port=rogue.port)
        script = f"{HEAD}{ASKING[verb]};\nCREATE TABLE s.later (a int);"
        with pytest.raises(ScriptError, match=r"cell:2:1: refused: .*/secret.*; nothing") as caught:
            load_sql(script, settings, allow_local_infile=allowed, force=force, jobs=1)
        assert rogue.asked >= 1
        assert rogue.got == b""
        assert not isinstance(caught.value, StatementError)


def test_a_file_is_sent_once(mysql: Server, folder: Path) -> None:
    with Rogue(mysql.port, "LOAD|TABLE", b"rows.txt") as rogue:
        settings = replace(mysql.settings, port=rogue.port)
        with connect_now(settings, local_infile=True) as connection:
            send(connection, b"LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE t")
            with pytest.raises(RuntimeError, match="in answer to a statement that does not"):
                send(connection, b"SHOW TABLES")
            send(connection, b"SELECT 1")  # the connection is as good as before
        assert rogue.got == b"1\n2\n"


@pytest.mark.parametrize("then", [b"", b"\xfbsecret", b"\xff\x10\x04#HY000no", b"\x01", b"\0"])
def test_whatever_it_says_then_is_not_believed(
    mysql: Server, folder: Path, then: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.local_infile.ANSWER_S", 0.5)
    with Rogue(mysql.port, "VALUES", b"secret", then=then) as rogue:
        settings = replace(mysql.settings, port=rogue.port)
        with pytest.raises(SidecarError):  # or that the connection is lost, which it is then
            load_sql(f"{HEAD}INSERT INTO t VALUES (1);", settings, allow_local_infile=True)
        assert rogue.got == b""


def test_our_own_questions_get_no_file_either(mysql: Server, folder: Path) -> None:
    with Rogue(mysql.port, "SELECT @@sql_mode", b"secret") as rogue:
        settings = replace(mysql.settings, port=rogue.port)
        with pytest.raises(SidecarError, match="'secret' of this machine"):
            load_sql(f"{HEAD}INSERT INTO t VALUES (1);", settings, allow_local_infile=True)
        assert rogue.got == b""
