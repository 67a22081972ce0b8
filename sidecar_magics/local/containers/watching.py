"""Looking at a container while its server is waited for, and whether its process can be seen."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ...errors import LocalServerError, SidecarError
from ..logs import shown_line
from . import found
from .client import COMMAND_S
from .refusals import EngineRefusal

if TYPE_CHECKING:
    from .client import Client
    from .container import Container

# How often a container that starts is looked at.
LOOK_EVERY_S = 1.0
# An engine starts a container that ends again and again; after this often it is taken for broken.
RESTARTS = 2
LOG_LINES = 4
# Between the start of a process and the moment that the engine gives; another process that has the
# same number by chance was not made in the same seconds.
VISIBLE_TOLERANCE_S = 5.0


class Watch:
    """Looks whether a container still runs, while its server is waited for."""

    def __init__(self, client: Client, container: Container) -> None:
        self._client = client
        self._container = container
        self._next_s = 0.0

    def __call__(self) -> None:
        """Raise LocalServerError if the container has ended."""
        if time.monotonic() < self._next_s:
            return
        now = found.named(self._client, self._container.id)
        self._next_s = time.monotonic() + LOOK_EVERY_S
        name = self._container.name
        if now is None:
            raise LocalServerError(f"The container {name} was removed while it was starting.")
        if now.was_out_of_memory:
            raise self.failure(f"The container {name} had too little memory, and was ended.")
        if not now.is_running or now.restarts - self._container.restarts >= RESTARTS:
            raise self.failure(f"The container {name} ended while it was starting.")

    def failure(self, message: str) -> LocalServerError:
        """Return an error with the lines of the log that say why."""
        engine, name = self._client.kind, self._container.name
        lines: list[str] = []
        with contextlib.suppress(EngineRefusal, SidecarError):
            log = self._client.lines("logs", "--tail=200", self._container.id, limit_s=COMMAND_S)
            lines = [shown_line(line) for line in log]
        errors = [line for line in lines if "[ERROR]" in line]
        return LocalServerError(
            message,
            details=errors[:LOG_LINES] or lines[-LOG_LINES:],
            hint=f"the whole log: `{engine} logs {name}`.",
        )


def visible_process(container: Container) -> tuple[int, float] | None:
    """Return a container's process and when it started, if it can be seen on this machine.

    It cannot where the engine has a machine of its own (Docker Desktop): there the same number is
    another process, or none.
    """
    if container.pid is None or container.started_s is None:
        return None
    import psutil  # noqa: PLC0415

    with contextlib.suppress(psutil.Error):
        created_s = float(psutil.Process(container.pid).create_time())
        # A container starts a little after its process, which sets its namespaces up first.
        if abs(created_s - container.started_s) < VISIBLE_TOLERANCE_S:
            return container.pid, created_s
    return None
