"""`sidecar-magics keep`: in a terminal, or beside a server in a pod."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.keep.folder import KeepFolder
from sidecar_magics.load import load
from tests.background import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGTERM"),
]


@pytest.fixture
def command(mysql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the beginning of the command; and have the server hold a table."""
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    script = tmp_path / "lab.sql"
    script.write_text("CREATE DATABASE lab; CREATE TABLE lab.t (id INT PRIMARY KEY);")
    load(script, mysql_server.settings)
    return [sys.executable, "-m", "sidecar_magics.cli", "keep", "--folder", str(tmp_path / "kept")]


def said(command: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *words], check=False, timeout=120, capture_output=True, text=True
    )


def test_each_action(command: list[str], mysql_server: Server, tmp_path: Path) -> None:
    assert "0 snapshots" in said(command, "--status").stdout
    assert "Kept 1 table in 1 schema" in said(command, "--now").stdout
    (snapshot,) = KeepFolder(tmp_path / "kept").snapshots()
    assert snapshot.name in said(command, "--list").stdout
    restored = said(command, "--restore", snapshot.name)
    assert "Restored 1 table in 1 schema" in restored.stdout
    assert restored.returncode == 0
    missing = said(command, "--restore", "x")
    assert missing.returncode == 1
    assert "There is no snapshot x." in missing.stderr
    assert said(command, "--off").returncode == 1
    assert said(command, "--now", "--quiet").stdout == ""
    mysql_server.drop_schemas()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
from sidecar_magics.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_is_full_harms_nothing(
    command: list[str], mysql_server: Server, tmp_path: Path
) -> None:
    assert said(command, "--now").returncode == 0
    folder = KeepFolder(tmp_path / "kept")
    before = folder.snapshots()
    (tmp_path / "more.sql").write_text(
        "CREATE TABLE lab.big (id INT PRIMARY KEY, b LONGBLOB);"
        f"INSERT INTO lab.big VALUES (1, x'{os.urandom(300_000).hex()}');"
    )
    load(tmp_path / "more.sql", mysql_server.settings)
    limited = said([sys.executable, "-c", LIMITED, *command[3:]], "--now")
    assert limited.returncode == 1
    assert "cannot be written: File too large." in limited.stderr
    assert "is as it was" in limited.stderr
    assert folder.snapshots() == before
    assert {path.name for path in folder.path.iterdir() if path.is_dir()} == {before[0].name}
    assert "Kept 2 tables" in said(command, "--now").stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_until_it_is_stopped(
    command: list[str], mysql_server: Server, tmp_path: Path, number: int
) -> None:
    folder = KeepFolder(tmp_path / "kept")
    with running([*command, "--every", "0.001"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"1 snapshot in" in process.stdout.readline()
        assert folder.keeper() is not None
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == 0
    assert folder.keeper() is None
    mysql_server.drop_schemas()
    with running([*command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"Restored 1 table in 1 schema" in process.stdout.readline()
        (tmp_path / "more.sql").write_text("INSERT INTO lab.t VALUES (1);")
        load(tmp_path / "more.sql", mysql_server.settings)
        process.send_signal(number)
        process.wait(60)
    assert [each.rows for each in folder.snapshots()] == [1, 0], "once more at the end"
