"""The matrix: what the documentation's tables say, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from tests.matrix.arena import KINDS, run_cell, server_of
from tests.matrix.environments import EVERY, VENVS, Environment
from tests.matrix.table import DOCUMENT, alone, failures, row_of, with_us
from tests.servers import DATAJOINT_CIPHER, DEFAULT_LIST_HAS_IT, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=KINDS)
def kind_and_server(
    request: pytest.FixtureRequest,
    mysql_process: Server,
    mariadb_process: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Server]]:
    """Yield each kind of server, running."""
    del mysql_process, mariadb_process  # only so that this is skipped where there is no server
    with server_of(KINDS[request.param], tmp_path_factory.mktemp("matrix")) as server:
        yield request.param, server


@pytest.mark.thorough
@pytest.mark.parametrize("environment", EVERY, ids=" with PyMySQL ".join)
def test_a_cell_is_as_the_documentation_says(
    environment: Environment, kind_and_server: tuple[str, Server]
) -> None:
    if environment.datajoint == "newest 2" and not (VENVS["newest 2"].exists() or needs_servers()):
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    name, server = kind_and_server
    found = run_cell(environment, KINDS[name], server)
    assert failures(found) == []
    text = DOCUMENT.read_text(encoding="utf-8")
    column = list(KINDS).index(name)
    tables = {"with us": with_us, "alone": alone}
    if name == "datajoint" and DEFAULT_LIST_HAS_IT:
        del tables["alone"]  # the documentation says what other Pythons do
    for table, cell in tables.items():
        row = row_of(text, table, found["datajoint"], found["pymysql"])
        assert row[column] == cell(found), table


@pytest.mark.parametrize("kind_and_server", ["datajoint"], indirect=True)
def test_the_imitation_of_datajoints_image_has_its_settings(
    kind_and_server: tuple[str, Server],
) -> None:
    _, server = kind_and_server
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.sql_mode, @@ssl_cipher, @@tls_version")
        modes, *encryption = cursor.fetchall()[0]
        cursor.execute("SHOW CREATE USER")
        ((account,),) = cursor.fetchall()
    wanted = {"STRICT_ALL_TABLES", "NO_ENGINE_SUBSTITUTION", "ONLY_FULL_GROUP_BY"}
    assert set(modes.split(",")) == wanted
    assert encryption == [DATAJOINT_CIPHER, "TLSv1.2"]
    assert "IDENTIFIED BY PASSWORD" in account  # MariaDB's words for mysql_native_password
