"""What a cell would become, seen by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import wishes
from .ipython import commands
from .python import as_python, program_started
from .shell import steps, together
from .steps import ClientCall, Dump, Say, ShellStep, Wait
from .words import Remark, Uncertain

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

EMPTY_LINES = re.compile(r"\A(?:[ \t]*\n)+")  # IPython takes no notice of them before a cell
SHELL_CELL = re.compile(r"%%(?:bash|sh)[ \t]*\n")
# Cell magics whose cell is Python.
PYTHON_CELLS = ("%%capture", "%%time")
OTHER_SHELLS = ("%%bash", "%%sh", "%%script", "%%system", "%%!")
# Programs, services, packages and images that are about a server.
CLIENT = re.compile(
    r"(?<![\w.@-])(?:(?:default-)?(?:mysql|mariadb)-(?:server|client|dump)[\w.-]*"
    r"|mysqladmin|mysqldump|mysqld_safe|mariadbd-safe|mysqld|(?:mysql|mariadb)(?:\.service|[:@][\w.-]+)?)"
    r"(?=[\s<;|&]|\Z)"
)
# Commands that name such a thing, and do nothing to it.
HARMLESS = re.compile(
    r"!+\s*(?:pip3?|conda|mamba|ls|cat|which|grep|find|git|\{?sys\.executable)\b[^|;&]*\Z"
)
# In statements: what makes them unfit to be shown.
ABOUT_PASSWORDS = re.compile(r"\b(?:identified|password)\b", re.IGNORECASE)
# A password that the shell takes as it is written, so that it can be found there.
PLAIN = re.compile(r"[\w.!@#%^*+=/:,-]+")
# Other ways to a server, and what to say of them.
BY_ITSELF = (
    (
        re.compile(r"\bmysql(?:\+\w+)?://"),
        "an address with an account: use sidecar.engine(), after sidecar = %mysql_wait",
    ),
    (
        re.compile(r"\b(?:pymysql|MySQLdb|connector|mariadb)\.connect\s*\("),
        "it connects by itself: use sidecar.connect(), after sidecar = %mysql_wait",
    ),
    (re.compile(r"=\s*!\s*(?:\S*/)?(?:mysql|mariadb)\s"), "what the client prints is kept"),
)


@dataclass
class Draft:
    """What is to replace lines of a cell.

    Parameters
    ----------
    whole : list, optional
        The steps of a shell cell, for all of the cell.
    shell_lines : dict
        The steps of single shell lines, by the lines that they replace.
    wish : ConnectionWish, optional
        What is wanted of DataJoint's connection.
    """

    whole: list[ShellStep] | None = None
    shell_lines: dict[range, list[ShellStep]] = field(default_factory=dict)
    wish: wishes.ConnectionWish | None = None

    def asked(self) -> Iterator[ClientCall | Dump | Wait]:
        """Yield each step that is about a server."""
        for each in (*(self.whole or ()), *(s for many in self.shell_lines.values() for s in many)):
            if isinstance(each, (ClientCall, Dump, Wait)):
                yield each

    def calls(self) -> Iterator[ClientCall]:
        """Yield each call of the client."""
        return (each for each in self.asked() if isinstance(each, ClientCall))

    def passwords(self) -> set[str]:
        """Return the passwords that stand there."""
        given = {password for each in self.asked() for password in each.passwords if password}
        return given | {each for each in (self.wish.passwords if self.wish else ()) if each}

    def can_be_shown(self, source: str) -> bool:
        """Return whether the passwords can be found in a cell, and so be masked."""
        if any(ABOUT_PASSWORDS.search(call.sql or "") for call in self.calls()):
            return False
        given = [password for each in self.asked() for password in each.passwords if password]
        return all(PLAIN.fullmatch(each) and each in source for each in given)


def draft_of(source: str, tree: ast.Module | None, aliases: set[str]) -> Draft | None:
    """Return what a cell would become; None if it is about nothing of this.

    Parameters
    ----------
    source : str
        The cell.
    tree : ast.Module or None
        The same as Python.
    aliases : set of str
        The names that DataJoint has in the notebook.

    Raises
    ------
    Uncertain
        It is about a server, and not what is known here.
    """
    cell = EMPTY_LINES.sub("", source)
    if SHELL_CELL.match(cell):
        if not CLIENT.search(cell):
            return None
        draft = Draft(whole=_in_one_cell(list(steps(cell.partition("\n")[2]))))
        return draft if any(draft.asked()) else None
    if cell.startswith(OTHER_SHELLS) and CLIENT.search(cell):
        raise Uncertain(
            "its lines end as on Windows" if "\r" in cell else "the shell's cell has options"
        )
    if cell.startswith("%%") and not cell.startswith(PYTHON_CELLS):
        return None
    for pattern, why in BY_ITSELF:
        if pattern.search(source):
            raise Uncertain(why)
    if starter := program_started(tree):
        raise Uncertain(f"{starter} starts the client from Python: use %mysql_load FILE")
    draft = Draft(wish=wishes.wish(source, aliases))
    # In plain Python a line that begins with ! is within a text.
    if as_python(source) is None:
        draft.shell_lines = dict(_shell_lines(source))
    return _whole_if_alone(draft, source) if draft.wish or draft.shell_lines else None


def shell_text(source: str) -> str:
    """Return the lines of a cell that a shell runs."""
    cell = EMPTY_LINES.sub("", source)
    if cell.startswith(OTHER_SHELLS):
        return cell.partition("\n")[2]
    if cell.startswith("%%") and not cell.startswith(PYTHON_CELLS):
        return ""
    if "!" not in source or as_python(source) is not None:
        return ""
    lines = source.split("\n")
    return "\n".join(line for where in commands(source) for line in lines[where.start : where.stop])


def _in_one_cell(found: list[ShellStep]) -> list[ShellStep]:
    calls = [each for each in found if isinstance(each, ClientCall)]
    statements = [each for each in calls if each.sql is not None]
    if not statements:
        return found
    if len(statements) < len(calls) or any(isinstance(each, (Dump, Say)) for each in found):
        raise Uncertain("statements stand beside other commands: give them a cell of their own")
    rest = [each for each in found if not isinstance(each, ClientCall)]
    return [*rest, together(statements)] if len(statements) > 1 else found


def _shell_lines(source: str) -> Iterator[tuple[range, list[ShellStep]]]:
    lines = source.split("\n")
    for where in commands(source):
        command = "\n".join(lines[where.start : where.stop]).strip()
        is_meant = command.startswith("!") and not HARMLESS.match(command)
        if is_meant and CLIENT.search(command):
            if "{" in command or "$" in command:  # IPython puts it in, also within quotes
                raise Uncertain("a variable of Python, or of the shell, is put in")
            found = _in_one_cell(list(steps(command.lstrip("!"))))
            if any(isinstance(each, (ClientCall, Dump, Wait)) for each in found):
                yield where, found


def _whole_if_alone(draft: Draft, source: str) -> Draft:
    """Take shell lines for the whole cell, if they have statements: these need one of their own."""
    if any(call.sql is not None for call in draft.calls()):
        taken = {number for where in draft.shell_lines for number in where}
        rest = [line for no, line in enumerate(source.split("\n")) if no not in taken]
        if draft.wish or any(line.strip() and not line.startswith("#") for line in rest):
            raise Uncertain("statements stand beside other code: give them a cell of their own")
        found: list[ShellStep] = [step for many in draft.shell_lines.values() for step in many]
        return Draft(whole=_in_one_cell([*found, *(Remark(each) for each in rest if each.strip())]))
    return draft
