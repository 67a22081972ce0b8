"""What a script can do to this machine through the server that `up` starts: nothing.

Each way is tried as a script tries it: with the account that notebooks use, on the real servers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pymysql
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.local import find, lifecycle
from sidecar_magics.local.process import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sidecar_magics.local.state import LocalSidecar
    from tests.servers import Server

pytestmark = pytest.mark.server

SECRET = "the-secret-of-this-user"
BOTH = ("mysql", "mariadb")
# In a file of somebody's start-up, a line of its own is a command of its own.
WRITTEN = "SELECT 'x\n touch pwned \n'"


class Way(NamedTuple):
    """Statements that read the user's file or write into the user's folder, if they can.

    ``{home}`` is that folder, ``{up}`` the way to it from the data folder, ``{secret}`` the file.
    """

    name: str
    statements: Sequence[str]
    flavours: Sequence[str] = BOTH


WAYS = (
    Way("outfile", ["SELECT 'x' INTO OUTFILE '{home}/outfile'"]),
    Way("outfile, relative", ["SELECT 'x' INTO OUTFILE '{up}/outfile'"]),
    Way("outfile, relative to a schema", ["SELECT 'x' INTO OUTFILE '../{up}/outfile'"]),
    Way("dumpfile", ["SELECT 'x' INTO DUMPFILE '{home}/dumpfile'"]),
    Way("dumpfile, relative", ["SELECT 'x' INTO DUMPFILE '{up}/dumpfile'"]),
    Way(
        "outfile in a routine",
        [
            "CREATE PROCEDURE p() SELECT 'x' INTO OUTFILE '{home}/routine'",
            "CALL p()",
        ],
    ),
    Way(
        "load data",
        ["CREATE TABLE t (line TEXT)", "LOAD DATA INFILE '{secret}' INTO TABLE t", "TABLE t"],
        ["mysql"],
    ),
    Way(
        "load data",
        [
            "CREATE TABLE t (line TEXT)",
            "LOAD DATA INFILE '{secret}' INTO TABLE t",
            "SELECT * FROM t",
        ],
        ["mariadb"],
    ),
    Way(
        "load data, relative",
        [
            "CREATE TABLE t (line TEXT)",
            "LOAD DATA INFILE '{up}/secret' INTO TABLE t",
            "LOAD DATA INFILE '../{up}/secret' INTO TABLE t",
            "SELECT * FROM t",
        ],
    ),
    Way(
        "load xml",
        [
            "CREATE TABLE t (line TEXT)",
            "LOAD XML INFILE '{xml}' INTO TABLE t ROWS IDENTIFIED BY '<row>'",
            "SELECT * FROM t",
        ],
    ),
    Way("load_file", ["SELECT LOAD_FILE('{secret}')", "SELECT LOAD_FILE('{up}/secret')"]),
    Way(
        "general log",
        [
            "SET GLOBAL log_output = 'FILE'",
            "SET GLOBAL general_log_file = '{home}/general'",
            "SET GLOBAL general_log = ON",
            WRITTEN,
            "FLUSH LOGS",
        ],
    ),
    Way(
        "general log, in a file that is there",
        [
            "SET GLOBAL log_output = 'FILE'",
            "SET GLOBAL general_log_file = '{home}/.bashrc'",
            "SET GLOBAL general_log = ON",
            WRITTEN,
        ],
    ),
    Way(
        "general log, relative",
        [
            "SET GLOBAL log_output = 'FILE'",
            "SET GLOBAL general_log_file = '{up}/general'",
            "SET GLOBAL general_log = ON",
            WRITTEN,
        ],
    ),
    Way(
        "slow log",
        [
            "SET GLOBAL log_output = 'FILE'",
            "SET GLOBAL slow_query_log_file = '{home}/slow'",
            "SET GLOBAL slow_query_log = ON",
            "SET long_query_time = 0",
            WRITTEN,
        ],
    ),
    Way(
        "buffer pool's pages",
        [
            "SET GLOBAL innodb_buffer_pool_filename = '{home}/pool'",
            "SET GLOBAL innodb_buffer_pool_filename = '{up}/pool'",
            "SET GLOBAL innodb_buffer_pool_dump_now = ON",
            "SELECT SLEEP(0.5)",
        ],
    ),
    Way(
        "redo log archive",
        [
            "SET GLOBAL innodb_redo_log_archive_dirs = 'home:{home}'",
            "DO innodb_redo_log_archive_start('home')",
            "SELECT SLEEP(0.5)",
        ],
        ["mysql"],
    ),
    Way(
        "temporary files",
        [
            "SET innodb_tmpdir = '{home}'",
            "SET GLOBAL innodb_tmpdir = '{home}'",
            "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(100))",
            "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
            "ALTER TABLE t ADD INDEX (b), ALGORITHM=INPLACE",
        ],
    ),
    *(
        Way(
            f"data directory, {engine}",
            [
                f"CREATE TABLE t (a INT PRIMARY KEY, b TEXT) ENGINE={engine} "
                "DATA DIRECTORY='{{home}}' INDEX DIRECTORY='{{home}}'",
                f"CREATE TABLE u (a INT PRIMARY KEY) ENGINE={engine} DATA DIRECTORY='{{home}}'",
                f"CREATE TABLE v (a INT PRIMARY KEY) ENGINE={engine} PARTITION BY HASH (a) "
                "(PARTITION p DATA DIRECTORY='{home}')",
                "INSERT INTO t VALUES (1, 'x')",
            ],
        )
        for engine in ("InnoDB", "MyISAM", "Aria", "CSV", "ARCHIVE")
    ),
    Way(
        "tablespaces",
        [
            "CREATE TABLESPACE s ADD DATAFILE '{home}/space.ibd'",
            "CREATE TABLESPACE s ADD DATAFILE '{up}/space.ibd'",
            "CREATE TABLESPACE s ADD DATAFILE '../{up}/space.ibd'",
            "CREATE UNDO TABLESPACE n ADD DATAFILE '{home}/undo.ibu'",
            "CREATE UNDO TABLESPACE n ADD DATAFILE '{up}/undo.ibu'",
            "CREATE LOGFILE GROUP g ADD UNDOFILE '{home}/group.dat' ENGINE=InnoDB",
        ],
    ),
    Way(
        "names of schemas and tables",
        [
            "CREATE SCHEMA `{up}/schema`",
            "CREATE TABLE `{up}/table` (a INT)",
            "RENAME TABLE t TO `{up}/t`",
        ],
    ),
    Way(
        "code",
        [
            *(
                f"INSTALL PLUGIN {name} SONAME '{name}.so'"
                for name in ("auth_socket", "locking_service")
            ),
            "INSTALL PLUGIN clone SONAME 'mysql_clone.so'",
            "INSTALL PLUGIN evil SONAME '{evil}'",
            "INSTALL PLUGIN evil SONAME '{up}/evil.so'",
            "INSTALL COMPONENT 'file://component_validate_password'",
            "INSTALL COMPONENT 'file://{up}/evil'",
            *(f"INSTALL SONAME '{name}'" for name in ("server_audit", "sql_errlog", "ha_connect")),
            "INSTALL SONAME '{evil}'",
            "CREATE FUNCTION evil RETURNS INTEGER SONAME '{evil}'",
            "CREATE FUNCTION evil RETURNS INTEGER SONAME 'evil.so'",
            "CREATE FUNCTION lock_release RETURNS INTEGER SONAME 'keyring_udf.so'",
            "SET GLOBAL plugin_dir = '{home}'",
            "SET GLOBAL server_audit_file_path = '{home}/audit'",
            "SET GLOBAL server_audit_logging = ON",
            "INSERT INTO mysql.plugin VALUES ('evil', '../../../../../{evil}')",
        ],
    ),
    Way(
        "clone",
        [
            "INSTALL PLUGIN clone SONAME 'mysql_clone.so'",
            "CLONE LOCAL DATA DIRECTORY = '{home}/clone'",
        ],
        ["mysql"],
    ),
    Way(
        "other servers and engines",
        [
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (SOCKET '{home}/s')",
            "CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='s/t'",
            "CREATE TABLE c (a TEXT) ENGINE=CONNECT TABLE_TYPE=DOS FILE_NAME='{home}/connect'",
            "INSERT INTO c VALUES ('x')",
            "CREATE TABLE d (a TEXT) ENGINE=CONNECT TABLE_TYPE=DOS FILE_NAME='{secret}'",
            "SELECT * FROM d",
        ],
    ),
    Way(
        "relay logs",
        [
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, "
            "RELAY_LOG_FILE='{up}/relay', RELAY_LOG_POS=4",
            "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, "
            "RELAY_LOG_FILE='{up}/relay', RELAY_LOG_POS=4",
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1' FOR CHANNEL '{up}/channel'",
            "CHANGE MASTER '{up}/channel' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1",
            "START REPLICA",
            "STOP REPLICA",
            "FLUSH RELAY LOGS",
            "SHOW RELAYLOG EVENTS IN '{secret}'",
            "SHOW BINLOG EVENTS IN '{secret}'",
            "PURGE BINARY LOGS TO '{secret}'",
            "RESET REPLICA ALL",
            "RESET SLAVE ALL",
        ],
    ),
    Way(
        "certificates",
        [
            "SET GLOBAL ssl_ca = '{secret}'",
            "SET GLOBAL ssl_key = '{secret}'",
            "ALTER INSTANCE RELOAD TLS",
            "FLUSH SSL",
            "SHOW WARNINGS",
        ],
    ),
    Way(
        "commands and libraries of Galera",
        [
            "SET GLOBAL wsrep_notify_cmd = 'touch {home}/notified'",
            "SET GLOBAL wsrep_provider = '{evil}'",
            "SET GLOBAL wsrep_data_home_dir = '{home}'",
            "SET GLOBAL wsrep_status_file = '{home}/galera'",
            "SET GLOBAL wsrep_on = ON",
            "SET GLOBAL wsrep_cluster_address = 'gcomm://'",
            "SELECT SLEEP(0.2)",
            "SET GLOBAL wsrep_on = OFF",
        ],
        ["mariadb"],
    ),
    Way(
        "backups",
        [
            "BACKUP STAGE START",
            "BACKUP STAGE END",
            "BACKUP TABLE t TO '{home}'",
            "RESTORE TABLE t FROM '{home}'",
            "LOCK INSTANCE FOR BACKUP",
            "UNLOCK INSTANCE",
        ],
    ),
)


class Victim(NamedTuple):
    """A user's folder, with a start-up file and something that is nobody else's."""

    home: Path

    def fill(self, statement: str) -> str:
        up = "../" * 12 + str(self.home).lstrip("/")
        values = {"home": self.home, "up": up, "secret": self.home / "secret"}
        values |= {"xml": self.home / "rows.xml", "evil": self.home / "evil.so"}
        for name, value in values.items():
            statement = statement.replace("{" + name + "}", str(value))
        return statement

    def content(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else b""
            for path in self.home.rglob("*")
        }


@pytest.fixture(scope="module", params=BOTH)
def sidecar(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalSidecar]:
    """What `up` starts, and nothing that a test adds."""
    engine: Server = request.getfixturevalue(f"{request.param}_process")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(find, "installed_engines", lambda: iter([engine.engine]))
        yield lifecycle.up(backend="native", port=0, flavour=request.param)
        lifecycle.down()


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "rows.xml").write_text(f"<x><row line='{SECRET}'/></x>")
    (tmp_path / ".bashrc").write_text("# mine\n")
    (tmp_path / "evil.so").write_bytes(b"\x7fELF")
    return Victim(tmp_path)


@pytest.fixture
def attempt(sidecar: LocalSidecar, victim: Victim) -> Iterator[Any]:
    """Send statements as a script's are, and return what came of each: rows, or an error."""
    connection = connect_now(settings_for(sidecar.port, sidecar.password))

    def send(*statements: str) -> list[Any]:
        return [_answer(connection, victim.fill(statement)) for statement in statements]

    send("DROP SCHEMA IF EXISTS tried", "CREATE SCHEMA tried", "USE tried")
    before = dict(send("SHOW GLOBAL VARIABLES")[0])
    yield send
    for name in ("general_log", "slow_query_log", "log_output", "ssl_ca", "ssl_key"):
        send(f"SET GLOBAL {name} = '{before[name]}'")
    connection.close()


