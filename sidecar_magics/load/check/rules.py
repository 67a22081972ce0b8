"""Compare a script's demands with the server's settings and features."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...sidecar import FLAVOURS
from ...units import count
from .findings import LISTED, Finding, some, unique
from .privileges import DEFINER_PRIVILEGES, foreign_definers, lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inventory import Event, Inventory, Mentions
    from .target import ServerView

LARGEST_PACKET_BYTES = 1 << 30


class Case(NamedTuple):
    """The two sides of the comparison: the script as it would be sent, and the server."""

    inventory: Inventory
    target: ServerView


def packet(case: Case) -> Iterator[Finding]:
    """Compare the largest statement with max_allowed_packet."""
    inventory, limit = case.inventory, case.target.number("max_allowed_packet")
    needed = inventory.largest_bytes + 2  # a byte for the command, and fewer than the limit
    if not limit or needed <= limit:
        return
    if needed > LARGEST_PACKET_BYTES:
        hint = "dump again with a smaller --net-buffer-length: no server takes this statement."
    else:
        # The server rounds down to a multiple of 1024.
        raised = min(-(-needed // 1024) * 1024, LARGEST_PACKET_BYTES)
        raised = next((step for step in (1 << 24, 1 << 26, 1 << 28) if step >= raised), 1 << 30)
        hint = f"raise it: SET GLOBAL max_allowed_packet={raised}; connections made later have it."
    yield Finding(
        "packet",
        f"the largest statement has {inventory.largest_bytes:,} bytes, and the server takes fewer "
        f"than {limit - 1:,} (max_allowed_packet {limit:,})",
        hint,
        str(inventory.largest_at),
        1153,
    )


def refusals(case: Case) -> Iterator[Finding]:
    """Report the loader's own refusals, and the server's of LOAD DATA LOCAL."""
    for obstacle in case.inventory.obstacles:
        yield Finding("refused", obstacle.message, obstacle.hint, str(obstacle.place))
    places = case.inventory.local_files
    refused = any(obstacle.place in places for obstacle in case.inventory.obstacles)
    if places and not refused and not case.target.is_on("local_infile"):
        yield Finding(
            "local-infile",
            "LOAD DATA LOCAL is switched off on the server",
            "run SET GLOBAL local_infile=1 to allow it.",
            str(places[0]),
            4166 if case.target.flavour == "mariadb" else 3948,
        )


def charsets(case: Case) -> Iterator[Finding]:
    """Name the character sets that the server lacks."""
    mentions = case.inventory.charsets
    for name in mentions:
        if name != "binary" and not case.target.knows_charset(name):
            yield Finding(
                "charset",
                f"the server lacks the character set {name} ({_times(mentions, name)})",
                "use utf8mb4, which holds every text.",
                str(mentions.first(name)),
                1115,
            )


def sql_modes(case: Case) -> Iterator[Finding]:
    """Name the modes that the server refuses."""
    mentions = case.inventory.sql_modes
    refused = [
        mode for mode in mentions if case.target.errno("SET SESSION sql_mode = %s", mode) == 1231
    ]
    case.target.errno("SET SESSION sql_mode = DEFAULT")
    for mode in refused:
        yield Finding(
            "sql-mode",
            f"the server has no sql_mode {mode} ({_times(mentions, mode)})",
            "dump again from a newer server, or remove the mode from the script.",
            str(mentions.first(mode)),
            1231,
        )


def time_zones(case: Case) -> Iterator[Finding]:
    """Name the time zones that the server cannot resolve."""
    mentions = case.inventory.time_zones
    for zone in mentions:
        if case.target.errno("SET SESSION time_zone = %s", zone) == 1298:
            yield Finding(
                "time-zone",
                f"the server does not know the time zone {zone!r}",
                "fill its tables: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql; or dump "
                "with --tz-utc.",
                str(mentions.first(zone)),
                1298,
            )


def variables(case: Case) -> Iterator[Finding]:
    """Name the variables that this server does not have, or does not let this account set."""
    inventory, target = case.inventory, case.target
    told = set()
    scopes = (
        (inventory.session_variables, "SESSION"),
        (inventory.global_variables, "GLOBAL"),
        (inventory.read_variables, ""),
    )
    for mentions, scope in scopes:
        for name in mentions:
            if name in told:
                continue
            if scope == "SESSION":
                errno = target.errno(f"SET @@SESSION.`{name}` = @@`{name}`")
            else:
                errno = target.errno(f"SELECT @@{scope + '.' if scope else ''}`{name}`")
            finding = _refused_variable(name, errno, case, str(mentions.first(name)))
            if finding:
                told.add(name)
                yield finding


def _refused_variable(name: str, errno: int, case: Case, place: str) -> Finding | None:
    if errno == 1193:
        server = FLAVOURS[case.target.flavour]
        hint = "remove it from the script."
        if name.startswith("gtid"):
            hint = "dump again with --set-gtid-purged=OFF, or remove it from the script."
        message = f"{server} {case.target.sidecar.version} has no variable {name}"
        return Finding("variable", message, hint, place, errno)
    if errno in (1229, 1238, 1621):
        message = f"the session cannot set the variable {name}"
        return Finding("variable", message, "remove it from the script.", place, errno)
    if errno in (1227, 1142):
        privilege = "SESSION_VARIABLES_ADMIN" if case.target.flavour == "mysql" else "BINLOG ADMIN"
        hint = "dump again with --set-gtid-purged=OFF, or log in as an administrator."
        message = f"{case.target.account} may not set the variable {name} (it needs {privilege})"
        return Finding("privilege", message, hint, place, errno)
    return None


def read_only(case: Case) -> Iterator[Finding]:
    """Return whether the server takes changes at all."""
    target = case.target
    if not case.inventory.events or not target.is_on("read_only"):
        return
    strict = target.is_on("super_read_only")
    exempt = ("READ_ONLY ADMIN",) if target.flavour == "mariadb" else ("CONNECTION_ADMIN", "SUPER")
    if target.flavour == "mariadb" and target.version < 101100:
        exempt = (*exempt, "SUPER")  # which held it until then
    if strict or not target.grants.any_of(*exempt):
        name = "super_read_only" if strict else "read_only"
        yield Finding(
            "read-only",
            f"the server is read-only ({name})",
            f"run SET GLOBAL {name}=0, unless it is a replica.",
            str(case.inventory.events[0].place),
            1290,
        )


def primary_keys(case: Case) -> Iterator[Finding]:
    """Name tables without primary key, where the server insists on one."""
    target = case.target
    variable, errno = "sql_require_primary_key", 3750
    if target.flavour == "mariadb":
        variable, errno = "innodb_force_primary_key", 1173
    if target.is_on("sql_generate_invisible_primary_key"):
        return
    bare = [event for event in case.inventory.events if _lacks_primary_key(event, variable, case)]
    if bare:
        names = [f"{event.schema}.{event.name}" for event in bare]
        yield Finding(
            "primary-key",
            f"the server requires a primary key ({variable}), which "
            f"{count(len(names), 'table')} of the script "
            f"{'lacks' if len(names) == 1 else 'lack'}: {some(names)}",
            f"run SET GLOBAL {variable}=0 to allow them.",
            str(bare[0].place),
            errno,
            tuple(names),
        )


def _lacks_primary_key(event: Event, variable: str, case: Case) -> bool:
    if event.verb != "create" or event.what != "table" or event.traits is None:
        return False
    asked = event.state.require_primary_key if variable.startswith("sql") else None
    wanted = case.target.is_on(variable) if asked is None else asked
    return wanted and not event.traits.may_have_primary_key and not event.traits.copies


def binary_log(case: Case) -> Iterator[Finding]:
    """Name functions and triggers that binary logging keeps out, also with sql_log_bin=0."""
    target = case.target
    if not target.is_on("log_bin") or target.is_on("log_bin_trust_function_creators"):
        return
    logged = [
        event
        for event in case.inventory.events
        if event.verb == "create" and event.what in ("function", "trigger")
    ]
    hint = "run SET GLOBAL log_bin_trust_function_creators=1 to allow it."
    unsafe = [event for event in logged if not event.deterministic]
    if unsafe:
        names = [f"{event.schema}.{event.name}" for event in unsafe]
        message = (
            f"{count(len(names), 'function')} without DETERMINISTIC, NO SQL or READS SQL DATA, "
            f"and binary logging is on: {some(names)}"
        )
        yield Finding("binary-log", message, hint, str(unsafe[0].place), 1418, tuple(names))
    if logged and not target.grants.any_of("SUPER"):
        names = [f"{event.schema}.{event.name}" for event in logged]
        message = (
            f"functions and triggers need SUPER while binary logging is on, which "
            f"{target.account} lacks: {some(names)}"
        )
        yield Finding("binary-log", message, hint, str(logged[0].place), 1419, tuple(names))


def definers(case: Case) -> Iterator[Finding]:
    """Return whether this account may name the script's definers."""
    target = case.target
    others = foreign_definers(case.inventory, target.account)
    allowed = DEFINER_PRIVILEGES[target.flavour]
    if not others or target.grants.any_of(*allowed):
        return
    names = tuple(str(definer) for definer in others)
    yield Finding(
        "definer-privilege",
        f"{target.account} may not make views, routines, triggers or events run as "
        f"{some(names)} (it needs {allowed[0]})",
        "leave the DEFINERs out with --skip-definer.",
        str(next(iter(others.values()))),
        1227,
        names,
    )


