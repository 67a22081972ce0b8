"""Load SQL scripts into a server.

`load` and `load_sql` are what users call. Between what they name and the server stand, in this
order: sources (bytes), the splitter (statements), the planner (tasks), the scheduler (which may run
when) and the lanes (connections). A journal in the server remembers what was done.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from ..errors import AccessError, Interrupted, LoadStoppedError, ScriptError, SidecarError
from ..server import pymysql_errors
from ..settings import resolve
from . import entries
from .execute import Loader
from .failures import is_lost
from .healing import make_owed_indexes
from .journal import SCHEMA, Journal
from .policy import LoadPolicy
from .progress import Progress
from .report import LoadReport
from .sources import Sources, open_sources

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from ..settings import ConnectionSettings

# Smaller scripts are loaded again sooner than a journal is made.
JOURNAL_FROM_BYTES = 1024 * 1024

__all__ = ["LoadPolicy", "LoadReport", "Progress", "load", "load_sql"]


def load(
    file: str | os.PathLike[str],
    settings: ConnectionSettings | None = None,
    *,
    database: str | None = None,
    jobs: int | None = None,
    binlog: bool = False,
    once: bool = False,
    resume: bool = False,
    force: bool = False,
    init: Sequence[str] = (),
    into: str | None = None,
    tables: Sequence[str] = (),
    schema_only: bool = False,
    data_only: bool = False,
    skip_definer: bool = False,
    collation_map: Mapping[str, str] | str | None = None,
    system_schemas: bool = False,
    yes_remote: bool = False,
    allow_local_infile: bool = False,
    allow_outside_source: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> LoadReport:
    """Load a script, or several, into a server.

    Parameters
    ----------
    file : path
        A file, plain or compressed, a pattern, a folder, an address, or ``-``; see
        `sources.open_sources`.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    database, jobs, binlog, once, resume, force, init, into, tables, schema_only, data_only, \
