"""The content of a dump, to compare it with another: texts of definitions, digests of rows."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, NamedTuple

from .spelling import table_path

if TYPE_CHECKING:
    from .catalogue import StoredProgram, StoredTable
    from .rows import InsertStatement, Range
    from .script import Made, Setting


class DumpedThing(NamedTuple):
    """An object with a definition: ``table``, ``view``, ``trigger``, ...; its schema and name.

    A schema is in itself.
    """

    kind: str
    schema: str
    name: str

    def __str__(self) -> str:
        is_schema = self.kind == "schema"
        return f"{self.kind} {self.schema if is_schema else table_path(self.schema, self.name)}"


class Defined(NamedTuple):
    """The definition of a thing.

    Attributes
    ----------
    sql : bytes
        The statement that makes it; of a sequence also the one that sets it.
    setting : Setting or None
        The session that a view or program was made in.
    table : str
        The table of a trigger.
    """

    sql: bytes
    setting: Setting | None = None
    table: str = ""


class RowsDigest(NamedTuple):
    """Rows of a part of a table: how many, and a digest of them in the order in which they came."""

    rows: int
    digest: bytes


class Content:
    """The content of a dump, taken down by several threads while it is made.

    Attributes
    ----------
    defined : dict of DumpedThing to Defined
        All definitions.
    rows : dict of (str, str) to dict of Range to RowsDigest
        By schema and table.
    """

    def __init__(self) -> None:
        self.defined: dict[DumpedThing, Defined] = {}
        self.rows: dict[tuple[str, str], dict[Range, RowsDigest]] = {}
        self._lock = threading.Lock()

    def define(self, kind: str, schema: str, name: str, defined: Defined) -> None:
        """Take down a definition."""
        with self._lock:
            self.defined[DumpedThing(kind.lower(), schema, name)] = defined

    def make(self, schema: str, made: Made, program: StoredProgram | None = None) -> None:
        """Take down a view, or a program."""
        table = program.table if program else ""
        self.define(made.kind, schema, made.name, Defined(made.sql, made.setting, table))

    def begin_rows(self, table: StoredTable, part: Range) -> RowsCounting:
        """Return a recorder for the rows of a part of a table."""
        return RowsCounting(self, (table.schema, table.name), part)

    def add(self, path: tuple[str, str], part: Range, found: RowsDigest) -> None:
        """Take down the rows of a part of a table."""
        with self._lock:
            self.rows.setdefault(path, {})[part] = found

    def parts(self, path: tuple[str, str]) -> list[Range]:
        """Return the parts in which a table was read, in any order."""
        return list(self.rows.get(path, ()))


class RowsCounting:
    """The rows of a part of a table, as they come."""

    def __init__(self, content: Content, path: tuple[str, str], part: Range) -> None:
        self._content, self._path, self._part = content, path, part
        self._hash = hashlib.blake2b(digest_size=32)
        self._rows = 0

    def add(self, statement: InsertStatement) -> None:
        """Take down a statement's rows: where one ends and the next begins makes no difference."""
        # Between rows stands a comma, and a semicolon after the last.
        self._hash.update(memoryview(statement.sql)[statement.rows_at : -2])
        self._hash.update(b",\n")
        self._rows += statement.rows

    def end(self) -> None:
        """There are no more."""
        found = RowsDigest(self._rows, self._hash.digest())
        self._content.add(self._path, self._part, found)
