"""hub-config/check.py finds each fault in the shape that causes it, and nothing where is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import (
    CHECK,
    SMALL,
    check,
    checked,
    extra,
    nested,
    render,
    setting,
    shape,
    started,
    written,
)
from tests.hub.values import HUB_CONFIG, STATIC, Values, read

if TYPE_CHECKING:
    from pathlib import Path

INJECT = HUB_CONFIG / "inject.values.yaml"
SIDECAR = HUB_CONFIG / "sidecar.values.yaml"
CLASSIC = HUB_CONFIG / "sidecar-classic.values.yaml"
KEY = "0123456789abcdef" * 4
HOME = {"name": "home", "mountPath": "/home/jovyan"}


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


@pytest.mark.parametrize("ours", [SIDECAR, CLASSIC], ids=["sidecar", "classic"])
@pytest.mark.parametrize("order", ["ours on top", "ours below"])
def test_volumes_as_a_list_and_as_a_mapping(ours: Path, order: str, tmp_path: Path) -> None:
    own = shape(2)
    layers = [own, ours] if order == "ours on top" else [ours, own]
    answer = checked(tmp_path, *layers)
    assert answer.status == 1
    missing = "shared" if order == "ours on top" else "mysql-data"
    assert f"mounts the volume {missing}, which is not in the pod" in answer.output
    assert "inject.values.yaml" in answer.output


def test_homes_that_are_moved(tmp_path: Path) -> None:
    own = {
        "singleuser": {
            "storage": {"type": "static", "static": {"pvcName": "nfs", "subPath": "h/{username}"}}
        }
    }
    answer = checked(tmp_path, own, SIDECAR, yaml.safe_load(STATIC), before=own)
    assert answer.status == 1
    assert "every pod: the home is another one" in answer.output


def test_an_owner_that_works_on_another_folder(tmp_path: Path) -> None:
    values = read("sidecar")
    owner: dict[str, Any] = {
        "name": "mysql-data-owner",
        "image": "datajoint/mysql:8.0",
        "command": ["true"],
    }
    owner["volumeMounts"] = [{**HOME, "subPath": "{username}"}]
    values["singleuser"]["initContainers"].insert(0, owner)
    static = {"type": "static", "static": {"pvcName": "home-nfs", "subPath": "homes/{username}"}}
    answer = checked(tmp_path, values, {"singleuser": {"storage": static}})
    assert answer.status == 1
    assert "which is not the user's home" in answer.output


@pytest.mark.parametrize("name", ["inject", "sidecar"])
def test_a_file_at_the_wrong_depth(name: str, tmp_path: Path) -> None:
    ours = HUB_CONFIG / f"{name}.values.yaml"
    after = render([shape(5), ours], tmp_path / "after.yaml", ("basehub", "jupyterhub"))
    answer = check(after)
    assert answer.status == 1
    assert "no pod has MySQL" in answer.output
    assert "below the key" in answer.output


def test_passwords_that_are_the_public_one_again(tmp_path: Path) -> None:
    """As where a hook that made them was set anew by a later key."""
    answer = checked(tmp_path, SIDECAR, setting(password="perUser", passwordKey=KEY))
    assert answer.status == 1
    assert "no password of their own" in answer.output


def test_claims_that_nobody_makes(tmp_path: Path) -> None:
    volume = {"name": "mysql-data", "persistentVolumeClaim": {"claimName": "mysql-{user_server}"}}
    values = {"singleuser": {"storage": {"extraVolumes": {"sidecar-mysql-data": volume}}}}
    own = read("sidecar")
    del own["singleuser"]["storage"]
    answer = checked(tmp_path, own, values)
    assert answer.status == 1
    assert "the claim for the data is never created" in answer.output


def test_hooks_of_ours_that_a_later_key_drops(tmp_path: Path) -> None:
    """What inject.values.yaml would be if it only set the hook."""
    naive = (
        "def sidecar_mysql():\n"
        "    from kubernetes_asyncio.client import V1Container\n"
        "    def add(spawner, pod):\n"
        "        pod.spec.containers.append(V1Container(name='mysql', image='mysql:8.4'))\n"
        "        return pod\n"
        "    c.KubeSpawner.modify_pod_hook = add\n"
        "sidecar_mysql()\n"
    )
    kept = checked(tmp_path, shape(1), extra(a=naive))
    assert "no pod has MySQL" not in kept.output
    answer = checked(tmp_path, shape(16), extra(a=naive))
    assert answer.status == 1
    assert "no pod has MySQL" in answer.output


def test_a_profile_that_takes_mysql_away(tmp_path: Path) -> None:
    answer = checked(tmp_path, shape(8), CLASSIC)
    assert answer.status == 1
    (line,) = [each for each in answer.findings if "no MySQL in the pod" in each]
    assert line.startswith("profile code-server: ")
    assert "the notebook has MYSQL_HOST" in line


@pytest.mark.parametrize(
    ("number", "ours", "lost"),
    [(10, SIDECAR, "init container s3fs"), (11, CLASSIC, "container grader")],
    ids=["init", "regular"],
)
def test_containers_of_the_hubs_own_that_are_lost(
    number: int, ours: Path, lost: str, tmp_path: Path
) -> None:
    answer = checked(tmp_path, shape(number), ours, before=shape(number))
    assert answer.status == 1
    assert f"the {lost} is gone" in answer.output


def test_passwords_are_the_same_in_two_renders(tmp_path: Path) -> None:
    """As GitOps makes them: Helm cannot look into the cluster, so the hub's own key is another."""
    settings = setting(password="perUser", passwordKey=KEY, data="claim")
    own = written(settings, tmp_path / "own.yaml")
    first, second = (render([INJECT, own], tmp_path / f"{name}.yaml") for name in ("a", "b"))
    assert first.read_text() != second.read_text()
    answer = check(first, "--before", second)
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert KEY not in answer.output


