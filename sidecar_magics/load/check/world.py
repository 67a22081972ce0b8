"""Play a script's effects against a copy of the server's objects, without the server.

The events of the script come in order, each on the result of those before it. After an event that
would fail, the play continues as if it had succeeded, so that one cause is reported once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .target import Thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .inventory import Event, Position
    from .target import Contents

# Tables and views share their names; everything else has a space of its own.
_SPACES = {"table": "relation", "view": "relation"}
_EXISTS = {"trigger": 1359, "procedure": 1304, "function": 1304, "event": 1537}
_NO_SUCH = {"trigger": 1360, "procedure": 1305, "function": 1305, "event": 1539}
_ROWS = ("insert", "replace", "update", "delete", "load")
_NEEDS_TABLE = (*_ROWS, "lock", "truncate", "alter", "rename")

_Key = tuple[str, str, str]  # space, schema, name


class Clash(NamedTuple):
    """An event that the server would refuse.

    Attributes
    ----------
    kind : str
        ``exists``, ``missing``, ``schema-missing``, ``no-schema``, ``parent-missing`` or
        ``other-kind``.
    what, name : str
        Its object; the name as ``schema.name``.
    errno : int
        The server's error number.
    place : Position
        Of the event.
    parent : str
        The table that a foreign key misses.
    rows : int or None
        Rows of a table that exists.
    likely : bool
        The effect of an earlier statement cannot be foreseen.
    """

    kind: str
    what: str
    name: str
    errno: int
    place: Position
    parent: str = ""
    rows: int | None = None
    likely: bool = False


class Played(NamedTuple):
    """The fate of one object.

    Attributes
    ----------
    schema, name, what : str
        The thing.
    action : str
        ``created``, ``replaced``, ``dropped``, ``altered``, ``filled`` (an existing table gets
        rows), ``kept`` (IF NOT EXISTS) or ``refused``.
    rows : int or None
        About how many rows there are before, where the table exists.
    """

    schema: str
    name: str
    what: str
    action: str
    rows: int | None


class World:
    """A server's objects, as a script changes them.

    Parameters
    ----------
    contents : Contents
        The server's present objects, in all schemas that the script names.
    flavour : str
        ``mysql`` or ``mariadb``.
    folds_case : bool
        Whether names of tables that differ only by case are the same (lower_case_table_names).
    checks_foreign_keys : bool, default True
        Whether a new session checks foreign keys.
    """

    def __init__(
        self,
        contents: Contents,
        *,
        flavour: str,
        folds_case: bool,
        checks_foreign_keys: bool = True,
    ) -> None:
        self._fold: Callable[[str], str] = str.lower if folds_case else str
        self._flavour = flavour
        self._checks = checks_foreign_keys
        self._schemas = {self._fold(name) for name in contents.schemas}
        self._things: dict[_Key, Thing] = {}
        for (schema, what, name), thing in contents.things.items():
            self._things[self._key(what, schema, name)] = thing
        self._first_schemas = frozenset(self._schemas)
        self._first = dict(self._things)
        self._temporary: set[_Key] = set()
        self._touched: dict[_Key, tuple[str, str, str]] = {}
        self._marks: dict[_Key, set[str]] = {}
        self._excused: set[str] = set()
        self._spellings: dict[_Key, dict[str, Position]] = {}
        self.clashes: list[Clash] = []

    def play(self, events: Iterable[Event]) -> None:
        """Play a script's events; those that would fail are in `clashes`."""
        for event in events:
            if event.what == "account":
                continue
            if event.what == "schema":
                self._play_schema(event)
            elif self._has_schema(event):
                self._play(event)

    def outcomes(self) -> list[Played]:
        """Return the fate of each object that the script names, in its order."""
        found = []
        for key, (schema, name, what) in self._touched.items():
            before, after = self._first.get(key), self._things.get(key)
            marks = self._marks.get(key, set())
            action = _action(before, after, marks)
            if action:
                kind = (after or before or Thing(what)).what
                found.append(Played(schema, name, kind, action, before.rows if before else None))
        return found

    def schema_outcomes(self) -> dict[str, tuple[str, int]]:
        """Return the fates of the schemas, and how many tables each has now."""
        tables: dict[str, int] = {}
        for (space, schema, _), thing in self._first.items():
            if space == "relation" and thing.what == "table":
                tables[schema] = tables.get(schema, 0) + 1
        found = {}
        for schema in sorted(self._first_schemas | self._schemas | self._dropped_schemas):
            before, after = schema in self._first_schemas, schema in self._schemas
            if before and schema in self._dropped_schemas:
                found[schema] = ("replaced" if after else "dropped", tables.get(schema, 0))
            elif before != after:
                found[schema] = ("created" if after else "dropped", 0)
            else:
                found[schema] = ("kept", tables.get(schema, 0))
        return found

    def same_but_for_case(self) -> list[tuple[tuple[str, ...], Position]]:
        """Return spellings that the script has of one table, for a server that ignores case."""
        return [
            (tuple(spellings), list(spellings.values())[1])
            for spellings in self._spellings.values()
            if len(spellings) > 1
        ]

    # Schemas -----------------------------------------------------------------------------------

    _dropped_schemas: frozenset[str] = frozenset()

    def _play_schema(self, event: Event) -> None:
        schema, definition = event.schema or "", event.definition
        folded = self._fold(schema)
        there = folded in self._schemas
        conditional = definition is not None and definition.conditional
        replaces = definition is not None and definition.replaces
        if event.verb == "create":
            if there and replaces:
                self._empty(folded)
            elif there and not conditional:
                self._clash("exists", event, 1007)
            self._schemas.add(folded)
        elif event.verb == "drop":
            if not there and not conditional:
                self._clash("missing", event, 1008)
            self._empty(folded)
            self._schemas.discard(folded)
        elif not there:
            self._no_schema(event, schema)

    def _empty(self, schema: str) -> None:
        if schema in self._schemas:
            self._dropped_schemas |= {schema}
        for key in [key for key in self._things if key[1] == schema]:
            thing = self._things.pop(key)
            self._touched.setdefault(key, (schema, key[2], thing.what))

    def _has_schema(self, event: Event) -> bool:
        """Return whether the schema of an event is there; else that is reported, once."""
        if event.schema is None:
            if "" not in self._excused:
                self._excused.add("")
                self._clash("no-schema", event, 1046)
            return False
        if self._fold(event.schema) in self._schemas:
            return True
        if event.verb == "drop" and event.definition and event.definition.conditional:
            return False
        self._no_schema(event, event.schema)
        return True

    def _no_schema(self, event: Event, schema: str) -> None:
        errno = 1146 if event.verb in _ROWS and self._flavour == "mariadb" else 1049
        self.clashes.append(
            Clash("schema-missing", "schema", schema, errno, event.place, likely=event.likely)
        )
        self._schemas.add(self._fold(schema))
        self._excused.add(self._fold(schema))

    # Objects in them ---------------------------------------------------------------------------

    def _play(self, event: Event) -> None:
        if event.what == "index":
            self._need_table(event, event.name)
        elif event.verb == "create":
            self._create(event)
        elif event.verb == "call":
            if self._key_of(event) not in self._things:
                self._clash("missing", event, _NO_SUCH[event.what])
        elif event.verb == "drop":
            self._drop(event)
        elif event.what in ("table", "view") and event.verb in _NEEDS_TABLE:
            self._change(event)
        elif event.verb == "alter":
            if self._key_of(event) not in self._things:
                self._clash("missing", event, _NO_SUCH.get(event.what, 1146))
            self._touch(event, "altered")

    def _create(self, event: Event) -> None:
        key, definition = self._key_of(event), event.definition
        if definition is None:
            return
        if definition.temporary:
            self._temporary.add(key)
            return
        there = self._things.get(key)
        if event.what == "trigger" and definition.on:
            self._need_table(event, definition.on[1])
        if event.what in ("table", "view"):
            spelling = f"{event.schema}.{event.name}"
            self._spellings.setdefault(key, {}).setdefault(spelling, event.place)
        self._check_parents(event, key)
        if there and definition.conditional:
            self._touch(event, "kept")
            return
        if there and definition.replaces:
            if event.what == "view" and there.what != "view":
                self._clash("other-kind", event, 1347)
        elif there:
            self._clash("exists", event, _EXISTS.get(event.what, 1050), rows=there.rows)
            self._touch(event, "refused")
            return
        self._forget(key)
        on = definition.on[1] if definition.on else None
        self._things[key] = Thing(event.what, on=on)
        self._touch(event, "created")

    def _drop(self, event: Event) -> None:
        key, definition = self._key_of(event), event.definition
        if key in self._temporary and event.what == "table":
            self._temporary.discard(key)
            return
        there = self._things.get(key)
        if there and there.what == event.what:
            self._forget(key)
            self._touch(event, "dropped")
        elif not (definition and definition.conditional):
            if there:
                errno = {("mariadb", "table"): 1965}.get((self._flavour, event.what), 1347)
                errno = 1051 if self._flavour == "mysql" and event.what == "table" else errno
                self._clash("other-kind", event, errno)
            else:
                errno = 4092 if event.what == "view" and self._flavour == "mariadb" else 1051
                self._clash("missing", event, _NO_SUCH.get(event.what, errno))

    def _change(self, event: Event) -> None:
        key = self._key_of(event)
        if key in self._temporary:
            return
        self._need_table(event, event.name)
        self._check_parents(event, key)
        if event.verb != "lock":
            self._touch(event, "filled" if event.verb in _ROWS else "altered")
        if event.new is not None:
            schema, name = event.new
            thing = self._things.pop(key, Thing("table"))
            new = self._key("table", schema or "", name)
            self._things[new] = thing
            self._touched.setdefault(new, (schema or "", name, thing.what))
            self._marks.setdefault(new, set()).add("created")

    def _need_table(self, event: Event, name: str) -> None:
        key = self._key("table", event.schema or "", name)
        if key in self._things or key in self._temporary:
            return
        self._things[key] = Thing("table")  # reported once
        if key[1] not in self._excused:
            full = f"{event.schema}.{name}"
            self.clashes.append(
                Clash("missing", "table", full, 1146, event.place, likely=event.likely)
            )

    def _check_parents(self, event: Event, key: _Key) -> None:
        checks = event.state.foreign_key_checks
        if not (self._checks if checks is None else checks) or event.traits is None:
            return
        for schema, name in event.traits.parents:
            parent = self._key("table", schema or "", name)
            if parent != key and parent not in self._things:
                errno = 1005 if self._flavour == "mariadb" else 1824
                full = f"{event.schema}.{event.name}"
                clash = Clash(
                    "parent-missing",
                    "table",
                    full,
                    errno,
                    event.place,
                    f"{schema}.{name}",
                    likely=event.likely,
                )
                self.clashes.append(clash)

    def _forget(self, key: _Key) -> None:
        """Drop a thing, and the triggers of a table with it."""
        thing = self._things.pop(key, None)
        if thing is None or thing.what != "table":
            return
        for other in [other for other in self._things if other[0] == "trigger"]:
            on = self._things[other].on
            if other[1] == key[1] and on is not None and self._fold(on) == key[2]:
                name = self._things.pop(other)
                self._touched.setdefault(other, (other[1], other[2], name.what))

    def _touch(self, event: Event, mark: str) -> None:
        key = self._key_of(event)
        self._touched.setdefault(key, (event.schema or "", event.name, event.what))
        self._marks.setdefault(key, set()).add(mark)

    def _clash(self, kind: str, event: Event, errno: int, *, rows: int | None = None) -> None:
        name = f"{event.schema}.{event.name}" if event.what != "schema" else event.schema or ""
        if kind == "no-schema":
            name = event.name
        self.clashes.append(
            Clash(kind, event.what, name, errno, event.place, rows=rows, likely=event.likely)
        )

    def _key_of(self, event: Event) -> _Key:
        return self._key(event.what, event.schema or "", event.name)

    def _key(self, what: str, schema: str, name: str) -> _Key:
        # Routines and events are found in any case on every server.
        folded = name.lower() if what in ("procedure", "function", "event") else self._fold(name)
        return (_SPACES.get(what, what), self._fold(schema), folded)


def _action(before: Thing | None, after: Thing | None, marks: set[str]) -> str:
    if "refused" in marks:
        return "refused"
    if before and not after:
        return "dropped"
    if after and not before:
        return "created"
    if not after or not before:
        return ""  # there was nothing, and nothing will be
    for mark, action in (("created", "replaced"), ("filled", "filled"), ("altered", "altered")):
        if mark in marks:
            return action
    return "kept"
