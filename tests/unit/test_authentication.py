"""Servers that only want the password: none gets it, by whatever plugin it asks."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sidecar_magics.connection import connect_now
from sidecar_magics.dj.driver import Driver
from sidecar_magics.dj.masking import MaskedBytes, MaskedText
from sidecar_magics.errors import AccessError, SidecarError
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.fakes import OK, PASSWORD, Client, fake, greeting, packet

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tests.fakes import Fake

SALT = b"abcdefghijklmnopqrst"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
# All that PyMySQL knows, and one that it does not.
PLUGINS = [
    *("mysql_native_password", "caching_sha2_password", "sha256_password", "client_ed25519"),
    *("mysql_old_password", "mysql_clear_password", "dialog", "auth_gssapi_client"),
]
# Those that may end with a proof that the password is known, and not with the password.
PROVING = {"mysql_native_password", "caching_sha2_password", "client_ed25519"}


def rogue(plugin: str, *, switches: bool) -> Callable[[Client, threading.Event], None]:
    """Return a server that wants to have the password and says whatever gets it."""

    def talk(client: Client, stop: threading.Event) -> None:
        first = "mysql_native_password" if switches else plugin
        client.say(greeting(first.encode()))
        if not client.read():
            return
        number = 2
        more = {
            "caching_sha2_password": [b"\1\4", b"\1" + PEM],
            "sha256_password": [b"\1" + PEM],
            "dialog": [b"\2Password: "],
        }.get(plugin, [])
        if switches:
            more = [b"\xfe" + plugin.encode() + b"\0" + _first_words(plugin), *more]
        elif plugin in ("mysql_clear_password", "dialog"):
            more = [b"\1Password: "]
        for payload in more:
            client.say(packet(payload, number % 256))
            if not client.read():
                return
            number += 2
        client.say(packet(OK, number % 256))
        while client.read() and not stop.is_set():
            client.say(packet(OK, 1))

    return talk


def _first_words(plugin: str) -> bytes:
    return b"\2Password: " if plugin == "dialog" else SALT + b"\0"


def has_the_password(server: Fake) -> bool:
    """Return whether it was sent, in clear text or under the server's key."""
    if PASSWORD.encode() in server.received:
        return True
    for client in server.clients:
        for payload in client.received:
            if len(payload) == 256:
                with contextlib.suppress(ValueError, UnsupportedAlgorithm):
                    mgf = padding.MGF1(hashes.SHA1())  # the protocol's
                    scheme = padding.OAEP(mgf=mgf, algorithm=hashes.SHA1(), label=None)
                    KEY.decrypt(payload, scheme)
                    return True
    return False


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a name that is not loopback's, though it leads there."""
    look_up = socket.getaddrinfo

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "db.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return "db.example"


def ours(server: Fake, host: str) -> None:
    connect_now(ConnectionSettings(host, server.port, "root", Secret(PASSWORD))).close()


def datajoints(server: Fake, host: str) -> None:
    import pymysql

    # As DataJoint calls it, with the password that we gave it; of a TLS that is not there.
    Driver(pymysql).connect(
        host=host,
        port=server.port,
        user="root",
        passwd=MaskedBytes(PASSWORD.encode()),
        ssl_disabled=True,
    ).close()


def from_dj_config(server: Fake, host: str) -> None:
    import pymysql

    # As with dj.conn(reset=True): the password is what we have put into dj.config.
    options = {"host": host, "port": server.port, "user": "root", "ssl_disabled": True}
    Driver(pymysql).connect(**options, passwd=MaskedText(PASSWORD)).close()


@pytest.mark.parametrize("way", [ours, datajoints, from_dj_config])
@pytest.mark.parametrize("switches", [False, True])
@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_server_elsewhere_without_tls_never_gets_the_password(
    plugin: str, switches: bool, way: Callable[[Fake, str], None], elsewhere: str
) -> None:
    with fake(rogue(plugin, switches=switches)) as server:
        with contextlib.suppress(Exception):
            way(server, elsewhere)
        assert server.clients
        assert not has_the_password(server)


@pytest.mark.parametrize("way", [ours, datajoints, from_dj_config])
@pytest.mark.parametrize("plugin", ["mysql_clear_password", "dialog", "mysql_old_password"])
def test_nobody_on_this_machine_gets_it_in_clear_text(
    plugin: str, way: Callable[[Fake, str], None]
) -> None:
    with fake(rogue(plugin, switches=True)) as server:
        with pytest.raises(Exception, match=r"clear text|broken"):
            way(server, "127.0.0.1")
        assert not has_the_password(server)


@pytest.mark.parametrize("plugin", ["caching_sha2_password", "sha256_password"])
def test_a_key_is_taken_from_a_server_on_this_machine_only(plugin: str, elsewhere: str) -> None:
    with fake(rogue(plugin, switches=True)) as server:
        with pytest.raises(AccessError, match="not encrypted") as caught:
            ours(server, elsewhere)
        assert caught.value.errno == 2061
        assert "certificate" in caught.value.hint
        assert not has_the_password(server)
    with fake(rogue(plugin, switches=True)) as server:
        ours(server, "127.0.0.1")
        assert has_the_password(server)  # so the rogue knows how to ask


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_a_server_may_not_have_is_told_in_one_sentence(plugin: str, elsewhere: str) -> None:
    with fake(rogue(plugin, switches=True)) as server:
        if plugin == "mysql_native_password":
            ours(server, elsewhere)
            return
        with pytest.raises(SidecarError) as caught:
            ours(server, elsewhere)
    assert len(caught.value._render_traceback_()) <= 8
    assert PASSWORD not in str(caught.value)


def test_a_greeting_that_claims_no_tls_does_not_open_what_was_encrypted() -> None:
    """What was found with TLS before must be so again, with any PyMySQL."""
    import pymysql

    with fake(rogue("caching_sha2_password", switches=True)) as server:
        with pytest.raises(pymysql.err.OperationalError) as caught:
            Driver(pymysql).connect(
                host="127.0.0.1",
                port=server.port,
                user="root",
                passwd=MaskedBytes(PASSWORD.encode()),
                ssl={"ssl": {}},
            )
        assert caught.value.args[0] == 2026
        assert server.received.strip() == b""


def test_others_connections_are_made_as_ever() -> None:
    import pymysql

    with fake(rogue("mysql_clear_password", switches=True)) as server:
        connection = Driver(pymysql).connect(
            host="127.0.0.1", port=server.port, user="root", password=PASSWORD, ssl_disabled=True
        )
        assert type(connection) is pymysql.Connection
        connection.close()
    assert Driver(pymysql).err is pymysql.err
