"""Spyglass's own environment, for the tests that run Spyglass itself: ``make test-spyglass``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.tutorial_data.__main__ import PYTHON, environment

if TYPE_CHECKING:
    from tests.servers import Server

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="session")
def spyglass_python() -> Path:
    """Return the Python that has Spyglass."""
    if not PYTHON.exists():
        pytest.skip("Spyglass has its own environment: make test-spyglass")
    return PYTHON


@pytest.fixture
def tutorial(tmp_path: Path) -> Path:
    """Return a copy of the notebooks' folder, as a user has it."""
    folder = tmp_path / "tutorial" / "notebooks"
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(PROJECT / "notebooks", folder, ignore=ignored)
    for made in (folder / "data" / "spyglass").iterdir():
        if made.name not in {"raw", "analysis"}:  # by a user who ran it in the project's folder
            shutil.rmtree(made)
    return folder


@pytest.fixture
def kernel(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spyglass_python: Path
) -> str:
    """Return the name of a kernel that has Spyglass, and nothing of the user's settings."""
    wanted = environment(mysql_server, tmp_path)
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    folder = tmp_path / "jupyter" / "kernels" / "spyglass"
    folder.mkdir(parents=True)
    argv = [str(spyglass_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "spyglass", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return "spyglass"
