"""Connect DataJoint: probe, configure, connect or repair, check; or leave everything as it was."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from ..connection import connect_now, explained, query_failure
from ..errors import (
    DataJointConnectionError,
    Interrupted,
    ServerNotReadyError,
    SidecarError,
    shown,
)
from ..server import pymysql_errors
from ..settings import given_or_resolved
from ..sidecar import describe
from ..wait import wait
from .config import KEYS, TLS_KEY, assignments, configured
from .driver import establishing
from .identity import Known, Memory, look_at, shortened
from .result import DataJointConnection
from .save import save
from .shared import cipher_of, farewell, kept, next_state, open_new, repair
from .spyglass import look_for, missing
from .target import SOURCE, overruled, resolve_target, wishes
from .tls import use_tls
from .versions import load_datajoint, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pymysql

    from ..settings import ConnectionSettings
    from ..sidecar import Sidecar
    from ..wait import WaitStatus
    from .config import ConfigFile
    from .spyglass import Spyglass
    from .versions import DataJoint


# DataJoint has one configuration and one shared connection in a process: two threads that connect
# it would undo each other's settings, or close each other's connection.
_ONE_AT_A_TIME = threading.RLock()


class Probe(NamedTuple):
    """The result of our own connection, before DataJoint is touched."""

    sidecar: Sidecar
    known: Known


class More(NamedTuple):
    """Settings besides the server, and the notes about them."""

    values: dict[str, Any]
    notes: tuple[str, ...]
    spyglass: Spyglass | None


def connect(
    settings: ConnectionSettings | None = None,
    *,
    reset: bool = False,
    wait_s: float | None = None,
    config_file: ConfigFile | None = None,
    spyglass: str | None = None,
    save_to: Path | None = None,
    progress: Callable[[WaitStatus], None] | None = None,
) -> DataJointConnection:
    """Set DataJoint's configuration and connect it, without ever asking a question.

    The server is tried before DataJoint is touched. A connection that exists is used again if it
    leads to the same server, and is repaired in place if it is broken, so that tables declared on
    it continue working.

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
    spyglass : str, optional
        Spyglass's base folder, which is made if need be, with all that Spyglass needs before it is
        imported; empty for the one that DataJoint's configuration or the environment names.
    save_to : Path, optional
        A configuration file to write the settings into, without the password.
    progress : callable, optional
        As for `wait`.

    Raises
    ------
    DataJointConnectionError
        DataJoint is missing, or cannot use this server; its configuration is as it was before. Or
        Spyglass was imported already, with another base folder.
    SettingsError
        There is no base folder for Spyglass, or a file cannot be written.
    ServerNotReadyError, AccessError
        The server does not answer, or refuses.
    Interrupted
        Ctrl-C, or the stop button; DataJoint is as it was.
    """
    with _ONE_AT_A_TIME:
        datajoint = load_datajoint()
        if settings is None:
            settings = resolve_target(config_file=config_file)
        settings = given_or_resolved(settings)
        if ":" in settings.host:
            raise DataJointConnectionError(
                f"DataJoint takes no IPv6 address such as {settings.host}.", hint="use 127.0.0.1."
            )
        _more(datajoint, config_file, spyglass)  # report the impossible before trying
    try:
        if wait_s is not None:
            with _told(settings, has_waited=True):
                wait(settings, timeout_s=wait_s, progress=progress)
        with _ONE_AT_A_TIME:
            with _told(settings, has_waited=wait_s is not None):
                probe = _probe(settings)
            more = _more(datajoint, config_file, spyglass)
            return _establish(datajoint, probe, config_file, more, reset=reset, save_to=save_to)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, Interrupted):
            raise
        # Also so that no traceback shows the frames that the password passes through.
        raise Interrupted(f"Stopped connecting DataJoint to {settings.address}.") from None


@contextlib.contextmanager
def _told(settings: ConnectionSettings, *, has_waited: bool) -> Iterator[None]:
    """Add to an error where the settings came from, and what might have helped."""
    try:
        yield
    except SidecarError as error:
        is_hasty = not has_waited and isinstance(error, ServerNotReadyError)
        waiting = ["Nothing was waited for; add --wait."] if is_hasty else []
        error.details = (*error.details, f"Settings: {settings.origins()}.", *waiting)
        # The other one does not show what dj.config says.
        error.hint = error.hint.replace("%mysql_wait --show", "%datajoint_connect --show")
        raise


def _probe(settings: ConnectionSettings) -> Probe:
    with connect_now(settings) as connection:
        sidecar = describe(connection, settings, 0.0)
        return Probe(sidecar, _known(connection, sidecar))


def _known(connection: pymysql.Connection[Any], sidecar: Sidecar) -> Known:
    try:
        return look_at(connection, sidecar)
    except pymysql_errors() as error:
        raise explained(query_failure(error), sidecar.settings, 0.0, attempts=1) from None


def _establish(
    datajoint: DataJoint,
    probe: Probe,
    config_file: ConfigFile | None,
    more: More,
    *,
    reset: bool,
    save_to: Path | None,
) -> DataJointConnection:
    settings = probe.sidecar.settings
    before = datajoint.connection
    memory = Memory.of(before)
    ignored = overruled(settings, wishes(datajoint, config_file))
    encryption = use_tls(probe.sidecar)
    ours = assignments(settings, encrypted=encryption is not False)
    state = next_state(before, settings, reset=reset)
    values = {**more.values, **ours}
    with (
        quiet(),
        _explained(settings),
        kept(datajoint),
        _set(datajoint, values, more),
        establishing(),
    ):
        if state == "reconnected":
            repair(before, settings, encryption)
        elif state != "already connected":
            open_new(datajoint, settings, encryption)
        connection = datajoint.connection
        cipher = cipher_of(connection)
        if settings.must_encrypt and not cipher:
            raise DataJointConnectionError(
                f"DataJoint's connection to {settings.address} is not encrypted, "
                "but TLS is required."
            )
        saved = save(save_to, values) if save_to else ""
    changes = _changes(memory, probe, connection)
    servers = {**memory.servers, settings.address: probe.known}
    Memory(servers, _from_elsewhere(settings, config_file, ours)).keep_on(connection)
    notes = (changes, farewell(before, connection), *_about(datajoint, probe), ignored)
    return DataJointConnection(
        datajoint.version,
        probe.sidecar,
        cipher or None,
        probe.known.schemas,
        state,
        tuple(note for note in (*notes, *more.notes, saved) if note),
        connection,
    )


def _more(datajoint: DataJoint, config_file: ConfigFile | None, spyglass: str | None) -> More:
    """Return the settings of a file, and for Spyglass, besides the server."""
    values, dropped = _other_settings(datajoint, config_file)
    configured_now = {**datajoint.config.take({"stores": None, "custom": None}), **values}
    if spyglass is None:
        return More(values, (dropped, missing(configured_now)), None)
    found = look_for(spyglass, datajoint, configured_now)
    return More({**values, **found.settings(configured_now)}, (dropped, *found.notes), found)


@contextlib.contextmanager
def _set(datajoint: DataJoint, values: Mapping[str, Any], more: More) -> Iterator[None]:
    """Set all this, in DataJoint's configuration and for Spyglass; take it back after a failure."""
    with contextlib.ExitStack() as stack:
        if more.spyglass is not None:
            stack.enter_context(more.spyglass.prepared())
        stack.enter_context(configured(datajoint, values))
        yield


