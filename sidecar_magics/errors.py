"""The errors a user can meet, and how they look in a notebook.

    SidecarError(Exception)            one sentence, details, and a hint: what to do next
    ├── UsageError                     the line of a magic does not fit its options
    ├── SettingsError                  a setting is missing, malformed or contradictory
    ├── ServerNotReadyError            no usable server within the time given (also a TimeoutError)
    ├── AccessError                    the server answered and refused; waiting will not help
    │   └── TlsError                   no encryption that both sides accept
    ├── ScriptError                    the SQL script itself is broken, or asks for what is refused
    ├── StatementError                 the server refused one statement of a script
    ├── LoadStoppedError               a load ended before the script did: connection lost
    ├── DumpError                      a dump could not be made; what was there before is as it was
    ├── KeepError                      work could not be kept or restored; earlier snapshots stay
    ├── LocalServerError               a server on this machine could not be installed or started
    └── DataJointConnectionError       DataJoint could not be connected

    KeyboardInterrupt
    └── Interrupted                    Ctrl-C or the stop button; says in one line what was stopped

Every error is a value with attributes; nothing has to be parsed out of its text. None of them
ever holds a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .load.reporting.report import LoadReport

MAX_NOTEBOOK_LINES = 8


def printable(text: str) -> str:
    """Return a text on one line that does nothing to a screen: control characters are spelled."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def shown(text: object, limit: int = 300) -> str:
    """Return a server's text as people may see it: printable, short, and on one line.

    Parameters
    ----------
    text : object
        A text, or an object with one; bytes are read as UTF-8.
    limit : int, default 300
        Characters at most; three dots replace the rest.
    """
    if isinstance(text, (bytes, bytearray)):
        text = bytes(text[: 4 * limit + 4]).decode("utf-8", "replace")
    spelled = printable(str(text)[: limit + 1])
    return spelled if len(spelled) <= limit else f"{spelled[: limit - 1]}…"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or the notebook's stop button; the text says in one line what was stopped."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


# Words of messages for a notebook, and the same for a terminal.
_NOTEBOOK_WORDS = (
    (re.compile(r"(?<!%)%mysql_(wait|load|dump|keep|doctor|up)\?"), r"`sidecar-magics \1 --help`"),
    (re.compile(r"(?<!%)%mysql_(wait|load|dump|keep|doctor|up)\b"), r"sidecar-magics \1"),
    (re.compile(r"%pwd shows the notebook's"), "pwd shows the current one"),
    (re.compile(r"the notebook's folder; %pwd"), "the current folder; pwd"),
)


def for_terminal(message: str) -> str:
    """Return a message in a terminal's words: ``%mysql_wait`` is ``sidecar-magics wait``."""
    for words, instead in _NOTEBOOK_WORDS:
        message = words.sub(instead, message)
    return message


class SidecarError(Exception):
    """Show a user what went wrong and what to do about it.

    Parameters
    ----------
    message : str
        One sentence: what happened, and where.
    hint : str, optional
        One sentence: what to do next, right for where the code runs.
    details : sequence of str, optional
        Further lines in between, most important first.
    """

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __reduce__(self) -> tuple[Any, ...]:
        # Python's own way calls the class with `args`, which lacks the keyword-only attributes: the
        # error could not be unpickled, and then a multiprocessing.Pool waits for ever.
        return _restored, (type(self), self.args), dict(vars(self))

    def _lines(self) -> list[str]:
        hint = [f"Hint: {self.hint}"] if self.hint else []
        return [self.message, *self.details, *hint]

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback (IPython >= 0.13)."""
        title, *rest = "\n".join(self._lines()).splitlines()
        lines = [f"{type(self).__name__}: {title}", *rest]
        if len(lines) > MAX_NOTEBOOK_LINES:
            keep = MAX_NOTEBOOK_LINES - 2 if self.hint else MAX_NOTEBOOK_LINES - 1
            lines = [*lines[:keep], "…", *lines[-1:]] if self.hint else [*lines[:keep], "…"]
        return lines


def _restored(cls: type[SidecarError], args: tuple[Any, ...]) -> SidecarError:
    """Return an error of a class, whose attributes are to be set; for pickle and copy."""
    error = cls.__new__(cls)
    error.args = args
    return error


class UsageError(SidecarError):
    """The line of a magic does not fit its options; the hint says what was probably meant."""


class SettingsError(SidecarError):
    """A setting is missing, malformed or contradictory; the message names where it came from."""


class ServerNotReadyError(SidecarError, TimeoutError):
    """No usable server within the time given.

    Attributes
    ----------
    stage : str
        The stage that was not passed: ``name``, ``port``, ``greeting``, ``tls``, ``login`` or
        ``query``.
    last_answer : str
        The last answer of the server, or of the network.
    waited_s : float
        Seconds waited.
    attempts : int
        Connections tried.
    """

    def __init__(
        self,
        message: str,
        *,
        stage: str,
        last_answer: str,
        waited_s: float,
        attempts: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, **kwargs)
        self.stage = stage
        self.last_answer = last_answer
        self.waited_s = waited_s
        self.attempts = attempts


class AccessError(SidecarError):
    """The server answered and refused; waiting will not help.

    Attributes
    ----------
    errno : int or None
        The server's error number, for instance 1045; None where the client gave up by itself.
    """

    def __init__(self, message: str, *, errno: int | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.errno = errno


class TlsError(AccessError):
    """The two sides accept no common encryption, or the one that was required is missing."""


class StatementError(SidecarError):
    """The server refused one statement of a script.

    Attributes
    ----------
    source : str
        The script's name.
    line, column : int
        Where the statement begins, counted from 1; the column in bytes.
    offset : int
        The same in bytes from the beginning of the decompressed script.
    errno : int
        The server's error number.
    sqlstate : str
        The SQL standard's code for it, five characters.
    statement_start : str
        The statement's beginning.
    table : str or None
        ``schema.table``, where the statement is about one.
    report : LoadReport
        What was done before it.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str,
        line: int,
        column: int,
        offset: int,
        errno: int,
        sqlstate: str,
        statement_start: str,
        table: str | None,
        report: LoadReport,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, **kwargs)
        self.source = source
        self.line = line
        self.column = column
        self.offset = offset
        self.errno = errno
        self.sqlstate = sqlstate
        self.statement_start = statement_start
        self.table = table
        self.report = report

    @property
    def place(self) -> str:
        """``file:line:column``."""
        return f"{self.source}:{self.line}:{self.column}"


class LoadStoppedError(SidecarError):
    """A load ended before its script did, because the connection was lost.

    Attributes
    ----------
    report : LoadReport
        What was done before it.
    """

    def __init__(self, message: str, *, report: LoadReport, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.report = report


class ScriptError(SidecarError):
    """The SQL script itself is broken, or asks for something that is refused."""


class DumpError(SidecarError):
    """A dump could not be made or written; an earlier file is as it was."""


class KeepError(SidecarError):
    """Work could not be kept or restored; earlier snapshots are as they were."""


class LocalServerError(SidecarError):
    """A server on this machine could not be found, installed, started or stopped."""


class DataJointConnectionError(SidecarError):
    """DataJoint could not be connected; its configuration is as it was before."""
