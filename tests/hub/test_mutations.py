"""Mistakes in values files: each is stopped by the layer that is named for it, not later.

That nothing is stopped where there is no mistake: test_values.py.
"""

from __future__ import annotations

from tests.hub.broken_promises import BROKEN_PROMISES
from tests.hub.layers import LAYERS, objection
from tests.hub.mutation import Mutation
from tests.hub.mutations import MUTATIONS
from tests.hub.values import DEPLOYMENTS
from tests.turns import some

EVERY = (*MUTATIONS, *BROKEN_PROMISES)
# The oldest, the one before and after native sidecars, and the newest with the old rules.
VERSIONS = ((1, 28), (1, 34))
FILES = {deployment.files: deployment for deployment in DEPLOYMENTS}


@some("mutation", EVERY, each=2, ids=str)
def test_a_mistake_is_stopped(mutation: Mutation) -> None:
    deployment = FILES[mutation.file,]
    found = objection(
        mutation.of(deployment.values()),
        users=[deployment.user],
        versions=[version for version in VERSIONS if version >= deployment.kubernetes],
    )
    if mutation.layer is None:
        assert found is None
    else:
        assert found is not None
        assert (found.layer, mutation.says in found.message) == (mutation.layer, True), found


def test_each_layer_stops_something() -> None:
    assert {mutation.layer for mutation in EVERY} - {None} == set(LAYERS)


def test_no_mistake_has_the_name_of_another() -> None:
    assert len({(mutation.file, mutation.name) for mutation in EVERY}) == len(EVERY)
