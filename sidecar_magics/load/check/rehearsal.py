"""Rehearse a script's definitions on the server itself, in scratch schemas that are dropped again.

No rule foresees a server's answer as well as that server. So what defines something is executed,
statement after statement, in the session that the script makes, with each schema's name replaced by
that of a scratch schema; a table of the server's own that a statement names is made there first, as
empty as it is defined. Rows are not loaded: a statement with rows is only prepared, which finds
missing tables and columns, but no duplicate and no wrong value.

What could reach beyond the scratch schemas is not executed at all: accounts, events, procedure
calls, loadable functions, files and other servers.

Nor is a statement whose tokens name one of the server's own schemas. On a remote server there is a
rehearsal only with ``--yes-remote``; without one, or without the privileges for it, the rules alone
decide. The next check or dump with ``--verify`` drops the scratch schemas of a killed one.
"""

from __future__ import annotations

import contextlib
import re
import struct
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ...limits import limited
from ...schemas import SYSTEM_SCHEMAS
from ...scratch import CHECK, ScratchSchemas
from ...script.classify import Kind, classify
from ...script.insertion import read_insertion
from ...script.names import read_names
from ...script.rows import literal_rows
from ...script.session import Session
from ...script.tokens import Edit, edited, quoted, tokens
from ...script.versioned import effective
from ...server import pymysql_errors
from ..reporting import failures
from ..reporting.server_errors import Refusal, hint_for
from ..walk import Quoting, quoting_of
from .assignments import assignments
from .statements import read_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pymysql

    from ...script.classify import Classification
    from ...script.names import Names
    from ..planning.tasks import Step
    from .inventory import Position
    from .statements import Definition
    from .target import ServerView

# Seconds for all of it; Spyglass's 296 tables take two.
LIMIT_S = 60.0
# Seconds for one statement: the tables are empty.
STATEMENT_S = 20.0
# Longer ones are rows, or dumps of one large object.
LONGEST_BYTES = 1 << 20

SYNTAX_ERROR = 1064
NOT_ASKED = -1
COM_STMT_PREPARE = 0x16
COM_STMT_CLOSE = 0x19

# That the server can read them is all that is tried.
_ONLY_READ = {Kind.ACCOUNT, Kind.LOCK, Kind.TRANSACTION, Kind.QUERY}
_DEFINES = {Kind.SCHEMA, Kind.TABLE, Kind.VIEW, Kind.TRIGGER, Kind.ROUTINE}
# Words outside of quotes with which a definition reaches beyond its schema.
REACHES_OUT = {
    b"DIRECTORY",
    b"CONNECTION",
    b"TABLESPACE",
    b"SONAME",
    b"FEDERATED",
    b"CONNECT",
    b"SPIDER",
    b"S3",
    b"SLEEP",
    b"GET_LOCK",
    b"LOAD_FILE",
    b"OUTFILE",
    b"DUMPFILE",
}
_VERBS = {b"CREATE", b"ALTER", b"DROP", b"RENAME"}
_THINGS_BEYOND = {
    *(b"USER", b"ROLE", b"EVENT", b"FUNCTION", b"SERVER", b"TABLESPACE", b"RESOURCE", b"INSTANCE"),
    *(b"LOGFILE", b"SPATIAL"),
}
# These would be written into the binary log, or take part in replication.
_NOT_SET = ("sql_log_bin", "gtid", "pseudo_", "binlog", "wsrep", "password", "role", "default")
_PURE = {b"CONCAT", b"CONCAT_WS", b"REPLACE", b"IF", b"IFNULL", b"COALESCE", b"NULLIF", b"UPPER"}
_PURE |= {b"LOWER", b"TRIM", b"CAST", b"CONVERT", b"CHAR", b"SIGNED", b"UNSIGNED", b"USING"}

