"""A JupyterHub in a process of its own, whose KubeSpawner starts pods on podman."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import psutil
import yaml

from tests.guard import MARK
from tests.hub import chart
from tests.hub.apiserver import ApiServer
from tests.hub.pods.hub import SHARED_CLAIM
from tests.hub.pods.images import LAB_IMAGE
from tests.hub.pods.kubelet import PodmanKubelet
from tests.hub.pods.network import HOST, Network
from tests.hub.pods.podman import CALL_S
from tests.hub.spawning import NAMESPACE, kubeconfig
from tests.hub.values import Deployment, Values, merge
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[3]
CONFIG = Path(__file__).with_name("jupyterhub_config.py")
PROXY = "configurable-http-proxy"
PROXY_VERSION = "5.3.0"
# The tutorial's folder is copied into the user's home, as a hub's image does.
START = "cp -R --no-clobber /notebooks/. . && exec python3 -m jupyterhub.singleuser"
VALUES: Values = {
    "singleuser": {
        "image": {"name": LAB_IMAGE.partition(":")[0], "tag": LAB_IMAGE.partition(":")[2]},
        "cmd": ["bash", "-c", f"cd ~ && {START}"],
        "memory": {"guarantee": "512M", "limit": "2G"},
    }
}
# With this environment's own programs, Node.js too, before the machine's.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
START_S, END_S = 60, 60


class HubError(Exception):
    """The hub does not start."""


@dataclass
class WholeHub:
    """A running hub.

    Parameters
    ----------
    url : str
        Where a browser finds it.
    kubelet : PodmanKubelet
        What runs its pods.
    """

    url: str
    kubelet: PodmanKubelet


@asynccontextmanager
async def whole_hub(deployment: Deployment, folder: Path) -> AsyncIterator[WholeHub]:
    """Yield a hub with a deployment's values; all that it started ends with it."""
    values = merge(deployment.values(), VALUES)
    extra = values["singleuser"].get("extraFiles", {})
    files = {key: file["stringData"] for key, file in extra.items()}
    proxy = _proxy()
    async with Network() as network:
        claims = frozenset({SHARED_CLAIM})
        kubelet = PodmanKubelet(folder / "pods", network, files, shared_claims=claims)
        async with ApiServer(kubelet) as api:
            url = f"http://127.0.0.1:{quiet_port()}"
            (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig(api.url)))
            settings = {
                "spawner": dict(chart.spawner_config(values).KubeSpawner),
                "namespace": NAMESPACE,
                "url": url,
                "hub_url": f"http://{HOST}:{quiet_port()}",
                "proxy": [str(proxy)],
                "proxy_api_url": f"http://127.0.0.1:{quiet_port()}",
            }
            (folder / "settings.json").write_text(json.dumps(settings))
            process = _start(folder)
            try:
                await _until_it_answers(url, process, folder)
                yield WholeHub(url, kubelet)
            finally:
                await asyncio.to_thread(_end, process)
                for pod in list(api.objects["pods"].values()):
                    await api.remove_pod(pod)


def _proxy() -> Path:
    """Return JupyterHub's usual proxy, which npm has put below the cache.

    Raises
    ------
    HubError
        There is no npm, or it has failed.
    """
    folder = ROOT / ".cache" / f"{PROXY}-{PROXY_VERSION}"
    program = folder / "node_modules" / ".bin" / PROXY
    if not program.exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix"]
        try:
            subprocess.run(
                [*command, str(folder), f"{PROXY}@{PROXY_VERSION}"],
                check=True,
                env=ENVIRONMENT,
                timeout=CALL_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise HubError(f"no {PROXY}: {error}; requirements/browser.txt has npm") from None
    return program


def _start(folder: Path) -> psutil.Popen:
    environment = {
        **ENVIRONMENT,
        MARK: os.environ[MARK],
        "HUB_SETTINGS": str(folder / "settings.json"),
        "KUBECONFIG": str(folder / "kubeconfig"),
    }
    with (folder / "hub.log").open("wb") as log:
        return psutil.Popen(
            [sys.executable, "-m", "jupyterhub", f"--config={CONFIG}"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def _end(process: psutil.Popen) -> None:
    """End the hub, which ends its proxy; or else kill both."""
    started = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(started, END_S)
    for each in left:
        each.kill()


async def _until_it_answers(url: str, process: psutil.Popen, folder: Path) -> None:
    for _ in range(START_S * 2):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            await asyncio.to_thread(lambda: urlopen(f"{url}/hub/health", timeout=5).close())
            return
        await asyncio.sleep(0.5)
    raise HubError(f"no hub: {(folder / 'hub.log').read_text()[-2000:]}")
