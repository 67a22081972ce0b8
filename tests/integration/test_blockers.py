"""Who stands in the way, on real servers: open transactions, locks on tables and on rows."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.blockers import blockers
from sidecar_magics.connection import connect_now
from sidecar_magics.errors import LocalServerError
from sidecar_magics.limits import limited
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import LIMIT_S, until
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

pytestmark = pytest.mark.server

# As images have it; our own are started without, for want of memory. MariaDB has all of it off.
TELLS = "--performance-schema=ON"
MARIADB_TELLS = (
    TELLS,
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
    "--performance-schema-consumer-events-statements-current=ON",
)


@pytest.fixture(scope="module")
def telling_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from telling("mysql", tmp_path_factory, (TELLS,))


@pytest.fixture(scope="module")
def telling_mariadb_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from telling("mariadb", tmp_path_factory, MARIADB_TELLS)


def telling(
    flavour: str, tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...]
) -> Iterator[Server]:
    """Yield a server that tells of its locks."""
    try:
        server = Server(flavour, tmp_path_factory.mktemp("telling"), options=options).start()
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no {flavour} server: {error}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def telling_server(telling_process: Server) -> Iterator[Server]:
    yield telling_process.start()
    telling_process.drop_schemas()


@pytest.fixture
def telling_mariadb(telling_mariadb_process: Server) -> Iterator[Server]:
    yield telling_mariadb_process.start()
    telling_mariadb_process.drop_schemas()


@pytest.fixture(params=["telling_server", "telling_mariadb", "mysql_server", "mariadb_server"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    with connect_now(found.settings) as connection:
        for sql in (
            "CREATE SCHEMA lab",
            "CREATE TABLE lab.t (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB",
            "CREATE TABLE lab.other (id INT PRIMARY KEY) ENGINE=InnoDB",
            "INSERT INTO lab.t VALUES (1, 'one'), (2, 'two')",
        ):
            run(connection, sql)
    return found


def run(connection: pymysql.Connection[Any], sql: str) -> None:
    with limited(connection, LIMIT_S), connection.cursor() as cursor:
        cursor.execute(sql)


class Session:
    """A connection whose statement may wait, in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.connection = connect_now(server.settings)
        self.id = self.connection.thread_id()
        self._thread: threading.Thread | None = None

    def run(self, *statements: str) -> Session:
        for sql in statements:
            run(self.connection, sql)
        return self

    def begin(self, sql: str) -> Session:
        """Send a statement that will wait for somebody."""

        def send() -> None:
            with contextlib.suppress(Exception):
                run(self.connection, sql)

        self._thread = threading.Thread(target=send, daemon=True)
        self._thread.start()
        return self

    def end(self, server: Server) -> None:
        with connect_now(server.settings) as killer, contextlib.suppress(Exception):
            run(killer, f"KILL {self.id}")
        if self._thread is not None:
            self._thread.join(LIMIT_S)
        with contextlib.suppress(Exception):
            self.connection.close()


@pytest.fixture
def sessions(server: Server) -> Iterator[list[Session]]:
    made = [Session(server) for _ in range(4)]
    try:
        yield made
    finally:
        for session in reversed(made):
            session.end(server)


@pytest.fixture
def watcher(server: Server) -> Iterator[pymysql.Connection[Any]]:
    with connect_now(server.settings) as connection:
        yield connection


def tells(server: Server) -> bool:
    """Return whether a server says which lock waits for which."""
    return TELLS in server.engine.options


def until_waiting(connection: pymysql.Connection[Any], *sessions: Session) -> None:
    """Return when these wait for a lock, as the server says."""

    def all_wait() -> bool:
        with limited(connection, LIMIT_S), connection.cursor() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            busy = {row[0] for row in cursor.fetchall() if row[4] == "Query"}
        return {session.id for session in sessions} <= busy

    until(all_wait)
    time.sleep(0.3)  # MariaDB tells of row locks as they were 0.1 s ago


