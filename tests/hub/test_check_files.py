"""hub-config/check.py sees the files that a hub's code reads, wherever they are mounted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import check, extra, render, shape, written
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.hub.checking import Answer

INJECT = HUB_CONFIG / "inject.values.yaml"
HOME = "/usr/local/etc/jupyterhub"
# What a file of the hub's own does, so that it can be seen whether it was read.
GONE = "def set_up(c):\n    mount = {'name': 'gone', 'mountPath': '/gone'}\n"
GONE += "    c.KubeSpawner.volume_mounts = [mount]\n"
READS = "import sys\nsys.path.append('{place}')\nfrom faculty_hub import set_up\nset_up(c)\n"
RUNS = "exec(open('{place}/faculty_hub.py').read())\nset_up(c)\n"
BY_VARIABLE = "import os\nexec(open(os.environ['FACULTY']).read())\nset_up(c)\n"
FOUND = "container notebook mounts the volume gone"


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


def with_mount(
    path: Path, place: str, files: Mapping[str, str] | None, sub_path: str | None = None
) -> None:
    """Mount a ConfigMap in a rendered hub; without files, it is not part of the chart."""
    objects = helm.objects(path.read_text())
    (hub,) = [each for each in objects if each["kind"] == "Deployment"]
    spec: dict[str, Any] = hub["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    mount = {"name": "faculty", "mountPath": place}
    container["volumeMounts"].append({**mount, **({"subPath": sub_path} if sub_path else {})})
    container["env"] = [{"name": "FACULTY", "value": f"{place}/faculty_hub.py"}]
    spec["volumes"].append({"name": "faculty", "configMap": {"name": "faculty"}})
    if files is not None:
        data = {"kind": "ConfigMap", "metadata": {"name": "faculty"}, "data": dict(files)}
        objects.append(data)
    path.write_text(yaml.safe_dump_all(objects))


@pytest.mark.parametrize(
    "code", [READS, RUNS, BY_VARIABLE], ids=["imported", "executed", "by a variable"]
)
@pytest.mark.parametrize("place", ["/etc/faculty/code", "/srv/jupyterhub/faculty"])
def test_files_that_the_chart_mounts_elsewhere(code: str, place: str, tmp_path: Path) -> None:
    own = written(extra(faculty=code.format(place=place)), tmp_path / "own.yaml")
    after = render([shape(1), INJECT, own], tmp_path / "after.yaml")
    with_mount(after, place, {"faculty_hub.py": GONE})
    answer = check(after)
    assert answer.status == 1, answer.output
    assert FOUND in answer.output
    assert "stand-ins" not in answer.output


def test_a_file_that_the_chart_mounts_elsewhere_by_its_name(tmp_path: Path) -> None:
    place = "/srv/jupyterhub/faculty_hub.py"
    code = f"exec(open('{place}').read())\nset_up(c)\nassert not '{place}.bak'.startswith('/tmp')\n"
    own = written(extra(faculty=code), tmp_path / "own.yaml")
    after = render([shape(1), INJECT, own], tmp_path / "after.yaml")
    with_mount(after, place, {"hub.py": GONE}, "hub.py")
    assert FOUND in check(after).output


def in_a_hub(folder: Path, code: str, mounts: Sequence[str], place: str | None = None) -> Answer:
    """Check with --pack in a container that has z2jh's files in a folder, as if it were a hub's."""
    home = folder / "hub"
    own = written(extra(faculty=code.format(place=f"{home}/own")), folder / "own.yaml")
    after = render([shape(1), INJECT, own], folder / "after.yaml")
    if place is not None:
        with_mount(after, place, None)
    after.write_text(after.read_text().replace(HOME, str(home)))
    packed = check(after, "--pack").output
    mounted = folder / "mounts"
    mounted.write_text("".join(f"1 2 0:3 / {each} rw - tmpfs none rw\n" for each in mounts))
    for was, now in ((HOME, home), ("/proc/self/mountinfo", mounted)):
        assert f'"{was}"' in packed
        packed = packed.replace(f'"{was}"', f'"{now}"')
    return check(script=packed)


@pytest.mark.parametrize("code", [READS, RUNS], ids=["imported", "executed"])
@pytest.mark.parametrize("is_mounted", [True, False], ids=["of the cluster", "of the image"])
def test_files_that_only_the_hub_has(code: str, *, is_mounted: bool, tmp_path: Path) -> None:
    """A ConfigMap that an operator made by hand, and what a hub's own image has."""
    helm.write(tmp_path / "hub" / "own" / "faculty_hub.py", GONE)
    place = f"{HOME}/own" if is_mounted else None
    mounts = [str(tmp_path / "hub" / "own")] if is_mounted else []
    answer = in_a_hub(tmp_path, code, mounts, place)
    assert answer.status == 1, answer.output
    assert FOUND in answer.output
    assert "in the cluster only" not in answer.output


def test_files_that_only_the_older_release_has(tmp_path: Path) -> None:
    """The chart that would be installed mounts them no more."""
    helm.write(tmp_path / "hub" / "own" / "faculty_hub.py", GONE)
    mounts = [str(tmp_path / "hub" / "own" / "faculty_hub.py")]
    answer = in_a_hub(tmp_path, RUNS, mounts)
    assert answer.status == 2
    assert "FileNotFoundError" in answer.output


def test_files_that_are_not_here(tmp_path: Path) -> None:
    own = written(extra(faculty=RUNS.format(place="/opt/hub")), tmp_path / "own.yaml")
    answer = check(render([shape(1), INJECT, own], tmp_path / "after.yaml"))
    assert answer.status == 2
    assert "cannot check: FileNotFoundError" in answer.output
    assert "may be in the hub's own container: --pack" in answer.output
