"""The options of each verb, in tables: the magics and the command line are made from them.

Modules:

    option.py      one option: its name, help, values, and how they are read
    connecting.py  where the server is; `wait`, `connect`, `doctor`
    data.py        `load`, `dump`, `keep`
    machine.py     `up`, `down`, `status`, `logs`, `convert`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connecting import CONNECT, CONNECTION, DOCTOR, QUIET, WAIT, connection_options
from .data import (
    DUMP,
    KEEP,
    KEEP_ACTIONS,
    LOAD,
    dumping_options,
    keep_action,
    keeping_options,
    loading_options,
    take_names,
)
from .machine import CONVERT, DOWN, LOGS, STATUS, UP, starting_options
from .option import Option, Values, count, line_count, minutes, port_number, port_or_any, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CONNECT",
    "CONNECTION",
    "CONVERT",
    "DOCTOR",
    "DOWN",
    "DUMP",
    "KEEP",
    "KEEP_ACTIONS",
    "LOAD",
    "LOGS",
    "QUIET",
    "STATUS",
    "UP",
    "WAIT",
    "Option",
    "Values",
    "connection_options",
    "count",
    "dumping_options",
    "keep_action",
    "keeping_options",
    "line_count",
    "loading_options",
    "magic_arguments",
    "minutes",
    "port_number",
    "port_or_any",
    "seconds",
    "starting_options",
    "take_names",
]


def magic_arguments(
    verb: tuple[Option, ...],
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that gives a magic the options of `verb`, and its help text."""
    from IPython.core import magic_arguments as ipython  # noqa: PLC0415

    def decorate(function: Callable[..., Any]) -> Any:
        # Decorators are applied from the last to the first.
        for option in reversed(verb):
            function = ipython.argument(*option.flags, **option.keywords)(function)
        decorated: Any = ipython.magic_arguments()(function)
        # `--password` must not be taken for the beginning of `--password-env`.
        decorated.parser.allow_abbrev = False
        return decorated

    return decorate
