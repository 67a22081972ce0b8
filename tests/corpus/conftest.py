"""Fixtures of the corpus: for each kind of server, a pair of them that nobody else works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import LocalServerError
from tests.corpus.workshop import Workshop
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

# Nothing here is to survive a power failure.
OPTIONS = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=OFF",
)


@pytest.fixture(scope="session")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workshop]]:
    """Yield the workshops that have been opened, by flavour; they are closed at the end."""
    opened: dict[str, Workshop] = {}
    yield opened
    for workshop in opened.values():
        workshop.close()


@pytest.fixture
def workshop(
    flavour: str, workshops: dict[str, Workshop], tmp_path_factory: pytest.TempPathFactory
) -> Workshop:
    """Return the workshop for the test's `flavour`."""
    if flavour not in workshops:
        folder = tmp_path_factory.mktemp(f"corpus-{flavour}")
        try:
            source, target = (
                Server(flavour, folder / name, options=OPTIONS).start()
                for name in ("source", "target")
            )
        except LocalServerError as error:
            if needs_servers():
                raise
            pytest.skip(f"no {flavour} server: {error}")
        workshops[flavour] = Workshop(source, target, folder)
    return workshops[flavour]
