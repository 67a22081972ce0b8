"""The result, as a value, and as lines for the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sidecar import Sidecar


@dataclass(frozen=True)
class DataJointConnection:
    """The result of `connect`; the magic prints its text.

    Parameters
    ----------
    version : str
        DataJoint's version.
    sidecar : Sidecar
        The server.
    tls_cipher : str or None
        Cipher of DataJoint's connection; None if it is not encrypted.
    schemas : frozenset of str
        The schemas there, without the server's own and the journal of `%mysql_load`.
    state : str
        ``connected``, ``already connected``, ``reconnected``, ``switched`` or ``connected anew``.
    notes : tuple of str
        Further notes for the user.
    connection : datajoint.Connection
        The connection that DataJoint uses from here on.
    """

    version: str
    sidecar: Sidecar
    tls_cipher: str | None
    schemas: frozenset[str]
    state: str
    notes: tuple[str, ...] = ()
    connection: Any = field(default=None, compare=False)

    def __str__(self) -> str:
        return "\n".join([self._line, *self.notes])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._line}>"

    @property
    def _line(self) -> str:
        settings = self.sidecar.settings
        count = len(self.schemas)
        return (
            f"datajoint {self.version} -> {settings.user}@{settings.address}, "
            f"{self.sidecar.server}, {self.tls_cipher or 'not encrypted'}, "
            f"{count} {'schema' if count == 1 else 'schemas'} ({self.state})"
        )
