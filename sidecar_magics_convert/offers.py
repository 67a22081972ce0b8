"""The lines that a notebook misses which connects DataJoint without a word about a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import python
from .configuration import found_by_datajoint, names_a_base, remarks_on, requires_tls, said_by
from .folders import folders_gone_to
from .report import Offer
from .steps import NamedServer

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

DATAJOINT = "datajoint"


class Import(NamedTuple):
    """Where DataJoint is imported, or what connects it; the folder it finds its file in."""

    cell: int
    line: int
    what: str
    steps: list[tuple[str, int]] | None


def first_import(
    sources: Mapping[int, str], trees: Mapping[int, ast.Module | None]
) -> Import | None:
    """Return where a notebook imports DataJoint first; None if it does not work with it."""
    for at, tree in trees.items():
        if found := python.first_import(tree, DATAJOINT, "spyglass"):
            what, line = found
            return Import(at, line, what, folders_gone_to(sources[at], line))
    if any(python.works_with_tables(tree) for tree in trees.values()):
        for at, tree in trees.items():
            if (line_found := python.imports_something(tree)) is not None:
                steps = folders_gone_to(sources[at], line_found)
                return Import(at, line_found, "what connects DataJoint", steps)
    return None


def configuration_found(
    imported: Import | None, folder: Path, sources: Mapping[int, str]
) -> tuple[Path, dict[str, Any]] | None:
    """Return the configuration file that DataJoint finds when it is imported, and what it says.

    Parameters
    ----------
    imported : Import or None
        Where that is.
    folder : Path
        The notebook's.
    sources : mapping of int to str
        The cells, of which some go to another folder.
    """
    if imported is None:
        return None
    before = [folders_gone_to(source) for at, source in sources.items() if at < imported.cell]
    for steps in (*before, imported.steps):
        if steps is None:
            return None
        for step, _ in steps:
            folder = Path(os.path.normpath(folder / step))
    return found_by_datajoint(folder)


def offer_of(
    imported: Import,
    found: tuple[Path, dict[str, Any]] | None,
    *,
    waited_for: NamedServer | None,
    has_spyglass: bool,
) -> Offer:
    """Return the lines, and where they belong.

    Parameters
    ----------
    imported : Import
        Where DataJoint is imported.
    found : tuple or None
        The configuration file that it finds there, and what it says.
    waited_for : NamedServer or None
        The server that is waited for before; None if none is.
    has_spyglass : bool
        Whether Spyglass is imported somewhere.
    """
    path, settings = found or (Path(), {})
    said = NamedServer.of(**said_by(settings))
    lines = []
    if waited_for is None:
        lines = ["%load_ext sidecar_magics", f"%mysql_wait{said.options()}"]
    connect = "%datajoint_connect"
    if found and waited_for not in (None, said):
        connect += said.options()
    connect += " --tls required" if requires_tls(settings) else ""
    notes = [f"of {path.name}: {each}" for each in remarks_on(settings, said)]
    if has_spyglass and names_a_base(settings):
        connect += " --spyglass"
    elif has_spyglass:
        notes.append("Spyglass is imported: add --spyglass BASE_DIR if it misses its folders")
    line = None if imported.steps == [] else imported.line
    if imported.steps:  # DataJoint finds its file where the cell has gone to
        line = imported.steps[-1][1] + 1
    source = "\n".join([*lines, connect])
    return Offer(imported.cell + 1, line, f"imports {imported.what}", source, tuple(notes))
