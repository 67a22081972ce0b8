"""ARCHITECTURE.md names each module, in the folder where it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("sidecar_magics", "sidecar_magics_convert")
FOLDER = re.compile(r"`(sidecar_magics[\w/]*/)`: ")
MODULE = re.compile(r"`(\w+\.py)`")


def rooms(text: str) -> dict[str, list[str]]:
    """Return the modules that a text names, by folder: from a folder's line to the empty one."""
    found: dict[str, list[str]] = {}
    for paragraph in text.split("\n\n"):
        folder = FOLDER.match(paragraph)
        if folder:
            found[folder[1]] = MODULE.findall(paragraph)
    return found


def tree() -> dict[str, list[str]]:
    """Return the modules that there are, by folder."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in PROJECT.joinpath(package).rglob("*.py"):
            modules = found.setdefault(f"{path.parent.relative_to(PROJECT).as_posix()}/", [])
            if path.name != "__init__.py":
                modules.append(path.name)
    return found


def test_each_module_is_named_once_and_where_it_is() -> None:
    named = rooms(PROJECT.joinpath("ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert {folder: sorted(modules) for folder, modules in named.items()} == {
        folder: sorted(modules) for folder, modules in tree().items()
    }


def test_each_module_says_what_it_is_for() -> None:
    for package in PACKAGES:
        for path in PROJECT.joinpath(package).rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
