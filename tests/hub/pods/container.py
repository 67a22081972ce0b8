"""One container of a pod, on podman: how it is started, asked, restarted and stopped."""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.background import LIMIT_S
from tests.hub.admission import amount
from tests.hub.pods.podman import Result, podman, run

if TYPE_CHECKING:
    from tests.hub.apiserver import Manifest
    from tests.hub.pods.volumes import Volumes

REFERENCE = re.compile(r"\$\((\w+)\)")
# A start of `podman exec` takes longer than a kubelet's.
EXEC_S = 2.0
# What a container gets after its preStop hook has used the grace period up.
LEAST_GRACE_S = 2.0
# After the first restart, which is at once: ten seconds, and each time twice as long.
BACKOFF_S, LONGEST_BACKOFF_S = 10.0, 300.0


@dataclass
class Probing:
    """How far the probes of one kind are."""

    last_s: float = 0.0
    failures: int = 0


@dataclass(frozen=True)
class State:
    """What podman says of a container."""

    status: str
    exit_code: int
    killed_for_memory: bool

    @property
    def has_ended(self) -> bool:
        return self.status in ("exited", "stopped")


@dataclass
class Container:
    """A container of a pod.

    Attributes
    ----------
    name : str
        podman's name of it.
    restarts : int
        How often it was started again.
    ends : list of State
        How it ended, each time.
    last_words : str
        Its log, when it was stopped.
    """

    spec: Manifest
    pod: Manifest
    volumes: Volumes
    address: str
    is_initial: bool
    restarts: int = 0
    is_started: bool = False
    is_ready: bool = False
    ends: list[State] = field(default_factory=list)
    last_words: str = ""
    _since_s: float = 0.0
    _probes: dict[str, Probing] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.pod['metadata']['name']}.{self.spec['name']}"

    @property
    def is_sidecar(self) -> bool:
        """Whether it is a native sidecar."""
        return self.is_initial and self.spec.get("restartPolicy") == "Always"

    async def start(self) -> None:
        """Make the container anew and start it: nothing stays but its volumes."""
        await podman("rm", "--force", "--time", "0", self.name, check=False)
        await podman(*self._creation())
        self._since_s = time.monotonic()
        self._probes = {}
        self.is_ready = False
        self.is_started = "startupProbe" not in self.spec
        await podman("start", self.name)

    async def state(self) -> State:
        """Return what podman says of it."""
        line = "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"
        found = await podman("inspect", "--format", line, self.name, check=False)
        if found.status:
            return State("absent", 0, False)
        status, code, killed = found.output.split()
        return State(status, int(code), killed == "true")

    async def execute(self, *command: str, timeout_s: float = LIMIT_S) -> Result:
        """Run a command in it, whatever it ends with."""
        return await podman("exec", self.name, *command, check=False, timeout_s=timeout_s)

    async def log(self) -> str:
        """Return what it has said since it was last started."""
        found = await podman("logs", self.name, check=False)
        return found.output + found.errors

    async def end(self) -> int:
        """Wait until it has ended by itself, and return its status."""
        found = await podman("wait", self.name, timeout_s=300)
        return int(found.output.split()[-1])

    async def kill(self) -> None:
        """Kill its first process, as `kill -9` does."""
        await podman("kill", "--signal=KILL", self.name)

    async def stop(self, grace_s: float) -> State:
        """Stop it; what does not end within the grace period is killed."""
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        if hook and grace_s:
            began_s = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await self.execute(*hook["exec"]["command"], timeout_s=grace_s)
            grace_s = max(LEAST_GRACE_S, grace_s - (time.monotonic() - began_s))
        seconds = str(math.ceil(grace_s))
        await podman("stop", "--time", seconds, self.name, check=False, timeout_s=grace_s + 60)
        self.last_words = await self.log()
        self.ends.append(await self.state())
        self.is_ready = self.is_started = False
        return self.ends[-1]

    async def tend(self) -> None:
        """Do once what a kubelet does all the time: probe, and start again what has ended."""
        state = await self.state()
        if state.has_ended:
            await self._restart(state)
        elif not self.is_started:
            # Nothing else is probed until the startup probe has succeeded.
            self.is_started = await self._probe("startupProbe") is True
            if self._has_failed("startupProbe"):
                await podman("kill", self.name, check=False)
        else:
            await self._probe("livenessProbe")
            if self._has_failed("livenessProbe"):
                await podman("stop", "--time", "30", self.name, check=False)
            answer = await self._probe("readinessProbe")
            if "readinessProbe" not in self.spec or answer:
                self.is_ready = True
            elif self._has_failed("readinessProbe"):
                self.is_ready = False

    async def _restart(self, state: State) -> None:
        if len(self.ends) <= self.restarts:  # not noted yet
            self.ends.append(state)
        self.is_ready = self.is_started = False
        policy = "Always" if self.is_sidecar else self.pod["spec"]["restartPolicy"]
        if policy == "Never" or (policy == "OnFailure" and state.exit_code == 0):
            return
        wait_s = min(LONGEST_BACKOFF_S, BACKOFF_S * 2 ** (self.restarts - 1))
        if self.restarts == 0 or time.monotonic() - self._since_s > wait_s:
            self.restarts += 1
            await self.start()

    async def _probe(self, kind: str) -> bool | None:
        """Return what a probe says, None if there is none or it is not its time."""
        probe = self.spec.get(kind)
        if not probe:
            return None
        now_s, progress = time.monotonic(), self._probes.setdefault(kind, Probing())
        if now_s < self._since_s + probe.get("initialDelaySeconds", 0):
            return None
        if now_s < progress.last_s + probe.get("periodSeconds", 10):
            return None
        progress.last_s = now_s
        succeeded = await self._ask(probe)
        progress.failures = 0 if succeeded else progress.failures + 1
        return succeeded

    def _has_failed(self, kind: str) -> bool:
        if kind not in self.spec or kind not in self._probes:
            return False
        return self._probes[kind].failures >= int(self.spec[kind].get("failureThreshold", 3))

    async def _ask(self, probe: Manifest) -> bool:
        timeout_s = probe.get("timeoutSeconds", 1) + EXEC_S
        try:
            if "exec" in probe:
                done = await self.execute(*probe["exec"]["command"], timeout_s=timeout_s)
            else:
                # To the pod's address, never to its 127.0.0.1.
                port = str((probe.get("tcpSocket") or probe["httpGet"])["port"])
                script = f"exec 3<>/dev/tcp/{self.address}/{port}"
                done = await run("bash", "-c", script, check=False, timeout_s=timeout_s)
        except TimeoutError:
            return False
        return done.status == 0

    def _creation(self) -> list[str]:
        """Return podman's arguments that make the container."""
        spec = self.spec
        environment = self._environment()
        arguments = ["create", "--pod", self.pod["metadata"]["name"], "--name", self.name]
        arguments += ["--pull=never", "--restart=no", *self._rights(), *self._limits()]
        for name, value in environment.items():
            arguments += ["--env", f"{name}={value}"]
        for mount in spec.get("volumeMounts") or []:
            source = self.volumes.source(mount)
            mode = ":ro" if mount.get("readOnly") else ""
            arguments += ["--volume", f"{source}:{mount['mountPath']}{mode}"]
        if spec.get("command"):
            command = [_expanded(part, environment) for part in spec["command"]]
            arguments += ["--entrypoint", json.dumps(command)]
        parts = [_expanded(part, environment) for part in spec.get("args") or []]
        return [*arguments, spec["image"], *parts]

    def _environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for item in self.spec.get("env") or []:
            found[item["name"]] = _expanded(str(item.get("value", "")), found)
        return found

    def _rights(self) -> list[str]:
        pods: dict[str, Any] = self.pod["spec"].get("securityContext") or {}
        own: dict[str, Any] = {**pods, **(self.spec.get("securityContext") or {})}
        arguments = []
        if own.get("runAsUser") is not None:
            group = own.get("runAsGroup")
            user = str(own["runAsUser"]) if group is None else f"{own['runAsUser']}:{group}"
            arguments += ["--user", user]
        if pods.get("fsGroup") is not None:
            arguments += ["--group-add", str(pods["fsGroup"])]
        if own.get("allowPrivilegeEscalation") is False:
            arguments += ["--security-opt", "no-new-privileges"]
        if own.get("readOnlyRootFilesystem"):
            arguments += ["--read-only", "--read-only-tmpfs=false"]
        if own.get("privileged"):
            arguments += ["--privileged"]
        for way in ("drop", "add"):
            for capability in (own.get("capabilities") or {}).get(way, []):
                arguments += [f"--cap-{way}", capability]
        return arguments

    def _limits(self) -> list[str]:
        limits = (self.spec.get("resources") or {}).get("limits") or {}
        arguments = []
        if "memory" in limits:
            size = str(int(amount(limits["memory"])))
            arguments += ["--memory", size, "--memory-swap", size]
        if "cpu" in limits:
            arguments += ["--cpus", str(amount(limits["cpu"]))]
        return arguments


def _expanded(text: str, environment: dict[str, str]) -> str:
    return REFERENCE.sub(lambda match: environment.get(match[1], match[0]), text)
