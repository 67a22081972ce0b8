"""What was loaded, and what is under way: kept in the server, to live and die with its data.

The journal is a schema of its own, made when a load needs it and dropped with its last entry:

- ``loads``     one row a load: what was loaded, when, and with which options;
- ``done``      pieces of a load that is under way, written together with their rows;
- ``doubts``    statements that commit by themselves, noted before they run;
- ``indexes``   indexes that were put off until their table is filled;
- ``numbers``   AUTO_INCREMENT numbers that tables come to next, before rows that get them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import AccessError
from ..planning.tasks import Table
from .pieces import SCHEMA, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..running.inspector import Inspector
    from ..running.link import Link

    # A question in SQL -> its rows, each cell as a text.
    Ask = Callable[[bytes], "list[tuple[str | None, ...]]"]

_TABLES = (
    """CREATE TABLE IF NOT EXISTS sidecar_magics.loads (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARBINARY(1024) NOT NULL COMMENT 'the script, as it was named',
    size_bytes BIGINT NOT NULL,
    options VARBINARY(4096) NOT NULL COMMENT 'what the result depends on besides the script',
    token CHAR(32) CHARACTER SET ascii NOT NULL COMMENT 'of the locks that its connections hold',
    jobs INT NOT NULL,
    started TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finished DATETIME NULL,
    stamp VARBINARY(8192) NULL COMMENT 'sizes and times of the files; before the end, the call',
    sha256 CHAR(64) CHARACTER SET ascii NULL,
    statements BIGINT NULL,
    rows_changed BIGINT NULL,
    seconds DOUBLE NULL,
    in_schemas BLOB NULL COMMENT 'where it went'
) ENGINE=InnoDB COMMENT='sidecar-magics: what %mysql_load has loaded (--once, --resume)'""",
    """CREATE TABLE IF NOT EXISTS sidecar_magics.done (
    load_id INT UNSIGNED NOT NULL,
    source INT NOT NULL,
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    crc INT UNSIGNED NOT NULL,
    PRIMARY KEY (load_id, source, begins)
) ENGINE=InnoDB COMMENT='sidecar-magics: pieces of a load that is not finished'""",
    """CREATE TABLE IF NOT EXISTS sidecar_magics.doubts (
    load_id INT UNSIGNED NOT NULL,
    source INT NOT NULL,
    begins BIGINT NOT NULL,
    before_crc INT UNSIGNED NOT NULL,
    PRIMARY KEY (load_id, source, begins)
) ENGINE=InnoDB COMMENT='sidecar-magics: definitions that may be under way'""",
    """CREATE TABLE IF NOT EXISTS sidecar_magics.indexes (
    load_id INT UNSIGNED NOT NULL,
    table_schema VARBINARY(256) NOT NULL,
    table_name VARBINARY(256) NOT NULL,
    definitions BLOB NOT NULL,
    PRIMARY KEY (load_id, table_schema, table_name)
) ENGINE=InnoDB COMMENT='sidecar-magics: indexes to be made when their table is filled'""",
    """CREATE TABLE IF NOT EXISTS sidecar_magics.numbers (
    load_id INT UNSIGNED NOT NULL,
    table_schema VARBINARY(256) NOT NULL,
    table_name VARBINARY(256) NOT NULL,
    source INT NOT NULL,
    begins BIGINT NOT NULL COMMENT 'of the transaction; once that is done they hold no more',
    next_number BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (load_id, table_schema, table_name)
) ENGINE=InnoDB COMMENT='sidecar-magics: numbers that rows get'""",
)


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
        How many those are.
    started, finished : str
        The server's time; `finished` is empty for one that is not.
    statements, rows : int
        What it did, once it is finished.
    """

    id: int
    token: str
    jobs: int
    started: str
    finished: str = ""
    statements: int = 0
    rows: int = 0


class Call(NamedTuple):
    """How a load was called, so that a user can be told how to call it again.

    Attributes
    ----------
    where : str
        Absolute path or address of what is loaded; empty for a cell.
    options : tuple of str
        Words of its line; what could hold a secret is left out.
    target : str
        What decides where it went, and what of it: two loads of one file that agree in it are one
        another's repetition.
    """

    where: str = ""
    options: tuple[str, ...] = ()
    target: str = ""

    def to_json(self) -> str:
        """Return it as the journal keeps it; what is too long for that is left out."""
        text = json.dumps(self._asdict())
        return text if len(text.encode()) <= _STAMP_BYTES else json.dumps(Call()._asdict())

    @classmethod
    def from_json(cls, text: str) -> Call:
        """Read what `to_json` has written; of anything else nothing is known."""
        try:
            kept = json.loads(text or "{}")
        except ValueError:
            return cls()
        if not isinstance(kept, dict) or not isinstance(kept.get("options", []), list):
            return cls()
        options = tuple(map(str, kept.get("options", [])))
        return cls(str(kept.get("where", "")), options, str(kept.get("target", "")))


