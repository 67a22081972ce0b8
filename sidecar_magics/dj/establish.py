"""Connect DataJoint: probe, configure, connect or repair, check; or leave everything as it was."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..connection import connect_now
from ..errors import DataJointConnectionError, Interrupted, SidecarError
from ..server import pymysql_errors
from ..sidecar import describe
from ..wait import wait
from .config import KEYS, TLS_KEY, assignments, configured
from .identity import Known, Memory, look_at, shortened
from .masking import MaskedBytes
from .target import SOURCE, overruled, resolve_target, wishes
from .tls import use_tls
from .versions import load_datajoint, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..settings import ConnectionSettings
    from ..sidecar import Sidecar
    from ..wait import WaitStatus
    from .config import ConfigFile
    from .tls import UseTls
    from .versions import DataJoint


@dataclass(frozen=True)
class DataJointConnection:
    """What `connect` did; its text is what the magic prints.

    Parameters
    ----------
    version : str
        DataJoint's version.
    sidecar : Sidecar
        The server.
    tls_cipher : str or None
        Cipher of DataJoint's connection; None if it is not encrypted.
    schemas : frozenset of str
        The schemas there, without the server's own.
    state : str
        ``connected``, ``already connected``, ``reconnected``, ``switched`` or ``connected anew``.
    notes : tuple of str
        What a user should know besides.
    connection : datajoint.Connection
        The connection that DataJoint uses from here on.
    """

    version: str
    sidecar: Sidecar
    tls_cipher: str | None
    schemas: frozenset[str]
    state: str
    notes: tuple[str, ...] = ()
    connection: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        settings = self.sidecar.settings
        count = len(self.schemas)
        line = (
            f"datajoint {self.version} -> {settings.user}@{settings.address}, "
            f"{self.sidecar.server}, {self.tls_cipher or 'not encrypted'}, "
            f"{count} {'schema' if count == 1 else 'schemas'} ({self.state})"
        )
        return "\n".join([line, *self.notes])


class Probe(NamedTuple):
    """What our own connection found, before DataJoint is touched."""

    sidecar: Sidecar
    known: Known


def connect(
    settings: ConnectionSettings | None = None,
    *,
    reset: bool = False,
    wait_s: float | None = None,
    config_file: ConfigFile | None = None,
    progress: Callable[[WaitStatus], None] | None = None,
) -> DataJointConnection:
    """Set DataJoint's configuration and connect it, without ever asking a question.

    The server is tried before DataJoint is touched. A connection that exists is used again if it
    leads to the same server, and is repaired in place if it is broken, so that tables declared on
    it go on working.

    Parameters
    ----------
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve_target()`.
    reset : bool, default False
        Make a new connection even if the present one is alive.
    wait_s : float, optional
        Seconds to wait for the server, as `wait` does. Default: one attempt.
    config_file : ConfigFile, optional
        A file whose other settings (stores, say) are set as well.
    progress : callable, optional
        As for `wait`.

    Raises
    ------
    DataJointConnectionError
        DataJoint is missing, or cannot use this server; its configuration is as it was before.
    ServerNotReadyError, AccessError
        The server does not answer, or refuses.
    Interrupted
        Ctrl-C, or the stop button; DataJoint is as it was.
    """
    datajoint = load_datajoint()
    settings = resolve_target(config_file=config_file) if settings is None else settings
    if ":" in settings.host:
        raise DataJointConnectionError(
            f"DataJoint takes no IPv6 address such as {settings.host}.", hint="use 127.0.0.1."
        )
    try:
        probe = _probe(settings, wait_s, progress)
        return _establish(datajoint, probe, config_file, reset=reset)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Interrupted):
            raise
        # Also so that no traceback shows the frames that the password passes through.
        raise Interrupted(f"Stopped connecting DataJoint to {settings.address}.") from None


def _probe(
    settings: ConnectionSettings,
    wait_s: float | None,
    progress: Callable[[WaitStatus], None] | None,
) -> Probe:
    try:
        if wait_s is not None:
            wait(settings, timeout_s=wait_s, progress=progress)
        with connect_now(settings) as connection:
            sidecar = describe(connection, settings, 0.0)
            return Probe(sidecar, look_at(connection, sidecar))
    except SidecarError as error:
        error.details = (*error.details, f"({settings.origins()})")
        raise


def _establish(
    datajoint: DataJoint, probe: Probe, config_file: ConfigFile | None, *, reset: bool
) -> DataJointConnection:
    settings = probe.sidecar.settings
    encryption = use_tls(probe.sidecar)
    before = datajoint.connection
    memory = Memory.of(before)
    ignored = overruled(settings, wishes(datajoint, config_file))
    others = config_file.others if config_file else {}
    dropped = [key for key in others if not datajoint.config.takes(key)]
    values = {key: value for key, value in others.items() if key not in dropped}
    ours = assignments(settings, encrypted=encryption is not False)
    state = _next_state(before, settings, reset=reset)
    with quiet(), _explained(settings), _kept(datajoint), configured(datajoint, {**values, **ours}):
        if state == "reconnected":
            _repair(before, settings, encryption)
        elif state != "already connected":
            _open(datajoint, settings, encryption)
        connection = datajoint.connection
        cipher = _cipher(connection)
        if settings.must_encrypt and not cipher:
            raise DataJointConnectionError(
                f"DataJoint's connection to {settings.address} is not encrypted, "
                "but TLS is required."
            )
    known = memory.servers.get(settings.address)
    declared = frozenset(before.schemas) if before is connection else frozenset()
    changes = known.changes(probe.known, declared) if known else ""
    if changes:
        connection.dependencies.clear()
    servers = {**memory.servers, settings.address: probe.known}
    Memory(servers, _from_elsewhere(settings, config_file, ours)).keep_on(connection)
    notes = (
        changes,
        _farewell(before, connection),
        _about_charset(probe.sidecar),
        _about_mariadb(datajoint, probe.sidecar),
        ignored,
        f"DataJoint {datajoint.version} has no settings {shortened(dropped)}; left out."
        if dropped
        else "",
    )
    return DataJointConnection(
        datajoint.version,
        probe.sidecar,
        cipher or None,
        probe.known.schemas,
        state,
        tuple(note for note in notes if note),
        connection,
    )


def _next_state(before: Any, settings: ConnectionSettings, *, reset: bool) -> str:
    """Return what is to be done with the connection that DataJoint has."""
    if before is None:
        return "connected"
    if not _leads_to(before, settings):
        return "switched"
    if reset:
        return "connected anew"
    good = (
        _password_of(before) == settings.password.reveal().encode("utf-8")
        and _alive(before)
        and (not settings.must_encrypt or _cipher(before))
    )
    return "already connected" if good else "reconnected"


def _leads_to(connection: Any, settings: ConnectionSettings) -> bool:
    host, port, user = (connection.conn_info[name] for name in ("host", "port", "user"))
    host = "127.0.0.1" if host == "localhost" else host
    return (host, port, user) == (settings.host, settings.port, settings.user)


def _password_of(connection: Any) -> bytes:
    password = connection.conn_info["passwd"]
    return password.encode("utf-8") if isinstance(password, str) else password


def _alive(connection: Any) -> bool:
    # Not is_connected: 2.3.5 says True of a connection that was killed.
    try:
        connection.query("SELECT 1", reconnect=False)
    except Exception:
        return False
    return True


def _open(datajoint: DataJoint, settings: ConnectionSettings, encryption: UseTls) -> None:
    password = MaskedBytes(settings.password.reveal().encode("utf-8"))
    with warnings.catch_warnings():
        # 2.x says this in several lines; `_about_mariadb` says it in one.
        warnings.filterwarnings("ignore", "MariaDB is not officially supported", UserWarning)
        datajoint.open(settings.host, settings.user, password, use_tls=encryption)


def _repair(connection: Any, settings: ConnectionSettings, encryption: UseTls) -> None:
    """Connect the same object anew: tables that were declared on it go on working."""
    connection.conn_info.update(
        host=settings.host,
        passwd=MaskedBytes(settings.password.reveal().encode("utf-8")),
        ssl=encryption,  # not left out where it is False: 2.x would take that for "preferred"
        ssl_input=encryption,
    )
    connection.connect()
    # DataJoint leaves these as they were in the connection that is gone.
    connection._in_transaction = False
    connection.connection_id = connection.query("SELECT CONNECTION_ID()").fetchone()[0]


def _cipher(connection: Any) -> str:
    return str(connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1])


def _from_elsewhere(
    settings: ConnectionSettings, config_file: ConfigFile | None, ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was set in ``dj.config`` without being a wish that stood there or in a file."""
    wished = (SOURCE, config_file.source) if config_file else (SOURCE,)
    fields = {**{key: name for name, key in KEYS.items()}, TLS_KEY: "tls"}
    return {
        key: value
        for key, value in ours.items()
        if not settings.sources.get(fields[key], "given").startswith(wished)
    }


def _farewell(before: Any, connection: Any) -> str:
    """Close the old connection if nothing is bound to it; else say what is."""
    if before is None or before is connection:
        return ""
    if not before.schemas:
        with contextlib.suppress(*pymysql_errors()):
            before.close()
        return ""
    bound = shortened(sorted(before.schemas))
    return f"Still bound to the old connection: {bound}; restart the kernel to bind them anew."


def _about_charset(sidecar: Sidecar) -> str:
    if sidecar.charset == "utf8mb4":
        return ""
    return f"New schemas get the character set {sidecar.charset}, not utf8mb4."


def _about_mariadb(datajoint: DataJoint, sidecar: Sidecar) -> str:
    if sidecar.flavour != "mariadb" or datajoint.version.startswith("0."):
        return ""
    return "DataJoint 2 does not promise to work with MariaDB."


@contextlib.contextmanager
def _kept(datajoint: DataJoint) -> Iterator[None]:
    """Give DataJoint back its connection, in the state that it had, if what follows fails."""
    before = datajoint.connection
    state = dict(vars(before)) if before is not None else {}
    info = dict(before.conn_info) if before is not None else {}
    try:
        yield
    except BaseException:
        attempt = datajoint.connection
        wire = getattr(attempt, "_conn", None)
        if wire is not None and wire is not state.get("_conn"):
            wire._force_close()
        datajoint.put_back(before)
        if before is not None:
            vars(before).clear()
            vars(before).update(state)
            before.conn_info.clear()
            before.conn_info.update(info)
        raise


@contextlib.contextmanager
def _explained(settings: ConnectionSettings) -> Iterator[None]:
    """Turn what DataJoint raises into an error that tells a user what to do."""
    try:
        yield
    except (SidecarError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise DataJointConnectionError(
            f"DataJoint could not be connected to {settings.address}: {_words(error)}.",
            hint="%mysql_wait shows whether the server can be used.",
        ) from None


def _words(error: BaseException) -> str:
    if isinstance(error, pymysql_errors()) and len(error.args) > 1:
        return f"{error.args[1]} ({error.args[0]})"
    return f"{type(error).__name__}: {error}"
