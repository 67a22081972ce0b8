"""Environments with what pip installs from a wheel of this project, and nothing else.

What a user has after ``pip install``: the newest versions that pyproject.toml allows, no tools of
development, no checkout on the path. Below .cache, made when first needed, and recreated when
pyproject.toml or this file has changed; the wheel itself is new in each run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.setup_venv import CACHE, PROJECT, fingerprint, make_venv

HOME = CACHE / "installed"
# What is asked for beside the wheel. 2 is what pip takes by itself.
LINES = {"0.14": ("datajoint<2",), "2": ()}
EXTRAS = "tutorial"
INSTALL_S = 1800
BUILD_S = 300


def build(folder: Path) -> Path:
    """Build a wheel of this project and return it.

    Parameters
    ----------
    folder : Path
        Where it goes.

    Raises
    ------
    subprocess.CalledProcessError
        It could not be built.
    """
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(
        [*command, "--directory", str(folder)],
        check=True,
        cwd=PROJECT,
        capture_output=True,
        timeout=BUILD_S,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def set_up(line: str) -> Path:
    """Return the Python of an environment with the wheel, its extra ``tutorial`` and a DataJoint.

    Parameters
    ----------
    line : str
        The line of DataJoint: a key of `LINES`.

    Raises
    ------
    subprocess.CalledProcessError
        It could not be set up.
    """
    venv = HOME / f"datajoint-{line}"
    python, stamp = venv / "bin" / "python", venv / "ready"
    mark = fingerprint([PROJECT / "pyproject.toml", Path(__file__)], line)
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        wheel = build(Path(folder))
        if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == mark and python.exists()):
            pip = make_venv(venv)
            wanted = [f"{wheel}[{EXTRAS}]", *LINES[line]]
            subprocess.run([*pip, "install", "-qq", *wanted], check=True, timeout=INSTALL_S)
            stamp.write_text(mark, encoding="utf-8")
        else:
            again = ["install", "-qq", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
            command = [str(python), "-m", "pip", *again]
            subprocess.run(command, check=True, timeout=INSTALL_S)
    return python
