"""The tokens of one statement, each with its place, so that some can be replaced.

Comments and white space are left out; the content of versioned comments counts, because some
server will execute it. A statement's rows are not meant to be read in this way: it takes time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class Shape(Enum):
    """Kinds of tokens."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    SIGN = "sign"
    OPEN = "open"
    CLOSE = "close"


class Token(NamedTuple):
    """One token: `text` as it stands in the statement, `start` in bytes.

    A NAME is in quotes, a WORD is a name or a keyword without them (or a number), a TEXT is a
    string; OPEN and CLOSE are the ends of a versioned comment.
    """

    shape: Shape
    text: bytes
    start: int

    @property
    def end(self) -> int:
        """The place after its last byte."""
        return self.start + len(self.text)

    @property
    def word(self) -> bytes:
        """The word in capitals; b"" if it is no word."""
        return self.text.upper() if self.shape is Shape.WORD else b""

    @property
    def name(self) -> str | None:
        """The name that it spells, None if it is no name."""
        if self.shape is Shape.WORD:
            return None if _NUMBER.fullmatch(self.text) else self.text.decode("utf-8", "replace")
        return unquoted(self.text) if self.shape is Shape.NAME else None


class Edit(NamedTuple):
    """A replacement for the bytes from `start` up to `end`."""

    start: int
    end: int
    text: bytes


_NUMBER = re.compile(rb"[0-9]+(?:[eE][0-9]*)?|0[xX][0-9a-fA-F]+")
_COMMENT = rb"/\*(?!M?!)(?:.*?\*/|.*) | (?:\#|--(?=[\x00-\x20\x7f]|\Z))[^\n]*"
_TOKEN = rb"""
    (?: \s+ | %(comment)s )*
    (?: (?P<open> /\*M?![0-9]{0,6} )
      | (?P<name> %(name)s )
      | (?P<text> %(text)s )
      | (?P<word> [\w$\x80-\xff]+ )
      | (?P<close> \*/ )
      | (?P<sign> . ) )?
"""
_VERBATIM = rb"%(quote)s[^%(quote)s]*(?:%(quote)s%(quote)s[^%(quote)s]*)*(?:%(quote)s|\\?\Z)"
_ESCAPED = (
    rb"%(quote)s[^%(quote)s\\]*(?:(?:\\.|%(quote)s%(quote)s)[^%(quote)s\\]*)*(?:%(quote)s|\\?\Z)"
)
# MySQL 9 has bodies of routines in other languages, between $$ and $$ or $js$ and $js$.
_DOLLAR_QUOTE = re.compile(rb"(\$\w*\$).*?\1", re.DOTALL)


@lru_cache(maxsize=4)
def _pattern(ansi_quotes: bool, no_backslash_escapes: bool) -> re.Pattern[bytes]:
    text = _VERBATIM if no_backslash_escapes else _ESCAPED
    names = [_VERBATIM % {b"quote": b"`"}]
    texts = [text % {b"quote": b"'"}]
    double = {b"quote": b'"'}
    if ansi_quotes:
        names.append(_VERBATIM % double)
    else:
        texts.append(text % double)
    parts = {b"comment": _COMMENT, b"name": b"|".join(names), b"text": b"|".join(texts)}
    return re.compile(_TOKEN % parts, re.VERBOSE | re.DOTALL)


def tokens(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> list[Token]:
    """Return the tokens of a statement.

    Parameters
    ----------
    sql : bytes
        The statement; several of them, too, with their semicolons.
    ansi_quotes, no_backslash_escapes : bool, default False
        What quotes and backslashes mean, by the session's sql_mode.

    Guarantees:
    - ``sql[token.start : token.end] == token.text`` for each token, in order, without overlap;
    - the content of a string, a quoted name or a comment is never a token of its own;
    - any bytes get an answer, in time proportional to their length.
    """
    match = _pattern(ansi_quotes, no_backslash_escapes).match
    found: list[Token] = []
    at = depth = 0
    last = b""
    while token := match(sql, at):
        if token.lastgroup is None:
            break
        shape = _SHAPES[token.lastgroup]
        text, start = token.group(token.lastgroup), token.start(token.lastgroup)
        if shape is Shape.CLOSE and not depth:
            shape, text = Shape.SIGN, b"*"  # the product of something and a comment: 2*/* c */3
        elif last == b"AS" and text.startswith(b"$"):
            body = _DOLLAR_QUOTE.match(sql, start)
            if body:
                shape, text = Shape.TEXT, body.group()
        if shape is Shape.OPEN:
            depth += 1
        elif shape is Shape.CLOSE:
            depth -= 1
        found.append(Token(shape, text, start))
        at = start + len(text)
        last = text.upper() if len(text) == 2 else b""
    return found


_SHAPES = {shape.value: shape for shape in Shape}


def unquoted(text: bytes) -> str:
    """Return the text between quotes, decoded; without quotes, the text itself."""
    quote = text[:1]
    if quote in (b"`", b'"', b"'") and len(text) > 1:
        text = text[1:-1].replace(quote * 2, quote)
    return text.decode("utf-8", "replace")


def quoted(name: str) -> bytes:
    """Return a name in backticks, which every sql_mode takes for one."""
    return b"`" + name.encode().replace(b"`", b"``") + b"`"


def edited(sql: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the statement with all edits made; the same object if there are none."""
    pieces, at = [], 0
    for edit in sorted(edits):
        pieces += [sql[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*pieces, sql[at:]]) if pieces else sql
