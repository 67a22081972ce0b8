"""Let the server's answers in a rehearsal decide which findings are right.

The rules know why a statement is refused, and the next step; the server knows whether it is
refused. So a rule's finding is right if the server refused the statement, or was not asked about
it; and a refusal that no rule explains is a finding in the server's own words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...units import count
from .findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .rehearsal import RefusedStatement, Rehearsal
    from .world import Clash

# Kinds of findings that a rehearsal can decide: a server's answers to a definition or a SET.
_SHOWN = {
    "binary-log",
    "charset",
    "collation",
    "definer-privilege",
    "engine",
    "exists",
    "feature",
    "missing",
    "other-kind",
    "parent-missing",
    "primary-key",
    "schema-missing",
    "no-schema",
    "sql-mode",
    "time-zone",
    "variable",
}
# Of these a rehearsal has what the server has.
_MIRRORED = {"schema", "table", "view"}


def is_refuted(clash: Clash, rehearsal: Rehearsal) -> bool:
    """Return whether the server took a statement that the play has refused."""
    return clash.what in _MIRRORED and rehearsal.judged.get(clash.place) == 0


def confirmed(problems: Sequence[Finding], rehearsal: Rehearsal) -> list[Finding]:
    """Return the rules' findings that are right, and those that only the server knew."""
    judged = {str(place): errno for place, errno in rehearsal.judged.items()}
    standing = []
    for finding in problems:
        errno = judged.get(finding.place)
        if finding.kind not in _SHOWN or errno is None:
            standing.append(finding)
        elif errno or finding.kind in ("exists", "missing"):
            standing.append(replace(finding, errno=errno or finding.errno))
    explained = {finding.place: number for number, finding in enumerate(standing)}
    groups: dict[tuple[int, str, bool], list[RefusedStatement]] = {}
    for refused in rehearsal.refused:
        groups.setdefault((refused.errno, refused.message, refused.likely), []).append(refused)
    for (errno, message, likely), found in groups.items():
        known = [explained[str(each.place)] for each in found if str(each.place) in explained]
        if known:
            # The rules look at definitions; a question may have met the same before.
            if str(found[0].place) not in explained:
                standing[known[0]] = replace(standing[known[0]], place=str(found[0].place))
        else:
            times = f" ({count(len(found), 'statement')})" if len(found) > 1 else ""
            place = str(found[0].place)
            standing.append(
                Finding(
                    "refused-by-server", message + times, found[0].hint, place, errno, likely=likely
                )
            )
    return standing


def facts(rehearsal: Rehearsal | None) -> Iterator[str]:
    """Report the number of rehearsed statements, and what only a load can show."""
    unknown = "what depends on rows (duplicates, wrong values) shows only in a load"
    if rehearsal is None:
        yield "nothing was rehearsed: the server is not this machine's; --yes-remote allows it"
    elif rehearsal.ended:
        yield f"definitions were not rehearsed {rehearsal.ended}"
    number = len(rehearsal.judged) if rehearsal else 0
    yield f"{count(number, 'statement')} rehearsed in scratch schemas; {unknown}"
    unrehearsed = rehearsal.unrehearsed if rehearsal else {}
    if unrehearsed:
        words = (f"{word} ({times})" if times > 1 else word for word, times in unrehearsed.items())
        yield f"not rehearsed, since they reach beyond a schema: {', '.join(words)}"
