"""inject.values.yaml: what it adds, for whom, and that nothing takes it away again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.background import running, until
from tests.hub import chart
from tests.hub.layers import pod_objection
from tests.hub.manifests import container, variables
from tests.hub.promises import sidecar_of
from tests.hub.spawning import SpawnError, User, cluster, pod
from tests.hub.values import INJECT, Values, merge, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hub.apiserver import Manifest

TO_NONE = "c.KubeSpawner.modify_pod_hook = lambda spawner, pod: pod\n"
RESTRICTED_VOLUMES = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "secret"}


def made(
    *changes: Values, user: User | None = None, version: tuple[int, int] = (1, 34)
) -> Manifest:
    return pod(chart.spawner_config(merge(INJECT.values(), *changes)), user, version)


def setting(**settings: object) -> Values:
    return {"custom": {"sidecarMysql": settings}}


def extra(**code: str) -> Values:
    return {"hub": {"extraConfig": code}}


def code() -> str:
    text: str = INJECT.values()["hub"]["extraConfig"]["sidecar-mysql"]
    return text


def test_its_code_is_as_clean_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "inject.py"
    path.write_text(code())
    rules = ["--select=E,F,W,B,UP,C4,SIM,RET,RUF", "--config=builtins=['c']"]
    for command in (["check", *rules], ["format", "--check"]):
        options = ["--isolated", "--line-length=94", "--target-version=py39"]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [(1, 25), (1, 28)])
def test_classic_before_native_sidecars(version: tuple[int, int]) -> None:
    found = sidecar_of(made(version=version))
    assert found is not None
    assert (found.is_initial, found.gate) == (False, "readinessProbe")


@pytest.mark.parametrize("version", [(1, 29), (1, 34), (2, 0)])
def test_native_from_then_on(version: tuple[int, int]) -> None:
    found = sidecar_of(made(version=version))
    assert found is not None
    assert (found.is_initial, found.gate) == (True, "startupProbe")


@pytest.mark.parametrize("kind", ["native", "classic"])
def test_or_as_it_is_set(kind: str) -> None:
    found = sidecar_of(made(setting(sidecar=kind)))
    assert found is not None
    assert found.is_initial == (kind == "native")


@pytest.mark.parametrize("key", ["a-first", "sidecar-mysql-after", "zzz", "~~~", "ünï"])
def test_no_other_key_takes_it_away(key: str) -> None:
    """Whatever sorts before or after it."""
    assert sidecar_of(made(extra(**{key: TO_NONE}))) is not None


def test_nor_does_a_class_of_the_hubs_own() -> None:
    own = "class Own(KubeSpawner):\n    pass\nc.Own.modify_pod_hook = lambda spawner, pod: pod\n"
    values = merge(INJECT.values(), extra(zz="from kubespawner import KubeSpawner\n" + own))
    config = chart.spawner_config(values)
    assert "modify_pod_hook" in config.Own
    assert sidecar_of(pod(config)) is not None


def test_other_hooks_are_called_first_and_once() -> None:
    counting = (
        "def count(spawner, pod):\n"
        "    labels = pod.metadata.labels\n"
        "    labels['count'] = labels.get('count', '') + 'x'\n"
        "    labels['seen'] = ','.join(each.name for each in pod.spec.containers)\n"
        "    return pod\n"
        "c.KubeSpawner.modify_pod_hook = count\n"
    )

    async def twice() -> list[Manifest]:
        values = merge(INJECT.values(), setting(sidecar="classic"), extra(zz=counting))
        async with cluster(chart.spawner_config(values)) as one:
            spawner: Any = one.spawner(User())
            for _ in range(2):
                await spawner.start()
                await spawner.stop()
            return one.api.created["pods"]

    for each in asyncio.run(twice()):
        assert each["metadata"]["labels"]["count"] == "x"
        assert each["metadata"]["labels"]["seen"] == "notebook"
        assert len(each["spec"]["containers"]) == 2


def test_names_of_other_keys_do_not_matter() -> None:
    """All keys of a hub's extraConfig share one set of names."""
    others = "\n".join(f"{name} = None" for name in ("add", "settings", "hmac", "asyncio", "c2"))
    values = merge(INJECT.values(), setting(data="claim"), extra(zz=others))
    shared: dict[str, Any] = {}
    config = chart.spawner_config(merge(values, {"hub": {"extraConfig": {"sidecar-mysql": None}}}))
    shared["c"] = config
    with chart.z2jh_module(values):
        exec(code(), shared)
        exec(others, shared)
    with chart.z2jh_module(values):
        assert sidecar_of(pod(config)) is not None


