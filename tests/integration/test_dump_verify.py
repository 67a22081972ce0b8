"""Dumps that are loaded again and compared before they take their place, on real servers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import scratch
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import DumpProgress, dump, verify
from sidecar_magics.dump.policy import DumpPolicy
from sidecar_magics.dump.snapshot import Asking, Snapshot
from sidecar_magics.errors import DumpError, Interrupted, SettingsError
from sidecar_magics.keep.marker import has_data, schemas_of_user
from sidecar_magics.load import load
from tests.background import running, until
from tests.servers import execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server

RICH = Path(__file__).parents[1] / "data" / "rich.sql"


@pytest.fixture(params=("mysql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def scratch_schemas(server: Server) -> list[str]:
    """Return the scratch schemas that there are."""
    return [name for (name,) in execute(server, "SHOW SCHEMAS") if scratch.is_scratch(name)]


def several_schemas(server: Server) -> None:
    """Make schemas that name each other, and themselves, in each kind of object."""
    execute(
        server,
        "CREATE SCHEMA lab COLLATE utf8mb4_bin",
        "CREATE SCHEMA `lab-2`",
        "CREATE TABLE lab.lab (lab INT PRIMARY KEY, t TIMESTAMP NULL, f FLOAT, b BLOB)",
        "CREATE TABLE `lab-2`.child (id INT AUTO_INCREMENT PRIMARY KEY, lab INT,"
        " FOREIGN KEY (lab) REFERENCES lab.lab (lab) ON DELETE CASCADE)",
        "INSERT INTO lab.lab VALUES (1, '2020-01-01', 0.1, x'00ff'), (2, NULL, -0.0, 'a\\n\\'')",
        "INSERT INTO `lab-2`.child (lab) VALUES (1), (1), (2)",
        "CREATE FUNCTION lab.f() RETURNS INT DETERMINISTIC RETURN (SELECT COUNT(*) FROM lab.lab)",
        "CREATE PROCEDURE `lab-2`.p() BEGIN DELETE FROM lab.lab; CALL `lab-2`.p(); END",
        "CREATE VIEW `lab-2`.v AS SELECT lab.f() AS f, c.* FROM `lab-2`.child c"
        " JOIN lab.lab l ON l.lab = c.lab",
        "CREATE VIEW lab.w AS SELECT * FROM `lab-2`.v",
        "CREATE TRIGGER lab.r BEFORE INSERT ON lab.lab FOR EACH ROW"
        " BEGIN INSERT INTO `lab-2`.child (lab) VALUES (NEW.lab); END",
        "CREATE TRIGGER lab.a BEFORE INSERT ON lab.lab FOR EACH ROW SET NEW.f = 1",
        "CREATE EVENT lab.e ON SCHEDULE EVERY 1 SECOND ENABLE DO DELETE FROM `lab-2`.child"
        " WHERE FALSE",
    )


@pytest.mark.parametrize("name", ["d.sql", "d.sql.zst", "folder/"])
def test_schemas_that_name_each_other_are_verified(
    server: Server, tmp_path: Path, name: str
) -> None:
    several_schemas(server)
    report = dump(f"{tmp_path}/{name}", server.settings, verify=True)
    assert report.not_verified == {}
    assert report.is_verified
    assert (report.verified_tables, report.verified_rows) == (2, 5)
    assert re.search(
        r"\n  Verified: 2 tables, 5 rows loaded into scratch schemas and compared in [\d.]+ m?s\.",
        repr(report),
    )
    assert ", verified; " in repr(report).splitlines()[0]
    assert report.to_dict()["verified_rows"] == 5
    assert scratch_schemas(server) == []
    assert [each.name for each in tmp_path.iterdir()] == [name.rstrip("/")]
    plain = dump(f"{tmp_path}/plain", server.settings)
    assert not plain.is_verified
    assert "erified" not in repr(plain)


def test_what_is_rich_is_verified(server: Server, tmp_path: Path) -> None:
    load(RICH, server.settings)
    report = dump(tmp_path / "d.sql", server.settings, verify=True)
    assert report.not_verified == {}
    assert report.verified_rows == report.rows > 0


@pytest.mark.parametrize("options", [{"tables": ["lab.*"]}, {"schema_only": True}, {"where": "0"}])
def test_a_part_is_verified(server: Server, tmp_path: Path, options: dict[str, Any]) -> None:
    several_schemas(server)
    report = dump(tmp_path / "d.sql", server.settings, verify=True, **options)
    assert report.is_verified
    left_out = {"view lab.w", "view lab-2.v"} if "tables" in options else set()
    assert set(report.not_verified) <= left_out
    assert report.verified_tables == len(report.tables)


def test_a_view_whose_table_is_not_dumped_is_said_to_be_not_verified(
    server: Server, tmp_path: Path
) -> None:
    several_schemas(server)
    report = dump(tmp_path / "d.sql", server.settings, tables=["*v", "*w"], verify=True)
    assert set(report.not_verified) == {"view lab-2.v", "view lab.w"}
    assert "verified but for 2 objects" in report.summary()
    assert "Not verified: view lab.w, since it needs lab-2.v, which is not loaded." in repr(report)


def test_a_view_that_does_not_work_is_left_out_and_all_else_verified(
    server: Server, tmp_path: Path
) -> None:
    several_schemas(server)
    execute(
        server,
        "CREATE TABLE lab.gone (i INT)",
        "CREATE VIEW lab.broken AS SELECT * FROM lab.gone",
        "DROP TABLE lab.gone",
    )
    report = dump(tmp_path / "d.sql", server.settings, verify=True)
    assert report.is_verified
    assert report.not_verified == {}
    assert "lab.broken is left out" in repr(report)


def test_other_schemas_are_not_touched(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign key out of the dump does not lead to the real table, or it would lock its rows."""
    several_schemas(server)
    seen: list[Any] = []
    read = verify.Verification._read

    def looking(self: Any, *given: Any) -> Any:
        question = (
            "SELECT table_schema, referenced_table_schema FROM information_schema.key_column_usage"
            " WHERE referenced_table_name IS NOT NULL AND table_schema <> 'lab-2'"
        )
        seen.extend(execute(server, question))
        return read(self, *given)

    monkeypatch.setattr(verify.Verification, "_read", looking)
    report = dump(tmp_path / "d.sql", server.settings, schemas="lab-2", verify=True)
    assert report.is_verified
    assert report.not_verified == {}
    ((child, parent),) = seen
    assert scratch.is_scratch(child)
    assert scratch.is_scratch(parent)
    assert child != parent
    assert execute(server, "SELECT COUNT(*) FROM lab.lab") == [(2,)]


