"""The values of twenty hubs, of the shapes that real ones have, and ours on top of each.

With Z2JH_CHART, the path of a copy of z2jh's chart, that one is rendered in the place of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import helm
from tests.hub.checking import ALL_SHAPES, Shape, check, nested, render, written
from tests.hub.values import HUB_CONFIG
from tests.turns import some

if TYPE_CHECKING:
    from pathlib import Path

INJECT = HUB_CONFIG / "inject.values.yaml"


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


def rendered(shape: Shape, folder: Path, *ours: Path) -> tuple[Path, Path]:
    """Return the output of Helm with ours on top of a hub's values, and without."""
    files = [nested(path, shape.keys, folder) for path in ours]
    after = render([shape.path, *files], folder / "after.yaml", shape.keys)
    return after, render([shape.path], folder / "before.yaml", shape.keys)


def test_there_are_twenty() -> None:
    assert len(ALL_SHAPES) == 20
    assert {len(shape.keys) for shape in ALL_SHAPES} == {0, 1, 2, 3}


@some("shape", ALL_SHAPES, each=2, ids=str)
def test_mysql_comes_and_nothing_is_lost(shape: Shape, tmp_path: Path) -> None:
    after, before = rendered(shape, tmp_path, INJECT)
    answer = check(after, "--before", before)
    assert (answer.findings, answer.status) == ([], 0), answer.output


@pytest.mark.parametrize("kubernetes", ["1.28", "1.34"])
@pytest.mark.parametrize("number", [4, 12, 18])
def test_data_is_kept_in_homes_of_each_kind(number: int, kubernetes: str, tmp_path: Path) -> None:
    """NFS with a folder for each user, the same below another folder, a claim for all servers."""
    (shape,) = [each for each in ALL_SHAPES if str(each).startswith(f"{number:02}-")]
    settings = {"password": "perUser", "passwordKey": "k" * 64, "data": "home"}
    own = written({"custom": {"sidecarMysql": settings}}, tmp_path / "own.yaml")
    after, before = rendered(shape, tmp_path, INJECT, own)
    answer = check(after, "--before", before, "--kubernetes", kubernetes)
    assert (answer.findings, answer.status) == ([], 0), answer.output


def test_the_hubs_own_order_does_not_matter(tmp_path: Path) -> None:
    """Ours first, the hub's on top: as good."""
    (shape,) = [each for each in ALL_SHAPES if str(each).startswith("02-")]
    after = render([INJECT, shape.path], tmp_path / "after.yaml")
    answer = check(after, "--before", render([shape.path], tmp_path / "before.yaml"))
    assert (answer.findings, answer.status) == ([], 0), answer.output
