"""The journal's own schema in the server: it is lost with the server's data, and no sooner.

A load makes it when needed; it is dropped with its last entry:

- ``loads``     one row a load: script, time and options;
- ``done``      pieces of a load that is under way, written together with their rows;
- ``doubts``    statements that commit by themselves, noted before they run;
- ``indexes``   indexes that are deferred until their table is filled;
- ``numbers``   next AUTO_INCREMENT numbers of tables, noted before their rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AccessError
from .pieces import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


CREATE = (b"CREATE DATABASE IF NOT EXISTS sidecar_magics", *(sql.encode() for sql in _TABLES))
"""The statements that make the journal."""

# A table of another origin is known by the comment that it lacks.
_OURS = "table_comment LIKE 'sidecar-magics:%'"
_NAMES = ("done", "doubts", "indexes", "numbers", "loads")
_HAS_TABLE = (
    "SELECT 1 FROM information_schema.tables"
    f" WHERE table_schema = '{SCHEMA}' AND table_name = '%s' AND {_OURS.replace('%', '%%')}"
)
_EXISTS = (_HAS_TABLE % "indexes").encode()
# The last table: a journal of an earlier version lacks it.
_IS_COMPLETE = _HAS_TABLE % "numbers"
_IN_THE_WAY = (
    f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
    f" AND table_name IN {_NAMES} AND NOT {_OURS}"
)


def exists(ask: Callable[[bytes], Sequence[object]]) -> bool:
    """Return whether the server has a journal; `ask` asks it a question."""
    return bool(ask(_EXISTS))


def create(link: Link) -> None:
    """Make the journal, or the parts that one of an earlier version lacks.

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
    for sql in CREATE:
        link.send(sql)


def drop_if_empty(link: Link) -> None:
    """Drop the journal if nothing is in it; a table of another origin in its schema stays."""
    if not exists(link.rows):
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
