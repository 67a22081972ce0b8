"""The options that MySQL and MariaDB need to run privately, and their differences.

``--no-defaults`` ignores ``mysqld-auto.cnf`` too, so SET PERSIST has no effect after a restart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LocalServerError
from .program import Program
from .state import MARIADB, MYSQL, NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Sized for a laptop that runs notebooks as well. The packet is the protocol's limit, because a
# dump may hold a blob of any size; memory is taken only while such a packet is read.
OPTIONS = (
    "--bind-address=127.0.0.1",
    "--socket=",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=256M",
    "--max-allowed-packet=1G",
    # %mysql_load sends rows by LOAD DATA LOCAL, from its memory. Files are for the client to give,
    # so this opens nothing by itself.
    "--local-infile=ON",
    # Without it the idle MySQL 9.7 takes 300 MB instead of 555; it is off in MariaDB by default.
    "--performance-schema=OFF",
    # A folder in which nothing can ever be: INSTALL PLUGIN, INSTALL COMPONENT, INSTALL SONAME and
    # CREATE FUNCTION ... SONAME find nothing to load: neither a file that a script put there (INTO
    # DUMPFILE) nor the distribution's plugins, such as engines that read other files.
    f"--plugin-dir={os.devnull}",
)
# The folder for temporary files, below the data folder: the server may write nowhere else.
TEMPORARY = "#tmp"
FLAVOUR_OPTIONS: Mapping[str, Sequence[str]] = {
    MYSQL: (
        "--loose-mysqlx=OFF",
        "--secure-file-priv=NULL",
        "--loose-innodb-redo-log-capacity=100M",
        # Statements of this machine only, even after a script has asked for others.
        "--loose-skip-replica-start",
    ),
    MARIADB: (
        "--innodb-log-file-size=96M",
        "--skip-slave-start",
        # MariaDB has no NULL here; no file's path begins with "/dev/null/".
        f"--secure-file-priv={os.devnull}",
        # It takes each folder for a schema, except the one in `TEMPORARY`.
        f"--ignore-db-dirs={TEMPORARY}",
    ),
}
# A file that a data folder of this flavour has.
LANDMARKS = {MYSQL: "mysql.ibd", MARIADB: "mysql/global_priv.frm"}

# In the order of mariadb-install-db, which is a shell script that cannot be run from an unpacked
# root; a server without one of the last ones works.
MARIADB_SCRIPTS = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "fill_help_tables.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
)
# What their names begin with; since MariaDB 11 it is the second.
SCRIPT_PREFIXES = ("mysql_", "mariadb_")
# The scripts' root accounts for other names of this machine would stay without a password.
MARIADB_LAST_WORDS = "DELETE FROM global_priv WHERE User = 'root' AND Host <> 'localhost';\n"


@dataclass(frozen=True)
class Engine:
    """A server program of one flavour.

    Parameters
    ----------
    flavour : str
        ``mysql`` or ``mariadb``.
    version : str
        Such as ``9.7.4``.
    program : Program
        ``mysqld`` or ``mariadbd``.
    options : tuple of str, default ()
        Further options for every start of the server.
    """

    flavour: str
    version: str
    program: Program
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{NAMES[self.flavour]} {self.version}"

    def initialise(self, datadir: Path, log: Path) -> None:
        """Make a data folder with the system schemas and a root account without a password.

        Parameters
        ----------
        datadir : Path
            Absent or empty; it appears complete or not at all.
        log : Path
            File for the server's messages.

        Raises
        ------
        LocalServerError
            The folder has something else in it, or the server could not make it.
        """
        if datadir.is_dir() and any(datadir.iterdir()):
            raise LocalServerError(
                f"{datadir} is not empty, and is not a data folder of {NAMES[self.flavour]}.",
                hint="name another folder, or move its files away.",
            )
        datadir.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=f".{datadir.name}.partial-", dir=datadir.parent))
        fresh = workshop / "data"
        try:
            if self.flavour == MARIADB:
                self._bootstrap_mariadb(fresh, log)
            else:
                self._run(["--initialize-insecure", *self._making(fresh)], log)
            fresh.chmod(0o700)  # the servers let the group in
            fresh.replace(datadir)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def is_initialised(self, datadir: Path) -> bool:
        """Return whether `datadir` is a data folder of this flavour."""
        return (datadir / LANDMARKS[self.flavour]).exists()

    def command(self, datadir: Path, *, port: int, log: Path, init_file: Path) -> list[str]:
        """Return the command line that runs the server in the foreground.

        Parameters
        ----------
        datadir : Path
            Initialised data folder.
        port : int
            TCP port on 127.0.0.1.
        log : Path
            File for the server's messages.
        init_file : Path
            SQL that is run before the first connection is accepted, one statement a line.
        """
        return self.program.command(
            *self._common(datadir),
            f"--port={port}",
            f"--log-error={log}",
            f"--pid-file={datadir / 'server.pid'}",
            f"--init-file={init_file}",
            f"--tmpdir={datadir / TEMPORARY}",
            *OPTIONS,
            *FLAVOUR_OPTIONS[self.flavour],
            *self.options,
        )

    def _common(self, datadir: Path) -> list[str]:
        """Return the options that every run of the program needs; --no-defaults must be first."""
        root = self.program.root
        options = ["--no-defaults", f"--datadir={datadir}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--user=root")  # both refuse to run as root unless told to
        if root is not None:
            options += [
                f"--basedir={root / 'usr'}",
                f"--lc-messages-dir={self._share()}",
                f"--character-sets-dir={self._share() / 'charsets'}",
            ]
        return options

    def _making(self, datadir: Path) -> list[str]:
        # Several servers at once in /tmp find each other's temporary tables there.
        return [*self._common(datadir), f"--tmpdir={datadir.parent}"]

    def _share(self) -> Path:
        """Return the folder with messages, character sets and MariaDB's scripts."""
        prefix = self.program.path.resolve().parent.parent
        for name in ("share/mysql", "share/mariadb", "share"):
            if (prefix / name / "charsets").is_dir():
                return prefix / name
        raise LocalServerError(f"{self} has no share folder below {prefix}.")

    def _bootstrap_mariadb(self, datadir: Path, log: Path) -> None:
        datadir.mkdir()
        sql = bootstrap_sql(self._share())
        self._run(["--bootstrap", *self._making(datadir)], log, sql)

    def _run(self, arguments: Sequence[str], log: Path, sql: str = "") -> None:
        arguments = ["--no-defaults", *(item for item in arguments if item != "--no-defaults")]
        with log.open("ab") as messages:
            run = subprocess.run(
                self.program.command(*arguments),
                input=sql.encode(),
                stdout=messages,
                stderr=messages,
                check=False,
                env=environment(),
                start_new_session=True,
            )
        if run.returncode:
            raise LocalServerError(
                f"{self} could not make its data folder.",
                details=telling_lines(log),
                hint=f"the whole log is {log}.",
            )


