"""What a login gives away, and what is made of one that fails.

A server chooses how a password is to be proved, and it may be anybody's server. So whatever would
give the password itself to whoever asks for it is refused, as MySQL's own client does.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from .errors import shown
from .limits import CR_TOO_LARGE
from .protocol import ConnectError, Outlook, refusal

if TYPE_CHECKING:
    import pymysql

# Source: MySQL client error reference.
CR_AUTH_PLUGIN_CANNOT_LOAD = 2059


class _NoClearPassword:
    """Do not hand the password to whoever asks for it in clear text, as the client does not."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        del connection

    def authenticate(self, packet: object) -> None:
        import pymysql  # noqa: PLC0415

        del packet
        message = "the server asks for the password in clear text"
        raise pymysql.err.OperationalError(CR_AUTH_PLUGIN_CANNOT_LOAD, message)


REFUSED = {"mysql_clear_password": _NoClearPassword}


def failure(error: Exception) -> ConnectError:
    """Return what a failed login means, from what PyMySQL raised."""
    import pymysql  # noqa: PLC0415

    cause = getattr(error, "original_exception", error)
    if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ConnectError("tls", "closed during the TLS handshake", Outlook.LATER)
    if isinstance(cause, ssl.SSLError):
        return ConnectError("tls", cause.reason or str(cause), Outlook.NEVER)
    if isinstance(cause, OSError):
        return ConnectError("login", f"connection lost ({cause})", Outlook.LATER)
    if isinstance(error, pymysql.err.MySQLError) and len(error.args) > 1:
        if error.args[0] == CR_TOO_LARGE:
            return ConnectError("login", str(error.args[1]), Outlook.MAYBE)
        failed = refusal("login", int(error.args[0]), str(error.args[1]))
        if failed.errno == CR_TOO_LARGE:  # nothing that a server refused, but what it did
            failed.errno = None
        return failed
    if isinstance(error, RuntimeError):
        # PyMySQL: the account's authentication plugin needs a package that is not installed.
        return refusal("login", CR_AUTH_PLUGIN_CANNOT_LOAD, str(error))
    answer = f"the server's answer cannot be understood ({shown(repr(error))})"
    return ConnectError("login", answer, Outlook.MAYBE)
