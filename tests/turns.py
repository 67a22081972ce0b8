"""Cases that servers, or kernels, take in turns in `make test`: `make test-more` has the others.

Each case is tried once, and each server (kernel) has half of the cases: the two hardly differ.
A test with a table of cases, each on both servers, needs to say nothing: see `share_tables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SERVERS = ("mysql", "mariadb")
# A test with fewer cases runs each of them on both servers.
TABLE_CASES = 4


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the servers take turns, before tests are chosen by their marks."""
    share_tables(items)


def share_tables(items: Iterable[Any]) -> None:
    """Mark what is the other server's turn, in tests with many cases, as ``campaign``.

    Parameters
    ----------
    items : iterable of pytest.Item
        What was collected. Cases that run on one of the servers only, and tests that share
        their cases by `in_turns`, stay as they are.
    """
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for item in items:
        server = server_of(item)
        if server is not None:
            function = item.nodeid.partition("[")[0]
            case = "-".join(part for part in item.callspec.id.split("-") if part != server)
            tables.setdefault(function, {}).setdefault(case, {})[server] = item
    for table in tables.values():
        cases = [takers for takers in table.values() if len(takers) == len(SERVERS)]
        if len(cases) < TABLE_CASES or any(_is_shared(case) for case in cases):
            continue
        for number, takers in enumerate(cases):
            takers[SERVERS[(number + 1) % len(SERVERS)]].add_marker(pytest.mark.campaign)


def server_of(item: Any) -> str | None:
    """Return the server that a test has as its parameter, if it has one."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    servers = [value for value in values if isinstance(value, str) and value in SERVERS]
    return servers[0] if len(servers) == 1 else None


def _is_shared(takers: dict[str, Any]) -> bool:
    return any(
        item.get_closest_marker(mark) for item in takers.values() for mark in ("campaign", "corpus")
    )


def in_turns(
    fixture: str, takers: Sequence[str], names: Sequence[str], cases: Iterable[Any]
) -> Any:
    """Return a decorator that runs a test for each case with each of the takers.

    Parameters
    ----------
    fixture : str
        Fixture that is one of the takers, and gets its name as its parameter.
    takers : sequence of str
        Names of servers or kernels.
    names : sequence of str
        The test's other parameters.
    cases : iterable
        Their values: a tuple for each case, or single values where there is one name. The first
        case is the first taker's turn, the next case the next one's; the rest is a ``campaign``.
    """
    rows = []
    for number, case in enumerate(cases):
        values = case if len(names) > 1 else (case,)
        for place, taker in enumerate(takers):
            marks = () if place == number % len(takers) else pytest.mark.campaign
            text = "-".join(map(str, (taker, *values)))
            rows.append(pytest.param(taker, *values, id=text, marks=marks))
    return pytest.mark.parametrize((fixture, *names), rows, indirect=[fixture])


def only(fixture: str, taker: str, takers: Iterable[str]) -> Any:
    """Return a decorator that runs a test with one taker."""
    rows = [
        pytest.param(each, marks=() if each == taker else pytest.mark.campaign) for each in takers
    ]
    return pytest.mark.parametrize(fixture, rows, indirect=True)
