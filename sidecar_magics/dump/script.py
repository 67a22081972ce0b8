"""The fixed parts of a dump: its heading, its end, and the SQL around definitions.

DEFINER is left out by default. A sql_mode with names that the other kind of server
refuses is set in versioned comments (`set_sql_mode`), so no client needs an option to load it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from ..load.sources.dump_marks import OURS, RECORD
from ..script.definers import skip_definer
from .spelling import comment, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# The loader knows that a dump is whole by this line.
END = b"\n-- Dump completed\n"

# Versioned comments are for servers from these on, as mysqldump has them.
_BEGIN = b"""\
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
"""
# MariaDB (10.11) makes rows that its own CHECK refuses: ADD COLUMN of a JSON that is NOT NULL.
_MARIADB_BEGIN = b"""\
/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS=@@CHECK_CONSTRAINT_CHECKS, CHECK_CONSTRAINT_CHECKS=0 */;
"""
_MARIADB_RESTORE = b"""\
/*M!100201 SET CHECK_CONSTRAINT_CHECKS=@OLD_CHECK_CONSTRAINT_CHECKS */;
"""
# With autocommit=0, of the server or the loading session, no client commits the last table's rows.
_RESTORE = b"""
COMMIT;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;
"""
# Dates such as February 31st are data, where a server has taken them.
_MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
_ZONE = "+00:00"
_DELIMITER = b";;"
# Modes that only MariaDB has: they are about GRANT, SHOW CREATE TABLE and the options of its own
# engines, stand for others that are named beside them, or are what MySQL does anyway
# (TIME_ROUND_FRACTIONAL); and one of MySQL's that is what MariaDB does anyway. Tried on MySQL 9.7
# and MariaDB 10.11.
# Source: "Server SQL Modes", MySQL 9; "SQL Mode", MariaDB Knowledge Base.
_WITHOUT_EFFECT_ON_MYSQL = frozenset(
    {
        *("NO_AUTO_CREATE_USER", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS"),
        "IGNORE_BAD_TABLE_OPTIONS",
        *("MYSQL323", "MYSQL40", "POSTGRESQL", "DB2", "MSSQL", "TIME_ROUND_FRACTIONAL"),
    }
)
_WITHOUT_EFFECT_ON_MARIADB = frozenset({"TIME_TRUNCATE_FRACTIONAL"})


def heading(
    version: str,
    server: str,
    loaded_before: Iterable[Mapping[str, str | None]] = (),
    lacks: Iterable[str] = (),
) -> bytes:
    """Return the heading of a dump.

    Parameters
    ----------
    version : str
        Of this package.
    server : str
        Kind and version of the server.
    loaded_before : iterable of mapping, default ()
        Records of the loads with --once that are in the dump.
    lacks : iterable of str, default ()
        Objects that the dump may lack, a sentence each.
    """
    first = OURS + version.encode() + b"\n--\n" + comment(f"Server: {server}")
    first += b"".join(map(comment, lacks))
    records = (RECORD + json.dumps(each, sort_keys=True).encode() + b"\n" for each in loaded_before)
    return first + b"".join(records) + b"\n" + _BEGIN + _of_mariadb(server, _MARIADB_BEGIN)


def ending(server: str) -> bytes:
    """Return the end of a dump of a server of this kind and version."""
    return _RESTORE + _of_mariadb(server, _MARIADB_RESTORE) + END


def _of_mariadb(server: str, sql: bytes) -> bytes:
    return sql if server.startswith("MariaDB") else b""


def schema(name: str, definition: bytes) -> bytes:
    """Return the statements that make a schema if there is none, and enter it."""
    made = definition.replace(b"CREATE DATABASE ", b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ ", 1)
    return b"\n" + comment(f"Schema {name}") + b"\n" + made + b";\n\n" + use(name)


def use(name: str) -> bytes:
    """Return the statement that enters a schema."""
    return b"USE " + quoted(name) + b";\n"


def table(name: str, definition: bytes) -> bytes:
    """Return the statements that recreate a table."""
    path = quoted(name)
    return (
        b"\n%s\nDROP TABLE IF EXISTS %s;\n" % (comment(f"Table {name}"), path) + definition + b";\n"
    )


def sequence(name: str, definition: bytes, setting: bytes) -> bytes:
    """Return the statements that recreate a sequence of MariaDB's, and set it to its number."""
    dropped = b"\n%s\nDROP SEQUENCE IF EXISTS %s;\n" % (comment(f"Sequence {name}"), quoted(name))
    return dropped + definition + b";\n" + setting + b";\n"


