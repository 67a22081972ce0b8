"""Versioned comments: which of them a server executes, and the statement that it then sees.

Source: "Comments", MySQL 9 Reference Manual; "Comment Syntax", MariaDB Knowledge Base.
"""

from __future__ import annotations

import re

_PLAIN = rb"/\* (?: [^*] | \*(?!/) )* \*/"
_PIECE = re.compile(
    rb"""
    (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` )
  | (?P<opens> /\* (?P<mariadb>M)? ! (?P<version>[0-9]{5,6})? )
  | (?P<closes> \*/ )
  | (?P<comment> %s | (?: \# | --(?=[\x00-\x20\x7f]) ) [^\n]* )
    """
    % _PLAIN,
    re.VERBOSE | re.DOTALL,
)
# One comment may stand in another that is skipped; there, quotes mean nothing.
_SKIPPED = re.compile(
    rb"(?: %s | [^*/] | \*(?!/) | /(?!\*) )* \*/" % _PLAIN, re.VERBOSE | re.DOTALL
)

# MariaDB takes these numbers for features of MySQL that it does not have.
_MYSQL_ONLY = range(50700, 100000)


def effective(sql: bytes, flavour: str, version: int) -> bytes:
    """Return a short statement as a server reads it: executed comments opened, others blanked.

    Parameters
    ----------
    sql : bytes
        A statement of a few kilobytes at most; one without comments comes back as it is.
    flavour : str
        ``mysql`` or ``mariadb``.
    version : int
        The server's version as such comments spell it: 80036 for 8.0.36, 101106 for 10.11.6.

    Guarantees:
    - quoted texts are not touched;
    - a blank replaces each part that is taken away, so that no two words grow together.
    """
    if b"/*" not in sql and b"--" not in sql and b"#" not in sql:
        return sql

    pieces, at, depth = [], 0, 0
    while piece := _PIECE.search(sql, at):
        pieces.append(sql[at : piece.start()])
        at, kept = piece.end(), b" "
        if piece["quoted"] is not None:
            kept = piece[0]
        elif piece["closes"] and not depth:  # the product of something and a comment: 2*/* c */3
            at, kept = piece.start() + 1, b"*"
        elif piece["closes"]:
            depth -= 1
        elif piece["opens"] and _executes(piece, flavour, version):
            depth += 1
        elif piece["opens"]:
            skipped = _SKIPPED.match(sql, at)
            if not skipped:
                return sql  # it does not end
            at = skipped.end()
        pieces.append(kept)
    return sql if depth else b"".join([*pieces, sql[at:]])


def version_number(version: str) -> int:
    """Return ``9.7.4-debian`` as versioned comments spell it: 90704; 0 if it is no version."""
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if not numbers:
        return 0
    major, minor, patch = (int(number or 0) for number in numbers.groups())
    return major * 10000 + minor * 100 + patch


def _executes(piece: re.Match[bytes], flavour: str, version: int) -> bool:
    if flavour != "mariadb" and piece["mariadb"]:
        return False
    needed = int(piece["version"] or 0)
    if flavour == "mariadb" and not piece["mariadb"] and needed in _MYSQL_ONLY:
        return False
    return needed <= version
