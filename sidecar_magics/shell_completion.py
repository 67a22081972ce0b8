"""Completion by Tab in a shell, after ``sidecar-magics``; argcomplete asks for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from argcomplete import autocomplete
from argcomplete.completers import FilesCompleter, SuppressCompleter

if TYPE_CHECKING:
    import argparse

# Arguments whose values are files; of the others only those with choices are known.
FILES = {"file", "notebooks", "output", "ca", "config"}


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell's question, and end the process.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command; its verbs have parsers of their own.
    """
    for verb in _verbs(parser):
        for action in verb._actions:
            # argcomplete reads its suggestions from there.
            if action.dest in FILES:
                action.completer = FilesCompleter()  # type: ignore[attr-defined]
            elif action.dest == "password_env":
                action.completer = _variables  # type: ignore[attr-defined]
            elif action.dest == "collation_map":
                action.completer = _collation_maps  # type: ignore[attr-defined]
            elif not action.choices and action.nargs != 0:
                action.completer = SuppressCompleter()  # type: ignore[attr-defined]
    autocomplete(parser, always_complete_options="long")


def _verbs(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    return [verb for verbs in found for verb in verbs.values()]


def _variables(prefix: str, **_: Any) -> list[str]:
    """Offer the names of the environment's variables."""
    return [name for name in os.environ if name.startswith(prefix)]


def _collation_maps(**_: Any) -> list[str]:
    """Offer the one value that is a word."""
    return ["nearest"]
