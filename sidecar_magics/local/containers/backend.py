"""The sidecar in a container of Docker or podman: start it, stop it, look at it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import LocalServerError
from . import found, recipe
from .client import COMMAND_S, client_of
from .refusals import EngineRefusal, explained
from .starting import Starting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..state import ContainerRecord, LocalSidecar
    from ..wish import Reporter, Wish
    from .client import Client, EngineFacts
    from .container import Container


@dataclass(frozen=True)
class ContainerBackend:
    """A sidecar in a container, on an engine that answers.

    Parameters
    ----------
    client : Client
        The engine's command line.
    facts : EngineFacts
        The engine's description of itself.
    """

    client: Client
    facts: EngineFacts

    @property
    def kind(self) -> str:
        """``docker`` or ``podman``."""
        return self.client.kind

    def start(self, wish: Wish, last: LocalSidecar | None, report: Reporter) -> LocalSidecar:
        """Start a container, or use one that is there.

        Raises
        ------
        NoImageError
            The image cannot be had; nothing was made.
        LocalServerError
            Something else stops it; a container or volume made by then is removed.
        """
        with _sentences():
            starting = Starting(self.client, self.facts.limits, wish, report, last)
            return starting.run()

    def stop(self, sidecar: LocalSidecar, *, timeout_s: float) -> None:
        """Stop a container; an ephemeral one goes with its data."""
        name = _of(sidecar).id
        with _sentences():
            seconds = max(1, round(timeout_s))
            self.client.run("stop", f"--time={seconds}", name, limit_s=timeout_s + COMMAND_S)
            if sidecar.ephemeral:
                self.client.run("rm", "--force", "--volumes", name)

    def delete_data(self, sidecar: LocalSidecar) -> None:
        """Remove a container of ours, and its volume."""
        with _sentences():
            with contextlib.suppress(EngineRefusal):  # it may be gone already
                self.client.run("rm", "--force", "--volumes", _of(sidecar).id)
            volume = _of(sidecar).volume
            if volume and not sidecar.ephemeral:
                self.client.run("volume", "rm", volume)

    def logs(self, sidecar: LocalSidecar, lines: int, *, follow: bool) -> Iterator[str]:
        """Yield the last lines of the server's messages, and with `follow` those that come."""
        extra = ["--follow"] if follow else []
        with _sentences():
            yield from self.client.lines(
                "logs", *extra, f"--tail={lines}", _of(sidecar).id,
                limit_s=None if follow else COMMAND_S,
            )  # fmt: skip

    def has(self, container: str) -> bool:
        """Return whether there is a container of this name."""
        with _sentences():
            return found.named(self.client, container) is not None

    def container_of(self, sidecar: LocalSidecar) -> Container | None:
        """Return the container of a sidecar as it is now; None if it is gone."""
        with _sentences():
            return found.named(self.client, _of(sidecar).id)

    def size_bytes(self, sidecar: LocalSidecar) -> int | None:
        """Return the size of the data; None if the container does not run, or has no ``du``."""
        with contextlib.suppress(EngineRefusal, ValueError, IndexError):
            said = self.client.ask("exec", _of(sidecar).id, "du", "-sk", recipe.DATA_FOLDER)
            return int(said.split()[0]) * 1024
        return None


def backend_of(kind: str) -> ContainerBackend:
    """Return the backend of an engine.

    Raises
    ------
    LocalServerError
        It is not installed, does not run, or not for this account.
    """
    client = client_of(kind)
    if client is None:
        raise LocalServerError(
            f"There is no program `{kind}` on this machine's PATH.",
            hint="install it, or leave --backend out; `sidecar-magics up --backend native` needs "
            "no container.",
        )
    with _sentences():
        return ContainerBackend(client, client.facts())


def _of(sidecar: LocalSidecar) -> ContainerRecord:
    if sidecar.container is None:
        raise LocalServerError(f"{sidecar} is in no container.")
    return sidecar.container


def is_up(sidecar: LocalSidecar) -> bool:
    """Return whether the recorded container runs, on the recorded port; False without an answer."""
    client = client_of(sidecar.backend)
    if client is None:
        return False
    try:
        now = found.named(client, _of(sidecar).id)
    except EngineRefusal:
        return False
    return now is not None and now.is_running and now.port == sidecar.port


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Turn an engine's refusal into an error with a next step."""
    try:
        yield
    except EngineRefusal as refusal:
        raise explained(refusal) from None
