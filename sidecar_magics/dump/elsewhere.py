"""Redirect a dump into scratch schemas, and work out their expected content.

Only the dump's own forms of statements pass, and a table's definition only if it names none of the
server's schemas. Objects that cannot be redirected for certain are left out, with the reason.

A foreign key to a table outside the dump gets a schema that does not exist: a key to the real table
would block changes of it. Events are created disabled. Tables that reach beyond their schema (DATA
DIRECTORY, CONNECTION, ...), views of objects outside the dump, and names that may be a schema or a
table are reported instead of loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..load.check.mirror import reaches_out
from ..load.check.statements import read_definition
from ..load.policy import LoadPolicy
from ..schemas import SYSTEM_SCHEMAS
from ..script.classify import Kind, classify
from ..script.insertion import read_insertion
from ..script.names import read_names
from ..script.quoting import Quoting, quoting_of
from ..script.rewrite import RewriteError, Rewriter
from ..script.tokens import Edit, edited, tokens
from .content import DumpedThing
from .spelling import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ..script.classify import Classification
    from ..script.tokens import Token
    from .content import Content, Defined

_PASSIVE = {Kind.VIEW, Kind.TRIGGER, Kind.ROUTINE, Kind.EVENT}
_SENT = _PASSIVE | {Kind.SCHEMA, Kind.USE, Kind.TABLE}
# The end of a dump.
_COMMIT = b"COMMIT"
# Statements that make a sequence of MariaDB's, and set it.
_OF_SEQUENCES = (b"CREATE SEQUENCE ", b"DROP SEQUENCE ")
_SETS_SEQUENCE = b"DO SETVAL("
_SHARED = {"table": ("table", "sequence", "view")}


class UnmovableError(Exception):
    """A definition cannot be sent elsewhere; the reason, after "since"."""


class Relocation:
    """The redirection of a dump's schemas.

    Parameters
    ----------
    scratch : mapping of str to str
        Scratch schemas, by the dump's.
    real : collection of str
        Schemas that the server has.
    nowhere : str
        Schema that never exists: for tables outside of the dump that foreign keys refer to. A
        foreign key to the real table would block changes of it.
    folds : bool
        Whether capitals in names make no difference to the server.
    """

    def __init__(
        self, scratch: Mapping[str, str], real: Collection[str], nowhere: str, *, folds: bool
    ) -> None:
        self._folds = folds
        self._scratch = {self._fold(name): schema for name, schema in scratch.items()}
        self._real = {name.lower() for name in (*real, *SYSTEM_SCHEMAS)}
        self._nowhere = nowhere

    def of(self, schema: str | None) -> str:
        """Return the scratch schema for one of the dump's.

        Raises
        ------
        UnmovableError
            It is none of the dump's.
        """
        if schema is None or self._fold(schema) not in self._scratch:
            raise UnmovableError("it is in no schema of the dump")
        return self._scratch[self._fold(schema)]

    def moved(self, sql: bytes, kind: Kind, modes: Quoting) -> bytes:
        """Return a statement with scratch schemas instead of the dump's; events are disabled.

        Raises
        ------
        UnmovableError
            It reaches beyond its schema, or a name in it may be a schema or not.
        """
        statement = tokens(sql, **modes._asdict())
        if kind is Kind.TABLE and (word := reaches_out(statement)):
            raise UnmovableError(f"{word} in its definition reaches beyond the schema")
        edits = list(self._names(statement, kind))
        if kind is Kind.EVENT:
            edits += _disabled(statement)
        moved = edited(sql, sorted(edits))
        if kind is Kind.TABLE:
            self._check_confined(tokens(moved, **modes._asdict()))
        return moved

    def _names(self, statement: list[Token], kind: Kind) -> Iterator[Edit]:
        for mention in read_names(statement).mentions:
            if kind in (Kind.SCHEMA, Kind.USE):
                yield Edit(mention.token.start, mention.token.end, quoted(self.of(mention.schema)))
                continue
            schema = self._fold(mention.schema)
            scratch = self._scratch.get(schema)
            if schema.lower() in SYSTEM_SCHEMAS or (scratch is None and kind in _PASSIVE):
                continue  # what refers to it changes nothing there
            if not mention.certain:
                raise UnmovableError(f"{mention.schema} in it may be a schema or a table")
            yield Edit(mention.token.start, mention.token.end, quoted(scratch or self._nowhere))

    def _check_confined(self, statement: list[Token]) -> None:
        """Check without any grammar: if we have missed a name, the statement is not sent."""
        for token, after in zip(statement, statement[1:]):
            if after.text == b"." and (token.name or "").lower() in self._real:
                raise UnmovableError(f"it names the schema {token.name}")

    def _fold(self, name: str) -> str:
        return name.lower() if self._folds else name


@dataclass
class Copy:
    """The expected content of the scratch schemas.

    Attributes
    ----------
    relocation : Relocation
        The redirection of the dump's schemas.
    defined : dict of DumpedThing to bytes
        The expected definitions, with scratch schemas in them, by the dump's objects.
    left_out : dict of DumpedThing to str
        Objects that are not loaded, and why.
    """

    relocation: Relocation
    defined: dict[DumpedThing, bytes] = field(default_factory=dict)
    left_out: dict[DumpedThing, str] = field(default_factory=dict)

    def plan(self, content: Content) -> None:
        """Find out which objects of a dump can be loaded."""
        for thing, defined in content.defined.items():
            try:
                self.defined[thing] = self._moved(thing, defined)
            except UnmovableError as error:
                self.left_out[thing] = str(error)
        for thing, defined in content.defined.items():
            table = DumpedThing("table", thing.schema, defined.table)
            if thing.kind == "trigger" and table in self.left_out:
                self.leave_out(thing, "its table is not loaded")
        self._leave_out_views(content)

    def _moved(self, thing: DumpedThing, defined: Defined) -> bytes:
        mode = defined.setting.sql_mode if defined.setting else None
        return self.relocation.moved(defined.sql, _KINDS[thing.kind], quoting_of(mode or ""))

    def _leave_out_views(self, content: Content) -> None:
        """Leave out views of objects that are not loaded, such as other views."""
        there = {(e.schema, e.name) for e in self.defined if e.kind in _MADE_OF}
        needed = {
            thing: {path for path in _needs(content.defined[thing].sql) if self._is_of_dump(path)}
            for thing in self.defined
            if thing.kind == "view"
        }
        while lacking := {view: paths - there for view, paths in needed.items() if paths - there}:
            for view, paths in lacking.items():
                self.leave_out(view, f"it needs {'.'.join(min(paths))}, which is not loaded")
                there.discard((view.schema, view.name))
                del needed[view]

    def _is_of_dump(self, path: tuple[str, str]) -> bool:
        try:
            self.relocation.of(path[0])
        except UnmovableError:
            return False
        return True

    def leave_out(self, thing: DumpedThing, why: str) -> None:
        """Do not compare an object any more; `why` follows "since"."""
        self.defined.pop(thing, None)
        self.left_out[thing] = why


class ScratchRewriter(Rewriter):
    """Sends the statements of a dump into scratch schemas.

    Parameters
    ----------
    copy : Copy
        What is to be there.
    """

    def __init__(self, copy: Copy) -> None:
        super().__init__()
        self._copy = copy

    def rewrite(
        self,
        sql: bytes,
        about: Classification | None = None,
        *,
        schema: str | None,
        ansi_quotes: bool = False,
        no_backslash_escapes: bool = False,
        several: bool = False,
    ) -> bytes | None:
        """Return the statement to send instead of one of the dump, None to send nothing.

        Raises
        ------
        RewriteError
            It is none of a dump's, or would not go into a scratch schema.
        """
        del several  # a dump has a delimiter of its own for bodies alone
        about = about or classify(sql)
        try:
            if about.kind is Kind.SESSION or sql == _COMMIT:
                return sql
            if about.kind not in (Kind.SCHEMA, Kind.USE):
                self._copy.relocation.of(schema)  # a name without a schema goes there
            rows = read_insertion(sql) if about.kind is Kind.DATA else None
            if rows is not None and rows.schema is None:
                is_out = DumpedThing("table", schema or "", rows.table) in self._copy.left_out
                return None if is_out else sql
            kind = Kind.TABLE if sql.startswith(_OF_SEQUENCES) else about.kind
            if kind in _SENT:
                modes = Quoting(ansi_quotes, no_backslash_escapes)
                return self._definition(sql, kind, schema, modes)
            if sql.startswith(_SETS_SEQUENCE):
                return sql
        except UnmovableError as error:
            raise RewriteError(f"it does not go into a scratch schema, since {error}") from None
        raise RewriteError("it is no statement of a dump")

    def _definition(
        self, sql: bytes, kind: Kind, schema: str | None, modes: Quoting
    ) -> bytes | None:
        if self._is_left_out(sql, schema):
            return None
        try:
            return self._copy.relocation.moved(sql, kind, modes)
        except UnmovableError:
            if kind in (Kind.SCHEMA, Kind.USE):
                raise
            return None  # the copy has left it out, too

    def _is_left_out(self, sql: bytes, schema: str | None) -> bool:
        definition = read_definition(sql)
        if definition is None or definition.verb != "create" or schema is None:
            return False
        kinds = _SHARED.get(definition.what, (definition.what,))
        left_out = self._copy.left_out
        return any(
            DumpedThing(kind, schema, name) in left_out
            for _, name in definition.names
            for kind in kinds
        )


@dataclass(frozen=True)
class ScratchPolicy(LoadPolicy):
    """The options for loading a dump into scratch schemas.

    Parameters
    ----------
    copy : Copy
        What is to be there.
    """

    copy: Copy | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """None: no line of a magic has these options."""
        return ()

    def rewriter(self, collations: Collection[str], source: str | None = None) -> Rewriter:
        """Return the rewriter that redirects the dump's statements."""
        del source
        return ScratchRewriter(self.copy) if self.copy else super().rewriter(collations)


