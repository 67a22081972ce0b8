"""Scripts in which the server refuses something at random places; `make test-refusals` has more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.refusals import MistakeStage, again
from tests.turns import some

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server
SEED, SCRIPTS = 7, 15


@some("number", range(SCRIPTS), each=4)
def test_a_load_tells_what_the_client_tells(
    number: int, fault_server: Server, tmp_path: Path
) -> None:
    with MistakeStage(fault_server, tmp_path, SEED) as stage:
        outcome = stage.play(number)
    repeat = again(fault_server.flavour, SEED, number)
    assert not outcome.failures, "\n".join([str(outcome), *outcome.failures, f"again: {repeat}"])
