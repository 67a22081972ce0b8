"""Walk over a script, and take down everything that the server may object to.

It is the loader's own walk, so the record has the statements that a load would send. The record
grows with the number of a script's definitions, not with its rows: of a statement with rows, we
look only at the first bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import ScriptError
from ...script.quoting import Quoting, quoting_of
from ...script.rows import literal_rows
from ..planning.planner import Planner, Server
from ..policy import RESERVED, LoadPolicy
from ..reporting.report import LoadReport
from ..sources.dump_marks import maker
from ..sources.folders import ALLOW_LINKS, astray
from ..sources.opening import Sources
from ..walk import Walk
from .inventory import Inventory, Position
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ...script.classify import Classification
    from ...script.splitter import Item
    from ..planning.tables import TableFacts
    from ..planning.tasks import Step
    from ..sources.opening import Source
    from .recorder import Dialect
    from .rehearsal import Rehearsal

_ROWS = re.compile(
    rb"(INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+"
    rb"((?:`[^`]+`|[\w$\x80-\xff]+)(?:\s*\.\s*(?:`[^`]+`|[\w$\x80-\xff]+))?)(?=[\s(])",
    re.IGNORECASE,
)
# MySQL has had strings in dollar quotes since 9.0; MariaDB has none.
_DOLLAR_QUOTES_SINCE = 90000


def survey(
    sources: Iterable[Source],
    dialect: Dialect,
    policy: LoadPolicy | None = None,
    *,
    collations: Collection[str] = (),
    rehearsal: Rehearsal | None = None,
) -> Inventory:
    """Walk over scripts to their end and return the record.

    Parameters
    ----------
    sources : iterable of Source
        The scripts, in order. They are not closed.
    dialect : Dialect
        The server that they are read for.
    policy : LoadPolicy, optional
        How they are to be loaded.
    collations : collection of str, default none
        Those that the server has.
    rehearsal : Rehearsal, optional
        Where the server is asked about each statement.

    Raises
    ------
    ScriptError
        A script is missing, damaged or broken.
    """
    policy = policy or LoadPolicy()
    surveyor = Surveyor(dialect, policy, rehearsal)
    name = sources.name if isinstance(sources, Sources) else ""
    report = LoadReport(name, flavour=dialect.flavour, server_version=dialect.release)
    walk = Walk(
        Planner(Server(dialect.flavour, dialect.version), _look_up),
        lambda source: policy.rewriter(collations, source),
        policy,
        target=surveyor,
        report=report,
        quoting=quoting_of(dialect.sql_mode),
    )
    for _ in walk.tasks(surveyor.passing(sources)):
        pass  # the planner's tasks do not matter here
    inventory = surveyor.inventory
    inventory.script_bytes = report.script_bytes
    inventory.system_statements = sum(
        number
        for what, number in walk.rewriter.skipped.items()
        if what.startswith("system schema") or what in RESERVED.values()
    )
    if made_by := maker(walk.heading):
        inventory.maker, inventory.maker_version = made_by
    return inventory


class Surveyor:
    """The receiver of a walk without a load; `inventory` is the record so far."""

    def __init__(
        self, dialect: Dialect, policy: LoadPolicy, rehearsal: Rehearsal | None = None
    ) -> None:
        self._rehearsal = rehearsal
        self._recorder = Recorder(dialect)
        self.inventory = self._recorder.inventory
        self.host, self.is_loopback = dialect.host, dialect.is_loopback
        self.dollar_quotes = dialect.flavour == "mysql" and dialect.version >= _DOLLAR_QUOTES_SINCE
        self._allows_outside = policy.allow_outside_source
        self._last: Item | None = None

    def passing(self, sources: Iterable[Source]) -> Iterator[Source]:
        """Yield scripts, and take down the facts about each afterwards."""
        for source in sources:
            if source.stray is not None and not self._allows_outside:
                error = ScriptError(f"refused: it {astray(source.stray)}.", hint=ALLOW_LINKS)
                self._recorder.refuse(Position(source.name, 1, 1), error)
                continue
            if source.fresh_session:
                self._recorder.begin(source.schema, Position(source.name, 1, 1))
                if self._rehearsal:
                    self._rehearsal.begin_session(source.schema)
            yield source
            self.inventory.file_bytes += source.position_bytes
            if source.looks_truncated:
                self.inventory.truncated.append(source.name)

    def quoting(self, before: Quoting) -> Quoting:
        """Return the server's quoting, or that of the modes that the script mentions."""
        if self._rehearsal:
            return self._rehearsal.quoting(before)
        mode = self._recorder.session.sql_mode
        if mode.isdigit():
            return quoting_of(mode)
        return Quoting("ANSI" in mode, "NO_BACKSLASH_ESCAPES" in mode)

    def renew(self) -> None:
        """Do nothing: there is no connection."""

    def refuse(self, error: ScriptError, step: Step) -> None:
        """Take down a refusal of the loader."""
        self._recorder.refuse(_place(step), error)

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        """Take down a statement."""
        inventory, recorder = self.inventory, self._recorder
        place, size = _place(step), len(step.sql)
        if step.item is not self._last and step.item.end:  # else it stands nowhere in the script
            inventory.statements += 1
        self._last = step.item
        if size > inventory.largest_bytes:
            inventory.largest_bytes, inventory.largest_at = size, place
        rows = _ROWS.match(step.sql)
        tally = recorder.filling.get(rows[0]) if rows else None
        if tally is not None:
            tally.statements += 1
            tally.bytes += size
        elif rows:
            recorder.first_rows(rows, size, place)
        else:
            recorder.statement(step.sql, place, delimiter)
        # Rows of plain values are read as the first of their kind was.
        if self._rehearsal and (tally is None or not literal_rows(step.sql)):
            self._rehearsal.play(step, about, delimiter, place)


def _place(step: Step) -> Position:
    return Position(step.source.name, step.line, step.item.column)


def _look_up(schema: bytes, name: bytes, /, *, settled: bool) -> TableFacts | None:
    """Return no facts: the check compares existing tables afterwards."""
