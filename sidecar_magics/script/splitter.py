r"""Split a SQL script, given as a stream of bytes, into statements and client commands.

The language is what the ``mysql`` client accepts in batch mode (``mysql --commands < script``).
Bytes stay bytes: a dump made without ``--hex-blob`` is not text in any encoding. Only the
statement at hand is kept in memory, each byte is looked at about once, and the items do not depend
on how the script is cut into chunks.

Versioned comments (``/*!40101 ... */``, ``/*M!100100 ... */``) are text like any other: quotes
and delimiters in them count, as with the client (MySQL's takes ``/*M!`` for a plain comment; we
follow MariaDB's). Optimizer hints (``/*+ ... */``) belong to their statement too, but are opaque
as comments are. Plain comments between statements are dropped, those within a statement stay, and
so does one after a routine's delimiter, on its line.

Where we differ from the client on purpose:

- Nothing is rewritten here: a statement's text is the script's, and `sent.as_sent` makes of it what
  the client would send. NUL bytes are taken; the client refuses them without ``--binary-mode``.
- ``DELIMITER`` is obeyed also after a statement on the same line (``END // DELIMITER ;``), where
  the client would swallow the lines that follow. Inside of a statement it is text for both.
- A delimiter may be longer than 15 bytes; one with a backslash or none at all is an error, where
  the client continues with the old one.
- In ``\. file;`` and ``\u schema;`` the delimiter is not part of the argument.
- A short command in the middle of a statement is an error, except ``\g``, ``\G``, ``\c``, ``\q``
  and ``\N``: the statement that the client would send around it stands nowhere in the file.
- A command after another statement on its line ends at the delimiter and must stand on one line.
- A comment in front of a command never hides it; an indented ``-- comment`` does from the client.
- Hints and comments may span lines; the client forgets at the end of a line that it is in a hint.
- Under ANSI_QUOTES a backslash in ``"..."`` is an ordinary byte, as for the server; only
  MariaDB's client knows.
- Like the server, ``--`` begins a comment also in front of a control byte.

The encodings whose second byte may be a quote or a backslash (sjis, gbk, big5) are not known here,
nor to the client unless it is started with them; ``mysqldump`` writes utf8mb4.

Source: behaviour of client/mysql.cc in MySQL 9 and MariaDB 11; tests/integration compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .commands import (
    COMMANDS,
    WORD,
    Call,
    Command,
    Effect,
    by_letter,
    by_word,
    first_argument,
    parse_named,
    read_argument,
)
from .items import ClientCommand, Item, ScriptSyntaxError, Statement
from .patterns import BLANKS, NAME_THEN_DOLLAR, VERSION, Scanner, leap, past, scanner
from .sent import LONGEST_NOTE_BYTES, NO_NOTE, NOTE, takes_note
from .window import Place, Window

__all__ = ["ClientCommand", "Item", "ScriptSyntaxError", "Splitter", "Statement", "split"]

MAX_STATEMENT_BYTES = 1 << 30
"""max_allowed_packet's largest value: no server takes more in one statement."""

_DELIMITER = COMMANDS["delimiter"]
_LONGEST_COMMAND_COMMENT = 256
_TWO_DASHES = re.compile(rb"(?P<line>--)")
_MARKLESS_UTF_16 = re.compile(rb"[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00]")
_MAYBE_FOREIGN = (
    "end that statement with its delimiter (;) first; a script for another kind of server, such as "
    "SQL Server, has to be converted for MySQL."
)
_OTHER_ENCODING = "the file is saved as UTF-{} (PowerShell's > does that); save it again as UTF-8"


def split(chunks: Iterable[bytes], **rules: Any) -> Iterator[Item]:
    """Yield the statements and commands of a whole script; its *rules* are those of `Splitter`."""
    splitter = Splitter(**rules)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


class _Inside(NamedTuple):
    """A quote or a comment that is open."""

    what: str
    closer: bytes
    body: re.Pattern[bytes] | None  # up to the closer, where backslashes escape
    place: Place


