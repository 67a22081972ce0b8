"""What becomes of each cell, with the whole notebook in view."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..settings import TUTORIAL_PASSWORD
from . import code
from .configuration import ELSEWHERE, names_a_base, remarks_on, settings_in, target_of
from .ipython import commands
from .report import Changed, Left
from .shell import ClientCall, Say, Step, Target, Wait, steps
from .words import Remark, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .notebook import Notebook

LOADED = re.compile(r"^\s*%load_ext\s+sidecar_magics\b", re.MULTILINE)
WAITS = re.compile(r"%mysql_wait\b(.*)")
OPTION = re.compile(r"--(host|port|user|password-env)[= ]+'?([^\s']+)")
EMPTY_LINES = re.compile(r"\A(?:[ \t]*\n)+")  # IPython takes no notice of them before a cell
SHELL_CELL = re.compile(r"%%(?:bash|sh)[ \t]*\n")
# Cell magics whose cell is Python.
PYTHON_CELLS = ("%%capture", "%%time")
OTHER_SHELLS = ("%%bash", "%%sh", "%%script", "%%system", "%%!")
CLIENT = re.compile(r"\b(?:mysql|mariadb|mysqladmin)(?!\S)")
# In statements: what makes them unfit to be shown.
ABOUT_PASSWORDS = re.compile(r"\b(?:identified|password)\b", re.IGNORECASE)
# A password that the shell takes as it is written, so that it can be found there.
PLAIN = re.compile(r"[\w.!@#%^*+=/:,-]+")
# Other ways to a server, and what to say of them.
BY_ITSELF = (
    (
        re.compile(r"\bmysql(?:\+\w+)?://"),
        "an address with an account in it: sidecar.engine(), of sidecar = %mysql_wait, goes there",
    ),
    (
        re.compile(r"\b(?:pymysql|MySQLdb|connector)\.connect\s*\("),
        "it connects by itself: sidecar.connect(), of sidecar = %mysql_wait, does it",
    ),
    (
        re.compile(r"\b(?:os\.system|os\.popen|subprocess\.\w+)\s*\(.*\b(?:mysql|mariadb)\b"),
        "the client is started from Python: %mysql_load takes files",
    ),
    (re.compile(r"=\s*!\s*(?:\S*/)?(?:mysql|mariadb)\s"), "what the client prints is kept"),
)
# How far up a file of another machine is looked for.
FOLDERS_UP = 3


@dataclass
class Draft:
    """What is to replace lines of a cell.

    Parameters
    ----------
    whole : list, optional
        The steps of a shell cell, for all of the cell.
    shell_lines : dict
        The steps of single shell lines, by the lines that they replace.
    wish : Wish, optional
        What is wanted of DataJoint's connection.
    """

    whole: list[Step] | None = None
    shell_lines: dict[range, list[Step]] = field(default_factory=dict)
    wish: code.Wish | None = None

    def asked(self) -> Iterator[ClientCall | Wait]:
        """Yield each step that is about a server."""
        for each in (*(self.whole or ()), *(s for many in self.shell_lines.values() for s in many)):
            if isinstance(each, (ClientCall, Wait)):
                yield each

    def calls(self) -> Iterator[ClientCall]:
        """Yield each call of the client."""
        return (each for each in self.asked() if isinstance(each, ClientCall))

    def passwords(self) -> set[str]:
        """Return the passwords that stand there."""
        given = {password for each in self.asked() for password in each.passwords}
        return given | {each for each in (self.wish.passwords if self.wish else ()) if each}

    def can_be_shown(self, source: str) -> bool:
        """Tell whether the passwords can be found in a cell, and so be masked."""
        if any(ABOUT_PASSWORDS.search(call.sql or "") for call in self.calls()):
            return False
        given = [password for each in self.asked() for password in each.passwords]
        return all(PLAIN.fullmatch(each) and each in source for each in given)


class Plan:
    """Reads a notebook, and says for each cell what becomes of it.

    Parameters
    ----------
    notebook : Notebook
        It is not changed.

    Attributes
    ----------
    secrets : set of str
        Passwords that stood in it.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._sources = {at: notebook.sources[at] for at in notebook.code()}
        self._folder = notebook.path.absolute().parent
        trees = {at: code.parsed(source) for at, source in self._sources.items()}
        self._aliases = {
            name for tree in trees.values() for name in code.names_of(tree, code.MODULE)
        }
        self._spyglass = [at for at, tree in trees.items() if code.imports(tree, "spyglass")]
        self._password_env: str | None = None
        self._target = self._waited_for()
        self._stayed: set[int] = set()  # cells whose os.chdir stays
        self.secrets: set[str] = set()

    def cells(self) -> tuple[Changed | Left, ...]:
        """Return what becomes of the cells that are about a server."""
        drafts: dict[int, Draft] = {}
        left: dict[int, Left] = {}
        for at, source in self._sources.items():
            try:
                draft = self._draft(source)
                if draft is not None:
                    self._agree(draft, at)
                    drafts[at] = draft
            except Uncertain as why:
                left[at] = Left(at + 1, f"{why}.")
        dropped = {at for at, draft in drafts.items() if self._can_stay_here(draft, at)}
        self._stayed = {
            at
            for at, source in self._sources.items()
            if code.goes_elsewhere(source) and at not in dropped
        }
        changed = {
            at: self._changed(draft, at, drops_folder=at in dropped) for at, draft in drafts.items()
        }
        found: dict[int, Changed | Left] = {**left, **changed}
        return tuple(found[at] for at in sorted(found))

    def first_cell(self) -> str | None:
        """Return the cell that comes before all that is changed; None if it is there."""
        if any(LOADED.search(source) for source in self._sources.values()):
            return None
        target = self._target[0] if self._target else Target()
        return f"%load_ext sidecar_magics\n%mysql_wait{target.options()}{self._password_option()}"

    def _waited_for(self) -> tuple[Target, int] | None:
        """Return the server that a notebook which has our extension waits for, and where."""
        loaded = [at for at, source in self._sources.items() if LOADED.search(source)]
        for at, source in self._sources.items():
            if loaded and (line := WAITS.search(source)):
                given = dict(OPTION.findall(line[1]))
                self._password_env = given.get("password-env")
                return Target.of(given.get("host"), given.get("port"), given.get("user")), at
        return (Target(), loaded[0]) if loaded else None

    # Reading ---------------------------------------------------------------------------------

    def _draft(self, source: str) -> Draft | None:
        cell = EMPTY_LINES.sub("", source)
        if SHELL_CELL.match(cell):
            if not CLIENT.search(cell):
                return None
            draft = Draft(whole=_understood(cell.partition("\n")[2]))
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
        draft = Draft(wish=code.wish(source, self._aliases))
        # In plain Python a line that begins with ! is within a text.
        if code.as_python(source) is None:
            draft.shell_lines = dict(_shell_lines(source))
        return _whole_if_alone(draft, source) if draft.wish or draft.shell_lines else None

    def _agree(self, draft: Draft, at: int) -> None:
        """Have all that is converted go to one server: what is waited for is what is meant."""
        # A question that names no server is about the one that the others are for.
        targets = [
            each.target
            for each in draft.asked()
            if isinstance(each, ClientCall) or each.target != Target()
        ]
        wish = draft.wish
        if wish and (wish.file is None or wish.target != Target()):
            targets.append(wish.target)
        if wish and wish.file is not None and (settings := self._settings(wish, at)) is not None:
            targets.append(target_of(settings))
        if len(set(targets)) > 1:
            raise Uncertain("it is for several servers")
        for target in targets[:1]:
            if self._target is None:
                self._target = target, at
            elif self._target[0] != target:
                raise Uncertain(f"it is for another server than cell {self._target[1] + 1}")
        if wish and wish.password_env:
            if self._password_env not in (None, wish.password_env):
                raise Uncertain("its password is in another variable than before")
            self._password_env = wish.password_env
        self.secrets |= draft.passwords()

    def _settings(self, wish: code.Wish, at: int) -> dict[str, Any] | None:
        """Return what the file of a cell says; None if it is not here, or may be anywhere."""
        if self._is_moved(at) or (wish.folder is None and code.goes_elsewhere(self._sources[at])):
            return None
        return settings_in(self._folder / (wish.folder or ".") / (wish.file or ""))

    def _is_moved(self, at: int) -> bool:
        """Tell whether a cell before this one may have taken the kernel to another folder."""
        return any(code.goes_elsewhere(each) for no, each in self._sources.items() if no < at)

    def _can_stay_here(self, draft: Draft, at: int) -> bool:
        """Tell whether ``os.chdir`` was there for the configuration file only."""
        wish = draft.wish
        if wish is None or wish.folder is None or wish.file is None or not wish.folder_lines:
            return False
        if wish.folder.startswith("/") or wish.file.startswith("/") or self._is_moved(at):
            return False
        if not (self._folder / wish.folder / wish.file).exists():
            return False
        if (self._folder / wish.file).exists() or draft.shell_lines:
            return False  # which of the two was meant cannot be seen
        last = max(lines.stop for lines in wish.lines)
        rest = [code.depends_on_folder(self._sources[at], last)]
        rest += [code.depends_on_folder(each) for no, each in self._sources.items() if no > at]
        return not any(rest)

    # Writing ---------------------------------------------------------------------------------

    def _changed(self, draft: Draft, at: int, *, drops_folder: bool) -> Changed:
        source = self._sources[at]
        notes: list[str] = []
        what: list[str] = []
        if draft.whole is not None:
            lines = self._magics(draft.whole, at, what, notes)
        else:
            lines = source.split("\n")
            insertions: dict[int, list[str]] = {}
            gone: set[int] = set()
            for where, found in draft.shell_lines.items():
                indent = re.match(r"\s*", lines[where.start])
                before = indent.group() if indent else ""
                magics = self._magics(found, at, what, notes)
                insertions[where.start] = [before + line for line in magics]
                gone |= set(where)
            if draft.wish:
                line = self._connect(draft.wish, at, notes, drops_folder=drops_folder)
                insertions[draft.wish.lines[-1].start] = [line]
                gone |= {number for where in draft.wish.lines for number in where}
                gone |= set(draft.wish.folder_lines) if drops_folder else set()
                what.append("connects DataJoint with %datajoint_connect")
            lines = list(_replaced(lines, insertions, gone))
        given = {each.strip("\"'") for each in draft.passwords()}
        if given - {"", TUTORIAL_PASSWORD.reveal()}:
            notes.append(ELSEWHERE.format("its password was taken out"))
        return Changed(
            at + 1,
            ", and ".join(dict.fromkeys(what)),
            source,
            "\n".join(lines),
            tuple(notes),
            is_shown=draft.can_be_shown(source),
        )

    def _magics(
        self,
        found: Sequence[Step],
        at: int,
        what: list[str],
        notes: list[str],
    ) -> list[str]:
        lines: list[str] = []
        only_waits = not any(isinstance(each, ClientCall) for each in found)
        for each in found:
            if isinstance(each, Wait):
                if only_waits:  # who loads has waited before
                    lines.append("%mysql_wait")
                    what.append("waits with %mysql_wait")
                    only_waits = False
            elif isinstance(each, Say):
                lines.append(f"print({each.text!r})")
            elif isinstance(each, Remark):
                lines.append(each.text)
            else:
                line, done = self._load(each, at, notes)
                lines.insert(0 if each.sql is not None else len(lines), line)
                what.append(done)
        return lines

    def _load(self, call: ClientCall, at: int, notes: list[str]) -> tuple[str, str]:
        options = f" --database {shlex.quote(call.database)}" if call.database else ""
        options += " --force" if call.force else ""
        if call.sql is not None:
            return f"%%mysql_load{options}\n{call.sql.strip()}", "is loaded with %%mysql_load"
        name = self._near(call.file or "", at, notes)
        return f"%mysql_load {shlex.quote(name)} --once{options}", "loads a file with %mysql_load"

    def _connect(self, wish: code.Wish, at: int, notes: list[str], *, drops_folder: bool) -> str:
        options = self._password_option() if wish.password_env else ""
        options += wish.options
        if wish.file is not None:
            gone_to = wish.folder or "."
            name = wish.file
            if drops_folder:
                name = PurePosixPath(os.path.normpath(PurePosixPath(gone_to, name))).as_posix()
            options += f" --config {shlex.quote(name)}"
            options += self._spyglass_option(wish, at, notes)
            notes.extend(remarks_on(self._settings(wish, at)))
        if wish.folder is not None and not drops_folder:
            notes.append(
                "os.chdir stays, since other lines may rely on it; run twice, it leaves the folder"
            )
        return f"%datajoint_connect{options}"

    def _spyglass_option(self, wish: code.Wish, at: int, notes: list[str]) -> str:
        if not self._spyglass:
            return ""
        before = "\n".join(self._sources[at].split("\n")[: max(r.stop for r in wish.lines)])
        is_early = min(self._spyglass) >= at and not code.imports(code.parsed(before), "spyglass")
        if is_early and names_a_base(self._settings(wish, at)):
            return " --spyglass"
        notes.append("Spyglass is imported: add --spyglass BASE_DIR here if it misses its folders")
        return ""

    def _password_option(self) -> str:
        return f" --password-env {self._password_env}" if self._password_env else ""

    def _near(self, name: str, at: int, notes: list[str]) -> str:
        """Return a file's path as it is from the notebook's folder, if it is of another machine."""
        if not name.startswith("/"):
            return name
        parts = PurePosixPath(name).parts[1:]
        here = [self._folder, *list(self._folder.parents)[:FOLDERS_UP]]
        if not any(no <= at for no in self._stayed):
            for begin in range(len(parts)):
                for folder in here if begin < len(parts) - 1 else here[:1]:
                    if (folder / Path(*parts[begin:])).is_file():
                        found = folder / Path(*parts[begin:])
                        return Path(os.path.relpath(found, self._folder)).as_posix()
        notes.append("its path is absolute: on another machine put the file beside the notebook")
        return name


