"""The converter is a package of its own, and does what its page of the documentation shows."""

from __future__ import annotations

import ast
import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_magics.cli import main
from tests.unit.test_convert import code_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

ROOT = Path(__file__).parents[2]
CONVERTER = "sidecar_magics_convert"
# What the converter takes of the library.
TAKEN = {
    *("addresses", "errors", "files", "settings"),
    *("script.commands", "script.splitter"),
}


def imported_in(package: str) -> Iterator[tuple[Path, str]]:
    """Yield each module of ours that a package's files import by its full name, and where."""
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file, each.name) for each in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [f"{node.module}.{each.name}" for each in node.names]
                yield from ((file, name) for name in (node.module, *names))


def test_nothing_of_the_library_needs_the_converter_but_its_verb() -> None:
    found = {
        file.relative_to(ROOT).as_posix()
        for file, name in imported_in("sidecar_magics")
        if name.startswith(CONVERTER)
    }
    assert found == {"sidecar_magics/cli.py"}


def test_the_converter_takes_little_of_the_library() -> None:
    files = {
        ".".join(file.relative_to(ROOT / "sidecar_magics").with_suffix("").parts)
        for file in (ROOT / "sidecar_magics").rglob("*.py")
    }
    taken = {
        name.partition(".")[2]
        for _, name in imported_in(CONVERTER)
        if name.startswith("sidecar_magics.") and name.partition(".")[2] in files
    }
    assert taken == TAKEN


def test_the_documentation_shows_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "converting-a-tutorial.md").read_text(encoding="utf-8")
    shown = text[text.index("    01_lab.ipynb: ") :]
    shown = shown[: shown.index("\n\n")]
    folder = tmp_path / "demo" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "demo" / "data").mkdir()
    (tmp_path / "demo" / "data" / "lab.sql").touch()
    words = {"cell_type": "markdown", "id": "words", "metadata": {}, "source": "# Words"}
    cells = [
        words,
        code_cell("!service mysql start"),
        code_cell("!sudo mysql -uroot -ptutorial < /home/jovyan/demo/data/lab.sql"),
        words,
        code_cell("!mysql --defaults-file=lab.cnf < more.sql"),
        words,
        code_cell("import datajoint as dj\ndj.conn()"),
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "01_lab.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.chdir(folder)
    assert main(["convert", "01_lab.ipynb"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == textwrap.dedent(shown)
