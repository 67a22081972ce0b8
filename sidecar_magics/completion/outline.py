"""The schemas and tables that a script names, read as far as fits into a moment."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..errors import SidecarError
from ..script.classify import Classification, Kind, classify
from ..script.commands import Effect, effect_of
from ..script.items import Statement
from ..script.splitter import Splitter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A user waits for it, with a key pressed. A dump of 300 tables with few rows takes half of this.
READ_S = 0.4


class Outline(NamedTuple):
    """Names in a script, in its order.

    Parameters
    ----------
    schemas : tuple of str
        Schemas that it makes or uses.
    tables : tuple of str
        Its tables, ``schema.table`` where it says which schema.
    """

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


def outline(path: Path) -> Outline:
    """Read the names in a script; nothing for what cannot be read, or is a folder.

    Parameters
    ----------
    path : Path
        A plain or compressed script. Of one that takes longer to read than `READ_S`, the names in
        its first part are returned.
    """
    try:
        status = path.stat()
    except (OSError, ValueError):
        return Outline()
    if not path.is_file():  # it may be a pipe, which could be read only once
        return Outline()
    return _outline(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _outline(path: Path, _size_bytes: int, _changed_ns: int) -> Outline:
    schemas: dict[str, None] = {}
    tables: dict[str, None] = {}
    schema = ""
    try:
        for about in _statements(path):
            if about.kind is Kind.USE:
                schema = about.schema or schema
            within = about.schema or schema
            if within:
                schemas[within] = None
            if about.table and about.kind in (Kind.TABLE, Kind.VIEW, Kind.DATA):
                tables[f"{within}.{about.table}" if within else about.table] = None
    except (OSError, SidecarError, ValueError):  # a load says what is wrong with it
        pass
    return Outline(tuple(schemas), tuple(tables))


def _statements(path: Path) -> Iterator[Classification]:
    """Yield the classification of each statement, until the time is up."""
    from ..load.sources.source import Source  # noqa: PLC0415 - it brings compression and more

    until = time.monotonic() + READ_S
    splitter = Splitter()
    source = Source.from_file(path)
    try:
        for chunk in source.chunks():
            for item in splitter.feed(chunk):
                if isinstance(item, Statement):
                    yield classify(item.sql)
                elif effect_of(item.name) is Effect.USE:
                    yield Classification(Kind.USE, item.argument.decode("utf-8", "replace"))
                if time.monotonic() > until:
                    return
            if time.monotonic() > until:  # within one long statement
                return
    finally:
        source.close()