@pytest.mark.parametrize("stops_with", [1, 5, 30, 120])
def test_a_stop_has_time_enough(stops_with: int) -> None:
    later = extra(zz=f"c.KubeSpawner.delete_grace_period = {stops_with}\n")

    async def go() -> list[int | None]:
        async with cluster(chart.spawner_config(merge(INJECT.values(), later))) as one:
            spawner: Any = one.spawner(User())
            await spawner.start()
            # As after a restart of the hub: the object that stops it has not started it.
            await one.spawner(User()).stop()
            return one.api.graces_s

    assert asyncio.run(go()) == [max(stops_with, 30)]


PROFILES: Values = {
    "singleuser": {
        "profileList": [
            {"display_name": "Plain R"},
            {
                "display_name": "Python",
                "slug": "py",
                "default": True,
                "profile_options": {
                    "image": {
                        "display_name": "Image",
                        "choices": {
                            "small": {"display_name": "Small", "kubespawner_override": {}},
                            "spyglass": {"display_name": "S", "kubespawner_override": {}},
                        },
                    }
                },
            },
        ]
    }
}


@pytest.mark.parametrize(
    ("settings", "with_mysql"),
    [
        ({}, {"plain-r", "py", "py/small", "py/spyglass", None}),
        ({"onlyProfiles": ["py"]}, {"py", "py/small", "py/spyglass", None}),
        ({"onlyProfiles": ["Plain R"]}, {"plain-r"}),
        ({"onlyProfiles": ["py/image/spyglass"]}, {"py/spyglass"}),
        ({"exceptProfiles": ["plain-r"]}, {"py", "py/small", "py/spyglass", None}),
        ({"exceptProfiles": ["py/image/small"]}, {"plain-r", "py/spyglass"}),
        (
            {"onlyProfiles": ["py"], "exceptProfiles": ["py/image/spyglass"]},
            {"py", "py/small", None},
        ),
    ],
    # A set has another order in each process: two that share the tests have to agree on names.
    ids=lambda value: str(sorted(map(str, value)) if isinstance(value, set) else value),
)
@pytest.mark.thorough
def test_profiles_by_name(settings: dict[str, list[str]], with_mysql: set[str | None]) -> None:
    users = {
        None: User(),
        "plain-r": User(profile="plain-r"),
        "py": User(profile="py"),
        "py/small": User(profile="py", choices=(("image", "small"),)),
        "py/spyglass": User(profile="py", choices=(("image", "spyglass"),)),
    }
    found = {
        name
        for name, user in users.items()
        if sidecar_of(made(PROFILES, setting(**settings), user=user))
    }
    assert found == with_mysql
    without = [
        made(PROFILES, setting(**settings), user=users[name]) for name in set(users) - with_mysql
    ]
    for each in without:
        assert "MYSQL_HOST" not in variables(container(each, "notebook"))
        assert "sidecar" not in str(each["spec"]["volumes"])


OTHER_MODELS = """
from kubernetes_asyncio import client

def other(kind):
    members = {key: each for key, each in vars(kind).items() if not key.startswith("__weak")}
    members.pop("__dict__")
    return type(kind.__name__, (), members)

def hook(spawner, pod):
    notebook = pod.spec.containers[0]
    notebook.env.append(other(client.V1EnvVar)(name="MINE", value="1"))
    notebook.env.append({"name": "PLAIN", "value": "2"})
    notebook.env.append(other(client.V1EnvVar)(name="MYSQL_PWD", value="another"))
    notebook.security_context = other(client.V1SecurityContext)(privileged=True)
    pod.spec.containers.append(other(client.V1Container)(name="beside", image="a"))
    pod.spec.volumes.append(other(client.V1Volume)(name="mine", empty_dir={}))
    return pod

c.KubeSpawner.modify_pod_hook = hook
"""


