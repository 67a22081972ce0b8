"""The client's own commands: ``DELIMITER``, ``source``, ``use`` and the others.

A command is an order to the ``mysql`` program, not to the server, which would answer it with a
syntax error. Each has a long name, at the beginning of a line, and most have a short one, a
backslash and a letter, anywhere outside of quotes and comments. The table holds those of MySQL
and of MariaDB together; `Effect` has the purpose of each.

Source: "mysql Client Commands", MySQL 9 Reference Manual; "mariadb Command-Line Client", MariaDB
Knowledge Base.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Effect(Enum):
    """The effect of a command, for a program that runs a script."""

    DELIMITER = "changes what ends a statement"
    SEND = "ends the statement before it; nothing to do where there is none"
    CLEAR = "drops the statement before it"
    USE = "changes the default schema"
    SOURCE = "runs another script at this place"
    CHARSET = "changes the connection's character set, as SET NAMES does"
    RESET_CONNECTION = "makes the session new"
    SANDBOX = "forbids the rest of the script whatever touches this machine"
    END = "ends the script"
    IGNORE = "only concerns a terminal"
    REFUSE = "runs a program, writes a file of the user's, or goes to another server"


class Command(NamedTuple):
    """One of the client's commands."""

    name: str
    letter: bytes
    takes_argument: bool
    effect: Effect


class Call(NamedTuple):
    """A command as a script gives it, with its argument as written."""

    command: Command
    argument: bytes


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
    Command("sandbox", b"-", False, Effect.SANDBOX),
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
    **{command.letter: command for command in _TABLE if command.letter},
    b"?": COMMANDS["help"],
}

LONGEST_WORD = max(map(len, _BY_WORD))
"""Length of the longest long name in bytes; a longer word is no command."""

WORD = re.compile(rb"\?|[A-Za-z_]{1,%d}" % (LONGEST_WORD + 1))
"""A possible long name; a longer word is cut off, as it is none."""

_ARGUMENT_NEEDED = {
    Effect.DELIMITER: "the string that is to end statements",
    Effect.USE: "a schema's name",
    Effect.SOURCE: "a file's name",
    Effect.CHARSET: "a character set's name",
}

# One quoted or bare word. A quote that is never closed reaches to the end, as in the client.
_FIRST_ARGUMENT = re.compile(
    rb"""[ \t]*(?:'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|[^\s]*)""", re.DOTALL
)


def effect_of(name: str) -> Effect:
    """Return the effect of the command with the long name *name*."""
    return COMMANDS[name].effect


def by_word(word: bytes) -> Command | None:
    """Return the command whose long name is *word*, in any case, or None."""
    return _BY_WORD.get(word.lower())


def by_letter(letter: bytes) -> Command | None:
    """Return the command that a backslash and *letter* stand for, or None."""
    return _BY_LETTER.get(letter)


def parse_named(text: bytes) -> Call | None:
    r"""Read *text*, one line without its terminator, as a command with its long name.

    Guarantees:
    - None for a text that is for the server: one of more than one line, with a first word that
      names no command, an argument to a command that takes none (``status of the nation``);
    - the time taken does not depend on the length of a text that is no command.
    """
    word = WORD.match(text)
    command = word and by_word(word.group())
    if not word or not command or text[word.end() : word.end() + 1] not in (b"", b" ", b"\t"):
        return None
    argument = text[word.end() :].strip()
    if b"\n" in argument or (argument and not command.takes_argument):
        return None
    return Call(command, argument)


def first_argument(text: bytes) -> tuple[bytes, int]:
    """Return the first word of *text* without its quotes, and where it ends in *text*.

    Guarantees:
    - quotes of any of the three kinds are taken off, and a doubled one inside becomes one;
    - a word without quotes ends at white space;
    - no word gives an empty one.
    """
    match = _FIRST_ARGUMENT.match(text)
    if not match:  # the pattern matches the empty word; this is for the type checker
        return b"", 0
    word = match.group().lstrip(b" \t")
    quote = word[:1]
    if quote in (b"'", b'"', b"`"):
        inner = word[1:-1] if len(word) > 1 and word.endswith(quote) else word[1:]
        word = inner.replace(quote * 2, quote)
    return word, match.end()


def read_argument(call: Call) -> bytes:
    """Return a command's argument as the command itself understands it.

    Guarantees:
    - a delimiter, a schema or a character set is the first word, without its quotes (so do the
      clients of MariaDB and MySQL 8; MySQL 9's lets the server refuse ``use 'lab'``);
    - a file's name is the rest of the line, blanks within it included;
    - what ``clear`` dropped is returned untouched.

    Raises
    ------
    ValueError
        The command is nothing without an argument and has none, or a delimiter has a backslash.
    """
    (name, _, takes_argument, effect), argument = call
    if effect is Effect.CLEAR:
        return argument
    argument = argument.strip() if takes_argument else b""
    if effect in (Effect.DELIMITER, Effect.USE, Effect.CHARSET):
        if effect is Effect.USE and argument[:1] not in (b"'", b'"', b"`"):
            argument = argument.partition(b"/*")[0]  # `use lab/* comment */`: clients drop it
        argument = first_argument(argument)[0]
    if not argument and effect in _ARGUMENT_NEEDED:
        raise ValueError(f"{name} must be followed by {_ARGUMENT_NEEDED[effect]}")
    if effect is Effect.DELIMITER and b"\\" in argument:
        raise ValueError("a delimiter cannot contain a backslash")
    return argument
