"""The servers that tests share are new to each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from tests.servers import takes

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("local_infile", "0"),
        ("sql_mode", "'ANSI'"),
        ("long_query_time", "0.5"),
        ("max_allowed_packet", "4096"),
        ("init_connect", "'SET @a = 1'"),
        ("read_only", "1"),
    ],
)
def test_global_variables_are_restored(
    flavour: str, name: str, value: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(f"{flavour}_server")
    before = global_value(server, name)
    assert takes(server.settings, f"SET GLOBAL {name} = {value}")
    assert global_value(server, name) != before
    server.restore_globals()
    assert global_value(server, name) == before


def global_value(server: Server, name: str) -> object:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT @@GLOBAL.{name}")
        return cursor.fetchone()