def test_passwords_without_a_key_of_their_own(tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, setting(password="perUser"))
    assert answer.status == 2
    assert "passwordKey" in answer.output


def test_placeholders_that_are_too_small(tmp_path: Path) -> None:
    own: dict[str, Any] = yaml.safe_load(shape(13).read_text())
    del own["scheduling"]["userPlaceholder"]["resources"]
    answer = checked(tmp_path, own, INJECT)
    assert answer.status == 1
    mend = "scheduling.userPlaceholder.resources.requests.memory: "
    assert mend + "2560Mi" in answer.output
    own["scheduling"]["userPlaceholder"]["resources"] = {"requests": {"memory": "2560Mi"}}
    assert checked(tmp_path, own, INJECT).status == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"memoryLimit": "256Mi", "memoryRequest": "64Mi"}, "less memory than it takes when idle"),
        ({"options": ["--innodb-buffer-pool-size=4G"]}, "more than half of the memory limit"),
        ({"options": ["--bind-address=*"]}, "other pods can connect"),
        ({"onlyProfiles": ["pyton"]}, "names pyton, which is no profile"),
        ({"image": "example/mysql:9"}, "is not pulled ahead"),
    ],
    ids=str,
)
@pytest.mark.thorough
def test_settings_that_do_not_fit(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, setting(**change))
    assert answer.status == 1
    assert says in answer.output


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"singleuser": {"extraEnv": {"DJ_HOST": "db.example.org"}}}, "DJ_HOST is db.example.org"),
        ({"singleuser": {"startTimeout": 40}}, "gives up after 40 s"),
        (read("seed"), "a MySQL of its own"),
        (
            {
                "custom": {"sidecarMysql": {"data": "home"}},
                "singleuser": {"storage": {"type": "none"}},
            },
            "nothing keeps",
        ),
    ],
    ids=["database", "time", "published", "home"],
)
def test_hubs_that_do_not_fit(values: Values, says: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, values)
    assert answer.status in (1, 2)
    assert says in answer.output


def test_the_published_values(tmp_path: Path) -> None:
    answer = checked(tmp_path, read("seed"))
    assert answer.status == 1
    for says in (
        "killed 1 s after",
        "buffer pool is the image's",
        "nothing is mounted",
        "bind-address",
    ):
        assert says in answer.output


@pytest.mark.parametrize("name", ["sidecar", "sidecar-classic", "persistent", "profiles"])
@pytest.mark.thorough
def test_the_plain_files_alone_are_clean(name: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, HUB_CONFIG / f"{name}.values.yaml", before={})
    assert (answer.findings, answer.status) == ([], 0), answer.output


@pytest.mark.thorough
def test_packed_into_a_script(tmp_path: Path) -> None:
    """As it is sent into the hub's container, where no file of ours is."""
    after = render([shape(2), SIDECAR], tmp_path / "after.yaml")
    before = render([shape(2)], tmp_path / "before.yaml")
    plain = started(after, "--before", before)
    packed = check("--pack", after, "--before", before)
    assert packed.status == 0
    assert check(script=packed.output) == plain
    assert plain.status == 1
    assert check(after, "--before", before) == plain  # as most of these tests run it


