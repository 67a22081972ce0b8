"""Look before a load: read the script and the server, and tell what would happen.

Nothing on the server is changed. What the server refuses is found out by asking it on a session of
our own; what the script does is played through against what is there (`world`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...connection import connect_now
from ...script.selection import TableSelection
from ...settings import resolve
from ...sidecar import FLAVOURS, describe
from ..policy import LoadPolicy
from ..sources import Sources, open_sources
from . import advice, objects, rules
from .findings import Finding, count, size, some, unique
from .recorder import Choice, Dialect
from .report import CheckReport, ObjectPlan, SchemaPlan
from .survey import survey
from .target import Target

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from ...settings import ConnectionSettings
    from .inventory import Inventory
    from .world import World

__all__ = [
    "CheckReport",
    "Choice",
    "Finding",
    "ObjectPlan",
    "SchemaPlan",
    "check",
    "check_sources",
    "check_sql",
]

# Findings that are no more than likely where a script does what cannot be foreseen.
_PLAYED = {"exists", "missing", "schema-missing", "parent-missing", "other-kind"}


def check(
    file: str | os.PathLike[str],
    settings: ConnectionSettings | None = None,
    *,
    database: str | None = None,
    into: str | None = None,
    skip_definer: bool = False,
    collation_map: Mapping[str, str] | str | None = None,
    system_schemas: bool = False,
    tables: Sequence[str] = (),
    schema_only: bool = False,
    data_only: bool = False,
    allow_local_infile: bool = False,
    allow_outside_source: bool = False,
) -> CheckReport:
    """Tell what loading a script would do to a server, and what would stop it.

    Parameters
    ----------
    file : path
        The script, or several, as `open_sources` finds them.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    database : str, optional
        Schema to work in until the script says otherwise.
    into : str, optional
        Schema that everything would go to.
    skip_definer : bool, default False
        DEFINERs would be left out.
    collation_map : mapping of str to str, or "nearest", optional
        Collations that would be replaced by others.
    system_schemas : bool, default False
        The server's own schemas (``mysql``, ``sys``) would be loaded, too.
    tables : sequence of str, default (): all
        Patterns of the tables that would be loaded.
    schema_only, data_only : bool, default False
        Only definitions, or only rows, would be loaded.
    allow_local_infile, allow_outside_source : bool, default False
        As in `load`.

    Raises
    ------
    ScriptError
        The script is missing, damaged or broken; the message has the place.
    ServerNotReadyError, AccessError
        There is no connection.
    """
    choice = Choice(
        database=database,
        into=into,
        system_schemas=system_schemas,
        schema_only=schema_only,
        data_only=data_only,
        wanted=TableSelection(tables).has if tables else None,
        allow_local_infile=allow_local_infile,
        allow_outside_source=allow_outside_source,
    )
    return _check(
        open_sources(file),
        settings,
        choice,
        skip_definer=skip_definer,
        collation_map=collation_map,
    )


def check_sql(
    sql: str,
    settings: ConnectionSettings | None = None,
    *,
    first_line: int = 1,
    skip_definer: bool = False,
    collation_map: Mapping[str, str] | str | None = None,
    tables: Sequence[str] = (),
    **choice: Any,
) -> CheckReport:
    """Tell what loading a script given as text, such as a cell's body, would do to a server.

    Parameters
    ----------
    sql : str
        The script.
    first_line : int, default 1
        Number of its first line, in messages.
    settings, skip_definer, collation_map, tables, **choice
        As in `check`.

    Raises
    ------
    As `check`.
    """
    wanted = TableSelection(tables).has if tables else None
    return _check(
        Sources.from_text(sql, first_line=first_line),
        settings,
        Choice(wanted=wanted, **choice),
        skip_definer=skip_definer,
        collation_map=collation_map,
    )


def _check(
    sources: Sources, settings: ConnectionSettings | None, choice: Choice, **rewriting: Any
) -> CheckReport:
    try:
        return check_sources(sources, settings, choice, **rewriting)
    finally:
        sources.close()


def check_sources(
    sources: Sources,
    settings: ConnectionSettings | None = None,
    choice: Choice | None = None,
    *,
    skip_definer: bool = False,
    collation_map: Mapping[str, str] | str | None = None,
) -> CheckReport:
    """Check scripts that were found already.

    Parameters
    ----------
    sources : Sources
        The scripts, in the order in which they would be loaded.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    choice : Choice, optional
        What of the scripts would be loaded, and where to.
    skip_definer, collation_map
        As in `check`.

    Raises
    ------
    As `check`.
    """
    settings = resolve() if settings is None else settings
    choice = choice or Choice()
    connection = connect_now(settings)
    try:
        target = Target(connection, describe(connection, settings, 0.0))
    except BaseException:
        connection.close()
        raise
    dialect = Dialect(target.flavour, target.version, target.variables.get("sql_mode", ""))
    try:
        inventory = survey(sources, dialect, choice)
        policy = LoadPolicy(collation_map=collation_map)
        replaced = policy.collations_to_replace(target.collations())
        case = rules.Case(inventory, target, skip_definer, replaced)
        return _report(case, sources)
    finally:
        connection.close()


def _report(case: rules.Case, sources: Sources) -> CheckReport:
    inventory, target = case.inventory, case.target
    world = objects.play(inventory, target)
    problems, warnings = list(_problems(case, world)), list(_warnings(case, world))
    if inventory.unfollowed:
        likely = [finding for finding in problems if finding.kind in _PLAYED]
        problems = [finding for finding in problems if finding not in likely]
        warnings = likely + warnings
    settings = target.sidecar.settings
    return CheckReport(
        source=sources.name,
        server=f"{settings.user}@{settings.address}, {target.sidecar.server}",
        problems=tuple(problems),
        warnings=tuple(warnings),
        facts=(*_facts(case), *sources.notes),
        schemas=tuple(
            SchemaPlan(schema, action, tables)
            for schema, (action, tables) in world.schema_outcomes().items()
        ),
        objects=tuple(_objects(inventory, world)),
        statements=inventory.statements,
        script_bytes=inventory.script_bytes,
        file_bytes=inventory.file_bytes,
        largest_bytes=inventory.largest_bytes,
        largest_at=str(inventory.largest_at or ""),
    )


def _problems(case: rules.Case, world: World) -> Iterator[Finding]:
    yield from rules.refusals(case)
    yield from rules.read_only(case)
    yield from rules.packet(case)
    yield from rules.privileges(case)
    yield from rules.definers(case)
    yield from objects.clashes(world)
    yield from objects.spellings(world)
    yield from objects.accounts(case)
    yield from rules.charsets(case)
    yield from objects.collations(case)
    yield from objects.features(case, refused=True)
    yield from objects.engines(case, refused=True)
    yield from rules.sql_modes(case)
    yield from rules.time_zones(case)
    yield from rules.variables(case)
    yield from rules.primary_keys(case)
    yield from rules.binary_log(case)


def _warnings(case: rules.Case, world: World) -> Iterator[Finding]:
    yield from advice.truncation(case)
    yield from objects.kept_rows(world)
    yield from advice.disk(case)
    yield from advice.missing_definers(case)
    yield from objects.engines(case, refused=False)
    yield from objects.features(case, refused=False)
    yield from advice.versions(case)
    yield from advice.changed_globals(case)
    yield from advice.optional_privileges(case)
    yield from advice.connections(case)
    yield from advice.unfollowed(case)


def _facts(case: rules.Case) -> Iterator[str]:
    inventory, target = case.inventory, case.target
    packed = inventory.file_bytes != inventory.script_bytes
    file = f" ({size(inventory.file_bytes)} as a file)" if packed else ""
    yield f"{size(inventory.script_bytes)} of SQL{file}, {count(inventory.statements, 'statement')}"
    if inventory.maker:
        yield f"made from {FLAVOURS[inventory.maker]} {inventory.maker_version}"
    limit = target.number("max_allowed_packet")
    yield (
        f"largest statement: {size(inventory.largest_bytes)}, at {inventory.largest_at}; "
        f"max_allowed_packet: {size(limit)}"
    )
    if inventory.system_statements:
        left_out = count(inventory.system_statements, "statement")
        yield f"{left_out} on the server's own schemas would be left out"
    accounts = unique(event.name for event in inventory.events if event.what == "account")
    if accounts:
        yield f"accounts that it names: {some(accounts)}"
    free, needed = advice.disk_space(case)
    seen = (
        "the server's disk cannot be seen from here" if free is None else f"{size(free)} are free"
    )
    yield f"disk: about {size(needed)} at most; {seen}"


def _objects(inventory: Inventory, world: World) -> Iterator[ObjectPlan]:
    for outcome in world.outcomes():
        schema, name, what, action, rows = outcome
        tally = inventory.tables.get((schema, name)) if what == "table" else None
        statements, size_bytes = (tally.statements, tally.bytes) if tally else (0, 0)
        yield ObjectPlan(schema, name, what, action, rows, statements, size_bytes)
