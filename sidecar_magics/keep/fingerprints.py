"""Fingerprints of tables, which prove that a table is unchanged and need not be read again.

A table that is not proven to be unchanged is read again. The proof is InnoDB's own time of the last
change (UPDATE_TIME), which each commit sets, also for rows that foreign keys or triggers change:

- It has whole seconds. So it proves something only if the change before was some seconds earlier.
- It is set just before others see the change. So it is asked for before the dump's moment, to be
  noted, and once more after it, to be compared.
- It is NULL after a restart of the server, and for a table that InnoDB has put out of its memory:
  then it proves nothing, unless the table was empty and is, or the server has not restarted since
  and counts no written row, of any table (`Activity`).
- A renamed table brings its own along. So InnoDB's number of the table goes with it.
- A definition may change without it. So SHOW CREATE TABLE goes with it.

Tables of other engines, those with partitions, and some with letters beyond ASCII in their names
are never proven.

Tried on MySQL 9.7 and MariaDB 10.11: rows, cascades, triggers, XA, TRUNCATE, swapped names and each
ALTER show in the time, the number or the definition. Counters of performance_schema (off by default
on MariaDB, reset) and of InnoDB's statistics (recalculated at any time) prove less; CHECKSUM TABLE
costs as much as the dump.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from ..dump.spelling import file_name, literal, quoted, table_path
from ..server import pymysql_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..dump.catalogue import Schema, StoredTable
    from ..dump.snapshot import Asking

# Time between a commit's own note of the time and the moment from which others see its rows.
SETTLED_AFTER_S = 10
# Clock and uptime are whole seconds, and asked for one after the other.
SAME_START_S = 2
# Counters of written rows in tables; they leave out rows in temporary tables of questions.
_COUNTERS = {
    "mysql": ("Innodb_rows_inserted", "Innodb_rows_updated", "Innodb_rows_deleted"),
    "mariadb": ("Handler_write", "Handler_update", "Handler_delete"),
}
_NUMBERS = {"mysql": "innodb_tables", "mariadb": "innodb_sys_tables"}


class Fingerprint(NamedTuple):
    """The fingerprint of a table.

    Attributes
    ----------
    text : str
        Differs after any change, if `changed_s` is known.
    changed_s : int or None
        When it was changed last, by the server's clock.
    now_s : int
        When the fingerprint was taken, by the same clock.
    """

    text: str
    changed_s: int | None
    now_s: int

    @property
    def is_settled(self) -> bool:
        """Whether any later change gives another fingerprint."""
        return self.changed_s is not None and self.changed_s + SETTLED_AFTER_S < self.now_s

    @property
    def is_settled_if_alone(self) -> bool:
        """The same, where no other connection may just be about to commit."""
        return self.changed_s is not None and self.changed_s < self.now_s


class Activity(NamedTuple):
    """How much a server has written.

    Attributes
    ----------
    started_s : int
        When it started, by its own clock; a second more or less.
    uptime_s : int
        Seconds since then.
    written : str
        How many rows it has inserted, updated and deleted since then.
    """

    started_s: int = 0
    uptime_s: int = 0
    written: str = ""

    def goes_on_from(self, earlier: Activity) -> bool:
        """Return whether nothing was written since an earlier look.

        A server that has restarted since counts from 0 again, and started after that look.
        """
        is_same_start = abs(self.started_s - earlier.started_s) <= SAME_START_S
        was_up = earlier.uptime_s > 3 * SAME_START_S
        return bool(self.written) and was_up and is_same_start and self.written == earlier.written


def activity(asking: Asking) -> Activity:
    """Return how much a server has written."""
    names = ("Uptime", *_COUNTERS[asking.sidecar.flavour])
    listed = ", ".join(f"'{name}'" for name in names)
    now_s = int(asking.value(b"SELECT UNIX_TIMESTAMP()"))
    rows = asking.rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({listed})".encode())
    counted = {name: value or "" for name, value in rows}
    if set(counted) != set(names) or not counted["Uptime"].isdigit():
        return Activity()
    uptime_s = int(counted.pop("Uptime"))
    return Activity(now_s - uptime_s, uptime_s, " ".join(counted[name] for name in names[1:]))


def look(asking: Asking, schemas: Iterable[Schema]) -> dict[str, Fingerprint]:
    """Return the fingerprints of tables, as far as these can be proven unchanged.

    Parameters
    ----------
    asking : Asking
        A connection.
    schemas : iterable of Schema
        The tables.
    """
    tables = [table for schema in schemas for table in schema.tables]
    if not tables:
        return {}
    numbers = _numbers(asking)
    now_s = int(asking.value(b"SELECT UNIX_TIMESTAMP()"))
    times = _times(asking, sorted({table.schema for table in tables}))
    found = {}
    for table in tables:
        number, changed_s = numbers.get(_internal(table)), times.get(str(table))
        if number is not None and table.engine.lower() == "innodb" and str(table) in times:
            text = f"{number} {changed_s} {_definition(asking, table)}"
            found[str(table)] = Fingerprint(text, changed_s, now_s)
    return found


def is_empty(asking: Asking, table: StoredTable) -> bool:
    """Return whether a table has no rows."""
    return not asking.rows(b"SELECT 1 FROM " + quoted(table.schema, table.name) + b" LIMIT 1")


def _numbers(asking: Asking) -> dict[str, str]:
    """Return InnoDB's numbers of tables; none for an account that may not see them."""
    view = _NUMBERS[asking.sidecar.flavour]
    try:
        rows = asking.rows(f"SELECT name, table_id FROM information_schema.{view}".encode())
    except pymysql_errors() as error:
        if error.args and error.args[0] in (1227, 1109, 1142):  # PROCESS is missing, or the view
            return {}
        raise
    # A partition's name has a # in it, and so no table of that name is found.
    return {name or "": number or "" for name, number in rows}


def _internal(table: StoredTable) -> str:
    """Return InnoDB's name of a table; InnoDB has no such name if it spells a letter otherwise."""
    return f"{file_name(table.schema)}/{file_name(table.name)}"


def _times(asking: Asking, schemas: list[str]) -> dict[str, int | None]:
    names = b", ".join(literal(name) for name in schemas)
    rows = asking.rows(
        b"SELECT table_schema, table_name, UNIX_TIMESTAMP(update_time)"
        b" FROM information_schema.tables WHERE BINARY table_schema IN (%s)"
        b" AND COALESCE(create_options, '') NOT LIKE '%%partitioned%%'" % names
    )
    return {table_path(s or "", t or ""): int(float(w)) if w else None for s, t, w in rows}


def _definition(asking: Asking, table: StoredTable) -> str:
    shown = asking.shown(b"SHOW CREATE TABLE " + quoted(table.schema, table.name))
    return hashlib.sha256(shown.get("create table", b"")).hexdigest()
