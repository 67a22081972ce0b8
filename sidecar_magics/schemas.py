"""Schemas that hold no data of users."""

from __future__ import annotations

# The server's own; ndbinfo is that of MySQL's NDB Cluster.
SYSTEM_SCHEMAS = frozenset({"mysql", "sys", "information_schema", "performance_schema", "ndbinfo"})
# Where `%mysql_load` keeps what was loaded, and how far.
JOURNAL_SCHEMA = "sidecar_magics"
