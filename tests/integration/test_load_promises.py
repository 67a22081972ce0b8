"""What a load never does: lose rows of a batch, touch what is not its own, claim what is not so."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import AccessError, ScriptError, SettingsError, StatementError
from sidecar_magics.load import LoadPolicy, load, load_sql

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server
CHECKS_OFF = "SET unique_checks=0, foreign_key_checks=0;"
TABLES = (
    "CREATE DATABASE b; USE b; CREATE TABLE j (i INT PRIMARY KEY); INSERT INTO j VALUES (1);"
    "CREATE TABLE a (i INT PRIMARY KEY); INSERT INTO a VALUES (1),(2),(3);"
)


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def ask(server: Server, sql: str) -> list[tuple[object, ...]]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        connection.commit()
        return list(cursor.fetchall())


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("checks", ["", CHECKS_OFF])
def test_a_duplicate_that_is_ignored_takes_no_other_rows_with_it(
    checks: str, jobs: int, server: Server
) -> None:
    load_sql(f"{checks} {TABLES} INSERT IGNORE INTO j VALUES (1),(2);", server.settings, jobs=jobs)
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(3,)]
    assert ask(server, "SELECT COUNT(*) FROM b.j") == [(2,)]


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("force", [False, True])
def test_a_statement_that_is_refused_takes_no_other_rows_with_it(
    force: bool, jobs: int, server: Server
) -> None:
    script = f"{CHECKS_OFF} {TABLES} INSERT INTO j VALUES (1); INSERT INTO a VALUES (4);"
    refused = contextlib.nullcontext() if force else pytest.raises(StatementError, match="1062")
    with refused:
        load_sql(script, server.settings, jobs=jobs, force=force)
    assert ask(server, "SELECT COUNT(*) FROM b.a WHERE i < 4") == [(3,)]
    if force:
        assert ask(server, "SELECT COUNT(*) FROM b.a") == [(4,)]


@pytest.mark.parametrize("option", ["into", "database"])
@pytest.mark.parametrize("name", ["sidecar_magics", "Sidecar_Magics"])
def test_the_journals_schema_is_no_place_for_a_script(option: str, name: str) -> None:
    with pytest.raises(SettingsError, match=f"--{option} {name}: this schema keeps the journal"):
        LoadPolicy(**{option: name})  # type: ignore[arg-type]


def test_the_journal_drops_nothing_but_its_own_tables(server: Server, tmp_path: Path) -> None:
    ask(server, "CREATE DATABASE sidecar_magics")
    ask(server, "CREATE TABLE sidecar_magics.mine (i INT)")
    path = tmp_path / "a.sql"
    path.write_text(TABLES + "INSERT INTO nosuch VALUES (1);")
    with pytest.raises(StatementError):
        load(path, server.settings, resume=True)
    path.write_text(TABLES + "INSERT INTO    j VALUES (9);")
    load(path, server.settings, resume=True, force=True)
    # Another script has nothing to remember, and the records of this one end with it.
    other = tmp_path / "b.sql"
    other.write_text("DROP TABLE b.a;")
    load(other, server.settings)
    load(other, server.settings, resume=True, force=True)
    tables = ask(server, "SHOW TABLES FROM sidecar_magics")
    assert ("mine",) in tables


def test_what_a_user_does_in_cells_does_not_end_what_once_claims(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "a.sql"
    path.write_text("DROP DATABASE IF EXISTS b; " + TABLES)
    load(path, server.settings, once=True)
    load_sql("INSERT INTO b.a VALUES (77); CREATE TABLE b.mine (i INT);", server.settings)
    assert load(path, server.settings, once=True).already_loaded
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(4,)]
    load_sql("DROP TABLE b.a;", server.settings)
    assert not load(path, server.settings, once=True).already_loaded
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(3,)]


def test_a_load_that_refuses_leaves_no_lock_for_its_own_last_steps(
    server: Server, tmp_path: Path
) -> None:
    """A script that stops within its own transaction; then the load wants to write its notes."""
    path = tmp_path / "a.sql"
    path.write_text(
        TABLES + "START TRANSACTION; INSERT INTO a VALUES (10); INSERT INTO a VALUES (10); COMMIT;"
    )
    with pytest.raises(StatementError, match="1062"):
        load(path, server.settings, resume=True, jobs=4)
    path.write_text(path.read_text().replace("(10); COMMIT", "(11); COMMIT"))
    load(path, server.settings, resume=True, jobs=4)
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(5,)]


@pytest.mark.parametrize("option", [(), ("--add-drop-database",)])
@pytest.mark.parametrize("system_schemas", [False, True])
def test_a_dump_of_a_whole_server_brings_no_journal_of_another_one(
    option: tuple[str, ...], system_schemas: bool, server: Server, tmp_path: Path
) -> None:
    """It has records of what was loaded there, and would take the place of what is noted here."""
    first, whole = tmp_path / "a.sql", tmp_path / "whole.sql"
    first.write_text(TABLES)
    load(first, server.settings, once=True)
    dumping = [*server.dump_client, *option, "--databases", "sidecar_magics", "b"]
    whole.write_bytes(
        subprocess.run(dumping, stdout=subprocess.PIPE, timeout=60, check=True).stdout
    )
    server.drop_schemas()
    report = load(whole, server.settings, once=True, system_schemas=system_schemas)
    assert report.skipped["the journal of %mysql_load"] > 0
    assert load(whole, server.settings, once=True, system_schemas=system_schemas).already_loaded
    assert ask(server, "SELECT name FROM sidecar_magics.loads") == [(b"whole.sql",)]
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(3,)]


@pytest.mark.parametrize("name", ["loads", "done", "doubts", "indexes"])
def test_a_table_that_has_the_place_of_the_journals_is_named_and_stays(
    name: str, server: Server, tmp_path: Path
) -> None:
    ask(server, "CREATE DATABASE sidecar_magics")
    ask(server, f"CREATE TABLE sidecar_magics.{name} (i INT)")
    path = tmp_path / "a.sql"
    path.write_text(TABLES)
    with pytest.raises(AccessError, match=f"sidecar_magics.{name} has the name of one"):
        load(path, server.settings, once=True)
    report = load(path, server.settings)
    assert report.rows == 4
    assert ask(server, "SHOW TABLES FROM sidecar_magics") == [(name,)]


OTHER = "CREATE DATABASE IF NOT EXISTS e; USE e; CREATE TABLE IF NOT EXISTS k (i INT PRIMARY KEY);"


@pytest.mark.parametrize(
    "work",
    [
        "DROP TABLE e.k, b.a;",
        "INSERT INTO k VALUES (2); DELETE b.a FROM k JOIN b.a USING (i);",
        "UPDATE k, b.a SET a.i = 9 WHERE a.i = 1;",
        "RENAME TABLE k TO b.k;",
        "DELIMITER $$\nSELECT 1; USE b; DELETE FROM a$$\n",
    ],
)
def test_whatever_changes_a_schema_ends_what_once_claims_of_it(
    work: str, server: Server, tmp_path: Path
) -> None:
    path, other = tmp_path / "a.sql", tmp_path / "b.sql"
    path.write_text("DROP DATABASE IF EXISTS b; " + TABLES)
    load(path, server.settings, once=True)
    other.write_text(OTHER + work)
    load(other, server.settings)
    assert not load(path, server.settings, once=True).already_loaded
    assert ask(server, "SELECT COUNT(*) FROM b.a WHERE i < 4") == [(3,)]


def test_what_is_set_for_later_sessions_does_not_reach_this_one(
    server: Server, tmp_path: Path
) -> None:
    """Connections that a load makes later begin otherwise than the client's only one."""
    names = [f"t{number}" for number in range(4)]
    tables = (f"CREATE TABLE {name} (i INT PRIMARY KEY, at TIMESTAMP);" for name in names)
    load_sql("CREATE DATABASE b; USE b; " + "".join(tables), server.settings)
    path = tmp_path / "a.sql"
    with path.open("w") as script:
        # After a view the server is asked for each table, when all that comes before is done.
        script.write("USE b; SET GLOBAL time_zone = '+05:00'; CREATE VIEW v AS SELECT 1;\n")
        for name in names:
            for first in range(0, 20_000, 5_000):
                rows = (f"({first + n}, '2020-01-01 12:00:00')" for n in range(5_000))
                script.write(f"INSERT INTO {name} VALUES {','.join(rows)};\n")
    try:
        load(path, server.settings, jobs=4)
    finally:
        server.restore_globals()
    moments = " UNION ".join(f"SELECT UNIX_TIMESTAMP(at) FROM b.{name}" for name in names)
    assert len(ask(server, moments)) == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ["", "UNLOCK TABLES; INSERT INTO a VALUES (4);"])
