"""Hints for the errors that servers give most often while they load a script.

A hint is an imperative with the exact option. Where one error has several causes, the server's
words or the statement decide: the first rule that fits counts.

Source: MySQL server error reference; MariaDB error codes; the threads that people open about them.
`tests/integration/test_hints.py` gives a real server each error, and then follows the hint.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import printable


class Refusal(NamedTuple):
    """A statement that a server refused.

    Attributes
    ----------
    errno : int
        The server's error number.
    message : str
        Its words.
    flavour : str
        ``mysql`` or ``mariadb``: the same number can have another cause.
    sql : bytes
        The statement.
    is_foreign : bool
        Its file's heading names another kind of server than this one, or a later version.
    is_typed : bool
        A person wrote it into a cell, and it is no dump's: another hint helps then.
    name : str
        Its file's name.
    """

    errno: int
    message: str = ""
    flavour: str = "mysql"
    sql: bytes = b""
    is_foreign: bool = False
    is_typed: bool = False
    name: str = ""


class _Rule(NamedTuple):
    errnos: frozenset[int]
    hint: str
    flavour: str = ""
    words: str = ""
    sql: bytes = b""
    is_foreign: bool | None = None
    is_typed: bool | None = None
    name: str = ""

    def fits(self, refusal: Refusal) -> bool:
        """Return whether this is the cause."""
        return (
            refusal.errno in self.errnos
            and self.flavour in ("", refusal.flavour)
            and self.is_foreign in (None, refusal.is_foreign)
            and self.is_typed in (None, refusal.is_typed)
            and bool(re.search(self.name, refusal.name, re.IGNORECASE))
            and bool(re.search(self.words, refusal.message, re.IGNORECASE))
            and bool(re.search(self.sql, refusal.sql[:_HEAD_BYTES], re.IGNORECASE))
        )

    def named(self, refusal: Refusal) -> str:
        """Return the hint with the names from the server's words."""
        found = re.search(self.words, refusal.message, re.IGNORECASE)
        names = found.groupdict() if found else {}
        return _NAME.sub(lambda match: printable(names[match[1]]), self.hint)


_HEAD_BYTES = 4096
_NAME = re.compile(r"\{(\w+)\}")


def _on(
    *errnos: int,
    hint: str,
    flavour: str = "",
    words: str = "",
    sql: bytes = b"",
    is_foreign: bool | None = None,
    is_typed: bool | None = None,
    name: str = "",
) -> _Rule:
    return _Rule(frozenset(errnos), hint, flavour, words, sql, is_foreign, is_typed, name)


def _typed(*errnos: int, hint: str, words: str = "", sql: bytes = b"") -> _Rule:
    """Return a rule for a statement that a person wrote into a cell."""
    return _on(*errnos, hint=hint, words=words, sql=sql, is_typed=True)


_NO_FOREIGN_KEYS = 'add --init "SET foreign_key_checks=0"'
_NOT_STRICT = "add --init \"SET sql_mode=''\""
_ZERO_DATES = (
    "allow zero dates: add --init \"SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'\""
)
_OWN_MODE = " (it has no effect on a script that sets sql_mode itself)"
_OTHER_ACCOUNT = "log in as another account: --user NAME --password-env VARIABLE"
_ZERO_DATE = r"default value|0000-00-00|-00"
# A name in the server's words; a longer text is none.
_CHILD = r"fails \((?P<child>`[^`]{1,64}`\.`[^`]{1,64}`)"
_PARENT = (
    r"FOREIGN KEY \((?P<columns>[^()]{1,300})\) REFERENCES "
    r"(?P<parent>(?:`[^`]{1,64}`\.)?`[^`]{1,64}`)"
)

_VERBS = "SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|USE|SHOW|CALL|REPLACE|TRUNCATE"
_AT_THE_END = r"near '' at line"
_TYPOGRAPHIC = "[\u2018-\u201f]"
# Characters that look blank, but not to a server, and byte order marks.
_INVISIBLE = "near '[\u00a0\u2000-\u200f\u202f\u2060\u3000\ufeff]"

# A variable of Python, as other magics and drivers take it: {x}, $x, :x, %s, %(x)s.
_OF_PYTHON = r"near '(?:\{|\}|:[A-Za-z_]|%s|%\()|column '\$"

