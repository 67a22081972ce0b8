"""Names and texts as SQL has them, in bytes."""

from __future__ import annotations

from ..errors import printable

# Characters that a text needs as escapes: MySQL's own, and ends of lines, which the client changes.
# Source: "String Literals", MySQL 9 Reference Manual.
_ESCAPES = {
    b"\\": b"\\\\",
    b"'": b"\\'",
    b"\0": b"\\0",
    b"\n": b"\\n",
    b"\r": b"\\r",
    b"\x1a": b"\\Z",
}


def quoted(*names: str) -> bytes:
    """Return a name, or a path of names, in backticks."""
    return b".".join(b"`" + name.encode().replace(b"`", b"``") + b"`" for name in names)


def table_path(schema: str, name: str) -> str:
    """Return the path of a table as reports have it: in backticks only where it needs them.

    Guarantees: no two tables have the same, also where there are dots in their names.
    """
    parts = (
        "`" + part.replace("`", "``") + "`" if "." in part or "`" in part else part
        for part in (schema, name)
    )
    return ".".join(parts)


def literal(text: str | bytes) -> bytes:
    """Return a text in quotes, for a session that takes backslashes as escapes."""
    data = text.encode() if isinstance(text, str) else text
    for plain, escaped in _ESCAPES.items():  # the backslash first
        data = data.replace(plain, escaped)
    return b"'" + data + b"'"


def comment(text: str) -> bytes:
    """Return a line of comment: whatever is in a name, it ends with the line."""
    return b"-- " + printable(text).encode() + b"\n"


def file_name(name: str) -> str:
    """Return a name with all but letters and digits spelled out, as servers name their files.

    Guarantees: plain ASCII; no two names become the same. Servers have shorter forms for many
    letters beyond ASCII.
    """
    return "".join(
        letter
        if letter.isascii() and (letter.isalnum() or letter == "_")
        else f"@{ord(letter):04x}"
        for letter in name
    )
