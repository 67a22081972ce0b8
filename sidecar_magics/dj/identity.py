"""Whether a server is still the one that this kernel knew.

A sidecar without a volume is recreated with its container, at the same address and with the same
password; only its identity shows it. The kernel's knowledge of it is an attribute of DataJoint's
connection, so it lives as long as the tables that depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import shown
from ..limits import limited
from ..questions import ask
from ..schemas import JOURNAL_SCHEMA, SYSTEM_SCHEMAS
from ..scratch import is_scratch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pymysql

    from ..sidecar import Sidecar

NAMES_SHOWN = 5
# As long as a schema's may be.
NAME_SHOWN = 64


@dataclass(frozen=True)
class Known:
    """A server's identity and its schemas.

    Parameters
    ----------
    identity : str or None
        The same as long as the data folder is; None if the server does not say.
    schemas : frozenset of str
        Its schemas, without the server's own and the journal of `%mysql_load`.
    """

    identity: str | None
    schemas: frozenset[str]

    def changes(self, now: Known, declared: frozenset[str] = frozenset()) -> str:
        """Return a note for the user if `now` is another server than this; else nothing.

        Parameters
        ----------
        now : Known
            The server at the same address.
        declared : frozenset of str
            Schemas that the kernel has objects for.
        """
        if None in (self.identity, now.identity) or self.identity == now.identity:
            return ""
        gone = sorted((self.schemas | declared) - now.schemas)
        if gone or not now.schemas:
            what = f" ({shortened(gone)})" if gone else ""
            return (
                f"The server was recreated and its data is gone{what}: "
                "run %mysql_load again, or the cells that made the data."
            )
        return "The server was recreated; its present data was loaded since."


@dataclass(frozen=True)
class Memory:
    """The servers that a kernel has known; kept on DataJoint's connection.

    Parameters
    ----------
    servers : mapping of str to Known
        By address.
    written : mapping
        Fields of ``dj.config`` that we set, not the user.
    """

    servers: Mapping[str, Known] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, connection: Any) -> Memory:
        """Return the memory on a connection of DataJoint."""
        memory = getattr(connection, "sidecar_memory", None)
        return memory if isinstance(memory, cls) else cls()

    def keep_on(self, connection: Any) -> None:
        """Put this memory on a connection of DataJoint."""
        connection.sidecar_memory = self


def look_at(connection: pymysql.Connection[Any], sidecar: Sidecar) -> Known:
    """Ask a server for its identity and its schemas.

    Parameters
    ----------
    connection : pymysql.Connection
        A logged-in connection.
    sidecar : Sidecar
        The server.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        It does not answer in time, or not as a MySQL server does.
    """
    identity = sidecar.uuid
    with limited(connection):
        names = {name or "" for (name,) in ask(connection, "SHOW SCHEMAS", 1)}
        of_users = names - SYSTEM_SCHEMAS - {JOURNAL_SCHEMA}
        schemas = frozenset(name for name in of_users if not is_scratch(name))
        if sidecar.flavour == "mariadb" and identity is not None:
            # Its server_uid distinguishes installations, not their data; the age of a table that is
            # created with the data folder shows when that was.
            made_at = ask(
                connection,
                "SELECT UNIX_TIMESTAMP(create_time) FROM information_schema.tables "
                "WHERE table_schema = 'mysql' AND table_name = 'db'",
                1,
            )
            identity = f"{identity} {made_at[0][0]}" if made_at else None
    return Known(identity, schemas)


def shortened(names: list[str]) -> str:
    """Return the first few of some names, for a sentence."""
    return ", ".join(shown(name, NAME_SHOWN) for name in names[:NAMES_SHOWN]) + (
        ", …" if len(names) > NAMES_SHOWN else ""
    )
