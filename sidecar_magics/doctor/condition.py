"""The server's own condition: each check takes facts and gives a verdict, and asks no server."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ..connection import query_failure
from ..hints import ACCOUNT_HINTS, RESTART_IT, Runtime
from ..script.versioned import version_number
from ..units import count, duration, size
from .diagnosis import failure, ok, warning

if TYPE_CHECKING:
    from ..blockers import Blocker
    from ..load.journal.loads import Unfinished
    from .diagnosis import Check
    from .facts import ServerFacts

# Before it, MySQL has another default character set, loses connections of today's clients, and is
# no longer maintained.
OLDEST_MYSQL = (80000, "8.0")
# Between a pod's containers: images are pulled one by one, and a first data folder takes a minute.
START_TOLERANCE_S = 300.0
# Times of rows are compared by the second.
CLOCK_TOLERANCE_S = 2.0
# MySQL's default, and the need of tutorials with images or recordings in blobs.
ENOUGH_PACKET_BYTES = 64 * 1024 * 1024
# The pool is not all that a server takes: connections, sorting, the data dictionary.
POOL_SHARE = 0.5
# The my.cnf of datajoint/mysql:8.0, for which the published values have a limit of the same size.
IMAGE_POOL_BYTES = 4 * 1024**3
FULL_BYTES = 100 * 1000**2
LITTLE_BYTES = 1000**3
FEW_CONNECTIONS = 4
NAMES_SHOWN = 3
# How long a connection may have locks before that is worth a word: while a statement waits for it;
# while it does nothing, as a forgotten one; while its own statement runs, as in a load.
BLOCKING_S = 3.0
IDLE_S = 10.0
BUSY_S = 600.0


def kind(facts: ServerFacts) -> Check:
    """Return the server's kind and version."""
    sidecar = facts.sidecar
    oldest, name = OLDEST_MYSQL
    if sidecar.flavour == "mysql" and version_number(sidecar.version) < oldest:
        return warning(
            "server",
            f"{sidecar.server} is older than {name}, the oldest that tutorials are tested with.",
            "use an image with a version in its name, such as datajoint/mysql:8.0.",
        )
    identity = f", identity {sidecar.uuid}" if sidecar.uuid else ""
    return ok("server", f"{sidecar.server}{identity}.")


def uptime(facts: ServerFacts, *, age_s: float | None, place: Runtime) -> Check:
    """Return whether the server was restarted beside a notebook that has run longer.

    Parameters
    ----------
    facts : ServerFacts
        The server.
    age_s : float, optional
        Seconds since the notebook's container started; None if that is hidden.
    place : Runtime
        Only in a pod do the two start together.
    """
    up_s = facts.sidecar.uptime_s
    message = f"it has been up for {duration(up_s)}."
    together = place is Runtime.HUB and facts.settings.is_loopback and age_s is not None
    if not together or age_s is None or up_s > age_s - START_TOLERANCE_S:
        return ok("uptime", message)
    return warning(
        "uptime",
        f"it restarted {duration(up_s)} ago, in a pod that has run for {duration(age_s)}: it was "
        "stopped or crashed, perhaps because memory ran out.",
        "if data is missing, run %mysql_load again; `kubectl describe pod` (Last State, Reason) "
        "shows why.",
    )


def writable(facts: ServerFacts) -> Check:
    """Return whether the server accepts changes."""
    level = facts.number("innodb_force_recovery")
    if level:
        return failure(
            "writing",
            f"the server runs in recovery (innodb_force_recovery={level}): its data is damaged.",
            "save what can be read with mysqldump, then make a new data folder and load it.",
        )
    for variable in ("super_read_only", "innodb_read_only", "offline_mode", "read_only"):
        # MariaDB's read_only has further names for ON from 12 on.
        if facts.variables.get(variable, "OFF").upper() not in ("OFF", "0"):
            return failure(
                "writing",
                f"the server is read-only: {variable} is on.",
                f"SET GLOBAL {variable} = OFF, or start the server without it.",
            )
    return ok("writing", "the server accepts changes.")


