r"""The bytes that the client sends for a statement, which are not quite those of the script.

The client reads lines, in batch mode as well. A server keeps texts, and derives names, from these
bytes (routines, triggers, events; ``CREATE TABLE t AS SELECT 1 /* c */ + 2``):

- CR LF is LF, also within strings and bodies. Each line loses one CR: of CR CR LF one stays, and
  so does a CR that stands elsewhere.
- A backslash at the end of a line is dropped, but not where backslashes escape nothing.
- MySQL's client keeps comments since 8.4, and puts a blank after ``*/`` in front of anything else.
  A comment after the delimiter, on its line, is the end of the statement.
- MariaDB's client, and MySQL's before, drops comments; of one that fills a line the line's end
  stays, of one with several lines nothing.

Where we differ from the client on purpose:

- What the server reads as a comment is one for us too (a hint over several lines; ``--`` in front
  of a control byte, which stays).
- Backslashes in names stay; MySQL's client drops them at the end of a line there too.
- A line that begins with the word ``delimiter`` within a statement keeps its end.
- A plain comment inside of a versioned one is dropped alone; where both stand on one line,
  MariaDB's client drops the rest of the versioned one with it.

Source: what MySQL 9.7's and MariaDB 10.11's clients send, add_line in client/mysql.cc and
batch_readline in client/readline.cc; tests/integration/test_sent_oracle.py compares.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .patterns import past

if TYPE_CHECKING:
    from .items import Statement

COMMENTS_KEPT_SINCE = 80400
"""First long-lived version of MySQL whose client keeps comments; 8.0's drops them."""

LONGEST_NOTE_BYTES = 64 * 1024

# A comment after a statement matters only if the server keeps the statement as text.
_DEFINES = re.compile(rb"(?:/\*M?!\d*\s*)?(?:CREATE|ALTER)\b", re.IGNORECASE)
_WHAT = re.compile(
    rb"\b(?:(PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)"
    rb"|TABLE|VIEW|INDEX|DATABASE|SCHEMA|USER|ROLE|SERVER|SEQUENCE|TABLESPACE)\b",
    re.IGNORECASE,
)
_WHAT_WITHIN_BYTES = 400

NOTE = re.compile(rb"[ \t\v\f\r]{0,1000}(?:\#|--(?:[ \t\v\f]|\r(?!\n)))")
"""A comment to the end of its line, after a delimiter."""

NO_NOTE = re.compile(rb"[ \t\v\f\r]{0,1000}[^ \t\v\f\r#-]")
"""First bytes of a text without such a comment."""

# The client looks at whole characters, and puts the blank in front of the next single byte.
_PASSED_OVER = re.compile(
    rb"(?:\\N|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){0,1000}"
)
_NO_BLANK = re.compile(rb"\s|\\\r?\n|\Z")
_ESCAPED_END = re.compile(rb"\\\r?\n")
_OUTSIDE = re.compile(rb"['\"`]|\\.?", re.DOTALL)
_INSIDE = {quote: re.compile(rb"%s|\\.?" % quote, re.DOTALL) for quote in (b"'", b'"')}


def client_keeps_comments(flavour: str, version: int) -> bool:
    """Return whether the client of a server's version sends comments.

    Parameters
    ----------
    flavour : str
        ``mysql`` or ``mariadb``.
    version : int
        The server's version as versioned comments spell it: 80036 for 8.0.36.
    """
    return flavour == "mysql" and version >= COMMENTS_KEPT_SINCE


def takes_note(text: bytes | bytearray, start: int, delimiter: bytes) -> bool:
    """Return whether a server keeps a comment after a statement's delimiter with the statement.

    Parameters
    ----------
    text : bytes
        The bytes around the statement.
    start : int
        Where it begins.
    delimiter : bytes
        Its delimiter: with one other than a semicolon it may be several, the last of them a
        routine.
    """
    if delimiter != b";":
        return True
    if not _DEFINES.match(text, start):
        return False
    what = _WHAT.search(text, start, start + _WHAT_WITHIN_BYTES)
    return what is not None and what[1] is not None


def as_sent(
    statement: Statement,
    *,
    keep_comments: bool,
    ansi_quotes: bool = False,
    no_backslash_escapes: bool = False,
) -> Statement:
    """Return a statement with the text that the client would send.

    Parameters
    ----------
    statement : Statement
        From the splitter.
    keep_comments : bool
        Whether the client is one that keeps them; see `client_keeps_comments`.
    ansi_quotes, no_backslash_escapes : bool, default False
        How the statement's strings are read; as for `Splitter`.

    Guarantees:
    - if the client changes nothing, the result is the statement itself, not a copy;
    - its place and its end stay: they are in the script.
    """
    sql, comments, note = statement.sql, statement.comments, statement.note
    if not (comments or note or b"\r" in sql or (b"\n" in sql and _ESCAPED_END.search(sql))):
        return statement
    verbatim = b"\"'`" if no_backslash_escapes else b'"`' if ansi_quotes else b"`"
    pieces, at = [], 0
    for start, end in comments:
        pieces.append(_text(sql[at:start], verbatim))
        comment = sql[start:end]
        is_line = not comment.startswith(b"/*")
        if keep_comments or _is_text(comment):
            pieces.append(comment.replace(b"\r\n", b"\n"))
        elif is_line and comment.endswith(b"\n"):
            pieces.append(b"\n")
        at = min(end, len(sql))
        if not is_line and not (keep_comments and comment.startswith(b"/*+")):
            place = _blank_behind(sql, at, comments, keep_comments)
            if place >= 0:
                pieces += [sql[at:place], b" "]
                at = place
    pieces += [_text(sql[at:], verbatim), note.replace(b"\r\n", b"\n")]
    sent = b"".join(pieces).rstrip()
    return statement if sent == sql else statement._replace(sql=sent, comments=(), note=b"")


def _is_text(comment: bytes) -> bool:
    """Return whether something is a comment for the server, and none for the client."""
    return comment.startswith(b"--") and not comment[2:3].isspace() and len(comment) > 2


def _blank_behind(
    sql: bytes, end: int, comments: tuple[tuple[int, int], ...], keep_comments: bool
) -> int:
    """Return where a blank goes after the comment that ends at *end*; -1 for nowhere."""
    place = past(_PASSED_OVER, sql, end)
    if _NO_BLANK.match(sql, place):
        return -1
    is_hint = keep_comments and sql.startswith(b"/*+", place)
    starts = sql.startswith((b"/*", b"#", b"--"), place) and not is_hint
    return -1 if starts and any(place == start for start, _ in comments) else place


def _text(sql: bytes, verbatim: bytes) -> bytes:
    """Return the client's form of the text between two comments: ends of lines, backslashes.

    Parameters
    ----------
    sql : bytes
        No string reaches out of it.
    verbatim : bytes
        Quotes between which backslashes escape nothing.
    """
    sql = sql.replace(b"\r\n", b"\n")
    if b"\\\n" not in sql:
        return sql
    pieces, at, kept = [], 0, 0
    quote = b""
    while found := (_INSIDE[quote] if quote else _OUTSIDE).search(sql, at):
        at = found.end()
        mark = found[0]
        if mark.startswith(b"\\"):
            if mark.endswith(b"\n"):
                pieces.append(sql[kept : found.start()])
                kept = found.start() + 1
        elif quote:
            quote = b""
        elif mark in verbatim:
            closer = sql.find(mark, at)
            at = len(sql) if closer < 0 else closer + 1
        else:
            quote = mark
    return b"".join([*pieces, sql[kept:]])
