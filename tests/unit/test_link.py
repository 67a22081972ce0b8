from __future__ import annotations

from types import SimpleNamespace

import pymysql
import pytest

from sidecar_magics.errors import SettingsError
from sidecar_magics.load.running.link import Link
from sidecar_magics.settings import resolve


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Link:
    """Return a link whose first statement meets the error that `refusal` is set to."""
    module = "sidecar_magics.load.running.link"
    monkeypatch.setattr(f"{module}.connect_now", lambda *_, **__: SimpleNamespace())
    monkeypatch.setattr(f"{module}.describe", lambda *_: None)
    return Link(resolve({"host": "127.0.0.1"}, environ={}), [b"SET a = 'secret'"])


def _refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(*_: object) -> None:
        raise error

    monkeypatch.setattr("sidecar_magics.load.running.link.send", send)


def test_a_refused_first_statement_is_the_option_s_fault(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch, pymysql.err.OperationalError(1193, "Unknown variable 'secret'"))
    with pytest.raises(SettingsError, match=r"--init: .* statement 1, with error 1193") as caught:
        link.open()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [pymysql.err.OperationalError(2013, "Lost connection"), OSError("reset")]
)
def test_a_connection_that_is_lost_at_once_is_lost(
    error: Exception, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the load connects again, as it does wherever a connection is lost."""
    _refuse(monkeypatch, error)
    with pytest.raises(type(error)):
        link.open()
