"""Find a server program on this machine, or get one from the distribution."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError
from .archive import machine_archive
from .engine import Engine, inspect
from .packages import fetch
from .program import Program, unpacked_program
from .state import MARIADB, MYSQL, NAMES, folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Both clients come along: a few MB, and the tests compare with them.
PACKAGES: Mapping[str, Sequence[str]] = {
    MYSQL: (
        "mysql-server-core | mysql-server-core-8.4 | mysql-server-core-8.0",
        "mysql-client-core | mysql-client-core-8.4 | mysql-client-core-8.0",
    ),
    MARIADB: (
        "mariadb-server-core | mariadb-server-core-10.6 | mariadb-server-core-10.5",
        "mariadb-client-core | mariadb-client-core-10.6 | mariadb-client-core-10.5",
        "mariadb-client | mariadb-client-10.6 | mariadb-client-10.5",
    ),
}
# Debian's stable suites have no MySQL, only MariaDB.
SUITES = {("debian", MYSQL): "unstable"}
# Perl is for scripts beside the server.
WITHOUT = ("perl", "libconfig-inifiles-perl", "debianutils")
PROGRAM_NAMES = {MYSQL: ("mysqld",), MARIADB: ("mariadbd", "mysqld")}
FOLDERS = (
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/mysql/bin",
    "/opt/homebrew/bin",
    "/opt/homebrew/opt/mysql/bin",
    "/opt/homebrew/opt/mariadb/bin",
    "/opt/local/lib/mysql8/bin",
)
INSTALL_HINT = (
    "install a server another way, such as `apt install mariadb-server`, `brew install mysql` or "
    "`conda install -c conda-forge mysql-server`, and `sidecar-magics up` finds it; or use Docker: "
    "`docker compose up -d mysql`."
)


def find_engine(
    flavour: str | None = None,
    progress: Callable[[str], None] | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Engine:
    """Return a server program: one that is installed, else one from the distribution's packages.

    Without a `flavour`, MySQL from the packages goes before an installed MariaDB, because the
    dumps that Spyglass's users share name collations that MariaDB lacks.

    Parameters
    ----------
    flavour : {"mysql", "mariadb"}, optional
        Default: MySQL, and MariaDB where it cannot be had.
    progress : callable, optional
        Called with a line of text at each step.
    download : callable, optional
        Called during a download with the bytes that are there, and those that there will be.

    Raises
    ------
    LocalServerError
        Nothing is installed, and the packages cannot be had.
    """
    found: dict[str, Engine] = {}
    for engine in installed_engines():
        found.setdefault(engine.flavour, engine)
    wanted = flavour or MYSQL
    if wanted in found:
        return found[wanted]
    try:
        return packaged_engine(wanted, progress, download)
    except LocalServerError as error:
        if flavour is None and found:
            return found[MARIADB]
        raise LocalServerError(
            f"No {NAMES[wanted]} server is on this machine, and none could be fetched: "
            f"{error.message[:1].lower()}{error.message[1:]}",
            details=error.details,
            hint=INSTALL_HINT,
        ) from None


def installed_engines() -> Iterator[Engine]:
    """Yield the server programs on PATH, in the usual folders and in this conda environment."""
    seen = set()
    for folder in _folders():
        for name in ("mysqld", "mariadbd"):
            path = folder / name
            real = path.resolve()
            if os.access(path, os.X_OK) and real not in seen and not _is_confined(path):
                seen.add(real)
                try:
                    yield inspect(Program(path))
                except LocalServerError:
                    continue  # broken, or for another machine: as if it were not there


def packaged_engine(
    flavour: str,
    progress: Callable[[str], None] | None = None,
    download: Callable[[int, int], None] | None = None,
) -> Engine:
    """Return a server program from the distribution's packages, fetched when first needed.

    Parameters
    ----------
    flavour : {"mysql", "mariadb"}
        Which.
    progress : callable, optional
        Called with a line of text at each step.
    download : callable, optional
        Called during a download with the bytes that are there, and those that there will be.

    Raises
    ------
    LocalServerError
        As `packages.fetch`.
    """
    root = folders().cache / f"{flavour}-{platform.machine()}"
    suite = None
    if shutil.which("apt-get"):
        suite = SUITES.get((machine_archive().distribution, flavour))
    fetch(
        PACKAGES[flavour],
        root,
        suite=suite,
        without=WITHOUT,
        progress=progress,
        download=download,
    )
    return inspect(unpacked_program(root, *PROGRAM_NAMES[flavour]))


def _folders() -> Iterator[Path]:
    for name in os.environ.get("PATH", "").split(os.pathsep):
        if name:
            yield Path(name)
    if "CONDA_PREFIX" in os.environ:
        yield Path(os.environ["CONDA_PREFIX"]) / "bin"
    yield Path(sys.prefix) / "bin"
    for name in FOLDERS:
        yield Path(name)


def _is_confined(path: Path) -> bool:
    """Return whether AppArmor keeps this program inside /var/lib/mysql, as on Ubuntu."""
    profile = str(path.resolve()).strip("/").replace("/", ".")
    return (Path("/etc/apparmor.d") / profile).exists()
