"""What the loader is compared with: the server's own client, and myloader."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.archive import machine_archive
from sidecar_magics.local.packages import fetch
from sidecar_magics.local.program import Program, unpacked_program
from sidecar_magics.local.state import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.servers import Server

# Seconds for a load: the slowest one takes some minutes.
LOAD_S = 3600.0
# Where the newest version is, by distribution; else the machine's own suite is asked.
NEWEST_SUITES = {"debian": "unstable"}


@dataclass(frozen=True)
class Cost:
    """What a load took.

    Parameters
    ----------
    seconds : float
        From the first byte read to the last answer.
    client_cpu_s : float
        Processor seconds of the loading process.
    peak_mb : float or None, default None
        Its largest memory in MB; None if it is not known.
    """

    seconds: float
    client_cpu_s: float
    peak_mb: float | None = None


def run(command: Sequence[str], *, script: Path | None = None, plugins: str = "") -> Cost:
    """Run a program to its end, with a script as its input.

    Raises
    ------
    RuntimeError
        It failed; the message has its last words.
    """
    environment = {**os.environ, **({"MARIADB_PLUGIN_DIR": plugins} if plugins else {})}
    with (script or Path(os.devnull)).open("rb") as given, tempfile.TemporaryFile() as words:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=given, stdout=subprocess.DEVNULL, stderr=words, env=environment
        )
        end = threading.Timer(LOAD_S, process.kill)
        end.daemon = True
        end.start()
        _, status, usage = os.wait4(process.pid, 0)
        end.cancel()
        seconds = time.perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        said = words.read().decode(errors="replace").strip()
    if process.returncode:
        raise RuntimeError(f"it ended with {process.returncode}: {said[-300:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime)


def run_client(server: Server, script: Path) -> Cost:
    """Load a script with the server's own client: ``mysql < script``."""
    return run(server.client, script=script)


class MyDumper:
    """mydumper and myloader.

    Parameters
    ----------
    myloader : Path, optional
        An installed myloader, with mydumper beside it. Default: the distribution's package,
        unpacked below the user's cache folder.
    say : callable
        Called with a line of text at each step.

    Attributes
    ----------
    version : str
        Such as ``0.10.0``, as the program tells it.

    Raises
    ------
    LocalServerError
        There is no such package.
    OSError, RuntimeError
        It cannot be run.
    """

    def __init__(self, myloader: Path | None, say: Callable[[str], None]) -> None:
        if myloader is None:
            root = _unpacked(say)
            self.loader, self.dumper = (
                unpacked_program(root, name) for name in ("myloader", "mydumper")
            )
            # The client library has the place of the machine's own plugins compiled in.
            self._plugins = str(next(iter(root.glob("usr/lib/*/libmariadb3/plugin")), ""))
        else:
            self.loader, self.dumper = Program(myloader), Program(myloader.with_name("mydumper"))
            self._plugins = ""
        match = re.search(r"\d+\.\d+\.\d+", self._said("--version"))
        if match is None:
            raise RuntimeError(f"{self.loader.path} does not run")
        self.version = match[0]
        # From 1.0 on it must be told: it does not know Debian's "9.7.4-2 (Debian)" for a MySQL.
        self._must_be_told = "--server-version" in self._said("--help")

    def dump(self, server: Server, schema: str, folder: Path, *, rows: int | None = None) -> None:
        """Dump a schema into a folder, each table in one file, or in chunks of `rows` rows.

        Raises
        ------
        RuntimeError
            The dump is not complete.
        """
        chunks = ["--rows", str(rows)] if rows else []
        command = self.dumper.command(
            *self._login(server), "--database", schema, "--outputdir", str(folder), *chunks
        )
        try:
            run(command, plugins=self._plugins)
        except RuntimeError:
            # Its code counts warnings too, such as a statement that the server no longer has
            # (SHOW MASTER STATUS, 1064). What it renames last tells whether it is complete.
            if not (folder / "metadata").exists():
                raise

    def load(self, server: Server, folder: Path, *, threads: int) -> Cost:
        """Load a folder; the binary log is skipped, as is myloader's default."""
        command = self.loader.command(
            *self._login(server), "--directory", str(folder), "--threads", str(threads)
        )
        return run(command, plugins=self._plugins)

    def _said(self, option: str) -> str:
        command = self.loader.command(option)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout

    def _login(self, server: Server) -> list[str]:
        told = [f"--server-version={server.flavour}-{server.engine.version}"]
        # The password of a throw-away server on loopback: others may see it.
        return [
            f"--host={server.host}",
            f"--port={server.port}",
            f"--user={server.user}",
            f"--password={server.password}",
            *(told if self._must_be_told else []),
        ]


def _unpacked(say: Callable[[str], None]) -> Path:
    newest = NEWEST_SUITES.get(machine_archive().distribution)
    for suite in filter(None, (newest, machine_archive().suite)):
        root = folders().cache / f"mydumper-{suite}-{platform.machine()}"
        try:
            return fetch(("mydumper",), root, suite=suite, without=("perl",), progress=say)
        except LocalServerError as error:
            failure = error
    raise failure
