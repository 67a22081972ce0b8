"""Work that is kept in the home comes back in another pod."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.keep.folder import KeepFolder
from tests.background import eventually
from tests.hub.pods.asking import FAREWELL, FIRST, content, fill, run_python, wait
from tests.hub.pods.hub import hub
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, INJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub.pods.hub import Server
    from tests.hub.values import Deployment, Values

KEEP, CLASSIC = (each for each in DEPLOYMENTS if ("data", "keep") in each.settings)
MORE = "INSERT INTO mine.t VALUES (2, 'xxxx')"
CELLS = (
    "%load_ext sidecar_magics",
    "%mysql_wait",
    "%mysql_keep",
    "%%mysql_load\nCREATE DATABASE IF NOT EXISTS mine;\n"
    "CREATE TABLE IF NOT EXISTS mine.t (i INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB);\n"
    "INSERT INTO mine.t (b) VALUES ('here');",
)
RUN = "cat > /tmp/n.ipynb && cd /tmp && jupyter execute --timeout=300 n.ipynb"
# In a home: a folder for each of a user's servers.
KEPT = "*/.local/share/sidecar-magics/kept/*"
KEEP_TOO = "from sidecar_magics import mysql_keep; print(mysql_keep().status())"


async def run_all(server: Server) -> None:
    """Run a notebook that adds a row at each run."""
    empty: Values = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "source": cell} for cell in CELLS]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    script = f'echo "$1" | ({RUN})'
    done = await server.notebook.execute("bash", "-c", script, "run", json.dumps(notebook))
    assert done.status == 0, done.errors[-2000:]


@pytest.mark.parametrize("deployment", [INJECT, KEEP, CLASSIC], ids=str)
def test_a_notebook_in_another_pod(deployment: Deployment, tmp_path: Path) -> None:
    """Whoever keeps it: the notebook itself, or a container of the pod."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            for run in (1, 2, 3):
                server = await here.start(User())
                await run_all(server)
                assert await server.query("SELECT COUNT(*) FROM mine.t") == [str(run)]
                await server.stop()

    asyncio.run(go())


@pytest.mark.parametrize("deployment", [KEEP, CLASSIC], ids=str)
def test_what_was_done_last(deployment: Deployment, tmp_path: Path) -> None:
    """Without a word in the notebook, and although nobody has asked for a snapshot."""

    async def go() -> None:
        async with hub(deployment, tmp_path) as here:
            server = await here.start(User())
            await wait(server)
            await fill(server)
            ended = await server.stop()
            assert [ended[name].exit_code for name in ("mysql", "mysql-keep")] == [0, 0]
            assert FAREWELL in server.mysql.last_words
            again = await here.start(User())
            assert await content(again) == ["1\tb'here'"]
            keeper = again.pod.containers["mysql-keep"]
            assert "Restored 1 table in 1 schema, 1 row" in await keeper.log()
            assert "may be missing" not in await keeper.log()
            assert "Kept by process" in (await run_python(again, KEEP_TOO)).output

    asyncio.run(go())


def test_a_pod_that_is_lost(tmp_path: Path) -> None:
    """What was there for longer than the interval comes back; that more may be missing is said."""
    often = {"custom": {"sidecarMysql": {"keepEvery": 0.02}}}

    async def kept(rows: int) -> None:
        """Wait for a snapshot in which the table has so many rows."""

        def is_kept() -> bool:
            folders = (tmp_path / "claims").glob(KEPT)
            found = [each for path in folders for each in KeepFolder(path).snapshots()]
            tables = [each.tables.get("mine.t") for each in found]
            return any(table is not None and table.rows == rows for table in tables)

        await eventually(is_kept)

    async def until_lost() -> None:
        async with hub(KEEP, tmp_path, often) as here:
            server = await here.start(User())
            *table, row = FIRST
            for sql in table:
                await server.query(sql)
            await kept(0)  # and that one must not be the last
            await server.query(row)
            await kept(1)
            await server.query(MORE)

    async def after() -> None:
        async with hub(KEEP, tmp_path) as here:
            server = await here.start(User())
            assert await content(server) in (["1\tb'here'"], ["1\tb'here'", "2\tb'xxxx'"])
            assert "may be missing" in await server.pod.containers["mysql-keep"].log()
            assert "may be missing" in (await run_python(server, KEEP_TOO)).output

    asyncio.run(until_lost())
    asyncio.run(after())
