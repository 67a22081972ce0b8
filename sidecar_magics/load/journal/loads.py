"""Loads that run or are finished: one row a load, in the journal's table ``loads``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .pieces import SCHEMA, literal
from .tables import exists

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..running.inspector import Inspector
    from ..running.link import Link


@dataclass(frozen=True)
class LoadRecord:
    """One load in the journal.

    Parameters
    ----------
    id : int
        Its number.
    token : str
        Part of the names of the locks that its connections hold.
    jobs : int
        How many connections.
    started, finished : str
        The server's time; `finished` is empty for an unfinished load.
    statements, rows : int
        Its numbers, once it is finished.
    """

    id: int
    token: str
    jobs: int
    started: str
    finished: str = ""
    statements: int = 0
    rows: int = 0


class LoadCall(NamedTuple):
    """The call of a load, so that a message can show how to repeat it.

    Attributes
    ----------
    where : str
        Absolute path or address of the script; empty for a cell.
    options : tuple of str
        Words of its line, without any that could hold a secret.
    target : str
        The options that decide where it went, and which parts: two loads of one file with the same
        target do the same.
    """

    where: str = ""
    options: tuple[str, ...] = ()
    target: str = ""

    def to_json(self) -> str:
        """Return it as the journal keeps it; too long parts are left out."""
        text = json.dumps(self._asdict())
        return text if len(text.encode()) <= _STAMP_BYTES else json.dumps(LoadCall()._asdict())

    @classmethod
    def from_json(cls, text: str) -> LoadCall:
        """Read the text of `to_json`; any other text gives an empty call."""
        try:
            kept = json.loads(text or "{}")
        except ValueError:
            return cls()
        if not isinstance(kept, dict) or not isinstance(kept.get("options", []), list):
            return cls()
        options = tuple(map(str, kept.get("options", [])))
        return cls(str(kept.get("where", "")), options, str(kept.get("target", "")))


class Unfinished(NamedTuple):
    """An unfinished load, as `UNFINISHED` finds it.

    Attributes
    ----------
    name : str
        The script, as it was named.
    started : str
        The server's time.
    is_running : bool
        Whether a connection holds its lock, so that it still runs.
    pieces : int
        How many of its pieces are done.
    call : LoadCall
        Its call, as far as the journal has it.
    """

    name: str
    started: str
    is_running: bool
    pieces: int = 0
    call: LoadCall = LoadCall()


# The third column is the connection that holds the load's lock, NULL if none does.
UNFINISHED = (
    "SELECT name, started, IS_USED_LOCK(CONCAT('sidecar_magics.', token, '.0')),"
    f" (SELECT COUNT(*) FROM {SCHEMA}.done d WHERE d.load_id = l.id), stamp"
    f" FROM {SCHEMA}.loads l WHERE finished IS NULL ORDER BY id"
)


class Identity(NamedTuple):
    """A load's identity: the script's name and size, and the options that decide its result."""

    name: str
    size_bytes: int
    options: str


_STAMP_BYTES = 8192


def begin(
    link: Link, script: Identity, *, token: str, jobs: int, call: LoadCall
) -> tuple[LoadRecord, LoadRecord | None]:
    """Enter a load that begins; return it, and the unfinished one that it replaces, if any."""
    replaced: LoadRecord | None = None
    while earlier := unfinished(link, script):
        replaced = replaced or earlier
        _forget(link, earlier.id)
    name, options = literal(script.name.encode()), literal(script.options.encode())
    link.send(
        f"INSERT INTO {SCHEMA}.loads (name, size_bytes, options, token, jobs, stamp) VALUES"
        f" ({name},{script.size_bytes},{options},'{token}',{jobs},"
        f"{literal(call.to_json().encode())})".encode()
    )
    number = int(link.ask("SELECT LAST_INSERT_ID()"))
    started = link.ask(f"SELECT started FROM {SCHEMA}.loads WHERE id = {number}")
    return LoadRecord(number, token, jobs, started), replaced


def unfinished(link: Link, script: Identity) -> LoadRecord | None:
    """Return the unfinished load of this script, if there is one."""
    rows = link.rows(
        f"SELECT id, token, jobs, started FROM {SCHEMA}.loads WHERE finished IS NULL"
        f" AND name = {literal(script.name.encode())} AND size_bytes = {script.size_bytes}"
        f" AND options = {literal(script.options.encode())} ORDER BY id DESC LIMIT 1"
    )
    for number, token, jobs, started in rows:
        return LoadRecord(int(number or 0), token or "", int(jobs or 1), started or "")
    return None


def end_repeated(link: Link, call: LoadCall, own: int | None) -> None:
    """End the records of stopped loads of a file, now that it is loaded completely.

    Parameters
    ----------
    link : Link
        A connection.
    call : LoadCall
        The complete load; records of loads with another target stay.
    own : int, optional
        Its number, if it has a record.
    """
    if not call.where:
        return
    for number, stamp in link.rows(
        f"SELECT id, HEX(stamp) FROM {SCHEMA}.loads WHERE finished IS NULL AND id <> {own or 0}"
        " AND IS_USED_LOCK(CONCAT('sidecar_magics.', token, '.0')) IS NULL"
    ):
        earlier = LoadCall.from_json(bytes.fromhex(stamp or "").decode("utf-8", "replace"))
        if (earlier.where, earlier.target) == (call.where, call.target):
            _forget(link, int(number or 0))


def take_over(link: Link, entry: LoadRecord, *, token: str, jobs: int) -> LoadRecord:
    """Give an unfinished load to this process."""
    link.send(
        f"UPDATE {SCHEMA}.loads SET token = '{token}', jobs = {jobs} WHERE id = {entry.id}".encode()
    )
    return LoadRecord(entry.id, token, jobs, entry.started)


def finish(link: Link, entry: LoadRecord, facts: dict[str, Any] | None) -> None:
    """Close a load: keep `facts` about it for --once, or forget it.

    Parameters
    ----------
    link : Link
        A connection.
    entry : LoadRecord
        The load.
    facts : dict, optional
        stamp, sha256, statements, rows, seconds, schemas.
    """
    link.send(b"BEGIN")
    for table in ("done", "doubts", "indexes", "numbers"):
        link.send(f"DELETE FROM {SCHEMA}.{table} WHERE load_id = {entry.id}".encode())
    if facts is None:
        _forget(link, entry.id)
    else:
        _keep(link, entry, facts)
    link.send(b"COMMIT")


def _keep(link: Link, entry: LoadRecord, facts: dict[str, Any]) -> None:
    schemas = literal(json.dumps(facts["schemas"]).encode())
    link.send(
        f"UPDATE {SCHEMA}.loads SET finished = NOW(), stamp = {literal(facts['stamp'].encode())},"
        f" sha256 = '{facts['sha256']}', statements = {facts['statements']:d},"
        f" rows_changed = {facts['rows']:d}, seconds = {facts['seconds']:f},"
        f" in_schemas = {schemas}"
        f" WHERE id = {entry.id}".encode()
    )
    # One row a script is enough: the last one describes the server's data.
    row = link.rows(f"SELECT HEX(name), HEX(options) FROM {SCHEMA}.loads WHERE id = {entry.id}")
    name, options = row[0]
    link.send(
        f"DELETE FROM {SCHEMA}.loads WHERE id <> {entry.id} AND finished IS NOT NULL"
        f" AND name = x'{name}' AND options = x'{options}'".encode()
    )


def finished(
    link: Link,
    *,
    options: str,
    size_bytes: int,
    stamp: str | None,
    digest: Callable[[], str],
    known_as: Callable[[str], str] = str,
) -> LoadRecord | None:
    """Return the earlier load of the same script, if its schemas are still there.

    Parameters
    ----------
    link : Link
        A connection.
    options : str
        The options that the result depends on, as a digest.
    size_bytes : int
        Of the files.
    stamp : str, optional
        Sizes and times of the files: if they are the same, nothing is read.
    digest : callable
        Reads the files and returns their SHA-256; called only where the stamp has changed, but the
        size has not.
    known_as : callable, optional
        Returns what stands for all spellings of a schema that the server takes for one.
    """
    sha256 = None
    there = {known_as(name) for name in schemas_of(link)}
    for row in link.rows(
        "SELECT id, started, finished, statements, rows_changed, sha256, HEX(stamp),"
        f" HEX(in_schemas) FROM {SCHEMA}.loads WHERE finished IS NOT NULL"
        f" AND options = {literal(options.encode())} AND size_bytes = {size_bytes} ORDER BY id DESC"
    ):
        number, started, ended, statements, changed, was_sha256, was_stamp, schemas = row
        if not there.issuperset(map(known_as, json.loads(bytes.fromhex(schemas or "5b5d")))):
            continue
        if stamp is None or bytes.fromhex(was_stamp or "").decode() != stamp:
            sha256 = sha256 or digest()
            if sha256 != was_sha256:
                continue
            if stamp is not None:
                link.send(
                    f"UPDATE {SCHEMA}.loads SET stamp = {literal(stamp.encode())}"
                    f" WHERE id = {number}".encode()
                )
        return LoadRecord(
            int(number or 0),
            token="",
            jobs=0,
            started=started or "",
            finished=ended or "",
            statements=int(statements or 0),
            rows=int(changed or 0),
        )
    return None


def schemas_of(link: Link) -> set[str]:
    """Return the names of all schemas that the account can see."""
    rows = link.rows("SELECT schema_name FROM information_schema.schemata")
    return {name for (name,) in rows if name is not None}


def finished_in(inspector: Inspector) -> dict[str, list[int]]:
    """Return the numbers of the finished loads, by the schemas that they worked in."""
    found: dict[str, list[int]] = {}
    if not exists(inspector.rows):
        return found
    for number, schemas in inspector.rows(
        f"SELECT id, HEX(in_schemas) FROM {SCHEMA}.loads WHERE finished IS NOT NULL".encode()
    ):
        for schema in json.loads(bytes.fromhex((schemas or b"5b5d").decode())):
            found.setdefault(schema, []).append(int(number))
    return found


def forget_query(number: int) -> bytes:
    """Return the statement that ends the record of a load."""
    return f"DELETE FROM {SCHEMA}.loads WHERE id = {number}".encode()


def _forget(link: Link, number: int) -> None:
    columns = {"done": "load_id", "doubts": "load_id", "numbers": "load_id", "loads": "id"}
    for table, column in columns.items():
        link.send(f"DELETE FROM {SCHEMA}.{table} WHERE {column} = {number}".encode())
