"""A server to load into again and again, each time as empty and as quiet as the time before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from sidecar_magics.connection import connect_now
from tests.benchmarks import one_load
from tests.benchmarks.files import PROJECT
from tests.benchmarks.peers import LOAD_S, Cost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import Server

# What counts as quiet: this share of a core, and so many bytes written, per window.
WINDOW_S = 0.5
QUIET_SHARE = 0.03
QUIET_BYTES = 500_000
QUIET_WINDOWS = 3
CALM_LIMIT_S = 60.0
# What the rest of the machine may use before a run is marked as disturbed.
OTHERS_SHARE = 0.1


@dataclass(frozen=True)
class Run:
    """One load.

    Parameters
    ----------
    seconds, client_cpu_s : float
        As in `Cost`.
    peak_mb : float or None
        As in `Cost`.
    server_cpu_s : float
        Processor seconds that the server took while the load lasted.
    disturbed : bool
        Whether other programs used the machine when the load began.
    """

    seconds: float
    client_cpu_s: float
    peak_mb: float | None
    server_cpu_s: float
    disturbed: bool

    @property
    def floor_s(self) -> float:
        """The least that the server's work takes when all cores share it."""
        return self.server_cpu_s / cores()


def cores() -> int:
    """Return the number of cores that this process, and so what it starts, may use."""
    return len(os.sched_getaffinity(0))


class Arena:
    """A running server whose loads are measured.

    Parameters
    ----------
    server : Server
        Running. Its schemas are dropped before each load.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._process = psutil.Process(server.pid)
        self._settings = self._global_settings()

    def run(self, load: Callable[[Server], Cost]) -> Run:
        """Measure one load into the emptied server.

        Raises
        ------
        RuntimeError
            It failed, or left the server with other settings: the next load would profit.
        """
        self._empty()
        disturbed = self._calm_down()
        before_s = self._cpu_s()
        cost = load(self.server)
        server_cpu_s = self._cpu_s() - before_s
        left = self._global_settings()
        changed = [name for name, value in self._settings.items() if left.get(name) != value]
        if changed:
            raise RuntimeError(f"it left other global settings: {', '.join(changed)}")
        return Run(cost.seconds, cost.client_cpu_s, cost.peak_mb, server_cpu_s, disturbed)

    def contents(self) -> dict[str, tuple[str, int]]:
        """Return each table's definition and checksum."""
        contents = {}
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN"
                " ('mysql', 'sys', 'information_schema', 'performance_schema', 'sidecar_magics')"
            )
            for schema, table in cursor.fetchall():
                name = f"`{schema}`.`{table}`"
                cursor.execute(f"SHOW CREATE TABLE {name}")
                definition = cursor.fetchone()[1]
                cursor.execute(f"CHECKSUM TABLE {name}")
                contents[name] = (definition, int(cursor.fetchone()[1]))
        return contents

    def _empty(self) -> None:
        self.server.drop_schemas()
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@log_bin")
            if cursor.fetchone()[0]:
                cursor.execute("FLUSH BINARY LOGS")
                cursor.execute("PURGE BINARY LOGS BEFORE NOW()")

    def _global_settings(self) -> dict[str, str]:
        settings: dict[str, str] = {}
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            for question in ("VARIABLES", "STATUS LIKE 'Innodb_redo_log_enabled'"):
                cursor.execute(f"SHOW GLOBAL {question}")
                settings.update(cursor.fetchall())
        # What has been written to the binary log is no setting.
        return {name: value for name, value in settings.items() if not name.startswith("gtid_")}

    def _calm_down(self) -> bool:
        """Wait until the server has done what the last load and the drop left it to do.

        Returns
        -------
        bool
            Whether other programs keep the machine busy.
        """
        os.sync()  # else the kernel would write the last load's pages during the next
        deadline_s = time.monotonic() + CALM_LIMIT_S
        quiet, others_share = 0, 0.0
        while quiet < QUIET_WINDOWS and time.monotonic() < deadline_s:
            cpu_s, written = self._cpu_s(), self._process.io_counters().write_bytes
            busy_share = psutil.cpu_percent(WINDOW_S) / 100 * psutil.cpu_count()
            used_share = (self._cpu_s() - cpu_s) / WINDOW_S
            written = self._process.io_counters().write_bytes - written
            quiet = quiet + 1 if used_share < QUIET_SHARE and written < QUIET_BYTES else 0
            others_share = busy_share - used_share
        return others_share > OTHERS_SHARE

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def run_ours(server: Server, script: Path, arguments: dict[str, Any]) -> Cost:
    """Load with this package, in a process of its own.

    The process's start and its imports are not counted: a notebook's kernel has them after it.

    Raises
    ------
    RuntimeError
        The load failed.
    """
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            one_load.__name__,
            str(server.port),
            server.password,
            str(script),
            json.dumps(arguments),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LOAD_S,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return Cost(**json.loads(done.stdout.splitlines()[-1]))
