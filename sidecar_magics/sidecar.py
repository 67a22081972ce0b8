"""The server that answered: its description, and how other tools connect to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from .connection import connect_now, explained, query_failure
from .errors import shown
from .limits import ANSWER_S, limited
from .protocol import plain_version
from .questions import ask
from .server import WeakTlsContext, pymysql_errors

if TYPE_CHECKING:
    import pymysql
    from sqlalchemy.engine import URL, Engine

    from .settings import ConnectionSettings

# A version, a character set, a cipher, an identity.
WORD_SHOWN = 80
IDENTITY_BYTES = 65536
FLAVOURS = {"mysql": "MySQL", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Sidecar:
    """A MySQL server that is ready, as it described itself.

    Parameters
    ----------
    settings : ConnectionSettings
        How it was reached.
    version : str
        Server version, such as ``9.7.4-2`` or ``10.11.18-MariaDB``.
    flavour : str
        ``mysql`` or ``mariadb``.
    uuid : str or None
        The server's own identity; None where it has none. MySQL's is new with each new data
        folder; MariaDB's distinguishes installations, not their data.
    charset : str
        Character set of new schemas, ``character_set_server``.
    tls_cipher : str or None
        Cipher of the connection that asked; None if it was not encrypted.
    weak_tls : bool
        Whether that took ciphers which Python's defaults refuse.
    uptime_s : int
        Seconds since the server started, when it was asked.
    waited_s : float
        Seconds until it was ready.
    """

    settings: ConnectionSettings = field(repr=False)
    version: str
    flavour: str
    uuid: str | None
    charset: str
    tls_cipher: str | None
    weak_tls: bool
    uptime_s: int
    waited_s: float = 0.0

    @property
    def host(self) -> str:
        """Name or address of the server."""
        return self.settings.host

    @property
    def port(self) -> int:
        """TCP port of the server."""
        return self.settings.port

    @property
    def user(self) -> str:
        """Account that logs in."""
        return self.settings.user

    @property
    def url(self) -> URL:
        """SQLAlchemy's URL of the server; its repr hides the password."""
        return self._url(None)

    def engine(self, database: str | None = None, **options: Any) -> Engine:
        """Return an SQLAlchemy engine, for pandas and for JupySQL's ``%sql``.

        Parameters
        ----------
        database : str, optional
            Default schema of its connections.
        **options
            Passed to `sqlalchemy.create_engine`, except ``connect_args``, which is ours.
        """
        from sqlalchemy import create_engine  # noqa: PLC0415

        # The creator takes the same way in as everything else here, TLS ladder included, and
        # keeps the password out of the engine's URL. A server closes connections that were idle
        # for long (wait_timeout), so each is tried before it is used again.
        return create_engine(
            self._url(database).set(password=None),
            creator=lambda: self.connect(database),
            **{"pool_pre_ping": True, **options},
        )

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        """Return a new DB-API connection, which does not commit by itself (PEP 249).

        Parameters
        ----------
        database : str, optional
            Default schema.

        Raises
        ------
        ServerNotReadyError, AccessError
            The server does not answer any more, or refuses.
        """
        connection = connect_now(self.settings)
        try:
            with limited(connection):
                connection.autocommit(False)
                if database is not None:
                    connection.select_db(database)
        except BaseException:
            connection.close()
            raise
        return connection

    def _url(self, database: str | None) -> URL:
        from sqlalchemy.engine import URL  # noqa: PLC0415

        return URL.create(
            "mysql+pymysql",
            self.user,
            self.settings.password.reveal(),
            self.host,
            self.port,
            database,
            {"charset": "utf8mb4"},
        )

    @property
    def server(self) -> str:
        """Kind and version, such as ``MySQL 9.7.4``."""
        return f"{FLAVOURS[self.flavour]} {self.version}"

    def _facts(self) -> str:
        encryption = self.tls_cipher or "not encrypted"
        return f"{self.server}, {encryption}, {self.charset}"

    def __repr__(self) -> str:
        return f"<Sidecar {self.user}@{self.settings.address}: {self._facts()}>"

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(self.user)}@{escape(self.settings.address)}</b> "
            f"{escape(self._facts())}, up {self.uptime_s} s"
        )


def describe(
    connection: pymysql.Connection[Any], settings: ConnectionSettings, waited_s: float
) -> Sidecar:
    """Ask a connected server for its description.

    Parameters
    ----------
    connection : pymysql.Connection
        A logged-in connection.
    settings : ConnectionSettings
        How it was reached.
    waited_s : float
        Seconds until it was ready.

    Raises
    ------
    ServerNotReadyError, AccessError
        It does not answer in time, or not as a MySQL server does, or refuses.
    """
    try:
        return identify(connection, settings, waited_s)
    except pymysql_errors() as error:
        raise explained(query_failure(error), settings, waited_s, attempts=1) from None


def identify(
    connection: pymysql.Connection[Any], settings: ConnectionSettings, waited_s: float
) -> Sidecar:
    """Do the same as `describe`, for callers that handle refusals themselves.

    Raises
    ------
    pymysql.err.MySQLError, OSError
        It does not answer in time, or not as a MySQL server does, or refuses.
    """
    with limited(connection, ANSWER_S, max_bytes=IDENTITY_BYTES):
        rows = ask(connection, "SELECT VERSION(), @@character_set_server", 2)
        said = ask(connection, "SHOW STATUS WHERE Variable_name IN ('Ssl_cipher', 'Uptime')", 2)
        # MySQL calls it server_uuid; MariaDB has had server_uid since 10.6.
        identity = ask(
            connection, "SHOW VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')", 2
        )
    status = {name: value for name, value in said}  # noqa: C416 - two cells, as was asked for
    version, charset = rows[0] if rows else ("", "")
    version, up = version or "unknown", status.get("Uptime") or ""
    return Sidecar(
        settings=settings,
        # Many places show a server's words, so they are made fit for that here.
        version=shown(plain_version(version), WORD_SHOWN),
        flavour="mariadb" if "mariadb" in version.lower() else "mysql",
        uuid=shown(identity[0][1] or "", WORD_SHOWN) or None if identity else None,
        charset=shown(charset or "", WORD_SHOWN),
        tls_cipher=shown(status.get("Ssl_cipher") or "", WORD_SHOWN) or None,
        weak_tls=isinstance(getattr(connection, "ctx", None), WeakTlsContext),
        uptime_s=int(up) if up.isascii() and up.isdigit() and len(up) < 12 else 0,
        waited_s=waited_s,
    )
