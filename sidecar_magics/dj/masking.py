"""Passwords that are right in every use, but are not shown.

DataJoint 0.14 shows ``dj.config`` with the password in it, also as a cell's last line, which is
saved. So we put a text there whose ``repr`` is masked, because ``print``, ``pprint`` and IPython
show that of the values in a container. Its ``str`` is the password, since users put it into command
lines and addresses. A connection gets bytes, in both lines: PyMySQL encodes text as latin-1, and
servers compare UTF-8. ``print(dj.config)`` with a password from elsewhere is not masked: that would
take replacing a method of DataJoint's class.
"""

from __future__ import annotations

import pprint
import sys
from typing import TYPE_CHECKING, Any

from ..settings import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Parts of the names of settings that are kept secret: of DataJoint's own, and of its stores'.
SECRET_NAMES = ("password", "secret", "token", "account_key", "connection_string")


class MaskedText(str):
    """A text that is not shown as part of something else; by itself it is an ordinary text.

    It encodes, compares, formats, pickles and goes into JSON like any text.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{REDACTED}'"


class MaskedBytes(bytes):
    """The same for bytes: DataJoint keeps the password in ``Connection.conn_info``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"b'{REDACTED}'"

    def __str__(self) -> str:
        return repr(self)


def masked(config: Any) -> str:
    """Return the text of ``dj.config`` as DataJoint makes it, with everything secret masked.

    Parameters
    ----------
    config : datajoint.settings.Config
        Of either line, or the proxy that is ``dj.config`` from 2.2 on.
    """
    # With DJ_THREAD_SAFE, the proxy has a text but does not give access to the settings.
    behind = getattr(sys.modules[type(config).__module__], "_global_config", config)
    if hasattr(behind, "keys"):  # 0.14's is a mapping
        return pprint.pformat(_masked_copy(behind), indent=4)
    text = str(config)  # in which 2.x itself masks all secrets except those of stores
    for secret in sorted(set(_secrets_in(behind.stores)), key=len, reverse=True):
        text = text.replace(repr(secret), f"'{REDACTED}'")
    return text


def _masked_copy(values: Mapping[str, Any]) -> dict[str, Any]:
    copy = dict(values)
    for name, value in copy.items():
        if hasattr(value, "items"):
            copy[name] = _masked_copy(value)
        elif _is_secret(name, value):
            copy[name] = MaskedText(value)
    return copy


def _secrets_in(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if hasattr(value, "items"):
            yield from _secrets_in(value)
        elif _is_secret(name, value):
            yield value


def _is_secret(name: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and any(part in name for part in SECRET_NAMES)
