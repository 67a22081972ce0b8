"""CREATE TABLE ... START TRANSACTION (MySQL 8.0.21), after which a server takes hardly anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

PROJECT = Path(__file__).parents[2]
SCRIPT = (
    "CREATE DATABASE s; USE s; CREATE TABLE t (i TINYINT(3) UNSIGNED ZEROFILL) START TRANSACTION;"
    "COMMIT; INSERT INTO t VALUES (1);"
)
LOADED_WITHIN_S = 20


def test_a_table_that_opens_a_transaction(mysql_server: Server, tmp_path: Path) -> None:
    """Even SHOW WARNINGS is refused after it (3977), and this one has warnings (1681)."""
    file = tmp_path / "script.sql"
    file.write_text(SCRIPT)
    command = [sys.executable, "-m", "sidecar_magics.cli", "load", str(file), "--jobs", "1"]
    done = subprocess.run(
        [*command, "--port", str(mysql_server.port), "--password-env", "LAB"],
        env={**os.environ, "LAB": mysql_server.password, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=LOADED_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "more warnings, which the server does not show" in done.stdout
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT i FROM s.t")
        assert cursor.fetchall() == ((1,),)
