"""Facts about the tables that a script fills: from the script itself, or from the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .tasks import Table

if TYPE_CHECKING:
    from ...script.definitions import TableDefinition

Name = tuple[bytes, bytes]


class TableFacts(NamedTuple):
    """The server's facts about a table, or view, that gets rows.

    Attributes
    ----------
    is_table : bool
        And no view.
    innodb : bool
        Its engine is InnoDB.
    watched : bool
        It has triggers.
    counts_up : bytes or None
        The AUTO_INCREMENT column, if that is the first.
    counts_up_elsewhere : bool
        Another column has AUTO_INCREMENT, or may have it.
    """

    is_table: bool = True
    innodb: bool = True
    watched: bool = False
    counts_up: bytes | None = None
    counts_up_elsewhere: bool = True


@dataclass
class KnownTable:
    """The script's own facts about a table, or the most cautious guess."""

    table: Table
    innodb: bool = True
    foreign_keys: bool = True
    counts_up: bytes | None = None  # the column, if it is the first
    counts_up_elsewhere: bool = True
    watched: bool = False  # a trigger may change each row


class Lookup(Protocol):
    """Asks the server for a table: `TableFacts`, or None if it is not there."""

    def __call__(self, schema: bytes, name: bytes, /, *, settled: bool) -> TableFacts | None:
        """Look; `settled` if all that comes before it in the script must be done first."""


class KnownTables:
    """The tables as they are at one point of the script.

    Parameters
    ----------
    lookup : Lookup, optional
        Asked for a table that the script did not make.
    """

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._lookup = lookup
        self._known: dict[Name, KnownTable] = {}
        self._dropped: set[Name] = set()
        self._dropped_schemas: set[bytes] = set()
        self._maybe_made: set[Name] = set()
        self._no_tables: set[Name] = set()  # the server has none of that name, or a view
        self._all_may_differ = False
        self._some_keep_rows = False  # a table without transactions was seen

    def get(self, name: Name, *, settled: bool = False) -> KnownTable | None:
        """Return the facts about a table that gets rows; None if they are too few.

        Parameters
        ----------
        name : tuple of bytes
            Schema and table.
        settled : bool, default False
            Whether the server may be made to do all that comes before it in the script: then its
            answer is right also where the script may have made or changed the table.
        """
        known = self._known.get(name)
        if known is not None or self._lookup is None or name in self._no_tables:
            return known
        if settled or not self._may_differ(name):
            found = self._lookup(*name, settled=settled)
            if found and found.is_table:
                known = self._known[name] = _as_found(name, found)
                self._some_keep_rows |= not known.innodb
            else:
                self._no_tables.add(name)
        return known

    def can_undo(self, known: KnownTable) -> bool:
        """Return whether rows that are put into a table are undone with their transaction.

        Triggers may put them into tables that have none.
        """
        return known.innodb and not (known.watched and self._some_keep_rows)

    def needs_settling(self, name: Name) -> bool:
        """Return whether the server knows more about a table once all earlier tasks are done."""
        is_open = name not in self._known and name not in self._no_tables
        return self._lookup is not None and is_open and self._may_differ(name)

    def _may_differ(self, name: Name) -> bool:
        """Return whether the script may have made of a table something else than the server has."""
        return (
            self._all_may_differ
            or name in self._maybe_made
            or name in self._dropped
            or name[0] in self._dropped_schemas
        )

    def is_innodb(self, name: Name) -> bool:
        """Return whether the script has named a table that is InnoDB's for certain."""
        return name in self._known and self._known[name].innodb

    def make(self, name: Name, definition: TableDefinition, *, innodb: bool) -> None:
        """Take note of a CREATE TABLE, and whether its engine is certainly InnoDB."""
        self._no_tables.discard(name)
        if definition.unless_exists and not self._is_not_there(name):
            self._maybe_made.add(name)
            return  # it may be another one
        self._maybe_made.add(name)
        self._dropped.discard(name)
        self._some_keep_rows |= not innodb
        self._known[name] = KnownTable(
            Table(*name),
            innodb=innodb,
            foreign_keys=definition.refers_to_others,
            counts_up=definition.counts_up,
            counts_up_elsewhere=definition.counts_up_elsewhere,
        )

    def _is_not_there(self, name: Name) -> bool:
        """Return whether a table is missing for certain, so that IF NOT EXISTS makes it."""
        if name in self._known:
            return False
        if name in self._dropped:
            return True
        if name in self._maybe_made or self._all_may_differ or self._lookup is None:
            return False
        return name[0] in self._dropped_schemas or self._lookup(*name, settled=False) is None

    def drop(self, name: Name) -> None:
        """Take note of a DROP TABLE."""
        self._known.pop(name, None)
        self._no_tables.discard(name)
        self._dropped.add(name)

    def drop_schema(self, schema: bytes) -> None:
        """Take note of a DROP DATABASE."""
        self._dropped_schemas.add(schema)
        self._no_tables.clear()
        for name in [name for name in self._known if name[0] == schema]:
            self.drop(name)

    def add(self, name: Name, *, foreign_keys: bool, counter: bool) -> None:
        """Take note of an ALTER TABLE that only adds to a table."""
        if name in self._known:
            self._known[name].foreign_keys |= foreign_keys
            self._known[name].counts_up_elsewhere |= counter
            self._known[name].table = Table(*name)  # what lanes saw of it holds no more

    def watch(self, name: Name) -> None:
        """Take note of a trigger on a table."""
        known = self.get(name)
        if known is not None:
            known.watched = True
        else:
            self._maybe_made.add(name)

    def forget_all(self) -> None:
        """Forget the script's facts: it may have put another table in a table's place."""
        self._known.clear()
        self.may_differ()

    def may_differ(self) -> None:
        """Ask the server for facts only once all earlier tasks are done."""
        self._all_may_differ = True
        self._no_tables.clear()


def _as_found(name: Name, found: TableFacts) -> KnownTable:
    return KnownTable(
        Table(*name),
        innodb=found.innodb,
        counts_up=found.counts_up,
        counts_up_elsewhere=found.counts_up_elsewhere,
        watched=found.watched,
    )
