"""Fixtures for notebooks: the environment of kernels, and kernels of both lines of DataJoint."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.graphviz import folder_with_dot
from tools.installed import set_up

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
    return kernel_of(python, environment, tmp_path)


# What pip installs today comes first; `make test` sets up no other environment.
@pytest.fixture(params=[pytest.param("0.14", marks=pytest.mark.thorough), "2"], scope="session")
def installed(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Return a line of DataJoint, and a Python with it and our wheel, as pip installs them."""
    try:
        return request.param, set_up(request.param)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        if os.environ.get("CI"):
            pytest.fail(f"nothing could be installed: {error}")
        pytest.skip(f"nothing could be installed here: {error}")


@pytest.fixture
def installed_kernel(
    installed: tuple[str, Path], environment: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """Return the name of a kernel that has our wheel and its extra, and nothing else."""
    environment.delenv("PYTHONPATH")
    environment.setenv("PYTHONNOUSERSITE", "1")
    return kernel_of(str(installed[1]), environment, tmp_path)


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """Return a copy of the notebooks' folder, as a user has it."""
    ignored = shutil.ignore_patterns(".ipynb_checkpoints")
    return Path(shutil.copytree(PROJECT / "notebooks", tmp_path / "notebooks", ignore=ignored))


def kernel_of(python: str, environment: pytest.MonkeyPatch, folder: Path) -> str:
    """Let a kernel run on this Python, and return its name."""
    kernel = folder / "jupyter" / "kernels" / "line"
    kernel.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "line", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    environment.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    return "line"


@pytest.fixture(scope="session")
def dot_folder() -> Path:
    """Return a folder for PATH that has Graphviz's ``dot``."""
    return folder_with_dot()
