"""Users and servers with hostile names: no pod is refused, no two share data, none gets out."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.hub import admission, chart
from tests.hub.apiserver import Manifest
from tests.hub.layers import pod_objection
from tests.hub.spawning import User, pods
from tests.hub.values import DEPLOYMENTS, Deployment, Values, merge, read

NAMES = (
    "ada",
    "Ada",
    "ada-",
    "ada.",
    "ada_lovelace",
    "ada-lovelace",
    "9user@email.com",
    "../../etc",
    "..",
    "_mysql",
    "data",
    "robert'); DROP TABLE students; --",
    "$(MYSQL_ROOT_PASSWORD)",
    "{username}",
    "{0}",
    "${HOME}",
    "%s\\n",
    "a" * 100,
    "a" * 101,
    "ünïcødé",
    "名前",
    "null",
    # What others are called after they were escaped.
    "ada--second",
    "ada-2dlovelace",
    "x-9user-email-com---08f58cbd",
    "--",
    "-",
    " ",
    "007",
    "ada\u202e",
)
SERVERS = (
    "",
    "data",
    "data-second",
    "second",
    "Second",
    "../..",
    "..",
    "-",
    "--",
    "7",
    " ",
    "名前",
    "{servername}",
    "$HOME",
    "S" * 60,
    "S" * 61,
)
USERS = (*(User(name) for name in NAMES), *(User("ada", server) for server in SERVERS[1:]))
KEEPING = [each for each in DEPLOYMENTS if each.keeps_data]


def users_of(deployment: Deployment) -> list[User]:
    return [User(user.name, user.server_name, deployment.profile) for user in USERS]


def places(pod: Manifest) -> set[tuple[str, str]]:
    """Return where MySQL's data is: the claim, and the folder in it."""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    (mysql,) = [each for each in pod["spec"]["initContainers"] if each["name"] == "mysql"]
    return {
        (claims[mount["name"]], mount.get("subPath", ""))
        for mount in mysql["volumeMounts"]
        if mount["name"] in claims
    }


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
@pytest.mark.thorough
def test_every_name_gets_a_pod(deployment: Deployment) -> None:
    users = users_of(deployment)
    made = pods(chart.spawner_config(deployment.values()), users)
    assert len(made) == len(users)
    for user, pod in zip(users, made):
        assert pod_objection(pod, (1, 34)) is None, user


def sharing(values: Values) -> list[str]:
    """Return whose data are at the same place."""
    made = [places(pod) for pod in pods(chart.spawner_config(values), USERS)]
    assert all(len(each) == 1 for each in made)
    return [
        f"{one} and {other}"
        for (one, its), (other, others) in combinations(zip(USERS, made), 2)
        if its & others
    ]


@pytest.mark.parametrize("deployment", KEEPING, ids=str)
@pytest.mark.parametrize("scheme", ["safe", "escape"])
@pytest.mark.thorough
def test_no_two_servers_share_data(deployment: Deployment, scheme: str) -> None:
    """Also with the names that hubs had before z2jh 4, and may have kept."""
    spawner = {"hub": {"config": {"KubeSpawner": {"slug_scheme": scheme}}}}
    assert not sharing(merge(deployment.values(), spawner))


def test_servers_that_share_a_home_do_not_share_data() -> None:
    dynamic = {"dynamic": {"pvcNameTemplate": "claim-{username}"}}
    assert not sharing(merge(read("persistent"), {"singleuser": {"storage": dynamic}}))


def test_sharing_is_found() -> None:
    dynamic = {"dynamic": {"pvcNameTemplate": "claim-{username}"}}
    values = merge(read("persistent"), {"singleuser": {"storage": dynamic}})
    for container in values["singleuser"]["initContainers"]:
        container["volumeMounts"][0]["subPath"] = ".sidecar-mysql/data"
    found = sharing(values)
    assert len(found) == len(list(combinations(SERVERS, 2)))
    assert all(text.count("'ada'") == 2 for text in found)


@pytest.mark.parametrize("deployment", KEEPING, ids=str)
@pytest.mark.thorough
def test_a_server_has_its_data_again(deployment: Deployment) -> None:
    config = chart.spawner_config(deployment.values())
    first, again = (pods(config, USERS) for _ in range(2))
    assert [places(pod) for pod in first] == [places(pod) for pod in again]


@pytest.mark.parametrize("deployment", [each for each in KEEPING if each.hub], ids=str)
def test_data_on_a_shared_volume_is_in_no_home(deployment: Deployment) -> None:
    made = pods(chart.spawner_config(deployment.values()), USERS)
    homes = set()
    for pod in made:
        (notebook,) = pod["spec"]["containers"]
        (home,) = [each for each in notebook["volumeMounts"] if each["name"] == "home"]
        homes.add(home["subPath"])
    for pod in made:
        ((_, folder),) = places(pod)
        assert not any(f"{folder}/".startswith(f"{home}/") for home in homes)
        assert not any(f"{home}/".startswith(f"{folder}/") for home in homes)


def test_the_rules_for_names_can_refuse() -> None:
    (pod,) = pods(chart.spawner_config(DEPLOYMENTS[0].values()), [User()])
    pod["metadata"]["name"] = "Ada_"
    pod["metadata"]["labels"]["user"] = "../../etc"
    assert len(admission.objections(pod, (1, 34))) == 2
