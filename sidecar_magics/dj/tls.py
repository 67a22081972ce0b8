"""DataJoint's ``use_tls``, according to our own connection.

Its values mean something else in each line, and with each PyMySQL:

- None (the default) and True: "encrypted, or fail" to 0.14; "as the server likes" to 2.x, but
  "plain" with PyMySQL 1.1.
- False: "plain" with PyMySQL 1.1, "as the server likes" with 1.2.
- A dictionary: "encrypted" everywhere, where the server can; with PyMySQL 1.1 on a MariaDB without
  TLS it is silently plain (a MySQL without TLS refuses, 1043).

So DataJoint gets a dictionary, or False where the server offers no TLS, and the finished connection
is asked for its cipher. With None 2.x also tries without TLS after *any* error, which turns a wrong
password into a message about the missing package ``cryptography``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from ..server import WEAK_CIPHERS

if TYPE_CHECKING:
    from ..sidecar import Sidecar

UseTls = Union[dict[str, Any], bool]


def use_tls(sidecar: Sidecar) -> UseTls:
    """Return DataJoint's ``use_tls`` for a server: a dictionary, or False for "plain".

    Parameters
    ----------
    sidecar : Sidecar
        The server as our own connection found it. A server that offers TLS, but none that Python
        accepts by default, is `weak_tls`: `server.log_in` takes that on loopback only.
    """
    if sidecar.tls_cipher is None:
        return False
    options: dict[str, Any] = {}
    if sidecar.settings.ca is not None:
        # As in `server.tls_context`: signed by it, but a name is in no certificate of MySQL's own.
        options = {"ca": str(sidecar.settings.ca), "check_hostname": False, "verify_mode": True}
    if sidecar.weak_tls:
        options["cipher"] = WEAK_CIPHERS
    # An empty dictionary is "no TLS" to PyMySQL; one with a key that it does not know is not.
    return options or {"ssl": {}}
