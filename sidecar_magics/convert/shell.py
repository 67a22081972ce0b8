"""Shell lines of tutorials: what they do to a server, as far as that is certain.

What is known: the ``mysql`` client with a file, a pipe or a few statements, what unpacks a file
for it, and what waits for a server. Whatever else stands there makes the lines uncertain.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..script.splitter import ScriptSyntaxError, Statement, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Uncertain(Exception):
    """What is there cannot be converted with certainty; the text says why, without quoting it."""


class Target(NamedTuple):
    """The server that something is for; None where it is the tutorial's convention."""

    host: str | None = None
    port: str | None = None
    user: str | None = None

    @classmethod
    def of(cls, host: str | None, port: str | None, user: str | None) -> Target:
        """Make a target of what a tutorial says, without what is said by default."""
        return cls(
            None if host in ("localhost", "127.0.0.1") else host,
            None if port == "3306" else port,
            None if user == "root" else user,
        )

    def options(self) -> str:
        """Return the options of a magic that mean the same, each with a space before it."""
        return "".join(
            f" --{name} {shlex.quote(value)}"
            for name, value in self._asdict().items()
            if value is not None
        )


@dataclass(frozen=True)
class ClientCall:
    """A call of the ``mysql`` client: a file, or statements, for a server.

    Parameters
    ----------
    target : Target
        The server.
    passwords : tuple of str
        What stood there, so that it can be kept out of what is shown.
    database : str or None
        The schema to begin in.
    force : bool
        Whether it goes on after errors.
    file, sql : str or None
        One of them.
    """

    target: Target
    passwords: tuple[str, ...] = ()
    database: str | None = None
    force: bool = False
    file: str | None = None
    sql: str | None = None


class Wait(NamedTuple):
    """A pause, or a question whether the server is there."""


class Say(NamedTuple):
    """A text that is printed."""

    text: str


class Remark(NamedTuple):
    """A comment, with its ``#``."""

    text: str


CLIENTS = {"mysql", "mariadb"}
UNPACKERS = {
    *("cat", "zcat", "gzcat", "bzcat", "xzcat", "zstdcat"),
    *("gunzip -c", "gzip -dc", "gzip -cd", "gzip -d -c", "bzip2 -dc", "xz -dc", "zstd -dc"),
}
# Options of the client that say where the server is, or have a counterpart.
VALUED = {
    **{"-h": "host", "-P": "port", "-u": "user", "-D": "database", "-e": "sql"},
    **{"--host": "host", "--port": "port", "--user": "user", "--database": "database"},
    "--execute": "sql",
}
# What changes only how a client looks, or what our own connection does anyway.
WITHOUT_EFFECT = re.compile(
    r"-[vstqBC]+|(?i:--(?:verbose|silent|table|quick|batch|compress|protocol=tcp|ssl-mode=disabled"
    r"|ssl-mode=preferred|skip-ssl|ssl=0|max-allowed-packet=\w+|default-character-set=utf8(?:mb4)?"
    r"|binary-mode|comments|no-beep))"
)
PASSWORD = re.compile(r"(?:-p|--password=)(.+)|-p|--password", re.DOTALL)
NO_ROWS = {
    *("create", "drop", "alter", "grant", "revoke", "insert", "update", "delete", "replace"),
    *("set", "use", "truncate", "flush", "rename"),
}
_SOURCE = re.compile(r"(?:source|\\\.)\s+([^;\s]+)\s*;?\s*\Z", re.IGNORECASE)
_QUIET = re.compile(r"(?<=\s)2>\s*(?:/dev/null|&1)(?=\s|;|\Z)")
_SINGLE_QUOTED = re.compile(r"'[^']*'")
_WAITING_LOOP = re.compile(
    r"(?:until|while\s+!)\s+mysqladmin\s[^;\n]*\bping\b[^;\n]*[;\n]\s*do\s+(?:sleep\s+[\d.]+|:)\s*"
    r"[;\n]\s*done"
)
_NUMBER = re.compile(r"[\d.]+[smh]?")


def steps(script: str) -> Iterator[ClientCall | Wait | Say | Remark]:
    """Yield what each command of a shell script does.

    Parameters
    ----------
    script : str
        One or several lines.

    Raises
    ------
    Uncertain
        One of them does something that is not known here.
    """
    for line in _logical_lines(_WAITING_LOOP.sub("mysqladmin ping", script)):
        if line.lstrip().startswith("#"):
            yield Remark(line.strip())
        elif line.strip():
            for words in _commands(_words(line)):
                yield from _step(words)


def _logical_lines(script: str) -> Iterator[str]:
    """Yield lines, joined where a backslash or an open quote says so."""
    pending = ""
    for line in script.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        if line.endswith("\\"):
            pending = pending[:-1]
            continue
        if pending.lstrip().startswith("#") or _is_closed(pending):
            yield pending
            pending = ""
    if pending:
        yield pending