# A person corrects a statement in its cell: these rules come first.
_TYPED_RULES = (
    # Names.
    _typed(1007, hint="write CREATE DATABASE IF NOT EXISTS, or drop the schema first."),
    _typed(1049, hint="check the name: `SHOW DATABASES`; CREATE DATABASE creates a schema."),
    _typed(1050, hint="write CREATE TABLE IF NOT EXISTS, or drop the table first."),
    _typed(
        1146,
        words=r"table '(?P<schema>[^'.]{1,64})\.",
        hint="check the name: `SHOW TABLES FROM {schema}` lists what there is.",
    ),
    _typed(1146, hint="check the name: `SHOW TABLES` lists what there is."),
    _typed(
        1054,
        words=_TYPOGRAPHIC,
        hint="write straight quotes (') in place of the typographic quotes.",
    ),
    _typed(
        1054,
        1064,
        words=_OF_PYTHON,
        hint="write the value itself: a cell of SQL takes no variables of Python. With pandas: "
        "pd.read_sql(sqlalchemy.text(...), sidecar.engine(), params=...).",
    ),
    _typed(
        1064,
        words="near '//",
        hint="write two dashes and a blank (-- ) or # before a comment, not //.",
    ),
    _typed(1054, hint="check the name: `SHOW COLUMNS FROM` and the table lists what there is."),
    _typed(
        1304,
        1359,
        1537,
        hint="drop it first: DROP PROCEDURE, FUNCTION, TRIGGER or EVENT, with IF EXISTS.",
    ),
    _typed(
        1305, hint="check the name: `SHOW PROCEDURE STATUS` and `SHOW FUNCTION STATUS` list all."
    ),
    # Rows.
    _typed(
        1062,
        1586,
        sql=rb"\A\s*(?:ALTER|CREATE)\b",
        hint="remove the rows with duplicate keys first.",
    ),
    _typed(
        1062,
        1586,
        sql=rb"\A\s*UPDATE\b",
        hint="use a key that no other row has.",
    ),
    _typed(
        1062,
        1586,
        hint="use a key that no row has, or change the row that has it: INSERT ... ON DUPLICATE "
        "KEY UPDATE, or REPLACE.",
    ),
    _typed(
        1406,
        words=r"column '(?P<column>[^']{1,64})'",
        hint="shorten the value: it is too long for the column {column}; or give that a longer "
        "type with ALTER TABLE ... MODIFY.",
    ),
    _typed(
        1406,
        hint="shorten the value: it is too long for its column; or give that a longer type with "
        "ALTER TABLE ... MODIFY.",
    ),
    _typed(1264, hint="correct the value: it is out of the range of its column."),
    _typed(
        1364,
        words=r"field '(?P<column>[^']{1,64})'",
        hint="give a value for the column {column}, which has no default.",
    ),
    _typed(
        1366,
        words="string value",
        hint="correct the value, or give its column the character set utf8mb4, which takes any "
        "text.",
    ),
    _typed(1067, hint="correct the default: it does not fit its column's type."),
    _typed(
        1292,
        words=_ZERO_DATE,
        hint="write a real date, or NULL: the server takes no zero dates.",
    ),
    _typed(1265, 1292, 1364, 1366, hint="correct the value: it does not fit the column's type."),
    _typed(1906, 3105, hint="write DEFAULT in place of the values of generated columns."),
    _typed(3819, 4025, hint="correct the row: a CHECK of the table does not allow it."),
    # Foreign keys.
    _typed(
        1216,
        1452,
        words=_PARENT,
        hint="insert the row of {parent} first that {columns} of this one refers to, or use a "
        "value that is there.",
    ),
    _typed(1216, 1452, hint="insert the row first that this one refers to."),
    _typed(
        3730,
        words=r"on table '(?P<child>[^']{1,64})'",
        hint="drop the table {child} first, which refers to this one.",
    ),
    _typed(
        1217,
        1451,
        sql=rb"\A\s*DROP\b",
        words=_CHILD,
        hint="drop the table {child} first, which refers to this one.",
    ),
    _typed(1217, 1451, sql=rb"\A\s*DROP\b", hint="drop the tables first that refer to this one."),
    _typed(3730, hint="drop the tables first that refer to this one."),
    _typed(
        1217,
        1451,
        words=_CHILD,
        hint="delete or change the rows of {child} first that refer to this one.",
    ),
    _typed(1217, 1451, hint="delete or change the rows first that refer to this one."),
    _typed(1701, hint="write DELETE FROM in place of TRUNCATE: other tables refer to this one."),
    _typed(1824, hint="create the table first that the foreign key refers to."),
    _typed(
        1005,
        words=r"errno:? 150",
        hint="create the table first that the foreign key refers to, with a key on the same "
        "columns of the same type.",
    ),
    # Definitions and variables.
    _typed(1286, hint="write ENGINE=InnoDB, or leave ENGINE out."),
    _typed(1231, words="sql_mode", hint="remove the mode that the server lacks."),
    # A view's DEFINER is missing: only loading the dump again mends the view.
    _typed(
        1449,
        sql=rb"\A\s*(?!CREATE\b|ALTER\b)\w",
        hint="load the dump that it is from again with --skip-definer, or create the DEFINER's "
        "account with CREATE USER.",
    ),
)

