"""A server that takes `Lab` and `lab` for one schema, as all do that run on Windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import LocalServerError
from sidecar_magics.load import load, load_sql
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server

TABLES = (
    "DROP DATABASE IF EXISTS Lab; CREATE DATABASE Lab; USE Lab;"
    "CREATE TABLE Mouse (id INT PRIMARY KEY); INSERT INTO MOUSE VALUES (1), (2);"
)


@pytest.fixture(scope="module")
def folding_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a MariaDB: MySQL would need a data folder that was made in this way."""
    options = ("--lower-case-table-names=1",)
    try:
        server = Server("mariadb", tmp_path_factory.mktemp("folding"), options=options).start()
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no mariadb server: {error}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def folding(folding_process: Server) -> Iterator[Server]:
    yield folding_process.start()
    folding_process.drop_schemas()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "lab.sql"
    path.write_text(TABLES)
    return path


def count(server: Server) -> int:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM lab.mouse")
        ((number,),) = cursor.fetchall()
        return int(number)


def test_a_script_is_loaded_once(folding: Server, script: Path) -> None:
    load(script, folding.settings, once=True)
    load_sql("DELETE FROM lab.mouse WHERE id = 1;", folding.settings)
    assert load(script, folding.settings, once=True).already_loaded
    assert count(folding) == 1


def test_a_schema_that_is_gone_is_loaded_again(folding: Server, script: Path) -> None:
    load(script, folding.settings, once=True)
    with connect_now(folding.settings) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE lab")
    assert not load(script, folding.settings, once=True).already_loaded
    assert count(folding) == 2


def test_another_spelling_ends_what_once_claims(folding: Server, script: Path) -> None:
    load(script, folding.settings, once=True)
    load_sql("DROP TABLE LAB.MOUSE;", folding.settings)
    assert not load(script, folding.settings, once=True).already_loaded
    assert count(folding) == 2
