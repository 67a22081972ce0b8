"""Cases that servers, or kernels, take in turns in `make test`: `make test-more` has the others.

Each case is tried once, and each server (kernel) has half of the cases: the two hardly differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