def _understood(script: str) -> list[Step]:
    """Return the steps of a script, if they can stand in one cell."""
    found = list(steps(script))
    statements = [each for each in found if isinstance(each, ClientCall) and each.sql is not None]
    others = [each for each in found if isinstance(each, (ClientCall, Say))]
    if statements and len(others) > 1:
        raise Uncertain("statements stand beside other commands: give them a cell of their own")
    return found


def _shell_lines(source: str) -> Iterator[tuple[range, list[Step]]]:
    lines = source.split("\n")
    for where in commands(source):
        command = "\n".join(lines[where.start : where.stop]).strip()
        if command.startswith("!") and CLIENT.search(command):
            if "{" in command or "$" in command:  # IPython puts it in, also within quotes
                raise Uncertain("a variable of Python, or of the shell, is put in")
            found = _understood(command.lstrip("!"))
            if any(isinstance(each, (ClientCall, Wait)) for each in found):
                yield where, found


def _whole_if_alone(draft: Draft, source: str) -> Draft:
    """Take a single shell line for the whole cell: statements need one of their own."""
    if any(call.sql is not None for call in draft.calls()):
        ((where, found),) = (
            draft.shell_lines.items() if len(draft.shell_lines) == 1 else ((range(0), []),)
        )
        rest = [line for no, line in enumerate(source.split("\n")) if no not in where]
        if draft.wish or any(line.strip() for line in rest):
            raise Uncertain("statements stand beside other code: give them a cell of their own")
        return Draft(whole=found)
    return draft


def _replaced(lines: list[str], insertions: dict[int, list[str]], gone: set[int]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield from insertions.get(number, ())
        if number not in gone:
            yield line
