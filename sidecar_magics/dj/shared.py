"""The connection that DataJoint's tables share: reused, repaired in place, or replaced.

``Connection.connect()`` on the same object keeps every table that was declared on it: after a KILL,
after a restart, and on a recreated server with another password (``conn_info`` holds that). With
another object, tables that were declared before stay on the old one, which reconnects by itself
even after ``close()``; so an old connection is closed only if no schema is bound to it.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

from ..errors import shown
from ..limits import ANSWER_S, limited
from ..questions import ask
from ..server import pymysql_errors
from .identity import shortened
from .masking import MaskedBytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..settings import ConnectionSettings
    from .tls import UseTls
    from .versions import DataJoint

# How long a connection may take to show that it is alive: the other end may have vanished silently.
ALIVE_S = 5.0


def next_state(before: Any, settings: ConnectionSettings, *, reset: bool) -> str:
    """Return what to do with DataJoint's present connection."""
    if before is None:
        return "connected"
    if not _leads_to(before, settings):
        return "switched"
    if reset:
        return "connected anew"
    good = (
        _password_of(before) == settings.password.reveal().encode("utf-8")
        and _alive(before)
        and _encrypts_enough(before, settings)
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
    # Not is_connected: in 2.3.5 it is True for a connection that was killed, as `ping` swallows the
    # error. In 0.14 it is right.
    try:
        return _ask(connection, "SELECT 1", 1, seconds=ALIVE_S) == ("1",)
    except Exception:
        return False


def _encrypts_enough(connection: Any, settings: ConnectionSettings) -> bool:
    ssl = connection.conn_info.get("ssl")
    ca = ssl.get("ca") if isinstance(ssl, dict) else None
    is_checked = settings.ca is None or ca == str(settings.ca)
    return not settings.must_encrypt or (is_checked and bool(cipher_of(connection)))


def open_new(datajoint: DataJoint, settings: ConnectionSettings, encryption: UseTls) -> None:
    """Make a new shared connection."""
    password = MaskedBytes(settings.password.reveal().encode("utf-8"))
    with warnings.catch_warnings():
        # 2.x says this in several lines; our own note says it in one.
        warnings.filterwarnings("ignore", "MariaDB is not officially supported", UserWarning)
        datajoint.open(settings.host, settings.user, password, use_tls=encryption)


def repair(connection: Any, settings: ConnectionSettings, encryption: UseTls) -> None:
    """Reconnect the same object: tables that were declared on it continue working."""
    connection.conn_info.update(
        host=settings.host,
        passwd=MaskedBytes(settings.password.reveal().encode("utf-8")),
        ssl=encryption,  # not left out where it is False: 2.x would take that for "preferred"
        ssl_input=encryption,
    )
    connection.connect()
    # DataJoint leaves these as they were in the connection that is gone.
    connection._in_transaction = False
    connection.connection_id = int(_ask(connection, "SELECT CONNECTION_ID()", 1)[0] or 0)


def cipher_of(connection: Any) -> str:
    """Return the cipher of a connection; empty if it is not encrypted."""
    return shown(_ask(connection, "SHOW STATUS LIKE 'Ssl_cipher'", 2)[1] or "")


def _ask(
    connection: Any, sql: str, columns: int, *, seconds: float = ANSWER_S
) -> tuple[str | None, ...]:
    # Not by DataJoint's `query`, which may reconnect, or answer from its query cache.
    with limited(connection._conn, seconds):
        rows = ask(connection._conn, sql, columns)
    return rows[0] if rows else (None,) * columns


def farewell(before: Any, connection: Any) -> str:
    """Close the old connection, unless schemas are bound to it; then return a note on these."""
    if before is None or before is connection:
        return ""
    if not before.schemas:
        with contextlib.suppress(*pymysql_errors()):
            before.close()
        return ""
    bound = shortened(sorted(before.schemas))
    return f"Still bound to the old connection: {bound}; restart the kernel to bind them again."


@contextlib.contextmanager
def kept(datajoint: DataJoint) -> Iterator[None]:
    """If the block fails, give DataJoint back its connection, in its earlier state."""
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
