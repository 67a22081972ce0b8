"""Load SQL scripts into a server.

Users call `load` and `load_sql`. A script passes, in this order, through sources (bytes), the
splitter (statements), the planner (tasks), the scheduler (which task may run now) and the lanes
(connections). A journal in the server remembers finished work.

    policy.py  the options of a load
    walk.py    the one walk over a script, for loading, `--explain` and `--check`
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..connection import connect_now
from ..errors import StatementError
from ..settings import given_or_resolved
from .policy import LoadPolicy
from .reporting.nearest import offer_nearest
from .reporting.progress import Progress
from .reporting.report import LoadReport
from .reporting.results import ResultSet

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ..settings import ConnectionSettings
    from .sources.opening import Sources

__all__ = ["LoadPolicy", "LoadReport", "Progress", "ResultSet", "load", "load_sql"]


def load(
    file: str | os.PathLike[str],
    settings: ConnectionSettings | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> LoadReport:
    """Load a script, or several, into a server.

    Parameters
    ----------
    file : path
        A file, plain or compressed, a pattern, a folder, an address, or ``-``; see
        `sources.opening.open_sources`.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    progress : callable, optional
        Called with a `Progress` a few times a second.
    **options
        The fields of `LoadPolicy`, such as ``once=True`` or ``tables=["lab.*"]``.

    Raises
    ------
    ScriptError
        The script is missing, damaged or broken, or asks for something that is refused.
    StatementError
        The server refused a statement; the statements before it stay done.
    LoadStoppedError
        The connection was lost.
    ServerNotReadyError, AccessError
        There is no connection to begin with.
    SettingsError
        The options contradict each other.
    Interrupted
        Ctrl-C, or the stop button; the server stops the running statements too.
    """
    # Imported here: a dump needs only this package's journal, and would otherwise take half as long
    # again to start.
    from .sources.opening import open_sources  # noqa: PLC0415

    policy = LoadPolicy(**options)
    return _load(open_sources(file), given_or_resolved(settings), policy, progress)


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
    from .sources.opening import Sources  # noqa: PLC0415

    policy = LoadPolicy(**options)
    sources = Sources.from_text(sql, first_line=first_line)
    return _load(sources, given_or_resolved(settings), policy, progress)


def _load(
    sources: Sources,
    settings: ConnectionSettings,
    policy: LoadPolicy,
    progress: Callable[[Progress], None] | None,
) -> LoadReport:
    from .running.loader import Loader, run_load  # noqa: PLC0415

    report = LoadReport(sources.name, file_bytes=sources.size_bytes or 0)
    report.notes.extend(sources.notes)
    report.shows_result = sources.kind == "text"
    connect, database = partial(connect_now, settings), policy.into or policy.database
    try:
        run_load(Loader(settings, report, policy=policy, progress=progress), sources)
    except StatementError as error:
        offer_nearest(report, connect, error=error, database=database)
        raise
    offer_nearest(report, connect, database=database)
    return report
