"""Replace a lane's lost connection, once the old one is gone from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AccessError, ServerNotReadyError
from ...server import pymysql_errors
from ..reporting import failures
from .operations import Ask, AwaitServer, Open, Send, Sleep

if TYPE_CHECKING:
    from ..planning.tasks import Step
    from .context import LoadContext
    from .operations import Work

RETRIES = 5
OLD_CONNECTION_TIMEOUT_S = 60.0
OLD_CONNECTION_PAUSE_S = 0.05


def reconnect(load: LoadContext, lock: str, step: Step, attempt: int) -> Work[None]:
    """Connect again, once the server is ready and has let go of the lost connection.

    Parameters
    ----------
    load : LoadContext
        The load.
    lock : str
        The lane's connection holds it; also the lost one, as long as the server has that.
    step : Step
        Where the load is.
    attempt : int
        How many times the same work was tried before.

    Raises
    ------
    LoadStoppedError
        There is no connection, or another process has taken the load over.
    """
    stopped = failures.stopped(step, load.report)
    if load.tasks.was_aborted or not load.may_retry or attempt == RETRIES:
        raise stopped from None
    load.report.add_retry()
    deadline = load.clock() + OLD_CONNECTION_TIMEOUT_S
    try:
        uuid = yield AwaitServer()
        is_free = yield Open(lock)
        while not is_free:
            yield from end_holder(lock)
            if load.clock() > deadline:
                raise stopped
            yield Sleep(OLD_CONNECTION_PAUSE_S)
            is_free = (yield Ask(get_lock(lock)))[0][0] == "1"
        journal = load.journal
        rows = (yield Ask(journal.token_query())) if journal else []
    except (ServerNotReadyError, AccessError):
        raise stopped from None
    except pymysql_errors():
        raise stopped from None
    if uuid != load.uuid:
        raise failures.new_server(step, load.report)
    if journal and rows != [(journal.entry.token,)]:  # another process has taken it over
        raise stopped


def get_lock(lock: str) -> str:
    """Return the question that takes a lock; 1 if it was free."""
    return f"SELECT GET_LOCK('{lock}', 0)"


def end_holder(lock: str) -> Work[None]:
    """End the connection that holds a lock: its uncommitted work is rolled back."""
    rows = yield Ask(f"SELECT IS_USED_LOCK('{lock}')")
    if rows and rows[0][0]:
        yield Send((f"KILL {int(rows[0][0])}".encode(),))  # refused if it has just ended