class Unfinished(NamedTuple):
    """A load that did not come to its end, as `UNFINISHED` finds it.

    Attributes
    ----------
    name : str
        The script, as it was named.
    started : str
        The server's time.
    is_running : bool
        Whether a connection holds its lock, so that it may still come to its end.
    pieces : int
        How many pieces of it are noted as done.
    call : Call
        How it was called, as far as the journal has that.
    """

    name: str
    started: str
    is_running: bool
    pieces: int = 0
    call: Call = Call()


# The third column is the connection that holds the load's lock, NULL if none does.
UNFINISHED = (
    "SELECT name, started, IS_USED_LOCK(CONCAT('sidecar_magics.', token, '.0')),"
    f" (SELECT COUNT(*) FROM {SCHEMA}.done d WHERE d.load_id = l.id), stamp"
    f" FROM {SCHEMA}.loads l WHERE finished IS NULL ORDER BY id"
)


class Identity(NamedTuple):
    """What a load is known by: the script's name and size, and what the result depends on."""

    name: str
    size_bytes: int
    options: str


_STAMP_BYTES = 8192
# A table of another origin is known by the comment that it lacks.
_OURS = "table_comment LIKE 'sidecar-magics:%'"
_NAMES = ("done", "doubts", "indexes", "numbers", "loads")
_HAS_TABLE = (
    "SELECT 1 FROM information_schema.tables"
    f" WHERE table_schema = '{SCHEMA}' AND table_name = '%s' AND {_OURS.replace('%', '%%')}"
)
_EXISTS = _HAS_TABLE % "indexes"
# The last table: a journal of an earlier version lacks it.
_IS_COMPLETE = _HAS_TABLE % "numbers"
_IN_THE_WAY = (
    f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
    f" AND table_name IN {_NAMES} AND NOT {_OURS}"
)


def exists(link: Link) -> bool:
    """Return whether the server has a journal."""
    return bool(link.rows(_EXISTS))


def create(link: Link) -> None:
    """Make the journal where there is none, or what one of an earlier version lacks.

    Raises
    ------
    AccessError
        A table of another origin has the name of one of the journal's.
    pymysql.err.MySQLError
        The account may not.
    """
    if link.rows(_IS_COMPLETE):
        return
    for (name,) in link.rows(_IN_THE_WAY):
        raise AccessError(
            f"The table {SCHEMA}.{name} has the name of one of the journal's, but is not it.",
            hint=f"move it: `RENAME TABLE {SCHEMA}.{name} TO ...`, or load without --once and "
            "--resume.",
        )
    link.send(b"CREATE DATABASE IF NOT EXISTS sidecar_magics")
    for sql in _TABLES:
        link.send(sql.encode())


def begin(
    link: Link, script: Identity, *, token: str, jobs: int, call: Call
) -> tuple[LoadRecord, LoadRecord | None]:
    """Enter a load that begins; return it, and the unfinished one whose place it takes, if any."""
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
    """Return the load of this script that did not come to its end, if there is one."""
    rows = link.rows(
        f"SELECT id, token, jobs, started FROM {SCHEMA}.loads WHERE finished IS NULL"
        f" AND name = {literal(script.name.encode())} AND size_bytes = {script.size_bytes}"
        f" AND options = {literal(script.options.encode())} ORDER BY id DESC LIMIT 1"
    )
    for number, token, jobs, started in rows:
        return LoadRecord(int(number or 0), token or "", int(jobs or 1), started or "")
    return None


