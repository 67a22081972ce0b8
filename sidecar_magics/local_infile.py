r"""Send a file of this machine only where a statement names it: LOAD DATA LOCAL INFILE.

In this protocol the server asks for a file, by name, and may do so in answer to any statement.
PyMySQL, like the client, sends any file that the server asks for, once LOCAL is allowed. Here a
file is sent once, in answer to a statement that begins with LOAD DATA (or XML) LOCAL INFILE, if the
server asks for the file that the statement names. Otherwise the server gets an empty file, which
ends its waiting, and the sender of the statement gets an error.

A relative name counts from the process's folder, and ``~/`` is the home folder, as for MySQL's
client. A script that sets character_set_filesystem may make a server ask for a name in other bytes,
which is refused.

Rows that a load has in memory are sent in the same way, in answer to one statement of its own
(`FileGuardedConnection.read_rows`). No file is opened for them, whatever name the server asks for.

Source: "Security Considerations for LOAD DATA LOCAL", MySQL 9 Reference Manual; the names that
MySQL 9.7 and MariaDB 10.11 ask for, tried with quotes, escapes and character sets.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import MySQLResult

from .errors import printable
from .limits import limited
from .script.classify import reads_local_file
from .script.tokens import Shape, tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# Source: MySQL error reference, CR_LOAD_DATA_LOCAL_INFILE_REJECTED and ER_FILE_NOT_FOUND.
REJECTED = 2068
FILE_NOT_FOUND = 1017
# With its head, a packet is one record of TLS; of two, both sides would have twice the calls.
PACKET_BYTES = 16 * 1024 - 4
ANSWER_S = 10
"""How long a server that was refused a file may take to say anything."""

_HEAD_BYTES = 64 * 1024  # a path has 4096 bytes at most; there may be comments before it

_ESCAPED = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a"}
_ESCAPED |= {b"%": rb"\%", b"_": rb"\_"}
_MAY_PRECEDE = {b"LOAD", b"DATA", b"XML", b"LOW_PRIORITY", b"CONCURRENT", b"LOCAL"}


class FileRefusedError(pymysql.err.OperationalError, RuntimeError):  # type: ignore[misc]
    """The server asked for a file that the statement does not name.

    It is a RuntimeError too, as PyMySQL raises where LOCAL is not allowed at all.
    """

    def __str__(self) -> str:
        return str(self.args[1])


def named_files(sql: bytes) -> frozenset[bytes]:
    """Return the local file that a statement names, in the ways that a server may spell it.

    Parameters
    ----------
    sql : bytes
        The statements that are sent.

    Returns
    -------
    frozenset of bytes
        Its name: with backslashes as escapes, and without (NO_BACKSLASH_ESCAPES). Empty if the
        first statement in `sql` is no LOAD DATA LOCAL INFILE.
    """
    if not reads_local_file(sql):
        return frozenset()
    names = (_named_file(sql[:_HEAD_BYTES], verbatim) for verbatim in (False, True))
    return frozenset(name for name in names if name)


def _named_file(sql: bytes, verbatim: bool) -> bytes:
    """Return the name after INFILE, b"" where anything is not as it should be."""
    found = tokens(sql, no_backslash_escapes=verbatim)
    words = [token.word for token in found]
    at = words.index(b"INFILE") if b"INFILE" in words else 0
    before = {word for word in words[:at] if word}
    if not {b"LOAD", b"LOCAL"} <= before <= _MAY_PRECEDE or at + 1 == len(found):
        return b""
    text = found[at + 1].text
    if found[at + 1].shape is not Shape.TEXT or len(text) < 2 or not text.endswith(text[:1]):
        return b""
    pieces = rb"(%s)\1" % text[:1] if verbatim else rb"\\(.)|(%s)\2" % text[:1]
    name = re.sub(pieces, _read, text[1:-1], flags=re.DOTALL)
    return name.partition(b"\0")[0]  # as the server's ends there


def _read(match: re.Match[bytes]) -> bytes:
    piece = match[0]
    return _ESCAPED.get(piece[1:], piece[1:])


class FileGuardedConnection(pymysql.connections.Connection):  # type: ignore[misc]
    """A connection on which a server gets only the file that a statement names."""

    _named: Collection[bytes] = ()
    _rows: Iterable[memoryview] | None = None
    _next_rows: Iterable[memoryview] | None = None
    takes_files = False
    """Whether statements may name files. Else LOCAL is there for rows in memory alone."""

    def read_rows(self, sql: bytes, rows: Iterable[memoryview]) -> None:
        """Execute one LOAD DATA LOCAL INFILE statement with given bytes in the file's place.

        Parameters
        ----------
        sql : bytes
            The statement; the name of its file does not matter.
        rows : iterable of memoryview
            The content of the file, piece after piece.

        Raises
        ------
        pymysql.err.MySQLError, OSError
            The server refused, or the connection was lost.
        """
        self._next_rows = rows
        try:
            self.query(sql)
        finally:
            self._rows = self._next_rows = None

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        super()._execute_command(command, sql)
        # Not before: answers to earlier statements may have been read meanwhile.
        self._rows, self._next_rows = self._next_rows, None
        if self.takes_files:
            self._named = named_files(sql.encode() if isinstance(sql, str) else bytes(sql))

    def _read_query_result(self, unbuffered: bool = False) -> int:
        self._result = None
        result = _Result(self)
        # The next result is the next statement's.
        result.named, self._named = self._named, ()
        result.rows, self._rows = self._rows, None
        try:
            if unbuffered:
                result.init_unbuffered_query()
            else:
                result.read()
        except BaseException:
            result.unbuffered_active, result.connection = False, None
            if result.server_status is not None:
                # The server has ended this statement. It still answers the others that were sent
                # with it, and PyMySQL reads that before it sends anything.
                self._result = result
            raise
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows)


class _Result(MySQLResult):  # type: ignore[misc]
    """A server's answer; a file that it asks for is sent only if the statement names it."""

    named: Collection[bytes] = ()
    rows: Iterable[memoryview] | None = None

    def _read_load_local_packet(self, first_packet: Any) -> None:
        connection = self.connection
        asked = first_packet.get_all_data()[1:]
        if self.rows is not None:
            _send_rows(connection, self.rows)
            self._read_ok_packet(connection._read_packet())
            return
        if asked in self.named:
            problem = _send_file(connection, asked)
            connection.write_packet(b"")
            self._read_ok_packet(connection._read_packet())
            if problem is not None:
                raise problem
            return
        refusal = _refusal(asked, self.named, is_allowed=connection.takes_files)
        try:
            with limited(connection, ANSWER_S):
                connection.write_packet(b"")
                self._read_ok_packet(connection._read_packet())
        except Exception:  # we believe no further answer of such a server
            connection._force_close()
        raise refusal


