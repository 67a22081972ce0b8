"""The only place that opens a connection: socket, TLS ladder, login.

A connection is made in stages on one socket. So each failure has its own error, and the server
counts no half-made connection against us (``max_connect_errors``): we peek at the greeting, then
PyMySQL gets the same socket for TLS and login.

A connection that is dropped after its greeting counts against this host on the server (error 1129
in the end). A silent connection is kept: a mysqld that starts binds its port early, and greets its
queue when it is ready.

TLS is used as the server offers it. Certificates are checked only against ``--ca``, because MySQL's
own are self-signed; with ``--ca`` or ``--tls required`` a server without TLS is refused.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .addresses import is_address
from .protocol import ConnectError, Greeting, Outlook, peek_greeting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pymysql

    from .settings import ConnectionSettings

# Source: MySQL client/server protocol, capability flags.
CLIENT_MULTI_STATEMENTS = 0x10000

# For connections with our own questions only: the server's defaults must neither cut an answer, nor
# make a COMMIT do more. Each account may set these.
WHOLE_ANSWERS = (
    b"SET SESSION sql_select_limit = 18446744073709551615, sql_big_selects = 1, completion_type = 0"
)
# datajoint/mysql's my.cnf allows DHE-RSA-AES256-SHA alone. Python's own list of ciphers lacks it; a
# Python that was built with OpenSSL's list, such as Debian's, has it.
WEAK_CIPHERS = "DEFAULT:@SECLEVEL=0"


class WeakTlsContext(ssl.SSLContext):
    """Accepts ciphers and protocol versions that Python's defaults refuse."""


class _Login(NamedTuple):
    settings: ConnectionSettings
    ends_at: float
    local_infile: bool
    multi_statements: bool
    own_rows: bool


def connect(
    settings: ConnectionSettings,
    *,
    timeout_s: float = 10.0,
    local_infile: bool = False,
    multi_statements: bool = False,
    own_rows: bool = False,
) -> pymysql.Connection[Any]:
    """Open a connection, in one attempt.

    Parameters
    ----------
    settings : ConnectionSettings
        Where to, and as whom.
    timeout_s : float, default 10
        Seconds until the login is done; later questions have no limit.
    local_infile : bool, default False
        Whether the server may ask for a file of this machine that a statement names (LOAD DATA
        LOCAL); see `local_infile`.
    multi_statements : bool, default False
        Whether one command may have several statements, as for the ``mysql`` client.
    own_rows : bool, default False
        Whether LOAD DATA LOCAL may be used for rows in memory: `FileGuardedConnection.read_rows`.

    Raises
    ------
    ConnectError
        With the stage that was not passed.
    """
    ends_at = time.monotonic() + timeout_s
    sock = open_socket(settings, timeout_s=timeout_s)
    try:
        greeting = _await_greeting(sock, ends_at)
    except BaseException:
        sock.close()
        raise
    return log_in(
        sock,
        greeting,
        settings,
        timeout_s=_left_s(ends_at),
        local_infile=local_infile,
        multi_statements=multi_statements,
        own_rows=own_rows,
    )


def open_socket(settings: ConnectionSettings, *, timeout_s: float) -> socket.socket:
    """Open a TCP connection: the stages ``name`` and ``port``.

    Parameters
    ----------
    settings : ConnectionSettings
        Where to.
    timeout_s : float
        Seconds for looking the name up and for all of its addresses together.

    Raises
    ------
    ConnectError
        In stage ``name`` or ``port``.
    """
    ends_at = time.monotonic() + timeout_s
    try:
        sock = _first_that_answers(_addresses(settings, timeout_s), ends_at)
    except socket.gaierror as error:
        answer = f"the name {settings.host} is not known ({error.strerror})"
        raise ConnectError("name", answer, Outlook.LATER) from None
    except UnicodeError:
        answer = f"{settings.host!r} cannot be a host's name"
        raise ConnectError("name", answer, Outlook.NEVER) from None
    except ConnectionRefusedError:
        raise ConnectError("port", "connection refused", Outlook.LATER) from None
    except socket.timeout:  # TimeoutError itself from Python 3.10 on
        answer = "no answer to a connection attempt"
        raise ConnectError("port", answer, Outlook.LATER) from None
    except OSError as error:
        answer = error.strerror or str(error)
        raise ConnectError("port", answer, Outlook.LATER) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def log_in(
    sock: socket.socket,
    greeting: Greeting,
    settings: ConnectionSettings,
    *,
    timeout_s: float = 10.0,
    local_infile: bool = False,
    multi_statements: bool = False,
    own_rows: bool = False,
) -> pymysql.Connection[Any]:
    """Take a greeted socket through TLS and login.

    The TLS ladder: a server that offers none is used without, unless TLS is required; one that
    offers only what Python's defaults refuse gets a second attempt, on a socket of its own, that
    accepts weak ciphers, if it is on loopback, where no other machine listens in.

    Parameters
    ----------
    sock : socket.socket
        Socket with the unread greeting; it belongs to the connection, and is closed if that fails.
    timeout_s : float, default 10
        Seconds until the login is done; later questions have no limit.
    greeting, settings, local_infile, multi_statements, own_rows
        As `peek_greeting` returned it, and as in `connect`.

    Raises
    ------
    ConnectError
        In stage ``tls`` or ``login``.
    """
    ends_at = time.monotonic() + timeout_s
    login = _Login(settings, ends_at, local_infile, multi_statements, own_rows)
    if not greeting.offers_tls:
        if settings.must_encrypt:
            sock.close()
            raise ConnectError("tls", "the server offers no TLS", Outlook.NEVER)
        return _hand_over(sock, login, ssl_disabled=True)
    try:
        return _hand_over(sock, login, ssl=tls_context(settings))
    except ConnectError as failure:
        if (
            failure.stage != "tls"
            or failure.outlook is not Outlook.NEVER
            or not settings.is_loopback
        ):
            raise
    again = open_socket(settings, timeout_s=_left_s(ends_at))
    try:
        _await_greeting(again, ends_at)
    except BaseException:
        again.close()
        raise
    return _hand_over(again, login, ssl=tls_context(settings, weak=True))


