"""What ends with the tests of hub-config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import checking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> Iterator[None]:
    with checking.prepared():
        yield
