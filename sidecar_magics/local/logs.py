"""A server's log as people may see it: its last lines, printable, without passwords."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from ..errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLLOW_EVERY_S = 0.3
# Words of entrypoints and `mysqld --initialize` before a password that they made up.
_PASSWORDS = re.compile(
    r"(GENERATED ROOT PASSWORD:|temporary password is generated for [^:]*:)\s*\S.*"
)


def shown_line(line: str) -> str:
    """Return a line of a log without control characters, and without a password."""
    return printable(_PASSWORDS.sub(r"\1 ********", line.rstrip("\r\n")).replace("\t", "    "))


def tail(path: Path, lines: int, *, goes_on: Callable[[], bool]) -> Iterator[str]:
    """Yield the last lines of a file, and then those that are added.

    Parameters
    ----------
    path : Path
        The log; one that is missing is empty.
    lines : int
        How many.
    goes_on : callable
        Asked at the end of the file whether more may come.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from deque(file, maxlen=lines)
        while goes_on():
            line = file.readline()
            if line:
                yield line
            else:
                time.sleep(FOLLOW_EVERY_S)
