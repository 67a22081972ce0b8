"""What Python cells do to DataJoint's configuration, as far as that is certain.

Only statements that stand at a cell's top level, on lines of their own, are taken.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from .folders import folder_gone_to, path_of
from .ipython import commands
from .python import ASKS, as_python, dotted, parsed
from .words import Uncertain

FIELDS = ("host", "port", "user", "password", "use_tls")
# The environment that DataJoint reads while it is imported.
VARIABLES = {
    **{"DJ_HOST": "host", "DJ_PORT": "port", "DJ_USER": "user", "DJ_PASS": "password"},
    "DJ_USE_TLS": "use_tls",
}
# How IPython sets a variable: %env X=1, %env X 1, %set_env X 1.
_ENV = re.compile(r"(\s*)%(?:set_)?env[ \t]+(\w+)(?:[ \t]*=[ \t]*|[ \t]+)(.*?)[ \t]*")
SETTERS = ("os.environ.update", "os.environ.setdefault", "os.putenv")
QUESTIONS = ("set_password", "save_dj_config")


@dataclass
class ConnectionWish:
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


class Unclear(Uncertain):
    """A cell configures DataJoint's connection, and to what cannot be seen."""


def wish(source: str, aliases: set[str]) -> ConnectionWish | None:
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
    source = _with_variables_as_python(source)
    tree = parsed(source)
    if tree is None:
        return None
    reader = _Reader(aliases, source.split("\n"))
    for statement in tree.body:
        reader.read(statement)
    return reader.result()


def _with_variables_as_python(source: str) -> str:
    """Return a cell in which ``%env DJ_HOST=x`` is ``os.environ["DJ_HOST"] = "x"``."""
    if "env" not in source or as_python(source) is not None:
        return source
    lines = source.split("\n")
    for where in commands(source):
        found = _ENV.fullmatch(lines[where.start]) if len(where) == 1 else None
        if found and found[2] in VARIABLES:
            # IPython puts in what stands in braces, or after a dollar.
            value = "_" if re.search(r"[{$]", found[3]) else repr(found[3])
            lines[where.start] = f"{found[1]}os.environ[{found[2]!r}] = {value}"
    return "\n".join(lines)


class _Reader:
    """Goes through the statements of a cell and collects what they want."""

    def __init__(self, aliases: set[str], lines: list[str]) -> None:
        self._aliases = aliases
        self._lines = lines
        self._wish = ConnectionWish()
        self._between = False  # something of DataJoint's stands after what is to be replaced

    def read(self, statement: ast.stmt) -> None:
        """Take notice of one statement."""
        if self._sets_the_connection(statement) or self._loads_a_file(statement):
            if self._between:
                raise Uncertain("DataJoint is used between the lines that configure it")
            self._wish.lines.append(self._own_lines(statement))
        elif (folder := folder_gone_to(statement)) is not None:
            if not self._wish.lines:
                self._wish.folder = folder
                self._wish.folder_lines = self._own_lines(statement)
                self._wish.is_guarded = isinstance(statement, ast.If)
        elif why := self._otherwise(statement):
            raise why
        elif self._wish.lines and any(self._is_alias(node) for node in ast.walk(statement)):
            self._between = not isinstance(statement, (ast.Import, ast.ImportFrom))

    def result(self) -> ConnectionWish | None:
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

        ``dj.config["database.host"]``, ``dj.config.database.host`` and ``os.environ["DJ_HOST"]``,
        also as ``%env DJ_HOST=...``.
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
        name = path_of(call.args[0]) if len(call.args) == 1 and not call.keywords else None
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
                    f"{node.attr} asks questions, which an unattended run cannot answer: remove it"
                )
            elif isinstance(node, ast.Call) and dotted(node.func) in SETTERS:
                named = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                named |= {each.arg for each in node.keywords}
                if named & VARIABLES.keys():
                    return Unclear(
                        f"{dotted(node.func)} sets DataJoint's connection: write "
                        "%datajoint_connect in its place"
                    )
            elif isinstance(node, ast.Call) and self._connects(node):
                return Uncertain(
                    "dj.conn has a server of its own: without arguments it uses the open connection"
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
