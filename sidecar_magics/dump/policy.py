"""The options of a dump: everything that a user may choose."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..errors import DumpError, SettingsError, printable
from ..schemas import JOURNAL_SCHEMA, SYSTEM_SCHEMAS
from ..scratch import is_scratch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .catalogue import Schema, StoredTable

# Names in a hint.
LISTED = 8


@dataclass(frozen=True)
class DumpPolicy:
    """What to dump of a server, and how.

    Parameters
    ----------
    schemas : tuple of str, default (): all
        Names of schemas, or patterns with ``*`` and ``?``.
    tables : str or sequence of str, default (): all
        Patterns of tables and views, ``table`` or ``schema.table``; a text is one pattern. With
        one, no routines and events are dumped.
    ignore_table : str or sequence of str, default (): none
        Patterns of tables and views to leave out, as in `tables`.
    schema_only, data_only : bool, default False
        Dump no rows; or only rows.
    where : str, optional
        Condition that the rows of each table must meet.
    keep_definer : bool, default False
        Keep DEFINER; else views and programs belong to the account that loads them.
    jobs : int, optional
        Connections that work in parallel. Default: one for each core, at most 8.
    verify : bool, default False
        Load the dump into scratch schemas of the same server and compare, before it is moved into
        its place.
    yes_remote : bool, default False
        Let `verify` do so on a server that is not on this machine.
    force : bool, default False
        Dump everything that the account sees, even if it may not see everything.

    Raises
    ------
    SettingsError
        The choices contradict each other.
    """

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    ignore_table: tuple[str, ...] = ()
    schema_only: bool = False
    data_only: bool = False
    where: str | None = None
    keep_definer: bool = False
    jobs: int | None = None
    verify: bool = False
    yes_remote: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        for field in ("tables", "ignore_table"):
            given: str | Sequence[str] = getattr(self, field)
            object.__setattr__(self, field, (given,) if isinstance(given, str) else tuple(given))
        if self.jobs is not None and self.jobs < 1:
            raise SettingsError(f"--jobs {self.jobs}: at least one connection is needed.")
        if self.schema_only and self.data_only:
            raise SettingsError("--schema-only and --data-only exclude each other.")
        if self.schema_only and self.where is not None:
            raise SettingsError("--where chooses rows, and --schema-only dumps none.")
        if self.where is not None and not self.where.strip():
            raise SettingsError("--where: there is no condition.")
        if self.verify and self.data_only:
            raise SettingsError(
                "--verify loads the dump into empty schemas, and --data-only dumps no tables.",
                hint="leave out one of the two.",
            )
        for name in self.schemas:
            if name.lower() in SYSTEM_SCHEMAS:
                raise SettingsError(
                    f"{printable(name)}: the server's own schemas are not dumped.",
                    hint="name schemas of yours, or none for all of them.",
                )
            if name.lower() == JOURNAL_SCHEMA:
                raise SettingsError(
                    f"{name}: this schema is the journal of %mysql_load, which is not dumped.",
                    hint="name schemas of yours, or none for all of them.",
                )

    @property
    def is_whole(self) -> bool:
        """Whether schemas are dumped with all that they have."""
        chooses_tables = self.tables or self.ignore_table
        return not (chooses_tables or self.where or self.schema_only or self.data_only)

    def schemas_of(self, there: Collection[str]) -> list[str]:
        """Return which schemas to dump.

        Parameters
        ----------
        there : collection of str
            Those that the server has.

        Raises
        ------
        DumpError
            One that was asked for is not there.
        """
        hidden = SYSTEM_SCHEMAS | {JOURNAL_SCHEMA}
        candidates = [
            name
            for name in there
            if name.lower() not in hidden and (name in self.schemas or not is_scratch(name))
        ]
        for pattern in self.schemas:
            if not any(_matches(name, pattern) for name in candidates):
                raise self._no_schema(pattern, candidates)
        if not self.schemas:
            return candidates
        return [name for name in candidates if any(_matches(name, p) for p in self.schemas)]

    def _no_schema(self, pattern: str, there: Sequence[str]) -> DumpError:
        """Return the error for a name that no schema has; mysqldump takes tables after a schema."""
        hint = f"it has {_some(there)}." if there else "it has none of yours."
        schema, _, table = pattern.rpartition(".")
        if schema in there or (not schema and self.schemas[0] in there):
            named = printable(schema or self.schemas[0])
            hint += f" For a table write: {named} --tables {shlex.quote(printable(table))}"
        return DumpError(f"The server has no schema {printable(pattern)}.", hint=hint)

    def select(self, schemas: list[Schema]) -> None:
        """Leave out unwanted tables and views.

        Parameters
        ----------
        schemas : list of Schema
            As the server has them; changed in place.

        Raises
        ------
        DumpError
            A pattern fits no table.
        """
        if not (self.tables or self.ignore_table):
            return
        self._check_patterns([table for s in schemas for table in (*s.tables, *s.views)])
        for schema in schemas:
            schema.tables[:] = [table for table in schema.tables if self._wants(table)]
            schema.views[:] = [view for view in schema.views if self._wants(view)]
            schema.sequences[:] = [each for each in schema.sequences if self._wants(each)]
            names = {table.name for table in schema.tables}
            schema.triggers[:] = [each for each in schema.triggers if each.table in names]
            if self.tables:
                schema.routines.clear()
                schema.events.clear()
        if self.tables:
            schemas[:] = [each for each in schemas if each.tables or each.views or each.sequences]

    def _check_patterns(self, there: Sequence[StoredTable]) -> None:
        given = [("--tables", pattern) for pattern in self.tables]
        given += [("--ignore-table", pattern) for pattern in self.ignore_table]
        for option, pattern in given:
            if not any(_is_named(table, pattern) for table in there):
                raise DumpError(
                    f"No table or view fits {option} {printable(pattern)}.",
                    hint="write `table` or `schema.table`, with * and ?.",
                )

    def _wants(self, table: StoredTable) -> bool:
        is_chosen = not self.tables or any(_is_named(table, each) for each in self.tables)
        return is_chosen and not any(_is_named(table, each) for each in self.ignore_table)


def _matches(name: str, pattern: str) -> bool:
    # A name with a bracket in it is a name first.
    return name == pattern or fnmatchcase(name, pattern)


def _is_named(table: StoredTable, pattern: str) -> bool:
    path = f"{table.schema}.{table.name}"
    return _matches(table.name, pattern) or _matches(path, pattern)


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    listed = ", ".join(printable(name) for name in names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{listed}{more}"
