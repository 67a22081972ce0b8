"""The backends that can run a sidecar on this machine, and the choice between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..errors import LocalServerError
from .containers.backend import ContainerBackend, backend_of
from .containers.client import installed
from .containers.found import own_name
from .containers.refusals import NoImageError, NotHereError, NotPermittedError, RefusedError
from .native import NativeBackend
from .state import MYSQL, NAMES, NATIVE, LocalSidecar, folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .wish import Reporter, Wish


class Backend(Protocol):
    """A program that runs sidecars."""

    @property
    def kind(self) -> str:
        """Its name, as ``--backend`` takes it."""

    def start(self, wish: Wish, last: LocalSidecar | None, report: Reporter) -> LocalSidecar:
        """Start a server, or use one that is there, and return it when root can log in."""

    def stop(self, sidecar: LocalSidecar, *, timeout_s: float) -> None:
        """Stop a server that it started."""

    def delete_data(self, sidecar: LocalSidecar) -> None:
        """Remove the data of a server that is stopped."""

    def logs(self, sidecar: LocalSidecar, lines: int, *, follow: bool) -> Iterator[str]:
        """Yield the server's last messages, as they stand there."""


def backend_for(kind: str) -> Backend:
    """Return a backend by its name.

    Raises
    ------
    LocalServerError
        It cannot be used here.
    """
    return NativeBackend() if kind == NATIVE else backend_of(kind)


def recorded_backend(record: LocalSidecar) -> Backend:
    """Return the backend of a recorded sidecar.

    Raises
    ------
    LocalServerError
        Its engine does not answer.
    """
    return backend_for(record.backend)


def candidates(
    wish: Wish, last: LocalSidecar | None, say: Callable[[str], None]
) -> Iterator[tuple[Backend, tuple[type[LocalServerError], ...]]]:
    """Yield the backends for ``auto``, in order, each with the errors that lead to the next.

    If the last sidecar has data, or an earlier native one, nothing else is tried: an engine that is
    installed, or ended, later must not hide these data.

    Parameters
    ----------
    wish : Wish
        The options of `up`.
    last : LocalSidecar or None
        The earlier sidecar, which is not running.
    say : callable
        Called with a line about an engine that runs, but not for this account.

    Raises
    ------
    LocalServerError
        The data are with an engine that does not answer; there is no container of that name.
    """
    if wish.container is not None:
        yield _holder_of(wish.container), ()
    elif last is not None and not last.ephemeral and not wish.ephemeral:
        yield _with_the_data(last), ()
    elif not _must_be_native(wish):
        for engine in usable_engines(say):
            # A container of ours that does not start has data.
            yield engine, () if engine.has(own_name()) else (NoImageError, RefusedError)
        yield NativeBackend(), ()
    else:
        yield NativeBackend(), ()


def usable_engines(say: Callable[[str], None]) -> Iterator[ContainerBackend]:
    """Yield the engines that work for this account; podman only if it has containers or images.

    Parameters
    ----------
    say : callable
        Called with a line about one that runs, but not for this account.
    """
    for client in installed():
        try:
            engine = backend_of(client.kind)
        except NotPermittedError as error:
            say(error.message)
        except NotHereError:
            continue
        else:
            if engine.facts.is_used:
                yield engine


def _must_be_native(wish: Wish) -> bool:
    kept = (folders().data / flavour for flavour in NAMES)
    has_data = not wish.ephemeral and any(each.is_dir() and any(each.iterdir()) for each in kept)
    return wish.datadir is not None or wish.flavour not in {None, MYSQL} or has_data


def _with_the_data(last: LocalSidecar) -> Backend:
    try:
        return recorded_backend(last)
    except LocalServerError as error:
        where = "" if last.container is None else f" (the container {last.container.name})"
        raise LocalServerError(
            f"Your data are with {last.backend}{where}, which cannot be used: {error.message}",
            hint=f"{error.hint} Native, the server begins without those data.",
        ) from None


def _holder_of(container: str) -> Backend:
    """Return the engine that has a container of this name."""
    asked = []
    for client in installed():
        try:
            engine = backend_of(client.kind)
            if engine.has(container):
                return engine
            asked.append(client.name)
        except NotHereError as error:
            asked.append(f"{client.name} ({error.message})")
    raise LocalServerError(
        f"There is no container {container}.",
        details=[f"Asked: {', '.join(asked) or 'nothing, as no engine is installed'}."],
    )
