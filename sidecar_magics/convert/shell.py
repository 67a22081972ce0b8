"""Shell lines of tutorials: what they do to a server, as far as that is certain.

What is known: the ``mysql`` client with a file, a pipe or a few statements, what unpacks a file
for it, and what waits for a server. Whatever else stands there makes the lines uncertain.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Union

from ..script.splitter import ScriptSyntaxError, Statement, split
from .words import Remark, Sign, Uncertain, commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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


@dataclass(frozen=True)
class Wait:
    """A pause, or a question whether a server is there.

    Parameters
    ----------
    target : Target
        The server that is asked.
    passwords : tuple of str
        What stood there, so that it can be kept out of what is shown.
    """

    target: Target
    passwords: tuple[str, ...] = ()


class Say(NamedTuple):
    """A text that is printed."""

    text: str


Step = Union[ClientCall, Wait, Say, Remark]

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
_SOURCE = re.compile(r"(?:source|\\\.)\s+([^;\s'\"`]+)\s*;?\s*\Z", re.IGNORECASE)
_WAITING_LOOP = re.compile(
    r"(^|;)[ \t]*(?:until|while\s+!)\s+(mysqladmin\s[^;\n]*\bping\b[^;\n]*)[;\n]\s*do\s+"
    r"(?:sleep\s+[\d.]+|:)\s*[;\n]\s*done",
    re.MULTILINE,
)
_NUMBER = re.compile(r"[\d.]+[smh]?")
_ASSIGNMENT = re.compile(r"(\w+)=(.*)", re.DOTALL)
# How `mysqladmin ping` is asked, and not whom.
_PINGING = re.compile(r"ping|-[sw]|--(?:silent|wait|connect[-_]timeout)(?:=\d+)?")


def steps(script: str) -> Iterator[Step]:
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
    for command in commands(_WAITING_LOOP.sub(r"\1\2", script)):
        if isinstance(command, Remark):
            yield command
        else:
            yield from _step(command)


def _step(words: list[str]) -> Iterator[Step]:
    name = words[0].rpartition("/")[2]
    if name == "set" and all(re.fullmatch(r"-\w+|pipefail", word) for word in words[1:]):
        return
    if name == "sleep" and len(words) == 2 and _NUMBER.fullmatch(words[1]):
        yield Wait(Target())
    elif name == "echo" and not any(_is_more_than_text(word) for word in words[1:]):
        yield Say(" ".join(words[1:]))
    elif (at := _position("|", words)) is not None:
        yield _piped(words[:at], words[at + 1 :])
    else:
        yield _call(words)


def _position(sign: str, words: Sequence[str]) -> int | None:
    found = (at for at, word in enumerate(words) if isinstance(word, Sign) and word == sign)
    return next(found, None)


def _is_more_than_text(word: str) -> bool:
    return isinstance(word, Sign) or re.search(r"\A[-~]|[*?]", word) is not None


def _piped(before: list[str], behind: list[str]) -> ClientCall | Wait:
    *unpacking, file = before or [""]
    if unpacking and unpacking[-1] == "<":
        unpacking = unpacking[:-1]
    if " ".join(unpacking) not in UNPACKERS:
        raise Uncertain("what is piped into the client is not one file, unpacked")
    if _position("|", behind) is not None or _position("<", behind) is not None:
        raise Uncertain("there is a pipe behind the client")
    return _call([*behind, Sign("<"), file])


def _call(words: list[str]) -> ClientCall | Wait:
    passwords: list[str] = []
    rest = list(words)
    while rest and (given := _ASSIGNMENT.fullmatch(rest[0])):
        if given[1] != "MYSQL_PWD":
            raise Uncertain("a variable is set for a command")
        passwords.append(given[2])
        del rest[0]
    name = rest.pop(0).rpartition("/")[2] if rest else ""
    if name == "mysqladmin" and "ping" in rest:
        return _ping(rest, passwords)
    if name not in CLIENTS:
        raise Uncertain("a command is not known here")
    found = _options(rest, passwords)
    return _checked(found, tuple(filter(None, passwords)))


def _ping(rest: list[str], passwords: list[str]) -> Wait:
    if rest[-1] == "/dev/null" and rest[-2] in (">", "&>"):
        rest = rest[:-2]
    found = _options([word for word in rest if not _PINGING.fullmatch(word)], passwords)
    if not found.keys() <= {"host", "port", "user"}:
        raise Uncertain("mysqladmin has an argument that is not known here")
    target = Target.of(found.get("host"), found.get("port"), found.get("user"))
    return Wait(target, tuple(filter(None, passwords)))


def _options(rest: list[str], passwords: list[str]) -> dict[str, str]:
    """Return what a client's options and arguments say; passwords go where they are collected."""
    found: dict[str, str] = {}
    while rest:
        password = PASSWORD.fullmatch(rest[0])
        if password:
            passwords.append(password[1] or "")
            del rest[0]
        else:
            _take(rest, found)
    return found


def _take(rest: list[str], found: dict[str, str]) -> None:
    """Take one option or argument of the client off the list."""
    word = rest.pop(0)
    if isinstance(word, Sign):
        if word != "<" or not rest or isinstance(rest[0], Sign):
            raise Uncertain("the line has a sign that is not known here")
        _note(found, "file", rest.pop(0))
    elif _takes_option(word, rest, found):
        return
    elif word.startswith("-"):
        if not WITHOUT_EFFECT.fullmatch(word.replace("_", "-")):
            raise Uncertain("the client has an option that is not known here")
    else:
        _note(found, "database", word)


def _takes_option(word: str, rest: list[str], found: dict[str, str]) -> bool:
    """Take an option that means something for us; tell whether it is one."""
    flag, equals, value = word.partition("=")
    if word in VALUED and rest and not isinstance(rest[0], Sign):
        _note(found, VALUED[word], rest.pop(0))
    elif flag in VALUED and equals and flag.startswith("--"):
        _note(found, VALUED[flag], value)
    elif word[:2] in VALUED and len(word) > 2:
        _note(found, VALUED[word[:2]], word[2:])
    elif word in ("-f", "--force"):
        found["force"] = ""
    else:
        return False
    return True


def _note(found: dict[str, str], name: str, value: str) -> None:
    """Take notice of a value; of two, the client takes the last, or both if they are statements."""
    if name in found:
        raise Uncertain("the client has an option twice, or an argument that is not known here")
    found[name] = value


def _checked(found: dict[str, str], passwords: tuple[str, ...]) -> ClientCall:
    file, sql = found.get("file"), found.get("sql")
    if sql is not None and (source := _SOURCE.match(sql.strip())):
        file, sql = source[1], None
    if (file is None) == (sql is None):
        raise Uncertain("the client has neither a file nor statements, or both")
    if file is not None and (re.search(r"[*?\[{$]", file) or file.startswith("/dev/")):
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
