"""check.py in a process that has imported KubeSpawner: each run of it is a fork.

A run of check.py loads a hub's configuration twice, each time in a child of its own, and each of
these imports JupyterHub and KubeSpawner: seconds, a hundred times over. The children of a process
that has them already need not.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import runpy
import select
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES = ("jupyterhub.app", "kubespawner", "kubernetes_asyncio.client", "yaml", "slugify")


class Prepared:
    """Runs a script as `python SCRIPT` would, as often as it is asked to."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, command: Sequence[str], limit_s: float, environment: dict[str, str]
    ) -> tuple[int, str, str]:
        """Run a script with its arguments; return its status and what it printed on each stream."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.hub.prepared"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                text=True,
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            wanted = {
                "command": list(command),
                "environment": environment,
                "cwd": os.getcwd(),  # noqa: PTH109 - as a text
                "folder": folder,
                "limit_s": limit_s,
            }
            stdin.write(json.dumps(wanted) + "\n")
            stdin.flush()
            if not select.select([stdout], [], [], limit_s)[0]:
                self.close(0)
                raise TimeoutError(f"{command} takes longer than {limit_s} s")
            status = int(stdout.readline())
            out, err = (Path(folder, name).read_text() for name in ("out", "err"))
        return status, out, err

    def close(self, grace_s: float = 10) -> None:
        """End the process, if there is one."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=grace_s)
        self._process.kill()
        self._process.wait(10)
        self._process = None


def _main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    # A hub's tables, which each run makes in memory: the first time costs as much as a module.
    logging.disable()
    importlib.import_module("jupyterhub.orm").new_session_factory("sqlite://")
    logging.disable(logging.NOTSET)
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_status(wanted))
        # Who asks gives up at the same time; tests/guard.py ends what is left then.
        print(psutil.Process(child).wait(wanted["limit_s"]), flush=True)


def _status(wanted: dict[str, Any]) -> int:
    """Run the script in this process, which is a child for it alone; return its status."""
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, name in ((1, "out"), (2, "err")):
        path = Path(wanted["folder"], name)
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), stream)
    sys.argv = wanted["command"]
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    _main()
