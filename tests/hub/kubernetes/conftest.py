"""A real Kubernetes is for `make test-kubernetes`: it is built first, which takes minutes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hub.kubernetes.able import build_reason, node_reason
from tests.hub.kubernetes.cluster import RealCluster, real_cluster
from tests.hub.kubernetes.server import RealApi, api_server

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# The first test builds Kubernetes, perhaps on a machine that has other work.
LIMIT_S = 4 * 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark = pytest.mark.timeout(LIMIT_S)
    if not os.environ.get("HUB_KUBERNETES"):
        mark = pytest.mark.skip(reason="a real Kubernetes: make test-kubernetes")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealApi]:
    """An API server alone, with etcd."""
    if reason := build_reason():
        pytest.fail(reason)  # who asks for Kubernetes wants to hear if there is none
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A cluster of one node, with a kubelet."""
    if reason := build_reason() or node_reason():
        pytest.fail(reason)
    with real_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
