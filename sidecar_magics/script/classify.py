"""Classify a statement by its first words: session, schema, table, data, routine and so on.

It reads only as much of a statement as it needs: a row of a megabyte costs no more than a short
one. This is not a parser: its answers are for reports, for grouping and for questions to the
server, never the only guard against a statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """The kind of object that a statement works on."""

    SESSION = "session"
    USE = "use"
    SCHEMA = "schema"
    TABLE = "table"
    DATA = "data"
    ROUTINE = "routine"
    TRIGGER = "trigger"
    EVENT = "event"
    VIEW = "view"
    ACCOUNT = "account"
    TRANSACTION = "transaction"
    LOCK = "lock"
    QUERY = "query"
    OTHER = "other"


class Classification(NamedTuple):
    """A statement's kind, and the schema and table it names, without quotes, None if it doesn't.

    A trigger's table is the one it watches; an index's the one it is on. Of several tables it is
    the first.
    """

    kind: Kind
    schema: str | None = None
    table: str | None = None


_PLAIN_COMMENT = rb"/\*(?!M?!).*?\*/ | (?:\# | --(?=[\x00-\x20\x7f])) [^\n]*"

# Both ends of versioned comments are skipped as white space is: their content counts. The pattern
# matches wherever it is tried, at the end with an empty token, so that it never turns back.
_TOKEN = re.compile(
    rb"""
    (?: \s+ | /\*M?![0-9]{0,6} | \*/ | %s )*
    ( `(?:[^`]|``)*` | "(?:[^"]|"")*" | '[^']*' | [\w$\x80-\xff]+ | . | \Z )
    """
    % _PLAIN_COMMENT,
    re.VERBOSE | re.DOTALL,
)
_FARTHEST_TOKEN = 64
"""How many tokens to look at for the word that decides."""

# The beginning of most statements of a dump: one that matches need not be read word by word.
_PLAIN_NAME = rb"(?: `[^`]+` | [\w$\x80-\xff]+ )"
_ROWS_HEAD = re.compile(
    rb"""
    (?: INSERT | REPLACE | UPDATE | DELETE ) \s+ (?: (?: IGNORE | INTO | FROM ) \s+ )*
    ( %s ) (?: \. ( %s ) )? (?= \( | \s+ [(a-zA-Z`] )
    """
    % (_PLAIN_NAME, _PLAIN_NAME),
    re.VERBOSE | re.IGNORECASE,
)

_LEAD = re.compile(rb"(?: \s+ | %s )*" % _PLAIN_COMMENT, re.VERBOSE | re.DOTALL)
_VERSIONED = re.compile(rb"/\*M?!")
_BEGINS_LIKE_LOAD = re.compile(rb"[^A-KM-Za-km-z]")
_LOCAL_FILE_WORDS = [
    re.compile(rb"(?<![A-Z_$])(?:%s)\b" % word, re.IGNORECASE)
    for word in (b"LOAD", b"DATA|XML", b"LOCAL", b"INFILE")
]

_FIRST_WORDS = {
    b"BEGIN": Kind.TRANSACTION,
    b"COMMIT": Kind.TRANSACTION,
    b"ROLLBACK": Kind.TRANSACTION,
    b"SAVEPOINT": Kind.TRANSACTION,
    b"RELEASE": Kind.TRANSACTION,
    b"XA": Kind.TRANSACTION,
    b"LOCK": Kind.LOCK,
    b"UNLOCK": Kind.LOCK,
    b"GRANT": Kind.ACCOUNT,
    b"REVOKE": Kind.ACCOUNT,
    **dict.fromkeys(
        b"SELECT SHOW CALL WITH VALUES TABLE DESCRIBE DESC EXPLAIN DO HELP CHECKSUM".split(),
        Kind.QUERY,
    ),
}
_OBJECTS = {
    b"DATABASE": Kind.SCHEMA,
    b"SCHEMA": Kind.SCHEMA,
    b"TABLE": Kind.TABLE,
    b"INDEX": Kind.TABLE,
    b"VIEW": Kind.VIEW,
    b"TRIGGER": Kind.TRIGGER,
    b"EVENT": Kind.EVENT,
    b"PROCEDURE": Kind.ROUTINE,
    b"FUNCTION": Kind.ROUTINE,
    b"PACKAGE": Kind.ROUTINE,
    b"LIBRARY": Kind.ROUTINE,
    b"USER": Kind.ACCOUNT,
    b"ROLE": Kind.ACCOUNT,
    # Their options use the words above.
    **dict.fromkeys(b"SERVER TABLESPACE LOGFILE RESOURCE REFERENCE INSTANCE".split(), Kind.OTHER),
}
_SCHEMA_OPTIONS = b"DEFAULT CHARACTER CHARSET COLLATE".split()
_DATA_NOISE = b"LOW_PRIORITY DELAYED HIGH_PRIORITY QUICK IGNORE INTO FROM".split()


