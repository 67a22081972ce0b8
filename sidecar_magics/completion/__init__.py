"""Completion on the magics' lines: options with their purpose, values, files, names in a dump.

The one text that frontends show beside a completion is its type
(``_jupyter_types_experimental``; in a terminal prompt_toolkit's meta column), so the type is the
option's `brief`. JupyterLab shows it in lower case; VS Code shows no types. JupyterLab's
documentation panel asks the kernel to inspect the word at the cursor; IPython has no hook for that.
Ours comes before IPython's matchers, and never asks a server.

    place.py    where the cursor is: which magic, which word, which quotes
    values.py   suggestions for that place: options, values, files
    outline.py  names of schemas and tables in the script, read for a moment at most
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython import get_ipython
from IPython.core.completer import SimpleCompletion, context_matcher

from .place import find_place

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult


# Before IPython's own matchers, which are not asked where this one has found something.
@context_matcher(priority=1000)
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """Complete the last word of a line with one of our magics, whatever stands before it."""
    lines = context.full_text.split("\n")
    at, column = context.cursor_line, context.cursor_position
    place = find_place(lines, at, column) if at < len(lines) else None
    if place is None:
        return {"completions": []}
    from .values import offers  # noqa: PLC0415 - nothing is imported before it is used

    fragment, found = offers(place, lines[at][column:])
    # JupyterLab wraps the text beside a completion over its neighbours. A terminal does not, and
    # would underline these blanks.
    blank = " " if getattr(get_ipython(), "kernel", None) is None else "\N{NO-BREAK SPACE}"
    return {
        "completions": [
            SimpleCompletion(offer.text, type=offer.brief.replace(" ", blank)) for offer in found
        ],
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }
