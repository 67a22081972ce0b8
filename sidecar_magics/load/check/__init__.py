"""Look before a load: read the script and the server, and show what would happen.

The check changes nothing of the server's. To find out what the server refuses, it asks on a session
of its own, and in scratch schemas that it drops again; it plays the script's effects through
against the existing schemas (`world`).

The script:

    survey.py       the loader's own walk, with a recorder as its receiver
    recorder.py     takes each statement down
    statements.py   reads definitions
    assignments.py  reads SETs
    session.py      the session at each place
    inventory.py    the record of the whole script
    features.py     features that only MariaDB has

The server:

    target.py       its schemas, settings and accounts, asked on a connection of ours
    privileges.py   the account's missing privileges
    world.py        the script's effects, played against the existing schemas
    rehearsal.py    definitions, executed in scratch schemas
    mirror.py       these schemas, with empty copies of the server's tables

Findings:

    rules.py        the script's demands and the server's settings
    objects.py      the script's objects and the existing ones
    advice.py       facts that stop no load but are better known before
    verdict.py      the rehearsal decides between them
    findings.py     one finding, and groups of them
    report.py       the report
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ...connection import connect_now
from ...settings import given_or_resolved
from ...sidecar import FLAVOURS, describe
from ...units import count, size
from ..policy import LoadPolicy
from ..sources.opening import Sources, open_sources
from . import advice, objects, rules, verdict
from .findings import Finding, by_place, some, unique
from .recorder import Dialect
from .rehearsal import Rehearsal
from .report import CheckReport, ObjectPlan, SchemaPlan
from .survey import survey
from .target import ServerView

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from ...settings import ConnectionSettings
    from .inventory import Inventory
    from .world import World

__all__ = [
    "CheckReport",
    "Finding",
    "ObjectPlan",
    "SchemaPlan",
    "check",
    "check_sources",
    "check_sql",
]


def check(
    file: str | os.PathLike[str], settings: ConnectionSettings | None = None, **options: Any
) -> CheckReport:
    """Return a report of what a load would do to a server, and what would stop it.

    Parameters
    ----------
    file : path
        The script, or several, as `open_sources` finds them.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    **options
        As for `load`.

    Raises
    ------
    SettingsError
        The options contradict each other, or make no sense.
    ScriptError
        The script is missing, damaged or broken; the message has the place.
    ServerNotReadyError, AccessError
        There is no connection.
    """
    policy = LoadPolicy(**options)
    with contextlib.closing(open_sources(file)) as sources:
        return check_sources(sources, settings, policy)


def check_sql(
    sql: str, settings: ConnectionSettings | None = None, *, first_line: int = 1, **options: Any
) -> CheckReport:
    """Check a script given as text, such as a cell's body.

    Parameters
    ----------
    sql : str
        The script.
    first_line : int, default 1
        Number of its first line, in messages.
    settings, **options
        As in `check`.

    Raises
    ------
    As `check`.
    """
    policy = LoadPolicy(**options)
    with contextlib.closing(Sources.from_text(sql, first_line=first_line)) as sources:
        return check_sources(sources, settings, policy)


def check_sources(
    sources: Sources, settings: ConnectionSettings | None = None, policy: LoadPolicy | None = None
) -> CheckReport:
    """Check scripts that are found already.

    Parameters
    ----------
    sources : Sources
        The scripts, in the order in which they would be loaded.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    policy : LoadPolicy, optional
        How they would be loaded.

    Raises
    ------
    As `check`.
    """
    settings = given_or_resolved(settings)
    policy = policy or LoadPolicy()
    connection = connect_now(settings)
    try:
        target = ServerView(connection, describe(connection, settings, 0.0))
    except BaseException:
        connection.close()
        raise
    dialect = Dialect(
        target.flavour,
        target.version,
        target.variables.get("sql_mode", ""),
        host=settings.host,
        is_loopback=settings.is_loopback,
    )
    try:
        collations = target.collations() if policy.wants_collations else ()
        with _rehearsal(settings, target, policy) as rehearsal:
            inventory = survey(sources, dialect, policy, collations=collations, rehearsal=rehearsal)
        return _report(rules.Case(inventory, target), sources, rehearsal)
    finally:
        connection.close()


@contextlib.contextmanager
def _rehearsal(
    settings: ConnectionSettings, target: ServerView, policy: LoadPolicy
) -> Iterator[Rehearsal | None]:
    """Yield a rehearsal; None on another machine's server without --yes-remote."""
    if not settings.is_loopback and not policy.yes_remote:
        yield None
        return
    with contextlib.closing(Rehearsal(lambda: connect_now(settings), target)) as rehearsal:
        yield rehearsal


def _report(case: rules.Case, sources: Sources, rehearsal: Rehearsal | None) -> CheckReport:
    inventory, target = case.inventory, case.target
    world = objects.play(inventory, target)
    if rehearsal:
        world.clashes = [
            clash for clash in world.clashes if not verdict.is_refuted(clash, rehearsal)
        ]
    problems, warnings = list(_problems(case, world)), list(_warnings(case, world))
    if rehearsal:
        problems = verdict.confirmed(problems, rehearsal)
    likely = [finding for finding in problems if finding.likely]
    problems = [finding for finding in problems if not finding.likely]
    warnings = likely + warnings
    settings = target.sidecar.settings
    return CheckReport(
        source=sources.name,
        server=f"{settings.user}@{settings.address}, {target.sidecar.server}",
        problems=tuple(by_place(problems)),
        warnings=tuple(warnings),
        facts=(*_facts(case), *verdict.facts(rehearsal), *sources.notes),
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
    if inventory.largest_at:
        limit = target.number("max_allowed_packet")
        yield (
            f"largest statement: {size(inventory.largest_bytes)}, at {inventory.largest_at}; "
            f"max_allowed_packet: {size(limit)}"
        )
    if inventory.system_statements:
        left_out = count(inventory.system_statements, "statement")
        yield f"{left_out} on the server's own schemas would be left out"
    # A GRANT is noted without its account, and CURRENT_USER has no name.
    accounts = unique(
        event.name for event in inventory.events if event.what == "account" and event.name
    )
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
