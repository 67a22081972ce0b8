"""Every values file of hub-config, on its way to a pod; no cluster, no server."""

from __future__ import annotations

import pytest

from tests.hub import chart
from tests.hub.layers import LAYERS, VERSIONS, WALLS, objection
from tests.hub.manifests import container, made
from tests.hub.promises import sidecar_of
from tests.hub.spawning import pod
from tests.hub.values import DEPLOYMENTS, HUB_CONFIG, NATIVE, SEED, SIDECAR, Deployment, read

ALL = (*DEPLOYMENTS, SEED)


def test_every_file_is_tried() -> None:
    files = {path.name.removesuffix(".values.yaml") for path in HUB_CONFIG.glob("*.values.yaml")}
    assert files == {name for deployment in ALL for name in deployment.files}


@pytest.mark.parametrize("deployment", [each for each in ALL if len(each.files) == 1], ids=str)
def test_a_file_says_which_kubernetes_it_needs(deployment: Deployment) -> None:
    text = (HUB_CONFIG / f"{deployment.files[0]}.values.yaml").read_text()
    assert ("# Needs Kubernetes >= 1.29" in text) == (deployment.kubernetes == NATIVE)


@pytest.mark.parametrize("deployment", ALL, ids=str)
def test_pods_pass_every_layer_on_every_kubernetes_they_are_for(deployment: Deployment) -> None:
    versions = [version for version in VERSIONS if version >= deployment.kubernetes]
    assert len(versions) >= 9
    layers = WALLS if deployment is SEED else LAYERS
    found = objection(
        deployment.values(), users=[deployment.user], versions=versions, layers=layers
    )
    assert found is None


@pytest.mark.parametrize(
    "deployment", [each for each in DEPLOYMENTS if each.kubernetes == NATIVE], ids=str
)
def test_native_sidecars_are_not_for_older_clusters(deployment: Deployment) -> None:
    found = objection(deployment.values(), users=[deployment.user], versions=[(1, 28)])
    assert found is not None
    assert "1.29" in found.message


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_the_container_is_the_same_in_every_file(deployment: Deployment) -> None:
    """One set of options, sizes and rights; files differ in where the data is, and in probes."""
    ours, default = (container(made(each), "mysql") for each in (deployment, SIDECAR))
    for key in ("image", "env", "resources"):
        assert ours[key] == default[key]
    assert ours["securityContext"].items() >= default["securityContext"].items()
    assert set(default["args"]) - {"mysqld"} == set(ours["args"]) - {"mysqld"}
    # Where nothing else can be written, two folders that MySQL writes into are mounted as well.
    own = {"/tmp", "/var/run/mysqld"} if "inject" in deployment.files else set()
    if ("data", "keep") in deployment.settings and not deployment.is_native:
        own.add("/mysql-keep")  # what it waits for at its end
    assert {mount["mountPath"] for mount in ours["volumeMounts"]} == {"/var/lib/mysql", *own}
    assert "ports" not in ours  # nothing to reach from outside


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_rows_can_be_sent_in_the_way_that_costs_the_server_half(deployment: Deployment) -> None:
    """%mysql_load needs it, and sets no global variable itself."""
    assert "--local-infile=ON" in container(made(deployment), "mysql")["args"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_sizes_fit_into_each_other(deployment: Deployment) -> None:
    mysql = container(made(deployment), "mysql")
    (pool,) = [arg for arg in mysql["args"] if arg.startswith("--innodb-buffer-pool-size=")]
    assert pool.endswith("=1G")
    assert mysql["resources"]["limits"]["memory"] == "2Gi"
    assert mysql["resources"]["requests"]["memory"] == "512Mi"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_data_and_waiting_are_as_the_table_has_them(deployment: Deployment) -> None:
    """Where data stays nothing waits for MySQL, so that no damage to it locks anybody out."""
    sidecar = sidecar_of(made(deployment))
    assert sidecar is not None
    assert sidecar.keeps_data == deployment.keeps_data
    assert bool(sidecar.gate) == deployment.gates != deployment.keeps_data


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_probes_ask_without_a_password(deployment: Deployment) -> None:
    """A refused login is an answer; and a password on a command line could be seen."""
    mysql = container(made(deployment), "mysql")
    for kind in {"startupProbe", "readinessProbe", "livenessProbe"} & set(mysql):
        command = mysql[kind]["exec"]["command"]
        assert command == ["mysqladmin", "ping", "--host=127.0.0.1", "--silent"]


@pytest.mark.parametrize(
    "deployment", [each for each in DEPLOYMENTS if "inject" not in each.files], ids=str
)
def test_kubespawner_is_told_the_grace_period_only(deployment: Deployment) -> None:
    spawner = deployment.values()["hub"]["config"]["KubeSpawner"]
    assert spawner == {"delete_grace_period": 30}


def test_basehub_is_the_classic_file_one_level_down() -> None:
    assert read("basehub") == {"jupyterhub": read("sidecar-classic")}


def test_profiles_without_mysql_have_none() -> None:
    config = chart.spawner_config(read("profiles"))
    names = [each["name"] for each in pod(config)["spec"]["containers"]]
    assert names == ["notebook"]


def test_profiles_pull_the_image_ahead() -> None:
    values = read("profiles")
    image = values["prePuller"]["extraImages"]["sidecar-mysql"]
    (profile,) = [each for each in values["singleuser"]["profileList"] if each["slug"] == "mysql"]
    (mysql,) = profile["kubespawner_override"]["extra_containers"]
    assert mysql["image"] == f"{image['name']}:{image['tag']}"
