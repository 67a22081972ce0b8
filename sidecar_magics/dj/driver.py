"""PyMySQL as DataJoint sees it: a connection with our password logs in as carefully as our own.

DataJoint makes its connection itself, with options of its own, and again whenever it was lost. It
has no way to take a connection of ours, or an option such as `auth_plugin_map`; so its module gets
this instead of PyMySQL. PyMySQL makes connections with a password from elsewhere, as without this
package.

DataJoint also reconnects by itself, and forwards none of PyMySQL's options for safety.
"""

from __future__ import annotations

import contextlib
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..addresses import is_loopback
from ..limits import limited
from .masking import MaskedBytes, MaskedText

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where DataJoint has PyMySQL, as `client`: from 2.2 on, and before.
PLACES = ("datajoint.adapters.mysql", "datajoint.connection")
LOGIN_S = 30.0
_BLOCK: ContextVar[Any] = ContextVar("establishing", default=None)


class Driver:
    """PyMySQL, except for connections with a password of ours.

    Parameters
    ----------
    driver : module
        ``pymysql``.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def connect(self, **options: Any) -> Any:
        """Return a new connection, as `pymysql.connect` does."""
        from ..authentication import GuardedConnection  # noqa: PLC0415

        password = options.get("passwd", options.get("password"))
        if isinstance(password, MaskedText):  # out of dj.config; PyMySQL would make latin-1 of it
            password = MaskedBytes(password.encode("utf-8"))
        if not isinstance(password, MaskedBytes):
            return self._driver.connect(**options)
        options.pop("passwd", None)  # another name, which PyMySQL does not want any more
        connection = GuardedConnection(
            **{**options, "password": password},
            login_s=LOGIN_S,
            may_take_key=is_loopback(str(options.get("host", ""))),
            # We set DataJoint to encrypt only where our own connection was encrypted.
            must_encrypt=bool(options.get("ssl")),
        )
        block = _BLOCK.get()
        if block is not None:
            block.enter_context(limited(connection, LOGIN_S))
        return connection


@contextlib.contextmanager
def establishing() -> Iterator[None]:
    """Limit DataJoint's own questions, on connections that it makes within the block."""
    with contextlib.ExitStack() as block:
        token = _BLOCK.set(block)
        try:
            yield
        finally:
            _BLOCK.reset(token)


def guard_datajoint() -> None:
    """Replace PyMySQL in DataJoint's module, which is imported, by a `Driver`."""
    import pymysql  # noqa: PLC0415

    for name in PLACES:
        module: Any = sys.modules.get(name)
        if getattr(module, "client", None) is pymysql:
            module.client = Driver(pymysql)