def test_changes_meanwhile_do_not_matter(server: Server, tmp_path: Path) -> None:
    several_schemas(server)
    changed: list[Any] = []

    def change(progress: DumpProgress) -> None:
        if progress.verifies and not changed:
            changed.append(execute(server, "DELETE FROM `lab-2`.child", "DROP VIEW lab.w"))

    report = dump(tmp_path / "d.sql", server.settings, verify=True, progress=change)
    assert report.is_verified
    assert report.verified_rows == 5
    assert changed


def spoiled(before: bytes, after: bytes) -> Callable[..., Any]:
    """Return what spoils a file of a dump before it is verified."""
    original = verify._sources

    def sources(target: Any) -> Any:
        file = target.beside
        sql = file.read_bytes()
        assert before in sql
        file.write_bytes(sql.replace(before, after))
        return original(target)

    return sources


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"(2,2,", b"(2,3,", "table lab.t: of 3 rows some have other values"),
        (b",\n(3,3,'c')", b"", "table lab.t: 3 rows were dumped, and 2 came back"),
        (b"`n` int", b"`n` bigint", "table lab.t: dumped `n` int"),
        (b"FOR EACH ROW SET NEW.n = 5", b"FOR EACH ROW SET NEW.n = 6", "trigger lab.r: its def"),
        (b"SQL SECURITY DEFINER VIEW", b"SQL SECURITY INVOKER VIEW", "view lab.v: dumped "),
        (b"CREATE TABLE `u`", b"CREATE TABLE `w`", "table lab.u: it is missing"),
        (b"STRICT_TRANS_TABLES", b"STRICT_ALL_TABLES", "trigger lab.r: it was made in another"),
    ],
)
def test_a_difference_is_an_error_and_the_last_good_one_stays(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: bytes,
    after: bytes,
    words: str,
) -> None:
    execute(
        server,
        "SET sql_mode = 'STRICT_TRANS_TABLES'",
        "CREATE SCHEMA lab",
        "CREATE TABLE lab.t (id INT PRIMARY KEY, n INT, s TEXT)",
        "CREATE TABLE lab.u (n INT)",
        "INSERT INTO lab.t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')",
        "CREATE VIEW lab.v AS SELECT n FROM lab.t",
        "CREATE TRIGGER lab.r BEFORE INSERT ON lab.t FOR EACH ROW SET NEW.n = 5",
    )
    file = tmp_path / "d.sql"
    file.write_text("-- the last good one\n")
    monkeypatch.setattr(verify, "_sources", spoiled(before, after))
    with pytest.raises(DumpError, match="differs from the dump") as caught:
        dump(file, server.settings, verify=True)
    assert words in caught.value.details[0]
    assert file.read_text() == "-- the last good one\n"
    assert list(tmp_path.iterdir()) == [file]
    assert scratch_schemas(server) == []


