"""Build the release and try it, as `make dist` does: nothing is published.

The wheel and the source archive are built twice, which has to give the same bytes; their metadata
and their contents are checked; the wheel is installed into an environment with nothing else, for
each line of DataJoint, and the quick start runs there on a private server.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email import message_from_bytes
from email.policy import EmailPolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.project import PROJECT, repository, version
from tools.setup_venv import make_venv

if sys.version_info >= (3, 11):
    import tomllib
else:  # brought by build
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DIST = PROJECT / "dist"
NAME = f"sidecar_magics-{version()}"
# The time of each file in the archives, so that they are the same whoever builds them.
EPOCH = "1780000000"
DATAJOINTS = ("datajoint<2", "datajoint>=2")
# What hatchling puts into a source archive by itself.
ALWAYS = {"PKG-INFO", ".gitignore", "pyproject.toml"}
METADATA = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
NOTEBOOK = "00_QuickStart.ipynb"
LIMIT_S = 900


class WrongError(Exception):
    """The release is not what it has to be."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, check and try the release; print where it is."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--datajoint",
        action="append",
        metavar="REQUIREMENT",
        help="what to run the quick start with; may be repeated. Default: the newest of each line",
    )
    parser.add_argument("--only-build", action="store_true", help="do not run the quick start")
    options = parser.parse_args(arguments)
    try:
        wheel, archive = build(DIST)
        check(wheel, archive)
        for requirement in () if options.only_build else options.datajoint or DATAJOINTS:
            print(f"Running the quick start from the wheel, with {requirement} ...", flush=True)
            try_out(wheel, requirement)
    except (WrongError, subprocess.SubprocessError) as error:
        print(f"The release is not ready: {error}", file=sys.stderr)
        return 1
    print(f"The release: {wheel}\n             {archive}")
    return 0


# Building ----------------------------------------------------------------------------------------


def build(folder: Path) -> tuple[Path, Path]:
    """Build both archives, twice, and return them.

    Raises
    ------
    WrongError
        The second build gave other bytes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as other:
        for place in (folder, Path(other)):
            # The backend is among the locked requirements; the wheel is built from the archive.
            command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place)]
            run([*command, str(PROJECT)], SOURCE_DATE_EPOCH=EPOCH)
        wheel, archive = folder / f"{NAME}-py3-none-any.whl", folder / f"{NAME}.tar.gz"
        for path in (wheel, archive):
            if path.read_bytes() != Path(other, path.name).read_bytes():
                raise WrongError(f"two builds of {path.name} differ")
    return wheel, archive


# Checking ----------------------------------------------------------------------------------------


def check(wheel: Path, archive: Path) -> None:
    """Check what is in both, and what is said of it.

    Raises
    ------
    WrongError
        Something is missing, too much, or says another version.
    """
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(archive)])
    # W009: there may be several packages; which ones, and what else, is compared below.
    checker = str(Path(sys.executable).with_name("check-wheel-contents"))
    run([checker, "--ignore", "W009", str(wheel)])
    with zipfile.ZipFile(wheel) as file:
        inside = {name for name in file.namelist() if not name.endswith("/")}
        metadata = file.read(f"{NAME}.dist-info/METADATA")
    same("the wheel", inside, in_wheel() | {f"{NAME}.dist-info/{name}" for name in METADATA})
    with tarfile.open(archive) as tar:
        members = {member.name for member in tar.getmembers() if member.isfile()}
    same("the source archive", members, {f"{NAME}/{name}" for name in in_archive() | ALWAYS})
    for wrong in faults(metadata, (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")):
        raise WrongError(wrong)


def in_wheel() -> set[str]:
    """Return the names that a wheel has beside its metadata: the packages, and files for others."""
    wheel = targets()["wheel"]
    shared = {
        f"{NAME}.data/data/{place}{name[len(folder) :]}"
        for folder, place in wheel.get("shared-data", {}).items()
        for name in tracked(folder)
    }
    return tracked(*wheel["packages"]) | shared


def in_archive() -> set[str]:
    """Return the names that a source archive has beside those that are always there."""
    return tracked(*(name.lstrip("/") for name in targets()["sdist"]["include"]))


def targets() -> dict[str, Any]:
    """Return what pyproject.toml says of the wheel and of the source archive."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]
    return found


