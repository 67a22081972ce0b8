"""Rehearse a script's definitions on the server itself, in scratch schemas that are dropped again.

No rule foresees a server's answer as well as the server. So we execute definitions, one after
another, in the session that the script makes, in scratch schemas (`mirror`). Rows are not loaded: a
statement with rows is only prepared, which finds missing tables and columns, but no duplicate and
no wrong value.

Statements that could reach beyond the scratch schemas are not executed: accounts, events, procedure
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
from ...script.classify import Kind, classify
from ...script.quoting import Quoting, quoting_of
from ...script.rows import literal_rows
from ...script.session import Session
from ...script.tokens import quoted, tokens
from ...script.versioned import effective
from ...server import pymysql_errors
from ..reporting import failures
from ..reporting.server_errors import Refusal, hint_for
from .assignments import assignments
from .mirror import STATEMENT_S, Mirror, TablePath, ask, is_system, reaches_out, tell
from .statements import read_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pymysql

    from ...script.classify import Classification
    from ..planning.tasks import Step
    from .inventory import Position
    from .target import ServerView

# Seconds for all of it; Spyglass's 296 tables take two.
LIMIT_S = 60.0
# Longer ones are rows, or dumps of one large object.
LONGEST_BYTES = 1 << 20

SYNTAX_ERROR = 1064
NOT_ASKED = -1
COM_STMT_PREPARE = 0x16
COM_STMT_CLOSE = 0x19

# We only try whether the server can read these.
_ONLY_READ = {Kind.ACCOUNT, Kind.LOCK, Kind.TRANSACTION, Kind.QUERY}
_DEFINES = {Kind.SCHEMA, Kind.TABLE, Kind.VIEW, Kind.TRIGGER, Kind.ROUTINE}
_VERBS = {b"CREATE", b"ALTER", b"DROP", b"RENAME"}
_THINGS_BEYOND = {
    *(b"USER", b"ROLE", b"EVENT", b"FUNCTION", b"SERVER", b"TABLESPACE", b"RESOURCE", b"INSTANCE"),
    *(b"LOGFILE", b"SPATIAL"),
}
# These would be written into the binary log, or take part in replication.
_NOT_SET = ("sql_log_bin", "gtid", "pseudo_", "binlog", "wsrep", "password", "role", "default")
_PURE = {b"CONCAT", b"CONCAT_WS", b"REPLACE", b"IF", b"IFNULL", b"COALESCE", b"NULLIF", b"UPPER"}
_PURE |= {b"LOWER", b"TRIM", b"CAST", b"CONVERT", b"CHAR", b"SIGNED", b"UNSIGNED", b"USING"}

_EXPLAINS = rb"(?:DESC|DESCRIBE|EXPLAIN)"
_SELECTS = re.compile(rb"(?:%s\s+)?[\s(]*(?:SELECT|WITH)\b" % _EXPLAINS, re.IGNORECASE)
_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_SHOWS_TABLE = re.compile(
    rb"""\s*(?:
        %s\s+(?!(?:SELECT|WITH|TABLE|INSERT|REPLACE|UPDATE|DELETE|FORMAT|ANALYZE|EXTENDED|PARTITIONS
            |FOR|INTO|VALUES)\b)
      | SHOW\s+CREATE\s+TABLE\s+
      | SHOW\s+(?:(?:EXTENDED|FULL)\s+)*(?:COLUMNS|FIELDS|INDEX|INDEXES|KEYS)\s+(?:FROM|IN)\s+
    )(?P<table>%s(?:\s*\.\s*%s)?)(?:\s+(?:FROM|IN)\s+(?P<schema>%s))?(?=\s|\Z)"""
    % (_EXPLAINS, _NAME, _NAME, _NAME),
    re.VERBOSE | re.IGNORECASE,
)
_OF_SEQUENCE = re.compile(
    rb"\s*(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?SEQUENCE\b", re.IGNORECASE
)
_LOADS_DATA = re.compile(rb"\s*LOAD\b", re.IGNORECASE)
_SCRATCH = re.compile(r"sidecar_check_[0-9a-f]{8}_\w+")


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
        The next step.
    likely : bool
        An earlier statement that may matter was not executed.
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
        The server.

    Attributes
    ----------
    judged : dict of Position to int
        Statements that the server was asked about: its error's number, 0 for none.
    refused : list of RefusedStatement
        Those that it refused, except consequences of another refusal.
    unrehearsed : dict of str to int
        How many statements were not executed because they reach beyond a schema, by their first
        words: accounts, events, calls, SHUTDOWN and the like.
    ended : str
        The reason why nothing was rehearsed, or nothing after a place; empty if everything was.
    """

    def __init__(self, connect: Callable[[], pymysql.Connection[Any]], target: ServerView) -> None:
        self.judged: dict[Position, int] = {}
        self.refused: list[RefusedStatement] = []
        self.unrehearsed: dict[str, int] = {}
        self.ended = ""
        self._target = target
        self._longest_bytes = min(LONGEST_BYTES, target.number("max_allowed_packet") - 64)
        self._prepared: set[bytes] = set()
        self._ends_at = time.monotonic() + LIMIT_S
        self._connect = connect
        self._helper = connect()
        self._mirror = Mirror(self._helper, target)
        try:
            if not self._mirror.begin():
                self.ended = f"at all: {target.account} may not make and drop scratch schemas"
            self._stage = self._open_stage()
        except BaseException:
            self._helper.close()
            raise
        self._modes = self.quoting(Quoting())

    def play(self, step: Step, about: Classification, delimiter: bytes, place: Position) -> None:
        """Rehearse one statement, if that is possible.

        Parameters
        ----------
        step : Step
            The statement as it would be sent.
        about : Classification
            Its classification.
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
            return quoting_of(str(ask(self._stage, "SELECT @@sql_mode")[0][0]))
        except pymysql_errors():
            return before

    def begin_session(self, schema: str | None) -> None:
        """Start again in a schema, as a new connection of the script's does."""
        if self.ended:
            return
        with contextlib.suppress(*pymysql_errors()):
            self._stage.close()
        self._stage = self._open_stage()
        self._mirror.schema = schema
        if schema is not None:
            with contextlib.suppress(*pymysql_errors()):  # then each statement is refused
                tell(self._stage, b"USE " + quoted(self._mirror.scratch_of(schema)))

    def close(self) -> None:
        """Drop the scratch schemas, and close the connections."""
        with contextlib.suppress(*pymysql_errors()):
            self._stage.close()
        self._mirror.drop()
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
            self._mirror.has_unclear = True  # several statements under one delimiter
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
        elif kind is Kind.QUERY and (shown := _SHOWS_TABLE.match(sql)):
            self._read(step, place)
            self._look_at(shown, step, place)
        elif kind in _ONLY_READ:
            self._read(step, place)
            if kind is Kind.ACCOUNT:
                self._pass_over(sql)
        elif kind is Kind.OTHER and _OF_SEQUENCE.match(sql):
            self._define_sequence(step, place)
        elif kind is Kind.OTHER:
            self._read(step, place)
            self._pass_over(sql)
            self._mirror.has_unclear = True  # a procedure's call, for example, can make anything
        elif kind is Kind.EVENT:
            self._pass_over(sql)

    def _pass_over(self, sql: bytes) -> None:
        words = [token.word for token in tokens(sql, **self._modes._asdict())]
        what = words[:1]
        if what and what[0] in _VERBS:  # of what, says a word that is not always the next
            what += [word for word in words if word in _THINGS_BEYOND][:1]
        name = b" ".join(what).decode()
        self.unrehearsed[name] = self.unrehearsed.get(name, 0) + 1

    def _set(self, step: Step, sql: bytes, place: Position) -> None:
        """Execute a SET that changes only the session, to plain values."""
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
        read = tokens(sql, **self._modes._asdict())
        calls = (
            token.word for token, after in zip(read, read[1:]) if token.word and after.text == b"("
        )
        return not any(token.word == b"SELECT" for token in read) and _PURE.issuperset(calls)

    def _use(self, step: Step, schema: str, place: Position) -> None:
        if is_system(schema) or (self._mirror.fold(schema), "") in self._mirror.spoiled:
            self._mirror.schema = schema
        elif self._judge(step, b"USE " + quoted(self._mirror.scratch_of(schema)), place):
            self._mirror.spoiled.add((self._mirror.fold(schema), ""))
            self._mirror.schema = schema
        else:
            self._mirror.schema = schema

    def _define(self, step: Step, about: Classification, place: Position) -> None:
        sql = step.sql
        definition = read_definition(effective(sql, self._target.flavour, self._target.version))
        if definition is None or (about.kind is not Kind.SCHEMA and self._mirror.is_outside):
            return
        subjects = [self._mirror.path(*name) for name in definition.names]
        if definition.what == "schema":
            subjects = [(self._mirror.fold(name), "") for _, name in definition.names]
        if definition.what in ("procedure", "function", "trigger") and definition.verb != "create":
            if definition.verb == "drop":
                self._drop_program(definition.what, subjects)
            return
        if definition.what == "table" and definition.verb != "create":
            self._mirror.mirror_children(subjects)
        sent = self._redirected(sql)
        if sent is None or self._judge(step, sent, place):
            self._mirror.spoiled.update(subjects)
        elif about.kind is Kind.SCHEMA:
            for _, schema in definition.names:
                self._mirror.redefine(schema, definition)

    def _define_sequence(self, step: Step, place: Position) -> None:
        sent = None if self._mirror.is_outside else self._redirected(step.sql)
        if sent is not None:
            self._judge(step, sent, place)

    def _drop_program(self, what: str, subjects: Sequence[TablePath]) -> None:
        """Drop an object that the script has made; the server's own objects are not here."""
        for schema, name in subjects:
            if schema and not is_system(schema):
                path = quoted(self._mirror.scratch_of(schema)) + b"." + quoted(name)
                with contextlib.suppress(*pymysql_errors()):
                    tell(self._stage, f"DROP {what.upper()} IF EXISTS ".encode() + path)

    def _rows(self, step: Step, about: Classification, place: Position) -> None:
        """Prepare a statement with rows, the first of its kind for each table."""
        if about.table is None or _LOADS_DATA.match(step.sql):
            return
        beginning = step.sql.partition(b"(")[0] + repr(self._mirror.schema).encode()
        if beginning in self._prepared and literal_rows(step.sql):
            return
        self._prepared.add(beginning)
        self._prepare(step, place)

    def _look_at(self, shown: re.Match[bytes], step: Step, place: Position) -> None:
        """Find out whether a table that is to be shown is there: SHOW cannot be redirected."""
        table, schema = shown["table"], shown["schema"]
        name = table if schema is None else schema + b"." + table
        self._prepare(step._replace(sql=b"SELECT 1 FROM " + name), place)

    def _prepare(self, step: Step, place: Position) -> None:
        if self._mirror.is_outside:
            return
        sent = self._redirected(step.sql)
        if sent is not None:
            self._judge(step, sent, place, execute=self._prepared_only)

    def _redirected(self, sql: bytes) -> bytes | None:
        """Return a statement for the scratch schemas; one that reaches beyond them is noted."""
        sent = self._mirror.redirected(sql, self._modes)
        if sent is None and reaches_out(tokens(sql, **self._modes._asdict())):
            self._pass_over(sql)
        return sent

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

    # The server --------------------------------------------------------------------------------

    def _open_stage(self) -> pymysql.Connection[Any]:
        stage = self._connect()
        with contextlib.suppress(*pymysql_errors()):
            tell(stage, b"SET SESSION sql_log_bin = 0")
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
        if execute is None and not self._mirror.is_confined(sql, self._modes):
            self._mirror.has_unclear = True
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

    def _take_down(self, step: Step, errno: int, words: str, place: Position) -> None:
        names = self._mirror.names
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
        # What was not executed before may have made a table, but no other syntax.
        likely = self._mirror.has_unclear and errno != SYNTAX_ERROR
        self.refused.append(RefusedStatement(place, errno, shown, hint_for(refusal), likely))

    def _executed(self, sql: bytes) -> None:
        tell(self._stage, sql)

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
