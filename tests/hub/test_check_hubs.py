"""hub-config/check.py on hubs with spawners, homes and code of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import (
    REAL,
    SMALL,
    check,
    checked,
    extra,
    nested,
    render,
    setting,
    shape,
    written,
)
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
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
@pytest.mark.thorough
def test_a_hub_that_starts_what_a_binder_has_built(*, with_login: bool, tmp_path: Path) -> None:
    own = {"hub": {"config": {"SessionSpawner": {"auth_enabled": with_login}}}}
    own["hub"].update(extra(sessions=SESSIONS)["hub"])
    answer = checked(tmp_path, own, INJECT, before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "data=ephemeral" in answer.output


@pytest.mark.parametrize("data", ["home", "keep"])
@pytest.mark.thorough
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
    chart = helm.chart_with(Path(REAL) if REAL else SMALL, tmp_path / "made", "around")
    mount = {"name": "home", "mountPath": "/home/jovyan/shared", "subPath": "_shared"}
    storage = {"type": "static", "static": {"pvcName": "nfs"}}
    own = {"singleuser": {"storage": {**storage, "extraVolumeMounts": {"02-old": mount}}}}
    written({"jupyterhub": own}, chart / "values.yaml")
    null = {"jupyterhub": {"singleuser": {"storage": {"extraVolumeMounts": {"02-old": None}}}}}
    files = [written(null, tmp_path / "own.yaml"), nested(INJECT, ["jupyterhub"], tmp_path)]
    for name, layers in (("before", files[:1]), ("after", files)):
        rendered = helm.template(chart, layers, "--kube-version", "1.34")
        (tmp_path / f"{name}.yaml").write_text(rendered)
    answer = check(tmp_path / "after.yaml", "--before", tmp_path / "before.yaml")
    assert answer.status == 2
    assert "singleuser.storage.extraVolumeMounts has null at 02-old" in answer.output
    assert "nor did one without MySQL" in answer.output
    assert "render with the Helm that you deploy with" in answer.output


def test_the_pods_that_are_counted(tmp_path: Path) -> None:
    """One server fails with MySQL and without: it is no pod, no finding, and no secret."""
    profiles = [
        {"display_name": "Usual"},
        {"display_name": "Broken", "kubespawner_override": {"environment": {"A": "${B}"}}},
    ]
    own: Values = {"singleuser": {"profileList": profiles}}
    answer = checked(tmp_path, own, INJECT, before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert answer.output.endswith("4 of 5 pods made, no findings\n")
    assert "note: profile broken: not looked at, since this server does not start" in answer.output
    assert "cannot format the variable A" in answer.output


def test_a_server_that_fails_with_mysql_only(tmp_path: Path) -> None:
    code = "def hook(spawner, pod):\n    if 'mysql' in str(spawner.user_options):\n        raise "
    code += "RuntimeError('no')\n    return pod\nc.KubeSpawner.modify_pod_hook = hook\n"
    own: Values = {
        "singleuser": {"profileList": [{"display_name": "a"}, {"display_name": "mysql"}]}
    }
    answer = checked(tmp_path, own, INJECT, extra(hook=code), before=own)
    assert answer.status == 1
    assert "profile mysql: the server does not start: RuntimeError: no" in answer.output
    assert answer.output.endswith("4 of 5 pods made, 1 finding\n")
    assert "not looked at" not in answer.output


def typed_in(pattern: str, choices: Values | None = None) -> Values:
    """Return values of a hub whose users may type an image in."""
    override = {"image": "{value}", "volume_mounts": [{"name": "gone", "mountPath": "/gone"}]}
    unlisted: Values = {"enabled": True, "display_name": "Other", "kubespawner_override": override}
    option = {"display_name": "Image", "unlisted_choice": {**unlisted, "validation_regex": pattern}}
    if choices:
        option["choices"] = choices
    profile = {"display_name": "Own", "profile_options": {"image": option}}
    return {"singleuser": {"profileList": [profile]}}


@pytest.mark.parametrize("pattern", ["^.+:.+$", r"^quay\.io/lab/.+:.+$", "jupyter/[a-z]+", ""])
@pytest.mark.thorough
def test_what_users_type_in(pattern: str, tmp_path: Path) -> None:
    """Its settings replace the hub's, as those of a choice do."""
    choices = {"usual": {"display_name": "Usual", "default": True}}
    answer = checked(tmp_path, typed_in(pattern, choices), INJECT)
    assert answer.status == 1
    (line,) = answer.findings
    assert line.startswith("profile own/image, typed in: container notebook mounts the volume gone")
    assert answer.output.endswith("\n6 pods made, 1 finding\n")


def test_what_users_have_to_type_in(tmp_path: Path) -> None:
    """Where nothing is to be chosen among, a start without it fails, and is none of a user's."""
    answer = checked(tmp_path, typed_in("^.+:.+$"), INJECT)
    assert answer.status == 1
    assert "every pod: container notebook mounts the volume gone" in answer.output
    assert answer.output.endswith("\n4 pods made, 1 finding\n")


def test_what_nobody_can_guess(tmp_path: Path) -> None:
    choices = {"usual": {"display_name": "Usual", "default": True}}
    answer = checked(tmp_path, typed_in("^[0-9]{40}$", choices), INJECT)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "profile own/image: what users type in was not looked at" in answer.output


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
@pytest.mark.thorough
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


@pytest.mark.thorough
def test_users_whose_ids_the_cluster_gives(tmp_path: Path) -> None:
    path = written(yaml.safe_load(INJECT.read_text()), tmp_path / "inject.yaml")
    answer = checked(tmp_path, path, {"singleuser": {"uid": None}})
    assert "MySQL's 999 is refused without the SCC nonroot-v2" in answer.output
    assert "nonroot-v2" not in checked(tmp_path, INJECT).output
    home = checked(tmp_path, path, setting(data="home"), {"singleuser": {"uid": None}})
    assert "mysql-data-owner's 0 is refused without the SCC anyuid" in home.output


@pytest.mark.parametrize("data", ["home", "claim", "keep"])
@pytest.mark.thorough
def test_data_of_all_users_on_one_claim(data: str, tmp_path: Path) -> None:
    """Which may be on NFS: what is in the cluster is not asked for."""
    static = {"type": "static", "static": {"pvcName": "people", "subPath": "{username}"}}
    own: Values = {"singleuser": {"storage": static}}
    answer = checked(tmp_path, own, INJECT, setting(data=data), before=own)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    is_noted = "is on one claim (people): if that is NFS, take data: keep" in answer.output
    assert is_noted == (data == "home")


def test_data_of_each_user_on_a_claim(tmp_path: Path) -> None:
    assert "is on one claim" not in checked(tmp_path, INJECT, setting(data="home")).output
