"""The client's own commands: ``DELIMITER``, ``source``, ``use`` and the others.

A command is an order to the ``mysql`` program, not to the server, which would answer it with a
syntax error. Each has a long name, at the beginning of a line, and most have a short one, a
backslash and a letter, anywhere outside of quotes and comments. This table holds those of MySQL
and of MariaDB together; `Effect` says what each would have done.

Source: "mysql Client Commands", MySQL 9 Reference Manual; "mariadb Command-Line Client", MariaDB
Knowledge Base.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple, Optional


class Effect(Enum):
    """What a command is for, from the point of view of whoever runs a script."""

    DELIMITER = "changes what ends a statement"
    SEND = "ends the statement before it; nothing to do where there is none"
    CLEAR = "drops the statement before it"
    USE = "changes the default schema"
    SOURCE = "runs another script at this place"
    CHARSET = "changes the connection's character set, as SET NAMES does"
    RESET_CONNECTION = "makes the session new"
    END = "ends the script"
    IGNORE = "only concerns a terminal"
    REFUSE = "runs a program, writes a file of the user's, or goes to another server"


class Command(NamedTuple):
    """One of the client's commands."""

    name: str
    short: bytes
    takes_argument: bool
    effect: Effect


_TABLE = (
    Command("charset", b"C", True, Effect.CHARSET),
    Command("clear", b"c", False, Effect.CLEAR),
    Command("connect", b"r", True, Effect.REFUSE),
    Command("delimiter", b"d", True, Effect.DELIMITER),
    Command("edit", b"e", False, Effect.REFUSE),
    Command("ego", b"G", False, Effect.SEND),
    Command("go", b"g", False, Effect.SEND),
    Command("help", b"h", True, Effect.IGNORE),
    Command("nopager", b"n", False, Effect.IGNORE),
    Command("notee", b"t", False, Effect.IGNORE),
    Command("nowarning", b"w", False, Effect.IGNORE),
    Command("pager", b"P", True, Effect.REFUSE),
    Command("print", b"p", False, Effect.IGNORE),
    Command("prompt", b"R", True, Effect.IGNORE),
    Command("query_attributes", b"", True, Effect.IGNORE),
    Command("quit", b"q", False, Effect.END),
    Command("rehash", b"#", False, Effect.IGNORE),
    Command("resetconnection", b"x", False, Effect.RESET_CONNECTION),
    # MariaDB's own: from here on the client refuses what we refuse anyway (MDEV-21178).
    Command("sandbox", b"-", False, Effect.IGNORE),
    Command("source", b".", True, Effect.SOURCE),
    Command("ssl_session_data_print", b"", True, Effect.REFUSE),
    Command("status", b"s", False, Effect.IGNORE),
    Command("system", b"!", True, Effect.REFUSE),
    Command("tee", b"T", True, Effect.REFUSE),
    Command("use", b"u", True, Effect.USE),
    Command("warnings", b"W", False, Effect.IGNORE),
)

COMMANDS = {command.name: command for command in _TABLE}
"""Every command by its long name."""

_BY_WORD = {
    **{command.name.encode(): command for command in _TABLE},
    b"exit": COMMANDS["quit"],
    b"?": COMMANDS["help"],
}
_BY_LETTER = {
    **{command.short: command for command in _TABLE if command.short},
    b"?": COMMANDS["help"],
}

LONGEST_WORD = max(map(len, _BY_WORD))
"""Length of the longest long name in bytes; a longer word cannot become a command."""

_NAMED = re.compile(rb"([A-Za-z_]+|\?)(?:[ \t]+([^\n]*))?\Z")
_ARGUMENT = re.compile(rb"""\s*(?:'([^']*)'?|"([^"]*)"?|`([^`]*)`?|(\S*))""")


def by_word(word: bytes) -> Optional[Command]:  # noqa: UP045 - evaluated on 3.9 by readers' tools
    """Return the command whose long name is *word*, in any case, or None."""
    return _BY_WORD.get(word.lower())


def by_letter(letter: bytes) -> Optional[Command]:  # noqa: UP045
    """Return the command that a backslash and *letter* stand for, or None."""
    return _BY_LETTER.get(letter)
