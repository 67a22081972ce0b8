"""Kubernetes' API server with etcd, and nothing else: it takes or refuses objects, and runs none.

Neither root nor a namespace is needed, and it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import secrets
import time
import urllib.error
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.background import running
from tests.hub.kubernetes.build import API_SERVER, programs
from tests.hub.kubernetes.client import ApiRefusal, KubernetesUser
from tests.hub.kubernetes.programs import etcd
from tests.hub.kubernetes.release import HUB, rights
from tests.ports import quiet_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

START_S = 120.0
LOOK_EVERY_S = 0.1
ADMIN = "admin"
# An API server wants an address to be found at, which is no loopback one; nothing is sent to this
# one, which is for documentation (RFC 5737).
NOWHERE = "192.0.2.1"
SERVICES = "10.96.0.0/24"


class KubernetesError(Exception):
    """A part of Kubernetes does not start, or has ended."""


@dataclass(frozen=True)
class RealApi:
    """A running API server, and two users of it.

    Parameters
    ----------
    admin : KubernetesUser
        May do everything.
    hub : KubernetesUser
        Has the rights that z2jh gives a hub.
    """

    admin: KubernetesUser
    hub: KubernetesUser


@contextmanager
def api_server(folder: Path, *options: str) -> Iterator[RealApi]:
    """Yield an API server, whose data is in a folder, with the namespace and the rights of a hub.

    Parameters
    ----------
    *options : str
        Of its command line, besides ours.

    Raises
    ------
    KubernetesError
        It does not start.
    """
    tokens = {name: secrets.token_hex(16) for name in (ADMIN, HUB)}
    write_accounts(folder, tokens)
    store, peers, port = quiet_port(), quiet_port(), quiet_port()
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(logged(command, folder / f"{name}.log"))
            for name, command in (
                ("etcd", _store(folder, store, peers)),
                (API_SERVER, [*_server(folder, store, port), *options]),
            )
        }
        url = f"https://127.0.0.1:{port}"
        admin, hub = (
            KubernetesUser(url, token, folder / "apiserver.crt") for token in tokens.values()
        )
        wait_until_ready(admin, processes, folder)
        for item in rights():
            admin.create(item)
        yield RealApi(admin, hub)


@contextmanager
def logged(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, whose words go into a file, while a block runs."""
    with log.open("wb") as file, running(command, stdout=file, stderr=file) as process:
        yield process


def write_accounts(folder: Path, tokens: dict[str, str]) -> None:
    """Write the files by which an API server knows its users and signs for its accounts."""
    groups = {ADMIN: "system:masters"}
    lines = [f'{token},{name},{name},"{groups.get(name, "")}"\n' for name, token in tokens.items()]
    (folder / "tokens").write_text("".join(lines))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "accounts.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def server_options(folder: Path, store: str) -> list[str]:
    """Return the options of each API server of ours; it listens on 127.0.0.1 only."""
    key = folder / "accounts.key"
    return [
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens'}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
    ]


def store_options(folder: Path, clients: str, peers: str) -> list[str]:
    """Return etcd's options; what it keeps is worth nothing after the test."""
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
    ]


def wait_until_ready(
    admin: KubernetesUser, processes: dict[str, subprocess.Popen[bytes]], folder: Path
) -> None:
    """Wait until an API server says that it is ready.

    Raises
    ------
    KubernetesError
        It is not within START_S, or one of the processes has ended: with its last words.
    """
    deadline_s = time.monotonic() + START_S
    while not _is_ready(admin):
        ended = [name for name, process in processes.items() if process.poll() is not None]
        if ended or time.monotonic() > deadline_s:
            name = ended[0] if ended else API_SERVER
            words = (folder / f"{name}.log").read_text(errors="replace")[-1500:]
            raise KubernetesError(f"{name} does not start: {words}")
        time.sleep(LOOK_EVERY_S)


def _is_ready(admin: KubernetesUser) -> bool:
    try:
        return admin.request("GET", "readyz") == "ok"
    except (OSError, ApiRefusal, urllib.error.URLError):  # no certificate yet, nobody listens, ...
        return False


def _store(folder: Path, clients: int, peers: int) -> list[str]:
    addresses = (f"http://127.0.0.1:{port}" for port in (clients, peers))
    return [str(etcd()), *store_options(folder, *addresses)]


def _server(folder: Path, store: int, port: int) -> list[str]:
    return [
        str(programs(API_SERVER) / API_SERVER),
        *server_options(folder, f"http://127.0.0.1:{store}"),
        f"--secure-port={port}",
        f"--advertise-address={NOWHERE}",
        "--endpoint-reconciler-type=none",
        # Nothing makes the service accounts that every pod would be refused without.
        "--disable-admission-plugins=ServiceAccount",
    ]
