"""Convert a tutorial that was written for one hub: ``sidecar-magics convert``.

What docs/converting-a-tutorial.md says line by line, for the lines that leave no doubt: cells that
load a dump with the ``mysql`` client, and lines that configure DataJoint's connection. Whatever is
in doubt is left unchanged, and reported: so are lines that would fail on another machine or with
DataJoint 2, since only a course's author knows which of them it is to have.

Reading:

    notebook.py       a notebook's file, changed in a few cells only
    ipython.py        IPython's own lines in a cell
    python.py         Python cells
    words.py          a shell script as words
    shell.py          what shell lines do to a server
    steps.py          one command of them
    servers.py        commands that start a server
    dumps.py          ``mysqldump`` and the magic for it
    configuration.py  DataJoint's configuration files
    wishes.py         what Python cells do to DataJoint's configuration
    folders.py        the kernel's folder, and the cells that depend on it

Deciding:

    drafts.py         a cell by itself
    plan.py           all cells together
    waits.py          waits and pauses that are not needed any more
    offers.py         lines that the notebook lacks
    elsewhere.py      lines that fail elsewhere
    report.py         what was converted and what was left

A package of its own in the same distribution, because it writes this version's options. Only
`cli.py` imports it, inside its verb, and it takes from the library only `addresses`, `errors`,
`files`, `settings` and the splitter (`tests/unit/test_convert_apart.py`).
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
