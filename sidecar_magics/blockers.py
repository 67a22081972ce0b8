"""Find the connections that block a statement, by an open transaction or by locks on tables.

`locks.look` asks a server, and `blockers_in` reads the answers without one. MySQL's
performance_schema shows which lock waits for which, but may be off: servers of `up` and of the hub
run without it, to save memory. MariaDB shows that for rows only, unless its performance_schema is
completely on. Otherwise we know that a statement waits, but not for which connection, and all
connections with locks are candidates.

No connection is ended unasked: progress, report and Ctrl-C name the candidates, with literals and
passwords removed from their statements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import shown
from .limits import ANSWER_S, limited
from .locks import LockWait, look

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pymysql

    from .locks import Process, Sight

STATEMENT_SHOWN = 120
TABLES_SHOWN = 10
# We read at most this of the digests that a server keeps, and of running statements.
TEXT_READ = 1000

# Source: the matrices in the server's sql/mdl.cc. A lock that is not listed goes with all others.
_EXCLUDED_BY = {
    "SHARED": {"EXCLUSIVE"},
    "SHARED_HIGH_PRIO": {"EXCLUSIVE"},
    "SHARED_READ": {"EXCLUSIVE", "SHARED_NO_READ_WRITE"},
    "SHARED_WRITE": {
        *("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE", "SHARED_READ_ONLY"),
    },
    "SHARED_WRITE_LOW_PRIO": {
        *("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE", "SHARED_READ_ONLY"),
    },
    "SHARED_UPGRADABLE": {
        *("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE", "SHARED_UPGRADABLE"),
    },
    "SHARED_READ_ONLY": {
        *("EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO"),
    },
    "INTENTION_EXCLUSIVE": {"EXCLUSIVE", "SHARED"},
}
# Locks that keep newcomers out while they are still waiting themselves.
_GOES_FIRST = {"EXCLUSIVE", "SHARED_NO_READ_WRITE", "SHARED_NO_WRITE"}
_STOP_CHANGES = ("FTWRL", "BLOCK", "WAIT", "START")
_OF_TABLES = {"BACKUP", "TABLE", "GLOBAL", "SCHEMA", "BACKUP LOCK", "TABLESPACE"}
_WAITS_FOR_A_DEFINITION = re.compile("waiting for .*(metadata|backup|global read) lock", re.I)
_SERVERS_OWN = {"system user", "event_scheduler"}
# Statements that can hold no password once their literals are gone.
_PLAIN = {
    *("SELECT", "WITH", "SHOW", "INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE", "LOCK"),
    *("UNLOCK", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "USE", "DROP", "FLUSH"),
}
_PORT = re.compile(r":\d+\Z")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|\Z)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|\Z)|\b\d[\w.]*")


@dataclass(frozen=True)
class Blocker:
    """A foreign connection that others wait for, or may have to wait for.

    Parameters
    ----------
    id : int
        The connection's number at the server: what ``KILL`` takes.
    account : str
        ``user@host`` as the server sees it.
    since_s : float
        Seconds since its transaction began; without one, since its present state began.
    doing : str
        ``idle in a transaction``, ``idle``, or what its statement does at the moment.
    last_statement : str or None
        The statement that runs or, where the server keeps that, the last one: on one line, short,
        and without literals. None if it cannot be seen.
    tables : tuple of str
        ``schema.table`` that it has locks on; of `blocks_of`, those that are waited for. May be
        empty: not every server shows it.
    blocks : tuple of int
        Connections that wait for it, as far as that is known.
    is_certain : bool
        False if the server does not say which connection is waited for: this one may be.
    """

    id: int
    account: str
    since_s: float
    doing: str
    last_statement: str | None = None
    tables: tuple[str, ...] = ()
    blocks: tuple[int, ...] = ()
    is_certain: bool = True

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing at the moment."""
        return self.doing.startswith("idle")

    def __str__(self) -> str:
        tables = ", ".join(self.tables[:TABLES_SHOWN])
        said = f", last statement: {self.last_statement}" if self.last_statement else ""
        on = f", with locks on {tables}" if tables else ""
        return f"connection {self.id} ({self.account}), {self.doing}{on}{said}"


def blockers(
    connection: pymysql.Connection[Any],
    waiting: Collection[int] | None = None,
    *,
    seconds: float = ANSWER_S,
) -> list[Blocker]:
    """Ask a server for the connections that are in the way; nothing is changed there.

    Parameters
    ----------
    connection : pymysql.Connection
        One on which nothing is under way. It is never among the answers. It needs the privilege
        PROCESS to see other accounts.
    waiting : collection of int, optional
        Connections that belong together, such as a load's: the result has those that block one of
        them, directly or through others that wait in between, but not these themselves. Default:
        all connections with an open transaction, with locks on tables, or that others wait for.
    seconds : float, default 30
        Limit for all questions together.

    Returns
    -------
    list of Blocker
        First those that wait for no other, the longest first.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server does not answer, or not in time.
    """
    with limited(connection, seconds):
        sight = look(connection)
    return blockers_in(sight, own=connection.thread_id(), waiting=waiting)


