"""Sees all that the API tells of pods: of one that was stopped, only that tells how it ended."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.background import meanwhile
from tests.hub.spawning import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub.apiserver import Manifest
    from tests.hub.kubernetes.client import KubernetesUser

WATCH_S = 2


@dataclass(frozen=True)
class RealEnd:
    """How a container ended, as its kubelet says.

    Attributes
    ----------
    reason : str
        ``Completed``, ``Error`` or ``OOMKilled``.
    """

    exit_code: int
    reason: str


class Witness:
    """What was seen of pods since it began; see `witness`.

    Attributes
    ----------
    pods : dict
        By uid, each pod as it was last.
    ends : dict
        By uid and name of a container, its ends by the container's id, in their order.
    """

    def __init__(self, user: KubernetesUser) -> None:
        self.pods: dict[str, Manifest] = {}
        self.ends: dict[tuple[str, str], dict[str, RealEnd]] = defaultdict(dict)
        self._user = user
        self._over = threading.Event()

    def look(self) -> None:
        """Look until `close`."""
        since = ""
        while not self._over.is_set():
            for pod in self._user.watch("Pod", NAMESPACE, since, WATCH_S):
                since = pod["metadata"]["resourceVersion"]
                self._note(pod)

    def close(self) -> None:
        """Stop looking, within WATCH_S."""
        self._over.set()

    def status(self, uid: str, name: str) -> Manifest:
        """Return the status of a container, initial or regular; empty if there is none yet."""
        status = self.pods.get(uid, {}).get("status", {})
        return next((each for each in _statuses(status) if each["name"] == name), {})

    def _note(self, pod: Manifest) -> None:
        uid = pod["metadata"]["uid"]
        self.pods[uid] = pod
        for each in _statuses(pod["status"]):
            for state in (each.get("lastState") or {}, each.get("state") or {}):
                end = state.get("terminated")
                if end and "containerID" in end:
                    ends = self.ends[uid, each["name"]]
                    ends[end["containerID"]] = RealEnd(end["exitCode"], end.get("reason", ""))


@contextmanager
def witness(user: KubernetesUser) -> Iterator[Witness]:
    """Yield a witness of all pods of the hub's namespace while a block runs."""
    one = Witness(user)
    with meanwhile(one.look):
        try:
            yield one
        finally:
            one.close()


def _statuses(status: Manifest) -> list[Manifest]:
    return [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
