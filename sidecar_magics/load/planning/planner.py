"""Turn a script, statement by statement, into tasks that lanes can run.

The planner recognises the statements that dumps consist of: they drop and create schemas and
tables, insert given rows, create triggers, change the session and change it back. Such a statement
runs in parallel with work that touches other things. Every other one is a barrier: it waits for all
before it, and all after it waits for it. After a statement that may have changed its session in an
unknown way, the rest of the script runs in order on one connection.

The planner asks only its `lookup`, so a plan can be shown without a server.

Which tool made a dump does not matter for the order: conflicts decide it. Rows of one table run in
any order only if the table is InnoDB with a primary key and no trigger, and the statements are
plain INSERTs with a number in every counted column; checked foreign keys put rows in one order.
Only autocommit=0 and COMMIT depend on the tool: after a dump tool's heading they are left out,
because such tools put them around tables and never roll back. In other scripts each transaction
under autocommit=0 begins with a START TRANSACTION of ours, so that the session is known, and what
was committed is noted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Callable, NamedTuple, Protocol

from ...script import forms
from ...script.changes import ANY_SCHEMA
from ...script.classify import Classification, Kind, classify
from ...script.definitions import counts_up, read_definition, references
from ...script.rows import first_values_are_numbers, literal_rows, mentions_no_value
from ...script.session import Session, copies_user_variable, sets_global_only
from ...script.versioned import effective
from .tables import KnownTables, Name
from .tasks import Numbered, Table, Task, TaskKind, schema_key, table_key

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator

    from ...script.definitions import TableDefinition
    from ...script.rows import Rows
    from .tables import KnownTable, Lookup
    from .tasks import Step

# Small statements share a task, as long as nothing else comes between them.
TASK_BYTES = 128 * 1024
TASK_STATEMENTS = 250
# Rows of this size in one statement promise a table that is worth being looked at.
LARGE_STATEMENT_BYTES = 128 * 1024
# Longer ones are rows, or written by hand; their comments are not opened.
LONGEST_DEFINITION_BYTES = 1 << 20

FOREIGN_KEYS = "rows whose foreign keys are checked"

# These change the server, and leave the session as it is.
_SESSION_STAYS = {
    Kind.SCHEMA,
    Kind.TABLE,
    Kind.DATA,
    Kind.ROUTINE,
    Kind.TRIGGER,
    Kind.EVENT,
    Kind.VIEW,
    Kind.ACCOUNT,
}
_COMMIT_BY_THEMSELVES = _SESSION_STAYS - {Kind.DATA}
# A DROP and the CREATE that it runs with may differ in these: how text is read, and a check.
_MAY_DIFFER = {
    "character_set_client",
    "character_set_connection",
    "collation_connection",
    "unique_checks",
}
# Two names of one variable; MySQL has the first only.
_DEFAULT_ENGINE = ("default_storage_engine", "storage_engine")
_ADDS_KEYS = "sql_generate_invisible_primary_key"
# A task's session may differ from the script's own in this variable, see `_session_of`.
_READS_CHECKS = re.compile(rb"@@(?:\w+\.)?unique_checks\b", re.IGNORECASE)
# Under another delimiter several statements may come as one; in these they would be a body.
_HAVE_BODIES = {Kind.ROUTINE, Kind.TRIGGER, Kind.EVENT, Kind.VIEW}


class Server(NamedTuple):
    """The server that a plan is made for, as versioned comments know it.

    Attributes
    ----------
    flavour : str
        ``mysql`` or ``mariadb``.
    version : int
        80036 for 8.0.36.
    folds_case : bool, default False
        Whether ``Lab`` and ``lab`` are one schema, or one table, as on Windows
        (lower_case_table_names).
    default_engine : str, default "InnoDB"
        Engine of tables whose definition names none, in a new session.
    adds_keys : bool, default False
        Whether tables without a primary key get one, in a new session.
    """

    flavour: str
    version: int
    folds_case: bool = False
    default_engine: str = "InnoDB"
    adds_keys: bool = False


class Takes(Protocol):
    """Returns whether the server takes a SET, as `trial.Trial.takes` does."""

    def __call__(self, step: Step, before: Session, sql: bytes, *, settled: bool) -> bool:
        """Return whether it does; `settled` if all that comes before it is yielded."""


class Enters(Protocol):
    """Returns whether a schema can be entered, as `trial.Trial.enters` does."""

    def __call__(self, step: Step, schema: bytes, *, settled: bool) -> bool:
        """Return whether it can; `settled` if all that comes before it is yielded."""


class Planner:
    """Makes tasks of a script's statements, and knows the session that it has come to.

    Parameters
    ----------
    server : Server
        Decides which versioned comments count.
    lookup : Lookup, optional
        Asked for a table that the script did not make. Without it its rows run in order.
    takes : Takes, optional
        Asked whether the server takes a SET. Without it all are taken.
    enters : Enters, optional
        Asked whether a schema can be entered. Without it the lanes find out, and end the load
        where it cannot.
    checks_foreign_keys : bool, default True
        Whether a new session checks foreign keys.
    is_done : callable, optional
        Whether an earlier process did a step: then the session was still known there. The server
        already has later parts of the script, such as triggers, so its answers do not help.
    verbatim : bool, default False
        Whether in a new session backslashes escape nothing.
    is_dump : bool, default False
        The script is a dump tool's, which does not roll back what it has written.
    """

    def __init__(
        self,
        server: Server,
        lookup: Lookup | None = None,
        *,
        takes: Takes | None = None,
        enters: Enters | None = None,
        is_done: Callable[[Step], bool] = lambda _: False,
        checks_foreign_keys: bool = True,
        verbatim: bool = False,
        is_dump: bool = False,
    ) -> None:
        self.session = Session()
        self.why_in_order: str | None = None
        self.absorbed = 0  # statements that no task is made of
        self.is_dump = is_dump
        self._server = server
        self._checks = checks_foreign_keys
        self._verbatim = verbatim
        self._takes, self._enters = takes, enters
        self._is_done = is_done
        self._tables = KnownTables(lookup)
        # Whose foreign keys refer to a table: creating that completes those keys, under locks.
        self._referring: defaultdict[str, set[str]] = defaultdict(set)
        self._entered: set[bytes] = set()
        self._careful = self.session, self.session
        self._open: Task | None = None  # it takes further steps that are like its own
        self._open_bytes = 0
        self._open_likeness: tuple[object, ...] = ()
        self._drop: Task | None = None  # held back: the table is most likely recreated at once
        self._filling: tuple[Table, Step] | None = None
        self._in_transaction = False
        self._commits_itself = True  # not after SET autocommit = 0
        self._left_out_autocommit = False
        self._unsure = False  # a user variable may have another value than we know
        self._locks = False  # a LOCK TABLES that was left out waits for its UNLOCK

    @property
    def in_order(self) -> bool:
        """Whether the rest runs in order on one connection: its session is not known."""
        return self.why_in_order is not None

    def would_undo(self, sql: bytes) -> bool:
        """Return whether a statement would roll back rows of a dump, which lanes commit."""
        if not self._left_out_autocommit or self._in_transaction:
            return False
        return forms.rolls_back(effective(sql, self._server.flavour, self._server.version))

    def statement(
        self, step: Step, about: Classification | None = None, *, delimiter: bytes = b";"
    ) -> Iterator[Task]:
        """Yield the tasks that are complete now that this statement is known.

        Parameters
        ----------
        step : Step
            The statement.
        about : Classification, optional
            What `classify` takes it for, if that is known.
        delimiter : bytes, default b";"
            The one that it ended with.
        """
        about = about or classify(step.sql)
        several = delimiter != b";" and b";" in step.sql and about.kind not in _HAVE_BODIES
        if self.in_order:
            is_light = about.kind is Kind.DATA or forms.sets_user_variable(step.sql)
            yield from self._on_first_lane(step, is_light and not several, _anywhere(step))
        elif several:
            yield from self._lose_track(step, "several statements under one delimiter")
        elif about.kind is Kind.DATA:
            yield from self._data(step, about)
        else:
            yield from self._other(step, about)

    def use(self, schema: bytes, step: Step) -> Iterator[Task]:
        """Yield the tasks before the script enters a schema, and one that enters it first."""
        if self.in_order:
            yield from self._on_first_lane(step, is_light=False)
            return
        if self._enters is not None and not self._enters(step, schema, settled=False):
            yield from self.finish()
            if not self._enters(step, schema, settled=True):
                return
        self.session = self.session.using(schema)
        if self._known_as(schema) not in self._entered:
            # A lane finds out, at this place of the script, whether it can be entered.
            self._entered.add(self._known_as(schema))
            yield from self._flush()
            step = step._replace(sql=b"")
            yield self._task(TaskKind.DEFINITION, [step], reads=[schema_key(schema)])

    def begin_session(self, schema: bytes | None = None) -> Iterator[Task]:
        """Begin a script that knows nothing of the one before it."""
        yield from self.finish()
        self.session, self.why_in_order = Session(schema), None
        self._in_transaction = self._locks = False
        self._commits_itself = True
        self._entered.clear()

    def finish(self) -> Iterator[Task]:
        """Yield the tasks that are still held back."""
        yield from self._flush()
        filling, self._filling = self._filling, None
        if filling is not None:
            table, step = filling
            step = step._replace(sql=b"")
            yield self._task(
                TaskKind.INDEXES, [step], table=table, writes=[table.key], locks=[table.key]
            )

    # Rows --------------------------------------------------------------------------------------

    def _data(self, step: Step, about: Classification) -> Iterator[Task]:
        if not (self._commits_itself or self._in_transaction):
            yield from self._begin(step)
        if b":=" in step.sql[:LONGEST_DEFINITION_BYTES] and not self._literal_rows(step.sql):
            yield from self._lose_track(step, "a variable that is set within a statement")
            return
        name = self._name(about)
        known = yield from self._known_table(name)
        if known and not self._tables.can_undo(known):  # nor can it be done once more
            if self._in_transaction and not self._is_done(step):
                yield from self._lose_track(step, "rows without transactions, within one")
            else:
                yield from self._barrier(step, repeatable=False)
            return
        rows = self._literal_rows(step.sql) if known and not known.watched else None
        if rows is None and self._server.flavour == "mariadb" and _READS_CHECKS.search(step.sql):
            yield from self._barrier(step, repeatable=False)  # in the session as the script has it
            return
        if known is None or rows is None:
            self._unsure = True  # a trigger or a function may set a user variable
        if known and rows and not (self._in_transaction or self._is_counted(step, known, rows)):
            yield from self._given_rows(step, known, rows)
        else:
            # A later statement may ask for LAST_INSERT_ID(), or take the rows back.
            yield from self._on_first_lane(step, is_light=True, numbers=_numbers(step, name, known))

    def _known_table(self, name: Name | None) -> Generator[Task, None, KnownTable | None]:
        """Return the facts about a table; yield the tasks before, if the server needs them done."""
        if name is None:
            return None
        if not self._tables.needs_settling(name):
            return self._tables.get(name)
        yield from self.finish()
        return self._tables.get(name, settled=True)

    def _given_rows(self, step: Step, known: KnownTable, rows: Rows) -> Iterator[Task]:
        """Yield the tasks before given rows for one table, which any lane may send."""
        refers = known.foreign_keys and self._checks_foreign_keys()
        any_order = rows.any_order and not refers
        yield from self._share(
            step,
            (TaskKind.ROWS, known.table, any_order, refers),
            lambda: self._task(
                TaskKind.ROWS,
                table=known.table,
                # Those that are checked wait for all before them, and all after wait for those.
                reads=[schema_key(known.table.schema), FOREIGN_KEYS],
                writes=[FOREIGN_KEYS] if refers else [],
                locks=[known.table.key],
                any_order=any_order,
            ),
        )
        if len(step.sql) >= LARGE_STATEMENT_BYTES:
            self._filling = known.table, step

    def _literal_rows(self, sql: bytes) -> Rows | None:
        return literal_rows(
            sql,
            no_backslash_escapes=self._is_verbatim(),
            has_sequences=self._server.flavour == "mariadb",
        )

    def _is_counted(self, step: Step, known: KnownTable, rows: Rows) -> bool:
        """Return whether the server may number rows, as it does where they have no number."""
        if known.counts_unseen and rows.columns is None:
            return True
        zero_counts = "NO_AUTO_VALUE_ON_ZERO" not in (self.session.text("sql_mode") or "").upper()
        if known.counts_up_elsewhere:
            # Every column is given, as dump tools do; then only NULL and DEFAULT are numbered.
            given = rows.columns is None and not zero_counts
            return not (given and not mentions_no_value(step.sql, rows))
        if known.counts_up is None:
            return False
        listed = (rows.columns or b"").partition(b",")[0].strip().strip(b"`")
        if listed not in (b"", known.counts_up):
            return True
        return not first_values_are_numbers(step.sql, rows, zero_counts=zero_counts)

    def _on_first_lane(
        self, step: Step, is_light: bool, numbers: Collection[Numbered] = ()
    ) -> Iterator[Task]:
        """Yield the tasks before a statement that runs in order on the first lane."""
        kind = TaskKind.DATA if is_light else TaskKind.BARRIER
        yield from self._share(step, (kind,), lambda: self._task(kind))
        if self._open is not None:
            self._open.numbers.update(numbers)
        if not is_light:
            yield from self._flush()

    def _share(
        self, step: Step, likeness: tuple[object, ...], make: Callable[[], Task]
    ) -> Iterator[Task]:
        """Add a step to the open task, or open another where that is unlike it or full."""
        size = len(step.sql)
        likeness += (self.session, self._in_transaction, self.in_order, step.source)
        task = self._open
        if (
            task is None
            or self._open_likeness != likeness
            or self._open_bytes + size > TASK_BYTES
            or len(task.steps) >= TASK_STATEMENTS
        ):
            yield from self._flush()
            task = make()
            if self._filling and self._filling[0] is not task.table:
                yield from self.finish()
            self._open, self._open_likeness, self._open_bytes = task, likeness, 0
        task.steps.append(step)
        self._open_bytes += size

    def _flush(self) -> Iterator[Task]:
        if self._drop is not None:
            drop, self._drop = self._drop, None
            yield drop
        if self._open is not None:
            task, self._open = self._open, None
            yield task

    # Other statements --------------------------------------------------------------------------

    def _other(self, step: Step, about: Classification) -> Iterator[Task]:
        kind = about.kind
        sql = step.sql
        if len(sql) <= LONGEST_DEFINITION_BYTES:
            sql = effective(sql, self._server.flavour, self._server.version)
        if kind is Kind.SESSION:
            yield from self._set(step, sql)
        elif kind is Kind.USE and about.schema is not None:
            yield from self.use(about.schema.encode("utf-8"), step)
        elif kind is Kind.LOCK:
            yield from self._lock(step, sql)
        elif kind is Kind.TRANSACTION:
            yield from self._transaction(step, sql)
        elif kind is Kind.TABLE and forms.creates_in_transaction(sql):
            yield from self._lose_track(step, "a table that is committed later")
        elif kind is Kind.TABLE and forms.is_about_temporary_table(sql):
            yield from self._lose_track(step, "a temporary table")
        elif forms.sets_role(sql):
            yield from self._lose_track(step, "SET ROLE")
        elif kind in _SESSION_STAYS or forms.only_asks(sql) or not sql.strip():
            if self._in_transaction and kind in _COMMIT_BY_THEMSELVES:
                yield from self._commit_implicitly(step)
            yield from self._stays(step, sql, about)
        else:
            yield from self._lose_track(step, "a statement whose effect on its session is unknown")

    def _stays(self, step: Step, sql: bytes, about: Classification) -> Iterator[Task]:
        """Yield the tasks for a statement that leaves the session as it is."""
        kind = about.kind
        if kind is Kind.SCHEMA:
            yield from self._define_schema(step, sql, about)
        elif kind is Kind.TABLE:
            yield from self._define_table(step, sql, about)
        elif kind is Kind.TRIGGER:
            yield from self._define_trigger(step, sql, about)
        else:
            yield from self._barrier(step)
            if kind in (Kind.VIEW, Kind.OTHER):
                self._tables.may_differ()

    def _set(self, step: Step, sql: bytes) -> Iterator[Task]:
        session = self.session.after(sql, step) if sql.strip() else self.session
        if self._unsure and copies_user_variable(sql):
            session = None  # a trigger or a function may have changed it
        if session is not None:
            if (yield from self._is_taken(step, sql)):
                self.absorbed += 1
                self.session = session
        elif sets_global_only(sql):
            yield from self._barrier(step)
        elif self.is_dump and forms.switches_autocommit(sql):
            self._left_out_autocommit = True
            yield from self._leave_out()
        elif (commits_itself := forms.sets_autocommit(sql)) is not None and not self._locks:
            yield from self._set_autocommit(step, commits_itself)
        else:
            yield from self._lose_track(step, "a SET that cannot be followed")

    def _set_autocommit(self, step: Step, commits_itself: bool) -> Iterator[Task]:
        """Yield the tasks before a script switches autocommit.

        Lanes keep autocommit on, and begin each transaction of such a script by START TRANSACTION.
        So their session is known, and a load can be resumed after each COMMIT.
        """
        if commits_itself and not self._commits_itself:
            yield from self._commit_implicitly(step)
        self._commits_itself = commits_itself
        yield from self._leave_out()

    def _is_taken(self, step: Step, sql: bytes) -> Generator[Task, None, bool]:
        """Yield what must be done before it can be said whether the server takes a SET."""
        if self._takes is None or self._takes(step, self.session, sql, settled=False):
            return True
        yield from self.finish()
        return self._takes(step, self.session, sql, settled=True)

    def _define_schema(self, step: Step, sql: bytes, about: Classification) -> Iterator[Task]:
        schema = self._known_as((about.schema or "").encode("utf-8"))
        drops = forms.drops_schema(sql)
        if drops:
            self._entered.discard(schema)
            self._tables.drop_schema(schema)
        if not schema or (drops and self._checks_foreign_keys()):
            yield from self._barrier(step)
        else:
            yield from self.finish()
            yield self._task(TaskKind.DEFINITION, [step], writes=[schema_key(schema)])
        entered = self.session.schema
        if drops and entered is not None and self._known_as(entered) == schema:
            self.session = self.session.using(None)

    def _define_table(self, step: Step, sql: bytes, about: Classification) -> Iterator[Task]:
        name = self._name(about)
        definition = read_definition(sql)
        if name is None:
            yield from self._barrier(step)
        elif forms.switches_keys(sql) and self._tables.is_innodb(name):
            yield from self._leave_out()  # InnoDB takes no notice
        elif definition:
            yield from self._define(step, name, references(sql))
            own_key = definition.has_primary_key or not self._adds_keys()
            innodb = self._makes_innodb(definition)
            self._tables.make(name, definition, innodb=innodb, own_key=own_key)
        elif forms.switches_keys(sql):
            yield from self._define(step, name)
        elif forms.drops_one_table(sql) and not self._checks_foreign_keys():
            yield from self._define(step, name, held=forms.drops_if_exists(sql))
            self._tables.drop(name)
        elif forms.only_adds_to_table(sql) and not (
            references(sql) and self._checks_foreign_keys()
        ):
            yield from self._define(step, name, references(sql))
            self._tables.add(name, foreign_keys=bool(references(sql)), counter=counts_up(sql))
        else:
            yield from self._barrier(step, Table(*name))
            # It may have given a table another name, or another table's content.
            self._tables.forget_all()

    def _define_trigger(self, step: Step, sql: bytes, about: Classification) -> Iterator[Task]:
        name = self._name(about)
        if name is None or not forms.creates(sql):
            yield from self._barrier(step)
            self._tables.forget_all()  # which table it watched is not known
            return
        yield from self._define(step, name)
        self._tables.watch(name)

    def _define(
        self,
        step: Step,
        name: Name,
        refers_to: Iterable[tuple[bytes | None, bytes]] = (),
        *,
        held: bool = False,
    ) -> Iterator[Task]:
        """Yield a definition of one table, unless it is held back for the one after it."""
        key = table_key(*name)
        reads = {table_key(schema or name[0], table) for schema, table in refers_to} - {key}
        task = self._task(
            TaskKind.DEFINITION,
            [step],
            table=Table(*name),
            reads=[schema_key(name[0]), *reads],
            writes=[key],
            locks=[key, *reads, *self._referring[key]],
        )
        for other in reads:
            self._referring[other].add(key)
        drop = self._drop
        if drop and key in drop.writes and self._may_follow(step, drop):
            self._drop = None
            task.steps.insert(0, drop.steps[0])
        yield from self.finish()
        if held:
            self._drop = task
        else:
            yield task

    def _may_follow(self, step: Step, drop: Task) -> bool:
        """Return whether a drop may run in the present session, right before a step."""
        dropped = drop.steps[0]
        return (
            forms.creates(step.sql)
            and dropped.source is step.source
            and dropped.sql.isascii()
            and drop.session is not None
            and self.session.is_like(drop.session, but_for=_MAY_DIFFER)
        )

    def _lock(self, step: Step, sql: bytes) -> Iterator[Task]:
        # Without autocommit, UNLOCK TABLES commits.
        if forms.locks_one_table(sql) and self._commits_itself and not self._in_transaction:
            self._locks = True
            yield from self._leave_out()
        elif forms.unlocks(sql) and self._locks:
            self._locks = False
            yield from self._leave_out()
        else:
            yield from self._lose_track(step, "LOCK TABLES")

    def _transaction(self, step: Step, sql: bytes) -> Iterator[Task]:
        if self.is_dump and forms.commits(sql) and not self._in_transaction:
            yield from self._leave_out()
        elif forms.begins_transaction(sql):
            yield from self._commit_implicitly(step)
            self._in_transaction = True
            yield from self._barrier(step)
        elif forms.ends_transaction(sql):
            yield from self._barrier(step)
            self._in_transaction = False
        elif self._in_transaction:
            yield from self._barrier(step)
        else:
            yield from self._lose_track(step, "a statement about transactions")

    def _begin(self, step: Step) -> Iterator[Task]:
        """Yield a START TRANSACTION of ours: the script begins its transaction without one."""
        yield from self.finish()
        self._in_transaction = True
        yield from self._barrier(step._replace(sql=b"START TRANSACTION", is_ours=True))

    def _commit_implicitly(self, step: Step) -> Iterator[Task]:
        """Yield the COMMIT that a statement implies, so that its notes are committed with it."""
        yield from self.finish()
        if self._in_transaction:
            yield from self._barrier(step._replace(sql=b"COMMIT", is_ours=True))
            self._in_transaction = False

    def _barrier(
        self, step: Step, table: Table | None = None, *, repeatable: bool = True
    ) -> Iterator[Task]:
        """Yield a task that runs alone, and leaves the session as it is."""
        yield from self.finish()
        task = self._task(TaskKind.BARRIER, [step], table=table)
        task.repeatable = repeatable
        yield task

    def _lose_track(self, step: Step, why: str) -> Iterator[Task]:
        """Yield a task after which the session is not known any more."""
        why = f"{step.place}: {why}"
        if not self._commits_itself:
            # Now its connection has to know, and what would be noted on it would not be committed.
            self._commits_itself = True
            own = step._replace(sql=b"SET autocommit = 0", is_ours=True)
            yield from self._barrier(own)
            self.why_in_order = why
        yield from self._barrier(step, repeatable=False)
        self.why_in_order = why

    def _leave_out(self) -> Iterator[Task]:
        """Leave a statement out, which changes nothing that stays; yield the tasks before it."""
        self.absorbed += 1
        yield from self.finish()

    def _task(
        self,
        kind: TaskKind,
        steps: Iterable[Step] = (),
        *,
        table: Table | None = None,
        reads: Iterable[str] = (),
        writes: Iterable[str] = (),
        locks: Iterable[str] = (),
        any_order: bool = False,
    ) -> Task:
        reads = {*reads}
        if self.session.schema is not None:  # it must be there to be entered
            reads.add(schema_key(self.session.schema))
        return Task(
            kind,
            list(steps),
            self._session_of(kind),
            table,
            frozenset(reads) - frozenset(writes),
            frozenset(writes),
            frozenset(locks),
            any_order,
            in_transaction=self._in_transaction or self.in_order,
        )

    def _session_of(self, kind: TaskKind) -> Session | None:
        """Return the session that a task is to be run in.

        MariaDB (seen with 10.11) logs rows for an empty table as a whole while unique_checks and
        foreign_key_checks are off, and then a statement that is refused, or a duplicate that is
        ignored, silently takes all rows of the transaction with it. A script that commits
        each statement does not meet that, so a batch of ours must not: it checks what is unique.
        """
        if self.in_order:
            return None
        if self._server.flavour != "mariadb" or kind is TaskKind.BARRIER or self._in_transaction:
            return self.session
        if self._careful[0] is not self.session:  # one object, so that it is not compared again
            self._careful = self.session, self.session.setting("unique_checks", b"1")
        return self._careful[1]

    # Known so far ------------------------------------------------------------------------------

    def _name(self, about: Classification) -> Name | None:
        schema = about.schema.encode("utf-8") if about.schema is not None else self.session.schema
        if about.table is None or schema is None:
            return None
        return self._known_as(schema), self._known_as(about.table.encode("utf-8"))

    def _known_as(self, name: bytes) -> bytes:
        """Return the spelling that stands for all spellings of a schema or a table."""
        if not self._server.folds_case:
            return name
        return name.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")

    def _makes_innodb(self, definition: TableDefinition) -> bool:
        """Return whether a table is certainly InnoDB's, so that its rows can be undone."""
        if definition.engine is not None:
            return definition.engine == b"innodb"
        names = [name for name in _DEFAULT_ENGINE if name in self.session.variables]
        engines = [self.session.text(name) or "" for name in names]
        return all(each.lower() == "innodb" for each in engines or [self._server.default_engine])

    def _adds_keys(self) -> bool:
        if _ADDS_KEYS in self.session.variables:
            return not self.session.is_off(_ADDS_KEYS)
        return self._server.adds_keys

    def _checks_foreign_keys(self) -> bool:
        if "foreign_key_checks" not in self.session.variables:
            return self._checks
        return not self.session.is_off("foreign_key_checks")

    def _is_verbatim(self) -> bool:
        mode = self.session.text("sql_mode")
        return self._verbatim if mode is None else "NO_BACKSLASH_ESCAPES" in mode.upper()


def _numbers(step: Step, name: Name | None, known: KnownTable | None) -> set[Numbered]:
    """Return where a statement's rows may be numbered."""
    if name is None:
        return _anywhere(step)
    if known is None:
        return {Numbered(*name)}
    if known.watched:  # its triggers may fill others, most likely beside it
        return {Numbered(name[0])}
    return {Numbered(*name)} if known.counts_up or known.counts_up_elsewhere else set()


def _anywhere(step: Step) -> set[Numbered]:
    return {Numbered(schema.encode()) for schema in step.schemas if schema != ANY_SCHEMA}