class Field(NamedTuple):
    """A column of a result set: its name as it came, and how to read its values.

    Source: MySQL client/server protocol, column definition.
    """

    name: bytes
    type_code: int
    charset: int


class Fetched(NamedTuple):
    """A result set as it came, or the part of it that is kept.

    Attributes
    ----------
    fields : tuple of Field
        Its columns.
    rows : list of tuple
        The first rows; a value is bytes, or None for NULL.
    total_rows : int
        How many rows there were.
    cut_values : int
        Values of `rows` that are not kept to their end.
    """

    fields: tuple[Field, ...]
    rows: list[tuple[bytes | None, ...]]
    total_rows: int
    cut_values: int


class Keep(NamedTuple):
    """How much of a result set is kept: so many rows, and bytes of them; so much of a value."""

    rows: int
    size_bytes: int
    value_bytes: int


class Outcome(NamedTuple):
    """The outcome of a statement.

    Attributes
    ----------
    changed, warnings : int
        Rows that it changed, and warnings and notes of the server.
    results : int
        How many result sets it returned.
    last : Fetched or None
        The last of them, if kept.
    """

    changed: int
    warnings: int
    results: int = 0
    last: Fetched | None = None


def send(connection: pymysql.Connection[Any], sql: bytes, *, keep: Keep | None = None) -> Outcome:
    """Send a statement as it is.

    Parameters
    ----------
    connection : pymysql.Connection
        A connection that nothing is under way on; it decodes nothing.
    sql : bytes
        One statement, or several for a connection that may send several: their outcomes are added.
    keep : Keep, optional
        How much to keep of the last result set. Default: nothing.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server refused, or the connection was lost.
    """
    changed = warnings = results = 0
    last: Fetched | None = None
    for outcome in send_each(connection, sql, keep=keep):
        changed += outcome.changed
        warnings += outcome.warnings
        results += outcome.results
        last = outcome.last or last
    return Outcome(changed, warnings, results, last)


def read_rows(
    connection: pymysql.Connection[Any], sql: bytes, rows: Sequence[memoryview]
) -> Outcome:
    """Execute a LOAD DATA LOCAL INFILE of our own, with rows from memory instead of a file.

    Parameters
    ----------
    connection : pymysql.Connection
        One that was opened with `own_rows`.
    sql : bytes
        The statement.
    rows : sequence of memoryview
        The rows.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        The server refused, or the connection was lost.
    """
    connection.read_rows(sql, rows)
    result = connection._result
    return Outcome(result.affected_rows, result.warning_count)


def send_each(
    connection: pymysql.Connection[Any], sql: bytes, *, keep: Keep | None = None
) -> Iterator[Outcome]:
    """Send one or several statements at once, and yield the outcome of each as it comes.

    PyMySQL's cursors decode and keep every row; but the rows of a script may be valid in no
    encoding, and larger than the memory. So this uses the results below the cursors. The iterator
    must be used up, or end with an error.

    Parameters, Raises
    ------------------
    As `send`.
    """
    connection.query(sql, unbuffered=True)
    while True:
        result = connection._result
        if not result.unbuffered_active:
            outcome = Outcome(result.affected_rows, result.warning_count)
        elif keep is None:
            result._finish_unbuffered_query()
            outcome = Outcome(0, result.warning_count, 1)
        else:
            fetched = _fetch(connection, result, keep)
            outcome = Outcome(0, result.warning_count, 1, fetched)
        has_next = result.has_next
        yield outcome
        if not has_next:
            return
        connection.next_result(unbuffered=True)


