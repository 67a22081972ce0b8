"""Other people's tutorials run as they are, after our three lines."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks.running import client_of, outputs_of, shown_by, text_of

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

TUTORIALS = Path(__file__).with_name("tutorials")
THREE_LINES = """\
%load_ext sidecar_magics
%mysql_wait
%datajoint_connect"""
# Folders of the store that have files.
STORED = {"pipeline_0_14.ipynb": "['tutorial_ephys']", "pipeline_2.ipynb": "['_hash', '_schema']"}


@pytest.fixture
def tutorials(dot_folder: Path, tmp_path: Path, environment: pytest.MonkeyPatch) -> Path:
    """Return a folder with the tutorials, where they may write; `dot` is on the path."""
    environment.setenv("PATH", f"{dot_folder}{os.pathsep}{os.environ['PATH']}")
    return Path(shutil.copytree(TUTORIALS, tmp_path / "tutorials"))


def executed(folder: Path, name: str, kernel: str) -> Any:
    """Return a tutorial after it ran after our three lines; nothing else in it is changed."""
    notebook = nbformat.read(folder / name, as_version=4)
    assert not any("sidecar" in cell.source for cell in notebook.cells)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(THREE_LINES))
    client_of(notebook, folder, kernel=kernel).execute()
    return notebook


@pytest.mark.parametrize(
    ("kernel", "name"),
    [("0.14", "pipeline_0_14.ipynb"), ("2", "pipeline_2.ipynb")],
    indirect=["kernel"],
)
def test_a_pipeline_runs_behind_our_three_lines(kernel: str, name: str, tutorials: Path) -> None:
    for _ in range(2):  # nothing of the first run is in the way of the second
        notebook = executed(tutorials, name, kernel)
    assert "(connected)" in shown_by(notebook, "%load_ext")
    assert "(connected) root@127.0.0.1" in shown_by(notebook, "import datajoint")
    assert "likes rést 🐀" in shown_by(notebook, "Subject.insert(")
    assert "{'success_count': 3, 'error_list': []}" in shown_by(notebook, "Recording.populate(")
    assert "{'success_count': 3, 'error_list': []}" in shown_by(notebook, "Power.populate(")
    theta = shown_by(notebook, "Power.Window.")
    assert "delta    0.00\ntheta    0.98" in theta
    read_back = "((2000,), 0.71, ['tetrode_12.5'], 'open field, 4 s')"
    assert shown_by(notebook, "key =") == read_back
    assert shown_by(notebook, "sorted(") == STORED[name]
    (diagram,) = outputs_of(notebook, "dj.Diagram(")
    for table in ("Session", "Recording", "Power"):
        assert f">{table}<" in diagram["data"]["image/svg+xml"].replace("session.", "")
    assert "-> Band" in shown_by(notebook, "print(Power.describe")
    assert "duplicate; 0 of it are kept" in shown_by(notebook, "try:")
    assert text_of(outputs_of(notebook, 'dj.config["safemode"]')[-1]) == "(4, 2)"
    assert text_of(outputs_of(notebook, "for each in")[-1]) == "[]"