def _send_rows(connection: Any, rows: Iterable[memoryview]) -> None:
    """Send rows that are in memory, small pieces together, and then the end of the file."""
    ahead = bytearray()
    for piece in rows:
        if len(ahead) + len(piece) < PACKET_BYTES:
            ahead += piece
            continue
        if ahead:
            connection.write_packet(bytes(ahead))
            ahead.clear()
        for at in range(0, len(piece), PACKET_BYTES):
            connection.write_packet(piece[at : at + PACKET_BYTES])
    if ahead:
        connection.write_packet(bytes(ahead))
    connection.write_packet(b"")


def _send_file(connection: Any, name: bytes) -> Exception | None:
    """Send a file's bytes; return the error of reading it, if any: the server must get an end."""
    path = Path(name.decode("utf-8", "surrogateescape"))
    try:
        with (path.expanduser() if name.startswith(b"~/") else path).open("rb", 0) as file:
            while chunk := file.read(PACKET_BYTES):
                connection.write_packet(chunk)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: there is no home folder
        reason = getattr(error, "strerror", None) or error
        message = f"the file {printable(str(path))!r} of this machine cannot be read: {reason}"
        return pymysql.err.OperationalError(FILE_NOT_FOUND, message)  # type: ignore[no-any-return]
    return None


def _refusal(asked: bytes, named: Collection[bytes], *, is_allowed: bool) -> FileRefusedError:
    name = printable(asked[:200].decode("utf-8", "backslashreplace"))
    message = f"the server asked for the file {name!r} of this machine"
    if is_allowed:
        message += (
            ", which is not the one that the statement names"
            if named
            else " in answer to a statement that does not begin with LOAD DATA LOCAL INFILE"
        )
    return FileRefusedError(REJECTED, f"{message}; nothing of it was sent")
