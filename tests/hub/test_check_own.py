"""hub-config/check.py on hubs that start with a file, or a form, of their own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import CHECK, check, extra, render, shape, written
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.hub.checking import Answer

INJECT = HUB_CONFIG / "inject.values.yaml"
PLACE = "/etc/faculty/hub.py"
OWN = "c.JupyterHub.spawner_class = 'kubespawner.KubeSpawner'\nc.KubeSpawner.image = 'lab:1'\n"
# The lines that check.py names, as they stand in it.
LINES = re.findall(r"`(.+?)`", re.sub(r'"\s+"', "", CHECK.read_text().split("RUN_EXTRA = (")[1]))[
    :2
]
READING = "\n".join(LINES) + "\n"
# What a form has asked for, with which a start begins.
FORM = """
from kubespawner import KubeSpawner

class FormSpawner(KubeSpawner):
    async def start(self):
        self.cpu_limit = self.user_options["cores"]
        self.mem_limit = self.user_options["memory"]
        return await super().start()

c.JupyterHub.spawner_class = FormSpawner
"""


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


def starting(folder: Path, command: Sequence[str], code: str | None) -> Answer:
    """Check a hub whose container has this command, and this code in a file of the chart's."""
    path = render([shape(1), INJECT], folder / "after.yaml")
    objects = helm.objects(path.read_text())
    (hub,) = [each for each in objects if each["kind"] == "Deployment"]
    spec: dict[str, Any] = hub["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    container["args"] = list(command)
    if code is not None:
        name, _, file = PLACE.rpartition("/")
        spec["volumes"].append({"name": "faculty", "configMap": {"name": "faculty"}})
        container["volumeMounts"].append({"name": "faculty", "mountPath": name})
        metadata = {"name": "faculty"}
        objects.append({"kind": "ConfigMap", "metadata": metadata, "data": {file: code}})
    path.write_text(yaml.safe_dump_all(objects))
    return check(path)


@pytest.mark.parametrize(
    "command",
    [
        ["jupyterhub", "--config", PLACE, "--debug"],
        ["jupyterhub", "--debug", "-f", PLACE],
        ["jupyterhub", f"--config={PLACE}"],
        ["sh", "-c", f"pip install boto3 && exec jupyterhub --upgrade-db --config '{PLACE}'; true"],
    ],
    ids=["words", "short", "one word", "shell"],
)
def test_a_file_that_passes_over_ours(command: list[str], tmp_path: Path) -> None:
    answer = starting(tmp_path, command, OWN)
    assert answer.status == 1
    assert f"the hub starts with {PLACE}, which does not run hub.extraConfig" in answer.output
    assert all(line in answer.output for line in LINES)


def test_a_file_that_runs_ours(tmp_path: Path) -> None:
    answer = starting(tmp_path, ["jupyterhub", "--config", PLACE], OWN + READING)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "in force: data=ephemeral" in answer.output


@pytest.mark.parametrize("shell", ["", "pip install boto3 && "])
def test_the_file_that_every_hub_starts_with(shell: str, tmp_path: Path) -> None:
    usual = "/usr/local/etc/jupyterhub/jupyterhub_config.py"
    answer = starting(tmp_path, ["sh", "-c", f"{shell}jupyterhub --config {usual}"], None)
    assert (answer.findings, answer.status) == ([], 0), answer.output


def test_a_file_of_the_hubs_image(tmp_path: Path) -> None:
    answer = starting(tmp_path, ["jupyterhub", "--config", "/opt/hub.py"], None)
    assert answer.status == 2
    assert "the hub starts with /opt/hub.py, which is no file of the chart's" in answer.output
    assert "deploy, then check in the hub's own container" in answer.output


def test_what_is_installed_in_the_hub_only_and_gives_the_configuration_back(
    tmp_path: Path,
) -> None:
    code = f"{OWN}from faculty_apps import install\nc = install(c)\n{READING}"
    answer = starting(tmp_path, ["jupyterhub", "--config", PLACE], code)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "stand-ins took their place: faculty_apps" in answer.output


def test_what_is_installed_in_the_hub_only_and_makes_another_configuration(
    tmp_path: Path,
) -> None:
    code = f"from faculty_apps import configuration\nc = configuration()\n{READING}"
    answer = starting(tmp_path, ["jupyterhub", "--config", PLACE], code)
    assert answer.status == 2
    assert "without faculty_apps, which is not installed here" in answer.output
    assert "no pod has MySQL" not in answer.output


def test_choices_of_a_form(tmp_path: Path) -> None:
    form = written(extra(form=FORM), tmp_path / "form.yaml")
    before = render([form], tmp_path / "before.yaml")
    after = render([form, INJECT], tmp_path / "after.yaml")
    answer = check(after, "--before", before)
    assert answer.status == 2
    assert "a start needs cores of the hub's own form (user_options)" in answer.output
    assert 'Fix: give check.py what users choose there: --user-options \'{"cores": "..."}\'' in (
        answer.output
    )
    chosen = json.dumps({"cores": 2, "memory": "4G"})
    answer = check(after, "--before", before, "--user-options", chosen)
    assert (answer.findings, answer.status) == ([], 0), answer.output


VOLUME = """
{imports}

def hook(spawner, pod):
    context = {models}V1SecurityContext(privileged=True)
    pod.spec.containers[0].security_context = context
    claim = {models}V1PersistentVolumeClaimVolumeSource(claim_name="efs")
    pod.spec.volumes.append({models}V1Volume(name="efs", persistent_volume_claim=claim))
    mount = {models}V1VolumeMount(name="{mounts}", mount_path="/efs")
    pod.spec.containers[0].volume_mounts.append(mount)
    return pod

c.KubeSpawner.modify_pod_hook = hook
"""
MODELS = "V1PersistentVolumeClaimVolumeSource, V1SecurityContext, V1Volume, V1VolumeMount"


@pytest.mark.parametrize(
    ("imports", "models"),
    [
        (f"from kubernetes.client import {MODELS}", ""),
        (f"from kubernetes.client.models import {MODELS}", ""),
        ("from kubernetes import client", "client."),
        ("import kubernetes.client", "kubernetes.client."),
    ],
    ids=["names", "models", "client", "whole"],
)
@pytest.mark.thorough
def test_models_of_the_other_client_of_kubernetes(
    imports: str, models: str, tmp_path: Path
) -> None:
    """Old hooks use it; the hub that is installed here has only kubernetes_asyncio."""
    for mounts, status in (("efs", 0), ("gone", 1)):
        hook = VOLUME.format(imports=imports, models=models, mounts=mounts)
        own = written(extra(hook=hook), tmp_path / "own.yaml")
        answer = check(render([own, INJECT], tmp_path / "after.yaml"))
        assert answer.status == status, answer.output
        assert "stand-ins took their place: kubernetes;" in answer.output
        assert ("mounts the volume gone" in answer.output) == bool(status)


HOOK = """
{kind} hook(spawner):
    spawner.environment["TOLD"] = "by the hook"

c.Spawner.pre_spawn_hook = hook
def told(spawner, pod):
    assert "TOLD" in str(pod)
    return pod
c.KubeSpawner.modify_pod_hook = told
"""


@pytest.mark.parametrize("kind", ["def", "async def", ""])
@pytest.mark.thorough
def test_hooks_before_the_start(kind: str, tmp_path: Path) -> None:
    """They return nothing, or something to wait for; most hubs have none."""
    own = extra(hook=HOOK.format(kind=kind)) if kind else {}
    path = written(own, tmp_path / "own.yaml")
    answer = check(render([path, INJECT], tmp_path / "after.yaml"), "--pre-spawn-hook")
    assert (answer.findings, answer.status) == ([], 0), answer.output


def test_a_start_that_needs_a_login(tmp_path: Path) -> None:
    code = "def hook(spawner, pod):\n    raise RuntimeError('no ticket')\n"
    code += "c.KubeSpawner.modify_pod_hook = hook\n"
    own = written(extra(hook=code), tmp_path / "own.yaml")
    before = render([own], tmp_path / "before.yaml")
    answer = check(render([own, INJECT], tmp_path / "after.yaml"), "--before", before)
    assert answer.status == 2
    assert "nor did one without MySQL: RuntimeError: no ticket. Fix: if it needs" in answer.output
    assert "what a login prepares" in answer.output


@pytest.mark.parametrize("text", ["cores=2", '["cores"]'])
def test_choices_that_are_no_mapping(text: str, tmp_path: Path) -> None:
    after = render([shape(1), INJECT], tmp_path / "after.yaml")
    answer = check(after, "--user-options", text)
    assert answer.status == 2


MOUNT_OF_NOTHING = [{"name": "gone", "mountPath": "/gone"}]


def test_settings_of_a_group(tmp_path: Path) -> None:
    """They replace what the hub has in common, as a profile's do."""
    overrides = {
        "01-gpu": {"groups": ["gpu"], "spawner_override": {"volume_mounts": MOUNT_OF_NOTHING}},
        "02-more": {"groups": ["more"], "spawner_override": {"cpu_limit": 8}},
    }
    own = {"hub": {"config": {"KubeSpawner": {"group_overrides": overrides}}}}
    before = render([written(own, tmp_path / "own.yaml")], tmp_path / "before.yaml")
    after = render([tmp_path / "own.yaml", INJECT], tmp_path / "after.yaml")
    answer = check(after, "--before", before)
    assert answer.status == 1
    (line,) = answer.findings
    assert line.startswith("group_overrides 01-gpu: container notebook mounts the volume gone")
    assert answer.output.endswith("\n5 pods made, 1 finding\n")


APPLIES = """
def apply(spawner, options):
    if options.get("shared"):
        spawner.volume_mounts = [{"name": "gone", "mountPath": "/gone"}]

c.Spawner.apply_user_options = apply
"""


@pytest.mark.parametrize("chosen", ["{}", '{"shared": true}'])
def test_choices_that_the_hub_applies(chosen: str, tmp_path: Path) -> None:
    own = written(extra(form=APPLIES), tmp_path / "own.yaml")
    after = render([own, INJECT], tmp_path / "after.yaml")
    answer = check(after, "--user-options", chosen)
    assert ("mounts the volume gone" in answer.output) == ("shared" in chosen), answer.output


LOGS_IN = """
from jupyterhub.auth import Authenticator

class Faculty(Authenticator):
    async def pre_spawn_start(self, user, spawner):
        raise RuntimeError("no ticket")

c.JupyterHub.authenticator_class = Faculty
c.Spawner.auth_state_hook = lambda spawner, state: None
"""


def test_what_only_a_login_prepares_is_named(tmp_path: Path) -> None:
    own = written(extra(login=LOGS_IN), tmp_path / "own.yaml")
    answer = check(render([own, INJECT], tmp_path / "after.yaml"))
    assert (answer.findings, answer.status) == ([], 0), answer.output
    for what in ("the authenticator's pre_spawn_start", "the hub's auth_state_hook"):
        assert f"note: {what} was not run: what it sets is not seen\n" in answer.output
    assert "was not run" not in check(render([INJECT], tmp_path / "none.yaml")).output


CHOOSES = """
async def profiles(spawner):
    spawner.environment["ASKED"] = "yes"

c.KubeSpawner.profile_list = profiles
def hook(spawner, pod):
    raise RuntimeError("no account")
c.KubeSpawner.modify_pod_hook = {hook}
"""


@pytest.mark.parametrize("hook", ["hook", "None"])
def test_profiles_that_the_hubs_code_gives_to_nobody(hook: str, tmp_path: Path) -> None:
    """It asks a server who may have which; also where no server starts."""
    own = written(extra(portal=CHOOSES.format(hook=hook)), tmp_path / "own.yaml")
    answer = check(render([own, INJECT], tmp_path / "after.yaml"))
    assert answer.status == (0 if hook == "None" else 2), answer.output
    assert "note: the profiles are not known: the hub's code gives a made-up user none\n" in (
        answer.output
    )
