"""Wait until the server can be used, and show truthfully what it is waiting for.

Readiness is what a user needs: a login over TCP and a ``SELECT 1``. Each attempt goes through the
stages name, port, greeting, TLS, login, query; the first one that fails is reported.
"""

from __future__ import annotations

import selectors
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .connection import explained, query_failure
from .errors import Interrupted
from .limits import limited
from .protocol import ConnectError, Outlook, peek_greeting
from .questions import ask
from .server import log_in, open_socket, pymysql_errors
from .settings import given_or_resolved
from .sidecar import Sidecar, identify

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .protocol import Greeting
    from .settings import ConnectionSettings

# Interval of attempts on a closed port. On average the wait notices the server half of that later.
KNOCK_INTERVAL_S = 0.02
# The same for another machine, where an attempt is traffic, and for its name, where it is DNS.
REMOTE_INTERVAL_S = 0.25
# Share of one core that waiting may use: after an attempt that cost 0.2 ms comes a pause of 33 ms.
CPU_SHARE = 0.006
# How long to wait for a greeting on one connection before opening another one: a slow server will
# greet the first, a proxy may have forgotten it.
SILENCE_S = 0.5
REPORT_INTERVAL_S = 1.0
# How long a login with its first questions may take, before another connection tries it.
LOGIN_S = 10.0
# The same for a server that greets when the time is all but over, as with ``--timeout 0``.
LAST_CHANCE_S = 1.0


@dataclass(frozen=True)
class WaitStatus:
    """The state of a wait at one moment.

    Parameters
    ----------
    stage : str
        The stage that was not passed at the last attempt.
    answer : str
        The answer there.
    elapsed_s, timeout_s : float
        Seconds since the start, and seconds at most.
    attempts : int
        Connections tried.
    """

    stage: str
    answer: str
    elapsed_s: float
    timeout_s: float
    attempts: int


def wait(
    settings: ConnectionSettings | None = None,
    *,
    timeout_s: float = 120.0,
    access_grace_s: float = 5.0,
    progress: Callable[[WaitStatus], None] | None = None,
    watch: Callable[[], None] | None = None,
) -> Sidecar:
    """Wait until a login over TCP succeeds and a query is answered.

    Parameters
    ----------
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    timeout_s : float, default 120
        Seconds to wait at most, a second more if the server is just answering; 0 means one
        attempt.
    access_grace_s : float, default 5
        Seconds to tolerate a refusal (access denied, unknown host, not MySQL): a server that is
        being initialised may refuse for a moment.
    progress : callable, optional
        Called with a `WaitStatus` whenever what is seen changes, and about once a second.
    watch : callable, optional
        Called several times a second; an error that it raises ends the wait, for example if the
        server's process has died.

    Raises
    ------
    ServerNotReadyError
        Not ready within `timeout_s`.
    AccessError
        The server refuses for longer than the grace period.
    TlsError
        No encryption that both sides accept.
    Interrupted
        Ctrl-C, or the notebook's stop button; a KeyboardInterrupt.
    """
    settings = given_or_resolved(settings)
    return _Waiting(settings, timeout_s, access_grace_s, progress, watch).until_ready()


