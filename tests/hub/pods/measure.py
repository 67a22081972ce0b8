"""Measure the pods: `python -m tests.hub.pods.measure`; the table in docs/hub-measurements.md.

For each set of values, one after the other: when KubeSpawner says that the server runs, when MySQL
answers the notebook, the memory of MySQL's container without its page cache (idle, and after the
tutorial's dump), the size of its data folder, how long a stop takes and how it ends.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.hub.pods import images
from tests.hub.pods.hub import Server, hub
from tests.hub.pods.memory import memory_mib
from tests.hub.pods.server import QueryError
from tests.hub.values import SEED, SIDECAR, Deployment, Values

LOAD = "import sidecar_magics as s; s.mysql_load('/notebooks/data/spyglass-prepopulate.sql.gz')"
SETTLE_S = 5
ANSWER_S = 900.0


@dataclass
class Figures:
    """What was measured of one pod."""

    runs_s: float
    answers_s: float
    idle_mib: float
    loaded_mib: float
    disk_mib: float
    loaded_disk_mib: float
    stop_s: float
    exit_code: int


async def disk_mib(server: Server) -> float:
    """Return what the data folder takes on the disk."""
    done = await server.mysql.execute("du", "-sm", "/var/lib/mysql")
    return float(done.output.split()[0])


async def measure(deployment: Deployment, *changes: Values) -> Figures:
    """Start a pod, load the tutorial's data, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        async with hub(deployment, Path(folder), *changes) as here:
            began_s = time.monotonic()
            server = await here.start(deployment.user)
            runs_s = time.monotonic() - began_s
            deadline_s = began_s + ANSWER_S
            while time.monotonic() < deadline_s:
                try:
                    await server.query("SELECT 1")
                    break
                except QueryError:
                    await asyncio.sleep(0.1)
            answers_s = time.monotonic() - began_s
            await asyncio.sleep(SETTLE_S)
            idle_mib, first_mib = await memory_mib(server.mysql), await disk_mib(server)
            done = await server.notebook.execute("python3", "-c", LOAD, timeout_s=300)
            assert done.status == 0, done.errors
            loaded_mib, then_mib = await memory_mib(server.mysql), await disk_mib(server)
            began_s = time.monotonic()
            ended = await server.stop()
            stop_s = time.monotonic() - began_s
            return Figures(
                runs_s,
                answers_s,
                idle_mib,
                loaded_mib,
                first_mib,
                then_mib,
                stop_s,
                ended["mysql"].exit_code,
            )


def with_image(name: str) -> Values:
    """Return a change that puts another image into the default's container."""
    (mysql,) = SIDECAR.values()["singleuser"]["initContainers"]
    return {"singleuser": {"initContainers": [{**mysql, "image": name}]}}


def main() -> None:
    cases = {
        "published": (SEED, ()),
        "sidecar": (SIDECAR, ()),
        "sidecar, hub-config/image": (SIDECAR, (with_image(images.OUR_IMAGE),)),
    }
    with images.built():
        for name, (deployment, changes) in cases.items():
            print(name, asyncio.run(measure(deployment, *changes)), flush=True)


if __name__ == "__main__":
    main()
