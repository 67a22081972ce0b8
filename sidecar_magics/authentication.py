"""Logins that do not give the password away, and the reasons why one failed.

A server chooses the method by which a client proves its password, and the server may be hostile.
So we refuse methods that would send the password itself, as MySQL's own client does; and off
loopback, without TLS, we do not send it under a key that the server offers. This module imports
PyMySQL, so it is imported when a connection is made.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pymysql

from .errors import shown
from .limits import limited
from .local_infile import FileGuardedConnection
from .protocol import CLIENT_SSL, ConnectError, Outlook, refusal

if TYPE_CHECKING:
    import socket

# Source: MySQL client error reference.
CR_SSL_CONNECTION = 2026
CR_AUTH_PLUGIN_CANNOT_LOAD = 2059
CR_AUTH_PLUGIN_ERROR = 2061

# A greeting, a key, an error and the answer to SET NAMES have less than 2 kB.
LOGIN_BYTES = 65536


class _NotInClearText:
    """A plugin that refuses every question of the server."""

    def __init__(self, connection: GuardedConnection) -> None:
        del connection

    def authenticate(self, packet: object) -> None:
        del packet
        message = "the server asks for the password in clear text"
        raise pymysql.err.OperationalError(CR_AUTH_PLUGIN_CANNOT_LOAD, message)


class _NotByABrokenHash(_NotInClearText):
    """The same for a method that was broken twenty years ago; no server of today has it."""

    def authenticate(self, packet: object) -> None:
        del packet
        message = "the server asks for the password by a method that is broken"
        raise pymysql.err.OperationalError(CR_AUTH_PLUGIN_CANNOT_LOAD, message)


# With "dialog" a server asks any question, and PyMySQL answers "Password: " with the password.
REFUSED = {
    "mysql_clear_password": _NotInClearText,
    "dialog": _NotInClearText,
    "mysql_old_password": _NotByABrokenHash,
}


class GuardedConnection(FileGuardedConnection):
    """PyMySQL's connection, with a login that ends and gives nothing away, and guarded files.

    Parameters
    ----------
    login_s : float
        Seconds for each login, from the greeting on; afterwards there is no limit.
    may_take_key : bool
        Whether, without TLS, the password may be sent under a key that the server itself offers.
        For loopback only: elsewhere the key may be an attacker's.
    must_encrypt : bool
        Whether a server that offers no TLS is refused. PyMySQL before 1.2 continues without.
    **options
        As for `pymysql.Connection`.
    """

    def __init__(
        self, *, login_s: float, may_take_key: bool, must_encrypt: bool, **options: Any
    ) -> None:
        self._login_s = login_s
        self._may_take_key = may_take_key
        self._must_encrypt = must_encrypt
        self._server_key: bytes | None = None
        super().__init__(auth_plugin_map=REFUSED, **options)

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        with limited(self, self._login_s, max_bytes=LOGIN_BYTES):
            super().connect(sock)

    def _get_server_information(self) -> None:
        super()._get_server_information()
        if self._must_encrypt and not self.server_capabilities & CLIENT_SSL:
            message = "the server offers no TLS"
            raise pymysql.err.OperationalError(CR_SSL_CONNECTION, message)

    @property
    def server_public_key(self) -> bytes | None:
        """The key that the password is sent under; PyMySQL sets it to the server's."""
        return self._server_key

    @server_public_key.setter
    def server_public_key(self, key: bytes | None) -> None:
        if key is not None and not self._may_take_key:
            message = "the connection is not encrypted, and the server wants the password itself"
            raise pymysql.err.OperationalError(CR_AUTH_PLUGIN_ERROR, message)
        self._server_key = key


def failure(error: Exception) -> ConnectError:
    """Return the reason why a login failed, from PyMySQL's error."""
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, OSError):  # also all of TLS's
        return _lost(cause)
    if isinstance(error, pymysql.err.MySQLError) and len(error.args) > 1:
        return refusal("login", int(error.args[0]), str(error.args[1]))
    if isinstance(error, RuntimeError):
        # PyMySQL: the account's authentication plugin needs a package that is not installed.
        return refusal("login", CR_AUTH_PLUGIN_CANNOT_LOAD, str(error))
    answer = f"the server's answer cannot be understood ({shown(repr(error))})"
    return ConnectError("login", answer, Outlook.MAYBE)


def _lost(cause: OSError) -> ConnectError:
    if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ConnectError("tls", "closed during the TLS handshake", Outlook.LATER)
    if isinstance(cause, ssl.SSLError):
        return ConnectError("tls", shown(cause.reason or cause), Outlook.NEVER)
    return ConnectError("login", f"connection lost ({shown(cause)})", Outlook.LATER)
