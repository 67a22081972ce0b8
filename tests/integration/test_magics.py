"""The magics in a real IPython shell, on a real server; and each of them against its function."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import sidecar_magics
from sidecar_magics.errors import AccessError, ScriptError, StatementError
from sidecar_magics.settings import ConnectionSettings, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Server


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """Yield a shell of its own, without the user's files or environment."""
    for name in ("HOST", "PORT", "USER", "PASSWORD"):
        monkeypatch.delenv(f"SIDECAR_MYSQL_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance()
    shell.extension_manager.load_extension("sidecar_magics")
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


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
        settings = ConnectionSettings(
            port=server_environment.port, password=Secret(server_environment.password)
        )
        return sidecar_magics.mysql_wait(settings, timeout_s=timeout)

    def magic(timeout: float) -> Any:
        return shell.run_line_magic("mysql_wait", f"--timeout {timeout}")

    return function if request.param == "function" else magic


@pytest.fixture(params=["function", "magic"])
def load_verb(
    request: pytest.FixtureRequest, shell: InteractiveShell, server_environment: Server
) -> Callable[..., Any]:
    settings = ConnectionSettings(
        port=server_environment.port, password=Secret(server_environment.password)
    )

    def function(file: Path, **keywords: Any) -> Any:
        return sidecar_magics.mysql_load(file, settings, **keywords)

    def magic(file: Path, **keywords: Any) -> Any:
        flags = " ".join(
            f"--{name.replace('_', '-')}" + ("" if value is True else f" '{value}'")
            for name, value in keywords.items()
        )
        return shell.run_line_magic("mysql_load", f"'{file}' {flags}")

    return function if request.param == "function" else magic


@pytest.mark.server
def test_wait_returns_a_sidecar(wait_verb: Callable[..., Any]) -> None:
    assert wait_verb(timeout=5).flavour == "mysql"


@pytest.mark.server
def test_load_returns_a_report(load_verb: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "with space.sql"
    file.write_text("CREATE OR REPLACE VIEW v AS SELECT 1")
    report = load_verb(file, database="sys")
    assert list(report.tables) == ["sys.v"]
    file.write_text("DROP VIEW sys.v; SELECT nope")
    with pytest.raises(StatementError) as caught:
        load_verb(file)
    assert caught.value.errno == 1054


@pytest.mark.server
def test_load_refuses_and_allows_by_option(load_verb: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "outside.sql").write_text("SELECT 1")
    file = tmp_path / "dump" / "main.sql"
    file.write_text("source ../outside.sql\n")
    with pytest.raises(ScriptError, match="outside"):
        load_verb(file)
    assert load_verb(file, allow_outside_source=True).statements == 1


@pytest.mark.server
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


@pytest.mark.server
def test_what_was_waited_for_is_what_the_next_lines_mean(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB", mysql_server.password)
    shell.run_line_magic("mysql_wait", f"--port {mysql_server.port} --password-env LAB")
    assert shell.run_cell_magic("mysql_load", "", "SELECT 1").statements == 1
    shown = shell.run_line_magic("mysql_wait", "--show")
    assert shown.port == mysql_server.port
    assert "earlier in this kernel" in shown.sources["port"]


def test_config_comes_after_the_line_and_before_the_environment(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", "1")
    monkeypatch.setenv("SIDECAR_MYSQL_USER", "environment")
    shell.run_line_magic("config", "SidecarMagics.port = 2")
    shell.run_line_magic("config", "SidecarMagics.password = 's3cret'")
    shown = shell.run_line_magic("mysql_wait", "--show --tls required")
    assert (shown.port, shown.user, shown.tls) == (2, "environment", "required")
    assert shown.password == "s3cret"
    assert shown.sources["password"] == "%config SidecarMagics.password"
    assert "s3cret" not in shown.table()


def test_config_shows_no_password(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("config", "SidecarMagics.password = 's3cret'")
    shell.run_line_magic("config", "SidecarMagics")
    assert "SidecarMagics.password" in capsys.readouterr().out
    assert "s3cret" not in repr(shell.run_line_magic("config", "SidecarMagics.password"))
    shell.run_line_magic("config", "SidecarMagics")
    assert "s3cret" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("magic", "line", "words"),
    [
        ("mysql_wait", "--port x", "1 to 65535"),
        ("mysql_wait", "--port 65536", "1 to 65535"),
        ("mysql_wait", "--timeout -1", "number of seconds"),
        ("mysql_wait", "--timeout nan", "number of seconds"),
        ("mysql_wait", "--tls maybe", "invalid choice"),
        ("mysql_wait", "--nonsense", "unrecognized arguments"),
        ("mysql_wait", "extra", "unrecognized arguments"),
        ("mysql_load", "", "takes a file"),
        ("mysql_load", "'a b", "No closing quotation"),
        ("mysql_load", "a b", "unrecognized arguments"),
        ("mysql_wait", "--tim 3", "unrecognized arguments"),
    ],
)
def test_wrong_arguments_are_usage_errors(
    magic: str, line: str, words: str, shell: InteractiveShell
) -> None:
    with pytest.raises(UsageError, match=words):
        shell.run_line_magic(magic, line)


@pytest.mark.parametrize(
    "line", ["--password s3cret", "--password=s3cret", "-p s3cret", "-ps3cret"]
)
def test_a_password_on_the_line_is_refused_and_not_repeated(
    line: str, shell: InteractiveShell
) -> None:
    with pytest.raises(UsageError, match="--password-env") as caught:
        shell.run_line_magic("mysql_wait", line)
    assert "s3cret" not in str(caught.value)


def test_a_file_and_a_cell_at_once_is_a_usage_error(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="takes a file"):
        shell.run_cell_magic("mysql_load", "x.sql", "SELECT 1")


@pytest.mark.server
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


def test_help_is_the_manual(shell: InteractiveShell) -> None:
    for magic in ("mysql_wait", "mysql_load", "datajoint_connect"):
        text = shell.find_line_magic(magic).__doc__
        assert "--password-env VARIABLE" in text
        assert "--host HOST" in text


def test_unloading_leaves_nothing(shell: Any) -> None:
    matchers = len(shell.Completer.custom_matchers)
    shell.extension_manager.reload_extension("sidecar_magics")
    assert len(shell.Completer.custom_matchers) == matchers
    assert [type(c).__name__ for c in shell.configurables].count("SidecarMagics") == 1
    shell.extension_manager.unload_extension("sidecar_magics")
    for kind in ("line", "cell"):
        assert not [
            n for n in shell.magics_manager.magics[kind] if "mysql" in n or "datajoint" in n
        ]
    assert "SidecarMagics" not in [type(c).__name__ for c in shell.configurables]
    assert len(shell.Completer.custom_matchers) == matchers - 1


def test_options_and_scripts_are_completed(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dump one.sql.gz").touch()
    (tmp_path / "data" / "notes.txt").touch()

    def completed(text: str) -> list[str]:
        with provisionalcompleter():
            return [c.text for c in shell.Completer.completions(text, len(text))]

    assert completed("%mysql_wait --ti") == ["--timeout"]
    assert "--database" in completed("%%mysql_load --")
    assert completed("%mysql_load da") == ["data/"]
    assert completed("%mysql_load data/") == ["'data/dump one.sql.gz'"]


def test_loading_the_extension_imports_nothing_heavy() -> None:
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S\n"
        "S.instance().extension_manager.load_extension('sidecar_magics')\n"
        "heavy = {'pymysql', 'sqlalchemy', 'datajoint', 'pandas', 'psutil'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
