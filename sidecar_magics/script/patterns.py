"""The splitter's regular expressions, which find the next byte of SQL that means something.

Repetitions with more than one way to go are bounded (``{0,1000}``) and called again until they
make no progress: the engine keeps a record of each turn of such a loop, hundreds of megabytes for
one long string. Nothing follows a loop that could make it turn back, and no two branches begin
with the same byte, so that a failed attempt costs as much as a successful one. Where the engine can
promise not to turn back, it keeps no record at all: see `possessive`.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import NamedTuple

# Python has them since 3.11; some read on wrongly until 3.11.5.
# Source: "What's new in Python 3.11", and issue 106052 of CPython.
_HAS_POSSESSIVE = sys.version_info >= (3, 11, 5)


def possessive(repetition: bytes) -> bytes:
    """Return a possessive repetition, on a Python that has these: it never gives bytes back.

    Only where no match can continue with the repeated bytes: there the result is the same, in a
    third to half of the time.

    Parameters
    ----------
    repetition : bytes
        A pattern that ends with a quantifier.
    """
    return repetition + b"+" * _HAS_POSSESSIVE


QUOTES = b"'\"`"

BLANKS = re.compile(rb"[ \t\n\r\v\f]*")

NAME_THEN_DOLLAR = re.compile(rb"[\w$\x80-\xff]\$")

VERSION = re.compile(rb"[0-9]{0,6}[ \t]{0,8}")
"""The version between ``/*!`` and a comment's content."""

# Two dashes begin a comment only in front of white space or a control byte.
# Source: "Comments", MySQL 9 Reference Manual.
_TOKEN = rb"""
    (?P<line> \# | -- (?= [\x00-\x20\x7f] | \Z ) )
  | (?P<versioned> /\*M?! )
  | (?P<hint> /\*\+ )
  | (?P<block> /\* )
  | (?P<quote> ['"`] )
"""
_DOLLAR_QUOTE = rb"| (?P<dollar> \$ [\w\x80-\xff]{0,64} \$ )"
_LONGEST_DOLLAR_QUOTE = 66
_LONGEST_TOKEN = 4

_RUN = possessive(rb"[^%(quote)s\\]*")
# The content of quotes, where a backslash escapes the byte after it.
ESCAPED_BODY = _RUN + possessive(rb"(?:\\." + _RUN + b"){0,1000}")
_VERBATIM_BODY = possessive(rb"[^%(quote)s]*")


class Scanner(NamedTuple):
    """The patterns for one delimiter and one sql_mode.

    Attributes
    ----------
    plain : re.Pattern
        Matches a run of ordinary bytes and whole quoted strings, which may be empty.
    token : re.Pattern
        Matches the beginning of a comment or a quote, in a group with its kind's name.
    lookahead : int
        How many bytes `token` must see to be sure.
    bodies : dict
        For a quote in which backslashes escape: matches its content.
    """

    plain: re.Pattern[bytes]
    token: re.Pattern[bytes]
    lookahead: int
    bodies: dict[bytes, re.Pattern[bytes]]


LEAP_BYTES = 512  # below, a pattern is as fast
_STOPS_LEAP = (b"\\", b'"', b"`", b"#", b"/", b"--")
_NAMES = re.compile(possessive(rb"(?:[\w\s.,()]+|`[^`]*`){0,1000}"))


def leap(data: bytearray, at: int, *, dollar_quotes: bool) -> int:
    """Return the end of a run of names, numbers and simple strings.

    Most of a dump is rows of numbers and short texts. Where there is no backslash, comment or other
    quote at all, every other quote ends a string, and to count them is several times as fast as a
    pattern.

    Parameters
    ----------
    data : bytearray
        Where to look.
    at : int
        Where to begin: outside of strings and comments.
    dollar_quotes : bool
        Whether ``$`` may quote.

    Returns
    -------
    int
        Where the next semicolon or string stands, or the last byte; `at` itself where a pattern has
        to look.
    """
    if data.find(b";", at, at + LEAP_BYTES) >= 0:
        return at
    stops = _STOPS_LEAP + (b"$",) * dollar_quotes
    start = past(_NAMES, data, at)  # INSERT INTO `table` VALUES (
    # Near by first: where comments are close together, each would look far for nothing.
    if any(data.find(other, start, start + LEAP_BYTES) >= 0 for other in stops):
        return at
    stop = data.find(b";", start)
    if stop < 0:
        stop = len(data) - 1  # the last byte may be one half of a comment's beginning
    if stop - start < LEAP_BYTES:
        return at
    if data.count(b"'", start, stop) % 2:
        stop = data.rfind(b"'", start, stop)
    return at if any(data.find(other, start, stop + 1) >= 0 for other in stops) else stop


def past(pattern: re.Pattern[bytes], data: bytes | bytearray, at: int) -> int:
    """Return where *pattern*, which matches anywhere, applied again and again, stops."""
    while True:
        match = pattern.match(data, at)
        if match is None or match.end() == at:
            return at
        at = match.end()


@lru_cache(maxsize=64)
def scanner(
    delimiter: bytes, ansi_quotes: bool, no_backslash_escapes: bool, dollar_quotes: bool
) -> Scanner:
    """Return the patterns for one delimiter and one set of rules for quotes."""
    if not delimiter:
        raise ValueError("the delimiter is empty")
    escaped = b"" if no_backslash_escapes else b"'" if ansi_quotes else b"'\""
    bodies = {_byte(quote): ESCAPED_BODY % {b"quote": _byte(quote)} for quote in escaped}
    token = _TOKEN + _DOLLAR_QUOTE * dollar_quotes
    longest = _LONGEST_DOLLAR_QUOTE + 1 if dollar_quotes else _LONGEST_TOKEN
    return Scanner(
        plain=re.compile(_plain(delimiter, bodies, dollar_quotes), re.DOTALL),
        token=re.compile(token, re.VERBOSE),
        lookahead=max(longest, len(delimiter)),
        bodies={quote: re.compile(body, re.DOTALL) for quote, body in bodies.items()},
    )


def _plain(delimiter: bytes, bodies: dict[bytes, bytes], dollar_quotes: bool) -> bytes:
    """Spell `Scanner.plain`: runs of bytes that stop nothing, and harmless ones of the others."""
    first, second = delimiter[:1], delimiter[1:2]
    # Bytes that mean something only in front of certain others.
    before = {b"-": b"-", b"/": b"*"}
    always = QUOTES + rb"\#" + b"$" * dollar_quotes
    if not second:
        before.pop(first, None)
    elif first not in always:
        before[first] = before.get(first, b"") + second

    harmless = [
        _class(byte) + b"(?=" + _class(next_, no=True) + b")" for byte, next_ in before.items()
    ]
    for number in QUOTES:
        quote = _byte(number)
        if quote != first:
            body = bodies.get(quote, _VERBATIM_BODY % {b"quote": quote})
            harmless.append(quote + body + quote)
    run = possessive(_class(always + b"-/" + first, no=True) + b"*")
    return run + possessive(b"(?:(?:" + b"|".join(harmless) + b")" + run + b"){0,1000}")


def _class(members: bytes, *, no: bool = False) -> bytes:
    return b"[" + b"^" * no + b"".join(b"\\x%02x" % number for number in members) + b"]"


def _byte(number: int) -> bytes:
    return bytes([number])