def test_a_script_that_locks_the_whole_server_does_not_lock_its_own_journal(
    end: str, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "a.sql"
    path.write_text(f"{TABLES} FLUSH TABLES WITH READ LOCK; SELECT COUNT(*) FROM a; {end}")
    load(path, server.settings, once=True)
    assert load(path, server.settings, once=True).already_loaded
    assert ask(server, "SELECT COUNT(*) FROM b.a") == [(4 if end else 3,)]


@pytest.mark.timeout(120)
def test_what_follows_a_lock_of_the_whole_server_is_not_repeated(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "a.sql"
    path.write_text(
        f"{TABLES} CREATE TABLE n (i INT); FLUSH TABLES WITH READ LOCK; UNLOCK TABLES;"
        "INSERT INTO n VALUES (1); INSERT INTO nosuch VALUES (1);"
    )
    with pytest.raises(StatementError, match="1146"):
        load(path, server.settings, resume=True)
    with pytest.raises(ScriptError, match="cannot be resumed here"):
        load(path, server.settings, resume=True)
    assert ask(server, "SELECT COUNT(*) FROM b.n") == [(1,)]


def test_a_schema_that_the_script_drops_again_is_not_missed(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_text(f"DROP DATABASE IF EXISTS nosuch; {OTHER} {TABLES} DROP DATABASE e;")
    load(path, server.settings, once=True)
    assert load(path, server.settings, once=True).already_loaded
