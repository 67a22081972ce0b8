"""Try a SET where it stands in the script, as the client would send it.

Lanes bring their connections into a session by the difference of two states, so a SET that nothing
depends on would never be sent, and one that the server refuses would be noticed too late: at the
first statement that needs it, or not at all. So each value is tried once, on a connection of the
reader's own, before the plan continues from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Callable

from ...errors import AccessError, ServerNotReadyError
from ...server import pymysql_errors
from ..planning.tasks import quoted
from ..reporting import failures
from .link import SessionError

if TYPE_CHECKING:
    from ...script.session import Assigned, Session
    from ..planning.tasks import Step
    from .context import LoadContext
    from .link import Link


class Trial:
    """A connection that SETs are tried on.

    Parameters
    ----------
    link : Link
        It is opened when the first SET comes.
    load : LoadContext
        Whose errors are kept with --force.
    drain : callable
        Waits until all that comes before in the script is done.
    """

    def __init__(self, link: Link, load: LoadContext, drain: Callable[[], None]) -> None:
        self._link = link
        self._load = load
        self._drain = drain
        self._taken: set[Assigned] = set()

    def takes(self, step: Step, before: Session, sql: bytes, *, settled: bool) -> bool:
        """Return whether the server takes a SET.

        Parameters
        ----------
        step : Step
            The statement.
        before : Session
            The session that it stands in.
        sql : bytes
            The statement as the server reads it: without comments.
        settled : bool
            Whether to wait for all before it in the script: that may be why it was not
            taken. Then an answer is final.

        Raises
        ------
        StatementError
            It is refused for good, and the load does not continue after errors.
        """
        values = before.assigned_by(sql)
        if values <= self._taken:
            return True
        if settled:
            self._drain()
        error = self._try(step, before, sql)
        if error is None:
            self._taken |= values
            return True
        if settled:
            refused = failures.failed(step, *self._refusal(error), self._load.report)
            if not self._load.force:
                raise refused
            self._load.report.add_error(refused)
        return False

    def enters(self, step: Step, schema: bytes, *, settled: bool) -> bool:
        """Return whether a schema can be entered; with --force, where it is only an error.

        Parameters
        ----------
        step : Step
            The USE.
        schema : bytes
            The schema.
        settled : bool
            As for `takes`.
        """
        if settled:
            self._drain()
        error = self._send(b"USE " + quoted(schema))
        if error is not None and settled:
            refused = failures.failed(step, *self._refusal(error), self._load.report)
            self._load.report.add_error(refused)
        return error is None

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._link.close()

    def _try(self, step: Step, before: Session, sql: bytes) -> Exception | None:
        """Send a SET in its session; return the server's refusal, None where there is none.

        Where it cannot be tried, since there is no connection to be had, the lanes find out.
        """
        before = replace(before, schema=None)  # may not be there yet, and no SET depends on it
        after = before.after(sql)
        if after is None:
            return None
        return self._attempt(lambda: self._link.try_set(before, step.sql, after))

    def _send(self, sql: bytes) -> Exception | None:
        """Send a statement; return the server's refusal, None where there is none."""
        return self._attempt(lambda: self._link.send(sql))

    def _attempt(self, action: Callable[[], object]) -> Exception | None:
        for _ in range(2):  # an idle connection may have been closed
            try:
                if not self._link.is_open:
                    self._link.open()
                action()
            except (ServerNotReadyError, AccessError, SessionError):
                return None
            except pymysql_errors() as error:
                if not failures.is_lost(error):
                    return error
                self._link.close()
            else:
                return None
        return None

    def _refusal(self, error: Exception) -> tuple[int, str, str]:
        """Return a refusal's number, SQLSTATE and words."""
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        sqlstate = getattr(error, "sqlstate", None) or self._sqlstate()
        return failures.number(error), sqlstate, message

    def _sqlstate(self) -> str:
        """Ask for the last error's SQLSTATE, which PyMySQL keeps to itself before 1.2."""
        try:
            self._link.send(b"GET DIAGNOSTICS CONDITION 1 @sidecar_sqlstate = RETURNED_SQLSTATE")
            return self._link.ask("SELECT @sidecar_sqlstate")
        except pymysql_errors():
            return "HY000"
