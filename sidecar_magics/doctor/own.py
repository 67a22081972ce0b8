"""The server that `up` started, and engines that could run one but do not work here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LocalServerError
from ..hints import Runtime
from ..local.status import look
from .diagnosis import ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..local.status import LocalStatus
    from ..settings import ConnectionSettings
    from .diagnosis import Check

LOGS = "look at `sidecar-magics logs`, and close what else takes memory."


def checks(settings: ConnectionSettings, place: Runtime, *, is_reached: bool) -> Iterator[Check]:
    """Report how the server of `up` is, if it is the one that is meant or could be.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the notebook connects to.
    place : Runtime
        Where this code runs; a hub's pod has no server of `up` and no engine.
    is_reached : bool
        Whether a server answered there.
    """
    if not settings.is_loopback or place is Runtime.HUB:
        return
    known = look()
    if known.sidecar is None:
        if not is_reached:
            yield from _engines()
    elif is_reached and known.is_running and known.sidecar.port == settings.port:
        yield _running(known)
    elif not is_reached:
        yield _elsewhere(known, settings) if known.is_running else _stopped(known)


def _running(known: LocalStatus) -> Check:
    sidecar, container = known.sidecar, known.container
    of = f"{sidecar.backend if sidecar else ''}"
    if container is None:
        return ok("sidecar", f"it is the server of `up`, {of}; its data: {known.place}.")
    message = f"it is the container {container.name} of {of}; its data: {known.place}."
    if container.was_out_of_memory:
        message = f"{message} It was ended once for want of memory."
        return warning("sidecar", message, LOGS)
    if container.restarts:
        message = f"{message} The engine has had to start it again ({container.restarts} times)."
        return warning("sidecar", message, LOGS)
    return ok("sidecar", message)


def _stopped(known: LocalStatus) -> Check:
    trouble = f" ({known.trouble})" if known.trouble else ""
    return warning(
        "sidecar",
        f"the server of `up` is not running{trouble}; its data remain: {known.place}.",
        "start it with `sidecar-magics up`.",
    )


def _elsewhere(known: LocalStatus, settings: ConnectionSettings) -> Check:
    at = known.sidecar.address if known.sidecar is not None else ""
    return warning(
        "sidecar",
        f"the server of `up` runs at {at}, and these settings lead to {settings.address}.",
        f"leave host and port out, or remove what sets them ({settings.origins()}).",
    )


def _engines() -> Iterator[Check]:
    """Report which engines are installed here and cannot be used."""
    from ..local.containers.backend import backend_of  # noqa: PLC0415 - where nothing answers
    from ..local.containers.client import installed  # noqa: PLC0415

    for client in installed():
        try:
            backend_of(client.kind)
        except LocalServerError as error:
            yield warning("engine", error.message, error.hint)
        else:
            yield ok("engine", f"{client.name} works here: `sidecar-magics up` can use it.")
