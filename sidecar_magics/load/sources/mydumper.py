"""Folders that mydumper writes: a file for each table, or several, without any ``USE``.

A file's name shows its content. Up to 0.10 (Debian's) it has the names of schema and table as they
are, dots and all. Since 0.11 it has ``mydumper_0`` for a schema whose name would be ambiguous, and
the file with the CREATE DATABASE has the schema's real name; tables are named by the statements.

A trigger's or routine's body has semicolons, and there is no DELIMITER: a statement ends at a
semicolon that ends a line, and mydumper puts a blank after those within a body.

Source: mydumper 0.10.1 (what it writes) and 1.0.1 (src/mydumper, src/myloader).
"""

from __future__ import annotations

import enum
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from .paths import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

METADATA = ("metadata", "metadata.header", "metadata.partial")
STARTED = re.compile(rb"(?m)^(?:# )?Started dump at:|^\[config\]")
FINISHED = re.compile(rb"(?m)^(?:# )?Finished dump at:")

SCRIPT = re.compile(r"(?P<stem>.+)\.sql(?:\.(?:gz|zst|bz2|xz))?", re.DOTALL)
PART = re.compile(r"(?P<name>.+?)\.(?P<part>\d{5,})(?:\.(?P<sub>\d{5,}))?", re.DOTALL)
ROWS = re.compile(r".+\.(?:dat|csv)(?:\.(?:gz|zst))?", re.DOTALL)
TABLESPACES = "all-schema-create-tablespace"
CREATE = re.compile(
    rb"CREATE\s+(?:DATABASE|SCHEMA)\s+(?:/\*!\d+\s+IF NOT EXISTS\s*\*/\s*|IF NOT EXISTS\s+)?"
    rb"(?:`((?:[^`]|``)+)`|\"((?:[^\"]|\"\")+)\")"
)
END_OF_LINE = b";\n"


class Stage(enum.IntEnum):
    """The kinds of file; they are run in this order, as by myloader.

    A view may call a function, and a table's default may use a sequence. Triggers come after the
    rows, which they have seen already in the dumped server.
    """

    SCHEMA = 0
    SEQUENCE = 1
    TABLE = 2
    DATA = 3
    TRIGGERS = 4
    POST = 5
    VIEW = 6


# The longer endings first. POST is routines and events.
ENDINGS = {
    "-schema-create": Stage.SCHEMA,
    "-schema-sequence": Stage.SEQUENCE,
    "-schema-triggers": Stage.TRIGGERS,
    "-schema-post": Stage.POST,
    "-schema-view": Stage.VIEW,
    "-schema": Stage.TABLE,
}


class DumpFile(NamedTuple):
    """One file of a dump.

    Parameters
    ----------
    name : str
        The file's.
    step : Stage
        Its kind.
    schema : str or None
        Schema of its statements; None if they name it.
    delimiter : bytes
        Its delimiter.
    """

    name: str
    step: Stage
    schema: str | None
    delimiter: bytes


class DumpLayout(NamedTuple):
    """The files of a folder by mydumper.

    Parameters
    ----------
    pieces : tuple of DumpFile
        In the order in which they are to be run.
    notes : tuple of str
        Notes for the user.
    """

    pieces: tuple[DumpFile, ...]
    notes: tuple[str, ...]


def is_mydumpers(names: Collection[str], read: Callable[[str], bytes]) -> bool:
    """Return whether a folder was written by mydumper.

    Parameters
    ----------
    names : collection of str
        Of all its files.
    read : callable
        Returns what the file with a name holds, decompressed.
    """
    if "metadata.partial" in names or "metadata.header" in names:
        return True
    if "metadata" in names and STARTED.search(read("metadata")):
        return True
    stems = {match["stem"] for name in names if (match := SCRIPT.fullmatch(name))}
    if any(stem.endswith("-schema-create") for stem in stems):
        return True
    tables = {stem[: -len("-schema")] for stem in stems if stem.endswith("-schema")}
    data = {match["name"] if (match := PART.fullmatch(stem)) else stem for stem in stems}
    return any("." in table and table in data for table in tables)


def layout(names: Collection[str], read: Callable[[str], bytes]) -> DumpLayout:
    """Return the files of a folder by mydumper that are scripts, in order.

    Parameters
    ----------
    names : collection of str
        Of all its files.
    read : callable
        Returns what the file with a name holds, decompressed.
    """
    stems = {match["stem"]: name for name in names if (match := SCRIPT.fullmatch(name))}
    schemas = {
        stem[: -len("-schema-create")]: _created_schema(read(name))
        for stem, name in stems.items()
        if stem.endswith("-schema-create")
    }
    pieces, others = [], []
    for stem, name in stems.items():
        step, rest = _step(stem, stems)
        schema = _schema_of(rest, schemas, alone=step in {Stage.SCHEMA, Stage.POST})
        if stem == TABLESPACES or schema is None:
            others.append(name)
            continue
        real = None if step is Stage.SCHEMA else schemas.get(schema) or schema
        bodies = step in {Stage.TRIGGERS, Stage.POST}
        pieces.append(
            ((step, natural(stem)), DumpFile(name, step, real, END_OF_LINE if bodies else b";"))
        )
    ordered = tuple(piece for _, piece in sorted(pieces, key=lambda pair: pair[0]))
    return DumpLayout(ordered, tuple(_notes(names, ordered, others, read)))


def row_files(names: Collection[str]) -> list[str]:
    """Return the names of the files that have rows, but are no scripts (--load-data, --csv)."""
    return sorted(name for name in names if ROWS.fullmatch(name))


def _step(stem: str, stems: Collection[str]) -> tuple[Stage, str]:
    """Return a file's kind, and its name without the ending for that."""
    if part := PART.fullmatch(stem):
        return Stage.DATA, part["name"]
    # The rows of a table that is itself called x-schema are in db.x-schema.sql.
    if f"{stem}-schema" not in stems:
        for ending, step in ENDINGS.items():
            if stem.endswith(ending):
                return step, stem[: -len(ending)]
    return Stage.DATA, stem


def _schema_of(name: str, schemas: Collection[str], *, alone: bool) -> str | None:
    """Return the schema's part of ``schema.table``; None if the name has no such form.

    A schema's or table's name may have dots; the schemas that the dump creates are known.
    """
    if alone or name in schemas:
        return name
    known = [schema for schema in schemas if name.startswith(f"{schema}.")]
    if known:
        return max(known, key=len)
    schema, dot, _ = name.partition(".")
    return schema if dot else None


def _created_schema(script: bytes) -> str | None:
    match = CREATE.search(script)
    if match is None:
        return None
    name = match[1].replace(b"``", b"`") if match[1] else match[2].replace(b'""', b'"')
    return os.fsdecode(name)


def _notes(
    names: Collection[str],
    pieces: Iterable[DumpFile],
    others: Iterable[str],
    read: Callable[[str], bytes],
) -> Iterable[str]:
    finished = "metadata" in names and FINISHED.search(read("metadata"))
    if any(name in names for name in METADATA) and not finished:
        yield "mydumper did not finish this dump: it may be incomplete."
    for name in sorted(others):
        yield f"{name} is left out: its name is none of mydumper's."
    rows = row_files(names)
    if rows and any(piece.step is Stage.DATA for piece in pieces):
        yield (
            f"rows are in {len(rows)} other files, such as {rows[0]}, which its scripts load with "
            "LOAD DATA LOCAL INFILE; dump again without --load-data to have them in the scripts."
        )
