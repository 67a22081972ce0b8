"""Get programs from the distribution's own signed packages, without root and without installing.

apt runs with a private state folder and an empty list of installed packages, so that it resolves
a closure that is complete by itself; each package is then unpacked below one root. apt checks the
archive's signature and each package's hash, as it does for the system.

Standard library only: the tools that make the development environment use this as well.

MySQL is only in Debian's unstable suite; MariaDB is the fallback, as it lacks MySQL 8's collations.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError
from .archive import Archive, machine_archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WATCH_EVERY_S = 0.3
MARKER = "unpacked.json"
USELESS_FOLDERS = ("usr/share/doc", "usr/share/man", "usr/share/lintian")
STALE = re.compile(r"Release file .* is (expired|not valid)")

# Options that keep apt inside the private folder, and out of the machine's hooks and preferences;
# the machine's proxies, credentials and timeouts stay as they are. The machine may allow an archive
# without a signature or with a broken hash; this does not.
APT_CONFIGURATION = """\
#clear APT::Update;
#clear APT::Architectures;
#clear APT::Default-Release;
#clear APT::Hashes;
#clear DPkg;
APT::Architectures {{ "{architecture}"; }};
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "2";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/archive.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


def fetch(
    packages: Sequence[str],
    into: Path,
    *,
    suite: str | None = None,
    without: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
    download: Callable[[int, int], None] | None = None,
    archive: Archive | None = None,
) -> Path:
    """Unpack packages and all they depend on below one folder, unless that was done before.

    Parameters
    ----------
    packages : sequence of str
        Names; alternatives, of which the first that exists is taken, as ``a | b``.
    into : Path
        The folder. It appears complete or not at all; of two that fetch it at once, one waits.
    suite : str, optional
        Suite of the distribution, such as ``unstable``. Default: the machine's own.
    without : sequence of str, default ()
        Dependencies to leave out, with all that only they need.
    progress : callable, optional
        Called with a line of text at each step.
    download : callable, optional
        Called a few times a second with the bytes that are there, and those that there will be.
    archive : Archive, optional
        Default: the one this machine's sources name.

    Returns
    -------
    Path
        `into`, absolute.

    Raises
    ------
    LocalServerError
        This is not a Debian or Ubuntu with apt; the archive cannot be reached, fails the check of
        its signature, or lacks a package; the disk is full.
    """
    into = into.expanduser().absolute()
    if _holds(into, packages, suite):
        return into
    _need_apt()
    archive = archive or machine_archive()
    wanted_suite, suite = suite, suite or archive.suite
    say = progress or _silence
    with _told_of_disk_trouble(into), _lock(into.with_name(f".{into.name}.lock")):
        if _holds(into, packages, wanted_suite):  # the process we waited for has done it
            return into
        with _workshop(into) as folder:
            apt = _Apt(folder, archive, suite, without)
            apt.update(say)
            names = apt.choose(packages)
            debs = apt.download(names, say, download or _silence)
            root = _unpack(debs, folder / "root", say)
            _mark(root, packages, wanted_suite, debs)
            shutil.rmtree(into, ignore_errors=True)  # of another list of packages
            root.replace(into)
    return into


