"""A load among other loads: its duties before it begins, while it runs, and at its end.

One process at a time loads a script; a second one waits. `--once` must be right, so the record that
a script is loaded ends as soon as another load touches the same schemas.

Loads hold named locks: one for each connection, by which `--resume` finds and ends those of a
killed process; one for each script; one for each schema, to report two loads of one schema.

`--resume` compares names, size and options, then a CRC-32 of each skipped piece; `--once` compares
SHA-256 and options, with size and time as a shortcut.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Callable

from ...errors import AccessError, shown
from ...script import forms
from ...script.changes import ANY_SCHEMA
from ...server import pymysql_errors
from ..planning.tasks import Table
from ..reporting import failures
from ..reporting.failures import is_lost
from ..running.index_builds import missing_clause
from ..running.numbering import set_next
from . import loads, owed, records, tables
from .pieces import SCHEMA, Journal, lock_name

if TYPE_CHECKING:
    from ..planning.tasks import Step
    from ..policy import LoadPolicy
    from ..reporting.report import LoadReport
    from ..running.loader import Loader
    from ..sources.opening import Sources

# Loading a smaller script again is faster than making a journal.
JOURNAL_FROM_BYTES = 1024 * 1024
# One question waits this long for another load's lock: Ctrl-C takes effect in between.
LOCK_WAIT_S = 1
# Errors for a table that was dropped since, or whose schema was.
_TABLE_IS_GONE = {1049, 1146}
# A connection that is idle for this long may be a leftover: a running load uses its own often.
LEFTOVER_S = 5


class Bookkeeping:
    """One load's dealings with the journal and with other loads.

    Parameters
    ----------
    loader : Loader
        Connected.
    sources : Sources
        The scripts.
    policy : LoadPolicy
        The options.
    report : LoadReport
        Gets notes.
    """

    def __init__(
        self, loader: Loader, sources: Sources, policy: LoadPolicy, report: LoadReport
    ) -> None:
        self._loader = loader
        self._sources = sources
        self._policy = policy
        self._report = report
        self._link = loader.control
        name = "\n".join(sources.labels)[:1000]
        self._script = loads.Identity(name, sources.size_bytes or 0, policy.identity)
        self._call = loads.LoadCall(sources.whereabouts, policy.words, policy.target)
        self._touched: dict[str, bool] = {}  # schemas, and whether records of them are ended
        self._records: dict[str, list[int]] | None = None

    # Before it begins --------------------------------------------------------------------------

    def await_turn(self, on_wait: Callable[[str], None]) -> None:
        """Wait until no other process loads this script; `on_wait` gets its name."""
        if not self._sources.can_reopen:
            return
        known_by = repr(self._script).encode()
        lock = f"{SCHEMA}.script.{hashlib.sha1(known_by, usedforsecurity=False).hexdigest()}"
        taken = self._link.ask(f"SELECT GET_LOCK('{lock}', 0)") == "1"
        if not taken:
            on_wait(self._holder(lock))
        while not taken:
            self._end_leftover(lock)
            taken = self._link.ask(f"SELECT GET_LOCK('{lock}', {LOCK_WAIT_S})") == "1"
            on_wait("" if taken else self._holder(lock))
        self._link.keep(f"DO GET_LOCK('{lock}', 0)".encode())

    def _end_leftover(self, lock: str) -> None:
        """End the connection of a killed load that the server has not noticed.

        It is idle, and the load's first lane, which lives as long as the load, is gone.
        """
        link = self._link
        if not tables.exists(link.rows):
            return
        entry = loads.unfinished(link, self._script)
        idle = link.rows(
            "SELECT id FROM information_schema.processlist WHERE command = 'Sleep'"
            f" AND time >= {LEFTOVER_S} AND id = IS_USED_LOCK('{lock}')"
        )
        if entry is None or not idle:
            return
        if not link.ask(f"SELECT IS_USED_LOCK('{lock_name(entry.token, 0)}')"):
            with contextlib.suppress(*pymysql_errors()):  # it has just ended
                link.send(f"KILL {int(idle[0][0] or 0)}".encode())

    def is_loaded(self) -> bool:
        """Return whether the same script was loaded before; note it in the report."""
        policy, sources = self._policy, self._sources
        if not (policy.once or policy.resume) or not sources.can_reopen:
            return False
        if not tables.exists(self._link.rows) or loads.unfinished(self._link, self._script):
            return False
        stamp = sources.stamp()
        entry = loads.finished(
            self._link,
            options=policy.identity,
            size_bytes=sources.size_bytes or 0,
            stamp=None if stamp is None else json.dumps(stamp),
            digest=sources.digest,
            known_as=self._known_as,
        )
        if entry is None:
            return False
        self._report.already_loaded, self._report.loaded_at = True, entry.finished
        self._report.loaded_rows = entry.rows
        return True

    def open(self) -> Journal | None:
        """Enter the load into the journal, or resume the unfinished one."""
        needed = self._policy.once or self._policy.resume
        is_small = self._script.size_bytes < JOURNAL_FROM_BYTES
        if not needed and (is_small or not self._sources.can_reopen):
            return None
        if not self._make_journal(needed=needed):
            return None
        load, link = self._loader.load, self._link
        load.token = secrets.token_hex(16)
        entry = loads.unfinished(link, self._script) if needed else None
        if entry is not None:
            self._loader.end_lanes_of(entry)
            entry = loads.take_over(link, entry, token=load.token, jobs=load.jobs)
            if not self._policy.resume:
                self._report.notes.append(
                    f"Resumed the load of this script that began at {entry.started}."
                )
            journal = Journal(link, entry, resumed=True)
            self._restore_numbers(journal)
            return journal
        if self._policy.resume:
            self._report.notes.append(
                "There was nothing to resume: this was loaded from the beginning."
            )
        entry, replaced = loads.begin(
            link, self._script, token=load.token, jobs=load.jobs, call=self._call
        )
        if replaced is not None:
            self._report.notes.append(
                f"The load of this script that began at {replaced.started} did not finish; this "
                "one started from the beginning."
            )
        return Journal(link, entry, resumed=False)

    def _restore_numbers(self, journal: Journal) -> None:
        """Set AUTO_INCREMENT back, for rows that the killed load did not commit."""
        for name, number in journal.undone_numbers.items():
            try:
                self._link.send(set_next(name, number))
            except pymysql_errors() as error:
                if is_lost(error):
                    raise
                if failures.number(error) not in _TABLE_IS_GONE:
                    self._report.notes.append(
                        f"The next rows of {Table(*name)} get higher AUTO_INCREMENT numbers than "
                        f"with the client: {shown(error.args[-1])}."
                    )

    def _make_journal(self, *, needed: bool) -> bool:
        try:
            tables.create(self._link)
        except AccessError as error:
            if needed:
                raise
            self._report.notes.append(f"{error.message} --resume will fail.")
            return False
        except pymysql_errors() as error:
            if is_lost(error):
                raise
            if needed:
                raise AccessError(
                    f"The journal cannot be made in schema {SCHEMA}: {error.args[-1]}.",
                    hint="grant this account CREATE on it, or load without --once and --resume.",
                ) from None
            self._report.notes.append("This account cannot create a journal: --resume will fail.")
            return False
        return True

    # While it runs -----------------------------------------------------------------------------

    def touch(self, step: Step) -> None:
        """Announce to other loads the schemas that a statement is about to change.

        Cells work with a loaded script: it counts as loaded until a cell drops something.
        """
        for schema in step.schemas:
            self._touch(schema, step)

    def _touch(self, schema: str, step: Step) -> None:
        if schema == ANY_SCHEMA:
            if self._sources.kind != "text":
                self._end_records(None)
            return
        schema = self._known_as(schema)
        ends = self._sources.kind != "text" or forms.may_drop(step.sql)
        if schema not in self._touched:
            self._touched[schema] = False
            self._announce(schema)
        if ends and not self._touched[schema]:
            self._touched[schema] = True
            self._end_records(schema)

    def schemas(self) -> list[str]:
        """Return the schemas that were touched and are there, as the server spells them.

        One that the script itself has dropped again, or that never was there, will not be missed.
        """
        there = loads.schemas_of(self._link)
        return sorted(name for name in there if self._known_as(name) in self._touched)

    def _known_as(self, schema: str) -> str:
        """Return the spelling that stands for all that the server takes for this schema."""
        return schema.lower() if self._loader.load.folds_case else schema

    def _announce(self, schema: str) -> None:
        """Take the lock of a schema; if another load has it, say so."""
        digest = hashlib.sha1(schema.lower().encode(), usedforsecurity=False).hexdigest()
        lock = f"{SCHEMA}.in.{digest}"
        rows = self._loader.inspector.rows(f"SELECT GET_LOCK('{lock}', 0)".encode())
        if rows and rows[0][0] == b"0":
            self._report.notes.append(
                f"Another load worked in {schema} at the same time: {self._holder(lock)}."
            )

    def _end_records(self, schema: str | None) -> None:
        """End the records of finished loads that worked in a schema; None for all of them."""
        inspector = self._loader.inspector
        if self._records is None:
            self._records = loads.finished_in(inspector)
        journal = self._loader.load.journal
        own = journal.entry.id if journal else None
        of_all = {number for numbers in self._records.values() for number in numbers}
        of_schema = (
            number
            for name, numbers in self._records.items()
            if schema == self._known_as(name)
            for number in numbers
        )
        for number in of_all if schema is None else of_schema:
            if number != own:
                inspector.rows(loads.forget_query(number))

    def _holder(self, lock: str) -> str:
        """Return which connection holds a lock, in words."""
        rows = self._loader.inspector.rows(
            "SELECT id, user, host, time FROM information_schema.processlist"
            f" WHERE id = IS_USED_LOCK('{lock}')".encode()
        )
        for number, user, host, _ in rows:
            account = b"@".join([user or b"", (host or b"").rpartition(b":")[0] or host or b""])
            return f"connection {int(number)} of {account.decode('utf-8', 'replace')}"
        return "a connection that has just ended"

    # When it has ended -------------------------------------------------------------------------

    def close(self) -> None:
        """Write the record for --once and --resume; build indexes that killed loads deferred."""
        loader, link, journal = self._loader, self._link, self._loader.load.journal
        loader.inspector.revive()
        if journal is not None:
            loads.finish(link, journal.entry, self._facts())
        self._enter_loaded_before()
        with contextlib.suppress(*pymysql_errors()):  # a schema of this name that is not ours
            if not tables.exists(link.rows):
                return
            loads.end_repeated(link, self._call, journal.entry.id if journal else None)
            self._build_owed_indexes()
            tables.drop_if_empty(link)

    def _enter_loaded_before(self) -> None:
        """Enter a dump's records of scripts that --once loaded before the dump was made.

        Else the next --once would load them again, over the user's changes since.
        """
        policy = self._policy
        is_whole = not (policy.tables or policy.schema_only or policy.data_only or policy.into)
        if not is_whole or self._report.errors:
            return
        held = [
            record
            for record in self._sources.loaded_before
            if records.is_record(record)
            and self._touched.keys() >= {*map(self._known_as, records.schemas_of(record))}
        ]
        if not held:
            return
        try:
            self._link.send(b"SET time_zone = '+00:00'")
            records.enter_records(self._link.rows, self._link.send, held)
        except pymysql_errors() as error:
            if is_lost(error):
                raise
            self._report.notes.append(
                "This account cannot write the dump's records of --once: a script that is in it "
                "may be loaded again."
            )

    def _facts(self) -> dict[str, object] | None:
        """Return the facts to record about this load; None to forget it."""
        report, policy, sources = self._report, self._policy, self._sources
        if not (policy.once or policy.resume) or not sources.can_reopen or report.errors:
            return None
        return {
            "stamp": json.dumps(sources.stamp()),
            "sha256": report.sha256 or sources.digest(),
            "statements": report.statements,
            # The interrupted load counted these in its own report; 0 is not shown.
            "rows": 0 if report.resumed else report.rows,
            "seconds": report.seconds,
            "schemas": self.schemas(),
        }

    def _build_owed_indexes(self) -> None:
        """Build the indexes that killed loads deferred and never built."""
        for table, definitions in owed.owed_indexes(self._link):
            create = self._loader.inspector.show_create(table)
            missing = missing_clause(create, definitions)
            try:
                if missing:
                    self._link.send(b"ALTER TABLE " + table.quoted + b" " + missing)
                    self._report.notes.append(
                        f"Built the indexes of {table} that an interrupted load had left out."
                    )
            except pymysql_errors() as error:
                self._report.notes.append(
                    f"{table} lacks indexes that an interrupted load had left out: {error}."
                )
                continue
            owed.forget_owed(self._link, table)
