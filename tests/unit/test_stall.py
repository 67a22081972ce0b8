from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.blockers import Blocker
from sidecar_magics.load.planning.tasks import Table, Task, TaskKind
from sidecar_magics.load.running import stall
from sidecar_magics.load.running.stall import ASK_EVERY_S, STALL_S, StallWatch
from sidecar_magics.protocol import ConnectError, Outlook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

IDLE = Blocker(7, "ann@localhost", 600.0, "idle in a transaction")
RUNNING = [Task(TaskKind.DEFINITION, table=Table(b"lab", b"session"))]


class Asked:
    """What the server would say, and how often it was asked."""

    def __init__(self, *found: Blocker) -> None:
        self.found = list(found)
        self.own: list[Collection[int]] = []

    def __call__(self, _: Any, own: Collection[int], *, seconds: float) -> list[Blocker]:
        del seconds
        self.own.append(own)
        return self.found


@contextlib.contextmanager
def connect(timeout_s: float) -> Iterator[SimpleNamespace]:
    del timeout_s
    yield SimpleNamespace()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    server = Asked(IDLE)
    monkeypatch.setattr(stall, "blockers", server)
    return server


def test_nothing_is_asked_as_long_as_it_goes_on(asked: Asked) -> None:
    watch = StallWatch(connect)
    for second in range(20):
        assert watch.look(float(second), second, RUNNING, lambda: [1]) == ""
    assert not asked.own
    assert watch.note() == ""


def test_a_load_that_stands_still_says_whom_it_waits_for(asked: Asked) -> None:
    watch = StallWatch(connect)
    assert watch.look(0.0, "same", RUNNING, lambda: [1, 2]) == ""
    assert watch.look(STALL_S - 0.1, "same", RUNNING, lambda: [1, 2]) == ""
    said = watch.look(STALL_S, "same", RUNNING, lambda: [1, 2])
    assert said == (
        "connection 7 (ann@localhost), idle in a transaction, for 10 min 0 s to let go of "
        "lab.session; commit or close it where it was opened, or end it with KILL 7"
    )
    assert asked.own == [[1, 2]]
    watch.look(STALL_S + ASK_EVERY_S - 0.1, "same", RUNNING, lambda: [1, 2])
    assert len(asked.own) == 1
    assert watch.look(STALL_S + ASK_EVERY_S, "another", RUNNING, lambda: [1, 2]) == ""
    assert watch.note().startswith("It waited 5.9 s for connection 7")


def test_what_is_not_certain_is_said_to_be_so(asked: Asked) -> None:
    asked.found = [Blocker(8, "bob@%", 4.0, "executing", is_certain=False)]
    watch = StallWatch(connect)
    watch.look(0.0, "same", RUNNING, list)
    said = watch.look(STALL_S, "same", RUNNING, list)
    assert said.startswith("most likely connection 8 (bob@%), executing, for 4")
    assert said.endswith("let it finish, or end it with KILL 8")


def test_a_long_statement_is_no_wait(asked: Asked) -> None:
    asked.found = []
    watch = StallWatch(connect)
    watch.look(0.0, "same", RUNNING, list)
    assert watch.look(60.0, "same", RUNNING, list) == ""
    assert watch.note() == ""


def test_a_server_that_is_gone_is_waited_for() -> None:
    outlook = Outlook.LATER

    def refused(timeout_s: float) -> Any:
        raise ConnectError("port", "nothing listens there", outlook)

    watch = StallWatch(refused)
    watch.look(0.0, "same", RUNNING, list)
    said = watch.look(STALL_S, "same", RUNNING, list)
    assert said == "the server, which does not answer: nothing listens there"
    assert watch.note() == f"It waited 3.0 s for {said}."
    outlook = Outlook.NEVER
    assert watch.look(2 * STALL_S, "same", RUNNING, list) == ""
