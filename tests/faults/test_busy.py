"""Tables with foreign keys and indexes, loaded beside busy loops; `make test-busy` has more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.busy import BusyCase, BusyStage, busy_cores
from tests.turns import some

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server
LOADS = (BusyCase(0.01, 1_500, None), BusyCase(0.03, 1_500, 8), BusyCase(0.06, 5_000, 4))


@some("case", LOADS, each=3)
def test_a_load_ends_beside_busy_loops(
    case: BusyCase, fault_server: Server, tmp_path: Path
) -> None:
    with BusyStage(fault_server, tmp_path) as stage, busy_cores():
        wrong = stage.play(case)
        assert not wrong, f"{case}: {wrong}"
