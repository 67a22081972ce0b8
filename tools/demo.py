"""Run the quick-start notebook on a private MySQL server, as `make demo` does."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from sidecar_magics.errors import SidecarError
from sidecar_magics.local import lifecycle

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOK = PROJECT / "notebooks" / "00_QuickStart.ipynb"
RESULTS = PROJECT / "build" / "demo"
CELL_TIMEOUT_S = 300


def main() -> int:
    """Start a server unless the sidecar is up already, run the notebook, stop what was started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        sidecar = lifecycle.up(backend="native", flavour="mysql", ephemeral=True, progress=print)
    except SidecarError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        # Whatever else this user's environment says, the notebook is to use this server.
        os.environ["SIDECAR_MYSQL_HOST"] = sidecar.host
        os.environ["SIDECAR_MYSQL_PORT"] = str(sidecar.port)
        os.environ["SIDECAR_MYSQL_USER"] = sidecar.user
        os.environ["SIDECAR_MYSQL_PASSWORD"] = sidecar.password
        return run_notebook()
    finally:
        if sidecar.started:
            print(f"{lifecycle.down()}: stopped; its data is removed.")


def run_notebook() -> int:
    """Execute the notebook, keep it with its outputs as .ipynb and .html, and tell what it did."""
    print(f"Running {NOTEBOOK.relative_to(PROJECT)} ...", flush=True)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    failure = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = error
    RESULTS.mkdir(parents=True, exist_ok=True)
    executed = RESULTS / NOTEBOOK.name
    nbformat.write(notebook, executed)
    # The notebook's pictures lie beside it, not beside the page.
    beside = {"metadata": {"path": str(NOTEBOOK.parent)}}
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook, resources=beside)
    executed.with_suffix(".html").write_text(page, encoding="utf-8")
    for line in spoken_lines(notebook):
        print(f"  {line}")
    print(f"The executed notebook: {executed}")
    print(f"The same as a page:    {executed.with_suffix('.html')}")
    if failure is not None:
        print(f"A cell failed:\n{failure.ename}: {failure.evalue}", file=sys.stderr)
    return 0 if failure is None else 1


def spoken_lines(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what the three magics said: the first line of each of their displays."""
    outputs = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code" and "%" in cell.source
        for output in cell.outputs
        if output.output_type in {"stream", "display_data"}
    ]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return [text.splitlines()[0] for text in texts if text]


if __name__ == "__main__":
    sys.exit(main())
