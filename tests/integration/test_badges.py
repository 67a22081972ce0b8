"""What a click on a badge runs: `binder/` and `.devcontainer/`, as far as it can be run here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar_magics.local import lifecycle
from sidecar_magics.local.state import folders
from tests.hub import compose

if TYPE_CHECKING:
    from tests.servers import Server

PROJECT = Path(__file__).parents[2]
BINDER, CONTAINER = PROJECT / "binder", PROJECT / ".devcontainer"
SCRIPTS = (BINDER / "postBuild", BINDER / "start", CONTAINER / "install.sh")
LIMIT_S = 400
# https://containers.dev/implementors/json_reference/: of those, what a container of Compose takes.
PROPERTIES = {
    "name", "dockerComposeFile", "service", "runServices", "workspaceFolder", "remoteUser",
    "overrideCommand", "postCreateCommand", "customizations", "forwardPorts", "shutdownAction",
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash_and_can_be_started(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/bash\n# ")
    subprocess.run(["bash", "-n", script], check=True, timeout=LIMIT_S)


def test_what_binder_reads() -> None:
    """repo2docker takes the Python of runtime.txt, and reads nothing outside of binder/ then."""
    assert {path.name for path in BINDER.iterdir()} == {"runtime.txt", "postBuild", "start"}
    version = BINDER.joinpath("runtime.txt").read_text().strip()
    kind, _, number = version.partition("-")
    assert kind == "python"
    assert tuple(map(int, number.split("."))) >= (3, 10)


def test_the_development_container_is_composes() -> None:
    described: dict[str, Any] = json.loads(CONTAINER.joinpath("devcontainer.json").read_text())
    assert described.keys() <= PROPERTIES
    files = [(CONTAINER / name).resolve() for name in described["dockerComposeFile"]]
    assert files == [PROJECT / "compose.yaml", CONTAINER / "compose.yaml"]
    services = compose.read()["services"]
    assert set(described["runServices"]) == services.keys()
    service = services[described["service"]]
    assert service["volumes"] == [f"./:{described['workspaceFolder']}"]
    assert f"/home/{described['remoteUser']}/" in described["workspaceFolder"]
    command = shlex.split(described["postCreateCommand"])
    assert command == ["bash", ".devcontainer/install.sh"]
    for name in described["customizations"]["codespaces"]["openFiles"]:
        assert (PROJECT / name).is_file()


def test_its_change_of_compose_is_the_profile_alone() -> None:
    class Loader(yaml.SafeLoader):
        """Knows the tag with which Compose takes something away."""

    def taken_away(loader: Any, node: Any) -> Any:
        return "reset", loader.construct_sequence(node)

    add: Any = Loader.add_constructor
    add("!reset", taken_away)
    text = CONTAINER.joinpath("compose.yaml").read_text()
    change = yaml.load(text, Loader)
    assert change == {"services": {"notebook": {"profiles": ("reset", [])}}}
    assert "profiles" in compose.read()["services"]["notebook"]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a home of its own, our command, and a pip that only says what it does."""
    home = tmp_path / "home"
    home.mkdir()
    home.joinpath("cache").symlink_to(folders().cache)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(home))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, line in (
        ("pip", f'echo "$@" >> {tmp_path / "pip.txt"}'),
        ("sidecar-magics", f'exec {sys.executable} -m sidecar_magics.cli "$@"'),
    ):
        programs.joinpath(name).write_text(f"#!/bin/bash\n{line}\n")
        programs.joinpath(name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if "MYSQL" not in name}
    return {**kept, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}


def run(script: Path, *words: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [script, *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.server
@pytest.mark.thorough
def test_binder(mysql_process: Server, session: dict[str, str], tmp_path: Path) -> None:
    """The image has the server, a session starts one, and what Binder runs then finds it."""
    del mysql_process  # it has fetched the server
    try:
        run(BINDER / "postBuild", environment=session)
        assert tmp_path.joinpath("pip.txt").read_text() == "install --no-cache-dir .[tutorial]\n"
        assert lifecycle.status().sidecar is None
        said = run(
            BINDER / "start", "sh", "-c", "sidecar-magics wait && echo lab", environment=session
        )
        assert said.endswith("lab\n")
    finally:
        lifecycle.down()


@pytest.mark.server
def test_binder_without_a_server_still_gives_jupyterlab(session: dict[str, str]) -> None:
    session["SIDECAR_MAGICS_HOME"] = "/dev/null/none"
    assert run(BINDER / "start", "echo", "lab", environment=session).endswith("lab\n")


@pytest.mark.server
def test_a_development_container_waits_for_its_server(
    mysql_server: Server, session: dict[str, str], tmp_path: Path
) -> None:
    variables = {"SIDECAR_MYSQL_PORT": mysql_server.port, "MYSQL_PWD": mysql_server.password}
    environment = {**session, **{name: str(value) for name, value in variables.items()}}
    run(CONTAINER / "install.sh", environment=environment)
    assert tmp_path.joinpath("pip.txt").read_text() == "install --quiet .[tutorial]\n"
