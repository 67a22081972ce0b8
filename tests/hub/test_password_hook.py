"""password-hook.py, in the real hook of a real KubeSpawner."""

from __future__ import annotations

import pytest

from tests.hub import chart
from tests.hub.apiserver import Manifest
from tests.hub.layers import objection
from tests.hub.manifests import container, variables
from tests.hub.spawning import User, pods
from tests.hub.values import DEPLOYMENTS, HUB_CONFIG, Deployment, Values, merge, read

HOOK = (HUB_CONFIG / "password-hook.py").read_text()
KEY = {"custom": {"sidecarPasswordKey": "k" * 64}}


def with_hook(values: Values, *, name: str = "sidecar-password") -> Values:
    """Return values as with ``--set-file hub.extraConfig.NAME=password-hook.py``."""
    return merge(values, {"hub": {"extraConfig": {name: HOOK}}})


def passwords(pod: Manifest) -> set[str]:
    mysql, notebook = (variables(container(pod, name)) for name in ("mysql", "notebook"))
    return {mysql["MYSQL_ROOT_PASSWORD"], notebook["MYSQL_PWD"], notebook["DJ_PASS"]}


def password(values: Values, name: str = "ada", server_name: str = "") -> str:
    (pod,) = pods(chart.spawner_config(values), [User(name, server_name)])
    (found,) = passwords(pod)
    return found


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_one_password_for_each_user(deployment: Deployment) -> None:
    config = chart.spawner_config(with_hook(deployment.values()))
    users = [User(name, profile=deployment.profile) for name in ("ada", "grace", "ädä")]
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
    values = with_hook(read("persistent"))
    assert password(values) == password(values) == password(values, server_name="second")


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=str)
def test_it_breaks_no_promise(deployment: Deployment) -> None:
    values = with_hook(deployment.values())
    assert objection(values, users=[deployment.user], versions=[(1, 34)]) is None


@pytest.mark.parametrize(
    "key", ["", "short", "k" * 31, 12345678901234567890123456789012345, ["k" * 64]]
)
def test_a_key_that_could_be_guessed_stops_the_hub(key: object) -> None:
    values = merge(with_hook(read("sidecar")), {"custom": {"sidecarPasswordKey": key}})
    with pytest.raises(ValueError, match="at least 32 characters") as error:
        chart.spawner_config(values)
    assert "short" not in str(error.value)


def test_all_of_the_key_counts() -> None:
    one, other = (
        merge(with_hook(read("sidecar")), {"custom": {"sidecarPasswordKey": key}})
        for key in ("k" * 40 + ";a", "k" * 40 + ";b")
    )
    assert password(one) != password(other)


def test_the_newest_of_the_hubs_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """z2jh keeps the older ones behind it, to read what they have encrypted."""
    values = with_hook(read("sidecar"))
    before = password(values)
    newest = chart.SECRET_VALUES["hub.config.CryptKeeper.keys"]
    monkeypatch.setitem(chart.SECRET_VALUES, "hub.config.CryptKeeper.keys", f"{newest};{'11' * 32}")
    assert password(values) == before


def test_the_key_is_in_it() -> None:
    values = with_hook(read("sidecar"))
    assert password(values) != password(merge(values, KEY)) != password(values, "grace")


@pytest.mark.parametrize("name", ["a-before-the-claim", "z-behind-it"])
def test_beside_the_hook_that_makes_claims(name: str) -> None:
    config = chart.spawner_config(with_hook(read("persistent-pvc"), name=name))
    (pod,) = pods(config, [User()])
    assert len(passwords(pod)) == 1
    assert "tutorial" not in str(pod)


def test_without_mysql_nothing_is_changed() -> None:
    values = read("profiles")
    plain, hooked = (
        pods(chart.spawner_config(each), [User()])[0]["spec"]
        for each in (values, with_hook(values))
    )
    plain_names, hooked_names = (
        [item["name"] for item in spec["containers"][0]["env"]] for spec in (plain, hooked)
    )
    assert plain_names == hooked_names
