"""`.ci/run` and the workflow of a public forge, as far as they can be tried here."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.background import LIMIT_S
from tests.servers import GIVEN, GIVEN_CLIENT, GIVEN_PASSWORD
from tools.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

RUN = PROJECT / ".ci" / "run"
IMAGES = {"mysql:8.0", "mysql:8.4", "mysql:9", "datajoint/mysql:8.0", "mariadb:10.11"}


@pytest.fixture
def workflow() -> Any:
    return yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())


def ci(tmp_path: Path, *stages: str, make: str = "exit 0") -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` with a `make` that notes its arguments, and then does what it is told."""
    program = tmp_path / "make"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/made"\n{make}\n')
    program.chmod(0o755)
    return subprocess.run(
        ["bash", str(RUN), *stages],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )


def test_each_stage_says_its_time(tmp_path: Path) -> None:
    done = ci(tmp_path, "test", "docs", "dist")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made").read_text().splitlines() == ["test", "docs", "lint-workflows dist"]
    for stage in ("test", "docs", "dist"):
        assert f"=== {stage}\n" in done.stdout
        assert re.search(rf"^=== {stage} passed after \d+ min \d\d s$", done.stdout, re.MULTILINE)
    assert re.search(r"^all stages \d+ min \d\d s$", done.stdout, re.MULTILINE)


def test_the_tests_alone_or_all_stages(tmp_path: Path) -> None:
    assert ci(tmp_path).returncode == 0
    assert (tmp_path / "made").read_text() == "test\ntest-thorough\n"
    (tmp_path / "made").unlink()
    # Pods cannot be run everywhere: what comes before them is made in any case.
    ci(tmp_path, "all")
    made = (tmp_path / "made").read_text().splitlines()
    stages = [
        "test",
        "test-thorough",
        "test-more",
        "test-browser",
        "docs",
        "lint-workflows dist",
        "test-spyglass",
        ".venv/ready",
    ]
    assert made[: len(stages)] == stages


def test_a_stage_that_fails_ends_it(tmp_path: Path) -> None:
    done = ci(tmp_path, "docs", "dist", make="exit 3")
    assert done.returncode == 3
    assert "=== docs failed after" in done.stderr
    assert (tmp_path / "made").read_text() == "docs\n"


def test_what_fails_first_within_a_stage_ends_it(tmp_path: Path) -> None:
    done = ci(tmp_path, "hub", make="exit 4")
    assert done.returncode == 4
    assert (tmp_path / "made").read_text() == ".venv/ready\n"


def test_a_stage_that_is_not_there(tmp_path: Path) -> None:
    done = ci(tmp_path, "nope")
    assert done.returncode == 2
    assert "there are: test thorough more browser docs dist spyglass hub." in done.stderr


def test_the_workflow_runs_every_stage(workflow: Any) -> None:
    listed = re.search(r"^all=\((.*)\)$", RUN.read_text(), re.MULTILINE)
    assert listed is not None
    assert {*workflow["jobs"]["stage"]["strategy"]["matrix"]["stage"], "hub"} == {
        *listed[1].split()
    }
    assert ".ci/run hub" in str(workflow["jobs"]["pods"])


def test_the_workflow_has_the_servers_that_are_promised(workflow: Any) -> None:
    job = workflow["jobs"]["servers"]
    images = {each["image"] for each in job["strategy"]["matrix"]["include"]}
    assert images >= IMAGES
    assert any(image.startswith("mariadb:11.") for image in images)
    (step,) = [step for step in job["steps"] if "test-server" in step.get("run", "")]
    assert {GIVEN, GIVEN_PASSWORD, GIVEN_CLIENT} == set(step["env"])


def test_actions_are_pinned_and_may_only_read(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    used = [
        step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)
