"""What a lane sends around rows whose sessions differ; `tests/simulation` has all else of lanes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pymysql

from sidecar_magics.load.planning.tasks import Step, Table, Task, TaskKind
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.running.context import LoadContext
from sidecar_magics.load.running.handover import Handover
from sidecar_magics.load.running.lane import Lane
from sidecar_magics.load.running.operations import (
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


class FakeLink:
    """A connection that is open; it differs from a session as often as it is told."""

    is_open, is_in_transaction = True, False

    def __init__(self, *, differs: bool) -> None:
        self._differs = differs

    def differs(self, session: Session) -> bool:
        return self._differs


def rows(sql: bytes, session: Session) -> Task:
    source = Source("s.sql", io.BytesIO(sql), size_bytes=len(sql), folder=Path())
    step = Step(Statement(sql, 1, 1, 0, len(sql)), source, sql, "a.t", is_data=True)
    return Task(TaskKind.ROWS, [step], session, Table(b"a", b"t", any_order=True), any_order=True)


def sent(tasks: list[Task], *, differs: bool = False, lost_at: bytes = b"") -> list[object]:
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
            assert load.first_failure is None
            return found
        answer = None
        if isinstance(operation, Take):
            answer = load.tasks.take(0, wait=operation.wait)
        elif isinstance(operation, Enter):
            found.append(operation.session.schema)
        elif isinstance(operation, (Open, AwaitServer)):
            answer = True if isinstance(operation, Open) else "u"
        elif isinstance(operation, Send):
            found += operation.statements
            is_lost = lost_at in operation.statements
            lost_at = b"" if is_lost else lost_at
            done = [] if is_lost else [Reply(1, 0, 0.0) for _ in operation.statements]
            answer = Replies(done, LOST if is_lost else None)


BEGIN, COMMIT = b"START TRANSACTION", b"COMMIT"
A, B = Session(b"a"), Session(b"b")


def test_rows_share_a_transaction() -> None:
    assert sent([rows(b"one", A), rows(b"two", A)]) == [
        *(b"a", BEGIN, b"one"),
        *(b"a", b"two", COMMIT),
    ]


def test_a_session_changes_only_between_transactions() -> None:
    """Not each variable may change within one."""
    assert sent([rows(b"one", A), rows(b"two", A)], differs=True) == [
        *(b"a", BEGIN, b"one", COMMIT),
        *(b"a", BEGIN, b"two", COMMIT),
    ]


def test_rows_that_were_lost_are_sent_again_each_in_its_schema() -> None:
    tasks = [rows(b"one", A), rows(b"two", B), rows(b"three", B)]
    found = sent(tasks, lost_at=b"three")
    assert found[found.index(b"three") + 1 :] == [
        *(b"a", BEGIN, b"a", b"one", b"b", b"two"),
        *(b"b", b"three", COMMIT),
    ]
