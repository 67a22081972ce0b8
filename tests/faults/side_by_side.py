"""A campaign on both kinds of server at the same time, each by a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds for all cases on one server.
LIMIT_S = 4 * 3600.0
FAREWELL_S = 60.0


def on_each_server(
    module: str, flavours: Sequence[str], numbers: tuple[str, int, int], options: Sequence[str]
) -> int:
    """Run a module once for each kind of server, with a part of the cases.

    Parameters
    ----------
    module : str
        To be run; it takes ``--servers`` and ``--first``.
    flavours : sequence of str
        Kinds of server.
    numbers : tuple
        The option for how many cases there are, the first one's number, and how many over all.
    options : sequence of str
        Further ones.

    Returns
    -------
    int
        How many cases have failed.
    """
    option, first, count = numbers
    share = count // len(flavours)
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", module, f"--servers={flavour}"),
                *(f"{option}={share}", f"--first={first + turn * share}"),
                *options,
            ]
        )
        for turn, flavour in enumerate(flavours)
    ]
    try:
        return sum(process.wait(LIMIT_S) for process in processes)
    finally:
        for process in processes:
            if process.poll() is None:  # it stops its server
                process.terminate()
                process.wait(FAREWELL_S)