def classify(sql: bytes) -> Classification:
    """Classify one statement by its first words.

    Guarantees:
    - comments in front of and between the words are skipped, versioned ones are looked into;
    - the words count in any case, quoted names never count as words;
    - any bytes get an answer; those that are no SQL are `Kind.OTHER`;
    - the time taken does not depend on how long the statement continues after its names.
    """
    head = _ROWS_HEAD.match(sql)
    if head and head[1].upper() not in _DATA_NOISE:
        first, second = head.groups()
        if second is None:
            return Classification(Kind.DATA, None, _unquoted(first))
        return Classification(Kind.DATA, _unquoted(first), _unquoted(second))
    reader = _Reader(sql)
    reader.skip(b"(")
    first = reader.take()
    if first in _BY_MORE:
        return _BY_MORE[first](reader)
    return Classification(_FIRST_WORDS.get(first, Kind.OTHER))


def first_word(sql: bytes) -> bytes:
    """Return a statement's first word in capitals; b"" if there is none."""
    return _Reader(sql).word()


def reads_local_file(sql: bytes) -> bool:
    """Return whether a statement asks the client to send it one of its files.

    That is LOAD DATA LOCAL INFILE and LOAD XML LOCAL INFILE. The server decides whether a versioned
    comment counts, so for a statement that begins with one, or a LOAD with one, the answer is yes
    as soon as the words occur in this order.

    Guarantees:
    - no single statement that any server takes for one of these is missed;
    - a statement that begins with another word is not read further.
    """
    if not _BEGINS_LIKE_LOAD.match(sql):
        return False
    lead = _LEAD.match(sql)
    start = lead.end() if lead else 0
    if not _VERSIONED.match(sql, start):
        reader = _Reader(sql)
        if reader.take() != b"LOAD":
            return False
        if not _VERSIONED.search(sql):
            reader.skip(b"DATA", b"XML", b"LOW_PRIORITY", b"CONCURRENT")
            return reader.word() == b"LOCAL"
    for word in _LOCAL_FILE_WORDS:
        found = word.search(sql, start)
        if not found:
            return False
        start = found.end()
    return True


def may_change_quoting(sql: bytes, kind: Kind) -> bool:
    """Return whether quotes and backslashes may mean something else after a statement.

    That depends on sql_mode. A SET that names it changes it, and any statement that executes a
    text may. A stored routine does not: the server restores the mode when the routine returns.
    Source: sp_head::execute() in MySQL and MariaDB; tests/integration/test_load_options.py.

    Parameters
    ----------
    sql : bytes
        One statement.
    kind : Kind
        What `classify` takes it for.

    Guarantees:
    - only statements that begin with SET or BEGIN are read beyond their first word.
    """
    if kind is Kind.SESSION or (kind is Kind.TRANSACTION and first_word(sql) == b"BEGIN"):
        return b"sql_mode" in sql.lower() or b"EXECUTE" in sql.upper()
    return kind in (Kind.OTHER, Kind.ACCOUNT)