# What the account may do in a scratch schema, or the schema would stay.
_NEEDED = ("CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW", "TRIGGER")
_SELECTS = re.compile(rb"[\s(]*(?:SELECT|WITH)\b", re.IGNORECASE)
_LOADS_DATA = re.compile(rb"\s*LOAD\b", re.IGNORECASE)
_SCRATCH = re.compile(r"sidecar_check_[0-9a-f]{8}_\w+")
_SCHEMA_MADE = re.compile(r"\ACREATE DATABASE `(?:[^`]|``)+`")
_FOREIGN_KEYS = (
    "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME"
    " FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL"
)
# Source: MySQL error reference: schema, table unknown.
_NOT_THERE = {1049, 1146}
# Of longer statements with rows only the beginning is read.
_LONG_ROWS_BYTES = 16 * 1024

TablePath = tuple[str, str]  # schema and name, of the script


class RefusedStatement(NamedTuple):
    """A statement that the server refused.

    Attributes
    ----------
    place : Position
        Where it stands.
    errno : int
        The server's error number.
    message : str
        The server's words, with the script's own names.
    hint : str
        What to do about it.
    likely : bool
        Something before it was not executed that may have made a difference.
    """

    place: Position
    errno: int
    message: str
    hint: str
    likely: bool


class Rehearsal:
    """One rehearsal, from the first statement to the last.

    Parameters
    ----------
    connect : callable
        Opens a connection.
    target : ServerView
        What is known of the server.

    Attributes
    ----------
    judged : dict of Position to int
        Statements that the server was asked about: its error's number, 0 for none.
    refused : list of RefusedStatement
        Those that it refused, but for what follows from another refusal.
    unrehearsed : dict of str to int
        How many statements were not executed because they reach beyond a schema, by their first
        words: accounts, events, calls, SHUTDOWN and the like.
    ended : str
        Why nothing was rehearsed, or no more from some place on; empty if all was.
    """

    def __init__(self, connect: Callable[[], pymysql.Connection[Any]], target: ServerView) -> None:
        self.judged: dict[Position, int] = {}
        self.refused: list[RefusedStatement] = []
        self.unrehearsed: dict[str, int] = {}
        self.ended = ""
        self._target = target
        self._longest_bytes = min(LONGEST_BYTES, target.number("max_allowed_packet") - 64)
        self._folds = target.number("lower_case_table_names") > 0
        self._scratch: dict[str, str] = {}  # names of scratch schemas, by the script's
        self._existing: set[str] = set()  # schemas that the server has
        self._mirrored: set[TablePath] = set()  # tables that were looked for
        self._mirrored_whole: set[str] = set()  # schemas that the script has made or dropped
        self._spoiled: set[TablePath] = set()  # what depends on these says nothing new
        self._prepared: set[bytes] = set()
        self._children: dict[TablePath, list[TablePath]] | None = (
            None  # who refers to a table, once asked
        )
        self._is_likely = False
        self._ends_at = time.monotonic() + LIMIT_S
        self._schema: str | None = None
        self._real: set[str] = set()  # schemas of the server, in lower case
        self._connect = connect
        self._helper = connect()
        self._schemas = ScratchSchemas(self._helper, CHECK)
        try:
            self._begin()
            self._stage = self._open_stage()
        except BaseException:
            self._helper.close()
            raise
        self._modes = self.quoting(Quoting(ansi=False, verbatim=False))

    def play(self, step: Step, about: Classification, delimiter: bytes, place: Position) -> None:
        """Rehearse one statement, if that is possible.

        Parameters
        ----------
        step : Step
            The statement as it would be sent.
        about : Classification
            What it is.
        delimiter : bytes
            The one that it ended with.
        place : Position
            Where it stands.
        """
        if self.ended or len(step.sql) > self._longest_bytes:
            return
        if time.monotonic() > self._ends_at:
            self.ended = f"from {place} on, since {LIMIT_S:.0f} s were over"
            return
        sql = effective(step.sql, self._target.flavour, self._target.version)
        about = about if sql is step.sql else classify(sql)
        if not sql.strip():
            return
        try:
            self._play(step, sql, about, delimiter, place)
        except pymysql_errors() as error:
            if not failures.is_lost(error):
                raise
            self.ended = f"from {place} on, since the connection was lost"

    def quoting(self, before: Quoting) -> Quoting:
        """Return how the session reads strings."""
        if self.ended:
            return before
        try:
            return quoting_of(str(self._ask(self._stage, "SELECT @@sql_mode")[0][0]))
        except pymysql_errors():
            return before

    def begin_session(self, schema: str | None) -> None:
        """Start again in a schema, as a new connection of the script's does."""
        if self.ended:
            return
        with contextlib.suppress(*pymysql_errors()):
            self._stage.close()
        self._stage = self._open_stage()
        self._schema = schema
        if schema is not None:
            with contextlib.suppress(*pymysql_errors()):  # then each statement is refused
                self._tell(self._stage, b"USE " + quoted(self._scratch_of(schema)))

    def close(self) -> None:
        """Drop the scratch schemas, and close the connections."""
        with contextlib.suppress(*pymysql_errors()):
            self._stage.close()
        for scratch in self._scratch.values():
            self._schemas.drop(scratch)
        with contextlib.suppress(*pymysql_errors()):
            self._helper.close()

    # The kinds of statement --------------------------------------------------------------------

    def _play(
        self,
        step: Step,
        sql: bytes,
        about: Classification,
        delimiter: bytes,
        place: Position,
    ) -> None:
        kind = about.kind
        if delimiter != b";" and b";" in sql and kind not in (Kind.TRIGGER, Kind.ROUTINE):
            self._is_likely = True  # several statements under one delimiter
        elif kind is Kind.SESSION:
            self._set(step, sql, place)
        elif kind is Kind.USE and about.schema is not None:
            self._use(step, about.schema, place)
        elif kind in _DEFINES:
            self._define(step, about, place)
        elif kind is Kind.DATA:
            self._rows(step, about, place)
        elif kind is Kind.QUERY and _SELECTS.match(sql):
            self._prepare(step, place)
        elif kind in _ONLY_READ:
            self._read(step, place)
            if kind is Kind.ACCOUNT:
                self._pass_over(sql)
        elif kind is Kind.OTHER:
            self._read(step, place)
            self._pass_over(sql)
            self._is_likely = True  # a procedure's call, for example, can make anything
        elif kind is Kind.EVENT:
            self._pass_over(sql)

    def _pass_over(self, sql: bytes) -> None:
        words = [token.word for token in tokens(sql, **self._quotes())]
        what = words[:1]
        if what and what[0] in _VERBS:  # of what, says a word that is not always the next
            what += [word for word in words if word in _THINGS_BEYOND][:1]
        name = b" ".join(what).decode()
        self.unrehearsed[name] = self.unrehearsed.get(name, 0) + 1

    def _set(self, step: Step, sql: bytes, place: Position) -> None:
        """Set what is the session's alone, and takes no more than a value."""
        given = assignments(sql)
        if not given or any(
            each.scope == "global" or each.name.startswith(_NOT_SET) for each in given
        ):
            self._read(step, place)
            return
        if Session().after(sql) is None and not self._is_pure(sql):
            self._prepare(step, place)
            return
        if not self._judge(step, step.sql, place):
            self._modes = self.quoting(self._modes)

    def _is_pure(self, sql: bytes) -> bool:
        """Return whether a statement calls nothing but functions that only compute."""
        read = tokens(sql, **self._quotes())
        calls = (
            token.word for token, after in zip(read, read[1:]) if token.word and after.text == b"("
        )
        return not any(token.word == b"SELECT" for token in read) and _PURE.issuperset(calls)

    def _use(self, step: Step, schema: str, place: Position) -> None:
        if self._is_system(schema) or (self._fold(schema), "") in self._spoiled:
            self._schema = schema
        elif self._judge(step, b"USE " + quoted(self._scratch_of(schema)), place):
            self._spoiled.add((self._fold(schema), ""))
            self._schema = schema
        else:
            self._schema = schema

    def _define(self, step: Step, about: Classification, place: Position) -> None:
        sql = step.sql
        definition = read_definition(effective(sql, self._target.flavour, self._target.version))
        if definition is None or (about.kind is not Kind.SCHEMA and self._ended_here()):
            return
        subjects = [self._thing(*name) for name in definition.names]
        if definition.what == "schema":
            subjects = [(self._fold(name), "") for _, name in definition.names]
        if definition.what in ("procedure", "function", "trigger") and definition.verb != "create":
            if definition.verb == "drop":
                self._drop_program(definition.what, subjects)
            return
        if definition.what == "table" and definition.verb != "create":
            self._mirror_children(subjects)
        sent = self._redirected(sql)
        if sent is None or self._judge(step, sent, place):
            self._spoiled.update(subjects)
        elif about.kind is Kind.SCHEMA:
            for _, schema in definition.names:
                self._redefine(schema, definition)

    def _redefine(self, schema: str, definition: Definition) -> None:
        """Take note that a schema is the script's own from now on: nothing is mirrored into it."""
        folded = self._fold(schema)
        if definition.verb == "drop" or definition.replaces or folded not in self._existing:
            self._mirrored_whole.add(folded)
        if definition.verb == "drop" and self._schema == schema:
            self._schema = None

    def _drop_program(self, what: str, subjects: Sequence[TablePath]) -> None:
        """Drop what the script has made; what the server has of its own is not here."""
        for schema, name in subjects:
            if schema and not self._is_system(schema):
                path = quoted(self._scratch_of(schema)) + b"." + quoted(name)
                with contextlib.suppress(*pymysql_errors()):
                    self._tell(self._stage, f"DROP {what.upper()} IF EXISTS ".encode() + path)

    def _rows(self, step: Step, about: Classification, place: Position) -> None:
        """Prepare a statement with rows, the first of its kind for each table."""
        if about.table is None or _LOADS_DATA.match(step.sql):
            return
        beginning = step.sql.partition(b"(")[0] + repr(self._schema).encode()
        if beginning in self._prepared and literal_rows(step.sql):
            return
        self._prepared.add(beginning)
        self._prepare(step, place)

    def _prepare(self, step: Step, place: Position) -> None:
        if self._ended_here():
            return
        sent = self._redirected(step.sql)
        if sent is not None:
            self._judge(step, sent, place, execute=self._prepared_only)

    def _read(self, step: Step, place: Position) -> None:
        """Find out whether the server can read a statement that must not be executed."""
        try:
            with limited(self._stage, STATEMENT_S):
                self._prepared_only(step.sql)
        except pymysql_errors() as error:
            errno = failures.number(error)
            if failures.is_lost(error):
                raise
            if errno == SYNTAX_ERROR:
                self._take_down(step, errno, str(error.args[1]), place)

    # Names -------------------------------------------------------------------------------------

    def _redirected(self, sql: bytes) -> bytes | None:
        """Return a statement with scratch schemas in the place of its own; None if it must not run.

        What it names is there afterwards, if the server has it.
        """
        insertion = read_insertion(sql) if len(sql) > _LONG_ROWS_BYTES else None
        if insertion is not None:
            if not literal_rows(sql) or not self._is_there(insertion.schema, insertion.table):
                return None
            if insertion.schema is None:
                return sql
            scratch = quoted(self._scratch_of(insertion.schema))
            return edited(sql, [Edit(*insertion.schema_at, scratch)])
        statement = tokens(sql, **self._quotes())
        if any(token.word in REACHES_OUT for token in statement):
            self._is_likely = True
            return None
        names = read_names(statement)
        if not all(self._is_there(*table) for table in names.tables):
            return None
        return self._edited(sql, names)

    def _edited(self, sql: bytes, names: Names) -> bytes | None:
        edits = []
        for mention in names.mentions:
            if self._is_system(mention.schema):
                continue
            if not mention.certain:
                if self._exists(mention.schema):
                    self._is_likely = True
                    return None
                continue
            if (self._fold(mention.schema), "") in self._spoiled:
                return None
            scratch = self._scratch_of(mention.schema)
            edits.append(Edit(mention.token.start, mention.token.end, quoted(scratch)))
        return edited(sql, edits)

    def _is_there(self, schema: str | None, name: str) -> bool:
        """Mirror a table or view that the server may have; return whether it can be relied on."""
        thing = self._thing(schema, name)
        if not thing[0] or self._is_system(thing[0]):
            return bool(schema) or self._schema is None or not self._is_system(thing[0])
        if thing in self._spoiled or (thing[0], "") in self._spoiled:
            return False
        self._scratch_of(schema or self._schema or "")
        if thing in self._mirrored or thing[0] in self._mirrored_whole:
            return True
        self._mirrored.add(thing)
        if self._mirror(schema or self._schema or "", name):
            return True
        self._spoiled.add(thing)
        return False

    def _mirror(self, schema: str, name: str) -> bool:
        """Make a table of the server's in the scratch schema; return whether that was possible."""
        scratch = quoted(self._scratch_of(schema))
        real = quoted(schema) + b"." + quoted(name)
        try:
            row = self._ask(self._helper, b"SHOW CREATE TABLE " + real)[0]
        except pymysql_errors() as error:
            return failures.number(error) in _NOT_THERE
        create = str(row[1]).encode()
        try:
            self._tell(self._helper, b"USE " + scratch)
            if len(row) > 2:  # a view: its columns are what matters
                path = scratch + b"." + quoted(name)
                select = b" AS SELECT * FROM " + real + b" WHERE FALSE"  # none of its rows is read
                self._tell(self._helper, b"CREATE VIEW " + path + select)
                return True
            statement = tokens(create)
            if any(token.word in REACHES_OUT for token in statement):
                return False
            edits = [
                Edit(each.token.start, each.token.end, quoted(self._scratch_of(each.schema)))
                for each in read_names(statement).mentions
                if each.certain
            ]
            self._tell(self._helper, edited(create, edits))
        except pymysql_errors():
            return False
        return True

    def _mirror_children(self, tables: Sequence[TablePath]) -> None:
        """Mirror the tables whose foreign keys refer to tables that are to be changed."""
        if self._children is None:
            self._children = {}
            for child, name, schema, parent in self._ask(self._helper, _FOREIGN_KEYS):
                key = self._thing(str(schema), str(parent))
                self._children.setdefault(key, []).append((str(child), str(name)))
        for table in tables:
            for child in self._children.get(table, ()):
                self._is_there(*child)

    def _scratch_of(self, schema: str) -> str:
        """Return the scratch schema for one of the script's; it is there if that is there."""
        folded = self._fold(schema)
        if folded not in self._scratch:
            scratch = self._schemas.name(len(self._scratch))
            self._scratch[folded] = scratch
            with contextlib.suppress(*pymysql_errors()):
                (row,) = self._ask(self._helper, b"SHOW CREATE DATABASE " + quoted(schema))
                create = _SCHEMA_MADE.sub(f"CREATE DATABASE `{scratch}`", str(row[1]))
                self._tell(self._helper, create.encode())
                self._existing.add(folded)
        return self._scratch[folded]

    def _exists(self, schema: str) -> bool:
        self._scratch_of(schema)
        return self._fold(schema) in self._existing | self._mirrored_whole

    def _thing(self, schema: str | None, name: str) -> TablePath:
        return self._fold(schema or self._schema or ""), self._fold(name)

    def _fold(self, name: str) -> str:
        return name.lower() if self._folds else name

    @staticmethod
    def _is_system(schema: str) -> bool:
        return schema.lower() in SYSTEM_SCHEMAS

    def _ended_here(self) -> bool:
        """Return whether the default schema is one in which nothing is rehearsed."""
        schema = self._schema
        return schema is not None and (
            self._is_system(schema) or (self._fold(schema), "") in self._spoiled
        )

    # The server --------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Prepare both connections, and drop what a check that was killed has left."""
        names = self._schemas.begin()
        self._tell(self._helper, b"SET SESSION sql_mode = '', sql_quote_show_create = 1")
        self._real = {name.lower() for name in (*names, *SYSTEM_SCHEMAS)}
        grants, mine = self._target.grants, self._schemas.name(0)
        if not all(grants.allow(right, mine) for right in _NEEDED):
            self.ended = f"at all: {self._target.account} may not make and drop scratch schemas"

    def _open_stage(self) -> pymysql.Connection[Any]:
        stage = self._connect()
        with contextlib.suppress(*pymysql_errors()):
            self._tell(stage, b"SET SESSION sql_log_bin = 0")
        return stage

    def _judge(
        self,
        step: Step,
        sql: bytes,
        place: Position,
        *,
        execute: Callable[[bytes], None] | None = None,
    ) -> int:
        """Ask the server for its judgement; return its error's number, 0 for none."""
        if execute is None and not self._is_confined(sql):
            self._is_likely = True
            return NOT_ASKED
        try:
            with limited(self._stage, STATEMENT_S):
                (execute or self._executed)(sql)
        except pymysql_errors() as error:
            errno = failures.number(error)
            if failures.is_lost(error) or errno < 1000:
                raise
            words = str(error.args[1]) if len(error.args) > 1 else ""
            self._take_down(step, errno, words, place)
            return errno
        if not step.is_ours:  # else it stands nowhere, least of all at this place
            self.judged.setdefault(place, 0)
        return 0

    def _is_confined(self, sql: bytes) -> bool:
        """Return whether a statement names no schema of the server's own, whatever it means by it.

        This looks at no grammar: should a name have been missed where the schemas were replaced,
        the statement is not executed.
        """
        read = tokens(sql, **self._quotes())
        is_of_schemas = classify(sql).kind in (Kind.SCHEMA, Kind.USE)
        for token, after in zip(read, [*read[1:], None]):
            name = token.name if token.word == b"" else token.text.decode("utf-8", "replace")
            qualifies = is_of_schemas or (after is not None and after.text == b".")
            if name and qualifies and name.lower() in self._real:
                return False
        return True

    def _take_down(self, step: Step, errno: int, words: str, place: Position) -> None:
        names = {scratch: schema for schema, scratch in self._scratch.items()}
        words = _SCRATCH.sub(lambda found: names.get(found[0], found[0]), words)
        refusal = Refusal(
            errno,
            words,
            self._target.flavour,
            step.sql,
            is_foreign=step.source.is_foreign_to(self._target.flavour, self._target.version),
            is_typed=step.source.is_typed,
        )
        self.judged[place] = errno
        shown = failures.server_words(step, errno, words)
        self.refused.append(
            RefusedStatement(place, errno, shown, hint_for(refusal), self._is_likely)
        )

    def _executed(self, sql: bytes) -> None:
        self._tell(self._stage, sql)

    def _prepared_only(self, sql: bytes) -> None:
        """Let the server prepare a statement, by the protocol's own command: no byte is quoted.

        Source: MySQL client/server protocol, "COM_STMT_PREPARE".
        """
        stage = self._stage
        stage._execute_command(COM_STMT_PREPARE, sql)
        answer = stage._read_packet().get_all_data()
        number, columns, parameters = struct.unpack_from("<IHH", answer, 1)
        for count in (parameters, columns):
            for _ in range(count + 1 if count else 0):  # and what marks the end
                stage._read_packet()
        stage._execute_command(COM_STMT_CLOSE, struct.pack("<I", number))
        stage._next_seq_id = 0

    @staticmethod
    def _tell(connection: pymysql.Connection[Any], sql: bytes) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchall()

    @staticmethod
    def _ask(connection: pymysql.Connection[Any], sql: str | bytes) -> list[tuple[Any, ...]]:
        with limited(connection, STATEMENT_S), connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _quotes(self) -> dict[str, bool]:
        return {"ansi_quotes": self._modes.ansi, "no_backslash_escapes": self._modes.verbatim}
