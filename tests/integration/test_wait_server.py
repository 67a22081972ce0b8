from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import AccessError, ServerNotReadyError, TlsError
from sidecar_magics.settings import Secret
from sidecar_magics.wait import wait
from tests.background import LIMIT_S, meanwhile, until
from tests.servers import given_address

if TYPE_CHECKING:
    from sidecar_magics.settings import ConnectionSettings
    from tests.servers import Server

pytestmark = pytest.mark.server


def settings_of(server: Server, **changes: Any) -> ConnectionSettings:
    return replace(server.settings, **changes)


def first_row(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


@pytest.mark.timing
def test_a_mysql_describes_itself(mysql_server: Server) -> None:
    start_s = time.monotonic()
    sidecar = wait(settings_of(mysql_server))
    took_s = time.monotonic() - start_s
    assert (sidecar.host, sidecar.port, sidecar.user) == ("127.0.0.1", mysql_server.port, "root")
    assert sidecar.flavour == "mysql"
    assert int(sidecar.version.partition(".")[0]) >= 8
    assert sidecar.uuid is not None
    assert len(sidecar.uuid) == 36
    assert sidecar.charset == "utf8mb4"
    assert sidecar.tls_cipher
    assert not sidecar.weak_tls
    assert 0 < sidecar.waited_s <= took_s


def test_a_mariadb_describes_itself(mariadb_server: Server) -> None:
    sidecar = wait(settings_of(mariadb_server))
    assert sidecar.flavour == "mariadb"
    with connect_now(mariadb_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        ((version,),) = cursor.fetchall()
    assert version.startswith(sidecar.version)
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
    settings = settings_of(mysql_server, password=Secret("wrong-one"))
    # It ends before this test does, so it was not the time-out that ended it.
    with pytest.raises(AccessError) as caught:
        wait(settings, timeout_s=10_000, access_grace_s=0.5)
    assert caught.value.errno == 1045
    assert "wrong-one" not in str(caught.value)


def test_an_account_that_appears_within_the_grace_period_is_waited_for(
    mysql_server: Server,
) -> None:
    settings = settings_of(mysql_server, user="late", password=Secret("Pä€'\\"))
    admin = connect_now(settings_of(mysql_server))

    refused = threading.Event()

    def create() -> None:
        assert refused.wait(LIMIT_S)
        with admin.cursor() as cursor:
            cursor.execute("CREATE USER late IDENTIFIED BY %s", ("Pä€'\\",))

    try:
        with meanwhile(create):
            sidecar = wait(settings, access_grace_s=LIMIT_S, progress=lambda _: refused.set())
        assert sidecar.user == "late"
    finally:
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
    seen: list[str] = []
    with contextlib.ExitStack() as stack:
        admin = stack.enter_context(connect_now(settings))
        (before,) = first_row(admin, "SELECT @@max_connections")
        stack.callback(first_row, admin, f"SET GLOBAL max_connections = {before}")

        def is_full() -> bool:
            """Take one more connection; the last one, beyond the limit, is the administrator's."""
            try:
                stack.enter_context(connect_now(settings))
            except ServerNotReadyError as error:
                return "1040" in str(error)
            return False

        def is_refused() -> bool:
            """Wait beside a full server, and make room when that has been seen."""
            first_row(admin, "SET GLOBAL max_connections = 1")
            until(is_full)
            ended = threading.Event()

            def make_room() -> None:
                until(lambda: seen or ended.is_set())
                first_row(admin, f"SET GLOBAL max_connections = {before}")

            with meanwhile(make_room):
                try:
                    wait(settings, progress=lambda status: seen.append(status.answer))
                finally:
                    ended.set()
            return bool(seen)

        # What a test before this one has left may close its connection now: then there is room.
        until(is_refused)
    assert "Too many connections" in seen[0]


@pytest.mark.timing
def test_a_server_that_is_starting_is_waited_for(mysql_server: Server) -> None:
    mysql_server.stop()
    stages: set[str] = set()

    def start() -> None:
        until(lambda: "port" in stages)
        mysql_server.start()

    with meanwhile(start):
        sidecar = wait(
            settings_of(mysql_server), timeout_s=LIMIT_S, progress=lambda s: stages.add(s.stage)
        )
    age_s = time.time() - psutil.Process(mysql_server.pid).create_time()
    assert sidecar.uptime_s <= age_s + 1  # it counts whole seconds


def test_a_hung_server_is_told_apart_and_used_when_it_wakes(mysql_server: Server) -> None:
    import os
    import signal

    answers: list[str] = []

    def wake() -> None:
        try:
            until(lambda: any("no server greets" in answer for answer in answers))
        finally:
            os.kill(mysql_server.pid, signal.SIGCONT)

    os.kill(mysql_server.pid, signal.SIGSTOP)
    with meanwhile(wake):
        wait(
            settings_of(mysql_server),
            timeout_s=LIMIT_S,
            progress=lambda status: answers.append(status.answer),
        )


def test_tls_that_is_required_is_refused_where_there_is_none(mariadb_server: Server) -> None:
    settings = settings_of(mariadb_server)
    if wait(settings).tls_cipher:
        if given_address() is not None:
            pytest.skip("the server that is given offers TLS")
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