skip_definer, collation_map, system_schemas, yes_remote
        See `LoadPolicy`.
    allow_local_infile : bool, default False
        Let the script use LOAD DATA LOCAL INFILE, which sends files of this machine to the server.
    allow_outside_source : bool, default False
        Let the script ``source`` files outside its own folder.
    progress : callable, optional
        Called with a `Progress` a few times a second.

    Raises
    ------
    ScriptError
        The script is missing, damaged or broken, or asks for something that is refused.
    StatementError
        The server refused a statement; those before it stay done.
    LoadStoppedError
        The connection was lost.
    ServerNotReadyError, AccessError
        There is no connection to begin with.
    SettingsError
        The options contradict each other.
    Interrupted
        Ctrl-C, or the stop button; the running statements are ended on the server too.
    """
    policy = LoadPolicy(
        database=database,
        jobs=jobs,
        binlog=binlog,
        once=once,
        resume=resume,
        force=force,
        init=tuple(init),
        into=into,
        tables=tuple(tables),
        schema_only=schema_only,
        data_only=data_only,
        skip_definer=skip_definer,
        collation_map=collation_map,
        system_schemas=system_schemas,
        yes_remote=yes_remote,
        allow_local_infile=allow_local_infile,
        allow_outside_source=allow_outside_source,
    )
    return _load(open_sources(file), settings or resolve(), policy, progress)


def load_sql(
    sql: str,
    settings: ConnectionSettings | None = None,
    *,
    first_line: int = 1,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> LoadReport:
    """Load a script given as text, such as the body of a cell.

    Parameters
    ----------
    sql : str
        The script.
    first_line : int, default 1
        Number of its first line, in messages.
    settings, progress, **options
        As in `load`; its folder is the current one.

    Raises
    ------
    As `load`.
    """
    policy = LoadPolicy(**options)
    sources = Sources.from_text(sql, first_line=first_line)
    return _load(sources, settings or resolve(), policy, progress)


def _load(
    sources: Sources,
    settings: ConnectionSettings,
    policy: LoadPolicy,
    progress: Callable[[Progress], None] | None,
) -> LoadReport:
    start = time.monotonic()
    report = LoadReport(sources.name, file_bytes=sources.size_bytes or 0)
    report.notes.extend(sources.notes)
    loader = Loader(settings, report, policy=policy, progress=progress)
    try:
        if policy.once and not sources.can_reopen:
            raise ScriptError("--once needs a file: standard input can be read only once.")
        loader.connect(sources.size_bytes)
        if not _was_loaded(loader, sources, policy, report):
            loader.crew.journal = _open_journal(loader, sources, policy, report)
            loader.run(sources)
            report.seconds = time.monotonic() - start
            report.sha256 = sources.sha256 or ""
            _close_journal(loader, sources, policy, report)
    except KeyboardInterrupt:
        place = loader.place
        loader.interrupt()
        where = f" near {place}" if place else ""
        hint = " Go on with --resume." if loader.is_journaled else ""
        message = f"Stopped loading {sources.name}{where}. {report.so_far()}{hint}"
        raise Interrupted(message) from None
    except SidecarError:
        raise
    except pymysql_errors() as error:
        when = "" if report.statements else " before its first statement"
        raise LoadStoppedError(
            f"The connection for {sources.name} was lost{when}: {error}.",
            hint="%mysql_wait tells whether the server is back; then load again, with --resume.",
            report=report,
        ) from None
    finally:
        report.seconds = time.monotonic() - start
        sources.close()
        loader.close()
    return report


# The journal -------------------------------------------------------------------------------------


def _was_loaded(loader: Loader, sources: Sources, policy: LoadPolicy, report: LoadReport) -> bool:
    """Tell whether the same was loaded before, and say so in the report."""
    link = loader.control
    if not (policy.once or policy.resume) or not sources.can_reopen or not entries.exists(link):
        return False
    if policy.resume and entries.unfinished(link, _script(sources, policy)):
        return False
    stamp = sources.stamp()
    entry = entries.finished(
        link,
        options=policy.identity,
        size_bytes=sources.size_bytes or 0,
        stamp=None if stamp is None else json.dumps(stamp),
        digest=sources.digest,
    )
    if entry is None:
        return False
    report.already_loaded, report.loaded_at = True, entry.finished
    report.loaded_rows = entry.rows
    return True


def _open_journal(
    loader: Loader, sources: Sources, policy: LoadPolicy, report: LoadReport
) -> Journal | None:
    """Enter the load into the journal, or take up the one that did not come to its end."""
    script = _script(sources, policy)
    needed = policy.once or policy.resume
    if not needed and (script.size_bytes < JOURNAL_FROM_BYTES or not sources.can_reopen):
        return None
    link, token = loader.control, secrets.token_hex(16)
    try:
        entries.create(link)
    except pymysql_errors() as error:
        if is_lost(error):
            raise
        if needed:
            raise AccessError(
                f"The journal cannot be made in schema {SCHEMA}: {error.args[-1]}.",
                hint="--once and --resume need the right to create it.",
            ) from None
        report.notes.append("This account may not make a journal: --resume will not be possible.")
        return None
    loader.crew.token = token
    entry = entries.unfinished(link, script) if policy.resume else None
    if entry is not None:
        loader.end_lanes_of(entry)
        entry = entries.take_over(link, entry, token=token, jobs=loader.crew.jobs)
        return Journal(link, entry, resumed=True)
    if policy.resume:
        report.notes.append("Nothing was left to resume: this was loaded from the beginning.")
    entry = entries.begin(link, script, token=token, jobs=loader.crew.jobs)
    return Journal(link, entry, resumed=False)


def _script(sources: Sources, policy: LoadPolicy) -> entries.Script:
    name = "\n".join(sources.labels)[:1000]
    return entries.Script(name, sources.size_bytes or 0, policy.identity)


def _close_journal(
    loader: Loader, sources: Sources, policy: LoadPolicy, report: LoadReport
) -> None:
    """Leave in the journal what --once and --resume want to know; make what loads have left."""
    link, journal = loader.control, loader.crew.journal
    loader.inspector.revive()
    if journal is not None:
        facts = None
        if (policy.once or policy.resume) and sources.can_reopen and not report.errors:
            facts = {
                "stamp": json.dumps(sources.stamp()),
                "sha256": report.sha256 or sources.digest(),
                "statements": report.statements,
                "rows": report.rows,
                "seconds": report.seconds,
                "schemas": report.schemas,
            }
        entries.finish(link, journal.entry, facts)
    with contextlib.suppress(*pymysql_errors()):  # whatever else is called so is not ours
        if not entries.exists(link):
            return
        make_owed_indexes(loader.inspector, link, report)
        entries.drop_if_empty(link)
