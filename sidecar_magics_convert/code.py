"""Python cells of tutorials: what they do to DataJoint's configuration, as far as that is certain.

A cell is read as Python, with IPython's own lines masked; only statements that stand at its top
level, on lines of their own, are taken.
"""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

from .ipython import commands, without_commands
from .words import Uncertain

MODULE = "datajoint"
FIELDS = ("host", "port", "user", "password", "use_tls")
# The environment that DataJoint reads while it is imported.
VARIABLES = {
    **{"DJ_HOST": "host", "DJ_PORT": "port", "DJ_USER": "user", "DJ_PASS": "password"},
    "DJ_USE_TLS": "use_tls",
}
QUESTIONS = ("set_password", "save_dj_config")
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


@dataclass
class Wish:
    """What a cell wants of DataJoint's connection, and the lines that say so.

    Parameters
    ----------
    lines : list of range
        Lines that a magic replaces, counted from 0.
    said : dict of str to str
        What they say of the server: host, port, user.
    asks : bool
        Whether a password is asked for.
    options : str
        Further options of the magic, each with a space before it.
    password_env : str or None
        The variable that the password is taken from.
    passwords : tuple of str
        What stood there, as a value and as it is written, to be kept out of what is shown.
    file : str or None
        The configuration file that is loaded.
    folder : str or None
        Where the cell goes before it does so.
    folder_lines : range
        The lines of that.
    is_guarded : bool
        Whether it asks first where it is, so that it stays there when it is run twice.
    """

    lines: list[range] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    asks: bool = False
    options: str = ""
    password_env: str | None = None
    passwords: tuple[str, ...] = ()
    file: str | None = None
    folder: str | None = None
    folder_lines: range = range(0)
    is_guarded: bool = False


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
    """Tell whether a cell imports a package, or something of it."""
    for node in ast.walk(tree) if tree else ():
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name.partition(".")[0] == package for name in names):
            return True
    return False


def depends_on_folder(source: str, after: int = 0) -> bool:
    """Tell whether what a cell does may depend on the folder that the kernel is in.

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


class Unclear(Uncertain):
    """A cell configures DataJoint's connection, and to what cannot be seen."""


def wish(source: str, aliases: set[str]) -> Wish | None:
    """Return what a cell wants of DataJoint's connection; None if nothing.

    Parameters
    ----------
    source : str
        The cell.
    aliases : set of str
        The names that DataJoint has in the notebook.

    Raises
    ------
    Uncertain
        It sets something that cannot be converted with certainty.
    """
    tree = parsed(source)
    if tree is None:
        return None
    reader = _Reader(aliases, source.split("\n"))
    for statement in tree.body:
        reader.read(statement)
    return reader.result()


