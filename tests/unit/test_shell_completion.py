"""What Tab offers in a shell, asked in the way in which bash asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.background import LIMIT_S

PROJECT = Path(__file__).parents[2]


def offered(line: str, folder: Path) -> set[str]:
    """Return what is offered at the end of a line."""
    answer = folder / "answer"
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "",
    }
    program = "from sidecar_magics.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=folder, check=True, timeout=LIMIT_S
    )
    return {word.strip() for word in answer.read_text().splitlines()} - {""}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("", {"wait", "load", "doctor", "convert", "up", "down", "status"}, {"--host"}),
        ("l", {"load"}, {"wait"}),
        ("load --", {"--once", "--resume", "--collation-map"}, {"--password", "--ephemeral"}),
        ("load --tls ", {"auto", "required"}, {"dump.sql", "--once"}),
        ("load du", {"dump.sql"}, {"notes.txt"}),
        ("load --host ", set(), {"dump.sql"}),
        ("load --tables ", set(), {"dump.sql"}),
        ("load --collation-map ", {"nearest"}, {"dump.sql"}),
        ("load --ca d", {"dump.sql"}, set()),
        ("wait --password-env SECRET_", {"SECRET_OF_MINE"}, {"HOME", "dump.sql"}),
        ("up --flavour ", {"mysql", "mariadb"}, {"dump.sql"}),
    ],
)
def test_what_tab_offers(
    line: str, some: set[str], none: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    (tmp_path / "dump.sql").touch()
    (tmp_path / "notes.txt").touch()
    words = offered(f"sidecar-magics {line}", tmp_path)
    assert some <= words
    assert not none & words
