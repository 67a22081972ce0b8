"""A record of a script, as far as a server may object to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...script.features import Feature
    from .statements import Account, Definition, TableTraits

TableKey = tuple[Optional[str], str]


class Position(NamedTuple):
    """Where something stands: the script's name, line and column from 1."""

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


class State(NamedTuple):
    """The script's changes of its session, at one statement; None: unchanged."""

    foreign_key_checks: bool | None = None
    sql_mode: str | None = None
    require_primary_key: bool | None = None


class Event(NamedTuple):
    """One thing that the script does to the server, in the order of the script.

    Attributes
    ----------
    verb : str
        ``create``, ``drop``, ``alter``, ``rename``, ``truncate``, ``lock``, ``use``, ``insert``,
        ``replace``, ``update``, ``delete``, ``load``, ``call`` or ``grant``.
    what : str
        As `statements.Definition.what`.
    schema, name : str or None
        Its object; without a schema if none was chosen.
    place : Position
        Of the statement.
    state : State
        The session there.
    definition, traits
        For a definition.
    new : TableKey or None
        New name, of a rename.
    deterministic : bool
        Of a function.
    likely : bool
        The effect of an earlier statement cannot be foreseen.
    """

    verb: str
    what: str
    schema: str | None
    name: str
    place: Position
    state: State
    definition: Definition | None = None
    traits: TableTraits | None = None
    new: TableKey | None = None
    deterministic: bool = True
    no_effect_on_innodb: bool = False
    likely: bool = False


class Obstacle(NamedTuple):
    """A statement that the loader itself refuses."""

    place: Position
    message: str
    hint: str


@dataclass
class Tally:
    """Statements that put rows into one table."""

    statements: int = 0
    bytes: int = 0


class Mentions:
    """Names that a script mentions: how often, and where first."""

    def __init__(self) -> None:
        self._places: dict[str, list[Position]] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, place: Position) -> None:
        """Count one more."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._places.setdefault(name, [place])

    def first(self, name: str) -> Position:
        """Return where a name stands first."""
        return self._places[name][0]

    def count(self, name: str) -> int:
        """Return how often a name stands in the script."""
        return self._counts.get(name, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)


@dataclass
class Inventory:
    """A record of a script.

    Parameters
    ----------
    script_bytes, file_bytes : int
        Size of the SQL text, and of the files as they lie on disk (compressed).
    statements : int
        Number of statements.
    tables : dict of TableKey to Tally
        Statements with rows, by table.
    events : list of Event
        Its effects on the server, in order; of the statements with rows, the first after each
        definition of their table.
    largest_bytes : int
        Size of the largest statement, which stands at `largest_at`.
    maker, maker_version : str
        ``mysql`` or ``mariadb`` and the version of the server that the script was dumped from, as
        its header has it; empty texts if it says nothing.
    session_variables, global_variables : Mentions
        System variables that it sets, in its session and for the whole server.
    read_variables : Mentions
        System variables that it reads.
    sql_modes, time_zones, charsets, collations : Mentions
        As it spells them.
    features : dict of Feature to Mentions
        Features that this kind of server lacks, or treats differently.
    definers : dict of Account to Mentions
        Accounts that its views, routines, triggers and events are to run as.
    commands : Mentions
        Statements that need an administrator's right, by the right.
    obstacles : list of Obstacle
        Refusals of the loader.
    local_files : list of Position
        LOAD DATA LOCAL.
    system_statements : int
        Statements on the server's own schemas, which are left out.
    unfollowed : list of Position
        Statements whose effect cannot be known: procedures that are called, prepared statements.
    truncated : list of str
        Scripts that lack the line that their maker ends with.
    """

    script_bytes: int = 0
    file_bytes: int = 0
    statements: int = 0
    tables: dict[TableKey, Tally] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    largest_bytes: int = 0
    largest_at: Position | None = None
    maker: str = ""
    maker_version: str = ""
    session_variables: Mentions = field(default_factory=Mentions)
    global_variables: Mentions = field(default_factory=Mentions)
    read_variables: Mentions = field(default_factory=Mentions)
    sql_modes: Mentions = field(default_factory=Mentions)
    time_zones: Mentions = field(default_factory=Mentions)
    charsets: Mentions = field(default_factory=Mentions)
    collations: Mentions = field(default_factory=Mentions)
    features: dict[Feature, Mentions] = field(default_factory=dict)
    definers: dict[Account, Mentions] = field(default_factory=dict)
    commands: Mentions = field(default_factory=Mentions)
    obstacles: list[Obstacle] = field(default_factory=list)
    local_files: list[Position] = field(default_factory=list)
    system_statements: int = 0
    unfollowed: list[Position] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
