"""Completion of options and script files on the magics' lines."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from . import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

VERBS = {
    "mysql_wait": options.WAIT,
    "mysql_load": options.LOAD,
    "mysql_doctor": options.DOCTOR,
    "datajoint_connect": options.CONNECT,
}


@context_matcher()
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """Complete the last word of a line that begins with one of our magics."""
    line = context.line_with_cursor[: context.cursor_position]
    words = line.split(" ")
    verb = VERBS.get(words[0].strip().lstrip("%"))
    if verb is None or not line.lstrip().startswith("%") or len(words) < 2:
        return {"completions": []}
    word = words[-1]
    found = _flags(verb, word) if word.startswith("-") else _scripts(verb, word)
    return {
        "completions": [SimpleCompletion(text, type="magic") for text in found],
        "matched_fragment": word,
        "suppress": True,
    }


def _flags(verb: tuple[options.Option, ...], word: str) -> Iterator[str]:
    for option in verb:
        yield from (
            flag for flag in option.flags if flag.startswith("--") and flag.startswith(word)
        )


def _scripts(verb: tuple[options.Option, ...], word: str) -> Iterator[str]:
    """Yield folders, and files that may be scripts, that begin with `word`."""
    if not any(option.flags == ("file",) for option in verb):
        return
    head, _, tail = word.rpartition("/")
    named = head or ("/" if word.startswith("/") else ".")
    folder = Path(os.path.expanduser(named))  # noqa: PTH111 - leaves ~nobody as it is
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(tail) and (entry.is_dir() or ".sql" in entry.name):
            name = f"{head}/{entry.name}" if "/" in word else entry.name
            yield shlex.quote(name) + ("/" if entry.is_dir() else "")
