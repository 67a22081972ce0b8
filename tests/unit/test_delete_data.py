"""Data of both kinds of server on one machine, and how they are removed, without a server."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.cli import main
from sidecar_magics.local.state import LocalSidecar, folders, write_record
from tests.background import running

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("mysql", "mariadb")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Return a data folder of each kind; no server runs."""
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    kept = {kind: folders().data / kind for kind in KINDS}
    for place in kept.values():
        place.mkdir(parents=True)
        (place / "ibdata1").write_bytes(b"x" * 50_000)
    return kept


@pytest.fixture
def recorded(data: dict[str, Path]) -> dict[str, Path]:
    """Return the same; MySQL was started last, and is stopped."""
    place, log = data["mysql"], folders().state / "mysql.log"
    sidecar = LocalSidecar("127.0.0.1", 3306, "root", "x", "mysql", "9.7.0", datadir=place, log=log)
    write_record(sidecar)
    return data


def test_what_the_other_kind_left_is_shown_and_removed_next(
    recorded: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    delete = ["down", "--delete-data", "--yes"]
    assert main(delete) == 0
    first = capsys.readouterr().out
    assert "Removed the data of MySQL 9.7.0" in first
    assert f"in {recorded['mariadb']}; the same command again removes them." in first
    assert "kB in" in first
    assert [place.exists() for place in recorded.values()] == [False, True]
    assert main(delete) == 0
    assert f"in {recorded['mariadb']})" in capsys.readouterr().out
    assert not recorded["mariadb"].exists()
    assert main(delete) == 0
    assert "There are no data of `sidecar-magics up`" in capsys.readouterr().out


def test_each_is_asked_for(
    data: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    answers = iter(["yes", "no"])

    def answer(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", answer)
    assert main(["down", "--delete-data"]) == 0
    assert main(["down", "--delete-data"]) == 1
    assert "Nothing was removed." in capsys.readouterr().out
    assert [str(data[kind]) in question for kind, question in zip(("mariadb", "mysql"), asked)]
    assert [place.exists() for place in data.values()] == [True, False]


def test_data_that_a_server_uses_stay(
    data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sleep = [sys.executable, "-c", "import sys; sys.stdin.read()", f"--datadir={data['mariadb']}"]
    with running(sleep, stdin=subprocess.PIPE) as process:
        assert main(["down", "--delete-data", "--yes"]) == 1
        assert f"process {process.pid}, uses {data['mariadb']}" in capsys.readouterr().err
    assert data["mariadb"].exists()
