"""hub-config/check.py says what is in force, and finds settings with which no server starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import check, checked, extra, nested, render, setting, shape, written
from tests.hub.values import HUB_CONFIG, STATIC, Values

if TYPE_CHECKING:
    from pathlib import Path

INJECT = HUB_CONFIG / "inject.values.yaml"


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([INJECT], "in force: data=ephemeral, memory 0.5/2 GiB, cpu 0.05/1, native"),
        (
            [
                INJECT,
                setting(data="claim", memoryRequest="1536Mi", cpuRequest="500m", sidecar="classic"),
            ],
            "in force: data=claim, memory 1.5/2 GiB, cpu 0.5/1, classic",
        ),
        (
            [HUB_CONFIG / "persistent.values.yaml"],
            "in force: data=home, memory 0.5/2 GiB, cpu 0.05/1, native",
        ),
        ([HUB_CONFIG / "netpol.values.yaml"], "in force: no MySQL"),
    ],
    ids=["default", "set", "home", "none"],
)
def test_what_is_in_force(layers: list[Path | Values], says: str, tmp_path: Path) -> None:
    lines = checked(tmp_path, *layers).output.splitlines()
    assert [line for line in lines if line.startswith("in force")] == [says]


def test_what_is_in_force_for_some_profiles(tmp_path: Path) -> None:
    answer = checked(tmp_path, shape(8), INJECT, setting(exceptProfiles=["code-server"]))
    assert "native (default, " in answer.output
    assert "in force: no MySQL (profile code-server)" in answer.output


def test_settings_at_the_wrong_depth(tmp_path: Path) -> None:
    """Helm drops them without a word, so what is in force has to show it."""
    keys = ("basehub", "jupyterhub")
    ours = nested(INJECT, keys, tmp_path)
    settings = written(setting(data="claim"), tmp_path / "settings.yaml")
    answers = [
        check(render([ours, path], tmp_path / f"after{index}.yaml", keys)).output
        for index, path in enumerate((settings, nested(settings, keys, tmp_path)))
    ]
    assert ["data=ephemeral" in answer for answer in answers] == [True, False]
    assert "data=claim" in answers[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"memoryRequest": "3Gi"}, "custom.sidecarMysql.memoryRequest has to be at most"),
        ({"disk": "20GB"}, "custom.sidecarMysql.disk has to be like 20Gi"),
    ],
    ids=str,
)
def test_settings_that_the_hub_refuses(
    change: dict[str, object], says: str, tmp_path: Path
) -> None:
    answer = checked(tmp_path, INJECT, setting(**change))
    assert answer.status == 2
    assert says in answer.output


def plain(resources: Values, size: str = "10Gi") -> Values:
    """Return values with a container and a volume, as an operator writes them."""
    container = {"name": "mysql", "image": "mysql:8.4", "resources": resources}
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": size}}
    storage = {"extraVolumes": [volume]}
    return {"singleuser": {"extraContainers": [container], "storage": storage}}


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (
            plain({"requests": {"memory": "3Gi"}, "limits": {"memory": "2Gi"}}),
            "container mysql: resources.requests.memory is 3Gi, and its limit is 2Gi",
        ),
        (
            plain({"requests": {"memory": "512MB"}}),
            "container mysql: resources.requests.memory is 512MB",
        ),
        (
            plain({"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}),
            "container mysql: resources.requests.cpu is 2, and its limit is 1500m",
        ),
        (plain({}, "20GB"), "volume scratch: emptyDir.sizeLimit is 20GB"),
    ],
    ids=["more memory", "no unit", "more cpu", "disk"],
)
def test_amounts_that_kubernetes_refuses(values: Values, place: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, values)
    assert answer.status == 1
    assert f"every pod: {place}" in answer.output
    assert "Kubernetes refuses the pod. Fix: " in answer.output


@pytest.mark.parametrize(
    ("layers", "version", "says"),
    [
        (
            [INJECT, setting(sidecar="native")],
            "1.27",
            "every pod: MySQL is a native sidecar, and Kubernetes 1.27 has none: it needs 1.29, "
            "and no server starts before that. Fix: custom.sidecarMysql.sidecar: auto",
        ),
        (
            [HUB_CONFIG / "sidecar.values.yaml"],
            "v1.28.4+k3s1",
            "every pod: MySQL is a native sidecar, and Kubernetes 1.28 has none: it needs 1.29, "
            "and no server starts before that. Fix: use inject.values.yaml, or "
            "sidecar-classic.values.yaml",
        ),
        (
            [INJECT],
            "1.22",
            "hub: Kubernetes 1.22 is too old: these values need 1.23. Fix: upgrade the cluster",
        ),
    ],
    ids=["native", "plain", "old"],
)
def test_a_cluster_that_is_too_old(
    layers: list[Path | Values], version: str, says: str, tmp_path: Path
) -> None:
    checked(tmp_path, *layers)
    answer = check(tmp_path / "after.yaml", "--kubernetes", version)
    assert (answer.findings, answer.status) == ([says], 1)


def test_a_cluster_whose_version_is_not_known(tmp_path: Path) -> None:
    note = "note: Kubernetes 1.34 is assumed"
    assert note in checked(tmp_path, INJECT).output
    told = check(tmp_path / "after.yaml", "--kubernetes", "1.23")
    assert told.status == 0
    assert "assumed" not in told.output
    assert "classic" in told.output
    assert check(tmp_path / "after.yaml", "--kubernetes", "latest").status == 2


def test_a_typo_in_profiles_is_the_only_finding(tmp_path: Path) -> None:
    answer = checked(tmp_path, shape(8), INJECT, setting(onlyProfiles=["code-servr"]))
    (line,) = answer.findings
    assert "custom.sidecarMysql.onlyProfiles names code-servr, which is no profile" in line
    assert "there is: " in line
    assert "code-server" in line


def test_profiles_that_leave_none(tmp_path: Path) -> None:
    own = {"singleuser": {"profileList": [{"display_name": "Only", "default": True}]}}
    (line,) = checked(tmp_path, own, INJECT, setting(exceptProfiles=["only"])).findings
    assert "onlyProfiles and exceptProfiles leave none" in line


@pytest.mark.parametrize(
    ("layers", "status", "says"),
    [
        ([shape(8)], 0, "no findings"),
        ([shape(8), INJECT], 1, "every pod: MySQL is still in the pod"),
        ([INJECT, setting(onlyProfiles=["a"])], 1, "hub: the hub still has inject.values.yaml"),
    ],
    ids=["removed", "in force", "in force for none"],
)
def test_a_removal(layers: list[Path | Values], status: int, says: str, tmp_path: Path) -> None:
    checked(tmp_path, *layers)
    answer = check(tmp_path / "after.yaml", "--removed")
    assert answer.status == status, answer.output
    assert says in answer.output
    assert "put the file's content" not in answer.output


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"extraEnv": {"DATA_DIR": "${HOME}/data"}}, "the variable DATA_DIR (singleuser.extraEnv)"),
        ({"extraEnv": {"OPTIONS": '{"a": 1}'}}, "the variable OPTIONS (singleuser.extraEnv)"),
        (
            {"initContainers": [{"name": "a", "image": "b", "args": ["find -exec ls {} +"]}]},
            "a text in singleuser.initContainers",
        ),
    ],
    ids=["variable", "json", "find"],
)
def test_braces_that_cannot_be_formatted(values: Values, place: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, {"singleuser": values})
    assert answer.status == 2
    assert f"KubeSpawner cannot format {place}" in answer.output
    assert "Fix: write $(NAME) for ${NAME}, or double the braces" in answer.output


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (HUB_CONFIG / "persistent-static.values.yaml", "(container mysql), and inject.values.yaml"),
        (plain({"limits": {"memory": "1Gi"}}), "(container mysql), and inject.values.yaml adds no"),
        (
            {"singleuser": {"extraContainers": [{"name": "db", "image": "mariadb:11"}]}},
            "(container db), and inject.values.yaml brings one more",
        ),
    ],
    ids=["file", "entry", "another name"],
)
@pytest.mark.parametrize("compared", [True, False])
def test_two_that_bring_mysql(
    other: Path | Values, says: str, compared: bool, tmp_path: Path
) -> None:
    answer = checked(tmp_path, other, INJECT, before={} if compared else None)
    line = answer.findings[0]
    assert says in line
    assert "Fix: give helm no other file that brings MySQL, and remove that container" in line
    assert "use inject.values.yaml" not in answer.output
    assert answer.status == 1


@pytest.mark.thorough
def test_options_through_standard_input(tmp_path: Path) -> None:
    code = "def hook(spawner):\n    raise RuntimeError('asked')\nc.Spawner.pre_spawn_hook = hook\n"
    checked(tmp_path, INJECT, extra(own=code))
    packed = check("--pack", tmp_path / "after.yaml").output
    assert "asked" in check("--pre-spawn-hook", script=packed).output
    assert "still has inject.values.yaml" in check("--removed", script=packed).output


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        (
            {"extraEnv": {"DB_PORT": 5432}},
            2,
            "the variable DB_PORT (singleuser.extraEnv) is 5432, and no text (TypeError: expected "
            "string or bytes-like object, got 'int'). Fix: write DB_PORT: \"5432\"",
        ),
        ({"extraEnv": {"GRANT_SUDO": True}}, 2, "is true, and no text"),
        (
            {"extraEnv": {"DEBUG": False}},
            1,
            "the variable DEBUG of notebook is false, and no text: Kubernetes refuses the pod. "
            'Fix: write "false"',
        ),
        ({"extraAnnotations": {"example.org/inject": False}}, 1, "the annotation example.org/inj"),
        (
            {"initContainers": [{"name": "a", "image": "b", "command": ["sleep", 5]}]},
            1,
            "a word in the command of a is 5",
        ),
    ],
    ids=["number", "truth", "zero", "annotation", "word"],
)
def test_what_is_no_text(values: Values, status: int, says: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, {"singleuser": values})
    assert answer.status == status, answer.output
    assert says in answer.output


NEVER_ROOT = {"extraPodConfig": {"securityContext": {"runAsNonRoot": True}}}


@pytest.mark.parametrize("ours", ["inject", "persistent", "persistent-static"])
def test_a_pod_that_must_not_be_root(ours: str, tmp_path: Path) -> None:
    """A kubelet would not start the container that makes the data's folder MySQL's."""
    files: list[Path | Values] = [HUB_CONFIG / f"{ours}.values.yaml"]
    files += {"inject": [setting(data="home")], "persistent-static": [yaml.safe_load(STATIC)]}.get(
        ours, []
    )
    blocks = {"cloudMetadata": {"blockWithIptables": False}}
    answer = checked(tmp_path, *files, {"singleuser": {**NEVER_ROOT, **blocks}})
    assert (answer.findings, answer.status) == ([], 0), answer.output


def test_a_root_that_must_not_be_root(tmp_path: Path) -> None:
    own = {"name": "chown", "image": "a", "securityContext": {"runAsUser": 0}}
    answer = checked(tmp_path, INJECT, {"singleuser": {**NEVER_ROOT, "initContainers": [own]}})
    assert answer.status == 1
    assert "every pod: container chown is root, and must not be (runAsNonRoot)" in answer.output
    assert "container mysql is root" not in answer.output
