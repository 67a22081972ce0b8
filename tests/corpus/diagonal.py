"""Which cells of dump x server x way CI loads: a diagonal, one cell for each dump.

`make test` loads every third cell of it. The full product is `make test-corpus`. CORPUS_DIAGONAL=1
(2, ... 7) takes the next diagonals: eight runs of `.ci/run` have then loaded every cell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

T = TypeVar("T")

# How many connections, and how rows are sent.
WAYS = ((1, "load-data"), (4, "load-data"), (4, "auto"), (1, "insert"))
EACH = 3
FIRST = int(os.environ.get("CORPUS_DIAGONAL", "0"))


def cells(
    cases: Sequence[T], flavours: Callable[[T], Sequence[str]], first: int
) -> Iterator[tuple[str, T, tuple[int, str], bool]]:
    """Yield flavour, case and way of each cell, and whether the cell is on the diagonal.

    Parameters
    ----------
    cases : sequence
        Dumps, or folders.
    flavours : callable
        Returns the servers that take a case.
    first : int
        Which of its cells the first case has on the diagonal; the next case has the next one.
    """
    for number, case in enumerate(cases, first):
        product = [(flavour, way) for flavour in flavours(case) for way in WAYS]
        for place, (flavour, way) in enumerate(product):
            yield flavour, case, way, place == number % len(product)


def each_cell(name: str, cases: Sequence[Any], flavours: Callable[[Any], Sequence[str]]) -> Any:
    """Return a decorator that runs a test for each cell; those off the diagonal have a mark."""
    return pytest.mark.parametrize(
        ("flavour", name, "jobs", "rows"),
        [
            pytest.param(
                flavour,
                case,
                *way,
                id=f"{flavour}, {case.name}, {way[0]} jobs, {way[1]}",
                marks=_mark(is_on, cases.index(case)),
            )
            for flavour, case, way, is_on in sorted(
                cells(cases, flavours, FIRST), key=lambda cell: cell[0], reverse=True
            )
        ],
    )


def _mark(is_on: bool, number: int) -> Any:
    """Return the mark of a cell: `make test` has every third on the diagonal, CI the others."""
    if not is_on:
        return pytest.mark.corpus
    return pytest.mark.thorough if number % EACH else ()


def each_on_a_server(
    name: str,
    cases: Sequence[Any],
    flavours: Callable[[Any], Sequence[str]],
    *,
    among: Collection[Any],
    long: Collection[str],
) -> Any:
    """Return a decorator that runs a test for each case on each server.

    Without a mark it runs for every third of those that are `among` the chosen, unless its name
    is among the `long` ones, and the servers take turns.
    """
    pairs = [
        (flavour, case, case in among and place == (number + FIRST) % len(flavours(case)))
        for number, case in enumerate(cases)
        for place, flavour in enumerate(flavours(case))
    ]
    return pytest.mark.parametrize(
        ("flavour", name),
        [
            pytest.param(
                flavour,
                case,
                id=f"{flavour}, {case.name}",
                marks=_mark(is_on, 1 if case.name in long else cases.index(case)),
            )
            for flavour, case, is_on in sorted(pairs, key=lambda pair: pair[0], reverse=True)
        ],
    )
