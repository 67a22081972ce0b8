"""hub-config/check.py on data that a container of the pod keeps in the home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import helm
from tests.hub.checking import check, checked, setting, shape
from tests.hub.values import HUB_CONFIG, Values

if TYPE_CHECKING:
    from pathlib import Path

INJECT = HUB_CONFIG / "inject.values.yaml"


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


@pytest.mark.parametrize("sidecar", ["native", "classic"])
def test_it_is_in_force(sidecar: str, tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, setting(data="keep", sidecar=sidecar))
    assert (answer.findings, answer.status) == ([], 0)
    assert f"in force: data=keep, memory 0.5/2 GiB, cpu 0.05/1, {sidecar}" in answer.output


def test_homes_on_nfs_and_all_profiles(tmp_path: Path) -> None:
    own = {"scheduling": {"userPlaceholder": {"enabled": False}}}
    nfs = {"storage": {"type": "static", "static": {"pvcName": "nfs", "subPath": "h/{username}"}}}
    answer = checked(tmp_path, shape(8), INJECT, setting(data="keep"), own, {"singleuser": nfs})
    assert "mysql-keep" not in answer.output, answer.output


@pytest.mark.parametrize(
    ("what", "by", "settings", "says"),
    [
        (
            "sidecars.append(keeper(",
            "sidecars.insert(0, keeper(",
            {},
            "mysql-keep starts before MySQL, and ends after it",
        ),
        (
            '"restartPolicy"] = "Always"\n              made = get_k8s_model',
            '"imagePullPolicy"] = "Always"\n              made = get_k8s_model',
            {},
            "the pod waits for mysql-keep to end. Fix: restartPolicy: Always",
        ),
        (
            "elif has_keeper:",
            "elif False:",
            {"sidecar": "classic"},
            "MySQL ends at the same moment as mysql-keep",
        ),
        (
            '"volumeMounts": [home]',
            '"volumeMounts": []',
            {},
            "does not have the user's home at /ho",
        ),
        (
            '"volumeMounts": [home]',
            '"volumeMounts": [{**home, "subPath": "other"}]',
            {},
            "does not have the user's home at /home/jovyan, so nothing is kept",
        ),
        (
            '"volumeMounts": [home]',
            '"volumeMounts": [{**home, "readOnly": True}]',
            {},
            "mysql-keep cannot write into the home",
        ),
        (
            '"image": seen["image"]',
            '"image": "registry.example.org/base-notebook:1"',
            {},
            "mysql-keep has the image registry.example.org/base-notebook:1, and the notebook",
        ),
        (
            'rights(*owner_of_home(seen, plain, "data: keep"))',
            "rights(1001, 100)",
            {},
            "mysql-keep runs as 1001, and the notebook as 1000",
        ),
        (
            "sidecars.append(keeper(native, spawner, seen, plain, secret))",
            "pass",
            {},
            "data is keep, and there is no container mysql-keep",
        ),
        (
            '(settings["keepEnd"] if has_keeper else 0)',
            "0",
            {},
            "a stop has 30 s, and the last snapshot and MySQL's end may take 110 s",
        ),
        (
            "late_s = patience_s(spawner) // 2",
            "late_s = 600",
            {},
            "mysql-keep may take 630 s to restore, and the hub gives up after 300 s",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
@pytest.mark.thorough
def test_a_fault_is_found(what: str, by: str, settings: Values, says: str, tmp_path: Path) -> None:
    text = INJECT.read_text()
    assert text.count(what) == 1
    broken = tmp_path / "inject.values.yaml"
    broken.write_text(text.replace(what, by))
    answer = checked(tmp_path, broken, setting(data="keep", **settings))
    assert answer.status == 1
    assert f"every pod: {says}" in answer.output or says in answer.output
    assert ". Fix: " in answer.output
    assert len(answer.findings) == 1, answer.output


def test_a_stop_that_the_hub_does_not_wait_for(tmp_path: Path) -> None:
    answer = checked(tmp_path, INJECT, setting(data="keep", keepEnd=600))
    assert "a stop may take 630 s, and the hub waits 300 s for it. Fix: singleuser.start" in (
        answer.output
    )


def test_a_home_that_nothing_keeps(tmp_path: Path) -> None:
    none = {"singleuser": {"storage": {"type": "none"}}}
    answer = checked(tmp_path, INJECT, setting(data="keep"), none)
    assert answer.status == 2
    assert "custom.sidecarMysql.data is keep, and nothing keeps /home/jovyan here" in answer.output
    assert check(tmp_path / "after.yaml").status == 2
