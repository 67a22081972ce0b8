"""The cursor's place: on which of our magics' lines, in which word, and in which quotes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGICS = (
    "mysql_wait",
    "mysql_up",
    "mysql_load",
    "mysql_dump",
    "mysql_keep",
    "mysql_doctor",
    "datajoint_connect",
)

_NAMES = "|".join(MAGICS)
# Allowed before a magic: magics that take code (%time, %timeit -n 1), an assignment.
_LINE = re.compile(
    rf"""
    \s*
    (?: %{{1,2}} (?!{_NAMES}) [^\W\d]\w* \s+ (?: -\w+ \s+ (?: \d+ \s+ )? )* )*
    (?: [^%\#\s'"=!] [^%\#=!]* = \s* )?
    (?P<signs> %{{1,2}} ) (?P<magic> {_NAMES} ) (?P<gap> \s+ ) (?P<rest> .* )
    """,
    re.VERBOSE | re.DOTALL,
)
_CELL_LINE = re.compile(r"\s*%%\s*(?P<magic>\w+)")
_SPACE = " \t\r\n"


class Word(NamedTuple):
    """A word of a line.

    Parameters
    ----------
    raw : str
        As it is written, with its quotes.
    text : str
        Its value.
    quote : str
        The quotation mark that is still open at its end, or nothing.
    """

    raw: str
    text: str
    quote: str = ""


class Cursor(NamedTuple):
    """A place on the line of one of our magics.

    Parameters
    ----------
    magic : str
        Its name.
    is_cell : bool
        Whether it has two percent signs, and its SQL below it.
    before : tuple of str
        The words before the one at the cursor.
    word : Word
        The word that ends at the cursor; empty where a new one begins.
    """

    magic: str
    is_cell: bool
    before: tuple[str, ...]
    word: Word


def find_place(lines: Sequence[str], at: int, column: int) -> Cursor | None:
    """Find out whether the cursor is among the words of one of our magics.

    Parameters
    ----------
    lines : sequence of str
        The cell.
    at : int
        Number of the line with the cursor, from 0.
    column : int
        Characters of that line before the cursor.

    Returns
    -------
    Place or None
        None where it is in Python, in the SQL below a ``%%mysql_load``, or still in the magic's
        name.
    """
    first = at
    while first > 0 and lines[first - 1].rstrip("\r\n").endswith("\\"):
        first -= 1  # a magic's line continues after a backslash, as Python's does
    cell_magics = _cell_magics(lines)
    if any(name in MAGICS for name in cell_magics[:first]):
        return None
    parts = [line.rstrip("\r\n")[:-1] for line in lines[first:at]]
    match = _LINE.fullmatch(" ".join([*parts, lines[at][:column]]))
    if match is None:
        return None
    is_cell = match["signs"] == "%%"
    if is_cell and first >= len(cell_magics):
        return None  # two signs mean something in a cell's first line only
    *before, word = split_words(match["rest"])
    return Cursor(match["magic"], is_cell, tuple(each.text for each in before), word)


def _cell_magics(lines: Sequence[str]) -> list[str]:
    """Return the names of the magics that a cell begins with, a line each; "" for an empty line."""
    names = []
    for line in lines:
        match = _CELL_LINE.match(line)
        if match is None and line.strip():
            break
        names.append("" if match is None else match["magic"])
    return names


def split_words(text: str) -> list[Word]:
    """Split the beginning of a line into words, as `lines.split_line` does with a whole one.

    Returns
    -------
    list of Word
        The last one ends with the text; it is empty if the text ends with white space.
    """
    words: list[Word] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        word, at = _read_word(text, at)
        words.append(word)
        if at >= len(text):
            return words


def _read_word(text: str, start: int) -> tuple[Word, int]:
    escapes = "" if os.name == "nt" else "\\"
    plain: list[str] = []
    quote = ""
    at = start
    while at < len(text):
        character = text[at]
        following = text[at + 1 : at + 2]
        if quote != "'" and character in escapes and (not quote or following in ("\\", quote)):
            plain.append(following)
            at += 1
        elif quote:
            if character == quote:
                quote = ""
            else:
                plain.append(character)
        elif character in "'\"":
            quote = character
        elif character in _SPACE:
            break
        else:
            plain.append(character)
        at += 1
    return Word(text[start : min(at, len(text))], "".join(plain), quote), at


def quoted(text: str, quote: str = "", *, is_open: bool = False) -> str:
    """Return a word so that `split_words` reads it as it is.

    Parameters
    ----------
    text : str
        Its value.
    quote : str, default ""
        The quotation mark that was begun with; by default one only where it is needed.
    is_open : bool, default False
        Whether to leave the quotation open, since more is to come.
    """
    if not quote and not re.search(r"[\s'\"\\]", text):
        return text
    if os.name == "nt":
        quote = quote or ('"' if '"' not in text else "'")
        inside = text
    elif (quote or "'") == "'" and "'" not in text:
        quote, inside = "'", text
    else:
        # Also for an apostrophe in what began with one: it could not stand between such.
        quote, inside = '"', re.sub(r'([\\"])', r"\\\1", text)
    return f"{quote}{inside}{'' if is_open else quote}"