def _fetch(connection: pymysql.Connection[Any], result: Any, keep: Keep) -> Fetched:
    """Read a result set to its end; keep its beginning, and count the rest."""
    encoding = connection.encoding
    fields = tuple(
        Field(field.name.encode(encoding, "replace"), field.type_code, field.charsetnr)
        for field in result.fields
    )
    value_bytes = min(keep.value_bytes, keep.size_bytes // max(len(fields), 1))
    room_bytes = keep.size_bytes
    rows: list[tuple[bytes | None, ...]] = []
    total = cut = 0
    is_full = False
    while True:
        packet = connection._read_packet()
        if result._check_packet_is_eof(packet):
            break
        total += 1
        if is_full:  # rows that are only counted are not parsed
            continue
        row = result._read_row_from_packet(packet)
        longer = sum(value is not None and len(value) > value_bytes for value in row)
        if longer:
            row = tuple(value and value[:value_bytes] for value in row)
        room_bytes -= sum(len(value) for value in row if value is not None)
        is_full = room_bytes < 0 or len(rows) == keep.rows
        if not is_full:
            rows.append(row)
            cut += longer
    result.unbuffered_active, result.connection = False, None
    return Fetched(fields, rows, total, cut)


def pymysql_errors() -> tuple[type[Exception], ...]:
    """Return the errors of PyMySQL on a live connection: the server's, and lost sockets."""
    import pymysql  # noqa: PLC0415

    return (pymysql.err.MySQLError, OSError)


def tls_context(settings: ConnectionSettings, *, weak: bool = False) -> ssl.SSLContext:
    """Return how to encrypt: checked against ``settings.ca`` if given, else any certificate.

    Parameters
    ----------
    settings : ConnectionSettings
        Its `ca`.
    weak : bool, default False
        Accept ciphers and protocol versions that Python's defaults refuse.
    """
    context = (WeakTlsContext if weak else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
    # MySQL's self-made certificates name no host; with a ca they must at least be signed by it.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if settings.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(settings.ca)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if weak:
        context.set_ciphers(WEAK_CIPHERS)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


def _left_s(ends_at: float) -> float:
    # Not zero: for a socket that is "do not wait", with another error than "too late".
    return max(0.001, ends_at - time.monotonic())


def _addresses(settings: ConnectionSettings, timeout_s: float) -> list[Any]:
    """Look up a host's addresses, for some seconds at most."""
    where = (settings.host, settings.port)
    if is_address(settings.host):
        return socket.getaddrinfo(*where, type=socket.SOCK_STREAM)
    found: list[list[Any] | OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(*where, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    # In a thread: the system's lookup has no limit, and no interrupt ends it.
    thread = threading.Thread(target=look_up, name="sidecar-magics-name", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not found:
        answer = f"the name {settings.host} was not found out within {timeout_s:.3g} s"
        raise ConnectError("name", answer, Outlook.LATER)
    if isinstance(found[0], list):
        return found[0]
    raise found[0]


def _first_that_answers(addresses: list[Any], ends_at: float) -> socket.socket:
    failure: OSError = OSError("it has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        # An equal share for each address that is left: a silent one leaves time for the others.
        sock.settimeout(_left_s(ends_at) / (len(addresses) - number))
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def _await_greeting(sock: socket.socket, ends_at: float) -> Greeting:
    sock.settimeout(_left_s(ends_at))
    while time.monotonic() < ends_at:
        greeting = peek_greeting(sock)
        if greeting is not None:
            return greeting
        time.sleep(0.01)  # the rest of a greeting that came in two pieces
    raise ConnectError("greeting", "the greeting never came to its end", Outlook.LATER)


def _hand_over(sock: socket.socket, login: _Login, **encryption: Any) -> pymysql.Connection[Any]:
    # A bare %load_ext does not pay for PyMySQL.
    from .authentication import GuardedConnection, failure  # noqa: PLC0415

    settings = login.settings
    connection = GuardedConnection(
        login_s=_left_s(login.ends_at),
        may_take_key=settings.is_loopback,
        must_encrypt="ssl" in encryption,
        host=settings.host,
        port=settings.port,
        user=settings.user,
        # PyMySQL would encode text as latin-1, but the server compares UTF-8.
        password=settings.password.reveal().encode("utf-8"),
        charset="utf8mb4",
        autocommit=None,
        local_infile=login.local_infile or login.own_rows,
        client_flag=CLIENT_MULTI_STATEMENTS if login.multi_statements else 0,
        program_name="sidecar-magics",
        defer_connect=True,
        **encryption,
    )
    connection.takes_files = login.local_infile
    try:
        connection.connect(sock)
    except Exception as error:
        sock.close()
        raise failure(error) from None
    except BaseException:
        sock.close()
        raise
    return connection