def _is_closed(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def _words(line: str) -> list[str]:
    bare = _SINGLE_QUOTED.sub("", line)
    if "$" in bare or "`" in bare:
        raise Uncertain("a variable of the shell, or what a command prints, is put in")
    lexer = shlex.shlex(_QUIET.sub("", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        raise Uncertain("a quote is not closed") from None


def _commands(words: Sequence[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if word in (";", "&&"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def _step(words: list[str]) -> Iterator[ClientCall | Wait | Say | Remark]:
    name = words[0].rpartition("/")[2] if words else "set"
    waits = name == "sleep" and len(words) == 2 and _NUMBER.fullmatch(words[1])
    if name == "set" and all(re.fullmatch(r"-\w+|pipefail", word) for word in words[1:]):
        return
    if waits or (name == "mysqladmin" and "ping" in words):
        yield Wait()
    elif name == "echo" and not any(re.search(r"\A-|[<>|&*?]", word) for word in words[1:]):
        yield Say(" ".join(words[1:]))
    elif "|" in words:
        yield _piped(words)
    else:
        yield _client_call(words)


def _piped(words: list[str]) -> ClientCall:
    at = words.index("|")
    *unpacking, file = words[:at] or [""]
    if unpacking and unpacking[-1] == "<":
        unpacking = unpacking[:-1]
    if " ".join(unpacking) not in UNPACKERS:
        raise Uncertain("what is piped into the client is not one file, unpacked")
    if "|" in words[at + 1 :] or "<" in words[at + 1 :]:
        raise Uncertain("there is a pipe behind the client")
    return _client_call([*words[at + 1 :], "<", file])


def _client_call(words: list[str]) -> ClientCall:
    found: dict[str, str] = {}
    passwords: list[str] = []
    rest = list(words)
    while rest and re.fullmatch(r"\w+=.*", rest[0], re.DOTALL):
        name, _, value = rest.pop(0).partition("=")
        if name != "MYSQL_PWD":
            raise Uncertain("a variable is set for a command")
        passwords.append(value)
    if not rest or rest.pop(0).rpartition("/")[2] not in CLIENTS:
        raise Uncertain("a command is not known here")
    while rest:
        password = PASSWORD.fullmatch(rest[0])
        if password:
            passwords.append(password[1] or "")
            del rest[0]
        else:
            _take(rest, found)
    return _checked(found, tuple(filter(None, passwords)))


def _take(rest: list[str], found: dict[str, str]) -> None:
    """Take one option or argument of the client off the list."""
    word = rest.pop(0)
    if _takes_option(word, rest, found):
        return
    if word == "<" and rest and "file" not in found:
        found["file"] = rest.pop(0)
    elif re.match(r"-|[<>|&()]", word):
        if not WITHOUT_EFFECT.fullmatch(word.replace("_", "-")):
            raise Uncertain("the client has an option, or the line a sign, that is not known here")
    elif "database" in found:
        raise Uncertain("the client has an argument that is not known here")
    else:
        found["database"] = word


def _takes_option(word: str, rest: list[str], found: dict[str, str]) -> bool:
    """Take an option that means something for us; tell whether it is one."""
    flag, equals, value = word.partition("=")
    if word in VALUED and rest:
        found[VALUED[word]] = rest.pop(0)
    elif flag in VALUED and equals and flag.startswith("--"):
        found[VALUED[flag]] = value
    elif word[:2] in VALUED and len(word) > 2:
        found[VALUED[word[:2]]] = word[2:]
    elif word in ("-f", "--force"):
        found["force"] = ""
    else:
        return False
    return True


def _checked(found: dict[str, str], passwords: tuple[str, ...]) -> ClientCall:
    file, sql = found.get("file"), found.get("sql")
    if sql is not None and (source := _SOURCE.match(sql.strip())):
        file, sql = source[1], None
    if (file is None) == (sql is None):
        raise Uncertain("the client has neither a file nor statements, or both")
    if file is not None and (re.search(r"[*?\[]", file) or file.startswith("/dev/")):
        raise Uncertain("the file has a pattern in its name, or is none")
    if sql is not None and not _returns_nothing(sql):
        raise Uncertain("it shows rows: pandas.read_sql(..., sidecar.engine()) does")
    target = Target.of(found.get("host"), found.get("port"), found.get("user"))
    return ClientCall(target, passwords, found.get("database"), "force" in found, file, sql)


def _returns_nothing(sql: str) -> bool:
    try:
        statements = list(split([sql.encode()]))
    except ScriptSyntaxError:
        raise Uncertain("its statements cannot be told apart") from None
    return bool(statements) and all(
        isinstance(each, Statement) and _first_word(each.sql) in NO_ROWS for each in statements
    )


def _first_word(sql: bytes) -> str:
    match = re.match(rb"\s*([A-Za-z]+)", sql)
    return match[1].decode().lower() if match else ""
