"""The wheel, as it is built: what is in it beside the package."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.background import LIMIT_S

PROJECT = Path(__file__).resolve().parents[2]


def test_the_wheel_has_the_extension_where_jupyterlab_looks(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        timeout=LIMIT_S,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    folder = f"{wheel.name.partition('-py')[0]}.data/data/share/jupyter/labextensions"
    shared = {name for name in names if ".data/" in name}
    assert shared == {
        f"{folder}/sidecar-magics/{name}"
        for name in ("package.json", "install.json", "static/extension.js")
    }
