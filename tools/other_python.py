"""Run something with another Python: ``python3 -m tools.other_python oldest -- -m pytest FILE``.

The oldest Python that this project supports and the newest there is come from the distribution's
packages, unpacked below .cache and run with their own loader; nothing is installed. Elsewhere a
Python of that version on PATH is used; without one this says so, and fails only in CI.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.archive import machine_archive
from sidecar_magics.local.packages import fetch
from sidecar_magics.local.program import Program, unpacked_program
from tools.setup_venv import CACHE, DEBIAN_WHEELS, PROJECT, fingerprint, pip_wheel


class Other(NamedTuple):
    """A Python beside the one that runs this.

    Parameters
    ----------
    version : str
        Such as ``3.9``.
    suite : str
        Suite of Debian that has it.
    requirements : Path
        What the tests need with it.
    packages : tuple of str
        What to unpack: Debian keeps a part of the older standard library in a package of its own.
    pip : str or None
        Package with a pip that works with it; None means the machine's own.
    """

    version: str
    suite: str
    requirements: Path
    packages: tuple[str, ...]
    pip: str | None


REQUIREMENTS = PROJECT / "requirements"
OTHERS = {
    "oldest": Other(
        version="3.9",
        suite="bullseye",
        requirements=REQUIREMENTS / "oldest.txt",
        packages=("python3.9", "python3-distutils"),
        pip=None,
    ),
    "newest": Other(
        version="3.15",
        suite="unstable",
        requirements=REQUIREMENTS / "newest.txt",
        packages=("python3.15",),
        pip="python3-pip-whl",
    ),
}

# The wrapper is what the Python has to believe it is: a child started with the bare executable
# would meet this machine's libraries.
WRAPPER = """\
#!/bin/sh
export PYTHONPATH='{site}'"${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONNOUSERSITE=1
exec {command} "$@"
"""
SITECUSTOMIZE = """\
import sys

sys.executable = sys._base_executable = {wrapper!r}
"""


def main() -> int:
    """Set the other Python up if it is not, and run it with the rest of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=sorted(OTHERS))
    parser.add_argument("arguments", nargs="*", help="what the Python is called with, after --")
    options = parser.parse_args()
    other = OTHERS[options.which]
    try:
        python = set_up(other)
    except (LocalServerError, subprocess.CalledProcessError) as error:
        print(f"Python {other.version} cannot be had here: {error}", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    return subprocess.run([str(python), *options.arguments], check=False, cwd=PROJECT).returncode


def set_up(other: Other) -> Path:
    """Return the other Python, with its requirements installed beside it.

    Raises
    ------
    LocalServerError
        It is neither among the distribution's packages nor on PATH.
    """
    home = CACHE / f"python{other.version}"
    site, wrapper, stamp = home / "site", home / "python", home / "ready"
    mark = fingerprint([other.requirements, Path(__file__)])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == mark:
        return wrapper
    program = find(other, home / "root")
    print(f"Setting up Python {other.version} in {home.relative_to(PROJECT)} ...", flush=True)
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    write_wrapper(wrapper, program, site)
    pip = [str(wrapper), f"{wheel_for(other, home)}/pip", "install", "-qq"]
    files = ["--target", str(site), "--requirement", str(other.requirements)]
    subprocess.run([*pip, *files], check=True)
    stamp.write_text(mark, encoding="utf-8")
    return wrapper


def find(other: Other, root: Path) -> Program:
    """Return the Python of Debian's packages; on other systems, one on PATH."""
    name = f"python{other.version}"
    try:
        if machine_archive().distribution == "debian":
            fetch(other.packages, root, suite=other.suite, progress=print)
            return unpacked_program(root, name)
    except LocalServerError as error:
        reason = error
    else:
        reason = LocalServerError("This is not Debian.")
    installed = shutil.which(name)
    if installed is None:
        raise reason
    return Program(Path(installed))


def write_wrapper(wrapper: Path, program: Program, site: Path) -> None:
    """Write the script that starts the Python, and tell the Python that it is this script."""
    command = " ".join(f"'{part}'" for part in program.command())
    wrapper.write_text(WRAPPER.format(site=site, command=command), encoding="utf-8")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    text = SITECUSTOMIZE.format(wrapper=str(wrapper))
    (site / "sitecustomize.py").write_text(text, encoding="utf-8")


def wheel_for(other: Other, home: Path) -> Path:
    """Return a wheel of pip that this Python can run."""
    if other.pip is None:
        return pip_wheel()
    root = fetch([other.pip], home / "pip", suite=other.suite, without=["ca-certificates"])
    return sorted((root / DEBIAN_WHEELS).glob("pip-*.whl"))[-1]


if __name__ == "__main__":
    sys.exit(main())
