"""The report of a check, for one screen; `to_dict` has everything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ...errors import printable
from ...units import count, size
from .findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMAS_SHOWN = 5
FINDINGS_SHOWN = 8
FACTS_SHOWN = 8
VERBS = {
    "created": "create",
    "replaced": "replace",
    "dropped": "drop",
    "filled": "add rows to",
    "altered": "alter",
    "kept": "keep",
    "refused": "find in the way",
}


@dataclass(frozen=True)
class ObjectPlan:
    """The fate of one object that the script names.

    Parameters
    ----------
    schema, name, what : str
        The thing; `what` is ``table``, ``view``, ``trigger``, ``procedure``, ``function`` or
        ``event``.
    action : str
        ``created``, ``replaced``, ``dropped``, ``altered``, ``filled`` (there, and gets rows),
        ``kept`` (there, and IF NOT EXISTS) or ``refused`` (there, and not dropped before).
    rows : int, optional
        About how many rows the table has now, as the server estimates it.
    statements, size_bytes : int
        The script's rows for it.
    """

    schema: str
    name: str
    what: str
    action: str
    rows: int | None = None
    statements: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class SchemaPlan:
    """The fate of a schema, and how many tables it has now."""

    name: str
    action: str
    tables: int = 0


@dataclass(frozen=True)
class CheckReport:
    """The report of a check: what a load would do to a server, and what would stop it.

    Parameters
    ----------
    source : str
        The script.
    server : str
        Account, address, flavour and version.
    problems : tuple of Finding
        Problems that would stop the load.
    warnings : tuple of Finding
        Facts to know before the load.
    facts : tuple of str
        Further remarks.
    schemas : tuple of SchemaPlan
        The fates of the schemas.
    objects : tuple of ObjectPlan
        The fates of each table, view and so on.
    statements, script_bytes, file_bytes, largest_bytes : int
        Size of the script: its SQL text, the file as it lies on disk, its largest statement.
    largest_at : str
        Where that stands.
    """

    source: str
    server: str
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    facts: tuple[str, ...] = ()
    schemas: tuple[SchemaPlan, ...] = ()
    objects: tuple[ObjectPlan, ...] = ()
    statements: int = 0
    script_bytes: int = 0
    file_bytes: int = 0
    largest_bytes: int = 0
    largest_at: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was found that would stop the load."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = asdict(self)
        plain["problems"] = [finding.to_dict() for finding in self.problems]
        plain["warnings"] = [finding.to_dict() for finding in self.warnings]
        return {**plain, "ok": self.ok}

    def summary(self) -> str:
        """Return the result in a few words."""
        if self.ok and not self.warnings:
            return "no problem found"
        found = [count(len(self.problems), "problem")] if self.problems else ["no problem"]
        if self.warnings:
            found.append(count(len(self.warnings), "warning"))
        return ", ".join(found)

    def __repr__(self) -> str:
        return "\n".join(
            [
                f"<CheckReport {printable(self.source)}: {self.summary()}>",
                f"  for {printable(self.server)}",
                *(f"  {line}" for line in self._schema_lines(SCHEMAS_SHOWN)),
                *_listed("Problems", self.problems),
                *_listed("Warnings", self.warnings),
                *(f"  {printable(fact)}" for fact in _cut(self.facts, FACTS_SHOWN)),
            ]
        )

    def _repr_html_(self) -> str:
        mark = "✔" if self.ok else "✘"
        facts = "".join(f"<li>{escape(printable(fact))}</li>" for fact in self.facts)
        return (
            f"<b>{mark} {escape(self.source)}: {escape(self.summary())}</b><br>"
            f"for {escape(self.server)}"
            f"{_html_list('Problems', self.problems)}{_html_list('Warnings', self.warnings)}"
            f"<details><summary>{escape(self._would())}</summary>"
            f"{_html_table(self.objects)}</details>"
            f"<details><summary>{count(len(self.facts), 'fact')}</summary>"
            f"<ul>{facts}</ul></details>"
        )

    def _schema_lines(self, shown: int) -> Iterator[str]:
        yield self._would()
        dropped = [plan for plan in self.schemas if plan.action in ("dropped", "replaced")]
        for plan in dropped[:shown]:
            yield f"schema {plan.name} would be dropped, with {count(plan.tables, 'table')}"
        by_schema: dict[str, list[ObjectPlan]] = {}
        for thing in self.objects:
            by_schema.setdefault(thing.schema, []).append(thing)
        if len(by_schema) < 2:
            return
        for schema in list(by_schema)[:shown]:
            yield f"{printable(schema)}: {self._counts(by_schema[schema])}"
        if len(by_schema) > shown:
            yield f"and {len(by_schema) - shown:,} more schemas"

    def _would(self) -> str:
        made = [plan for plan in self.schemas if plan.action == "created"]
        schemas = [f"create {count(len(made), 'schema')}"] if made else []
        things = self._counts(self.objects)
        parts = [*schemas, *([things] if things else [])]
        return f"It would {'; '.join(parts) or 'create, replace and drop nothing'}."

    @staticmethod
    def _counts(things: Iterable[ObjectPlan]) -> str:
        """Return how many things of each kind the script would create, replace and so on."""
        groups: dict[str, dict[str, list[ObjectPlan]]] = {}
        for thing in things:
            groups.setdefault(thing.action, {}).setdefault(thing.what, []).append(thing)
        return "; ".join(
            f"{verb} {', '.join(_counted(*kind) for kind in groups[action].items())}"
            for action, verb in VERBS.items()
            if action in groups
        )


def _counted(what: str, things: list[ObjectPlan]) -> str:
    rows = sum(thing.rows or 0 for thing in things)
    return count(len(things), what) + (f" (about {count(rows, 'row')} there)" if rows else "")


def _listed(title: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if findings:
        yield f"  {title}:"
    for finding in findings[:FINDINGS_SHOWN]:
        yield f"    {finding}"
        if finding.hint:
            yield f"      Hint: {printable(finding.hint)}"
    if len(findings) > FINDINGS_SHOWN:
        yield f"    and {len(findings) - FINDINGS_SHOWN:,} more"


def _cut(lines: tuple[str, ...], shown: int) -> list[str]:
    more = [f"and {len(lines) - shown:,} more"] if len(lines) > shown else []
    return [*lines[:shown], *more]


def _html_list(title: str, findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    rows = "".join(_html_item(finding) for finding in findings)
    opened = " open" if title == "Problems" else ""
    return f"<details{opened}><summary>{title}: {len(findings)}</summary><ul>{rows}</ul></details>"


def _html_item(finding: Finding) -> str:
    hint = f"<br><i>{escape(printable(finding.hint))}</i>" if finding.hint else ""
    return f"<li>{escape(str(finding))}{hint}</li>"


def _html_table(things: tuple[ObjectPlan, ...]) -> str:
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(printable(f'{thing.schema}.{thing.name}'))}</td>"
        f"<td>{thing.what}</td><td>{thing.action}</td>"
        f"<td>{'' if thing.rows is None else f'about {thing.rows:,}'}</td>"
        f"<td>{size(thing.size_bytes) if thing.statements else ''}</td></tr>"
        for thing in things
    )
    head = "<tr><th>name</th><th>kind</th><th>would be</th><th>rows now</th><th>script</th></tr>"
    return f"<table>{head}{rows}</table>"
