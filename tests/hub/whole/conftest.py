"""A whole hub is for `make test-hub-whole`: it needs root, podman and Chromium."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hub.pods import images
from tests.hub.pods.podman import install, install_packages

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HUB_WHOLE"):
        return
    skip = pytest.mark.skip(reason="a whole hub: make test-hub-whole")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _images() -> None:
    install()
    install_packages(("chromium",), ("chromium",))
    images.build()
    images.build_lab()
