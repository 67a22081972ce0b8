"""Make a snapshot: dump changed tables, take the rest from the one before."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..dump import DumpPolicy, DumpReport
from ..dump.execute import Dumper, run_dump
from ..dump.output import Destination
from ..dump.work import NOTHING_LEFT
from ..errors import DumpError, KeepError, printable
from . import fingerprints
from .folder import Seen
from .manifest import KeptFile, KeptTable, Manifest, described
from .marker import read_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ..dump import DumpProgress
    from ..dump.catalogue import Schema, StoredTable
    from ..dump.snapshot import Asking
    from ..settings import ConnectionSettings
    from .fingerprints import Fingerprint
    from .folder import KeepFolder

ENDING = ".zst"
# A dump that waits holds metadata locks on tables that it has read: no connection can alter these.
LOCK_WAIT_S = 20


class Snapshotting:
    """One snapshot that is being made; the `Earlier` of its dump.

    Parameters
    ----------
    folder : KeepFolder
        Where to.
    manifest : Manifest
        Its name, its moment, and the identity of its data; the rest is filled in.
    base : Manifest or None
        A snapshot with unchanged tables, whose files may be taken.
    newest : Manifest or None
        The newest snapshot, if it is of the same data.
    report : DumpReport
        Of the dump.
    lock_wait_s : int, optional
        Seconds to wait at most for a table that another connection has locked. Default: until it
        lets go of it.
    """

    def __init__(
        self,
        folder: KeepFolder,
        manifest: Manifest,
        *,
        base: Manifest | None,
        newest: Manifest | None,
        report: DumpReport,
        lock_wait_s: int | None = None,
    ) -> None:
        self.manifest = manifest
        self.is_new = False
        self._folder = folder
        self._base = base
        self._newest = newest
        self._report = report
        seen = folder.seen()
        is_of_base = base is not None and seen.is_of(manifest.data_id, base.name)
        self._seen = seen if is_of_base else Seen()
        self._activity = fingerprints.Activity()
        self._is_idle = False
        self._lock_wait_s = lock_wait_s
        self._schemas: list[Schema] = []
        self._before: dict[str, Fingerprint] = {}
        self._unchanged: set[str] = set()
        self._taken: dict[str, str] = {}  # names of files, and what they are called in the base
        self._files: dict[str, str] = {}  # tables, and their files

    def before(self, asking: Asking, schemas: list[Schema]) -> None:
        """Look at the server, just before the moment that the dump shows."""
        self._taken.clear()
        self._files.clear()
        self._unchanged.clear()
        self._schemas = schemas
        if self._lock_wait_s is not None:
            asking.send(b"SET SESSION lock_wait_timeout = %d" % self._lock_wait_s)
        self._activity = fingerprints.activity(asking)
        self._before = fingerprints.look(asking, schemas)

    def taken(self, asking: Asking) -> None:
        """Look at it again on a connection that sees that moment.

        Raises
        ------
        KeepError
            It has other data by now.
        """
        marker = read_marker(asking)
        if marker is None or marker.data_id != self.manifest.data_id:
            raise exchanged(asking.sidecar.settings)
        self.manifest = replace(
            self.manifest,
            server=asking.sidecar.server,
            flavour=asking.sidecar.flavour,
            schemas=tuple(schema.name for schema in self._schemas),
        )
        if self._base is None or not self._seen.tables:
            return
        self._is_idle = fingerprints.activity(asking).goes_on_from(self._seen.activity)
        now = fingerprints.look(asking, self._schemas)
        for schema in self._schemas:
            for table in schema.tables:
                if self._is_unchanged(asking, table, now.get(str(table))):
                    self._unchanged.add(str(table))

    def _is_unchanged(self, asking: Asking, table: StoredTable, now: Fingerprint | None) -> bool:
        name = str(table)
        if now is None or self._base is None or self._seen.tables.get(name) != now.text:
            return False
        if now.changed_s is not None or self._is_idle:
            return True
        kept = self._base.tables.get(name)
        return kept is not None and kept.rows == 0 and fingerprints.is_empty(asking, table)

    def has(self, name: str, table: StoredTable | None) -> bool:
        """Return whether a file needs no dumping; `name` is the one that it is to have."""
        if table is None:
            return False
        self._files[str(table)] = name
        kept = self._base.tables.get(str(table)) if self._base else None
        if kept is None or str(table) not in self._unchanged:
            return False
        self._taken[name] = kept.file
        return True

    def complete(self, folder: Path) -> bool:
        """Add the files that were not dumped; return whether anything is new."""
        dumped = {path.name: described(path) for path in sorted(folder.iterdir())}
        kept: dict[str, KeptFile] = self._base.files if self._base else {}
        files = {**dumped, **{name: kept[old] for name, old in self._taken.items()}}
        tables = {
            table: KeptTable(file, self._rows_of(table)) for table, file in self._files.items()
        }
        self.manifest = replace(
            self.manifest,
            files=files,
            tables=tables,
            left_out=(*self._report.hidden, *self._report.left_out),
            is_partial=bool(self._report.hidden) or not self._report.sees_all_schemas,
        )
        if self._newest is None:
            self.is_new = bool(self.manifest.schemas)
        else:
            self.is_new = not self.manifest.holds_the_same(self._newest)
        if self.is_new:
            # A table that was dumped again, but is the same, takes no room either.
            same = {name: name for name, file in dumped.items() if kept.get(name) == file}
            self._share(folder, {**same, **self._taken})
            self.manifest.write(folder)
        return self.is_new

    def _share(self, folder: Path, names: dict[str, str]) -> None:
        if self._base is not None:
            for name, old in names.items():
                share(self._folder.place(self._base) / old, folder / name)

    def _rows_of(self, table: str) -> int:
        if self._base is not None and table in self._unchanged:
            return self._base.tables[table].rows
        return self._report.tables[table].rows

    def note_seen(self) -> None:
        """Note fingerprints of the tables that are unchanged in the newest snapshot."""
        held = self.manifest if self.is_new else self._newest
        if held is None:
            return
        settled = {
            name: before.text
            for name, before in self._before.items()
            if before.is_settled or before.changed_s is None or name in self._unchanged
        }
        self._folder.write_seen(Seen(self.manifest.data_id, held.name, settled, self._activity))


def save(
    settings: ConnectionSettings,
    folder: KeepFolder,
    data_id: str,
    *,
    in_place: bool = False,
    is_first: bool = False,
    force: bool = False,
    progress: Callable[[DumpProgress], None] | None = None,
) -> Manifest | None:
    """Make a snapshot, if it would not be the same as the one before.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    folder : KeepFolder
        The folder; the caller may write.
    data_id : str
        Of the server's data.
    in_place : bool, default False
        Work in the calling thread, on one connection, so that no other waits for it.
    is_first : bool, default False
        Whether the server was not kept before.
    force : bool, default False
        Keep what the account sees, also where it may not see everything.
    progress : callable, optional
        Called with a `DumpProgress` a few times a second.

    Returns
    -------
    Manifest or None
        The new snapshot, or None if nothing has changed.

    Raises
    ------
    KeepError
        It cannot be written, or the server refuses; the snapshots before are as they were.
    ServerNotReadyError, AccessError, Interrupted
        As `dump`.
    """
    there = folder.snapshots()
    newest = there[0] if there else None
    seen = folder.seen()
    base = next((each for each in there if seen.is_of(data_id, each.name)), None)
    is_ours = newest is not None and (newest.data_id == data_id or newest == base)
    made = max(time.time(), newest.made + 0.001 if newest else 0.0)
    manifest = Manifest(folder.new_name(made), made, data_id, is_first=is_first)
    place = folder.place(manifest)
    report = DumpReport(str(place))
    making = Snapshotting(
        folder,
        manifest,
        base=base,
        newest=newest if is_ours else None,
        report=report,
        lock_wait_s=LOCK_WAIT_S if in_place else None,
    )
    dumper = Dumper(
        settings,
        report,
        policy=DumpPolicy(force=force),
        progress=progress,
        earlier=making,
        in_place=in_place,
    )
    try:
        run_dump(dumper, Destination(place, is_folder=True), ENDING)
    except DumpError as error:
        raise _explained(error, newest) from None
    making.note_seen()
    return making.manifest if making.is_new else None


class Comparing:
    """The `Earlier` of a dump that is only compared with snapshots."""

    def __init__(self, snapshots: Sequence[Manifest]) -> None:
        self._snapshots = snapshots
        self.is_kept = False

    def before(self, asking: Asking, schemas: list[Schema]) -> None:
        """Look at nothing."""

    def taken(self, asking: Asking) -> None:
        """Look at nothing."""

    def has(self, name: str, table: StoredTable | None) -> bool:
        """Return that all files are to be dumped."""
        return False

    def complete(self, folder: Path) -> bool:
        """Compare, and return that the dump itself is not wanted."""
        files = {path.name: described(path) for path in folder.iterdir()}
        self.is_kept = any(files == each.files for each in self._snapshots)
        return False


def is_kept(settings: ConnectionSettings, folder: KeepFolder, *, force: bool = False) -> bool:
    """Return whether one of the snapshots has all of a server's data.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    folder : KeepFolder
        Where the snapshots are, and room for one more for a moment.
    force : bool, default False
        As for `save`; a dump that may lack something is in no snapshot.

    Raises
    ------
    KeepError
        There is no room, or the server refuses.
    """
    there = folder.snapshots()
    place = folder.path / folder.new_name(time.time())
    comparing = Comparing(there)
    report = DumpReport(str(place))
    policy = DumpPolicy(force=force)
    dumper = Dumper(settings, report, policy=policy, earlier=comparing)
    try:
        run_dump(dumper, Destination(place, is_folder=True), ENDING)
    except DumpError as error:
        raise _explained(error, there[0] if there else None) from None
    return comparing.is_kept and not report.hidden


def exchanged(settings: ConnectionSettings) -> KeepError:
    """Return the error for a server that has other data by now."""
    return KeepError(
        f"The server at {settings.address} is a new one, so it is not kept.",
        hint="run %mysql_keep to restore what was kept.",
    )


def share(path: Path, to: Path) -> None:
    """Give a file a second name, which it may replace; copy it where there are no hard links.

    Raises
    ------
    OSError
        It can be neither.
    """
    to.unlink(missing_ok=True)
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)


def _explained(error: DumpError, newest: Manifest | None) -> KeepError:
    stays = f"The snapshot of {newest.when} is as it was." if newest else "There is none before it."
    details = (line for line in error.details if line != NOTHING_LEFT)
    return KeepError(printable(error.message), hint=error.hint, details=[stays, *details])
