"""Which privileges a script's statements need, and which of them an account lacks.

Source: "Privileges Provided by MySQL", MySQL 9 Reference Manual; "GRANT", MariaDB Knowledge Base;
tests/integration/test_check.py compares with the servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...grants import Grants
    from .inventory import Event, Inventory, Position
    from .statements import Account


class Need(NamedTuple):
    """A privilege that a statement needs; no schema for one on the whole server."""

    privilege: str
    schema: str | None
    table: str | None
    place: Position
    errno: int
    optional: bool = False  # the loader may leave the statement out


_DENIED_SCHEMA, _DENIED_TABLE, _DENIED, _DENIED_ROUTINE = 1044, 1142, 1227, 1370
_TABLE_PRIVILEGES = {
    ("create", "table"): ("CREATE",),
    ("drop", "table"): ("DROP",),
    ("alter", "table"): ("ALTER",),
    ("truncate", "table"): ("DROP",),
    ("create", "index"): ("INDEX",),
    ("drop", "index"): ("INDEX",),
    ("rename", "table"): ("ALTER", "DROP"),
    ("insert", "table"): ("INSERT",),
    ("replace", "table"): ("INSERT", "DELETE"),
    ("update", "table"): ("UPDATE",),
    ("delete", "table"): ("DELETE",),
    ("load", "table"): ("INSERT",),
    ("create", "view"): ("CREATE VIEW",),
    ("alter", "view"): ("CREATE VIEW", "DROP"),
    ("drop", "view"): ("DROP",),
}
_SCHEMA_PRIVILEGES = {
    ("create", "schema"): ("CREATE",),
    ("drop", "schema"): ("DROP",),
    ("alter", "schema"): ("ALTER",),
    ("create", "procedure"): ("CREATE ROUTINE",),
    ("create", "function"): ("CREATE ROUTINE",),
    ("drop", "procedure"): ("ALTER ROUTINE",),
    ("drop", "function"): ("ALTER ROUTINE",),
    ("alter", "procedure"): ("ALTER ROUTINE",),
    ("alter", "function"): ("ALTER ROUTINE",),
    ("create", "event"): ("EVENT",),
    ("drop", "event"): ("EVENT",),
    ("alter", "event"): ("EVENT",),
    ("lock", "table"): ("LOCK TABLES",),
}
# Privileges to name another account as DEFINER.
DEFINER_PRIVILEGES = {
    "mysql": ("SET_ANY_DEFINER", "SET_USER_ID", "SUPER"),
    "mariadb": ("SET USER", "SUPER"),
}


def lacking(inventory: Inventory, grants: Grants, flavour: str) -> list[Need]:
    """Return an account's missing privileges, each once for each place where it must hold.

    Parameters
    ----------
    inventory : Inventory
        The script.
    grants : Grants
        The account's privileges.
    flavour : str
        ``mysql`` or ``mariadb``.
    """
    found: dict[tuple[str, str | None, str | None, bool], Need] = {}
    for event in inventory.events:
        for need in _needs(event, flavour):
            if not grants.allow(need.privilege, need.schema, need.table):
                found.setdefault((need.privilege, need.schema, need.table, need.optional), need)
    for need in _needs_of_commands(inventory, flavour):
        if not grants.any_of(*need.privilege.split(" or ")):
            found.setdefault((need.privilege, None, None, False), need)
    return list(found.values())


def foreign_definers(inventory: Inventory, account: str) -> dict[Account, Position]:
    """Return the definers that are not the account itself, with the place of each."""
    user, _, host = account.rpartition("@")
    return {
        definer: mentions.first(next(iter(mentions)))
        for definer, mentions in inventory.definers.items()
        if (definer.user, definer.host if definer.host is not None else "%") != (user, host)
    }


def _needs(event: Event, flavour: str) -> Iterator[Need]:
    about = (event.verb, event.what)
    place, schema, definition = event.place, event.schema, event.definition
    if definition is not None and definition.temporary:
        if event.verb == "create":
            yield Need("CREATE TEMPORARY TABLES", schema, None, place, _DENIED_SCHEMA)
        return
    for privilege in _TABLE_PRIVILEGES.get(about, ()):
        yield Need(privilege, schema, event.name, place, _DENIED_TABLE, event.no_effect_on_innodb)
    for privilege in _SCHEMA_PRIVILEGES.get(about, ()):
        errno = _DENIED_ROUTINE if privilege == "ALTER ROUTINE" else _DENIED_SCHEMA
        yield Need(privilege, schema, None, place, errno, event.verb == "lock")
    if event.what == "account" and event.verb != "grant":
        yield Need("CREATE USER", None, None, place, _DENIED)
    if event.what == "trigger" and event.verb == "create" and definition and definition.on:
        yield Need("TRIGGER", schema, definition.on[1], place, _DENIED_TABLE)
    if definition is not None and definition.replaces and event.what in ("table", "view"):
        yield Need("DROP", schema, event.name, place, _DENIED_TABLE)
    if event.traits and flavour == "mysql":  # MariaDB asks for none
        for parent_schema, parent in event.traits.parents:
            yield Need("REFERENCES", parent_schema, parent, place, _DENIED_TABLE)


def _needs_of_commands(inventory: Inventory, flavour: str) -> Iterable[Need]:
    for privilege in inventory.commands:
        errno = 1045 if privilege == "FILE" else _DENIED
        yield Need(privilege, None, None, inventory.commands.first(privilege), errno)
    for variable in inventory.global_variables:
        either = "SYSTEM_VARIABLES_ADMIN or SUPER" if flavour == "mysql" else "SUPER"
        yield Need(either, None, None, inventory.global_variables.first(variable), _DENIED)
