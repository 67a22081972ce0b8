"""The tests on a server that runs already, as continuous integration runs them on many."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from tests.background import LIMIT_S
from tests.servers import GIVEN, GIVEN_CLIENT, GIVEN_PASSWORD, GivenServer
from tools.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server
TESTS = """
def test_there(mysql_server):
    from sidecar_magics.connection import connect_now
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA made_by_a_test")
        cursor.execute("SELECT @@port")
        assert cursor.fetchall() == (({port},),)

def test_of_another_kind(mariadb_server):
    raise AssertionError("a MySQL is no MariaDB")

def test_that_stops_it(mysql_server):
    mysql_server.stop()
    raise AssertionError("it was stopped")

def test_that_looks_into_it(mysql_server):
    raise AssertionError(mysql_server.datadir)

def test_that_needs_its_own(tmp_path):
    from tests.servers import Server
    raise AssertionError(Server("mysql", tmp_path))
"""


def run(server: Server, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    tests = folder / "test_it.py"
    tests.write_text(TESTS.replace("{port}", str(server.port)))
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rs", "--import-mode=importlib"),
            *("-p", "no:cacheprovider", "--rootdir", str(folder), "-o", "pythonpath=", str(tests)),
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "PYTHONPATH": str(PROJECT),
            GIVEN: f"{server.host}:{server.port}",
            GIVEN_PASSWORD: server.password,
        },
    )


def test_it_is_used_and_left_empty_and_never_stopped(mysql_server: Server, tmp_path: Path) -> None:
    done = run(mysql_server, tmp_path)
    assert "1 passed, 4 skipped" in done.stdout, done.stdout + done.stderr
    assert f"{GIVEN} names is a mysql" in done.stdout
    assert "(stop)" in done.stdout
    assert "(datadir)" in done.stdout
    assert mysql_server.schemas() == []
    connect_now(mysql_server.settings).close()


@pytest.mark.thorough
def test_one_with_data_is_refused(mysql_server: Server, tmp_path: Path) -> None:
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA somebodys_data")
    done = run(mysql_server, tmp_path)
    assert done.returncode == 2, done.stdout
    assert "which the tests would drop" in done.stdout + done.stderr
    assert mysql_server.schemas() == ["somebodys_data"]


@pytest.mark.parametrize(
    ("prefix", "beginning"),
    [
        ("", ["mysql", "--defaults-file="]),
        ("docker exec -i x", ["docker", "exec", "-i", "x", "mysql", "--no-defaults"]),
    ],
)
def test_its_client(
    prefix: str,
    beginning: list[str],
    mysql_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(GIVEN_CLIENT, prefix)
    given = GivenServer(f"127.0.0.1:{mysql_server.port}", tmp_path, "tutorial", prefix)
    command = given.client
    for word, wanted in zip(command, beginning):
        assert word.startswith(wanted) or word.rpartition("/")[2] == wanted
    assert given.flavour == "mysql"
    assert "tutorial" not in " ".join(command)