@dataclass
class _Waiting:
    """One wait: its limits, and the answers so far."""

    settings: ConnectionSettings
    timeout_s: float
    access_grace_s: float
    progress: Callable[[WaitStatus], None] | None
    watch: Callable[[], None] | None
    start: float = field(default_factory=time.monotonic)
    attempts: int = 0
    last: ConnectError | None = None
    refused_at_s: float | None = None
    reported_at: float = float("-inf")
    silent: list[socket.socket] = field(default_factory=list)

    def until_ready(self) -> Sidecar:
        pymysql_errors()  # loads PyMySQL now, so that the moment itself does not pay for it
        try:
            while True:
                cpu_before = time.thread_time()
                try:
                    return self._attempt()
                except ConnectError as failure:
                    self._note(failure)
                self._pause(time.thread_time() - cpu_before)
        except KeyboardInterrupt:
            seen = f" Last seen: {self.last.answer}." if self.last else ""
            target = f"{self.settings.address} after {self._elapsed_s():.1f} s"
            raise Interrupted(f"Stopped waiting for {target}.{seen}") from None
        finally:
            for sock in self.silent:
                sock.close()

    def _attempt(self) -> Sidecar:
        self.attempts += 1
        sock, greeting = self._greeted_socket()
        limit_s = max(LAST_CHANCE_S, min(LOGIN_S, self._left_s()))
        ends_at = time.monotonic() + limit_s
        with log_in(sock, greeting, self.settings, timeout_s=limit_s) as connection:
            try:
                with limited(connection, ends_at - time.monotonic()):
                    if ask(connection, "SELECT 1", 1) != [("1",)]:
                        answer = "what came is no answer to SELECT 1"
                        raise ConnectError("query", answer, Outlook.MAYBE)
                    return identify(connection, self.settings, self._elapsed_s())
            except pymysql_errors() as error:
                raise query_failure(error) from None

    def _greeted_socket(self) -> tuple[socket.socket, Greeting]:
        """Open one more connection and return whichever is greeted first.

        The first silent connection is kept until it is greeted or closed; only one younger one
        lives beside it, so that a hung server's queue is not filled.
        """
        patience_s = min(SILENCE_S, max(0.1, self._left_s()))
        sock = open_socket(self.settings, timeout_s=max(0.1, min(5.0, self._left_s())))
        for younger in self.silent[1:]:
            younger.close()
        self.silent = [*self.silent[:1], sock]
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            for candidate in _readable(self.silent):
                greeting = self._greeting_of(candidate)
                if greeting is not None:
                    self.silent.remove(candidate)
                    return candidate, greeting
                time.sleep(0.01)  # the rest of a greeting that came in two pieces
            self._tick()
        answer = "connections are accepted, but no server greets"
        raise ConnectError("greeting", answer, Outlook.LATER)

    def _greeting_of(self, sock: socket.socket) -> Greeting | None:
        try:
            return peek_greeting(sock)
        except ConnectError:
            self.silent.remove(sock)
            sock.close()
            raise

    def _note(self, failure: ConnectError) -> None:
        """Take note of a failed attempt; raise the user's error if it was the last."""
        news = self.last is None or self.last.answer != failure.answer
        self.last = failure
        if news:
            self._report()
        now_s = self._elapsed_s()
        deadline_s = self.timeout_s
        if failure.outlook is Outlook.MAYBE:
            self.refused_at_s = now_s if self.refused_at_s is None else self.refused_at_s
            deadline_s = min(deadline_s, self.refused_at_s + self.access_grace_s)
        else:
            self.refused_at_s = None
        if now_s >= deadline_s or failure.outlook is Outlook.NEVER:
            raise explained(failure, self.settings, now_s, self.attempts) from None

    def _pause(self, cost_s: float) -> None:
        """Rest after an attempt that took `cost_s` seconds of this thread's processor time."""
        interval_s = KNOCK_INTERVAL_S if self.settings.is_loopback else REMOTE_INTERVAL_S
        end = time.monotonic() + min(max(interval_s, cost_s / CPU_SHARE), max(0.0, self._left_s()))
        while (rest_s := end - time.monotonic()) > 0:
            time.sleep(min(rest_s, 0.1))
            self._tick()

    def _tick(self) -> None:
        if self.watch is not None:
            self.watch()
        if time.monotonic() - self.reported_at >= REPORT_INTERVAL_S:
            self._report()

    def _report(self) -> None:
        self.reported_at = time.monotonic()
        if self.progress is not None and self.last is not None:
            self.progress(
                WaitStatus(
                    self.last.stage,
                    self.last.answer,
                    self._elapsed_s(),
                    self.timeout_s,
                    self.attempts,
                )
            )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.start

    def _left_s(self) -> float:
        return self.timeout_s - self._elapsed_s()


def _readable(sockets: list[socket.socket]) -> list[socket.socket]:
    # Not select(), which takes no descriptor above 1023.
    with selectors.DefaultSelector() as selector:
        for sock in sockets:
            selector.register(sock, selectors.EVENT_READ)
        ready = {key.fileobj for key, _ in selector.select(0.1)}
    return [sock for sock in sockets if sock in ready]
