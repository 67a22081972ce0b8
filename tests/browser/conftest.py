"""What is seen in a browser is for `make test-browser`: it needs JupyterLab and Chromium."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import LocalServerError
from tests.browser.chromium import launch_options
from tests.browser.lab import Lab, running_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.servers import Server

HERE = Path(__file__).parent
# The first test fetches Chromium.
LIMIT_S = 1200
IS_THERE = all(importlib.util.find_spec(name) for name in ("playwright", "jupyterlab"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark = pytest.mark.timeout(LIMIT_S)
    if not IS_THERE:
        mark = pytest.mark.skip(reason="a browser has its own environment: make test-browser")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield a Chromium without a window."""
    from playwright.sync_api import sync_playwright

    try:
        options = launch_options()
    except LocalServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Chromium: {error}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(mysql_process: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab whose kernels find the private MySQL."""
    environment = {
        "SIDECAR_MYSQL_PORT": str(mysql_process.port),
        "SIDECAR_MYSQL_PASSWORD": mysql_process.password,
        "LAB_PASSWORD": mysql_process.password,
    }
    with running_lab(tmp_path_factory.mktemp("lab"), environment) as lab:
        yield lab
