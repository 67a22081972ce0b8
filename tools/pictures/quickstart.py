"""What the quick start shows, as a browser draws it: the README's picture.

Of the executed notebook it has the title, the lines that are ours, and the plot. The picture
carries a hash of the notebook, so that a test can tell when it is not of this one any more.
"""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert import HTMLExporter
from PIL import Image, ImageChops, PngImagePlugin

from tests.browser.chromium import launch_options

if TYPE_CHECKING:
    from nbformat import NotebookNode

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOK = PROJECT / "notebooks" / "00_QuickStart.ipynb"
PICTURE = PROJECT / "docs" / "quickstart.png"
# The PNG's text with the hash of the notebook that it shows.
KEY = "notebook-sha256"
WIDTH, HEIGHT = 900, 2400
MARGIN = 12
BROWSER_S = 120


def digest(path: Path = NOTEBOOK) -> str:
    """Return a hash of a notebook's cells, whatever its outputs are."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def digest_of(picture: Path = PICTURE) -> str | None:
    """Return the hash of the notebook that a picture shows; None if it has none."""
    with Image.open(picture) as image:
        found: Any = image.info.get(KEY)
    return None if found is None else str(found)


def excerpt(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with the title, the magics and the plot of an executed one."""
    short = copy.deepcopy(notebook)
    short.cells = [
        nbformat.v4.new_markdown_cell(notebook.cells[0].source.splitlines()[0]),
        *[cell for cell in short.cells if cell.cell_type == "code" and _is_shown(cell)],
    ]
    return short


def _is_shown(cell: NotebookNode) -> bool:
    is_ours = any(line.partition(" = ")[2][:1] == "%" for line in cell.source.splitlines())
    has_plot = any("image/png" in output.get("data", {}) for output in cell.outputs)
    return is_ours or cell.source.startswith("%") or has_plot


def take(executed: Path, picture: Path = PICTURE) -> None:
    """Draw an executed notebook's excerpt in a browser, and keep the picture.

    Parameters
    ----------
    executed : Path
        The notebook with its outputs.
    picture : Path
        What is written, a PNG.

    Raises
    ------
    LocalServerError
        Chromium cannot be fetched, and the machine has none.
    """
    browser = launch_options()
    page, _ = HTMLExporter().from_notebook_node(excerpt(nbformat.read(executed, as_version=4)))
    with tempfile.TemporaryDirectory() as scratch:
        html, shot = Path(scratch, "page.html"), Path(scratch, "shot.png")
        html.write_text(page, encoding="utf-8")
        options = [
            "--headless",
            "--no-sandbox",  # what is drawn is our own page, also where root draws it
            "--disable-gpu",
            "--hide-scrollbars",
            # Nothing is fetched: what the page names elsewhere is for formulas, and it has none.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch}/profile",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={shot}",
        ]
        subprocess.run(
            [browser["executable_path"], *options, html.as_uri()],
            env=browser.get("env"),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=BROWSER_S,
        )
        with Image.open(shot) as image:
            keep(image.convert("RGB"), picture)


def keep(image: Image.Image, picture: Path) -> None:
    """Write what is drawn, without the empty page around it, and with the notebook's hash."""
    empty = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
    box = ImageChops.difference(image, empty).getbbox() or (0, 0, *image.size)
    left, top = max(0, box[0] - MARGIN), max(0, box[1] - MARGIN)
    right, bottom = min(image.width, box[2] + MARGIN), min(image.height, box[3] + MARGIN)
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, digest())
    image.crop((left, top, right, bottom)).save(picture, pnginfo=text, optimize=True)
