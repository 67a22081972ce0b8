"""What can be said of a command that is not run: its targets, options, services, extras exist."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
from typing import TYPE_CHECKING, Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sidecar_magics import cli
from tests.docs.snippets import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

# A name that stands for one of the reader's: FILE, NOTEBOOK, `...`.
PLACEHOLDER = re.compile(r"^\.\.\.$|^[A-Z][A-Z_]+$")
OURS = "sidecar-magics"
COMPOSE_OPTIONS = {
    "up": {"-d", "--detach", "--wait", "--build"},
    "down": {"--volumes", "-v"},
    "ps": set(),
    "logs": {"-f"},
}
# Of Docker itself, as pages name them.
DOCKER_VERBS = {"inspect", "save", "load", "cp"}
# Of the shell itself; no program has the name.
BUILTINS = {"exec", "exit"}
JUPYTER = {"lab", "notebook", "nbconvert", "execute"}


def extras() -> set[str]:
    """Return the extras of pyproject.toml."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    return set(re.findall(r"^([\w-]+) = \[", section, re.MULTILINE))


def verbs() -> set[str]:
    """Return the verbs of `sidecar-magics`."""
    parser: Any = cli._parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return set(action.choices)


def check(words: list[str]) -> None:
    """Check a command.

    Raises
    ------
    AssertionError
        It cannot work.
    """
    program, *rest = words
    while re.match(r"^[A-Z_]+=", program):  # a variable for this command alone
        program, *rest = rest
    checker = CHECKERS.get(program)
    if checker is not None:
        checker(rest)
    else:
        assert program in BUILTINS or shutil.which(program), f"there is no program {program}"


def _make(words: list[str]) -> None:
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = {
        name for line in re.findall(r"^([\w.][^:=\n]*):(?!=)", text, re.MULTILINE)
        for name in line.split()
    } | set(re.findall(r"[\w-]+", text.partition(".PHONY:")[2].partition("\n")[0]))  # fmt: skip
    for word in words:
        assert word in targets, f"there is no target {word}"


def _pip(words: list[str]) -> None:
    assert words[0] == "install", words
    for word in words[1:]:
        if word.startswith("-"):
            assert word in {"-q", "-U", "--upgrade", "--quiet", "-e", "--editable"}, word
        elif not PLACEHOLDER.match(word):
            _requirement(word)


def _requirement(word: str) -> None:
    local = re.match(r"^(\.{1,2}(?:/[\w./*-]+)?|[\w./*-]+\.whl)(?:\[([\w,-]+)\])?$", word)
    if local:
        wanted = set(filter(None, (local[2] or "").split(",")))
        assert wanted <= extras(), f"no such extra: {wanted - extras()}"
        return
    requirement = Requirement(
        word.replace("git+", f"{OURS} @ git+", 1) if word[:4] == "git+" else word
    )
    if canonicalize_name(requirement.name) == OURS:
        unknown = requirement.extras - extras()
        assert not unknown, f"no such extra: {unknown}"


def _sidecar_magics(words: list[str]) -> None:
    if any(word.startswith("--help") for word in words):
        words = [word for word in words if not word.startswith("--help")]
        if not words:
            return
    assert words[0] in verbs(), f"there is no verb {words[0]}"
    if len(words) == 1:  # a name for it: `sidecar-magics convert`
        return
    try:
        cli._parsed(words)
    except SystemExit as end:
        raise AssertionError(f"sidecar-magics {' '.join(words)} is refused") from end


def _docker(words: list[str]) -> None:
    if words[:2] == ["buildx", "build"]:
        assert (PROJECT / words[-1] / "Dockerfile").is_file(), words[-1]
        return
    if words[0] in DOCKER_VERBS:
        return
    assert words[0] == "compose", words
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    profiles = {name for service in services.values() for name in service.get("profiles", [])}
    rest = words[1:]
    while rest and rest[0] == "--profile":
        assert rest[1] in profiles, f"there is no profile {rest[1]}"
        rest = rest[2:]
    verb, *names = rest
    assert verb in COMPOSE_OPTIONS, verb
    for name in names:
        known = COMPOSE_OPTIONS[verb] if name.startswith("-") else services
        assert name in known, f"docker compose {verb} has no {name}"


def _python(words: list[str]) -> None:
    if words[:1] == ["-m"]:
        assert words[1] in {"pip", "venv"} or importlib.util.find_spec(words[1]), words[1]


def _jupyter(words: list[str]) -> None:
    assert words[0] in JUPYTER, words


def _git(words: list[str]) -> None:
    assert words[0] in {"clone", "pull", "remote"}, words


def _anything(_: list[str]) -> None:
    """Its options are asked of the program itself, where there is one."""


CHECKERS: dict[str, Callable[[list[str]], None]] = {
    "make": _make,
    "pip": _pip,
    "pip3": _pip,
    "sidecar-magics": _sidecar_magics,
    "docker": _docker,
    "python": _python,
    "python3": _python,
    "jupyter": _jupyter,
    "git": _git,
    "cd": _anything,
    "export": _anything,
    "mysql": _anything,
    "mysqldump": _anything,
    "papermill": _anything,
    "ipython": _anything,
    "pipx": _anything,
    "uv": _anything,
}
