"""compose.yaml with a real Docker engine and Compose 2: what its first lines promise.

The images are the pods': stand-ins, since no registry is asked. The notebook's has no JupyterLab,
so its command is another here, and everything else is as in the file.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

from sidecar_magics import mysql_wait
from sidecar_magics.connection import connect_now
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import until
from tests.hub.chart import IMAGE
from tests.hub.compose import ROOT
from tests.hub.pods.asking import FAREWELL, NOTEBOOK
from tests.hub.pods.docker import Docker, docker
from tests.hub.pods.images import MYSQL_IMAGE
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAND_IN = {"services": {"notebook": {"image": IMAGE, "command": ["sleep", "infinity"]}}}
PASSWORD = "of this test"
RESTART_S = 60


class Project:
    """compose.yaml as a project of its own, with ports and a password of its own."""

    def __init__(self, engine: Docker, folder: Path) -> None:
        self._engine = engine
        self._change = folder / "stand-in.yaml"
        self._change.write_text(yaml.safe_dump(STAND_IN))
        self.settings = ConnectionSettings(
            "127.0.0.1", quiet_port(), "root", Secret(PASSWORD), tls="preferred"
        )
        self._variables = {
            "MYSQL_PORT": str(self.settings.port),
            "MYSQL_PASSWORD": PASSWORD,
            "NOTEBOOK_PORT": str(quiet_port()),
        }

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run a command of Compose on it, and return what it printed."""
        files = ("--file", str(ROOT / "compose.yaml"), "--file", str(self._change))
        done = self._engine.compose(
            *("--project-name", "sidecar-magics-test", *files),
            *arguments,
            variables=self._variables,
            check=check,
        )
        return done.stdout

    def query(self, sql: str) -> tuple[tuple[object, ...], ...]:
        """Send a statement to the published port."""
        with connect_now(self.settings) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return tuple(cursor.fetchall())

    def wait_for_restart(self) -> None:
        """Wait until MySQL has been started again, and answers."""
        until(lambda: self.inspect("{{.RestartCount}}") != "0", limit_s=RESTART_S)
        mysql_wait(self.settings, timeout_s=RESTART_S)

    def inspect(self, template: str) -> str:
        """Return what the engine tells of MySQL's container."""
        name = self("ps", "--all", "--quiet", "mysql").strip()
        return self._engine.run("inspect", "--format", template, name).stdout.strip()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    folder = tmp_path_factory.mktemp("docker")
    with docker(folder) as running:
        for image in (MYSQL_IMAGE, IMAGE):
            running.take_image(image, folder / "image.tar")
        yield running


@pytest.fixture
def project(engine: Docker, tmp_path: Path) -> Iterator[Project]:
    project = Project(engine, tmp_path)
    yield project
    project("--profile", "notebook", "down", "--volumes", "--timeout", "0", check=False)


def test_a_laptops_day(project: Project) -> None:
    """Up, restarted by itself, down and up again with its data, and gone when that is asked for."""
    project("up", "--detach", "--wait", "mysql")
    assert project.query("SELECT 1") == ((1,),), "as soon as `up --wait` returns"
    project.query("CREATE SCHEMA mine")
    for address in _own_addresses():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, project.settings.port), 3).close()
    project.query("SHUTDOWN")
    project.wait_for_restart()
    assert project.query("SHOW SCHEMAS LIKE 'mine'")
    project("stop", "mysql")
    assert project.inspect("{{.State.ExitCode}}") == "0"
    assert FAREWELL in project("logs", "mysql")
    project("down")
    project("up", "--detach", "--wait", "mysql")
    assert project.query("SHOW SCHEMAS LIKE 'mine'")
    project("down", "--volumes")
    project("up", "--detach", "--wait", "mysql")
    assert not project.query("SHOW SCHEMAS LIKE 'mine'")


def test_a_development_container_has_the_notebook_without_a_profile(
    engine: Docker, project: Project
) -> None:
    """Editors ask Compose for its services without a profile; `.devcontainer` takes it away."""
    assert project("config", "--services").split() == ["mysql"]
    files = [ROOT / "compose.yaml", ROOT / ".devcontainer" / "compose.yaml"]
    options = [part for file in files for part in ("--file", str(file))]
    services = engine.compose(*options, "config", "--services").stdout.split()
    assert sorted(services) == ["mysql", "notebook"]


def test_the_notebook_is_in_mysqls_network(project: Project) -> None:
    """The quick-start notebook runs as in a pod, without being told a port or a password."""
    project("--profile", "notebook", "up", "--detach", "--wait")
    project("exec", "--no-TTY", "notebook", "bash", "-c", NOTEBOOK)
    assert project.query("SHOW SCHEMAS LIKE 'common_session'")


def _own_addresses() -> list[str]:
    return [
        each.address
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    ]
