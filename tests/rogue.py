"""A server that asks for files of the client's machine: a real one behind a proxy that lies."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import TYPE_CHECKING

from tests.faults.proxy import HEADER_BYTES, _packet, _without_tls

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 30
ASKS = b"\xfb"
# No rows, no number, autocommit, no warnings.
OK = b"\0\0\0\2\0\0\0"


class Rogue:
    """Passes a client's statements on to a server, but answers one kind by asking for a file.

    Parameters
    ----------
    port : int
        The real server's, on 127.0.0.1.
    answers : str
        Pattern of the statements that it answers itself.
    asks_for : bytes
        The file's name.
    then : bytes, default `OK`
        What it says when it has got the file; empty for nothing at all.

    Attributes
    ----------
    port : int
        Where clients connect.
    asked : int
        How often it has asked.
    got : bytes
        What it was sent of files.
    """

    def __init__(self, port: int, answers: str, asks_for: bytes, *, then: bytes = OK) -> None:
        self._target = ("127.0.0.1", port)
        self._answers = re.compile(answers.encode(), re.IGNORECASE)
        self._asks_for = asks_for
        self._then = then
        self.asked = 0
        self.got = b""
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Rogue:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            with contextlib.suppress(OSError, EOFError):
                work()

        threading.Thread(target=run, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(self._target, 5)
            for end in (client, server):
                end.settimeout(TIMEOUT_S)
                self._ends.append(end)
            self._start(lambda client=client, server=server: self._to_client(client, server))  # type: ignore[misc]
            self._start(lambda client=client, server=server: self._to_server(client, server))  # type: ignore[misc]

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        client.sendall(_without_tls(_packet(server)))
        while data := server.recv(65536):
            client.sendall(data)

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while True:
                packet = _packet(client)
                is_query = packet[3] == 0 and packet[HEADER_BYTES : HEADER_BYTES + 1] == b"\x03"
                if is_query and self._answers.search(packet, HEADER_BYTES + 1):
                    self._ask(client)
                else:
                    server.sendall(packet)
        finally:
            # Another thread reads from it, so its end alone would not reach the server.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _ask(self, client: socket.socket) -> None:
        self.asked += 1
        self._say(client, ASKS + self._asks_for, 1)
        while len(packet := _packet(client)) > HEADER_BYTES:
            self.got += packet[HEADER_BYTES:]
        if self._then:
            self._say(client, self._then, packet[3] + 1)

    def _say(self, client: socket.socket, payload: bytes, number: int) -> None:
        client.sendall(len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload)
