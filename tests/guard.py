"""Ends what a run of the tests started and left, however the run itself has ended.

A private server outlives its starter, by design. So a process of its own watches the one that runs
the tests, and when that is gone, also by SIGKILL, kills what it has left: every process that was
started with `MARK` in its environment, and every server with its data below the run's folder. No
record is kept of what is started, so nothing can be missing in it.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

# A run's folder: all that the tests start inherits it, but servers, whose environment is recreated.
MARK = "TESTS_OF_SIDECAR_MAGICS"
WELL = b"all is well\n"
# multiprocessing starts it once, beside what it starts first; it ends with who started it.
TRACKER = "from multiprocessing.resource_tracker import main"
# Seconds between two looks at whether the run is still there; the end of the pipe is seen at once.
LOOK_S = 1.0
# Seconds in which what was told to end, does.
FAREWELL_S = 10.0
# Seconds in which what is killed, and what it was about to start, is gone.
LIMIT_S = 60.0


@contextlib.contextmanager
def guarded(folder: Path, *, keep: bool = True) -> Iterator[None]:
    """See to it that nothing which is started inside is left when this process has ended.

    Parameters
    ----------
    folder : Path
        Where the run keeps its servers' data.
    keep : bool, default True
        Whether the folder stays when the run is killed, for pytest to remove at one of its next
        starts; else it is removed at once.
    """
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    # In a session of its own, out of reach of a terminal's Ctrl-C and of a closed terminal.
    guard = subprocess.Popen(
        [sys.executable, __file__, str(folder), str(os.getpid()), "keep" if keep else "remove"],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        with _marked(str(folder)):
            yield
    finally:
        try:
            guard.communicate(WELL, FAREWELL_S + LIMIT_S + 10)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.communicate(timeout=10)


@contextlib.contextmanager
def guarded_folder(prefix: str = "") -> Iterator[Path]:
    """Yield a folder for servers outside of pytest; it goes, and they do, whatever ends this."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name, guarded(Path(name), keep=False):
        yield Path(name)


def left_by(folder: Path) -> list[psutil.Process]:
    """Return the processes that a run with this folder has started and that still run."""
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _belongs(process, str(folder))
    ]


def end(folder: Path, *, grace_s: float = 0.0) -> list[str]:
    """Kill what a run with this folder has left, and return what that was.

    Parameters
    ----------
    folder : Path
        The run's folder.
    grace_s : float, default 0
        Seconds in which what is ending may end by itself.
    """
    deadline_s = time.monotonic() + grace_s
    while left_by(folder) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    killed: dict[int, str] = {}
    deadline_s = time.monotonic() + LIMIT_S
    # Again, until there is none: one may have been about to start another.
    while (left := left_by(folder)) and time.monotonic() < deadline_s:
        for process in left:
            with contextlib.suppress(psutil.Error):
                killed.setdefault(process.pid, " ".join(process.cmdline()[:3]) or process.name())
                process.kill()
        psutil.wait_procs(left, 1)
    return [f"{pid}: {command}" for pid, command in killed.items()]


@contextlib.contextmanager
def _marked(folder: str) -> Iterator[None]:
    before = os.environ.get(MARK)
    os.environ[MARK] = folder
    try:
        yield
    finally:
        os.environ.pop(MARK)
        if before is not None:
            os.environ[MARK] = before


def _belongs(process: psutil.Process, folder: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        command = process.cmdline()
        if process.environ().get(MARK) == folder:
            return not any(part.startswith(TRACKER) for part in command)
        return any(part.startswith(f"--datadir={folder}/") for part in command)
    except psutil.Error:  # it has ended meanwhile, or is somebody else's
        return False


def _main(folder: Path, run: int, *, keep: bool) -> None:
    """Wait for the end of a run, and tidy up after it."""
    said = b""
    while os.getppid() == run:
        if select.select([0], [], [], LOOK_S)[0]:
            word = os.read(0, 100)
            if not word:
                break
            said += word
    is_well = said == WELL
    killed = end(folder, grace_s=FAREWELL_S if is_well else 0.0)
    if is_well and killed:
        print("left by the tests, and killed:", *killed, sep="\n  ", file=sys.stderr)
    if not is_well and keep:
        # With it pytest would keep the folder for three days. Of several processes that share the
        # tests, each has a folder in that of the run.
        for place in (folder, folder.parent):
            (place / ".lock").unlink(missing_ok=True)
    elif not is_well:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), keep=sys.argv[3] == "keep")
