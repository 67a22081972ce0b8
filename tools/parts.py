"""Run parts of the tests, targets of make, and show how long each took.

``python3 -m tools.parts check+test-oldest test-here``: parts joined by ``+`` run side by side, as
many at once as there are cores, and the next ones when these have passed. What a part prints stands
after its name where others run beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PRINTING = threading.Lock()


class Part(NamedTuple):
    """A target of make that has run.

    Parameters
    ----------
    name : str
        The target.
    status : int
        Exit status of make; 0 means that the part has passed.
    seconds : float
        How long it took.
    """

    name: str
    status: int
    seconds: float

    def __str__(self) -> str:
        verdict = "failed" if self.status else "passed"
        return f"{self.name} {verdict} after {as_time(self.seconds)}"


def main(arguments: Sequence[str]) -> int:
    """Run the groups of parts in order, and return the exit status of the first that failed."""
    start = time.monotonic()
    done: list[Part] = []
    for group in arguments:
        done += run_group(group.split("+"))
        if any(part.status for part in done):
            break
    show(summary(done, time.monotonic() - start))
    return next((part.status for part in done if part.status), 0)


def run_group(names: Sequence[str]) -> list[Part]:
    """Run parts side by side, as many at once as there are cores; wait for all of them."""
    if len(names) == 1:
        return [run_part(names[0], show)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(lambda name: run_part(name, beside_others(name)), names))


def beside_others(name: str) -> Callable[[str], None]:
    """Return what shows a line of a part after the part's name."""
    return lambda line: show(f"{name:12} | {line}")


def run_part(name: str, tell: Callable[[str], None]) -> Part:
    """Run one target of make; its lines are shown as they come."""
    show(f"=== {name}")
    start = time.monotonic()
    command = [os.environ.get("MAKE", "make"), "--no-print-directory", name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tell(line.rstrip("\n"))
        status = process.wait()
    part = Part(name, status, time.monotonic() - start)
    show(f"=== {part}")
    return part


def summary(parts: Sequence[Part], seconds: float) -> str:
    """Return the time of each part, a line each, and of all."""
    lines = [
        f"  {part.name:12} {as_time(part.seconds)}{'  FAILED' if part.status else ''}"
        for part in parts
    ]
    return "\n".join(["", f"all parts      {as_time(seconds)}", *lines])


def as_time(seconds: float) -> str:
    """Return a time as ``1 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def show(text: str) -> None:
    """Print whole lines, one thread at a time."""
    with PRINTING:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
