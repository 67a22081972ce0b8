"""How a script would be loaded, shown without a server."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ...errors import ScriptError, printable
from ...script.quoting import Quoting
from ...script.versioned import version_number
from ...units import count, size
from ..policy import LoadPolicy
from ..reporting.failures import excerpt
from ..reporting.report import LoadReport
from ..sources.opening import Sources, open_sources
from ..walk import Walk
from .planner import Planner, Server
from .tasks import TaskKind

if TYPE_CHECKING:
    import os

    from ...script.classify import Classification
    from .tasks import Step, Task

# A plan without a server is made for this one: the image that hubs run.
ASSUMED = ("mysql", "8.0.36")
MOST_SHOWN = 10
_NOUNS = {
    TaskKind.ROWS.value: ("statement of rows", "statements of rows"),
    TaskKind.DEFINITION.value: ("definition", "definitions"),
    TaskKind.INDEXES.value: ("build of indexes", "builds of indexes"),
    TaskKind.DATA.value: ("other statement on rows", "other statements on rows"),
    TaskKind.BARRIER.value: ("statement that runs alone", "statements that run alone"),
}


@dataclass
class TablePlan:
    """How one table's rows are loaded.

    Parameters
    ----------
    statements : int
        How many put rows into it.
    size_bytes : int
        Their size.
    any_order : bool
        They may run on several connections at the same time, if the table has a primary key.
    indexes_after : bool
        Its secondary indexes are made after its rows, if it is empty before.
    """

    statements: int = 0
    size_bytes: int = 0
    any_order: bool = True
    indexes_after: bool = False


@dataclass
class LoadPlan:
    """How a script would be loaded.

    Parameters
    ----------
    source : str
        The script.
    tasks : dict of str to int
        Pieces of work, by how they run.
    tables : dict of str to TablePlan
        Tables that get rows of given values, by ``schema.table``.
    alone : list of str
        Statements that everything else waits for, with their places.
    in_order_from : str
        Where the rest begins that runs in order on one connection, and why; empty if there is none.
    notes : list of str
        Notes for the user.
    """

    source: str
    tasks: dict[str, int] = field(default_factory=dict)
    tables: dict[str, TablePlan] = field(default_factory=dict)
    alone: list[str] = field(default_factory=list)
    in_order_from: str = ""
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        counts = ", ".join(self._counted(kind, number) for kind, number in self.tasks.items())
        lines = [f"<LoadPlan {self.source}: {counts or 'nothing to do'}>"]
        largest = sorted(self.tables.items(), key=lambda item: -item[1].size_bytes)
        for name, table in largest[:MOST_SHOWN]:
            order = "in any order" if table.any_order else "in order"
            after = "; secondary indexes after them" if table.indexes_after else ""
            lines.append(
                f"  {printable(name)}: {size(table.size_bytes)} in "
                f"{count(table.statements, 'statement')}, {order}{after}"
            )
        lines += _more(len(largest), "table")
        if self.alone:
            lines.append("  Everything else waits for:")
            lines += [f"    {statement}" for statement in self.alone[:MOST_SHOWN]]
            lines += _more(len(self.alone), "such statement")
        if self.in_order_from:
            lines.append(f"  In order, on one connection, from {self.in_order_from}.")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _counted(self, kind: str, number: int) -> str:
        """Return in words how much work of a kind there is; of rows, how many statements."""
        if kind == TaskKind.ROWS.value:
            number = max(number, sum(table.statements for table in self.tables.values()))
        return count(number, *_NOUNS[kind])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def explain(
    file: str | os.PathLike[str],
    *,
    policy: LoadPolicy | None = None,
    server: tuple[str, str] = ASSUMED,
) -> LoadPlan:
    """Return how a script would be loaded; no server is asked.

    Parameters
    ----------
    file : path
        The script, as for `load`.
    policy : LoadPolicy, optional
        How it is to be loaded.
    server : tuple of str, default ("mysql", "8.0.36")
        Kind and version of the server, on which versioned comments depend.

    Raises
    ------
    ScriptError
        The script is missing, damaged or broken.
    """
    return _explain(open_sources(file), policy or LoadPolicy(), server)


def explain_sql(
    sql: str,
    *,
    policy: LoadPolicy | None = None,
    server: tuple[str, str] = ASSUMED,
    first_line: int = 1,
) -> LoadPlan:
    """Return how a script that is given as text, such as a cell's body, would be loaded.

    Parameters
    ----------
    sql : str
        The script.
    policy, server
        As in `explain`.
    first_line : int, default 1
        Number of its first line, in messages.

    Raises
    ------
    As `explain`.
    """
    sources = Sources.from_text(sql, first_line=first_line)
    return _explain(sources, policy or LoadPolicy(), server)


def _explain(sources: Sources, policy: LoadPolicy, server: tuple[str, str]) -> LoadPlan:
    plan = LoadPlan(sources.name, notes=list(sources.notes))
    report = LoadReport(sources.name, flavour=server[0], server_version=server[1])
    planner = Planner(Server(server[0], version_number(server[1])), _look_up)
    walk = Walk(
        planner,
        lambda source: policy.rewriter((), source),
        policy,
        target=_Nowhere(),
        report=report,
        quoting=Quoting(),
    )
    counts: Counter[str] = Counter()
    try:
        for task in walk.tasks(sources):
            if any(step.sql for step in task.steps) or task.kind is TaskKind.INDEXES:
                _take_down(task, plan, counts)
    finally:
        sources.close()
    plan.tasks = dict(counts)
    plan.in_order_from = planner.why_in_order or ""
    plan.notes += report.notes
    return plan


def _take_down(task: Task, plan: LoadPlan, counts: Counter[str]) -> None:
    counts[task.kind.value] += 1
    if task.kind is TaskKind.ROWS:
        table = plan.tables.setdefault(str(task.table), TablePlan())
        table.statements += len(task.steps)
        table.size_bytes += task.size_bytes
        table.any_order &= task.any_order
    elif task.kind is TaskKind.INDEXES:
        plan.tables.setdefault(str(task.table), TablePlan()).indexes_after = True
    elif task.is_barrier and task.session is not None:
        plan.alone += [f"{step.place}: {excerpt(step.sql, step.table)[:80]}" for step in task.steps]


class _Nowhere:
    """A target that knows nothing."""

    host = "127.0.0.1"
    is_loopback = True
    dollar_quotes = False

    def quoting(self, before: Quoting) -> Quoting:
        """Return the quoting before: there is no server to ask."""
        return before

    def renew(self) -> None:
        """Do nothing."""

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        """Do nothing."""

    def refuse(self, error: ScriptError, step: Step) -> None:
        """End where a load would."""
        raise error


def _look_up(schema: bytes, name: bytes, /, *, settled: bool) -> None:
    """Find nothing: no server is asked."""


def _more(total: int, what: str) -> list[str]:
    return [f"    … and {count(total - MOST_SHOWN, what)} more"] if total > MOST_SHOWN else []
