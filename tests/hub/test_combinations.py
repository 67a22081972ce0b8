"""Values files in pairs, as operators put them together or forget one: good, or refused aloud."""

from __future__ import annotations

from itertools import permutations

import pytest
import yaml

from tests.hub.layers import WALLS, Objection, objection
from tests.hub.spawning import User
from tests.hub.values import DEPLOYMENTS, STATIC, Values, merge, read
from tests.turns import some

# Each brings a MySQL. basehub is one level down, and meets nothing of the others.
WHOLE = tuple(
    dict.fromkeys(
        each.files[0] for each in DEPLOYMENTS if len(each.files) == 1 and each.files != ("basehub",)
    )
)
# The homes that a file is for, where those are not z2jh's default.
HOMES = {"persistent-static": yaml.safe_load(STATIC)}
HUBS_OWN: Values = {
    "singleuser": {
        "initContainers": [{"name": "mine", "image": "busybox:1", "command": ["true"]}],
        "extraContainers": [{"name": "mine-too", "image": "busybox:1"}],
        "extraEnv": {"MINE": "1"},
        "extraFiles": {"mine": {"mountPath": "/etc/mine", "stringData": "mine"}},
        "storage": {"extraVolumes": {"mine": {"name": "mine", "emptyDir": {}}}},
    },
    "hub": {"config": {"KubeSpawner": {"k8s_api_request_timeout": 10}}, "extraConfig": {"m": ""}},
}


def found_in(*layers: Values) -> Objection | None:
    """Return what is wrong with values on top of each other, for whoever wants MySQL."""
    values = merge(*layers)
    has_profiles = "profileList" in values["singleuser"]
    user = User(profile="mysql" if has_profiles else None)
    return objection(values, users=[user], versions=[(1, 34)])


@some("pair", [*permutations(("seed", *WHOLE), 2)], each=2, ids="+".join)
def test_two_that_bring_mysql_are_refused_or_one_of_them_counts(pair: tuple[str, str]) -> None:
    """As when the published values, or another file, are still there."""
    found = found_in(*(read(name) for name in pair))
    # inject.values.yaml leaves a MySQL that is there already; check.py says so.
    is_left = pair[1] == "seed" or pair == ("seed", "inject")
    assert found is None or found.layer in WALLS or is_left, found


@pytest.mark.parametrize("name", ["seed", "persistent", "persistent-static", "sidecar-classic"])
def test_old_values_below_the_default(name: str) -> None:
    """Which ones have to be taken out first; hub-config/README.md says so."""
    found = found_in(read(name), read("sidecar"))
    assert (found is None) == (name in ("persistent", "persistent-static"))


@pytest.mark.parametrize("name", WHOLE)
def test_the_network_policy_goes_on_top_of_any(name: str) -> None:
    assert found_in(HOMES.get(name, {}), read(name), read("netpol")) is None


@pytest.mark.parametrize("name", WHOLE)
def test_temporary_users_have_no_home_to_keep_data_in(name: str) -> None:
    found = found_in(read(name), read("ephemeral"))
    assert (found is not None) == (name in ("persistent", "persistent-static"))


@pytest.mark.parametrize("name", WHOLE)
def test_on_top_of_what_a_hub_has_already(name: str) -> None:
    """Mappings are merged; lists are not, so that the hub's own are lost, but never ours."""
    assert found_in(HOMES.get(name, {}), HUBS_OWN, read(name)) is None


def test_the_classic_file_leaves_init_containers_alone() -> None:
    values = merge(
        read("sidecar-classic"),
        {"singleuser": {"initContainers": [*HUBS_OWN["singleuser"]["initContainers"]]}},
    )
    assert objection(values, versions=[(1, 34)]) is None
