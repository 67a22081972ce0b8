"""Scripts that a server refuses, with what the hint has to say: one for each cause.

A `Refused` whose hint is an option is followed in `tests/integration/test_hints.py`: the script
must load with it. Sources of the scripts: what people post about their dumps.
"""

from __future__ import annotations

from typing import NamedTuple

DUMP = "-- MySQL dump 10.13  Distrib 8.0.36\n"


class Refused(NamedTuple):
    """A script that a server refuses.

    Attributes
    ----------
    script : str
        It works in a schema `s` that is there and empty, as root.
    errnos : dict of str to int
        The error, by the kind of server; those that take the script are not in it.
    words : str
        What the hint says, as an imperative: the options that it names, or the word to write.
    option : str
        What to add on the line; empty if there is no such option.
    """

    script: str
    errnos: dict[str, int]
    words: str
    option: str = ""


def both(errno: int) -> dict[str, int]:
    """Return an error that both kinds of server give."""
    return {"mysql": errno, "mariadb": errno}


def mysql(errno: int) -> dict[str, int]:
    """Return an error of MySQL."""
    return {"mysql": errno}


def mariadb(errno: int) -> dict[str, int]:
    """Return an error of MariaDB."""
    return {"mariadb": errno}


_DATES = "--init \"SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'\""
_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"
_LOOSE = "--init \"SET sql_mode=''\""
_KEYS = '--init "SET foreign_key_checks=0"'
_PARENT = "CREATE TABLE p (i INT PRIMARY KEY);"
_CHILD = "CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i));"

