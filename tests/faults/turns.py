"""Cases that the servers take in turns in `make test`; `make test-more` gives each to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FLAVOURS = ("mysql", "mariadb")


def in_turns(names: Sequence[str], cases: Iterable[Any]) -> Any:
    """Return a decorator that runs a test for each case, on each `fault_server`.

    Parameters
    ----------
    names : sequence of str
        The test's parameters.
    cases : iterable
        Their values: a tuple for each case, or single values where there is one name. The first is
        MySQL's, the next is MariaDB's; those of the other server have the mark ``campaign``.
    """
    rows = []
    for number, case in enumerate(cases):
        values = case if len(names) > 1 else (case,)
        for place, flavour in enumerate(FLAVOURS):
            marks = () if place == number % len(FLAVOURS) else pytest.mark.campaign
            text = "-".join(map(str, (flavour, *values)))
            rows.append(pytest.param(flavour, *values, id=text, marks=marks))
    return pytest.mark.parametrize(("fault_server", *names), rows, indirect=["fault_server"])
