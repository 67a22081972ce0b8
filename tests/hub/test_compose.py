"""compose.yaml is the pod of sidecar.values.yaml, on a laptop: one of them cannot change alone."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar_magics.local.containers import recipe
from tests.hub import compose
from tests.hub.admission import amount
from tests.hub.manifests import container, made, variables
from tests.hub.values import SIDECAR

LOOPBACK_OPTION = "--bind-address=127.0.0.1"


def mysql() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the service, and the pod's container."""
    return compose.read()["services"]["mysql"], container(made(SIDECAR), "mysql")


def test_same_image_and_options() -> None:
    service, pods = mysql()
    assert service["image"] == pods["image"]
    assert service["entrypoint"] == pods["command"]
    assert LOOPBACK_OPTION in pods["args"]
    assert service["command"] == [arg for arg in pods["args"] if arg != LOOPBACK_OPTION]
    assert service["environment"] == variables(pods)


def test_same_limits_and_rights() -> None:
    service, pods = mysql()
    limits, rights = pods["resources"]["limits"], pods["securityContext"]
    assert service["mem_limit"].upper() + "i" == limits["memory"]
    assert service["cpus"] == amount(limits["cpu"])
    assert service["user"] == f"{rights['runAsUser']}:{rights['runAsGroup']}"
    assert service["cap_drop"] == rights["capabilities"]["drop"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert rights["allowPrivilegeEscalation"] is False
    grace_s = SIDECAR.values()["hub"]["config"]["KubeSpawner"]["delete_grace_period"]
    assert service["stop_grace_period"] == f"{grace_s}s"


def test_up_starts_the_same() -> None:
    """`sidecar-magics up --backend docker`: its constants are what this file says."""
    service, _ = mysql()
    assert service["image"] == recipe.IMAGE
    assert service["entrypoint"] == [recipe.ENTRYPOINT]
    assert list(recipe.COMMAND) == service["command"]
    password = {"MYSQL_ROOT_PASSWORD": "tutorial"}  # a file in its place
    assert {**recipe.ENVIRONMENT, **password} == service["environment"]
    assert service["mem_limit"] == recipe.MEMORY
    assert service["cpus"] == recipe.CPUS
    assert service["user"] == f"{recipe.USER_ID}:{recipe.GROUP_ID}"
    assert service["restart"] == recipe.RESTART
    assert service["stop_grace_period"] == f"{recipe.STOP_GRACE_S}s"
    assert service["volumes"] == [f"mysql:{recipe.DATA_FOLDER}"]
    assert service["ports"][0] == f"127.0.0.1:3306:{recipe.PORT}"
    create = recipe.create_arguments("name", 3307, "volume")
    rights = [f"--cap-drop={each}" for each in service["cap_drop"]]
    # Compose writes the second with a value, which podman refuses.
    rights += [f"--security-opt={each.partition(':')[0]}" for each in service["security_opt"]]
    assert set(rights) <= set(create)


def test_data_is_on_a_named_volume() -> None:
    service, pods = mysql()
    (mount,) = pods["volumeMounts"]
    assert service["volumes"] == [f"mysql:{mount['mountPath']}"]
    assert compose.read()["volumes"] == {"mysql": None}


def test_published_on_loopback_only() -> None:
    for service in compose.read()["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_health_is_a_login_over_tcp() -> None:
    service, _ = mysql()
    kind, line = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert line.startswith('MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --host=127.0.0.1 ')


def test_the_notebook_is_the_pods() -> None:
    content = compose.read()
    service, pods = content["services"]["notebook"], container(made(SIDECAR), "notebook")
    assert service["network_mode"] == "service:mysql"
    assert service["environment"].items() <= variables(pods).items()
    (file,) = SIDECAR.values()["singleuser"]["extraFiles"].values()
    assert service["configs"] == [{"source": "mysql-client", "target": file["mountPath"]}]
    assert content["configs"]["mysql-client"]["content"] == file["stringData"]


@pytest.mark.parametrize("settings", [{}, {"NOTEBOOK_PORT": "9000"}], ids=["default", "own"])
def test_jupyterlab_prints_the_address_that_is_published(settings: dict[str, str]) -> None:
    services = compose.read(settings)["services"]
    port = settings.get("NOTEBOOK_PORT", "8899")
    assert f"127.0.0.1:{port}:{port}" in services["mysql"]["ports"]
    assert services["notebook"]["command"][-1].endswith(f" --port={port}")


def test_the_example_of_env_has_the_defaults() -> None:
    assert compose.read(compose.example()) == compose.read()


def test_env_sets_ports_and_password() -> None:
    content = compose.read({"MYSQL_PORT": "3307", "MYSQL_PASSWORD": "other", "NOTEBOOK_PORT": "1"})
    assert content["services"]["mysql"]["ports"] == ["127.0.0.1:3307:3306", "127.0.0.1:1:1"]
    without_extras = str(content).replace("sidecar-magics[tutorial]", "sidecar-magics")
    assert "tutorial" not in without_extras
    image = compose.read({"NOTEBOOK_IMAGE": "own:1"})["services"]["notebook"]["image"]
    assert image == "own:1"
    known = {"MYSQL_PORT", "MYSQL_PASSWORD", "NOTEBOOK_PORT", "NOTEBOOK_IMAGE"}
    assert set(compose.example()) == known
