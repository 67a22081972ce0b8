"""The server, as far as it matters for a script; asking changes nothing there.

To find out whether the server knows a collation, a time zone or a variable, we use it on our own
connection instead of looking it up: so aliases and versions are right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ...grants import read_grants
from ...script.versioned import version_number
from ...server import pymysql_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pymysql

    from ...sidecar import Sidecar

UNKNOWN_COLLATION = 1273
UNKNOWN_CHARSET = 1115
_ON = {"ON", "1", "YES"}


class Thing(NamedTuple):
    """An object of the server, now or after a statement.

    Attributes
    ----------
    what : str
        ``table``, ``view``, ``trigger``, ``procedure``, ``function`` or ``event``.
    rows : int or None
        About how many rows a table has, as the server estimates it.
    on : str or None
        The table of a trigger.
    """

    what: str
    rows: int | None = None
    on: str | None = None


@dataclass(frozen=True)
class Contents:
    """The objects in some of a server's schemas, by schema, kind and name."""

    schemas: frozenset[str]
    things: dict[tuple[str, str, str], Thing]  # by schema, what, name


class ServerView:
    """The server for a load.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection of its own, whose session is changed.
    sidecar : Sidecar
        The server, as it described itself.
    """

    def __init__(self, connection: pymysql.Connection[Any], sidecar: Sidecar) -> None:
        self._connection = connection
        self.sidecar = sidecar
        self.flavour = sidecar.flavour
        self.version = version_number(sidecar.version)
        self.variables: dict[str, str] = {
            str(name).lower(): str(value) for name, value in self._rows("SHOW VARIABLES")
        }
        self.account = str(self._rows("SELECT CURRENT_USER()")[0][0])
        self.grants = read_grants(self._rows, pymysql_errors())
        status = dict(self._rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'"))
        self.connections = int(status.get("Threads_connected", 1))
        if "information_schema_stats_expiry" in self.variables:
            # MySQL 8 would answer with cached numbers of up to a day ago, and fill its cache.
            self.errno("SET SESSION information_schema_stats_expiry = 0")

    def is_on(self, variable: str) -> bool:
        """Return whether a variable is on; one that this server doesn't have is not."""
        return self.variables.get(variable, "").upper() in _ON

    def number(self, variable: str) -> int:
        """Return a variable's value, 0 if it has none."""
        text = self.variables.get(variable, "")
        return int(text) if text.isdigit() else 0

    def errno(self, sql: str, *values: str) -> int:
        """Try a statement on our own connection, and return the number of its error, 0 for none.

        Parameters
        ----------
        sql : str
            A statement that changes nothing but our own session.
        *values
            Values for its ``%s``.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                cursor.fetchall()
        except pymysql_errors() as error:
            number = error.args[0] if error.args else 0
            if isinstance(error, OSError) or not isinstance(number, int) or number < 1000:
                raise
            if number in (2006, 2013):
                raise
            return number
        return 0

    # Names that the server knows, or not -------------------------------------------------------

    def knows_collation(self, name: str) -> bool:
        """Return whether the server knows a collation, under this name."""
        return (
            not re.fullmatch(r"\w+", name)
            or self.errno(f"SELECT '' COLLATE `{name}`") != UNKNOWN_COLLATION
        )

    def knows_charset(self, name: str) -> bool:
        """Return whether the server knows a character set, under this name."""
        return (
            not re.fullmatch(r"\w+", name)
            or self.errno(f"SELECT CONVERT('' USING `{name}`)") != UNKNOWN_CHARSET
        )

    def collations(self) -> set[str]:
        """Return all collations that the server has."""
        names = {
            str(name)
            for (name,) in self._rows("SELECT COLLATION_NAME FROM information_schema.COLLATIONS")
        }
        if self.flavour == "mariadb" and self.version >= 101000:
            # Those that are shared by several character sets have a full name for each.
            full = self._rows(
                "SELECT FULL_COLLATION_NAME"
                " FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
            )
            names |= {str(name) for (name,) in full}
        return names

    def engines(self) -> set[str]:
        """Return the storage engines that can be used, in lower case."""
        sql = "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')"
        return {str(name).lower() for (name,) in self._rows(sql)}

    def accounts(self) -> set[tuple[str, str]] | None:
        """Return users and roles, as user and host; None where this account may not read them."""
        try:
            rows = self._rows("SELECT User, Host FROM mysql.user")
        except pymysql_errors():
            return None
        return {(_text(user), _text(host)) for user, host in rows}

    # What there is -----------------------------------------------------------------------------

    def contents(self, schemas: Iterable[str]) -> Contents:
        """Return the objects in these schemas, as far as this account may see them."""
        wanted = sorted(schemas)
        if not wanted:
            return Contents(frozenset(), {})
        select = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN %s"
        found = frozenset(_text(name) for (name,) in self._rows(select, wanted))
        return Contents(found, dict(self._things(wanted)))

    def _things(self, schemas: list[str]) -> Iterator[tuple[tuple[str, str, str], Thing]]:
        select = (
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA IN %s"
        )
        for schema, name, kind, rows in self._rows(select, schemas):
            what = "view" if "VIEW" in _text(kind) else "table"
            yield (
                (_text(schema), what, _text(name)),
                Thing(what, None if rows is None else int(rows)),
            )
        select = (
            "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE"
            " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN %s"
        )
        for schema, name, table in self._rows(select, schemas):
            yield (_text(schema), "trigger", _text(name)), Thing("trigger", on=_text(table))
        select = (
            "SELECT ROUTINE_SCHEMA, ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES"
            " WHERE ROUTINE_SCHEMA IN %s UNION ALL SELECT EVENT_SCHEMA, 'EVENT', EVENT_NAME"
            " FROM information_schema.EVENTS WHERE EVENT_SCHEMA IN %s"
        )
        for schema, kind, name in self._rows(select, schemas, schemas):
            what = _text(kind).lower()
            yield (_text(schema), what, _text(name)), Thing(what)

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
