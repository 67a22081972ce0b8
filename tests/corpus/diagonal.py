"""Which cells of dump x server x jobs `make test` loads: a diagonal, one cell for each dump.

The full product is `make test-corpus`. CORPUS_DIAGONAL=1 (2, 3) takes the next diagonals: four runs
of `make test` have then loaded every cell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

JOBS = (1, 4)
FIRST = int(os.environ.get("CORPUS_DIAGONAL", "0"))


def cells(
    cases: Sequence[T], flavours: Callable[[T], Sequence[str]], first: int
) -> Iterator[tuple[str, T, int, bool]]:
    """Yield flavour, case and jobs of each cell, and whether the cell is on the diagonal.

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
        product = [(flavour, jobs) for flavour in flavours(case) for jobs in JOBS]
        for place, (flavour, jobs) in enumerate(product):
            yield flavour, case, jobs, place == number % len(product)


def each_cell(name: str, cases: Sequence[Any], flavours: Callable[[Any], Sequence[str]]) -> Any:
    """Return a decorator that runs a test for each cell; those off the diagonal have a mark."""
    return pytest.mark.parametrize(
        ("flavour", name, "jobs"),
        [
            pytest.param(
                flavour,
                case,
                jobs,
                id=f"{flavour}, {case.name}, {jobs} jobs",
                marks=() if is_on else pytest.mark.corpus,
            )
            for flavour, case, jobs, is_on in sorted(
                cells(cases, flavours, FIRST), key=lambda cell: cell[0], reverse=True
            )
        ],
    )
