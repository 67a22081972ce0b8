"""Where a load really runs: threads, connections, and time that goes by."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from ...protocol import ConnectError
from ...server import connect, pymysql_errors
from ...wait import wait
from ..reporting.results import KEPT
from .handover import Handover
from .link import Link
from .operations import (
    Ask,
    AwaitServer,
    AwaitWork,
    Enter,
    Open,
    Record,
    Replies,
    Reply,
    Send,
    ShowCreate,
    Sleep,
    Stream,
    Take,
)
from .reconnecting import get_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...server import Keep, Outcome
    from ...settings import ConnectionSettings
    from ...sidecar import Sidecar
    from .inspector import Inspector
    from .lane import Lane
    from .operations import Operation
    from .scheduler import Scheduler

# How long a server that was lost is waited for.
READY_TIMEOUT_S = 120.0
# How long an interrupted load waits for the server that it asks to end its statements.
KILL_TIMEOUT_S = 2.0
JOIN_S = 0.2


class Threads:
    """One load's threads and connections.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._tasks: Handover | None = None
        self._threads: list[threading.Thread] = []

    def clock(self) -> float:
        """Return seconds that only go forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        time.sleep(seconds)

    def link(self, first: Iterable[bytes] = (), **may: bool) -> Link:
        """Return a connection that is not open yet; see `Link`."""
        return Link(self._settings, first, **may)

    def connect(self, timeout_s: float) -> Any:
        """Open a connection to ask the server about the others; raises `ConnectError`."""
        return connect(self._settings, timeout_s=timeout_s)

    def handover(self, scheduler: Scheduler) -> Handover:
        """Return a scheduler that threads may share."""
        self._tasks = Handover(scheduler)
        return self._tasks

    def await_server(self) -> Sidecar:
        """Wait until the server can be logged in to.

        Raises
        ------
        ServerNotReadyError, AccessError
            It does not come back.
        """
        return wait(self._settings, timeout_s=READY_TIMEOUT_S)

    def start(self, lanes: Iterable[Lane], inspector: Inspector) -> None:
        """Let each lane work in a thread of its own."""
        for lane in lanes:
            thread = threading.Thread(
                target=self._drive, args=(lane, inspector), name=f"lane-{lane.number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def finish(self, on_wait: Callable[[], None]) -> None:
        """Wait for all lanes; `on_wait` is called every now and then."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(JOIN_S)
                on_wait()

    def kill(self, lanes: Iterable[Lane]) -> None:
        """End at once the server's work for lanes: it would continue with it."""
        # Where this fails, the statements have ended by themselves, or the server has; and who
        # presses Ctrl-C once more does not want to wait for it.
        with (
            contextlib.suppress(ConnectError, KeyboardInterrupt, *pymysql_errors()),
            connect(self._settings, timeout_s=KILL_TIMEOUT_S) as second,
            second.cursor() as cursor,
        ):
            for lane in lanes:
                if lane.link.connection is not None:
                    with contextlib.suppress(*pymysql_errors()):
                        cursor.execute(f"KILL {lane.link.thread_id:d}")
        for thread in self._threads:
            thread.join(KILL_TIMEOUT_S)

    # One lane ----------------------------------------------------------------------------------

    def _drive(self, lane: Lane, inspector: Inspector) -> None:
        """Carry out a lane's operations, until it ends."""
        work = lane.run()
        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                operation = work.send(answer) if failure is None else work.throw(failure)
            except StopIteration:
                return
            answer, failure = None, None
            try:
                answer = self._perform(operation, lane, inspector)
            except Exception as error:  # the lane knows what it means
                failure = error

    def _perform(  # noqa: PLR0911 - one line for each operation
        self, operation: Operation, lane: Lane, inspector: Inspector
    ) -> Any:
        link, tasks = lane.link, self._tasks
        assert tasks is not None  # noqa: S101 - lanes are made with it
        if isinstance(operation, Send):
            return self._send(link, operation.statements, KEPT if operation.keeps_rows else None)
        if isinstance(operation, Stream):
            return self._stream(link, operation)
        if isinstance(operation, Take):
            return tasks.take(lane.number, wait=operation.wait)
        if isinstance(operation, Enter):
            return link.enter(operation.session, user_variables=operation.user_variables)
        if isinstance(operation, Ask):
            return link.rows(operation.sql, limit_s=None)
        if isinstance(operation, ShowCreate):
            return inspector.show_create(operation.table)
        if isinstance(operation, Record):
            return [inspector.rows(sql) for sql in operation.statements]
        if isinstance(operation, AwaitWork):
            return tasks.await_work(lane.number)
        if isinstance(operation, Open):
            link.open()
            return link.ask(get_lock(operation.lock)) == "1"
        if isinstance(operation, Sleep):
            return time.sleep(operation.seconds)
        assert isinstance(operation, AwaitServer)  # noqa: S101
        return self.await_server().uuid

    @staticmethod
    def _stream(link: Link, operation: Stream) -> Replies:
        sent = time.monotonic()
        try:
            outcome = link.read_rows(operation.sql, operation.rows)
        except pymysql_errors() as error:
            return Replies([], error)
        except RuntimeError as error:  # PyMySQL's, where the server asks for a file
            return Replies([], error)
        return Replies([_reply(outcome, time.monotonic() - sent)], None)

    @staticmethod
    def _send(link: Link, statements: tuple[bytes, ...], keep: Keep | None) -> Replies:
        done: list[Reply] = []
        sent = time.monotonic()
        try:
            if len(statements) == 1:  # it may have several results
                outcome = link.send(statements[0], keep=keep)
                return Replies([_reply(outcome, time.monotonic() - sent)], None)
            for outcome in link.send_each(statements, keep=keep):
                now = time.monotonic()
                done.append(_reply(outcome, now - sent))
                sent = now
        except pymysql_errors() as error:
            return Replies(done, error)
        except RuntimeError as error:  # PyMySQL's, where the server asks for a file
            return Replies(done, error)
        return Replies(done, None)


def _reply(outcome: Outcome, seconds: float) -> Reply:
    return Reply(outcome.changed, outcome.warnings, seconds, outcome.results, outcome.last)
