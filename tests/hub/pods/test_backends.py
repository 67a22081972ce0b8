"""`sidecar-magics up` with a real Docker engine and a real podman: what docs/at-home.md promises.

The image is the pods' stand-in, under the name that `up` asks for: no registry is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import LocalServerError
from sidecar_magics.local import lifecycle, ports
from sidecar_magics.local.containers import found, recipe
from sidecar_magics.local.containers.backend import backend_of
from sidecar_magics.local.containers.client import client_of
from sidecar_magics.local.process import settings_for
from sidecar_magics.local.state import read_record, read_state
from sidecar_magics.settings import resolve
from tests.fake_engine import EXPECTED, observations
from tests.hub.pods.docker import docker
from tests.hub.pods.images import MYSQL_IMAGE
from tests.hub.pods.podman import ENVIRONMENT
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar_magics.local.containers.client import Client
    from sidecar_magics.local.state import LocalSidecar

LIMIT_S = 120
NASTY = 'it\'s "x" \\ \n é'
PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module", params=["podman", "docker"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A real engine, and the environment that finds it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "podman":
            patch.setenv("CONTAINERS_CONF", ENVIRONMENT["CONTAINERS_CONF"])
            yield _client("podman")
            return
        folder = tmp_path_factory.mktemp("docker")
        with docker(folder, bridge=True) as running:
            running.take_image(MYSQL_IMAGE, folder / "image.tar")
            for name, value in running.environment.items():
                patch.setenv(name, value)
            yield _client("docker")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Client) -> Iterator[Path]:
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    monkeypatch.setattr(ports, "DEFAULT_PORT", quiet_port())
    yield tmp_path
    if read_record() is not None:
        lifecycle.down()
    for name in (found.own_name(), found.SPYGLASS_NAME):
        subprocess.run(
            [engine.program, "rm", "--force", "--volumes", name], check=False, timeout=LIMIT_S
        )
        subprocess.run(
            [engine.program, "volume", "rm", name], check=False, timeout=LIMIT_S
        )  # fmt: skip


@pytest.fixture
def up(engine: Client) -> Any:
    return partial(lifecycle.up, backend=engine.kind)


def query(sidecar: LocalSidecar, sql: str) -> Any:
    with connect_now(settings_for(sidecar.port, sidecar.password)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
        connection.commit()
    return rows


def test_the_fake_is_like_the_real_one(engine: Client) -> None:
    assert observations(engine, MYSQL_IMAGE) == EXPECTED


def test_a_day_at_home(up: Any, engine: Client) -> None:
    """Up, found, another password, stopped, up with its data, gone when that is asked for."""
    lines: list[str] = []
    first = up(progress=lines.append)
    assert (first.port, first.backend, first.is_ours, first.started) == (
        ports.DEFAULT_PORT, engine.kind, True, True,
    )  # fmt: skip
    assert first.password not in "".join(lines)
    assert first == read_state()
    found_by_a_notebook = resolve(environ={}, option_file=Path("none"))
    assert found_by_a_notebook.port == first.port
    assert found_by_a_notebook.password.reveal() == first.password
    query(first, "CREATE SCHEMA kept")
    status = lifecycle.status()
    assert (status.is_running, status.place) == (
        True, f"the volume {found.own_name()} of {engine.kind}",
    )  # fmt: skip
    assert status.size_bytes is not None
    assert status.size_bytes > 50e6
    assert "ready for connections" in "\n".join(lifecycle.logs())
    again = up()
    assert (again == first, again.started) == (True, False)

    assert lifecycle.down() == first
    assert read_state() is None
    assert "remain in the volume" in str(lifecycle.status())
    second = up(password=NASTY)
    assert query(second, "SHOW SCHEMAS LIKE 'kept'")
    lifecycle.down()
    third = up()
    assert third.password == NASTY
    assert lifecycle.delete_data() == third
    assert found.own_container(engine) is None
    fourth = up()
    assert not query(fourth, "SHOW SCHEMAS LIKE 'kept'")


def test_it_is_the_container_of_compose(up: Any, engine: Client) -> None:
    sidecar = up()
    (described,) = engine.inspect(found.own_name())
    text = json.dumps(described)
    assert sidecar.password not in text
    assert described["HostConfig"]["Memory"] == 2 * 1024**3
    assert described["HostConfig"]["NanoCpus"] == 10**9
    assert described["Config"]["User"] == "999:999"
    rights = engine.ask("exec", found.own_name(), "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in rights
    assert "NoNewPrivs:\t1" in rights
    variables = dict(query(sidecar, "SHOW VARIABLES"))
    assert variables["max_connections"] == "60"
    assert variables["log_bin"] == "OFF"


def test_the_password_is_in_no_process_list(up: Any, engine: Client) -> None:
    """Asked for while everything runs: neither the engine's clients nor the server's show it."""
    import psutil

    seen: list[str] = []

    def look(_: str) -> None:
        for process in psutil.process_iter(["cmdline"]):
            seen.extend(process.info["cmdline"] or [])

    sidecar = up(password="a-secret-of-this-test", progress=look)
    look("")
    assert "a-secret-of-this-test" not in "\n".join(seen)
    assert sidecar.password == "a-secret-of-this-test"
    shown = engine.ask("logs", found.own_name())
    assert sidecar.password not in shown


def test_another_port_keeps_the_data(up: Any) -> None:
    first = up()
    query(first, "CREATE SCHEMA kept")
    lifecycle.down()
    port = quiet_port()
    second = up(port=port)
    assert (second.port, second.password) == (port, first.password)
    assert query(second, "SHOW SCHEMAS LIKE 'kept'")


def test_a_lost_record_is_made_again(up: Any, home: Path) -> None:
    first = up()
    (home / "state" / "sidecar.json").unlink()
    second = up()
    assert (second.port, second.password) == (first.port, first.password)
    lifecycle.down()
    (home / "state" / "sidecar.json").unlink()
    third = up()
    assert third.password == first.password


def test_started_again_by_the_engine_it_is_still_found(up: Any, engine: Client) -> None:
    sidecar = up()
    engine.run("restart", found.own_name())
    assert read_state() == sidecar
    assert resolve(environ={}, option_file=Path("none")).port == sidecar.port


def test_ephemeral_leaves_nothing(up: Any, engine: Client) -> None:
    volumes = engine.ask("volume", "ls", "--quiet")
    sidecar = up(ephemeral=True)
    lifecycle.down()
    assert found.named(engine, sidecar.container.name) is None
    assert engine.ask("volume", "ls", "--quiet") == volumes
    assert read_record() is None


def test_a_port_that_a_container_has_is_said(up: Any, engine: Client) -> None:
    _spyglass(engine, ports.DEFAULT_PORT, "not-the-tutorials")
    lines: list[str] = []
    sidecar = up(progress=lines.append, ephemeral=True)
    assert ports.DEFAULT_PORT < sidecar.port <= ports.DEFAULT_PORT + 50
    assert (
        f"Port {ports.DEFAULT_PORT} is taken by the container {found.SPYGLASS_NAME} of "
        f"{engine.name}; using port {sidecar.port}." in lines
    )


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_spyglass_own_container_is_used(up: Any, engine: Client, is_running: bool) -> None:
    port = quiet_port()
    _spyglass(engine, port, "simple", is_running=is_running)
    sidecar = up()
    assert (sidecar.port, sidecar.password, sidecar.is_ours) == (port, "simple", not is_running)
    assert query(sidecar, "SELECT 1") == ((1,),)
    assert found.own_container(engine) is None
    with pytest.raises(LocalServerError, match="was not made by `up`"):
        lifecycle.delete_data()
    lifecycle.down()
    now = found.named(engine, found.SPYGLASS_NAME)
    assert now is not None
    assert now.is_running == is_running


def test_a_container_that_cannot_start_is_told_with_its_log(
    up: Any, engine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "COMMAND", (*recipe.COMMAND, "--no-such-option-at-all"))
    with pytest.raises(LocalServerError, match="ended while it was starting") as caught:
        up()
    assert any("no-such-option-at-all" in line for line in caught.value.details)
    assert found.own_container(engine) is None
    volumes = engine.ask("volume", "ls", "--quiet").split()
    assert found.own_name() not in volumes


def test_auto_takes_the_engine_that_runs(engine: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one engine on PATH alone, as a laptop has."""
    other = {"docker": "podman", "podman": "docker"}[engine.kind]
    clients = [each for each in (client_of(engine.kind),) if each is not None]
    monkeypatch.setattr("sidecar_magics.local.backends.installed", lambda: iter(clients))
    sidecar = lifecycle.up()
    assert sidecar.backend == engine.kind != other
    lifecycle.down()
    monkeypatch.setattr("sidecar_magics.local.backends.installed", lambda: iter(()))
    assert lifecycle.up().backend == engine.kind, "where the data are"


