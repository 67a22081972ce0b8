"""A load into another schema can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import StatementError
from sidecar_magics.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_load_into_another_schema_is_resumed(
    jobs: int, mysql_server: Server, tmp_path: Path
) -> None:
    """What makes that schema stands nowhere in the script: it is no part that is done."""
    path = tmp_path / "part.sql"
    script = "CREATE TABLE t (i INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\n"
    script += "INSERT INTO {} VALUES (2);\n"
    path.write_text(script.format("u"))
    for _ in range(2):
        with pytest.raises(StatementError, match=r":3:1: error 1146"):
            load(path, mysql_server.settings, into="other", resume=True, jobs=jobs)
    path.write_text(script.format("t"))
    report = load(path, mysql_server.settings, into="other", resume=True, jobs=jobs)
    assert report.resumed == 2
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT i FROM other.t ORDER BY i")
        assert cursor.fetchall() == ((1,), (2,))


def test_a_resumed_load_does_not_say_how_many_rows_only_its_last_part_had(
    mysql_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "part.sql"
    script = "CREATE DATABASE lab; USE lab; CREATE TABLE t (i INT PRIMARY KEY);\n"
    script += "INSERT INTO t VALUES (1);\nINSERT INTO {} VALUES (2);\n"
    path.write_text(script.format("u"))
    with pytest.raises(StatementError):
        load(path, mysql_server.settings, resume=True, jobs=1)
    path.write_text(script.format("t"))
    assert load(path, mysql_server.settings, resume=True).resumed
    again = load(path, mysql_server.settings, resume=True)
    assert again.already_loaded
    assert "row" not in again.summary()
