"""What is read out of a server's lists of connections and locks; no server."""

from __future__ import annotations

import pytest

from sidecar_magics.blockers import Blocker, blockers_in
from sidecar_magics.locks import Lock, LockWait, Process, Sight


def process(number: int, *, command: str = "Sleep", state: str = "", sql: str = "") -> Process:
    return Process(number, "ann", f"10.0.0.{number}:50{number:03}", command, 3.0, state, sql)


def sight(
    *numbers: int,
    transactions: dict[int, float] | None = None,
    locks: tuple[Lock, ...] = (),
    rows: tuple[LockWait, ...] = (),
    states: dict[int, str] | None = None,
    stuck: frozenset[int] = frozenset(),
) -> Sight:
    states = states or {}
    processes = {
        number: process(
            number,
            command="Query" if number in states else "Sleep",
            state=states.get(number, ""),
            sql="DROP TABLE t" if number in states else "",
        )
        for number in numbers
    }
    return Sight(processes, transactions or {}, stuck, locks, rows)


def held(number: int, mode: str, name: str = "t") -> Lock:
    return Lock(number, "TABLE", "lab", name, mode, is_held=True)


def wanted(number: int, mode: str, name: str = "t") -> Lock:
    return Lock(number, "TABLE", "lab", name, mode, is_held=False)


def ids(found: list[Blocker]) -> list[int]:
    return [each.id for each in found]


@pytest.mark.parametrize(
    ("mode_held", "mode_wanted", "blocks"),
    [
        ("SHARED_READ", "EXCLUSIVE", True),
        ("SHARED_READ", "SHARED_WRITE", False),
        ("SHARED_WRITE", "SHARED_READ", False),
        ("SHARED_WRITE", "SHARED_READ_ONLY", True),
        ("SHARED_NO_READ_WRITE", "SHARED_READ", True),
        ("SHARED_READ", "SHARED_NO_READ_WRITE", True),
        ("SHARED_READ", "SHARED_NO_WRITE", True),
        ("SHARED_UPGRADABLE", "SHARED_UPGRADABLE", True),
        ("SHARED", "INTENTION_EXCLUSIVE", True),
        ("INTENTION_EXCLUSIVE", "INTENTION_EXCLUSIVE", False),
        ("EXCLUSIVE", "SHARED_HIGH_PRIO", True),
        ("BACKUP_DDL", "BACKUP_DDL", False),
        ("BACKUP_FTWRL2", "BACKUP_TRANS_DML", True),
        ("BACKUP_DML", "BACKUP_FTWRL1", True),
    ],
)
def test_locks_exclude_each_other_as_in_the_server(
    mode_held: str, mode_wanted: str, blocks: bool
) -> None:
    seen = sight(1, 2, locks=(held(1, mode_held), wanted(2, mode_wanted)))
    assert ids(blockers_in(seen, own=9, waiting=[2])) == ([1] if blocks else [])


def test_locks_of_another_table_are_in_nobodys_way() -> None:
    seen = sight(1, 2, locks=(held(1, "EXCLUSIVE", "other"), wanted(2, "EXCLUSIVE")))
    assert blockers_in(seen, own=9, waiting=[2]) == []


def test_a_chain_ends_with_the_one_that_waits_for_nobody() -> None:
    locks = (held(1, "SHARED_READ"), wanted(2, "EXCLUSIVE"), wanted(3, "SHARED_READ"))
    seen = sight(1, 2, 3, locks=locks, transactions={1: 70.0})
    found = blockers_in(seen, own=9, waiting=[3])
    assert ids(found) == [1, 2]
    assert found[0].since_s == 70.0
    assert found[0].tables == ("lab.t",)
    assert found[1].blocks == (3,)


def test_lanes_of_one_load_are_not_in_each_others_way_but_the_stranger_is() -> None:
    locks = (held(1, "SHARED_READ"), wanted(2, "EXCLUSIVE"), wanted(3, "SHARED_READ"))
    seen = sight(1, 2, 3, locks=locks)
    assert ids(blockers_in(seen, own=9, waiting=[2, 3])) == [1]
    assert blockers_in(seen, own=9, waiting=[1, 2, 3]) == []


def test_a_circle_ends() -> None:
    seen = sight(
        1, 2, 3, rows=(LockWait(1, 2, "lab.t"), LockWait(2, 3, "lab.t"), LockWait(3, 2, "lab.t"))
    )
    assert ids(blockers_in(seen, own=9, waiting=[1])) == [2, 3]


def test_who_may_be_meant_is_told_as_such() -> None:
    states = {2: "Waiting for table metadata lock"}
    seen = sight(1, 2, 3, 4, states=states, transactions={1: 5.0, 2: 1.0})
    (found,) = blockers_in(seen, own=9, waiting=[2])
    assert (found.id, found.is_certain) == (1, False)
    # Nobody has a transaction: LOCK TABLES, which MariaDB does not report.
    seen = sight(1, 2, 9, states=states)
    assert ids(blockers_in(seen, own=9, waiting=[2])) == [1]
    # Where locks are told, those whose tables stand in the statement.
    seen = sight(1, 2, 3, states=states, locks=(held(3, "SHARED_READ"),), transactions={1: 5.0})
    assert ids(blockers_in(seen, own=9, waiting=[2])) == [3]


def test_a_row_that_is_waited_for_has_candidates_as_well() -> None:
    seen = sight(1, 2, 3, stuck=frozenset({2}), transactions={1: 5.0, 2: 1.0})
    (found,) = blockers_in(seen, own=9, waiting=[2])
    assert (found.id, found.is_certain) == (1, False)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("INSERT INTO t VALUES ('a\n''secret''', 42)", "INSERT INTO t VALUES (?, ?)"),
        ('SELECT "a\'secret"', "SELECT ?"),
        ("SELECT 'a\\'secret'", "SELECT"),
        ("INSERT INTO t VALUES ('secret that is cut", "INSERT INTO t VALUES (?"),
        ("ALTER USER ann IDENTIFIED WITH p AS secret", "ALTER USER ann …"),
        ("CREATE TABLE t (a INT) CONNECTION = 'mysql://u:secret@h/d'", "CREATE TABLE t …"),
        ("SET PASSWORD = 'secret'", "SET PASSWORD = …"),
        ("SELECT \x1b[31m1", "SELECT \\x1b[?"),
    ],
)
def test_a_statement_is_shown_without_what_may_be_secret(sql: str, shown: str) -> None:
    seen = Sight({1: process(1, command="Query", state="updating", sql=sql)}, {1: 4.0})
    (found,) = blockers_in(seen, own=9)
    assert found.last_statement == shown
    assert "secret" not in str(found)


def test_a_long_statement_is_cut() -> None:
    seen = Sight({1: process(1, sql="SELECT " + "a, " * 100_000)}, {1: 4.0})
    (found,) = blockers_in(seen, own=9)
    assert found.last_statement is not None
    assert len(found.last_statement) <= 120


def test_the_account_is_told_without_the_clients_port() -> None:
    (found,) = blockers_in(sight(1, transactions={1: 2.0}), own=9)
    assert found.account == "ann@10.0.0.1"
    assert str(found) == "connection 1 (ann@10.0.0.1), idle in a transaction"
