"""Read a SET: the variables and their new values.

Statements are as the server reads them (`versioned.effective`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScopedAssignment(NamedTuple):
    """One ``name = value`` of a SET; `scope` is ``session``, ``global`` or ``user``."""

    scope: str
    name: str
    value: bytes


def assignments(sql: bytes) -> list[ScopedAssignment]:
    """Return the assignments of a SET, in order; SET NAMES is one to ``names``.

    A GLOBAL or SESSION without ``@@`` holds for those after it, too. Source: "SET Syntax for
    Variable Assignment", MySQL 9 Reference Manual.
    """
    start = _SET.match(sql)
    if not start:
        return []
    names = _SET_NAMES.match(sql, start.end())
    if names:
        return [ScopedAssignment("session", "names", names[1])]
    found, scope = [], "session"
    for part in _parts(sql, start.end()):
        target = _TARGET.match(part)
        if not target:
            continue
        if target["user"]:
            found.append(ScopedAssignment("user", target["user"].decode("utf-8", "replace"), b""))
            continue
        word = (target["word"] or b"").lower().decode()
        scope = word or scope
        own = (target["prefix"] or b"").lower().decode()
        # @@name is the session's, whatever came before.
        name_scope = (own or "session") if target["at"] else scope
        is_global = name_scope in ("global", "persist", "persist_only")
        name = target["name"].strip(b"`").lower().decode("utf-8", "replace")
        value = part[target.end() :].strip()
        found.append(ScopedAssignment("global" if is_global else "session", name, value))
    return found


def unquoted_text(value: bytes) -> str | None:
    """Return the text of a plain literal; None for a computed value."""
    found = _PLAIN_TEXT.match(value)
    return found[1].decode("utf-8", "replace") if found else None


_SET = re.compile(rb"\s*SET\s+", re.IGNORECASE)
_SET_NAMES = re.compile(rb"(?:NAMES|CHARACTER\s+SET|CHARSET)\s+['\"]?(\w+)", re.IGNORECASE)
_PLAIN_TEXT = re.compile(rb"""\A['"]([^'"\\]*)['"]\Z""")
_TARGET = re.compile(
    rb"""\s*(?:
        @(?P<user>[\w$.]+|`[^`]+`)
      | (?:(?P<word>GLOBAL|SESSION|LOCAL|PERSIST_ONLY|PERSIST)\s+)?
        (?P<at>@@(?:(?P<prefix>GLOBAL|SESSION|LOCAL|PERSIST_ONLY|PERSIST)\s*\.\s*)?)?
        (?P<name>`[^`]+`|[A-Za-z_][\w$.]*)
    )\s*:?=""",
    re.VERBOSE | re.IGNORECASE,
)
_PART = re.compile(
    rb"""(?: '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `[^`]*`
           | \((?: '(?:[^'\\]|\\.|'')*' | [^()'] | \([^()]*\) )*\) | [^,] )*""",
    re.VERBOSE | re.DOTALL,
)


def _parts(sql: bytes, at: int) -> Iterator[bytes]:
    """Yield the items of a list with commas, except commas in texts and brackets."""
    while at < len(sql):
        part = _PART.match(sql, at)
        end = part.end() if part else len(sql)
        yield sql[at:end]
        at = end + 1