def _other_settings(
    datajoint: DataJoint, config_file: ConfigFile | None
) -> tuple[dict[str, Any], str]:
    """Return a file's settings besides the server, and a note on those that this line lacks."""
    others = config_file.others if config_file else {}
    values = {key: value for key, value in others.items() if datajoint.config.takes(key)}
    datajoint.require_mysql(values)
    dropped = [key for key in others if key not in values]
    if not dropped:
        return values, ""
    version = datajoint.version
    return values, f"Left out, as DataJoint {version} has no such setting: {shortened(dropped)}."


def _changes(memory: Memory, probe: Probe, connection: Any) -> str:
    """Return a note if the server is not the one that was known at this address."""
    known = memory.servers.get(probe.sidecar.settings.address)
    changes = known.changes(probe.known, frozenset(connection.schemas)) if known else ""
    if changes:
        connection.dependencies.clear()  # of tables that are gone
    return changes


def _from_elsewhere(
    settings: ConnectionSettings, config_file: ConfigFile | None, ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of ``dj.config`` that we chose, not the user or a file."""
    wished = (SOURCE, config_file.source) if config_file else (SOURCE,)
    fields = {**{key: name for name, key in KEYS.items()}, TLS_KEY: "tls"}
    return {
        key: value
        for key, value in ours.items()
        if not settings.sources.get(fields[key], "given").startswith(wished)
    }


def _about(datajoint: DataJoint, probe: Probe) -> Iterator[str]:
    """Yield notes about this kind of server."""
    sidecar = probe.sidecar
    if sidecar.charset != "utf8mb4":
        yield (
            f"New schemas get the character set {sidecar.charset}, not utf8mb4: "
            "text in other scripts cannot be stored."
        )
    if sidecar.flavour == "mariadb" and not datajoint.version.startswith("0."):
        yield "DataJoint 2 does not promise to work with MariaDB."


@contextlib.contextmanager
def _explained(settings: ConnectionSettings) -> Iterator[None]:
    """Turn DataJoint's exceptions into an error with the next step."""
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
        return f"{shown(error.args[1])} ({error.args[0]})"
    return f"{type(error).__name__}: {shown(error)}"
