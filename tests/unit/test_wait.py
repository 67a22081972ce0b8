from __future__ import annotations

import contextlib
import signal
import socket
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from sidecar_magics import server
from sidecar_magics.connection import connect_now
from sidecar_magics.errors import (
    AccessError,
    Interrupted,
    ServerNotReadyError,
    SidecarError,
    TlsError,
)
from sidecar_magics.protocol import Greeting, peek_greeting
from sidecar_magics.settings import ConnectionSettings, Secret
from sidecar_magics.wait import WaitStatus, wait
from tests.background import LIMIT_S, meanwhile, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def packet(payload: bytes, sequence: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def error_packet(errno: int, message: str) -> bytes:
    return packet(b"\xff" + errno.to_bytes(2, "little") + message.encode())


GREETING = packet(
    b"\x0a8.0.30\0" + b"\1\0\0\0" + b"12345678\0" + b"\xff\xf7" + b"\x21\2\0" + bytes(30)
)


@contextlib.contextmanager
def listener(behaviour: Callable[[socket.socket], None]) -> Iterator[ConnectionSettings]:
    """Listen on a free port; each connection gets `behaviour` and stays open until the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(LIMIT_S)
    accepted: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.settimeout(LIMIT_S)
            accepted.append(connection)
            with contextlib.suppress(OSError):
                behaviour(connection)

    with contextlib.ExitStack() as stack:

        def close() -> None:
            # close() alone does not wake accept() and recv()
            for each in (listening, *accepted):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

        stack.enter_context(listening)
        stack.callback(lambda: close_all(accepted))
        stack.enter_context(meanwhile(serve))
        stack.callback(close)
        yield at(listening.getsockname()[1])


def close_all(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def at(port: int) -> ConnectionSettings:
    return ConnectionSettings(port=port, password=Secret("hush"))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Yield a port at which nobody listens, nor can: it is bound."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def say(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def given_up_at(
    stage: str, answer: str, settings: ConnectionSettings, *, access_grace_s: float = 5.0
) -> ServerNotReadyError:
    """Wait in vain, and return the error: with more time where the other side had too little."""
    for timeout_s in (0.3, 3.0, 30.0):
        with pytest.raises(ServerNotReadyError) as caught:
            wait(settings, timeout_s=timeout_s, access_grace_s=access_grace_s)
        if caught.value.stage == stage and answer in caught.value.last_answer:
            break
    return caught.value


def test_nothing_listens(closed_port: int) -> None:
    seen: list[WaitStatus] = []
    with pytest.raises(ServerNotReadyError) as caught:
        wait(at(closed_port), timeout_s=1, progress=seen.append)
    assert caught.value.stage == "port"
    assert caught.value.last_answer == "connection refused"
    assert caught.value.waited_s >= 1
    assert caught.value.attempts > 1
    assert isinstance(caught.value, TimeoutError)
    assert seen[0].stage == "port"
    assert seen[0].timeout_s == 1


def test_a_name_without_an_address() -> None:
    settings = ConnectionSettings(host="no-such-host.invalid", password=Secret("hush"))
    with pytest.raises(ServerNotReadyError) as caught:
        wait(settings, timeout_s=0)
    assert caught.value.stage == "name"
    assert "no-such-host.invalid" in str(caught.value)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, ".", "host\udcff"])
def test_what_cannot_be_a_name_is_told_at_once(host: str) -> None:
    with pytest.raises(ServerNotReadyError) as caught:
        wait(ConnectionSettings(host=host, password=Secret("hush")), timeout_s=5)
    assert caught.value.stage == "name"


def test_something_that_is_not_mysql_is_named_after_the_grace_period() -> None:
    with (
        listener(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as settings,
        pytest.raises(ServerNotReadyError, match="does not speak MySQL") as caught,
    ):
        # It ends before this test does, so it is not the time-out that ends it.
        wait(settings, timeout_s=10_000, access_grace_s=0.3)
    assert caught.value.waited_s >= 0.3
    assert caught.value.attempts > 1
    assert caught.value.stage == "greeting"
    assert "HTTP/1.1 400" in caught.value.last_answer


def test_a_server_that_accepts_but_never_greets() -> None:
    with listener(lambda _: None) as settings, pytest.raises(ServerNotReadyError) as caught:
        wait(settings, timeout_s=0.8)
    assert caught.value.stage == "greeting"
    assert "no server greets" in caught.value.last_answer


def test_a_proxy_without_a_backend() -> None:
    with listener(lambda connection: connection.close()) as settings:
        error = given_up_at("greeting", "closed before a greeting", settings)
    assert "closed before a greeting" in error.last_answer


def test_too_many_connections_is_waited_for() -> None:
    with listener(say(error_packet(1040, "Too many connections"))) as settings:
        error = given_up_at("greeting", "(1040)", settings, access_grace_s=0.1)
    assert "Too many connections (1040)" in str(error)
    assert "max_connections" in error.hint


def test_a_host_that_is_not_allowed_is_refused_after_the_grace_period() -> None:
    message = "Host '127.0.0.1' is not allowed to connect"
    with (
        listener(say(error_packet(1130, message))) as settings,
        pytest.raises(AccessError, match="1130") as caught,
    ):
        wait(settings, timeout_s=10_000, access_grace_s=0.2)
    assert caught.value.errno == 1130


def test_a_blocked_host_is_refused_at_once() -> None:
    attempts: list[socket.socket] = []

    def refuse(connection: socket.socket) -> None:
        attempts.append(connection)
        connection.sendall(error_packet(1129, "Host is blocked"))

    with listener(refuse) as settings, pytest.raises(AccessError, match="1129"):
        wait(settings, timeout_s=10_000)
    assert len(attempts) == 1


def test_a_server_that_greets_and_then_hangs_up_is_waited_for() -> None:
    def greet_and_close(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        connection.recv(4096)
        connection.close()

    with listener(greet_and_close) as settings:
        assert given_up_at("login", "", settings).stage == "login"


def test_a_greeting_in_two_pieces_does_not_spin_and_is_put_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []

    def look(sock: socket.socket) -> Greeting | None:
        events.append("look")
        return peek_greeting(sock)

    def rest(duration_s: float) -> None:
        events.append("rest")
        time.sleep(duration_s)

    monkeypatch.setattr(server, "peek_greeting", look)
    monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=time.monotonic, sleep=rest))

    def dribble(connection: socket.socket) -> None:
        connection.sendall(GREETING[:7])
        until(lambda: events.count("look") > 3)
        connection.sendall(GREETING[7:])
        connection.recv(4096)
        connection.sendall(packet(b"\xff\x15\x04#28000Access denied for user", 2))

    with listener(dribble) as settings, pytest.raises(AccessError, match="1045"):
        connect_now(settings)
    # Between two looks there is a rest, so that waiting takes no processor's time.
    assert "look look" not in " ".join(events)


def test_a_greeting_that_never_ends_is_not_waited_for_forever() -> None:
    with listener(say(GREETING[:9])) as settings, pytest.raises(ServerNotReadyError) as caught:
        wait(settings, timeout_s=0.5)
    assert caught.value.stage == "greeting"


TLS_GREETING = GREETING.replace(b"\xff\xf7", b"\xff\xff")


def test_a_server_that_is_silent_in_the_tls_handshake_is_not_waited_for_forever() -> None:
    with listener(say(TLS_GREETING)) as settings, pytest.raises(ServerNotReadyError) as caught:
        wait(settings, timeout_s=0.5)
    assert "user and password" not in caught.value.hint


def test_a_certificate_is_not_skipped_by_offering_no_tls(certificate: tuple[Path, Path]) -> None:
    with listener(say(GREETING)) as settings, pytest.raises(TlsError, match="offers no TLS"):
        wait(replace(settings, ca=certificate[0]), timeout_s=10_000)


def test_a_password_is_not_given_away_in_clear_text() -> None:
    received: list[bytes] = []

    # CLIENT_PLUGIN_AUTH is in the upper half of the capabilities, after the status.
    greeting = GREETING.replace(b"\x21\2\0\0\0", b"\x21\2\0\x08\0")

    def ask_for_it(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.recv(4096)
        connection.sendall(packet(b"\xfemysql_clear_password\0", 2))
        received.append(connection.recv(4096))

    with listener(ask_for_it) as settings, pytest.raises(AccessError, match="clear text"):
        wait(settings, timeout_s=10_000)
    assert b"hush" not in b"".join(received)


@pytest.mark.parametrize(
    "answer",
    [packet(b"", 2), packet(b"\xff", 2), packet(b"\x00", 9), packet(b"\xfe\xfe", 2), b"\xff" * 40],
)
def test_nonsense_after_the_greeting_is_one_sentence(answer: bytes) -> None:
    def talk_nonsense(connection: socket.socket) -> None:
        connection.sendall(GREETING)
        connection.recv(4096)
        connection.sendall(answer)
        connection.close()

    with listener(talk_nonsense) as settings, pytest.raises(SidecarError):
        wait(settings, timeout_s=1, access_grace_s=0.2)


def test_what_watch_raises_ends_the_wait(closed_port: int) -> None:
    class DiedError(Exception):
        pass

    def watch() -> None:
        raise DiedError

    with pytest.raises(DiedError):
        wait(at(closed_port), timeout_s=10_000, watch=watch)


def test_an_interrupt_ends_the_wait_in_one_line(closed_port: int) -> None:
    def interrupt(_: WaitStatus) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"Stopped waiting for 127\.0\.0\.1") as caught:
        wait(at(closed_port), timeout_s=10_000, progress=interrupt)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert len(caught.value._render_traceback_()) == 1


@pytest.mark.thorough
def test_no_message_holds_the_password() -> None:
    with listener(say(error_packet(1130, "no"))) as settings, pytest.raises(AccessError) as caught:
        wait(settings, timeout_s=10_000, access_grace_s=0.1)
    assert "hush" not in str(caught.value) + repr(caught.value)
    assert len(caught.value._render_traceback_()) <= 8
