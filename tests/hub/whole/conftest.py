"""A whole hub is for `make test-hub-whole`: it needs root, podman and Chromium."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hub.pods import images
from tests.hub.pods.podman import install, install_packages

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
def _images() -> None:
    install()
    install_packages(("chromium",), ("chromium",))
    images.build()
    images.build_lab()