@pytest.mark.parametrize("version", [(1, 28), (1, 34)])
def test_hooks_with_models_of_the_other_client_of_kubernetes(version: tuple[int, int]) -> None:
    """As many hubs have it: a class of the same name and attributes, from `kubernetes.client`."""
    manifest = made(extra(other=OTHER_MODELS), version=version)
    told = variables(container(manifest, "notebook"))
    assert (told["MINE"], told["PLAIN"], told["MYSQL_PWD"]) == ("1", "2", "tutorial")
    assert container(manifest, "notebook")["securityContext"] == {"privileged": True}
    assert container(manifest, "beside")["image"] == "a"
    assert {"name": "mine", "emptyDir": {}} in manifest["spec"]["volumes"]
    assert sidecar_of(manifest) is not None


def test_a_database_of_the_hubs_own_stays() -> None:
    own = {"singleuser": {"extraEnv": {"DJ_HOST": "db.example.org", "DJ_USER": "lab"}}}
    told = variables(container(made(own), "notebook"))
    assert (told["DJ_HOST"], told["DJ_USER"]) == ("db.example.org", "lab")
    assert "DJ_PASS" not in told
    assert told["MYSQL_HOST"] == "127.0.0.1"


def test_a_clients_file_of_the_hubs_own_stays() -> None:
    own = {"singleuser": {"extraFiles": {"m": {"mountPath": "/etc/my.cnf", "stringData": "x"}}}}
    mounts = container(made(own), "notebook")["volumeMounts"]
    assert [each["name"] for each in mounts if each["mountPath"] == "/etc/my.cnf"] == ["files"]


def test_a_mysql_of_the_hubs_own_stays() -> None:
    found = made({"singleuser": read("seed")["singleuser"]})
    mysql = container(found, "mysql")
    assert "command" not in mysql
    assert len(found["spec"]["containers"]) == 2


