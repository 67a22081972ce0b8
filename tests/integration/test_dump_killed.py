"""A dump whose process is killed at any moment: the last good one stays, nothing else is one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.errors import SidecarError
from sidecar_magics.load import load
from tests.background import running, until
from tests.turns import some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL"),
]

# More of them: DUMP_KILLS=200 python -m pytest tests/integration/test_dump_killed.py
KILLS = int(os.environ.get("DUMP_KILLS", "10"))
# About what such a dump takes.
MOST_S = 0.6
SHOWS = """
import sys
from sidecar_magics.dump import dump
from sidecar_magics.settings import ConnectionSettings, Secret
host, port, password, file, jobs = sys.argv[1:]
settings = ConnectionSettings(host, int(port), "root", Secret(password))
print("begins", flush=True)
dump(file, settings, schemas="a", jobs=int(jobs))
"""


def fill(server: Server) -> None:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA a")
        for table in ("t", "u", "v"):
            cursor.execute(f"CREATE TABLE a.{table} (id INT AUTO_INCREMENT PRIMARY KEY, s TEXT)")
            cursor.execute(f"INSERT INTO a.{table} (s) VALUES (REPEAT('text', 500))")
            for _ in range(11):
                cursor.execute(f"INSERT INTO a.{table} (s) SELECT s FROM a.{table}")
        connection.commit()


@contextlib.contextmanager
def begun(server: Server, file: str, jobs: int) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a dump in a process of its own, when its imports are done; kill it at the end."""
    where = (server.host, str(server.port), server.password, file, str(jobs))
    command = [sys.executable, "-c", SHOWS, *where]
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.send_signal(signal.SIGKILL)
        process.wait(60)


@pytest.mark.timeout(60 + 30 * KILLS)
@some("name", ["d.sql", "d.sql.gz", "folder/"], each=3)
def test_the_last_good_one_stays(mysql_server: Server, tmp_path: Path, name: str) -> None:
    fill(mysql_server)
    file = f"{tmp_path}/{name}"
    dump(file, mysql_server.settings, schemas="a")
    good = contents(tmp_path)
    seed = random.randrange(10**9)
    draw = random.Random(seed)
    for _ in range(KILLS):
        with begun(mysql_server, file, draw.choice((1, 2, 3))):
            time.sleep(draw.uniform(0, MOST_S))  # a moment, not a condition
        # All that does not say by its name that it is no dump is as it was.
        assert contents(tmp_path) == good, seed
    dump(file, mysql_server.settings, schemas="a")
    assert contents(tmp_path) == good
    assert len(list(tmp_path.iterdir())) == 1, "what killed processes left is removed"
    mysql_server.drop_schemas()
    assert load(file, mysql_server.settings).rows == 3 * 2048


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files that could be taken for dumps: a loader takes no name with a dot first."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if not str(path.relative_to(folder)).startswith(".")
    }


def test_what_is_left_is_no_script(mysql_server: Server, tmp_path: Path) -> None:
    fill(mysql_server)
    with begun(mysql_server, f"{tmp_path}/d.sql", 2) as process:
        until(lambda: process.poll() is not None or list(tmp_path.iterdir()))
    if (tmp_path / "d.sql").exists():
        pytest.skip("the dump was complete before it was killed")
    with pytest.raises(SidecarError, match="has no scripts"):
        load(tmp_path, mysql_server.settings)
