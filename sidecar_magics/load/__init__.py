"""Load a SQL script into a server.

One connection, one statement after another, in the order of the script; the server sees exactly
the bytes that the file has.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from ..connection import connect_now
from ..errors import Interrupted, SidecarError
from ..server import pymysql_errors
from ..settings import resolve
from ..sidecar import describe
from .execute import Executor, LoadPolicy, Position
from .report import LoadReport
from .sources import Source

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pymysql

    from ..settings import ConnectionSettings

__all__ = ["LoadReport", "Position", "load", "load_sql"]


def load(
    file: str | os.PathLike[str],
    settings: ConnectionSettings | None = None,
    *,
    database: str | None = None,
    allow_local_infile: bool = False,
    allow_outside_source: bool = False,
    progress: Callable[[Position], None] | None = None,
) -> LoadReport:
    """Load a script, plain or gzipped, into a server.

    Parameters
    ----------
    file : path
        The script; ``~`` is the home folder.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    database : str, optional
        Schema to work in until the script says otherwise; it must exist.
    allow_local_infile : bool, default False
        Let the script use LOAD DATA LOCAL INFILE, which sends files of this machine to the server.
    allow_outside_source : bool, default False
        Let the script ``source`` files outside its own folder.
    progress : callable, optional
        Called with a `Position` after each statement.

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
    Interrupted
        Ctrl-C, or the stop button; the running statement is ended on the server too.
    """
    policy = LoadPolicy(allow_local_infile, allow_outside_source)
    return _load(Source.from_file(file), settings, database, policy, progress)


def load_sql(
    sql: str,
    settings: ConnectionSettings | None = None,
    *,
    first_line: int = 1,
    database: str | None = None,
    allow_local_infile: bool = False,
    allow_outside_source: bool = False,
    progress: Callable[[Position], None] | None = None,
) -> LoadReport:
    """Load a script given as text, such as the body of a cell.

    Parameters
    ----------
    sql : str
        The script.
    first_line : int, default 1
        Number of its first line, in messages.
    settings, database, allow_local_infile, allow_outside_source, progress
        As in `load`; its folder is the current one.

    Raises
    ------
    As `load`.
    """
    policy = LoadPolicy(allow_local_infile, allow_outside_source)
    source = Source.from_text(sql, first_line=first_line)
    return _load(source, settings, database, policy, progress)


def _load(
    source: Source,
    settings: ConnectionSettings | None,
    database: str | None,
    policy: LoadPolicy,
    progress: Callable[[Position], None] | None,
) -> LoadReport:
    settings = resolve() if settings is None else settings
    start = time.monotonic()
    report = LoadReport(source.name, file_bytes=source.size_bytes)
    try:
        connection = connect_now(settings, local_infile=policy.local_infile, multi_statements=True)
        sidecar = describe(connection, settings, 0.0)
        report.server = f"{settings.user}@{settings.address}, {sidecar.server}"
        report.flavour, report.server_uuid = sidecar.flavour, sidecar.uuid
        try:
            executor = Executor(connection, sidecar, report, policy=policy, progress=progress)
            executor.run(source, database=database)
        except KeyboardInterrupt:
            _end_statement(connection, settings)
            raise Interrupted(
                f"Stopped loading {source.name} near byte {source.position_bytes:,} of "
                f"{source.size_bytes:,}. {report.so_far()}"
            ) from None
        finally:
            connection.close()
    finally:
        report.seconds = time.monotonic() - start
        source.close()
    report.sha256 = source.sha256
    return report


def _end_statement(connection: pymysql.Connection[Any], settings: ConnectionSettings) -> None:
    """End what the interrupted connection was doing: the server would go on with it."""
    # Where that fails, the statement has ended by itself, or the server has.
    with (
        contextlib.suppress(SidecarError, *pymysql_errors()),
        connect_now(settings) as second,
        second.cursor() as cursor,
    ):
        cursor.execute(f"KILL {connection.thread_id():d}")
