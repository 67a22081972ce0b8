"""Each hint on a real server: the error has it, and what it says to add makes the load work."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import options
from sidecar_magics.errors import StatementError
from sidecar_magics.lines import split_line
from sidecar_magics.load import LoadReport, load, load_sql
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.refusals import DUMP, REFUSED, Refused
from tests.servers import Server, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server

PUPIL = "pupil"
CASES = [(flavour, case) for case in REFUSED for flavour in case.errnos]


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def pupil(server: Server) -> Iterator[ConnectionSettings]:
    """Yield the settings of an account that may use the schema `s` and nothing else."""
    settings = ConnectionSettings(server.host, server.port, PUPIL, Secret("x"))
    execute(
        server,
        f"CREATE USER {PUPIL}@'%' IDENTIFIED BY 'x'",
        f"GRANT ALL ON s.* TO {PUPIL}@'%'",
    )
    yield settings
    execute(server, f"DROP USER {PUPIL}@'%'")


def load_with(
    line: str, script: str, server: Server, folder: Path, settings: ConnectionSettings | None = None
) -> LoadReport:
    """Load a script into an empty schema `s`, with options as they stand on a line."""
    execute(
        server,
        "SET foreign_key_checks=0",
        "DROP DATABASE IF EXISTS s",
        "CREATE DATABASE s",
        *(f"DROP USER IF EXISTS {name}@h" for name in "uv"),
    )
    file = folder / "script.sql"
    file.write_bytes(script.encode("utf-8", "surrogateescape"))
    parser = argparse.ArgumentParser()
    for option in options.LOAD:
        option.add_to(parser)
    arguments = parser.parse_args(split_line(f"x --database s {line}"))
    given: dict[str, Any] = options.loading_options(arguments)
    return load(file, settings or server.settings, **given)


@pytest.mark.parametrize(
    ("flavour", "case"), CASES, ids=[f"{f}-{c.errnos[f]}-{c.script[:40]!r}" for f, c in CASES]
)
def test_the_hint_helps(
    flavour: str, case: Refused, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = request.getfixturevalue(f"{flavour}_server")
    with pytest.raises(StatementError) as caught:
        load_with("", case.script, server, tmp_path)
    assert caught.value.errno == case.errnos[flavour]
    assert case.words in caught.value.hint
    if case.option:
        report = load_with(case.option, case.script, server, tmp_path)
        assert bool(report.errors) is ("--force" in case.option)


@pytest.mark.parametrize("what", ["VIEW v AS SELECT 1", "PROCEDURE p() SELECT 1"])
def test_a_definer_that_is_not_ours(
    what: str, server: Server, pupil: ConnectionSettings, tmp_path: Path
) -> None:
    script = f"CREATE DEFINER=`ghost`@`h` {what}"
    with pytest.raises(StatementError) as caught:
        load_with("", script, server, tmp_path, pupil)
    assert caught.value.errno == 1227
    assert "--skip-definer" in caught.value.hint
    assert not load_with("--skip-definer", script, server, tmp_path, pupil).errors


def test_a_definer_that_does_not_exist(server: Server, tmp_path: Path) -> None:
    script = "CREATE DEFINER=`ghost`@`h` VIEW v AS SELECT 1; CREATE TABLE t AS SELECT * FROM v"
    with pytest.raises(StatementError) as caught:
        load_with("", script, server, tmp_path)
    assert caught.value.errno == 1449
    assert "--skip-definer" in caught.value.hint
    assert not load_with("--skip-definer", script, server, tmp_path).errors


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("CREATE TABLE mysql.t (i INT)", "--user NAME"),
        ("CREATE DATABASE other", "--user NAME"),
        ("SET GLOBAL max_connections = 99", "--force"),
        ("SET sql_log_bin = 0", "--set-gtid-purged=OFF"),
    ],
)
def test_rights_that_an_account_lacks(
    script: str, words: str, server: Server, pupil: ConnectionSettings, tmp_path: Path
) -> None:
    with pytest.raises(StatementError) as caught:
        load_with("--system-schemas", script, server, tmp_path, pupil)
    assert words in caught.value.hint


def test_functions_and_the_binary_log(tmp_path: Path, mysql_server: Server) -> None:
    del mysql_server  # where there is none, this is skipped
    script = "CREATE FUNCTION f() RETURNS INT RETURN 1"
    with Server("mysql", tmp_path / "server", options=("--log-bin=binlog",)) as server:
        with pytest.raises(StatementError) as caught:
            load_with("--binlog", script, server, tmp_path)
        assert caught.value.errno == 1418
        (option,) = re.findall('--init ".*?"', caught.value.hint)
        assert not load_with(f"--binlog {option}", script, server, tmp_path).errors


def test_a_file_of_this_machine(server: Server, tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("1\n")
    script = (
        f"CREATE TABLE t (i INT); LOAD DATA LOCAL INFILE '{tmp_path / 'rows.txt'}' INTO TABLE t"
    )
    execute(server, "SET GLOBAL local_infile=0")
    with pytest.raises(StatementError) as caught:
        load_with("--allow-local-infile", script, server, tmp_path)
    (option,) = re.findall('--allow-local-infile --init ".*?"', caught.value.hint)
    assert load_with(option, script, server, tmp_path).rows == 1


def test_a_schema_must_be_chosen(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "x.sql"
    file.write_text("CREATE TABLE t (i INT)")
    with pytest.raises(StatementError) as caught:
        load(file, server.settings)
    assert caught.value.errno == 1046
    assert "--database NAME" in caught.value.hint
    assert "--into NAME" in caught.value.hint
    assert load(file, server.settings, into="made").statements


PARENT = "CREATE TABLE p (i INT PRIMARY KEY);"
CHILD = f"{PARENT} CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i));"


@pytest.mark.parametrize(
    ("typed", "words", "corrected"),
    [
        (
            f"{CHILD} INSERT INTO c VALUES (1)",
            "insert the row of `p` first",
            "INSERT INTO p VALUES (1)",
        ),
        (f"{CHILD} DROP TABLE p", "drop the table", "DROP TABLE c"),
        (
            f"{CHILD} INSERT INTO p VALUES (1); INSERT INTO c VALUES (1); DELETE FROM p",
            "the rows of `s`.`c` first",
            "DELETE FROM c",
        ),
        (f"{PARENT} INSERT INTO p VALUES (1), (1)", "ON DUPLICATE KEY UPDATE", ""),
        (
            "CREATE TABLE t (s CHAR(2)); INSERT INTO t VALUES ('abc')",
            "too long for the column s",
            "",
        ),
        ("SELECT * FROM nowhere", "`SHOW TABLES FROM s`", ""),
        (f"{PARENT} {PARENT}", "CREATE TABLE IF NOT EXISTS", ""),
        ("CREATE TABLE t (d DATE); INSERT INTO t VALUES ('2000-13-01')", "correct the value", ""),
    ],
)
def test_what_a_cell_has_typed(typed: str, words: str, corrected: str, server: Server) -> None:
    execute(server, "DROP DATABASE IF EXISTS s", "CREATE DATABASE s")
    with pytest.raises(StatementError) as caught:
        load_sql(typed, server.settings, database="s")
    assert words in caught.value.hint
    assert "--init" not in caught.value.hint
    if corrected:  # the hint, followed
        load_sql(f"{corrected}; {typed.rpartition(';')[2]}", server.settings, database="s")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("SELECT * FROM s.lab_membr", "did you mean `lab_member`? If not, check the name: `SHOW"),
        ("SELECT * FROM s.LabMembers", "did you mean `lab_member`?"),
        ("DROP TABLE s.lab_membr", "did you mean `lab_member`?"),
        ("INSERT INTO s.lab_membr VALUES (1, 'x')", "did you mean `lab_member`?"),
        ("USE lab_of_anna", "did you mean `lab_of_ann`? If not,"),
        ("SELECT * FROM lab_of_anna.t", "did you mean `lab_of_ann`?"),
        ("SELECT full_nme FROM s.lab_member", "did you mean `full_name`?"),
        ("SELECT m.full_nme FROM s.lab_member AS m", "did you mean `full_name`?"),
        ("USE s; SELECT full_nme FROM lab_member", "did you mean `full_name`?"),
        ("UPDATE s.lab_member SET full_nme = 'x'", "did you mean `full_name`?"),
        ("CALL s.add_membr()", "did you mean `add_member`?"),
        ("SELECT s.member_cnt(1)", "did you mean `member_count`?"),
        ("SELECT * FROM s.größen", "did you mean `größe`?"),
        # Strings, which may be secrets, so that neither they nor the server's words are shown.
        ("SELECT full_nme FROM s.lab_member WHERE full_name = 'x'", "did you mean `full_name`?"),
        ("SELECT 'x' FROM s.lab_membr", "did you mean `lab_member`?"),
        (f"SELECT '{'x' * 200}', full_nme FROM s.lab_member", "did you mean `full_name`?"),
        ("SELECT * FROM lab_member WHERE full_name = 'x'", "add --database s, which has"),
        # No schema was chosen, and one has the table.
        ("SELECT * FROM lab_member", "add --database s, which has `lab_member`"),
        # Nothing is like it.
        ("SELECT * FROM s.zzz", "check the name"),
        ("SELECT * FROM zzz", "choose a schema"),
        ("CREATE TABLE lab_member (i INT)", "choose a schema"),
    ],
)
def test_the_nearest_name_is_offered(typed: str, words: str, server: Server) -> None:
    execute(
        server,
        *(f"DROP DATABASE IF EXISTS {name}" for name in ("s", "lab_of_ann")),
        *(f"CREATE DATABASE {name}" for name in ("s", "lab_of_ann")),
        "CREATE TABLE s.lab_member (id INT PRIMARY KEY, full_name VARCHAR(9))",
        "CREATE TABLE s.größe (id INT)",
        "CREATE PROCEDURE s.add_member() DO 1",
        "CREATE FUNCTION s.member_count(i INT) RETURNS INT DETERMINISTIC RETURN 1",
    )
    with pytest.raises(StatementError) as caught:
        load_sql(typed, server.settings)
    assert caught.value.hint.startswith(words)
    execute(server, "DROP DATABASE lab_of_ann")


def test_the_nearest_name_with_force(server: Server) -> None:
    execute(
        server,
        "DROP DATABASE IF EXISTS s",
        "CREATE DATABASE s",
        "CREATE TABLE s.lab_member (id INT PRIMARY KEY, full_name VARCHAR(9))",
    )
    typed = (
        "SELECT 1 FROM s.lab_membr; SELECT 1 FROM s.lab_team; SELECT full_nme FROM s.lab_member;"
        "DROP TABLE s.zzz; CREATE TABLE s.lab_team (i INT); INSERT INTO lab_member VALUES (1, '');"
    )
    report = load_sql(typed, server.settings, force=True)
    hints = {error.errno: error.hint for error in report.errors}
    assert hints.pop(1046).startswith("add --database s, which has `lab_member`")
    assert hints == {1146: "", 1054: "did you mean `full_name`?", 1051: ""}
    assert report.errors[0].hint == "did you mean `lab_member`?"
    assert report.remarks()[0].endswith("; did you mean `lab_member`?")
    assert report.to_dict()["errors"][0]["hint"] == "did you mean `lab_member`?"


def test_the_nearest_name_repeats_no_secret(server: Server) -> None:
    execute(
        server,
        "DROP DATABASE IF EXISTS s",
        "CREATE DATABASE s",
        "CREATE TABLE s.lab_member (id INT PRIMARY KEY, full_name VARCHAR(9))",
    )
    quoted = "SET sql_mode = 'ANSI_QUOTES'; SELECT 'x' FROM s.lab_member WHERE \"full-nam3\" = 1"
    with pytest.raises(StatementError) as caught:
        load_sql(quoted, server.settings)
    assert caught.value.hint.startswith("did you mean `full_name`?")
    assert "full-nam3" not in f"{caught.value}{vars(caught.value)}{caught.value.report.lacks}"


def test_the_nearest_name_in_a_file(server: Server, tmp_path: Path) -> None:
    script = "CREATE TABLE s.mouse (i INT); INSERT INTO s.muose VALUES (1)"
    with pytest.raises(StatementError) as caught:
        load_with("", script, server, tmp_path)
    assert caught.value.hint.startswith("did you mean `mouse`? If not, check that the dump has")


def test_a_database_that_is_not_there(server: Server) -> None:
    execute(server, "DROP DATABASE IF EXISTS s", "CREATE DATABASE s")
    execute(server, "DROP DATABASE IF EXISTS animals", "CREATE DATABASE animals")
    with pytest.raises(StatementError) as caught:
        load_sql("SELECT 1", server.settings, database="animal")
    assert caught.value.hint.startswith("did you mean `animals`? If not, create it")
    execute(server, "DROP DATABASE animals")


def test_a_server_that_does_not_answer_for_names_leaves_the_hint(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(server, "DROP DATABASE IF EXISTS s", "CREATE DATABASE s", "CREATE TABLE s.ab (i INT)")
    monkeypatch.setattr("sidecar_magics.load.reporting.nearest.LIMIT_BYTES", 10)
    with pytest.raises(StatementError) as caught:
        load_sql("SELECT * FROM s.abb", server.settings)
    assert caught.value.hint.startswith("check the name")


def test_a_pasted_dump_is_none_that_a_person_typed(server: Server) -> None:
    execute(server, "DROP DATABASE IF EXISTS s", "CREATE DATABASE s")
    with pytest.raises(StatementError) as caught:
        load_sql(f"{DUMP}{CHILD} INSERT INTO c VALUES (1)", server.settings, database="s")
    assert "--init" in caught.value.hint


def test_a_view_of_an_unknown_definer(server: Server, tmp_path: Path) -> None:
    view = "CREATE DEFINER=`ghost`@`h` SQL SECURITY DEFINER VIEW v AS SELECT 1 AS i"
    report = load_with("", view, server, tmp_path)
    (remark,) = [each for each in report.remarks() if "1449" in each]
    assert "load again with --skip-definer" in remark
    with pytest.raises(StatementError) as caught:
        load_sql("SELECT * FROM s.v", server.settings)
    assert caught.value.errno in (1449, 1356)
    assert re.search("load the dump .* again,? with --skip-definer", caught.value.hint)
    load_with("--skip-definer", view, server, tmp_path)
    assert load_sql("SELECT * FROM s.v", server.settings).results == 1


def test_what_people_type_and_copy(server: Server, tmp_path: Path) -> None:
    routine = "CREATE PROCEDURE p()\nBEGIN\n  DO 1;\n  DO 2;\nEND"
    mistakes = {
        f"{routine};": ("DELIMITER //", f"DELIMITER //\n{routine}\n//\nDELIMITER ;"),
        "\u00a0CREATE TABLE a (i INT);": ("invisible", "CREATE TABLE a (i INT);"),
        "DO 1;\n\ufeffCREATE TABLE b (i INT);": ("invisible", "CREATE TABLE b (i INT);"),
        "CREATE TABLE c AS SELECT \u2018x\u2019 AS s;": (
            "straight",
            "CREATE TABLE c AS SELECT 'x' s",
        ),
        "USE [master]": ("SQL Server", "DO 1"),
    }
    for script, (words, corrected) in mistakes.items():
        with pytest.raises(StatementError) as caught:
            load_with("", script, server, tmp_path)
        assert words in caught.value.hint
        load_with("", corrected, server, tmp_path)
