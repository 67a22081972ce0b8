"""Mistakes in values files: each is stopped by the layer that is named for it, not later."""

from __future__ import annotations

import pytest

from tests.hub.layers import LAYERS, objection
from tests.hub.mutations import MUTATIONS, Mutation
from tests.hub.values import read

# The oldest, the one before and after native sidecars, and the newest with the old rules.
VERSIONS = ((1, 28), (1, 34))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_mistake_is_stopped(mutation: Mutation) -> None:
    found = objection(mutation.of(read("sidecar-classic")), versions=VERSIONS)
    if mutation.layer is None:
        assert found is None
    else:
        assert found is not None
        assert (found.layer, mutation.says in found.message) == (mutation.layer, True), found


def test_each_layer_stops_something() -> None:
    assert {mutation.layer for mutation in MUTATIONS} - {None} == set(LAYERS)


def test_without_a_mistake_nothing_is_stopped() -> None:
    assert objection(read("sidecar-classic"), versions=VERSIONS) is None