def test_an_open_transaction_keeps_a_table_from_being_dropped(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    reader, ours, *_ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t WHERE v = 'hush hush'")
    ours.begin("DROP TABLE lab.t")
    until_waiting(watcher, ours)
    (found,) = blockers(watcher, [ours.id])
    assert found.id == reader.id
    assert found.account.startswith("root@")
    assert found.doing == "idle in a transaction"
    assert found.since_s >= 0
    if tells(server):
        assert found.is_certain
        assert found.tables == ("lab.t",)
        assert found.blocks == (ours.id,)
        assert found.last_statement is not None
        assert found.last_statement.startswith("SELECT * FROM `lab` . `t`")
        assert "hush" not in found.last_statement
    else:
        assert not found.is_certain


def test_who_waits_in_between_is_told_after_the_one_that_all_wait_for(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    reader, other, ours, _ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t")
    other.begin("ALTER TABLE lab.t ADD COLUMN w INT")
    until_waiting(watcher, other)
    ours.begin("INSERT INTO lab.t (id) VALUES (7)")
    until_waiting(watcher, other, ours)
    found = blockers(watcher, [ours.id])
    assert reader.id in [each.id for each in found]
    if tells(server):
        assert [each.id for each in found] == [reader.id, other.id]
        assert "metadata lock" in found[1].doing
        assert found[1].last_statement == "ALTER TABLE lab.t …"


def test_our_own_connections_are_not_told(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    first, second, *_ = sessions
    first.run("BEGIN", "SELECT * FROM lab.t")
    second.begin("DROP TABLE lab.t")
    until_waiting(watcher, second)
    told = [each.id for each in blockers(watcher, [first.id, second.id]) if each.is_certain]
    assert told == []


def test_a_locked_row_is_told_with_its_table(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    writer, ours, *_ = sessions
    writer.run("BEGIN", "UPDATE lab.t SET v = 'x' WHERE id = 1")
    ours.run("BEGIN").begin("UPDATE lab.t SET v = 'y' WHERE id = 1")
    until_waiting(watcher, ours)
    (found,) = blockers(watcher, [ours.id])
    assert found.id == writer.id
    if tells(server) or server.flavour == "mariadb":
        assert found.is_certain
        assert found.tables == ("lab.t",)
        assert found.blocks == (ours.id,)


def test_locked_tables_are_told_without_a_transaction(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    locker, ours, *_ = sessions
    locker.run("LOCK TABLES lab.t WRITE, lab.other READ")
    ours.begin("INSERT INTO lab.t (id) VALUES (9)")
    until_waiting(watcher, ours)
    found = {each.id: each for each in blockers(watcher, [ours.id])}
    assert locker.id in found
    if tells(server):
        assert list(found) == [locker.id]
        assert found[locker.id].tables == ("lab.t",)
        assert found[locker.id].doing == "idle"


def test_a_lock_on_everything_is_told(
    sessions: list[Session], watcher: pymysql.Connection[Any]
) -> None:
    locker, ours, *_ = sessions
    locker.run("FLUSH TABLES WITH READ LOCK")
    ours.begin("INSERT INTO lab.t (id) VALUES (9)")
    until_waiting(watcher, ours)
    assert locker.id in [each.id for each in blockers(watcher, [ours.id])]


def test_whoever_waits_for_nobody_has_no_blockers(
    sessions: list[Session], watcher: pymysql.Connection[Any]
) -> None:
    reader, ours, *_ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t")
    ours.begin("SELECT SLEEP(20)")
    until_waiting(watcher, ours)
    assert blockers(watcher, [ours.id]) == []


def test_without_a_question_all_who_hold_something_are_told(
    sessions: list[Session], watcher: pymysql.Connection[Any], server: Server
) -> None:
    reader, locker, idle, _ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t")
    locker.run("LOCK TABLES lab.other READ")
    found = {each.id: each for each in blockers(watcher)}
    assert reader.id in found
    assert idle.id not in found
    assert watcher.thread_id() not in found
    if tells(server):
        assert found[locker.id].tables == ("lab.other",)
        assert found[reader.id].tables == ("lab.t",)


def test_an_account_that_may_see_nothing_gets_nothing_and_no_error(
    sessions: list[Session], server: Server
) -> None:
    reader, maker, *_ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t")
    maker.run("DROP USER IF EXISTS 'nobody'@'%'", "CREATE USER 'nobody'@'%' IDENTIFIED BY 'pw'")
    settings = ConnectionSettings(server.host, server.port, "nobody", Secret("pw"))
    try:
        with connect_now(settings) as connection:
            assert blockers(connection) == []
            assert blockers(connection, [connection.thread_id()]) == []
    finally:
        maker.run("DROP USER 'nobody'@'%'")


def test_a_connection_of_a_load_is_answered_as_well(
    sessions: list[Session], watcher: pymysql.Connection[Any]
) -> None:
    reader, *_ = sessions
    reader.run("BEGIN", "SELECT * FROM lab.t")
    run(watcher, "SET character_set_results = utf16, sql_mode = 'ANSI_QUOTES'")
    state: Any = watcher
    state.use_unicode = False
    state.decoders = {}
    (found,) = [each for each in blockers(watcher) if each.id == reader.id]
    assert found.doing == "idle in a transaction"
