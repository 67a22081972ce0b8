"""As much of the Kubernetes API as KubeSpawner uses: list, watch, get, create and delete.

It keeps what it is given and checks nothing; `admission.py` does that. What runs a pod is a
`Kubelet`; the one here, like Kubernetes' own *hollow* kubelet, runs nothing and says that all is
well.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from typing import Any, Protocol

from aiohttp import web

Manifest = dict[str, Any]
KINDS = ("events", "persistentvolumeclaims", "pods")


class Kubelet(Protocol):
    """What runs the pods of an `ApiServer`."""

    async def run(self, server: ApiServer, pod: Manifest) -> None:
        """Run a pod and tell of its status, until cancelled."""

    async def end(self, pod: Manifest, grace_s: int) -> None:
        """End a pod within its grace period."""


class HollowKubelet:
    """Says of each pod that it runs and is ready, at once."""

    async def run(self, server: ApiServer, pod: Manifest) -> None:
        ready = [{"name": each["name"], "ready": True} for each in pod["spec"]["containers"]]
        for status in ready:
            status.update(image="", imageID="", restartCount=0, state={"running": {}})
        server.update("pods", pod, phase="Running", podIP="127.0.0.2", containerStatuses=ready)

    async def end(self, pod: Manifest, grace_s: int) -> None:
        """Do nothing: there is nothing to end."""


class ApiServer:
    """An API server on a free port of 127.0.0.1; use it as an async context manager.

    Parameters
    ----------
    kubelet : Kubelet or None, default None
        What runs the pods; None means that nothing does.
    version : tuple of int, default (1, 34)
        The version of Kubernetes that it says it has.

    Attributes
    ----------
    objects : dict
        By kind and name, what there is now.
    created : dict
        By kind, every object that was created, as it was sent.
    graces_s : list of int or None
        The grace period of each deletion of a pod, None where the request had none.
    """

    def __init__(self, kubelet: Kubelet | None = None, version: tuple[int, int] = (1, 34)) -> None:
        self.kubelet: Kubelet = kubelet or HollowKubelet()
        self.version = version
        self.objects: dict[str, dict[str, Manifest]] = {kind: {} for kind in KINDS}
        self.created: dict[str, list[Manifest]] = {kind: [] for kind in KINDS}
        self.graces_s: list[int | None] = []
        self.url = ""
        self._version = 1
        self._history: list[tuple[int, str, Manifest]] = []
        self._watchers: list[tuple[str, asyncio.Queue[Manifest]]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        application = web.Application()
        every = "/api/v1/namespaces/{namespace}/{kind}"
        application.router.add_get("/version/", self._tell_version)
        application.router.add_get(every, self._list)
        application.router.add_post(every, self._create)
        application.router.add_get(every + "/{name}", self._get)
        application.router.add_delete(every + "/{name}", self._delete)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)

    async def __aenter__(self) -> ApiServer:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._runner.cleanup()

    def update(self, kind: str, item: Manifest, **status: Any) -> None:
        """Set an object's status, and tell those who watch."""
        item["status"] = status
        self._tell(kind, "MODIFIED", item)

    def _tell(self, kind: str, what: str, item: Manifest) -> None:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        event = {"type": what, "object": copy.deepcopy(item)}
        self._history.append((self._version, kind, event))
        for watched, queue in self._watchers:
            if watched == kind:
                queue.put_nowait(event)

    async def remove_pod(self, pod: Manifest) -> None:
        """End a pod at once, as when the node is taken away."""
        name = pod["metadata"]["name"]
        before = self._tasks[name]
        before.cancel()
        if "deletionTimestamp" not in pod["metadata"]:
            await self._end(name, pod, 0, before)

    async def _tell_version(self, _: web.Request) -> web.Response:
        major, minor = self.version
        told = dict.fromkeys(
            ("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "platform"), ""
        )
        told.update(major=str(major), minor=f"{minor}+", gitVersion=f"v{major}.{minor}.0")
        return web.json_response(told)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        if request.query.get("watch", "").lower() not in ("1", "true"):
            items = list(self.objects[kind].values())
            metadata = {"resourceVersion": str(self._version)}
            return web.json_response({"kind": "List", "metadata": metadata, "items": items})
        return await self._watch(request)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Send what happens to objects of a kind, for as long as the client has asked for."""
        kind = request.match_info["kind"]
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[Manifest] = asyncio.Queue()
        # What happened between the client's list and this watch comes first.
        since = int(request.query.get("resourceVersion") or self._version)
        for version, of_kind, event in self._history:
            if of_kind == kind and version > since:
                queue.put_nowait(event)
        watcher = (kind, queue)
        self._watchers.append(watcher)
        sending = asyncio.ensure_future(_send(queue, response))
        try:
            await asyncio.wait({sending}, timeout=_timeout_s(request))
            return response
        finally:
            self._watchers.remove(watcher)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _get(self, request: web.Request) -> web.Response:
        item = self.objects[request.match_info["kind"]].get(request.match_info["name"])
        return _failure(404, "NotFound") if item is None else web.json_response(item)

    async def _create(self, request: web.Request) -> web.Response:
        kind, item = request.match_info["kind"], await request.json()
        name = item["metadata"]["name"]
        if name in self.objects[kind]:
            return _failure(409, "AlreadyExists")
        self.created[kind].append(copy.deepcopy(item))
        item["metadata"].update(
            namespace=request.match_info["namespace"],
            uid=f"{name}-{self._version}",
            creationTimestamp="2026-01-01T00:00:00Z",
        )
        self.objects[kind][name] = item
        if kind == "pods":
            item["status"] = {"phase": "Pending"}
        self._tell(kind, "ADDED", item)
        if kind == "pods":
            self._tasks[name] = asyncio.create_task(self.kubelet.run(self, item))
        return web.json_response(item, status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        item = self.objects[kind].get(name)
        if item is None:
            return _failure(404, "NotFound")
        if kind == "pods":
            body = await request.json() if request.can_read_body else None
            given = request.query.get("gracePeriodSeconds", (body or {}).get("gracePeriodSeconds"))
            self.graces_s.append(None if given is None else int(given))
            grace_s = 30 if given is None else int(given)
            if "deletionTimestamp" in item["metadata"] and grace_s:
                return web.json_response(item)  # asked once more, as KubeSpawner does after 3 s
            item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            self._tell(kind, "MODIFIED", item)
            before = self._tasks[name]
            before.cancel()
            self._tasks[name] = asyncio.create_task(self._end(name, item, grace_s, before))
        else:
            self._remove(kind, name)
        return web.json_response(item)

    async def _end(
        self, name: str, pod: Manifest, grace_s: int, before: asyncio.Task[None]
    ) -> None:
        await asyncio.gather(before, return_exceptions=True)  # what it is in the middle of
        await self.kubelet.end(pod, grace_s)
        self._remove("pods", name)

    def _remove(self, kind: str, name: str) -> None:
        self._tell(kind, "DELETED", self.objects[kind].pop(name))


def _timeout_s(request: web.Request) -> float | None:
    """Return for how long a client wants to watch; None if it does not say."""
    given = request.query.get("timeoutSeconds")
    return float(given) if given else None


async def _send(queue: asyncio.Queue[Manifest], response: web.StreamResponse) -> None:
    """Send events, a line each, until the client has gone."""
    with contextlib.suppress(ConnectionResetError):
        while True:
            event = await queue.get()
            await response.write(json.dumps(event).encode() + b"\n")


def _failure(status: int, reason: str) -> web.Response:
    body = {"kind": "Status", "code": status, "reason": reason, "message": reason}
    return web.json_response(body, status=status)
