"""A TCP proxy in front of a server that knows its protocol, to make faults at chosen moments.

It takes TLS out of the server's greeting, so that it can read along: a fault can hit before a
statement gets to the server, in the middle of its bytes, or when the server has executed it and
the client does not know yet.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Source: MySQL client/server protocol, "Protocol::Handshake" and "COM_QUERY".
CLIENT_SSL = 0x0800
COM_QUERY = 0x03
HEADER_BYTES = 4
# What is looked at of a statement to recognise it.
LOOKED_AT_BYTES = 400

CONNECT_S = 5.0
# Seconds without a byte on a connection, after which it is cut: longer than a case lasts.
SILENCE_S = 900.0
# Seconds for a server to answer a statement of which the fault is to come after the answer.
ANSWER_S = 120.0

PHASES = ("before", "middle", "sent", "answered")
# Of what a client sends in a file's place: in the middle of it, or when all of it is there.
FILE_PHASES = ("file", "end of file")


@dataclass
class Trigger:
    """When a fault happens.

    Parameters
    ----------
    contains : bytes
        What the statement must have in it; empty for any.
    nth : int, default 1
        Which of those statements, over all connections.
    phase : {"before", "middle", "sent", "answered", "file", "end of file"}
        Before it is passed on; when half of its bytes are; when all are, and the answer is not
        waited for; when the answer has come, and is not passed on. Or when half of the file's
        first packet is passed on; when the file is, and the answer to it has come.
    fault : callable
        Called once, in the thread of the connection.
    wait_s : float, default 0
        For ``sent``: how long the server may work on it before the fault.
    cuts : bool, default True
        Cut the connection after it; else all continues as if nothing had happened.
    """

    contains: bytes
    nth: int
    phase: str
    fault: Callable[[], None]
    wait_s: float = 0.0
    cuts: bool = True
    seen: int = 0

    def hits(self, sql: bytes) -> bool:
        """Count a statement, and return whether it is the one."""
        if self.contains not in sql[:LOOKED_AT_BYTES]:
            return False
        self.seen += 1
        return self.seen == self.nth


class Proxy:
    """A listener on a port of its own that passes everything on to a server.

    Parameters
    ----------
    port : int
        The server's, on 127.0.0.1.

    Attributes
    ----------
    port : int
        Where clients connect.
    statements : list of bytes
        The beginnings of all statements, as long as `records` is set.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.records = False
        self.statements: list[bytes] = []
        self._triggers: list[Trigger] = []
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._refuses = False
        self._misbehaves = False
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, *triggers: Trigger) -> None:
        """Wait for these faults, one after another, instead of those before."""
        with self._lock:
            self._triggers = list(triggers)

    @property
    def is_armed(self) -> bool:
        """Whether a fault has not happened yet."""
        return bool(self._triggers)

    def cut(self, *, reset: bool = True) -> None:
        """Cut all connections at both ends.

        Parameters
        ----------
        reset : bool, default True
            With RST, as a crashed machine does; else with FIN, as an ending process does.
        """
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.cut(reset=reset)

    def refuse(self, seconds: float) -> None:
        """Hang up on new connections for a while."""
        self._refuses = True
        threading.Thread(target=self._wait_and_take_again, args=(seconds,), daemon=True).start()

    def close(self) -> None:
        """Stop listening, and cut what is open."""
        self._closed = True
        with contextlib.suppress(OSError):  # wakes up accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def noticed(self, sql: bytes) -> Trigger | None:
        """Take note of a statement; return the fault that it sets off."""
        with self._lock:
            if self.records:
                self.statements.append(sql[:LOOKED_AT_BYTES])
            if self._triggers and not self._misbehaves and self._triggers[0].hits(sql):
                self._misbehaves = True
                return self._triggers.pop(0)
        return None

    def behave(self) -> None:
        """Take note that a fault is over: the next one may come."""
        self._misbehaves = False

    def put_off(self, trigger: Trigger) -> None:
        """Take note that a fault could not happen: it waits for the next such statement."""
        with self._lock:
            trigger.seen -= 1
            self._triggers.insert(0, trigger)
        self.behave()

    def forget(self, pair: _Pair) -> None:
        """Take note of the end of a connection."""
        with self._lock:
            self._pairs.discard(pair)

    def take_again(self) -> None:
        """Take new connections again."""
        self._refuses = False

    def _wait_and_take_again(self, seconds: float) -> None:
        time.sleep(seconds)
        self.take_again()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._refuses:
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target, CONNECT_S)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.settimeout(SILENCE_S)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(self, client, server)
            with self._lock:
                self._pairs.add(pair)
            pair.start()


