"""What the walk makes of a script: each of its rules, without a server.

`test_mutants.py` breaks each rule, and one of these tests has to fail.
"""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.planning.planner import Planner, Server
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.sources.opening import Source, Sources, open_sources
from sidecar_magics.load.walk import Walk
from sidecar_magics.script.quoting import Quoting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sidecar_magics.load.planning.tasks import Step, Task
    from sidecar_magics.script.classify import Classification

DUMP = "-- MySQL dump 10.13\n"


class Player:
    """Where a walk goes: takes down what it yields, asks and refuses."""

    dollar_quotes = False

    def __init__(self, host: str, *, ansi: bool) -> None:
        self.host, self.is_loopback = host, host == "127.0.0.1"
        self.ansi = ansi
        self.steps: list[Step] = []
        self.refused: list[str] = []
        self.asked = self.renewed = 0

    def quoting(self, before: Quoting) -> Quoting:
        self.asked += 1
        return before._replace(ansi_quotes=self.ansi)

    def renew(self) -> None:
        self.renewed += 1

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        self.steps.append(step)

    def refuse(self, error: ScriptError, step: Step) -> None:
        self.refused.append(str(error))


class Played(Player):
    """What a walk over sources has come to."""

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        host: str = "127.0.0.1",
        ansi: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(host, ansi=ansi)
        policy = LoadPolicy(**options)
        self.report = LoadReport("s", flavour="mysql", server_version="8.0.36")
        self.planner = Planner(Server("mysql", 80036), lambda *_, settled: None)
        self.walk = Walk(
            self.planner,
            lambda source: policy.rewriter((), source),
            policy,
            target=self,
            report=self.report,
            quoting=Quoting(),
        )
        self.tasks: list[Task] = []
        self.error = ""
        try:
            self.tasks.extend(self.walk.tasks(sources))
        except ScriptError as error:
            self.error = str(error)

    @property
    def seen(self) -> list[str]:
        """The statements, as they would be sent."""
        return [step.sql.decode() for step in self.steps]

    @property
    def planned(self) -> list[str]:
        """The statements that tasks have, in their order."""
        return [step.sql.decode() for task in self.tasks for step in task.steps if step.sql]


def played(sql: str, **options: Any) -> Played:
    return Played(Sources.from_text(sql), **options)


def files(folder: Path, **texts: str) -> Path:
    """Write ``name.sql`` for each text, and return the first."""
    for name, text in texts.items():
        folder.joinpath(f"{name}.sql").write_text(text)
    return folder / f"{next(iter(texts))}.sql"


def opened(path: Path, **options: Any) -> Played:
    with closing(open_sources(path)) as sources:
        return Played(sources, **options)


# What is sent -------------------------------------------------------------------------------------


def test_what_the_client_would_send_is_sent() -> None:
    assert played("SELECT 1;\nSELECT\r\n2;").seen == ["SELECT 1", "SELECT\n2"]


def test_what_comes_before_an_error_is_planned() -> None:
    found = played("USE a;\nINSERT INTO t VALUES (1);\nSELECT 'x")
    assert found.error
    assert found.planned == ["INSERT INTO t VALUES (1)"]


def test_the_end_of_a_script_plans_what_was_held_back() -> None:
    assert played("USE a;\nINSERT INTO t VALUES (1);").planned == ["INSERT INTO t VALUES (1)"]


def test_each_statement_names_its_table_and_schemas() -> None:
    found = played("USE a;\nUPDATE t SET i = 1;\nDROP TABLE b.u;\nSELECT 1;")
    assert [(step.table, sorted(step.schemas), step.is_data) for step in found.steps[1:]] == [
        ("a.t", ["a"], True),
        ("b.u", ["b"], False),
        (None, [], False),
    ]


def test_a_statement_that_was_rewritten_is_judged_as_it_is_sent() -> None:
    found = played("USE a;\nCREATE TABLE a.t (i INT);", into="c")
    assert [(step.sql, step.table) for step in found.steps][-1] == (
        b"CREATE TABLE `c`.t (i INT)",
        "c.t",
    )


def test_statements_are_counted_that_no_task_is_made_of() -> None:
    found = played("USE a;\nSET NAMES utf8mb4;\nSET time_zone = '+00:00';\nCREATE TABLE t (i INT);")
    assert found.walk.absorbed == 3


# The options --------------------------------------------------------------------------------------


