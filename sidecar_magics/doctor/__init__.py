"""Examine a sidecar, and the way to it, as a helpful colleague would.

It changes nothing, and does not wait: the diagnosis is of this moment. It tries no address but the
server's own and, for a server on loopback, this machine's, because only this machine, or pod,
should be able to reach that. It gathers facts first and judges them afterwards, so that a test can
show each fault to a check.

    facts.py      facts that the server reports
    here.py       the machine, container or pod of the notebook
    reaching.py   the way to the server: settings, address, login, encryption
    condition.py  the server's condition
    own.py        the server of `up`, and engines for one
    packages.py   packages and DataJoint's configuration on this side
    diagnosis.py  the verdicts, with a sentence and a next step each
    terminal.py   the diagnosis in a terminal
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING

from .. import hints
from ..connection import explained
from ..errors import SettingsError
from ..protocol import ConnectError
from ..server import connect, pymysql_errors
from ..settings import ConnectionSettings, resolve
from . import condition, facts, here, own, packages, reaching
from .diagnosis import Check, Diagnosis, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pymysql

    from .facts import ServerFacts

OK = Verdict.OK
__all__ = ["Check", "Diagnosis", "Verdict", "examine"]


def examine(
    settings: ConnectionSettings | Callable[[], ConnectionSettings] = resolve,
) -> Diagnosis:
    """Check settings, server and packages; problems are reported, not raised.

    Parameters
    ----------
    settings : ConnectionSettings or callable
        Where the server is, or a function that finds it. Default: `resolve`. A SettingsError that
        it raises is the first finding.

    Returns
    -------
    Diagnosis
        Its `ok` is False if anything failed. Without a server, the checks that need one are left
        out.
    """
    found = packages.installed()
    try:
        at = settings if isinstance(settings, ConnectionSettings) else settings()
    except SettingsError as error:
        return Diagnosis("", (reaching.unsettled(error), packages.versions(found)))
    reached = list(_server(at))
    is_reached = any(check.subject == "address" and check.verdict is OK for check in reached)
    checks = [
        reaching.settings_found(at, os.environ),
        *reached,
        *own.checks(at, hints.place(), is_reached=is_reached),
        packages.versions(found),
        packages.datajoint_target(at, found),
    ]
    return Diagnosis(f"{at.user}@{at.address}", tuple(checks))


def _server(settings: ConnectionSettings) -> Iterator[Check]:
    start = time.monotonic()
    try:
        connection = connect(settings)
    except ConnectError as refused:
        error = explained(refused, settings, 0.0, attempts=1)
        yield from reaching.not_reached(error, refused.stage, settings)
        return
    took_s = time.monotonic() - start
    with contextlib.closing(connection):
        yield reaching.answers(settings)
        yield reaching.logged_in(settings, took_s)
        yield from _condition(connection, settings)


def _condition(
    connection: pymysql.Connection[object], settings: ConnectionSettings
) -> Iterator[Check]:
    place = hints.place()
    try:
        server = facts.ask(connection, settings)
    except pymysql_errors() as error:
        yield condition.unanswered(error, place)
        return
    is_here = settings.is_loopback and here.has_folder(server.variables.get("datadir", ""))
    yield reaching.encryption(settings, server.sidecar)
    yield reaching.exposure(settings, _open_elsewhere(server), place)
    yield condition.kind(server)
    yield condition.uptime(server, age_s=here.age_s(), place=place)
    yield condition.writable(server)
    yield condition.packet(server)
    # The limit of our own container is the server's only if the server is in it.
    memory_bytes = here.memory_bytes() if is_here else here.machine_bytes()
    yield condition.memory(server, memory_bytes=memory_bytes, is_here=is_here, place=place)
    yield condition.disk(server, free_bytes=_free_bytes(server) if is_here else None)
    yield condition.connections(server)
    yield condition.charset(server)
    yield condition.clock(server)
    yield condition.locks(server)
    yield condition.journal(server)


def _open_elsewhere(server: ServerFacts) -> tuple[tuple[str, int], ...]:
    """Return where the server's ports answer besides loopback; only this machine is asked."""
    if not server.settings.is_loopback:
        return ()
    # The X plugin has a port of its own, for the same accounts.
    ports = {server.settings.port, server.number("mysqlx_port")} - {0}
    return here.open_ports(here.own_addresses(), sorted(ports))


def _free_bytes(server: ServerFacts) -> int | None:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(server.variables["datadir"]).free
    return None
