"""Limits on what a server may take of our time and memory: for logins, and questions of our own.

A timeout of a socket is a limit on each read: a server that sends a byte a second never meets it,
nor does one that sends without end. So a limit here is one deadline for everything within a block,
and a number of bytes. A user's statements have none: they may take hours.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, NoReturn

from .protocol import CR_TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

# For a question of ours, on a server that is busy with something else.
ANSWER_S = 30.0
# In PyMySQL's memory, rows of one byte each take some twenty times as much.
ANSWER_BYTES = 16 * 1024 * 1024
# Read at once; it limits the memory for a packet that only claims to be large.
PIECE_BYTES = 65536

# Source: MySQL client error reference, which PyMySQL follows.
CR_SERVER_GONE = 2006
CR_SERVER_LOST = 2013


@contextlib.contextmanager
def limited(
    connection: pymysql.Connection[Any],
    seconds: float = ANSWER_S,
    *,
    max_bytes: int = ANSWER_BYTES,
) -> Iterator[None]:
    """Limit everything together that is done on a connection within the block.

    Afterwards the connection has the limit that it had before, or none. A block within another
    ends at the earlier of the two deadlines.

    Parameters
    ----------
    connection : pymysql.Connection
        Any of PyMySQL's, also one that is not connected yet, or one made by another library.
    seconds : float, default 30
        Seconds from now on until everything must have been answered.
    max_bytes : int, default 16 MiB
        Bytes to read at most.

    Raises
    ------
    pymysql.err.OperationalError
        Within the block, from whatever reads or writes: 2013 after `seconds`, 2020 after
        `max_bytes`. The connection is closed then, since the rest of the answer is still under way.
    """
    limit = _Limit(connection, seconds, max_bytes)
    names = ("_read_bytes", "_write_bytes")
    # PyMySQL has no public place for this, but looks both methods up on the object.
    before = {name: vars(connection)[name] for name in names if name in vars(connection)}
    outer = getattr(before.get("_read_bytes"), "__self__", None)
    if isinstance(outer, _Limit):
        limit.ends_at = min(limit.ends_at, outer.ends_at)
    state: Any = connection
    state._read_bytes, state._write_bytes = limit.read, limit.write
    try:
        yield
    finally:
        for name in names:
            vars(connection).pop(name, None)
        vars(connection).update(before)
        if state._sock is not None:
            with contextlib.suppress(OSError):  # PyMySQL 1.1 keeps one that it has closed
                state._sock.settimeout(state._read_timeout)
            # Newer PyMySQL remembers the timeout that it has set, and does not set it again.
            state._current_timeout = state._read_timeout


class _Limit:
    """A deadline and a number of bytes for a connection; its methods replace PyMySQL's."""

    def __init__(self, connection: Any, seconds: float, max_bytes: int) -> None:
        self._connection = connection
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._taken = 0
        self.ends_at = time.monotonic() + seconds

    def read(self, num_bytes: int) -> bytes:
        """Return so many bytes, as PyMySQL's own `_read_bytes` does."""
        self._taken += num_bytes
        if self._taken > self._max_bytes:
            self._give_up(CR_TOO_LARGE, f"its answer is larger than {self._max_bytes:,} bytes")
        data = bytearray()
        try:
            while len(data) < num_bytes:
                self._allow_what_is_left()
                piece = self._connection._rfile.read1(min(num_bytes - len(data), PIECE_BYTES))
                if not piece:
                    self._give_up(CR_SERVER_LOST, "it closed the connection")
                data += piece
        except socket.timeout:  # TimeoutError itself from Python 3.10 on
            self._give_up(CR_SERVER_LOST, f"no whole answer within {self._seconds:.3g} s")
        except OSError as error:
            self._give_up(CR_SERVER_LOST, f"the connection was lost ({error.strerror or error})")
        except BaseException:
            self._connection._force_close()
            raise
        return bytes(data)

    def write(self, data: bytes) -> None:
        """Send all of it, as PyMySQL's own `_write_bytes` does."""
        try:
            self._allow_what_is_left()
            self._connection._sock.sendall(data)
        except socket.timeout:
            self._give_up(CR_SERVER_LOST, f"nothing was taken within {self._seconds:.3g} s")
        except OSError as error:
            self._give_up(CR_SERVER_GONE, f"the connection was lost ({error.strerror or error})")

    def _allow_what_is_left(self) -> None:
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise socket.timeout
        # The TLS handshake, which PyMySQL starts by itself, takes the timeout that was set last.
        self._connection._sock.settimeout(left_s)

    def _give_up(self, errno: int, why: str) -> NoReturn:
        import pymysql  # noqa: PLC0415 - nothing is imported before it is used

        self._connection._force_close()
        raise pymysql.err.OperationalError(errno, why) from None