REFUSED = [
    # Dumps of other servers.
    Refused(
        "CREATE TABLE t (s TEXT) COLLATE utf8mb4_uca1400_ai_ci",
        mysql(1273),
        "--collation-map nearest",
        "--collation-map nearest",
    ),
    Refused(
        DUMP + "SET sql_mode='STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER'; CREATE TABLE t (i INT)",
        mysql(1231),
        "sed -i 's/NO_AUTO_CREATE_USER,*//' FILE",
        "--force",
    ),
    Refused("SET sql_mode='NO_SUCH_MODE'", both(1231), "--force", "--force"),
    Refused("SET GLOBAL no_such = 1", both(1193), "--force", "--force"),
    Refused("SET @@GLOBAL.gtid_purged='x:1'", mariadb(1193), "--set-gtid-purged=OFF", "--force"),
    Refused("SET time_zone='Europe/Nowhere'", both(1298), "mysql_tzinfo_to_sql", ""),
    Refused(
        "CREATE TABLE t (i INT, s TEXT DEFAULT 'x')",
        mysql(1101),
        "sidecar-magics up --flavour mariadb",
    ),
    Refused(
        f"SET sql_mode='{_STRICT}'; CREATE TABLE t (d DATETIME DEFAULT '0000-00-00 00:00:00')",
        both(1067),
        _DATES,
    ),
    Refused(
        "CREATE TABLE t (d DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')",
        mysql(1067),
        _DATES,
        _DATES,
    ),
    Refused(
        "CREATE TABLE t (d DATE); INSERT INTO t VALUES ('0000-00-00')", mysql(1292), _DATES, _DATES
    ),
    Refused(
        "CREATE TABLE t (i INT, g INT AS (i + 1) STORED); INSERT INTO t VALUES (1, 2)",
        mysql(3105),
        "mysqldump, which leaves generated columns out",
    ),
    Refused(
        "CREATE TABLE t (i INT, g INT AS (i + 1) STORED); INSERT INTO t VALUES (1, 2)",
        mariadb(1906),
        _LOOSE,
        _LOOSE,
    ),
    Refused(
        "CREATE TABLE t (i INT) ENGINE=InnoDB ROW_FORMAT=FIXED",
        mysql(1031),
        '--init "SET innodb_strict_mode=OFF"',
        '--init "SET innodb_strict_mode=OFF"',
    ),
    Refused(
        "CREATE TABLE t (i INT) ENGINE=InnoDB ROW_FORMAT=FIXED",
        mariadb(1005),
        '--init "SET innodb_strict_mode=OFF"',
        '--init "SET innodb_strict_mode=OFF"',
    ),
    Refused(
        "CREATE TABLE t ({}) ENGINE=InnoDB CHARSET latin1".format(
            ", ".join(f"c{n} CHAR(250)" for n in range(60))
        ),
        both(1118),
        '--init "SET innodb_strict_mode=OFF"',
        '--init "SET innodb_strict_mode=OFF"',
    ),
    Refused(
        "CREATE TABLE t ({}) CHARSET utf8mb4".format(
            ", ".join(f"c{n} VARCHAR(300)" for n in range(100))
        ),
        both(1118),
        "write TEXT or BLOB",
    ),
    Refused(
        "CREATE TABLE t (s VARCHAR(255), KEY (s)) CHARSET utf8mb4 ROW_FORMAT=COMPACT",
        {"mysql": 1071, "mariadb": 1709},
        "remove ROW_FORMAT",
    ),
    Refused("CREATE TABLE t (i INT) ENGINE=Nowhere", both(1286), "--init", ""),
    Refused(
        "CREATE TABLE t (s VARCHAR(9), FULLTEXT (s)) ENGINE=MEMORY", both(1214), "ENGINE=InnoDB"
    ),
    Refused("CREATE TABLE t (s TEXT) CHARSET nowhere", both(1115), "sidecar-magics up"),
    # Foreign keys.
    Refused(
        _CHILD + _PARENT,
        {"mysql": 1824, "mariadb": 1005},
        _KEYS,
        _KEYS,
    ),
    Refused(
        "CREATE TABLE p (i INT PRIMARY KEY);"
        "CREATE TABLE c (i BIGINT, FOREIGN KEY (i) REFERENCES p (i))",
        {"mysql": 3780, "mariadb": 1005},
        "type",
    ),
    Refused(
        "CREATE TABLE p (i INT, KEY (i)); CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i))",
        mysql(6125),
        '--init "SET restrict_fk_on_non_standard_key=OFF"',
        '--init "SET restrict_fk_on_non_standard_key=OFF"',
    ),
    Refused(
        "CREATE TABLE p (i INT); CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i))",
        {"mysql": 6125, "mariadb": 1005},
        "--init",
    ),
    Refused(
        _PARENT + _CHILD + "INSERT INTO c VALUES (1)",
        both(1452),
        _KEYS,
        _KEYS,
    ),
    Refused(
        _PARENT + _CHILD + "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1); DELETE FROM p",
        both(1451),
        _KEYS,
        _KEYS,
    ),
    Refused(
        _PARENT + _CHILD + "DROP TABLE p",
        {"mysql": 3730, "mariadb": 1451},
        _KEYS,
        _KEYS,
    ),
    # Rows.
    Refused(
        "CREATE TABLE t (s VARCHAR(2)); INSERT INTO t VALUES ('abc')", both(1406), _LOOSE, _LOOSE
    ),
    Refused("CREATE TABLE t (i TINYINT); INSERT INTO t VALUES (999)", both(1264), _LOOSE, _LOOSE),
    Refused("CREATE TABLE t (i INT); INSERT INTO t VALUES ('x')", both(1366), _LOOSE, _LOOSE),
    Refused(
        "CREATE TABLE t (i INT NOT NULL, j INT); INSERT INTO t (j) VALUES (1)",
        both(1364),
        _LOOSE,
        _LOOSE,
    ),
    Refused("CREATE TABLE t (e ENUM('a')); INSERT INTO t VALUES ('b')", both(1265), _LOOSE, _LOOSE),
    Refused(
        "CREATE TABLE t (s TEXT CHARSET utf8mb4); INSERT INTO t VALUES ('\udce4')",
        both(1366),
        '--init "SET NAMES latin1"',
        '--init "SET NAMES latin1"',
    ),
    Refused(
        "CREATE TABLE t (i INT PRIMARY KEY); INSERT INTO t VALUES (1),(1)", both(1062), "--once"
    ),
    Refused(
        "CREATE TABLE t (i INT CHECK (i > 1)); INSERT INTO t VALUES (1)",
        mariadb(4025),
        '--init "SET check_constraint_checks=0"',
        '--init "SET check_constraint_checks=0"',
    ),
    Refused(
        "CREATE TABLE t (i INT CHECK (i > 1)); INSERT INTO t VALUES (1)",
        mysql(3819),
        "NOT ENFORCED",
    ),
    # Names.
    Refused("CREATE DATABASE s", both(1007), "CREATE DATABASE IF NOT EXISTS"),
    Refused("DROP DATABASE nowhere", both(1008), "DROP DATABASE IF EXISTS"),
    Refused("USE nowhere", both(1049), "--into NAME"),
    Refused("CREATE TABLE t (i INT); CREATE TABLE t (i INT)", both(1050), "--into NAME"),
    Refused("DROP TABLE nowhere", both(1051), "DROP TABLE IF EXISTS"),
    Refused("INSERT INTO nowhere VALUES (1)", both(1146), "--database NAME"),
    Refused("CREATE PROCEDURE p() SELECT 1; CREATE PROCEDURE p() SELECT 1", both(1304), "drop it"),
    Refused("CALL nowhere()", both(1305), "mysqldump --routines"),
    # Accounts.
    Refused("GRANT ALL ON s.* TO nobody_here@h", {"mysql": 1410, "mariadb": 1133}, "CREATE USER"),
    Refused("CREATE USER root@localhost", both(1396), "CREATE USER IF NOT EXISTS"),
    Refused("DROP USER nobody_here@h", both(1396), "DROP USER IF EXISTS"),
    Refused("ALTER USER nobody_here@h ACCOUNT LOCK", both(1396), "CREATE USER"),
    Refused(
        "CREATE USER u@h IDENTIFIED WITH mysql_old_password", mysql(1524), "caching_sha2_password"
    ),
    Refused(
        "CREATE USER v@h IDENTIFIED WITH nowhere",
        mariadb(1524),
        "mysql_native_password",
    ),
    # What is no SQL.
    Refused("SELEC 1", both(1064), "correct the syntax"),
    Refused(DUMP + "SELEC 1", mysql(1064), "correct the syntax"),
    Refused(DUMP + "SELEC 1", mariadb(1064), "kind and version of server that made the dump"),
    Refused(
        "-- Server version\t99.1.0\nSELEC 1",
        both(1064),
        "kind and version of server that made the dump",
    ),
    Refused(
        "mysqldump: [Warning] Using a password on the command line interface can be insecure.\n"
        + DUMP
        + "CREATE TABLE t (i INT)",
        both(1064),
        "sed -i 1d FILE",
    ),
    Refused(
        "Warning: Using a password on the command line interface can be insecure.\nSET @x = 1",
        both(1064),
        "sed -i 1d FILE",
    ),
    Refused("mariadb-dump: Got error: 2002\nSET @x = 1", both(1064), "2>/dev/null"),
    Refused("Enter password: \n" + DUMP + "CREATE TABLE t (i INT)", both(1064), "Enter password:"),
    Refused("SET statement_timeout = 0", both(1193), "PostgreSQL"),
    Refused("PRAGMA foreign_keys=OFF", both(1064), "SQLite"),
]
