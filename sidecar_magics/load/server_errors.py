"""What to do about the errors that servers give most often while a script is loaded.

Source: MySQL server error reference; MariaDB error codes.
"""

from __future__ import annotations

_HINTS = {
    1005: "a foreign key does not fit its parent table; is the parent in the dump, and before it?",
    1007: "the schema exists already: drop it first, or use CREATE DATABASE IF NOT EXISTS.",
    1008: "use DROP DATABASE IF EXISTS.",
    1040: "close other notebooks' kernels, or raise the server's max_connections.",
    1044: "this account has no right to that schema; log in as another (%mysql_wait --show).",
    1045: "this account has no such right; log in as another (%mysql_wait --show).",
    1046: "no schema is chosen: give --database NAME, or begin the script with USE.",
    1049: "the schema does not exist: create it first, or dump with `mysqldump --databases`.",
    1050: "the table exists already: the script was loaded before, or lacks DROP TABLE IF EXISTS.",
    1062: "the row exists already: the script was loaded before; drop the table or schema first.",
    1064: "the server does not know this syntax: was the dump made by a newer server, or MariaDB?",
    1071: "index too long: the dump relies on another row format or character set.",
    1114: "the server's disk or table space is full.",
    1118: "row too large for InnoDB: the dump relies on another row format.",
    1142: "this account has no such right; log in as another (%mysql_wait --show).",
    1146: "the table does not exist: is the dump complete, and the right schema chosen?",
    1153: "raise it on the server: SET GLOBAL max_allowed_packet=1073741824, then load again.",
    1193: "this server has no such variable; dump again with --set-gtid-purged=OFF, or remove it.",
    1205: "another connection holds a lock: end other notebooks' transactions and load again.",
    1213: "another connection works on the same tables; load again.",
    1215: "a foreign key does not fit its parent table; is the parent in the dump, and before it?",
    1227: "the statement needs an administrator's right; dump again with --set-gtid-purged=OFF.",
    1273: "the server lacks this collation: load into the server version that made the dump.",
    1366: "the text does not fit the column's character set; is the script's SET NAMES right?",
    1396: "CREATE or DROP USER failed: the account exists already, or does not.",
    1406: "a value is longer than its column; was the sql_mode less strict where it was dumped?",
    1418: "SET GLOBAL log_bin_trust_function_creators=1 allows it, or start without binary log.",
    1419: "SET GLOBAL log_bin_trust_function_creators=1 allows it, or start without binary log.",
    1449: "the DEFINER of a view or routine does not exist here: create the account first.",
    1451: "other rows refer to it: SET foreign_key_checks=0 at the beginning of the script.",
    1452: "its parent row is missing: SET foreign_key_checks=0 at the beginning of the script.",
    1728: "the server's system tables are damaged or of another version; start a new server.",
    3546: "the server's own GTIDs overlap the dump's; dump again with --set-gtid-purged=OFF.",
    3948: "allow it with --allow-local-infile, and on the server with SET GLOBAL local_infile=1.",
    4166: "allow it with --allow-local-infile, and on the server with SET GLOBAL local_infile=1.",
    4161: "the dump was made by another kind of server; load it into that kind.",
}

_MARIADB_HINTS = {
    1273: "MariaDB before 11.4 lacks MySQL 8's collations: load it into MySQL 8 or newer "
    "(`sidecar-magics up --flavour mysql` starts one), or dump again from a schema with "
    "utf8mb4_unicode_520_ci.",
}


def hint(errno: int, flavour: str) -> str:
    """Return the next step for a server error, or an empty text.

    Parameters
    ----------
    errno : int
        The server's error number.
    flavour : str
        ``mysql`` or ``mariadb``: the same number can have another cause.
    """
    special = _MARIADB_HINTS if flavour == "mariadb" else {}
    return special.get(errno) or _HINTS.get(errno, "")
