"""A Kubernetes of one node in namespaces of its own: nothing outside of them sees it, or changes.

Etcd, API server, controllers, scheduler, containerd and kubelet; all end with the first process of
the namespaces. The API server is reached at an address of 127.0.0.1.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.background import LIMIT_S, running, until
from tests.hub.kubernetes.build import programs
from tests.hub.kubernetes.cgroups import own_cgroup
from tests.hub.kubernetes.client import ApiRefusal, KubernetesUser
from tests.hub.kubernetes.images import save_images
from tests.hub.kubernetes.layout import NODE, Layout
from tests.hub.kubernetes.programs import etcd, runtime
from tests.hub.kubernetes.release import HUB, rights, volumes
from tests.hub.kubernetes.server import ADMIN, KubernetesError, RealApi, write_accounts
from tests.hub.spawning import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")
START_S = 600.0
EXIT = re.compile(r"^.* /tasks/exit (\{.*\})$", re.MULTILINE)
COUNT_OF_VOLUMES = 10


@dataclass(frozen=True)
class RealCluster:
    """A running cluster.

    Parameters
    ----------
    api : RealApi
        Its API.
    layout : Layout
        Where its parts are.
    first : int
        Number of the first process of its namespaces.
    """

    api: RealApi
    layout: Layout
    first: int

    def inside(self, *command: str) -> list[str]:
        """Return a command that runs another one in the cluster's namespaces."""
        return ["nsenter", "--target", str(self.first), *SPACES, "--", *command]

    def exit_codes(self) -> dict[str, int]:
        """Return how each container ended, by its id, as containerd says."""
        log = self.layout.path("log/ctr.log").read_text()
        found = [json.loads(text) for text in EXIT.findall(log)]
        # What ran in a container beside its own program has an id of its own; 0 is left out.
        own = [each for each in found if each["id"] == each["container_id"]]
        return {each["id"]: each.get("exit_status", 0) for each in own}

    def ctr(self, *arguments: str) -> list[str]:
        """Return a command that asks containerd, past the kubelet."""
        return self.inside(f"{self.layout.runtime}/usr/bin/ctr", "--namespace=k8s.io", *arguments)


@contextmanager
def real_cluster(folder: Path) -> Iterator[RealCluster]:
    """Yield a cluster whose node is ready for a hub's pods; all that it writes is in a folder.

    Raises
    ------
    KubernetesError
        A part of it does not start.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        layout = Layout(
            folder=str(folder),
            kubernetes=str(programs()),
            runtime=str(runtime()),
            etcd=str(etcd()),
            cgroup=stack.enter_context(own_cgroup()),
            listener=listener.fileno(),
        )
        layout.write()
        tokens = {name: secrets.token_hex(16) for name in (ADMIN, HUB)}
        write_accounts(folder, tokens)
        save_images(layout.path("images"))
        # Of what a run leaves, pytest keeps the rest for a while: not these gigabytes.
        for name in ("containerd", "kubelet"):
            stack.callback(shutil.rmtree, layout.path(name), ignore_errors=True)
        process = stack.enter_context(_namespaces(layout))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        admin, hub = (
            KubernetesUser(url, token, folder / "apiserver.crt") for token in tokens.values()
        )
        _wait_for_node(admin, process, layout)
        for item in (*rights(), *volumes(layout.path("volumes"), NODE, COUNT_OF_VOLUMES)):
            admin.create(item)
        until(lambda: _has_account(admin))
        (first,) = psutil.Process(process.pid).children()
        yield RealCluster(RealApi(admin, hub), layout, first.pid)


@contextmanager
def _namespaces(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    """Run the node in namespaces of its own while a block runs."""
    # Its first process only looks after the others; those whose parent has ended become its own.
    init = f"{layout.runtime}/usr/bin/catatonit"
    node = (sys.executable, "-m", "tests.hub.kubernetes.node", layout.folder)
    command = ["unshare", *SPACES, "--fork", "--kill-child", "--mount-proc", init, "--", *node]
    with layout.path("log/node.log").open("wb") as log:
        options = {"stdout": log, "stderr": log, "cwd": ROOT, "pass_fds": (layout.listener,)}
        with running(command, **options) as process:
            try:
                yield process
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the first process of the namespaces, and wait until it and all others are gone."""
    children = psutil.Process(process.pid).children() if process.poll() is None else []
    for child in children:
        child.kill()
    _, alive = psutil.wait_procs(children, LIMIT_S)
    assert not alive, f"still there: {alive}"


def _wait_for_node(admin: KubernetesUser, process: subprocess.Popen[bytes], layout: Layout) -> None:
    deadline_s = time.monotonic() + START_S
    while not _is_ready(admin):
        if process.poll() is not None or time.monotonic() > deadline_s:
            words = {path.stem: path.read_text(errors="replace") for path in _logs(layout)}
            last = "\n".join(f"{name}: {text[-600:]}" for name, text in words.items())
            raise KubernetesError(f"the node does not start. {last}")
        time.sleep(0.3)


def _logs(layout: Layout) -> list[Path]:
    return sorted(layout.path("log").glob("*.log"))


def _is_ready(admin: KubernetesUser) -> bool:
    try:
        conditions = admin.get("Node", NODE)["status"]["conditions"]
    except (OSError, ApiRefusal, ValueError):  # not started yet, or no node yet
        return False
    return ("Ready", "True") in {(each["type"], each["status"]) for each in conditions}


def _has_account(admin: KubernetesUser) -> bool:
    """Return whether a controller has made the account that pods run under."""
    names = {each["metadata"]["name"] for each in admin.list("ServiceAccount", NAMESPACE)}
    return "default" in names
