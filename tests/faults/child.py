"""A load in a process of its own, so that it can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.runner import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

LOAD_LIMIT_S = 90.0
# How a load may end that was disturbed; "killed" is a client that could not say anything.
STOPS = {"killed", *EXPECTED}


def start_runner() -> subprocess.Popen[bytes]:
    """Start a process that waits to be told what to load; it ends with its input."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        bufsize=0,  # a line can be read before the rest is
    )


class Child:
    """A load in a process of its own, which waits until it may go.

    Parameters
    ----------
    path : Path
        The script.
    server : Server
        Where to.
    port : int, optional
        Where it finds the server, if something stands before it.
    tells : bool, default False
        Whether what `progress` is called with is kept.
    process : Popen, optional
        One of `start_runner` that has nothing to do yet; else one is started.
    **options
        For `load`.
    """

    def __init__(
        self,
        path: Path,
        server: Server,
        *,
        port: int | None = None,
        tells: bool = False,
        process: subprocess.Popen[bytes] | None = None,
        **options: Any,
    ) -> None:
        self._wanted = {
            "file": str(path),
            "port": port or server.port,
            "password": server.password,
            "tells": tells,
            "options": options,
        }
        self.process = process or start_runner()
        self._heard = b""

    def go(self) -> None:
        """Let it load; if it was prepared and has ended since, another one does."""
        if self.process.poll() is not None:
            said = self.process.communicate(timeout=60)[1].decode("utf-8", "replace")
            print(f"a prepared process has ended: {self.process.returncode} {said[-2000:]}")
            self.process = start_runner()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(self._wanted).encode() + b"\n")
        self.process.stdin.flush()

    def until_told(self, is_it: Callable[[str], bool], limit_s: float = LOAD_LIMIT_S) -> None:
        """Wait until it tells what is waited for; or until it has ended, or told nothing."""
        assert self.process.stdout is not None
        while select.select([self.process.stdout], [], [], limit_s)[0]:
            line = self.process.stdout.readline()
            self._heard += line
            if not line or is_it(str(json.loads(line).get("progress", ""))):
                return

    def outcome(self, limit_s: float = LOAD_LIMIT_S) -> dict[str, Any]:
        """Wait for its end, and return what it says."""
        given = None if self.process.stdin is None else b""
        hung = False
        try:
            out, err = self.process.communicate(given, limit_s)
        except subprocess.TimeoutExpired:
            hung = True
            out, err = _ended_by_force(self.process)
        lines = [
            json.loads(line) for line in (self._heard + out).splitlines() if line.endswith(b"}")
        ]
        told = [line["progress"] for line in lines if "progress" in line]
        outcome = next((line for line in reversed(lines) if "error" in line), None)
        if outcome is None:
            error = "hung" if hung else "crashed"
            if not hung and self.process.returncode == -signal.SIGKILL:
                error = "killed"
            text = err.decode("utf-8", "replace")[-6000:]
            outcome = {"error": error, "message": "" if error == "killed" else text}
        elif outcome["error"] not in {None, *STOPS}:
            outcome["message"] += "\n" + err.decode("utf-8", "replace")[-3000:]
        return {**outcome, "told": told}


def _ended_by_force(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    process.send_signal(signal.SIGUSR1)  # it tells where its threads are
    time.sleep(1)
    process.kill()
    return process.communicate(timeout=60)


class Worker:
    """A process that does one load after another; one that hangs is ended, and takes the next.

    Parameters
    ----------
    server : Server
        Where to.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None

    def load(self, path: Path, limit_s: float, **options: Any) -> dict[str, Any]:
        """Load, and return what became of it; ``{"error": "hung"}`` after the limit."""
        if self._process is None:
            self._process = start_runner()
        child = Child(path, self._server, process=self._process, **options)
        child.go()
        self._process = child.process
        assert self._process.stdout is not None
        if select.select([self._process.stdout], [], [], limit_s)[0]:
            line = self._process.stdout.readline()
            if line.endswith(b"}\n"):
                outcome: dict[str, Any] = json.loads(line)
                return outcome
        hung = self._process.poll() is None
        _, err = _ended_by_force(self._process)
        self._process = None
        text = err.decode("utf-8", "replace")[-6000:]
        return {"error": "hung" if hung else "crashed", "message": text}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.communicate(b"", 10)
            self._process.kill()
            self._process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
