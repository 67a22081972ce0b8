"""Verify a dump: load it into scratch schemas of the same server, and compare what they hold.

The tables may have changed since the dump's moment, so they are not compared. While a dump is made,
we take down its definitions and digests of its rows (`content`). The loader reads the finished file
into schemas of other names (`elsewhere`); these are dumped once more, without a file, and the
contents of both dumps must agree.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..connection import connect_now
from ..errors import (
    DumpError,
    LoadStoppedError,
    ScriptError,
    StatementError,
    printable,
    shown,
)
from ..limits import limited
from ..load.check.advice import BINLOG_FACTOR, DISK_FACTOR
from ..load.reporting.report import LoadReport
from ..load.running.loader import Loader, run_load
from ..load.sources.opening import Script, Sources, open_sources
from ..load.sources.origins import FileOrigin
from ..scratch import VERIFY, ScratchSchemas, free_bytes
from ..server import pymysql_errors
from ..units import count, size
from .comparison import differing_definitions, differing_rows
from .content import Content, DumpedThing
from .elsewhere import Copy, Relocation, ScratchPolicy
from .execute import Dumper
from .output import Nowhere
from .progress import DumpProgress
from .report import DumpReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import pymysql

    from ..load.reporting.progress import Progress
    from ..settings import ConnectionSettings
    from .catalogue import StoredTable
    from .output import Destination
    from .policy import DumpPolicy
    from .rows import Range

LOADS = "loading it into scratch schemas"
COMPARES = "comparing the scratch schemas"
MOST_NAMED = 3
_KEPT = "Nothing is left of the dump; a file of this name that was there before is as it was."
# Source: "Error Message Reference": the account lacks a right.
_DENIED = {1044, 1045, 1142, 1227, 1410, 1419}


class Verification:
    """Verifies a dump.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    policy : DumpPolicy
        Of the dump.
    report : DumpReport
        Of the dump; that it is verified is noted there.
    progress : callable, optional
        Called with a `DumpProgress` a few times a second.

    Raises
    ------
    DumpError
        The server is not on this machine, and `DumpPolicy.yes_remote` is not set.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        policy: DumpPolicy,
        report: DumpReport,
        progress: Callable[[DumpProgress], None] | None,
    ) -> None:
        if not settings.is_loopback and not policy.yes_remote:
            raise DumpError(
                "--verify would make and drop scratch schemas, and "
                f"{printable(settings.host)} is not this machine.",
                hint="add --yes-remote if you mean it, or leave out --verify.",
            )
        self._settings = settings
        self._policy = policy
        self._report = report
        self._progress = progress
        self._began = time.monotonic()

    def try_scratch(self) -> None:
        """Make a scratch schema and drop it again, before the work of a dump is done.

        Raises
        ------
        DumpError
            The account may not.
        ServerNotReadyError, AccessError
            There is no connection.
        """
        with contextlib.closing(connect_now(self._settings)) as connection:
            try:
                schemas = ScratchSchemas(connection, VERIFY)
                schemas.begin()
                with connection.cursor() as cursor:
                    cursor.execute(f"CREATE DATABASE `{schemas.name(0)}`")
                schemas.drop(schemas.name(0))
            except pymysql_errors() as error:
                raise self._failed(error) from None

    def verify(self, target: Destination, content: Content) -> None:
        """Verify a dump that is complete.

        Parameters
        ----------
        target : Destination
            Its place.
        content : Content
            Its content, taken down while it was made.

        Raises
        ------
        DumpError
            Its copy differs, or it cannot be loaded.
        Interrupted
            Ctrl-C, or the stop button.
        """
        self._began = time.monotonic()
        with contextlib.closing(connect_now(self._settings)) as connection:
            try:
                self._check_room(connection)
                self._compare(connection, target, content)
            except pymysql_errors() as error:
                raise self._failed(error) from None
        self._report.verify_seconds = time.monotonic() - self._began
        self._report.is_verified = True

    def _compare(
        self, connection: pymysql.Connection[Any], target: Destination, content: Content
    ) -> None:
        schemas = ScratchSchemas(connection, VERIFY)
        real = schemas.begin()
        names = {name: schemas.name(n) for n, name in enumerate(self._report.schemas)}
        nowhere = schemas.name(len(names))
        folds = int(_value(connection, "lower_case_table_names")) > 0
        copy = Copy(Relocation(names, real, nowhere, folds=folds))
        copy.plan(content)
        try:
            self._load(target, copy)
            found = self._read(names, content)
        finally:
            for name in names.values():
                schemas.drop(name)
        self._check(content, copy, names, found)

    # On the server ------------------------------------------------------------------------------

    def _check_room(self, connection: pymysql.Connection[Any]) -> None:
        factor = DISK_FACTOR + BINLOG_FACTOR * int(_value(connection, "log_bin"))
        needed = round(self._report.sql_bytes * factor)
        free = free_bytes(self._settings, str(_value(connection, "datadir")))
        if free is not None and free < needed:
            raise DumpError(
                f"{self._name} cannot be verified: its copy may take {size(needed)} of the "
                f"server's disk, and {size(free)} are free.",
                details=[_KEPT],
                hint="make room there, or leave out --verify.",
            )

    def _load(self, target: Destination, copy: Copy) -> None:
        sources = _sources(target)
        policy = ScratchPolicy(jobs=self._policy.jobs, yes_remote=True, copy=copy)
        report = LoadReport(sources.name)
        loader = Loader(self._settings, report, policy=policy, progress=self._loading)
        try:
            run_load(loader, sources)
        except (StatementError, ScriptError, LoadStoppedError) as error:
            words = error.message.replace(target.beside.name, target.path.name)
            raise DumpError(
                f"{self._name} is not verified: its copy could not be loaded.",
                details=[shown(words), _KEPT],
                hint="dump without --verify to have it as it is.",
            ) from None

    def _read(self, names: dict[str, str], content: Content) -> Content:
        dumped = {scratch: name for name, scratch in names.items()}

        def parts_of(table: StoredTable) -> list[Range]:
            return content.parts((dumped[table.schema], table.name))

        policy = replace(
            self._policy, schemas=tuple(names.values()), tables=(), where=None, verify=False
        )
        report, found = DumpReport(self._report.file), Content()
        reader = Dumper(
            self._settings, report, policy=policy, progress=self._reading, parts_of=parts_of
        )
        if names:
            reader.read(Nowhere(Path("scratch.sql")), found)
        return found

    # The comparison -----------------------------------------------------------------------------

    def _check(self, content: Content, copy: Copy, names: dict[str, str], found: Content) -> None:
        differing = dict(differing_definitions(content, copy, names, found))
        tables = [(thing.schema, thing.name) for thing in copy.defined if thing.kind == "table"]
        dumped = {scratch: name for name, scratch in names.items()}
        rows = {(dumped[schema], name): parts for (schema, name), parts in found.rows.items()}
        for path, words in differing_rows(content.rows, rows, tables).items():
            differing.setdefault(DumpedThing("table", *path), words)
        if differing:
            raise self._differ(differing)
        self._report.not_verified = {
            printable(str(thing)): why for thing, why in copy.left_out.items()
        }
        self._report.verified_tables = len(tables)
        self._report.verified_rows = sum(
            part.rows for path in tables for part in content.rows.get(path, {}).values()
        )

    def _differ(self, differing: dict[DumpedThing, str]) -> DumpError:
        shown_ones = [
            f"{printable(str(thing))}: {words}"
            for thing, words in sorted(differing.items(), key=_place)[:MOST_NAMED]
        ]
        rest = len(differing) - len(shown_ones)
        more = [f"and {count(rest, 'other object')}"] if rest else []
        return DumpError(
            f"{self._name}: its copy in scratch schemas differs from the dump.",
            details=[*shown_ones, *more, _KEPT],
            hint="dump without --verify, load it with --into, and compare these.",
        )

    def _failed(self, error: Exception) -> DumpError:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        hint = "dump without --verify to have it as it is."
        if number in _DENIED:
            hint = r"GRANT ALL ON `sidecar\_verify\_%`.* lets it, or leave out --verify."
        return DumpError(
            f"{self._name} cannot be verified in scratch schemas (error {number}): "
            f"{shown(error.args[-1] if error.args else error)}.",
            details=[_KEPT],
            hint=hint,
        )

    # Progress -----------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return printable(self._report.file)

    def _loading(self, progress: Progress) -> None:
        self._show(LOADS, progress.rows, progress.fraction, progress.tables, progress.waits_for)

    def _reading(self, progress: DumpProgress) -> None:
        self._show(COMPARES, progress.rows, progress.fraction, progress.tables)

    def _show(
        self,
        what: str,
        rows: int,
        fraction: float | None,
        tables: tuple[str, ...],
        waits_for: str = "",
    ) -> None:
        if self._progress is not None:
            elapsed_s = time.monotonic() - self._began
            self._progress(
                DumpProgress(
                    self._report.file,
                    self._report.sql_bytes,
                    rows,
                    fraction,
                    elapsed_s,
                    tables,
                    waits_for,
                    what,
                )
            )


def _place(item: tuple[DumpedThing, str]) -> tuple[str, ...]:
    thing, _ = item
    return thing.schema, thing.name, thing.kind


def _sources(target: Destination) -> Sources:
    """Return a complete dump, which is not yet in its place, as the loader's source."""
    if target.is_folder:
        return open_sources(target.beside)
    name = printable(target.path.name)
    return Sources(name, "file", scripts=[Script(FileOrigin(target.beside, name), name)])


def _value(connection: pymysql.Connection[Any], variable: str) -> Any:
    with limited(connection), connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{variable}")
        rows = cursor.fetchall()
    return rows[0][0] if rows else ""
