"""A shell script as commands of words, as far as that is certain without a shell.

What the shell would put in (variables, what a command prints, a list in braces) makes a script
uncertain. Source: POSIX.1-2017, Shell Command Language, 2.2 "Quoting" and 2.3 "Token Recognition".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Uncertain(Exception):
    """What is there cannot be converted with certainty; the text says why, without quoting it."""


class Remark(NamedTuple):
    """A comment, with its ``#``."""

    text: str


class Sign(str):
    """What the shell itself reads, such as ``<``; the same in quotes is a word."""

    __slots__ = ()


_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
# Errors that are not shown, or shown among the rest.
_QUIET = re.compile(r"2>[ \t]*(?:/dev/null|&1)(?=[\s;&|]|\Z)")
_SIGN = re.compile(r"\d*(?:<<<|<<-?|<>|<&|>&|>>|>\||[<>])|&>>?|&&|\|\||\|&|;;|[;&|()]|\n")
_ENDS = {";", "&&", "\n"}
# The parts of a word.
_PLAIN = re.compile(r"[^ \t\n\\'\"`${;&|<>()]+")
_ESCAPED = re.compile(r"\\([^\n]?)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_PUT_IN = re.compile(r"(?:[^\\]|\\.)*?[$`]", re.DOTALL)
_ESCAPE_IN_DOUBLE = re.compile(r"\\([$`\"\\\n])")


def commands(script: str) -> Iterator[list[str] | Remark]:
    """Yield each command's words, among them signs, and each comment.

    Parameters
    ----------
    script : str
        One or several lines.

    Raises
    ------
    Uncertain
        What the words are cannot be said without a shell.
    """
    words: list[str] = []
    remarks: list[Remark] = []
    for token in _tokens(script):
        if isinstance(token, Remark):
            remarks.append(token)
        elif isinstance(token, Sign) and token in _ENDS:
            if words:
                yield words
            yield from remarks
            words, remarks = [], []
        else:
            words.append(token)
    if words:
        yield words
    yield from remarks


def _tokens(script: str) -> Iterator[str | Remark]:
    at = 0
    while at < len(script):
        if found := _BLANK.match(script, at) or _QUIET.match(script, at):
            at = found.end()
        elif found := _COMMENT.match(script, at):
            at = found.end()
            yield Remark(found.group().rstrip())
        elif found := _SIGN.match(script, at):
            at = found.end()
            yield Sign(found.group())
        else:
            word, at = _word(script, at)
            yield word


def _word(script: str, at: int) -> tuple[str, int]:
    """Return the word that begins here, without its quotes, and where it ends."""
    parts: list[str] = []
    while at < len(script):
        if found := _PLAIN.match(script, at) or _SINGLE.match(script, at):
            parts.append(found[found.lastindex or 0])
        elif found := _DOUBLE.match(script, at):
            parts.append(_in_double_quotes(found[1]))
        elif script.startswith("\\\n", at):
            at += 2
            continue
        elif found := _ESCAPED.match(script, at):
            if not found[1] or found[1].isalnum():
                raise Uncertain("a backslash stands before a letter, as in a path of Windows")
            parts.append(found[1])
        elif script[at] in "'\"":
            raise Uncertain("a quote is not closed")
        elif script[at] in "$`":
            raise Uncertain("a variable of the shell, or what a command prints, is put in")
        elif script[at] == "{":
            raise Uncertain("there is a brace, which may be a list")
        else:
            break
        at = found.end()
    return "".join(parts), at


def _in_double_quotes(text: str) -> str:
    if _PUT_IN.match(text):
        raise Uncertain("a variable of the shell, or what a command prints, is put in")
    return _ESCAPE_IN_DOUBLE.sub(lambda found: found[1].replace("\n", ""), text)