def blockers_in(sight: Sight, *, own: int, waiting: Collection[int] | None = None) -> list[Blocker]:
    """Return the blockers in a server's answers; see `blockers`."""
    waits = [*sight.row_waits, *_definition_waits(sight)]
    if waiting is None:
        busy = {lock.id for lock in sight.locks if lock.is_held and lock.kind in _OF_TABLES}
        certain = {*sight.transactions, *busy, *(wait.holding for wait in waits)}
        explained = {wait.waiting for wait in waits}
        ids = certain | _candidates(sight, set(sight.processes) - explained, certain)
    else:
        certain = _in_the_way(waits, set(waiting))
        ids = certain or _candidates(sight, set(waiting), set(waiting))
    found = [
        _blocker(sight, waits, number, waiting, is_certain=number in certain)
        for number in ids - {own}
        if number in sight.processes and sight.processes[number].user not in _SERVERS_OWN
    ]
    stuck = {wait.waiting for wait in waits}
    return sorted(found, key=lambda each: (each.id in stuck, -each.since_s, each.id))


def _definition_waits(sight: Sight) -> Iterator[LockWait]:
    """Yield which connection waits for which because of a definition, by the server's rules."""
    for wanted in sight.locks:
        if wanted.is_held:
            continue
        others = [
            lock for lock in sight.locks if lock.target == wanted.target and lock.id != wanted.id
        ]
        holders = [lock for lock in others if lock.is_held and _excludes(lock.mode, wanted.mode)]
        # No lock excludes it: then it waits in the queue after one that goes first.
        first = [lock for lock in others if not lock.is_held and lock.mode in _GOES_FIRST]
        for lock in holders or first:
            yield LockWait(wanted.id, lock.id, wanted.label)


def _excludes(held: str, wanted: str) -> bool:
    if held.startswith("BACKUP_"):  # MariaDB's, for tables that must not change during a backup
        return any(word in mode for mode in (held, wanted) for word in _STOP_CHANGES)
    if wanted in _EXCLUDED_BY:
        return held in _EXCLUDED_BY[wanted]
    if wanted == "EXCLUSIVE" or held == "EXCLUSIVE":
        return True
    return held not in ("SHARED", "SHARED_HIGH_PRIO", "INTENTION_EXCLUSIVE")


def _in_the_way(waits: Iterable[LockWait], ours: set[int]) -> set[int]:
    """Return all that `ours` wait for, also through others."""
    edges = list(waits)
    reached: set[int] = set()
    front = set(ours)
    while front:
        front = {wait.holding for wait in edges if wait.waiting in front} - reached - ours
        reached |= front
    return reached


def _candidates(sight: Sight, asking_ids: set[int], known: set[int]) -> set[int]:
    """Return the possible blockers of connections that wait, where the server does not say which.

    None of `known` is among them.
    """
    asking = [sight.processes[number] for number in asking_ids if number in sight.processes]
    stuck = [
        each
        for each in asking
        if each.id in sight.stuck or _WAITS_FOR_A_DEFINITION.search(each.state)
    ]
    if not stuck:
        return set()
    named = {lock.id for lock in sight.locks if any(lock.name in each.statement for each in stuck)}
    # LOCK TABLES makes no transaction, and without its plugin MariaDB shows it nowhere.
    anybody = {each.id for each in sight.processes.values() if each.command != "Daemon"}
    known = known | {each.id for each in stuck}
    return (named - known) or (set(sight.transactions) - known) or (anybody - known)


def _blocker(
    sight: Sight,
    waits: list[LockWait],
    number: int,
    waiting: Collection[int] | None,
    *,
    is_certain: bool,
) -> Blocker:
    process = sight.processes[number]
    due = [wait for wait in waits if wait.holding == number]
    wanted = [wait.table for wait in due if waiting is not None and wait.table]
    held = [lock.label for lock in sight.locks if lock.id == number and lock.is_held and lock.label]
    statement = process.statement or sight.statements.get(number, "")
    return Blocker(
        number,
        shown(f"{process.user}@{_PORT.sub('', process.host)}"),
        sight.transactions.get(number, process.time_s),
        _doing(process, is_open=number in sight.transactions),
        _without_literals(statement) or None,
        tuple(shown(name) for name in dict.fromkeys(wanted or sorted(held))),
        tuple(sorted({wait.waiting for wait in due})),
        is_certain,
    )


def _doing(process: Process, *, is_open: bool) -> str:
    if process.command == "Sleep":
        return "idle in a transaction" if is_open else "idle"
    return shown(process.state or process.command).lower()


def _without_literals(statement: str) -> str:
    """Return a statement's beginning, on one line and without possible secrets."""
    text = statement[:TEXT_READ]
    if "\\" in text:  # whether that escapes a quote depends on a session that is not seen from here
        text = re.split("['\"]", text, maxsplit=1)[0]
    words = _LITERAL.sub("?", text).split()
    if words and words[0].strip("(").upper() not in _PLAIN:
        words = [*words[:3], "…"] if len(words) > 3 else words
    return shown(" ".join(words), STATEMENT_SHOWN)
