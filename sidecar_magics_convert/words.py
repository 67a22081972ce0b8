"""A shell script as commands of words, as far as that is certain without a shell.

What the shell would put in (variables, what a command prints, a list in braces) makes a script
uncertain. Source: POSIX.1-2017, Shell Command Language, 2.2 "Quoting", 2.3 "Token Recognition" and
2.7.4 "Here-Document".

No library does this: bashlex is under the GPL, `shlex` does not distinguish a sign from the same
character in quotes, and tree-sitter's bash grammar leaves quoting to its user, needs a compiled
package and continues after errors, where a converter has to stop.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Uncertain(Exception):
    """What is there cannot be converted with certainty; the text says why, without a password."""


class Remark(NamedTuple):
    """A comment, with its ``#``."""

    text: str


class Sign(str):
    """What the shell itself reads, such as ``<``; the same in quotes is a word."""

    __slots__ = ()


_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
# What is not shown, or shown among the rest.
_QUIET = re.compile(r"(?:\d?>>?|&>)[ \t]*/dev/null(?=[\s;&|]|\Z)|2>&1(?=[\s;&|]|\Z)")
_SIGN = re.compile(r"\d*(?:<<<|<<-?|<>|<&|>&|>>|>\||[<>])|&>>?|&&|\|\||\|&|;;|[;&|()]|\n")
_ENDS = {";", "&&", "\n"}
# A text within a script: what it ends with, and whether the shell puts something into it.
_HERE = re.compile(
    r"<<(?P<tabs>-?)[ \t]*(?:(?P<quote>['\"])(?P<quoted>[^'\"\n]+)(?P=quote)|(?P<plain>[\w.+-]+))"
)
# The parts of a word.
_PLAIN = re.compile(r"[^ \t\n\\'\"`${;&|<>()]+")
_ESCAPED = re.compile(r"\\([^\n]?)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_PUT_IN = re.compile(r"(?:[^\\]|\\.)*?[$`]", re.DOTALL)
_ESCAPE_IN_DOUBLE = re.compile(r"\\([$`\"\\\n])")
_ESCAPE_IN_TEXT = re.compile(r"\\([$`\\\n])")
# What comes before the text, or the word, that a command reads.
TEXT = Sign("<<<")


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
        elif not script.startswith("<<<", at) and (here := _HERE.match(script, at)):
            at = here.end()
            text, script = _text_behind(script, here)
            yield from (TEXT, text)
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


def _text_behind(script: str, here: re.Match[str]) -> tuple[str, str]:
    """Return the text that ``<<EOF`` stands for, and the script without it."""
    end_of_line = script.find("\n", here.end()) + 1
    if not end_of_line or re.search(r"[\\'\"]", script[here.end() : end_of_line]):
        raise Uncertain("where its text ends cannot be seen")
    end = re.escape(here["quoted"] or here["plain"])
    before = r"\t*" if here["tabs"] else ""
    last = re.compile(rf"^{before}{end}$\n?", re.MULTILINE).search(script, end_of_line)
    if last is None:
        raise Uncertain("where its text ends cannot be seen")
    text = script[end_of_line : last.start()]
    if here["tabs"]:
        text = re.sub(r"^\t+", "", text, flags=re.MULTILINE)
    if not here["quote"]:
        text = _put_in_nothing(text, _ESCAPE_IN_TEXT)
    return text, script[:end_of_line] + script[last.end() :]


def _in_double_quotes(text: str) -> str:
    return _put_in_nothing(text, _ESCAPE_IN_DOUBLE)


def _put_in_nothing(text: str, escapes: re.Pattern[str]) -> str:
    """Return a text as the shell makes it, if it puts nothing of its own into it."""
    if _PUT_IN.match(text):
        raise Uncertain("a variable of the shell, or what a command prints, is put in")
    return escapes.sub(lambda found: found[1].replace("\n", ""), text)
