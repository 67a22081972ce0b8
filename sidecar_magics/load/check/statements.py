"""Read definitions, as far as a server may object to them.

Statements are as the server reads them (`versioned.effective`). This is not a parser: if it does
not understand a statement, it says less rather than something wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

DefinedName = tuple[Optional[str], str]
"""Schema, None where the default schema is meant, and object."""

WHAT = {
    b"DATABASE": "schema",
    b"SCHEMA": "schema",
    b"TABLE": "table",
    b"TABLES": "table",
    b"SEQUENCE": "table",  # MariaDB's share the tables' names
    b"VIEW": "view",
    b"TRIGGER": "trigger",
    b"PROCEDURE": "procedure",
    b"FUNCTION": "function",
    b"EVENT": "event",
    b"INDEX": "index",
    b"USER": "account",
    b"ROLE": "account",
}
_VERBS = (b"CREATE", b"DROP", b"ALTER", b"RENAME", b"TRUNCATE", b"LOCK")
_OTHER_THINGS = (
    b"SERVER",
    b"TABLESPACE",
    b"LOGFILE",
    b"RESOURCE",
    b"REFERENCE",
    b"INSTANCE",
    b"PACKAGE",
    b"LIBRARY",
)
_FARTHEST_WORD = 40
# Words after an ALTER DATABASE that means the default schema.
_SCHEMA_OPTIONS = (
    b"CHARACTER",
    b"CHARSET",
    b"COLLATE",
    b"COMMENT",
    b"DEFAULT",
    b"ENCRYPTION",
    b"READ",
)

_NAME = rb"(?:`(?:[^`]|``)+`|[\w$\x80-\xff]+)"
_TOKEN = re.compile(
    rb"""\s*( `(?:[^`]|``)*` | "(?:[^"]|"")*" | '(?:[^'\\]|\\.|'')*'
            | [\w$\x80-\xff]+ | . | \Z )""",
    re.VERBOSE | re.DOTALL,
)
_TEXT = re.compile(rb"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\"""", re.DOTALL)
_WORD_IN_QUOTES = re.compile(rb"""['"]\w{1,64}['"]\Z""")

# Names of columns come without the equals sign, or in backticks.
_ENGINE = re.compile(rb"(?<![`\w$.])ENGINE\s*=\s*['\"]?(\w+)|\)\s*ENGINE\s+(\w+)", re.IGNORECASE)
_REFERENCES = re.compile(
    rb"(?<![`\w$.])REFERENCES\s+(%s)(?:\s*\.\s*(%s))?" % (_NAME, _NAME), re.IGNORECASE
)
# MySQL promotes a unique key over columns that cannot be NULL; which they are is left open here.
_PRIMARY_KEY = re.compile(rb"(?<![`\w$.])(?:PRIMARY\b|UNIQUE\b|SERIAL\b|KEY\s*[,)])", re.IGNORECASE)
_COPIES = re.compile(rb"(?<![`\w$.])(?:LIKE|SELECT|VALUES)\b", re.IGNORECASE)
_DETERMINISTIC = re.compile(
    rb"(?<!NOT\s)\bDETERMINISTIC\b|\bNO\s+SQL\b|\bREADS\s+SQL\s+DATA\b", re.IGNORECASE
)
_KEYS_SWITCH = re.compile(rb"\b(?:DISABLE|ENABLE)\s+KEYS\s*\Z", re.IGNORECASE)
_RENAMES_TO = re.compile(
    rb"\bRENAME\s+(?:TO\s+|AS\s+)?(?!COLUMN\b|INDEX\b|KEY\b|TO\b|AS\b)(%s)(?:\s*\.\s*(%s))?\s*\Z"
    % (_NAME, _NAME),
    re.IGNORECASE,
)


class Account(NamedTuple):
    """An account or role as a script names it; no host means any, or a role of MariaDB's."""

    user: str
    host: str | None

    def __str__(self) -> str:
        return self.user if self.host is None else f"{self.user}@{self.host}"


class Definition(NamedTuple):
    """A CREATE, DROP, ALTER, RENAME, TRUNCATE or LOCK TABLES.

    Attributes
    ----------
    verb : str
        ``create``, ``drop``, ``alter``, ``rename``, ``truncate`` or ``lock``.
    what : str
        ``schema``, ``table``, ``view``, ``trigger``, ``procedure``, ``function``, ``event``,
        ``index`` or ``account``.
    names : tuple of DefinedName
        Its objects; of RENAME the old and the new names in turn.
    conditional : bool
        IF EXISTS or IF NOT EXISTS.
    replaces : bool
        OR REPLACE.
    temporary : bool
        A temporary table.
    definer : Account or None
        As given; None for CURRENT_USER, too.
    on : DefinedName or None
        The table of a trigger or an index.
    """

    verb: str
    what: str
    names: tuple[DefinedName, ...]
    conditional: bool = False
    replaces: bool = False
    temporary: bool = False
    definer: Account | None = None
    on: DefinedName | None = None


class TableTraits(NamedTuple):
    """Demands of a CREATE or ALTER TABLE; `engine` is None for the default."""

    engine: str | None
    parents: tuple[DefinedName, ...]
    may_have_primary_key: bool
    copies: bool


def read_definition(sql: bytes) -> Definition | None:
    """Return the definition in a statement; None if it has none of these kinds."""
    words = _Words(sql)
    verb = words.take()
    if verb not in _VERBS:
        return None
    what, options = "table", _Options()
    if verb != b"TRUNCATE" or words.word in (b"TABLE", b"TABLES"):
        found = _seek(words, options)
        if found is None:
            return None
        what = found
    conditional = words.accept(b"IF")
    if conditional:
        words.accept(b"NOT")
        words.accept(b"EXISTS")
    if what == "account":
        account = words.account()
        # A user without a host is one with any.
        name = account and f"{account.user}@{account.host or '%'}"
        names: tuple[DefinedName, ...] = ((None, name),) if name else ()
    else:
        names = _names(words, verb, what)
    on = words.name() if what in ("index", "trigger") and words.seek(b"ON") else None
    return Definition(
        verb.lower().decode(),
        what,
        names,
        conditional,
        options.replaces,
        options.temporary,
        options.definer,
        on,
    )


def table_traits(sql: bytes) -> TableTraits:
    """Return the demands of a CREATE or ALTER TABLE."""
    engine = _ENGINE.search(without_texts(sql))
    text = _TEXT.sub(b"''", sql)
    parents = tuple(_name(*found) for found in _REFERENCES.findall(text))
    return TableTraits(
        (engine[1] or engine[2]).decode() if engine else None,
        parents,
        bool(_PRIMARY_KEY.search(text)),
        bool(_COPIES.search(text)),
    )


def is_deterministic(sql: bytes) -> bool:
    """Return whether a CREATE FUNCTION says what binary logging asks of it (error 1418)."""
    head = _TEXT.sub(b"''", sql)[:2000]
    return bool(_DETERMINISTIC.search(head.replace(b"\n", b" ")))


def switches_keys(sql: bytes) -> bool:
    """Return whether an ALTER TABLE does nothing but DISABLE or ENABLE KEYS."""
    return bool(_KEYS_SWITCH.search(sql))


def renamed_to(sql: bytes) -> DefinedName | None:
    """Return the new name that an ALTER TABLE gives, if it does nothing else at its end."""
    found = _RENAMES_TO.search(sql)
    return _name(found[1], found[2] or b"") if found else None


class _Options:
    """The words between a verb and its object."""

    replaces = temporary = False
    definer: Account | None = None


def _seek(words: _Words, options: _Options) -> str | None:
    """Continue to the word for the kind of object, and return it."""
    for _ in range(_FARTHEST_WORD):
        word = words.take()
        if word in WHAT:
            return WHAT[word]
        if not word or word in _OTHER_THINGS:
            return None
        if word == b"REPLACE":
            options.replaces = True
        elif word == b"TEMPORARY":
            options.temporary = True
        elif word == b"SECURITY":  # SQL SECURITY DEFINER
            words.take()
        elif word == b"DEFINER":
            words.accept(b"=")
            options.definer = words.account()
    return None


def _names(words: _Words, verb: bytes, what: str) -> tuple[DefinedName, ...]:
    if what == "schema" and verb == b"ALTER" and words.word in _SCHEMA_OPTIONS:
        return ()
    first = words.name()
    names = [first] if first else []
    if verb in (b"DROP", b"RENAME", b"LOCK") and what in ("table", "view"):
        between = {b"RENAME": (b"TO", b","), b"LOCK": (b",",)}.get(verb, (b",",))
        while names and (words.seek(*between) if verb == b"LOCK" else words.accept(*between)):
            name = words.name()
            if name is None:
                break
            names.append(name)
    return tuple(names)


class _Words:
    """A statement's words and names, one after the other; quoted names keep their quotes."""

    def __init__(self, sql: bytes) -> None:
        self._tokens = _TOKEN.finditer(sql)
        self._text = b""
        self.take()

    @property
    def word(self) -> bytes:
        """The word at hand in capitals."""
        return self._text.upper()

    def take(self) -> bytes:
        """Return the word at hand in capitals and continue."""
        word = self.word
        token = next(self._tokens, None)
        self._text = token[1] if token else b""
        return word

    def accept(self, *words: bytes) -> bool:
        """Step over the word at hand if it is one of these, and return whether it was."""
        found = self.word in words
        if found:
            self.take()
        return found

    def seek(self, *words: bytes) -> bool:
        """Continue after the first word that is one of these, and return whether there was one."""
        while self._text:
            if self.accept(*words):
                return True
            self.take()
        return False

    def name(self) -> DefinedName | None:
        """Read a name, qualified or not."""
        first = self._identifier()
        if first is None or self._text != b".":
            return None if first is None else (None, first)
        self.take()
        second = self._identifier()
        return None if second is None else (first, second)

    def account(self) -> Account | None:
        """Read an account; None for CURRENT_USER."""
        if self.accept(b"CURRENT_USER", b"CURRENT_ROLE"):
            if self.accept(b"("):
                self.accept(b")")
            return None
        user = self._identifier(texts=True)
        if user is None:
            return None
        return Account(user, self._identifier(texts=True) if self.accept(b"@") else None)

    def _identifier(self, *, texts: bool = False) -> str | None:
        text = self._text
        quote = text[:1]
        if quote in (b"`", b'"') or (texts and quote == b"'"):
            text = text[1:-1].replace(quote * 2, quote)
        elif not re.match(rb"[\w$\x80-\xff]", text):
            return None
        self.take()
        return text.decode("utf-8", "replace")


def without_texts(sql: bytes) -> bytes:
    """Return a statement whose texts are empty, unless they are one word, as names may be."""
    return _TEXT.sub(_keep_words, sql)


def _keep_words(text: re.Match[bytes]) -> bytes:
    """Blank a text, unless it is one word, which may be a collation's or an engine's name."""
    return text[0] if _WORD_IN_QUOTES.match(text[0]) else b"''"


def _name(first: bytes, second: bytes) -> DefinedName:
    names = [
        (name[1:-1].replace(b"``", b"`") if name.startswith(b"`") else name).decode(
            "utf-8", "replace"
        )
        for name in (first, second)
    ]
    return (names[0], names[1]) if second else (None, names[0])
