"""Requests to an API server, as one of its users."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from http.client import HTTPResponse
    from pathlib import Path

    from tests.hub.apiserver import Manifest

REQUEST_S = 60
# Where each kind of object is, and whether it belongs to a namespace.
PLACES = {
    "Namespace": ("api/v1", "namespaces", False),
    "Node": ("api/v1", "nodes", False),
    "PersistentVolume": ("api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims", True),
    "Pod": ("api/v1", "pods", True),
    "Secret": ("api/v1", "secrets", True),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "PodSecurityPolicy": ("apis/policy/v1beta1", "podsecuritypolicies", False),
    "Role": ("apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses", False),
}


class ApiRefusal(Exception):
    """An API server refuses a request.

    Attributes
    ----------
    status : int
        HTTP's.
    message : str
        Its own words.
    fields : tuple of str
        The places in the object that it names, such as ``spec.containers[1].name``.
    """

    def __init__(self, status: int, message: str, fields: Iterable[str] = ()) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.fields = status, message, tuple(fields)


@dataclass(frozen=True)
class KubernetesUser:
    """A user of an API server.

    Parameters
    ----------
    url : str
        Where the server is.
    token : str
        What the user shows.
    certificate : Path
        What the server shows; it has made it for itself.
    """

    url: str
    token: str
    certificate: Path

    def kubeconfig(self) -> Manifest:
        """Return the same for clients that read it from a file."""
        server = {"server": self.url, "certificate-authority": str(self.certificate)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": server}],
            "users": [{"name": "one", "user": {"token": self.token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "one"}}],
            "current-context": "here",
        }

    def create(self, item: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object, or only hear whether that could be done.

        Raises
        ------
        ApiRefusal
            The server does not take it.
        """
        path = _path(item["kind"], item["metadata"].get("namespace"))
        created: Manifest = json.loads(
            self.request("POST", path + ("?dryRun=All" if dry_run else ""), item)
        )
        return created

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Return an object."""
        found: Manifest = json.loads(self.request("GET", f"{_path(kind, namespace)}/{name}"))
        return found

    def delete(self, kind: str, name: str, namespace: str, *, grace_s: int | None = None) -> None:
        """Delete an object; a pod ends within its grace period, if none is given here."""
        query = "" if grace_s is None else f"?gracePeriodSeconds={grace_s}"
        self.request("DELETE", f"{_path(kind, namespace)}/{name}{query}")

    def list(self, kind: str, namespace: str | None = None) -> list[Manifest]:
        """Return all objects of a kind."""
        found: list[Manifest] = json.loads(self.request("GET", _path(kind, namespace)))["items"]
        return found

    def watch(self, kind: str, namespace: str, since: str, limit_s: int) -> Iterator[Manifest]:
        """Yield each object of a kind when it changes, for so many seconds.

        One that is gone is yielded once more, as it was.

        Parameters
        ----------
        since : str
            ``resourceVersion`` of the last change that is known; empty: each object comes first.

        Raises
        ------
        ApiRefusal
            The server does not remember any more what followed.
        """
        path = f"{_path(kind, namespace)}?watch=1&timeoutSeconds={limit_s}&resourceVersion={since}"
        with self._open("GET", path, timeout_s=limit_s + REQUEST_S) as answer:
            for line in answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiRefusal(event["object"].get("code", 0), event["object"]["message"])
                yield event["object"]

    def set_status(self, item: Manifest, status: Manifest) -> None:
        """Change the status of an object, as its kubelet or controller does."""
        path = _path(item["kind"], item["metadata"].get("namespace"))
        path += f"/{item['metadata']['name']}/status"
        self.request("PATCH", path, {"status": status}, "application/merge-patch+json")

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> str:
        """Send a request, and return the answer's body."""
        with self._open(method, path, body, content_type) as answer:
            text: str = answer.read().decode()
            return text

    def _open(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        timeout_s: float = REQUEST_S,
    ) -> HTTPResponse:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            method=method,
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        # No proxy of the environment's is asked for an address of this machine.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            answer: HTTPResponse = opener.open(request, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.code, error.read().decode()) from None
        return answer


def _path(kind: str, namespace: str | None) -> str:
    group, plural, is_namespaced = PLACES[kind]
    return f"{group}/namespaces/{namespace}/{plural}" if is_namespaced else f"{group}/{plural}"


def _refusal(status: int, body: str) -> ApiRefusal:
    try:
        told = json.loads(body)
    except ValueError:  # /readyz answers in plain text
        return ApiRefusal(status, body)
    causes = (told.get("details") or {}).get("causes") or []
    return ApiRefusal(status, told.get("message", body), [each.get("field", "") for each in causes])
