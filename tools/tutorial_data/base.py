"""A base folder for Spyglass, where it looks for recordings and writes what it computes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .session import NAME, write_session

if TYPE_CHECKING:
    from pathlib import Path


def make_base(folder: Path) -> None:
    """Write the recording below a folder, and tell Spyglass that this is its base.

    Spyglass reads the variable once, when it is imported.
    Source: spyglass/settings.py, version 0.6.0.

    Parameters
    ----------
    folder : Path
        It is made if it is not there.

    Raises
    ------
    RuntimeError
        Spyglass was imported before.
    """
    if "spyglass" in sys.modules:
        raise RuntimeError("Spyglass was imported before its base folder was there")
    folder = folder.resolve()
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    write_session(folder / "raw" / NAME)
    os.environ["SPYGLASS_BASE_DIR"] = str(folder)
