"""Dumps and snapshots of servers with unusual names, settings and objects: nothing is lost."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pymysql
import pytest

from sidecar_magics import mysql_keep
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.errors import AccessError, KeepError, StatementError
from sidecar_magics.keep import KeepPolicy, KeepStatus
from sidecar_magics.keep.fingerprints import Fingerprint
from sidecar_magics.keep.folder import KeepFolder, unwritable
from sidecar_magics.keep.keeping import Keeping
from sidecar_magics.load import load
from tests.oracle import client_run
from tests.servers import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

# Longer in all than what a page takes of a row, if each is full.
WIDE = ", ".join(f"c{number} CHAR(255) CHARACTER SET latin1" for number in range(40))


@pytest.fixture(params=("mysql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Yield each server in turn, empty; its settings are put back."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    yield found
    with connect_now(found.settings) as connection:
        # What a limit hides could not be dropped, or put back.
        connection.cursor().execute("SET GLOBAL sql_select_limit = DEFAULT")
    found.restore_globals()


def text(server: Server, folder: Path) -> bytes:
    dump(folder / "now.sql", server.settings)
    return (folder / "now.sql").read_bytes()


def kept_and_restored(server: Server, folder: Path) -> tuple[bytes, bytes]:
    """Return what a server has before it is kept, and a new one after that is restored."""
    before = text(server, folder)
    keeper = mysql_keep(server.settings, folder=folder / "kept", every_s=1e9)
    keeper.off()
    server.drop_schemas()
    mysql_keep(server.settings, folder=folder / "kept", every_s=1e9).off()
    return before, text(server, folder)


@pytest.mark.parametrize("names", [("lab", "Lab"), ("lab", "láb")])
def test_schemas_that_differ_in_capitals_or_accents_alone_are_all_kept(
    server: Server, tmp_path: Path, names: tuple[str, str]
) -> None:
    for number, name in enumerate(names):
        execute(server, f"CREATE SCHEMA `{name}`", f"CREATE TABLE `{name}`.t (id INT PRIMARY KEY)")
        execute(server, f"INSERT INTO `{name}`.t VALUES ({number})")
    before, after = kept_and_restored(server, tmp_path)
    assert all(f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{n}`".encode() in before for n in names)
    assert after == before
    assert [execute(server, f"SELECT id FROM `{name}`.t") for name in names] == [[(0,)], [(1,)]]


def test_tables_whose_paths_look_the_same_are_kept_apart(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fingerprint, "is_settled", Fingerprint.is_settled_if_alone)
    execute(server, "CREATE SCHEMA a", "CREATE SCHEMA `a.b`")
    execute(server, "CREATE TABLE a.`b.c` (id INT PRIMARY KEY, x INT) AS SELECT 1 AS id, 1 AS x")
    execute(server, "CREATE TABLE `a.b`.c (id INT PRIMARY KEY) AS SELECT 2 AS id")
    keeper = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    execute(server, "DO SLEEP(1.1)", "UPDATE a.`b.c` SET x = 9")
    keeper.now()
    keeper.off()
    before = text(server, tmp_path)
    server.drop_schemas()
    mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9).off()
    assert text(server, tmp_path) == before
    assert execute(server, "SELECT * FROM a.`b.c`") == [(1, 9)]


def test_a_limit_of_the_server_for_answers_hides_nothing(server: Server, tmp_path: Path) -> None:
    rows = ", ".join(f"({number})" for number in range(9))
    execute(server, "CREATE SCHEMA lab")
    for name in "abcd":
        execute(server, f"CREATE TABLE lab.{name} (id INT PRIMARY KEY)")
        execute(server, f"INSERT INTO lab.{name} VALUES {rows}")
    before = text(server, tmp_path)
    execute(server, "SET GLOBAL sql_select_limit = 2")
    assert text(server, tmp_path) == before
    keeper = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    keeper.off()
    snapshot = keeper.status().snapshots[0]
    assert (len(snapshot.tables), snapshot.rows) == (4, 36)


def test_a_load_is_resumed_under_a_limit_for_answers(server: Server, tmp_path: Path) -> None:
    """Else only some of its notes are read, and the other pieces are loaded twice."""
    lines = ["CREATE SCHEMA lab;", "CREATE TABLE lab.t (id INT);"]
    lines += [f"UPDATE lab.t SET id = id + 1; INSERT INTO lab.t VALUES ({n});" for n in range(20)]
    script = tmp_path / "s.sql"
    script.write_text("\n".join([*lines, "INSERT INTO lab.late VALUES (1);"]), encoding="utf-8")
    execute(server, "SET GLOBAL sql_select_limit = 1")
    with pytest.raises(StatementError):
        load(script, server.settings, once=True, jobs=1)
    execute(server, "CREATE TABLE lab.late (id INT)")
    load(script, server.settings, resume=True, jobs=1)
    ids = sorted(number + 19 - number for number in range(20))
    assert execute(server, "SELECT COUNT(*), SUM(id) FROM lab.t") == [(20, sum(ids))]


def test_the_client_commits_all_rows_of_a_dump(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA lab", "CREATE TABLE lab.t (id INT PRIMARY KEY)")
    execute(server, "INSERT INTO lab.t VALUES (1), (2)")
    before = text(server, tmp_path)
    execute(server, "SET GLOBAL autocommit = 0")
    server.drop_schemas()
    assert b"ERROR" not in client_run(server, before)
    assert text(server, tmp_path) == before


def test_a_table_of_the_user_with_the_name_of_the_mark_stays(
    server: Server, tmp_path: Path
) -> None:
    execute(server, "CREATE SCHEMA sidecar_magics")
    columns = "id INT PRIMARY KEY, a VARCHAR(50), b VARCHAR(50), c INT"
    execute(server, f"CREATE TABLE sidecar_magics.kept ({columns})")
    execute(server, "INSERT INTO sidecar_magics.kept VALUES (1, 'mine', 'too', 5)")
    with pytest.raises(AccessError, match="a table `kept` that is not of %mysql_keep"):
        mysql_keep(server.settings, folder=tmp_path / "kept")
    assert execute(server, "SELECT * FROM sidecar_magics.kept") == [(1, "mine", "too", 5)]


@pytest.mark.parametrize(
    ("name", "value", "statements"),
    [
        (
            "innodb_strict_mode",
            0,
            [
                f"CREATE TABLE lab.wide (id INT PRIMARY KEY, {WIDE}) ROW_FORMAT=COMPACT",
                "CREATE TABLE lab.fixed (id INT PRIMARY KEY) ROW_FORMAT=FIXED",
            ],
        ),
        (
            "restrict_fk_on_non_standard_key",
            0,
            [
                "CREATE TABLE lab.q (id INT, KEY (id))",
                "CREATE TABLE lab.c (id INT PRIMARY KEY, q INT REFERENCES lab.q (id),"
                " FOREIGN KEY (q) REFERENCES lab.q (id))",
            ],
        ),
    ],
    ids=["strict", "fk"],
)
def test_what_was_made_under_lenient_settings_is_restored_without_them(
    server: Server, tmp_path: Path, name: str, value: int, statements: list[str]
) -> None:
    if not execute(server, f"SHOW VARIABLES LIKE '{name}'"):
        pytest.skip(f"{server.flavour} has no {name}")
    execute(server, "CREATE SCHEMA lab", f"SET SESSION {name} = {value}", *statements)
    before, after = kept_and_restored(server, tmp_path)
    assert after == before


def test_a_table_in_a_tablespace_comes_back_without_it(
    mysql_server: Server, tmp_path: Path
) -> None:
    execute(mysql_server, "CREATE TABLESPACE ts1 ADD DATAFILE 'ts1.ibd'", "CREATE SCHEMA lab")
    try:
        execute(mysql_server, "CREATE TABLE lab.t (id INT PRIMARY KEY) TABLESPACE ts1")
        execute(mysql_server, "INSERT INTO lab.t VALUES (4)")
        keeper = mysql_keep(mysql_server.settings, folder=tmp_path / "kept", every_s=1e9)
        keeper.off()
    finally:
        mysql_server.drop_schemas()
        execute(mysql_server, "DROP TABLESPACE ts1")
    mysql_keep(mysql_server.settings, folder=tmp_path / "kept", every_s=1e9).off()
    assert execute(mysql_server, "SELECT * FROM lab.t") == [(4,)]


def test_a_table_may_count_by_a_sequence_of_a_later_schema(
    mariadb_server: Server, tmp_path: Path
) -> None:
    server = mariadb_server
    execute(server, "CREATE SCHEMA a", "CREATE SCHEMA b", "CREATE SEQUENCE b.s")
    execute(server, "CREATE TABLE a.t (id INT DEFAULT NEXTVAL(b.s) PRIMARY KEY, x INT)")
    execute(server, "INSERT INTO a.t (x) VALUES (1), (2)")
    before = text(server, tmp_path)
    server.drop_schemas()
    assert b"ERROR" not in client_run(server, before)
    assert text(server, tmp_path) == before


def test_schemas_whose_tables_refer_to_each_other_are_restored(
    server: Server, tmp_path: Path
) -> None:
    """As those of a DataJoint pipeline do: also over what is half restored."""
    execute(server, "CREATE SCHEMA mid", "CREATE SCHEMA top", "CREATE SCHEMA end_of_it")
    execute(server, "CREATE TABLE top.t (id INT PRIMARY KEY)", "INSERT INTO top.t VALUES (1)")
    for name, above in (("mid", "top"), ("end_of_it", "mid")):
        execute(
            server,
            f"CREATE TABLE {name}.t (id INT PRIMARY KEY,"
            f" FOREIGN KEY (id) REFERENCES {above}.t (id))",
            f"INSERT INTO {name}.t VALUES (1)",
        )
    keeper = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    before = text(server, tmp_path)
    name = keeper.status().snapshots[0].name
    execute(server, "DELETE FROM end_of_it.t", "INSERT INTO top.t VALUES (2)")
    keeper.restore(name)
    assert text(server, tmp_path) == before
    keeper.off()
    execute(server, "UPDATE sidecar_magics.kept SET is_restoring = 1", "DELETE FROM end_of_it.t")
    mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9).off()
    assert text(server, tmp_path) == before


def test_a_schema_is_restored_beside_one_that_differs_in_capitals(
    server: Server, tmp_path: Path
) -> None:
    execute(server, "CREATE SCHEMA Lab", "CREATE TABLE Lab.t (id INT PRIMARY KEY)")
    keeper = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    keeper.off()
    execute(server, "DROP SCHEMA Lab", "CREATE SCHEMA lab", "CREATE TABLE lab.u (id INT)")
    keeper.restore(keeper.status().snapshots[0].name)
    keeper.off()
    assert {"Lab", "lab"} <= {*server.schemas()}


def test_a_server_that_may_not_be_written_is_said_to_be_that(
    mysql_server: Server, tmp_path: Path
) -> None:
    server = mysql_server
    execute(server, "CREATE SCHEMA lab", "CREATE TABLE lab.t (id INT)")
    execute(server, "SET GLOBAL super_read_only = ON")
    try:
        with pytest.raises(AccessError) as caught:
            mysql_keep(server.settings, folder=tmp_path / "kept")
    finally:
        execute(server, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    assert "SET GLOBAL read_only = OFF" in str(caught.value)


@pytest.mark.parametrize("rows", ["insert", "load-data"])
def test_rows_that_a_check_would_refuse_come_back(
    mariadb_server: Server, tmp_path: Path, rows: str
) -> None:
    """A JSON that is NOT NULL, and was added later, is an empty text: no JSON."""
    server = mariadb_server
    execute(server, "CREATE SCHEMA lab", "CREATE TABLE lab.t (id INT PRIMARY KEY)")
    execute(server, "INSERT INTO lab.t VALUES (1)", "ALTER TABLE lab.t ADD j JSON NOT NULL")
    before, after = kept_and_restored(server, tmp_path)
    assert after == before
    server.drop_schemas()
    load(tmp_path / "now.sql", server.settings, rows=rows)
    assert text(server, tmp_path) == before
    server.drop_schemas()
    assert b"ERROR" not in client_run(server, before)
    assert text(server, tmp_path) == before
    with pytest.raises(pymysql.MySQLError):
        execute(server, "INSERT INTO lab.t VALUES (2, '')")


def test_what_is_left_out_is_shown_and_can_be_repaired(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA lab", "CREATE TABLE lab.t (id INT PRIMARY KEY, x INT)")
    execute(server, "CREATE VIEW lab.v AS SELECT x FROM lab.t", "ALTER TABLE lab.t DROP COLUMN x")
    keeper = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    keeper.off()
    assert "The view lab.v is left out: it does not work (error 1356)." in repr(keeper.status())
    server.drop_schemas()
    restored = mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9)
    restored.off()
    assert "The view lab.v is left out" in repr(restored.status())


def test_a_trigger_that_works_no_more_stops_nothing_else(server: Server, tmp_path: Path) -> None:
    script = tmp_path / "lab.sql"
    script.write_text("CREATE SCHEMA lab; CREATE TABLE lab.t (id INT PRIMARY KEY, x INT);")
    load(script, server.settings, once=True)
    execute(
        server,
        "CREATE TABLE lab.u (id INT PRIMARY KEY)",
        "INSERT INTO lab.t VALUES (1, 1)",
        "CREATE TRIGGER lab.broken BEFORE INSERT ON lab.t FOR EACH ROW SET NEW.x = 1",
        "CREATE TRIGGER lab.works BEFORE INSERT ON lab.u FOR EACH ROW SET NEW.id = 2",
        "CREATE TRIGGER lab.before BEFORE DELETE ON lab.t FOR EACH ROW SET @a = 1",
        "CREATE EVENT lab.later ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "CREATE VIEW lab.seen AS SELECT id FROM lab.t",
        "ALTER TABLE lab.t DROP COLUMN x",
    )
    mysql_keep(server.settings, folder=tmp_path / "kept", every_s=1e9).off()
    server.drop_schemas()
    output = Keeping(server.settings, KeepPolicy(folder=tmp_path / "kept"))
    restored = output.begin()
    assert restored is not None
    assert [error.errno for error in restored.report.errors] == [1054]
    status = repr(KeepStatus("kept", restored=restored))
    assert "Not restored, since the server refuses it" in status
    assert "Unknown column 'x' in 'NEW'" in status
    question = "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'lab'"
    assert sorted(name for (name,) in execute(server, question)) == ["before", "works"]
    assert execute(server, "SELECT * FROM lab.seen") == [(1,)]
    question = "SELECT event_name FROM information_schema.events WHERE event_schema = 'lab'"
    assert execute(server, question) == [("later",)]
    assert output.begin() is None
    assert load(script, server.settings, once=True).already_loaded
    assert output.now() is not None, "it lacks the trigger"


def test_room_is_asked_for_only_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(KeepError) as caught:
        KeepFolder(tmp_path / "kept").make()
    assert caught.value.hint == "name another folder with --folder."
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert unwritable(tmp_path, full).hint.startswith("make room, or name another folder")


def test_a_killed_keeper_leaves_no_lock_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", missing)
    killed, next_one = KeepFolder(tmp_path / "kept"), KeepFolder(tmp_path / "kept")
    killed.make()
    assert killed.become_keeper("127.0.0.1:3306")
    with killed.writing(), next_one.writing(timeout_s=0.2):
        assert next_one.become_keeper("127.0.0.1:3306")
