"""One start of a container: which one, made or found, on which port, with which password."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import AccessError, LocalServerError, ServerNotReadyError
from ...settings import TUTORIAL_PASSWORD
from ...wait import wait
from ..access import RANDOM_BYTES
from ..ports import choose_port
from ..process import HOST, USER, is_taken, settings_for
from ..state import NAMES, ContainerRecord, LocalSidecar
from . import found, recipe
from .container import read
from .password import change_password, put_password, read_password
from .pulling import fetch
from .refusals import EngineRefusal
from .watching import Watch, visible_process

if TYPE_CHECKING:
    from ..wish import Reporter, Wish
    from .client import Client
    from .container import Container

TUTORIAL = TUTORIAL_PASSWORD.reveal()
# How long a container's server may refuse the password, as it may just be starting.
REFUSAL_S = 5.0


@dataclass
class Starting:
    """One start of a container."""

    client: Client
    limits: recipe.Limits
    wish: Wish
    report: Reporter
    last: LocalSidecar | None

    def run(self) -> LocalSidecar:
        """Start whichever container fits the wish."""
        if self.wish.flavour not in {None, "mysql"}:
            raise LocalServerError(
                f"The container's image is MySQL's, not {NAMES[self.wish.flavour or '']}'s.",
                hint="add --backend native.",
            )
        if self.wish.ephemeral:
            return self._ephemeral()
        if self.wish.container is not None:
            return self._use(self._wished(self.wish.container))
        recorded = self._recorded()
        if recorded is not None and self._fits(recorded):
            return self._use(recorded)
        own = found.own_container(self.client)
        if own is not None:
            return self._again(own)
        other = found.pick(found.others(self.client), self.client.name)
        if other is not None and self._fits(other):
            return self._use(other)
        return self._new(found.own_name(), found.own_name())

    def _wished(self, name: str) -> Container:
        container = found.named(self.client, name)
        if container is None:
            raise LocalServerError(f"{self.client.name} has no container {name}.")
        if not container.port:
            raise LocalServerError(
                f"The container {name} does not publish port {recipe.PORT}, so nothing on this "
                "machine can reach its server.",
                hint=f"make it anew with --publish 127.0.0.1:{recipe.PORT}:{recipe.PORT}.",
            )
        return container

    def _recorded(self) -> Container | None:
        """Return the container that was used last, if it is still there."""
        last = self.last
        if last is None or last.container is None or last.backend != self.client.kind:
            return None
        return found.named(self.client, last.container.id)

    def _fits(self, container: Container) -> bool:
        """Return whether a container fits the wish, or was made by the user."""
        port, password = self.wish.port, self.wish.password
        same_login = password in {None, container.password or TUTORIAL}
        return container.is_ours or (port in {None, container.port} and same_login)

    # Containers of others ------------------------------------------------------------------------

    def _use(self, container: Container) -> LocalSidecar:
        """Use a container that the user made; it stays as it is."""
        if container.is_ours:
            return self._again(container)
        say = self.report.say
        if container.is_running:
            say(f"Using the container {container.name} of {self.client.name}, which runs.")
        else:
            if is_taken(container.port):
                choose_port(replace(self.wish, port=container.port), say)  # says who has it
            say(f"Starting the container {container.name} of {self.client.name}.")
            self.client.run("start", container.id)
        password = self._login(container)
        return self._ready(container, password, is_foreign=True)

    def _login(self, container: Container) -> str:
        """Return the password with which root can log in."""
        recorded = self.last
        known = [
            self.wish.password,
            container.password,
            recorded.password
            if recorded is not None
            and recorded.container is not None
            and recorded.container.id == container.id
            else None,
            TUTORIAL,
        ]
        candidates = list(dict.fromkeys(each for each in known if each is not None))
        for password in candidates[: 1 if self.wish.password is not None else None]:
            with contextlib.suppress(AccessError):
                self._wait(container, password, is_certain=False)
                return password
        raise LocalServerError(
            f"Root's password in the container {container.name} is not the one that it was made "
            "with.",
            hint="put it into an environment variable, and name that: `sidecar-magics up "
            f"--container {container.name} --password-env VARIABLE`.",
        )

    # Ours ----------------------------------------------------------------------------------------

    def _again(self, own: Container) -> LocalSidecar:
        """Start our container again; make it anew if it is to be another, on the same volume."""
        say = self.report.say
        if own.is_running and self.wish.port in {None, 0, own.port}:
            say(f"The container {own.name} of {self.client.name} runs already.")
            return self._finish(own, read_password(self.client, own.id))
        port = own.port if own.is_running else choose_port(self.wish, say, own.port)
        if self.wish.port not in {None, 0, own.port}:
            port = choose_port(self.wish, say)
        password = read_password(self.client, own.id)
        if port != own.port or own.recipe != recipe.digest(self.limits):
            fetch(self.client, self.report)
            say(f"Making the container {own.name} anew, with the same data.")
            if own.is_running:
                self.client.run("stop", f"--time={recipe.STOP_GRACE_S}", own.id)
            self.client.run("rm", own.id)
            own = self._create(own.name, port, own.volume, password)
        say(f"Starting the container {own.name} of {self.client.name} on {HOST}:{port}.")
        self._start(own)
        return self._finish(own, password)

    def _new(self, name: str, volume: str | None) -> LocalSidecar:
        """Make a container of ours, and its data."""
        fetch(self.client, self.report)
        port = choose_port(self.wish, self.report.say)
        had_data = volume is not None and self._has_volume(volume)
        password = secrets.token_urlsafe(RANDOM_BYTES)
        if had_data and self.last is not None and self.last.backend == self.client.kind:
            password = self.last.password
        container = self._create(name, port, volume, password)
        self.report.say(
            f"Starting {recipe.IMAGE} in the container {name} of {self.client.name} on "
            f"{HOST}:{port}."
        )
        try:
            self._start(container)
            return self._finish(container, password)
        except BaseException:
            with contextlib.suppress(EngineRefusal):
                self.client.run("rm", "--force", "--volumes", container.id)
                if volume is not None and not had_data:
                    self.client.run("volume", "rm", volume)
            raise

    def _ephemeral(self) -> LocalSidecar:
        name = f"{found.own_name()}-{secrets.token_hex(4)}"
        return self._new(name, None)

    def _create(self, name: str, port: int, volume: str | None, password: str) -> Container:
        arguments = recipe.create_arguments(name, port, volume, self.limits)
        identifier = self.client.run(*arguments).decode().split()[-1]
        try:
            put_password(self.client, identifier, password)
            return read(self.client.inspect(identifier)[0])
        except BaseException:
            with contextlib.suppress(EngineRefusal):
                self.client.run("rm", "--force", identifier)
            raise

    def _start(self, container: Container) -> None:
        self.client.run("start", container.id)

    def _finish(self, container: Container, password: str) -> LocalSidecar:
        """Wait for our container, and give root the password that was asked for."""
        self._wait(container, password)
        wished = self.wish.password
        if wished is not None and wished != password:
            change_password(self.client, container, password, wished)
            password = wished
        return self._ready(container, password, is_foreign=False)

    # Both ----------------------------------------------------------------------------------------

    def _wait(self, container: Container, password: str, *, is_certain: bool = True) -> None:
        """Wait for a container's server; one that is being made refuses logins for a while."""
        watch = Watch(self.client, container)
        try:
            wait(
                settings_for(container.port, password),
                timeout_s=self.wish.timeout_s,
                access_grace_s=self.wish.timeout_s if is_certain else REFUSAL_S,
                watch=watch,
            )
        except ServerNotReadyError as error:
            raise watch.failure(
                f"The server in the container {container.name} was not ready after "
                f"{error.waited_s:.0f} s: {error.last_answer}."
            ) from None
        except AccessError as error:
            if is_certain:
                raise watch.failure(error.message) from None
            raise

    def _ready(self, container: Container, password: str, *, is_foreign: bool) -> LocalSidecar:
        """Return the record of a container whose server takes this password."""
        server = wait(settings_for(container.port, password), timeout_s=self.wish.timeout_s)
        now = found.named(self.client, container.id) or container
        process = visible_process(now)
        return LocalSidecar(
            HOST,
            container.port,
            USER,
            password,
            server.flavour,
            server.version,
            pid=None if process is None else process[0],
            create_time_s=None if process is None else process[1],
            ephemeral=self.wish.ephemeral,
            confined=True,
            backend=self.client.kind,
            container=ContainerRecord(
                now.id,
                now.name,
                now.image,
                now.volume,
                is_foreign,
                was_running=is_foreign and container.is_running,
            ),
            started=not container.is_running,
        )

    def _has_volume(self, name: str) -> bool:
        with contextlib.suppress(EngineRefusal):
            self.client.ask("volume", "inspect", name)
            return True
        return False