class _Apt:
    """apt with a state of its own, in a private folder."""

    def __init__(self, folder: Path, archive: Archive, suite: str, without: Sequence[str]) -> None:
        self.folder = folder
        self.where = f"{archive.distribution.title()} {suite}"
        self.configuration = folder / "apt.conf"
        architecture = _output(["dpkg", "--print-architecture"]).strip()
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "archive.sources").write_text(archive.stanza(suite), encoding="utf-8")
        # To apt, the packages that are left out are installed already.
        stanzas = (
            f"Package: {name}\nStatus: install ok installed\nVersion: 999999\n"
            f"Architecture: {architecture}\nMulti-Arch: allowed\nDescription: left out\n\n"
            for name in without
        )
        (folder / "status").write_text("".join(stanzas), encoding="utf-8")
        text = APT_CONFIGURATION.format(folder=folder, architecture=architecture)
        self.configuration.write_text(text, encoding="utf-8")

    def update(self, say: Callable[[str], None]) -> None:
        say(f"Reading the package index of {self.where}.")
        run = self._run("apt-get", "update")
        if run.returncode and STALE.search(run.stderr):
            say("The mirror's index is past its date; its signature is checked all the same.")
            run = self._run("apt-get", "update", "-o", "Acquire::Check-Valid-Until=false")
        self._check(run, f"The package index of {self.where} could not be read")

    def choose(self, packages: Sequence[str]) -> list[str]:
        known = set(self._run("apt-cache", "pkgnames").stdout.split())
        names = []
        for package in packages:
            alternatives = [name.strip() for name in package.split("|")]
            there = [name for name in alternatives if name in known]
            if not there:
                raise LocalServerError(f"{self.where} has no package {' or '.join(alternatives)}.")
            names.append(there[0])
        return names

    def download(
        self,
        names: Sequence[str],
        say: Callable[[str], None],
        on_bytes: Callable[[int, int], object],
    ) -> list[Path]:
        install = ("apt-get", "install", "--yes", "--no-install-recommends")
        plan = self._run(*install, "--print-uris", "--quiet=2", *names)
        self._check(plan, f"{' and '.join(names)} cannot be had from {self.where}")
        # Each line: 'address' file-name size hash
        sizes = [int(line.split()[2]) for line in plan.stdout.splitlines()]
        total = sum(sizes)
        say(f"Downloading {', '.join(names)} from {self.where}: {total / 1e6:.0f} MB.")
        with _watched(self.folder / "cache" / "archives", total, on_bytes):
            run = self._run(*install, "--download-only", *names)
        self._check(run, f"{' and '.join(names)} could not be downloaded from {self.where}")
        on_bytes(total, total)
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The command line's file is read last, so it has the last word.
        command = [program, "-c", str(self.configuration), *arguments]
        return subprocess.run(  # noqa: PLW1510 - the caller looks at the code
            command, capture_output=True, text=True, env=_plain_environment(), errors="replace"
        )

    def _check(self, run: subprocess.CompletedProcess[str], failure: str) -> None:
        if run.returncode == 0:
            return
        lines = [line for line in run.stderr.splitlines() if line.startswith(("E:", "W:"))]
        raise LocalServerError(
            f"{failure}.", details=[f"apt: {line[2:].strip()}" for line in lines[:4]]
        )


def _unpack(debs: Sequence[Path], root: Path, say: Callable[[str], None]) -> Path:
    say(f"Unpacking {len(debs)} packages.")
    root.mkdir()
    for deb in debs:
        _output(["dpkg-deb", "--extract", str(deb), str(root)])
        deb.unlink()  # so that the disk holds each package once
    for name in USELESS_FOLDERS:
        shutil.rmtree(root / name, ignore_errors=True)
    return root


def _mark(root: Path, packages: Sequence[str], suite: str | None, debs: Sequence[Path]) -> None:
    record = {"packages": list(packages), "suite": suite, "unpacked": [deb.name for deb in debs]}
    (root / MARKER).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _holds(root: Path, packages: Sequence[str], suite: str | None) -> bool:
    try:
        record = json.loads((root / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(record["packages"] == list(packages) and record["suite"] == suite)


def _need_apt() -> None:
    missing = [name for name in ("apt-get", "apt-cache", "dpkg-deb") if not shutil.which(name)]
    if missing:
        raise LocalServerError(f"This machine has no {missing[0]}, so it is no Debian or Ubuntu.")


def _output(command: Sequence[str]) -> str:
    try:
        run = subprocess.run(
            command, check=True, capture_output=True, text=True, env=_plain_environment()
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[-1:]
        raise LocalServerError(f"{' '.join(command[:2])} failed.", details=said) from None
    return run.stdout


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


@contextlib.contextmanager
def _workshop(into: Path) -> Iterator[Path]:
    """Make a folder beside `into` to work in; remove it, and those of killed processes."""
    prefix = f".{into.name}.partial-"
    for left in into.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=into.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    if sys.platform == "win32":
        raise LocalServerError("Windows has no apt.")
    import fcntl  # noqa: PLC0415 - Windows has none, and imports this module as well

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, or we die
        yield


@contextlib.contextmanager
def _told_of_disk_trouble(into: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise LocalServerError(f"{into} cannot be written: {error.strerror}.") from None
        raise


@contextlib.contextmanager
def _watched(folder: Path, total: int, on_bytes: Callable[[int, int], object]) -> Iterator[None]:
    """Report how much of a download is in a folder, and in those below it, while a block runs."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(WATCH_EVERY_S):
            done = 0
            for file in folder.rglob("*"):
                with contextlib.suppress(OSError):  # it has just got its final name
                    done += file.stat().st_size if file.is_file() else 0
            on_bytes(min(done, total - 1), total)

    thread = threading.Thread(target=watch, name="sidecar-magics-download", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _silence(*_: object) -> None:
    """Report nothing."""
