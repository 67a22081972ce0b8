"""Commands that bring a server of their own: services, programs, packages and containers."""

from __future__ import annotations

import re

from .steps import NamedServer, Wait
from .words import Uncertain

# What starts a server: as a service, as a program, as a container; what installs one.
_SERVICE = re.compile(
    r"(?:service (?:mysqld?|mariadb) (?:start|status)"
    r"|systemctl (?:start|status|enable --now) (?:mysqld?|mariadb)(?:\.service)?"
    r"|(?:\S*/)?init\.d/(?:mysqld?|mariadb) (?:start|status)"
    r"|brew services start (?:mysql|mariadb)(?:@\S+)?"
    r"|(?:\S*/)?(?:mysqld_safe|mariadbd-safe)(?: --user=\w+)?)"
)
_CONTROLS = re.compile(
    r"(?:service (?:mysqld?|mariadb)|systemctl .*\b(?:mysqld?|mariadb)"
    r"|(?:\S*/)?init\.d/(?:mysqld?|mariadb)"
    r"|brew services \w+ (?:mysql|mariadb))\b"
)
_INSTALLS = re.compile(
    r"apt(?:-get)?(?: -\S+)* (?:update|install"
    r"(?: -\S+| (?:default-)?(?:mysql|mariadb)-(?:server|client)\S*)+)(?: -\S+)*"
)
_IMAGE = re.compile(r"(?:[\w.-]+/)*(?:mysql|mariadb)(?:-server)?(?::[\w.-]+)?")
ENGINES = {"docker", "podman"}
# Commands of an engine in a script; who runs them does not matter.
_ENGINE = re.compile(
    r"(?:^|[;&|(!])[ \t]*(?:sudo[ \t]+(?:-\S+[ \t]+)*)?"
    r"((?:docker|podman)(?:-compose|[ \t]+compose)?)[ \t]+(?:-\S+[ \t]+)*([a-z]+|--version\b)",
    re.MULTILINE,
)
_VERBS = {
    "start": ("up", "start", "run", "create", "pull", "build", "unpause"),
    "stop": ("stop", "down", "rm", "kill", "restart", "pause", "rmi"),
    "ask": ("ps", "logs", "images", "inspect", "info", "version", "stats", "top", "--version"),
}
_ADVICE = {
    "start": "starts containers, which a hub does not have: if the server is one of them, write "
    "%mysql_wait in its place, and in that of a pause after it",
    "stop": "stops or removes what the sidecar does not need: remove the line",
    "ask": "asks a program that a hub does not have: remove the line, or write %mysql_doctor "
    "to see how the server is",
    "other": "is a program that a hub does not have: remove the line",
}
_FLAGS = re.compile(
    r"-[ditT]+|--(?:rm|detach|interactive|tty|privileged|init)|--[\w-]+=.*", re.DOTALL
)


def without_wrapping(words: list[str]) -> list[str]:
    """Return a command without ``sudo`` and ``docker exec``: who runs it where does not matter."""
    rest = list(words)
    while rest and rest[0] == "sudo":
        del rest[0]
        while rest and re.fullmatch(r"-[EHnS]+", rest[0]):
            del rest[0]
    rest = with_compose(rest)
    if len(rest) > 2 and rest[0] in ENGINES:
        compose = rest[1] == "compose"
        if rest[1 + compose] == "exec":
            del rest[: 2 + compose]
            while rest and _FLAGS.fullmatch(rest[0]):
                del rest[0]
            del rest[:1]  # the container
    return rest


def with_compose(words: list[str]) -> list[str]:
    """Return a command with ``docker compose`` where ``docker-compose`` stands."""
    engine, _, name = words[0].partition("-") if words else ("", "", "")
    return [engine, name, *words[1:]] if engine in ENGINES and name == "compose" else list(words)


def about_engines(script: str) -> list[str]:
    """Return what to do about commands of Docker or podman, which a hub does not have.

    Parameters
    ----------
    script : str
        One or several lines of a shell.
    """
    found: dict[str, str] = {}
    for command in _ENGINE.finditer(script):
        engine, verb = re.sub(r"[ \t]+", " ", command[1]), command[2]
        kind = next((kind for kind, verbs in _VERBS.items() if verb in verbs), "other")
        # Another word may be anything, so it is not shown.
        named = engine if kind == "other" else f"{engine} {verb}"
        found.setdefault(kind, f"{named} {_ADVICE[kind]}")
    return list(found.values())


def container(words: list[str]) -> Wait:
    """Return what ``docker run ... mysql`` waits for, if it is a server that it starts."""
    rest = words[2:]
    passwords: list[str] = []
    port: str | None = None
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if _FLAGS.fullmatch(flag):
            flag, _, value = flag.partition("=")
        else:
            value = rest.pop(0) if rest else ""
        if flag in ("-e", "--env"):
            variable, _, text = value.partition("=")
            passwords += (
                [text] if variable.endswith("_PASSWORD") and "ALLOW" not in variable else []
            )
        elif flag in ("-p", "--publish"):
            found = re.fullmatch(r"(?:[\d.]*:)?(\d+):3306", value)
            if found is None:
                raise Uncertain("which port its server has cannot be seen")
            port = found[1]
    if not rest or not _IMAGE.fullmatch(rest[0]):
        raise Uncertain(f"{words[0]} {words[1]} starts something that is not known here")
    return Wait(NamedServer.of(None, port, None), tuple(passwords), starts=True)


def composes_a_server(words: list[str]) -> bool:
    """Return whether ``docker compose up -d mysql`` starts a service that is named as a server."""
    if words[:1] not in (["docker"], ["podman"]) or words[1:3] not in (
        ["compose", "up"],
        ["compose", "start"],
    ):
        return False
    names = [word for word in words[3:] if word not in ("-d", "--detach", "--wait")]
    return bool(names) and all(name in ("mysql", "mariadb") for name in names)


def starts_a_server(line: str) -> bool:
    """Return whether a command starts a server on this machine, or installs one.

    Raises
    ------
    Uncertain
        It does something else with the server, such as to stop it.
    """
    if _SERVICE.fullmatch(line) or _INSTALLS.fullmatch(line):
        return True
    if _CONTROLS.match(line):
        raise Uncertain("it stops or restarts the server, which the sidecar does not need")
    return False
