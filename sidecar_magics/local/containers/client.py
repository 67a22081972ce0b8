"""The command line of Docker or podman: each command with a limit, each refusal with a sentence."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...addresses import is_loopback
from .recipe import ALL_LIMITS, Limits
from .refusals import EngineRefusal, explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCKER, PODMAN = "docker", "podman"
NAMES: Mapping[str, str] = {DOCKER: "Docker", PODMAN: "podman"}
# A question to an engine that is well takes a tenth of a second.
QUESTION_S = 15.0
# Creating and starting unpack the image first, podman's first command makes its storage.
COMMAND_S = 120.0
# 250 MB over a slow line; the engine tries again by itself, and reports nothing meanwhile.
PULL_S = 3600.0
# Ports that it publishes are then on another machine.
REMOTE_VARIABLES = {DOCKER: "DOCKER_HOST", PODMAN: "CONTAINER_HOST"}


@dataclass(frozen=True)
class EngineFacts:
    """An engine that answers.

    Parameters
    ----------
    version : str
        Such as ``28.2.2``.
    is_used : bool
        Whether it has images or containers. podman has no daemon: one without any is installed,
        and not used.
    limits : Limits
        The limits that it can keep.
    """

    version: str
    is_used: bool = True
    limits: Limits = ALL_LIMITS


@dataclass(frozen=True)
class Client:
    """Docker's or podman's program.

    Parameters
    ----------
    kind : {"docker", "podman"}
        Its kind; both have the same command lines as far as we use them.
    program : str
        Its path.
    """

    kind: str
    program: str

    @property
    def name(self) -> str:
        """Its name as people write it."""
        return NAMES[self.kind]

    def run(self, *arguments: str, limit_s: float = COMMAND_S, given: bytes | None = None) -> bytes:
        """Run a command to its end, and return its standard output.

        Parameters
        ----------
        *arguments : str
            Never a password: command lines can be read by every account of the machine.
        limit_s : float, default 120
            Seconds until it is killed.
        given : bytes, optional
            Its standard input.

        Raises
        ------
        EngineRefusal
            It failed, or took too long.
        """
        try:
            done = subprocess.run(
                [self.program, *arguments],
                input=b"" if given is None else given,
                capture_output=True,
                check=False,
                timeout=limit_s,
                env=_environment(),
            )
        except subprocess.TimeoutExpired:
            raise EngineRefusal(self.name, arguments[0], "", limit_s) from None
        except OSError as error:
            raise EngineRefusal(self.name, arguments[0], str(error)) from None
        if done.returncode:
            raise EngineRefusal(self.name, arguments[0], done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def ask(self, *arguments: str) -> str:
        """Run a short command, and return its standard output as text.

        Raises
        ------
        EngineRefusal
            As `run`.
        """
        return self.run(*arguments, limit_s=QUESTION_S).decode("utf-8", "replace")

    def lines(self, *arguments: str, limit_s: float | None = None) -> Iterator[str]:
        """Run a command, and yield the lines of both its outputs as they come.

        Parameters
        ----------
        *arguments : str
            Never a password.
        limit_s : float, optional
            Seconds until it is killed. Default: none, for commands that Ctrl-C ends.

        Raises
        ------
        EngineRefusal
            It failed, or took too long.
        """
        try:
            process = subprocess.Popen(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
            )
        except OSError as error:
            raise EngineRefusal(self.name, arguments[0], str(error)) from None
        with _ended(process, limit_s) as is_late:
            last = ""
            for line in _merged(process):
                last = line
                yield line
            if process.wait(QUESTION_S):
                raise EngineRefusal(self.name, arguments[0], last, limit_s if is_late() else None)

    def facts(self) -> EngineFacts:
        """Ask the engine whether it works for this account.

        Raises
        ------
        EngineRefusal
            It does not answer, or not to this account.
        LocalServerError
            It is on another machine.
        """
        self._check_place()
        if self.kind == PODMAN:
            return _podman_facts(json.loads(self.ask("info", "--format=json")))
        return EngineFacts(self.ask("version", "--format={{.Server.Version}}").strip())

    def inspect(self, *names: str) -> list[Any]:
        """Return the engine's description of containers that exist."""
        found: list[Any] = json.loads(self.ask("inspect", "--type=container", *names))
        return found

    def _check_place(self) -> None:
        where = os.environ.get(REMOTE_VARIABLES[self.kind], "")
        if not where and self.kind == DOCKER:
            with contextlib.suppress(EngineRefusal):  # podman that is called docker has no contexts
                where = self.ask(
                    "context", "inspect", "--format={{.Endpoints.docker.Host}}"
                ).strip()
        host = urlsplit(where).hostname if "://" in where else None
        if host and not is_loopback(host):
            raise explained(EngineRefusal(self.name, "version", f"remote engine {host}"))


def installed() -> Iterator[Client]:
    """Yield the clients that are on PATH, Docker's first."""
    for kind in NAMES:
        program = shutil.which(kind)
        if program:
            yield Client(kind, program)


def client_of(kind: str) -> Client | None:
    """Return the client of an engine; None if it is not on PATH."""
    return next((client for client in installed() if client.kind == kind), None)


def _podman_facts(info: Any) -> EngineFacts:
    host, store = info.get("host", {}), info.get("store", {})
    is_rootless = bool(host.get("security", {}).get("rootless"))
    controllers = host.get("cgroupControllers") or ()
    # Without root a container gets the limits that systemd has handed down to this account.
    limits = Limits("memory" in controllers, "cpu" in controllers) if is_rootless else ALL_LIMITS
    if is_rootless and host.get("cgroupVersion") == "v1":
        limits = Limits(memory=False, cpus=False)
    counts = [store.get(part, {}).get("number", 0) for part in ("imageStore", "containerStore")]
    version = str(info.get("version", {}).get("Version", ""))
    return EngineFacts(version, any(counts), limits)


def _environment() -> dict[str, str]:
    """Return the client's environment: in English, as its refusals are read, and in one colour."""
    return {**os.environ, "LC_ALL": "C", "NO_COLOR": "1"}


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes], limit_s: float | None) -> Iterator[Any]:
    """End a process with a block, or after a time."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = None if limit_s is None else threading.Timer(limit_s, end)
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield late.is_set
    finally:
        if timer is not None:
            timer.cancel()
        process.kill()
        process.wait(QUESTION_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _merged(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield the lines of both outputs, each whole: in one pipe, halves of them would meet."""
    both: queue.Queue[bytes | None] = queue.Queue()
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]

    def read(stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed: no more is wanted
            for line in stream:
                both.put(line)
        both.put(None)

    for stream in streams:
        threading.Thread(target=read, args=(stream,), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        line = both.get()
        if line is None:
            open_streams -= 1
        else:
            yield line.decode("utf-8", "replace").rstrip("\r\n")
