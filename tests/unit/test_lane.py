"""What a lane sends around rows whose sessions differ; `tests/simulation` has all else of lanes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql

from sidecar_magics.load.journal.pieces import NotedPiece, piece_of
from sidecar_magics.load.planning.tasks import Step, Table, Task, TaskKind
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.running.context import LoadContext
from sidecar_magics.load.running.handover import Handover
from sidecar_magics.load.running.lane import Lane
from sidecar_magics.load.running.operations import (
    Ask,
    AwaitServer,
    Enter,
    Open,
    Replies,
    Reply,
    Send,
    Take,
)
from sidecar_magics.load.running.scheduler import Scheduler
from sidecar_magics.load.sources.source import Source
from sidecar_magics.script.items import Statement
from sidecar_magics.script.session import Session

LOST = pymysql.err.OperationalError(2013, "Lost connection")
DEADLOCK = pymysql.err.OperationalError(1213, "Deadlock found")
REFUSED = pymysql.err.IntegrityError(1062, "Duplicate entry")


class FakeLink:
    """A connection that is open; it differs from a session as often as it is told."""

    is_open, is_in_transaction = True, False

    def __init__(self, *, differs: bool) -> None:
        self._differs = differs

    def differs(self, session: Session) -> bool:
        return self._differs


def rows(session: Session, *statements: bytes) -> Task:
    source = Source("s.sql", io.BytesIO(), size_bytes=0, folder=Path())
    steps = [
        Step(Statement(sql, 1, 1, 0, len(sql)), source, sql, "a.t", is_data=True)
        for sql in statements
    ]
    return Task(TaskKind.ROWS, steps, session, Table(b"a", b"t", any_order=True), any_order=True)


def sent(
    tasks: list[Task],
    *,
    differs: bool = False,
    fails_at: bytes = b"",
    once: Exception = LOST,
    refuses: bytes = b"",
    journal: Any = None,
) -> list[object]:
    """Return what a lane sends for tasks, and which schemas it enters."""
    load = LoadContext(
        LoadReport("s"),
        Handover(Scheduler()),
        token="t",
        jobs=1,
        max_packet_bytes=1024,
        uuid="u",
        may_retry=True,
        clock=lambda: 0.0,
        journal=journal,
    )
    for task in tasks:
        load.tasks.add(task)
    load.tasks.close()
    link: Any = FakeLink(differs=differs)
    work = Lane(0, load, link).run()
    found: list[object] = []
    answer: Any = None
    while True:
        try:
            operation = work.send(answer)
        except StopIteration:
            assert (load.first_failure is None) is (not refuses)
            return found
        answer = None
        if isinstance(operation, Take):
            answer = load.tasks.take(0, wait=operation.wait)
        elif isinstance(operation, Enter):
            found.append(operation.session.schema)
        elif isinstance(operation, (Open, AwaitServer)):
            answer = True if isinstance(operation, Open) else "u"
        elif isinstance(operation, Send):
            found += [sql for sql in operation.statements if not sql.startswith(b"GET DIAG")]
            error: Exception | None = once if fails_at in operation.statements else None
            fails_at = b"" if error else fails_at
            error = REFUSED if refuses in operation.statements else error
            answer = Replies([] if error else [Reply(1, 0, 0.0)] * len(operation.statements), error)
        elif isinstance(operation, Ask):
            answer = []


BEGIN, COMMIT = b"START TRANSACTION", b"COMMIT"
A, B = Session(b"a"), Session(b"b")


def test_rows_share_a_transaction() -> None:
    assert sent([rows(A, b"one"), rows(A, b"two")]) == [
        *(b"a", BEGIN, b"one"),
        *(b"a", b"two", COMMIT),
    ]


def test_a_session_changes_only_between_transactions() -> None:
    """Not each variable may change within one."""
    assert sent([rows(A, b"one"), rows(A, b"two")], differs=True) == [
        *(b"a", BEGIN, b"one", COMMIT),
        *(b"a", BEGIN, b"two", COMMIT),
    ]


def test_rows_that_were_lost_are_sent_again_each_in_its_schema() -> None:
    tasks = [rows(A, b"one"), rows(B, b"two"), rows(B, b"three")]
    found = sent(tasks, fails_at=b"three")
    assert found[found.index(b"three") + 1 :] == [
        *(b"a", BEGIN, b"a", b"one", b"b", b"two"),
        *(b"b", b"three", COMMIT),
    ]


def test_what_stands_before_a_refused_statement_is_committed() -> None:
    assert sent([rows(A, b"one", b"bad", b"never")], refuses=b"bad") == [
        *(b"a", BEGIN, b"one", b"bad", COMMIT),
    ]


def test_a_refused_statement_alone_is_taken_back() -> None:
    """Else its locks would stay while the lane waits."""
    found = sent([rows(A, b"bad")], refuses=b"bad")
    assert found == [b"a", BEGIN, b"bad", b"ROLLBACK"]


def test_rows_that_the_server_rolled_back_are_sent_again() -> None:
    tasks = [rows(A, b"one"), rows(A, b"two")]
    assert sent(tasks, fails_at=b"two", once=DEADLOCK) == [
        *(b"a", BEGIN, b"one", b"a", b"two", b"ROLLBACK"),
        *(b"a", BEGIN, b"a", b"one", b"a", b"two", COMMIT),
    ]


class KeepingJournal:
    """A journal that keeps what is completed."""

    resumed = False

    def __init__(self) -> None:
        self.done: list[NotedPiece] = []

    def completed(self, piece: NotedPiece) -> int:
        self.done.append(piece)
        return 1

    def note_last_id(self) -> bytes:
        return b"note the last number"


def test_what_a_script_rolled_back_is_done() -> None:
    """Done again it would change nothing, but for the last number."""
    journal = KeepingJournal()
    task = replace(rows(A, b"ROLLBACK"), kind=TaskKind.DATA, in_transaction=True)
    assert sent([task], journal=journal) == [b"a", b"ROLLBACK", b"note the last number"]
    assert journal.done == [piece_of(task.steps)]
