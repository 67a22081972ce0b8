"""Indexes that killed loads deferred and never built."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..planning.tasks import Table
from .pieces import SCHEMA, literal

if TYPE_CHECKING:
    from ..running.link import Link


def owed_indexes(link: Link) -> list[tuple[Table, list[bytes]]]:
    """Return the indexes that killed loads deferred and never built."""
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
    """Note that a table has its deferred indexes."""
    link.send(
        f"DELETE FROM {SCHEMA}.indexes WHERE table_schema = {literal(table.schema)}"
        f" AND table_name = {literal(table.name)}".encode()
    )
