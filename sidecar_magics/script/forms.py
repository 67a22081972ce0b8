"""Recognise the exact forms of statements in dumps, by their whole text.

`classify` finds a statement's kind; these prove that it is no more than one form of that kind. Each
takes the statement as the server reads it (`versioned.effective`), and says no if it is not sure.
"""

from __future__ import annotations

import re

_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_TABLE = rb"%s(?:\s*\.\s*%s)?" % (_NAME, _NAME)


def _form(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\s*" + pattern.replace(b" ", rb"\s+"), re.IGNORECASE)


_CREATES = _form(rb"CREATE\b")
_MAY_DROP = re.compile(rb"\b(?:DROP|TRUNCATE|OR\s+REPLACE)\b", re.IGNORECASE)
_ROWS = _form(rb"(?:INSERT|REPLACE)\b")
_DROPS_SCHEMA = _form(rb"DROP (?:DATABASE|SCHEMA)\b")
_DROPS_TABLE = _form(rb"DROP TABLE (?:IF EXISTS )?%s\s*(?:RESTRICT|CASCADE)?\s*\Z" % _TABLE)
_DROPS_IF_EXISTS = _form(rb"DROP TABLE IF EXISTS\b")
_TEMPORARY = _form(rb"(?:CREATE|DROP|ALTER) (?:OR REPLACE )?TEMPORARY\b")
_SWITCHES_KEYS = _form(rb"ALTER TABLE %s (?:DISABLE|ENABLE) KEYS\s*\Z" % _TABLE)
_ADDS = _form(rb"ALTER TABLE %s (?:ADD|MODIFY|AUTO_INCREMENT)\b" % _TABLE)
_ALTERS = _form(rb"(?:ALTER TABLE|CREATE (?:UNIQUE |FULLTEXT |SPATIAL )?INDEX)\b")
_MORE_THAN_ADDS = re.compile(
    rb"\b(?:RENAME|EXCHANGE|PARTITION|ORDER\s+BY|DISCARD|IMPORT|DROP|FIRST)\b", re.IGNORECASE
)
_LOCKS_TABLE = _form(rb"LOCK TABLES? %s WRITE\s*\Z" % _TABLE)
_UNLOCKS = _form(rb"UNLOCK TABLES?\s*\Z")
_LOCKS_SERVER = _form(
    rb"(?:/\*M?!\d*\s*)?"
    rb"(?:FLUSH (?:(?:NO_WRITE_TO_BINLOG|LOCAL) )?TABLES WITH READ LOCK|BACKUP STAGE)\b"
)
_SETS_ROLE = _form(rb"SET ROLE\b")
_BEGINS = _form(rb"(?:BEGIN(?: WORK)?\s*\Z|START TRANSACTION\b)")
_CREATES_IN_TRANSACTION = re.compile(rb"\s*CREATE\b.*\bSTART\s+TRANSACTION\s*\Z", re.I | re.S)
_ENDS = _form(rb"(?:COMMIT|ROLLBACK)(?: WORK)?\s*\Z")
_COMMITS = _form(rb"COMMIT(?: WORK)?\s*\Z")
_ROLLS_BACK = _form(rb"ROLLBACK\b")
# A comma could begin another assignment; this does not know whether it is in quotes.
_SETS_USER_VARIABLE = _form(rb"SET @(?:[\w$.]+|`[^`]+`)\s*:?=[^,'\"`]*\Z")
_SWITCHES_AUTOCOMMIT = _form(
    rb"SET (?:@OLD_AUTOCOMMIT\s*=\s*@@AUTOCOMMIT\s*,\s*)?"
    rb"(?:@@)?(?:SESSION[ .])?AUTOCOMMIT\s*=\s*(?:[01]|ON|OFF|@OLD_AUTOCOMMIT)\s*\Z"
)
_SETS_AUTOCOMMIT = _form(
    rb"SET (?:(?:SESSION|LOCAL) |@@(?:(?:SESSION|LOCAL)\.)?)?"
    rb"AUTOCOMMIT\s*:?=\s*(?:(?P<on>1|ON)|0|OFF)\s*\Z"
)
_ASKS = _form(rb"(?:SELECT|SHOW|DESCRIBE|DESC|CHECKSUM|HELP)\b")
_MORE_THAN_ASKS = re.compile(rb":=|\bINTO\b|\(", re.IGNORECASE)


def creates(sql: bytes) -> bool:
    """Return whether a statement is a CREATE."""
    return bool(_CREATES.match(sql))


def may_drop(sql: bytes) -> bool:
    """Return whether a statement may drop something: it has such a word, maybe in a text."""
    only_rows = _ROWS.match(sql) and b";" not in sql
    return not only_rows and bool(_MAY_DROP.search(sql))


def drops_schema(sql: bytes) -> bool:
    """Return whether a statement drops a schema."""
    return bool(_DROPS_SCHEMA.match(sql))


def drops_one_table(sql: bytes) -> bool:
    """Return whether a statement drops a single table."""
    return bool(_DROPS_TABLE.match(sql))


def drops_if_exists(sql: bytes) -> bool:
    """Return whether a statement drops tables whether or not they are there."""
    return bool(_DROPS_IF_EXISTS.match(sql))


def is_about_temporary_table(sql: bytes) -> bool:
    """Return whether a statement creates or drops a table that only its own connection sees."""
    return bool(_TEMPORARY.match(sql))


def switches_keys(sql: bytes) -> bool:
    """Return whether a statement is ALTER TABLE ... DISABLE KEYS or ENABLE KEYS."""
    return bool(_SWITCHES_KEYS.match(sql))


def alters(sql: bytes) -> bool:
    """Return whether a statement alters a table: run twice, it may do more than once."""
    return bool(_ALTERS.match(sql))


def only_adds_to_table(sql: bytes) -> bool:
    """Return whether an ALTER TABLE only adds to a table, or modifies its columns."""
    return bool(_ADDS.match(sql)) and not _MORE_THAN_ADDS.search(sql)


def locks_one_table(sql: bytes) -> bool:
    """Return whether a statement locks a single table for writing, as mysqldump does."""
    return bool(_LOCKS_TABLE.match(sql))


def unlocks(sql: bytes) -> bool:
    """Return whether a statement is UNLOCK TABLES."""
    return bool(_UNLOCKS.match(sql))


def locks_server(sql: bytes) -> bool:
    """Return whether a statement locks all tables, those of the journal too, for all others."""
    return bool(_LOCKS_SERVER.match(sql))


def sets_role(sql: bytes) -> bool:
    """Return whether a statement gives its session other rights."""
    return bool(_SETS_ROLE.match(sql))


def begins_transaction(sql: bytes) -> bool:
    """Return whether a statement begins a transaction."""
    return bool(_BEGINS.match(sql))


def creates_in_transaction(sql: bytes) -> bool:
    """Return whether a statement is CREATE TABLE ... START TRANSACTION.

    It leaves a transaction open, in which a server takes nothing but COMMIT and ROLLBACK (3977).
    """
    return bool(_CREATES_IN_TRANSACTION.match(sql))


def ends_transaction(sql: bytes) -> bool:
    """Return whether a statement is a plain COMMIT or ROLLBACK."""
    return bool(_ENDS.match(sql))


def commits(sql: bytes) -> bool:
    """Return whether a statement is a plain COMMIT."""
    return bool(_COMMITS.match(sql))


def rolls_back(sql: bytes) -> bool:
    """Return whether a statement is a ROLLBACK, of all or to a savepoint."""
    return bool(_ROLLS_BACK.match(sql))


def switches_autocommit(sql: bytes) -> bool:
    """Return whether a statement does nothing but set autocommit, as a dump's maker writes it."""
    return bool(_SWITCHES_AUTOCOMMIT.match(sql))


def sets_autocommit(sql: bytes) -> bool | None:
    """Return whether a SET switches autocommit on; None if it does more, or something else."""
    found = _SETS_AUTOCOMMIT.match(sql)
    return None if found is None else found["on"] is not None


def sets_user_variable(sql: bytes) -> bool:
    """Return whether a statement does nothing but give one of the user's variables a value."""
    return bool(_SETS_USER_VARIABLE.match(sql))


def only_asks(sql: bytes) -> bool:
    """Return whether a statement is a question that leaves its session as it is.

    A function may do anything (GET_LOCK, LAST_INSERT_ID(7)), so none may be in it.
    """
    return bool(_ASKS.match(sql)) and not _MORE_THAN_ASKS.search(sql)
