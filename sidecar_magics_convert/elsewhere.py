"""Lines that fail elsewhere: on another machine, or with DataJoint 2."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .folders import folder_gone_to
from .ipython import commands
from .python import dotted, parsed
from .report import Hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Folders that differ from machine to machine, and drives of Windows.
_OF_A_MACHINE = re.compile(
    r"(?:/(?:home|Users|root|mnt|media|content|Volumes|data|scratch|nfs)/|[A-Za-z]:[\\/])[^\n]{1,200}"
)
_CD = re.compile(
    r"\s*%(?:cd|pushd)[ \t]+['\"]?(?P<folder>(?:/|[A-Za-z]:[\\/])[^'\"\n]*?)['\"]?[ \t]*"
)
_EVERYWHERE = ("/tmp", "/")  # noqa: S108 - a name to compare with

# What DataJoint 0.14 has and 2 lacks, and what to write.
NAMES = {
    **{"schema": "dj.Schema", "ERD": "dj.Diagram", "Di": "dj.Diagram"},
    "create_virtual_module": "dj.VirtualModule",
    "AttributeAdapter": "dj.Codec",
    "kill": None,
    "set_password": None,
    "admin": None,
    "key": None,
}
SETTINGS = frozenset(
    {
        *("enable_python_native_blobs", "enable_automagic", "fetch_format", "add_hidden_timestamp"),
        *("filepath_checksum_size_limit", "filepath_checksum_size_limit_insert", "cache", "custom"),
        "connection.init_function",
    }
)
SCHEMAS_METHODS = {"spawn_missing_classes": "make_classes"}
METHODS = frozenset({"save", "save_local", "save_global", "update"})
_BLOB = re.compile(r":[ \t]*(?:tiny|medium|long)?blob\b(?!@)", re.IGNORECASE)


def paths_of_a_machine(sources: Mapping[int, str]) -> tuple[Hint, ...]:
    """Return what to do about absolute paths in Python's lines, and about folders gone to.

    Parameters
    ----------
    sources : mapping of int to str
        The code cells, by their number.
    """
    found: dict[str, list[int]] = {}
    for at, source in sources.items():
        gone_to = set(_folders(source))
        for folder in gone_to:
            text = (
                f"it goes to {folder}, which other machines do not have: remove that line, and "
                "write paths from the notebook's folder"
            )
            found.setdefault(text, []).append(at + 1)
        for path in dict.fromkeys(_paths(source)):
            if path not in gone_to:
                text = f"other machines have no {path}: write a path from the notebook's folder"
                found.setdefault(text, []).append(at + 1)
    return tuple(Hint(tuple(dict.fromkeys(cells)), text) for text, cells in found.items())


def _folders(source: str) -> Iterator[str]:
    tree = parsed(source)
    for statement in tree.body if tree else ():
        folder = folder_gone_to(statement)
        if folder and re.match(r"/|[A-Za-z]:[\\/]", folder) and folder not in _EVERYWHERE:
            yield folder
    lines = source.split("\n")
    for where in commands(source) if "%" in source else ():
        found = _CD.fullmatch(lines[where.start])
        if found and found["folder"] not in _EVERYWHERE:
            yield found["folder"]


def _paths(source: str) -> Iterator[str]:
    tree = parsed(source)
    for node in ast.walk(tree) if tree else ():
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _OF_A_MACHINE.fullmatch(text):
            yield text


def gone_in_datajoint_2(sources: Mapping[int, str], aliases: frozenset[str]) -> tuple[Hint, ...]:
    """Return what to change for DataJoint 2, a line for each name or setting that it lacks.

    Parameters
    ----------
    sources : mapping of int to str
        The code cells, by their number.
    aliases : frozenset of str
        The names that DataJoint has in the notebook.
    """
    found: dict[str, list[int]] = {}
    for at, source in sources.items():
        tree = parsed(source)
        for node in ast.walk(tree) if tree else ():
            for text in _gone(node, aliases):
                found.setdefault(text, []).append(at + 1)
    return tuple(Hint(tuple(dict.fromkeys(cells)), text) for text, cells in found.items())


def _gone(node: ast.AST, aliases: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module == "datajoint":
        yield from (_about_name(each.name) for each in node.names if each.name in NAMES)
    elif isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        if node.attr in SCHEMAS_METHODS:
            yield f"its schemas have no {node.attr}: write {SCHEMAS_METHODS[node.attr]}"
        if owner in aliases and node.attr in NAMES:
            yield _about_name(node.attr)
        elif _is_config(owner, aliases) and node.attr in METHODS:
            yield f"it has no dj.config.{node.attr}: %datajoint_connect --save writes a file"
    elif isinstance(node, ast.Subscript) and _is_config(dotted(node.value), aliases):
        key: object = getattr(node.slice, "value", None)
        if key in SETTINGS:
            yield f"it has no such setting (KeyError): remove the line with {key}"
    elif isinstance(node, ast.Call) and _is_config(dotted(node.func), aliases):
        yield "it cannot call dj.config: write `with dj.config.override(safemode=False):`"
    elif isinstance(node, ast.Assign):
        names = {dotted(target) for target in node.targets}
        text = node.value.value if isinstance(node.value, ast.Constant) else None
        if "definition" in names and isinstance(text, str) and _BLOB.search(text):
            yield "it keeps a longblob as bare bytes: write <blob> in the definition"


def _is_config(name: str, aliases: frozenset[str]) -> bool:
    alias, _, rest = name.rpartition(".")
    return rest == "config" and alias in aliases


def _about_name(name: str) -> str:
    instead = NAMES[name]
    return f"it has no dj.{name}: " + (f"write {instead}" if instead else "remove the line")
