"""Sees all that the API tells of pods, also of those that are gone."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.background import meanwhile
from tests.hub.kubernetes.client import ApiRefusal
from tests.hub.spawning import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub.apiserver import Manifest
    from tests.hub.kubernetes.client import KubernetesUser

WATCH_S = 2


class Witness:
    """What was seen of pods since it began; see `witness`.

    Attributes
    ----------
    pods : dict
        By uid, each pod as it was last.
    reasons : dict
        By uid and name of a container, and there by the id of each container that it has been, in
        their order: why it ended (``Completed``, ``Error``, ``OOMKilled``), empty if that is not
        known.
    """

    def __init__(self, user: KubernetesUser) -> None:
        self.pods: dict[str, Manifest] = {}
        self.reasons: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._user = user
        self._over = threading.Event()

    def look(self) -> None:
        """Look until `close`."""
        since = ""
        while not self._over.is_set():
            try:
                for pod in self._user.watch("Pod", NAMESPACE, since, WATCH_S):
                    since = pod["metadata"]["resourceVersion"]
                    self._note(pod)
            except ApiRefusal:
                since = ""  # each pod comes once more, then

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
            reasons = self.reasons[uid, each["name"]]
            for state in (each.get("lastState") or {}, each.get("state") or {}):
                end = state.get("terminated") or {}
                if "containerID" in end:
                    reasons[_plain(end["containerID"])] = end.get("reason", "")
            if each.get("containerID"):
                reasons.setdefault(_plain(each["containerID"]), "")


@contextmanager
def witness(user: KubernetesUser) -> Iterator[Witness]:
    """Yield a witness of all pods of the hub's namespace while a block runs."""
    one = Witness(user)
    with meanwhile(one.look):
        try:
            yield one
        finally:
            one.close()


def _plain(container: str) -> str:
    """Return an id without the name of what runs the container."""
    return container.rpartition("/")[2]


def _statuses(status: Manifest) -> list[Manifest]:
    return [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
