"""The options of a load: everything that a user may choose."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from ..schemas import JOURNAL_SCHEMA
from ..script.collations import checked_collation_map, parse_collation_map
from ..script.rewrite import RewriteError, Rewriter
from ..script.substitutes import substitutes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

NEAREST = "nearest"
AUTO, INSERT, LOAD_DATA = ROWS = ("auto", "insert", "load-data")

# A dump of a whole server has the journal of the loads into that server: it would replace the
# journal of this one.
RESERVED = {JOURNAL_SCHEMA: "the journal of %mysql_load"}
# A resumed load has these anyway, or may have others.
_NOT_REPEATED = frozenset({"once", "resume", "jobs", "binlog", "rows"})


def _decides(default: Any) -> Any:
    """Return a field that the result depends on."""
    return field(default=default, metadata={"decides result": True})


@dataclass(frozen=True)
class LoadPolicy:
    """How to load a script, which parts of it, and what the script may do.

    Parameters
    ----------
    database : str, optional
        Schema to work in until the script says otherwise; it must exist.
    jobs : int, optional
        Connections that work in parallel; 1 is strictly in order. Default: four for each core, at
        most 16, as far as the server has room.
    binlog : bool, default False
        Write the server's binary log, also where it is of no use: on loopback, without replicas.
    once : bool, default False
        Skip a script that was loaded before; a record is kept in the server.
    resume : bool, default False
        Resume an earlier load of the same script where it stopped; skip it if it was completed.
    force : bool, default False
        Continue after a statement that the server refuses.
    init : str or sequence of str, default ()
        Statements for each new connection; a text is one statement.
    into : str, optional
        Schema to load into, instead of the script's own one.
    tables : str or sequence of str, default (): all
        Patterns of the tables to load, ``table`` or ``schema.table``; a text is one pattern.
    schema_only, data_only : bool, default False
        Load no rows; or only rows.
    skip_definer : bool, default False
        Leave DEFINER out, so that the loading account is the definer.
    collation_map : mapping of str to str, or "nearest", optional
        Collations to replace by others; "nearest" finds one for each that the server lacks.
    system_schemas : bool, default False
        Do not skip statements that change ``mysql``, ``sys`` and the other system schemas.
    yes_remote : bool, default False
        Let a script drop things on a server that is not on this machine.
    allow_local_infile : bool, default False
        Allow LOAD DATA LOCAL INFILE, which can send any file of this user to the server.
    allow_outside_source : bool, default False
        Allow ``source`` of files outside the script's own folder.
    rows : {"auto", "insert", "load-data"}, default "auto"
        How rows reach the server: ``insert`` as they are written; ``load-data`` through LOAD DATA
        LOCAL, from memory, wherever the result is proven to be the same, and an error if the server
        has local_infile off; ``auto`` like ``load-data`` where that is faster and the server allows
        it.

    Raises
    ------
    SettingsError
        The options contradict each other.
    """

    database: str | None = _decides(None)
    jobs: int | None = None
    binlog: bool = False
    once: bool = False
    resume: bool = False
    force: bool = False
    init: tuple[str, ...] = _decides(())
    into: str | None = _decides(None)
    tables: tuple[str, ...] = _decides(())
    schema_only: bool = _decides(False)
    data_only: bool = _decides(False)
    skip_definer: bool = _decides(False)
    collation_map: Mapping[str, str] | str | None = _decides(None)
    system_schemas: bool = _decides(False)
    yes_remote: bool = False
    allow_local_infile: bool = False
    allow_outside_source: bool = False
    rows: str = AUTO

    def __post_init__(self) -> None:
        for name in ("init", "tables"):
            given: str | Sequence[str] = getattr(self, name)
            several = (given,) if isinstance(given, str) else tuple(given)
            object.__setattr__(self, name, several)
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
        """A digest of the options that the result depends on; some may hold a password."""
        deciding = (each.name for each in fields(self) if each.metadata)
        decide = {name: chosen for name in deciding if (chosen := getattr(self, name))}
        return hashlib.sha256(json.dumps(decide, sort_keys=True).encode()).hexdigest()

    @property
    def target(self) -> str:
        """The options that say where to load, and which parts, as one text."""
        chosen = [self.database, self.into, self.tables, self.schema_only, self.data_only]
        return json.dumps(chosen)

    @property
    def words(self) -> tuple[str, ...]:
        """These options as words of a magic's line; `--init` without its statement."""
        words: list[str] = []
        for each in fields(self):
            chosen = getattr(self, each.name)
            if each.name in _NOT_REPEATED or chosen == each.default or not chosen:
                continue
            option = f"--{each.name.replace('_', '-')}"
            if each.name == "init":
                words += [option, "..."]
            elif each.name == "tables":
                words += [word for pattern in chosen for word in (option, pattern)]
            elif chosen is True:
                words.append(option)
            elif isinstance(chosen, str):
                words += [option, chosen]
            else:
                words += [option, ",".join(f"{old}={new}" for old, new in chosen.items())]
        return tuple(words)

    def rewriter(self, collations: Collection[str], source: str | None = None) -> Rewriter:
        """Return the rewriter of the script's statements.

        Parameters
        ----------
        collations : collection of str
            The server's collations.
        source : str, optional
            The script's own schema, if known.

        Raises
        ------
        SettingsError
            The options contradict each other, or make no sense.
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
        """Return the new collation for each that is to be replaced.

        Parameters
        ----------
        collations : collection of str
            The server's collations.

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
