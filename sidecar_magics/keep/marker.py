"""The mark that keeping leaves in a server: it lives and dies with the data that it is about.

It is a row in the journal's schema, so a server without it is new. A UUID would not do: MariaDB's
outlives its data.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from ..dump.catalogue import schema_names
from ..dump.spelling import literal
from ..errors import AccessError, shown
from ..schemas import JOURNAL_SCHEMA, SYSTEM_SCHEMAS
from ..scratch import SCRATCH_PATTERN, is_scratch
from ..server import pymysql_errors

if TYPE_CHECKING:
    from ..dump.snapshot import Asking

_COMMENT = "sidecar-magics: whose data this is (%mysql_keep)"
_TABLE = f"""CREATE TABLE IF NOT EXISTS {JOURNAL_SCHEMA}.kept (
    id TINYINT NOT NULL PRIMARY KEY,
    data_id CHAR(32) CHARACTER SET ascii NOT NULL COMMENT 'of the data of this server',
    snapshot VARBINARY(255) NOT NULL COMMENT 'the last one that was restored or kept',
    is_restoring TINYINT NOT NULL COMMENT 'whether that is only half done'
) ENGINE=InnoDB COMMENT='{_COMMENT}'"""
# Servers, and sessions, that only read.
_WRITABLE = dict.fromkeys((1290, 1836), "let the server be written: SET GLOBAL read_only = OFF.")
_WRITABLE[1792] = "let sessions write: SET GLOBAL TRANSACTION READ WRITE."
_EXISTS = (
    "SELECT 1 FROM information_schema.tables"
    f" WHERE table_schema = '{JOURNAL_SCHEMA}' AND table_name = 'kept'"
    f" AND table_comment = '{_COMMENT}'"
)


class Marker(NamedTuple):
    """A server's mark of its data.

    Attributes
    ----------
    data_id : str
        A name for its data, which a new server lacks. (A server's own UUID is new with new data
        only on MySQL.)
    snapshot : str
        The snapshot that was restored or made last; empty for none.
    is_restoring : bool
        Whether restoring it has begun, and not ended.
    """

    data_id: str
    snapshot: str = ""
    is_restoring: bool = False


def new_marker() -> Marker:
    """Return a mark for data that has none."""
    return Marker(secrets.token_hex(16))


def read_marker(asking: Asking) -> Marker | None:
    """Return the mark of a server, None if it has none."""
    if not asking.rows(_EXISTS.encode()):
        return None
    sql = f"SELECT data_id, snapshot, is_restoring FROM {JOURNAL_SCHEMA}.kept WHERE id = 1"
    try:
        rows = asking.rows(sql.encode())
    except pymysql_errors() as error:
        if error.args and error.args[0] in (1146, 1049):  # it was dropped in between
            return None
        raise
    for data_id, snapshot, is_restoring in rows:
        return Marker(data_id or "", snapshot or "", is_restoring == "1")
    return None


def write_marker(asking: Asking, marker: Marker) -> None:
    """Set the mark of a server.

    Raises
    ------
    AccessError
        The account may not, or a table of another origin has the mark's name.
    """
    values = literal(marker.data_id), literal(marker.snapshot), marker.is_restoring
    try:
        if not asking.rows(_EXISTS.encode()):
            asking.send(f"CREATE DATABASE IF NOT EXISTS {JOURNAL_SCHEMA}".encode())
            asking.send(_TABLE.encode())
            if not asking.rows(_EXISTS.encode()):
                raise AccessError(
                    f"The schema {JOURNAL_SCHEMA} has a table `kept` that is not of %mysql_keep.",
                    hint="move it into a schema of yours: "
                    f"RENAME TABLE {JOURNAL_SCHEMA}.kept TO SCHEMA.kept; nothing of "
                    f"{JOURNAL_SCHEMA} is kept.",
                )
        asking.send(
            f"REPLACE INTO {JOURNAL_SCHEMA}.kept VALUES".encode() + b" (1, %s, %s, %d)" % values
        )
        asking.send(b"COMMIT")
    except pymysql_errors() as error:
        raise AccessError(
            f"The server does not take the mark of %mysql_keep: {shown(error.args[-1])}.",
            hint=_WRITABLE.get(
                error.args[0],
                f"keep as an account that may CREATE and INSERT in the schema {JOURNAL_SCHEMA}.",
            ),
        ) from None


_HIDDEN = ", ".join(f"'{name}'" for name in sorted({*SYSTEM_SCHEMAS, JOURNAL_SCHEMA}))
_OBJECTS = " UNION ALL ".join(
    f"(SELECT 1 FROM information_schema.{table} WHERE {column} NOT IN ({_HIDDEN})"
    f" AND {column} NOT REGEXP '{SCRATCH_PATTERN}' LIMIT 1)"
    for table, column in (
        ("tables", "table_schema"),
        ("routines", "routine_schema"),
        ("events", "event_schema"),
    )
)


def schemas_of_user(asking: Asking) -> list[str]:
    """Return the schemas of a server that are the user's, empty or not."""
    hidden = {*SYSTEM_SCHEMAS, JOURNAL_SCHEMA}
    names = schema_names(asking.rows)
    return [name for name in names if name.lower() not in hidden and not is_scratch(name)]


def has_data(asking: Asking) -> bool:
    """Return whether a server has tables, views or programs of the user; schemas may be empty."""
    return bool(asking.rows(_OBJECTS.encode()))