def bootstrap_sql(share: Path) -> str:
    """Return the SQL that makes MariaDB's system schemas, from the scripts in its share folder.

    Parameters
    ----------
    share : Path
        The folder; of the scripts whose names changed with MariaDB 11, it has the old or the new.

    Raises
    ------
    LocalServerError
        It has not the script that makes the system tables.
    """
    found = []
    for name in MARIADB_SCRIPTS:
        paths = [share / name.replace(SCRIPT_PREFIXES[0], each, 1) for each in SCRIPT_PREFIXES]
        found += [path for path in dict.fromkeys(paths) if path.exists()][:1]
    if not found or not found[0].name.endswith(MARIADB_SCRIPTS[0].partition("_")[2]):
        raise LocalServerError(f"{share} has no script that makes MariaDB's system tables.")
    # In bootstrap mode a line is a statement, unless the statement is longer.
    first = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"
    scripts = [path.read_text(encoding="utf-8") for path in found]
    return "\n".join([first, *scripts, MARIADB_LAST_WORDS])


def inspect(program: Program) -> Engine:
    """Ask a server program for its kind and version.

    Raises
    ------
    LocalServerError
        It cannot be run, or does not say.
    """
    try:
        text = subprocess.run(
            program.command("--no-defaults", "--version"),
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
            env=environment(),
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalServerError(f"{program.path} cannot be run: {error}.") from None
    match = re.search(r"Ver (\d+\.\d+\.\d+)", text)
    if match is None:
        raise LocalServerError(f"{program.path} does not print its version: {text.strip()!r}.")
    return Engine(MARIADB if "mariadb" in text.lower() else MYSQL, match[1], program)


def password_sql(password: str) -> str:
    r"""Return the init-file that gives root its password: one statement a line.

    Any text is quoted right for a server whose sql_mode is its default: quotes and backslashes are
    escaped, and so are the line ends, which would end the statement.
    """
    escapes = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}
    quoted = "".join(escapes.get(character, character) for character in password)
    account = "'root'@'localhost'"  # what both servers take a connection from 127.0.0.1 for
    return f"SET NAMES utf8mb4;\nALTER USER {account} IDENTIFIED BY '{quoted}';\n"


def telling_lines(log: Path, count: int = 4) -> list[str]:
    """Return the lines of a log that say why a server ended.

    Parameters
    ----------
    log : Path
        The server's log; may be absent.
    count : int, default 4
        Lines at most.

    Returns
    -------
    list of str
        The first errors, since the later ones follow from them; the last lines if there is none.
    """
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    errors = [line for line in lines if "[ERROR]" in line]
    return errors[:count] or lines[-count:]


def environment() -> dict[str, str]:
    """Return a server's environment: the little it needs, and no password."""
    keep = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME")
    return {name: os.environ[name] for name in keep if name in os.environ}