def _answer(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return cursor.fetchall()
        except pymysql.err.MySQLError as error:
            return error


@pytest.mark.parametrize("way", WAYS, ids=[way.name.replace(" ", "-") for way in WAYS])
def test_no_way_out_of_the_data_folder(
    sidecar: LocalSidecar, victim: Victim, attempt: Any, way: Way
) -> None:
    if sidecar.flavour not in way.flavours:
        pytest.skip(f"not a way of {sidecar.flavour}")
    before = victim.content()
    answers = attempt(*way.statements)
    assert SECRET not in str(answers)
    if sidecar.confined:  # else `up` has said that it can write
        assert victim.content() == before
    assert attempt("SELECT 1") == [((1,),)], "and the server goes on"


def test_no_variable_leads_out(sidecar: LocalSidecar, victim: Victim, attempt: Any) -> None:
    """Whatever takes a path is given one; then everything that writes a file is asked to."""
    names = [name for name, _ in attempt("SHOW GLOBAL VARIABLES")[0]]
    before = victim.content()
    taken = set()
    for name in names:
        if name in {"init_connect", "init_replica", "init_slave", "authentication_policy"}:
            continue  # SQL, and a name
        for path in ("{home}/" + name, "{home}"):
            (answer,) = attempt(f"SET GLOBAL {name} = '{path}'")
            if not isinstance(answer, Exception):
                taken.add(name)
    assert {"general_log_file", "slow_query_log_file", "innodb_tmpdir"} <= taken
    attempt(
        "SET GLOBAL log_output = 'FILE'",
        "SET GLOBAL general_log = ON",
        "SET GLOBAL slow_query_log = ON",
        "SET GLOBAL innodb_buffer_pool_dump_now = ON",
        "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(100))",
        "ALTER TABLE t ADD INDEX (b)",
        "FLUSH LOGS",
        "ALTER INSTANCE RELOAD TLS",
        "FLUSH SSL",
        "SELECT SLEEP(0.5)",
    )
    if sidecar.confined:
        assert victim.content() == before
    assert attempt("SELECT 1") == [((1,),)]


CODE = {
    "mysql": [
        "INSTALL PLUGIN clone SONAME 'mysql_clone.so'",
        "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'",
        "INSTALL COMPONENT 'file://component_validate_password'",
        "CREATE FUNCTION keyring_key_remove RETURNS INTEGER SONAME 'keyring_udf.so'",
    ],
    "mariadb": [
        "INSTALL SONAME 'server_audit'",
        "INSTALL PLUGIN disks SONAME 'disks'",
        "CREATE FUNCTION lib RETURNS INTEGER SONAME 'lib.so'",
    ],
}


def test_no_code_is_taken_in(sidecar: LocalSidecar, attempt: Any) -> None:
    """Not even the distribution's: an engine or a log of its own would have ways of its own."""
    for statement in CODE[sidecar.flavour]:
        (answer,) = attempt(statement)
        assert isinstance(answer, pymysql.err.MySQLError)
    values = dict(attempt("SHOW GLOBAL VARIABLES LIKE '%\\_dir'")[0])
    assert values["plugin_dir"] == "/dev/null/"
    assert not Path(values["plugin_dir"]).is_dir()


@pytest.mark.thorough
def test_a_restart_opens_nothing(sidecar: LocalSidecar, victim: Victim) -> None:
    """MySQL keeps variables for its next start, also some that cannot be set while it runs."""
    ask = (
        "SHOW GLOBAL VARIABLES WHERE Variable_name LIKE '%dir%' OR Variable_name LIKE '%path%' "
        "OR Variable_name LIKE '%file%' OR Variable_name IN ('bind_address', 'secure_file_priv')"
    )

    def again(*statements: str) -> tuple[dict[str, str], list[Any]]:
        lifecycle.down()
        started = lifecycle.up(backend="native", port=sidecar.port, flavour=sidecar.flavour)
        assert started.password == sidecar.password
        with connect_now(settings_for(started.port, started.password)) as connection:
            values = dict(_answer(connection, ask))
            answers = [_answer(connection, victim.fill(each)) for each in statements]
        return {name: values[name] for name in values if name != "init_file"}, answers

    names = again()[0]
    before, answers = again(
        *(f"SET PERSIST_ONLY {name} = '{{home}}'" for name in names),
        *(f"SET PERSIST {name} = '{{home}}/{name}'" for name in names),
        "SET PERSIST_ONLY bind_address = '*'",
        "SET PERSIST_ONLY secure_file_priv = ''",
    )
    persisted = [answer for answer in answers if not isinstance(answer, Exception)]
    assert bool(persisted) == (sidecar.flavour == "mysql")
    after, answers = again("SELECT 'x' INTO OUTFILE '{home}/x'", "INSTALL SONAME '{evil}'")
    assert after == before == names
    assert all(isinstance(answer, Exception) for answer in answers)


FOLLOW = {
    "mysql": "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, SOURCE_USER='x'",
    "mariadb": "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'",
}


def test_a_restart_follows_nobody(sidecar: LocalSidecar) -> None:
    """A replica continues at each start: somebody else's statements, long after the script."""

    def running(*statements: str) -> str:
        with connect_now(settings_for(sidecar.port, sidecar.password)) as connection:
            for statement in statements:
                assert not isinstance(_answer(connection, statement), Exception)
            with connection.cursor() as cursor:
                cursor.execute("SHOW REPLICA STATUS")
                (row,) = cursor.fetchall()
                names = [column[0] for column in cursor.description]
        return str(row[names.index(next(name for name in names if "_IO_Running" in name))])

    follow = FOLLOW[sidecar.flavour]
    assert running("SET GLOBAL server_id = 77", follow, "START REPLICA") != "No"
    lifecycle.down()
    lifecycle.up(backend="native", port=sidecar.port, flavour=sidecar.flavour)
    assert running() == "No"


SETUP = (
    "CREATE TABLE t (a INT PRIMARY KEY AUTO_INCREMENT, b VARCHAR(200), KEY (b))",
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.b = CONCAT(NEW.b, '!')",
    "CREATE DEFINER='lab'@'%' VIEW v AS SELECT * FROM t",
    "CREATE DEFINER='lab'@'%' FUNCTION f() RETURNS INT RETURN 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "INSERT INTO t (b) VALUES ('x')",
    "INSERT INTO t (b) SELECT REPEAT('y', 100) FROM t a, t b, t c",
    "SET GLOBAL local_infile = ON",
    "SET GLOBAL log_bin_trust_function_creators = ON",
    "SET GLOBAL max_allowed_packet = 67108864",
    "SET GLOBAL innodb_buffer_pool_size = 134217728",
    "SET GLOBAL general_log = ON",
    "SET GLOBAL general_log = OFF",
    "FLUSH LOGS",
    "CREATE USER student@'%' IDENTIFIED BY 'p'",
    "GRANT ALL PRIVILEGES ON *.* TO student@'%' WITH GRANT OPTION",
    "DROP USER student@'%'",
    "CREATE SCHEMA IF NOT EXISTS other",
    "RENAME TABLE v TO w",
    "DROP TRIGGER g",
    "RENAME TABLE t TO other.t",
    "ALTER TABLE other.t ADD COLUMN c INT, ADD INDEX (c), ALGORITHM=INPLACE",
    "OPTIMIZE TABLE other.t",
    "TRUNCATE TABLE other.t",
    "CREATE TEMPORARY TABLE other.m (a BLOB) ENGINE=MyISAM",
    "DROP SCHEMA other",
)


def test_what_tutorials_and_dumps_do_goes_on(attempt: Any) -> None:
    answers = attempt(*SETUP)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    (schemas,) = attempt("SHOW SCHEMAS")
    assert not [name for (name,) in schemas if "tmp" in name]
