"""What a report says of a script that has nothing to load, or that ends before its end."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.load.planning.explain import explain
from sidecar_magics.load.policy import LoadPolicy

if TYPE_CHECKING:
    from pathlib import Path


def notes_of(script: str | bytes, tmp_path: Path, **options: bool) -> list[str]:
    path = tmp_path / "s.sql"
    path.write_bytes(script.encode() if isinstance(script, str) else script)
    return [note.replace(str(tmp_path) + "/", "") for note in _explained(path, **options)]


def _explained(path: Path, **options: bool) -> list[str]:
    return explain(path, policy=LoadPolicy(**options)).notes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "\n\n  \n",
        "-- a note\n# and another\n/* and one */\n",
        "-- a note",
        ";;",
        "delimiter $$\n",
        b"\xef\xbb\xbf",
        gzip.compress(b"", mtime=0),
    ],
)
def test_a_script_without_statements(script: str | bytes, tmp_path: Path) -> None:
    (note,) = notes_of(script, tmp_path)
    assert note.startswith("s.sql has no statements: it is empty, or has only comments, or comm")


@pytest.mark.parametrize("script", ["SELECT 1", "/*!40101 SET NAMES utf8 */;", "use lab\n"])
def test_a_script_with_one(script: str, tmp_path: Path) -> None:
    assert notes_of(script, tmp_path) == []


def test_a_script_of_which_everything_is_left_out_is_not_empty(tmp_path: Path) -> None:
    script = "CREATE DATABASE s; USE s; CREATE TABLE t (i INT);"
    assert notes_of(script, tmp_path, data_only=True) == []


@pytest.mark.parametrize(
    ("script", "place", "line", "size"),
    [
        ("SELECT 1;\nexit\nSELECT 2;\n", "2:1", 3, "10 B"),
        ("SELECT 1;\nquit;\nSELECT 2;\n", "2:1", 3, "10 B"),
        ("\\q\nSELECT 2;", "1:1", 2, "9 B"),
        ("source inner.sql\nexit\nSELECT 2;", "2:1", 3, "9 B"),
    ],
)
def test_a_script_that_quits(script: str, place: str, line: int, size: str, tmp_path: Path) -> None:
    (tmp_path / "inner.sql").write_text("SELECT 1;\nSELECT 2;" * 50)
    notes = notes_of(script, tmp_path)
    rest = f"ends the script; what follows from line {line} on was not read ({size})."
    assert notes[0] == f"s.sql:{place}: `quit` {rest}"


def test_a_large_script_that_quits(tmp_path: Path) -> None:
    rest = b"INSERT INTO t VALUES (1);\n" * 200_000
    (note,) = notes_of(b"SELECT 1;\nexit\n" + rest, tmp_path)
    assert "from line 3 on was not read (5.2 MB)" in note
    (tmp_path / "s.sql.gz").write_bytes(gzip.compress(b"SELECT 1;\nexit\n" + rest))
    (note,) = _explained(tmp_path / "s.sql.gz")
    assert "from line 3 on was not read (5.2 MB)" in note


@pytest.mark.parametrize("end", ["exit", "exit\n", "exit;\n\n  \n"])
def test_a_script_that_quits_at_its_end(end: str, tmp_path: Path) -> None:
    assert notes_of(f"SELECT 1;\n{end}", tmp_path) == []


def test_a_script_that_another_one_sources_quits(tmp_path: Path) -> None:
    (tmp_path / "inner.sql").write_text("SELECT 1;\nexit\nSELECT 2;\n")
    (note,) = notes_of("source inner.sql\nSELECT 3;\n", tmp_path)
    assert note.startswith("inner.sql:2:1: `quit` ends the script; what follows from line 3 on")
