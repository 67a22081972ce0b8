"""DataJoint 0.14 and 2.x, behind one small face.

The two lines differ in where they keep the connection, in what `dj.config` takes, and in what they
do with ``use_tls``; what was found out about each is in ARCHITECTURE.md, "DataJoint".
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import logging
import os
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .connection import connect_now
from .errors import DataJointConnectionError, Interrupted
from .server import WEAK_CIPHERS, pymysql_errors
from .settings import resolve
from .sidecar import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from .settings import ConnectionSettings
    from .sidecar import Sidecar

CONFIG_KEYS = tuple(f"database.{name}" for name in ("host", "port", "user", "password", "use_tls"))
SYSTEM_SCHEMAS = {"mysql", "sys", "information_schema", "performance_schema"}


@dataclass(frozen=True)
class DataJointConnection:
    """What `connect` did; its text is the one line that the magic prints.

    Parameters
    ----------
    version : str
        DataJoint's version.
    sidecar : Sidecar
        The server.
    schema_count : int
        Schemas there, not counting the server's own.
    state : str
        ``connected``, ``already connected``, ``reconnected``, ``switched`` or ``connected anew``.
    notes : tuple of str
        What a user should know besides.
    connection : datajoint.Connection
        The connection that DataJoint uses from here on.
    """

    version: str
    sidecar: Sidecar
    schema_count: int
    state: str
    notes: tuple[str, ...] = ()
    connection: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        settings = self.sidecar.settings
        line = (
            f"datajoint {self.version} -> {settings.user}@{settings.address}, "
            f"{self.sidecar.server}, {self.sidecar.tls_cipher or 'not encrypted'}, "
            f"{self.schema_count} schemas ({self.state})"
        )
        return "\n".join([line, *self.notes])


def connect(
    settings: ConnectionSettings | None = None, *, reset: bool = False
) -> DataJointConnection:
    """Set DataJoint's configuration and connect it, without ever asking a question.

    The server is tried before DataJoint is touched. A connection that exists is used again if it
    leads to the same server, and is repaired in place if it is broken, so that tables declared on
    it go on working.

    Parameters
    ----------
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    reset : bool, default False
        Make a new connection even if the present one is alive.

    Raises
    ------
    DataJointConnectionError
        DataJoint is missing, or cannot use this server; its configuration is as it was before.
    ServerNotReadyError, AccessError
        The server does not answer, or refuses.
    Interrupted
        Ctrl-C, or the stop button; DataJoint is as it was.
    """
    settings = resolve() if settings is None else settings
    if ":" in settings.host:
        raise DataJointConnectionError(
            f"DataJoint takes no IPv6 address such as {settings.host}.", hint="use 127.0.0.1."
        )
    try:
        return _connect(settings, reset=reset)
    except KeyboardInterrupt:
        # Also so that no traceback shows the frames that the password passes through.
        raise Interrupted(f"Stopped connecting DataJoint to {settings.address}.") from None


def _connect(settings: ConnectionSettings, *, reset: bool) -> DataJointConnection:
    sidecar, schema_count = _probe(settings)
    datajoint = _import_datajoint()
    face = _face(datajoint)
    before = face.connection()
    with _quiet_log(), _rollback(datajoint, face):
        use_tls = _use_tls(sidecar)
        _configure(datajoint, settings, use_tls)
        password = settings.password.reveal().encode("utf-8")
        state = _next_state(before, settings, password, reset=reset)
        if state == "reconnected":
            _repair(before, password, use_tls)
        elif state != "already connected":
            datajoint.conn(settings.host, settings.user, password, reset=True, use_tls=use_tls)
        connection = face.connection()
        _check_encrypted(connection, settings)
    notes = _notes(before, connection, sidecar, state)
    connection.sidecar_uuid = sidecar.uuid
    version = importlib.metadata.version("datajoint")
    return DataJointConnection(version, sidecar, schema_count, state, notes, connection)


class _FunctionFace:
    """DataJoint up to 2.1 keeps its connection as an attribute of the function ``dj.conn``."""

    def __init__(self, datajoint: ModuleType) -> None:
        self._conn = datajoint.conn

    def connection(self) -> Any:
        return getattr(self._conn, "connection", None)

    def restore(self, connection: Any) -> None:
        if connection is not None:
            self._conn.connection = connection
        elif hasattr(self._conn, "connection"):
            del self._conn.connection


class _InstanceFace:
    """DataJoint from 2.2 on keeps its connection in the module ``datajoint.instance``."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def connection(self) -> Any:
        return self._module._singleton_connection

    def restore(self, connection: Any) -> None:
        self._module._singleton_connection = connection


def _face(datajoint: ModuleType) -> _FunctionFace | _InstanceFace:
    # Never found out by calling dj.conn(), which connects, and in 0.14 asks for a password.
    module = sys.modules.get("datajoint.instance")
    if hasattr(module, "_singleton_connection"):
        return _InstanceFace(module)
    return _FunctionFace(datajoint)


def _probe(settings: ConnectionSettings) -> tuple[Sidecar, int]:
    with connect_now(settings) as connection, connection.cursor() as cursor:
        sidecar = describe(connection, settings, 0.0)
        cursor.execute("SHOW SCHEMAS")
        names = {name for (name,) in cursor.fetchall()}
    return sidecar, len(names - SYSTEM_SCHEMAS)


