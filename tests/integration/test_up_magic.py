"""%mysql_up, and one notebook that goes between its own server and a lab's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sidecar_magics
from sidecar_magics.errors import SettingsError, UsageError
from sidecar_magics.local import find, lifecycle
from sidecar_magics.local.state import folders, read_state
from sidecar_magics.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def home(
    mysql_process: Server,
    shell: InteractiveShell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    del shell
    binaries = folders().cache
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(find, "installed_engines", lambda: iter([mysql_process.engine]))
    tmp_path.joinpath("home").mkdir()
    tmp_path.joinpath("home", "cache").symlink_to(binaries)
    yield
    lifecycle.down()


def schemas(shell: InteractiveShell) -> list[str]:
    """Return what the server has that a line without options means."""
    report: Any = shell.run_cell_magic("mysql_load", "-q", "SHOW SCHEMAS LIKE 'of_%'")
    return [name for (name,) in report.result]


def test_a_notebook_goes_to_the_labs_server_and_back(
    shell: InteractiveShell, mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lab's is in the environment, as on its machines; %mysql_up goes before that."""
    monkeypatch.setenv("DJ_HOST", f"127.0.0.1:{mysql_server.port}")
    monkeypatch.setenv("LAB", mysql_server.password)
    monkeypatch.setenv("DJ_PASS", mysql_server.password)
    lab = shell.run_line_magic("mysql_wait", "-q")
    shell.run_cell_magic("mysql_load", "-q", "CREATE SCHEMA of_the_lab")

    mine: Any = shell.run_line_magic("mysql_up", "--backend native --port 0 --quiet")
    assert mine.settings.port != lab.settings.port
    shell.run_cell_magic("mysql_load", "-q", "CREATE SCHEMA of_mine")
    assert schemas(shell) == ["of_mine"]
    shown: Any = shell.run_line_magic("mysql_wait", "--show")
    assert shown.sources["port"] == "%mysql_up earlier in this kernel"
    assert mine.settings.password.reveal() not in str(shown.table())

    line = f"-q --host 127.0.0.1 --port {mysql_server.port} --password-env LAB"
    shell.run_line_magic("mysql_wait", line)
    assert schemas(shell) == ["of_the_lab"]

    again: Any = shell.run_line_magic("mysql_up", "-q")
    assert again.settings.port == mine.settings.port
    assert schemas(shell) == ["of_mine"]


@pytest.mark.thorough
def test_its_password_goes_to_no_other_server(shell: InteractiveShell) -> None:
    mine: Any = shell.run_line_magic("mysql_up", "--backend native --port 0 -q")
    shown: Any = shell.run_line_magic("mysql_wait", "--show --port 1")
    assert shown.password != Secret(mine.settings.password.reveal())
    with pytest.raises(SettingsError, match="No password for db"):
        shell.run_line_magic("mysql_wait", "--show --host db.lab")


def test_a_new_kernel_finds_it_too(shell: Any) -> None:
    """By the record: the settings' place, as for `sidecar-magics up` in a terminal."""
    mine: Any = shell.run_line_magic("mysql_up", "--backend native --port 0 -q")
    shell.extension_manager.reload_extension("sidecar_magics")
    shown: Any = shell.run_line_magic("mysql_wait", "--show")
    assert shown.port == mine.settings.port
    assert shown.sources["port"] == "the sidecar that `sidecar-magics up` started"


@pytest.mark.thorough
def test_the_function_is_the_same(shell: InteractiveShell) -> None:
    started = sidecar_magics.mysql_up(backend="native", port=0)
    again: Any = shell.run_line_magic("mysql_up", "-q")
    assert again.settings.port == started.port
    assert read_state() == started


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--backend kubernetes", "invalid choice"),
        ("--password x", "--password-env"),
        ("60", "did you mean --timeout 60"),
        ("--host x", "no option --host"),
        ("--tutorial-password --password-env HOME", "exclude each other"),
    ],
)
def test_what_does_not_fit(shell: InteractiveShell, line: str, words: str) -> None:
    with pytest.raises((UsageError, SettingsError), match=words):
        shell.run_line_magic("mysql_up", line)
    assert read_state() is None
