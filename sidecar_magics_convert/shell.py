"""Shell lines of tutorials: what they do to a server, as far as that is certain.

What is known: the ``mysql`` client with a file, a pipe, a text or a few statements, what unpacks a
file for it, and what starts a server, or waits for one. Whatever else stands there makes the lines
uncertain.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar_magics.script.commands import Effect, effect_of
from sidecar_magics.script.splitter import ScriptSyntaxError, Statement, split

from .dumps import DUMPERS, dump
from .servers import (
    ENGINES,
    about_engines,
    composes_a_server,
    container,
    starts_a_server,
    without_wrapping,
)
from .steps import ClientCall, NamedServer, Say, ShellStep, Wait
from .words import TEXT, Remark, Sign, Uncertain, commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENTS = {"mysql", "mariadb"}
UNPACKERS = {
    *("cat", "pv", "zcat", "gzcat", "bzcat", "xzcat", "zstdcat"),
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
# An empty one is `--password=`, while a bare -p asks for it.
PASSWORD = re.compile(r"(?:-p(?=.)|--password=)(.*)|-p|--password", re.DOTALL)
ASKING = ("-p", "--password")
NO_ROWS = {
    *("create", "drop", "alter", "grant", "revoke", "insert", "update", "delete", "replace"),
    *("set", "truncate", "flush", "rename", "load", "lock", "unlock", "do"),
    *("begin", "start", "commit", "rollback"),
}
# What would change the account that all users share, the magics as well.
_OWN_ACCOUNT = re.compile(
    rb"set\s+password|(?:alter|create|drop)\s+user\b.*\broot\b|update\s+(?:mysql\s*\.\s*)?user\b",
    re.IGNORECASE | re.DOTALL,
)
_MAKES = re.compile(
    rb"create\s+(?:database|schema|table|user)(?=\s+(?!if\s+not\s+exists\b))", re.IGNORECASE
)
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
# What can be named in a message: no word that somebody may have typed as a password.
_NAME = re.compile(r"[a-z][\w.+-]*\Z")


def steps(script: str) -> Iterator[ShellStep]:
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
    asked = False
    for command in commands(_WAITING_LOOP.sub(r"\1\2", script)):
        if isinstance(command, Remark):
            yield command
        else:
            # After a client that asks for its password may stand what was typed.
            yield from _step(without_wrapping(command), is_nameable=not asked)
            asked = asked or any(word in ASKING for word in command)


def _step(words: list[str], *, is_nameable: bool) -> Iterator[ShellStep]:
    name = _program(words)
    line = " ".join(words[:-1] if words and words[-1] == "&" else words)
    if name == "set" and all(re.fullmatch(r"-\w+|pipefail", word) for word in words[1:]):
        return
    if name == "sleep" and len(words) == 2 and _NUMBER.fullmatch(words[1]):
        yield Wait(NamedServer())
    elif starts_a_server(line) or composes_a_server(words):
        yield Wait(NamedServer(), starts=True)
    elif name in ENGINES and len(words) > 2 and words[1] in ("run", "pull", "start"):
        yield container(words)
    elif name in ENGINES and (about := about_engines(" ".join([name, *words[1:]]))):
        raise Uncertain(about[0])
    elif (after := _after_passwords(words))[:1] and _program(after) in DUMPERS:
        given = [word.partition("=")[2] for word in words[: len(words) - len(after)]]
        yield dump([_program(after), *after[1:]], given)
    elif (at := _pipe(words)) is not None:
        yield _piped(words[:at], words[at + 1 :], is_nameable=is_nameable)
    elif name == "echo" and not any(_is_more_than_text(word) for word in words[1:]):
        yield Say(" ".join(words[1:]))
    else:
        yield _call(words, is_nameable=is_nameable)


def _program(words: Sequence[str]) -> str:
    return words[0].rpartition("/")[2] if words else ""


def _after_passwords(words: list[str]) -> list[str]:
    """Return a command without the passwords that are set for it as variables."""
    rest = list(words)
    while rest and rest[0].startswith("MYSQL_PWD="):
        del rest[0]
    return rest


def _pipe(words: Sequence[str]) -> int | None:
    """Return the place of the first pipe."""
    pipes = (at for at, word in enumerate(words) if isinstance(word, Sign) and word == "|")
    return next(pipes, None)


def _is_more_than_text(word: str) -> bool:
    return isinstance(word, Sign) or re.search(r"\A[-~]|[*?]", word) is not None


def _piped(before: list[str], behind: list[str], *, is_nameable: bool) -> ClientCall | Wait:
    if _pipe(behind) is not None or TEXT in behind or "<" in behind:
        raise Uncertain("what the client prints goes into another command")
    behind = without_wrapping(behind)
    if len(before) == 3 and before[0] == "cat" and before[1] == TEXT:
        return _call([*behind, *before[1:]], is_nameable=is_nameable)
    if before and before[0] == "echo":
        said = before[2:] if before[1:2] == ["-n"] else before[1:]
        if not any(isinstance(word, Sign) or re.match(r"-[neE]+\Z", word) for word in said):
            return _call([*behind, TEXT, " ".join(said)], is_nameable=is_nameable)
    *unpacking, file = before or [""]
    if unpacking and unpacking[-1] == "<":
        unpacking = unpacking[:-1]
    if " ".join(unpacking) not in UNPACKERS:
        name = before[0] if before and is_nameable and _NAME.match(before[0]) else "it"
        raise Uncertain(
            f"what {name} pipes into the client is neither one file, unpacked, nor a text"
        )
    return _call([*behind, Sign("<"), file], is_nameable=is_nameable)


def _call(words: list[str], *, is_nameable: bool) -> ClientCall | Wait:
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
    if name == "mysqladmin" and "password" in rest:
        raise Uncertain("mysqladmin changes the password of the shared account: remove it")
    if name not in CLIENTS:
        named = f"the command {name}" if is_nameable and _NAME.match(name) else "a command"
        raise Uncertain(f"{named} is not known here")
    found = _options(rest, passwords, name)
    return _checked(found, tuple(passwords), name)


def _ping(rest: list[str], passwords: list[str]) -> Wait:
    plain = [word for word in rest if not _PINGING.fullmatch(word)]
    found = _options(plain, passwords, "mysqladmin")
    if not found.keys() <= {"host", "port", "user"}:
        raise Uncertain("mysqladmin has an argument that is not known here")
    target = NamedServer.of(found.get("host"), found.get("port"), found.get("user"))
    return Wait(target, tuple(passwords))


def _options(rest: list[str], passwords: list[str], name: str) -> dict[str, str]:
    """Return what a client's options and arguments say; passwords go where they are collected."""
    found: dict[str, str] = {}
    while rest:
        password = PASSWORD.fullmatch(rest[0])
        if password and not isinstance(rest[0], Sign):
            passwords += [] if password[1] is None else [password[1]]
            del rest[0]
        else:
            _take(rest, found, name)
    return found


