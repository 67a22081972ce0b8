"""Our stand-in makes the pods that z2jh's chart makes, where a copy of the chart is at hand."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.hub import helm
from tests.hub.checking import ALL_SHAPES, CHECK, REAL, SMALL, Shape, render, written

if TYPE_CHECKING:
    from types import ModuleType

    from tests.hub.values import Values

# Of the chart's release, and of where pods are scheduled: nothing of it is in our values.
LEFT_OUT = {"affinity", "labels", "priorityClassName", "schedulerName", "tolerations"}
MINE = {"name": "mine", "emptyDir": {}}
AT = {"name": "mine", "mountPath": "/mine"}
FILES = {
    "b.txt": {"mountPath": "/etc/b.txt", "stringData": "b", "mode": 0o400},
    "a.txt": {"mountPath": "/etc/a.txt", "stringData": "a"},
}
STORAGES: dict[str, Values] = {
    "list": {"extraVolumes": [MINE], "extraVolumeMounts": [AT]},
    "mapping": {"extraVolumes": {"02-mine": MINE}, "extraVolumeMounts": {"02-mine": AT}},
    "null": {"extraVolumes": {"02-mine": MINE, "03-other": None}, "extraVolumeMounts": None},
    "null mount": {"extraVolumes": [MINE], "extraVolumeMounts": {"01-mine": AT, "02-old": None}},
    "volume named home": {
        "type": "static",
        "static": {"pvcName": "nfs"},
        "extraVolumes": [{"name": "home", "emptyDir": {}}],
    },
    "home's folder": {"dynamic": {"subPath": "home/{username}", "storageClass": "fast"}},
    "names": {"dynamic": {"pvcNameTemplate": "home-{username}"}, "extraLabels": {"a": "b"}},
    "none": {"type": "none", "extraVolumes": [], "extraVolumeMounts": []},
}


@pytest.fixture(autouse=True)
def _chart() -> None:
    helm.needs_helm()
    if not REAL:
        pytest.skip("no copy of z2jh's chart: Z2JH_CHART names its folder")


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", CHECK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check"] = module
    spec.loader.exec_module(module)
    return module


def compare(check: ModuleType, folder: Path, path: Path, *keys: str) -> None:
    with pytest.MonkeyPatch.context() as command_line:
        command_line.setattr(sys, "argv", ["check.py", "--kubernetes=1.34"])
        options = check._options()
    made = []
    for name, part in (("ours", SMALL), ("theirs", Path(REAL))):
        rendered = render([path], folder / f"{name}.yaml", keys, part=part)
        hub = check._rendered(rendered.read_text(), folder / name)
        made.append(check._make(hub, options)["pods"])
    assert seen(made[0]) == seen(made[1])


def seen(node: Any) -> Any:
    """Return a part of a pod without what is not compared."""
    if isinstance(node, dict):
        return {key: seen(value) for key, value in node.items() if key not in LEFT_OUT}
    if isinstance(node, list):
        return [seen(each) for each in node]
    # The chart's own images, without registry and version.
    image = re.search(r"/(jupyterhub/k8s-.+):", node) if isinstance(node, str) else None
    return image[1] if image else node


@pytest.mark.parametrize("shape", ALL_SHAPES, ids=str)
def test_pods_of_the_shapes(shape: Shape, check: ModuleType, tmp_path: Path) -> None:
    compare(check, tmp_path, shape.path, *shape.keys)


@pytest.mark.parametrize("name", STORAGES)
def test_volumes_of_each_form(name: str, check: ModuleType, tmp_path: Path) -> None:
    values = {"singleuser": {"storage": STORAGES[name], "extraFiles": FILES}}
    compare(check, tmp_path, written(values, tmp_path / "values.yaml"))
