"""Which folder a kernel is in: where cells go, and which of them care."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from .ipython import commands
from .python import as_python, dotted, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names that make a difference by the folder that the kernel is in.
FOLDER_WORDS = {
    *("cwd", "getcwd", "listdir", "scandir", "glob", "iglob", "rglob", "walk", "open", "exists"),
    *("chdir", "abspath", "resolve", "absolute", "iterdir"),
}
_PATH = re.compile(r"(?!/|~|\w+://)(?:[^\s/]+/\S*|\S*[^\s.]\.[A-Za-z]\w{0,4}|\.\.?)\Z")
# IPython's lines that do not care for the folder.
_HARMLESS_LINE = re.compile(
    r"\s*%(?:load_ext|matplotlib|config|autoreload|reload_ext|mysql_wait|env|time\b)"
)


def depends_on_folder(source: str, after: int = 0) -> bool:
    """Return whether what a cell does may depend on the folder that the kernel is in.

    Parameters
    ----------
    source : str
        The cell.
    after : int, default 0
        The line to begin with.
    """
    tree = parsed(source)
    if tree is None:
        return True
    if as_python(source) is None:
        lines = source.split("\n")
        others = [where.start for where in commands(source) if where.start >= after]
        if any(not _HARMLESS_LINE.match(lines[number]) for number in others):
            return True
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) <= after:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _PATH.match(node.value):
                return True
        elif {getattr(node, "id", None), getattr(node, "attr", None)} & FOLDER_WORDS:
            return True
    return False


def folders_gone_to(source: str, before: int | None = None) -> list[tuple[str, int]] | None:
    """Return where a cell goes, and the last line of each step; None if that cannot be seen.

    Parameters
    ----------
    source : str
        The cell.
    before : int, optional
        The line to end at, from 1. Default: all of it.
    """
    if before is not None:
        source = "\n".join(source.split("\n")[: before - 1])
    if not goes_elsewhere(source):
        return []
    tree = parsed(source)
    found = []
    for statement in tree.body if tree else ():
        if (folder := folder_gone_to(statement)) is not None:
            found.append((folder, statement.end_lineno or statement.lineno))
    steps = len(re.findall(r"\bchdir\b|^\s*%(?:cd|pushd|popd)\b", source, re.MULTILINE))
    return found if tree is not None and len(found) == steps else None


def absolute_folder(sources: Mapping[int, str], at: int) -> str | None:
    """Return the folder that cells have gone to before a cell's shell lines, by its absolute path.

    Parameters
    ----------
    sources : mapping of int to str
        The code cells, by their number.
    at : int
        The cell.

    Returns
    -------
    str or None
        None if none of them names one, or if where they go cannot be seen.
    """
    folder = PurePosixPath()
    for number, source in sources.items():
        if number <= at:
            shell = [no for no, line in enumerate(source.split("\n"), 1) if line.startswith("!")]
            steps = folders_gone_to(source, shell[0] if number == at and shell else None)
            if steps is None:
                return None
            folder = folder.joinpath(*(step for step, _ in steps))
    return str(folder) if folder.is_absolute() else None


def folder_gone_to(statement: ast.stmt) -> str | None:
    """Return where ``os.chdir("..")`` goes, also after an ``if`` that asks for the folder."""
    if isinstance(statement, ast.If):
        about = {name for each in ast.walk(statement.test) for name in dotted(each).split(".")}
        if statement.orelse or len(statement.body) != 1 or not about & {"cwd", "getcwd"}:
            return None
        return folder_gone_to(statement.body[0])
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and dotted(call.func) == "os.chdir" and len(call.args) == 1:
        return path_of(call.args[0])
    return None


def goes_elsewhere(source: str) -> bool:
    """Return whether a cell may take the kernel to another folder."""
    return re.search(r"\bchdir\b|^\s*%(?:cd|pushd|popd)\b", source, re.MULTILINE) is not None


def path_of(node: ast.expr) -> str | None:
    """Return the path that an expression is, if that can be seen."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name in ("Path", "pathlib.Path", "str", "os.path.abspath") and len(node.args) == 1:
        return path_of(node.args[0])
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("absolute", "resolve"):
        return None if node.args else path_of(node.func.value)
    return None
