"""One option of a verb, and how its values are read."""

from __future__ import annotations

import argparse
import enum
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Values(enum.Enum):
    """Kinds of value that completion looks for on this machine."""

    SCRIPTS = "files and folders that `load` takes"
    FOLDERS = "folders"
    CERTIFICATES = "files of certificates"
    CONFIGURATIONS = "DataJoint's configuration files"
    VARIABLES = "names of environment variables"
    SCHEMAS = "schemas that the script names"
    TABLES = "tables that the script names"
    COLLATIONS = "pairs of collations"
    SNAPSHOTS = "names of kept snapshots"


class Option:
    """One option or argument, in argparse's terms.

    Parameters
    ----------
    *flags : str
        ``--long``, ``-s``, or the name of a positional argument.
    brief : str, default ""
        Its purpose in a few words: completion shows it beside the option. Without one, completion
        does not offer the option.
    values : Values or dict of str to str, optional
        Values that completion offers, each with a few words.
    **keywords
        As for `argparse.ArgumentParser.add_argument`.
    """

    def __init__(
        self,
        *flags: str,
        brief: str = "",
        values: Values | Mapping[str, str] | None = None,
        **keywords: Any,
    ) -> None:
        self.flags = flags
        self.brief = brief
        self.values = {} if values is None else values
        self.keywords = keywords

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it, or may follow."""
        return self.flags[0].startswith("-") and self.keywords.get("action") != "store_true"

    @property
    def is_repeatable(self) -> bool:
        """Whether a line may have it several times."""
        return self.keywords.get("action") == "append"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the option to a parser."""
        parser.add_argument(*self.flags, **self.keywords)


def port_number(text: str) -> int:
    """Parse a TCP port, for argparse."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65535")
    return int(digits)


def port_or_any(text: str) -> int:
    """Parse a TCP port, or 0 for any that is free, for argparse."""
    return 0 if text == "0" else port_number(text)


def line_count(text: str) -> int:
    """Parse a number of lines, for argparse."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**7):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def count(text: str) -> int:
    """Parse a number from 1 on, for argparse."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 999")
    return int(text)


def seconds(text: str) -> float:
    """Parse a number of seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def minutes(text: str) -> float:
    """Parse a number of minutes, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes")
    return value
