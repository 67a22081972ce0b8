"""What a load shows when all of the script is read, and indexes are still to be built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.load import Progress, load
from sidecar_magics.load.reporting.pace import describe
from sidecar_magics.load.running import showing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

ROWS = 1500
STATEMENTS = 110


@pytest.mark.thorough
def test_it_names_the_table_whose_indexes_are_built(
    mysql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "SHOW_EVERY_S", 0.0)
    with (tmp_path / "x.sql").open("w") as file:
        file.write("CREATE DATABASE lab; USE lab;\n")
        file.write("CREATE TABLE t (n INT PRIMARY KEY, x CHAR(150), KEY (x)) ENGINE=InnoDB;\n")
        for number in range(STATEMENTS):
            first = number * ROWS
            values = ",".join(f"({n},'{n:0150d}')" for n in range(first, first + ROWS))
            file.write(f"INSERT INTO t VALUES {values};\n")
    seen: list[Progress] = []
    with connect_now(mysql_server.settings) as reader, reader.cursor() as cursor:

        def progress(now: Progress) -> None:
            seen.append(now)
            if now.builds:
                reader.rollback()
            elif now.rows and now.reads and not reader.get_autocommit():
                # Whoever has read the table keeps its definition as it is: the index must wait.
                cursor.execute("SELECT n FROM lab.t LIMIT 1")

        reader.autocommit(False)
        cursor.execute("SET SESSION lock_wait_timeout = 30")
        report = load(tmp_path / "x.sql", mysql_server.settings, jobs=2, progress=progress)
    assert report.deferred_indexes == 1
    assert [now.fraction for now in seen] == sorted(now.fraction or 0 for now in seen)
    reading = [now for now in seen if now.reads]
    # What is read and waits in memory is not done.
    assert max(now.fraction or 0 for now in reading) < 0.97
    built = [now for now in seen if now.builds]
    assert built
    last = built[-1]
    assert last.is_finishing
    text = describe(last, 5e6)
    assert "building the indexes of lab.t (" in text
    assert "/s" not in text
