"""Restore a snapshot: its schemas, its rows, and its records of loads."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dump.catalogue import read_catalogue, schema_names
from ..dump.output import FOLDER_MARK
from ..dump.plan import PROGRAMS
from ..dump.spelling import quoted
from ..errors import (
    Interrupted,
    KeepError,
    LoadStoppedError,
    StatementError,
    printable,
    shown,
)
from ..load import load
from ..load.reporting.failures import is_lost
from ..server import pymysql_errors
from . import fingerprints
from .folder import Seen
from .manifest import verify
from .marker import write_marker
from .saving import ENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ..dump.snapshot import Asking
    from ..load import LoadReport, Progress
    from ..settings import ConnectionSettings
    from .folder import KeepFolder
    from .manifest import Manifest
    from .marker import Marker

# A row that may become too long for its page, or an option that its engine has not (1118, 1031); a
# foreign key to a key that is not unique (6125); no primary key (3750).
_LENIENT = (
    "SET SESSION innodb_strict_mode = 0",
    "SET SESSION restrict_fk_on_non_standard_key = 0",
    "SET SESSION sql_require_primary_key = 0",
)
# Objects of the first attempt: a trigger has no DROP before it.
_THERE = (1359,)
_CLOCK = b"SELECT UNIX_TIMESTAMP()"
_LOOK_AGAIN_S = 0.05
_SETTLES_IN_S = 3.0


def restore(
    settings: ConnectionSettings,
    asking: Asking,
    folder: KeepFolder,
    snapshot: Manifest,
    marker: Marker,
    *,
    drops: Collection[str] = (),
    yes_remote: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> LoadReport:
    """Restore a snapshot; it replaces the schemas of the same names.

    Until it is done, the server's mark says that it is not: then the next one begins anew.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    asking : Asking
        A connection to it.
    folder : KeepFolder
        The folder of snapshots.
    snapshot : Manifest
        The snapshot.
    marker : Marker
        The server's mark, or the one that it is to have.
    drops : collection of str, default ()
        Other schemas that are dropped first.
    yes_remote : bool, default False
        Whether the server may be on another machine.
    progress : callable, optional
        Called with a `Progress` a few times a second.

    Returns
    -------
    LoadReport
        Its `errors` are the views and programs that the server refused, such as a trigger that sets
        a column which was dropped since.

    Raises
    ------
    KeepError
        It is damaged: then the server is as it was. Or the server refuses it, or the connection was
        lost: then it is half restored.
    ServerNotReadyError, AccessError
        There is no connection.
    Interrupted
        Ctrl-C, or the stop button: it is half restored.
    """
    place = folder.place(snapshot)
    verify(place, snapshot)
    write_marker(asking, marker._replace(snapshot=snapshot.name, is_restoring=True))
    _drop(asking, snapshot, sorted({*snapshot.schemas, *drops}))
    is_other = asking.sidecar.flavour != snapshot.flavour
    options: dict[str, Any] = {
        "yes_remote": yes_remote,
        "init": _leniency(asking),
        "collation_map": "nearest" if is_other else None,
        "progress": progress,
    }
    try:
        report = _load(place, settings, options)
    except (StatementError, LoadStoppedError) as error:
        raise KeepError(
            f"The snapshot {snapshot.name} is only half restored: {error.message}",
            hint="run %mysql_keep once more to begin anew, or --restore another one.",
        ) from None
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped restoring {snapshot.name}, which is only half restored; the next %mysql_keep "
            "begins anew."
        ) from None
    write_marker(asking, marker._replace(snapshot=snapshot.name, is_restoring=False))
    _note_seen(asking, folder, snapshot, marker)
    return report


def _load(place: Path, settings: ConnectionSettings, options: Mapping[str, Any]) -> LoadReport:
    """Load a snapshot's files; views and programs that the server refuses do not stop the rest."""
    try:
        return load(place, settings, **options)
    except StatementError as error:
        programs = place / f"{PROGRAMS}{ENDING}"
        if Path(error.source).name != programs.name:
            raise
        # All rows are there.
        report = load(programs, settings, force=True, **options)
        report.seconds += error.report.seconds
        report.errors[:] = [each for each in report.errors if each.errno not in _THERE]
        # Its heading has the records of --once, which that load has ended.
        load(place / f"{FOLDER_MARK}{ENDING}", settings, **options)
        return report


def _drop(asking: Asking, snapshot: Manifest, schemas: Collection[str]) -> None:
    """Drop those of some schemas that there are, whatever refers to their tables from others.

    Raises
    ------
    KeepError
        The server refuses that.
    """
    ignores_case = asking.value(b"SELECT @@lower_case_table_names") != "0"

    def known(name: str) -> str:
        return name.lower() if ignores_case else name

    there = {known(name) for name in schema_names(asking.rows)}
    asking.send(b"SET SESSION foreign_key_checks = 0")
    for schema in schemas:
        if known(schema) not in there:
            continue
        try:
            asking.send(b"DROP DATABASE " + quoted(schema))
        except pymysql_errors() as error:
            if is_lost(error):
                raise
            raise KeepError(
                f"The snapshot {snapshot.name} is only half restored: the server does not drop "
                f"{printable(schema)} (error {error.args[0]}): {shown(error.args[-1])}.",
                hint="mend that, and run %mysql_keep to begin anew.",
            ) from None


def _leniency(asking: Asking) -> tuple[str, ...]:
    """Return the SETs that let a session recreate tables which were made under other settings.

    Some accounts may not set these, and some servers have not all of them.
    """
    allowed = []
    for sql in _LENIENT:
        with contextlib.suppress(*pymysql_errors()):
            asking.send(sql.encode())
            allowed.append(sql)
    return tuple(allowed)


def _note_seen(asking: Asking, folder: KeepFolder, snapshot: Manifest, marker: Marker) -> None:
    """Note fingerprints of the restored tables, so that they are not dumped before they change.

    A table shows a later change only if that is in another second than the last row's.
    """
    _await_next_second(asking)
    activity = fingerprints.activity(asking)
    looks = fingerprints.look(asking, read_catalogue(asking.rows, list(snapshot.schemas)))
    settled = {
        name: look.text
        for name, look in looks.items()
        if look.changed_s is None or look.is_settled_if_alone
    }
    folder.write_seen(Seen(marker.data_id, snapshot.name, settled, activity))


def _await_next_second(asking: Asking) -> None:
    """Wait until the server's clock shows another second than now, for a few at most."""
    ends_at = time.monotonic() + _SETTLES_IN_S
    began = asking.value(_CLOCK)
    while asking.value(_CLOCK) == began and time.monotonic() < ends_at:
        time.sleep(_LOOK_AGAIN_S)