_FILE_RULES = (
    # Not SQL, or not MySQL's. With `2>&1` or a TTY, a dump tool's complaints get into the file.
    _on(
        1064,
        sql=rb"\A\s*(?:\[?warning\]?|note|error|(?:mysql|mariadb)[\w-]*(?:\.exe)?):|\A\s*mysqldump\b",
        hint="remove the first line (`sed -i 1d FILE`), which is a message of the dump tool; "
        "2>/dev/null after the dump command keeps it out.",
    ),
    _on(
        1064,
        sql=rb"\A\s*enter password:",
        hint="remove `Enter password:` from the first line; 2>/dev/null after the dump command "
        "keeps it out.",
    ),
    _on(
        1064,
        1193,
        sql=rb"\A\s*(?:PRAGMA\b|BEGIN\s+TRANSACTION\b|COPY\s.*\bFROM\s+stdin"
        rb"|SET\s+(?:statement_timeout|lock_timeout|client_encoding|standard_conforming_strings)\b)",
        hint="convert the dump for MySQL first: it is one of PostgreSQL or SQLite.",
    ),
    _on(
        1049,
        words=r"database '\[",
        hint="convert the script for MySQL first: it is one of SQL Server.",
    ),
    _on(
        1064,
        sql=rb"\A\s*CREATE\s+TABLE\b[\s\S]*(?:\[dbo\]|\bIDENTITY\s*\(|\bVARCHAR2\b|\bNUMBER\s*\("
        rb"|\bAUTOINCREMENT\b)",
        hint="convert the script for MySQL first: it is one of SQL Server, Oracle or SQLite.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?::(?:setvar|on\s+error)\b|RAISERROR\b|PRINT\s|EXEC\s|BULK\s+INSERT\b"
        rb"|SET\s+(?:NOCOUNT|ANSI_\w+|QUOTED_IDENTIFIER|XACT_ABORT|IDENTITY_INSERT|DATEFORMAT)\b"
        rb"|IF\s+(?:NOT\s+)?EXISTS\s*\(\s*SELECT\b)|\[dbo\]|\bdbo\.|(?m:^[ \t]*GO[ \t]*\r?$)",
        hint="convert the script for MySQL first: it is one of SQL Server.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?:@@?[A-Za-z]|PROMPT\b|REM\b|SPOOL\b|WHENEVER\s+SQLERROR\b"
        rb"|SET\s+(?:DEFINE|SERVEROUTPUT|ECHO|TERMOUT|FEEDBACK|HEADING|SCAN|VERIFY)\b"
        rb"|CREATE\s+(?:OR\s+REPLACE\s+)?(?:PACKAGE|SYNONYM|PUBLIC\s+SYNONYM)\b)",
        is_foreign=False,
        hint="convert the script for MySQL first: it is one of Oracle.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?:CREATE\s+(?:EXTENSION|DOMAIN|TYPE)\b|ALTER\s+TABLE\s+ONLY\b"
        rb"|COMMENT\s+ON\b|CREATE\s+TABLE\s+(?:public\.|\"public\"))|\bnextval\s*\(\s*'|::\s*\w|\bOWNER\s+TO\b"
        rb"|\bLANGUAGE\s+'?(?:plpgsql|sql)\b'?\s*;?\s*\Z|\bWITH(?:OUT)?\s+TIME\s+ZONE\b",
        hint="convert the script for MySQL first: it is one of PostgreSQL or Oracle.",
    ),
    _on(
        1064,
        flavour="mysql",
        sql=rb"\A\s*(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?SEQUENCE\b",
        is_foreign=False,
        hint="load it into MariaDB (`sidecar-magics up --flavour mariadb` starts one): MySQL has "
        "no sequences; or convert it first, if it is one of PostgreSQL or Oracle.",
    ),
    # Typed or copied by a person.
    _on(
        1064,
        words=_AT_THE_END,
        sql=rb"\A\s*CREATE\b[\s\S]*\b(?:PROCEDURE|FUNCTION|TRIGGER|EVENT)\b[\s\S]*"
        rb"\b(?:BEGIN|IF|CASE|LOOP|WHILE|REPEAT)\b",
        hint="write DELIMITER // in a line before the CREATE, // after its END, and DELIMITER ; "
        "in a line after that: a semicolon within it ended it.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?:mysql|mariadb [\[(][^\n]{0,64}[\])])>",
        hint="remove the prompts (`mysql>`, `->`) and the answers, which were copied from a "
        "terminal.",
    ),
    _on(
        1064,
        sql=rb"\A\s*--[^\s-]",
        hint="write a blank after the two dashes: without one they begin no comment.",
    ),
    _on(1064, sql=rb"\A\s*```", hint="remove the lines with ```, which are Markdown."),
    _on(
        1064,
        sql=rb"\A\s*%",
        hint="remove the line with the magic (%): a script has SQL only.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?:sudo\s|docker\s|\$\s|!|(?:\S*/)?(?:mysql|mariadb)[\w-]*(?:\.exe)?\s+[-<])",
        hint="remove the shell's commands: a script has SQL only; %mysql_load FILE loads a file.",
    ),
    _on(
        1064,
        sql=rb"\A\s*(?:import\s+\w|from\s+[\w.]+\s+import\b|print\s*\(|\w+\s*=\s*\w|(?:dj|pd)\.)",
        hint="write the Python into a cell of its own: below %%mysql_load is SQL only.",
        is_typed=True,
    ),
    _on(
        1064,
        name=r"\.[ct]sv(?:\.\w+)?\Z",
        hint="load it with pandas.read_csv and DataFrame.to_sql: it is a table, not SQL.",
    ),
    _on(
        1064,
        words=rf"near '(?P<verb>{_VERBS})\b",
        sql=rb"\n\s*" + f"(?:{_VERBS})".encode() + rb"\b",
        hint="write a semicolon (;) before the {verb} that the message names: another statement "
        "begins there.",
    ),
    _on(
        1054,
        1064,
        words=_TYPOGRAPHIC,
        hint="write straight quotes (') in place of the typographic quotes.",
    ),
    _on(
        1064,
        words=_INVISIBLE,
        hint="remove the invisible character at the place that the message names: a word "
        "processor or a web page put it there.",
    ),
    _on(
        1064,
        is_foreign=False,
        hint="correct the syntax of the statement at the place that the message names.",
    ),
    _on(
        1064,
        hint="load it into the kind and version of server that made the dump "
        "(`sidecar-magics up --flavour mysql` or `mariadb` starts one).",
    ),
    # Rights and accounts.
    _on(
        1227,
        sql=rb"\bDEFINER\b",
        hint="add --skip-definer: the script's objects then belong to your account.",
    ),
    _on(
        1227,
        1193,
        sql=rb"gtid|sql_log_bin",
        hint="dump again with `mysqldump --set-gtid-purged=OFF`, or continue without the "
        "statement: --force.",
    ),
    _on(
        1227,
        sql=rb"\A\s*(?:/\*M?!\d*\s*)?SET\b",
        hint=f"{_OTHER_ACCOUNT}, or continue without the statement: --force.",
    ),
    _on(
        1044,
        1045,
        1142,
        1143,
        1227,
        1370,
        hint=f"{_OTHER_ACCOUNT}; %mysql_wait --show says which one is used.",
    ),
    _on(1959, sql=rb"\bDEFINER\b", hint="add --skip-definer: this DEFINER names no account."),
    _on(1449, hint="add --skip-definer, or create the DEFINER's account first."),
    _on(
        1356,
        hint="load the dump that has the view again, with --skip-definer if the DEFINER's account "
        "is missing, and with all tables that the view uses.",
    ),
    _on(
        1133,
        1410,
        hint="create the account first, with CREATE USER: GRANT creates none.",
    ),
    _on(1396, sql=rb"\bDROP\b", hint="write DROP USER IF EXISTS, or continue after it: --force."),
    _on(1396, sql=rb"\bCREATE\b", hint="write CREATE USER IF NOT EXISTS: the account exists."),
    _on(1396, hint="create the account first, with CREATE USER."),
    _on(
        1524,
        flavour="mysql",
        hint="create the account with a plugin that the server has: write IDENTIFIED WITH "
        "caching_sha2_password.",
    ),
    _on(
        1524,
        hint="create the account with a plugin that the server has: write IDENTIFIED VIA "
        "mysql_native_password.",
    ),
    _on(
        1418,
        1419,
        hint='add --init "SET GLOBAL log_bin_trust_function_creators=1", which takes an '
        "administrator's account.",
    ),
    _on(
        1290,
        words="secure.file.priv",
        hint="write LOAD DATA LOCAL INFILE and add --allow-local-infile: the server reads files "
        "in one folder of its own only.",
    ),
    _on(
        1290,
        words="read.only",
        hint="load into the server that this one replicates: this one only reads.",
    ),
    _on(
        1148,
        3948,
        4166,
        hint='add --allow-local-infile --init "SET GLOBAL local_infile=1", the latter as an '
        "administrator.",
    ),
    # Schemas, tables and other objects.
    _on(1007, hint="drop the schema first, or write CREATE DATABASE IF NOT EXISTS."),
    _on(1008, hint="write DROP DATABASE IF EXISTS."),
    _on(1046, hint="choose a schema: add --database NAME, or --into NAME to create it."),
    _on(
        1049,
        hint="create the schema: add --into NAME, or dump with `mysqldump --databases`.",
    ),
    _on(
        1050,
        hint="drop the table or its schema first, or add --into NAME for an empty schema; with "
        "--once from the first load on, a script is not loaded twice.",
    ),
    _on(1051, hint="write DROP TABLE IF EXISTS."),
    _on(
        1146,
        hint="check that the dump has this table, and choose its schema: --database NAME.",
    ),
    _on(
        1304,
        1359,
        1537,
        hint="drop it first: dump with `mysqldump --add-drop-trigger --routines`.",
    ),
    _on(
        1305,
        flavour="mariadb",
        words=r"function (?:\S*\.)?(?:regexp_like|any_value|bin_to_uuid|uuid_to_bin|is_uuid"
        r"|grouping|json_pretty|json_storage_size|json_storage_free|st_latitude|st_longitude)\b",
        hint="load it into MySQL (`sidecar-magics up --flavour mysql` starts one): MariaDB lacks "
        "this function.",
    ),
    _on(
        1305,
        flavour="mysql",
        words=r"function (?:\S*\.)?(?:nvl2?|median|json_detailed|json_compact|json_loose"
        r"|json_exists|json_query|to_char|add_months|natural_sort_key|sformat|chr|lengthb|nextval|lastval"
        r"|setval)\b",
        hint="load it into MariaDB (`sidecar-magics up --flavour mariadb` starts one): MySQL lacks "
        "this function.",
    ),
    _on(1305, hint="load the routine first: dump with `mysqldump --routines`."),
    _on(1728, hint="start a new server: the system tables of this one are damaged."),
    # Rows.
    _on(
        1062,
        hint="drop the table or schema first, if the script was loaded before; with --once from "
        "then on, it is not loaded twice.",
    ),
    _on(
        1366,
        words="string value",
        hint='name the script\'s character set, for instance --init "SET NAMES latin1".',
    ),
    _on(1067, 1292, words=_ZERO_DATE, hint=_ZERO_DATES + _OWN_MODE + "."),
    _on(
        1264,
        1265,
        1292,
        1364,
        1366,
        1406,
        hint=f"allow such values, as a non-strict server does: {_NOT_STRICT}{_OWN_MODE}.",
    ),
    _on(
        1906,
        3105,
        flavour="mariadb",
        hint=f"leave the values of generated columns out: {_NOT_STRICT}{_OWN_MODE}.",
    ),
    _on(
        1906,
        3105,
        hint="dump again with MySQL's own mysqldump, which leaves generated columns out, or write "
        "DEFAULT in place of their values.",
    ),
    _on(4025, hint='add --init "SET check_constraint_checks=0".'),
    _on(3819, hint="correct the row, or write NOT ENFORCED after the CHECK of the table."),
    _on(
        1153,
        1301,
        hint="run SET GLOBAL max_allowed_packet=1073741824 as an administrator, then load again.",
    ),
    # Foreign keys.
    _on(
        1217,
        1451,
        1452,
        1701,
        3730,
        hint=f"load without checks of foreign keys: {_NO_FOREIGN_KEYS}.",
    ),
    _on(1824, hint=f"load tables in any order: {_NO_FOREIGN_KEYS}."),
    _on(
        1005,
        words=r"errno:? 150",
        hint=f"load tables in any order: {_NO_FOREIGN_KEYS}; if it stays, give both columns one "
        "type and the parent's an index.",
    ),
    _on(
        3780,
        hint="give the column and the one that it refers to the same type and character set.",
    ),
    _on(6125, hint='add --init "SET restrict_fk_on_non_standard_key=OFF".'),
    _on(1215, 1822, hint="add an index on the columns that the foreign key refers to."),
    # Definitions.
    _on(
        1273,
        hint="add --collation-map nearest, which takes the collation that is most like it.",
    ),
    _on(
        1115,
        hint="load it into MySQL 8 or newer: `sidecar-magics up --flavour mysql` starts one.",
    ),
    _on(
        1071,
        1709,
        hint="remove ROW_FORMAT from the table's definition (COMPACT allows keys of 767 bytes), or "
        "shorten the key.",
    ),
    _on(
        1118,
        words=r"65,?535",
        hint="write TEXT or BLOB for some columns: the others of a row have 65,535 bytes at most.",
    ),
    _on(
        1005,
        1031,
        1118,
        1478,
        hint='add --init "SET innodb_strict_mode=OFF", or write ROW_FORMAT=DYNAMIC.',
    ),
    _on(
        1101,
        hint="write the default as an expression, DEFAULT ('x'), or load it into MariaDB, which "
        "allows it: `sidecar-magics up --flavour mariadb`.",
    ),
    _on(1214, hint="write ENGINE=InnoDB, which has FULLTEXT indexes."),
    _on(
        1286,
        hint="take the default engine instead: add --init \"SET sql_mode='STRICT_TRANS_TABLES'\""
        f"{_OWN_MODE}.",
    ),
    # Variables.
    _on(
        1231,
        words="sql_mode",
        hint="remove the mode that the server lacks (`sed -i 's/NO_AUTO_CREATE_USER,*//' FILE`), "
        "or continue with the mode as it is: --force.",
    ),
    _on(
        1193,
        1231,
        1238,
        hint="remove the SET, or continue without it: --force.",
    ),
    _on(
        1298,
        hint="write the offset, SET time_zone='+01:00', or load the names of time zones: "
        "`mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root -p mysql`.",
    ),
    _on(3546, hint="dump again with `mysqldump --set-gtid-purged=OFF`."),
    # The server, and its other users.
    _on(1040, hint="close other notebooks' kernels, or raise the server's max_connections."),
    _on(1114, hint="free space on the server's disk, then load again."),
    _on(1205, hint="end other notebooks' transactions, then load again."),
    _on(1213, hint="load again when no other connection changes these tables."),
    _on(4161, hint="load it into the kind of server that made the dump."),
)

RULES = _TYPED_RULES + _FILE_RULES

# Hints for a warning or a note that matters only after the load.
WARNING_HINTS = {1449: "load again with --skip-definer, else no account can use this object"}


def hint_for(refusal: Refusal) -> str:
    """Return the next step for an error of a server, or an empty text."""
    return next((rule.named(refusal) for rule in RULES if rule.fits(refusal)), "")
