"""The steps of a script, and the tasks made of them, each with the things that it touches."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from ...script.session import Session
    from ...script.splitter import Item
    from ..running.streaming import StreamTarget
    from ..sources.source import Source


class Step(NamedTuple):
    """One statement or command of the script, and the statement to send for it."""

    item: Item
    source: Source
    sql: bytes = b""
    table: str | None = None
    is_data: bool = False
    schemas: Collection[str] = ()  # those that it changes
    is_ours: bool = False  # it stands nowhere in the script

    @property
    def line(self) -> int:
        """Line in the source, as its messages count."""
        return self.item.line + self.source.first_line - 1

    @property
    def place(self) -> str:
        """``file:line:column``."""
        return f"{self.source.name}:{self.line}:{self.item.column}"


class TaskKind(Enum):
    """How a task is run."""

    ROWS = "rows"  # given values for one table; may share a transaction with others
    DEFINITION = "definition"  # commits by itself, whatever the server does with it
    INDEXES = "indexes"  # makes the indexes that were put off until the table's rows are there
    DATA = "data"  # other work on rows: in order, on the first lane; may share a transaction too
    BARRIER = "barrier"  # anything else: alone, on the first lane


@dataclass(eq=False)
class Table:
    """A table, and what lanes find out while they fill it; the scheduler's lock guards it.

    Parameters
    ----------
    schema, name : bytes
        Its names.
    any_order : bool
        Its rows may come in any order: a lane saw that it has a primary key to sort them by.
    deferred : list of bytes
        Indexes that were dropped while it is filled, as SHOW CREATE TABLE spells them.
    target : StreamTarget, optional
        How LOAD DATA fills it, once a lane has looked.
    """

    schema: bytes
    name: bytes
    inspected: bool = False
    any_order: bool = False
    deferred: list[bytes] = field(default_factory=list)
    target: StreamTarget | None = None

    @property
    def quoted(self) -> bytes:
        """The name as SQL."""
        return quoted(self.schema) + b"." + quoted(self.name)

    @property
    def key(self) -> str:
        """Its key among the things that tasks touch."""
        return table_key(self.schema, self.name)

    def __str__(self) -> str:
        return f"{self.schema.decode('utf-8', 'replace')}.{self.name.decode('utf-8', 'replace')}"


class Numbered(NamedTuple):
    """A table whose rows the server may number, or, without a name, any table of a schema."""

    schema: bytes
    name: bytes | None = None


@dataclass(eq=False)
class Task:
    """One piece of a script's work.

    Two tasks that touch different things may run in parallel; all others run in the order of the
    script.

    Parameters
    ----------
    kind : TaskKind
        How it is run.
    steps : list of Step
        The statements, one after another; none for a task that only enters a schema.
    session : Session, optional
        The state that it needs; None for the first lane's own, whatever that is.
    table : Table, optional
        The table that it is about.
    reads, writes : frozenset of str
        Schemas and tables whose definitions it needs, or changes.
    locks : frozenset of str
        Tables that the server locks for it: exclusively, unless it is about rows.
    any_order : bool
        For rows: their order among other rows does not matter.
    in_transaction : bool
        It is part of a transaction of the script's own.
    repeatable : bool
        Running it twice does no harm, or is noticed.
    maybe_done : bool
        An earlier process may have run it.
    numbers : set of Numbered
        Tables whose rows the server may number for it.
    absorbed : int
        How many statements before it, or within it, became part of no task: they count when it is
        done.
    number : int
        Place among the tasks, in the order of the script; set by the scheduler.
    """

    kind: TaskKind
    steps: list[Step] = field(default_factory=list)
    session: Session | None = None
    table: Table | None = None
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    locks: frozenset[str] = frozenset()
    any_order: bool = False
    in_transaction: bool = False
    repeatable: bool = True
    maybe_done: bool = False
    numbers: set[Numbered] = field(default_factory=set)
    number: int = -1
    absorbed: int = 0
    after: list[Task] = field(default_factory=list, repr=False)
    before_rows: Task | None = field(default=None, repr=False)
    lane: int | None = None
    executed: bool = False
    done: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of its statements."""
        return sum(len(step.sql) for step in self.steps)

    @property
    def is_barrier(self) -> bool:
        """Whether nothing may run in parallel with it."""
        return self.kind in (TaskKind.BARRIER, TaskKind.DATA)

    @property
    def shares_transaction(self) -> bool:
        """Whether it may be committed together with others."""
        return self.kind in (TaskKind.ROWS, TaskKind.DATA) and not self.in_transaction


def schema_key(schema: bytes) -> str:
    """Return a schema's key among the things that tasks touch."""
    # A server may take two spellings for one name: one key makes their tasks wait for each other.
    return quoted(schema).decode("utf-8", "replace").lower()


def table_key(schema: bytes, name: bytes) -> str:
    """Return a table's key among the things that tasks touch."""
    return f"{schema_key(schema)}.{schema_key(name)}"


def quoted(name: bytes) -> bytes:
    """Return a name as SQL, in backticks."""
    return b"`" + name.replace(b"`", b"``") + b"`"