class Splitter:
    r"""Find the statements and client commands in a script that arrives in chunks.

    Parameters
    ----------
    delimiter : bytes, default b";"
        The end of a statement. ``DELIMITER`` in the script changes the attribute.
    ansi_quotes : bool, default False
        Whether ``"..."`` is a name (sql_mode ANSI_QUOTES): backslashes in it escape nothing.
    no_backslash_escapes : bool, default False
        Whether backslashes escape nothing in strings either (sql_mode NO_BACKSLASH_ESCAPES).
    dollar_quotes : bool, default False
        Whether ``$tag$...$tag$`` is a string, as it is for MySQL 9, not for MariaDB.
    keep_comments : bool, default True
        Whether the client is one that sends comments (see `sent`). One that does not takes ``--``
        at a statement's beginning for a comment whatever follows.
    max_statement_bytes : int, default 1 GiB
        Longest statement accepted, so that a quote that is never closed doesn't fill the memory.

    All six are attributes that may be changed between two items: the byte at the `end` of the
    last item is the first one read under the new setting, because nothing is ever read ahead.

    Guarantees:
    - the same items for the same script, however it is cut into chunks;
    - ``script[item.offset:][: len(item.sql)] == item.sql`` for every statement;
    - between the items lie only white space, plain comments, delimiters and a byte order mark;
    - items come in the order of the script and do not overlap.
    """

    def __init__(
        self,
        *,
        delimiter: bytes = b";",
        ansi_quotes: bool = False,
        no_backslash_escapes: bool = False,
        dollar_quotes: bool = False,
        keep_comments: bool = True,
        max_statement_bytes: int = MAX_STATEMENT_BYTES,
    ) -> None:
        self.delimiter = delimiter
        self.ansi_quotes = ansi_quotes
        self.no_backslash_escapes = no_backslash_escapes
        self.dollar_quotes = dollar_quotes
        self.keep_comments = keep_comments
        self.max_statement_bytes = max_statement_bytes

        self._window = Window()
        self._start = -1  # where in the window the statement at hand begins; -1 between two
        self._began = Place(1, 1, 0)  # where in the script it began
        self._last_line = 0  # the line on which the last item ended
        self._inside: _Inside | None = None
        self._comments: list[tuple[int, int]] = []  # of the statement at hand
        self._as_line = False  # the statement at hand may be a command that fills its line
        self._mark_read = False

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """Take the next piece of the script and return an iterator over the items complete by now.

        The chunk is taken at once, the items are found one by one as they are asked for. An
        iterator that is left early loses nothing: the next one continues where it stopped.

        Raises
        ------
        ScriptSyntaxError
            While iterating: an unknown command, a bad delimiter, a statement that is too long.
        """
        window = self._window
        if window.final:
            raise ValueError("feed() after finish()")
        done = self._start if self._start >= 0 else window.at
        window.extend(chunk, keep_from=done)
        self._start = min(self._start, 0)
        return iter(self._next, None)

    def finish(self) -> Iterator[Item]:
        """Return an iterator over the rest: the last statement may lack its terminator.

        Raises
        ------
        ScriptSyntaxError
            While iterating: a quote or a comment is still open; the place is where it began.
        """
        self._window.final = True
        return iter(self._next, None)

    # The scan ----------------------------------------------------------------------------------

    def _next(self) -> Item | None:
        """Return the next item, or None if that needs more bytes."""
        window = self._window
        window.hungry = False
        scan = scanner(
            self.delimiter, self.ansi_quotes, self.no_backslash_escapes, self.dollar_quotes
        )
        if not self._mark_read:
            self._read_mark()
        while not window.hungry:
            item: Item | None = None
            if self._inside:
                self._leave(self._inside)
            elif self._as_line:
                item = self._read_line()
            elif self._start < 0:
                item = self._between(scan)
            else:
                item = self._within(scan)
            if item:
                return item
        self._check_size(window.at)
        return self._rest() if window.final else None

    def _read_mark(self) -> None:
        """Skip a UTF-8 byte order mark; refuse the other encodings, of UTF-16 also without one."""
        if self._window.lacks(4):
            return
        self._mark_read = True
        head = bytes(self._window.data[:4])
        if head.startswith(b"\xef\xbb\xbf"):
            self._window.skip_mark(3)
        elif head in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"):
            raise ScriptSyntaxError(_OTHER_ENCODING.format(32), 1, 1, 0)
        elif head.startswith((b"\xff\xfe", b"\xfe\xff")) or _MARKLESS_UTF_16.match(head):
            raise ScriptSyntaxError(_OTHER_ENCODING.format(16), 1, 1, 0)

    def _between(self, scan: Scanner) -> Item | None:
        """Continue to the next statement, or to the next thing that is none."""
        window = self._window
        window.at = past(BLANKS, window.data, window.at)
        if window.lacks(1):
            return None
        word = WORD.match(window.data, window.at)
        if not word or window.data.startswith(self.delimiter, window.at):
            return self._token(scan)
        if window.lacks(max(len(word.group()) + 1, len(self.delimiter))):
            return None
        self._begin()
        command = by_word(word.group())
        # On a line that others share the client looks for a command only at the delimiter, and
        # loses a DELIMITER.
        fills_line = self._began.line != self._last_line
        self._as_line = command is _DELIMITER or (command is not None and fills_line)
        return None

    def _within(self, scan: Scanner) -> Item | None:
        """Continue to the next byte that may mean something."""
        window = self._window
        if self.delimiter == b";":
            window.at = leap(window.data, window.at, dollar_quotes=self.dollar_quotes)
        window.at = past(scan.plain, window.data, window.at)
        return None if window.lacks(1) else self._token(scan)

    def _token(self, scan: Scanner) -> Item | None:
        """Take the delimiter, comment, quote or command that stands here, or one plain byte."""
        window, at = self._window, self._window.at
        if window.data.startswith(b"\\", at):
            return self._backslash()
        if window.data.startswith(self.delimiter, at):
            end = at + len(self.delimiter)
            note = self._note(end)
            return None if note is None else self._end_statement(at, end, note)
        if window.lacks(scan.lookahead):
            return None
        token = scan.token.match(window.data, at)
        if self._start < 0 and not self.keep_comments:
            token = token or _TWO_DASHES.match(window.data, at)
        if 0 <= self._start < at and NAME_THEN_DOLLAR.match(window.data, at - 1):
            token = None  # a dollar within a name quotes nothing
        kind = token.lastgroup if token else None
        if kind == "versioned" and self._start < 0:
            return self._versioned()
        if kind not in ("line", "block"):
            self._begin()
        window.at = token.end() if token else at + 1
        if token and kind in ("quote", "dollar"):
            text = token.group()
            self._inside = _Inside("quote", text, scan.bodies.get(text), window.place(at))
        elif kind in ("line", "block", "hint"):
            closer = b"\n" if kind == "line" else b"*/"
            self._inside = _Inside("comment", closer, None, window.place(at))
        return None

    def _leave(self, inside: _Inside) -> None:
        """Continue to the end of the open quote or comment."""
        window, closer = self._window, inside.closer
        if inside.body:
            window.at = past(inside.body, window.data, window.at)
            # If not at the closer, then at the end or in front of a backslash that is the end.
            found = window.at if window.data.startswith(closer, window.at) else -1
        else:
            found = window.data.find(closer, window.at)
        if found >= 0:
            window.at = found + len(closer)
            self._close(inside)
            return
        if not inside.body:
            window.at = max(window.at, len(window.data) - len(closer) + 1)
        window.hungry = True

    def _close(self, inside: _Inside) -> None:
        """Take down where in the statement a comment was."""
        if self._start >= 0 and inside.what == "comment":
            first = inside.place.offset - self._began.offset
            self._comments.append((first, self._window.at - self._start))
        self._inside = None

    def _note(self, end: int) -> bytes | None:
        """Return the comment after a delimiter that goes with it; None where bytes are missing."""
        window = self._window
        if self._start < 0 or not self.keep_comments or window.data.startswith(b"\n", end):
            return b""
        if not takes_note(window.data, self._start, self.delimiter):
            return b""
        if NO_NOTE.match(window.data, end):
            return b""
        stop = window.data.find(b"\n", end, end + LONGEST_NOTE_BYTES)
        if stop < 0:
            stop = len(window.data)
            if window.lacks(end + LONGEST_NOTE_BYTES - window.at):
                return None
        found = NOTE.match(window.data, end, stop + 1)
        is_note = found is not None and stop - end < LONGEST_NOTE_BYTES
        return bytes(window.data[end:stop]) if is_note else b""

    # Commands ----------------------------------------------------------------------------------

    def _backslash(self) -> Item | None:
        """Take a short command, or the backslash of an N (NULL) or of a line's end as text."""
        window, at = self._window, self._window.at
        if window.lacks(2):
            return None
        letter = bytes(window.data[at + 1 : at + 2])
        if letter in (b"N", b"\n", b"\r", b""):
            self._begin()
            window.at += 1
            return None
        command = self._known(letter)
        if self._start >= 0:
            return self._behind_statement(command)
        self._begin()
        self._as_line = command.takes_argument
        return None if command.takes_argument else self._command(Call(command, b""), at + 2)

    def _behind_statement(self, command: Command) -> Item | None:
        """Take a short command that has a statement before it."""
        at = self._window.at
        if command.effect is Effect.SEND:
            return self._end_statement(at, at + 2)
        if command.effect is Effect.END:
            return self._end_statement(at, at)  # the command comes when it is met again, alone
        if command.effect is Effect.CLEAR:
            dropped = bytes(self._window.data[self._start : at]).rstrip()
            return self._command(Call(command, dropped), at + 2)
        message = (
            f"the client command \\{command.letter.decode()} stands inside the statement that "
            f"begins in line {self._began.line}"
        )
        raise ScriptSyntaxError(message, *self._window.place(at), hint=_MAYBE_FOREIGN)

    def _versioned(self) -> Item | None:
        r"""Begin a statement with a versioned comment, unless that only holds a short command.

        MariaDB's dumps begin with ``/*M!999999\- enable the sandbox mode */``, without a
        terminator, and mysqlbinlog writes ``/*!\C utf8mb4 */``.
        """
        window, at = self._window, self._window.at
        version = VERSION.match(window.data, window.data.index(b"!", at) + 1)
        content = version.end() if version else at
        if window.lacks(content - at + 2):
            return None
        letter = bytes(window.data[content + 1 : content + 2])
        if not window.data.startswith(b"\\", content) or letter == b"N":
            self._begin()
            window.at = content
            return None
        end = window.data.find(b"*/", content, at + _LONGEST_COMMAND_COMMENT)
        if end < 0 and window.lacks(_LONGEST_COMMAND_COMMENT):
            return None
        command = self._known(letter)
        if end < 0:
            message = f"the comment around \\{command.letter.decode()} is not closed"
            raise ScriptSyntaxError(message, *window.place(at))
        self._begin()
        return self._command(Call(command, bytes(window.data[content + 2 : end])), end + 2)

    def _read_line(self) -> Item | None:
        """Take the command that fills the line, or find that it is the start of a statement."""
        window, start = self._window, self._start
        stop = window.data.find(b"\n", window.at)
        if stop < 0:
            stop = window.at = len(window.data)
            window.hungry = not window.final
            if window.hungry:
                return None
        line = bytes(window.data[start:stop])
        self._as_line = False
        window.at = start
        if line.startswith(b"\\"):
            return self._short_with_argument(line)
        call = parse_named(line.rstrip())
        if not call:
            return None
        if call.command is not _DELIMITER and (self.delimiter in line or rb"\g" in line):
            return None
        item = self._command(call, min(stop + 1, len(window.data)))
        self._last_line = 0  # the next line is not shared
        return item

    def _short_with_argument(self, line: bytes) -> ClientCommand:
        command, text = self._known(line[1:2]), line[2:]
        if command is _DELIMITER:
            # Up to where the new delimiter ends, of which the old one may be a part.
            length = first_argument(text)[1]
        else:
            text, found, _ = text.partition(self.delimiter)
            length = len(text) + len(found)
        return self._command(Call(command, text), self._start + 2 + length)

    def _known(self, letter: bytes) -> Command:
        command = by_letter(letter)
        if not command:
            name = letter.decode("ascii", "backslashreplace")
            place = self._window.place(self._window.at)
            raise ScriptSyntaxError(f"unknown client command '\\{name}'", *place)
        return command

    def _command(self, call: Call, end: int) -> ClientCommand:
        """Make an item of a command, and obey it where it concerns the splitting itself."""
        command = call.command
        try:
            argument = read_argument(call)
        except ValueError as error:
            hint = "" if command is not _DELIMITER else "write DELIMITER // or DELIMITER $$."
            raise ScriptSyntaxError(str(error), *self._began, hint=hint) from None
        if command is _DELIMITER:
            self.delimiter = argument
        item = ClientCommand(command.name, argument, *self._began, self._window.offset(end))
        self._go_on(end)
        return item

    # Statements --------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._start < 0:
            self._start = self._window.at
            self._began = self._window.place(self._start)

    def _end_statement(self, stop: int, end: int, note: bytes = b"") -> Item | None:
        """Make an item of the statement at hand, which may turn out to be a named command."""
        window = self._window
        if self._start < 0:
            self._go_on(end)
            return None
        self._check_size(stop)
        whole = bytes(memoryview(window.data)[self._start : stop])
        sql = whole.rstrip()
        # In front of \g the client does not look for a command.
        call = None if window.data.startswith(b"\\", stop) else parse_named(sql)
        if call:
            return self._command(call, end)
        note = note and whole[len(sql) :] + note
        item = Statement(sql, *self._began, window.offset(end), tuple(self._comments), note)
        self._go_on(end)
        return item

    def _go_on(self, end: int) -> None:
        self._window.at = end
        self._start = -1
        self._comments.clear()
        self._last_line = self._window.place(end).line

    def _rest(self) -> Item | None:
        """Make an item of the last statement or command, at the end of the script."""
        if self._inside and self._inside.closer != b"\n":
            message = f"a {self._inside.what} begins here and is never closed"
            if self._start >= 0 and self._began.line < self._inside.place.line:
                # An apostrophe far above may have opened a quote that this one only closes.
                message += f"; its statement begins in line {self._began.line}"
            raise ScriptSyntaxError(message, *self._inside.place)
        end = self._window.at = len(self._window.data)
        if self._inside:
            self._close(self._inside)
        return self._end_statement(end, end)

    def _check_size(self, stop: int) -> None:
        if self._start >= 0 and stop - self._start > self.max_statement_bytes:
            message = f"a statement of more than {self.max_statement_bytes:,} bytes begins here"
            if self._inside:
                message += f"; the {self._inside.what} of line {self._inside.place.line} is open"
            raise ScriptSyntaxError(message, *self._began)
