"""Root's password in a container of ours: in a file there, not on command lines or in `inspect`.

The file comes through standard input of ``cp``, before the first start: an environment variable is
visible in `inspect`.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from typing import TYPE_CHECKING

from ...connection import connect_now
from ...errors import LocalServerError
from ..process import settings_for
from .client import PODMAN
from .recipe import GROUP_ID, PASSWORD_FILE, USER_ID

if TYPE_CHECKING:
    from .client import Client
    from .container import Container

READ_BY_OWNER = 0o400
ACCOUNTS = "SELECT User, Host FROM mysql.user WHERE User = 'root'"


def put_password(client: Client, identifier: str, password: str) -> None:
    """Put the file with the password into a container, readable for the server's account only.

    It comes through standard input, as an archive.

    Raises
    ------
    EngineRefusal
        The engine does not take it.
    """
    content = password.encode()
    member = tarfile.TarInfo(PASSWORD_FILE.lstrip("/"))
    member.size, member.mode = len(content), READ_BY_OWNER
    member.uid, member.gid = USER_ID, GROUP_ID
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(member, io.BytesIO(content))
    # The owners in the archive are kept: by Docker without --archive, which looks the container's
    # user up by name, and by podman where that is false.
    keep = ["--archive=false"] if client.kind == PODMAN else []
    client.run("cp", *keep, "-", f"{identifier}:/", given=archive.getvalue())


def read_password(client: Client, identifier: str) -> str:
    """Return the password that is in a container of ours, whether it runs or not.

    Raises
    ------
    LocalServerError
        The file is missing or broken.
    EngineRefusal
        The engine does not hand it out.
    """
    archive = client.run("cp", f"{identifier}:{PASSWORD_FILE}", "-")
    with (
        contextlib.suppress(tarfile.TarError, UnicodeDecodeError),
        tarfile.open(fileobj=io.BytesIO(archive)) as tar,
    ):
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                return file.read().decode()
    raise LocalServerError(
        f"The container {identifier[:12]} has no file {PASSWORD_FILE} with its password.",
        hint="`sidecar-magics down --delete-data` removes it with its data.",
    )


def change_password(client: Client, container: Container, old: str, new: str) -> None:
    """Give all of root's accounts another password, and keep it in the container.

    Raises
    ------
    EngineRefusal
        The engine does not take the file; then the accounts have the new password already.
    """
    with (
        connect_now(settings_for(container.port, old)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(ACCOUNTS)
        for user, host in cursor.fetchall():
            cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", (user, host, new))
    put_password(client, container.id, new)
