"""Python cells of tutorials, read with IPython's own lines masked; and what is in them.

`ast` gives the place of each statement, so lines can be replaced without rewriting the others;
libcst would keep more than is needed.
"""

from __future__ import annotations

import ast
import contextlib
import re
import warnings

from .ipython import without_commands

# What a notebook has of DataJoint that gets it from a module of its own, under its usual name.
OF_DATAJOINT = {
    f"dj.{name}"
    for name in ("conn", "schema", "Schema", "Diagram", "ERD", "U", "kill", "list_schemas")
}
IMPORTS = (ast.Import, ast.ImportFrom)
ASKS = ("getpass", "getpass.getpass")
# What starts programs, and the programs that are about a server.
STARTERS = re.compile(r"os\.(?:system|popen)|subprocess\.\w+|(?:check_)?(?:run|call|output)|Popen")
PROGRAM = re.compile(r"(?:\S*/)?(?:mysql|mariadb|mysqladmin|mysqldump|mariadb-dump)(?!\S)")


def parsed(source: str) -> ast.Module | None:
    """Return a cell as Python, None if it is none."""
    if "\r" in source:  # which ends a line for Python, and not for who joins lines here
        return None
    # In plain Python a line that begins with % or ! is the rest of an expression, or in a text.
    return as_python(source) or as_python(without_commands(source))


def as_python(text: str) -> ast.Module | None:
    """Return a text as plain Python, None if it is none."""
    # The last two are for code that is nested too deeply.
    unreadable = (SyntaxError, ValueError, MemoryError, RecursionError)
    with contextlib.suppress(*unreadable), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a tutorial's own code: "\\d" without an r before it
        return ast.parse(text)
    return None


def dotted(node: ast.AST) -> str:
    """Return a name with dots, such as ``os.environ``; empty if it is something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def names_of(tree: ast.Module | None, module: str) -> set[str]:
    """Return the names under which a cell imports a module."""
    found = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {each.asname or each.name for each in node.names if each.name == module}
    return found


def imports(tree: ast.Module | None, package: str) -> bool:
    """Return whether a cell imports a package, or something of it."""
    for node in ast.walk(tree) if tree else ():
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.partition(".")[0] == package for name in names):
            return True
    return False


def program_started(tree: ast.Module | None) -> str | None:
    """Return what starts a program that is about a server, such as ``subprocess.run``."""
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        words = [
            each.value
            for argument in node.args
            for each in ast.walk(argument)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        if STARTERS.fullmatch(name) and any(PROGRAM.search(word) for word in words):
            return name
    return None


def asks(tree: ast.Module | None) -> bool:
    """Return whether a cell asks for a password."""
    return any(
        isinstance(node, ast.Call) and dotted(node.func) in ASKS
        for node in (ast.walk(tree) if tree else ())
    )


def works_with_tables(tree: ast.Module | None) -> bool:
    """Return whether a cell does what only DataJoint's tables can."""
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Attribute) and node.attr in ("fetch1", "proj", "aggr"):
            return True
        if isinstance(node, ast.Attribute) and dotted(node) in OF_DATAJOINT:
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            # Only of tables are rows chosen like this.
            right = node.right
            if isinstance(right, ast.Dict) or isinstance(getattr(right, "value", None), str):
                return True
    return False


def imports_something(tree: ast.Module | None) -> int | None:
    """Return the line of the first import in a cell, from 1; None if it has none."""
    found = (each.lineno for each in (tree.body if tree else ()) if isinstance(each, IMPORTS))
    return next(found, None)


def first_import(tree: ast.Module | None, *packages: str) -> tuple[str, int] | None:
    """Return the first of some packages that a cell imports, and the line of it, from 1."""
    for statement in tree.body if tree else ():
        for package in packages:
            if imports(ast.Module([statement], []), package):
                return package, statement.lineno
    return None
