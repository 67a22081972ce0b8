"""A load in a process of its own, so that it can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.runner import EXPECTED

LOAD_LIMIT_S = 400.0
# How a load may end that was disturbed; "killed" is a client that could not say anything.
STOPS = {"killed", *EXPECTED}


class Child:
    """A load in a process of its own, which waits until it may go.

    Parameters
    ----------
    path : Path
        The script.
    port : int
        Where it finds the server.
    password : str
        The server's.
    jobs : int
        Connections.
    resume : bool, default True
        Whether to go on with an earlier load.
    """

    def __init__(
        self, path: Path, port: int, *, password: str, jobs: int, resume: bool = True
    ) -> None:
        self._wanted = {
            "file": str(path),
            "port": port,
            "password": password,
            "jobs": jobs,
            "resume": resume,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )

    def go(self) -> None:
        """Let it load."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(self._wanted).encode() + b"\n")
        self.process.stdin.flush()

    def outcome(self) -> dict[str, Any]:
        """Wait for its end, and return what it says."""
        given = None if self.process.stdin is None else b""
        hung = False
        try:
            out, err = self.process.communicate(given, LOAD_LIMIT_S)
        except subprocess.TimeoutExpired:
            hung = True
            self.process.send_signal(signal.SIGUSR1)  # it tells where its threads are
            time.sleep(1)
            self.process.kill()
            out, err = self.process.communicate(timeout=LOAD_LIMIT_S)
        if out.strip():
            outcome: dict[str, Any] = json.loads(out.splitlines()[-1])
            if outcome["error"] not in {None, *STOPS}:
                outcome["message"] += "\n" + err.decode("utf-8", "replace")[-3000:]
            return outcome
        if hung:
            return {"error": "hung", "message": err.decode("utf-8", "replace")[-6000:]}
        if self.process.returncode == -signal.SIGKILL:
            return {"error": "killed", "message": ""}
        return {"error": "crashed", "message": err.decode("utf-8", "replace")[-3000:]}
