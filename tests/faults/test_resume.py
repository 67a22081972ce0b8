"""Loads that are stopped, killed and cut off, and what --resume makes of them.

`python -m tests.faults.campaign` does the same at random, as often as wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import ScriptError, StatementError
from sidecar_magics.load import load
from sidecar_magics.load.journal.pieces import SCHEMA
from tests.faults.cases import Case, Fault
from tests.faults.scripts import SMALL
from tests.faults.stage import KillStage, unfinished
from tests.turns import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]
FLAVOURS = ("mysql", "mariadb")

# A load, and what happens to it; it is resumed without further trouble. Where two things happen in
# a row, they are tried on each server; else each on one of them.
DISTURBANCES = (
    ("dump", "kill client", b"COMMIT", 0.4, "answered"),
    ("nodrop", "kill client", b" ADD KEY", 0.0, "sent"),
    ("nodrop", "kill client", b"CREATE TABLE", 0.5, "answered"),
    ("phpmyadmin", "kill client", b"INSERT INTO `", 0.8, "answered"),
    ("dump", "kill server", b"INSERT INTO `", 0.5, "middle"),
    ("nodrop", "kill server", b"COMMIT", 0.3, "answered"),
    ("nodrop", "cut", b"COMMIT", 0.6, "answered"),
    ("dump", "cut gently", b" DROP KEY", 0.0, "before"),
    ("phpmyadmin", "cut and refuse", b"ALTER TABLE", 0.3, "answered"),
    ("checked", "interrupt", b"INSERT INTO `", 0.5, "sent"),
)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Server], KillStage]]:
    """Return what makes a server's stage, once."""
    made: dict[str, KillStage] = {}

    def stage(server: Server) -> KillStage:
        if server.flavour not in made:
            folder = tmp_path_factory.mktemp("faults")
            made[server.flavour] = KillStage(server, folder, SMALL)
        return made[server.flavour]

    yield stage
    for each in made.values():
        each.close()


