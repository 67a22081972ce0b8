"""Which cases of a test `make test` runs; other targets run the others.

A test may have many cases: a kind of statement, strict or forced, one connection or four; and each
of them on both servers, or with both lines of DataJoint. `make test` tries each kind, each way and
each number once; servers and lines take turns, since they seldom differ. A test needs to say
nothing for that: see `share`. The other combinations are `thorough`, and `.ci/run` runs them; in
tests with many cases, the other server's turn is a `campaign`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SERVERS = ("mysql", "mariadb")
LINES = ("0.14", "2")
# With so many cases of a test, each server sees enough of them also in `.ci/run`.
MANY_CASES = 4
# A test with one of these marks says itself where it runs.
PLACED = ("campaign", "corpus")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share out the cases, before tests are chosen by their marks."""
    share(items)


def share(items: Iterable[Any]) -> None:
    """Mark the cases that `make test` leaves to other targets.

    Parameters
    ----------
    items : iterable of pytest.Item
        What was collected. Only tests whose parameter is a server or a line, and those with
        the mark ``slow``, are changed.
    """
    tests: dict[str, list[Any]] = {}
    for item in items:
        is_shared = _takers(item) or (hasattr(item, "callspec") and item.get_closest_marker("slow"))
        if is_shared and not any(map(item.get_closest_marker, PLACED)):
            tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in tests.values():
        _share_cases(sorted(cases, key=_turn))


def _takers(item: Any) -> dict[tuple[str, ...], str]:
    """Return the server and the line that a test runs with; a test with both servers has none."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    found = {
        group: [value for value in values if isinstance(value, str) and value in group]
        for group in (SERVERS, LINES)
    }
    return {group: takers[0] for group, takers in found.items() if len(takers) == 1}


def some(names: str, cases: Iterable[Any], *, each: int, **options: Any) -> Any:
    """Return `pytest.mark.parametrize` for a long table of which `make test` runs a part.

    Parameters
    ----------
    names : str
        As for `pytest.mark.parametrize`, with commas between several.
    cases : iterable
        Values, or a tuple of values for each case where there are several names.
    each : int
        The first case and each so-many-th after it have no mark; the others are `thorough`.
    **options
        As for `pytest.mark.parametrize`.
    """
    rows = [
        pytest.param(
            *(case if "," in names else [case]),
            marks=pytest.mark.thorough if number % each else (),
        )
        for number, case in enumerate(cases)
    ]
    return pytest.mark.parametrize(names, rows, **options)


def _share_cases(cases: Sequence[Any]) -> None:
    """Mark the cases of one test, of which the first ones are the servers' turns."""
    chosen = _each_value_once(cases)
    turns: dict[frozenset[tuple[int, ...]], Any] = {}
    for item in (*chosen, *cases):
        turns.setdefault(_values(item), item)
    for item in cases:
        if item in chosen:
            continue
        is_other_server = _takers(item).get(SERVERS) != _takers(turns[_values(item)]).get(SERVERS)
        is_left_to_campaign = is_other_server and len(turns) >= MANY_CASES
        item.add_marker(pytest.mark.campaign if is_left_to_campaign else pytest.mark.thorough)


def _each_value_once(cases: Sequence[Any]) -> list[Any]:
    """Return so many of the cases that each value of each parameter is among them.

    Greedily: the cases with most values that no case before has. At least one case is returned.
    """
    chosen, seen = [cases[0]], set(_values(cases[0]))
    for new_values in range(len(_values(cases[0])), 0, -1):
        for item in cases:
            if len(_values(item) - seen) >= new_values:
                chosen.append(item)
                seen |= _values(item)
    return chosen


def _values(item: Any) -> frozenset[tuple[int, ...]]:
    """Return the values of a test's parameters but takers; those of one decorator are one value."""
    takers = _takers(item).values()
    identities = {
        name: id(value)
        for name, value in item.callspec.params.items()
        if not (isinstance(value, str) and value in takers)
    }
    together = [_names(mark.args[0]) for mark in item.iter_markers("parametrize")]
    alone = [[name] for name in identities if not any(name in names for names in together)]
    values = (
        tuple(identities[name] for name in names if name in identities)
        for names in (*together, *alone)
    )
    return frozenset(filter(None, values))


def _names(parameters: str | Sequence[str]) -> Sequence[str]:
    return parameters.replace(" ", "").split(",") if isinstance(parameters, str) else parameters


def _turn(item: Any) -> tuple[bool, int]:
    """Return a case's place in an order that has no pattern, and is the same in each process."""
    return item.get_closest_marker("thorough") is not None, zlib.crc32(item.nodeid.encode())
