"""A Docker engine with Compose 2, started for a test and ended with it.

Debian's own engine, unpacked below a folder; nothing is installed. It has no rules of a firewall:
published ports go through its userland proxy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar_magics.local.packages import fetch
from tests.hub.pods import images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINE = ("docker.io",)
# Only the unstable suite has version 2.
COMPOSE, COMPOSE_SUITE = ("docker-compose",), "unstable"
# What the machine has, or an engine without systemd does not need.
NOT_NEEDED = ("systemd", "perl", "adduser", "init-system-helpers", "dbus", "libc6", "git")
START_S = 60
COMMAND_S = 300  # of each command


class DockerError(Exception):
    """The engine does not start, or a command of its client has failed."""


@dataclass
class Docker:
    """A running engine.

    Parameters
    ----------
    environment : dict of str to str
        With the path to its programs, and where it listens.
    compose_program : Path
        Compose 2, which is a program of its own here.
    """

    environment: dict[str, str]
    compose_program: Path

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of Docker's client."""
        return self._run(("docker", *arguments), {}, check=check)

    def compose(
        self, *arguments: str, variables: dict[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Compose, with these variables in its environment."""
        return self._run((str(self.compose_program), *arguments), variables or {}, check=check)

    def take_image(self, name: str, file: Path) -> None:
        """Take an image from podman, by way of a file."""
        images.save(name, file)
        self.run("load", "--quiet", "--input", str(file))
        file.unlink()

    def _run(
        self, command: tuple[str, ...], variables: dict[str, str], *, check: bool
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**self.environment, **variables},
            timeout=COMMAND_S,
            check=False,
        )
        if check and done.returncode:
            raise DockerError(f"{' '.join(command[:6])}: {done.stderr.strip()[-1500:]}")
        return done


@contextmanager
def docker(folder: Path, *, bridge: bool = False) -> Iterator[Docker]:
    """Yield an engine whose data is below a folder; all that it started ends with it.

    Parameters
    ----------
    folder : Path
        For its data, its programs and its socket.
    bridge : bool
        Whether it has the network that containers get without being asked, as an engine elsewhere
        has; Compose makes one of its own.
    """
    engine = fetch(ENGINE, folder / "engine", without=NOT_NEEDED)
    compose = fetch(COMPOSE, folder / "compose", suite=COMPOSE_SUITE, without=NOT_NEEDED)
    places = [str(engine / each) for each in ("usr/bin", "usr/sbin", "usr/libexec/docker")]
    libraries = sorted({str(path.parent) for path in engine.rglob("lib*.so.*")})
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MYSQL_")},
        "PATH": ":".join([*places, os.environ["PATH"]]),
        "LD_LIBRARY_PATH": ":".join(libraries),
        "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
        "DOCKER_CONFIG": str(folder / "config"),
    }
    server = _start(folder, environment, bridge=bridge)
    try:
        yield Docker(environment, compose / "usr/libexec/docker/cli-plugins/docker-compose")
    finally:
        server.terminate()
        try:
            server.wait(START_S)
        finally:
            server.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _start(folder: Path, environment: dict[str, str], *, bridge: bool) -> subprocess.Popen[bytes]:
    log = folder / "dockerd.log"
    command = [
        "dockerd",
        f"--host={environment['DOCKER_HOST']}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'docker.pid'}",
        *([] if bridge else ["--bridge=none"]),
        "--iptables=false",
        "--ip6tables=false",
    ]
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    deadline_s = time.monotonic() + START_S
    while _fails(environment):
        if server.poll() is not None or time.monotonic() > deadline_s:
            server.kill()
            server.wait(START_S)
            raise DockerError(f"no engine: {log.read_text()[-1500:]}")
        time.sleep(0.3)
    return server


def _fails(environment: dict[str, str]) -> bool:
    try:
        subprocess.run(
            ("docker", "info"), env=environment, capture_output=True, check=True, timeout=START_S
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return True
    return False
