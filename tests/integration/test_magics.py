"""The magics in a real IPython shell, on a real server; and each of them against its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sidecar_magics
from sidecar_magics.errors import (
    AccessError,
    ScriptError,
    ServerNotReadyError,
    SettingsError,
    StatementError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture
def server_environment(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Server:
    """Point the environment at the test's server."""
    del shell
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    return mysql_server


@pytest.fixture(params=["function", "magic"])
def wait_verb(
    request: pytest.FixtureRequest, shell: InteractiveShell, server_environment: Server
) -> Callable[..., Any]:
    def function(timeout: float) -> Any:
        settings = server_environment.settings
        return sidecar_magics.mysql_wait(settings, timeout_s=timeout)

    def magic(timeout: float) -> Any:
        return shell.run_line_magic("mysql_wait", f"--timeout {timeout}")

    return function if request.param == "function" else magic


@pytest.fixture(params=["function", "magic"])
def load_verb(
    request: pytest.FixtureRequest, shell: InteractiveShell, server_environment: Server
) -> Callable[..., Any]:
    settings = server_environment.settings

    def function(file: Path, **keywords: Any) -> Any:
        return sidecar_magics.mysql_load(file, settings, **keywords)

    def magic(file: Path, **keywords: Any) -> Any:
        flags = " ".join(
            f"--{name.replace('_', '-')}" + ("" if value is True else f" '{value}'")
            for name, value in keywords.items()
        )
        return shell.run_line_magic("mysql_load", f"'{file}' {flags}")

    return function if request.param == "function" else magic


def test_wait_returns_a_sidecar(wait_verb: Callable[..., Any]) -> None:
    assert wait_verb(timeout=5).flavour == "mysql"


def test_load_returns_a_report(load_verb: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "with space.sql"
    file.write_text("CREATE OR REPLACE VIEW v AS SELECT 1")
    report = load_verb(file, database="sys", system_schemas=True)
    assert list(report.tables) == ["sys.v"]
    file.write_text("DROP VIEW sys.v; SELECT nope")
    with pytest.raises(StatementError) as caught:
        load_verb(file, system_schemas=True)
    assert caught.value.errno == 1054


def test_load_refuses_and_allows_by_option(load_verb: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "outside.sql").write_text("SELECT 1")
    file = tmp_path / "dump" / "main.sql"
    file.write_text("source ../outside.sql\n")
    with pytest.raises(ScriptError, match="outside"):
        load_verb(file)
    assert load_verb(file, allow_outside_source=True).statements == 1


@pytest.mark.usefixtures("server_environment")
def test_a_cell_is_loaded_as_it_is(shell: InteractiveShell) -> None:
    shell.user_ns["x"] = "templated"
    cell = (
        "CREATE DATABASE cell;\nUSE cell;\nCREATE TABLE t (a VARCHAR(50));\n"
        "INSERT INTO t VALUES ('{x} $x {{x}} %s :x <<');\n"
    )
    report = shell.run_cell_magic("mysql_load", "", cell)
    assert report.rows == 1
    sidecar = shell.run_line_magic("mysql_wait", "-q")
    with sidecar.connect("cell") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT a FROM t")
        assert cursor.fetchall() == (("{x} $x {{x}} %s :x <<",),)
        cursor.execute("DROP DATABASE cell")
    with pytest.raises(StatementError) as caught:
        shell.run_cell_magic("mysql_load", "", "SELECT 1;\nSELECT nope;")
    # As the editor counts: the magic's own line is the first.
    assert (caught.value.line, caught.value.column) == (3, 1)


def test_what_was_waited_for_is_what_the_next_lines_mean(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB", mysql_server.password)
    shell.run_line_magic("mysql_wait", f"--port {mysql_server.port} --password-env LAB")
    assert shell.run_cell_magic("mysql_load", "", "SELECT 1").statements == 1
    shown = shell.run_line_magic("mysql_wait", "--show")
    assert shown.port == mysql_server.port
    assert "earlier in this kernel" in shown.sources["port"]


def test_what_was_waited_for_stays_until_another_wait_succeeds(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB", mysql_server.password)
    shell.run_line_magic("mysql_wait", f"--port {mysql_server.port} --password-env LAB")
    shell.run_line_magic("mysql_wait", "")
    with pytest.raises(ServerNotReadyError):
        shell.run_line_magic("mysql_wait", "--port 1 --timeout 0")
    shown = shell.run_line_magic("mysql_wait", "--show")
    assert shown.port == mysql_server.port
    assert shown.sources["password"] == "%mysql_wait --password-env LAB earlier in this kernel"


@pytest.mark.usefixtures("server_environment")
def test_an_error_is_short_and_has_no_password(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WRONG", "s3cret")
    shell.InteractiveTB.set_mode("Verbose")
    result = shell.run_cell(
        "%mysql_load x.sql --password-env WRONG\n%mysql_wait -t 0 --password-env WRONG"
    )
    assert isinstance(result.error_in_exec, ScriptError)
    result = shell.run_cell("%mysql_wait -t 0 --password-env WRONG")
    assert isinstance(result.error_in_exec, AccessError)
    shown = capsys.readouterr()
    assert "Access denied" in shown.out
    assert "Traceback" not in shown.out + shown.err
    assert "s3cret" not in shown.out + shown.err


# Rows, and a look ahead, in a cell ---------------------------------------------------------------


def test_a_cell_shows_the_rows_that_it_asks_for(
    shell: InteractiveShell, server_environment: Server
) -> None:
    del server_environment
    shell.run_cell_magic("mysql_load", "", "CREATE DATABASE lab;\nCREATE TABLE lab.t (n INT);\n")
    shell.run_cell_magic("mysql_load", "-D lab", "INSERT INTO t VALUES (3), (1), (NULL);\n")
    report = shell.run_cell_magic("mysql_load", "--database lab", "SELECT n AS `<b>` FROM t;\n")
    assert report.result.columns == ("<b>",)
    assert report.result.rows == [(3,), (1,), (None,)]
    assert (
        repr(report)
        .splitlines()[0]
        .startswith("<LoadReport cell: 1 statement, 1 result set of 3 rows; ")
    )
    assert repr(report).endswith("| NULL |\n+------+\n3 rows")
    assert "&lt;b&gt;" in report._repr_html_()


def test_a_cell_can_be_checked_and_explained(
    shell: InteractiveShell, server_environment: Server
) -> None:
    cell = "CREATE DATABASE lab;\nUSE lab;\nCREATE TABLE t (n INT);\nINSERT INTO missing VALUES (1)"
    checked = shell.run_cell_magic("mysql_load", "--check", cell)
    (problem,) = checked.problems
    assert "cell:5:1" in str(problem)
    assert not checked.ok
    assert shell.run_cell_magic("mysql_load", "--check --database nowhere", "SELECT 1").problems
    explained = shell.run_cell_magic("mysql_load", "--explain", f"{cell}; DO 1; CALL p();")
    assert explained.in_order_from.startswith("cell:5:")
    assert server_environment.schemas() == []
    with pytest.raises(SettingsError):
        shell.run_cell_magic("mysql_load", "--explain --check", cell)
