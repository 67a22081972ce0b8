"""A whole hub is for `make test-hub-whole`: it needs root, podman and Chromium."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub.pods import images
from tests.hub.pods.podman import install_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# The first test installs podman and builds the images.
LIMIT_S = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark = pytest.mark.timeout(LIMIT_S)
    if not os.environ.get("HUB_WHOLE"):
        mark = pytest.mark.skip(reason="a whole hub: make test-hub-whole")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def _images() -> Iterator[None]:
    install_packages(("chromium",), ("chromium",))
    with images.built(with_lab=True):
        yield
