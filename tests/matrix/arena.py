"""The servers of the matrix, and how a cell is run against one."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.certificates import write_certificate
from tests.servers import DATAJOINT_CIPHER, Server

if TYPE_CHECKING:
    from tests.matrix.environments import Environment

# What datajoint/mysql:8.0 sets and MariaDB has as well. Source: its my.cnf. The account's plugin is
# mysql_native_password in both.
DATAJOINT_IMAGE = (
    f"--ssl-cipher={DATAJOINT_CIPHER}",
    "--tls-version=TLSv1.2",
    "--sql-mode=STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY",
    "--character-set-server=utf8mb4",
    "--max-allowed-packet=512M",
    "--wait-timeout=86400",
    "--interactive-timeout=86400",
    "--innodb-rollback-on-timeout=1",
)


class Kind(NamedTuple):
    """A kind of server.

    Parameters
    ----------
    title : str
        As the table's column is called.
    flavour : str
        ``mysql`` or ``mariadb``.
    has_tls : bool
        Whether it offers TLS; a MariaDB gets a certificate then.
    options : tuple of str
        For its command line.
    """

    title: str
    flavour: str
    has_tls: bool
    options: tuple[str, ...] = ()


KINDS = {
    "mysql": Kind("MySQL 9.7", "mysql", has_tls=True),
    "mysql-plain": Kind("MySQL 9.7, no TLS", "mysql", has_tls=False, options=("--tls-version=",)),
    "mariadb-tls": Kind("MariaDB 10.11, TLS", "mariadb", has_tls=True),
    "mariadb": Kind("MariaDB 10.11, no TLS", "mariadb", has_tls=False),
    "datajoint": Kind("like datajoint/mysql:8.0", "mariadb", has_tls=True, options=DATAJOINT_IMAGE),
}


def server_of(kind: Kind, folder: Path) -> Server:
    """Return a server of this kind, not yet started."""
    options = kind.options
    if kind.has_tls and kind.flavour == "mariadb":
        certificate, key = write_certificate(folder)
        options = (f"--ssl-cert={certificate}", f"--ssl-key={key}", *options)
    return Server(kind.flavour, folder / "server", options=options)


def run_cell(environment: Environment, kind: Kind, server: Server) -> dict[str, Any]:
    """Run one cell; return what it printed.

    Raises
    ------
    subprocess.CalledProcessError
        It did not come to its end; its standard error says why.
    """
    python, variables = environment.python()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(python), "-m", "tests.matrix.cell"],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={
                **variables,
                "HOME": folder,
                "SIDECAR_MAGICS_HOME": folder,
                "CELL_PORT": str(server.port),
                "CELL_PASSWORD": server.password,
                "CELL_TLS": "yes" if kind.has_tls else "no",
            },
            timeout=300,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
