"""MySQL's option files (``~/.my.cnf``): just enough of the format to find the server.

Source: MySQL manual, "Using Option Files".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", "'": "'", '"': '"'}

# A "#" outside of quotes begins a comment.
_UP_TO_COMMENT = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^#])*""")
_ESCAPE = re.compile(r"\\(.)")


class FileOption(NamedTuple):
    """An option's value and the number of its line."""

    value: str
    source: str


def read_client_group(path: Path) -> dict[str, FileOption]:
    """Return the options of the ``[client]`` group, by name with dashes.

    Parameters
    ----------
    path : Path
        The option file; one that does not exist has no options.

    Raises
    ------
    SettingsError
        The file cannot be read, or a line stands before any group.
    """
    try:
        # A comment may be in any encoding; what matters and is not ASCII is mostly UTF-8.
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"The option file {path} cannot be read: {error}.", hint="repair it or remove it."
        ) from None
    options: dict[str, FileOption] = {}
    group = None
    for number, raw_line in enumerate(text.splitlines(), start=1):
        line = raw_line.strip()
        if not line or line[0] in "#;!":
            continue
        if line[0] == "[":
            group = line[1:].partition("]")[0].strip().lower()
        elif group is None:
            # The line itself is not shown: it may hold a password.
            raise SettingsError(f"{path}:{number} stands before any [group].")
        elif group == "client" and "=" in line:
            name, _, value = line.partition("=")
            key = name.strip().lower().replace("_", "-")
            options[key.removeprefix("loose-")] = FileOption(
                _unquote(value.strip()), f"{path}:{number} [client]"
            )
    return options


def _unquote(value: str) -> str:
    """Undo a comment at the end, quotes around the whole and escapes, as MySQL's programs do."""
    before_comment = _UP_TO_COMMENT.match(value)
    text = before_comment.group().rstrip() if before_comment else ""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return _ESCAPE.sub(lambda escape: ESCAPES.get(escape[1], escape[0]), text)