def end_repeated(link: Link, call: Call, own: int | None) -> None:
    """End the records of loads of the same file that stopped, now that it is loaded completely.

    Parameters
    ----------
    link : Link
        A connection.
    call : Call
        The load that is complete; a load that went elsewhere, or took other parts, stays.
    own : int, optional
        Its number, if it has a record.
    """
    if not call.where:
        return
    for number, stamp in link.rows(
        f"SELECT id, HEX(stamp) FROM {SCHEMA}.loads WHERE finished IS NULL AND id <> {own or 0}"
        " AND IS_USED_LOCK(CONCAT('sidecar_magics.', token, '.0')) IS NULL"
    ):
        earlier = Call.from_json(bytes.fromhex(stamp or "").decode("utf-8", "replace"))
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
    # One that the script itself has dropped again, or that never was there, will not be missed.
    there = sorted(_schemas(link).intersection(facts["schemas"]))
    link.send(
        f"UPDATE {SCHEMA}.loads SET finished = NOW(), stamp = {literal(facts['stamp'].encode())},"
        f" sha256 = '{facts['sha256']}', statements = {facts['statements']:d},"
        f" rows_changed = {facts['rows']:d}, seconds = {facts['seconds']:f},"
        f" in_schemas = {literal(json.dumps(there).encode())}"
        f" WHERE id = {entry.id}".encode()
    )
    # One row a script is enough: the last one says what is in the server.
    row = link.rows(f"SELECT HEX(name), HEX(options) FROM {SCHEMA}.loads WHERE id = {entry.id}")
    name, options = row[0]
    link.send(
        f"DELETE FROM {SCHEMA}.loads WHERE id <> {entry.id} AND finished IS NOT NULL"
        f" AND name = x'{name}' AND options = x'{options}'".encode()
    )


def finished(
    link: Link, *, options: str, size_bytes: int, stamp: str | None, digest: Callable[[], str]
) -> LoadRecord | None:
    """Return the load that has loaded the same before, if what it made is still there.

    Parameters
    ----------
    link : Link
        A connection.
    options : str
        What the result depends on besides the script.
    size_bytes : int
        Of the files.
    stamp : str, optional
        Sizes and times of the files: where they are the same, nothing is read.
    digest : callable
        Reads the files and returns their SHA-256; called only where the stamp has changed, but the
        size has not.
    """
    sha256 = None
    for row in link.rows(
        "SELECT id, started, finished, statements, rows_changed, sha256, HEX(stamp),"
        f" HEX(in_schemas) FROM {SCHEMA}.loads WHERE finished IS NOT NULL"
        f" AND options = {literal(options.encode())} AND size_bytes = {size_bytes} ORDER BY id DESC"
    ):
        number, started, ended, statements, changed, was_sha256, was_stamp, schemas = row
        if not _are_there(link, json.loads(bytes.fromhex(schemas or "5b5d"))):
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


def _are_there(link: Link, schemas: list[str]) -> bool:
    return _schemas(link).issuperset(schemas)


def _schemas(link: Link) -> set[str]:
    """Return the names of all schemas that the account can see."""
    rows = link.rows("SELECT schema_name FROM information_schema.schemata")
    return {name for (name,) in rows if name is not None}


def finished_in(inspector: Inspector) -> dict[str, list[int]]:
    """Return the numbers of the finished loads, by the schemas that they worked in."""
    found: dict[str, list[int]] = {}
    if not inspector.rows(_EXISTS.encode()):
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


# What --once needs of a finished load, and the type in which it is kept elsewhere.
_RECORD = {
    "name": "HEX",
    "size_bytes": "",
    "options": "HEX",
    "jobs": "",
    "started": "",
    "finished": "",
    "stamp": "HEX",
    "sha256": "",
    "statements": "",
    "rows_changed": "",
    "seconds": "",
    "in_schemas": "HEX",
}


def exists_for(ask: Ask) -> bool:
    """Return whether the server has a journal, for who has no `Link`."""
    return bool(ask(_EXISTS.encode()))


def finished_records(ask: Ask) -> list[dict[str, str | None]]:
    """Return the records of finished loads, to be kept with what was loaded.

    Parameters
    ----------
    ask : callable
        Asks the server, in a session in UTC.
    """
    if not exists_for(ask):
        return []
    cells = ", ".join(f"{function}({column})" for column, function in _RECORD.items())
    rows = ask(
        f"SELECT {cells} FROM {SCHEMA}.loads WHERE finished IS NOT NULL ORDER BY id".encode()
    )
    return [dict(zip(_RECORD, row)) for row in rows]