class _Reader:
    """Goes through the statements of a cell and collects what they want."""

    def __init__(self, aliases: set[str], lines: list[str]) -> None:
        self._aliases = aliases
        self._lines = lines
        self._wish = Wish()
        self._between = False  # something of DataJoint's stands behind what is to be replaced

    def read(self, statement: ast.stmt) -> None:
        """Take notice of one statement."""
        if self._sets_the_connection(statement) or self._loads_a_file(statement):
            if self._between:
                raise Uncertain("DataJoint is used between the lines that configure it")
            self._wish.lines.append(self._own_lines(statement))
        elif (folder := _folder_gone_to(statement)) is not None:
            if not self._wish.lines:
                self._wish.folder = folder
                self._wish.folder_lines = self._own_lines(statement)
                self._wish.is_guarded = isinstance(statement, ast.If)
        elif why := self._otherwise(statement):
            raise why
        elif self._wish.lines and any(self._is_alias(node) for node in ast.walk(statement)):
            self._between = not isinstance(statement, (ast.Import, ast.ImportFrom))

    def result(self) -> Wish | None:
        """Return what was found."""
        return self._wish if self._wish.lines else None

    def _sets_the_connection(self, statement: ast.stmt) -> bool:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return False
        name = self._field(statement.targets[0])
        if name == "password":
            self._take_password(statement.value)
        elif name == "use_tls":
            self._take_tls(statement.value)
        elif name is not None:
            value = str(_constant(statement.value, (str, int), name))
            if not re.fullmatch(r"[\w.:%@$-]*", value):
                raise Unclear(f"{name} is not filled in")
            self._wish.said[name] = value
        return name is not None

    def _field(self, node: ast.AST) -> str | None:
        """Return which field of the connection is meant, in one of the ways to write it.

        ``dj.config["database.host"]``, ``dj.config.database.host`` and ``os.environ["DJ_HOST"]``.
        """
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            is_group = node.value.attr == "database" and self._is_config(node.value.value)
            return node.attr if is_group and node.attr in FIELDS else None
        if not isinstance(node, ast.Subscript):
            return None
        inner: Any = node.slice
        key = inner.value if isinstance(inner, ast.Constant) else None
        if not isinstance(key, str):
            return None
        if self._is_config(node.value):
            group, _, name = key.partition(".")
            return name if group == "database" and name in FIELDS else None
        return VARIABLES.get(key) if dotted(node.value) == "os.environ" else None

    def _take_password(self, node: ast.expr) -> None:
        variable = _variable(node)
        if variable is not None:
            self._wish.password_env = variable
            return
        if isinstance(node, ast.Call) and dotted(node.func) in ASKS:
            self._wish.asks = True
            return
        written = ast.get_source_segment("\n".join(self._lines), node) or ""
        self._wish.passwords += (str(_constant(node, (str,), "password")), written)

    def _take_tls(self, node: ast.expr) -> None:
        if _constant(node, (bool, type(None), str), "use_tls") in (True, "True", "true", "1"):
            self._wish.options += " --tls required"

    def _loads_a_file(self, statement: ast.stmt) -> bool:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        if call.func.attr != "load" or not self._is_config(call.func.value):
            return False
        name = _path(call.args[0]) if len(call.args) == 1 and not call.keywords else None
        if name is None or self._wish.file is not None:
            raise Unclear("which file dj.config.load takes cannot be seen")
        self._wish.file = name
        return True

    def _own_lines(self, statement: ast.stmt) -> range:
        """Return the lines of a statement that shares them with no other."""
        end = statement.end_lineno or statement.lineno
        first = self._lines[statement.lineno - 1]
        rest = self._lines[end - 1].encode()[statement.end_col_offset or 0 :].decode().strip()
        if first[: statement.col_offset].strip() or (rest and not rest.startswith("#")):
            raise Uncertain("DataJoint is configured on a line with other code")
        return range(statement.lineno - 1, end)

    def _otherwise(self, statement: ast.stmt) -> Uncertain | None:
        """Return why a statement keeps its cell from being converted, if it does."""
        for node in ast.walk(statement):
            is_set = isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))
            if is_set and (name := self._field(node)):
                return Unclear(f"{name} of DataJoint's connection is set within other code")
            if isinstance(node, ast.Attribute) and self._is_config(node.value):
                if node.attr in ("load", "update"):
                    return Unclear(
                        f"dj.config.{node.attr} sets many keys at once, or stands in other code"
                    )
            elif isinstance(node, ast.Attribute) and node.attr in QUESTIONS:
                return Uncertain(
                    f"{node.attr} asks questions, which nobody answers in a run: take it out"
                )
            elif isinstance(node, ast.Call) and self._connects(node):
                return Uncertain(
                    "dj.conn has a server of its own: without arguments it takes what is connected"
                )
        return None

    def _connects(self, call: ast.Call) -> bool:
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr != "conn":
            return False
        given = [each for each in call.keywords if each.arg not in ("reset", "init_fun")]
        return self._is_alias(func.value) and bool(call.args or given)

    def _is_config(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute) and node.attr == "config" and self._is_alias(node.value)
        )

    def _is_alias(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._aliases


def _constant(node: ast.expr, kinds: tuple[type, ...], name: str) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, kinds):
        return node.value
    raise Unclear(f"{name} is not given as it is, but computed or asked for")


def _variable(node: ast.expr) -> str | None:
    """Return the variable of ``os.environ["X"]`` and its like."""
    key: Any = None
    if isinstance(node, ast.Subscript) and dotted(node.value) == "os.environ":
        key = node.slice
    elif isinstance(node, ast.Call) and dotted(node.func) in ("os.getenv", "os.environ.get"):
        key = node.args[0] if len(node.args) == 1 else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _path(node: ast.expr) -> str | None:
    """Return the path that an expression is, if that can be seen."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func)
    if name in ("Path", "pathlib.Path", "str", "os.path.abspath") and len(node.args) == 1:
        return _path(node.args[0])
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("absolute", "resolve"):
        return None if node.args else _path(node.func.value)
    return None


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
    """Tell whether a cell asks for a password."""
    return any(
        isinstance(node, ast.Call) and dotted(node.func) in ASKS
        for node in (ast.walk(tree) if tree else ())
    )


def works_with_tables(tree: ast.Module | None) -> bool:
    """Tell whether a cell does what only DataJoint's tables can, whoever imported DataJoint."""
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
        if (folder := _folder_gone_to(statement)) is not None:
            found.append((folder, statement.end_lineno or statement.lineno))
    steps = len(re.findall(r"\bchdir\b|^\s*%(?:cd|pushd|popd)\b", source, re.MULTILINE))
    return found if tree is not None and len(found) == steps else None


def _folder_gone_to(statement: ast.stmt) -> str | None:
    """Return where ``os.chdir("..")`` goes, also behind an ``if`` that asks for the folder."""
    if isinstance(statement, ast.If):
        about = {name for each in ast.walk(statement.test) for name in dotted(each).split(".")}
        if statement.orelse or len(statement.body) != 1 or not about & {"cwd", "getcwd"}:
            return None
        return _folder_gone_to(statement.body[0])
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and dotted(call.func) == "os.chdir" and len(call.args) == 1:
        return _path(call.args[0])
    return None


def goes_elsewhere(source: str) -> bool:
    """Tell whether a cell may take the kernel to another folder."""
    return re.search(r"\bchdir\b|^\s*%(?:cd|pushd|popd)\b", source, re.MULTILINE) is not None
