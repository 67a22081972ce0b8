"""Objects that an account may not see: servers leave them out of each list silently.

Tried on MySQL 9.7 and MariaDB 10.11: triggers show with TRIGGER on their table, events with EVENT
on their schema, tables and views with any right on them. A routine shows with any right on it or on
routines of its schema, and its body with another right (`_shows_bodies`), or to its definer.

So we read SHOW GRANTS first, and objects that may be missing stop a dump, with the GRANTs that it
needs: a note in a report is read only once the loss is found. ``--force`` continues, and says so
in the file. A GRANT on a schema's own name hides the account's rights on a pattern, so the error
names that pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..errors import printable
from ..script.versioned import version_number
from .spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..grants import Grants
    from ..sidecar import Sidecar
    from .catalogue import Schema
    from .policy import DumpPolicy

# With one of these on a schema, all its tables and views are listed.
_LISTS_TABLES = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER"),
    *("CREATE VIEW", "SHOW VIEW", "TRIGGER"),
)
_LISTS_ROUTINES = ("EXECUTE", "CREATE ROUTINE", "ALTER ROUTINE")
MOST_NAMES = 5
MOST_STATEMENTS = 3
_WILDCARDS = frozenset("*?[")


class Hidden(NamedTuple):
    """Objects of a schema that an account may not see.

    Attributes
    ----------
    schema : str
        The schema.
    what : str
        ``tables``, ``views``, ``triggers``, ``routines`` or ``events``.
    right, where : str
        The missing privilege, and the object that it would be granted on.
    names : tuple of str
        Objects that certainly exist. Empty: there may be some.
    """

    schema: str
    what: str
    right: str
    where: str
    names: tuple[str, ...] = ()


def hidden(
    schemas: Sequence[Schema], grants: Grants, sidecar: Sidecar, policy: DumpPolicy
) -> list[Hidden]:
    """Return the objects of schemas that an account may not see.

    Parameters
    ----------
    schemas : sequence of Schema
        As the account sees them.
    grants : Grants
        Its privileges.
    sidecar : Sidecar
        The server.
    policy : DumpPolicy
        The options of the dump; other objects may be hidden.
    """
    found: list[Hidden] = []
    for schema in schemas:
        own = quoted(grants.place(schema.name)).decode() + ".*"
        lacks_tables = not _lists_tables(schema, grants, policy)
        if lacks_tables:
            found.append(Hidden(schema.name, "tables", "SELECT", own))
        if policy.data_only:
            continue
        names = _hidden_views(schema, grants)
        if names or (lacks_tables and not grants.allow("SHOW VIEW", schema.name)):
            found.append(Hidden(schema.name, "views", "SHOW VIEW", own, names))
        shows_triggers = grants.allow("TRIGGER", schema.name) or not (
            lacks_tables
            or any(not grants.allow("TRIGGER", schema.name, each.name) for each in schema.tables)
        )
        if not shows_triggers:
            names = tuple(each.name for each in schema.triggers if each.is_hidden)
            found.append(Hidden(schema.name, "triggers", "TRIGGER", own, names))
        if policy.tables:  # then there are no programs in a dump
            continue
        found += _hidden_routines(schema, grants, sidecar, own)
        if not grants.allow("EVENT", schema.name):
            found.append(Hidden(schema.name, "events", "EVENT", own))
    return found


def sees_all_schemas(grants: Grants, policy: DumpPolicy) -> bool:
    """Return whether an account sees all schemas that are to be dumped.

    An account with rights on some schemas is not expected to see others.
    """
    return _are_names(policy.schemas) or grants.any_of("SHOW DATABASES", *_LISTS_TABLES)


def leave_out(schemas: Iterable[Schema], there: Iterable[Hidden]) -> None:
    """Leave out objects that exist for certain, and cannot be dumped."""
    names = {(each.schema, each.what): set(each.names) for each in there}
    for schema in schemas:
        for what in ("views", "triggers", "routines"):
            doomed = names.get((schema.name, what), set())
            kept = [each for each in getattr(schema, what) if each.name not in doomed]
            getattr(schema, what)[:] = kept


def told(there: Iterable[Hidden], account: str) -> list[str]:
    """Return the objects that a dump may lack, at most a sentence for each schema."""
    by_schema: dict[str, list[Hidden]] = {}
    for each in there:
        by_schema.setdefault(each.schema, []).append(each)
    return [
        f"May lack {_and(map(_described, those))} of {printable(schema)}: "
        f"the account {printable(account)} does not see them."
        for schema, those in by_schema.items()
    ]


def statements(there: Iterable[Hidden], account: str) -> list[str]:
    """Return the statements that give an account the rights it lacks, a few at most."""
    user, _, host = account.rpartition("@")
    grantee = f"{quoted(user).decode()}@{quoted(host).decode()}"
    rights: dict[str, list[str]] = {}
    for each in there:
        of_place = rights.setdefault(each.where, [])
        if each.right not in of_place:
            of_place.append(each.right)
    sql = [f"GRANT {', '.join(those)} ON {where} TO {grantee};" for where, those in rights.items()]
    more = len(sql) - MOST_STATEMENTS
    return [*sql[:MOST_STATEMENTS], f"... and {more} more."] if more > 0 else sql


def summary(there: Sequence[Hidden]) -> str:
    """Return the hidden objects in a few words: ``triggers and events of lab``."""
    kinds = list(dict.fromkeys(each.what for each in there))
    schemas = [printable(name) for name in dict.fromkeys(each.schema for each in there)]
    more = len(schemas) - MOST_NAMES
    if more > 0:
        schemas[MOST_NAMES:] = [f"{more} other schemas"]
    return f"{_and(kinds)} of {_and(schemas)}"


def _hidden_views(schema: Schema, grants: Grants) -> tuple[str, ...]:
    names = (view.name for view in schema.views)
    return tuple(name for name in names if not grants.allow("SHOW VIEW", schema.name, name))


def _lists_tables(schema: Schema, grants: Grants, policy: DumpPolicy) -> bool:
    return _are_names(policy.tables) or any(
        grants.allow(right, schema.name) for right in _LISTS_TABLES
    )


def _hidden_routines(
    schema: Schema, grants: Grants, sidecar: Sidecar, own: str
) -> Iterable[Hidden]:
    names = tuple(each.name for each in schema.routines if each.is_hidden)
    shows_all = _shows_bodies(schema.name, grants, sidecar) or any(
        grants.allow(right, schema.name) for right in _LISTS_ROUTINES
    )
    if names or not shows_all:
        right, where = _right_to_bodies(sidecar)
        yield Hidden(schema.name, "routines", right, where or own, names)


def _shows_bodies(schema: str, grants: Grants, sidecar: Sidecar) -> bool:
    right, where = _right_to_bodies(sidecar)
    if where == "mysql.proc":
        return grants.allow("SELECT", "mysql", "proc")
    if not where:
        return grants.allow(right, schema) or grants.allow("SELECT", "mysql", "proc")
    if "SELECT" in grants.revoked.get(schema, ()):
        return grants.allow("SHOW_ROUTINE")
    return grants.any_of("SELECT", "SHOW_ROUTINE")


def _right_to_bodies(sidecar: Sidecar) -> tuple[str, str]:
    """Return the right that shows the bodies of routines, and its object; none for their schema."""
    version = version_number(sidecar.version)
    if sidecar.flavour == "mariadb":
        return ("SHOW CREATE ROUTINE", "") if version >= 110300 else ("SELECT", "mysql.proc")
    if version < 80000:
        return "SELECT", "mysql.proc"
    return "SHOW_ROUTINE" if version >= 80020 else "SELECT", "*.*"


def _are_names(patterns: Sequence[str]) -> bool:
    return bool(patterns) and not any(_WILDCARDS & set(each) for each in patterns)


def _described(each: Hidden) -> str:
    if not each.names:
        return each.what
    shown = [printable(name) for name in each.names[:MOST_NAMES]]
    more = len(each.names) - len(shown)
    return f"{each.what} ({', '.join(shown)}{f' and {more} more' if more else ''})"


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
