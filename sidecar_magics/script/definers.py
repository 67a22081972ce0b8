"""The DEFINER of a view, trigger, event or routine: read it, or leave it out.

Without the clause, the definer is the account that creates the object. Only a statement's head
counts: in a body the word means something else.

Source: "Stored Object Access Control", MySQL 9 Reference Manual.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .tokens import Edit, Shape, Token, edited, tokens, unquoted

_HINT = re.compile(rb"\bDEFINER\b", re.IGNORECASE)
_DEFINED = {b"VIEW", b"TRIGGER", b"EVENT", b"PROCEDURE", b"FUNCTION", b"PACKAGE"}
_AHEAD = set(
    b"OR REPLACE ALGORITHM UNDEFINED MERGE TEMPTABLE SQL SECURITY DEFINER INVOKER AGGREGATE".split()
)
_CURRENT = {b"CURRENT_USER", b"CURRENT_ROLE"}


class _Clause(NamedTuple):
    """A DEFINER clause, as the indices of its first token and of the first one after it."""

    first: int
    after: int
    user: int


def skip_definer(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> bytes:
    """Return the statement without its DEFINER; the same object if it has none.

    SQL SECURITY stays. A versioned comment that held nothing else goes with it.
    """
    if not may_have_definer(sql):
        return sql
    found = tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes)
    return edited(sql, without_definer(found))


def without_definer(found: list[Token]) -> list[Edit]:
    """Return the edit that leaves the DEFINER out of these tokens' statement."""
    clause = _find(found)
    if clause is None:
        return []
    first, after = clause.first, clause.after
    opens = first > 0 and found[first - 1].shape is Shape.OPEN
    closes = after < len(found) and found[after].shape is Shape.CLOSE
    if opens and closes:
        first, after = first - 1, after + 1
    # Up to the next token, so that no two blanks remain, nor two words grow together.
    end = found[after].start if after < len(found) else found[after - 1].end
    touches = first > 0 and found[first - 1].end == found[first].start
    return [Edit(found[first].start, end, b" " if touches else b"")]


def definer(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> tuple[str, str | None] | None:
    """Return the user and host of a statement's DEFINER; None if it has none, or the current user.

    The host is None for a role, or where it is left out (it is ``%`` then).
    """
    if not may_have_definer(sql):
        return None
    found = tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes)
    clause = _find(found)
    if clause is None or found[clause.user].word in _CURRENT:
        return None
    parts = [token.text for token in found[clause.user : clause.after]]
    host = b"".join(parts[2:])
    return unquoted(parts[0]), unquoted(host) if host else None


def may_have_definer(sql: bytes) -> bool:
    """Return quickly whether a statement may have a DEFINER."""
    return bool(_HINT.search(sql))


def _find(found: list[Token]) -> _Clause | None:
    """Find the DEFINER between CREATE or ALTER and the kind of object."""
    words = [token.word for token in found]
    heads = [at for at, token in enumerate(found) if token.shape is not Shape.OPEN]
    if not heads or words[heads[0]] not in (b"CREATE", b"ALTER"):
        return None
    for at in range(heads[0] + 1, len(found) - 2):
        if words[at] == b"DEFINER" and found[at + 1].text == b"=":
            after = _end_of_account(found, at + 2)
            return None if _DEFINED.isdisjoint(words[after:]) else _Clause(at, after, at + 2)
        if found[at].shape is Shape.WORD and words[at] not in _AHEAD:
            break
    return None


def _end_of_account(found: list[Token], at: int) -> int:
    """Return where an account ends: ``u``, ``'u'@'h'``, ``u@h.org``, ``CURRENT_USER()``."""
    texts = [token.text for token in found[at + 1 : at + 3]]
    if found[at].word in _CURRENT:
        return at + 3 if texts == [b"(", b")"] else at + 1
    if texts[:1] != [b"@"] or len(texts) < 2:
        return at + 1
    end = at + 3
    if found[at + 2].shape is Shape.WORD:
        while end + 1 < len(found) and found[end].text in (b".", b"-"):
            if found[end].start != found[end - 1].end:
                break
            end += 2
    return end
