"""The items of a script: statements and client commands, each with its place."""

from __future__ import annotations

from typing import NamedTuple, Union


class Statement(NamedTuple):
    """One statement, exactly as it stands in the script.

    `sql` runs from its first byte to the last one in front of its terminator, without white space
    at the end; `line` and `column` (in bytes) count from 1; `offset` is where it begins in the
    script, `end` the place after its terminator. `comments` are the plain comments and hints in it,
    by their first byte in `sql` and the one after them; `note` is the blanks and the comment that
    follow its terminator on the same line, where a client would keep them with the statement. What
    the client makes of all that is `sent.as_sent`.
    """

    sql: bytes
    line: int
    column: int
    offset: int
    end: int
    comments: tuple[tuple[int, int], ...] = ()
    note: bytes = b""


class ClientCommand(NamedTuple):
    """One order to the client; `name` is its long name, `argument` is without quotes.

    For ``clear`` the argument is the statement that was dropped, and the place is where that
    began.
    """

    name: str
    argument: bytes
    line: int
    column: int
    offset: int
    end: int


Item = Union[Statement, ClientCommand]


class ScriptSyntaxError(ValueError):
    """The script cannot be split; `line`, `column` and `offset` say where that begins.

    `hint` is what to do about it, if that is known.
    """

    def __init__(
        self, message: str, line: int, column: int, offset: int, *, hint: str = ""
    ) -> None:
        super().__init__(message, line, column, offset)
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column
        self.offset = offset

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"
