"""An operator pastes the commands of hub-config/README.md, with the names of a hub, and they work.

Helm and Python are real; kubectl, and what Helm asks a cluster for, are stand-ins.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.hub import helm
from tests.hub.checking import CHECK_S, SMALL, Shape, shape
from tests.hub.test_documents import sections
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

README = HUB_CONFIG / "README.md"
# `helm list` and `get values` answer as for a hub of ours; an upgrade keeps what it would install.
HELM = """#!/bin/sh
case "$1" in
list) echo hub ;;
get) [ "$3 $4 $5 $6 $7" = "lab --namespace teaching --output yaml" ] && cat "$RELEASED" ;;
upgrade)
    shift 5
    exec {helm} template "$@" --kube-version 1.34 > "$INSTALLED" ;;
template)
    exec {helm} "$@" --kube-version 1.34 ;;
esac
"""
# What runs in the hub's container: a packed script, or one that looks at what is installed there.
KUBECTL = """#!/bin/sh
[ "$1 $2" = "--namespace teaching" ] || exit 9
shift 2
case "$1 $2 $3" in
"rollout status deploy/hub") ;;
"exec -i deploy/hub")
    shift 5
    cat > "$SENT"
    if grep -q '^PACKED: str | None = None$' "$SENT"; then
        exec {python} "$SENT" "$INSTALLED"
    fi
    exec {python} "$SENT" ;;
*) exit 9 ;;
esac
"""


def commands(title: str) -> Iterator[str]:
    """Yield the blocks of commands of a section, without their indentation."""
    for block in re.findall(r"(?:^    .*\n)+", sections(README)[title], re.MULTILINE):
        yield re.sub(r"^    ", "", block, flags=re.MULTILINE)


def named(block: str, chart: Path) -> str:
    """Return the commands with an operator's names in the line that asks for them."""
    names = f"RELEASE=lab NAMESPACE=teaching CHART={shlex.quote(str(chart))} VERSION=1.0.0 "
    return re.sub(r"^RELEASE=\S+ .*VERSION=\S+ ", names, block, flags=re.MULTILINE)


def pasted(folder: Path, script: str, **variables: Path) -> str:
    """Run commands in a copy of the folder, as a shell runs what is pasted; return all output."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name, text in (("helm", HELM), ("kubectl", KUBECTL)):
        program = bin_folder / name
        program.write_text(text.format(helm=helm.program(), python=sys.executable))
        program.chmod(0o755)
    (bin_folder / "python3").symlink_to(sys.executable)
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        **{name: str(path) for name, path in variables.items()},
    }
    done = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=folder / "hub-config",
        env=environment,
        capture_output=True,
        text=True,
        timeout=CHECK_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [2, 4, 6])
def test_the_commands_as_they_stand(number: int, tmp_path: Path) -> None:
    helm.needs_helm()
    own = Shape(shape(number))
    keys, chart = own.keys, SMALL
    if keys:
        chart = helm.chart_with(SMALL, tmp_path / "chart", "around", *keys[:-1])
    shutil.copytree(HUB_CONFIG, tmp_path / "hub-config")
    first, deeper = commands("Look at yours first")
    check, new, shown, deploy, after = commands("Deploy")
    lines = [named(first, chart)]
    lines += [deeper.replace("jupyterhub:", f"{key}:") for key in reversed(keys)]
    assert "in force" in shown
    assert "--create-namespace" not in new
    lines += [check, "echo ==\n", deploy, after]
    output = pasted(
        tmp_path,
        "".join(lines),
        RELEASED=own.path,
        INSTALLED=tmp_path / "installed.yaml",
        SENT=tmp_path / "sent.py",
    )
    for part in output.split("==\n"):
        assert "in force: data=ephemeral" in part, output
        assert "no findings" in part, output
    left = {path.name for path in (tmp_path / "hub-config").iterdir()}
    assert left - {path.name for path in HUB_CONFIG.iterdir()} <= {
        "config.yaml",
        "nested.values.yaml",
    }
    released = yaml.safe_load((tmp_path / "hub-config" / "config.yaml").read_text())
    assert released == yaml.safe_load(own.path.read_text())
