"""Suggestions for a place: options with their purpose, their values, files."""

from __future__ import annotations

import os
import re
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import options
from ..options import Values
from ..units import size
from .outline import Outline, outline
from .place import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .place import Cursor, Word

VERBS = {
    "mysql_wait": options.WAIT,
    "mysql_up": options.UP,
    "mysql_load": options.LOAD,
    "mysql_dump": options.DUMP,
    "mysql_keep": options.KEEP,
    "mysql_doctor": options.DOCTOR,
    "datajoint_connect": options.CONNECT,
}
# Names of files, without what says how they are compressed.
FILES = {
    Values.SCRIPTS: re.compile(r"\.sql\b|\.zip$", re.IGNORECASE),
    Values.CERTIFICATES: re.compile(r"\.(pem|crt|cer|ca-bundle)$", re.IGNORECASE),
    Values.CONFIGURATIONS: re.compile(r"\.json$", re.IGNORECASE),
    Values.FOLDERS: re.compile(r"(?!)"),
}
_SECRET = re.compile(r"PASS|SECRET|_PWD", re.IGNORECASE)
# Collations that dumps name most and other servers lack, with a substitute; `nearest` finds others.
COLLATIONS = {
    "nearest": "for each that the server lacks",
    "utf8mb4_0900_ai_ci=utf8mb4_unicode_ci": "MySQL 8's, on MariaDB",
    "utf8mb4_uca1400_ai_ci=utf8mb4_0900_ai_ci": "MariaDB's, on MySQL",
}
MOST_OFFERED = 500


class Suggestion(NamedTuple):
    """Something that may be put in.

    Parameters
    ----------
    text : str
        The text that replaces the fragment.
    brief : str
        Its kind, in a few words.
    """

    text: str
    brief: str


def offers(place: Cursor, after: str) -> tuple[str, list[Suggestion]]:
    """Find the suggestions for a place.

    Parameters
    ----------
    place : Cursor
        Where the cursor is.
    after : str
        The line after the cursor: a quotation mark that an editor has closed by itself is there.

    Returns
    -------
    tuple of str and list of Suggestion
        The fragment before the cursor that each takes the place of, and the offers. Where a value
        is wanted that cannot be known, the word as typed is the one suggestion: so no other
        matcher puts in Python's names.
    """
    verb = VERBS[place.magic]
    word = place.word
    option, equals, _ = word.text.partition("=")
    named = _find(verb, option) if equals and option.startswith("--") else None
    if named is not None and named.takes_value:
        value = _within(word, len(option) + 1)
        found = list(_values(named, verb, place, value, after))
        return _or_itself(value, found, named.brief)
    previous = _find(verb, place.before[-1]) if place.before else None
    is_optional = previous is not None and previous.keywords.get("nargs") == "?"
    found = []
    if previous is not None and previous.takes_value:
        found += _values(previous, verb, place, word, after)
        if not is_optional:
            return _or_itself(word, found, previous.brief)
    if word.text.startswith("-"):
        return _or_itself(word, list(_flags(verb, place)))
    script = _script_option(verb, place)
    if script is not None and not is_optional:
        found += _files(FILES[Values.SCRIPTS], word, after)
    if not word.raw:
        found += _flags(verb, place)
    return _or_itself(word, found)


def _or_itself(
    word: Word, found: list[Suggestion], brief: str = ""
) -> tuple[str, list[Suggestion]]:
    if not found and word.raw:
        found = [Suggestion(word.raw, brief or "as it is typed")]
    return word.raw, found[:MOST_OFFERED]


def _find(verb: Sequence[options.Option], flag: str) -> options.Option | None:
    if not flag.startswith("-"):
        return None
    return next((option for option in verb if flag in option.flags and option.brief), None)


def _within(word: Word, length: int) -> Word:
    """Return a word without the option and the equals sign that it begins with."""
    at = word.raw.find("=") + 1
    return word._replace(raw=word.raw[at:], text=word.text[length:])


def _flags(verb: Sequence[options.Option], place: Cursor) -> Iterator[Suggestion]:
    given = {word.partition("=")[0] for word in place.before}
    for option in verb:
        if not option.brief or (given.intersection(option.flags) and not option.is_repeatable):
            continue
        for flag in option.flags:
            if flag.startswith("--") and flag.startswith(place.word.text):
                yield Suggestion(flag, option.brief)