@pytest.mark.parametrize("text", ["", "{", "kind: Secret\nmetadata: {name: a}\n"], ids=repr)
def test_what_is_no_hub(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rendered.yaml"
    path.write_text(text)
    answer = check(path)
    assert answer.status == 2
    assert answer.output.startswith("cannot check: ")


def test_values_are_no_output_of_helm_template() -> None:
    answer = check(INJECT)
    assert answer.status == 2
    assert "this is a file of values, not the output of `helm template`" in answer.output


def test_where_no_hub_is() -> None:
    answer = check()
    assert answer.status == 2
    assert "no output of helm template was named" in answer.output


def test_a_module_that_is_not_here(tmp_path: Path) -> None:
    code = "from nowhere_authenticator.github import Own\nc.JupyterHub.authenticator_class = Own\n"
    answer = checked(tmp_path, INJECT, extra(own=code))
    assert answer.status == 0
    assert "not installed here" in answer.output
    assert "nowhere_authenticator" in answer.output


def test_a_configuration_that_fails(tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, extra(own="c.nothing = 1 / 0"))
    assert answer.status == 2
    assert "ZeroDivisionError" in answer.output


@pytest.mark.parametrize("when", ["loading", "a start"])
def test_a_failure_that_quotes_a_secret(when: str, tmp_path: Path) -> None:
    code = f"def fail(*_):\n    raise RuntimeError('wrong: {KEY}')\n"
    code += "fail()\n" if when == "loading" else "c.KubeSpawner.modify_pod_hook = fail\n"
    settings = setting(password="perUser", passwordKey=KEY)
    answer = checked(tmp_path, INJECT, settings, extra(own=code))
    assert answer.status == 2
    assert "RuntimeError: wrong: ***" in answer.output
    assert KEY not in answer.output


def test_the_hubs_own_pre_spawn_hook_is_left_alone(tmp_path: Path) -> None:
    code = "def hook(spawner):\n    raise RuntimeError('asked')\nc.Spawner.pre_spawn_hook = hook\n"
    answer = checked(tmp_path, INJECT, extra(own=code))
    assert answer.status == 0
    assert "pre_spawn_hook was not run" in answer.output
    assert "asked" in check(tmp_path / "after.yaml", "--pre-spawn-hook").output


def test_nesting_as_the_readme_has_it(tmp_path: Path) -> None:
    path = nested(INJECT, ("a", "b"), tmp_path)
    assert yaml.safe_load(path.read_text()) == {"a": {"b": read("inject")}}


def installed(folder: Path, *layers: Path | Values) -> str:
    """Lay a hub's container out in a folder, and return a check.py that looks there."""
    paths = [
        layer if not isinstance(layer, dict) else written(layer, folder / f"layer{index}.yaml")
        for index, layer in enumerate(layers)
    ]
    defaults = yaml.safe_load((SMALL / "values.yaml").read_text())
    values = helm.merged_files(paths, defaults=defaults)
    # A Secret is mounted so: the files are links into a folder that is replaced as a whole.
    data = folder / "hub" / "secret" / "..data"
    data.mkdir(parents=True)
    written(values, data / "values.yaml")
    (data / "hub.config.CryptKeeper.keys").write_text("00" * 32)
    for path in data.iterdir():
        (data.parent / path.name).symlink_to(f"..data/{path.name}")
    home = "/usr/local/etc/jupyterhub"
    for path in (SMALL / "files").iterdir():
        text = path.read_text().replace(home, str(folder / "hub"))
        (folder / "hub" / path.name).write_text(text)
    script = CHECK.read_text()
    assert f'HOME = "{home}"' in script
    return script.replace(f'HOME = "{home}"', f'HOME = "{folder / "hub"}"')


@pytest.mark.parametrize("number", [1, 7, 16, 19])
@pytest.mark.thorough
def test_in_the_hubs_own_container(number: int, tmp_path: Path) -> None:
    """Compared with itself without MySQL, since nothing else is there to compare with."""
    answer = check(script=installed(tmp_path, shape(number), INJECT))
    assert (answer.findings, answer.status) == ([], 0), answer.output
    assert "not compared" not in answer.output


def test_a_fault_in_the_hubs_own_container(tmp_path: Path) -> None:
    answer = check(script=installed(tmp_path, shape(8), CLASSIC))
    assert answer.status == 1
    assert "profile code-server: no MySQL in the pod" in answer.output
    assert "not compared" in answer.output


@pytest.mark.thorough
def test_what_is_lost_in_the_hubs_own_container(tmp_path: Path) -> None:
    """A hook of ours that throws something of the hub's away, as none should."""
    values = read("inject")
    code = values["hub"]["extraConfig"]["sidecar-mysql"]
    worse = code.replace(
        "spec = pod.spec\n", "spec = pod.spec\n        spec.init_containers = []\n", 1
    )
    assert worse != code
    values["hub"]["extraConfig"]["sidecar-mysql"] = worse
    answer = check(script=installed(tmp_path, shape(10), values))
    assert answer.status == 1
    assert "every pod: the init container s3fs is gone" in answer.output


def test_the_file_that_the_hubs_process_has_loaded(tmp_path: Path) -> None:
    """Another one than z2jh's, which does not come to hub.extraConfig."""
    script = installed(tmp_path, shape(1), INJECT)
    own, words = tmp_path / "own.py", tmp_path / "cmdline"
    own.write_text("c.KubeSpawner.image = 'lab:1'\n")
    words.write_text("\0".join(["tini", "--", "jupyterhub", "--config", str(own), ""]))
    first = 'Path("/proc/1/cmdline")'
    assert first in script
    answer = check(script=script.replace(first, f'Path("{words}")'))
    assert answer.status == 1
    assert f"the hub starts with {own}, which does not run hub.extraConfig" in answer.output
