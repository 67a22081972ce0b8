"""Pods for real are for `make test-hub`: they need root, podman and some minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub.pods import images

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# The first test installs podman and builds the images.
LIMIT_S = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark = pytest.mark.timeout(LIMIT_S)
    if not os.environ.get("HUB_PODS"):
        mark = pytest.mark.skip(reason="pods for real: make test-hub")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def _images() -> Iterator[None]:
    """Have podman and the images; whoever asks for the pods wants to hear if there are none."""
    with images.built():
        yield
