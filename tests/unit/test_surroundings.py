"""The environment of the tests, tried with a run of its own."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.background import LIMIT_S
from tests.conftest import end_shell

PROJECT = Path(__file__).parents[2]
TESTS = """
import os

def test_leaves_a_mess(tmp_path):
    assert "FORCE_COLOR" not in os.environ
    assert os.environ["KEPT"] == "before"
    os.environ.update(CLICOLOR="1", KEPT="after")
    os.environ.pop("OTHER")
    os.chdir(tmp_path)

def test_finds_none(request):
    assert "CLICOLOR" not in os.environ
    assert (os.environ["KEPT"], os.environ["OTHER"]) == ("before", "here")
    assert os.getcwd() == str(request.config.rootpath)
"""


@pytest.mark.slow
def test_a_test_finds_neither_a_users_settings_nor_what_another_test_left(tmp_path: Path) -> None:
    tmp_path.joinpath("test_it.py").write_text(TESTS)
    tmp_path.joinpath("conftest.py").write_text('pytest_plugins = ("tests.surroundings",)\n')
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\n")
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    settings = {"FORCE_COLOR": "1", "KEPT": "before", "OTHER": "here", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_shell_leaves_nothing_to_do_at_exit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    before = threading.active_count()
    shell = InteractiveShell()
    assert threading.active_count() > before
    end_shell(shell)
    assert threading.active_count() == before
    callbacks = atexit._ncallbacks()
    atexit.unregister(shell.atexit_operations)
    assert atexit._ncallbacks() == callbacks