def _script_option(verb: Sequence[options.Option], place: Cursor) -> options.Option | None:
    """Return the argument for the script, if the verb has one and the line does not."""
    named = next((option for option in verb if option.values is Values.SCRIPTS), None)
    if named is None or place.is_cell or _script(verb, place.before) is not None:
        return None
    return named


def _script(verb: Sequence[options.Option], words: Sequence[str]) -> str | None:
    """Return the word that names the script."""
    before: options.Option | None = None
    for word in words:
        is_value = before is not None and before.takes_value
        if not is_value and (not word.startswith("-") or word == "-"):
            return word
        before = _find(verb, word)
    return None


def _values(
    option: options.Option, verb: Sequence[options.Option], place: Cursor, word: Word, after: str
) -> Iterator[Suggestion]:
    kind = option.values
    if not isinstance(kind, Values):
        yield from _matching(list(starmap(Suggestion, kind.items())), word, after)
    elif kind in FILES:
        yield from _files(FILES[kind], word, after)
    elif kind is Values.VARIABLES:
        yield from _matching(_variables(word), word, after)
    elif kind is Values.SNAPSHOTS:
        yield from _matching(_snapshots(place.before), word, after)
    elif kind is Values.COLLATIONS:
        yield from _matching(list(starmap(Suggestion, COLLATIONS.items())), word, after)
    else:
        names = _outline(_script(verb, place.before))
        if kind is Values.TABLES:
            yield from _matching([Suggestion(name, "table") for name in names.tables], word, after)
        yield from _matching(
            [
                Suggestion(f"{name}.*" if kind is Values.TABLES else name, "schema")
                for name in names.schemas
            ],
            word,
            after,
        )


def _matching(choices: list[Suggestion], word: Word, after: str) -> Iterator[Suggestion]:
    for text, brief in choices:
        if text.startswith(word.text):
            yield Suggestion(_put(text, word, after), brief)


def _put(text: str, word: Word, after: str, *, goes_on: bool = False) -> str:
    has_end = bool(word.quote) and after.startswith(word.quote)
    needs_end = not (goes_on or has_end)
    if not word.quote and not word.raw.startswith(("'", '"')):
        return quoted(text, is_open=not needs_end)
    return quoted(text, word.quote or word.raw[0], is_open=not needs_end)


def _variables(word: Word) -> list[Suggestion]:
    """Return names of variables: any that begin as the word does, else those of passwords."""
    names = sorted(os.environ, key=lambda name: (not _SECRET.search(name), name))
    return [
        Suggestion(name, "environment variable")
        for name in names
        if word.text or _SECRET.search(name)
    ]


def _snapshots(before: Sequence[str]) -> list[Suggestion]:
    """Return the names of the snapshots that are in the line's folder, the newest first."""
    from ..keep.policy import kept_folder  # noqa: PLC0415

    named = [word for flag, word in zip(before, before[1:]) if flag == "--folder"]
    folder = _expanded(named[-1]) if named else kept_folder()
    found = sorted(folder.glob("*/kept.json"), reverse=True)
    return [Suggestion(path.parent.name, "kept snapshot") for path in found]


def _outline(script: str | None) -> Outline:
    if script is None:
        return Outline()
    return outline(_expanded(script))


def _expanded(text: str) -> Path:
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111 - leaves ~nobody


def _files(wanted: re.Pattern[str], word: Word, after: str) -> Iterator[Suggestion]:
    """Yield folders, and the files that are wanted, whose path begins as the word does."""
    if word.text == "~":
        yield Suggestion(_put("~/", word, after, goes_on=True), "folder")
        return
    head, slash, tail = word.text.rpartition("/")
    folder = _expanded(head + slash or ".")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):  # there is none, or it is not ours to read
        return
    for entry in entries:
        if not entry.name.startswith(tail) or (entry.name.startswith(".") and not tail):
            continue
        path = head + slash + entry.name
        try:
            if entry.is_dir():
                yield Suggestion(_put(f"{path}/", word, after, goes_on=True), "folder")
            elif wanted.search(entry.name):
                yield Suggestion(_put(path, word, after), size(entry.stat().st_size))
        except OSError:  # a link that leads nowhere, or a file that has just gone
            continue