def test_rows_that_a_dump_misses_are_found(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file has, not what was written into it, is compared."""
    several_schemas(server)
    monkeypatch.setattr(
        verify, "_sources", spoiled(b"INSERT INTO `child` VALUES\n(1,1),\n(2,1),\n(3,2);", b"")
    )
    with pytest.raises(DumpError, match=r"child: 3 rows were dumped, and 0 came back") as caught:
        dump(tmp_path / "d.sql", server.settings, verify=True, jobs=1)
    assert "--into" in caught.value.hint


def test_triggers_in_another_order_are_found(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_schemas(server)
    original = verify._sources

    def swapped(target: Any) -> Any:
        sql = target.beside.read_bytes()
        first, second = (sql.index(b"-- Trigger " + name) for name in (b"r\n", b"a\n"))
        end = sql.index(b"\nSET NAMES", second)
        sql = sql[:first] + sql[second:end] + sql[first:second] + sql[end:]
        target.beside.write_bytes(sql)
        return original(target)

    monkeypatch.setattr(verify, "_sources", swapped)
    with pytest.raises(DumpError, match=r"table lab\.lab: its triggers fire in another order"):
        dump(tmp_path / "d.sql", server.settings, verify=True)


def test_scratch_schemas_are_no_data_of_a_user(server: Server, tmp_path: Path) -> None:
    name = f"sidecar_{scratch.VERIFY}_0123abcd_000"
    execute(server, f"CREATE SCHEMA {name}", f"CREATE TABLE {name}.t (i INT)")
    asking = Asking(server.settings)
    try:
        assert schemas_of_user(asking) == []
        assert not has_data(asking)
    finally:
        asking.close()
    assert dump(tmp_path / "d.sql", server.settings).schemas == []
    assert dump(tmp_path / "d.sql", server.settings, schemas=name).schemas == [name]


def test_a_file_that_cannot_be_loaded_is_an_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_schemas(server)
    monkeypatch.setattr(verify, "_sources", spoiled(b"PRIMARY KEY (`lab`)", b"PRIMARY (`lab`)"))
    with pytest.raises(DumpError, match="its copy could not be loaded") as caught:
        dump(tmp_path / "d.sql", server.settings, verify=True)
    assert "d.sql:" in caught.value.details[0]
    assert ".partial" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert scratch_schemas(server) == []


@pytest.mark.parametrize("statement", ["DROP SCHEMA lab", "USE mysql", "GRANT ALL ON *.* TO x@y"])
def test_nothing_but_a_dump_is_executed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    several_schemas(server)
    end = b"-- Dump completed"
    monkeypatch.setattr(verify, "_sources", spoiled(end, statement.encode() + b";\n" + end))
    with pytest.raises(DumpError):
        dump(tmp_path / "d.sql", server.settings, verify=True)
    assert {"lab", "lab-2"} <= {name for (name,) in execute(server, "SHOW SCHEMAS")}
    assert scratch_schemas(server) == []


def test_tables_that_reach_beyond_their_schema_are_not_loaded(
    server: Server, tmp_path: Path
) -> None:
    execute(
        server,
        "CREATE SCHEMA lab",
        "CREATE TABLE lab.u (i INT PRIMARY KEY)",
        "CREATE TABLE lab.t (i INT PRIMARY KEY) CONNECTION = 'elsewhere'",
        "INSERT INTO lab.t VALUES (1)",
        "CREATE TRIGGER lab.r BEFORE INSERT ON lab.t FOR EACH ROW SET NEW.i = 1",
        "CREATE VIEW lab.v AS SELECT * FROM lab.t",
    )
    report = dump(tmp_path / "d.sql", server.settings, verify=True)
    assert set(report.not_verified) == {"table lab.t", "trigger lab.r", "view lab.v"}
    assert "CONNECTION in its definition" in report.not_verified["table lab.t"]
    assert (report.verified_tables, report.verified_rows) == (1, 0)


def test_comments_that_a_load_drops_are_reported(mariadb_server: Server, tmp_path: Path) -> None:
    execute(
        mariadb_server,
        "CREATE SCHEMA lab",
        "CREATE PROCEDURE lab.p() BEGIN SELECT 1; /* one */ SELECT 2; END",
    )
    report = dump(tmp_path / "d.sql", mariadb_server.settings, verify=True)
    assert report.is_verified
    assert list(report.not_verified) == ["procedure lab.p"]


def test_what_was_loaded_once_stays_so(server: Server, tmp_path: Path) -> None:
    """What is done in scratch schemas ends no record of --once, and makes none."""
    script = tmp_path / "tutorial.sql"
    sequence = "CREATE SEQUENCE s; " if server.flavour == "mariadb" else ""
    script.write_text(
        f"CREATE SCHEMA lab; USE lab; {sequence}CREATE TABLE t (i INT);"
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;"
        "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT 1;"
        "CREATE VIEW v AS SELECT * FROM t; INSERT INTO t VALUES (1);"
    )
    load(script, server.settings, once=True)
    before = execute(server, "SELECT * FROM sidecar_magics.loads")
    assert dump(tmp_path / "d.sql", server.settings, verify=True).is_verified
    assert execute(server, "SELECT * FROM sidecar_magics.loads") == before
    assert load(script, server.settings, once=True).already_loaded


def test_the_comparison_locks_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_schemas(server)
    execute(server, "CREATE TABLE lab.m (i INT) ENGINE=MyISAM", "INSERT INTO lab.m VALUES (1)")
    locks = []
    lock = Snapshot._lock

    def locking(self: Snapshot) -> bool:
        locks.append(self)
        return lock(self)

    monkeypatch.setattr(Snapshot, "_lock", locking)
    assert dump(tmp_path / "d.sql", server.settings, verify=True, jobs=2).verified_rows == 6
    assert len(locks) == 1


def test_sequences_and_packages_are_verified(mariadb_server: Server, tmp_path: Path) -> None:
    execute(
        mariadb_server,
        "CREATE SCHEMA lab",
        "CREATE SEQUENCE lab.s START WITH 7",
        "CREATE TABLE lab.t (id INT DEFAULT NEXTVAL(lab.s) PRIMARY KEY, n INT) WITH SYSTEM"
        " VERSIONING",
        "INSERT INTO lab.t (n) VALUES (1), (2)",
        "SET sql_mode = 'ORACLE'",
        "CREATE PACKAGE lab.k AS FUNCTION f RETURN INT; END",
        "CREATE PACKAGE BODY lab.k AS FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END",
    )
    report = dump(tmp_path / "d.sql", mariadb_server.settings, verify=True)
    assert report.not_verified == {}
    assert report.verified_rows == 2


def test_an_interrupt_leaves_no_scratch_schema(server: Server, tmp_path: Path) -> None:
    several_schemas(server)
    file = tmp_path / "d.sql"
    file.write_text("-- the last good one\n")

    seen: list[str] = []

    def stop(progress: DumpProgress) -> None:
        seen.extend(scratch_schemas(server) if progress.verifies == verify.COMPARES else [])
        if seen:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="the earlier dump is as it was"):
        dump(file, server.settings, verify=True, progress=stop)
    assert seen, "it was stopped while there was one"
    assert scratch_schemas(server) == []
    assert list(tmp_path.iterdir()) == [file]


STOPS = """
import sys, time
from sidecar_magics.dump import dump
from sidecar_magics.settings import ConnectionSettings, Secret
host, port, password, file = sys.argv[1:]
def stop(progress):
    if progress.verifies.startswith("comparing"):
        print("compares", flush=True)
        time.sleep(600)
settings = ConnectionSettings(host, int(port), "root", Secret(password))
dump(file, settings, verify=True, progress=stop)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_the_next_one_drops_what_a_killed_one_has_left(server: Server, tmp_path: Path) -> None:
    several_schemas(server)
    where = (server.host, str(server.port), server.password, str(tmp_path / "d.sql"))
    with running([sys.executable, "-c", STOPS, *where], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        left = scratch_schemas(server)
        assert len(left) == 2
        # Of one that is at work nothing is dropped, nor is it dumped.
        report = dump(tmp_path / "other.sql", server.settings, verify=True)
        assert report.schemas == ["lab", "lab-2"]
        assert scratch_schemas(server) == left
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    until(lambda: is_unlocked(server, left[0]))
    dump(tmp_path / "d.sql", server.settings, verify=True)
    assert scratch_schemas(server) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["d.sql", "other.sql"]


def is_unlocked(server: Server, name: str) -> bool:
    """Return whether the server knows that the process is gone that made a scratch schema."""
    token = name.split("_")[2]
    return execute(server, f"SELECT IS_USED_LOCK('sidecar_magics.verify.{token}')") == [(None,)]


def test_an_account_that_may_not_is_told_before_the_dump(server: Server, tmp_path: Path) -> None:
    from dataclasses import replace

    execute(
        server,
        "CREATE SCHEMA lab",
        "CREATE TABLE lab.t (i INT)",
        "CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY ''",
        "GRANT ALL ON lab.* TO reader@'%'",
    )
    settings = replace(server.settings, user="reader", password=type(server.settings.password)(""))
    seen: list[DumpProgress] = []
    try:
        with pytest.raises(DumpError, match=r"error 1044") as caught:
            dump(tmp_path / "d.sql", settings, verify=True, progress=seen.append)
        assert r"GRANT ALL ON `sidecar\_verify\_%`.*" in caught.value.hint
        assert seen == []
        execute(server, r"GRANT ALL ON `sidecar\_verify\_%`.* TO reader@'%'")
        assert dump(tmp_path / "d.sql", settings, verify=True).is_verified
    finally:
        execute(server, "DROP USER reader@'%'")


def test_a_copy_that_has_no_room_is_not_begun(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_schemas(server)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 0, 1))
    with pytest.raises(
        DumpError, match=r"its copy may take .* of the server's disk, and 1 B are free"
    ):
        dump(tmp_path / "d.sql", server.settings, verify=True)
    assert list(tmp_path.iterdir()) == []
    assert scratch_schemas(server) == []


def test_another_machine_needs_to_be_meant(tmp_path: Path) -> None:
    from sidecar_magics.settings import ConnectionSettings, Secret

    settings = ConnectionSettings("db.example", 3306, "root", Secret("x"))
    with pytest.raises(DumpError, match=r"db\.example is not this machine") as caught:
        dump(tmp_path / "d.sql", settings, verify=True)
    assert "--yes-remote" in caught.value.hint
    with pytest.raises(SettingsError, match="--data-only dumps no tables"):
        DumpPolicy(verify=True, data_only=True)


def test_the_command_verifies(
    mysql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from sidecar_magics.cli import main

    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    several_schemas(mysql_server)
    port = ["--port", str(mysql_server.port)]
    assert main(["dump", f"{tmp_path}/d.sql", "--verify", *port]) in (0, None)
    assert "Verified: 2 tables, 5 rows loaded into scratch schemas" in capsys.readouterr().out


def test_the_magic_verifies(
    mysql_server: Server, tmp_path: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    several_schemas(mysql_server)
    line = f"{tmp_path}/d.sql.gz --verify --port {mysql_server.port} --quiet"
    report = shell.run_line_magic("mysql_dump", line)
    assert report.is_verified
    assert "Verified: 2 tables, 5 rows" in report._repr_html_()


@pytest.mark.thorough
def test_large_tables_are_read_in_the_same_parts(server: Server, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT PRIMARY KEY, s VARCHAR(300))",
        "CREATE TABLE a.no_key (n INT, s TEXT)",
        "CREATE TABLE a.u (id INT PRIMARY KEY, s TEXT) ENGINE=MyISAM",
    )
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for table in ("t", "no_key", "u"):
            cursor.executemany(
                f"INSERT INTO a.{table} VALUES (%s, REPEAT(%s, 30))",
                [(n * 97 % 200_003, f"row {n}\n") for n in range(5000)],
            )
        connection.commit()
    for jobs in (1, 3):
        report = dump(tmp_path / "d.sql", server.settings, verify=True, jobs=jobs)
        assert report.verified_rows == 15_000
