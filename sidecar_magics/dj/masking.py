"""Passwords that are right in every use, but are not shown.

DataJoint 0.14 shows ``dj.config`` with the password in it, also as a cell's last line, which is
saved. So what we put there is a text whose ``repr`` is masked: that is what ``print``, ``pprint``
and IPython show of a container. Its ``str`` is the password, since users put it into command lines
and addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Parts of the names of settings that are kept secret: of DataJoint's own, and of its stores'.
SECRET_NAMES = ("password", "secret", "token", "account_key", "connection_string")


class MaskedText(str):
    """A text that is not shown as part of something else; by itself it is an ordinary text.

    It encodes, compares, formats, pickles and goes into JSON as what it is.
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
        Of either line.
    """
    text = str(config)
    for secret in sorted(set(_secrets(config)), key=len, reverse=True):
        text = text.replace(str.__repr__(secret), f"'{REDACTED}'")
    return text


def show_masked(config: Any, printer: Any, cycle: bool) -> None:
    """Write ``dj.config`` for IPython's pretty printer."""
    del cycle
    printer.text(masked(config))


def _secrets(config: Any) -> Iterator[str]:
    # 0.14's is a mapping; of 2.x's only the stores show a secret.
    yield from _secrets_in(config if hasattr(config, "keys") else {"stores": config.stores})


def _secrets_in(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if hasattr(value, "items"):
            yield from _secrets_in(value)
        elif isinstance(value, str) and value and any(part in name for part in SECRET_NAMES):
            yield value