def _definition(reader: _Reader) -> Classification:
    """Classify what follows CREATE, ALTER, DROP or RENAME."""
    what = reader.seek(*_OBJECTS)
    kind = _OBJECTS.get(what, Kind.OTHER)
    if kind in (Kind.OTHER, Kind.ACCOUNT):
        return Classification(kind)
    if what == b"PACKAGE":
        reader.skip(b"BODY")
    reader.skip(b"IF", b"NOT", b"EXISTS")
    if kind is Kind.SCHEMA and reader.word() in _SCHEMA_OPTIONS:
        return Classification(kind)  # ALTER DATABASE CHARACTER SET: the default one
    schema, name = reader.name()
    if kind is Kind.SCHEMA:
        return Classification(kind, name)
    if what in (b"INDEX", b"TRIGGER"):
        found = reader.seek(b"ON")
        on_schema, name = reader.name() if found else (None, None)
        schema = on_schema or schema
    elif kind in (Kind.ROUTINE, Kind.EVENT):
        name = None
    return Classification(kind, schema, name)


def _load(reader: _Reader) -> Classification:
    if reader.take() not in (b"DATA", b"XML"):
        return Classification(Kind.OTHER)
    reader.seek(b"INTO")
    reader.skip(b"TABLE")
    return Classification(Kind.DATA, *reader.name())


def _rows(reader: _Reader) -> Classification:
    """Classify what follows INSERT, REPLACE, UPDATE or DELETE."""
    reader.skip(*_DATA_NOISE)
    return Classification(Kind.DATA, *reader.name())


def _truncate(reader: _Reader) -> Classification:
    reader.skip(b"TABLE")
    return Classification(Kind.TABLE, *reader.name())


def _use(reader: _Reader) -> Classification:
    return Classification(Kind.USE, reader.name()[1])


def _start(reader: _Reader) -> Classification:
    return Classification(Kind.TRANSACTION if reader.word() == b"TRANSACTION" else Kind.OTHER)


def _set(reader: _Reader) -> Classification:
    if reader.word() in (b"PASSWORD", b"ROLE", b"DEFAULT"):
        return Classification(Kind.ACCOUNT)
    return Classification(Kind.TRANSACTION if reader.word() == b"TRANSACTION" else Kind.SESSION)


_BY_MORE: dict[bytes, Callable[[_Reader], Classification]] = {
    **dict.fromkeys((b"CREATE", b"ALTER", b"DROP", b"RENAME"), _definition),
    **dict.fromkeys((b"INSERT", b"REPLACE", b"UPDATE", b"DELETE"), _rows),
    b"TRUNCATE": _truncate,
    b"LOAD": _load,
    b"USE": _use,
    b"START": _start,
    b"SET": _set,
}
"""How to continue after the first words that don't decide alone."""


class _Reader:
    """A statement's words and names, one after the other."""

    def __init__(self, sql: bytes) -> None:
        self._tokens = _TOKEN.finditer(sql)
        self._text = b""
        self._advance()

    def _advance(self) -> None:
        match = next(self._tokens, None)
        self._text = match.group(1) if match else b""

    def word(self) -> bytes:
        """Return the word at hand in capitals; a quoted name keeps its quotes."""
        return self._text.upper()

    def take(self) -> bytes:
        """Return the word at hand in capitals and continue."""
        word = self.word()
        self._advance()
        return word

    def skip(self, *words: bytes) -> None:
        """Continue to the first word that is none of these."""
        while self.word() in words:
            self._advance()

    def seek(self, *words: bytes) -> bytes:
        """Continue after the first word that is one of these, and return it; b"" if none is."""
        for _ in range(_FARTHEST_TOKEN):
            if not self._text:
                break
            word = self.take()
            if word in words:
                return word
        return b""

    def name(self) -> tuple[str | None, str | None]:
        """Read a name, as schema (None if it isn't qualified) and object."""
        first = _unquoted(self._text)
        self._advance()
        if first is None or self._text != b".":
            return None, first
        self._advance()
        second = _unquoted(self._text)
        self._advance()
        return first, second


def _unquoted(text: bytes) -> str | None:
    """Return the name that *text* spells, None if it is no name."""
    quote = text[:1]
    if quote in (b"`", b'"') and len(text) > 1:
        text = text[1:-1].replace(quote * 2, quote)
    elif not re.match(rb"[\w$\x80-\xff]", text):
        return None
    return text.decode("utf-8", "replace")
