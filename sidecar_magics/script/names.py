"""Find the names of schemas in a statement: `` `a`.`b` `` may be a table or a column.

A table named as its schema is nothing rare (``subject.subject`` holds ``subject.subject_id``), so
the place in the grammar decides: after FROM a pair is schema and table, in an expression it is
table and column, before a parenthesis it is a function. Where the place is not known, the mention
is said to be uncertain.

Source: "Schema Object Names" and "SQL Statements", MySQL 9 Reference Manual; MariaDB's own from
its Knowledge Base.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .tokens import Shape, Token


class Mention(NamedTuple):
    """A schema that a statement names.

    Attributes
    ----------
    token : Token
        Its token.
    schema : str
        The schema.
    object : str or None
        The named object in it; None for the schema itself, or everything in it.
    certain : bool
        False where it may be a table, of which a column is named.
    """

    token: Token
    schema: str
    object: str | None
    certain: bool = True


class Names(NamedTuple):
    """The names of one statement.

    Attributes
    ----------
    mentions : list of Mention
        Every schema, wherever it is named.
    tables : list of tuple
        The tables, views and sequences, as schema (None if it is not given) and name.
    """

    mentions: list[Mention]
    tables: list[tuple[str | None, str]]


def read_names(statement: list[Token]) -> Names:
    """Find the schemas and tables that a statement names.

    Guarantees:
    - strings, comments, variables (``@@x.y``) and hosts (``u@a.b``) are no names;
    - of several statements in one, each is read by itself.
    """
    reader = _NameReader(statement)
    reader.read()
    # A name that also stands alone is a table's, or an alias: `subject`.`id` is a column of it.
    mentions = [
        mention
        for mention in reader.mentions
        if mention.certain or mention.schema not in reader.alone
    ]
    return Names(mentions, reader.tables)


@dataclass
class _Level:
    """The text between two parentheses, or the statement itself."""

    expects: bool = False  # a table's name comes next
    listing: bool = False  # and another after each comma
    queries: bool = False  # it has a SELECT or DELETE, so that its FROM is followed by tables
    verb: bytes = b""


@dataclass
class _NameReader:
    tokens: list[Token]
    at: int = 0
    levels: list[_Level] = field(default_factory=lambda: [_Level()])
    what: bytes = b""  # TABLE, INDEX, TRIGGER and so on, of CREATE TABLE ...
    table_ends: int = -1  # after the token that ended the last table's name
    mentions: list[Mention] = field(default_factory=list)
    tables: list[tuple[str | None, str]] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)

    def read(self) -> None:
        # The ends of versioned comments are no part of the grammar.
        ends = (Shape.OPEN, Shape.CLOSE)
        self.tokens = [token for token in self.tokens if token.shape not in ends]
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.shape is Shape.SIGN:
                self._sign(token.text)
            elif token.name is not None and self._text(self.at - 1) != b"@":
                self._names()
                continue
            elif token.name is not None:
                self._chain()  # a variable or a host
                continue
            self.at += 1

    def _text(self, at: int) -> bytes:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else b""

    def _word(self, at: int) -> bytes:
        return self.tokens[at].word if 0 <= at < len(self.tokens) else b""

    def _sign(self, sign: bytes) -> None:
        level = self.levels[-1]
        if sign == b"(":
            asks_sequence = self._word(self.at - 1) in _SEQUENCE_FUNCTIONS
            self.levels.append(_Level(level.expects or asks_sequence, level.expects))
            level.expects = False
        elif sign == b")" and len(self.levels) > 1:
            self.levels.pop()
        elif sign == b",":
            level.expects = level.listing
        elif sign == b";":
            self.levels, self.what = [_Level()], b""

    def _chain(self) -> tuple[list[Token], bool]:
        """Take ``a``, ``a.b``, ``a.b.c``, and return whether ``.*`` follows."""
        parts = [self.tokens[self.at]]
        self.at += 1
        while self._text(self.at) == b".":
            if self._text(self.at + 1) == b"*":
                self.at += 2
                return parts, True
            part = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            if part is None or part.shape not in (Shape.WORD, Shape.NAME):
                break
            parts.append(part)
            self.at += 2
        return parts, False

    def _names(self) -> None:
        begin = self.at
        parts, star = self._chain()
        level = self.levels[-1]
        if len(parts) == 1 and not star and parts[0].word and self._keyword(begin, parts[0].word):
            return
        if level.verb in _GRANTS and level.expects:
            self._target(parts, star=star)
        elif level.expects:
            self._table(parts)
        elif len(parts) + star > 2 or (len(parts) == 2 and self._text(self.at) == b"("):
            self._mention(parts[0], parts[1])
        elif len(parts) == 2:
            self._mention(parts[0], parts[1], certain=False)
        elif not star:
            self.alone.add(_spelt(parts[0]))
        level.expects = False

    def _mention(self, schema: Token, part: Token | None = None, *, certain: bool = True) -> None:
        name = None if part is None else _spelt(part)
        self.mentions.append(Mention(schema, _spelt(schema), name, certain))

    def _table(self, parts: list[Token]) -> None:
        self.table_ends = self.at
        self.alone.add(_spelt(parts[-1]))
        if self.what in _SCHEMAS:
            self._mention(parts[0])
            return
        if len(parts) > 1:
            self._mention(parts[0], parts[1])
        if self.what not in _OTHER_OBJECTS:
            schema = _spelt(parts[0]) if len(parts) > 1 else None
            self.tables.append((schema, _spelt(parts[1] if len(parts) > 1 else parts[0])))

    def _target(self, parts: list[Token], *, star: bool) -> None:
        """Take what rights are given on: ``s.t``, ``s.*``, ``t``."""
        if star or len(parts) > 1:
            self._mention(parts[0], None if star else parts[1])

    # Keywords ----------------------------------------------------------------------------------

    def _keyword(self, at: int, word: bytes) -> bool:
        """Follow a word of the grammar; False if it is none here, so that it may be a name."""
        level = self.levels[-1]
        if level.verb in _GRANTS:
            level.expects = word == b"ON" or (level.expects and word in _GRANTABLE)
        elif level.expects and word in _SKIPPED:
            pass
        elif level.expects and self._is_default_schema(word):
            level.expects = False
        elif word in _VERBS and self._is_verb(at, word):
            self._verb(word)
        elif word == b"INDEX" and level.verb in _DEFINING and not self.what:
            self.what = word
        elif word in _EXPECTING and self._is_followed_by_table(at, word):
            level.expects = True
            level.listing = word in _LISTING and level.verb not in (b"CREATE", b"ALTER")
            self.what = word if word in _OBJECTS else self.what
        elif word in _JOINS:
            level.expects = level.listing
        elif word in _ENDING:
            level.expects = level.listing = False
        elif word == b"FROM":
            level.expects = level.listing = level.queries
        else:
            return False
        return True

    def _is_default_schema(self, word: bytes) -> bool:
        """Return whether this is ALTER DATABASE CHARACTER SET, which names no schema."""
        alters = self.what in _SCHEMAS and self.levels[-1].verb == b"ALTER"
        return alters and word in _SCHEMA_OPTIONS

    def _is_verb(self, at: int, word: bytes) -> bool:
        before = self._word(at - 1)
        if word in (b"INSERT", b"REPLACE"):
            return self._text(at + 1) != b"(" and before not in (b"BEFORE", b"AFTER", b"OR")
        if word in (b"UPDATE", b"DELETE"):
            return before not in _BEFORE_EVENTS
        begins = at == 0 or self._text(at - 1) == b";" or before in _STARTS
        return begins or word == b"SELECT"

    def _verb(self, word: bytes) -> None:
        level = self.levels[-1]
        level.verb = word
        level.queries = word in _QUERIES
        level.expects = word in _VERBS_EXPECTING
        level.listing = word in (b"UPDATE", b"DELETE")
        if word in _DEFINING:
            self.what = b""
        else:
            self.what = _WHAT_FOLLOWS.get(word, self.what)

    def _is_followed_by_table(self, at: int, word: bytes) -> bool:
        verb, before, after = self.levels[-1].verb, self._word(at - 1), self._word(at + 1)
        if word == b"ON":
            once = self.what in (b"INDEX", b"TRIGGER")
            self.what = b"TABLE" if once else self.what
            return once
        if word == b"LIKE":
            opened = self._text(at - 1) == b"("
            return self.what == b"TABLE" and self.table_ends == at - opened
        if word in _OBJECTS - {b"TABLE", b"TABLES"}:
            is_function = self._text(at + 1) == b"("
            return verb in _DEFINING and not self.what and not is_function
        return {
            b"INTO": verb in (b"INSERT", b"REPLACE"),
            b"USING": verb == b"DELETE" and self._text(at + 1) != b"(",
            b"RENAME": verb == b"ALTER" and after not in _RENAMED_PARTS,
            b"TO": verb == b"RENAME" or before == b"RENAME",
            b"AS": before == b"RENAME",
            b"FOR": before == b"VALUE",
            b"OF": before == b"TYPE" and self._word(at - 2) == b"ROW",
        }.get(word, True)


def _spelt(token: Token) -> str:
    return token.name or token.text.decode("utf-8", "replace")


_SCHEMAS = {b"DATABASE", b"SCHEMA"}
_OTHER_OBJECTS = {b"PROCEDURE", b"FUNCTION", b"EVENT", b"PACKAGE", b"TRIGGER", b"LIBRARY"}
_OBJECTS = _SCHEMAS | _OTHER_OBJECTS | {b"TABLE", b"TABLES", b"VIEW", b"SEQUENCE"}
_DEFINING = {b"CREATE", b"ALTER", b"DROP", b"SHOW"}
_GRANTS = {b"GRANT", b"REVOKE"}
_QUERIES = {b"SELECT", b"DELETE", b"SHOW"}
_VERBS_EXPECTING = set(
    b"INSERT REPLACE UPDATE DELETE TRUNCATE CALL USE DESCRIBE DESC HANDLER".split()
)
_VERBS = _DEFINING | _GRANTS | _QUERIES | _VERBS_EXPECTING | {b"RENAME", b"LOCK", b"LOAD"}
_WHAT_FOLLOWS = {b"USE": b"DATABASE", b"CALL": b"PROCEDURE"}
# Words before a statement inside of a body.
_STARTS = set(b"BEGIN THEN ELSE DO LOOP REPEAT ROW".split())
_BEFORE_EVENTS = set(b"BEFORE AFTER OR ON KEY FOR".split())
_LISTING = set(b"TABLE TABLES VIEW SEQUENCE USING TO".split())
_EXPECTING = _OBJECTS | set(b"INTO USING REFERENCES ON LIKE TO AS RENAME FOR OF".split())
_JOINS = {b"JOIN", b"STRAIGHT_JOIN"}
_ENDING = set(b"WHERE GROUP HAVING ORDER LIMIT SET VALUES WINDOW UNION EXCEPT INTERSECT".split())
# Words between the keyword before a table and its name.
_SKIPPED = set(
    b"IF NOT EXISTS IGNORE LOW_PRIORITY DELAYED HIGH_PRIORITY QUICK BODY LATERAL FROM INTO TABLE"
    b" TO AS".split()
)
_GRANTABLE = set(b"TABLE FUNCTION PROCEDURE PACKAGE BODY".split())
_SCHEMA_OPTIONS = set(b"DEFAULT CHARACTER CHARSET COLLATE ENCRYPTION READ COMMENT".split())
_RENAMED_PARTS = set(b"COLUMN INDEX KEY CONSTRAINT".split())
_SEQUENCE_FUNCTIONS = set(b"NEXTVAL LASTVAL SETVAL".split())
