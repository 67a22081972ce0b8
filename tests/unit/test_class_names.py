"""A class name has one meaning: in the packages, and in each folder of the tests."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT = Path(__file__).parents[2]
TESTS = PROJECT / "tests"
PACKAGES = [PROJECT / "sidecar_magics", PROJECT / "sidecar_magics_convert"]
# Notebooks' own modules, as other people write them.
NOT_OURS = TESTS / "notebooks" / "tutorials"


def names(path: Path) -> Iterator[str]:
    """Yield what a module names for others: its classes, and its names for types."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            name = ast.unparse(node.targets[0])
            if not name.isupper():
                yield name


def shared(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Return the public names that several modules have, with these modules."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for name in names(path):
            if not name.startswith("_"):
                found[name].append(path.relative_to(PROJECT).as_posix())
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_of_the_packages() -> None:
    assert shared(path for package in PACKAGES for path in package.rglob("*.py")) == {}


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in TESTS.iterdir() if any(path.glob("**/*.py")))
)
def test_of_the_tests(folder: str) -> None:
    paths = [path for path in TESTS.joinpath(folder).rglob("*.py") if NOT_OURS not in path.parents]
    assert shared(paths) == {}


def test_two_meanings_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PROJECT", tmp_path)
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("class Stage:\n    pass\n")
    other.write_text("Stage = tuple[str, str]\nNAMES = dict[str, str]\n")
    assert shared([one, other]) == {"Stage": ["one.py", "other.py"]}
