"""Compare a script's objects with the existing ones: tables, views, collations, engines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...script.substitutes import nearest
from ...units import count
from .findings import Finding, some
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inventory import Event, Inventory, Position
    from .rules import Case
    from .target import ServerView
    from .world import Clash

# The first MariaDB after 10.11, with which the list of features was made.
MARIADB_WITH_MORE = 110000


def play(inventory: Inventory, target: ServerView) -> World:
    """Play the script's effects against the existing schemas."""
    schemas = {event.schema for event in inventory.events if event.schema}
    for event in inventory.events:
        if event.traits:
            schemas.update(schema for schema, _ in event.traits.parents if schema)
        if event.new and event.new[0]:
            schemas.add(event.new[0])
    world = World(
        target.contents(schemas),
        flavour=target.flavour,
        folds_case=target.number("lower_case_table_names") > 0,
        checks_foreign_keys=target.is_on("foreign_key_checks"),
    )
    world.play(inventory.events)
    return world


def clashes(world: World) -> Iterator[Finding]:
    """Report the statements that the server would refuse because of existing or missing objects."""
    groups: dict[tuple[str, str, int, bool], list[Clash]] = {}
    for clash in world.clashes:
        key = (clash.kind, clash.what, clash.errno, clash.likely)
        groups.setdefault(key, []).append(clash)
    for (kind, what, errno, likely), found in groups.items():
        names = tuple(clash.name for clash in found)
        message, hint = _sentence(kind, what, names, found)
        yield Finding(kind, message, hint, str(found[0].place), errno, names, likely)


def _sentence(kind: str, what: str, names: tuple[str, ...], found: list[Clash]) -> tuple[str, str]:
    number, one = len(names), len(names) == 1
    things = count(number, what)
    if kind == "exists":
        rows = sum(clash.rows or 0 for clash in found)
        about = f", with about {rows:,} rows" if rows else ""
        message = f"{things} {'exists' if one else 'exist'} already{about}: {some(names)}"
        return message, "drop it first, or dump with DROP … IF EXISTS."
    if kind == "missing":
        message = (
            f"{things} {'is' if one else 'are'} missing, and not created before: {some(names)}"
        )
        return message, "check that the script is complete and the right schema is chosen."
    if kind == "schema-missing":
        message = (
            f"the {what}{'' if one else 's'} {some(names)} {'does' if one else 'do'} not exist"
        )
        return message, "create it first, or dump with `mysqldump --databases`."
    if kind == "no-schema":
        message = f"no schema is chosen at {names[0]}"
        return message, "give --database NAME, or begin the script with USE."
    if kind == "parent-missing":
        parents = tuple(dict.fromkeys(clash.parent for clash in found))
        message = (
            f"foreign keys refer to missing tables: {some(names)} to {some(parents)}, and "
            "foreign_key_checks is on"
        )
        return message, "begin the script with SET foreign_key_checks=0, or with the parents."
    message = f"{some(names)} {'is' if one else 'are'} of another kind on the server"
    return message, "drop it first."


def spellings(world: World) -> Iterator[Finding]:
    """Name tables that are the same for a server that ignores upper and lower case."""
    for names, place in world.same_but_for_case():
        message = f"{' and '.join(names)} are the same table to this server"
        hint = "rename one of them: the server was set up with lower_case_table_names."
        yield Finding("case", message, hint, str(place), 1050, names)


def kept_rows(world: World) -> Iterator[Finding]:
    """Name tables that keep their rows and get more."""
    kept = [
        (f"{outcome.schema}.{outcome.name}", outcome.rows)
        for outcome in world.outcomes()
        if outcome.action == "filled" and outcome.rows
    ]
    if kept:
        names = tuple(name for name, _ in kept)
        rows = sum(rows or 0 for _, rows in kept)
        message = (
            f"{count(len(names), 'table')} with about {rows:,} rows would get more, as "
            f"nothing drops {'it' if len(names) == 1 else 'them'}: {some(names)}"
        )
        hint = "empty it first: rows that exist already stop the load (error 1062)."
        yield Finding("filled", message, hint, "", 1062, names)


