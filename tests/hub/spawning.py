"""A real KubeSpawner of a real JupyterHub user, against the API stand-in or another API."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import yaml
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import User as HubUser
from kubespawner import KubeSpawner
from kubespawner.clients import load_config

from tests.hub.apiserver import ApiServer, Kubelet, Manifest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from traitlets.config import Config

NAMESPACE = "hub"
VERSION = (1, 34)


@dataclass(frozen=True)
class User:
    """Who starts a server, which of theirs, and what they choose."""

    name: str = "ada"
    server_name: str = ""
    profile: str | None = None
    choices: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.name!r}, server {self.server_name!r}"


class SpawnError(Exception):
    """KubeSpawner cannot make a pod: the user sees a failed start."""


class Spawners:
    """Makes the spawners of users' servers, as a hub with this configuration does."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._session = orm.new_session_factory("sqlite:///:memory:")()

    def spawner(self, user: User) -> KubeSpawner:
        """Return the spawner of one of a user's servers."""
        found = self._session.query(orm.User).filter_by(name=user.name).first()
        user_row = found or orm.User(name=user.name)
        self._session.add(user_row)
        self._session.commit()
        settings = {"config": self.config, "hub": Hub(), "base_url": "/"}
        owner = HubUser(user_row, settings, db=self._session)
        spawner: Any = owner._new_spawner(
            user.server_name, spawner_class=KubeSpawner, namespace=NAMESPACE
        )
        row = orm.Server(base_url=f"/user/{user.name}/{user.server_name}".rstrip("/") + "/")
        self._session.add(row)
        self._session.commit()
        spawner.server = Server(orm_server=row)
        spawner.api_token = "a token of the hub"
        if user.profile:
            spawner.user_options = {"profile": user.profile, **dict(user.choices)}
        return spawner

    def close(self) -> None:
        """Forget the users."""
        self._session.close()
        self._session.get_bind().dispose()


class Cluster(Spawners):
    """A hub's configuration and the cluster that it starts users' pods in."""

    def __init__(self, config: Config, api: ApiServer) -> None:
        super().__init__(config)
        self.api = api


@asynccontextmanager
async def cluster(
    config: Config, kubelet: Kubelet | None = None, version: tuple[int, int] = VERSION
) -> AsyncIterator[Cluster]:
    """Yield a `Cluster` of that version of Kubernetes, whose API is on a port of this machine."""
    async with ApiServer(kubelet, version) as api, reaching(kubeconfig(api.url)):
        with closing(Cluster(config, api)) as one:
            yield one


@asynccontextmanager
async def reaching(settings: Mapping[str, Any]) -> AsyncIterator[None]:
    """Let KubeSpawner find its cluster, by the content of a kubeconfig, while a block runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kubeconfig")
        path.write_text(yaml.safe_dump(settings))
        place = "kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
        load_config.cache_clear()  # it reads the file once in a process
        with patch(place, str(path)):
            try:
                yield
            finally:
                await _stop_reflectors()


def pods(
    config: Config, users: Sequence[User], version: tuple[int, int] = VERSION
) -> list[Manifest]:
    """Return the pods that the users' starts send to the API server, one for each of `users`.

    Raises
    ------
    SpawnError
        KubeSpawner fails before it sends anything.
    """

    async def start() -> list[Manifest]:
        async with cluster(config, version=version) as one:
            for user in users:
                try:
                    await one.spawner(user).start()
                except Exception as error:
                    raise SpawnError(f"{user}: {type(error).__name__}: {error}") from error
            return one.api.created["pods"]

    return asyncio.run(start())


def pod(config: Config, user: User | None = None, version: tuple[int, int] = VERSION) -> Manifest:
    """Return the pod of one user's start; see `pods`."""
    return pods(config, [user or User()], version)[0]


async def _stop_reflectors() -> None:
    """End what KubeSpawner shares between spawners, which would outlive the event loop."""
    for reflector in list(KubeSpawner.reflectors.values()):
        await reflector.stop()
    KubeSpawner.reflectors.clear()


def kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "hub", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "hub"}}],
        "current-context": "here",
    }
