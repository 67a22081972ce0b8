"""A lane connects again only once the server has let go of its lost connection."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from sidecar_magics.errors import AccessError, LoadStoppedError
from sidecar_magics.load.planning.tasks import Step
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.running.operations import Ask, AwaitServer, Open, Send, Sleep
from sidecar_magics.load.running.reconnecting import OLD_CONNECTION_TIMEOUT_S, RETRIES, reconnect
from sidecar_magics.load.sources.source import Source
from sidecar_magics.script.items import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

STEP = Step(
    Statement(b"SELECT 1", 1, 1, 0, 8),
    Source("s.sql", io.BytesIO(), size_bytes=0, folder=Path()),
    b"SELECT 1",
)


class FakeServer:
    """Answers a lane's operations; its old connection lives for some questions more."""

    def __init__(
        self, *, lives: int = 0, uuid: str = "u", token: str = "t", fails: Exception | None = None
    ) -> None:
        self._lives, self._uuid, self._token, self._fails = lives, uuid, token, fails
        self.asked: list[Any] = []

    def answer(self, operation: Any) -> Any:
        self.asked.append(operation)
        if isinstance(operation, AwaitServer):
            return self._uuid
        if isinstance(operation, Open):
            if self._fails is not None:
                raise self._fails
            return not self._lives
        if isinstance(operation, Ask) and "IS_USED_LOCK" in str(operation.sql):
            return [("7",)] if self._lives else [(None,)]
        if isinstance(operation, Ask) and "GET_LOCK" in str(operation.sql):
            self._lives -= 1
            return [("0" if self._lives else "1",)]
        return [(self._token,)] if isinstance(operation, Ask) else None


def play(
    server: FakeServer,
    *,
    attempt: int = 0,
    clock: Callable[[], float] | None = None,
    may_retry: bool = True,
    was_aborted: bool = False,
    with_journal: bool = True,
) -> int:
    """Reconnect, and return how often the report says that was done."""
    journal = SimpleNamespace(token_query=lambda: "SELECT token", entry=SimpleNamespace(token="t"))
    load: Any = SimpleNamespace(
        tasks=SimpleNamespace(was_aborted=was_aborted),
        may_retry=may_retry,
        report=LoadReport("s"),
        clock=clock or (lambda: 0.0),
        journal=journal if with_journal else None,
        uuid="u",
    )
    work = reconnect(load, "lock", STEP, attempt)
    answer, error = None, None
    while True:
        try:
            operation = work.throw(error) if error is not None else work.send(answer)
        except StopIteration:
            return int(load.report.retries)
        answer, error = None, None
        try:
            answer = server.answer(operation)
        except Exception as raised:
            error = raised


def test_the_lost_connection_is_ended_and_waited_for() -> None:
    server = FakeServer(lives=3)
    assert play(server) == 1
    assert server.asked.count(Send((b"KILL 7",))) == 3
    assert sum(isinstance(operation, Sleep) for operation in server.asked) == 3


def test_a_connection_that_is_gone_is_not_waited_for() -> None:
    server = FakeServer()
    play(server, with_journal=False)
    assert server.asked == [AwaitServer(), Open("lock")]


def test_it_is_not_waited_for_without_end() -> None:
    times = iter([0.0, *(OLD_CONNECTION_TIMEOUT_S + 1 for _ in range(10))])
    server = FakeServer(lives=100)
    with pytest.raises(LoadStoppedError):
        play(server, clock=lambda: next(times))
    assert len(server.asked) < 10


@pytest.mark.parametrize(
    "options", [{"attempt": RETRIES}, {"may_retry": False}, {"was_aborted": True}]
)
def test_there_is_no_use_in_it(options: dict[str, Any]) -> None:
    server = FakeServer()
    with pytest.raises(LoadStoppedError):
        play(server, **options)
    assert server.asked == []


def test_a_server_that_was_made_anew_is_not_loaded_into() -> None:
    with pytest.raises(LoadStoppedError, match="was recreated during the load"):
        play(FakeServer(uuid="other"))


def test_a_load_that_another_process_has_taken_over_ends() -> None:
    with pytest.raises(LoadStoppedError, match="connection to the server was lost"):
        play(FakeServer(token="other"))


@pytest.mark.parametrize("error", [AccessError("no"), pymysql.err.OperationalError(2013, "gone")])
def test_without_a_connection_the_load_ends(error: Exception) -> None:
    with pytest.raises(LoadStoppedError):
        play(FakeServer(fails=error))