@pytest.mark.parametrize(("limit", "pool"), [("2Gi", "1G"), ("1500M", "715M"), ("768Mi", "384M")])
def test_the_pool_is_half_of_the_limit(limit: str, pool: str) -> None:
    mysql = container(made(setting(memoryLimit=limit, memoryRequest="300Mi")), "mysql")
    assert f"--innodb-buffer-pool-size={pool}" in mysql["args"]
    assert mysql["resources"]["limits"]["memory"] == limit


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"imagee": "x"}, "imagee is not known"),
        ({"data": "kept"}, "data has to be ephemeral or home or claim or keep"),
        ({"keepEvery": 0}, "keepEvery has to be more than 0"),
        ({"keepEnd": 1.5}, "keepEnd has to be int"),
        ({"memoryLimit": 2}, "memoryLimit has to be str"),
        ({"memoryLimit": "2 GB"}, "memoryLimit has to be like 2Gi"),
        ({"memoryRequest": "512MB"}, "memoryRequest has to be like 2Gi"),
        ({"memoryRequest": "3Gi"}, "memoryRequest has to be at most memoryLimit, which is 2Gi"),
        ({"memoryRequest": "2049Mi"}, "memoryRequest has to be at most memoryLimit"),
        ({"cpuRequest": 2}, "cpuRequest has to be at most cpuLimit, which is 1"),
        ({"cpuRequest": "1001m"}, "cpuRequest has to be at most cpuLimit"),
        ({"cpuLimit": "1 core"}, "cpuLimit has to be like 0.5 or 500m"),
        ({"disk": "20GB"}, "disk has to be like 20Gi"),
        ({"onlyProfiles": "py"}, "onlyProfiles has to be list"),
        ({"image": None}, "image has to be str"),
        ({"cpuLimit": True}, "cpuLimit has to be"),
    ],
    ids=str,
)
def test_what_cannot_be_keeps_the_hub_from_starting(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made(setting(**settings))


def test_settings_that_are_elsewhere_are_missed() -> None:
    values = {key: value for key, value in INJECT.values().items() if key != "custom"}
    with pytest.raises(ValueError, match="same file"):
        chart.spawner_config(values)


@pytest.mark.parametrize("data", ["home", "keep"])
def test_nothing_that_keeps_a_home_is_said(data: str) -> None:
    with pytest.raises(SpawnError, match=f"data is {data}, and nothing keeps /home/jovyan here"):
        made(setting(data=data), {"singleuser": {"storage": {"type": "none"}}})


NFS: Values = {
    "singleuser": {
        "storage": {"type": "static", "static": {"pvcName": "nfs", "subPath": "homes/{username}"}},
        "extraEnv": {"XDG_DATA_HOME": "/home/jovyan/data"},
        "uid": 1234,
        "image": {"name": "lab", "tag": "2"},
    }
}


def test_a_keeper_sees_what_the_notebook_sees() -> None:
    found = made(setting(data="keep"), NFS, user=User(server_name="two"))
    keeper, notebook = (container(found, name) for name in ("mysql-keep", "notebook"))
    homes = [
        [each for each in of["volumeMounts"] if each["mountPath"] == "/home/jovyan"]
        for of in (keeper, notebook)
    ]
    assert homes[0] == homes[1] != []
    assert keeper["image"] == notebook["image"] == "lab:2"
    assert keeper["securityContext"]["runAsUser"] == 1234
    told = variables(keeper)
    assert told["HOME"] == "/home/jovyan"
    assert told["XDG_DATA_HOME"] == "/home/jovyan/data"
    assert told["JUPYTERHUB_SERVER_NAME"] == "two"
    server = [told[f"SIDECAR_MYSQL_{name}"] for name in ("HOST", "PORT", "USER", "PASSWORD")]
    assert server == ["127.0.0.1", "3306", "root", "tutorial"]
    assert "JUPYTERHUB_API_TOKEN" not in told


@pytest.mark.parametrize("version", [(1, 28), (1, 34)])
def test_a_keeper_ends_before_mysql(version: tuple[int, int]) -> None:
    found = made(setting(data="keep", keepEnd=45), version=version)
    is_native = version >= (1, 29)
    names = [
        each["name"] for each in found["spec"]["initContainers" if is_native else "containers"]
    ]
    assert names[-2:] == ["mysql", "mysql-keep"]
    assert ("lifecycle" in container(found, "mysql")) == (not is_native)
    assert found["spec"]["terminationGracePeriodSeconds"] == 75
    values = merge(INJECT.values(), setting(data="keep", keepEnd=45))
    assert chart.spawner_config(values).SidecarMysql.grace_s == 75


@pytest.mark.parametrize(("state", "waits"), [("ending", True), ("kept", False), (None, False)])
def test_mysql_waits_while_the_last_snapshot_is_made(
    state: str | None, waits: bool, tmp_path: Path
) -> None:
    found = made(setting(data="keep", sidecar="classic", keepEnd=3))
    command = container(found, "mysql")["lifecycle"]["preStop"]["exec"]["command"]
    (place,) = [
        each["mountPath"]
        for each in container(found, "mysql")["volumeMounts"]
        if each.get("subPath") == "keep"
    ]
    if state is not None:
        (tmp_path / "state").write_text(f"{state}\n")
    slept = tmp_path / "slept"
    script = command[2].replace(place, str(tmp_path)).replace("sleep", f"echo >> {slept};: ")
    done = subprocess.run([*command[:2], script], check=False, timeout=60, capture_output=True)
    assert b"syntax" not in done.stderr
    # Once to let the other container be told, and then as long as a last snapshot may take.
    assert len(slept.read_text().splitlines()) == 1 + 3 * waits


@pytest.mark.parametrize("has_it", [True, False])
def test_an_image_without_sidecar_magics(has_it: bool, tmp_path: Path) -> None:
    keeper = container(made(setting(data="keep")), "mysql-keep")
    program = tmp_path / "sidecar-magics"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755 if has_it else 0)
    script = keeper["command"][2].replace("/tmp/state", str(tmp_path / "state"))
    done = subprocess.run(
        [*keeper["command"][:2], script.replace("sleep 120", "exit")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if has_it:
        words = f"keep --state {tmp_path / 'state'} --every 5 --at-exit 90".split()
        assert done.stdout.split() == words
    else:
        assert done.returncode == 1
        assert "the image of the notebook has no sidecar-magics: add it" in done.stderr
        assert keeper["terminationMessagePolicy"] == "FallbackToLogsOnError"


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(("end", "status"), [("told", 0), ("killed", 137), ("alone", 3)])
def test_a_keeper_that_is_gone_is_not_waited_for(
    end: str, status: int, shell: str, tmp_path: Path
) -> None:
    """However it ends: where it is killed for its memory, it has no time to say so itself."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    keeper = container(made(setting(data="keep")), "mysql-keep")
    program, state, began = (tmp_path / each for each in ("sidecar-magics", "state", "began"))
    over = "sleep 0.3; exit 3" if end == "alone" else "while :; do sleep 0.1; done"
    mark = f"echo $$ > {began}.part; mv {began}.part {began}"
    program.write_text(
        f"#!/bin/sh\ntrap 'sleep 0.3; exit 0' TERM\necho ending > {state}\n{mark}\n{over}\n"
    )
    program.chmod(0o755)
    script = keeper["command"][2].replace("/tmp/state", str(state)).replace("sleep 120", "exit")
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    with running([shell, "-c", script], env=path) as process:
        until(began.exists)
        if end == "told":
            process.terminate()
        elif end == "killed":
            os.kill(int(began.read_text()), signal.SIGKILL)
        assert process.wait(timeout=60) == status
    assert state.read_text() == "ended\n"


@pytest.mark.parametrize(
    ("sub_path", "owner", "folder"),
    [
        (None, "mysql", ".sidecar-mysql/data"),
        ("{username}", "mysql", "_mysql/ada/data"),
        ("homes/{username}", "mysql", "homes/_mysql/ada/data"),
        ("homes/{username}", "user", "homes/ada/.sidecar-mysql/data"),
        (None, "user", ".sidecar-mysql/data"),
    ],
)
def test_where_data_is_in_homes(sub_path: str | None, owner: str, folder: str) -> None:
    static = {"type": "static", "static": {"pvcName": "nfs", "subPath": sub_path}}
    storage: Values = {"singleuser": {"storage": static if sub_path else {}}}
    found = made(setting(data="home", homeOwner=owner), storage)
    mounts = {each["mountPath"]: each for each in container(found, "mysql")["volumeMounts"]}
    assert mounts["/var/lib/mysql"]["subPath"] == folder


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data": "claim"},
        {"data": "home", "homeOwner": "user"},
        {"sidecar": "classic"},
        {"data": "keep"},
    ],
    ids=str,
)
def test_pod_security_restricted(settings: dict[str, Any]) -> None:
    """What is added passes it; z2jh's privileged container is switched off on such clusters."""
    off = {"singleuser": {"cloudMetadata": {"blockWithIptables": False}}}
    found = made(setting(**settings), off)
    others = {"home": ["mysql-data-owner"], "keep": ["mysql-keep"]}
    for name in ["mysql", *others.get(settings.get("data", ""), [])]:
        context = container(found, name)["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert context["readOnlyRootFilesystem"] is True
    for volume in found["spec"]["volumes"]:
        assert set(volume) - {"name"} <= RESTRICTED_VOLUMES


@pytest.mark.parametrize(("data", "other"), [("home", "data-owner"), ("keep", "keep")])
def test_every_container_says_what_it_takes(data: str, other: str) -> None:
    """Else a ResourceQuota refuses the pod."""
    found = made(setting(data=data))
    for name in ("mysql", f"mysql-{other}"):
        resources = container(found, name)["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"memory", "cpu"}


def test_the_pods_are_good_to_kubernetes_with_everything_set() -> None:
    settings = setting(
        data="home",
        homeOwner="user",
        options=["--sql-mode=ANSI"],
        password="perUser",
        passwordKey="k" * 40,
    )
    for version in ((1, 25), (1, 34)):
        assert pod_objection(made(settings, version=version), version) is None


def test_the_image_is_pulled_ahead() -> None:
    values = read("inject")
    image = values["prePuller"]["extraImages"]["sidecar-mysql"]
    assert values["custom"]["sidecarMysql"]["image"] == f"{image['name']}:{image['tag']}"
