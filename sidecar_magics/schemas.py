"""Schemas without data of users: the server's own, and the journal."""

from __future__ import annotations

# The server's own; ndbinfo is that of MySQL's NDB Cluster.
SYSTEM_SCHEMAS = frozenset({"mysql", "sys", "information_schema", "performance_schema", "ndbinfo"})
# Where `%mysql_load` keeps its journal.
JOURNAL_SCHEMA = "sidecar_magics"
