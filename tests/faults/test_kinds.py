"""Loads of each kind of statement that are killed, and what --resume makes of them.

`make test-faults` does the same at random, a thousand times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.cases import NOTED, Case, Fault
from tests.faults.connections import end_others
from tests.faults.kinds import KINDS
from tests.faults.scripts import SMALL
from tests.faults.stage import KillStage
from tests.turns import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Server], KillStage]]:
    """Yield what makes a server's stage, once."""
    made: dict[str, KillStage] = {}

    def stage(server: Server) -> KillStage:
        if server.flavour not in made:
            made[server.flavour] = KillStage(server, tmp_path_factory.mktemp("kinds"), SMALL)
        return made[server.flavour]

    yield stage
    for each in made.values():
        each.close()


@some("kind", KINDS, each=3)
def test_a_load_that_is_killed_and_resumed_leaves_what_the_client_leaves(
    kind: str, fault_server: Server, stages: Callable[[Server], KillStage]
) -> None:
    """It is killed when a part of the table after the kind's is noted, and in the kind's own.

    Before that it is not disturbed at all.
    """
    stage = stages(fault_server)
    noted = Fault("kill client", b"b", 0.0, NOTED, 0.0)
    filling = Fault("kill client", stage.kind(kind).moments[0], 0.5, "answered", 0.0)
    try:
        for number, attempts in enumerate((((noted,),), ((filling,),))):
            course = stage.play(Case(number, kind, attempts))
            assert not course.failures, f"{course}\n" + "\n".join(course.failures)
    finally:
        end_others(fault_server)