def collations(case: Case) -> Iterator[Finding]:
    """Name the collations that the server lacks, with the nearest that it has."""
    mentions, target = case.inventory.collations, case.target
    lacking = [name for name in mentions if not target.knows_collation(name)]
    known = target.collations() if lacking else set()
    for name in lacking:
        message = (
            f"the server lacks the collation {name} ({count(mentions.count(name), 'statement')})"
        )
        substitute = nearest(name, known)
        hint = "load it into the server version that made the dump."
        if substitute:
            near, difference = substitute
            hint = f"the nearest is {near} ({difference}): --collation-map {name}={near}."
        yield Finding("collation", message, hint, str(mentions.first(name)), 1273)


def features(case: Case, *, refused: bool) -> Iterator[Finding]:
    """Name the features that this kind of server lacks.

    Parameters
    ----------
    case : Case
        What is compared.
    refused : bool
        Those that stop the load, or else those that are only treated differently.
    """
    server = case.target.sidecar.server
    for feature, mentions in case.inventory.features.items():
        # Later versions know more of it.
        stops = feature.stops and case.target.version < MARIADB_WITH_MORE
        stops = stops or (feature.stops and case.target.flavour == "mysql")
        if stops is not refused:
            continue
        errno = re.search(r"\((\d{4})\)", feature.effect)
        times = count(mentions.count(feature.name), "statement")
        message = f"{server} does not know {feature.name} as it stands here ({times}): "
        hint = "load it into the kind of server that made it, or change the definition."
        yield Finding(
            "feature",
            message + re.sub(r" \(\d{4}\)", "", feature.effect),
            hint if feature.stops else "",
            str(mentions.first(feature.name)),
            int(errno[1]) if errno else None,
        )


def engines(case: Case, *, refused: bool) -> Iterator[Finding]:
    """Name storage engines that the server lacks.

    Parameters
    ----------
    case : Case
        What is compared.
    refused : bool
        Those that stop the load (sql_mode NO_ENGINE_SUBSTITUTION), or else those for which the
        server would take its default engine.
    """
    available = case.target.engines()
    found: dict[str, list[Event]] = {}
    for event in case.inventory.events:
        engine = event.traits.engine if event.traits else None
        if engine is None or engine.lower() in available:
            continue
        mode = event.state.sql_mode
        mode = case.target.variables.get("sql_mode", "") if mode is None else mode
        if ("NO_ENGINE_SUBSTITUTION" in mode or "TRADITIONAL" in mode) is refused:
            found.setdefault(engine, []).append(event)
    default = case.target.variables.get("default_storage_engine", "the default engine")
    for engine, events in found.items():
        names = tuple(f"{event.schema}.{event.name}" for event in events)
        message = f"the server lacks the storage engine {engine} of {some(names)}"
        hint = "change the engine in the script, or switch it on at the server."
        if not refused:
            message += f", and takes {default} instead"
        place: Position = events[0].place
        yield Finding("engine", message, hint, str(place), 1286 if refused else 1266, names)


def accounts(case: Case) -> Iterator[Finding]:
    """Report accounts that are made but exist, or are dropped but do not."""
    events = [event for event in case.inventory.events if event.what == "account" and event.name]
    if not events:
        return
    known = case.target.accounts()
    if known is None:
        return  # whether they exist may not be seen
    there = {f"{user}@{host or '%'}" for user, host in known}
    for event in events:
        definition, exists = event.definition, event.name in there
        conditional = definition is not None and (definition.conditional or definition.replaces)
        if event.verb == "create":
            there.add(event.name)
        elif event.verb == "drop":
            there.discard(event.name)
        if not conditional and exists is (event.verb == "create"):
            state = "exists already" if exists else "does not exist"
            message = f"the account {event.name} {state}"
            hint = f"use {event.verb.upper()} USER IF {'NOT ' if exists else ''}EXISTS."
            yield Finding("account", message, hint, str(event.place), 1396)
