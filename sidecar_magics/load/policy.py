"""How a load is to be done: everything that a user may choose."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..schemas import JOURNAL_SCHEMA
from ..script.collations import checked_collation_map, parse_collation_map
from ..script.rewrite import RewriteError, Rewriter
from ..script.substitutes import substitutes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NEAREST = "nearest"
AUTO, INSERT, LOAD_DATA = ROWS = ("auto", "insert", "load-data")

# A dump of a whole server has the journal of the loads into that one: it knows nothing of this one,
# and would take the place of what this load notes.
RESERVED = {JOURNAL_SCHEMA: "the journal of %mysql_load"}

# What the result depends on; the rest only decides how it is reached.
_DECIDE_RESULT = (
    "database",
    "init",
    "into",
    "tables",
    "schema_only",
    "data_only",
    "skip_definer",
    "collation_map",
    "system_schemas",
)


@dataclass(frozen=True)
class LoadPolicy:
    """How a script is loaded, what of it, and what it is allowed to do.

    Parameters
    ----------
    database : str, optional
        Schema to work in until the script says otherwise; it must exist.
    jobs : int, optional
        Connections that work at the same time; 1 is strictly in order. Default: twice the cores,
        at most 8, as far as the server has room.
    binlog : bool, default False
        Keep the server's binary log, also where it can be left out: on loopback, without replicas.
    once : bool, default False
        Do nothing if the same was loaded before; keep in the server that it was.
    resume : bool, default False
        Go on where an earlier load of the same script stopped.
    force : bool, default False
        Go on behind a statement that is refused.
    init : tuple of str, default ()
        Statements for each new connection.
    into : str, optional
        Schema that takes the place of the script's own one.
    tables : tuple of str, default (): all
        Patterns of the tables to load, ``table`` or ``schema.table``.
    schema_only, data_only : bool, default False
        No rows; or nothing but rows.
    skip_definer : bool, default False
        Leave DEFINER out, so that whoever loads is the definer.
    collation_map : mapping of str to str, or "nearest", optional
        Collations to take for others; "nearest" finds one for each that the server lacks.
    system_schemas : bool, default False
        Do not skip what is done to ``mysql``, ``sys`` and their like.
    yes_remote : bool, default False
        Let a script drop things on a server that is not on this machine.
    allow_local_infile : bool, default False
        LOAD DATA LOCAL INFILE, which sends any file that this user can read to the server.
    allow_outside_source : bool, default False
        ``source`` of files outside the folder of the script itself.
    rows : {"auto", "insert", "load-data"}, default "auto"
        How rows reach the server: ``insert`` as they stand; ``load-data`` through LOAD DATA LOCAL,
        from memory, wherever the result is proven to be the same, and an error if the server has
        local_infile off; ``auto`` in that way where it is worth while and the server takes it.

    Raises
    ------
    SettingsError
        The choices contradict each other.
    """

    database: str | None = None
    jobs: int | None = None
    binlog: bool = False
    once: bool = False
    resume: bool = False
    force: bool = False
    init: tuple[str, ...] = ()
    into: str | None = None
    tables: tuple[str, ...] = ()
    schema_only: bool = False
    data_only: bool = False
    skip_definer: bool = False
    collation_map: Mapping[str, str] | str | None = field(default=None)
    system_schemas: bool = False
    yes_remote: bool = False
    allow_local_infile: bool = False
    allow_outside_source: bool = False
    rows: str = AUTO

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise SettingsError(f"--jobs {self.jobs}: at least one connection is needed.")
        if self.rows not in ROWS:
            raise SettingsError(f"--rows {self.rows}: choose one of {', '.join(ROWS)}.")
        if self.into is not None and self.database is not None:
            raise SettingsError("--into and --database exclude each other.")
        for option, schema in (("--into", self.into), ("--database", self.database)):
            if schema is not None and schema.lower() == JOURNAL_SCHEMA:
                raise SettingsError(
                    f"{option} {schema}: this schema keeps the journal of %mysql_load.",
                    hint="choose another name.",
                )
        self.rewriter(())

    @property
    def identity(self) -> str:
        """The choices that the result depends on, as a digest: some may hold a password."""
        chosen = asdict(self)
        decide = {name: chosen[name] for name in _DECIDE_RESULT if chosen[name]}
        return hashlib.sha256(json.dumps(decide, sort_keys=True).encode()).hexdigest()

    def rewriter(self, collations: Collection[str], source: str | None = None) -> Rewriter:
        """Return what changes the script's statements.

        Parameters
        ----------
        collations : collection of str
            Those that the server has.
        source : str, optional
            The script's own schema, where that is known.

        Raises
        ------
        SettingsError
            The choices contradict each other, or make no sense.
        """
        try:
            return Rewriter(
                into=self.into,
                source=source,
                tables=self.tables,
                schema_only=self.schema_only,
                data_only=self.data_only,
                skip_definer=self.skip_definer,
                collation_map=self.collations_to_replace(collations),
                system_schemas=self.system_schemas,
                reserved=RESERVED,
            )
        except (RewriteError, ValueError) as error:
            raise SettingsError(f"{error}.") from None

    @property
    def wants_collations(self) -> bool:
        """Whether `rewriter` needs to know the server's collations."""
        return self.collation_map == NEAREST

    def collations_to_replace(self, collations: Collection[str]) -> Mapping[str, str]:
        """Return which collation takes the place of which.

        Parameters
        ----------
        collations : collection of str
            Those that the server has.

        Raises
        ------
        ValueError
            The map makes no sense.
        """
        if self.collation_map is None:
            return {}
        if not isinstance(self.collation_map, str):
            return checked_collation_map(self.collation_map)
        if self.collation_map == NEAREST:
            return substitutes(collations) if collations else {}
        return parse_collation_map(self.collation_map)
