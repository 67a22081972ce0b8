"""Make a virtual environment from locked requirements: ``python3 -m tools.setup_venv .venv FILE``.

All it needs is a Python, as on a bare Debian, whose own lacks ensurepip: then pip comes from the
distribution's packages, without root. A second run finds everything done and takes no time.
"""

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 9):  # noqa: UP036 - said here, before anything newer is met
    sys.exit("Python 3.9 or later is needed; this is {}.{}.".format(*sys.version_info[:2]))

PROJECT = Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".cache"
# Where Debian keeps the wheels that its own ensurepip would use.
DEBIAN_WHEELS = "usr/share/python-wheels"


def main() -> int:
    """Make the environment that the command line asks for, unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path, help="folder of the environment")
    parser.add_argument("requirements", type=Path, nargs="+", help="files of locked requirements")
    parser.add_argument("--editable", action="store_true", help="install this project as well")
    options = parser.parse_args()
    venv = options.venv.absolute()
    stamp = venv / "ready"
    mark = fingerprint([*options.requirements, PROJECT / "pyproject.toml"], str(options.editable))
    if stamp.is_file() and stamp.read_text() == mark and (venv / "bin" / "python").exists():
        stamp.touch()  # for make, which compares times
        return 0
    print(f"Setting up {options.venv} with Python {sys.version.split()[0]} ...", flush=True)
    try:
        pip = make_venv(venv)
        for path in options.requirements:
            run([*pip, "install", "-qq", "--require-hashes", "--requirement", str(path)])
        if options.editable:
            # The build backend is among the requirements, so nothing is fetched unlocked.
            arguments = ["--no-deps", "--no-build-isolation", "--editable", str(PROJECT)]
            run([*pip, "install", "-qq", *arguments])
    except subprocess.CalledProcessError as error:
        sys.exit(f"Setting up {options.venv} failed: {error}")
    stamp.write_text(mark)
    return 0


def make_venv(venv: Path) -> list[str]:
    """Make an empty environment and return the command line that runs pip for it."""
    shutil.rmtree(venv, ignore_errors=True)
    python = str(venv / "bin" / "python")
    if importlib.util.find_spec("ensurepip") is not None:
        run([sys.executable, "-m", "venv", str(venv)])
        return [python, "-m", "pip"]
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    wheel = pip_wheel()
    run([python, f"{wheel}/pip", "install", "-qq", "--no-index", str(wheel)])
    return [python, "-m", "pip"]


def pip_wheel() -> Path:
    """Return a wheel of pip, which can also be run as it is: the machine's, or from its archive."""
    from sidecar_magics.errors import LocalServerError  # noqa: PLC0415 - after the version check
    from sidecar_magics.local.packages import fetch  # noqa: PLC0415

    installed = sorted(Path("/", DEBIAN_WHEELS).glob("pip-*.whl"))
    if installed:
        return installed[-1]
    try:
        root = fetch(
            ["python3-pip-whl"], CACHE / "pip", without=["ca-certificates"], progress=print
        )
    except LocalServerError as error:
        sys.exit(f"This Python has no ensurepip, and no pip could be fetched: {error}")
    return sorted((root / DEBIAN_WHEELS).glob("pip-*.whl"))[-1]


def fingerprint(files: list[Path], *more: str) -> str:
    """Return a hash that changes when one of the files, this Python or `more` does."""
    digest = hashlib.sha256()
    for part in (sys.version, sys.executable, *more):
        digest.update(part.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(command: list[str]) -> None:
    """Run a command; its output is the user's."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
