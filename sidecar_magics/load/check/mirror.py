"""Scratch schemas that stand in for a script's own, with empty copies of the server's tables.

Each schema that a statement names gets a scratch schema, and each table or view that it names is
copied there, without rows. Then we send the statement with the names of the scratch schemas.
`Mirror.is_confined` is a second guard, which does not depend on our grammar.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from ...limits import limited
from ...schemas import SYSTEM_SCHEMAS
from ...scratch import CHECK, ScratchSchemas
from ...script.classify import Kind, classify
from ...script.insertion import read_insertion
from ...script.names import read_names
from ...script.rows import literal_rows
from ...script.tokens import Edit, Shape, edited, quoted, tokens, unquoted
from ...server import pymysql_errors
from ..reporting import failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pymysql

    from ...script.names import Names
    from ...script.quoting import Quoting
    from ...script.tokens import Token
    from .statements import Definition
    from .target import ServerView

# Seconds for one statement: the tables are empty.
STATEMENT_S = 20.0
# What reaches beyond a schema: words, functions, and engines. All may be names of columns, too.
_WORDS_BEYOND = {b"TABLESPACE", b"SONAME", b"OUTFILE", b"DUMPFILE"}
_CALLS_BEYOND = {b"SLEEP", b"GET_LOCK", b"LOAD_FILE"}
_ENGINES_BEYOND = {"FEDERATED", "CONNECT", "SPIDER", "S3"}
_PLACED = {b"DATA", b"INDEX"}
# Privileges that the account needs in a scratch schema; without DROP the schema would stay.
_NEEDED = ("CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW", "TRIGGER")
_SCHEMA_MADE = re.compile(r"\ACREATE DATABASE `(?:[^`]|``)+`")
_FOREIGN_KEYS = (
    "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL"
)
# Source: MySQL error reference: schema, table unknown.
_NOT_THERE = {1049, 1146}
# We read only the beginning of longer statements with rows.
_LONG_ROWS_BYTES = 16 * 1024


TablePath = tuple[str, str]  # schema and name, of the script


class Mirror:
    """The scratch schemas of one rehearsal.

    Parameters
    ----------
    helper : pymysql.Connection
        A connection on which nothing of the script runs.
    target : ServerView
        The server.

    Attributes
    ----------
    schema : str or None
        The script's default schema.
    spoiled : set
        Tables, and schemas (with an empty name), that are not here as the script has them: what
        depends on them says nothing new.
    has_unclear : bool
        Whether a statement was not to be sent that may have made a difference.
    """

    def __init__(self, helper: pymysql.Connection[Any], target: ServerView) -> None:
        self.schema: str | None = None
        self.spoiled: set[TablePath] = set()
        self.has_unclear = False
        self._helper = helper
        self._target = target
        self._schemas = ScratchSchemas(helper, CHECK)
        self._folds = target.number("lower_case_table_names") > 0
        self._scratch: dict[str, str] = {}  # names of scratch schemas, by the script's
        self._existing: set[str] = set()  # schemas that the server has
        self._mirrored: set[TablePath] = set()  # tables that were looked for
        self._own: set[str] = set()  # schemas that the script has made or dropped
        # Tables whose foreign keys refer to a table, once asked.
        self._children: dict[TablePath, list[TablePath]] | None = None
        self._real: set[str] = set()  # schemas of the server, in lower case

    @property
    def names(self) -> dict[str, str]:
        """The script's schemas, by the names of their scratch schemas."""
        return {scratch: schema for schema, scratch in self._scratch.items()}

    def begin(self) -> bool:
        """Drop those of killed checks; return whether the account may have scratch schemas."""
        names = self._schemas.begin()
        tell(self._helper, b"SET SESSION sql_mode = '', sql_quote_show_create = 1")
        self._real = {name.lower() for name in (*names, *SYSTEM_SCHEMAS)}
        grants, mine = self._target.grants, self._schemas.name(0)
        return all(grants.allow(right, mine) for right in _NEEDED)

    def drop(self) -> None:
        """Drop the scratch schemas."""
        for scratch in self._scratch.values():
            self._schemas.drop(scratch)

    def redirected(self, sql: bytes, quoting: Quoting) -> bytes | None:
        """Return a statement with the names of scratch schemas; None if it must not run.

        Copies of the tables that it names are there afterwards, if the server has them.
        """
        insertion = read_insertion(sql) if len(sql) > _LONG_ROWS_BYTES else None
        if insertion is not None:
            if not literal_rows(sql) or not self._is_there(insertion.schema, insertion.table):
                return None
            if insertion.schema is None:
                return sql
            scratch = quoted(self.scratch_of(insertion.schema))
            return edited(sql, [Edit(*insertion.schema_at, scratch)])
        statement = tokens(sql, **quoting._asdict())
        if reaches_out(statement):
            self.has_unclear = True
            return None
        names = read_names(statement)
        if not all(self._is_there(*table) for table in names.tables):
            return None
        return self._edited(sql, names)

    def is_confined(self, sql: bytes, quoting: Quoting) -> bool:
        """Return whether a statement names no schema of the server's own, whatever it means by it.

        This looks at no grammar: should a name have been missed where the schemas were replaced,
        the statement is not executed.
        """
        read = tokens(sql, **quoting._asdict())
        is_of_schemas = classify(sql).kind in (Kind.SCHEMA, Kind.USE)
        for token, after in zip(read, [*read[1:], None]):
            name = token.name if token.word == b"" else token.text.decode("utf-8", "replace")
            qualifies = is_of_schemas or (after is not None and after.text == b".")
            if name and qualifies and name.lower() in self._real:
                return False
        return True

    def redefine(self, schema: str, definition: Definition) -> None:
        """Take note that a schema is the script's own from now on: nothing is mirrored into it."""
        folded = self.fold(schema)
        if definition.verb == "drop" or definition.replaces or folded not in self._existing:
            self._own.add(folded)
        if definition.verb == "drop" and self.schema == schema:
            self.schema = None

    def mirror_children(self, tables: Sequence[TablePath]) -> None:
        """Mirror the tables whose foreign keys refer to tables that are to be changed."""
        if self._children is None:
            self._children = {}
            for child, name, schema, parent in ask(self._helper, _FOREIGN_KEYS):
                key = self.path(str(schema), str(parent))
                self._children.setdefault(key, []).append((str(child), str(name)))
        for table in tables:
            for child in self._children.get(table, ()):
                self._is_there(*child)

    def scratch_of(self, schema: str) -> str:
        """Return the scratch schema for one of the script's; it is there if that is there."""
        folded = self.fold(schema)
        if folded not in self._scratch:
            scratch = self._schemas.name(len(self._scratch))
            self._scratch[folded] = scratch
            with contextlib.suppress(*pymysql_errors()):
                (row,) = ask(self._helper, b"SHOW CREATE DATABASE " + quoted(schema))
                create = _SCHEMA_MADE.sub(f"CREATE DATABASE `{scratch}`", str(row[1]))
                tell(self._helper, create.encode())
                self._existing.add(folded)
        return self._scratch[folded]

    def path(self, schema: str | None, name: str) -> TablePath:
        """Return a table's key: its schema and name, in lower case where the server folds names."""
        return self.fold(schema or self.schema or ""), self.fold(name)

    def fold(self, name: str) -> str:
        """Return a name in lower case, where the server takes it so."""
        return name.lower() if self._folds else name

    @property
    def is_outside(self) -> bool:
        """Whether the default schema is one in which nothing is rehearsed."""
        schema = self.schema
        return schema is not None and (is_system(schema) or (self.fold(schema), "") in self.spoiled)

    def _edited(self, sql: bytes, names: Names) -> bytes | None:
        edits = []
        for mention in names.mentions:
            if is_system(mention.schema):
                continue
            if not mention.certain:
                if self._exists(mention.schema):
                    self.has_unclear = True
                    return None
                continue
            if (self.fold(mention.schema), "") in self.spoiled:
                return None
            scratch = self.scratch_of(mention.schema)
            edits.append(Edit(mention.token.start, mention.token.end, quoted(scratch)))
        return edited(sql, edits)

    def _is_there(self, schema: str | None, name: str) -> bool:
        """Mirror a table or view that the server may have; return whether it can be relied on."""
        thing = self.path(schema, name)
        if not thing[0] or is_system(thing[0]):
            return bool(schema) or self.schema is None or not is_system(thing[0])
        if thing in self.spoiled or (thing[0], "") in self.spoiled:
            return False
        self.scratch_of(schema or self.schema or "")
        if thing in self._mirrored or thing[0] in self._own:
            return True
        self._mirrored.add(thing)
        if self._mirror(schema or self.schema or "", name):
            return True
        self.spoiled.add(thing)
        return False

    def _mirror(self, schema: str, name: str) -> bool:
        """Make a table of the server's in the scratch schema; return whether that was possible."""
        scratch = quoted(self.scratch_of(schema))
        real = quoted(schema) + b"." + quoted(name)
        try:
            row = ask(self._helper, b"SHOW CREATE TABLE " + real)[0]
        except pymysql_errors() as error:
            return failures.number(error) in _NOT_THERE
        create = str(row[1]).encode()
        try:
            tell(self._helper, b"USE " + scratch)
            if len(row) > 2:  # a view: its columns are what matters
                path = scratch + b"." + quoted(name)
                select = b" AS SELECT * FROM " + real + b" WHERE FALSE"  # none of its rows is read
                tell(self._helper, b"CREATE VIEW " + path + select)
                return True
            statement = tokens(create)
            if reaches_out(statement):
                return False
            edits = [
                Edit(each.token.start, each.token.end, quoted(self.scratch_of(each.schema)))
                for each in read_names(statement).mentions
                if each.certain
            ]
            tell(self._helper, edited(create, edits))
        except pymysql_errors():
            return False
        return True

    def _exists(self, schema: str) -> bool:
        self.scratch_of(schema)
        return self.fold(schema) in self._existing | self._own


