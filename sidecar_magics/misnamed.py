"""A magic's name that is nearly one of ours, ``%mysql_laod``: an error that asks what was meant.

IPython's own error for an unknown name offers none, and is no error output in the notebook:
papermill up to 2.5 runs on. What is unknown is seen in the syntax tree of a cell, by the
``ast_transformers`` that IPython has for extensions: a call of such a name becomes one of
`SidecarMagics.misnamed`, which looks again when it runs. Names that are not like ours stay
IPython's.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# As difflib counts; %mysql_stop and %mysql_up are 0.78 alike.
ALIKE = 0.8
MAGICS = (
    "mysql_wait",
    "mysql_load",
    "mysql_dump",
    "mysql_keep",
    "mysql_doctor",
    "mysql_up",
    "datajoint_connect",
)
# What people call them, and is not like their names.
_CALLED = {
    "connect_datajoint": "datajoint_connect",
    "datajoint": "datajoint_connect",
    "dj": "datajoint_connect",
    "dj_connect": "datajoint_connect",
    "mysql_connect": "datajoint_connect",
    "mysql_login": "datajoint_connect",
    "load_mysql": "mysql_load",
    "mysql": "mysql_load",
    "mysql_exec": "mysql_load",
    "mysql_execute": "mysql_load",
    "mysql_import": "mysql_load",
    "mysql_query": "mysql_load",
    "mysql_run": "mysql_load",
    "mysql_script": "mysql_load",
    "mysql_source": "mysql_load",
    "mysql_sql": "mysql_load",
    "mysql_backup": "mysql_dump",
    "mysql_export": "mysql_dump",
    "mysqldump": "mysql_dump",
    "mysql_save": "mysql_keep",
    "mysql_snapshot": "mysql_keep",
    "mysql_check": "mysql_doctor",
    "mysql_ping": "mysql_wait",
    "mysql_ready": "mysql_wait",
    "wait_mysql": "mysql_wait",
    "mysql_server": "mysql_up",
    "mysql_start": "mysql_up",
}
_COMMANDS = {f"mysql_{verb}": verb for verb in ("convert", "down", "logs", "status")}
_COMMANDS |= {"mysql_log": "logs", "mysql_stop": "down"}
_CALLS = {"run_line_magic": "line", "run_cell_magic": "cell"}
_INSTEAD = "get_ipython().magics_manager.registry['SidecarMagics'].misnamed"
_SIGNS = {"line": "%", "cell": "%%"}


class Misnamed(ast.NodeTransformer):
    """Find calls of magics that are not there, and are nearly ours, in the syntax tree of a cell.

    Parameters
    ----------
    shell : InteractiveShell
        Knows which magics there are.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def visit(self, tree: ast.AST) -> ast.AST:
        """Have each such call end with a question; IPython calls this for each cell."""
        for node in ast.walk(tree):  # without recursion, however deep the tree is
            kind = _kind_of(node)
            if kind is not None:
                self._replace(node, kind)
        return tree

    def _replace(self, call: Any, kind: str) -> None:
        """Have a call of ``run_line_magic`` or its like ask, if the magic is not there."""
        name, line = (getattr(word, "value", None) for word in call.args[:2])
        if not isinstance(name, str) or is_there(self._shell, kind, name):
            return
        if not meant(name or first_word(line), kind):
            return
        call.func = ast.parse(_INSTEAD, mode="eval").body
        call.args.insert(0, ast.Constant(kind))


def _kind_of(node: ast.AST) -> str | None:
    """Return which kind of magic a node calls, as IPython writes it; None if it calls none."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.keywords or len(node.args) not in (2, 3):  # a person wrote it
        return None
    shell = node.func.value
    is_shell = (
        isinstance(shell, ast.Call)
        and isinstance(shell.func, ast.Name)
        and shell.func.id == "get_ipython"
    )
    return _CALLS.get(node.func.attr) if is_shell else None


def is_there(shell: Any, kind: str, name: str) -> bool:
    """Return whether there is a magic of this kind and name, or a module that brings it."""
    manager = shell.magics_manager
    return name in manager.magics[kind] or name in getattr(manager, "lazy_magics", ())


def meant(name: str, kind: str = "line") -> str:
    """Return what to do about a magic that is not there; empty if its name is not like ours.

    Parameters
    ----------
    name : str
        All that stands between ``%`` and the next space.
    kind : {"line", "cell"}, default "line"
        Whether it was written with one ``%`` or two.
    """
    import difflib  # noqa: PLC0415 - not paid for by %load_ext

    word, rest = _parted(name)
    plain = word.casefold().replace("-", "_")
    if plain in _COMMANDS:
        return f"that is a command: !sidecar-magics {_COMMANDS[plain]}"
    near = difflib.get_close_matches(plain, MAGICS, n=1, cutoff=ALIKE)
    ours = _CALLED.get(plain) or f"mysql_{plain}"
    if ours not in MAGICS:
        ours = near[0] if near else ""
    if not ours:
        return ""
    # Only %%mysql_load has a cell.
    magic = f"{_SIGNS[kind] if ours == 'mysql_load' else '%'}{ours}"
    if rest and word == ours:
        if rest[0] == "?":
            return f"write {magic}? alone on its line, without a blank after it."
        if rest == ";":
            return "remove it; what follows it belongs on a line of its own."
        return f"write a space after {magic}, and no parentheses."
    return f"did you mean {magic}?"


def first_word(line: object) -> str:
    """Return the first word of a line, which after ``% `` is a magic's name."""
    return "".join(str(line).split()[:1])


def error_for(name: str, kind: str, line: str) -> UsageError:
    """Return the error for a magic that is not there."""
    if not name:
        return UsageError(f"A space follows {_SIGNS[kind]}.", hint=meant(first_word(line), kind))
    word, rest = _parted(name)
    magic = f"{_SIGNS[kind]}{word}"
    # Of what follows, only the first letter: the rest may be a password.
    message = f"{magic} is followed by `{rest[0]}`." if rest else f"There is no magic {magic}."
    return UsageError(message, hint=meant(name, kind))


def _parted(name: str) -> tuple[str, str]:
    """Part a name from what is written to it: ``mysql_wait()``."""
    word = re.match(r"[\w-]*", name)
    return (word[0], name[word.end() :]) if word else (name, "")
