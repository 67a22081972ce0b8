"""A part of the matrix, so that the documentation's table cannot go wrong unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.matrix.arena import KINDS, run_cell, server_of
from tests.matrix.environments import VENVS, Environment
from tests.matrix.table import DOCUMENT, failures, row_of, with_us
from tests.servers import needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", params=["mariadb", "datajoint"])
def kind_and_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    """Yield the two kinds of server that need most care: without TLS, and with a weak cipher."""
    with server_of(KINDS[request.param], tmp_path_factory.mktemp("matrix")) as server:
        yield request.param, server


@pytest.mark.parametrize("datajoint", ["newest 0.14", "newest 2"])
def test_a_cell_is_as_the_documentation_says(
    datajoint: str, kind_and_server: tuple[str, Server]
) -> None:
    if not VENVS[datajoint].exists() and not needs_servers():
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    name, server = kind_and_server
    # The environment's own PyMySQL is what every other test has.
    found = run_cell(Environment(datajoint, "oldest"), KINDS[name], server)
    assert failures(found) == []
    text = DOCUMENT.read_text(encoding="utf-8")
    row = row_of(text, "with us", found["datajoint"], found["pymysql"])
    assert row[list(KINDS).index(name)] == with_us(found)
