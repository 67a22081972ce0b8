"""What runs in a cluster's namespaces; ``python -m tests.hub.kubernetes.node FOLDER`` starts it.

`cluster.py` makes the namespaces; all ends with their first process. The API server listens on
their own 127.0.0.1, and connections to the machine's own are handed on to it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.hub.kubernetes.client import KubernetesUser
from tests.hub.kubernetes.layout import (
    ADDRESS,
    API_PORT,
    BRIDGE,
    NODE,
    PEER_PORT,
    SOCKET,
    STORE_PORT,
    Layout,
)
from tests.hub.kubernetes.server import server_options, store_options, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND_S = 300
START_S = 60.0
# What a kubelet wants of the kernel, which is the machine's: it sees files of ours instead.
KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
CHUNK_BYTES = 65536


def main(folder: str) -> None:
    layout = Layout.read(folder)
    _furnish(layout)
    _start(layout)
    asyncio.run(_hand_on(socket.socket(fileno=layout.listener)))


def _furnish(layout: Layout) -> None:
    """Make the network, and hide those parts of the machine's file system that are written to."""
    socket.sethostname(NODE)
    for command in (
        "mount --make-rshared /",
        "ip link set lo up",
        f"ip link add {BRIDGE} type bridge",
        f"ip address add {ADDRESS}/24 dev {BRIDGE}",
        f"ip link set {BRIDGE} up",
        f"ip route add default dev {BRIDGE}",
        "mount -t tmpfs tmpfs /run",
        f"mount --bind {layout.path('log')} /var/log",
        # The CNI plugins keep notes there.
        f"mount -t overlay -o lowerdir=/var/lib,{_above(layout)} overlay /var/lib",
    ):
        _run(command.split())
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")  # of this network only
    Path("/run/containerd").mkdir()
    for name, value in KERNEL.items():
        shown = layout.path(name.replace("/", "."))
        shown.write_text(f"{value}\n")
        _run(["mount", "--bind", str(shown), f"/proc/sys/{name}"])


def _above(layout: Layout) -> str:
    return f"upperdir={layout.path('upper')},workdir={layout.path('work')}"


def _start(layout: Layout) -> None:
    """Start all programs, each when those that it needs are there."""
    folder, programs, runtime = Path(layout.folder), layout.kubernetes, layout.runtime
    own = f"http://127.0.0.1:{STORE_PORT}"
    etcd = _program(
        layout, layout.etcd, *store_options(folder, own, f"http://127.0.0.1:{PEER_PORT}")
    )
    server = _program(
        layout,
        f"{programs}/kube-apiserver",
        *server_options(folder, own),
        f"--secure-port={API_PORT}",
        f"--advertise-address={ADDRESS}",
        "--kubelet-preferred-address-types=InternalIP",
    )
    containerd = _program(
        layout, f"{runtime}/usr/bin/containerd", f"--config={folder / 'containerd.toml'}"
    )
    token = (folder / "tokens").read_text().partition(",")[0]
    admin = KubernetesUser(f"https://127.0.0.1:{API_PORT}", token, folder / "apiserver.crt")
    wait_until_ready(admin, {"etcd": etcd, "kube-apiserver": server}, folder / "log")
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(_as_yaml(admin))
    _program(
        layout,
        f"{programs}/kube-controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        "--leader-elect=false",
        "--node-monitor-period=2s",
    )
    _program(
        layout,
        f"{programs}/kube-scheduler",
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
    )
    _import_images(layout, containerd)
    _program(
        layout,
        f"{programs}/kubelet",
        f"--config={folder / 'kubelet.json'}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={folder / 'kubelet'}",
        f"--hostname-override={NODE}",
        f"--node-ip={ADDRESS}",
        "--container-runtime=remote",
        f"--container-runtime-endpoint=unix://{SOCKET}",
        "--v=2",
    )


def _import_images(layout: Layout, containerd: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_S
    while not Path(SOCKET).exists():
        if containerd.poll() is not None or time.monotonic() > deadline_s:
            sys.exit("containerd does not start")
        time.sleep(0.1)
    ctr = (f"{layout.runtime}/usr/bin/ctr", "--namespace=k8s.io")
    _program(layout, *ctr, "events")  # its log tells how each container ended
    for image in sorted(layout.path("images").glob("*.tar")):
        _run([*ctr, "images", "import", str(image)])
        image.unlink()


def _program(layout: Layout, path: str, *options: str) -> subprocess.Popen[bytes]:
    name = Path(path).name
    with layout.path(f"log/{name}.log").open("wb") as log:
        return subprocess.Popen(
            [path, *options], stdout=log, stderr=log, env=_environment(layout.runtime)
        )


def _environment(runtime: str) -> dict[str, str]:
    (library,) = Path(runtime, "usr/lib").glob("*/libseccomp.so.2")
    own = f"{runtime}/usr/sbin:{runtime}/usr/bin"
    return {
        **os.environ,
        "PATH": f"{own}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(library.parent),
        "GOMAXPROCS": "2",
    }


def _as_yaml(user: KubernetesUser) -> str:
    text: str = yaml.safe_dump(user.kubeconfig())
    return text


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


async def _hand_on(listener: socket.socket) -> None:
    """Hand connections to a socket in the machine's own network on to the API server, for ever."""
    server = await asyncio.start_server(_connect, sock=listener)
    async with server:
        await server.serve_forever()


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    there = await asyncio.open_connection("127.0.0.1", API_PORT)
    await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has gone
    finally:
        writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
