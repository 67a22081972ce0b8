"""Records of finished loads that travel with the data: read for a dump, entered by its load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .pieces import SCHEMA, literal
from .tables import CREATE, exists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .tables import Ask

# The facts that --once needs about a finished load, and their types outside the server.
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


def finished_records(ask: Ask) -> list[dict[str, str | None]]:
    """Return the records of finished loads, to be kept with the data.

    Parameters
    ----------
    ask : callable
        Asks the server, in a session in UTC.
    """
    if not exists(ask):
        return []
    cells = ", ".join(f"{function}({column})" for column, function in _RECORD.items())
    rows = ask(
        f"SELECT {cells} FROM {SCHEMA}.loads WHERE finished IS NOT NULL ORDER BY id".encode()
    )
    return [dict(zip(_RECORD, row)) for row in rows]


def is_record(found: Mapping[str, Any]) -> bool:
    """Return whether a record is complete; one from a file may not be."""
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
    if entered and not exists(ask):
        for sql in CREATE:
            send(sql)
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
