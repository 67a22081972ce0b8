"""Read a whole script, and take down what a server may object to; no server is asked.

The script is streamed: what is kept grows with the number of its definitions, not with its rows.
Of a statement with rows only the first bytes are looked at.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ScriptError
from ...script.commands import Effect, effect_of
from ...script.sent import as_sent, client_keeps_comments
from ...script.splitter import ClientCommand, ScriptSyntaxError, Splitter, Statement
from ..folders import ALLOW_LINKS, astray
from ..sources import Source
from .inventory import Inventory, Place
from .recorder import Choice, Dialect, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...script.splitter import Item

_ROWS = re.compile(
    rb"(INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+"
    rb"((?:`[^`]+`|[\w$\x80-\xff]+)(?:\s*\.\s*(?:`[^`]+`|[\w$\x80-\xff]+))?)(?=[\s(])",
    re.IGNORECASE,
)
_HEADER = re.compile(rb"^-- Server version:?\s+(\d\S*)", re.MULTILINE)
_HEADER_BYTES = 4096


def survey(sources: Iterable[Source], dialect: Dialect, choice: Choice | None = None) -> Inventory:
    """Read scripts to their end and return what they hold.

    Parameters
    ----------
    sources : iterable of Source
        The scripts, in order. They are not closed.
    dialect : Dialect
        The server that they are read for.
    choice : Choice, optional
        What of them is loaded, and where to.

    Raises
    ------
    ScriptError
        A script is missing, damaged or broken.
    """
    surveyor = Surveyor(dialect, choice or Choice())
    for source in sources:
        surveyor.read(source)
    return surveyor.inventory


class Surveyor:
    """One reading of one or more scripts; `inventory` is what was found so far."""

    def __init__(self, dialect: Dialect, choice: Choice) -> None:
        self._recorder = Recorder(dialect, choice)
        self.inventory = self._recorder.inventory
        self._dialect = dialect
        self._choice = choice
        self._delimiter = b";"
        self._opened: list[Source] = []
        self._sandboxed = False
        self._ended = False

    def read(self, source: Source) -> None:
        """Read one script to its end.

        Raises
        ------
        ScriptError
            The script is damaged or broken; the message has the place.
        """
        if source.stray is not None and not self._choice.allow_outside_source:
            place = Place(source.name, 1, 1)
            self._recorder.refuse(place, f"it {astray(source.stray)}", ALLOW_LINKS)
            return
        self._delimiter, self._sandboxed = source.delimiter, False
        self._recorder.begin(source.schema, fresh=source.fresh_session)
        self._run(source)
        source.read_rest()
        self.inventory.file_bytes += source.position_bytes
        if source.looks_truncated:
            self.inventory.truncated.append(source.name)

    # The script, as the loader reads it --------------------------------------------------------

    def _run(self, source: Source) -> None:
        self._opened.append(source)
        flavour, version = self._dialect.flavour, self._dialect.version
        keep_comments = client_keeps_comments(flavour, version)
        splitter = Splitter(
            delimiter=self._delimiter,
            dollar_quotes=flavour == "mysql" and version >= 90000,
            keep_comments=keep_comments,
        )
        inventory, recorder = self.inventory, self._recorder
        for item in self._items(source, splitter):
            if not isinstance(item, Statement):
                self._delimiter = splitter.delimiter
                self._obey(item, source)
                if self._ended:
                    break
                splitter.delimiter = self._delimiter
                self._set_quoting(splitter)
                continue
            sql = as_sent(
                item,
                keep_comments=keep_comments,
                ansi_quotes=splitter.ansi_quotes,
                no_backslash_escapes=splitter.no_backslash_escapes,
            ).sql
            size = len(sql)
            inventory.statements += 1
            if size > inventory.largest_bytes:
                inventory.largest_bytes, inventory.largest_at = size, _place(item, source)
            rows = _ROWS.match(sql)
            tally = recorder.filling.get(rows[0]) if rows else None
            if tally is not None:
                tally.statements += 1
                tally.bytes += size
            elif rows:
                recorder.first_rows(rows, size, _place(item, source))
            else:
                self._delimiter = splitter.delimiter
                recorder.statement(sql, _place(item, source), self._delimiter)
                self._set_quoting(splitter)
        self._ended = False
        self._opened.pop()

    def _items(self, source: Source, splitter: Splitter) -> Iterator[Item]:
        self._set_quoting(splitter)
        first = not self.inventory.script_bytes
        try:
            for chunk in source.chunks():
                if first:
                    self._read_header(chunk[:_HEADER_BYTES])
                    first = False
                self.inventory.script_bytes += len(chunk)
                yield from splitter.feed(chunk)
            yield from splitter.finish()
        except ScriptSyntaxError as error:
            place = f"{source.name}:{error.line + source.first_line - 1}:{error.column}"
            raise ScriptError(f"{place}: {error.message}.") from None

    def _set_quoting(self, splitter: Splitter) -> None:
        mode = self._recorder.session.sql_mode
        splitter.no_backslash_escapes = "NO_BACKSLASH_ESCAPES" in mode
        splitter.ansi_quotes = "ANSI" in mode  # ANSI_QUOTES, or ANSI, which includes it

    def _read_header(self, head: bytes) -> None:
        found = _HEADER.search(head)
        if found:
            version = found[1].decode("ascii", "replace")
            is_mariadb = b"mariadb" in head.lower()
            self.inventory.maker = "mariadb" if is_mariadb else "mysql"
            self.inventory.maker_version = version

    # The client's own commands -----------------------------------------------------------------

    def _obey(self, command: ClientCommand, source: Source) -> None:
        place = _place(command, source)
        effect = effect_of(command.name)
        if effect is Effect.USE:
            self.inventory.statements += 1
            self._recorder.use(command.argument.decode("utf-8", "replace"), place)
        elif effect is Effect.CHARSET:
            self._recorder.set(b"SET NAMES " + command.argument, place)
        elif effect is Effect.SOURCE:
            self._source(os.fsdecode(command.argument), place, source)
        elif effect is Effect.END:
            self._ended = True
        elif effect is Effect.SANDBOX:
            self._sandboxed = True
        elif effect in (Effect.REFUSE, Effect.RESET_CONNECTION):
            message = f"the client command {command.name!r} is not carried out"
            self._recorder.refuse(place, message, "remove it from the script if it is not needed.")

    def _source(self, wanted: str, place: Place, source: Source) -> None:
        """Read another script at this place, by the loader's own rules (`load.execute`)."""
        if self._sandboxed:
            message = "the script's first line forbids it to read files (MariaDB's sandbox mode)"
            self._recorder.refuse(place, message, "remove that line if you trust it.")
            return
        try:
            path = (source.folder / Path(wanted).expanduser()).resolve()
        except (RuntimeError, ValueError) as error:  # ~nobody, or a NUL byte
            self._recorder.refuse(place, f"{wanted!r} is no path ({error})", "")
            return
        home = self._opened[0].folder
        if home not in path.parents and not self._choice.allow_outside_source:
            message = f"{wanted!r} lies outside the script's own folder, {home}"
            hint = "allow it with --allow-outside-source if you trust the script."
            self._recorder.refuse(place, message, hint)
            return
        if any(path == opened.path for opened in self._opened):
            self._recorder.refuse(
                place, f"{wanted!r} is being loaded already: it sources itself", ""
            )
            return
        try:
            inner = Source.from_file(path, wanted_at=str(place))
        except ScriptError as error:
            self._recorder.refuse(place, f"{wanted!r} cannot be read", error.hint)
            return
        try:
            self._run(inner)
            self.inventory.file_bytes += inner.position_bytes
        finally:
            inner.close()


def _place(item: Item, source: Source) -> Place:
    return Place(source.name, item.line + source.first_line - 1, item.column)
