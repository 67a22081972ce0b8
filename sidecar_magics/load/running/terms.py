"""A server's terms: how many connections, which sessions, and how it reads strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...cores import cores
from ...script.versioned import version_number
from ...server import pymysql_errors

if TYPE_CHECKING:
    from ...sidecar import Sidecar
    from ..policy import LoadPolicy
    from .link import Link

# MySQL has had strings in dollar quotes since 9.0; MariaDB has none.
DOLLAR_QUOTES_SINCE = 9
# From then on MySQL answers with AUTO_INCREMENT numbers of up to a day ago, unless set otherwise.
REMEMBERS_NUMBERS_SINCE = 80003
# A script this short is over before a second connection is made.
SHORT_SCRIPT_BYTES = 32 * 1024
# Rows keep the cores busy: one lane more than cores, for when another waits for the disk.
# Definitions mostly wait for the disk, so more of them may run in parallel.
MOST_ROW_JOBS = 9
DEFINITION_JOBS_PER_CORE = 4
MOST_JOBS = 16


def first_statements(
    control: Link, sidecar: Sidecar, policy: LoadPolicy, *, is_loopback: bool
) -> list[bytes]:
    """Return the first statements of each connection that runs the script.

    Parameters
    ----------
    control : Link
        A connection of the load's own.
    sidecar : Sidecar
        Its server.
    policy : LoadPolicy
        The options of the load.
    is_loopback : bool
        Whether the server is this machine's.
    """
    first = [sql.encode() for sql in policy.init]
    if not policy.binlog and is_loopback and _may_skip_binlog(control, sidecar):
        first.append(b"SET SESSION sql_log_bin = 0")
    version = version_number(sidecar.version)
    if sidecar.flavour == "mysql" and version >= REMEMBERS_NUMBERS_SINCE:
        first.append(b"SET SESSION information_schema_stats_expiry = 0")
    return first


def adds_keys(control: Link, sidecar: Sidecar) -> bool:
    """Return whether the server adds a primary key to tables without one, which counts up."""
    if sidecar.flavour != "mysql":
        return False
    rows = control.rows("SHOW VARIABLES LIKE 'sql_generate_invisible_primary_key'")
    return any(value == "ON" for _, value in rows)


def _may_skip_binlog(control: Link, sidecar: Sidecar) -> bool:
    """Return whether there is a binary log that no replica reads, and the right to skip it."""
    if control.ask("SELECT @@log_bin") != "1":
        return False
    replicas = "SHOW SLAVE HOSTS" if sidecar.flavour == "mariadb" else "SHOW REPLICAS"
    try:
        if control.rows(replicas):
            return False
        control.send(b"SET SESSION sql_log_bin = 0")
    except pymysql_errors():
        return False
    return True


def jobs_for(control: Link, policy: LoadPolicy, size_bytes: int | None) -> int:
    """Return how many connections a load uses: as the user chose, else by cores, size and room.

    Parameters
    ----------
    control : Link
        A connection of the load's own.
    policy : LoadPolicy
        The options of the load.
    size_bytes : int or None
        The script's, if known.
    """
    if policy.jobs is not None:
        return policy.jobs
    if size_bytes is not None and size_bytes < SHORT_SCRIPT_BYTES:
        return 1
    jobs = min(MOST_JOBS, DEFINITION_JOBS_PER_CORE * cores())
    limit = int(control.ask("SELECT @@max_connections"))
    used = control.rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
    room = limit - int(used[0][1] or 0) - 2 if used else jobs
    own = int(control.ask("SELECT @@max_user_connections"))
    return max(1, min(jobs, room, own - 1 if own else jobs))


def row_jobs_for(policy: LoadPolicy, jobs: int) -> int:
    """Return how many of a load's connections may send rows at the same time."""
    return policy.jobs or min(jobs, cores() + 1, MOST_ROW_JOBS)


def has_dollar_quotes(sidecar: Sidecar) -> bool:
    """Return whether a server reads ``$$...$$`` as a string."""
    major = sidecar.version.partition(".")[0]
    is_number = sidecar.flavour == "mysql" and major.isdigit()
    return is_number and int(major) >= DOLLAR_QUOTES_SINCE