@pytest.fixture(params=FLAVOURS)
def stage(request: pytest.FixtureRequest, stages: Callable[[Server], KillStage]) -> KillStage:
    """Return each of the servers, empty, with scripts to load into it."""
    return stages(request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture
def mysql_stage(mysql_server: Server, stages: Callable[[Server], KillStage]) -> KillStage:
    """Return MySQL alone, where the two do not differ."""
    return stages(mysql_server)


# What a load leaves ------------------------------------------------------------------------------


@some("number", range(len(DISTURBANCES)), each=3)
def test_a_disturbed_load_leaves_the_same(
    number: int, request: pytest.FixtureRequest, stages: Callable[[Server], KillStage]
) -> None:
    server = request.getfixturevalue(f"{FLAVOURS[number % 2]}_server")
    script, kind, moment, place, phase = DISTURBANCES[number]
    fault = Fault(kind, moment, place, phase, wait_s=0.002)
    course = stages(server).play(Case(number, script, ((fault,),)))
    assert course.faults == [kind]
    assert not course.failures, f"{course}\n" + "\n".join(course.failures)


def test_two_faults_in_a_row_and_one_while_it_is_resumed(stage: KillStage) -> None:
    attempts = (
        (
            Fault("kill server", b"INSERT INTO `", 0.3, "answered", 0.0),
            # Right after its batch was begun once more.
            Fault("cut", b"INSERT INTO `", 0.0, "middle", 0.0),
            Fault("kill client", b"INSERT INTO `", 0.0, "answered", 0.0),
        ),
        (Fault("kill client", b"COMMIT", 0.0, "answered", 0.0),),
    )
    course = stage.play(Case(0, "nodrop", attempts))
    assert course.faults == ["kill server", "cut", "kill client", "kill client"], str(course)
    assert not course.failures, f"{course}\n" + "\n".join(course.failures)


def test_a_finished_load_leaves_no_journal(mysql_stage: KillStage) -> None:
    load(mysql_stage.script("dump"), mysql_stage.server.settings, jobs=2)
    assert SCHEMA not in mysql_stage.server.schemas()
    assert not mysql_stage.remains()


# What it says ------------------------------------------------------------------------------------


def test_an_interrupt_says_where_and_how_to_go_on(mysql_stage: KillStage) -> None:
    fault = Fault("interrupt", b"INSERT INTO `", 0.5, "sent", 0.0)
    outcome = mysql_stage.disturb("dump", fault)
    assert outcome["error"] == "Interrupted"
    path = mysql_stage.script("dump")
    assert f"Stopped loading {path} near {path}:" in outcome["message"]
    assert outcome["message"].endswith("Resume with --resume.")


def test_a_server_that_is_restarted_under_it_stops_nothing(stage: KillStage) -> None:
    outcome = stage.disturb("dump", Fault("kill server", b"INSERT INTO `", 0.5, "sent", 0.0))
    assert outcome["error"] is None, outcome["message"]
    assert outcome["retries"] > 0
    assert not stage.remains()


def test_a_server_that_was_made_anew_is_not_loaded_into(mysql_stage: KillStage) -> None:
    outcome = mysql_stage.disturb("dump", Fault("renew server", b"COMMIT", 0.5, "sent", 0.0))
    assert outcome["error"] == "LoadStoppedError", outcome["message"]
    assert "the server was recreated during the load; its data is gone." in outcome["message"]


def test_nothing_to_resume_is_said(mysql_stage: KillStage) -> None:
    report = load(mysql_stage.script("dump"), mysql_stage.server.settings, jobs=2, resume=True)
    assert "There was nothing to resume: this was loaded from the beginning." in report.notes


# Scripts that change in between ------------------------------------------------------------------

STATEMENTS = (
    "CREATE DATABASE faults_a;",
    "USE faults_a;",
    "CREATE TABLE notes (id INT PRIMARY KEY, text VARCHAR(20));",
    "INSERT INTO notes VALUES (1, 'one');",
    "CREATE TABLE more (id INT PRIMARY KEY);",
    "INSERT INTO more VALUES (1), (1);",
    "INSERT INTO notes VALUES (2, 'two');",
)


@pytest.fixture
def refused(mysql_server: Server, tmp_path: Path) -> Path:
    """Return a script that a load has stopped in."""
    path = tmp_path / "notes.sql"
    path.write_text("\n".join(STATEMENTS))
    with pytest.raises(StatementError, match=r"notes.sql:6:1: error 1062"):
        load(path, mysql_server.settings, jobs=1, resume=True)
    return path


def test_a_mended_script_goes_on_where_it_was_refused(refused: Path, mysql_server: Server) -> None:
    _replace(refused, "(1), (1)", "(1), (2)")
    report = load(refused, mysql_server.settings, jobs=2, resume=True)
    assert _rows(mysql_server, "notes") == [(1, "one"), (2, "two")]
    assert _rows(mysql_server, "more") == [(1,), (2,)]
    assert report.resumed > 0
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        assert not unfinished(cursor)


def test_a_script_that_changed_where_it_is_done_is_refused(
    refused: Path, mysql_server: Server
) -> None:
    _replace(refused, "(1, 'one')", "(1, 'ONE')")
    with pytest.raises(ScriptError, match=r"notes.sql:4:1: the script has changed since a part"):
        load(refused, mysql_server.settings, jobs=2, resume=True)
    assert _rows(mysql_server, "notes") == [(1, "one")]


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE notes ADD COLUMN text INT;", "CREATE TABLE notes (id INT);"]
)
def test_a_definition_that_was_refused_is_refused_again(
    statement: str, mysql_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "notes.sql"
    path.write_text("\n".join([*STATEMENTS[:4], statement]))
    for _ in range(2):
        with pytest.raises(StatementError, match=r"notes.sql:5:1: error 10[56]0"):
            load(path, mysql_server.settings, jobs=2, resume=True)


def test_statements_that_cannot_be_told_apart_are_not_done_twice(
    mysql_server: Server, tmp_path: Path
) -> None:
    """After a procedure call nothing is known of the session, nor what it has done."""
    path = tmp_path / "notes.sql"
    procedure = "CREATE PROCEDURE add_one() INSERT INTO notes VALUES (7, 'seven');"
    path.write_text("\n".join([*STATEMENTS[:4], procedure, "CALL add_one();", *STATEMENTS[4:]]))
    with pytest.raises(StatementError, match=r"notes.sql:8:1: error 1062"):
        load(path, mysql_server.settings, jobs=2, resume=True)
    with pytest.raises(ScriptError, match=r"notes.sql:[67]:1: whether this statement was executed"):
        load(path, mysql_server.settings, jobs=2, resume=True)
    assert _rows(mysql_server, "notes") == [(1, "one"), (7, "seven")]


def test_as_many_definitions_as_are_noted_at_once(mysql_server: Server, tmp_path: Path) -> None:
    """The last of fifty may be the one that nobody can repeat."""
    path = tmp_path / "notes.sql"
    tables = [f"CREATE TABLE t{n} (id INT PRIMARY KEY);" for n in range(45)]
    for count in (44, 45):
        mysql_server.drop_schemas()
        first = [*STATEMENTS[:3], "CREATE PROCEDURE add_one() INSERT INTO notes VALUES (7, '');"]
        last = ["CALL add_one();", "INSERT INTO notes VALUES (8, '');", "INSERT INTO no SELECT 1;"]
        path.write_text("\n".join([*first, *tables[:count], *last]))
        with pytest.raises(StatementError, match="error 1146"):
            load(path, mysql_server.settings, jobs=1, resume=True)
        with pytest.raises(ScriptError, match="whether this statement was executed"):
            load(path, mysql_server.settings, jobs=1, resume=True)
        assert _rows(mysql_server, "notes") == [(7, ""), (8, "")]


def test_a_load_from_the_beginning_after_all(refused: Path, mysql_server: Server) -> None:
    """It takes the place of the one that was stopped."""
    mysql_server.drop_schemas()
    _replace(refused, "(1), (1)", "(1), (2)")
    load(refused, mysql_server.settings, jobs=2)
    assert _rows(mysql_server, "more") == [(1,), (2,)]
    assert mysql_server.schemas() == ["faults_a"]


# What cannot be resumed exactly ------------------------------------------------------------------


def test_rows_of_a_table_without_transactions_are_not_doubled(stage: KillStage) -> None:
    fault = Fault("kill client", b"INSERT INTO `loose`", 0.0, "answered", 0.0)
    assert stage.disturb("loose", fault)["error"] == "killed"
    with pytest.raises(ScriptError, match="whether this statement was executed cannot be known"):
        load(stage.script("loose"), stage.server.settings, jobs=2, resume=True)
    assert _count(stage.server, "loose") == SMALL.loose


def test_rows_that_the_server_numbers_are_all_there_once(stage: KillStage) -> None:
    """Their numbers may have gaps: what is rolled back has used some up."""
    fault = Fault("kill client", b"INSERT INTO counted_b", 0.5, "answered", 0.0)
    assert stage.disturb("counted", fault)["error"] == "killed"
    load(stage.script("counted"), stage.server.settings, jobs=2, resume=True)
    tables = [f"counted_{name}" for name in "abc"]
    assert [_count(stage.server, table) for table in tables] == [6_000] * 3


def _count(server: Server, table: str) -> int:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM faults_a.{table}")
        (count,) = cursor.fetchone()
        return int(count)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _rows(server: Server, table: str) -> list[tuple[object, ...]]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM faults_a.{table} ORDER BY id")
        return list(cursor.fetchall())
