"""Run notebooks in real kernels, and read their outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELL_TIMEOUT_S = 240


def notebook_of(*cells: str) -> Any:
    """Return a notebook of code cells."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def client_of(notebook: Any, folder: Path, *, kernel: str = "python3") -> NotebookClient:
    """Return what executes a notebook, as if it lay in this folder."""
    return NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name=kernel,
        resources={"metadata": {"path": str(folder)}},
    )


def text_of(output: Any) -> str:
    """Return an output as plain text."""
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def seen(cell: Any) -> list[Any]:
    """Return the outputs of a cell that take room on a page.

    A bar above a report has become an empty text, which a front-end draws with no height.
    """
    return [output for output in cell.outputs if output.get("data") != {"text/plain": ""}]


def outputs_of(notebook: Any, beginning: str) -> list[Any]:
    """Return the outputs of the one cell that begins like this, as far as they are seen."""
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith(beginning)]
    return seen(cell)


def shown_by(notebook: Any, beginning: str) -> str:
    """Return what the one cell that begins like this shows, as plain text."""
    return "\n".join(map(text_of, outputs_of(notebook, beginning)))