def test_by_the_command(engine: Client, home: Path) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sidecar_magics.cli", *words],
            capture_output=True, text=True, timeout=LIMIT_S, check=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout

    port = quiet_port()
    run("up", "--backend", engine.kind, "--port", str(port))
    known = json.loads(run("status", "--json"))
    assert (known["backend"], known["port"], known["running"]) == (engine.kind, port, True)
    assert "ready for connections" in run("logs", "--lines", "20")
    run("down", "--delete-data", "--yes")
    assert json.loads(run("status", "--json"))["backend"] is None


def _client(kind: str) -> Client:
    client = client_of(kind)
    assert client is not None
    backend_of(kind)
    return client


def _spyglass(engine: Client, port: int, password: str, *, is_running: bool = True) -> None:
    """Start a container as Spyglass's users do, and wait for its server."""
    engine.run(
        *("run", "--detach", f"--name={found.SPYGLASS_NAME}"),
        *(f"--publish=127.0.0.1:{port}:3306", f"--env=MYSQL_ROOT_PASSWORD={password}"),
        *(f"--volume={found.SPYGLASS_NAME}:/var/lib/mysql", MYSQL_IMAGE),
    )
    from sidecar_magics.wait import wait

    wait(settings_for(port, password), timeout_s=LIMIT_S, access_grace_s=LIMIT_S)
    if not is_running:
        engine.run("stop", "--time=1", found.SPYGLASS_NAME)
