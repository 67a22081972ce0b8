"""Advice: facts that do not stop a load, but are better known before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...scratch import free_bytes
from ...sidecar import FLAVOURS
from ...units import count, size
from .findings import Finding, some
from .rules import lacking_privileges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Case

# What a load takes on disk for each byte of its script: 2.0 measured on MySQL 9.7 and on MariaDB
# 10.11, for short rows with secondary indexes and blobs (tests/benchmarks/employees.py), and a
# quarter more for undo logs and for files that grow in steps.
DISK_FACTOR = 2.5
# A binary log holds the rows once more.
BINLOG_FACTOR = 1.0
FEW_CONNECTIONS = 4


def optional_privileges(case: Case) -> Iterator[Finding]:
    """Return missing privileges that only some loads need."""
    yield from lacking_privileges(case, optional=True)


def missing_definers(case: Case) -> Iterator[Finding]:
    """Name definers that do not exist: their views and programs fail when they are used."""
    wanted = case.inventory.definers
    if not wanted:
        return
    accounts = case.target.accounts()
    if accounts is None:
        names = tuple(str(definer) for definer in wanted)
        message = (
            f"whether the DEFINERs exist cannot be seen, as {case.target.account} may not read "
            f"mysql.user: {some(names)}"
        )
        yield Finding("definer-unknown", message, "", "", None, names)
        return
    for definer, mentions in wanted.items():
        hosts = ("%", "") if definer.host is None else (definer.host,)
        if not any((definer.user, host) in accounts for host in hosts):
            kinds = [count(mentions.count(kind), kind) for kind in mentions]
            first = mentions.first(next(iter(mentions)))
            account = str(definer) or "without a name"
            message = f"the account {account} does not exist; {', '.join(kinds)} would run as it"
            hint = "create the account first, or leave DEFINERs out with --skip-definer."
            yield Finding("definer", message, hint, str(first), 1449)


def versions(case: Case) -> Iterator[Finding]:
    """Compare the server that made the dump with this one."""
    inventory, target = case.inventory, case.target
    if not inventory.maker:
        return
    made = f"{FLAVOURS[inventory.maker]} {inventory.maker_version}"
    if inventory.maker != target.flavour:
        message = f"the dump is of another kind of server: {made}, for {target.sidecar.server}"
        yield Finding("other-server", message, "")
    elif _major(inventory.maker_version) > _major(target.sidecar.version):
        message = f"the dump is of a newer server: {made}, for {target.sidecar.server}"
        yield Finding("newer-server", message, "")


def changed_globals(case: Case) -> Iterator[Finding]:
    """Name the variables that the script sets for the whole server."""
    names = tuple(case.inventory.global_variables)
    if names:
        yield Finding(
            "global-variables",
            f"the script sets variables of the whole server: {some(names)}",
            "remove them if they should not outlast the load; dump again with "
            "--set-gtid-purged=OFF to leave out GTID_PURGED.",
            str(case.inventory.global_variables.first(names[0])),
            None,
            names,
        )


def truncation(case: Case) -> Iterator[Finding]:
    """Return whether the script seems to be cut off."""
    if case.inventory.truncated:
        names = tuple(case.inventory.truncated)
        message = f"{some(names)} may be cut off: it lacks the line that a dump ends with"
        hint = "get the file again if it should be complete."
        yield Finding("truncated", message, hint, "", None, names)


def connections(case: Case) -> Iterator[Finding]:
    """Return whether there is room for the load's connections."""
    limit = case.target.number("max_connections")
    left = limit - case.target.connections
    if limit and left < FEW_CONNECTIONS:
        message = f"{case.target.connections:,} of {limit:,} connections are taken"
        hint = "close other notebooks' kernels, load with --jobs 1, or raise max_connections."
        yield Finding("connections", message, hint, "", 1040)


def unfollowed(case: Case) -> Iterator[Finding]:
    """Report that the effect of a called procedure is unknown."""
    places = case.inventory.unfollowed
    if places:
        message = (
            f"{count(len(places), 'statement')} whose effect cannot be foreseen (CALL, PREPARE or "
            "EXECUTE): findings about existing and missing tables may be wrong after it"
        )
        yield Finding("unfollowed", message, "", str(places[0]))


def disk(case: Case) -> Iterator[Finding]:
    """Compare the free space with an estimate, where the server's folder is on this machine."""
    free, needed = disk_space(case)
    if free is not None and free < needed:
        message = f"the load may take {size(needed)} of disk, and {size(free)} are free"
        yield Finding("disk", message, "make room on the server's disk first.", "", 1114)


def disk_space(case: Case) -> tuple[int | None, int]:
    """Return the free bytes on the server's disk, if visible, and the bytes that a load needs."""
    target = case.target
    factor = DISK_FACTOR + BINLOG_FACTOR * target.is_on("log_bin")
    needed = round(case.inventory.script_bytes * factor)
    return free_bytes(target.sidecar.settings, target.variables.get("datadir", "")), needed


def _major(version: str) -> tuple[int, ...]:
    numbers = version.split("-", maxsplit=1)[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
