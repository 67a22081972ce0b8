"""notebooks/01_Spyglass.ipynb in a real kernel with Spyglass, from a folder of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.notebooks.running import client_of, outputs_of, shown_by

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

NAME = "01_Spyglass.ipynb"
PLOTS = ("import matplotlib", "start = ", "import numpy")


def check_outputs(notebook: Any, server: Server, *, run: int) -> None:
    loaded = shown_by(notebook, "%mysql_load")
    assert ("already loaded" if run else "296 tables in 60 schemas") in loaded
    connected = shown_by(notebook, "%datajoint_connect")
    assert f"-> root@127.0.0.1:{server.port}, MySQL" in connected
    assert "60 schemas" in connected, "without the journal of --once"
    assert "Total: 1" in shown_by(notebook, "from spyglass.common")
    electrodes = shown_by(notebook, "(Electrode * BrainRegion")
    assert "CA1" in electrodes
    assert "Total: 4" in electrodes
    assert "pos 0 valid times" in shown_by(notebook, "(IntervalList & key)")
    position = shown_by(notebook, "from spyglass.position")
    assert "position_x" in position
    assert "speed" in position
    first_row = shown_by(notebook, "from spyglass.lfp").splitlines()[2]
    assert [int(counts) for counts in first_row.split()[1:]] == [568, 511]
    assert "r = 0.97" in shown_by(notebook, "import numpy")
    for beginning in PLOTS:
        (image,) = [
            each["data"]["image/png"]
            for each in outputs_of(notebook, beginning)
            if "image/png" in each.get("data", {})
        ]
        assert len(image) > 5000


def test_the_tutorial_runs_twice_in_a_row(
    mysql_server: Server, kernel: str, tutorial: Path
) -> None:
    notebook = nbformat.read(tutorial / NAME, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "kept without outputs"
    client = client_of(notebook, tutorial, kernel=kernel)
    with client.setup_kernel():
        for run in range(2):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            nbformat.write(notebook, tutorial.parent / NAME)  # to look at
            check_outputs(notebook, mysql_server, run=run)
            state = "(already connected)" if run else "(connected)"
            assert state in shown_by(notebook, "%datajoint_connect")
    everything = nbformat.writes(notebook)
    assert f'"{mysql_server.password}"' not in everything


def test_the_tutorial_names_no_absolute_path(tutorial: Path) -> None:
    text = (tutorial / NAME).read_text(encoding="utf-8")
    assert not re.search(r'[" =]/(home|work|tmp|root|Users)/|chdir|%%bash', text)
