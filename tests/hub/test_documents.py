"""What is written about hub-config is so: every example of values works, every file has its row."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar_magics.local import lifecycle
from sidecar_magics.local.state import folders
from tests.background import LIMIT_S
from tests.hub.layers import objection
from tests.hub.spawning import User
from tests.hub.test_inject import PROFILES
from tests.hub.values import HUB_CONFIG, INJECT, Values, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

README = HUB_CONFIG / "README.md"
DEPLOYMENTS = HUB_CONFIG.parent / "docs" / "hub-deployments.md"
MOST_WORDS = 1500
HOMES: Values = {"singleuser": {"uid": 1000}}


def sections(path: Path) -> dict[str, str]:
    parts = re.split(r"^## (.*)\n", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def blocks(path: Path, language: str) -> Iterator[tuple[str, str]]:
    """Yield the examples of a page in one language, each with the section that it is in."""
    for title, text in sections(path).items():
        for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield title, block


EXAMPLES = [
    pytest.param(yaml.safe_load(block), id=f"{path.stem}: {title} {index}")
    for path in (README, DEPLOYMENTS)
    for index, (title, block) in enumerate(blocks(path, "yaml"))
]


def test_it_is_short() -> None:
    assert len(README.read_text().split()) <= MOST_WORDS


def test_every_file_has_its_rows() -> None:
    found = sections(README)
    for path in HUB_CONFIG.glob("*.values.yaml"):
        name = path.name.removesuffix(".values.yaml")
        assert f"`{path.name}`" in found["Which file for whom"]
        assert f"`{name}`" in found["Versions"] or name == "seed"


def test_files_that_are_named_are_there() -> None:
    for page in (README, DEPLOYMENTS, HUB_CONFIG / "inject.values.yaml"):
        for name in re.findall(r"[\w./-]+\.values\.yaml|[\w./-]+\.py\b", page.read_text()):
            made = {"nested.values.yaml", "packed.py"}
            assert name in made or (HUB_CONFIG / Path(name).name).exists(), (page, name)


def test_options_that_are_named_are_there() -> None:
    text = README.read_text()
    source = (HUB_CONFIG / "check.py").read_text()
    lines = [line for line in text.splitlines() if "check.py" in line or "packed.py" in line]
    named = {
        option
        for line in lines
        for option in re.findall(r"--[a-z-]+", line.replace("--namespace", ""))
    }
    assert {"--before", "--kubernetes", "--pack", "--pre-spawn-hook", "--removed"} <= named
    for option in named:
        assert f'"{option}"' in source


def test_a_quota_is_what_the_containers_have() -> None:
    """The figures of the deployments page are those of inject.values.yaml."""
    text = sections(DEPLOYMENTS)["ResourceQuota and LimitRange"]
    values = INJECT.values()
    settings = values["custom"]["sidecarMysql"]
    row = f"| {settings['memoryRequest']}, at most {settings['memoryLimit']} | "
    row += f"{settings['cpuRequest']:g}, at most {settings['cpuLimit']:g} |"
    assert f"`mysql` {row}" in text
    for name in ("mysql-data-owner", "mysql-keep"):
        made = values["hub"]["extraConfig"]["sidecar-mysql"].partition(f'"name": "{name}"')[2]
        found = re.search(
            r'"memory": "(\w+)", "cpu": ([\d.]+)}.*?"memory": "(\w+)", "cpu": ([\d.]+)}',
            made,
            re.DOTALL,
        )
        assert found is not None
        amounts = f"{found[1]}, at most {found[3]} | {found[2]}, at most {found[4]}"
        assert re.search(rf"^\| `{name}` .* \| {re.escape(amounts)} \|$", text, re.MULTILINE)
    for amount in (50 * settings["cpuRequest"], 50 * settings["cpuLimit"]):
        assert f"{amount:g} of `" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_works(example: Any) -> None:
    values = example.get("jupyterhub", example)
    custom = values.get("custom", {}).get("sidecarMysql", {})
    if "passwordKey" in custom:
        custom["passwordKey"] = "k" * 64
    profiles = PROFILES if custom.get("onlyProfiles") else {}
    user = User(profile=None)
    if profiles:
        (last,) = [name for name in custom["onlyProfiles"] if "/" in name]
        profile, option, choice = last.split("/")
        profiles = merge(profiles)
        profiles["singleuser"]["profileList"][1].update(slug=profile)
        choices = profiles["singleuser"]["profileList"][1]["profile_options"]["image"]["choices"]
        choices[choice] = {"display_name": choice, "kubespawner_override": {}}
        user = User(profile=profile, choices=((option, choice),))
    layers: tuple[str, ...] = ("chart", "spawner", "schema", "admission", "promises")
    if custom.get("homeOwner") == "user" or "cloudMetadata" in values.get("singleuser", {}):
        layers = layers[:-1]  # MySQL is the user's there, and z2jh's container is switched off
    found = objection(
        merge(INJECT.values(), HOMES, profiles, values),
        users=[user],
        versions=[(1, 28), (1, 34)],
        layers=layers,
    )
    assert found is None


@pytest.mark.server
@pytest.mark.usefixtures("mysql_process")  # so that the server's binaries are there
@pytest.mark.thorough
def test_a_start_for_binder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file `start` brings a server, runs what it is given, and ends with its status."""
    (script,) = [text for _, text in blocks(DEPLOYMENTS, "sh") if "exec" in text]
    path = tmp_path / "start"
    path.write_text(script)
    path.chmod(0o755)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cache").symlink_to(folders().cache)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            [str(path), "sh", "-c", "sidecar-magics wait; exit 7"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment,
            check=False,
        )
        assert done.returncode == 7, done.stderr
        assert "ready" in done.stdout + done.stderr
    finally:
        lifecycle.down()
