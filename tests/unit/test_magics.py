"""The magics in a real IPython shell, as far as they need no server."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import UsageError
from tests.background import LIMIT_S

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


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
        ("mysql_wait", "--nonsense", "no option --nonsense"),
        ("mysql_wait", "extra", "takes options only"),
        ("mysql_load", "", "takes a file"),
        ("mysql_load", "'a b", "a quote is not closed"),
        (
            "mysql_wait",
            "--passw s3cret",
            r"--passw\.\nHint: did you mean --password-env\?$",
        ),
        ("mysql_wait", "--password 's3cret", "a quote is not closed"),
        ("mysql_load", "a b", "takes one file"),
        ("mysql_wait", "--tim 3", "no option --tim"),
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
    with pytest.raises(UsageError, match="not both"):
        shell.run_cell_magic("mysql_load", "x.sql", "SELECT 1")


def test_help_is_the_manual(shell: InteractiveShell) -> None:
    for magic in ("mysql_wait", "mysql_load", "mysql_doctor", "datajoint_connect"):
        text = shell.find_line_magic(magic).__doc__
        assert "--password-env VARIABLE" in text
        assert "--host HOST" in text


def test_unloading_leaves_nothing(shell: Any) -> None:
    matchers = len(shell.Completer.custom_matchers)
    transformers = len(shell.input_transformers_cleanup), len(shell.ast_transformers)
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
    assert len(shell.input_transformers_cleanup) == transformers[0] - 2
    assert len(shell.ast_transformers) == transformers[1] - 1


def test_loading_the_extension_imports_nothing_heavy() -> None:
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S\n"
        "S.instance().extension_manager.load_extension('sidecar_magics')\n"
        "heavy = {'pymysql', 'sqlalchemy', 'datajoint', 'pandas', 'psutil', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    assert done.stdout.strip() == "[]"


def test_a_cell_whose_body_is_not_typed_yet_is_not_complete(shell: InteractiveShell) -> None:
    """In a terminal, the line that begins a cell is not sent at once."""
    assert shell.check_complete("%%mysql_load\n")[0] == "incomplete"
    assert shell.check_complete("%%mysql_load")[0] == "incomplete"
