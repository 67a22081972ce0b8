"""How a session reads strings: its sql_mode decides about quotes and backslashes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

# Modes that have ANSI_QUOTES in them. Source: "Server SQL Modes", MySQL 9; "SQL Mode", MariaDB.
_ANSI_MODES = {"ANSI", "ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"}


class Quoting(NamedTuple):
    """How strings are read.

    Attributes
    ----------
    ansi_quotes : bool
        Double quotes are for names.
    no_backslash_escapes : bool
        A backslash in a string is one.
    """

    ansi_quotes: bool = False
    no_backslash_escapes: bool = False


@lru_cache(maxsize=16)
def quoting_of(sql_mode: str) -> Quoting:
    """Return how strings are read under a sql_mode, given by names or as a number."""
    if sql_mode.isdigit():
        return Quoting(bool(int(sql_mode) & 4), bool(int(sql_mode) & 1 << 20))
    modes = {mode.strip().upper() for mode in sql_mode.split(",")}
    return Quoting(bool(modes & _ANSI_MODES), "NO_BACKSLASH_ESCAPES" in modes)
