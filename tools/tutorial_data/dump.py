"""The database of Spyglass as a script, written by the server's own dump program."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Blobs as digits: else the script is text in no encoding. No privileges beyond reading, and nothing
# of the server's own state (tablespaces, identifiers of transactions).
OPTIONS = ("--single-transaction", "--hex-blob", "--no-tablespaces", "--set-gtid-purged=OFF")


def dump(command: Sequence[str], schemas: Sequence[str], path: Path) -> None:
    """Write schemas into a gzipped script.

    Parameters
    ----------
    command : sequence of str
        ``mysqldump`` with what it needs to log in.
    schemas : sequence of str
        Which ones.
    path : Path
        The file, which is written anew.

    Raises
    ------
    RuntimeError
        The program failed; the message has its own.
    """
    run = subprocess.run(
        [*command, *OPTIONS, "--databases", *schemas], capture_output=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"mysqldump: {run.stderr.decode(errors='replace').strip()}")
    # Without a time or a name inside, the same script is the same file.
    path.write_bytes(gzip.compress(run.stdout, mtime=0))
