"""podman's command line, from asyncio; and getting it, on a Debian that does not have it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = ("podman", "runc", "catatonit", "iproute2")
ENVIRONMENT = {**os.environ, "CONTAINERS_CONF": str(Path(__file__).with_name("containers.conf"))}
TIMEOUT_S = 600
# The same outside of asyncio: packages are installed there, and images built.
CALL_S = 1800
# Where conmon, below `podman exec`, leaves a file named oom when a container had too little memory.
FOLDER = Path(__file__).resolve().parents[3] / ".cache"


class PodmanError(Exception):
    """A command of podman, or of the network, has failed."""


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    status: int
    output: str
    errors: str


async def run(*command: str, check: bool = True, timeout_s: float = TIMEOUT_S) -> Result:
    """Run a command to its end.

    Raises
    ------
    PodmanError
        It failed, and `check` is true.
    TimeoutError
        It took longer than `timeout_s`, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=FOLDER,
    )
    talk = asyncio.ensure_future(process.communicate())
    try:
        # Not wait_for: before Python 3.12 it forgets that it was cancelled where the command ends
        # at the same moment, and a kubelet whose task cannot be cancelled keeps its pod for ever.
        done, _ = await asyncio.wait({talk}, timeout=timeout_s)
    except asyncio.CancelledError:
        await talk  # half a command would leave half a container
        raise
    if not done:
        process.kill()
        await talk
        raise TimeoutError(f"{' '.join(command[:4])} took more than {timeout_s} s")
    output, errors = await talk
    result = Result(process.returncode or 0, output.decode(), errors.decode())
    if check and result.status:
        raise PodmanError(f"{' '.join(command[:5])}: {result.errors.strip()[-800:]}")
    return result


async def podman(*arguments: str, check: bool = True, timeout_s: float = TIMEOUT_S) -> Result:
    """Run a command of podman; see `run`."""
    return await run("podman", *arguments, check=check, timeout_s=timeout_s)


def call(*command: str) -> str:
    """Run a command outside of asyncio, and return its output.

    Raises
    ------
    PodmanError
        It failed.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=CALL_S
    )
    if done.returncode:
        raise PodmanError(f"{' '.join(command[:5])}: {done.stderr.strip()[-800:]}")
    return done.stdout


def install() -> None:
    """Install podman and what it needs, where they are missing."""
    FOLDER.mkdir(exist_ok=True)
    install_packages(PACKAGES, ("podman", "runc", "catatonit", "ip"))


def install_packages(packages: Sequence[str], programs: Sequence[str]) -> None:
    """Install packages of the distribution, if one of their programs is missing.

    Raises
    ------
    PodmanError
        It has failed, or only root could.
    """
    if all(shutil.which(program) for program in programs):
        return
    if os.geteuid() != 0:
        raise PodmanError(f"only root can install {', '.join(packages)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    call("apt-get", "update", "-q")
    call("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)
