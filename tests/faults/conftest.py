"""Fixtures of the campaigns: servers of their own, as their loads are killed at any place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import LocalServerError
from tests.faults.campaign import SERVER_OPTIONS
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAVOURS = ("mysql", "mariadb")


@pytest.fixture(scope="session")
def fault_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Yield the servers that have been started, by flavour; they are stopped at the end."""
    started: dict[str, Server] = {}
    yield started
    for server in started.values():
        server.stop()


@pytest.fixture(params=FLAVOURS)
def fault_server(
    request: pytest.FixtureRequest,
    fault_servers: dict[str, Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Yield each of the servers, empty."""
    flavour = request.param
    if flavour not in fault_servers:
        folder = tmp_path_factory.mktemp(f"faults-{flavour}")
        server = Server(flavour, folder, options=SERVER_OPTIONS)
        try:
            fault_servers[flavour] = server.start()
        except LocalServerError as error:
            if needs_servers():
                raise
            pytest.skip(f"no {flavour} server: {error}")
    server = fault_servers[flavour].start()
    server.drop_schemas()
    yield server
    server.start().drop_schemas()
