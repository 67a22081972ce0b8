"""What is sent in a file's place may be cut anywhere: no row is lost, and none comes twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.load import load
from tests.corpus.fingerprint import difference, fingerprint
from tests.faults.proxy import FILE_PHASES, Proxy, Trigger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

HEAD = "CREATE DATABASE f; USE f;\n"
TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, s VARCHAR(90), KEY (s));\n"


def script() -> str:
    """Return one whose rows go as several files."""
    rows = [
        f"INSERT INTO {name} VALUES "
        + ", ".join(f"({n}, '{name} {n} {'x' * 60}')" for n in range(first, first + 400))
        + ";\n"
        for first in range(0, 4000, 400)
        for name in ("a", "b")
    ]
    return HEAD + TABLE.format("a") + TABLE.format("b") + "".join(rows)


@pytest.mark.parametrize("nth", [1, 4])
@pytest.mark.parametrize("phase", FILE_PHASES)
@pytest.mark.parametrize("kills", [False, True], ids=["cut", "server killed"])
def test_a_file_that_is_cut(
    fault_server: Server, tmp_path: Path, kills: bool, phase: str, nth: int
) -> None:
    path = tmp_path / "f.sql"
    path.write_text(script())
    load(path, fault_server.settings, rows="insert")
    wanted = fingerprint(fault_server, dump=False)
    fault_server.drop_schemas()

    def fault() -> None:
        if kills:
            fault_server.kill()
            fault_server.start()

    with Proxy(fault_server.port) as proxy:
        proxy.arm(Trigger(b"LOAD DATA", nth, phase, fault))
        settings = replace(fault_server.settings, port=proxy.port)
        report = load(path, settings, rows="load-data", jobs=2, resume=True)
        assert not proxy.is_armed
    assert report.retries >= 1
    assert report.rows == 8000
    found = fingerprint(fault_server, dump=False)
    assert difference(_content(wanted), _content(found)) == ""


def _content(state: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in state.items() if name.startswith(("table ", "checksum "))}
