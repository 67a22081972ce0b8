"""Whether a resumed load that gives up, as it does not know what was done, tells the truth.

Up to the statement that it names all must be there, once; that statement may have been executed or
not, and some after it, one after another. What a load takes in parallel is not looked at.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from sidecar_magics.connection import connect_now
from tests.corpus.fingerprint import quoted
from tests.faults.kinds import FIRST_TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.kinds import Script
    from tests.servers import Server

IN_DOUBT = "whether this statement was executed cannot be known"
ONWARDS = "nor how many of those after it"
# What a load takes in parallel, and so may have in part.
PARALLEL_TABLES = {"b", "c", *(f"p{n}" for n in range(FIRST_TABLES))}
CLIENT_LIMIT_S = 60.0
MOST_BEHIND = 10

Content = dict[str, tuple[str, int]]


def load_with_client(server: Server, path: Path) -> None:
    """Load a script with the real client.

    Raises
    ------
    subprocess.CalledProcessError
        The server refused a statement.
    """
    with path.open("rb") as script:
        subprocess.run(
            [*server.client, "--local-infile=1"],
            stdin=script,
            check=True,
            capture_output=True,
            timeout=CLIENT_LIMIT_S,
        )


def content(server: Server, schemas: tuple[str, ...]) -> Content:
    """Return checksum and number of rows of each table."""
    found: Content = {}
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema IN %s",
            (schemas,),
        )
        for schema, table in cursor.fetchall():
            path = f"{quoted(schema)}.{quoted(table)}"
            cursor.execute(f"CHECKSUM TABLE {path}")
            checksum = str(cursor.fetchall()[0][1])
            cursor.execute(f"SELECT COUNT(*) FROM {path}")
            found[f"{schema}.{table}"] = (checksum, int(cursor.fetchall()[0][0]))
    return found


def untruths(
    server: Server, script: Script, path: Path, message: str, schemas: tuple[str, ...]
) -> list[str]:
    """Return what is wrong with the server's content, given the statement that is in doubt.

    The server's content is lost.
    """
    place = re.search(r":(\d+):\d+: " + IN_DOUBT, message)
    if place is None:
        return [f"no place in: {message}"]
    doubtful = script.chunk_at(int(place[1]))
    now = content(server, schemas)
    before = _prefix(server, script, path, doubtful, schemas)
    first: list[str] = []
    # It is the first of which nothing is known: more may have been executed, one after another.
    most = len(script.chunks) if ONWARDS in message else MOST_BEHIND
    for end in range(doubtful + 1, min(doubtful + most, len(script.chunks)) + 1):
        after = _prefix(server, script, path, end, schemas)
        wrong = _unlike(script, before, now, after)
        if not wrong:
            return []
        first = first or [f"in doubt is {script.chunks[doubtful][:60]!r}", *wrong]
        before = after
    return first


def _unlike(script: Script, before: Content, now: Content, after: Content) -> list[str]:
    """Return which tables are neither as before a statement nor as after it."""
    return [
        f"{name} has {now.get(name)}, it should have {before.get(name)} or {after.get(name)}"
        for name in sorted({*before, *after})
        if name.partition(".")[2] not in PARALLEL_TABLES
        and now.get(name) not in (before.get(name), after.get(name))
        and not _is_between(
            script, name.partition(".")[2], before.get(name), now.get(name), after.get(name)
        )
    ]


def _prefix(
    server: Server, script: Script, path: Path, end: int, schemas: tuple[str, ...]
) -> Content:
    server.drop_schemas()
    prefix = path.with_suffix(".prefix.sql")
    prefix.write_text("".join(script.chunks[:end]))
    load_with_client(server, prefix)
    return content(server, schemas)


def _is_between(
    script: Script,
    table: str,
    before: tuple[str, int] | None,
    found: tuple[str, int] | None,
    after: tuple[str, int] | None,
) -> bool:
    """Return whether a table has some rows of a statement, where that may be so."""
    if found is None or before is None or after is None:
        return False
    kind = script.kind
    may_differ = not kind.keeps_transactions or kind.in_parts or table in kind.unlike
    return may_differ and before[1] <= found[1] <= after[1]
