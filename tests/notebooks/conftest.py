"""Fixtures for notebooks: the environment of kernels, and kernels of both lines of DataJoint."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.graphviz import folder_with_dot

if TYPE_CHECKING:
    from tests.servers import Server

PROJECT = Path(__file__).parents[2]
PYTHONS = {"0.14": sys.executable, "2": str(PROJECT / ".venv-datajoint2" / "bin" / "python")}


@pytest.fixture
def environment(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """Give kernels the server, and nothing of the user's."""
    for name in [name for name in os.environ if name.startswith(("DJ_", "SIDECAR_MYSQL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


@pytest.fixture(params=list(PYTHONS))
def kernel(request: pytest.FixtureRequest, environment: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the name of a kernel that has this line of DataJoint."""
    python = PYTHONS[request.param]
    if not Path(python).exists():
        if os.environ.get("CI"):
            pytest.fail("make .venv-datajoint2/ready has not been run")
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    folder = tmp_path / "jupyter" / "kernels" / "line"
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "line", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    environment.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return "line"


@pytest.fixture(scope="session")
def dot_folder() -> Path:
    """Return a folder for PATH that has Graphviz's ``dot``."""
    return folder_with_dot()
