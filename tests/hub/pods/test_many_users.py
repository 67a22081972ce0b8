"""Ten users who come at the same moment: all get a server, all load, none sees another's data."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from tests.hub.pods.asking import NOTEBOOK_S, run_python
from tests.hub.pods.hub import PodHub, Server, hub
from tests.hub.pods.memory import memory_mib
from tests.hub.spawning import User
from tests.hub.values import SIDECAR, Values

USERS = ("ada", "grace", "emmy", "lise", "rosa", "mary", "rita", "chien", "vera", "barbara")
# The first cells of the quick start, and a value of the user's own.
WORK = """
import json, resource, sys, time, sidecar_magics as s
began_s = time.monotonic()
settings = s.resolve({})
sidecar = s.mysql_wait(settings)
answered_s = time.monotonic()
s.mysql_load("/notebooks/data/spyglass-prepopulate.sql.gz", settings)
loaded_s = time.monotonic()
with sidecar.connect() as connection, connection.cursor() as cursor:
    cursor.execute("CREATE SCHEMA mine")
    cursor.execute("CREATE TABLE mine.t (name VARCHAR(20))")
    cursor.execute("INSERT INTO mine.t VALUES (%r)")
    connection.commit()
peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([answered_s - began_s, loaded_s - answered_s, peak_mib]))
"""
# A fourth of the default's memory, on a hub where ten are as many as the node holds.
POOL, LIMIT = "128M", "512Mi"


def small() -> Values:
    """Return a change that gives MySQL, and the notebook, less memory than the default."""
    (mysql,) = copy.deepcopy(SIDECAR.values()["singleuser"]["initContainers"])
    mysql["args"].append(f"--innodb-buffer-pool-size={POOL}")
    mysql["resources"]["limits"]["memory"] = LIMIT
    return {"singleuser": {"initContainers": [mysql], "memory": {"limit": LIMIT.rstrip("i")}}}


@dataclass
class UserFigures:
    """What one user met."""

    runs_s: float
    wait_s: float
    load_s: float
    mysql_mib: float
    peak_mib: float


async def come(here: PodHub, name: str) -> tuple[Server, UserFigures]:
    """Start a server and work on it."""
    began_s = time.monotonic()
    server = await here.start(User(name))
    runs_s = time.monotonic() - began_s
    done = await run_python(server, WORK % name, NOTEBOOK_S)
    assert done.status == 0, done.errors[-1000:]
    wait_s, load_s, peak_mib = json.loads(done.output)
    return server, UserFigures(runs_s, wait_s, load_s, await memory_mib(server.mysql), peak_mib)


def test_ten_users_at_once(tmp_path: Path) -> None:
    async def go() -> list[UserFigures]:
        async with hub(SIDECAR, tmp_path, small()) as here:
            came = await asyncio.gather(*(come(here, name) for name in USERS))
            for name, (server, _) in zip(USERS, came):
                assert await server.query("SELECT name FROM mine.t") == [name]
                assert server.mysql.restarts == 0
            return [figures for _, figures in came]

    figures = asyncio.run(go())
    table = "\n".join(lines(figures))
    print(table)
    if "TEN_USERS" in os.environ:  # to be kept
        Path(os.environ["TEN_USERS"]).write_text(table + "\n")


def lines(figures: list[UserFigures]) -> list[str]:
    """Return the figures as a table in Markdown: the median, the least and the most."""
    rows = ["| of ten users at once | median | least | most |", "|---|---|---|---|"]
    for title, unit, values in (
        ("server runs, after", "s", [each.runs_s for each in figures]),
        ("`%mysql_wait` in its first cell", "s", [each.wait_s for each in figures]),
        ("`%mysql_load` of the quick start", "s", [each.load_s for each in figures]),
        ("memory of MySQL after it", "MiB", [each.mysql_mib for each in figures]),
        ("memory of Python while it loads, at most", "MiB", [each.peak_mib for each in figures]),
    ):
        numbers = (statistics.median(values), min(values), max(values))
        digits = 0 if unit == "MiB" else 1
        cells = [f"{number:.{digits}f} {unit}" for number in numbers]
        rows.append(f"| {' | '.join([title, *cells])} |")
    return rows