class Setting(NamedTuple):
    """The parts of its session that a program or view keeps.

    Attributes
    ----------
    charset, collation : str
        ``character_set_client`` and ``collation_connection``.
    sql_mode : str or None
        None where it does not matter.
    time_zone : str or None
        The same.
    schema_collation : str or None
        Collation that its schema had when it was made; None where it does not matter.
    """

    charset: str
    collation: str
    sql_mode: str | None = None
    time_zone: str | None = None
    schema_collation: str | None = None


class Made(NamedTuple):
    """A program or view: its kind, name, CREATE statement, and the session that it was made in."""

    kind: str
    name: str
    sql: bytes
    setting: Setting


def programs(made: list[Made], schema_name: str, schema_collation: str) -> Iterator[bytes]:
    """Yield the statements that recreate routines, triggers and events of one schema.

    Parameters
    ----------
    made : list of Made
        In the order in which they are to be made.
    schema_name, schema_collation : str
        The schema, and its collation: a program keeps the one that it was made under.
    """
    collation = schema_collation
    for each in made:
        wanted = each.setting.schema_collation or schema_collation
        if wanted != collation:
            yield _collate(schema_name, wanted)
            collation = wanted
        yield b"\n" + comment(f"{each.kind.capitalize()} {each.name}") + b"\n"
        yield _modes(each.setting)  # a package is one only with sql_mode=ORACLE
        if each.kind != "TRIGGER":  # it went with its table
            yield b"DROP %s IF EXISTS %s;\n" % (each.kind.encode(), quoted(each.name))
        yield _names(each.setting)
        yield b"DELIMITER %s\n%s %s\nDELIMITER ;\n" % (_DELIMITER, each.sql, _DELIMITER)
        yield _names_again(each.setting)
    if collation != schema_collation:
        yield _collate(schema_name, schema_collation)
    if made:
        yield _back()


def views(made: list[Made]) -> Iterator[bytes]:
    """Yield the statements that recreate views of one schema, in their order."""
    for each in made:
        yield b"\n" + comment(f"View {each.name}") + b"\n"
        yield b"DROP VIEW IF EXISTS %s;\n" % quoted(each.name)
        yield _names(each.setting) + each.sql + b";\n" + _names_again(each.setting)
    if made:
        yield _back()


def without_definer(sql: bytes, sql_mode: str | None) -> bytes:
    """Return a CREATE statement whose definer is the account that executes it."""
    modes = (sql_mode or "").split(",")
    return skip_definer(
        sql,
        ansi_quotes="ANSI_QUOTES" in modes,
        no_backslash_escapes="NO_BACKSLASH_ESCAPES" in modes,
    )


def set_sql_mode(modes: str) -> bytes:
    """Return the SET for a program's sql_mode, for servers that lack one of the modes, too (1231).

    The program's meaning stays the same on each server. Modes that change it and that the other
    kind lacks (ORACLE, EMPTY_STRING_IS_NULL, ...) are not left out: that server refuses the
    program.

    Parameters
    ----------
    modes : str
        As the server shows them.
    """
    names = modes.split(",")
    mysql = ",".join(name for name in names if name not in _WITHOUT_EFFECT_ON_MYSQL)
    mariadb = ",".join(name for name in names if name not in _WITHOUT_EFFECT_ON_MARIADB)
    if mysql == mariadb:
        return b"SET sql_mode = " + literal(modes)
    # MariaDB ignores comments for MySQL from 5.7 on, and MySQL those for MariaDB.
    both = (literal(mariadb), literal(mysql))
    return b"SET sql_mode = /*M!100000 %s */ /*!50700 %s */" % both


def _modes(setting: Setting) -> bytes:
    lines = []
    if setting.sql_mode is not None:
        lines.append(set_sql_mode(setting.sql_mode))
    if setting.time_zone is not None:
        lines.append(b"SET time_zone = " + literal(setting.time_zone))
    return b"".join(line + b";\n" for line in lines)


def _names(setting: Setting) -> bytes:
    charset, collation = setting.charset.encode(), setting.collation.encode()
    return b"SET character_set_client = %s;\nSET collation_connection = %s;\n" % (
        charset,
        collation,
    )


def _names_again(setting: Setting) -> bytes:
    """Return the SET for a name in UTF-8 in the next statement."""
    return b"" if setting.charset in ("utf8mb4", "utf8mb3", "utf8") else b"SET NAMES utf8mb4;\n"


def _back() -> bytes:
    """Return the SET that restores the heading's session."""
    lines = [b"\nSET NAMES utf8mb4", b"SET sql_mode = " + literal(_MODE)]
    lines.append(b"SET time_zone = " + literal(_ZONE))
    return b"".join(line + b";\n" for line in lines)


def _collate(name: str, collation: str) -> bytes:
    return b"\nALTER DATABASE %s COLLATE %s;\n" % (quoted(name), collation.encode())
