"""Walk over scripts: each statement as it would be sent, or why it is refused, and its tasks.

Loading, `--explain` and `--check` all see a script through this one walk, so they agree on what
would be sent, where, and in which session. They differ in their `Consumer` alone.

A second implementation would drift: `tests/integration/test_check_agrees.py` holds `--check` and a
load to the same first failure.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..errors import ScriptError, SidecarError
from ..script import forms
from ..script.changes import changed_schemas
from ..script.classify import Kind, classify, may_change_quoting, reads_local_file
from ..script.commands import Effect, effect_of
from ..script.quoting import Quoting, quoting_of
from ..script.rewrite import RewriteError, schema_of_heading
from ..script.rows import head_of_rows
from ..script.sent import as_sent, client_keeps_comments
from ..script.session import Literal
from ..script.splitter import ClientCommand, ScriptSyntaxError, Splitter, Statement
from ..script.versioned import version_number
from ..units import size
from .planning.tasks import Step, quoted
from .reporting import failures
from .sources.opening import Source, Sources
from .sources.paths import is_of_windows, spelt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ..script.classify import Classification
    from ..script.rewrite import Rewriter
    from ..script.splitter import Item
    from .planning.planner import Planner
    from .planning.tasks import Task
    from .policy import LoadPolicy
    from .reporting.report import LoadReport

_NEEDS_SCHEMA = {Kind.TABLE, Kind.DATA, Kind.VIEW, Kind.ROUTINE, Kind.EVENT, Kind.TRIGGER}
# A dump tool writes about itself in the first lines.
HEADING_BYTES = 4096
# How a dump begins, also without its comments.
_DUMP_MARKS = (
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"-- sidecar-magics dump",
    b"-- mysqldump-php",
    b"-- phpMyAdmin SQL Dump",
    b"/*M!999999\\- enable the sandbox mode */",
    b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT",
    b"/*!40101 SET @saved_cs_client",
    b"CREATE DATABASE /*!32312 IF NOT EXISTS*/",
)


class Alike(NamedTuple):
    """The facts about rows that hold for all rows with the same head: most statements of a script.

    Attributes
    ----------
    head : bytes
        All text before the first value.
    names : tuple
        The names that decide what the head means; see `Walk._names`.
    about : Classification
        Their classification.
    table : str or None
        Their table, for the report.
    changes : collection of str
        The schemas that they change.
    """

    head: bytes
    names: tuple[bytes | None, str | None, bytes]
    about: Classification
    table: str | None
    changes: Collection[str]


class Consumer(Protocol):
    """The receiver of a walk: a server, or a check without one."""

    host: str
    is_loopback: bool
    dollar_quotes: bool

    def quoting(self, before: Quoting) -> Quoting:
        """Return how the session reads strings after all yielded tasks: only the server knows."""

    def renew(self) -> None:
        """Give the first lane a new session, after all yielded tasks."""

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        """Take note of a statement as it would be sent, before its tasks are yielded."""

    def refuse(self, error: ScriptError, step: Step) -> None:
        """Raise the error for a refused step; or take note of it, and let the walk continue."""


class Walk:
    """One way through scripts, from their bytes to tasks.

    Parameters
    ----------
    planner : Planner
        Makes the tasks.
    make_rewriter : callable
        Returns the rewriter, given the schema that a dump's heading names.
    policy : LoadPolicy
        The options of the load.
    target : Consumer
        The receiver, which also decides about refused steps.
    report : LoadReport
        Takes the notes about the script; knows the kind of server.
    quoting : Quoting
        How a new session reads strings.
    """

    def __init__(
        self,
        planner: Planner,
        make_rewriter: Callable[[str | None], Rewriter],
        policy: LoadPolicy,
        *,
        target: Consumer,
        report: LoadReport,
        quoting: Quoting,
    ) -> None:
        self._planner = planner
        self._make_rewriter = make_rewriter
        self.rewriter = make_rewriter(None)
        self._policy = policy
        self._server = target
        self._report = report
        self._quoting = quoting
        self._keep_comments = client_keeps_comments(
            report.flavour, version_number(report.server_version)
        )
        self.absorbed = 0  # statements that became part of no task; the reader of tasks resets it
        self.heading = b""  # the beginning of the first script
        self._opened: list[Source] = []
        self._sources = 0
        self._delimiter = b";"
        self._sandboxed = False
        self._ended = False
        self._script_schema: str | None = None
        self._fed, self._chunk = 0, b""
        self._has_statements = False
        self._alike: Alike | None = None  # of the last rows

    def tasks(self, scripts: Iterable[Source]) -> Iterator[Task]:
        """Yield the tasks of scripts, one script after another; also all that come before an error.

        Raises
        ------
        ScriptError
            A script is broken, or asks for something that is refused.
        """
        try:
            yield from self._tasks(scripts)
        except SidecarError:
            yield from self._planner.finish()
            raise

    def _tasks(self, scripts: Iterable[Source]) -> Iterator[Task]:
        if isinstance(scripts, Sources) and not self._policy.allow_outside_source:
            scripts.check_inside()  # before anything of it is loaded
        for source in scripts:
            if source.fresh_session:
                yield from self._begin_session(source)
            if self._policy.database is not None:
                name = self._policy.database.encode()
                command = ClientCommand("use", name, 1, 1, 0, 0)
                yield from self._enter(name, Step(command, source, is_ours=True))
                self._script_schema = self._policy.database
            self._delimiter = source.delimiter
            yield from self._read(source)
            if source.looks_truncated:
                self._report.notes.append(
                    f"{source.name} lacks the last line of a dump: it may have been cut short."
                )
        yield from self._planner.finish()
        self._report_rewriting()

    def _report_rewriting(self) -> None:
        rewriter = self.rewriter
        self._report.skipped = dict(rewriter.skipped)
        self._report.notes.extend(rewriter.notes)
        if not self._has_statements:
            self._report.notes.append(
                f"{self._report.source} has no statements: it is empty, or has only comments, or "
                "commands of the client that concern a terminal."
            )
        for pattern in rewriter.unmatched:
            self._report.notes.append(f"--tables {pattern}: nothing in the script matches.")

    def _begin_session(self, source: Source) -> Iterator[Task]:
        """Begin a file in a new session, whatever the files before it did."""
        unknown = self._planner.in_order
        schema = os.fsencode(source.schema) if source.schema else None
        yield from self._planner.begin_session(schema)
        self._script_schema = source.schema
        if unknown:
            self._server.renew()

    def _read(self, source: Source) -> Iterator[Task]:
        self._opened.append(source)
        outer = self._fed, self._chunk
        source.number, self._sources = self._sources, self._sources + 1
        splitter = Splitter(
            delimiter=self._delimiter,
            dollar_quotes=self._server.dollar_quotes,
            keep_comments=self._keep_comments,
        )
        for item in self._items(source, splitter):
            # Before the item acts: a script that it sources begins with this delimiter.
            self._delimiter = splitter.delimiter
            if isinstance(item, Statement):
                sent = as_sent(
                    item,
                    keep_comments=self._keep_comments,
                    ansi_quotes=splitter.ansi_quotes,
                    no_backslash_escapes=splitter.no_backslash_escapes,
                )
                yield from self._statement(sent, source)
            else:
                yield from self._obey(item, source)
            if self._ended:
                self._note_unread(item, source)
                break  # this script; the one that sources it continues, as with the client
            # And the other way round: the rest is read with the delimiter that the sourced script
            # left.
            splitter.delimiter = self._delimiter
            self._set_quoting(splitter)
        self._ended = False
        self._fed, self._chunk = outer
        self._opened.pop()

    def _items(self, source: Source, splitter: Splitter) -> Iterator[Item]:
        self._set_quoting(splitter)
        self._fed, begins = 0, True
        try:
            for chunk in source.chunks():
                if begins:
                    self._planner.is_dump = chunk.lstrip(b"\xef\xbb\xbf\r\n ").startswith(
                        _DUMP_MARKS
                    )
                    begins = False
                    if self._sources == 1:
                        self.heading = chunk[:HEADING_BYTES]
                        if self._policy.into is not None:
                            self.rewriter = self._make_rewriter(schema_of_heading(chunk))
                self._report.script_bytes += len(chunk)
                self._fed += len(chunk)
                self._chunk = chunk
                yield from splitter.feed(chunk)
            yield from splitter.finish()
        except ScriptSyntaxError as error:
            raise failures.syntax_error(error, source, self._report) from None

    def _note_unread(self, command: Item, source: Source) -> None:
        """Read on to the end of the file, which its digest needs; note how much was not run."""
        rest = self._chunk[max(0, len(self._chunk) - (self._fed - command.end)) :].lstrip()
        unread, is_blank = len(rest), not rest.strip()
        for chunk in source.chunks():
            unread += len(chunk)
            is_blank = is_blank and not chunk.strip()
        step = Step(command, source)
        if not is_blank and isinstance(command, ClientCommand):
            self._report.notes.append(
                f"{step.place}: `{command.name}` ends the script; what follows from line "
                f"{step.line + 1} on was not read ({size(unread)})."
            )

    def _set_quoting(self, splitter: Splitter) -> None:
        """Let the splitter read strings as the session's sql_mode says."""
        splitter.ansi_quotes, splitter.no_backslash_escapes = self._quoting_now()

    def _quoting_now(self) -> Quoting:
        if not self._planner.in_order:
            mode = self._planner.session.variables.get("sql_mode")
            if isinstance(mode, Literal):
                return quoting_of(mode.sql.decode("ascii", "replace").strip("'\""))
        return self._quoting

    def _statement(self, statement: Statement, source: Source) -> Iterator[Task]:
        self._has_statements = True
        alike = self._alike
        if alike and statement.sql.startswith(alike.head) and alike.names == self._names():
            table, changes = alike.table, alike.changes
            step = Step(statement, source, statement.sql, table, is_data=True, schemas=changes)
            yield from self._plan(step, alike.about)
            return
        about = classify(statement.sql)
        sql = self._rewritten(statement, about, source)
        if sql is None:
            return
        if sql is not statement.sql:
            about = classify(sql)
        if self._policy.into is not None and about.kind in _NEEDS_SCHEMA:
            yield from self._enter_target(statement, source)
        step = self._step(Step(statement, source, sql), about)
        refusal = self._refusal(step, about)
        if refusal is not None:
            self._refuse(step, *refusal)
            return
        self._remember(statement, step, about)
        yield from self._plan(step, about)

    def _step(self, step: Step, about: Classification) -> Step:
        """Return a step with its table, and the schemas that it changes."""
        schema = self._planner.session.schema
        default = None if schema is None else schema.decode("utf-8", "replace")
        table = about.table and f"{about.schema or default or '?'}.{about.table}"
        changes = changed_schemas(
            step.sql,
            about,
            schema=default,
            several=self._delimiter != b";",
            **self._quoting_now()._asdict(),
        )
        return step._replace(table=table, is_data=about.kind is Kind.DATA, schemas=changes)

    def _refusal(self, step: Step, about: Classification) -> tuple[str, str] | None:
        """Return why a step is refused, and the hint; None if it may be sent."""
        sql = step.sql
        if reads_local_file(sql) and not self._policy.allow_local_infile:
            what = "LOAD DATA LOCAL INFILE would send a file of this machine to the server"
            return what, "add --allow-local-infile if you trust the script."
        if not self._may_drop and forms.may_drop(sql):
            what = f"it drops something, and {self._server.host} is not this machine"
            return what, "add --yes-remote if you mean it."
        if about.kind is Kind.TRANSACTION and self._planner.would_undo(sql):
            what = "a dump's rows are committed as they come, and this would undo them"
            hint = "remove the script's first line, which makes it a dump; it then runs in order."
            return what, hint
        return None

    def _names(self) -> tuple[bytes | None, str | None, bytes]:
        """Return the default schema, that of the script as it is written, and the delimiter."""
        return self._planner.session.schema, self._script_schema, self._delimiter

    def _remember(self, statement: Statement, step: Step, about: Classification) -> None:
        """Keep the facts about rows, if they hold for all rows with the same head."""
        rows = head_of_rows(step.sql) if about.kind is Kind.DATA else None
        holds = self._delimiter == b";" and self._may_drop
        if rows is not None and holds and step.sql is statement.sql:
            head = step.sql[: rows.begins + 1]
            self._alike = Alike(head, self._names(), about, step.table, step.schemas)

    @property
    def _may_drop(self) -> bool:
        return self._server.is_loopback or self._policy.yes_remote

    def _rewritten(
        self, statement: Statement, about: Classification, source: Source
    ) -> bytes | None:
        """Return the statement to send instead of one of the script; None to send nothing."""
        try:
            sql = self.rewriter.rewrite(
                statement.sql,
                about,
                schema=self._script_schema,
                several=self._delimiter != b";",
                **self._quoting_now()._asdict(),
            )
        except RewriteError as error:
            self._refuse(Step(statement, source, statement.sql), str(error), error.hint)
            return None
        if about.kind is Kind.USE:
            self._script_schema = about.schema
        return sql

    def _enter_target(self, statement: Statement, source: Source) -> Iterator[Task]:
        """Enter the schema of --into, where the script has not entered one of its own."""
        if self._planner.session.schema is not None or self._planner.in_order:
            return
        name = (self._policy.into or "").encode()
        step = Step(
            statement,
            source,
            b"CREATE DATABASE IF NOT EXISTS " + quoted(name),
            schemas=(self._policy.into or "",),
            is_ours=True,
        )
        self._server.saw(step, classify(step.sql), b";")
        yield from self._planner.statement(step)
        yield from self._enter(name, step)

    def _enter(self, schema: bytes, step: Step) -> Iterator[Task]:
        step = step._replace(sql=b"USE " + quoted(schema))
        self._server.saw(step, classify(step.sql), b";")
        yield from self._planner.use(schema, step)

    def _plan(self, step: Step, about: Classification) -> Iterator[Task]:
        planner = self._planner
        absorbed, followed = planner.absorbed, not planner.in_order
        self._server.saw(step, about, self._delimiter)
        yield from planner.statement(step, about, delimiter=self._delimiter)
        self.absorbed += planner.absorbed - absorbed
        several = self._delimiter != b";" and b";" in step.sql
        if planner.in_order and (followed or several or may_change_quoting(step.sql, about.kind)):
            # We do not know this session; its connection knows how it reads strings.
            yield from planner.finish()
            self._quoting = self._server.quoting(self._quoting)

    # The client's own commands -----------------------------------------------------------------

    def _obey(self, command: ClientCommand, source: Source) -> Iterator[Task]:
        name, argument = command.name, command.argument
        step = Step(command, source)
        effect = effect_of(name)
        if effect is Effect.USE:
            yield from self._use(argument, step)
        elif effect is Effect.CHARSET:
            step = step._replace(sql=b"SET NAMES " + argument)
            yield from self._plan(step, classify(step.sql))
        elif effect is Effect.SOURCE:
            yield from self._source(step, os.fsdecode(argument))
        elif effect is Effect.END:
            self._ended = True
        elif effect is Effect.SANDBOX:
            self._sandboxed = True
        elif effect in (Effect.REFUSE, Effect.RESET_CONNECTION):
            what = f"the client command {name!r} is not carried out"
            self._refuse(step, what, "remove it from the script if you do not need it.")

    def _use(self, schema: bytes, step: Step) -> Iterator[Task]:
        self._has_statements = True
        statement = Statement(b"USE " + quoted(schema), *step.item[2:])
        wanted = self._rewritten(statement, classify(statement.sql), step.source)
        if wanted is None:
            return
        schema = (classify(wanted).schema or "").encode()
        yield from self._enter(schema, step)
        self.absorbed += 1

    def _source(self, step: Step, wanted: str) -> Iterator[Task]:
        """Run another script at this place: relative to the one that names it, as a reader expects.

        The client takes the folder that it was started in; no dump can know that.
        """
        path = self._path_of(step, wanted)
        if path is None:
            return
        try:
            inner = Source.from_file(path, wanted_at=step.place)
        except ScriptError as error:
            self._server.refuse(error, step)
            return
        try:
            yield from self._read(inner)
        finally:
            inner.close()

    def _path_of(self, step: Step, wanted: str) -> Path | None:
        """Return the file that a ``source`` names; None if it is refused."""
        what, hint = "", ""
        home = self._opened[0].folder
        path = step.source.folder
        try:
            path = (path / Path(wanted).expanduser()).resolve()
        except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
            what = f"{wanted!r} is no path ({error})"
        if self._sandboxed:
            what = "the script's first line forbids it to read files (MariaDB's sandbox mode)"
            hint = "remove that line if you trust it."
        elif not what and is_of_windows(wanted) and not path.exists():
            what = f"{spelt(wanted)} is a path of Windows, and this machine has none"
            name = PureWindowsPath(wanted).name
            hint = f"copy the file into the script's folder, and write `source {name}`."
        elif not what and home not in path.parents and not self._policy.allow_outside_source:
            what = f"{wanted!r} lies outside the script's own folder, {home}"
            hint = "add --allow-outside-source if you trust the script."
        elif not what and any(path == source.path for source in self._opened):
            what = f"{wanted!r} is being loaded already: it sources itself"
        if what:
            self._refuse(step, what, hint)
            return None
        return path

    def _refuse(self, step: Step, what: str, hint: str = "") -> None:
        self._server.refuse(failures.refused(step, what, self._report, hint), step)
