"""The way to the server: settings, address, login, encryption, and access by others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hints import Runtime
from ..settings import ENVIRONMENT_TIERS, PUBLIC_PASSWORDS, environment
from .diagnosis import failure, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..errors import SidecarError
    from ..settings import ConnectionSettings
    from ..sidecar import Sidecar
    from .diagnosis import Check

# A login that takes longer is felt with each connection that a notebook opens.
SLOW_LOGIN_S = 2.0
# Stages of a connection before a MySQL server has answered.
UNREACHED = {"name", "port", "greeting"}
SPELLINGS = {"localhost": "127.0.0.1"}
BIND_IN_A_POD = (
    "give the sidecar --bind-address=127.0.0.1 and --loose-mysqlx=OFF, as in "
    "hub-config/sidecar.values.yaml."
)
BIND_ELSEWHERE = (
    "start the server with --bind-address=127.0.0.1 and --loose-mysqlx=OFF, or publish a "
    "container's port on 127.0.0.1 only, as compose.yaml does."
)


def unsettled(error: SidecarError) -> Check:
    """Report why the settings name no server."""
    return failure("settings", error.message, error.hint)


def settings_found(settings: ConnectionSettings, environ: Mapping[str, str]) -> Check:
    """Return where the settings come from, and whether the environment contradicts itself."""
    contradictions = list(_contradictions(environ))
    if contradictions:
        return warning(
            "settings",
            f"environment variables contradict each other: {'; '.join(contradictions)}.",
            f"set all of them alike: the magics use {settings.user}@{settings.address} "
            f"({settings.origins()}), other tools may go elsewhere.",
        )
    return ok("settings", f"{settings.origins()}.")


def _contradictions(environ: Mapping[str, str]) -> Iterator[str]:
    tiers = [environment(names, environ) for names in ENVIRONMENT_TIERS]
    for field in ("host", "port", "user", "password"):
        given = {
            tier[field].source.rpartition(" ")[2]: str(tier[field].value)
            for tier in tiers
            if field in tier and tier[field].value
        }
        if len({SPELLINGS.get(value, value) for value in given.values()}) < 2:
            continue
        if field == "password":
            yield f"{' and '.join(given)} are different passwords"
        else:
            yield " but ".join(f"{variable} is {value}" for variable, value in given.items())


def not_reached(error: SidecarError, stage: str, settings: ConnectionSettings) -> Iterator[Check]:
    """Return which step of connecting failed; the steps before it are well."""
    if stage in UNREACHED:
        yield failure("address", error.message, error.hint)
        return
    yield answers(settings)
    yield failure("login", error.message, error.hint)


def answers(settings: ConnectionSettings) -> Check:
    """Report that a server answers."""
    where = "on this machine or in this pod" if settings.is_loopback else "on another host"
    return ok("address", f"a MySQL server answers at {settings.address}, {where}.")


def logged_in(settings: ConnectionSettings, took_s: float) -> Check:
    """Return how long the login took."""
    message = f"{settings.user} logged in after {took_s * 1000:,.0f} ms."
    if took_s < SLOW_LOGIN_S:
        return ok("login", message)
    return warning(
        "login",
        message,
        "each new connection takes that long: the server's machine is busy, or it looks up names "
        "(--skip-name-resolve).",
    )


def encryption(settings: ConnectionSettings, sidecar: Sidecar) -> Check:
    """Return how the connection is encrypted; on loopback it need not be."""
    if sidecar.tls_cipher is None and not settings.is_loopback:
        return warning(
            "encryption",
            "the connection goes to another host and is not encrypted.",
            "give the server a certificate, and use --tls required.",
        )
    if sidecar.tls_cipher is None:
        return ok("encryption", "none, and none is needed on this machine.")
    weak = ", which Python's defaults refuse; on this machine it does no harm"
    return ok("encryption", f"{sidecar.tls_cipher}{weak if sidecar.weak_tls else ''}.")


def exposure(
    settings: ConnectionSettings, open_at: Sequence[tuple[str, int]], place: Runtime
) -> Check:
    """Return whether others than this machine, or pod, can reach the server.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is, with the password that it took.
    open_at : sequence of (address, port)
        Where it answers besides loopback.
    place : Runtime
        Where this code runs: on a hub, others are strangers.
    """
    is_public = settings.password.reveal() in PUBLIC_PASSWORDS
    if not settings.is_loopback:
        if not is_public:
            return ok("exposure", "it is on another host, and has a password of its own.")
        message = f"{settings.host} is open to others, with the tutorial's password or none."
        return _exposed(message, "give its accounts passwords of their own.", place, is_public)
    if not open_at:
        # In a pod or a container there are no accounts but the user's own.
        is_shared = is_public and place in {Runtime.NATIVE, Runtime.DOCKER, Runtime.WINDOWS}
        known = "; its own accounts can all log in, as the password is public" if is_shared else ""
        return ok("exposure", f"this machine's own addresses refuse the server's ports{known}.")
    where = ", ".join(f"{f'[{at}]' if ':' in at else at}:{port}" for at, port in open_at)
    who = "other pods" if place is Runtime.HUB else "other machines"
    verb = "answers" if len(open_at) == 1 else "answer"
    message = f"{where} {verb}: {who} can connect, unless a network policy or firewall stops them"
    known = ", and the password is public" if is_public else ""
    hint = BIND_IN_A_POD if place is Runtime.HUB else BIND_ELSEWHERE
    return _exposed(f"{message}{known}.", hint, place, is_public)


def _exposed(message: str, hint: str, place: Runtime, is_public: bool) -> Check:
    wrong = failure if is_public and place is Runtime.HUB else warning
    return wrong("exposure", message, hint)
