"""The environment of the tests, tried with a run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.background import LIMIT_S

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
