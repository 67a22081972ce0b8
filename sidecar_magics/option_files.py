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

_QUOTED = re.compile(r"""(['"])((?:\\.|(?!\1).)*)\1""")
_ESCAPE = re.compile(r"\\(.)")


class Option(NamedTuple):
    """An option's value and the line it stands on."""

    value: str
    source: str


def read_client_group(path: Path) -> dict[str, Option]:
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
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The option file {path} cannot be read: {error}.", hint="repair it or remove it."
        ) from None
    options: dict[str, Option] = {}
    group = None
    for number, raw_line in enumerate(text.splitlines(), start=1):
        line = raw_line.strip()
        if not line or line[0] in "#;!":
            continue
        if line[0] == "[":
            group = line.strip("[]").strip().lower()
        elif group is None:
            # The line itself is not shown: it may hold a password.
            raise SettingsError(f"{path}:{number} stands before any [group].")
        elif group == "client" and "=" in line:
            name, _, value = line.partition("=")
            key = name.strip().lower().replace("_", "-")
            options[key.removeprefix("loose-")] = Option(
                _unquote(value.strip()), f"{path}:{number} [client]"
            )
    return options


def _unquote(value: str) -> str:
    """Undo quotes, a comment at the end and escapes, as MySQL's own programs do."""
    quoted = _QUOTED.match(value)
    # A comment inside a line begins with a blank and a "#".
    text = quoted[2] if quoted else value.partition(" #")[0].rstrip()
    return _ESCAPE.sub(lambda escape: ESCAPES.get(escape[1], escape[0]), text)
