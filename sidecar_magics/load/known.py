"""What is known of the tables that a script fills: from the script itself, or from the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple

from .tasks import Table

if TYPE_CHECKING:
    from ..script.definitions import TableDefinition

Name = tuple[bytes, bytes]


class Found(NamedTuple):
    """What the server says of something that rows go into.

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
    """What the script itself says of a table, or the most cautious guess."""

    table: Table
    innodb: bool = True
    foreign_keys: bool = True
    counts_up: bytes | None = None  # the column, if it is the first
    counts_up_elsewhere: bool = True
    watched: bool = False  # a trigger makes of each row what it likes


class KnownTables:
    """The tables as they are at one point of the script.

    Parameters
    ----------
    lookup : callable, optional
        Asked with schema and name of a table that the script did not make; returns a `Found`, or
        None if it is not there.
    """

    def __init__(self, lookup: Callable[[bytes, bytes], Found | None] | None = None) -> None:
        self._lookup = lookup
        self._known: dict[Name, KnownTable] = {}
        self._dropped: set[Name] = set()
        self._maybe_made: set[Name] = set()
        self._trusts_lookup = True

    def get(self, name: Name) -> KnownTable | None:
        """Return what is known of a table that gets rows; None if that is too little."""
        known = self._known.get(name)
        if known is None and self._lookup and self._trusts_lookup:
            found = self._lookup(*name)
            if found is None and name in self._maybe_made:
                found = Found()
            if found and found.is_table:
                known = KnownTable(
                    Table(*name),
                    innodb=found.innodb,
                    counts_up=found.counts_up,
                    counts_up_elsewhere=found.counts_up_elsewhere,
                    watched=found.watched,
                )
                self._known[name] = known
        return known

    def is_innodb(self, name: Name) -> bool:
        """Tell whether the script has named a table that is InnoDB's for certain."""
        return name in self._known and self._known[name].innodb

    def make(self, name: Name, definition: TableDefinition) -> None:
        """Take note of a CREATE TABLE."""
        self._maybe_made.add(name)
        if definition.unless_exists and name not in self._dropped:
            return  # whether it is this one nobody knows
        self._dropped.discard(name)
        self._known[name] = KnownTable(
            Table(*name),
            innodb=definition.engine in (None, b"innodb"),
            foreign_keys=definition.refers_to_others,
            counts_up=definition.counts_up,
            counts_up_elsewhere=definition.counts_up_elsewhere,
        )

    def drop(self, name: Name) -> None:
        """Take note of a DROP TABLE."""
        self._known.pop(name, None)
        self._dropped.add(name)

    def drop_schema(self, schema: bytes) -> None:
        """Take note of a DROP DATABASE."""
        for name in [name for name in self._known if name[0] == schema]:
            self.drop(name)

    def add(self, name: Name, *, foreign_keys: bool, counter: bool) -> None:
        """Take note of what an ALTER TABLE adds."""
        if name in self._known:
            self._known[name].foreign_keys |= foreign_keys
            self._known[name].counts_up_elsewhere |= counter

    def watch(self, name: Name) -> None:
        """Take note of a trigger on a table."""
        self._known.setdefault(name, KnownTable(Table(*name))).watched = True

    def forget_all(self, *, lookup: bool = True) -> None:
        """Forget what the script has said, and without `lookup` no longer ask the server either."""
        self._known.clear()
        self._trusts_lookup &= lookup

    def distrust_lookup(self) -> None:
        """Ask the server no more: the script may have put something else in a table's place."""
        self._trusts_lookup = False
