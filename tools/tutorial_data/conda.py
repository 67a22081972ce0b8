"""A stand-in for ``conda``, which Spyglass runs to note its environment in each file that it makes.

It tells nothing of the machine; where a real conda is installed, the stand-in goes before it.
"""

from __future__ import annotations

import os
from pathlib import Path

SCRIPT = """\
#!/bin/sh
echo 'name: tutorial'
echo 'dependencies: []'
"""


def put_on_path(folder: Path) -> None:
    """Write the stand-in into a folder, and put that in front of this process's PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "conda"
    program.write_text(SCRIPT, encoding="utf-8")
    program.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])
