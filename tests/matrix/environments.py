"""The environments of the matrix: each DataJoint beside each PyMySQL, made when first needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.setup_venv import CACHE, PROJECT

HOME = CACHE / "matrix"
LOCKS = PROJECT / "requirements"
OLDEST_PYMYSQL = "1.1.0"
INSTALL_S = 1800


class Environment(NamedTuple):
    """A Python with one DataJoint and one PyMySQL.

    Parameters
    ----------
    datajoint, pymysql : str
        Which, as the table's rows name them: ``oldest 0.14``, ``newest``.
    """

    datajoint: str
    pymysql: str

    def python(self) -> tuple[Path, dict[str, str]]:
        """Return the program and what its environment must have; set up what is missing.

        Raises
        ------
        subprocess.CalledProcessError
            It could not be set up.
        """
        folder = VENVS[self.datajoint]
        if folder.is_relative_to(HOME):
            lock = LOCKS / f"{folder.name}.txt"
            # Not this environment's own Python: one environment is not made from another.
            python = getattr(sys, "_base_executable", sys.executable)
            make = [python, "-m", "tools.setup_venv", str(folder), str(lock)]
            subprocess.run(make, check=True, cwd=PROJECT, stdout=sys.stderr, timeout=INSTALL_S)
        places = [str(PROJECT)]
        if self.pymysql != "newest":
            places.insert(0, str(other_pymysql()))
        return folder / "bin" / "python", {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def other_pymysql() -> Path:
    """Return a folder with the oldest PyMySQL, to be put before the environment's own."""
    folder = HOME / f"pymysql-{OLDEST_PYMYSQL}"
    if not (folder / "ready").exists():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--upgrade"]
        lock = str(LOCKS / "pymysql-oldest.txt")
        target = ["--target", str(folder), "--require-hashes", "--requirement", lock]
        subprocess.run([*pip, *target], check=True, stdout=sys.stderr, timeout=INSTALL_S)
        (folder / "ready").touch()
    return folder


# The environments of development, which `make` has made, have the newest of everything.
VENVS = {
    "oldest 0.14": HOME / "datajoint-oldest",
    "newest 0.14": PROJECT / ".venv",
    "newest 2": PROJECT / ".venv-datajoint2",
}
EVERY = tuple(
    Environment(datajoint, pymysql) for datajoint in VENVS for pymysql in ("oldest", "newest")
)
