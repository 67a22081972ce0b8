"""Compare a dump with its copy: the differences in words."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from ..errors import shown
from ..script.tokens import tokens
from .content import DumpedThing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .content import Content, RowsDigest
    from .elsewhere import Copy
    from .rows import Range

LONGEST_LINE = 80
# MySQL shows the character set of a column's collation or not, depending on the column's first
# declaration; so a table's copy may show it where the table does not.
_NEEDLESS = re.compile(rb" CHARACTER SET \w+(?= COLLATE)")


def differing_rows(
    expected: Mapping[tuple[str, str], Mapping[Range, RowsDigest]],
    found: Mapping[tuple[str, str], Mapping[Range, RowsDigest]],
    tables: Iterable[tuple[str, str]],
) -> dict[tuple[str, str], str]:
    """Return how the rows of tables differ, in words; only tables that differ."""
    words = {}
    for path in tables:
        before, after = expected.get(path, {}), found.get(path, {})
        if before == after:
            continue
        counts = [sum(part.rows for part in parts.values()) for parts in (before, after)]
        if counts[0] == counts[1]:
            words[path] = f"of {counts[0]:,} rows some have other values, or another order"
        else:
            words[path] = f"{counts[0]:,} rows were dumped, and {counts[1]:,} came back"
    return words


def differing_definitions(
    content: Content, copy: Copy, names: dict[str, str], found: Content
) -> Iterator[tuple[DumpedThing, str]]:
    """Yield the objects whose copy differs from the dump, and how.

    Parameters
    ----------
    content : Content
        The dump's content.
    copy : Copy
        The expected content of the scratch schemas, without objects that cannot be compared.
    names : dict of str to str
        The scratch schemas, by the dump's.
    found : Content
        Their content.
    """
    left = dict(found.defined)
    for thing, sql in list(copy.defined.items()):
        scratch = names[thing.schema]
        name = scratch if thing.kind == "schema" else thing.name
        back = left.pop(DumpedThing(thing.kind, scratch, name), None)
        setting = content.defined[thing].setting
        if back is None and thing.kind == "event":
            copy.leave_out(thing, "the server drops it at once: its time is over")
        elif back is None:
            yield thing, "it is missing"
        elif back.setting != setting:
            yield thing, "it was made in another session (sql_mode, character set, time zone)"
        elif back.sql != sql and _is_program(thing) and _code(back.sql) == _code(sql):
            copy.leave_out(thing, "comments or ends of lines in it differ, which a load changes")
        elif _needful(thing, back.sql) != _needful(thing, sql):
            yield thing, _first_difference(thing, sql, back.sql)
    dumped = {scratch: name for name, scratch in names.items()}
    for extra in left:
        if extra._replace(schema=dumped[extra.schema]) not in copy.left_out:
            yield extra, "it is not in the dump"
    before = _triggers(content, {name: name for name in names})
    for path, triggers in _triggers(found, dumped).items():
        if [name for name in before.get(path, []) if name in triggers] != triggers:
            yield DumpedThing("table", *path), "its triggers fire in another order"


def _needful(thing: DumpedThing, sql: bytes) -> bytes:
    return _NEEDLESS.sub(b"", sql) if thing.kind == "table" else sql


def _first_difference(thing: DumpedThing, expected: bytes, found: bytes) -> str:
    """Return the first line in which a definition differs, if it has no secrets."""
    if thing.kind not in ("table", "view"):
        return "its definition differs"
    lines = [_needful(thing, sql).split(b"\n") for sql in (expected, found)]
    pairs = zip_longest(*lines, fillvalue=b"")
    one, other = next(pair for pair in pairs if pair[0] != pair[1])
    return f"dumped {_line(one)}, and came back as {_line(other)}"


def _line(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return shown(text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…")


def _is_program(thing: DumpedThing) -> bool:
    return thing.kind not in ("schema", "table", "view", "sequence")


def _code(sql: bytes) -> list[bytes]:
    """Return a program without comments, and with the ends of lines that clients send."""
    return [token.text for token in tokens(sql.replace(b"\r\n", b"\n"))]


def _triggers(content: Content, schemas: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    """Return the triggers of each table in their order."""
    found: dict[tuple[str, str], list[str]] = {}
    for thing, defined in content.defined.items():
        if thing.kind == "trigger":
            found.setdefault((schemas[thing.schema], defined.table), []).append(thing.name)
    return found
