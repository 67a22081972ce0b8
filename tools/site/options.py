"""The directive ``sidecar-options``: the options of one verb, from the table that the code has.

In a page::

    ```{sidecar-options} load
    ```
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar_magics import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docutils import nodes
    from sphinx.application import Sphinx

VERBS: dict[str, tuple[options.Option, ...]] = {
    "wait": options.WAIT,
    "load": options.LOAD,
    "dump": options.DUMP,
    "keep": options.KEEP,
    "connect": options.CONNECT,
    "doctor": options.DOCTOR,
    "convert": options.CONVERT,
    "up": options.UP,
    "down": options.DOWN,
    "status": options.STATUS,
    "logs": options.LOGS,
}
# The code spans of a help text; what is between them is prose.
SPAN = re.compile(r"(`[^`]+`|--[a-z][a-z-]*)")
MARKUP = re.compile(r"([*_<>|\[\]\\])")


def reference(verb: str) -> Iterator[str]:
    """Yield the lines, in MyST Markdown, that document the options of a verb.

    Raises
    ------
    KeyError
        There is no such verb.
    """
    yield f"````{{program}} {verb}"
    yield "````"
    yield ""
    for option in VERBS[verb]:
        if option.keywords.get("help") is not argparse.SUPPRESS:
            yield f"```{{option}} {', '.join(forms(option))}"
            yield sentence(option)
            yield "```"
            yield ""


def forms(option: options.Option) -> list[str]:
    """Return how an option is written, each of its names with what follows it."""
    action = option.keywords.get("action")
    value = "" if action == "store_true" else metavar(option)
    if option.keywords.get("nargs") == "?" and option.flags[0].startswith("-"):
        value = f"[{value}]"
    if not option.flags[0].startswith("-"):
        return [value]
    return [f"{flag} {value}".strip() for flag in option.flags]


def metavar(option: options.Option) -> str:
    """Return what stands for the value of an option."""
    if "choices" in option.keywords:
        return "{" + "|".join(option.keywords["choices"]) + "}"
    return str(option.keywords.get("metavar") or option.flags[0].strip("-").upper())


def sentence(option: options.Option) -> str:
    """Return the help text of an option as Markdown."""
    text = str(option.keywords.get("help", "")).replace("%%", "%")
    parts = SPAN.split(text)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = MARKUP.sub(r"\\\1", part)
        elif not part.startswith("`"):
            parts[number] = f"`{part}`"
    return "".join(parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    from sphinx.util.docutils import SphinxDirective  # noqa: PLC0415 - not where the tests run

    class SidecarOptions(SphinxDirective):  # type: ignore[misc]
        required_arguments = 1

        def run(self) -> Sequence[nodes.Node]:
            if self.arguments[0] not in VERBS:
                raise self.error(f"no verb {self.arguments[0]!r}; there are {', '.join(VERBS)}")
            lines = "\n".join(reference(self.arguments[0]))
            for module in Path(options.__file__).parent.glob("*.py"):
                self.env.note_dependency(str(module))
            return list(self.parse_text_to_nodes(lines))

    app.add_directive("sidecar-options", SidecarOptions)
    return {"version": "1", "parallel_read_safe": True}
