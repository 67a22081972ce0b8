from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import AccessError, ServerNotReadyError, TlsError
from sidecar_magics.settings import Secret
from sidecar_magics.wait import wait

if TYPE_CHECKING:
    from sidecar_magics.settings import ConnectionSettings
    from tests.servers import Server

pytestmark = pytest.mark.server


def settings_of(server: Server, **changes: Any) -> ConnectionSettings:
    return replace(server.settings, **changes)


def test_a_mysql_describes_itself(mysql_server: Server) -> None:
    sidecar = wait(settings_of(mysql_server), timeout_s=10)
    assert (sidecar.host, sidecar.port, sidecar.user) == ("127.0.0.1", mysql_server.port, "root")
    assert sidecar.flavour == "mysql"
    assert int(sidecar.version.partition(".")[0]) >= 8
    assert sidecar.uuid is not None
    assert len(sidecar.uuid) == 36
    assert sidecar.charset == "utf8mb4"
    assert sidecar.tls_cipher
    assert not sidecar.weak_tls
    assert sidecar.waited_s < 10


def test_a_mariadb_describes_itself(mariadb_server: Server) -> None:
    sidecar = wait(settings_of(mariadb_server), timeout_s=10)
    assert sidecar.flavour == "mariadb"
    assert sidecar.version.startswith("10.11")
    assert sidecar.uuid


def test_a_sidecar_hands_over_to_sqlalchemy_and_pandas(mysql_server: Server) -> None:
    import pandas as pd
    import sqlalchemy as sa

    sidecar = wait(settings_of(mysql_server))
    engine = sidecar.engine()
    frame = pd.read_sql("SELECT 7 AS seven", engine)
    assert frame["seven"].tolist() == [7]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS t_wait"))
        connection.execute(sa.text("CREATE OR REPLACE VIEW t_wait.v AS SELECT 1 AS a"))
    with sidecar.engine("t_wait").connect() as connection:
        assert connection.execute(sa.text("SELECT a FROM v")).scalar() == 1
    engine.dispose()
    assert mysql_server.password not in f"{sidecar!r} {sidecar.url!r} {engine!r} {engine.url!r}"
    assert sidecar.url.password == mysql_server.password


def test_a_sidecars_connection_does_not_commit_by_itself(mysql_server: Server) -> None:
    with wait(settings_of(mysql_server)).connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@autocommit")
        assert cursor.fetchone() == (0,)


def test_a_wrong_password_fails_after_the_grace_period(mysql_server: Server) -> None:
    start = time.monotonic()
    with pytest.raises(AccessError) as caught:
        wait(settings_of(mysql_server, password=Secret("wrong-one")), access_grace_s=0.5)
    assert 0.5 <= time.monotonic() - start < 10
    assert caught.value.errno == 1045
    assert "wrong-one" not in str(caught.value)


def test_an_account_that_appears_within_the_grace_period_is_waited_for(
    mysql_server: Server,
) -> None:
    settings = settings_of(mysql_server, user="late", password=Secret("Pä€'\\"))
    admin = connect_now(settings_of(mysql_server))

    def create() -> None:
        time.sleep(0.5)
        with admin.cursor() as cursor:
            cursor.execute("CREATE USER late IDENTIFIED BY %s", ("Pä€'\\",))

    thread = threading.Thread(target=create)
    thread.start()
    try:
        assert wait(settings, access_grace_s=10).user == "late"
    finally:
        thread.join()
        with admin.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS late")
        admin.close()


def test_an_empty_password_is_sent_as_one(mysql_server: Server) -> None:
    with connect_now(settings_of(mysql_server)) as admin, admin.cursor() as cursor:
        cursor.execute("CREATE USER nopw IDENTIFIED BY ''")
        try:
            assert wait(settings_of(mysql_server, user="nopw", password=Secret(""))).user == "nopw"
        finally:
            cursor.execute("DROP USER nopw")


def test_too_many_connections_is_waited_for(mysql_server: Server) -> None:
    settings = settings_of(mysql_server)
    admin = connect_now(settings)
    with admin.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        (before,) = cursor.fetchone()
        cursor.execute("SET GLOBAL max_connections = 1")
    others: list[Any] = []

    def take_all() -> None:  # one more than the limit is the administrator's
        while True:
            others.append(connect_now(settings))

    with pytest.raises(ServerNotReadyError, match="1040"):
        take_all()
    seen: list[str] = []

    def make_room() -> None:
        while not seen:
            time.sleep(0.01)
        with admin.cursor() as cursor:
            cursor.execute("SET GLOBAL max_connections = %s", (before,))

    thread = threading.Thread(target=make_room)
    thread.start()
    wait(settings, timeout_s=20, progress=lambda status: seen.append(status.answer))
    thread.join()
    for connection in [*others, admin]:
        connection.close()
    assert "Too many connections" in seen[0]


def test_a_server_that_is_starting_is_waited_for(mysql_server: Server) -> None:
    mysql_server.stop()
    stages: set[str] = set()
    starter = threading.Timer(0.3, mysql_server.start)
    starter.start()
    try:
        sidecar = wait(
            settings_of(mysql_server), timeout_s=60, progress=lambda s: stages.add(s.stage)
        )
    finally:
        starter.join()
    assert "port" in stages
    assert sidecar.waited_s > 0.3
    assert sidecar.uptime_s < 60


def test_a_hung_server_is_told_apart_and_used_when_it_wakes(mysql_server: Server) -> None:
    import os
    import signal

    os.kill(mysql_server.pid, signal.SIGSTOP)
    answers: list[str] = []
    waker = threading.Timer(1.5, os.kill, (mysql_server.pid, signal.SIGCONT))
    waker.start()
    sidecar = wait(
        settings_of(mysql_server), timeout_s=30, progress=lambda s: answers.append(s.answer)
    )
    waker.join()
    assert any("no server greets" in answer for answer in answers)
    assert sidecar.waited_s < 5


def test_tls_that_is_required_is_refused_where_there_is_none(mariadb_server: Server) -> None:
    settings = settings_of(mariadb_server)
    if wait(settings).tls_cipher:
        pytest.fail("the test's MariaDB is meant to offer no TLS")
    with pytest.raises(TlsError, match="offers no TLS"):
        wait(settings_of(mariadb_server, tls="required"))


def test_tls_that_is_required_is_had_where_there_is_some(mysql_server: Server) -> None:
    assert wait(settings_of(mysql_server, tls="required")).tls_cipher


@pytest.mark.parametrize("flavour", ["mysql_server", "mariadb_server"])
def test_an_engine_goes_on_after_the_server_closed_what_was_idle(
    flavour: str, request: pytest.FixtureRequest
) -> None:
    from sqlalchemy import text

    server: Server = request.getfixturevalue(flavour)
    engine = wait(settings_of(server), timeout_s=10).engine()
    try:
        with engine.connect() as connection:
            number = connection.execute(text("SELECT CONNECTION_ID()")).scalar()
        with connect_now(settings_of(server)) as other:  # as wait_timeout does
            other.kill(int(str(number)))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT CONNECTION_ID()")).scalar() != number
    finally:
        engine.dispose()


def test_an_engine_may_be_told_not_to_try() -> None:
    from sidecar_magics.settings import ConnectionSettings
    from sidecar_magics.sidecar import Sidecar

    sidecar = Sidecar(ConnectionSettings(), "9.7.4", "mysql", None, "utf8mb4", None, False, 1)
    assert sidecar.engine().pool._pre_ping
    assert not sidecar.engine(pool_pre_ping=False).pool._pre_ping