def _take(rest: list[str], found: dict[str, str], name: str) -> None:
    """Take one option or argument of the client off the list."""
    word = rest.pop(0)
    if isinstance(word, Sign):
        if word not in ("<", TEXT) or not rest or isinstance(rest[0], Sign):
            raise Uncertain(f"{name} is followed by {word}, which is not known here")
        _note(found, "file" if word == "<" else "sql", rest.pop(0), name)
    elif _takes_option(word, rest, found, name):
        return
    elif word.startswith("-"):
        if not WITHOUT_EFFECT.fullmatch(word.replace("_", "-")):
            option = re.match(r"--[a-z_-]+|-[A-Za-z]", word)
            named = f" {option.group()}," if option else ""
            raise Uncertain(f"{name} has an option,{named} that is not known here")
    else:
        _note(found, "database", word, name)


def _takes_option(word: str, rest: list[str], found: dict[str, str], name: str) -> bool:
    """Take an option that means something for us; return whether it is one."""
    flag, equals, value = word.partition("=")
    if word in VALUED and rest and not isinstance(rest[0], Sign):
        _note(found, VALUED[word], rest.pop(0), name)
    elif flag in VALUED and equals and flag.startswith("--"):
        _note(found, VALUED[flag], value, name)
    elif word[:2] in VALUED and len(word) > 2:
        _note(found, VALUED[word[:2]], word[2:], name)
    elif word in ("-f", "--force"):
        found["force"] = ""
    else:
        return False
    return True


