"""What users and their data meet: too little memory, a full volume, large blobs, own passwords."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.background import LIMIT_S
from tests.hub.pods.asking import content, fill, restarted, run_python, wait
from tests.hub.pods.hub import hub
from tests.hub.pods.server import QueryError
from tests.hub.spawning import User
from tests.hub.test_passwords import OWN
from tests.hub.values import DEPLOYMENTS, INJECT, SIDECAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub.pods.hub import Server
    from tests.hub.values import Deployment

(PERSISTENT,) = [each for each in DEPLOYMENTS if each.files == ("persistent",)]
(CLASSIC,) = [each for each in DEPLOYMENTS if each.files == ("sidecar-classic",)]
# Three strings of 1 GiB at the same time, where 2 GiB are allowed.
GREEDY = "SELECT " + " + ".join(f"LENGTH(REPEAT('{letter}', 1 << 30))" for letter in "abc")
BLOB_BYTES = 64 * 2**20
# Sends a blob from a client, loads one from a dump, and reads both.
BLOBS = f"""
import hashlib, os, sidecar_magics as s
size = {BLOB_BYTES}
sent, dumped = os.urandom(size), os.urandom(size)
with open("/tmp/dump.sql", "wb") as file:
    file.write(b"INSERT INTO mine.t VALUES (3, 0x" + dumped.hex().encode() + b");\\n")
with s.mysql_wait(s.resolve({{}})).connect() as connection, connection.cursor() as cursor:
    cursor.execute("INSERT INTO mine.t VALUES (2, %s)", (sent,))
    connection.commit()
    s.mysql_load("/tmp/dump.sql")
    cursor.execute("SELECT i, SHA2(b, 256) FROM mine.t WHERE i > 1 ORDER BY i")
    found = cursor.fetchall()
    cursor.execute("SELECT b FROM mine.t WHERE i = 2")
    assert cursor.fetchone() == (sent,)
assert found == tuple((i, hashlib.sha256(b).hexdigest()) for i, b in ((2, sent), (3, dumped)))
"""
# As much as MySQL has at the beginning, and room for a few of the rows below.
SMALL_VOLUME_MIB = 320
LOAD_MUCH = """
import sidecar_magics as s
with open("/tmp/much.sql", "wb") as file:
    for i in range(10, 60):
        file.write(b"INSERT INTO mine.t VALUES (%d, REPEAT('x', 8 * 1024 * 1024));\\n" % i)
s.mysql_load("/tmp/much.sql", jobs=1)
"""


@contextmanager
def small_volume(folder: Path, size_mib: int) -> Iterator[None]:
    """Let a folder hold no more than so much."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", str(folder)],
        check=True,
        timeout=LIMIT_S,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=LIMIT_S)


def kills_for_memory() -> int:
    """Return how often this machine's kernel has killed for want of memory, in cgroups too.

    podman 4.3 does not always note that a container was killed for memory.
    """
    fields = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(fields["oom_kill"])


@pytest.mark.parametrize("deployment", [SIDECAR, CLASSIC], ids=str)
def test_mysql_that_took_too_much_memory_comes_back(deployment: Deployment, tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(User())
            await fill(server)
            before = kills_for_memory()
            with pytest.raises(QueryError, match="2013"):
                await server.query(GREEDY)
            await restarted(server, 1)
            assert server.mysql.ends[0].exit_code == 137
            assert kills_for_memory() > before  # podman's own note of it is not reliable
            assert (await server.notebook.state()).status == "running"
            assert await content(server) == ["1\tb'here'"]

    asyncio.run(go())


def test_large_blobs_come_from_clients_and_dumps(tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(SIDECAR, tmp_path) as here:
            server = await here.start(User())
            await fill(server)
            done = await run_python(server, BLOBS, 300)
            assert done.status == 0, done.errors[-1000:]

    asyncio.run(go())


def test_a_full_volume_locks_nobody_out(tmp_path: Path) -> None:
    """What does not fit is refused, with the reason; all else continues, over a restart as well."""
    claims = tmp_path / "claims"

    async def refused(server: Server) -> None:
        done = await run_python(server, LOAD_MUCH, 300)
        assert done.status != 0
        assert "is full" in done.errors, done.errors[-1000:]

    async def go() -> None:
        async with hub(PERSISTENT, tmp_path) as here:
            server = await here.start(User())
            await wait(server)
            await fill(server)
            await refused(server)
            assert (await content(server))[0] == "1\tb'here'"
            await server.stop()
            with pytest.raises(OSError, match="No space left"):
                (claims / "ballast").write_bytes(bytes(SMALL_VOLUME_MIB * 2**20))
            again = await here.start(User())
            await wait(again)
            assert (await content(again))[0] == "1\tb'here'"
            await again.query("DELETE FROM mine.t WHERE i > 1")
            await refused(again)
            (claims / "ballast").unlink()
            await again.query("DROP SCHEMA mine")
            await fill(again)

    with small_volume(claims, SMALL_VOLUME_MIB):
        asyncio.run(go())


def test_each_user_has_a_password(tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(INJECT, tmp_path, OWN) as here:
            for name in ("ada", "grace"):
                server = await here.start(User(name))
                await wait(server)
                with pytest.raises(QueryError, match="1045"):
                    await server.query("SELECT 1")  # with "tutorial"

    asyncio.run(go())


def test_named_servers_have_data_of_their_own(tmp_path: Path) -> None:
    async def go() -> None:
        async with hub(PERSISTENT, tmp_path) as here:
            first, second = [await here.start(User("ada", name)) for name in ("", "second")]
            await wait(first)
            await fill(first)
            await wait(second)
            with pytest.raises(QueryError, match="mine"):
                await content(second)
            await first.stop()
            await second.query("CREATE SCHEMA mine")

    asyncio.run(go())
