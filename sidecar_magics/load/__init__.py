"""Load a SQL script into a server.

One connection, one statement after another, in the order of the script; the server sees exactly
the bytes that the file has.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from ..connection import connect_now
from ..errors import Interrupted, LoadStoppedError, SidecarError
from ..protocol import ConnectError
from ..server import connect, pymysql_errors
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

# How long an interrupted load waits for the server that it asks to end a statement.
KILL_TIMEOUT_S = 2.0

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
    settings = resolve() if settings is None else settings
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
    settings = resolve() if settings is None else settings
    policy = LoadPolicy(allow_local_infile, allow_outside_source)
    source = Source.from_text(sql, first_line=first_line)
    return _load(source, settings, database, policy, progress)


def _load(
    source: Source,
    settings: ConnectionSettings,
    database: str | None,
    policy: LoadPolicy,
    progress: Callable[[Position], None] | None,
) -> LoadReport:
    start = time.monotonic()
    report = LoadReport(source.name, file_bytes=source.size_bytes)
    connection = None
    try:
        connection = connect_now(settings, local_infile=policy.local_infile, multi_statements=True)
        sidecar = describe(connection, settings, 0.0)
        report.describe_server(sidecar)
        executor = Executor(connection, sidecar, report, policy=policy, progress=progress)
        executor.run(source, database=database)
        source.read_rest()
    except KeyboardInterrupt:
        if connection is not None:
            _end_statement(connection, settings)
        place = f"near byte {source.position_bytes:,} of {source.size_bytes:,}"
        message = f"Stopped loading {source.name} {place}. {report.so_far()}"
        raise Interrupted(message) from None
    except SidecarError:
        raise
    except pymysql_errors() as error:
        raise LoadStoppedError(
            f"The connection for {source.name} was lost before its first statement: {error}.",
            hint="%mysql_wait tells whether the server is back.",
            report=report,
        ) from None
    finally:
        report.seconds = time.monotonic() - start
        source.close()
        if connection is not None:
            connection.close()
    report.sha256 = source.sha256
    return report


def _end_statement(connection: pymysql.Connection[Any], settings: ConnectionSettings) -> None:
    """End what the interrupted connection was doing: the server would go on with it."""
    # Where that fails, the statement has ended by itself, or the server has; and who presses
    # Ctrl-C once more does not want to wait for it.
    with (
        contextlib.suppress(ConnectError, KeyboardInterrupt, *pymysql_errors()),
        connect(settings, timeout_s=KILL_TIMEOUT_S) as second,
        second.cursor() as cursor,
    ):
        cursor.execute(f"KILL {connection.thread_id():d}")
