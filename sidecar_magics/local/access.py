"""The password of the server that ``up`` starts, and the file that gives it to other programs.

It is kept after `down` and set at each start by ``--init-file``, so running kernels can reconnect.
It is never tried on a server that `up` merely finds on the port: that may be another account's.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
from typing import TYPE_CHECKING

from ..files import OWNER_ONLY, write
from ..settings import PUBLIC_PASSWORDS
from .state import MARIADB, folders

if TYPE_CHECKING:
    from pathlib import Path

    from .state import LocalSidecar

RANDOM_BYTES = 24

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def password_for(datadir: Path, last: LocalSidecar | None) -> str:
    """Return the password for a server whose user has chosen none.

    Every account of this machine can reach the port, so the password must not be public. It stays
    the same as long as the data does, so that programs which have it continue to work.

    Parameters
    ----------
    datadir : Path
        The server's data folder.
    last : LocalSidecar or None
        The earlier sidecar, running or not.
    """
    if last is not None and last.datadir == datadir and last.password not in PUBLIC_PASSWORDS:
        return last.password
    return secrets.token_urlsafe(RANDOM_BYTES)


def write_client_file(sidecar: LocalSidecar) -> None:
    """Write the option file with which other programs log in, readable for its owner only."""
    quoted = "".join(_ESCAPES.get(character, character) for character in sidecar.password)
    lines = (
        "# Written by `sidecar-magics up`, removed by `sidecar-magics down`.",
        "[client]",
        f"host={sidecar.host}",
        f"port={sidecar.port}",
        "protocol=tcp",
        f"user={sidecar.user}",
        f'password="{quoted}"',
    )
    write(_client_file(), "\n".join(lines) + "\n", mode=OWNER_ONLY)


def remove_client_file() -> None:
    """Remove the option file, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        _client_file().unlink()


def client_command(sidecar: LocalSidecar) -> str | None:
    """Return the command that logs in to the running sidecar; None if its file is missing."""
    path = _client_file()
    program = "mariadb" if sidecar.flavour == MARIADB else "mysql"
    return f"{program} --defaults-file={shlex.quote(str(path))}" if path.is_file() else None


def _client_file() -> Path:
    return folders().state / "client.cnf"
