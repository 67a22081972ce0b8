"""What becomes of each cell, with the whole notebook in view."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from . import folders, python, wishes
from .configuration import (
    about_password,
    is_own,
    names_a_base,
    remarks_on,
    requires_tls,
    said_by,
    settings_in,
)
from .drafts import draft_of, shell_text
from .elsewhere import gone_in_datajoint_2, paths_of_a_machine
from .offers import DATAJOINT, configuration_found, first_import, offer_of
from .report import Changed, Left
from .servers import about_engines
from .shell import runnable_again
from .steps import ClientCall, Dump, NamedServer, Say, ShellStep, Wait
from .waits import settled
from .words import Remark, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .drafts import Draft
    from .notebook import Notebook
    from .report import Hint, Offer

LOADED = re.compile(r"^\s*%load_ext\s+sidecar_magics\b", re.MULTILINE)
WAITS = re.compile(r"%mysql_wait\b(.*)")
CONNECTS = re.compile(r"%datajoint_connect\b|\bdatajoint_connect\(")
OPTION = re.compile(r"--(host|port|user|password-env)[= ]+'?([^\s']+)")
# The folder that the kernel was started in, which IPython keeps: of a notebook, its own.
START = "{_dh[0]}"
# How far up a file of another machine is looked for.
FOLDERS_UP = 3


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
        self._trees = {at: python.parsed(source) for at, source in self._sources.items()}
        self._aliases = {
            name for tree in self._trees.values() for name in python.names_of(tree, DATAJOINT)
        }
        self._spyglass = [
            at for at, tree in self._trees.items() if python.imports(tree, "spyglass")
        ]
        self._password_env: str | None = None
        self._target = self._waited_for()
        self._import = first_import(self._sources, self._trees)
        named = any(map(re.compile(r"mysql|mariadb").search, self._sources.values()))
        self._is_about_a_server = named or self._import is not None
        self._found = configuration_found(self._import, self._folder, self._sources)
        self._said: dict[str, str] = {}  # what cells say of DataJoint's server
        self._is_said_by_datajoint = False
        self._unclear: int | None = None  # a cell that says something of it which cannot be seen
        self._dumped: dict[str, str] = {}  # files that cells write of one schema, and which
        self._stayed: set[int] = set()  # cells whose os.chdir stays
        self.secrets: set[str] = set()

    def cells(self) -> tuple[tuple[Changed | Left, ...], bool]:
        """Return what becomes of the cells that are about a server.

        And whether the first of them that is changed has `first_cell` at its beginning.
        """
        drafts: dict[int, Draft] = {}
        left: dict[int, Left] = {}
        for at in self._sources:
            try:
                draft = self._draft(at)
                if draft is not None:
                    self._agree(draft, at)
                    drafts[at] = draft
            except Uncertain as why:
                left[at] = Left(at + 1, f"{why}.")
        dropped = {at for at, draft in drafts.items() if self._can_stay_here(draft, at)}
        self._stayed = {
            at
            for at, source in self._sources.items()
            if folders.goes_elsewhere(source) and at not in dropped
        }
        changed = {
            at: self._changed(draft, at, drops_folder=at in dropped) for at, draft in drafts.items()
        }
        first = self.first_cell() if changed else None
        changed, takes_first = settled(self._sources, changed, first)
        found: dict[int, Changed | Left] = {**left, **changed}
        if self._is_about_a_server:
            self._remark_on_engines(found)
        return tuple(found[at] for at in sorted(found)), takes_first

    def hints(self, changes: Mapping[int, str]) -> tuple[tuple[Hint, ...], tuple[Hint, ...]]:
        """Return what fails on another machine, and what with DataJoint 2.

        Parameters
        ----------
        changes : mapping of int to str
            The sources of the changed cells, by their number.
        """
        if not self._is_about_a_server:
            return (), ()
        sources = {**self._sources, **changes}
        # Spyglass needs DataJoint 0.14.
        gone = () if self._spyglass else gone_in_datajoint_2(sources, frozenset(self._aliases))
        return paths_of_a_machine(sources), gone

    def _remark_on_engines(self, found: dict[int, Changed | Left]) -> None:
        """Add what to do about commands of Docker that stay, cell by cell."""
        for at, source in self._sources.items():
            cell = found.get(at)
            text = shell_text(cell.after if isinstance(cell, Changed) else source)
            about = [each for each in about_engines(text) if f"{each}." != getattr(cell, "why", "")]
            if cell is not None:
                found[at] = replace(cell, notes=(*cell.notes, *about))
            elif about:
                found[at] = Left(at + 1, f"{about[0]}.", tuple(about[1:]))

    def first_cell(self) -> str | None:
        """Return the cell that comes before all that is changed; None if it is there."""
        if any(LOADED.search(source) for source in self._sources.values()):
            return None
        target = self._target_or_default()
        return f"%load_ext sidecar_magics\n%mysql_wait{target.options()}{self._password_option()}"

    def offer(self, first: int | None) -> Offer | None:
        """Return the lines that are missing where DataJoint is connected without a word.

        Parameters
        ----------
        first : int or None
            The first cell that is changed, which has the extension before it.
        """
        if self._import is None or any(CONNECTS.search(each) for each in self._sources.values()):
            return None
        loaded = [no for no, source in self._sources.items() if LOADED.search(source)]
        before = [*loaded, *([] if first is None else [first])]
        has_waited = any(no <= self._import.cell for no in before)
        return offer_of(
            self._import,
            self._found,
            waited_for=self._target_or_default() if has_waited else None,
            has_spyglass=bool(self._spyglass),
        )

    def _target_or_default(self) -> NamedServer:
        return self._target[0] if self._target else NamedServer()

    def _waited_for(self) -> tuple[NamedServer, int] | None:
        """Return the server that a notebook which has our extension waits for, and where."""
        loaded = [at for at, source in self._sources.items() if LOADED.search(source)]
        for at, source in self._sources.items():
            if loaded and (line := WAITS.search(source)):
                given = dict(OPTION.findall(line[1]))
                self._password_env = given.get("password-env")
                return NamedServer.of(given.get("host"), given.get("port"), given.get("user")), at
        return (NamedServer(), loaded[0]) if loaded else None

    # Reading ---------------------------------------------------------------------------------

    def _draft(self, at: int) -> Draft | None:
        try:
            draft = draft_of(self._sources[at], self._trees[at], self._aliases)
        except wishes.Unclear:
            self._unclear = at
            raise
        if not (draft and draft.wish) and self._is_about_a_server and python.asks(self._trees[at]):
            reason = "getpass asks a question, which an unattended run cannot answer"
            raise Uncertain(about_password(reason, self._target_or_default()))
        return draft

    def _agree(self, draft: Draft, at: int) -> None:
        """Have all that is converted go to one server: what is waited for is what is meant."""
        # A question that names no server is about the one that the others are for.
        targets = [
            each.target
            for each in draft.asked()
            if not isinstance(each, Wait) or each.target != NamedServer()
        ]
        self._agree_on_dumps(draft)
        wish, said = draft.wish, self._said
        if wish is not None:
            said = self._said_with(wish, at)
            base = said_by(self._found[1]) if self._found else {}
            if wish.file is None or said:
                targets.append(NamedServer.of(**{**base, **said}))
        if len(set(targets)) > 1:
            raise Uncertain("it is for several servers")
        known = self._target
        # Cells that say one thing each are about one server.
        goes_on = wish is not None and self._is_said_by_datajoint
        if targets and known is not None and known[0] != targets[0] and not goes_on:
            raise Uncertain(f"it is for another server than cell {known[1] + 1}")
        if wish and wish.password_env:
            if self._password_env not in (None, wish.password_env):
                raise Uncertain("its password is in another variable than before")
            self._password_env = wish.password_env
        if targets and (known is None or goes_on):
            self._target = targets[0], at if known is None else known[1]
            self._is_said_by_datajoint = wish is not None and not any(draft.asked())
        self._said = said
        self.secrets |= draft.passwords()

    def _agree_on_dumps(self, draft: Draft) -> None:
        """Refuse to load a schema's dump into another: of %mysql_dump it names its own."""
        for each in draft.asked():
            if isinstance(each, Dump) and each.is_bare:
                self._dumped[os.path.normpath(each.file)] = each.schemas[0]
            elif isinstance(each, ClientCall) and each.file is not None:
                schema = self._dumped.get(os.path.normpath(each.file))
                if schema is not None and each.database not in (None, schema):
                    raise Uncertain(
                        f"it loads the dump of {schema} into another schema: use %mysql_load "
                        f"FILE --into {each.database}"
                    )

    def _said_with(self, wish: wishes.ConnectionWish, at: int) -> dict[str, str]:
        """Return what the cells up to one say of DataJoint's server."""
        settings = self._settings(wish, at) if wish.file is not None else None
        said = {**(said_by(settings) if settings else {}), **wish.said}
        if self._unclear is not None and not {"host", "user"} <= said.keys() and not wish.file:
            raise wishes.Unclear(f"it continues the configuration of cell {self._unclear + 1}")
        for name, value in said.items():
            before = {name: self._said.get(name, value)}
            if self._target and NamedServer.of(**before) != NamedServer.of(**{name: value}):
                raise Uncertain(f"it is for another server than cell {self._target[1] + 1}")
        return {**self._said, **said}

    def _settings(self, wish: wishes.ConnectionWish, at: int) -> dict[str, Any] | None:
        """Return what the file of a cell says; None if it is not here, or may be anywhere."""
        if self._is_moved(at) or (
            wish.folder is None and folders.goes_elsewhere(self._sources[at])
        ):
            return None
        return settings_in(self._folder / (wish.folder or ".") / (wish.file or ""))

    def _is_moved(self, at: int) -> bool:
        """Return whether a cell before this one may have taken the kernel to another folder."""
        return any(folders.goes_elsewhere(each) for no, each in self._sources.items() if no < at)

    def _can_stay_here(self, draft: Draft, at: int) -> bool:
        """Return whether ``os.chdir`` was there for the configuration file only."""
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
        rest = [folders.depends_on_folder(self._sources[at], last)]
        rest += [folders.depends_on_folder(each) for no, each in self._sources.items() if no > at]
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
        given = {password for each in draft.asked() for password in each.passwords}
        given |= set(draft.wish.passwords[::2]) if draft.wish else set()
        if draft.wish and draft.wish.asks:
            reason = "it asked for a password, which an unattended run cannot answer"
            notes.append(about_password(reason, self._target_or_default()))
        elif any(is_own(password, self._target_or_default()) for password in given):
            notes.append(about_password("its password was taken out", self._target_or_default()))
        if any(isinstance(each, Wait) and each.starts for each in draft.asked()):
            notes.append(
                "the sidecar is its server now; without one, `sidecar-magics up` starts one"
            )
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
        found: Sequence[ShellStep],
        at: int,
        what: list[str],
        notes: list[str],
    ) -> list[str]:
        lines: list[str] = []
        only_waits = not any(isinstance(each, (ClientCall, Dump)) for each in found)
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
            elif isinstance(each, Dump):
                lines.append(self._dump(each, at, notes))
                what.append("writes a dump with %mysql_dump")
            else:
                line, done = self._load(each, at, notes)
                lines.insert(0 if each.sql is not None else len(lines), line)
                what.append(done)
        return lines

    def _load(self, call: ClientCall, at: int, notes: list[str]) -> tuple[str, str]:
        options = f" --database {shlex.quote(call.database)}" if call.database else ""
        options += " --force" if call.force else ""
        if call.sql is not None:
            sql = runnable_again(call.sql)
            if sql != call.sql:
                notes.append("IF NOT EXISTS was added, so that the cell can be run again")
            return f"%%mysql_load{options}\n{sql.strip()}", "is loaded with %%mysql_load"
        name = self._from_start(self._found_near(call.file or "", at, notes), at, notes)
        return f"%mysql_load {shlex.quote(name)} --once{options}", "loads a file with %mysql_load"

    def _dump(self, dump: Dump, at: int, notes: list[str]) -> str:
        if dump.file.startswith("/"):
            notes.append(
                "it writes to a folder of one machine: give the file a path from the notebook's "
                f"folder, such as {shlex.quote(PurePosixPath(dump.file).name)}"
            )
        if dump.is_bare:
            notes.append(
                f"its script names {dump.schemas[0]}, which it makes where it is missing: load it "
                "with --into SCHEMA for another one"
            )
        return dump.line(self._from_start(dump.file, at, notes))

    def _connect(
        self, wish: wishes.ConnectionWish, at: int, notes: list[str], *, drops_folder: bool
    ) -> str:
        options = self._password_option() if wish.password_env else ""
        options += wish.options
        if wish.file is not None:
            gone_to = wish.folder or "."
            name = wish.file
            if drops_folder:
                name = PurePosixPath(os.path.normpath(PurePosixPath(gone_to, name))).as_posix()
            options += f" --config {shlex.quote(self._from_start(name, at, notes))}"
            notes.extend(remarks_on(self._settings(wish, at), self._target_or_default()))
        elif self._found:
            options += " --tls required" if requires_tls(self._found[1]) else ""
            notes += [
                f"of {self._found[0].name}: {each}"
                for each in remarks_on(self._found[1], self._target_or_default())
                if not wish.passwords and not wish.password_env and not wish.asks
            ]
        if wish.file is not None or self._found:
            options += self._spyglass_option(wish, at, notes)
        if wish.folder is not None and not drops_folder:
            notes.append(
                "os.chdir stays, since other lines may rely on it"
                + ("" if wish.is_guarded else "; run twice, it leaves the folder")
            )
        return f"%datajoint_connect{options}"

    def _spyglass_option(self, wish: wishes.ConnectionWish, at: int, notes: list[str]) -> str:
        if not self._spyglass:
            return ""
        before = "\n".join(self._sources[at].split("\n")[: max(r.stop for r in wish.lines)])
        is_early = min(self._spyglass) >= at and not python.imports(
            python.parsed(before), "spyglass"
        )
        settings = self._settings(wish, at) if wish.file is not None else None
        if wish.file is None and self._found is not None:
            settings = self._found[1]
        if is_early and names_a_base(settings):
            return " --spyglass"
        notes.append("Spyglass is imported: add --spyglass BASE_DIR here if it misses its folders")
        return ""

    def _password_option(self) -> str:
        return f" --password-env {self._password_env}" if self._password_env else ""

    def _found_near(self, name: str, at: int, notes: list[str]) -> str:
        """Return a file's path from the notebook's folder, also if a cell went to one elsewhere."""
        folder = folders.absolute_folder(self._sources, at)
        if folder is None or name.startswith("/"):
            return self._near(name, at, notes)
        near = self._near(os.path.normpath(PurePosixPath(folder, name)), at, [])
        return near if near.startswith(START) else name

    def _near(self, name: str, at: int, notes: list[str]) -> str:
        """Return a file's path as it is from the notebook's folder, if it is of another machine."""
        if not name.startswith("/"):
            return name
        parts = PurePosixPath(name).parts[1:]
        here = [self._folder, *list(self._folder.parents)[:FOLDERS_UP]]
        for begin in range(len(parts)):
            for folder in here if begin < len(parts) - 1 else here[:1]:
                found = folder / Path(*parts[begin:])
                if found.is_file():
                    near = Path(os.path.relpath(found, self._folder)).as_posix()
                    return f"{START}/{near}" if self._stayed else near
        is_here = Path(name).is_file()
        state = "other machines have no such file" if is_here else "this machine has no such file"
        notes.append(
            f"{state}: put the file beside the notebook, or into a folder there, and write its "
            f"path from the notebook's folder: {shlex.quote(parts[-1] if parts else name)}"
        )
        return name

    def _from_start(self, name: str, at: int, notes: list[str]) -> str:
        """Return a path that means the same when all cells are run once more in one kernel."""
        is_relative = not name.startswith(("/", "~", START)) and "\\" not in name
        if is_relative and self._stayed and min(self._stayed) > at:
            name = f"{START}/{name}"
        if name.startswith(START):
            notes.append(
                f"the folder is changed in cell {min(self._stayed) + 1}: "
                f"{START} is the one that the kernel started in"
            )
        return name


def _replaced(lines: list[str], insertions: dict[int, list[str]], gone: set[int]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield from insertions.get(number, ())
        if number not in gone:
            yield line
