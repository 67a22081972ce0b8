"""A keeper whose process is killed at any moment: the newest snapshot restores what once was."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sidecar_magics import mysql_keep
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.keep.fingerprints import SETTLED_AFTER_S
from sidecar_magics.keep.folder import KeepFolder
from sidecar_magics.keep.manifest import verify
from sidecar_magics.load import load
from tests.background import meanwhile, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pymysql

    from tests.servers import Server

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL"),
]

# More of them: KEEP_KILLS=100 python -m pytest tests/integration/test_keep_killed.py
KILLS = int(os.environ.get("KEEP_KILLS", "5"))
# About what a snapshot takes, and then some.
MOST_S = 0.6
TABLES = 6
# How often a table is changed, in numbers of the clock: never, at each one, at each second one, ...
SPEEDS = range(TABLES)
KEEPS = """
import sys
from sidecar_magics.keep import fingerprints, keep
from sidecar_magics.settings import ConnectionSettings, Secret
host, port, password, folder = sys.argv[1:]
settings = ConnectionSettings(host, int(port), "root", Secret(password))
keeper = keep(settings, folder=folder, every_s=1e9, last=3)
print("begins", flush=True)
while True:
    keeper._keeping.now(is_automatic=True)
"""


@pytest.fixture(params=("mysql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def fill(server: Server) -> None:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lab")
        for number in range(TABLES):
            cursor.execute(f"CREATE TABLE lab.t{number} (id INT PRIMARY KEY, n INT, s MEDIUMTEXT)")
            cursor.execute(f"INSERT INTO lab.t{number} VALUES (1, 0, REPEAT('text', 50000))")
        connection.commit()


def work(server: Server, over: threading.Event) -> None:
    """Change tables in transactions, after each of which they agree with each other."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        clock = numbers(cursor, "lab")[1]
        while not over.wait(0.01):
            clock += 1
            cursor.execute("BEGIN")
            for number in SPEEDS[1:]:
                if clock % number == 0:
                    cursor.execute(f"UPDATE lab.t{number} SET n = {clock}")
            cursor.execute("COMMIT")


def numbers(cursor: pymysql.cursors.Cursor, schema: str) -> list[int]:
    """Return what the tables of a schema say of the time."""
    parts = (f"(SELECT n FROM {schema}.t{number})" for number in range(TABLES))
    cursor.execute(f"SELECT {', '.join(parts)}")
    (row,) = cursor.fetchall()
    return list(row)


def check_restored(server: Server, folder: KeepFolder) -> int:
    """Load the newest snapshot beside the data; return the time that it shows."""
    newest = folder.snapshots()[0]
    verify(folder.place(newest), newest)
    load(folder.place(newest), server.settings, into="again")
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        found = numbers(cursor, "again")
        cursor.execute("DROP SCHEMA again")
    clock = found[1]
    assert found == [0, *(clock // number * number for number in SPEEDS[1:])], found
    return clock


@contextlib.contextmanager
def keeping(server: Server, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a keeper in a process of its own, that makes snapshot after snapshot; kill it."""
    where = (server.host, str(server.port), server.password, str(folder))
    command = [sys.executable, "-c", KEEPS, *where]
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        assert process.poll() is None, "it ended by itself"
        process.send_signal(signal.SIGKILL)
        process.wait(60)


@pytest.mark.timeout(120 + 30 * KILLS)
@pytest.mark.thorough
def test_the_newest_snapshot_is_a_state_that_was(server: Server, tmp_path: Path) -> None:
    fill(server)
    folder = KeepFolder(tmp_path / "kept")
    with keeping(server, folder.path):
        until(folder.snapshots)
    seed = random.randrange(10**9)
    draw = random.Random(seed)
    over = threading.Event()
    shown = 0
    with meanwhile(work, server, over):
        try:
            for _ in range(KILLS):
                with keeping(server, folder.path):
                    time.sleep(draw.uniform(0, MOST_S))  # a moment, not a condition
                clock = check_restored(server, folder)
                assert clock >= shown, seed
                shown = clock
        finally:
            over.set()
    keeper = mysql_keep(server.settings, folder=folder.path, last=3)
    keeper.now()
    keeper.off()
    names = {path.name for path in folder.path.iterdir() if path.is_dir()}
    assert names == {each.name for each in folder.snapshots()}, "what was left is removed"
    assert len(names) <= 3 + 1, "the last three, and the first"
    clock = check_restored(server, folder)
    server.drop_schemas()
    keeper = mysql_keep(server.settings, folder=folder.path)
    keeper.off()
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        assert numbers(cursor, "lab")[1] == clock


RESTORES = """
import sys
from sidecar_magics.keep import fingerprints, keep
from sidecar_magics.load import load
from sidecar_magics.settings import ConnectionSettings, Secret
host, port, password, folder = sys.argv[1:]
print("begins", flush=True)
keep(ConnectionSettings(host, int(port), "root", Secret(password)), folder=folder, at_exit_s=0)
"""


@pytest.mark.timeout(120 + 30 * KILLS)
@pytest.mark.thorough
def test_a_restore_that_is_killed_begins_anew(server: Server, tmp_path: Path) -> None:
    fill(server)
    folder = tmp_path / "kept"
    keeper = mysql_keep(server.settings, folder=folder)
    keeper.now()
    keeper.off()
    dump(tmp_path / "before.sql", server.settings)
    seed = random.randrange(10**9)
    draw = random.Random(seed)
    where = (server.host, str(server.port), server.password, str(folder))
    for _ in range(KILLS):
        server.drop_schemas()
        with running([sys.executable, "-c", RESTORES, *where], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0, MOST_S))  # a moment, not a condition
            process.kill()
            process.wait(60)
        keeper = mysql_keep(server.settings, folder=folder)
        keeper.off()
        dump(tmp_path / "after.sql", server.settings)
        same = (tmp_path / "after.sql").read_bytes() == (tmp_path / "before.sql").read_bytes()
        assert same, seed
        assert len(keeper.status().snapshots) == 1


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_tables_of_one_snapshot_agree(server: Server, tmp_path: Path) -> None:
    """Take some tables from an earlier snapshot while others change; long enough to be settled."""
    fill(server)
    folder = KeepFolder(tmp_path / "kept")
    over = threading.Event()
    keeper = mysql_keep(server.settings, folder=folder.path)
    shared = 0
    with meanwhile(work, server, over):
        try:
            for _ in range(3):
                time.sleep(SETTLED_AFTER_S + 1)
                keeper.now()
                check_restored(server, folder)
                newest = folder.place(folder.snapshots()[0])
                shared += sum(path.stat().st_nlink > 1 for path in newest.glob("1.*"))
        finally:
            over.set()
    keeper.off()
    assert shared
