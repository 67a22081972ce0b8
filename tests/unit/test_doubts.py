"""Whether a statement that must not run twice was done: noted before, and looked at afterwards."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.journal.pieces import REFUSED
from sidecar_magics.load.planning.tasks import Step, Table, Task, TaskKind
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.running.doubts import Doubts
from sidecar_magics.load.running.operations import Record, ShowCreate
from sidecar_magics.load.sources.source import Source
from sidecar_magics.script.items import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE, AFTER = b"CREATE TABLE t (i INT)", b"CREATE TABLE t (i INT, j INT)"
CRC = zlib.crc32(BEFORE)


class FakeJournal:
    """A journal that has noted one doubt, or none."""

    def __init__(self, doubt: int | None = None) -> None:
        self._doubt = doubt
        self.is_past_resuming = False

    def doubt(self, step: Step) -> int | None:
        return self._doubt

    def note(self) -> Any:
        return SimpleNamespace(sql=b"")

    def noted(self, note: Any) -> None:
        pass

    def note_doubt(self, step: Step, before: int) -> bytes:
        return b"doubt %d" % before


def doubts(journal: FakeJournal | None = None, sent: list[bytes] | None = None) -> Doubts:
    def own(statements: list[bytes], step: Step) -> Iterator[None]:
        (sent if sent is not None else []).extend(filter(None, statements))
        yield from ()

    load: Any = SimpleNamespace(journal=journal or FakeJournal(), report=LoadReport("s"))
    sender: Any = SimpleNamespace(own=own)
    return Doubts(load, sender)


def task(sql: bytes, kind: TaskKind = TaskKind.BARRIER, **options: Any) -> Task:
    source = Source("s.sql", io.BytesIO(sql), size_bytes=len(sql), folder=Path())
    step = Step(Statement(sql, 1, 1, 0, len(sql)), source, sql)
    return Task(kind, [step], table=Table(b"a", b"t"), **options)


def drive(work: Any, create: bytes = BEFORE) -> tuple[Any, list[Any]]:
    """Return what a generator returns, and what it asked for."""
    asked: list[Any] = []
    answer = None
    while True:
        try:
            operation = work.send(answer)
        except StopIteration as end:
            return end.value, asked
        asked.append(operation)
        answer = create if isinstance(operation, ShowCreate) else None


ALTER = b"ALTER TABLE t ADD COLUMN j INT"


@pytest.mark.parametrize(
    ("sql", "noted", "create", "altered"),
    [
        (ALTER, CRC, BEFORE, False),
        (ALTER, CRC, AFTER, True),
        (ALTER, None, AFTER, False),  # nothing was noted: it did not begin
        (b"DROP TABLE t", CRC, AFTER, False),
    ],
)
def test_a_table_that_looks_different_was_altered(
    sql: bytes, noted: int | None, create: bytes, *, altered: bool
) -> None:
    assert drive(doubts().was_altered(task(sql), noted), create)[0] is altered


def test_what_must_not_run_twice_is_noted_with_the_table_as_it_is() -> None:
    sent: list[bytes] = []
    assert drive(doubts(sent=sent).note(task(ALTER), None))[0] == CRC
    assert sent == [b"doubt %d" % CRC]


def test_what_was_noted_is_not_noted_again() -> None:
    sent: list[bytes] = []
    assert drive(doubts(sent=sent).note(task(ALTER), 7))[0] == 7
    assert sent == []


def test_a_plain_definition_is_not_noted() -> None:
    sent: list[bytes] = []
    drive(doubts(sent=sent).note(task(BEFORE, TaskKind.DEFINITION), None))
    assert sent == []


@pytest.mark.parametrize("noted", [None, REFUSED])
def test_what_no_rollback_takes_back_is_noted_on_another_connection(noted: int | None) -> None:
    call = task(b"CALL p()", TaskKind.DATA, in_transaction=True, repeatable=False)
    _, asked = drive(doubts(FakeJournal(noted)).note_irreversible(call))
    assert asked == [Record((b"doubt 0",))]


def test_it_cannot_be_resumed_where_that_may_be_done() -> None:
    call = task(b"CALL p()", TaskKind.DATA, in_transaction=True, repeatable=False)
    with pytest.raises(ScriptError, match="whether this statement was executed cannot be known"):
        drive(doubts(FakeJournal(0)).note_irreversible(call))


def test_what_may_run_twice_is_never_in_doubt() -> None:
    insert = task(b"INSERT INTO t VALUES (1)", TaskKind.DATA, in_transaction=True)
    assert drive(doubts(FakeJournal(0)).note_irreversible(insert))[1] == []


def test_an_unknown_session_is_noted_once() -> None:
    journal = FakeJournal()
    found = doubts(journal)
    step = task(b"CALL p()").steps[0]
    assert drive(found.note_unknown(step))[1] == [Record((b"doubt 0",))]
    assert journal.is_past_resuming
    assert drive(found.note_unknown(step))[1] == []