def test_the_database_is_entered_first() -> None:
    found = played("CREATE TABLE t (i INT);", database="lab")
    assert found.seen == ["USE `lab`", "CREATE TABLE t (i INT)"]
    assert found.steps[0].is_ours
    assert found.steps[1].table == "lab.t"


def test_into_enters_its_schema_where_the_script_enters_none() -> None:
    found = played("CREATE TABLE t (i INT);\nCREATE TABLE u (i INT);", into="c")
    assert found.seen == [
        "CREATE DATABASE IF NOT EXISTS `c`",
        "USE `c`",
        "CREATE TABLE t (i INT)",
        "CREATE TABLE u (i INT)",
    ]


def test_into_enters_nothing_where_the_script_does() -> None:
    assert played("USE a;\nCREATE TABLE t (i INT);", into="c").seen == [
        "USE `c`",
        "CREATE TABLE t (i INT)",
    ]


def test_into_takes_the_schema_of_the_heading() -> None:
    heading = "--\n-- Host: h    Database: lab\n-- ------\n"
    script = "CREATE TABLE u (i INT, FOREIGN KEY (i) REFERENCES lab.t (i));\n"
    assert played(DUMP + heading + script, into="c").seen[-1].endswith("REFERENCES `c`.t (i))")
    assert played(DUMP + script, into="c").refused


def test_what_is_not_wanted_is_left_out_and_counted() -> None:
    found = played("USE a;\nINSERT INTO t VALUES (1);\nINSERT INTO u VALUES (1);", tables=("t",))
    assert found.seen == ["USE `a`", "INSERT INTO t VALUES (1)"]
    assert sum(found.report.skipped.values()) == 1


def test_a_pattern_that_nothing_matches_is_reported() -> None:
    assert (
        "--tables x: nothing in the script matches." in played("USE a;", tables=("x",)).report.notes
    )


def test_a_schema_that_is_not_wanted_is_not_entered() -> None:
    found = played("\\u mysql\nCREATE TABLE x (i INT);\n\\u a\nCREATE TABLE t (i INT);")
    assert found.seen == ["USE `a`", "CREATE TABLE t (i INT)"]


# What is refused ----------------------------------------------------------------------------------


def test_a_file_of_this_machine_is_sent_only_if_that_is_allowed() -> None:
    script = "USE a;\nLOAD DATA LOCAL INFILE 'x' INTO TABLE t;\nSELECT 1;"
    assert "LOAD DATA LOCAL" in played(script).refused[0]
    assert played(script).seen == ["USE `a`", "SELECT 1"]
    assert len(played(script, allow_local_infile=True).seen) == 3


def test_nothing_is_dropped_on_another_machine_unless_that_is_allowed() -> None:
    script = "USE a;\nDROP TABLE t;\nSELECT 1;"
    assert played(script, host="db.example").seen == ["USE `a`", "SELECT 1"]
    assert len(played(script, host="db.example", yes_remote=True).seen) == 3
    assert len(played(script).seen) == 3


@pytest.mark.parametrize(
    ("script", "refuses"),
    [
        (DUMP + "SET autocommit=0;\nINSERT INTO a.t VALUES (1);\nROLLBACK;", True),
        (DUMP + "SET autocommit=0;\nINSERT INTO a.t VALUES (1);\nCOMMIT;", False),
        ("SET autocommit=0;\nINSERT INTO a.t VALUES (1);\nROLLBACK;", False),
    ],
)
def test_a_dumps_rows_are_not_taken_back(script: str, *, refuses: bool) -> None:
    found = played(script)
    assert bool(found.refused) is refuses
    assert ("ROLLBACK" in found.seen) is (not refuses and "ROLLBACK" in script)


@pytest.mark.parametrize("command", ["connect x", "system ls", "\\r", "\\x", "tee x"])
def test_commands_for_the_client_alone_are_refused(command: str) -> None:
    assert played(f"SELECT 1;\n{command}\nSELECT 2;").refused
    assert played(f"SELECT 1;\n{command}\nSELECT 2;").seen == ["SELECT 1", "SELECT 2"]


# Rows that begin alike ----------------------------------------------------------------------------


ROW = "INSERT INTO t VALUES (1)"


def test_rows_that_begin_alike_are_in_another_schema_after_use() -> None:
    found = played(f"USE a;\n{ROW};\n{ROW};\nUSE b;\n{ROW};\n")
    assert [step.table for step in found.steps if step.is_data] == ["a.t", "a.t", "b.t"]


