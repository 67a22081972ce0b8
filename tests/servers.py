"""Real servers for the tests: a private MySQL and a private MariaDB, each on a port of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import ssl
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from filelock import FileLock

import sidecar_magics.local.engine
from sidecar_magics.connection import connect_now
from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.find import packaged_engine
from sidecar_magics.local.process import is_alive, is_taken, run_server, stop
from sidecar_magics.local.program import unpacked_program
from sidecar_magics.schemas import SYSTEM_SCHEMAS
from sidecar_magics.settings import ConnectionSettings, Secret
from sidecar_magics.wait import wait
from tests.ports import quiet_port
from tools.setup_venv import CACHE, fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    import psutil

    from sidecar_magics.local.engine import Engine

# The only cipher that datajoint/mysql:8.0's my.cnf allows.
DATAJOINT_CIPHER = "DHE-RSA-AES256-SHA"
# Python has a list of ciphers of its own, without this one, unless it was built as Debian's is.
DEFAULT_LIST_HAS_IT = any(
    cipher["name"] == DATAJOINT_CIPHER
    for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()
)

CLIENTS = {"mysql": ("mysql",), "mariadb": ("mariadb", "mysql")}
DUMP_CLIENTS = {"mysql": ("mysqldump",), "mariadb": ("mariadb-dump", "mysqldump")}

# A server that runs already, as HOST:PORT, its root's password, and what comes before the name of
# a client on the command line, such as `docker exec --interactive NAME`: that is how continuous
# integration runs the tests on many versions.
GIVEN = "SIDECAR_TEST_SERVER"
GIVEN_PASSWORD = "SIDECAR_TEST_PASSWORD"
GIVEN_CLIENT = "SIDECAR_TEST_CLIENT"

# What MySQL executes, and MariaDB before 11.8 does not.
MYSQLS_COLLATION = "SELECT _utf8mb4 'a' COLLATE utf8mb4_0900_ai_ci"

# What a server writes is left to the system, which keeps it also when the server is killed: nothing
# in tests is to survive a power failure, and each definition would wait for the disk.
UNSYNCED = ("--innodb-flush-method=nosync", "--loose-sync-frm=OFF")

DROP_LIMIT_S = 60

NUMBER = re.compile(r"-?\d+(\.\d+)?")

# Errors of SET: the variable is read-only, or can be set for a session only: the server changed it.
SET_BY_SERVER = {1193, 1228, 1238}

# New data folders, by kind and version of the server.
TEMPLATES = CACHE / "data"

# Seconds for a server to start and to end, on a machine that is as busy as can be.
LIMIT_S = 240


class Server:
    """A server with its own data, from the distribution's packages.

    Attributes
    ----------
    host, port, user, password : str and int
        How to log in; the port stays the same over `stop` and `start`, from the first start on.
    flavour : str
        ``mysql`` or ``mariadb``.
    engine : Engine
        The program, with its version.
    client, dump_client : list of str
        Beginning of the command line of the real client, with host, port and login.
    """

    host = "127.0.0.1"
    user = "root"

    def __init__(
        self,
        flavour: str,
        folder: Path,
        password: str = "tutorial",
        *,
        options: tuple[str, ...] = (),
    ) -> None:
        if given_address() is not None:
            pytest.skip(f"needs a server of its own, and {GIVEN} names the one to use")
        self.flavour = flavour
        self.password = password
        self.engine: Engine = replace(packaged_engine(flavour), options=options)
        self.folder = folder
        self.datadir = folder / "data"
        self.log = folder / "server.log"
        self.port = quiet_port()
        self._is_known = False  # nobody has asked for the port yet
        self._process: psutil.Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._login = folder / "client.cnf"
        self._login.touch(mode=0o600)
        self.client = self._client_command(*CLIENTS[flavour])
        self.dump_client = self._client_command(*DUMP_CLIENTS[flavour])

    @property
    def pid(self) -> int:
        """Process of the running server."""
        assert self._process is not None, "the server is not running"
        return int(self._process.pid)

    def start(self) -> Server:
        """Start the server; its data is as it was left."""
        if self._process is not None and is_alive(self._process):
            return self
        if not self.engine.is_initialised(self.datadir):
            self._make_data()
        self._process = self._run()
        self._write_login()
        self._globals = self._global_variables()
        return self

    def stop(self) -> None:
        """End the server the clean way."""
        if self._process is not None:
            stop(self._process, timeout_s=LIMIT_S)
        self._process = None

    def kill(self) -> None:
        """End the server as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(LIMIT_S)
        self._process = None

    def _make_data(self) -> None:
        """Copy a new data folder: making it takes five seconds, so there is one to copy.

        It is made for each version of the server, and anew when what makes it has changed.
        """
        maker = fingerprint([Path(sidecar_magics.local.engine.__file__)])
        template = TEMPLATES / f"{self.flavour}-{self.engine.version}-{maker[:12]}"
        template.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{template}.lock", timeout=LIMIT_S):
            if not template.exists():
                self._initialise()
                partial = Path(tempfile.mkdtemp(prefix="partial-", dir=template.parent))
                shutil.copytree(self.datadir, partial / "data")
                # A server's UUID: each makes its own when it starts without one.
                (partial / "data" / "auto.cnf").unlink(missing_ok=True)
                (partial / "data").replace(template)
                partial.rmdir()
                return
        shutil.copytree(template, self.datadir, dirs_exist_ok=True)

    def _initialise(self) -> None:
        try:
            self.engine.initialise(self.datadir, self.log)
        except LocalServerError:  # MariaDB's sometimes gives up where others start beside it
            shutil.rmtree(self.datadir, ignore_errors=True)
            self.engine.initialise(self.datadir, self.log)

    def _write_login(self) -> None:
        self._login.write_text(
            f"[client]\nhost={self.host}\nport={self.port}\nuser={self.user}\n"
            f'password="{self.password}"\nprotocol=tcp\n'
        )

    def _run(self) -> psutil.Process:
        while True:
            try:
                process = run_server(
                    self.engine,
                    self.datadir,
                    port=self.port,
                    password=self.password,
                    log=self.log,
                    timeout_s=LIMIT_S,
                )
            except LocalServerError:
                if self._is_known or not is_taken(self.port):
                    raise
                self.port = quiet_port()  # another program was faster
            else:
                self._is_known = True
                return process

    @property
    def settings(self) -> ConnectionSettings:
        """How to connect to it."""
        return ConnectionSettings(self.host, self.port, self.user, Secret(self.password))

    def schemas(self) -> list[str]:
        """Return the names of all schemas but the server's own."""
        with connect_now(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW SCHEMAS")
            return [name for (name,) in cursor.fetchall() if name not in SYSTEM_SCHEMAS]

    def drop_schemas(self) -> None:
        """Drop all schemas but the server's own."""
        names = self.schemas()
        with connect_now(self.settings) as connection, connection.cursor() as cursor:
            # Whoever still has a table open is not waited for, for a year.
            cursor.execute(f"SET foreign_key_checks = 0, lock_wait_timeout = {DROP_LIMIT_S}")
            for name in names:
                cursor.execute("DROP SCHEMA `" + name.replace("`", "``") + "`")

    def restore_globals(self) -> None:
        """Set the global variables that differ to what they were when the server started.

        A test that runs next to others, in another order each time, relies on a new server's.
        """
        now = self._global_variables()
        changed = [name for name in now if now[name] != self._globals.get(name, now[name])]
        with connect_now(self.settings) as connection, connection.cursor() as cursor:
            for name in changed:
                before = self._globals[name]
                value = Decimal(before) if NUMBER.fullmatch(before) else before
                try:
                    cursor.execute(f"SET GLOBAL `{name}` = %s", (value,))
                except pymysql.MySQLError as error:
                    if error.args[0] not in SET_BY_SERVER:
                        raise

    def _global_variables(self) -> dict[str, str]:
        with connect_now(self.settings) as connection, connection.cursor() as cursor:
            # A script may have limited the rows of SHOW, too, for all new connections.
            cursor.execute("SET sql_select_limit = 18446744073709551615")
            # Those of GTID are positions in the binary log, that only go up.
            cursor.execute("SHOW GLOBAL VARIABLES WHERE variable_name NOT LIKE 'gtid%'")
            return dict(cursor.fetchall())

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _client_command(self, *names: str) -> list[str]:
        root = self.engine.program.root
        assert root is not None
        return unpacked_program(root, *names).command(f"--defaults-file={self._login}")


class GivenServer(Server):
    """A server that somebody else has started, and that the tests may neither stop nor look into.

    Its schemas are dropped, as those of every test are; so it has to have none at the beginning.

    Parameters
    ----------
    address : str
        ``host:port``.
    folder : Path
        For the file with which clients log in.
    password : str, default "tutorial"
        Root's.
    prefix : str, default ""
        Command that runs the clients, where they are not on PATH: in the server's container.
    """

    def __init__(
        self, address: str, folder: Path, password: str = "tutorial", prefix: str = ""
    ) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.password = password
        self._login = folder / "given.cnf"
        self._login.touch(mode=0o600)
        self._write_login()
        found = wait(self.settings, timeout_s=LIMIT_S)
        self.flavour = found.flavour
        self.client = self._client(prefix, CLIENTS[found.flavour])
        self.dump_client = self._client(prefix, DUMP_CLIENTS[found.flavour])
        self._globals = self._global_variables()
        if self.schemas():
            pytest.exit(f"{GIVEN}={address} has schemas, which the tests would drop.", 2)

    def start(self) -> Server:
        """Return it as it is."""
        return self

    def stop(self) -> None:
        """Skip the test."""
        self._skip("stop")

    def kill(self) -> None:
        """Skip the test."""
        self._skip("kill")

    @property
    def pid(self) -> int:
        """Skip the test."""
        self._skip("pid")

    def __getattr__(self, name: str) -> object:
        """Skip a test that asks for what only a server of its own has."""
        if name in {"engine", "folder", "datadir", "log"}:
            self._skip(name)
        raise AttributeError(name)

    def _skip(self, what: str) -> NoReturn:
        pytest.skip(f"needs a server of its own ({what}), and {GIVEN} names the one to use")

    def _client(self, prefix: str, names: tuple[str, ...]) -> list[str]:
        """Return the beginning of a client's command line; without a password on it."""
        if prefix:
            # There the server has its own port, and MYSQL_PWD the password.
            login = ["--host=127.0.0.1", f"--user={self.user}", "--protocol=tcp"]
            return [*shlex.split(prefix), names[0], "--no-defaults", *login]
        program = next((name for name in names if shutil.which(name)), names[0])
        return [program, f"--defaults-file={self._login}"]


def execute(server: Server, *statements: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute statements on one connection, the last one with values, and return its rows."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for statement in statements[:-1]:
            cursor.execute(statement)
        cursor.execute(statements[-1], values or None)
        rows = list(cursor.fetchall())
        connection.commit()
        return rows


def given_address() -> str | None:
    """Return where the server is that the tests are to use; None where they start their own."""
    return os.environ.get(GIVEN) or None


def given_server(folder: Path) -> GivenServer:
    """Return the server that the tests are to use; its login goes into a file in `folder`."""
    return GivenServer(
        os.environ[GIVEN],
        folder,
        os.environ.get(GIVEN_PASSWORD, "tutorial"),
        os.environ.get(GIVEN_CLIENT, ""),
    )


def takes(settings: ConnectionSettings, sql: str) -> bool:
    """Return whether a server executes a statement."""
    with connect_now(settings) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(sql)
        except pymysql.MySQLError:
            return False
        return True


def needs_servers() -> bool:
    """Return whether a test without its server has failed, as in CI, or is only skipped."""
    return bool(os.environ.get("CI"))
