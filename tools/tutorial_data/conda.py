"""A stand-in for ``conda``: Spyglass asks that program what its environment consists of.

Spyglass notes the answer beside each analysis file, and fails where there is no such program.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What `conda env export` says of an environment that holds nothing.
SCRIPT = """\
#!/bin/sh
echo "name: tutorial"
echo "dependencies: []"
"""


@contextmanager
def stand_in(folder: Path) -> Iterator[None]:
    """Put a ``conda`` in front of all others on the PATH.

    Parameters
    ----------
    folder : Path
        Where it is written to; an empty folder of its own.
    """
    program = folder / "conda"
    program.write_text(SCRIPT, encoding="ascii")
    program.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
