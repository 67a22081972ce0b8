"""An engine's refusals, each in one sentence with the next step."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import LocalServerError, shown
from .recipe import IMAGE

SHOWN = 300


class EngineRefusal(Exception):
    """A command of the engine's client has failed.

    Parameters
    ----------
    engine : str
        ``Docker`` or ``podman``.
    verb : str
        The command, such as ``pull``.
    said : str
        The client's words.
    limit_s : float, optional
        Seconds after which it was killed, if it was.
    """

    def __init__(self, engine: str, verb: str, said: str, limit_s: float | None = None) -> None:
        super().__init__(f"{engine} {verb}: {said}")
        self.engine = engine
        self.verb = verb
        self.said = said
        self.limit_s = limit_s

    @property
    def last_line(self) -> str:
        """The line that says why."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"(?i)error|.*daemon:", line)]
        return shown((errors or lines or ["it said nothing"])[-1], SHOWN)


class NotHereError(LocalServerError):
    """The engine cannot be used by this account: it does not run, or is not permitted."""


class NotPermittedError(NotHereError):
    """The engine runs, and this account may not use it."""


class NoImageError(LocalServerError):
    """The image is not on this machine, and cannot be fetched."""


class RefusedError(LocalServerError):
    """The engine refused a command, for a reason that is not known here."""


class _Rule(NamedTuple):
    """The error for a refusal whose text has a pattern."""

    pattern: str
    error: type[LocalServerError]
    message: str
    hint: str


NATIVE = "`sidecar-magics up --backend native` needs no container"
_NO_NETWORK = (
    r"no such host|name resolution|network is unreachable|no route to host|i/o timeout"
    r"|connection refused|connection reset|TLS handshake timeout|context deadline exceeded"
    r"|request canceled|proxyconnect|server misbehaving|EOF$|x509:"
)
_RULES = (
    _Rule(
        "remote engine",
        NotHereError,
        "{engine} on this machine leads to another machine ({last}), and a server there would not "
        "be at 127.0.0.1 here.",
        "unset DOCKER_HOST, or `docker context use default`; or start the server on that machine, "
        f"and connect with --host. {NATIVE}.",
    ),
    _Rule(
        r"permission denied.*(daemon|socket|sock\b)|dial unix .*permission denied",
        NotPermittedError,
        "{engine} runs here, but this account may not use it: its socket belongs to root and the "
        "group docker.",
        "ask for membership (`sudo usermod -aG docker $USER`, then log in again; this group can do "
        f"what root can), or install podman, which needs no such right. {NATIVE}.",
    ),
    _Rule(
        r"cannot connect to the docker daemon|is the docker daemon running|daemon is not running"
        r"|error during connect|dial unix|cannot connect to podman|pipe/docker",
        NotHereError,
        "{engine} is installed, but does not run.",
        "start it: open Docker Desktop, or `sudo systemctl start docker` on Linux, or `podman "
        f"machine start` for podman on macOS and Windows. {NATIVE}.",
    ),
    _Rule(
        r"newuidmap|newgidmap|subuid|cannot clone|user namespaces? (are )?(not|disabled)"
        r"|cannot re-exec|XDG_RUNTIME_DIR|overlay.*(not supported|operation not permitted)",
        NotHereError,
        "{engine} cannot make containers for this account: {last}",
        "podman without root needs `uidmap`, and a line for you in /etc/subuid and /etc/subgid: "
        f"ask an administrator. {NATIVE}.",
    ),
    _Rule(
        r"toomanyrequests|rate limit",
        NoImageError,
        f"{IMAGE} is not on this machine, and its registry has answered this network "
        "too often today.",
        "`{program} login` with an account of your own raises the limit; or wait some hours.",
    ),
    _Rule(
        r"no matching manifest|no image found in (manifest|image index)|exec format error",
        NoImageError,
        f"{IMAGE} is not made for this machine's processor: {{last}}",
        f"{NATIVE}.",
    ),
    _Rule(
        r"manifest (for .* )?(unknown|not found)|repository does not exist|access.* denied"
        r"|unauthorized",
        NoImageError,
        f"{IMAGE} is not on this machine, and its registry does not hand it out: {{last}}",
        f"fetch it by hand and look: `{{program}} pull {IMAGE}`.",
    ),
    _Rule(
        r"short-name",
        NoImageError,
        f"{IMAGE} is not on this machine, and {{engine}} does not know which registry to ask for "
        "it: {last}",
        "`{program} pull REGISTRY/"
        + IMAGE
        + "`, once, with the host of a registry that has it; or name "
        "that host in unqualified-search-registries of ~/.config/containers/registries.conf. "
        f"{NATIVE}.",
    ),
    _Rule(
        r"no space left|quota exceeded",
        LocalServerError,
        "{engine}'s disk is full: {last}",
        "`{program} system df` shows what takes the space, `{program} system prune` removes unused "
        "containers and images.",
    ),
    _Rule(
        r"(port is|address) already (allocated|in use)|ports are not available"
        r"|bind for .* failed",
        LocalServerError,
        "{engine} cannot publish the port: {last}",
        "leave --port out to use the next free one, or stop the other program.",
    ),
)
_NO_IMAGE = _Rule(
    _NO_NETWORK,
    NoImageError,
    f"{IMAGE} is not on this machine, and its registry cannot be reached: {{last}}",
    "connect this machine to the network, or bring the image in a file: `{program} save` where it "
    "is, `{program} load -i FILE` here.",
)


def explained(refusal: EngineRefusal) -> LocalServerError:
    """Return the error for an engine's refusal, with the next step."""
    if refusal.limit_s is not None:
        return NotHereError(
            f"{refusal.engine} did not end `{refusal.verb}` within {refusal.limit_s:.0f} s.",
            hint=f"restart {refusal.engine}, and try again. {NATIVE}.",
        )
    for rule in (*_RULES, _NO_IMAGE) if refusal.verb == "pull" else _RULES:
        if re.search(rule.pattern, refusal.said, re.IGNORECASE | re.MULTILINE):
            program = refusal.engine.lower()
            message = rule.message.format(engine=refusal.engine, last=refusal.last_line)
            return rule.error(message, hint=rule.hint.format(program=program))
    kind = NoImageError if refusal.verb == "pull" else RefusedError
    return kind(
        f"{refusal.engine} refused `{refusal.verb}`: {refusal.last_line}",
        hint=f"{NATIVE}.",
    )
