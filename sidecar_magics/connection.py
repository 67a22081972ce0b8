"""One attempt to connect, and the error that explains why there is no connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import hints
from .errors import AccessError, ServerNotReadyError, SidecarError, TlsError, shown
from .protocol import ConnectError, Outlook, refusal
from .server import connect

if TYPE_CHECKING:
    import pymysql

    from .settings import ConnectionSettings

MEANINGS = {
    "name": "the host's name has no address",
    "port": "nothing listens; a container on its first run has no TCP port until it is initialised",
    "greeting": "something listens, but no MySQL server has introduced itself",
    "tls": "agreeing on encryption",
    "login": "the server was reached, but the login failed",
    "query": "login worked, but the first queries failed",
}


def connect_now(settings: ConnectionSettings, **options: bool) -> pymysql.Connection[Any]:
    """Open a connection in one attempt.

    Parameters
    ----------
    settings : ConnectionSettings
        Where to, and as whom.
    **options
        ``local_infile``, ``multi_statements`` and ``own_rows``, as in `server.connect`.

    Raises
    ------
    ServerNotReadyError, AccessError, TlsError
        As `wait`, but at once.
    """
    start = time.monotonic()
    try:
        return connect(settings, **options)
    except ConnectError as failure:
        raise explained(failure, settings, time.monotonic() - start, attempts=1) from None


def query_failure(error: Exception) -> ConnectError:
    """Return the failure, in the stage ``query``, for a question of our own without an answer.

    Parameters
    ----------
    error : Exception
        PyMySQL's.
    """
    errno, *words = error.args if error.args and isinstance(error.args[0], int) else (None, error)
    text = " ".join(str(word) for word in words)
    if errno:
        return refusal("query", errno, text)
    return ConnectError("query", shown(text), Outlook.LATER)


def explained(
    failure: ConnectError, settings: ConnectionSettings, waited_s: float, attempts: int
) -> SidecarError:
    """Return the error that explains why there is no connection, with the next step.

    Parameters
    ----------
    failure : ConnectError
        The last attempt's.
    settings : ConnectionSettings
        Where it was to go.
    waited_s : float
        Seconds waited.
    attempts : int
        Connections tried.
    """
    what = f"{settings.user}@{settings.address}"
    hint = hints.for_stage(failure.stage, failure.errno, settings)
    if failure.stage == "tls" and failure.outlook is Outlook.NEVER:
        message = f"No common encryption with {settings.address}: {failure.answer}."
        return TlsError(message, errno=failure.errno, hint=hint)
    if failure.errno is not None and failure.outlook is not Outlook.LATER:
        message = f"The server refuses {what}: {failure.answer}."
        return AccessError(message, errno=failure.errno, hint=hint)
    after = f" after {waited_s:.0f} s" if waited_s >= 1 else ""
    return ServerNotReadyError(
        f"No MySQL server is ready at {settings.address}{after}: {failure.answer}.",
        details=[f"Stage: {failure.stage} ({MEANINGS[failure.stage]}); attempts: {attempts}."],
        hint=hint,
        stage=failure.stage,
        last_answer=failure.answer,
        waited_s=waited_s,
        attempts=attempts,
    )