def _import_datajoint() -> ModuleType:
    if os.environ.get("DJ_THREAD_SAFE", "").lower() in ("1", "true", "yes"):
        raise DataJointConnectionError(
            "DJ_THREAD_SAFE is set: DataJoint has no shared connection then.",
            hint="use dj.Instance(host, user, password), or unset DJ_THREAD_SAFE.",
        )
    with warnings.catch_warnings():
        # 2.x warns that no datajoint.json was found; the configuration is what we are about to set.
        warnings.filterwarnings("ignore", "No datajoint.json", UserWarning)
        try:
            return importlib.import_module("datajoint")
        except ModuleNotFoundError as error:
            if error.name != "datajoint":
                raise
            raise DataJointConnectionError(
                "DataJoint is not installed in this kernel's environment.",
                hint="%pip install 'sidecar-magics[datajoint]', then restart the kernel.",
            ) from None


def _use_tls(sidecar: Sidecar) -> dict[str, Any] | bool:
    """Return DataJoint's ``use_tls``: never None or True, which PyMySQL 1.1 takes for "plain"."""
    if sidecar.tls_cipher is None:
        return False
    use_tls: dict[str, Any] = {}
    if sidecar.settings.ca is not None:
        use_tls = {"ca": str(sidecar.settings.ca), "check_hostname": False, "verify_mode": True}
    if sidecar.weak_tls:
        use_tls["cipher"] = WEAK_CIPHERS
    # An empty dict is "no TLS" to PyMySQL; a key that it does not know is not.
    return use_tls or {"ssl": {}}


def _configure(
    datajoint: ModuleType, settings: ConnectionSettings, use_tls: dict[str, Any] | bool
) -> None:
    # One by one: 2.x's config has no update(). Its use_tls takes no dict.
    values = (
        settings.host,
        settings.port,
        settings.user,
        settings.password.reveal(),
        bool(use_tls),
    )
    for key, value in zip(CONFIG_KEYS, values):
        datajoint.config[key] = value


def _next_state(before: Any, settings: ConnectionSettings, password: bytes, *, reset: bool) -> str:
    """Return what is to be done with the connection that DataJoint has."""
    if before is None:
        return "connected"
    if not _leads_to(before, settings):
        return "switched"
    if reset:
        return "connected anew"
    same_password = before.conn_info["passwd"] in (password, settings.password)
    good = same_password and _alive(before) and (not settings.must_encrypt or _cipher(before))
    return "already connected" if good else "reconnected"


def _leads_to(connection: Any, settings: ConnectionSettings) -> bool:
    wanted = (settings.host, settings.port, settings.user)
    return tuple(connection.conn_info[name] for name in ("host", "port", "user")) == wanted


def _alive(connection: Any) -> bool:
    # Not is_connected: 2.3.5 says True of a connection that was killed.
    try:
        connection.query("SELECT 1", reconnect=False)
    except Exception:
        return False
    return True


def _repair(connection: Any, password: bytes, use_tls: dict[str, Any] | bool) -> None:
    connection.conn_info.update(passwd=password, ssl_input=use_tls)
    connection.conn_info.pop("ssl", None)
    if use_tls:
        connection.conn_info["ssl"] = use_tls
    elif "database_name" in connection.conn_info:
        connection.conn_info["ssl"] = False  # 2.x would take an absent one for "preferred"
    connection.connect()


def _check_encrypted(connection: Any, settings: ConnectionSettings) -> None:
    if settings.must_encrypt and not _cipher(connection):
        raise DataJointConnectionError(
            f"DataJoint's connection to {settings.address} is not encrypted, but TLS is required."
        )


def _cipher(connection: Any) -> str:
    return str(connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1])


def _notes(before: Any, connection: Any, sidecar: Sidecar, state: str) -> tuple[str, ...]:
    notes = []
    known_uuid = getattr(before, "sidecar_uuid", None)
    remade = known_uuid not in (None, sidecar.uuid) and sidecar.flavour == "mysql"
    if state == "reconnected" and remade:
        notes.append("The server was made anew and its data is gone: run %mysql_load again.")
    if before is not None and before is not connection:
        stale = sorted(before.schemas)
        if stale:
            shown = ", ".join(stale[:5]) + (" …" if len(stale) > 5 else "")
            notes.append(f"Still bound to the old connection: {shown}; restart the kernel.")
        else:
            before.close()
    if sidecar.charset != "utf8mb4":
        notes.append(f"New schemas get the character set {sidecar.charset}, not utf8mb4.")
    return tuple(notes)


@contextlib.contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep DataJoint's log to warnings: at DEBUG, 0.14 writes the password into it."""
    logger = logging.getLogger("datajoint")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _rollback(datajoint: ModuleType, face: _FunctionFace | _InstanceFace) -> Iterator[None]:
    """Give DataJoint back its configuration and connection if connecting fails."""
    saved = {key: datajoint.config[key] for key in CONFIG_KEYS}
    before = face.connection()
    info = dict(before.conn_info) if before is not None else {}
    try:
        yield
    except BaseException as error:
        for key, value in saved.items():
            datajoint.config[key] = value
        face.restore(before)
        if before is not None:
            before.conn_info.clear()
            before.conn_info.update(info)
        if isinstance(error, (DataJointConnectionError, KeyboardInterrupt)):
            raise
        raise DataJointConnectionError(
            f"DataJoint could not be connected: {_words(error)}.",
            hint="%mysql_wait shows whether the server can be used.",
        ) from None


def _words(error: BaseException) -> str:
    if isinstance(error, pymysql_errors()) and len(error.args) > 1:
        return f"{error.args[1]} ({error.args[0]})"
    return f"{type(error).__name__}: {error}"