def is_record(found: Mapping[str, Any]) -> bool:
    """Return whether a record is complete, as one from a file may not be."""
    if set(found) != set(_RECORD):
        return False
    cells = [(function, found[column]) for column, function in _RECORD.items()]
    try:
        for _, cell in (each for each in cells if each[0]):
            bytes.fromhex(cell or "")
        schemas_of(found)
    except (TypeError, ValueError):
        return False
    return all(cell is None or isinstance(cell, str) for _, cell in cells)


def schemas_of(record: Mapping[str, str | None]) -> set[str]:
    """Return the schemas that a finished load worked in.

    Parameters
    ----------
    record : mapping
        As `finished_records` returns it.

    Raises
    ------
    ValueError
        It is not `is_record`.
    """
    return set(json.loads(bytes.fromhex(record.get("in_schemas") or "5b5d")))


def enter_records(
    ask: Ask, send: Callable[[bytes], object], records: Iterable[Mapping[str, str | None]]
) -> None:
    """Enter records of finished loads.

    Parameters
    ----------
    ask, send : callable
        Ask the server; send it a statement.
    records : iterable of mapping
        As `finished_records` returns them.
    """
    entered = list(records)
    if entered and not exists_for(ask):
        send(f"CREATE DATABASE IF NOT EXISTS {SCHEMA}".encode())
        for sql in _TABLES:
            send(sql.encode())
    for record in entered:
        cells = [_cell(function, record.get(column)) for column, function in _RECORD.items()]
        name, options = (_cell("HEX", record[column]) for column in ("name", "options"))
        send(
            f"DELETE FROM {SCHEMA}.loads WHERE finished IS NOT NULL".encode()
            + b" AND name = %s AND options = %s" % (name, options)
        )
        send(
            f"INSERT INTO {SCHEMA}.loads (token, {', '.join(_RECORD)}) VALUES".encode()
            + b" ('', "
            + b", ".join(cells)
            + b")"
        )
    send(b"COMMIT")


def _cell(function: str, kept: str | None) -> bytes:
    if kept is None:
        return b"NULL"
    if function:
        return literal(bytes.fromhex(kept)).encode()
    # A bare x'...' is a number where one is expected.
    return f"CONVERT({literal(kept.encode())} USING ascii)".encode()


def drop_if_empty(link: Link) -> None:
    """Drop the journal if nothing is in it; a table of another origin in its schema stays."""
    if not exists(link):
        return
    if link.rows(f"SELECT 1 FROM {SCHEMA}.loads LIMIT 1") or link.rows(
        f"SELECT 1 FROM {SCHEMA}.indexes LIMIT 1"
    ):
        return
    others = (
        f"tables WHERE table_schema = '{SCHEMA}' AND table_name NOT IN {_NAMES}",
        f"routines WHERE routine_schema = '{SCHEMA}'",
    )
    if any(link.rows(f"SELECT 1 FROM information_schema.{what}") for what in others):
        tables = ", ".join(f"{SCHEMA}.{name}" for name in _NAMES)
        link.send(f"DROP TABLE IF EXISTS {tables}".encode())
    else:  # at once, so that a lost connection leaves no empty schema
        link.send(f"DROP DATABASE {SCHEMA}".encode())


def owed_indexes(link: Link) -> list[tuple[Table, list[bytes]]]:
    """Return the indexes that loads which are gone have left unmade."""
    owed = []
    for schema, name, kept in link.rows(
        f"SELECT HEX(i.table_schema), HEX(i.table_name), HEX(i.definitions) FROM {SCHEMA}.indexes i"
        f" LEFT JOIN {SCHEMA}.loads l ON l.id = i.load_id"
        " WHERE l.id IS NULL OR IS_USED_LOCK(CONCAT('sidecar_magics.', l.token, '.0')) IS NULL"
    ):
        table = Table(bytes.fromhex(schema or ""), bytes.fromhex(name or ""))
        definitions = [text.encode("latin-1") for text in json.loads(bytes.fromhex(kept or ""))]
        owed.append((table, definitions))
    return owed


def forget_owed(link: Link, table: Table) -> None:
    """Note that a table has what it was owed."""
    link.send(
        f"DELETE FROM {SCHEMA}.indexes WHERE table_schema = {literal(table.schema)}"
        f" AND table_name = {literal(table.name)}".encode()
    )


def _forget(link: Link, number: int) -> None:
    for table, column in (("done", "load_id"), ("doubts", "load_id"), ("loads", "id")):
        link.send(f"DELETE FROM {SCHEMA}.{table} WHERE {column} = {number}".encode())
