"""Dump schemas into SQL scripts, without a client program.

Users call `dump`. The server itself spells the rows (`values`), which go as bytes from the
connection (`packets`) into statements (`rows`); it also shows the definitions (`definitions`).
They are written in an order that loads (`plan`), into a file that is whole or not there (`output`).

The server's content:

    policy.py       the options of a dump
    catalogue.py    schemas, tables, columns, views, programs
    rights.py       objects that the account may not see
    definitions.py  the definitions that the server shows
    snapshot.py     connections that see one moment

As SQL:

    values.py       expressions by which the server spells a value
    packets.py      rows as bytes off a connection
    rows.py         rows into INSERT statements
    spelling.py     names and texts
    script.py       heading, end, and the SQL around definitions

Into files:

    plan.py         the pieces, in their order
    work.py         one connection's share of them
    course.py       the threads, a connection each
    execute.py      a dump from beginning to end
    output.py       files written by several at once, in one order
    compression.py  by the file's name
    report.py       rows and sizes by table
    progress.py     how far a dump is

Loaded again (`--verify`):

    content.py      the content of a dump: definitions, digests of rows
    elsewhere.py    its statements, into scratch schemas
    comparison.py   the differences, in words
    verify.py       all of it in order
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..settings import given_or_resolved
from .compression import compressor
from .execute import Dumper, run_dump
from .output import Destination
from .policy import DumpPolicy
from .progress import DumpProgress
from .report import DumpedTable, DumpReport

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from ..settings import ConnectionSettings

__all__ = ["DumpPolicy", "DumpProgress", "DumpReport", "DumpedTable", "dump"]


def dump(
    file: str | os.PathLike[str],
    settings: ConnectionSettings | None = None,
    *,
    schemas: str | Sequence[str] = (),
    compress: str | None = None,
    progress: Callable[[DumpProgress], None] | None = None,
    **options: Any,
) -> DumpReport:
    """Dump schemas into a file, or into a folder with a file for each table.

    The dump shows the server at one moment. It is written beside its place, and moved there once
    it is complete; an earlier dump stays until then.

    Parameters
    ----------
    file : path
        The file; ``.gz``, ``.zst``, ``.xz`` or ``.bz2`` at its end compresses it. With a slash at
        its end, or if it is a folder of a dump already, a folder.
    settings : ConnectionSettings, optional
        Where the server is. Default: `resolve()`.
    schemas : str or sequence of str, default (): all
        Names, or patterns with ``*`` and ``?``. The server's own schemas and the journal of
        `mysql_load` are never dumped.
    compress : str, optional
        How the files of a folder are compressed: ``gz``, ``zst``, ``xz`` or ``bz2``. Default: not.
    progress : callable, optional
        Called with a `DumpProgress` a few times a second.
    **options
        The other fields of `DumpPolicy`, such as ``tables=["lab.*"]``, ``schema_only=True`` or
        ``verify=True``.

    Raises
    ------
    DumpError
        It cannot be written, the server refuses, the connection was lost, or with ``verify`` its
        copy differs; nothing is left of it.
    ServerNotReadyError, AccessError
        There is no connection to begin with.
    SettingsError
        The options contradict each other.
    Interrupted
        Ctrl-C, or the stop button; nothing is left of it.
    """
    named = (schemas,) if isinstance(schemas, str) else tuple(schemas)
    policy = DumpPolicy(schemas=named, **options)
    text = str(file)
    path = Path(text).expanduser()
    is_folder = text.endswith(("/", "\\")) or path.is_dir()
    ending = f".{compress}" if compress and is_folder else ""
    compressor(f"a{ending}" if is_folder else path.name)
    target = Destination(path, is_folder=is_folder)
    report = DumpReport(text)
    settings = given_or_resolved(settings)
    verify = None
    if policy.verify:
        from .verify import Verification  # noqa: PLC0415 - it needs all that loads

        verification = Verification(settings, policy, report, progress)
        verification.try_scratch()
        verify = verification.verify
    dumper = Dumper(settings, report, policy=policy, progress=progress, verify=verify)
    run_dump(dumper, target, ending)
    return report
