"""A recording goes through Spyglass, its database through a dump and our loader, and is read again.

Everything is real: NWB files, Spyglass with its DataJoint, MySQL, mysqldump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from sidecar_magics import datajoint_connect, mysql_load
from tests.servers import Server
from tools.tutorial_data.base import make_base
from tools.tutorial_data.conda import stand_in
from tools.tutorial_data.dump import dump
from tools.tutorial_data.session import DURATION_S, FRAME_RATE_HZ, THETA_HZ, path_cm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar_magics.load.report import LoadReport
    from tools.tutorial_data.pipeline import Made

# Spyglass's and PyNWB's own warnings are not ours to heed.
pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore")]


class Tutorial(NamedTuple):
    """What Spyglass made before its database was dumped and dropped, and the load after that."""

    server: Server
    made: Made
    before: Any
    theta_before: Any
    schemas: list[str]
    report: LoadReport


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tutorial]:
    folder = tmp_path_factory.mktemp("spyglass")
    script = folder / "prepopulate.sql.gz"
    make_base(folder / "base")
    programs = folder / "bin"
    programs.mkdir()
    with stand_in(programs), Server("mysql", folder / "server") as server:
        datajoint_connect(server.settings)
        from tools.tutorial_data.pipeline import populate

        made = populate()
        before, theta = position(made), theta_band(made)
        schemas = server.schemas()
        dump(server.dump_client, schemas, script)
        server.drop_schemas()
        assert server.schemas() == []
        report = mysql_load(script, server.settings)
        assert datajoint_connect(server.settings).state == "already connected"
        yield Tutorial(server, made, before, theta, schemas, report)


def position(made: Made) -> Any:
    """Return the animal's positions, as Spyglass tells them."""
    from spyglass.position import PositionOutput

    return (PositionOutput & {"merge_id": made.position_merge_id}).fetch1_dataframe()


def theta_band(made: Made) -> Any:
    """Return the theta band of the field potential, as Spyglass tells it."""
    from spyglass.lfp.analysis.v1 import LFPBandV1

    return (LFPBandV1 & {"nwb_file_name": made.nwb_file_name}).fetch1_dataframe()


def test_everything_is_back(tutorial: Tutorial) -> None:
    assert tutorial.server.schemas() == tutorial.schemas
    assert len(tutorial.schemas) > 50
    assert tutorial.report.rows > 100


def test_positions_are_those_of_the_recording(tutorial: Tutorial) -> None:
    after = position(tutorial.made)
    assert after.equals(tutorial.before)
    assert len(after) == DURATION_S * FRAME_RATE_HZ
    times_s = np.arange(len(after)) / FRAME_RATE_HZ
    off_cm = np.abs(after[["position_x", "position_y"]].to_numpy() - path_cm(times_s))
    assert np.median(off_cm) < 1


def test_theta_is_that_of_the_recording(tutorial: Tutorial) -> None:
    after = theta_band(tutorial.made)
    assert after.equals(tutorial.theta_before)
    signal = after[0].to_numpy(dtype=float)
    rate_hz = 1 / np.median(np.diff(after.index.to_numpy()))
    power = np.abs(np.fft.rfft(signal - signal.mean()))
    loudest_hz = np.fft.rfftfreq(len(signal), 1 / rate_hz)[power.argmax()]
    assert loudest_hz == pytest.approx(THETA_HZ, abs=0.2)


def test_tables_and_files_belong_together(tutorial: Tutorial) -> None:
    from spyglass.common import AnalysisNwbfile, Electrode, Nwbfile, Session

    key = {"nwb_file_name": tutorial.made.nwb_file_name}
    assert len(Session & key) == 1
    assert len(Electrode & key) == 4
    assert Nwbfile.get_abs_path(tutorial.made.nwb_file_name).endswith("tutorial20260102_.nwb")
    names = (AnalysisNwbfile & key).fetch("analysis_file_name")
    assert len(names) == 3
    assert all(AnalysisNwbfile.get_abs_path(name) for name in names)
