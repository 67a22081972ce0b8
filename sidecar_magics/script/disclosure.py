"""Decide how much of a statement to show: its text only if that cannot hold a secret.

Statements hold passwords in more ways than a list could have: ``IDENTIFIED BY``, ``WITH plugin AS
hash``, the text of a PREPARE, a federated table's ``CONNECTION``, the argument of a function, the
body of an event. So we do not search for secrets and mask them. We show a statement if its kind has
no place for a secret, and otherwise only its verb and its object's name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .classify import Classification, Kind, classify
from .rows import literal_rows
from .tokens import Shape, Token, tokens

EXCERPT_BYTES = 120
CUT = " …"
# Longer statements are rows; of any other one that long, only the beginning is looked at.
_LONGEST_BYTES = 1 << 16
_HEAD_BYTES = 2000
_HEAD_TOKENS = 64


class Shown(NamedTuple):
    """The beginning of a statement on one line.

    Attributes
    ----------
    text : str
        As in the script, or ``CREATE USER bob …``.
    is_open : bool
        The whole statement has no secret, so we can show the server's words on it, too.
    """

    text: str
    is_open: bool


# Words near a secret, wherever they occur: in a string or a comment, too, as a
# statement may be the text of another one. ENCRYPTION='N' stands in each dump of MySQL 8.
_SUSPICIOUS = re.compile(
    rb"""passw | passphrase | \bpass\b | pwd | \bpw\b | identified | secret | credential | token
      | api_?key | private_?key | access_?key | auth | keyring | decrypt | attribute | option_list
      | encrypt(?!ion\s*=?\s*['"][YN]['"]) | \b(?:en|de)code\b | \b(?:md5|sha[12]?)\s*\(
      | \bconnection\b | :// | := | \bmysql[`"]?\s*\.
      | \b(?:mysql|mariadb)[\w-]*\s+-  # a line for a shell, with -pPASSWORD""",
    re.VERBOSE | re.IGNORECASE,
)
# Without a literal a table's column may well be called `password`.
_NAMES_COLUMNS = {Kind.TABLE, Kind.VIEW}
_HAS_LITERAL = re.compile(rb"""['"] | \b0[xXbB][0-9a-fA-F]+ | \$\w*\$""", re.VERBOSE)
# In these, a literal is data, a default or a comment. In all others it may be a secret.
_LITERALS_ARE_DATA = {Kind.SCHEMA, Kind.TABLE, Kind.VIEW, Kind.DATA}

SYSTEM_SCHEMA = "mysql"
# Tables of that schema that hold secrets: for rows of which the schema is not known.
_SECRET_TABLES = {"user", "global_priv", "servers", "slave_master_info", "password_history"}


def shown(sql: bytes, table: str | None = None) -> Shown:
    """Return as much of a statement as may be shown.

    Parameters
    ----------
    sql : bytes
        The statement, as the script has it.
    table : str, optional
        ``schema.table`` that it is about, where the default schema is known.

    Guarantees:
    - the text is at most some 120 bytes, on one line;
    - where `Shown.is_open` is false, the text has no literal of the statement in it, except for
      the name of an account or a server;
    - any bytes get an answer.
    """
    if may_show(sql, table):
        text = " ".join(sql[:EXCERPT_BYTES].decode("utf-8", "backslashreplace").split())
        return Shown(text + (CUT if len(sql) > EXCERPT_BYTES else ""), True)
    return Shown(_heading(sql)[:EXCERPT_BYTES] + CUT, False)


def may_show(sql: bytes, table: str | None = None) -> bool:
    """Return whether a statement can hold no secret; see `shown` for the parameters."""
    about = classify(sql)
    if about.kind is Kind.ACCOUNT or _is_system_table(about, table):
        return False
    if about.kind is Kind.DATA:
        rows = literal_rows(sql) or literal_rows(sql, no_backslash_escapes=True)
        if rows is not None:  # rows are data, whatever words they have
            return not _SUSPICIOUS.search(sql, 0, rows.begins)
    if len(sql) > _LONGEST_BYTES:
        return False
    # Where strings end depends on the session's sql_mode: a statement is open in both readings.
    return all(
        _may_show_parts(sql, about, no_backslash_escapes=verbatim) for verbatim in (False, True)
    )


def _may_show_parts(sql: bytes, about: Classification, *, no_backslash_escapes: bool) -> bool:
    """Return whether each of several statements, under one delimiter or in a body, is open."""
    if b";" not in sql:
        return _may_show_one(sql, about)
    found = tokens(sql, no_backslash_escapes=no_backslash_escapes)
    ends = [token.start for token in found if token.shape is Shape.SIGN and token.text == b";"]
    parts = [sql[a:b] for a, b in zip([0, *(end + 1 for end in ends)], [*ends, len(sql)])]
    each = [(part, classify(part)) for part in parts]
    return all(_may_show_one(*one) and not _is_system_table(one[1], None) for one in each[1:]) and (
        _may_show_one(*each[0])
    )


def _may_show_one(sql: bytes, about: Classification) -> bool:
    if about.kind is Kind.ACCOUNT:
        return False
    if about.kind is Kind.SESSION:
        return not _SUSPICIOUS.search(sql) and _sets_known_variables(sql)
    if not _HAS_LITERAL.search(sql):
        return about.kind in _NAMES_COLUMNS or not _SUSPICIOUS.search(sql)
    return about.kind in _LITERALS_ARE_DATA and not _SUSPICIOUS.search(sql)


def _is_system_table(about: Classification, table: str | None) -> bool:
    schema, _, name = (table or "").rpartition(".")
    schema, name = about.schema or schema, about.table or name
    if schema in ("", "?"):
        return about.kind is Kind.DATA and name.lower() in _SECRET_TABLES
    return schema.lower() == SYSTEM_SCHEMA and about.kind is not Kind.USE


# SET ---------------------------------------------------------------------------------------------

# Variables whose values are no secrets, whatever they are: those that dumps and people set.
_KNOWN_VARIABLES = re.compile(
    rb"""character_set_\w+ | collation_\w+ | sql_\w+ | (?:tx|transaction)_\w+ | gtid_\w+
      | binlog_\w+ | optimizer_\w+ | \w+_checks | \w*storage_engine | innodb_file_\w+
      | innodb_strict_mode | time_zone | timestamp | autocommit | lc_\w+ | default_table_\w+
      | default_collation\w* | local_infile | old_mode | note_verbosity | log_bin\w*
      | explicit_defaults_for_timestamp | session_track_\w+ | event_scheduler | unique_checks
      | \w+_length | \w+_len | \w+_timeout | \w+_size | max_\w+""",
    re.VERBOSE | re.IGNORECASE,
)
_SCOPES = {b"GLOBAL", b"SESSION", b"LOCAL", b"PERSIST", b"PERSIST_ONLY"}
_PLAIN_VALUE = re.compile(rb"[0-9]+|ON|OFF|TRUE|FALSE|NULL|DEFAULT", re.IGNORECASE)


def _sets_known_variables(sql: bytes) -> bool:
    """Return whether a SET gives nothing but harmless values, or values to harmless variables."""
    found = _words(sql)[1:]
    assignments: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += (token.text == b"(") - (token.text == b")")
        if token.text == b"," and token.shape is Shape.SIGN and depth == 0:
            assignments.append([])
        else:
            assignments[-1].append(token)
    return all(map(_is_harmless, assignments))


def _is_harmless(assignment: list[Token]) -> bool:
    texts = [token.text for token in assignment]
    if assignment and assignment[0].word in (b"NAMES", b"CHARSET", b"CHARACTER"):
        return True
    if b"=" not in texts:  # SET TRANSACTION and its like
        return not any(token.shape is Shape.TEXT for token in assignment)
    at = texts.index(b"=")
    value = assignment[at + 1 :]
    target = [token for token in assignment[:at] if token.text not in (b":", b".")]
    is_copied = bool(value) and value[0].text == b"@" and _only_names(value)
    is_users = texts[0] == b"@" and texts[1:2] != [b"@"]
    if is_users:
        return is_copied or [token.word for token in value] == [b"NULL"]
    names = [token.text for token in target if token.text != b"@" and token.word not in _SCOPES]
    if len(names) == 1 and _KNOWN_VARIABLES.fullmatch(names[0].strip(b"`")):
        return True
    return is_copied or (len(value) == 1 and bool(_PLAIN_VALUE.fullmatch(value[0].text)))


def _only_names(value: list[Token]) -> bool:
    return all(token.text in (b"@", b".") or token.shape is not Shape.SIGN for token in value) and (
        not any(token.shape is Shape.TEXT for token in value)
    )


# The verb and the object -------------------------------------------------------------------------

_DEFINES = {b"CREATE", b"ALTER", b"DROP", b"RENAME"}
_OBJECTS = set(
    b"""DATABASE SCHEMA TABLE INDEX VIEW TRIGGER EVENT PROCEDURE FUNCTION PACKAGE LIBRARY USER ROLE
    SERVER TABLESPACE LOGFILE RESOURCE REFERENCE INSTANCE SEQUENCE""".split()
)
# Words between a verb and the name of its object.
_FURTHER = {
    b"SET": _SCOPES | {b"PASSWORD", b"FOR", b"ROLE", b"DEFAULT", b"STATEMENT"},
    b"CHANGE": {b"MASTER", b"REPLICATION", b"SOURCE", b"FILTER", b"TO"},
    b"START": {b"SLAVE", b"REPLICA", b"GROUP_REPLICATION", b"TRANSACTION"},
    b"EXECUTE": {b"IMMEDIATE"},
    b"INSTALL": {b"PLUGIN", b"COMPONENT", b"SONAME"},
    b"DEALLOCATE": {b"PREPARE"},
    b"LOAD": {b"DATA", b"XML", b"INDEX"},
    b"SHOW": {b"CREATE", b"GRANTS", b"FOR"},
}
_NAMED = _DEFINES | {b"SET", b"PREPARE", b"DEALLOCATE", b"CALL", b"INSTALL", b"USE"}
# The names of these may stand in quotes that are a string's.
_QUOTED_NAMES = {b"USER", b"ROLE", b"SERVER", b"FOR", b"TO", b"FROM"}
_OTHER_VERBS = set(
    b"""SELECT DO WITH VALUES DESCRIBE DESC EXPLAIN HELP CHECKSUM BEGIN COMMIT ROLLBACK SAVEPOINT
    RELEASE XA LOCK UNLOCK FLUSH PURGE RESET STOP KILL UNINSTALL ANALYZE OPTIMIZE REPAIR CHECK
    BACKUP BINLOG CACHE CLONE HANDLER IMPORT RESTART SHUTDOWN SIGNAL RESIGNAL GET
    DELIMITER""".split()
)
_DATA_HEADS = {
    b"INSERT": "INSERT INTO",
    b"REPLACE": "REPLACE INTO",
    b"UPDATE": "UPDATE",
    b"DELETE": "DELETE FROM",
}


def _heading(sql: bytes) -> str:
    """Return a statement's verb and the name of its object: ``CREATE USER bob``."""
    about = classify(sql)
    found = _words(sql[:_HEAD_BYTES])
    verb = found[0].word if found else b""
    if verb in _DATA_HEADS:
        name = ".".join(part for part in (about.schema, about.table) if part)
        return f"{_DATA_HEADS[verb]} {name}"
    if verb in (b"GRANT", b"REVOKE"):
        return _text(verb) + _receiver(found)
    if verb not in _NAMED | _OTHER_VERBS | set(_FURTHER):
        return ""
    parts, at = [verb], 1
    if verb in _DEFINES:
        places = (n for n, token in enumerate(found[:_HEAD_TOKENS]) if token.word in _OBJECTS)
        at = next(places, len(found))
        parts += [token.word for token in found[at : at + 1]]
        at += 1
    while at < len(found) and found[at].word in _FURTHER.get(verb, ()):
        parts.append(found[at].word)
        at += 1
    name = ""
    if verb in _NAMED and parts[-1] != b"PASSWORD":  # what follows there may be one
        name = _name_at(found, at, may_be_text=parts[-1] in _QUOTED_NAMES)
    return " ".join([*map(_text, parts), *([name] if name else [])])


def _receiver(found: list[Token]) -> str:
    """Return the grantee, as words after GRANT or REVOKE."""
    for at, token in enumerate(found[:_HEAD_TOKENS]):
        if token.word in (b"TO", b"FROM"):
            name = _name_at(found, at + 1, may_be_text=True)
            return f"{CUT} {_text(token.word)} {name}" if name else ""
    return ""


def _name_at(found: list[Token], at: int, *, may_be_text: bool) -> str:
    """Return a name, with its schema or its host; of a variable with the signs in front of it."""
    while at < len(found) and found[at].word in (b"IF", b"NOT", b"EXISTS"):
        at += 1
    signs = ""
    while at < len(found) and found[at].text == b"@":
        signs, at = signs + "@", at + 1
    if at >= len(found) or not (may_be_text or found[at].name is not None):
        return ""
    name = _unquoted(found[at])
    if name is None:
        return ""
    rest = found[at + 1 : at + 3]
    if len(rest) == 2 and rest[0].text in (b".", b"@") and (rest[1].name or may_be_text):
        name += _text(rest[0].text) + (_unquoted(rest[1]) or "")
    return signs + name


def _unquoted(token: Token) -> str | None:
    if token.shape is Shape.TEXT:
        return _text(token.text[1:-1])
    return token.name


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _words(sql: bytes) -> list[Token]:
    """Return the tokens of a statement but for the ends of versioned comments."""
    return [token for token in tokens(sql) if token.shape not in (Shape.OPEN, Shape.CLOSE)]
