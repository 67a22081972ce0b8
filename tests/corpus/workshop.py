"""A pair of servers: one to make scripts with, one to load them into.

Scripts, and what the real client leaves behind after them, are made once and kept for the session.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sidecar_magics.connection import connect_now
from tests.corpus import bulk
from tests.corpus.fingerprint import SYSTEM_ACCOUNTS, VOLATILE_SETTING, fingerprint, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.corpus.case import Case
    from tests.servers import Server

DATABASES = Path(__file__).with_name("databases")
WIDE = ("corpus_a", "corpus_b", 'corpus `c`. "ü" $1')

# The client obeys commands, whatever its version does without being told. What becomes of comments
# is up to it: we send those that it sends.
CLIENT_OPTIONS = {
    "mysql": ("--default-character-set=utf8mb4", "--commands"),
    "mariadb": ("--default-character-set=utf8mb4",),
}
# For what the tools dump: there are to be comments in it.
WITH_COMMENTS = ("--comments",)
CLIENT_ERROR = re.compile(rb"^ERROR (\d+) ", re.MULTILINE)
NUMBER = re.compile(r"-?[0-9.]+")

# Whom the definitions in the databases name as their author.
AUTHOR = "corpus author"


class Outcome(NamedTuple):
    """What a load left: the error that it ended with, if any, and the server's state."""

    errno: int | None
    state: dict[str, str]


class Workshop:
    """Servers of one flavour, and a folder for the scripts.

    Parameters
    ----------
    source : Server
        Holds what the tools dump; filled when first needed.
    target : Server
        What scripts are loaded into; nobody else works on either.
    folder : Path
        Where the scripts are kept.
    """

    def __init__(self, source: Server, target: Server, folder: Path) -> None:
        self.target = target
        self.flavour = target.flavour
        self.folder = folder
        self._source = source
        self._source_is_full = False
        self._is_spoilt = False
        self._scripts: dict[str, Path] = {}
        self._outcomes: dict[str, Outcome] = {}
        for server in (source, target):
            self._hire_author(server)
        self._settings = dict(_global_settings(target))

    def close(self) -> None:
        """End the servers."""
        self._source.stop()
        self.target.stop()

    @property
    def source(self) -> Server:
        """The server with the databases in it that the tools dump."""
        if not self._source_is_full:
            for name in ("wide", "folder"):
                for path in (DATABASES / f"{name}.sql", DATABASES / f"{name}.{self.flavour}.sql"):
                    if path.exists():
                        self.run_client(self._source, path, options=WITH_COMMENTS, check=True)
            bulk.fill(self._source)
            self._source_is_full = True
        return self._source

    def path(self, name: str, suffix: str = ".sql") -> Path:
        """Return where to write the script of this name."""
        return self.folder / (re.sub(r"[^\w=]+", "-", name) + suffix)

    def script(self, case: Case) -> Path:
        """Return a case's script, made when first asked for."""
        if case.name not in self._scripts:
            self._scripts[case.name] = case.write(self)
        return self._scripts[case.name]

    def by_client(self, case: Case) -> Outcome:
        """Return what the real client leaves."""
        if case.name not in self._outcomes:
            script = self.script(case)
            self.prepare(case)
            errno = self.run_client(self.target, script, case.database, case.client_options)
            self._outcomes[case.name] = Outcome(errno, fingerprint(self.target))
        return self._outcomes[case.name]

    def prepare(self, case: Case) -> None:
        """Empty the target, and put into it what a case begins with."""
        self.reset()
        self._is_spoilt = case.spoils_server
        if case.database:
            with connect_now(self.target.settings) as connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {quoted(case.database)}")
        if case.first:
            self.run_client(self.target, self.script(case.first), case.database, check=True)

    def reset(self) -> None:
        """Drop what scripts have made in the target: schemas, accounts, global settings."""
        if self._is_spoilt:
            self._is_spoilt = False
            self.target.stop()
            shutil.rmtree(self.target.datadir)
            self.target.start()
            self._hire_author(self.target)
            return
        self.target.drop_schemas()
        changed = [
            (name, value)
            for name, value in _global_settings(self.target)
            if self._settings[name] != value
        ]
        with connect_now(self.target.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT user, host FROM mysql.user")
            for user, host in cursor.fetchall():
                if user in SYSTEM_ACCOUNTS or user in ("root", AUTHOR):
                    continue
                if self.flavour == "mariadb" and not host:
                    cursor.execute(f"DROP ROLE {quoted(user)}")
                else:
                    cursor.execute(f"DROP USER {quoted(user)}@{quoted(host)}")
            for name, _ in changed:
                value = self._settings[name]
                text = value if NUMBER.fullmatch(value) else connection.literal(value)
                cursor.execute(f"SET GLOBAL {name} = {text}")

    def run_client(
        self,
        server: Server,
        script: Path,
        database: str | None = None,
        options: Sequence[str] = (),
        *,
        check: bool = False,
    ) -> int | None:
        """Load a script with the real client, and return the number of the error that ended it."""
        command = [*server.client, *CLIENT_OPTIONS[self.flavour], *options]
        if database:
            command += ["--database", database]
        with script.open("rb") as given:
            done = subprocess.run(
                command, stdin=given, capture_output=True, timeout=120, check=False
            )
        error = CLIENT_ERROR.search(done.stderr)
        assert bool(error) == bool(done.returncode), done.stderr
        assert not check or not error, done.stderr
        return int(error[1]) if error else None

    def dump(self, name: str, server: Server, *options: str, head: bytes = b"") -> Path:
        """Write a script with the real tool."""
        path = self.path(name)
        with path.open("wb") as file:
            file.write(head)
            file.flush()
            done = subprocess.run(
                [*server.dump_client, *options],
                stdout=file,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return path

    def _hire_author(self, server: Server) -> None:
        with connect_now(server.settings) as connection, connection.cursor() as cursor:
            account = f"{quoted(AUTHOR)}@'%'"
            cursor.execute(f"CREATE USER {account} IDENTIFIED BY 'Secret;1'")
            cursor.execute(f"GRANT ALL ON *.* TO {account}")


def _global_settings(server: Server) -> Iterator[tuple[str, str]]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES")
        for name, value in cursor.fetchall():
            if not VOLATILE_SETTING.fullmatch(name):
                yield name, value
