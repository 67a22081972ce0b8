"""The TLS ladder on real servers: weak ciphers only, and a certificate to check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import TlsError
from sidecar_magics.wait import wait
from tests.servers import DATAJOINT_CIPHER, DEFAULT_LIST_HAS_IT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.mark.parametrize("tls", ["auto", "required"])
def test_a_weak_cipher_is_taken_on_loopback(weak_tls_server: Server, tls: str) -> None:
    sidecar = wait(replace(weak_tls_server.settings, tls=tls), timeout_s=10)
    assert sidecar.tls_cipher == DATAJOINT_CIPHER
    assert sidecar.weak_tls != DEFAULT_LIST_HAS_IT


@pytest.mark.skipif(DEFAULT_LIST_HAS_IT, reason="this Python was built with OpenSSL's own list")
def test_a_weak_cipher_is_refused_elsewhere(
    weak_tls_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No other machine is at hand: this one's address is made to count as another's.
    monkeypatch.setattr("sidecar_magics.settings.is_loopback", lambda _: False)
    with pytest.raises(TlsError, match="No common encryption") as caught:
        wait(weak_tls_server.settings, timeout_s=10)
    assert caught.value.hint


def test_a_certificate_is_checked_against_its_authority(
    weak_tls_server: Server, mysql_server: Server, certificate: tuple[Path, Path]
) -> None:
    assert wait(replace(weak_tls_server.settings, ca=certificate[0]), timeout_s=10).tls_cipher
    with pytest.raises(TlsError, match="CERTIFICATE_VERIFY_FAILED"):
        wait(replace(mysql_server.settings, ca=certificate[0]), timeout_s=10)
