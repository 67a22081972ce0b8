"""How DataJoint must be told to encrypt.

Its ``use_tls`` means something else in each line and with each PyMySQL: None and True are "plain"
to 2.x with PyMySQL 1.1, and 0.14's default fails where the server has no TLS. So it is never left
to guess: our own connection has gone up the ladder already, and DataJoint gets what that found.
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
