"""A password for each user, as inject.values.yaml makes it, in pods of a real KubeSpawner."""

from __future__ import annotations

import pytest

from tests.hub import chart
from tests.hub.apiserver import Manifest
from tests.hub.layers import objection
from tests.hub.manifests import container, variables
from tests.hub.spawning import User, pods
from tests.hub.values import DEPLOYMENTS, INJECT, Deployment, Values, merge

KEY = "k" * 64
OWN: Values = {"custom": {"sidecarMysql": {"password": "perUser", "passwordKey": KEY}}}
INJECTED = [each for each in DEPLOYMENTS if each.files == ("inject",)]


def with_key(key: object) -> Values:
    return merge(INJECT.values(), OWN, {"custom": {"sidecarMysql": {"passwordKey": key}}})


def passwords(pod: Manifest) -> set[str]:
    mysql, notebook = (variables(container(pod, name)) for name in ("mysql", "notebook"))
    return {mysql["MYSQL_ROOT_PASSWORD"], notebook["MYSQL_PWD"], notebook["DJ_PASS"]}


def password(values: Values, name: str = "ada", server_name: str = "") -> str:
    (pod,) = pods(chart.spawner_config(values), [User(name, server_name)])
    (found,) = passwords(pod)
    return found


@pytest.mark.parametrize("deployment", INJECTED, ids=str)
def test_one_password_for_each_user(deployment: Deployment) -> None:
    config = chart.spawner_config(merge(deployment.values(), OWN))
    users = [User(name) for name in ("ada", "grace", "ädä")]
    found = []
    for pod in pods(config, users):
        (only,) = passwords(pod)
        found.append(only)
        assert "tutorial" not in str(pod)
        names = [item["name"] for item in container(pod, "notebook")["env"]]
        assert len(names) == len(set(names))
    assert len(set(found)) == len(users)
    assert all(len(each) == 32 and each.isalnum() for each in found)


def test_it_stays() -> None:
    """Over starts, servers and renders: nothing that Helm makes anew is in it."""
    values = with_key(KEY)
    assert password(values) == password(values) == password(values, server_name="second")


@pytest.mark.parametrize("deployment", INJECTED, ids=str)
def test_it_breaks_no_promise(deployment: Deployment) -> None:
    assert objection(merge(deployment.values(), OWN), versions=[(1, 34)]) is None


@pytest.mark.parametrize("key", ["", "short", "k" * 31, 10**40, ["k" * 64], None, True])
def test_a_key_that_could_be_guessed_stops_the_hub(key: object) -> None:
    """And so does none: the hub's own is recreated by each `helm template`."""
    with pytest.raises(ValueError, match="passwordKey") as error:
        chart.spawner_config(with_key(key))
    assert "short" not in str(error.value)


def test_all_of_the_key_counts() -> None:
    assert password(with_key("k" * 40 + ";a")) != password(with_key("k" * 40 + ";b"))


def test_the_key_is_in_no_pod() -> None:
    (pod,) = pods(chart.spawner_config(with_key(KEY)), [User()])
    assert KEY not in str(pod)


def test_where_another_pod_has_set_a_variable_already() -> None:
    """As when another of our files is below: the variables are not there twice."""
    below = {"singleuser": {"extraEnv": {"MYSQL_HOST": "127.0.0.1", "MYSQL_PWD": "tutorial"}}}
    assert password(merge(below, with_key(KEY))) == password(with_key(KEY))
