"""Read the parts of a CREATE TABLE that matter for filling the table; this is not a parser.

If a definition is more than columns, keys and options, or is not understood, the answer is None,
and the caller leaves it to the server alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_HEAD = re.compile(
    rb"\s*CREATE\s+TABLE\s+(?P<unless>IF\s+NOT\s+EXISTS\s+)?%s(?:\s*\.\s*%s)?\s*\("
    % (_NAME, _NAME),
    re.IGNORECASE,
)
_BRACKET = re.compile(
    rb"""[()] | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`""",
    re.VERBOSE | re.DOTALL,
)
_NAME_OR_TEXT = re.compile(
    rb"""(?P<name>`(?:[^`]|``)*`)|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\"""", re.DOTALL
)
_TEXT_OR_ENGINE = re.compile(
    rb"""\bENGINE\s*=?\s*(?P<quote>['"])(?P<engine>\w+)(?P=quote)
    | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*\"""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
# Another table's definition, or rows.
_NOT_COLUMNS = re.compile(rb"\s*(?:\(|(?:LIKE|SELECT|WITH|TABLE|VALUES)\b)", re.IGNORECASE)
_MORE_THAN_OPTIONS = re.compile(
    rb"\b(?:SELECT|UNION|LIKE|TABLE|AS|WITH\s+(?!SYSTEM\s)|VALUES\s+ROW)\b", re.IGNORECASE
)
_ENGINE = re.compile(rb"\bENGINE\s*=?\s*`?(\w+)", re.IGNORECASE)
# SERIAL is a type that counts up.
_COUNTING = rb"\b(?:AUTO_INCREMENT\b(?!\s*=)|SERIAL\b)"
_COUNTS_UP = re.compile(_COUNTING, re.IGNORECASE)
_INVISIBLE = re.compile(rb"\bINVISIBLE\b", re.IGNORECASE)
_PRIMARY_KEY = re.compile(rb"\bPRIMARY\s+KEY\b", re.IGNORECASE)
_FIRST_COLUMN = re.compile(rb"\s*(%s)\s" % _NAME)
_FIRST_COLUMN_COUNTS_UP = re.compile(rb"\s*%s\s[^,]*?%s" % (_NAME, _COUNTING), re.IGNORECASE)
_REFERRED = rb"(?:\"(?:[^\"]|\"\")+\"|%s)" % _NAME  # in double quotes: under ANSI_QUOTES
_REFERENCES = re.compile(
    rb"\bREFERENCES\s*(%s)(?:\s*\.\s*(%s))?" % (_REFERRED, _REFERRED), re.IGNORECASE
)


class TableDefinition(NamedTuple):
    """A CREATE TABLE, as far as it matters for filling the table.

    Attributes
    ----------
    unless_exists : bool
        IF NOT EXISTS.
    engine : bytes or None
        In lower case; None for the server's default.
    refers_to_others : bool
        It has foreign keys.
    counts_up : bytes or None
        The AUTO_INCREMENT column, if that is the first.
    counts_up_elsewhere : bool
        Another column has AUTO_INCREMENT.
    counts_unseen : bool
        The column that counts may be invisible: rows without a list of columns give it no number.
    has_primary_key : bool
        It says so, so that the server makes none of its own.
    """

    unless_exists: bool
    engine: bytes | None
    refers_to_others: bool
    counts_up: bytes | None
    counts_up_elsewhere: bool
    counts_unseen: bool = False
    has_primary_key: bool = True


def read_definition(sql: bytes) -> TableDefinition | None:
    """Read a CREATE TABLE; None if the statement is another one, or more than a definition.

    Parameters
    ----------
    sql : bytes
        The statement as the server reads it (`versioned.effective`).
    """
    head = _HEAD.match(sql)
    if not head or _NOT_COLUMNS.match(sql, head.end()):
        return None
    end = _closing(sql, head.end())
    options = _TEXT_OR_ENGINE.sub(
        lambda found: b"ENGINE=" + found["engine"] if found["engine"] else b"''", sql[end:]
    )
    if end < 0 or _MORE_THAN_OPTIONS.search(options):
        return None
    columns = sql[head.end() : end]
    bare = _bare(columns)
    first = _FIRST_COLUMN.match(columns) if _FIRST_COLUMN_COUNTS_UP.match(bare) else None
    engine = _ENGINE.search(options)
    counts = _COUNTS_UP.search(bare) is not None
    return TableDefinition(
        unless_exists=head["unless"] is not None,
        engine=engine[1].lower() if engine else None,
        refers_to_others=bool(_REFERENCES.search(columns)),
        counts_up=unquoted(first[1]) if first else None,
        counts_up_elsewhere=not first and counts,
        counts_unseen=counts and _INVISIBLE.search(bare) is not None,
        has_primary_key=bool(_PRIMARY_KEY.search(bare)),
    )


def references(sql: bytes) -> list[tuple[bytes | None, bytes]]:
    """Return the tables, as schema (None if not given) and name, that foreign keys refer to.

    Guarantees:
    - none is missed; one that is only named in a text may be among them.
    """
    return [
        (unquoted(first) if second else None, unquoted(second or first))
        for first, second in _REFERENCES.findall(sql)
    ]


def counts_up(sql: bytes) -> bool:
    """Return whether a column is made AUTO_INCREMENT."""
    return bool(_COUNTS_UP.search(_bare(sql)))


def unquoted(name: bytes) -> bytes:
    """Return a name without its quotes."""
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in (b"`", b'"') else name


def _bare(sql: bytes) -> bytes:
    """Return a definition with empty quotes, so that only its own words are left."""
    return _NAME_OR_TEXT.sub(lambda found: b"`x`" if found["name"] else b"''", sql)


def _closing(sql: bytes, at: int) -> int:
    """Return where the parenthesis that was opened before *at* is closed, -1 if nowhere."""
    depth = 1
    for token in _BRACKET.finditer(sql, at):
        depth += {b"(": 1, b")": -1}.get(token[0], 0)
        if depth == 0:
            return token.start()
    return -1