def tell(connection: pymysql.Connection[Any], sql: bytes) -> None:
    """Execute a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def ask(connection: pymysql.Connection[Any], sql: str | bytes) -> list[tuple[Any, ...]]:
    """Execute a question of our own, within a limit, and return its rows."""
    with limited(connection, STATEMENT_S), connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def reaches_out(statement: Sequence[Token]) -> str | None:
    """Return the word with which a statement reaches beyond its schema; None if it does not."""
    read = [token for token in statement if token.shape not in (Shape.OPEN, Shape.CLOSE)]
    for before, token, after in zip([None, *read], read, [*read[1:], None]):
        follows = after.text if after is not None else b""
        is_beyond = (
            token.word in _WORDS_BEYOND
            or (token.word in _CALLS_BEYOND and follows == b"(")
            or (token.word == b"DIRECTORY" and before is not None and before.word in _PLACED)
            or (token.word == b"CONNECTION" and (follows == b"=" or follows[:1] in (b"'", b'"')))
        )
        if is_beyond:
            return token.text.decode("ascii", "replace")
        if token.word == b"ENGINE":
            engine = unquoted(_skipping_equals(read, token))
            if engine.upper() in _ENGINES_BEYOND:
                return engine
    return None


def _skipping_equals(read: Sequence[Token], engine: Token) -> bytes:
    after = [token.text for token in read if token.start > engine.start][:2]
    return b"".join(after[1:] if after[:1] == [b"="] else after[:1])


def is_system(schema: str) -> bool:
    """Return whether a schema is one of the server's own."""
    return schema.lower() in SYSTEM_SCHEMAS
