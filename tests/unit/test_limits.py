"""A server that is silent, that drips, or that never stops: each wait has an end, and a bound."""

from __future__ import annotations

import resource
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import ServerNotReadyError, SidecarError
from sidecar_magics.limits import limited
from sidecar_magics.local_infile import FileRefusedError
from sidecar_magics.protocol import ConnectError
from sidecar_magics.server import connect
from sidecar_magics.settings import ConnectionSettings, Secret
from sidecar_magics.sidecar import describe
from sidecar_magics.wait import wait
from tests.fakes import OK, Client, answering, error, fake, greeting, logged_in, packet, result

if TYPE_CHECKING:
    from collections.abc import Callable

    Talk = Callable[[Client, threading.Event], None]

# Nothing that these servers do ends within a test's own limit: who returns has one as well.
NEVER_S = 3600.0


def silent(client: Client, stop: threading.Event) -> None:
    stop.wait(60)


def silent_after_greeting(client: Client, stop: threading.Event) -> None:
    client.say(greeting())
    stop.wait(60)


def silent_after_login(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    stop.wait(60)


def silent_in_tls(client: Client, stop: threading.Event) -> None:
    client.say(greeting(tls=True))
    stop.wait(60)


def drips_its_greeting(client: Client, stop: threading.Event) -> None:
    client.drip(packet(b"\x0a" + b"8" * 1000), stop, 0.7)


def drips_in_tls(client: Client, stop: threading.Event) -> None:
    client.say(greeting(tls=True))
    client.read()
    # A record of a handshake that claims to be long.
    client.drip(b"\x16\3\3\x20\0" + bytes(8192), stop)


def drips_after_greeting(client: Client, stop: threading.Event) -> None:
    client.say(greeting())
    client.read()
    client.drip(packet(b"\xff" + b"\x15\x04#28000" + b"x" * 5000, 2), stop)


def drips_after_login(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    client.read()
    client.drip(result([[b"1" * 5000]]), stop)


def drips_packets_after_login(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    client.read()
    client.say(result([[b"1"]])[:-9])
    number = 5
    while not stop.wait(0.2):
        client.say(packet(b"\1" + b"1", number % 256))
        number += 1


def switches_for_ever(client: Client, stop: threading.Event) -> None:
    client.say(greeting())
    client.read()
    number = 2
    while not stop.is_set():
        client.say(packet(b"\xfemysql_native_password\0" + b"12345678901234567890\0", number % 256))
        if not client.read():
            return
        number += 2


def says_fast_for_ever(client: Client, stop: threading.Event) -> None:
    client.say(greeting(b"caching_sha2_password"))
    client.read()
    number = 2
    while not stop.is_set():
        client.say(packet(b"\1\3", number % 256))
        number += 1


STALLS = [
    silent,
    silent_after_greeting,
    silent_after_login,
    silent_in_tls,
    drips_its_greeting,
    drips_in_tls,
    drips_after_greeting,
    drips_after_login,
    drips_packets_after_login,
    switches_for_ever,
    says_fast_for_ever,
]


@pytest.mark.slow
@pytest.mark.parametrize("talk", STALLS)
def test_a_wait_ends_whatever_the_server_does(talk: Talk) -> None:
    with fake(talk) as server, pytest.raises(SidecarError) as caught:
        wait(server.settings, timeout_s=0.6, access_grace_s=0.3)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("talk", [talk for talk in STALLS if "after_login" not in talk.__name__])
def test_a_login_ends_whatever_the_server_does(talk: Talk) -> None:
    with fake(talk) as server, pytest.raises(ConnectError):
        connect(server.settings, timeout_s=0.4)


@pytest.mark.parametrize("talk", [silent_after_login, drips_after_login, drips_packets_after_login])
def test_a_question_ends_whatever_the_server_does(talk: Talk) -> None:
    with (
        fake(talk) as server,
        connect_now(server.settings) as connection,
        pytest.raises(pymysql.err.OperationalError) as caught,
        limited(connection, 1.0),
    ):
        connection.cursor().execute("SELECT 1")
    assert caught.value.args[0] == 2013


def test_what_is_asked_of_the_server_itself_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar_magics.sidecar.ANSWER_S", 0.5)
    with (
        fake(silent_after_login) as server,
        connect_now(server.settings) as connection,
        pytest.raises(ServerNotReadyError, match="no whole answer"),
    ):
        describe(connection, server.settings, 0.0)


def asks_for_a_file_and_drips(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    client.read()
    client.say(packet(b"\xfb/etc/passwd", 1))
    client.read()
    # What it says then is whole in the end, so that who has no limit comes to it.
    client.drip(packet(OK + b"x" * 30, 3), stop)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_server_that_was_refused_a_file_cannot_drip_its_answer(
    is_allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.local_infile.ANSWER_S", 0.5)
    with (
        fake(asks_for_a_file_and_drips) as server,
        connect_now(server.settings, local_infile=is_allowed) as connection,
    ):
        with pytest.raises(FileRefusedError, match="'/etc/passwd' of this machine"):
            connection.cursor().execute("SELECT 1")
        assert not connection.open  # its answer was not waited for
        assert server.clients[0].received[-1] == b""


def floods_before_login(client: Client, stop: threading.Event) -> None:
    client.say(greeting())
    client.read()
    while True:
        # A packet of the largest size says that another belongs to it.
        client.say(b"\xff\xff\xff\2")
        for _ in range(256):
            if stop.is_set():
                return
            client.say(bytes(65535))


def floods_rows(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    client.read()
    client.say(result([[b"1"]])[:-9])
    number = 5
    while not stop.is_set():
        rows = b"".join(packet(b"\1" + b"1", (number + k) % 256) for k in range(256))
        client.flood(rows, stop)


def claims_a_large_packet(client: Client, stop: threading.Event) -> None:
    logged_in(client)
    client.read()
    client.say(b"\xff\xff\xff\1" + bytes(100))
    stop.wait(60)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_what_is_read_before_the_login_is_bounded() -> None:
    before = _peak_bytes()
    with fake(floods_before_login) as server, pytest.raises(ServerNotReadyError) as caught:
        wait(server.settings, timeout_s=5, access_grace_s=0.3)
    assert _peak_bytes() - before < 50_000_000
    assert "larger than 65,536 bytes" in str(caught.value)


def test_an_answer_to_a_question_of_ours_is_bounded() -> None:
    with (
        fake(floods_rows) as server,
        connect_now(server.settings) as connection,
        pytest.raises(pymysql.err.OperationalError) as caught,
        limited(connection, 20.0, max_bytes=100_000),
    ):
        connection.cursor().execute("SELECT 1")
    assert caught.value.args[0] == 2020


def test_a_packet_that_only_claims_to_be_large_is_refused_at_once() -> None:
    with (
        fake(claims_a_large_packet) as server,
        connect_now(server.settings) as connection,
        pytest.raises(pymysql.err.OperationalError, match="larger than"),
        limited(connection, 20.0, max_bytes=1_000_000),
    ):
        connection.cursor().execute("SELECT 1")


def test_after_the_block_there_is_no_limit() -> None:
    def slow(client: Client, stop: threading.Event) -> None:
        logged_in(client)
        client.read()
        client.say(result([[b"1"]]))
        client.read()
        stop.wait(0.5)
        client.say(result([[b"2"]]))

    with fake(slow) as server, connect_now(server.settings) as connection:
        with limited(connection, NEVER_S), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            vars(connection)["_sock"].settimeout(0.1)  # as where little was left at the last read
        with connection.cursor() as cursor:
            cursor.execute("SELECT 2")  # takes longer than that
            assert cursor.fetchall() == (("2",),)
        assert "_read_bytes" not in vars(connection)


def test_a_block_within_another_ends_with_it() -> None:
    with (
        fake(silent_after_login) as server,
        connect_now(server.settings) as connection,
        pytest.raises(pymysql.err.OperationalError),
        limited(connection, 0.5),
        limited(connection, NEVER_S),
    ):
        connection.cursor().execute("SELECT 1")


def test_many_questions_within_one_block_share_its_limit() -> None:
    def slowish(client: Client, stop: threading.Event) -> None:
        logged_in(client)
        while client.read() and not stop.wait(0.3):
            client.say(packet(OK, 1))

    with fake(slowish) as server, connect_now(server.settings) as connection:
        cursor = connection.cursor()
        with pytest.raises(pymysql.err.OperationalError), limited(connection, 1.0):
            deque((cursor.execute("DO 1") for _ in range(1000)), maxlen=0)


def test_a_refusal_within_a_block_is_what_it_is_and_leaves_the_connection_open() -> None:
    answers = {b"SELECT": error(1146, b"no such table", 1)}
    with fake(answering(answers)) as server, connect_now(server.settings) as connection:
        with pytest.raises(pymysql.err.ProgrammingError) as caught, limited(connection, 5.0):
            connection.cursor().execute("SELECT 1")
        assert caught.value.args[0] == 1146
        connection.cursor().execute("DO 1")


def test_a_name_that_is_never_found_out_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        over.wait(60)
        raise socket.gaierror(-3, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    settings = ConnectionSettings(host="db.example", password=Secret("x"))
    try:
        with pytest.raises(ServerNotReadyError, match="not found out within") as caught:
            wait(settings, timeout_s=0.5)
    finally:
        over.set()
    assert caught.value.stage == "name"


def test_a_host_whose_first_address_swallows_everything_is_reached_by_its_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as full:
        # A queue of one that is full: the next connection is never answered.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        with fake(answering({})) as server:
            addresses: list[Any] = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname()),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
            ]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
            settings = ConnectionSettings(host="db.example", password=Secret("x"))
            connect(settings, timeout_s=2.0).close()
        for sock in waiting:
            sock.close()