_KINDS = {
    "schema": Kind.SCHEMA,
    "table": Kind.TABLE,
    "sequence": Kind.TABLE,
    "view": Kind.VIEW,
    "trigger": Kind.TRIGGER,
    "procedure": Kind.ROUTINE,
    "function": Kind.ROUTINE,
    "package": Kind.ROUTINE,
    "package body": Kind.ROUTINE,
    "event": Kind.EVENT,
}


_UNREADABLE = "\ufffd"
# The objects that a view can use.
_MADE_OF = ("table", "view", "sequence", "function")


def _needs(sql: bytes) -> Iterator[tuple[str, str]]:
    """Yield the tables that a view names, and the functions. Servers show all with their schema.

    Names that are not in UTF-8, as in a view made with another character set, are skipped.
    """
    statement = tokens(sql)
    for schema, table in read_names(statement).tables[1:]:  # the first is the view itself
        if schema is not None and _UNREADABLE not in schema + table:
            yield schema, table
    for schema_, dot, function, opens in zip(*(statement[n:] for n in range(4))):
        if dot.text == b"." and opens.text == b"(" and schema_.name and function.name:
            yield schema_.name, function.name


def _disabled(statement: list[Token]) -> Iterator[Edit]:
    """Yield what lets the server not execute an event."""
    for token in statement:
        if token.word == b"DO":
            return
        if token.word == b"ENABLE":
            yield Edit(token.start, token.end, b"DISABLE")
            return
