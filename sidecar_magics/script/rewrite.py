"""Change a script on its way: only a part of it, into another schema, for another server.

Each statement is changed at its place, so nothing is read twice and nothing is kept. A statement
without changes is passed on as the same object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .classify import Classification, Kind, classify, first_word
from .collations import checked_collation_map, mapped, may_name_collation
from .definers import may_have_definer, without_definer
from .insertion import Insertion, read_insertion
from .names import Names, read_names
from .quoting import Quoting
from .redirect import OBJECTS, Redirect, RewriteError, schema_of_heading
from .selection import Look, Selection, TableSelection, is_system_schema, targets, without_items
from .tokens import Edit, Token, edited, tokens

__all__ = ["RewriteError", "Rewriter", "schema_of_heading"]

_OF_SCHEMAS = {Kind.SCHEMA, Kind.USE}
# The default schema does not matter for these.
_ANYWHERE = {Kind.SESSION, Kind.TRANSACTION, Kind.ACCOUNT, Kind.USE}
_HAVE_BODIES = {Kind.ROUTINE, Kind.TRIGGER, Kind.EVENT}


class Rewriter:
    """Changes a script's statements, in their order.

    Parameters
    ----------
    into : str, optional
        Schema that takes the place of the script's own one: in USE, in CREATE, ALTER and DROP
        DATABASE (so a script that drops its schema first drops this one), before the names of
        tables and routines, also in the bodies of views, triggers, routines and events. CREATE
        DATABASE gets IF NOT EXISTS. Texts and comments stay. A script that has no schema of its
        own is not changed: work in *into* from the beginning.
    source : str, optional
        The script's own schema, if a dump's heading names it (`redirect.schema_of_heading`); else
        it is the first that the script uses, creates or puts something into.
    tables : sequence of str, default none: all
        Patterns of the tables, views and sequences that are wanted, ``table`` or
        ``schema.table``, with ``*``, ``?`` and ``[...]``; case counts. Their triggers and locks
        belong to them. CREATE DATABASE, USE and the session's settings stay; routines, events,
        accounts and DROP DATABASE do not, nor DROP TRIGGER, which does not say whose it is.
    schema_only : bool, default False
        No rows: INSERT, REPLACE, UPDATE, DELETE, LOAD DATA, TRUNCATE, locks and the switching of
        keys. ``AUTO_INCREMENT=7`` stays in the table, as with ``mysqldump --no-data``.
    data_only : bool, default False
        Only rows, TRUNCATE, the session's settings and USE.
    skip_definer : bool, default False
        Leave DEFINER out, so that the account that loads is the definer.
    collation_map : mapping of str to str, default none
        The new collation for each old one, of the same character set.
    system_schemas : bool, default False
        Do not skip statements that change ``mysql``, ``sys`` and the other system schemas.
    reserved : mapping of str to str, default none
        Schemas, in small letters, that are never changed, each with the reason for the report.

    Attributes
    ----------
    skipped : Counter
        How many statements were skipped, by kind.
    changed : Counter
        How many were changed, by change: ``definer``, ``collation``, ``schema``,
        ``tables``.
    notes : list of str
        Notes for the report, each once.

    Raises
    ------
    RewriteError
        The options contradict each other.
    """

    def __init__(
        self,
        *,
        into: str | None = None,
        source: str | None = None,
        tables: Sequence[str] = (),
        schema_only: bool = False,
        data_only: bool = False,
        skip_definer: bool = False,
        collation_map: Mapping[str, str] | None = None,
        system_schemas: bool = False,
        reserved: Mapping[str, str] | None = None,
    ) -> None:
        if schema_only and data_only:
            raise RewriteError("--schema-only and --data-only exclude each other")
        if into is not None and (not into or is_system_schema(into)):
            raise RewriteError(f"--into {into!r} is no schema to load into")
        if not all(tables):
            raise RewriteError("a pattern of --tables is empty")
        try:
            self._collations = checked_collation_map(collation_map or {})
        except ValueError as error:
            raise RewriteError(str(error)) from None
        self._tables = TableSelection(tables)
        self._selection = Selection(
            self._tables,
            schema_only=schema_only,
            data_only=data_only,
            system_schemas=system_schemas,
            reserved=reserved or {},
        )
        self._redirect = None if into is None else Redirect(into, source)
        self._skip_definer = skip_definer
        self._notes: dict[str, None] = {}
        self.skipped: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()

    @property
    def unmatched(self) -> list[str]:
        """The patterns of `tables` without a match so far."""
        return self._tables.unmatched

    @property
    def notes(self) -> list[str]:
        """Notes for the report, each once."""
        return [*self._notes, *(self._redirect.notes if self._redirect else ())]

    @property
    def source(self) -> str | None:
        """The script's own schema, once known, where another one takes its place."""
        return self._redirect.source if self._redirect else None

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
        """Return the statement to send instead of one, None to send nothing.

        Parameters
        ----------
        sql : bytes
            The statement.
        about : Classification, optional
            What `classify` takes it for, if that is known.
        schema : str or None
            Default schema at this point of the script as it is written, None for none.
        ansi_quotes, no_backslash_escapes : bool, default False
            How the session reads quotes here.
        several : bool, default False
            There may be several statements, with semicolons in between: the script's delimiter is
            another one.

        Raises
        ------
        RewriteError
            The statement cannot be changed as asked; one sentence.

        Guarantees:
        - a statement that stays as it is comes back as the same object;
        - of rows (INSERT ... VALUES) no more than the beginning is read;
        - texts, quoted names and comments that no server executes are not changed.
        """
        modes = Quoting(ansi_quotes, no_backslash_escapes)
        if several:
            return self._several(sql, schema, modes)
        about = about or classify(sql)
        rows = read_insertion(sql) if about.kind is Kind.DATA else None
        if rows is not None:
            return self._rows(sql, rows, schema)
        return self._statement(sql, about, schema, modes)

    def _rows(self, sql: bytes, rows: Insertion, schema: str | None) -> bytes | None:
        if self._is_skipped(self._selection.reason_of_rows(rows.schema or schema, rows.table)):
            return None
        if self._redirect is None:
            return sql
        if rows.schema is None:
            self._redirect.settle(schema)
            self._redirect.see_unqualified()
        return self._edited(sql, {"schema": self._redirect.of_rows(rows)})

    def _several(self, sql: bytes, schema: str | None, modes: Quoting) -> bytes | None:
        pieces = [sql[start:end] for start, end in parts(sql, **modes._asdict())]
        if len(pieces) == 1:
            return self._statement(sql, classify(sql), schema, modes)
        changed = [self._statement(piece, classify(piece), schema, modes) for piece in pieces]
        if all(new is old for new, old in zip(changed, pieces)):
            return sql
        return b";".join(piece for piece in changed if piece is not None) or None

    def _statement(
        self, sql: bytes, about: Classification, schema: str | None, modes: Quoting
    ) -> bytes | None:
        statement: list[Token] | None = None
        names: Names | None = None
        look = Look(sql, about, about.schema or schema)
        if self._tables or (self._redirect and (b"." in sql or about.kind in _OF_SCHEMAS)):
            statement = tokens(sql, **modes._asdict())
            names = read_names(statement)
            look.names = names
        if self._is_skipped(self._selection.reason(look)):
            return None
        edits: dict[str, list[Edit]] = {}
        definer = self._skip_definer and may_have_definer(sql)
        collation = bool(self._collations) and may_name_collation(sql)
        if (definer or collation) and statement is None:
            statement = tokens(sql, **modes._asdict())
        if self._redirect and about.schema is None and about.kind not in _ANYWHERE:
            self._redirect.settle(schema)
            if about.kind in OBJECTS:
                self._redirect.see_unqualified()
        if statement is None:
            return sql
        if definer:
            edits["definer"] = without_definer(statement)
        if collation:
            edits["collation"] = mapped(statement, self._collations)
        if self._tables:
            edits["tables"] = self._partly(statement, look)
        if self._redirect and names:
            edits["schema"] = self._redirect.of_statement(statement, names, about)
        return self._edited(sql, edits)

    def _partly(self, statement: list[Token], look: Look) -> list[Edit]:
        """Leave unwanted tables out of a list; note the tables that a foreign key will miss."""
        if look.first == b"CREATE":
            self._note_missing(look)
        wanted = [self._tables.has(*table) for table in targets(look)]
        if all(wanted) or look.first not in (b"DROP", b"LOCK", b"RENAME"):
            return []
        if look.first == b"RENAME":
            raise RewriteError("of the tables that are renamed here only some are in --tables")
        return without_items(statement, {at for at, want in enumerate(wanted) if not want})

    def _note_missing(self, look: Look) -> None:
        tables = look.names.tables if look.names else []
        for schema, table in tables[1:]:
            if not self._tables.has(schema or look.schema, table):
                self._notes[f"{look.about.table} refers to {table}, which is left out"] = None

    def _is_skipped(self, reason: str | None) -> bool:
        if reason is not None:
            self.skipped[reason] += 1
        return reason is not None

    def _edited(self, sql: bytes, edits: dict[str, list[Edit]]) -> bytes:
        for what, some in edits.items():
            if some:
                self.changed[what] += 1
        return edited(sql, [edit for some in edits.values() for edit in some])


def parts(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of each of several statements; a body takes all the rest."""
    start = 0
    for token in tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes):
        if token.text != b";":
            continue
        if classify(sql[start : token.start]).kind in _HAVE_BODIES and _begins_body(sql[start:]):
            break
        yield start, token.start
        start = token.end
    if sql[start:].strip():
        yield start, len(sql)


def _begins_body(sql: bytes) -> bool:
    return first_word(sql) in (b"CREATE", b"ALTER")