def privileges(case: Case) -> Iterator[Finding]:
    """Report missing privileges, except those that the loader can do without."""
    yield from lacking_privileges(case, optional=False)


def lacking_privileges(case: Case, *, optional: bool) -> Iterator[Finding]:
    """Report missing privileges that each load needs, or that only some loads need."""
    target = case.target
    groups: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for need in lacking(case.inventory, target.grants, target.flavour):
        if need.optional is optional:
            where = "*.*" if need.schema is None else f"{need.schema}.{need.table or '*'}"
            groups.setdefault((need.privilege, need.errno), []).append((where, str(need.place)))
    for (privilege, errno), wheres in groups.items():
        names = tuple(where for where, _ in wheres)
        schemas = unique(_schema_of(where) for where in names)
        wide = names if len(names) <= LISTED + 1 else schemas
        message = f"{target.account} lacks {privilege} on {some(wide)}"
        hint = _grant(privilege, schemas, target.account)
        if optional:
            hint = "the loader can do without, unless it has to keep the script's order."
        yield Finding("privilege", message, hint, wheres[0][1], errno, names)


def _times(mentions: Mentions, name: str) -> str:
    return count(mentions.count(name), "statement")


def _schema_of(where: str) -> str:
    return where.partition(".")[0] + ".*"


def _grant(privilege: str, schemas: tuple[str, ...], account: str) -> str:
    """Return the GRANT for an administrator to run."""
    user, _, host = account.rpartition("@")
    privilege = privilege.partition(" or ")[0]
    where = "*.*" if schemas[0] == "*.*" else f"`{schemas[0][:-2]}`.*"
    if len(schemas) > 1:
        where += " and the others"
    return f"ask an administrator to run: GRANT {privilege} ON {where} TO '{user}'@'{host}'."
