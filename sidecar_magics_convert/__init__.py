"""Convert a tutorial that was written for one hub: ``sidecar-magics convert``.

What docs/converting-a-tutorial.md says line by line, for the lines that leave no doubt: cells that
load a dump with the ``mysql`` client, and lines that configure DataJoint's connection. Whatever is
in doubt is left unchanged, and reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .notebook import Notebook, replace
from .plan import Plan
from .report import Changed, Conversion, Left, Offer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Changed", "Conversion", "Left", "Offer", "convert", "convert_file"]


def convert(notebook: Notebook) -> Conversion:
    """Convert a notebook, without writing it; once more, nothing is changed.

    Parameters
    ----------
    notebook : Notebook
        As it was read. Files that it names are looked for near its path.
    """
    if notebook.language not in ("python", "ipython"):
        return Conversion(str(notebook.path), notebook.text, language=notebook.language)
    plan = Plan(notebook)
    cells, takes_first = plan.cells()
    changes = {cell.number - 1: cell.after for cell in cells if isinstance(cell, Changed)}
    first = plan.first_cell() if changes else None
    paths, datajoint_2 = plan.hints(changes)
    is_connected = any("%datajoint_connect" in source for source in changes.values())
    return Conversion(
        str(notebook.path),
        notebook.written(changes, None if takes_first else first),
        first,
        cells,
        frozenset(plan.secrets),
        None if is_connected else plan.offer(min(changes, default=None)),
        paths=paths,
        datajoint_2=datajoint_2,
        takes_first=takes_first,
    )


def convert_file(path: Path, *, output: Path | None = None, write: bool = False) -> str:
    """Convert a notebook's file, and return the report.

    Parameters
    ----------
    path : Path
        The notebook.
    output : Path, optional
        Where to write the converted one; a file that is there is kept as ``.bak``.
    write : bool, default False
        Replace the notebook itself, and keep what it was as ``.bak``. Default: write nothing.

    Raises
    ------
    SettingsError
        It is no notebook, or a file cannot be written; then all files are as they were.
    """
    notebook = Notebook.read(path)
    conversion = convert(notebook)
    target = path if write else output
    if target is None:
        end = "Nothing was written: add --write, or --output FILE." if conversion.changed else ""
    elif not conversion.changed and target.exists() and target.samefile(path):
        end = "Nothing was written."
    else:
        backup = replace(target, conversion.text, keep=target.exists())
        end = f"Written to {target}" + (f"; the original is in {backup.name}." if backup else ".")
    return "\n".join(filter(None, (str(conversion), end)))
