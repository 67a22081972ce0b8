"""Fixtures for every test: the two real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import LocalServerError
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a private MySQL that serves the whole session."""
    yield from _running("mysql", tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a private MariaDB that serves the whole session."""
    yield from _running("mariadb", tmp_path_factory)


def _running(flavour: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        server = Server(flavour, tmp_path_factory.mktemp(flavour)).start()
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no {flavour} server: {error}")
    try:
        yield server
    finally:
        server.stop()
