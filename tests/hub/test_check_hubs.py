"""hub-config/check.py on hubs with spawners, homes and code of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import check, checked, extra, render, setting, shape, written
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub.values import Values

INJECT = HUB_CONFIG / "inject.values.yaml"
# What a hub of users without names has: no server starts without an image and a token.
SESSIONS = """
from kubespawner import KubeSpawner
from tornado import web
from traitlets import Bool

class SessionSpawner(KubeSpawner):
    auth_enabled = Bool(False, config=True)

    def get_args(self):
        if self.auth_enabled:
            return super().get_args()
        return ["--token=" + self.user_options["token"]]

    def start(self):
        if not self.auth_enabled and not {"token", "image"} <= set(self.user_options):
            raise web.HTTPError(400, "nothing to start")
        self.image = self.user_options.get("image", self.image)
        return super().start()

c.JupyterHub.spawner_class = SessionSpawner
"""
LOGIN = "import os\nc.OAuthenticator.client_id = os.environ['PORTAL_ID']\n"


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


def of_user_homes() -> Values:
    """Return values of a hub whose homes are at paths with the users' names in them."""
    storage: dict[str, Any] = {"type": "static", "homeMountPath": "/people/{username}/"}
    storage["static"] = {"pvcName": "people", "subPath": "2026/{username}"}
    return {"singleuser": {"storage": storage}}


@pytest.mark.parametrize("with_login", [False, True], ids=["sessions", "login"])
def test_a_hub_that_starts_what_a_binder_has_built(*, with_login: bool, tmp_path: Path) -> None:
    own = {"hub": {"config": {"SessionSpawner": {"auth_enabled": with_login}}}}
    own["hub"].update(extra(sessions=SESSIONS)["hub"])
    answer = checked(tmp_path, own, INJECT, before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "data=ephemeral" in answer.output


@pytest.mark.parametrize("data", ["home", "keep"])
def test_homes_at_paths_with_the_users_name(data: str, tmp_path: Path) -> None:
    own = of_user_homes()
    answer = checked(tmp_path, own, INJECT, setting(data=data), before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert f"in force: data={data}" in answer.output


def test_homes_with_the_users_name_that_are_moved(tmp_path: Path) -> None:
    own = of_user_homes()
    moved = {"singleuser": {"storage": {"static": {"subPath": "{username}"}}}}
    answer = checked(tmp_path, own, moved, INJECT, before=own)
    assert answer.status == 1
    assert "the home is another one" in answer.output


def test_homes_that_are_elsewhere(tmp_path: Path) -> None:
    volume = {"name": "people", "persistentVolumeClaim": {"claimName": "people"}}
    mount = {"name": "people", "mountPath": "/people", "subPath": "{username}"}
    storage = {"type": "none", "extraVolumes": [volume], "extraVolumeMounts": [mount]}
    own: Values = {"singleuser": {"storage": storage}}
    answer = checked(tmp_path, own, INJECT, setting(data="home"), before=own)
    assert answer.status == 2
    assert "homeMountPath has to be the path of the home" in answer.output
    assert "see the hub's log" not in answer.output


@pytest.mark.parametrize(("uid", "what"), [(0, "root"), (None, "not known")])
def test_keeping_without_a_user(uid: int | None, what: str, tmp_path: Path) -> None:
    path = written(yaml.safe_load(INJECT.read_text()), tmp_path / "inject.yaml")
    answer = checked(tmp_path, path, setting(data="keep"), {"singleuser": {"uid": uid}})
    assert answer.status == 2
    assert f"it is {what} here: set singleuser.uid" in answer.output


def test_a_part_that_is_null(tmp_path: Path) -> None:
    """As Helm leaves it where null was to take an entry of a chart around z2jh away."""
    own = extra(theirs="c.KubeSpawner.volume_mounts['02-old'] = None\n")
    answer = checked(tmp_path, own, INJECT, before=own)
    assert answer.status == 2
    assert "singleuser.storage.extraVolumeMounts has null at 02-old" in answer.output
    assert "nor did one without MySQL" in answer.output


def test_what_the_hubs_own_code_ends_with(tmp_path: Path) -> None:
    code = (
        "import sys\nprint('loading')\nprint('FATAL: no faculty', file=sys.stderr)\nsys.exit(1)\n"
    )
    answer = checked(tmp_path, shape(1), INJECT, extra(faculty=code))
    assert answer.status == 2
    assert "cannot check: FATAL: no faculty" in answer.output


@pytest.mark.parametrize(
    "code",
    [
        "c.JupyterHub.spawner_class = 'faculty_spawner.FacultySpawner'\n",
        "from faculty_spawner import Base\nclass FacultySpawner(Base):\n    pass\n"
        "c.JupyterHub.spawner_class = FacultySpawner\n",
    ],
    ids=["named", "derived"],
)
def test_a_spawner_that_is_not_installed_here(code: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, shape(1), INJECT, extra(faculty=code))
    assert answer.status == 2
    assert "the hub's spawner FacultySpawner" in answer.output
    assert "in the hub's own container (--pack)" in answer.output


def test_a_variable_that_is_in_the_cluster_only(tmp_path: Path) -> None:
    reference = {"secretKeyRef": {"name": "portal", "key": "id"}}
    variables = [
        {"name": "PORTAL_ID", "valueFrom": reference},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]
    login = written(extra(login=LOGIN), tmp_path / "login.yaml")
    after = render([shape(1), INJECT, login], tmp_path / "after.yaml")
    objects = helm.objects(after.read_text())
    (hub,) = [each for each in objects if each["kind"] == "Deployment"]
    hub["spec"]["template"]["spec"]["containers"][0]["env"] = variables
    after.write_text(yaml.safe_dump_all(objects))
    answer = check(after)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "in the cluster only: PORTAL_ID\n" in answer.output


def test_a_variable_that_is_not_there(tmp_path: Path) -> None:
    answer = checked(tmp_path, shape(1), INJECT, extra(login=LOGIN))
    assert answer.status == 2
    assert "KeyError: 'PORTAL_ID'" in answer.output
    assert "may be in the hub's own container: --pack" in answer.output


@pytest.mark.parametrize(
    "one",
    [
        {"image": "registry.example.org/c9s/maria-11", "ports": [{"containerPort": 3306}]},
        {"image": "community-server:8.4", "env": [{"name": "MYSQL_ROOT_PASSWORD", "value": "x"}]},
    ],
    ids=["port", "variable"],
)
def test_a_server_with_a_name_of_its_own(one: Values, tmp_path: Path) -> None:
    own = {"singleuser": {"extraContainers": [{"name": "records", **one}]}}
    answer = checked(tmp_path, own, INJECT, before=own)
    assert answer.status == 1
    assert "a MySQL of its own in the pod (container records)" in answer.output


def test_a_client_beside_the_notebook_is_no_server(tmp_path: Path) -> None:
    one: Values = {
        "name": "backup",
        "image": "mysql-backup:1",
        "env": [{"name": "MYSQL_USER", "value": "x"}],
    }
    own = {"singleuser": {"extraContainers": [one]}}
    answer = checked(tmp_path, own, INJECT, before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output


def test_users_whose_ids_the_cluster_gives(tmp_path: Path) -> None:
    path = written(yaml.safe_load(INJECT.read_text()), tmp_path / "inject.yaml")
    answer = checked(tmp_path, path, {"singleuser": {"uid": None}})
    assert "MySQL's 999 is refused without the SCC nonroot-v2" in answer.output
    assert "nonroot-v2" not in checked(tmp_path, INJECT).output
