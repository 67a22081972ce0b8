"""The server's address and our account; every value remembers where it came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .addresses import is_address, is_loopback, split_port
from .errors import SettingsError
from .local.state import read_state
from .option_files import read_client_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FIELDS = ("host", "port", "user", "password", "tls", "ca")
TLS_MODES = ("auto", "required")
REDACTED = "********"


class Secret(str):
    """A password: compares and encodes as text, but never prints."""

    __slots__ = ()

    def __new__(cls, text: str) -> Secret:
        """Make a secret of a text; of a secret, whose str() is redacted, the same again."""
        return text if isinstance(text, Secret) else super().__new__(cls, text)

    def reveal(self) -> str:
        """Return the plain text, to hand it to a driver."""
        return "".join(self)

    def __repr__(self) -> str:
        return f"'{REDACTED}'"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return format(REDACTED, spec)


# The tutorial's convention: what Spyglass's notebooks, its Docker image and the hubs all use.
TUTORIAL_PASSWORD = Secret("tutorial")
# An account without a password is no safer.
PUBLIC_PASSWORDS = frozenset({TUTORIAL_PASSWORD.reveal(), ""})
CONVENTION = {"host": "127.0.0.1", "port": 3306, "user": "root", "password": TUTORIAL_PASSWORD}

# One row a tier: the variable that holds each field.
ENVIRONMENT_TIERS: tuple[Mapping[str, str], ...] = (
    {name: f"SIDECAR_MYSQL_{name.upper()}" for name in FIELDS},
    {"host": "MYSQL_HOST", "port": "MYSQL_TCP_PORT", "password": "MYSQL_PWD"},
    {"host": "DJ_HOST", "port": "DJ_PORT", "user": "DJ_USER", "password": "DJ_PASS"},
)

# DataJoint takes "host:port" there; MySQL's own programs do not in MYSQL_HOST.
TAKE_A_PORT = {"DJ_HOST"}

# --ssl-mode of MySQL's own programs; modes stronger than PREFERRED mean "required" here.
SSL_MODES = {
    "DISABLED": "auto",
    "PREFERRED": "auto",
    "REQUIRED": "required",
    "VERIFY_CA": "required",
    "VERIFY_IDENTITY": "required",
}


class FoundValue(NamedTuple):
    """A value and the place it was found in."""

    value: Any
    source: str


@dataclass(frozen=True)
class ConnectionSettings:
    """Everything needed to open a connection, resolved.

    Parameters
    ----------
    host : str, default "127.0.0.1"
        Name or address; never ``localhost``, which MySQL's programs read as "use the socket".
    port : int, default 3306
        TCP port, 1 to 65535.
    user : str, default "root"
        Account name.
    password : Secret
        May be empty: an empty password is a password.
    tls : {"auto", "required"}, default "auto"
        ``auto`` encrypts where the server can; ``required`` refuses a server that cannot.
    ca : Path or None, default None
        Certificate authority to check the server's certificate against. None accepts any
        certificate, as a self-signed one is what a MySQL server makes for itself.
    sources : mapping of str to str
        For each field, where its value came from.
    """

    host: str = "127.0.0.1"
    port: int = 3306
    user: str = "root"
    password: Secret = Secret("")  # noqa: RUF009 - immutable
    tls: str = "auto"
    ca: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def address(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def must_encrypt(self) -> bool:
        """Whether a connection without TLS is refused: a certificate is to be checked, say."""
        return self.tls == "required" or self.ca is not None

    @property
    def is_loopback(self) -> bool:
        """Whether the server can only be on this machine or in this pod."""
        return is_loopback(self.host)

    def origins(self) -> str:
        """Return where host, port, user and password came from, as one line; no password."""
        fields = ("host", "port", "user", "password")
        by_source: dict[str, list[str]] = {}
        for name in fields:
            by_source.setdefault(self.sources.get(name, "given"), []).append(name)
        return "; ".join(f"{', '.join(names)}: {source}" for source, names in by_source.items())

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for name in FIELDS:
            value = getattr(self, name)
            shown = "(empty)" if value == "" else str(value)
            yield name, "-" if value is None else shown, self.sources.get(name, "")

    def table(self) -> str:
        """Return the settings as text: one line a field, with its source; no password."""
        return "\n".join(f"{name:<9} {value:<20} {source}" for name, value, source in self._rows())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        del cycle
        printer.text(self.table())

    def _repr_html_(self) -> str:
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row)
            for row in self._rows()
        )
        return f"<table><tr><th>setting</th><th>value</th><th>from</th></tr>{body}</table>"


def resolve(
    options: Mapping[str, Any] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    earlier: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    option_file: Path | None = None,
    after_environment: Mapping[str, Mapping[str, FoundValue]] | None = None,
) -> ConnectionSettings:
    """Resolve each field by itself; the first place that has it wins.

    The places, in order: `options` (the magic's line), `config` (``%config SidecarMagics``),
    `earlier` (options of an earlier ``%mysql_wait``), ``SIDECAR_MYSQL_*``, ``MYSQL_HOST`` /
    ``MYSQL_TCP_PORT`` / ``MYSQL_PWD``, ``DJ_*``, `after_environment`, the option file's
    ``[client]`` group, the sidecar that ``sidecar-magics up`` started, the tutorial's convention.

    Parameters
    ----------
    options, config, earlier : mapping, optional
        Values by field name; None counts as not given. `options` and `earlier` may have
        ``password_env``, the name of an environment variable that holds the password; `earlier`
        also ``line``, the magic that it is from, if that is not ``%mysql_wait``.
    environ : mapping, optional
        Default: the process's environment.
    option_file : Path, optional
        Default: ``~/.my.cnf``.
    after_environment : mapping of str to mapping, optional
        More places by name, in order, and what each has: DataJoint's own configuration, for
        ``%datajoint_connect``.

    Raises
    ------
    SettingsError
        A value is malformed (the message names its source), or the password is nowhere and the
        host is not on this machine: the convention's password goes to loopback only.
    """
    environ = os.environ if environ is None else environ
    after_environment = after_environment or {}
    option_file = Path("~/.my.cnf").expanduser() if option_file is None else option_file
    found = _first_hits(
        _given(options, "option --{}"),
        _password_variable(options, environ, "option --password-env {}"),
        _given(config, "%config SidecarMagics.{}"),
        _given(earlier, _line_of(earlier) + " earlier in this kernel"),
        _password_variable(
            earlier, environ, "%mysql_wait --password-env {} earlier in this kernel"
        ),
        *(environment(names, environ) for names in ENVIRONMENT_TIERS),
        *after_environment.values(),
        _option_file(option_file),
    )
    found = {name: hit._replace(value=_CHECKS[name](hit)) for name, hit in found.items()}
    found = _first_hits(found, _local_sidecar(found), _convention(found), _DEFAULTS)
    if "password" not in found:
        raise _no_password(found["host"].value, [*after_environment, f"{option_file} [client]"])
    return ConnectionSettings(
        **{name: hit.value for name, hit in found.items()},
        sources={name: hit.source for name, hit in found.items()},
    )


def given_or_resolved(settings: ConnectionSettings | None) -> ConnectionSettings:
    """Return the settings that a function was given, or those that are found by themselves.

    Raises
    ------
    TypeError
        It is something else: a host's name, or a `Sidecar`.
    SettingsError
        As `resolve`.
    """
    if settings is None:
        return resolve()
    if not isinstance(settings, ConnectionSettings):
        raise TypeError(
            f"settings are what resolve() returns, not {type(settings).__name__}: write "
            'resolve({"host": "127.0.0.1"}), or the .settings of what mysql_wait() has returned'
        )
    return settings


def _line_of(earlier: Mapping[str, Any] | None) -> str:
    return str((earlier or {}).get("line", "%mysql_wait --{}"))


def password_in(variable: str, environ: Mapping[str, str] | None = None) -> Secret:
    """Return the password that an environment variable holds; it may be empty.

    Parameters
    ----------
    variable : str
        The variable's name, as given with ``--password-env``.
    environ : mapping, optional
        Default: the process's environment.

    Raises
    ------
    SettingsError
        There is no such variable.
    """
    environ = os.environ if environ is None else environ
    if variable not in environ:
        raise SettingsError(f"The environment variable {variable} (--password-env) is not set.")
    return Secret(environ[variable])


def _first_hits(*tiers: Mapping[str, FoundValue]) -> dict[str, FoundValue]:
    hits: dict[str, FoundValue] = {}
    for tier in tiers:
        hits = {**tier, **hits}
    return hits


def _given(values: Mapping[str, Any] | None, source: str) -> dict[str, FoundValue]:
    return {
        name: FoundValue(value, source.format(name))
        for name, value in (values or {}).items()
        if name in FIELDS and value is not None
    }


def _password_variable(
    values: Mapping[str, Any] | None, environ: Mapping[str, str], source: str
) -> dict[str, FoundValue]:
    variable = (values or {}).get("password_env")
    if variable is None:
        return {}
    return {"password": FoundValue(password_in(variable, environ), source.format(variable))}


def environment(names: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, FoundValue]:
    """Return what one row of `ENVIRONMENT_TIERS` has in the environment, by field."""
    # An empty variable counts as not set, as in a compose file's `${X:-}`; but an empty password
    # is a password.
    tier = {
        name: FoundValue(environ[variable], f"environment {variable}")
        for name, variable in names.items()
        if environ.get(variable) or (name == "password" and variable in environ)
    }
    if "host" in tier and names["host"] in TAKE_A_PORT:
        host, port = split_port(tier["host"].value)
        if port:
            tier["port"] = tier["host"]._replace(value=port)
            tier["host"] = tier["host"]._replace(value=host)
    return tier


def _option_file(path: Path) -> dict[str, FoundValue]:
    options = read_client_group(path)
    tier: dict[str, FoundValue] = {
        name: FoundValue(options[name].value, options[name].source)
        for name in ("host", "port", "user", "password")
        if name in options
    }
    if "ssl-mode" in options:
        mode, source = options["ssl-mode"]
        if mode.upper() not in SSL_MODES:
            raise SettingsError(
                f"ssl-mode is {mode!r} in {source}; it can be one of {', '.join(SSL_MODES)}."
            )
        tier["tls"] = FoundValue(SSL_MODES[mode.upper()], source)
    if "ssl-ca" in options:
        tier["ca"] = FoundValue(options["ssl-ca"].value, options["ssl-ca"].source)
    return tier


def _local_sidecar(found: Mapping[str, FoundValue]) -> dict[str, FoundValue]:
    """Return the sidecar that ``up`` started, unless `found` already points somewhere else."""
    sidecar = read_state()
    if sidecar is None:
        return {}
    tier = {
        name: FoundValue(value, "the sidecar that `sidecar-magics up` started")
        for name, value in (
            ("host", sidecar.host),
            ("port", sidecar.port),
            ("user", sidecar.user),
            ("password", Secret(sidecar.password)),
        )
    }
    elsewhere = any(
        name in found and found[name].value != tier[name].value for name in ("host", "port")
    )
    return {} if elsewhere else tier


def _convention(found: Mapping[str, FoundValue]) -> dict[str, FoundValue]:
    tier = {
        name: FoundValue(value, "the tutorial's convention") for name, value in CONVENTION.items()
    }
    if "host" in found and not is_loopback(found["host"].value):
        del tier["password"]
    return tier


def _no_password(host: str, files: Sequence[str]) -> SettingsError:
    variables = [names["password"] for names in ENVIRONMENT_TIERS]
    return SettingsError(
        f"No password for {host}: the tutorial's own is only ever sent to this machine.",
        details=[
            "Looked at: --password-env, %config SidecarMagics.password, "
            f"{', '.join([*variables, *files])}."
        ],
        hint=f"set {variables[0]} in the environment of the kernel (an empty value is a password).",
    )


def shown_host(host: str) -> str:
    """Return what a host is said to be, without an account and a password in front of it."""
    account, _, name = host.rpartition("@")
    return f"…@{name}" if account else name


def _check_host(hit: FoundValue) -> str:
    host = str(hit.value).strip()
    is_malformed = not host or not all(each.isalnum() or each in ".-_:[]%" for each in host)
    # A name has no colon.
    has_no_port = not split_port(host)[1]
    if is_malformed or (has_no_port and ":" in host and not is_address(host.strip("[]"))):
        raise SettingsError(
            f"host is {shown_host(host)!r} ({hit.source}), which is not a host name or an address.",
            hint="give the name only, such as 127.0.0.1: port and account are other settings.",
        )
    name, port = split_port(host)
    if port:
        raise SettingsError(
            f"host is {host!r} ({hit.source}), which has a port in it.",
            hint=f"give {name} as the host and {port} as the port: it has an option of its own.",
        )
    return "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")


def _check_port(hit: FoundValue) -> int:
    text = str(hit.value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        raise SettingsError(
            f"port is {text!r} ({hit.source}); it must be a number from 1 to 65535."
        )
    return int(text)


def _check_tls(hit: FoundValue) -> str:
    mode = str(hit.value).strip().lower()
    if mode not in TLS_MODES:
        raise SettingsError(
            f"tls is {hit.value!r} ({hit.source}); it can be {' or '.join(TLS_MODES)}."
        )
    return mode


def _check_ca(hit: FoundValue) -> Path:
    import ssl  # noqa: PLC0415 - 10 ms, and few have such a file

    path = Path(os.path.expanduser(hit.value))  # noqa: PTH111 - leaves ~nobody as it is
    if not path.is_file():
        raise SettingsError(f"ca is {str(path)!r} ({hit.source}), and no file is there.")
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            f"ca is {str(path)!r} ({hit.source}), which holds no certificate: {error}."
        ) from None
    return path


_CHECKS: Mapping[str, Callable[[FoundValue], Any]] = {
    "host": _check_host,
    "port": _check_port,
    "user": lambda hit: str(hit.value),
    "password": lambda hit: Secret(hit.value),
    "tls": _check_tls,
    "ca": _check_ca,
}
_DEFAULTS = {"tls": FoundValue(TLS_MODES[0], "default"), "ca": FoundValue(None, "default")}
