"""ARCHITECTURE.md names each folder of the packages, and each folder its modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("sidecar_magics", "sidecar_magics_convert")
FOLDER = re.compile(r"^\| `(sidecar_magics[\w/]*/)` \|", re.MULTILINE)
# A module and what it is for, as a line of its own.
MODULE = re.compile(r"^    (\w+\.py) +\S", re.MULTILINE)
WORDS_AT_MOST = 2200


def architecture() -> str:
    """Return the page."""
    return PROJECT.joinpath("ARCHITECTURE.md").read_text(encoding="utf-8")


def docstring(path: Path) -> str:
    """Return a module's docstring; empty if it has none."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def tree() -> dict[str, list[Path]]:
    """Return the modules that there are, by folder."""
    found: dict[str, list[Path]] = {}
    for package in PACKAGES:
        for path in sorted(PROJECT.joinpath(package).rglob("*.py")):
            folder = f"{path.parent.relative_to(PROJECT).as_posix()}/"
            found.setdefault(folder, []).append(path)
    return found


def test_the_page_names_each_folder_once() -> None:
    assert sorted(FOLDER.findall(architecture())) == sorted(tree())


def test_a_folder_names_each_of_its_modules_once() -> None:
    for folder, paths in tree().items():
        named = MODULE.findall(docstring(PROJECT / folder / "__init__.py"))
        assert sorted(named) == [path.name for path in paths if path.name != "__init__.py"], folder


def test_each_module_says_what_it_is_for() -> None:
    for paths in tree().values():
        assert [path for path in paths if not docstring(path)] == []


def test_the_page_is_short() -> None:
    assert len(architecture().split()) <= WORDS_AT_MOST