def test_rows_that_begin_alike_may_be_followed_by_another_statement() -> None:
    found = played(f"USE a;\n{ROW};\nDELIMITER //\n{ROW}//\n{ROW}; DELETE FROM c.u//\n")
    assert sorted(found.steps[-1].schemas) == ["a", "c"]


def test_rows_that_begin_as_others_do_once_they_are_rewritten() -> None:
    rows = "INSERT INTO {} VALUES (1);\n"
    found = played("USE a;\n" + rows.format("a.t") + rows.format("`c`.t"), into="c")
    assert found.seen == ["USE `c`", "INSERT INTO `c`.t VALUES (1)"]
    assert found.refused


# Several scripts ----------------------------------------------------------------------------------


def source(name: str, sql: str, folder: Path, **options: Any) -> Source:
    data = sql.encode()
    return Source(name, io.BytesIO(data), size_bytes=len(data), folder=folder, **options)


def test_a_script_that_begins_a_session_knows_nothing_of_the_one_before(tmp_path: Path) -> None:
    first = source("1.sql", "USE a;\nCREATE TABLE t (i INT);", tmp_path)
    second = source("2.sql", "CREATE TABLE u (i INT);", tmp_path, fresh_session=True, schema="b")
    assert [step.table for step in Played([first, second]).steps] == [None, "a.t", "b.u"]


def test_its_schema_is_that_of_names_without_one(tmp_path: Path) -> None:
    row = "INSERT INTO t VALUES (1);"
    options: dict[str, Any] = {"fresh_session": True}
    sources = [
        source("1.sql", row, tmp_path, schema="a", **options),
        source("2.sql", row, tmp_path, schema="b", **options),
    ]
    found = Played(sources, tables=("b.t",))
    assert [step.table for step in found.steps] == ["b.t"]
    assert not found.renewed
    assert played(row, database="a", tables=("a.t",)).seen[-1] == row[:-1]


def test_a_script_that_begins_no_session_continues_the_one_before(tmp_path: Path) -> None:
    first = source("1.sql", "USE a;\nCREATE TABLE t (i INT);", tmp_path)
    second = source("2.sql", "CREATE TABLE u (i INT);", tmp_path)
    found = Played([first, second])
    assert [step.table for step in found.steps] == [None, "a.t", "a.u"]
    assert not found.renewed


def test_a_session_that_is_not_known_is_renewed(tmp_path: Path) -> None:
    first = source("1.sql", "CALL a.p();\nSET @x = (SELECT 1);", tmp_path)
    second = source("2.sql", "CREATE TABLE u (i INT);", tmp_path, fresh_session=True, schema="b")
    assert Played([first, second]).renewed == 1


def test_each_script_begins_with_its_own_delimiter(tmp_path: Path) -> None:
    first = source("1.sql", "SELECT 1; SELECT 2//", tmp_path, delimiter=b"//")
    second = source("2.sql", "SELECT 3; SELECT 4;", tmp_path)
    assert Played([first, second]).seen == ["SELECT 1; SELECT 2", "SELECT 3", "SELECT 4"]


def test_a_dump_that_was_cut_short_is_reported() -> None:
    assert "lacks the last line" in " ".join(played(DUMP + "SELECT 1;").report.notes)
    assert not played(DUMP + "SELECT 1;\n-- Dump completed\n").report.notes


def test_a_script_without_statements_is_reported() -> None:
    assert "has no statements" in " ".join(played("-- nothing\n").report.notes)
    assert not played("\\u a\n").report.notes


def test_only_a_dump_is_taken_for_one(tmp_path: Path) -> None:
    dump = source("1.sql", DUMP + "SELECT 1;\n-- Dump completed\n", tmp_path)
    script = "SET autocommit=0;\nINSERT INTO a.t VALUES (1);\nROLLBACK;"
    assert not Played([dump, source("2.sql", script, tmp_path)]).refused


# Scripts in scripts -------------------------------------------------------------------------------


def test_a_delimiter_goes_into_a_sourced_script_and_comes_back(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        a="DELIMITER //\nsource b.sql\nSELECT 1;;\nSELECT 2;;\n",
        b="SELECT 3//\nDELIMITER ;;\n",
    )
    assert opened(path).seen == ["SELECT 3", "SELECT 1", "SELECT 2"]


