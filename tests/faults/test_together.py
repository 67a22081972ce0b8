"""Loads that meet each other, and somebody's open transaction: none hangs, and each says why."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from tests.benchmarks import employees
from tests.faults.child import Child, start_runner
from tests.faults.connections import end_others
from tests.faults.doubt import content, load_with_client
from tests.turns import some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pymysql

    from tests.faults.doubt import Content
    from tests.servers import Server

pytestmark = pytest.mark.server
# Large enough that a load puts off indexes while the other one is refused what it does.
SCALES = {"people's": 0.12, "dump": 0.03}
LIMIT_S = 90.0
WAYS = (("people's", False), ("dump", False), ("dump", True))
MODES: dict[str, dict[str, bool]] = {
    "plain": {},
    "once": {"once": True},
    "resume": {"resume": True},
}


@pytest.fixture
def server(fault_server: Server) -> Iterator[Server]:
    """Yield each of the servers; who still waits there in the end is ended."""
    yield fault_server
    end_others(fault_server)


# Two loads of one script --------------------------------------------------------------------------


@some("mode, form, behind", [(mode, *way) for mode in MODES for way in WAYS], each=6)
def test_two_loads_of_one_script(
    mode: str, form: str, behind: bool, server: Server, tmp_path: Path
) -> None:
    path, whole = _script(form, server, tmp_path)
    processes = [start_runner() for _ in range(2)]
    first, second = (
        Child(path, server, tells=True, process=process, **MODES[mode]) for process in processes
    )
    try:
        first.go()
        if behind:
            _await_rows(server)
        second.go()
        outcomes = [first.outcome(LIMIT_S), second.outcome(LIMIT_S)]
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
    assert [_short(outcome) for outcome in outcomes] == ["done", "done"]
    assert content(server, (employees.SCHEMA,)) == whole
    assert any("wait" in _all_said(outcome).lower() for outcome in outcomes)
    if mode == "once":
        assert sorted(outcome["already_loaded"] for outcome in outcomes) == [False, True]


def _script(form: str, server: Server, folder: Path) -> tuple[Path, Content]:
    path = folder / "employees.sql"
    scale = SCALES[form]
    with path.open("wb") as file:
        file.writelines(
            employees.script(scale) if form == "dump" else employees.handwritten(scale, 5_000)
        )
    load_with_client(server, path)
    whole = content(server, (employees.SCHEMA,))
    server.drop_schemas()
    return path, whole


def _await_rows(server: Server) -> None:
    deadline = time.monotonic() + LIMIT_S
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        while time.monotonic() < deadline:
            if cursor.execute(f"SHOW SCHEMAS LIKE '{employees.SCHEMA}'") and cursor.execute(
                f"SHOW TABLES FROM {employees.SCHEMA} LIKE 'salaries'"
            ):
                return
            time.sleep(0.01)
    pytest.fail("the first load has not begun")


# Somebody's open transaction ----------------------------------------------------------------------

SCRIPTS = {
    "drop": "DROP TABLE IF EXISTS faults_k.watched;\nCREATE TABLE faults_k.watched (i INT);\n",
    "alter": "ALTER TABLE faults_k.watched ADD COLUMN more INT;\n",
    "truncate": "TRUNCATE TABLE faults_k.watched;\n",
    "drop schema": "DROP DATABASE faults_k;\nCREATE DATABASE faults_k;\n"
    "CREATE TABLE faults_k.watched (i INT);\n",
}
MANY_ROWS = ", ".join(f"({n}, '{'x' * 200}')" for n in range(1_000))
LARGE = (
    "CREATE TABLE faults_l.t (i INT PRIMARY KEY, v TEXT);\n"
    f"INSERT INTO faults_l.t VALUES {MANY_ROWS};\n"
)


@pytest.fixture
def other(server: Server) -> Iterator[pymysql.Connection[Any]]:
    """Yield somebody's connection with a transaction that has read a table, and is left open."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for sql in (
            "CREATE DATABASE faults_k",
            "CREATE DATABASE faults_l",
            "CREATE TABLE faults_k.watched (i INT PRIMARY KEY)",
            "INSERT INTO faults_k.watched VALUES (1)",
            "BEGIN",
            "SELECT * FROM faults_k.watched",
        ):
            cursor.execute(sql)
        yield connection


@some(
    "what, jobs",
    [("drop", None), ("drop", 4), ("alter", None), ("truncate", 4), ("drop schema", 4)],
    each=4,
)
def test_a_load_says_whose_transaction_it_waits_for(
    what: str,
    jobs: int | None,
    other: pymysql.Connection[Any],
    server: Server,
    tmp_path: Path,
) -> None:
    child = _load(what, jobs, server, tmp_path)
    child.until_told(lambda text: _names_whom(text, other))
    other.rollback()
    outcome = child.outcome(LIMIT_S)
    assert _short(outcome) == "done"
    assert _names_whom(_all_said(outcome), other), _all_said(outcome)


def test_an_interrupt_says_whose_transaction_it_waited_for(
    other: pymysql.Connection[Any], server: Server, tmp_path: Path
) -> None:
    child = _load("drop", None, server, tmp_path)
    child.until_told(lambda text: _names_whom(text, other))
    child.process.send_signal(signal.SIGINT)
    outcome = child.outcome(LIMIT_S)
    assert outcome["error"] == "Interrupted", outcome
    assert _names_whom(outcome["message"], other), outcome["message"]
    with other.cursor() as cursor:  # nobody has ended it
        cursor.execute("SELECT * FROM faults_k.watched")
        assert cursor.fetchall() == ((1,),)


def _load(what: str, jobs: int | None, server: Server, folder: Path) -> Child:
    path = folder / "script.sql"
    path.write_text(SCRIPTS[what] + (LARGE if jobs else ""))
    child = Child(path, server, tells=True, jobs=jobs)
    child.go()
    return child


# What they say ------------------------------------------------------------------------------------


def _short(outcome: dict[str, Any]) -> str:
    if outcome["error"] is None:
        return "done"
    return " ".join(f"{outcome['error']} {outcome['message']}".split())[:200]


def _names_whom(text: str, other: pymysql.Connection[Any]) -> bool:
    """Return whether a line names the connection, and the table or the schema."""
    named = re.compile(rf"\b{other.thread_id()}\b")
    return any(
        named.search(line) and ("watched" in line or "schema faults_k" in line)
        for line in text.splitlines()
    )


def _all_said(outcome: dict[str, Any]) -> str:
    return "\n".join([outcome["message"], *outcome.get("notes", []), *outcome["told"]])
