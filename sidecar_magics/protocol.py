"""A server's greeting or refusal before the login, and whether waiting helps.

Each failed attempt has an `Outlook`. Only LATER (refused, closed, 1040, 1053) is waited out; MAYBE
(1045, 1130, not MySQL) has five seconds, because initialisation may still be running; NEVER (TLS,
1129, 2059) ends the wait. Else a wrong password would cost the whole timeout.
"""

from __future__ import annotations

import enum
import socket
from typing import NamedTuple

from .errors import shown

# Source of the layout and the flag: MySQL client/server protocol, Protocol::HandshakeV10.
CLIENT_SSL = 0x0800
ERROR_PACKET = 0xFF
HANDSHAKE_VERSION = 10
MAX_GREETING_BYTES = 1024
# MariaDB's own are the longest: 10.11.18-MariaDB-0+deb12u1-log.
VERSION_SHOWN = 80
# MariaDB puts this in front of its version for the sake of old replicas.
MARIADB_VERSION_PREFIX = "5.5.5-"


class Outlook(enum.Enum):
    """Whether the same attempt may succeed by itself."""

    LATER = "a server that starts, or is busy, says this; wait"
    MAYBE = "a server that is being initialised may say this for a moment"
    NEVER = "waiting will not help"


# Server error numbers: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
BUSY_ERRORS = {
    1040,  # too many connections
    1053,  # shutdown in progress
    1203,  # too many connections of this user
    1317,  # the statement was stopped by KILL QUERY
    1927,  # the connection was ended by KILL; so MariaDB
    3169,  # so MySQL
    1226,  # this user has exceeded a limit of connections or of queries an hour
    2006,  # server has gone away
    2013,  # connection lost
    3032,  # offline mode
}
HOPELESS_ERRORS = {
    1129,  # host blocked because of many connection errors
    2026,  # the server offers no TLS
    2059,  # authentication plugin cannot be loaded by the client
    2061,  # it wants the password itself, over a connection that is not encrypted
    3159,  # secure transport required
}


# Client errors for what is no refusal: an answer that is too large, or none at all.
CR_TOO_LARGE = 2020
CR_MALFORMED = 2027


class ConnectError(Exception):
    """One attempt to connect failed.

    Parameters
    ----------
    stage : str
        ``name``, ``port``, ``greeting``, ``tls``, ``login`` or ``query``.
    answer : str
        The answer of the server, or of the network.
    outlook : Outlook
        Whether trying again is worth while.
    errno : int or None
        The server's error number, where it gave one.
    """

    def __init__(
        self, stage: str, answer: str, outlook: Outlook, *, errno: int | None = None
    ) -> None:
        super().__init__(answer)
        self.stage = stage
        self.answer = answer
        self.outlook = outlook
        self.errno = errno


class Greeting(NamedTuple):
    """The first packet of a server: its version, and whether it can encrypt."""

    version: str
    offers_tls: bool


def peek_greeting(sock: socket.socket) -> Greeting | None:
    """Look at what the server has sent, leaving it on the socket.

    Parameters
    ----------
    sock : socket.socket
        A connected socket that is ready to read.

    Returns
    -------
    Greeting or None
        None while the packet is incomplete.

    Raises
    ------
    ConnectError
        The connection was closed, the server sent an error instead (too many connections, this
        host is blocked or not allowed), or what listens there is not MySQL.
    """
    try:
        data = sock.recv(MAX_GREETING_BYTES, socket.MSG_PEEK)
    except socket.timeout:
        raise ConnectError("greeting", "no server greets", Outlook.LATER) from None
    except OSError:
        data = b""
    if not data:
        answer = "the connection was closed before a greeting"
        raise ConnectError("greeting", answer, Outlook.LATER)
    length = int.from_bytes(data[:3], "little")
    body = data[4 : 4 + length]
    kinds = (HANDSHAKE_VERSION, ERROR_PACKET)
    if len(data) > 4 and (
        length > MAX_GREETING_BYTES or data[3] != 0 or body[:1] not in map(_byte, kinds)
    ):
        answer = (
            "the program that listens there does not speak MySQL's protocol; it said "
            + _excerpt(data)
        )
        raise ConnectError("greeting", answer, Outlook.MAYBE)
    if len(data) < 5 or len(body) < length:
        return None
    if body[0] == ERROR_PACKET:
        raise refusal("greeting", int.from_bytes(body[1:3], "little"), _error_text(body[3:]))
    version, _, rest = body[1:].partition(b"\0")
    # After the version: thread id (4), salt (8), a filler, the lower half of the capabilities.
    capabilities = int.from_bytes(rest[13:15], "little")
    return Greeting(plain_version(shown(version, VERSION_SHOWN)), bool(capabilities & CLIENT_SSL))


def plain_version(version: str) -> str:
    """Return a server version without MariaDB's prefix: ``5.5.5-10.11.6-MariaDB`` is 10.11.6."""
    if version.startswith(MARIADB_VERSION_PREFIX):
        return version[len(MARIADB_VERSION_PREFIX) :]
    return version


def refusal(stage: str, errno: int, message: str) -> ConnectError:
    """Return the error for an error number of a server, with the outlook that it has."""
    if errno in (CR_TOO_LARGE, CR_MALFORMED):
        return ConnectError(stage, shown(message), Outlook.MAYBE)
    if errno in BUSY_ERRORS:
        outlook = Outlook.LATER
    elif errno in HOPELESS_ERRORS:
        outlook = Outlook.NEVER
    else:
        outlook = Outlook.MAYBE
    return ConnectError(stage, f"{shown(message)} ({errno})", outlook, errno=errno)


def _error_text(data: bytes) -> str:
    # The SQLSTATE (# and five characters) is absent before the handshake, but some proxies send it.
    return (data[6:] if data.startswith(b"#") else data).decode("utf-8", "replace")


def _excerpt(data: bytes) -> str:
    return repr(data[:40].decode("ascii", "backslashreplace"))


def _byte(value: int) -> bytes:
    return bytes([value])