def test_a_script_is_found_in_the_folder_of_the_one_that_names_it(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    files(inner, b="source c.sql\n", c="SELECT 3;\n")
    path = files(tmp_path, a="source inner/b.sql\nSELECT 1;\n")
    assert opened(path).seen == ["SELECT 3", "SELECT 1"]


def test_quit_ends_its_own_script_alone(tmp_path: Path) -> None:
    path = files(tmp_path, a="source b.sql\nSELECT 1;\n", b="SELECT 3;\nquit\nSELECT 4;\n")
    found = opened(path)
    assert found.seen == ["SELECT 3", "SELECT 1"]
    assert "`quit` ends the script; the rest from line 3 on was not read" in (
        " ".join(found.report.notes)
    )


def test_what_follows_quit_counts_for_the_digest(tmp_path: Path) -> None:
    path = files(tmp_path, a="SELECT 1;\nquit\n" + "SELECT 2;\n" * 20_000)
    with closing(open_sources(path)) as sources:
        Played(sources)
        assert sources.sha256 == sources.digest()


def test_a_script_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    files(tmp_path, outside="SELECT 3;\n")
    path = files(own, a="source ../outside.sql\nSELECT 1;\n")
    assert opened(path).seen == ["SELECT 1"]
    assert opened(path, allow_outside_source=True).seen == ["SELECT 3", "SELECT 1"]


def test_a_file_of_a_folder_that_leads_outside_is_refused_before_anything(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    files(tmp_path, outside="SELECT 3;\n")
    files(own, a="SELECT 1;\n")
    own.joinpath("b.sql").symlink_to(tmp_path / "outside.sql")
    found = opened(own)
    assert found.error
    assert found.seen == []


def test_a_script_that_sources_itself_is_refused(tmp_path: Path) -> None:
    path = files(tmp_path, a="source a.sql\nSELECT 1;\n")
    found = opened(path)
    assert found.seen == ["SELECT 1"]
    assert "sources itself" in found.refused[0]


def test_a_script_may_be_sourced_twice(tmp_path: Path) -> None:
    path = files(tmp_path, a="source b.sql\nsource b.sql\n", b="SELECT 3;\n")
    assert opened(path).seen == ["SELECT 3", "SELECT 3"]


def test_a_script_that_is_not_there_is_refused_at_its_place(tmp_path: Path) -> None:
    path = files(tmp_path, a="SELECT 1;\nsource b.sql\nSELECT 2;\n")
    found = opened(path)
    assert found.seen == ["SELECT 1", "SELECT 2"]
    assert "a.sql:2" in found.refused[0]


def test_the_sandbox_forbids_other_scripts(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        a="/*M!999999\\- enable the sandbox mode */\nsource b.sql\nSELECT 1;\n",
        b="SELECT 3;\n",
    )
    found = opened(path)
    assert found.seen == ["SELECT 1"]
    assert "sandbox" in found.refused[0]


# How strings are read -----------------------------------------------------------------------------


def test_a_set_decides_how_strings_are_read() -> None:
    script = "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSELECT 'a\\';\nSELECT 1;"
    assert played(script).seen[1:] == ["SELECT 'a\\'", "SELECT 1"]


def test_the_server_is_asked_where_the_session_is_not_followed() -> None:
    script = 'USE a;\nSET sql_mode = (SELECT m FROM t);\nSELECT "a\\";\nSELECT 1;'
    found = played(script, ansi=True)
    assert found.asked
    assert found.seen[-1] == "SELECT 1"


def test_a_sourced_script_is_read_as_the_session_is(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        a="SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nsource b.sql\n",
        b="SELECT 'a\\';\nSELECT 3;\n",
    )
    assert opened(path).seen[1:] == ["SELECT 'a\\'", "SELECT 3"]


@pytest.mark.parametrize(
    "later", ["SET sql_mode = (SELECT 1);", "DELIMITER //\nSELECT 1; SELECT 2//\n"]
)
def test_the_server_is_asked_again_after_what_may_change_it(later: str) -> None:
    assert played("SET @x = (SELECT 1);\nSELECT 1;\n" + later).asked == 2


def test_the_server_is_not_asked_without_need() -> None:
    assert played("USE a;\nSET sql_mode = '';\nSELECT 1;").asked == 0
    found = played("SET @x = (SELECT 1);\nSELECT 1;\nSELECT 2;\nSELECT 3;")
    assert found.asked == 1


def test_a_charset_command_is_set_names() -> None:
    assert played("charset utf8mb4\nSELECT 1;").seen == ["SET NAMES utf8mb4", "SELECT 1"]
