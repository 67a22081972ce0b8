"""A magic's name that is nearly one of ours: an error that asks what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import UsageError
from sidecar_magics.magics import SidecarMagics
from sidecar_magics.misnamed import MAGICS, meant

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def failure_of(shell: InteractiveShell, cell: str) -> Any:
    """Run a cell and return the error that it ends with."""
    return shell.run_cell(cell).error_in_exec


def test_it_knows_each_magic() -> None:
    assert set(MAGICS) == set(SidecarMagics.magics["line"])


@pytest.mark.parametrize(
    ("cell", "message", "hint"),
    [
        ("%mysql_laod a.sql", "There is no magic %mysql_laod.", "did you mean %mysql_load?"),
        ("%mysql_connect", "no magic %mysql_connect.", "did you mean %datajoint_connect?"),
        ("%datajoint_conect --wait", "no magic", "did you mean %datajoint_connect?"),
        ("%mysqlload a.sql", "no magic", "did you mean %mysql_load?"),
        ("%mysql-load a.sql", "no magic %mysql-load.", "did you mean %mysql_load?"),
        ("%MySQL_Load a.sql", "no magic", "did you mean %mysql_load?"),
        ("%wait", "no magic", "did you mean %mysql_wait?"),
        ("%mysqldump lab", "no magic", "did you mean %mysql_dump?"),
        ("%mysql_start", "no magic", "did you mean %mysql_up?"),
        ("%mysql_stop", "no magic", "a command: !sidecar-magics down"),
        ("%%mysql_laod\nSELECT 1;", "no magic %%mysql_laod.", "did you mean %%mysql_load?"),
        ("%%mysql\nSELECT 1;", "no magic", "did you mean %%mysql_load?"),
        ("%%mysql_wait\n%datajoint_connect", "no magic %%mysql_wait.", "mean %mysql_wait?"),
        ("%mysql_wait()", "%mysql_wait is followed by `(`.", "write a space after %mysql_wait,"),
        ("%mysql_wait(password='hunter2')", "followed by `(`.", "write a space after %mysql_wait,"),
        ("%mysql_wait;", "followed by `;`.", "remove it;"),
        ("%mysql_wait? ", "followed by `?`.", "write %mysql_wait? alone on its line"),
        ("% mysql_wait --timeout 5", "A space follows %.", "did you mean %mysql_wait?"),
        ("%% mysql_load\nSELECT 1;", "A space follows %%.", "did you mean %%mysql_load?"),
        # Wherever a magic can stand.
        ("report = %mysql_laod a.sql", "no magic", "did you mean %mysql_load?"),
        ("if True:\n    %mysql_laod a.sql", "no magic", "did you mean %mysql_load?"),
        ("def f():\n    %mysql_laod a.sql\nf()", "no magic", "did you mean %mysql_load?"),
    ],
)
def test_what_was_meant(cell: str, message: str, hint: str, shell: InteractiveShell) -> None:
    failure = failure_of(shell, cell)
    assert isinstance(failure, UsageError)  # and not IPython's own of this name
    assert message in failure.message
    assert hint in failure.hint
    assert "hunter2" not in str(failure)


def test_what_is_timed_is_seen_too(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = failure_of(shell, "%time %mysql_laod a.sql")
    # IPython 7 shows an error of what it times, and goes on.
    assert "did you mean %mysql_load?" in f"{failure}{capsys.readouterr()}"


@pytest.mark.parametrize("name", ["matplotlib_", "sql", "timeit", "reload", "bigquery", "mysql_zz"])
def test_other_names_are_left_to_ipython(name: str, shell: InteractiveShell) -> None:
    assert meant(name) == ""
    failure = failure_of(shell, f"%{name}_ x")
    assert not isinstance(failure, UsageError)
    assert "not found" in str(failure)


def test_a_magic_of_another_extension_runs(shell: InteractiveShell) -> None:
    register: Any = shell.register_magic_function
    register(lambda line: line, "line", "mysql_query")
    shell.run_cell("x = 7\ngot = %mysql_query {x} rows")
    assert shell.user_ns["got"] == "7 rows"


def test_a_magic_that_its_own_cell_registers_runs(shell: InteractiveShell) -> None:
    shell.run_cell(
        "def mysql_connect(line, cell=None):\n    return line, cell\n"
        "get_ipython().register_magic_function(mysql_connect, 'line_cell', 'mysql_connect')\n"
        "x = 7\ngot = %mysql_connect {x}\n"
    )
    assert shell.user_ns["got"] == ("7", None)


def test_a_cell_that_is_nested_deeply_is_read(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell(f"x = {'-' * 80}1\ntotal = {' + '.join(['1'] * 2_000)}")
    assert shell.user_ns.get("total", 2_000) == 2_000  # Python itself may not take it
    assert "unregistered" not in capsys.readouterr().err
    assert isinstance(failure_of(shell, "%mysql_laod"), UsageError)
