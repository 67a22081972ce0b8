"""Find the collations and character sets that a statement names, and replace them.

A name counts only where the grammar has a collation: after COLLATE, and where a SET gives a
session its collation. Texts, quoted names, comments and rows do not count.

Source: "Character Sets, Collations, Unicode", MySQL 9 Reference Manual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .insertion import read_insertion
from .tokens import Edit, Shape, Token, quoted, tokens, unquoted

_HINT = re.compile(rb"COLLAT|CHAR|NAMES|USING|_\w+\s*['\"xX]", re.IGNORECASE)
_COLLATION_HINT = re.compile(rb"COLLAT", re.IGNORECASE)
_NAME = re.compile(r"\w+", re.ASCII)
_SHAPES_OF_NAMES = (Shape.WORD, Shape.NAME, Shape.TEXT)
_STARTS = {b"", b"BEGIN", b"THEN", b"ELSE", b"DO"}
_METHODS = {b"BTREE", b"HASH", b"RTREE"}
_NO_NAMES = {"default", "null"}


class Charsets(NamedTuple):
    """The collations and character sets that a statement names, in lower case."""

    collations: set[str]
    charsets: set[str]


def parse_collation_map(text: str) -> dict[str, str]:
    """Read ``FROM=TO,FROM=TO``.

    Raises
    ------
    ValueError
        It is malformed, or replaces a collation by one of another character set; one sentence.
    """
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        old, equals, new = (part.strip() for part in pair.partition("="))
        if not equals or not _NAME.fullmatch(old) or not _NAME.fullmatch(new):
            raise ValueError(f"{pair!r} is not of the form FROM=TO")
        found[old] = new
    return checked_collation_map(found)


def checked_collation_map(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the map with its names in lower case.

    Another character set would need more than another name, because of literals, lengths of keys
    and comparisons with other columns. So it is refused.

    Raises
    ------
    ValueError
        See `parse_collation_map`.
    """
    for old, new in mapping.items():
        if charset_of(old) != charset_of(new):
            raise ValueError(
                f"{new} cannot take the place of {old}: they belong to different character sets,"
                f" {charset_of(old)} and {charset_of(new)}"
            )
    return {old.lower(): new.lower() for old, new in mapping.items()}


def charset_of(collation: str) -> str:
    """Return the character set that a collation belongs to, by its name."""
    charset = collation.lower().partition("_")[0]
    return "utf8mb3" if charset == "utf8" else charset


def names_in(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> Charsets:
    """List the collations and character sets that a statement names, also in versioned comments.

    Guarantees:
    - of an INSERT or REPLACE of values nothing is read.
    """
    found = Charsets(set(), set())
    if read_insertion(sql) or not _HINT.search(sql):
        return found
    statement = tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes)
    for token in _collation_tokens(statement):
        found.collations.add(_spelt(token))
    for token in _charset_tokens(statement):
        found.charsets.add(_spelt(token).lstrip("_"))
    found.collations.difference_update(_NO_NAMES)
    found.charsets.difference_update(_NO_NAMES)
    return found


def may_name_collation(sql: bytes) -> bool:
    """Return quickly whether a statement may name collations."""
    return bool(_COLLATION_HINT.search(sql))


def mapped(statement: list[Token], mapping: Mapping[str, str]) -> list[Edit]:
    """Return the edits that replace collations.

    Parameters
    ----------
    statement : list of Token
        Of a statement.
    mapping : mapping of str to str
        The new collation for each old one, in lower case (`checked_collation_map`).
    """
    edits = []
    for token in _collation_tokens(statement):
        new = mapping.get(_spelt(token))
        if new is not None:
            edits.append(Edit(token.start, token.end, _spelt_like(token, new)))
    return edits


def _collation_tokens(statement: list[Token]) -> Iterator[Token]:
    for at, place in _places(statement):
        if place == b"COLLATE" or place.startswith((b"COLLATION_", b"DEFAULT_COLLATION_")):
            yield statement[at]


def _charset_tokens(statement: list[Token]) -> Iterator[Token]:
    for at, place in _places(statement):
        if place in (b"CHARSET", b"NAMES") or place.startswith(b"CHARACTER_SET_"):
            yield statement[at]
    for at, token in enumerate(statement):
        before = statement[at - 1].word if at else b""
        after = statement[at + 1] if at + 1 < len(statement) else None
        if after is None:
            continue
        introduces = token.word.startswith(b"_") and (
            after.shape is Shape.TEXT or after.word.startswith(b"0X") or _is_hex(statement, at + 1)
        )
        converts = before == b"USING" and after.text == b")" and token.word not in _METHODS
        if introduces or converts:
            yield token


def _is_hex(statement: list[Token], at: int) -> bool:
    """Distinguish x'00' and b'01' from a name before a text."""
    texts = statement[at : at + 2]
    return len(texts) == 2 and texts[0].word in (b"X", b"B") and texts[1].shape is Shape.TEXT


def _places(statement: list[Token]) -> Iterator[tuple[int, bytes]]:
    """Yield the index of each token that is a value of COLLATE, CHARSET or a SET's variable."""
    sets = False
    at = 0
    words = [token.word for token in statement]
    while at < len(statement):
        word, before = words[at], _before(statement, at)
        if word == b"SET" and before in _STARTS:
            sets = True
        elif statement[at].text == b";":
            sets = False
        is_variable = (
            sets and before != b"@" and word.startswith((b"COLLATION_", b"CHARACTER_SET_"))
        )
        is_variable = is_variable or (sets and word.startswith(b"DEFAULT_COLLATION_"))
        if word in (b"CHARACTER", b"CHAR") and words[at + 1 : at + 2] == [b"SET"]:
            at, word = at + 1, b"CHARSET"
        if is_variable or word in (b"COLLATE", b"CHARSET") or (sets and word == b"NAMES"):
            at = _value(statement, at + 1)
            if at < len(statement) and statement[at].shape in _SHAPES_OF_NAMES:
                yield at, word
            continue
        at += 1


def _before(statement: list[Token], at: int) -> bytes:
    """Return the word before a token; ``@`` for a user variable, b"" for none."""
    at -= 1
    while at >= 0 and statement[at].shape is Shape.OPEN:
        at -= 1
    if at < 0 or statement[at].text == b";":
        return b""
    token = statement[at]
    if token.text == b"@" and at > 0 and statement[at - 1].text == b"@":
        return b"@@"
    return token.word or token.text


def _value(statement: list[Token], at: int) -> int:
    while at < len(statement) and statement[at].text in (b":", b"="):
        at += 1
    return at


def _spelt(token: Token) -> str:
    return unquoted(token.text).lower()


def _spelt_like(token: Token, name: str) -> bytes:
    """Spell a collation with the quotes that the other one had."""
    if token.shape is Shape.NAME:
        return quoted(name)
    quote = token.text[:1] if token.shape is Shape.TEXT else b""
    return quote + name.encode() + quote