def packet(facts: ServerFacts) -> Check:
    """Return how large a statement, and with it a blob, may be."""
    limit = facts.number("max_allowed_packet")
    message = f"a statement, and a blob in it, may have {size(limit)} (max_allowed_packet)"
    if limit >= ENOUGH_PACKET_BYTES:
        return ok("packet", f"{message}.")
    return warning(
        "packet",
        f"{message}: larger arrays cannot be stored, nor dumps of them loaded.",
        "start the server with --max-allowed-packet=1G; give the mysql client the same option.",
    )


def memory(facts: ServerFacts, *, memory_bytes: int, is_here: bool, place: Runtime) -> Check:
    """Compare the buffer pool with the memory that there is, as far as that can be seen.

    Parameters
    ----------
    facts : ServerFacts
        The server.
    memory_bytes : int
        Memory limit of programs here; of the machine if the server is in another container.
    is_here : bool
        Whether that is the server's own limit.
    place : Runtime
        Where this code runs.
    """
    pool = facts.number("innodb_buffer_pool_size")
    message = f"the buffer pool may grow to {size(pool)}"
    hint = "start the server with a smaller --innodb-buffer-pool-size: half of its memory limit."
    if facts.settings.is_loopback and pool > memory_bytes * POOL_SHARE:
        return warning("memory", f"{message}, of {size(memory_bytes)} of memory.", hint)
    if place is Runtime.HUB and not is_here and pool >= IMAGE_POOL_BYTES:
        return warning(
            "memory",
            f"{message}, the image's own setting: with a memory limit below {size(2 * pool)} MySQL "
            "is killed, or hangs, before the pool is full.",
            hint,
        )
    if is_here:
        return ok("memory", f"{message}, of {size(memory_bytes)}.")
    return ok("memory", f"{message}; its container's limit cannot be seen from here.")


def disk(facts: ServerFacts, *, free_bytes: int | None) -> Check:
    """Return the size of the data, and the free space, as far as visible.

    Parameters
    ----------
    facts : ServerFacts
        The server.
    free_bytes : int, optional
        Free where the data folder is; None if that cannot be seen from here.
    """
    taken = "" if facts.table_bytes is None else f"tables take {size(facts.table_bytes)}"
    if free_bytes is None:
        taken = taken or "this account cannot see the size of the tables"
        return ok("disk", f"{taken}; the free space of its disk cannot be seen from here.")
    message = f"{taken}{', ' if taken else ''}{size(free_bytes)} are free"
    if free_bytes >= LITTLE_BYTES:
        return ok("disk", f"{message}.")
    wrong = failure if free_bytes < FULL_BYTES else warning
    folder = facts.variables.get("datadir", "")
    return wrong("disk", f"{message}: loading will fail.", f"free space on the disk of {folder}.")


def connections(facts: ServerFacts) -> Check:
    """Return whether there is room for more connections."""
    limit = facts.number("max_connections")
    message = f"{facts.connections:,} of {limit:,} connections are taken"
    if limit - facts.connections >= FEW_CONNECTIONS:
        return ok("connections", f"{message}.")
    hint = "close other notebooks' kernels, or raise the server's max_connections."
    return warning("connections", f"{message}: there is no room for a load.", hint)


def charset(facts: ServerFacts) -> Check:
    """Return whether new schemas take text in any script."""
    name = facts.sidecar.charset
    if name.startswith("utf8mb4"):
        return ok("charset", f"new schemas have {name}.")
    return warning(
        "charset",
        f"new schemas get the character set {name}: not all text can be stored in them.",
        "start the server with --character-set-server=utf8mb4.",
    )


def clock(facts: ServerFacts) -> Check:
    """Compare the server's clock with ours."""
    off_s = abs(facts.ahead_s)
    zone = facts.variables.get("time_zone", "")
    shown = facts.variables.get("system_time_zone", "") if zone == "SYSTEM" else zone
    if off_s < CLOCK_TOLERANCE_S:
        return ok("clock", f"it agrees with this machine's; the server's time zone is {shown}.")
    direction = "ahead of" if facts.ahead_s > 0 else "behind"
    message = f"the server's clock is {duration(off_s)} {direction} this machine's."
    return warning("clock", message, "set both clocks by NTP; the server dates the rows.")


