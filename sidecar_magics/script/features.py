"""Features of MySQL 8 and 9 that MariaDB refuses, or understands differently.

We rewrite none of them: the list shows which statements to change before the load, or which will
act differently after it. Collations are in `substitutes`. Checked with MariaDB 10.11
(tests/integration/test_rewrite.py): later versions have more of them, such as VECTOR since 11.7.

Source: "Incompatibilities and Feature Differences Between MariaDB and MySQL 8.0", MariaDB
Knowledge Base.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .classify import Kind, classify
from .insertion import read_insertion
from .tokens import Shape, Token, tokens

# MariaDB takes these numbers of versioned comments for MySQL's alone.
_MYSQL_ONLY = re.compile(rb"/\*!(?:507\d\d|50[89]\d\d|5[1-9]\d{3}|[6-9]\d{4})")


class Feature(NamedTuple):
    """A feature that MariaDB lacks or treats differently.

    Attributes
    ----------
    name : str
        Its name.
    stops : bool
        MariaDB refuses the statement; False if it takes it, with another meaning.
    effect : str
        Its effect on MariaDB, in one phrase.
    """

    name: str
    stops: bool
    effect: str


class _Rule(NamedTuple):
    feature: Feature
    pattern: re.Pattern[bytes]
    kinds: frozenset[Kind]
    hidden: bool = False  # to be looked for in comments that MariaDB leaves out


def features(
    sql: bytes, *, ansi_quotes: bool = False, no_backslash_escapes: bool = False
) -> list[Feature]:
    """List the features of a MySQL 8 or 9 statement that MariaDB lacks or treats differently.

    Guarantees:
    - texts, quoted names, plain comments and rows do not count.
    """
    if read_insertion(sql):
        return []
    kind = classify(sql).kind
    rules = [rule for rule in _RULES if kind in rule.kinds]
    if not rules:
        return []
    statement = tokens(sql, ansi_quotes=ansi_quotes, no_backslash_escapes=no_backslash_escapes)
    shown, hidden = _outlines(statement)
    return [rule.feature for rule in rules if rule.pattern.search(hidden if rule.hidden else shown)]


def _outlines(statement: list[Token]) -> tuple[bytes, bytes]:
    """Return the statement's words and signs: those that MariaDB sees, and those it leaves out.

    A text becomes ``''`` and a quoted name ``n``; there is a blank after each.
    """
    shown: list[bytes] = []
    hidden: list[bytes] = []
    skips = False
    for token in statement:
        if token.shape is Shape.OPEN:
            skips = bool(_MYSQL_ONLY.fullmatch(token.text))
        elif token.shape is Shape.CLOSE:
            skips = False
        else:
            outline = {Shape.TEXT: b"''", Shape.NAME: b"n"}.get(token.shape, token.text.upper())
            (hidden if skips else shown).append(outline)
    return b" ".join(shown), b" ".join(hidden)


_TABLE = frozenset({Kind.TABLE})
_SCHEMA = frozenset({Kind.SCHEMA})
_ACCOUNT = frozenset({Kind.ACCOUNT})
_SETTING = frozenset({Kind.SESSION})
_OTHER = frozenset({Kind.OTHER, Kind.TABLE, Kind.LOCK})
_QUERIES = frozenset({Kind.VIEW, Kind.ROUTINE, Kind.TRIGGER, Kind.EVENT, Kind.QUERY, Kind.DATA})
_NEW_PRIVILEGES = (
    rb"(?:APPLICATION_PASSWORD_ADMIN|AUDIT_ADMIN|AUDIT_ABORT_EXEMPT|AUTHENTICATION_POLICY_ADMIN"
    rb"|BACKUP_ADMIN|BINLOG_ENCRYPTION_ADMIN|CLONE_ADMIN|CREATE ROLE|DROP ROLE"
    rb"|ENCRYPTION_KEY_ADMIN|FIREWALL_EXEMPT|FLUSH_\w+|GROUP_REPLICATION_\w+|INNODB_REDO_LOG_\w+"
    rb"|PASSWORDLESS_USER_ADMIN|PERSIST_RO_VARIABLES_ADMIN|REPLICATION_APPLIER"
    rb"|REPLICATION_SLAVE_ADMIN|RESOURCE_GROUP_\w+|ROLE_ADMIN|SENSITIVE_VARIABLES_OBSERVER"
    rb"|SERVICE_CONNECTION_ADMIN|SESSION_VARIABLES_ADMIN|SET_USER_ID|SET_ANY_DEFINER"
    rb"|SHOW_ROUTINE|SYSTEM_USER|SYSTEM_VARIABLES_ADMIN|TABLE_ENCRYPTION_ADMIN"
    rb"|TELEMETRY_LOG_ADMIN|TRANSACTION_GTID_TAG|XA_RECOVER_ADMIN|ALLOW_NONEXISTENT_DEFINER"
    rb"|OPTIMIZE_LOCAL_TABLE)"
)
_LACKED_FUNCTIONS = (
    rb"(?:REGEXP_LIKE|BIN_TO_UUID|UUID_TO_BIN|ANY_VALUE|GROUPING|JSON_STORAGE_SIZE"
    rb"|JSON_STORAGE_FREE|ST_LATITUDE|ST_LONGITUDE|ST_TRANSFORM|IS_UUID|STATEMENT_DIGEST)"
)
_LACKED_VARIABLES = (
    rb"(?:GTID_PURGED|GTID_NEXT|SESSION_TRACK_GTIDS|SQL_REQUIRE_PRIMARY_KEY"
    rb"|INFORMATION_SCHEMA_STATS_EXPIRY|SQL_GENERATE_INVISIBLE_PRIMARY_KEY"
    rb"|DEFAULT_COLLATION_FOR_UTF8MB4|SHOW_CREATE_TABLE_SKIP_SECONDARY_ENGINE"
    rb"|SHOW_CREATE_TABLE_VERBOSITY|RESTRICT_FK_ON_NON_STANDARD_KEY)"
)


def _stops(
    name: str, pattern: bytes, kinds: frozenset[Kind], effect: str = "a syntax error (1064)"
) -> _Rule:
    return _Rule(Feature(name, True, effect), re.compile(pattern), kinds)


def _differs(
    name: str, pattern: bytes, kinds: frozenset[Kind], effect: str, *, hidden: bool = True
) -> _Rule:
    return _Rule(Feature(name, False, effect), re.compile(pattern), kinds, hidden)


_RULES = (
    _stops("DEFAULT ENCRYPTION", rb"\bENCRYPTION\b", _SCHEMA),
    _stops("functional key part", rb"\b(?:KEY|INDEX)(?: (?!ON\b)\w+)? (?:ON \w+ )?\( \(", _TABLE),
    _stops(
        "invisible index",
        rb"\b(?:KEY|INDEX) (?:[^(]+ )?\( [^()]+(?: \([^()]*\)[^()]*)*\)"
        rb"(?: USING \w+)? INVISIBLE\b",
        _TABLE,
    ),
    _stops("SRID of a column", rb"\bSRID \d", _TABLE),
    _stops("ENFORCED", rb"\) (?:NOT )?ENFORCED\b", _TABLE),
    _stops(
        "an option of MySQL's tables",
        rb"\b(?:ENCRYPTION|COMPRESSION|SECONDARY_ENGINE) (?:= )?(?:''|NULL|\w+)",
        _TABLE,
        "an unknown option (1911)",
    ),
    _stops("ENGINE_ATTRIBUTE", rb"\bENGINE_ATTRIBUTE (?:= )?''", _TABLE),
    _stops("AUTOEXTEND_SIZE", rb"\bAUTOEXTEND_SIZE\b", _TABLE),
    _stops(
        "COLUMN_FORMAT, STORAGE", rb"\b(?:COLUMN_FORMAT|STORAGE) (?:FIXED|DYNAMIC|DISK)", _TABLE
    ),
    _stops("VECTOR", rb"\bVECTOR \(", _TABLE, "an unknown type before 11.7 (4161)"),
    _stops("START TRANSACTION of a table", rb"\bSTART TRANSACTION\b", _TABLE),
    _stops("the ngram parser", rb"\bWITH PARSER\b", _TABLE, "a parser that is not there (1128)"),
    _stops("a JSON operator, -> or ->>", rb"- > (?:> )?''", _QUERIES | _TABLE),
    _stops("MEMBER OF", rb"\bMEMBER (?:OF )?\(", _QUERIES | _TABLE),
    _stops("LATERAL", rb"\bLATERAL \(", _QUERIES),
    _stops("RETURNING of JSON_VALUE", rb"\bJSON_VALUE \(.* RETURNING\b", _QUERIES | _TABLE),
    _stops("CAST to a type of MySQL's", rb"\bAS (?:JSON|YEAR|POINT)\b(?! [.(])", _QUERIES | _TABLE),
    _stops("VALUES ROW", rb"\bVALUES ROW \(", _QUERIES),
    _stops("a routine in another language", rb"\bLANGUAGE (?!SQL\b)\w+", frozenset({Kind.ROUTINE})),
    _stops(
        "a function of MySQL's",
        rb"\b%s \(" % _LACKED_FUNCTIONS,
        frozenset({Kind.VIEW, Kind.TABLE, Kind.QUERY, Kind.DATA}),
        "a function that is not there (1305)",
    ),
    _differs(
        "a function of MySQL's in a body",
        rb"\b%s \(" % _LACKED_FUNCTIONS,
        frozenset({Kind.ROUTINE, Kind.TRIGGER, Kind.EVENT}),
        "created, but fails when it runs (1305)",
        hidden=False,
    ),
    _stops(
        "a variable of MySQL's",
        # Not one of the user's own, which has a single @ in front.
        rb"(?<!(?<!@ )@ )\b%s (?:: )?=" % _LACKED_VARIABLES,
        _SETTING,
        "an unknown variable (1193)",
    ),
    _stops("SET PERSIST", rb"^SET (?:@ @ )?PERSIST(?:_ONLY)?\b", _SETTING),
    _stops(
        "an account's plugin",
        rb"\bIDENTIFIED WITH (?:n|''|\w+)",
        _ACCOUNT,
        "a plugin that MariaDB may lack (1524), or a syntax error (1064)",
    ),
    _stops("DEFAULT ROLE of an account", rb"^(?:CREATE|ALTER) USER .*\bDEFAULT ROLE\b", _ACCOUNT),
    _stops("SET DEFAULT ROLE ... TO", rb"^SET DEFAULT ROLE .* TO ", _ACCOUNT),
    _stops(
        "an account's options",
        rb"^(?:CREATE|ALTER) USER .*\b(?:PASSWORD (?:HISTORY|REUSE|REQUIRE)|RANDOM PASSWORD"
        rb"|FAILED_LOGIN_ATTEMPTS|ATTRIBUTE ''|COMMENT '')",
        _ACCOUNT,
    ),
    _stops("a privilege of MySQL's", rb"^GRANT (?:.* )?%s\b.* ON " % _NEW_PRIVILEGES, _ACCOUNT),
    _stops(
        "a statement that MariaDB does not know",
        rb"^(?:(?:CREATE|DROP) (?:OR REPLACE )?SPATIAL REFERENCE|(?:CREATE|ALTER|DROP) (?:UNDO "
        rb"TABLESPACE|RESOURCE GROUP)|ALTER INSTANCE|(?:UN)?LOCK INSTANCE)",
        _OTHER,
    ),
    _differs("INVISIBLE", rb"\bINVISIBLE\b", _TABLE, "it is visible"),
    _differs("SRID of a column", rb"\bSRID\b", _TABLE, "any SRID is taken"),
    _differs("NOT ENFORCED", rb"\bNOT ENFORCED\b", _TABLE, "the check is enforced"),
    _differs("ENCRYPTION", rb"(?<!DEFAULT )\bENCRYPTION\b", _TABLE, "it is left out"),
    _differs(
        "JSON",
        rb"(?<![,(] )(?<!AS )\bJSON\b",
        _TABLE,
        "stored and compared as text",
        hidden=False,
    ),
)
