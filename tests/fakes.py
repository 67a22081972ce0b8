"""Servers that are none: they speak MySQL's protocol as far as they want, on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from sidecar_magics.settings import ConnectionSettings, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PASSWORD = "hush-hush"
OK = b"\0\0\0\2\0\0\0"
EOF = b"\xfe\0\0\2\0"
# No behaviour here, and no test with it, takes longer.
LIMIT_S = 60.0

CAPABILITIES = 0xF7FF
TLS = 0x0800
UPPER_CAPABILITIES = 0x0008  # the server switches to other plugins (CLIENT_PLUGIN_AUTH)


def packet(payload: bytes, sequence: int = 0) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def greeting(plugin: bytes = b"mysql_native_password", *, tls: bool = False) -> bytes:
    flags = (CAPABILITIES | TLS) if tls else (CAPABILITIES & ~TLS)
    return packet(
        b"\x0a8.0.30\0\1\0\0\0"
        + b"12345678\0"
        + flags.to_bytes(2, "little")
        + b"\x21\2\0"
        + UPPER_CAPABILITIES.to_bytes(2, "little")
        + b"\x15"
        + bytes(10)
        + b"123456789012\0"
        + plugin
        + b"\0"
    )


def error(errno: int, message: bytes, sequence: int = 2) -> bytes:
    return packet(b"\xff" + errno.to_bytes(2, "little") + b"#HY000" + message, sequence)


def text(value: bytes | None) -> bytes:
    """Return a cell of a row."""
    if value is None:
        return b"\xfb"
    if len(value) < 251:
        return bytes([len(value)]) + value
    return b"\xfe" + len(value).to_bytes(8, "little") + value


def result(rows: Sequence[Sequence[bytes | None]], columns: int = 1) -> bytes:
    """Return the answer to a question: columns of text, and rows."""
    column = b"\3def\0\0\0\1c\1c\x0c\x21\0\0\1\0\0\xfd\0\0\0\0\0"
    payloads = [bytes([columns]), *[column] * columns, EOF]
    payloads += [b"".join(text(cell) for cell in row) for row in rows]
    return b"".join(packet(each, number) for number, each in enumerate([*payloads, EOF], 1))


class Client:
    """The other end, as a fake server sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received: list[bytes] = []

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self) -> bytes:
        """Return the next packet's payload; an empty one if the client is gone."""
        head = self._exactly(4)
        payload = self._exactly(int.from_bytes(head[:3], "little")) if head else b""
        self.received.append(payload)
        return payload

    def drip(self, data: bytes, stop: threading.Event, every_s: float = 0.2) -> None:
        """Say it byte by byte."""
        for value in data:
            if stop.wait(every_s):
                return
            self.say(bytes([value]))

    def flood(self, data: bytes, stop: threading.Event) -> None:
        """Say it again and again."""
        while not stop.is_set():
            self.say(data)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                return b""
            data += piece
        return data


class Fake:
    """A server that goes through the same conversation with each who comes.

    Parameters
    ----------
    talk : callable
        What it does with a `Client`; `stop` is set when the test is over.
    """

    def __init__(self, talk: Callable[[Client, threading.Event], None]) -> None:
        self._talk = talk
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.clients: list[Client] = []
        self.port = int(self._listener.getsockname()[1])

    @property
    def settings(self) -> ConnectionSettings:
        return ConnectionSettings(port=self.port, password=Secret(PASSWORD))

    @property
    def received(self) -> bytes:
        """All that was ever sent to it, in packets."""
        return b"\n".join(each for client in self.clients for each in client.received)

    def __enter__(self) -> Fake:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            client.sock.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(LIMIT_S)
            client = Client(sock)
            self.clients.append(client)
            self._start(self._serve, client)

    def _serve(self, client: Client) -> None:
        with contextlib.suppress(OSError):
            self._talk(client, self._stop)
            self._stop.wait(LIMIT_S)


def logged_in(client: Client, plugin: bytes = b"mysql_native_password") -> None:
    """Let the client in, and take its SET NAMES."""
    client.say(greeting(plugin))
    client.read()
    client.say(packet(OK, 2))
    client.read()
    client.say(packet(OK, 1))


def answering(answers: dict[bytes, bytes]) -> Callable[[Client, threading.Event], None]:
    """Return a server that lets everybody in and answers questions by what they contain."""

    def talk(client: Client, stop: threading.Event) -> None:
        logged_in(client)
        while not stop.is_set():
            question = client.read()
            if not question or question[0] == 1:  # COM_QUIT
                return
            for part, answer in answers.items():
                if part in question:
                    client.say(answer)
                    break
            else:
                client.say(packet(OK, 1))

    return talk


@contextlib.contextmanager
def fake(talk: Callable[[Client, threading.Event], None]) -> Iterator[Fake]:
    with Fake(talk) as server:
        yield server