def journal(facts: ServerFacts) -> Check:
    """Return which loads did not finish, and how far they are."""
    # One without a piece has left nothing that could be resumed.
    broken = [load for load in facts.unfinished if not load.is_running and load.pieces]
    running = [load for load in facts.unfinished if load.is_running]
    if broken:
        also = f" Under way: {_loads(running)}." if running else ""
        return warning(
            "journal",
            f"not loaded completely: {_loads(broken)}.{also}",
            _finishing(broken[0]),
        )
    return ok("journal", f"under way: {_loads(running)}." if running else "no load is unfinished.")


def _finishing(load: Unfinished) -> str:
    """Return how a load is finished, or forgotten."""
    call = load.call
    if not call.where and load.name == "cell":
        return "run its cell again, with --resume and its earlier options, to finish the first."
    options = "".join(f" {shlex.quote(word) if word != '...' else word}" for word in call.options)
    earlier = "" if call.where else ", with its earlier options,"
    return (
        f"run %mysql_load {shlex.quote(_where(load))}{options} --resume{earlier} to finish the "
        "first; a complete load of the same file ends this record, too."
    )


def _where(load: Unfinished) -> str:
    """Return a script's name here: relative to the current folder, if it is below that."""
    where = load.call.where
    if not where:
        return load.name.replace("\n", ", ")
    with contextlib.suppress(ValueError, OSError):  # no such folder any more
        return str(Path(where).relative_to(Path.cwd()))
    return where


def _loads(loads: list[Unfinished]) -> str:
    """Return when loads began, by the server's clock, and how many pieces of each are done."""
    named = ", ".join(
        f"{_where(load)} (began {load.started}, {count(load.pieces, 'piece')} done)"
        for load in loads[:NAMES_SHOWN]
    )
    return named + (f" and {len(loads) - NAMES_SHOWN} more" if len(loads) > NAMES_SHOWN else "")


def locks(facts: ServerFacts) -> Check:
    """Return which connections block others, or will block a statement that changes a table."""
    long = [
        each
        for each in facts.blockers
        if each.is_certain
        and each.since_s >= (BLOCKING_S if each.blocks else IDLE_S if each.is_idle else BUSY_S)
    ]
    if not long and (maybe := [each for each in facts.blockers if not each.is_certain]):
        return warning(
            "locks",
            "a statement waits for a lock, and the server does not show which connection holds it; "
            f"it may be {_some(maybe)}.",
            "find out which of them has called LOCK TABLES or FLUSH TABLES WITH READ LOCK, "
            "and end that there: UNLOCK TABLES, or close that connection.",
        )
    if not long:
        return ok("locks", "no visible connection has held locks for long.")
    return warning(
        "locks",
        f"a statement that changes a table may have to wait for {_some(long)}.",
        "end the transaction where it was begun (COMMIT, or close that connection, or restart that "
        f"notebook's kernel); KILL {long[0].id} ends it from here, and undoes what it has not "
        "committed.",
    )


def _some(blockers: list[Blocker]) -> str:
    named = "; ".join(
        f"{each}, for {duration(each.since_s)}{_kept_waiting(each)}"
        for each in blockers[:NAMES_SHOWN]
    )
    more = f"; and {len(blockers) - NAMES_SHOWN} more" if len(blockers) > NAMES_SHOWN else ""
    return named + more


def _kept_waiting(blocker: Blocker) -> str:
    if not blocker.blocks:
        return ""
    return f" ({len(blocker.blocks)} {'waits' if len(blocker.blocks) == 1 else 'wait'} for it)"


def unanswered(error: Exception, place: Runtime) -> Check:
    """Report that the login worked, but the server then gave no answer, or a refusal."""
    refused = query_failure(error)
    hint = ACCOUNT_HINTS.get(refused.errno or 0, RESTART_IT[place])
    return failure(
        "server", f"login worked, but the server did not answer: {refused.answer}.", hint
    )
