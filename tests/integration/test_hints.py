"""Each hint on a real server: the error has it, and what it says to add makes the load work."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import options
from sidecar_magics.connection import connect_now
from sidecar_magics.errors import StatementError
from sidecar_magics.lines import split_line
from sidecar_magics.load import LoadReport, load
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.refusals import REFUSED, Refused
from tests.servers import Server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server

PUPIL = "pupil"
CASES = [(flavour, case) for case in REFUSED for flavour in case.errnos]


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def pupil(server: Server) -> ConnectionSettings:
    """Return the settings of an account that may use the schema `s` and nothing else."""
    settings = ConnectionSettings(server.host, server.port, PUPIL, Secret("x"))
    execute(
        server,
        f"DROP USER IF EXISTS {PUPIL}@'%'",
        f"CREATE USER {PUPIL}@'%' IDENTIFIED BY 'x'",
        f"GRANT ALL ON s.* TO {PUPIL}@'%'",
    )
    return settings


def execute(server: Server, *statements: str) -> None:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


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
