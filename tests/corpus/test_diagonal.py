"""CI loads every dump of the corpus, on every server and in every way, over its runs."""

from __future__ import annotations

import pytest

from tests.corpus.case import BOTH
from tests.corpus.diagonal import WAYS, cells
from tests.corpus.folders import FOLDERS
from tests.corpus.test_faithful import CASES

PRODUCT = {(flavour, way) for flavour in BOTH for way in WAYS}


@pytest.mark.parametrize("first", range(len(PRODUCT)))
def test_it_has_each_dump_once_and_each_server_with_each_way(first: int) -> None:
    on = [cell[:3] for cell in cells(CASES, lambda case: case.flavours, first) if cell[3]]
    assert [case for _, case, _ in on] == CASES
    assert {(flavour, way) for flavour, _, way in on} == PRODUCT
    folders = [cell[:3] for cell in cells(FOLDERS, lambda _: BOTH, first) if cell[3]]
    assert [folder for _, folder, _ in folders] == FOLDERS
    assert {flavour for flavour, _, _ in folders} == {*BOTH}
    assert {way for _, _, way in folders} == {*WAYS}


def test_no_server_has_most_of_it() -> None:
    on = [cell for cell in cells(CASES, lambda case: case.flavours, 0) if cell[3]]
    for flavour in BOTH:
        assert 0.4 < sum(cell[0] == flavour for cell in on) / len(on) < 0.6


def test_the_diagonals_together_are_the_full_product() -> None:
    seen = [
        (flavour, case.name, way)
        for first in range(len(PRODUCT))
        for flavour, case, way, is_on in cells(CASES, lambda case: case.flavours, first)
        if is_on
    ]
    assert set(seen) == {
        (flavour, case.name, way) for case in CASES for flavour in case.flavours for way in WAYS
    }