def tracked(*folders: str) -> set[str]:
    """Return the files below folders that are under version control: no others are published."""
    command = ["git", "ls-files", "-z", "--", *folders]
    listed = subprocess.run(command, check=True, capture_output=True, cwd=PROJECT).stdout
    return {name for name in listed.decode().split("\0") if name}


def same(what: str, inside: set[str], wanted: set[str]) -> None:
    """Raise if an archive lacks files or has others."""
    if inside != wanted:
        lacks, has = sorted(wanted - inside), sorted(inside - wanted)
        raise WrongError(f"{what} lacks {lacks or 'nothing'}, and has {has or 'nothing'} besides")


def faults(metadata: bytes, changelog: str) -> Iterator[str]:
    """Yield what is wrong with the metadata of a wheel.

    Parameters
    ----------
    metadata : bytes
        Its METADATA.
    changelog : str
        CHANGELOG.md, whose newest version has to be this one.
    """
    message = message_from_bytes(metadata, policy=EmailPolicy(utf8=True))
    newest = re.search(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    if newest is None or newest[1] != message["Version"]:
        yield f"CHANGELOG.md has no dated section for {message['Version']} at its top"
    for entry in message.get_all("Project-URL", []):
        if repository() not in entry:
            yield f"an address of another place: {entry}"
    text = str(message.get_payload())
    if "](https://" not in text:
        yield "the description has no links"
    for target in re.findall(r"\]\(([^()\s]+)\)|src=\"([^\"]+)\"", text):
        if not "".join(target).startswith("https://"):
            yield f"a link that leads nowhere from an index: {''.join(target)}"


# Trying ------------------------------------------------------------------------------------------


def try_out(wheel: Path, datajoint: str) -> None:
    """Install the wheel with its extra for the notebooks only, and run the quick start.

    Raises
    ------
    WrongError
        It fails, the second time in the same folder as well.
    """
    from sidecar_magics.local.state import folders  # noqa: PLC0415 - not for building alone

    cache = folders().cache
    with tempfile.TemporaryDirectory(prefix="sidecar-dist-") as name:
        folder = Path(name)
        pip = make_venv(folder / "venv")
        # nbconvert only runs the notebook.
        run([*pip, "install", "-qq", f"{wheel}[tutorial]", datajoint, "nbconvert"])
        (folder / "home").mkdir()
        cache.mkdir(parents=True, exist_ok=True)
        (folder / "home" / "cache").symlink_to(cache)  # the servers' programs, fetched once for all
        shutil.copytree(PROJECT / "notebooks", folder / "notebooks")
        environment = {
            "SIDECAR_MAGICS_HOME": str(folder / "home"),
            "HOME": name,
            "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        run(["sidecar-magics", "up", "--ephemeral", "--flavour", "mysql"], folder, **environment)
        try:
            notebook = ["jupyter", "nbconvert", "--to", "notebook", "--execute", NOTEBOOK]
            for _ in range(2):
                run([*notebook, "--output", "run"], folder / "notebooks", **environment)
        finally:
            run(["sidecar-magics", "down"], folder, **environment)


def run(command: Sequence[str], folder: Path = PROJECT, **environment: str) -> None:
    """Run a command, without anything of ours in its environment.

    Raises
    ------
    WrongError
        It fails; the error has the end of what it printed.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SIDECAR_", "MYSQL_", "DJ_", "PYTHONPATH", "VIRTUAL_ENV"))
    }
    environment = {**kept, **environment}
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    done = subprocess.run(
        [program, *command[1:]],
        check=False,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
    )
    if done.returncode:
        told = "\n".join(done.stdout.splitlines()[-30:])
        raise WrongError(f"{' '.join(command)} failed ({done.returncode}):\n{told}")


if __name__ == "__main__":
    sys.exit(main())
