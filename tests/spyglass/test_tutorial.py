"""The tutorial from its beginning: recorded, populated, dumped, dropped, loaded and read back."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.background import LIMIT_S
from tools.tutorial_data.__main__ import PROJECT, PYTHON, dumped, environment, populate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

POSITION = ["video_frame_ind", "position_x", "position_y", "orientation"]


def read(server: Server, base: Path, *dump: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.spyglass.reading", str(base), *map(str, dump)],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(server, base.parent),
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_spyglass_made_is_read_back_after_a_load(mysql_server: Server, tmp_path: Path) -> None:
    base, dump = tmp_path / "spyglass", tmp_path / "dump.sql.gz"
    made = json.loads(populate(mysql_server, base).splitlines()[-1])
    assert made["nwb_file_name"] == "tutorial20260102_.nwb"
    before = read(mysql_server, base)
    dump.write_bytes(gzip.compress(dumped(mysql_server)))
    mysql_server.drop_schemas()
    assert mysql_server.schemas() == []
    after = read(mysql_server, base, dump)
    assert after == before
    assert (after["sessions"], after["electrodes"]) == (1, 4)
    assert after["raw"][0] == [60_000, 4]
    assert after["position"][:2] == [[900, 7], [*POSITION, "velocity_x", "velocity_y", "speed"]]
    assert after["lfp"][0] == [30_000, 2]
    assert after["theta"][0] == [3000, 2]
    # The notebooks' files are what this makes.
    kept = PROJECT / "notebooks" / "data" / "spyglass"
    for folder in ("raw", "analysis"):
        assert names(base / folder) == names(kept / folder)


def test_the_notebooks_dump_and_files_belong_together(mysql_server: Server, tutorial: Path) -> None:
    data = tutorial / "data"
    found = read(mysql_server, data / "spyglass", data / "spyglass-prepopulate.sql.gz")
    assert (found["sessions"], found["electrodes"]) == (1, 4)
    assert found["theta"][0] == [3000, 2]


def names(folder: Path) -> list[str]:
    """Return the files, without the ten letters that Spyglass draws by chance.

    Which those are depends on what else was drawn: other versions of other packages draw more.
    """
    paths = (str(path.relative_to(folder)) for path in folder.rglob("*.nwb"))
    return sorted(re.sub(r"_[A-Z0-9]{10}\.nwb\Z", "_.nwb", path) for path in paths)
