"""The definitions that a server shows, as statements: tables, views, programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from . import script
from .content import Content, Defined
from .spelling import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .catalogue import Schema, StoredProgram, StoredTable

    # SHOW CREATE in SQL -> the one row's cells, by the names of its columns.
    Show = Callable[[bytes], "dict[str, bytes]"]

# Left out: a system-versioned table's history partitions, which are of no use elsewhere, and a
# schema's default encryption, which the loading server decides.
# No dump has tablespaces: without one, a table is made in a file of its own. The bracket begins a
# line, as nothing in a name, a comment or a default can: their ends of lines are shown escaped.
_TABLESPACE = re.compile(rb"^\) /\*!50100 TABLESPACE `(?:[^`]|``)+` \*/ ", re.MULTILINE)
_PATH = re.compile(rb"`(?:[^`]|``)+`\.`(?:[^`]|``)+`")

# To be filled in: schema, name, kind.
_OF_ROUTINE = (
    b"SELECT routine_comment comment FROM information_schema.routines"
    b" WHERE routine_schema = %s AND routine_name = %s AND routine_type = %s"
)
_COMMENTS = {
    "PROCEDURE": _OF_ROUTINE,
    "FUNCTION": _OF_ROUTINE,
    "EVENT": b"SELECT event_comment comment FROM information_schema.events"
    b" WHERE event_schema = %s AND event_name = %s AND %s = 'EVENT'",
}
# Source: append_unescaped() of both servers.
_ESCAPED = (
    (b"\\", b"\\\\"),
    (b"\0", b"\\0"),
    (b"\n", b"\\n"),
    (b"\r", b"\\r"),
    (b"'", b"''"),
)


class ShownView(NamedTuple):
    """A view as it is shown, with the paths that it names."""

    made: script.Made
    schema: str
    names: frozenset[bytes]


class Definitions:
    """Asks for definitions.

    Parameters
    ----------
    show : callable
        Asks the server.
    keeps_definer : bool
        Whether views and programs keep their definer.
    content : Content, optional
        Takes the definitions down.
    """

    def __init__(self, show: Show, *, keeps_definer: bool, content: Content | None = None) -> None:
        self._show = show
        self._keeps_definer = keeps_definer
        self._content = content or Content()

    def schema(self, schema: Schema) -> bytes:
        """Return the statement that makes a schema."""
        shown = self._show(b"SHOW CREATE DATABASE " + quoted(schema.name))
        made = shown["create database"]
        self._content.define("schema", schema.name, schema.name, Defined(made))
        return script.schema(schema.name, made)

    def table(self, table: StoredTable) -> bytes:
        """Return the statement that recreates a table."""
        shown = self._show(b"SHOW CREATE TABLE " + quoted(table.schema, table.name))
        made = _TABLESPACE.sub(rb") ", shown["create table"], 1)
        self._content.define("table", table.schema, table.name, Defined(made))
        return script.table(table.name, made)

    def sequence(self, sequence: StoredTable) -> bytes:
        """Return the statements that recreate a sequence, and set it to its number."""
        path = quoted(sequence.schema, sequence.name)
        made = self._show(b"SHOW CREATE SEQUENCE " + path)["create table"]
        state = self._show(b"SELECT next_not_cached_value v, cycle_count c FROM " + path)
        setting = b"DO SETVAL(%s, %s, 0, %s)" % (quoted(sequence.name), state["v"], state["c"])
        found = Defined(made + b";\n" + setting)
        self._content.define("sequence", sequence.schema, sequence.name, found)
        return script.sequence(sequence.name, made, setting)

    def program(self, schema: Schema, program: StoredProgram) -> script.Made:
        """Return a routine, trigger or event.

        Raises
        ------
        KeyError
            Its body is hidden from the account.
        """
        path = quoted(schema.name, program.name)
        shown = self._show(b"SHOW CREATE %s %s" % (program.kind.encode(), path))
        sql = shown.get(f"create {program.kind.lower()}") or shown["sql original statement"]
        if b"NO_BACKSLASH_ESCAPES" in shown.get("sql_mode", b"") and b"\\" in sql:
            sql = self._with_its_comment(sql, schema.name, program)
        zone = shown["time_zone"].decode() if "time_zone" in shown else None
        made = self._made(program.kind, program.name, sql, shown, zone)
        self._content.make(schema.name, made, program)
        return made

    def _with_its_comment(self, sql: bytes, schema: str, program: StoredProgram) -> bytes:
        r"""Return a definition whose COMMENT says the same in its own sql_mode.

        Servers show it with escapes (``'a\\b'`` of ``'a\b'``) whatever the mode, and under
        NO_BACKSLASH_ESCAPES these would stay: two at the next dump, then four. Seen with MySQL 9.7
        and MariaDB 10.11.
        """
        if program.kind not in _COMMENTS:
            return sql
        path = (literal(schema), literal(program.name), literal(program.kind))
        comment = self._show(_COMMENTS[program.kind] % path)["comment"]
        shown = comment
        for byte, escaped in _ESCAPED:
            shown = shown.replace(byte, escaped)
        doubled = comment.replace(b"'", b"''")
        return sql.replace(b"COMMENT '%s'" % shown, b"COMMENT '%s'" % doubled, 1)

    def view(self, view: StoredTable) -> ShownView:
        """Return a view."""
        shown = self._show(b"SHOW CREATE VIEW " + quoted(view.schema, view.name))
        made = self._made("VIEW", view.name, shown["create view"], shown)
        return ShownView(made, view.schema, frozenset(_PATH.findall(made.sql)))

    def _made(
        self,
        kind: str,
        name: str,
        sql: bytes,
        shown: dict[str, bytes],
        time_zone: str | None = None,
    ) -> script.Made:
        mode = shown["sql_mode"].decode() if "sql_mode" in shown else None
        collation = shown.get("database collation")
        setting = script.Setting(
            shown["character_set_client"].decode(),
            shown["collation_connection"].decode(),
            mode,
            time_zone,
            collation.decode() if collation else None,
        )
        if not self._keeps_definer:
            sql = script.without_definer(sql, mode)
        return script.Made(kind, name, sql, setting)


def in_order(views: Iterable[ShownView]) -> list[ShownView]:
    """Return views so that each comes after those that it is made of.

    Guarantees: the order depends on the names alone; a circle, which no server lets be made, is
    broken where it is met.
    """
    left = {quoted(view.schema, view.made.name): view for view in views}
    ordered: list[ShownView] = []

    # Not by recursion: there may be a thousand, one upon the other.
    for first in sorted(left):
        waiting = [first]
        while waiting:
            path = waiting[-1]
            view = left.get(path)
            below = sorted(n for n in view.names if n in left and n not in waiting) if view else []
            if below:
                waiting.append(below[0])
                continue
            waiting.pop()
            if view is not None:
                ordered.append(left.pop(path))
    return ordered
