"""Find the schemas that a statement changes: DROP TABLE, RENAME and UPDATE may name many.

A server's further changes, through a view, a trigger, a foreign key or a function, are not seen
here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .classify import Classification, Kind, classify, first_word
from .names import read_names
from .rewrite import parts
from .tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Collection

ANY_SCHEMA = "*"
"""Among the schemas that a statement changes: it may be any of them."""

# All other statements change the first table that they name.
_CHANGE_MANY = {b"DROP", b"RENAME", b"ALTER", b"UPDATE", b"DELETE"}
_CHANGE_ROWS = {b"UPDATE", b"DELETE"}
_OF_TABLES = {Kind.TABLE, Kind.DATA, Kind.VIEW, Kind.ROUTINE, Kind.EVENT, Kind.TRIGGER}
_OF_SCHEMAS = {*_OF_TABLES, Kind.SCHEMA}
_MAY_DO_ANYTHING = re.compile(rb"\s*(?:CALL|EXECUTE)\b", re.IGNORECASE)


def changed_schemas(
    sql: bytes,
    about: Classification,
    *,
    schema: str | None,
    ansi_quotes: bool = False,
    no_backslash_escapes: bool = False,
    several: bool = False,
) -> Collection[str]:
    """Return the schemas that a statement changes.

    Parameters
    ----------
    sql : bytes
        The statement.
    about : Classification
        What `classify` takes it for.
    schema : str or None
        The default one.
    ansi_quotes, no_backslash_escapes : bool, default False
        How the session reads quotes.
    several : bool, default False
        There may be several statements, with semicolons in between.

    Returns
    -------
    collection of str
        Empty if it changes no table; with `ANY_SCHEMA` for a procedure call. For an UPDATE or
        DELETE of several tables also those that are only read, and for CREATE TRIGGER those that
        its body names, as rows reach them later.
    """
    modes = {"ansi_quotes": ansi_quotes, "no_backslash_escapes": no_backslash_escapes}
    if not several or b";" not in sql:
        return _changed(sql, about, schema, modes)
    found: dict[str, None] = {}
    for start, end in parts(sql, **modes):
        part = sql[start:end]
        about = classify(part)
        if about.kind is Kind.USE:
            schema = about.schema
        found.update(dict.fromkeys(_changed(part, about, schema, modes)))
    return list(found)


def _changed(
    sql: bytes, about: Classification, schema: str | None, modes: dict[str, bool]
) -> list[str]:
    if _MAY_DO_ANYTHING.match(sql):
        return [ANY_SCHEMA]
    kind, verb = about.kind, first_word(sql)
    found: dict[str | None, None] = {}
    if kind is Kind.QUERY and verb == b"WITH":
        statement = tokens(sql, **modes)
        if not any(token.word in _CHANGE_ROWS for token in statement):
            return []
    elif kind not in _OF_SCHEMAS:
        return []
    else:
        found[about.schema or schema] = None
        many = kind in _OF_TABLES and (verb in _CHANGE_MANY or kind is Kind.TRIGGER)
        statement = tokens(sql, **modes) if many and b"." in sql else []
    found.update(dict.fromkeys(name or schema for name, _ in read_names(statement).tables))
    return [name for name in found if name is not None]
