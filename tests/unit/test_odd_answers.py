"""Servers that answer what nobody asked: one clear sentence, printable and short."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.dj.identity import look_at, shortened
from sidecar_magics.doctor import examine
from sidecar_magics.errors import ServerNotReadyError, SidecarError, shown
from sidecar_magics.sidecar import describe
from sidecar_magics.wait import wait
from tests.fakes import EOF, OK, Client, answering, error, fake, greeting, packet, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar_magics.sidecar import Sidecar

ESCAPE = b"\x1b[2J\x1b]0;owned\x07\r\n\xe2\x80\xae<script>alert(1)</script>"
LONG = b"A" * 200_000
VERSION = result([[b"9.7.4", b"utf8mb4"]], 2)
STATUS = result([[b"Ssl_cipher", b""], [b"Uptime", b"12"]], 2)
NAMES = result([[b"server_uuid", b"1-2-3"]], 2)
GOOD = {
    b"SELECT 1": result([[b"1"]]),
    b"VERSION()": VERSION,
    b"SHOW STATUS": STATUS,
    b"SHOW VARIABLES": NAMES,
}
ODD = [
    packet(OK, 1),
    result([], 1),
    result([[None]], 1),
    result([[b"1"]], 1)[:-9] + packet(b"\xfe", 5),
    packet(b"", 1),
    packet(b"\xfb/etc/passwd", 1),
    packet(b"\x01", 1) + packet(b"\1", 2),
    packet(b"\x01", 1) + packet(EOF, 2),
    packet(OK, 7),
    error(1290, b"The MySQL server is running with the --read-only option", 1),
    error(1836, b"Running in read-only mode", 1),
    error(1290, ESCAPE, 1),
    error(1064, LONG[:60_000], 1),
]


def is_clean(text: str) -> bool:
    """Return whether a text does nothing to a screen and is of a length that people read."""
    return all(line.isprintable() for line in text.splitlines()) and len(text) < 3000


def outcome(do: Callable[[], Sidecar]) -> Sidecar | SidecarError:
    try:
        return do()
    except SidecarError as error:
        return error


@pytest.mark.slow
@pytest.mark.parametrize("answer", ODD)
@pytest.mark.parametrize("question", list(GOOD))
def test_an_odd_answer_is_one_sentence_for_who_waits(question: bytes, answer: bytes) -> None:
    with fake(answering({question: answer, **GOOD} | {question: answer})) as server:
        told = outcome(lambda: wait(server.settings, timeout_s=1, access_grace_s=0.1))
    if isinstance(told, SidecarError):
        assert is_clean(str(told))
        assert len(told._render_traceback_()) <= 8
    else:  # what is not needed may be missing
        assert question != b"SELECT 1"
        assert is_clean(repr(told))


@pytest.mark.parametrize("answer", ODD)
def test_an_odd_answer_is_one_sentence_for_who_asks_what_it_is(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of these asks for a file, and has nothing to say to the empty one.
    monkeypatch.setattr("sidecar_magics.local_infile.ANSWER_S", 0.5)
    with (
        fake(answering({b"VERSION()": answer})) as server,
        connect_now(server.settings) as connection,
    ):
        told = outcome(lambda: describe(connection, server.settings, 0.0))
    assert is_clean(str(told))


def test_a_read_only_server_is_no_lost_connection() -> None:
    refusal = error(1290, b"The MySQL server is running with the --read-only option", 1)
    with (
        fake(answering({**GOOD, b"SELECT 1": refusal})) as server,
        pytest.raises(SidecarError, match=r"--read-only option \(1290\)") as caught,
    ):
        wait(server.settings, timeout_s=5, access_grace_s=0.1)
    assert "make it writable" in caught.value.hint
    assert "lost" not in str(caught.value)


def test_an_ok_packet_for_select_1_is_named() -> None:
    with (
        fake(answering({b"SELECT 1": packet(OK, 1)})) as server,
        pytest.raises(ServerNotReadyError, match="does not fit SELECT 1"),
    ):
        wait(server.settings, timeout_s=5, access_grace_s=0.1)


@pytest.mark.parametrize("said", [ESCAPE, LONG[:5_000]])
def test_what_a_server_says_of_itself_is_printable_wherever_it_is_shown(said: bytes) -> None:
    answers = {
        **GOOD,
        b"VERSION()": result([[said, said]], 2),
        b"SHOW STATUS": result([[b"Ssl_cipher", said], [b"Uptime", said]], 2),
        b"SHOW VARIABLES": result([[b"server_uuid", said]], 2),
        b"SHOW GLOBAL VARIABLES": result(
            [[b"datadir", said], [b"time_zone", said], [b"super_read_only", said]], 2
        ),
        b"SHOW SCHEMAS": result([[said]]),
        b"SHOW FULL PROCESSLIST": result(
            [[b"7", said, said, said, b"Query", b"9999", said, said]], 8
        ),
        b"SHOW GLOBAL STATUS": result([[said, said]], 2),
        b"FILE_SIZE": result([[said]]),
        b"MICROSECOND": result([[said]]),
        b"performance_schema": error(1146, b"there is none", 1),
        b"metadata_lock_info": error(1109, b"there is none", 1),
        b"innodb_lock_waits": error(1109, b"there is none", 1),
        b"innodb_trx": result([[b"7", b"9999", b"RUNNING"]], 3),
        b"loads l WHERE": result([[said, said, None, b"7", said]], 5),
    }
    with fake(answering(answers)) as server:
        sidecar = wait(server.settings, timeout_s=5)
        for text in (repr(sidecar), sidecar._repr_html_(), str(dataclasses.astuple(sidecar)[1:5])):
            assert is_clean(text)
        assert "<script" not in sidecar._repr_html_()
        with connect_now(server.settings) as connection:
            known = look_at(connection, sidecar)
        assert is_clean(shortened(sorted(known.schemas)))
        diagnosis = examine(server.settings)
    assert diagnosis["locks"].message.startswith("a statement that changes a table")
    for check in diagnosis:
        assert check.message.isprintable()
        assert len(check.message) <= 1500
        assert check.hint.isprintable()
    assert "<script" not in diagnosis._repr_html_()


@pytest.mark.parametrize("message", [ESCAPE, LONG[:60_000]])
def test_a_refusal_is_printable(message: bytes) -> None:
    def refuse(client: Client, stop: object) -> None:
        client.say(greeting())
        client.read()
        client.say(error(1045, message))

    with fake(refuse) as server:
        with pytest.raises(SidecarError) as caught:
            wait(server.settings, timeout_s=5, access_grace_s=0.1)
        assert is_clean(str(caught.value))
        assert all(check.message.isprintable() for check in examine(server.settings))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", 10, "plain"),
        ("a\x1b[0mb", 20, "a\\x1b[0mb"),
        ("line\nline", 20, "line\\nline"),
        ("0123456789", 5, "0123…"),
        (b"\xff\xe4", 10, "��"),
        ("\u202eevil", 20, "\\u202eevil"),
        (None, 10, "None"),
        ("\x1b" * 100, 10, "\\x1b\\x1b\\…"),
    ],
)
def test_shown(text: object, limit: int, expected: str) -> None:
    assert shown(text, limit) == expected
