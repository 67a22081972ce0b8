"""The notebooks and pictures as they are kept: clean, complete, and belonging together."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel

from tests.notebooks.running import NOTEBOOKS
from tools.pictures import quickstart, tables

if TYPE_CHECKING:
    from pathlib import Path

EVERY = sorted(NOTEBOOKS.glob("*.ipynb"))


def each_notebook() -> Any:
    return pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)


@each_notebook()
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@each_notebook()
def test_a_notebooks_language_is_described_as_by_its_kernel(path: Path) -> None:
    said = json.loads(path.read_text(encoding="utf-8"))["metadata"]["language_info"]
    kernel: Any = IPythonKernel
    known = dict(kernel().language_info)
    # The notebooks are for every version of Python; and of IPython's lexer there is one.
    del known["version"]
    assert said == known


@each_notebook()
def test_what_a_notebook_links_to_is_there(path: Path) -> None:
    text = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )  # fmt: skip
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / target).exists(), target


def test_the_drawing_of_the_tables_is_that_of_the_dump() -> None:
    keys = tables.foreign_keys(gzip.decompress(tables.DUMP.read_bytes()).decode())
    assert tables.DRAWING.read_text(encoding="utf-8") == tables.drawing(keys), "make pictures"
    arrows = tables.edges(keys)
    assert ("common_ephys._electrode", "common_ephys._electrode_group", True) in arrows
    assert ("common_session._session", "common_subject.subject", True) in arrows
    # By way of what is not drawn; and none that others lead to already.
    assert sum(not edge.is_direct for edge in arrows) == 1
    assert ("common_ephys._electrode", "common_session._session", False) not in arrows


def test_tables_have_the_names_that_datajoint_gives_their_classes() -> None:
    names = ("__l_f_p_band_v1", "#brain_region", "_electrode", "subject")
    classes = ["LFPBandV1", "BrainRegion", "Electrode", "Subject"]
    assert list(map(tables.class_name, names)) == classes


def test_the_readmes_picture_is_of_the_quick_start_as_it_is(tmp_path: Path) -> None:
    assert quickstart.digest_of() == quickstart.digest(), "make pictures"
    # Another cell is another notebook, other outputs are not.
    notebook = nbformat.read(quickstart.NOTEBOOK, as_version=4)
    copy = tmp_path / "copy.ipynb"
    notebook.cells[1].execution_count = 7
    nbformat.write(notebook, copy)
    assert quickstart.digest(copy) == quickstart.digest()
    notebook.cells[1].source += "\n"
    nbformat.write(notebook, copy)
    assert quickstart.digest(copy) != quickstart.digest()
