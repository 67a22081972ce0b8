"""Features that only MariaDB has, as far as dumps use them.

Features that MariaDB lacks are in `script.features`. Each line was tried on MySQL 9.7
(tests/integration/test_check.py).
"""

from __future__ import annotations

import re

from ...script import features as mysql_features
from ...script.features import Feature
from .statements import without_texts

_COLUMN = rb"\A(?:CREATE|ALTER)\s.*\bTABLE\b.*[(,]\s*(?:ADD\s+)?(?:COLUMN\s+)?(?:`[^`]+`|\w+)\s+"
_TABLE = rb"\ACREATE\s+(?:TEMPORARY\s+)?TABLE\b.*"
_REPLACES = rb"\ACREATE\s+OR\s+REPLACE\s+(?:DEFINER\s*=\s*\S+\s+)?"
_THINGS = rb"TEMPORARY|TABLE|PROCEDURE|FUNCTION|TRIGGER|EVENT|DATABASE|SCHEMA|USER|ROLE"
_EFFECT = "a syntax error (1064)"
_HEAD_BYTES = 1 << 16


def _rule(name: str, pattern: bytes) -> tuple[Feature, re.Pattern[bytes]]:
    return Feature(name, True, _EFFECT), re.compile(pattern, re.IGNORECASE | re.DOTALL)


_RULES = (
    _rule("the type UUID or INET", _COLUMN + rb"(?:UUID|INET4|INET6)\b"),
    _rule("a sequence", rb"\A(?:CREATE|DROP|ALTER)\s.*?\bSEQUENCE\b|\bNEXTVAL\s*\("),
    _rule("system versioning", rb"\b(?:WITH|ADD)\s+SYSTEM\s+VERSIONING\b"),
    _rule("OR REPLACE of other things than views", _REPLACES + rb"(?:%s)\b" % _THINGS),
    _rule("a compressed column", _COLUMN + rb"\w+(?:\(\d+\))?\s+COMPRESSED\b"),
    _rule("Aria's options", _TABLE + rb"\)[^()]*\b(?:PAGE_CHECKSUM|TRANSACTIONAL)\s*="),
    _rule("a PERSISTENT column", rb"\bAS\s*\(.*\)\s*PERSISTENT\b"),
    _rule("a package", rb"\ACREATE\b.*?\bPACKAGE\b"),
)


def features(sql: bytes, as_read: bytes, flavour: str, *, sql_mode: str = "") -> list[Feature]:
    """Return the features of a definition that this kind of server lacks, or treats differently.

    Parameters
    ----------
    sql : bytes
        The statement as it stands in the script.
    as_read : bytes
        The same as the server reads it (`versioned.effective`).
    flavour : str
        ``mysql`` or ``mariadb``.
    sql_mode : str, optional
        Of the session, in capitals.
    """
    if flavour == "mariadb":
        return mysql_features.features(
            sql,
            ansi_quotes="ANSI" in sql_mode,
            no_backslash_escapes="NO_BACKSLASH_ESCAPES" in sql_mode,
        )
    text = without_texts(as_read[:_HEAD_BYTES]).strip()
    return [feature for feature, pattern in _RULES if pattern.search(text)]
