"""The published values, and each known defect of them: what ours are compared with.

What the pod *does* is held by the tests of pods for real; here is what makes it do so.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.hub import chart
from tests.hub.apiserver import Manifest
from tests.hub.manifests import container, made, variables
from tests.hub.promises import broken
from tests.hub.spawning import cluster
from tests.hub.values import DEPLOYMENTS, SEED, Deployment, read

# As published, 5 July 2024.
PUBLISHED = {
    "name": "mysql",
    "image": "datajoint/mysql:8.0",
    "ports": [{"name": "mysql", "containerPort": 3306}],
    "resources": {
        "limits": {"memory": "4Gi", "cpu": 1.0},
        "requests": {"memory": "64Mi", "cpu": 0.01},
    },
    "env": [{"name": "MYSQL_ROOT_PASSWORD", "value": "tutorial"}],
}


@pytest.fixture(scope="module")
def seed() -> Manifest:
    return made(SEED)


@pytest.fixture(scope="module")
def mysql(seed: Manifest) -> Manifest:
    return container(seed, "mysql")


def graces_s(deployment: Deployment) -> list[int | None]:
    """Return the grace periods with which a server that was started and stopped is deleted."""

    async def start_and_stop() -> list[int | None]:
        async with cluster(chart.spawner_config(deployment.values())) as one:
            spawner = one.spawner(deployment.user)
            await spawner.start()
            await spawner.stop()
            return one.api.graces_s

    return asyncio.run(start_and_stop())


def test_they_are_as_published() -> None:
    assert read("seed") == {"singleuser": {"extraContainers": [PUBLISHED]}}


def test_nothing_waits_for_mysql(mysql: Manifest) -> None:
    """KubeSpawner takes the container for ready as soon as it runs: connection refused."""
    assert not [key for key in mysql if key.endswith("Probe")]


def test_the_entrypoint_ignores_a_stop(mysql: Manifest) -> None:
    """The image's own entrypoint waits on `tail`, with MySQL after it, and passes nothing on."""
    assert "command" not in mysql


def test_a_dead_mysql_goes_unnoticed(mysql: Manifest) -> None:
    """What the container runs is the `tail`, which continues; and nobody asks MySQL."""
    assert "command" not in mysql
    assert "livenessProbe" not in mysql


def test_a_stop_has_one_second() -> None:
    assert graces_s(SEED) == [1]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_ours_has_thirty(deployment: Deployment) -> None:
    keeps = "data=keep" in str(deployment)  # `keepEnd`, 90 s, for the last snapshot
    assert graces_s(deployment) == [120 if keeps else 30]


def test_a_restart_loses_the_data(mysql: Manifest) -> None:
    assert not mysql.get("volumeMounts")


def test_other_pods_can_connect(mysql: Manifest) -> None:
    """Without options the image's apply: all addresses, and the X plugin on 33060."""
    assert "args" not in mysql
    assert mysql["ports"] == [{"containerPort": 3306, "name": "mysql"}]


def test_the_buffer_pool_is_the_limit(mysql: Manifest) -> None:
    """The image's my.cnf: innodb_buffer_pool_size = 4G."""
    assert mysql["resources"]["limits"]["memory"] == "4Gi"


def test_the_disk_is_taken_before_any_data(mysql: Manifest) -> None:
    """The image's my.cnf: innodb_log_file_size = 2G, twice; and nothing limits the folder."""
    assert "args" not in mysql
    assert not mysql.get("volumeMounts")


def test_the_scheduler_thinks_it_small(mysql: Manifest) -> None:
    assert mysql["resources"]["requests"]["memory"] == "64Mi"


def test_it_runs_as_root(mysql: Manifest) -> None:
    assert "securityContext" not in mysql


def test_a_clean_end_is_not_restarted(seed: Manifest) -> None:
    assert seed["spec"]["restartPolicy"] == "OnFailure"
    assert [each["name"] for each in seed["spec"]["containers"]] == ["notebook", "mysql"]


def test_notebooks_do_not_know_it(seed: Manifest) -> None:
    names = variables(container(seed, "notebook"))
    assert not [name for name in names if name.startswith(("MYSQL", "DJ_"))]


def test_every_promise_that_they_break(seed: Manifest) -> None:
    """All of it; a defect that nobody knew of would be here first."""
    assert broken(seed, chart.spawner_config(SEED.values())) == [
        "the image's own entrypoint does not pass a stop on",
        "nothing waits for MySQL",
        "MySQL has 1 s to stop",
        "a restart loses the data",
        "other pods can connect: bind-address",
        "other pods can connect: the X plugin",
        "a port is declared that nobody is to reach",
        "MySQL runs as root, its data are 999's",
        "MySQL may become root",
        "MySQL has capabilities",
        "the buffer pool is the image's, 4G",
        "the redo log is the image's, 4G of disk before any data",
        "it requests 64Mi, and takes 258Mi when idle",
        "the notebook's MYSQL_HOST is None",
        "the notebook's MYSQL_TCP_PORT is None",
        "the notebook's DJ_HOST is None",
        "the notebook's DJ_PORT is None",
        "the notebook's DJ_USER is None",
        "the notebook's MYSQL_PWD is not MySQL's password",
        "the notebook's DJ_PASS is not MySQL's password",
        "the mysql client has no /etc/my.cnf",
    ]
