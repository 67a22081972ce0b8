"""Pods for real are for `make test-hub`: they need root, podman and some minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hub.pods import images
from tests.hub.pods.podman import install

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HUB_PODS"):
        return
    skip = pytest.mark.skip(reason="pods for real: make test-hub")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _images() -> None:
    """Have podman and the images; whoever asks for the pods wants to hear if there are none."""
    install()
    images.build()
