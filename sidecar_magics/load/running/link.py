"""One connection of a load: enters a session's state, and answers in any character set."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from ...connection import connect_now
from ...errors import SettingsError
from ...limits import limited
from ...script.session import DefaultOf, Initial, Literal, Session
from ...server import pymysql_errors, read_rows, send, send_each
from ...sidecar import describe
from ..planning.tasks import quoted
from ..reporting import failures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ...script.session import Value
    from ...server import Keep, Outcome
    from ...settings import ConnectionSettings
    from ...sidecar import Sidecar

# Flag of a server's OK packet. Source: MySQL client/server protocol, SERVER_STATUS_flags_enum.
IN_TRANSACTION = 0x0001

_WORD = re.compile(rb"(?!(?:NULL|TRUE|FALSE)\Z)[A-Za-z]\w*\Z", re.IGNORECASE)
_NUMBERS = {0, 1, 2, 3, 4, 5, 8, 9, 16, 246}  # field types whose values need no quotes


# For a question that waits for no lock, on a server that is busy with other work.
ANSWER_S = 120.0


class SessionError(Exception):
    """A session could not be brought into the state that a script wants.

    Attributes
    ----------
    error : Exception
        The server's.
    name : str
        The variable, or ``USE``.
    """

    def __init__(self, error: Exception, name: str) -> None:
        super().__init__(name)
        self.error = error
        self.name = name


class Link:
    """A connection of a load's own.

    Parameters
    ----------
    settings : ConnectionSettings
        Where to, and as whom.
    first : iterable of bytes
        Statements for each new connection: they are part of its initial state.
    local_infile : bool, default False
        Whether the server may ask for files of this machine.
    own_rows : bool, default False
        Whether `read_rows` may be used.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        first: Iterable[bytes] = (),
        *,
        local_infile: bool = False,
        own_rows: bool = False,
    ) -> None:
        self._settings = settings
        self._first = list(first)
        self._may = {"local_infile": local_infile, "own_rows": own_rows}
        self._session: Session
        self._initial: dict[str, bytes]
        self._entered: tuple[Session, bool] | None
        self._restart_session()
        self._is_open = False
        self.connection: Any = None

    def open(self) -> Sidecar:
        """Connect, or connect again, and return the server's description of itself.

        Raises
        ------
        ServerNotReadyError, AccessError
            There is no connection to be had.
        pymysql.err.MySQLError, OSError
            One of the first statements was refused.
        """
        self.close()
        self.connection = connect_now(self._settings, multi_statements=True, **self._may)
        self._is_open = True
        sidecar = describe(self.connection, self._settings, 0.0)
        # Our own questions are answered in the script's character set: taken as bytes, they can't
        # be misread. Nor can names of columns, which PyMySQL decodes: a letter is a byte of them.
        self.connection.use_unicode = False
        self.connection.decoders = {}
        self.connection.encoding = "latin-1"
        self._restart_session()
        for number, sql in enumerate(self._first, 1):
            try:
                send(self.connection, sql)
            except pymysql_errors() as error:
                if failures.is_lost(error):
                    raise
                # Without its text, which may hold a password.
                raise SettingsError(
                    f"--init: the server refused statement {number}, with error {error.args[0]}."
                ) from None
        return sidecar

    def _restart_session(self) -> None:
        """Take note that the session is that of a new connection."""
        self._session, self._initial, self._entered = Session(), {}, None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._is_open:  # PyMySQL takes a second time for an error
            self._is_open = False
            self.connection.close()

    def keep(self, sql: bytes) -> None:
        """Send a statement again whenever the connection is made again."""
        self._first.append(sql)

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._is_open

    @property
    def thread_id(self) -> int:
        """The connection's number at the server."""
        return int(self.connection.thread_id())

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, as the last answer said."""
        return bool(self.connection.server_status & IN_TRANSACTION)

    def send(self, sql: bytes, *, keep: Keep | None = None) -> Outcome:
        """Send a statement; see `server.send`."""
        return send(self.connection, sql, keep=keep)

    def send_each(
        self, statements: Sequence[bytes], *, keep: Keep | None = None
    ) -> Iterator[Outcome]:
        """Send statements at once, and yield the outcome of each."""
        # A statement may end with a comment that reaches to the end of its line.
        return send_each(self.connection, b"\n;".join(statements), keep=keep)

    def read_rows(self, sql: bytes, rows: Sequence[memoryview]) -> Outcome:
        """Send rows instead of a file; see `server.read_rows`."""
        return read_rows(self.connection, sql, rows)

    def cells(self, sql: str | bytes, *, limit_s: float | None = None) -> list[tuple[Any, ...]]:
        """Ask a question of our own; cells come as bytes, in whatever character set, or None.

        Parameters
        ----------
        sql : str or bytes
            The question.
        limit_s : float, optional
            Seconds for the answer. Default: no limit, for a question that may wait for locks.
        """
        limit = contextlib.nullcontext() if limit_s is None else limited(self.connection, limit_s)
        with limit, self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def rows(
        self, sql: str | bytes, *, limit_s: float | None = ANSWER_S
    ) -> list[tuple[str | None, ...]]:
        """Ask a question of our own whose answer is ASCII; see `cells`."""
        return [
            tuple(None if cell is None else text(cell) for cell in row)
            for row in self.cells(sql, limit_s=limit_s)
        ]

    def ask(self, sql: str | bytes) -> str:
        """Ask for a single value; nothing is an empty text."""
        rows = self.rows(sql)
        return (rows[0][0] or "") if rows else ""

    # The session's state -----------------------------------------------------------------------

    def differs(self, session: Session) -> bool:
        """Return whether variables would have to be set for a session."""
        return bool(self._differences(session.variables, self._session.variables))

    def enter(self, session: Session, *, user_variables: bool) -> None:
        """Bring the connection into a session's state.

        Parameters
        ----------
        session : Session
            The state.
        user_variables : bool
            Whether the statements to come may read the user's own variables.

        Raises
        ------
        SessionError
            The server refused; its `name` says what.
        """
        if self._entered and self._entered[0] is session and self._entered[1] >= user_variables:
            return
        names = self._differences(session.variables, self._session.variables)
        changes = {name: session.variables.get(name, Initial(name)) for name in names}
        own = self._session.user_variables
        if user_variables:
            own = session.user_variables
            for name in self._differences(own, self._session.user_variables):
                changes[name] = own[name] if name in own else Literal(b"NULL")
        # The character sets first: the others may be spelled in them.
        failure: SessionError | None = None
        for name in sorted(changes, key=lambda name: not name.startswith(("char", "coll"))):
            try:
                self._change(name, changes[name])
            except SessionError as error:
                failure = failure or error
        place = (session.schema, session.drops)
        if session.schema is not None and place != (self._session.schema, self._session.drops):
            try:
                self.send(b"USE " + quoted(session.schema))
            except pymysql_errors() as error:
                failure = failure or SessionError(error, "USE")
        self._session = Session(*place, session.variables, own)
        self._entered = (session, user_variables)
        if failure:  # it is not tried again
            raise failure

    def try_set(self, before: Session, sql: bytes, after: Session) -> None:
        """Send a SET of the script as it is, in the session that it stands in.

        Parameters
        ----------
        before, after : Session
            The session before and after it.
        sql : bytes
            The statement.

        Raises
        ------
        SessionError
            The session before it cannot be entered.
        pymysql.err.MySQLError, OSError
            The server refused the statement, or the connection is lost.
        """
        self.enter(before, user_variables=True)
        for name in self._differences(after.variables, before.variables):
            with contextlib.suppress(*pymysql_errors()):  # then the statement is refused, too
                self._remember(name)
        self.send(sql)
        self._session, self._entered = after, (after, True)

    @staticmethod
    def _differences(one: Any, other: Any) -> list[str]:
        return [name for name in {**one, **other} if one.get(name) != other.get(name)]

    def _change(self, name: str, value: Value) -> None:
        try:
            if not name.startswith("@"):
                self._remember(name)
            target = name.encode()
            if isinstance(value, DefaultOf) and name.startswith("@"):
                sql = b"COLLATION(CONVERT('' USING " + value.charset + b"))"
            elif isinstance(value, DefaultOf):
                target, sql = b"character_set_connection", value.charset
            elif isinstance(value, Initial):
                sql = self._remember(value.variable)
            else:
                sql = value.sql
            if name.startswith("@"):
                target = b"@" + quoted(name[1:].encode())
                if _WORD.match(sql):  # the value of a system variable may be a bare word
                    sql = b"'" + sql + b"'"
            self.send(b"SET " + target + b" = " + sql)
        except pymysql_errors() as error:
            raise SessionError(error, name) from None

    def _remember(self, name: str) -> bytes:
        """Return the value that a variable had on the new connection."""
        if name not in self._initial:
            with self.connection.cursor() as cursor:
                cursor.execute(b"SELECT @@" + name.encode())
                kind = cursor.description[0][1]
                (value,) = cursor.fetchone()
            if value is None:
                self._initial[name] = b"NULL"
            elif kind in _NUMBERS:
                self._initial[name] = text(value).encode()
            else:
                self._initial[name] = b"'" + text(value).replace("'", "''").encode() + b"'"
        return self._initial[name]


def text(value: object) -> str:
    """Return an answer to a question of ours: ASCII, in whatever character set it came."""
    if isinstance(value, bytes):
        # ucs2, utf16 and utf32 put zeros between the letters.
        return value.replace(b"\0", b"").decode("utf-8", "replace")
    return str(value)