class _Pair:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._answered = threading.Event()  # or there will be no answer any more
        self._is_open = True
        self._reads_file: Trigger | None = None  # which waits for the file of a statement
        self._answers = threading.Lock()  # held as long as they are
        self._running = 2
        self._ending = threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self._run, args=(self._to_server,), daemon=True).start()
        threading.Thread(target=self._run, args=(self._to_client,), daemon=True).start()

    def cut(self, *, reset: bool) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                # Wakes up whoever waits for bytes; SHUT_WR would send the FIN.
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)

    def _run(self, way: Callable[[], None]) -> None:
        with contextlib.suppress(OSError, EOFError):
            way()
        self._is_open = False
        self._answered.set()
        self._proxy.forget(self)
        self.cut(reset=True)
        # The last one closes: what is closed under a thread that waits for bytes may stay open at
        # the server, and the thread waits for whatever gets the same number.
        with self._ending:
            self._running -= 1
            if self._running:
                return
        for end in (self._client, self._server):
            end.close()

    def _to_client(self) -> None:
        self._client.sendall(_without_tls(_packet(self._server)))
        while data := self._server.recv(65536):
            self._answered.set()
            with self._answers:
                self._client.sendall(data)

    def _to_server(self) -> None:
        while True:
            packet = _packet(self._client)
            is_query = packet[3] == 0 and packet[HEADER_BYTES : HEADER_BYTES + 1] == b"\x03"
            trigger = self._proxy.noticed(packet[HEADER_BYTES + 1 :]) if is_query else None
            if trigger is not None and trigger.phase in FILE_PHASES:
                self._reads_file, trigger = trigger, None
            elif self._reads_file is not None and not is_query and self._is_there(packet):
                self._reads_file, trigger = None, self._reads_file
            if trigger is None:
                self._server.sendall(packet)
                continue
            with self._answers:
                rest = self._misbehave(trigger, packet)
                if trigger.cuts:
                    self.cut(reset=True)
                    return
            self._server.sendall(rest)

    def _is_there(self, packet: bytes) -> bool:
        """Return whether it is this packet of a file that a fault waits for."""
        waits = self._reads_file
        return waits is not None and (waits.phase == "file" or len(packet) == HEADER_BYTES)

    def _misbehave(self, trigger: Trigger, packet: bytes) -> bytes:
        """Let the fault happen, and return what has not been passed on."""
        self._answered.clear()
        half = len(packet) // 2
        size = {"before": 0, "middle": half, "file": half}.get(trigger.phase, len(packet))
        try:
            self._server.sendall(packet[:size])
            if trigger.phase in ("answered", "end of file"):
                if self._is_open:
                    self._answered.wait(ANSWER_S)
                if not self._is_open:
                    raise EOFError
        except (OSError, EOFError):  # the fault before this one has ended the connection already
            self._proxy.put_off(trigger)
            raise
        if trigger.phase == "sent":
            time.sleep(trigger.wait_s)
        trigger.fault()
        self._proxy.behave()
        return packet[size:]


def _packet(sock: socket.socket) -> bytes:
    header = _exactly(sock, HEADER_BYTES)
    return header + _exactly(sock, int.from_bytes(header[:3], "little"))


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = sock.recv(min(1 << 20, size - len(data)))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def _without_tls(packet: bytes) -> bytes:
    """Return a greeting that offers no encryption; an error stays as it is."""
    if packet[HEADER_BYTES] != 10:
        return packet
    # After the version: thread id (4), salt (8), a filler, the lower half of the capabilities.
    at = packet.index(0, HEADER_BYTES + 1) + 1 + 13
    capabilities = int.from_bytes(packet[at : at + 2], "little") & ~CLIENT_SSL
    return packet[:at] + capabilities.to_bytes(2, "little") + packet[at + 2 :]