def _note(found: dict[str, str], key: str, value: str, name: str) -> None:
    """Take notice of a value; of two, the client takes the last, or both if they are statements."""
    if key in found:
        raise Uncertain(f"{name} has an option twice, or an argument that is not known here")
    found[key] = value


def _checked(found: dict[str, str], passwords: tuple[str, ...], name: str) -> ClientCall:
    file, sql = found.get("file"), found.get("sql")
    if sql is not None and (source := _SOURCE.match(sql.strip())):
        file, sql = source[1], None
    if (file is None) == (sql is None):
        raise Uncertain(f"{name} has neither a file nor statements, or both")
    if file is not None and (re.search(r"[*?\[{$]", file) or file.startswith("/dev/")):
        raise Uncertain(f"the file of {name} has a pattern in its name, or is none")
    if sql is not None:
        check_statements(sql)
    target = NamedServer.of(found.get("host"), found.get("port"), found.get("user"))
    return ClientCall(target, passwords, found.get("database"), "force" in found, file, sql)


def check_statements(sql: str) -> None:
    """Raise `Uncertain` if statements are not such as a cell of ``%%mysql_load`` takes.

    Of the rows that they return, such a cell shows those of the last statement.
    """
    try:
        items = list(split([sql.encode()]))
    except ScriptSyntaxError:
        raise Uncertain("its statements cannot be separated") from None
    for number, item in enumerate(items, 1):
        if isinstance(item, Statement):
            if _OWN_ACCOUNT.match(item.sql):
                raise Uncertain(
                    "it changes the shared account, which the magics use as well: remove it"
                )
            if _first_word(item.sql) not in NO_ROWS and number < len(items):
                raise Uncertain("several statements show rows: give each a cell of its own")
        elif effect_of(item.name) is Effect.REFUSE:
            raise Uncertain(f"its statements have a command of the client, {item.name}")
    if not items:
        raise Uncertain("its statements are empty")


def runnable_again(sql: str) -> str:
    """Return statements such that what they make may be there already.

    The client reports an error then, and the notebook continues; a magic stops it. A script that
    drops something makes it anew each time, so it stays as it is.
    """
    text = sql.encode()
    statements = [each for each in split([text]) if isinstance(each, Statement)]
    if any(_first_word(each.sql) == "drop" for each in statements):
        return sql
    for each in reversed(statements):
        if found := _MAKES.match(each.sql):
            at = each.offset + found.end()
            text = text[:at] + b" IF NOT EXISTS" + text[at:]
    return text.decode()


def together(calls: Sequence[ClientCall]) -> ClientCall:
    """Return several calls with statements as one.

    Raises
    ------
    Uncertain
        They differ in more than their statements, or cannot stand one after the other.
    """
    first = calls[0]
    texts = [(call.sql or "").strip() for call in calls]
    for call, text in zip(calls, texts):
        if (call.target, call.database, call.force) != (first.target, first.database, first.force):
            raise Uncertain("statements for several places stand here: give each a cell of its own")
        if re.search(r"(?:--|#)[^\n]*\Z|\bdelimiter\b", text, re.IGNORECASE):
            raise Uncertain("statements stand beside others: give them a cell of their own")
    sql = "\n".join(text if text.endswith(";") else f"{text};" for text in texts)
    check_statements(sql)
    passwords = tuple(password for call in calls for password in call.passwords)
    return replace(first, sql=sql, passwords=passwords)


def _first_word(sql: bytes) -> str:
    match = re.match(rb"\s*([A-Za-z]+)", sql)
    return match[1].decode().lower() if match else ""
