from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import AccessError, ScriptError, ServerNotReadyError, StatementError
from sidecar_magics.load import load
from sidecar_magics.load.check import CheckReport, advice, check
from sidecar_magics.load.check.mirror import Mirror
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import LIMIT_S
from tests.corpus.fingerprint import difference, fingerprint
from tests.servers import Server, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar_magics.load.check import Finding

pytestmark = pytest.mark.server

FLAVOURS = ("mysql", "mariadb")
DUMP = Path(__file__).parents[2] / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
RICH = Path(__file__).parents[1] / "data" / "rich.sql"
LIMITED = "limited"


class Bench:
    """A server, and a folder for scripts; what a test sets globally is set back after it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.flavour = server.flavour
        self.settings = server.settings
        self._folder = folder

    @property
    def limited(self) -> ConnectionSettings:
        """How the account without rights logs in."""
        return ConnectionSettings(
            self.settings.host, self.settings.port, LIMITED, Secret("let me in")
        )

    def run(self, *statements: str, settings: ConnectionSettings | None = None) -> list[Any]:
        rows: list[Any] = []
        with connect_now(settings or self.settings) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
            connection.commit()
        return rows

    def set_global(self, name: str, value: object) -> None:
        self.run(f"SET GLOBAL {name} = {value}")

    def file(self, script: str | bytes, name: str = "script.sql") -> Path:
        path = self._folder / name
        path.write_bytes(script if isinstance(script, bytes) else script.encode())
        return path

    def limit(self, *grants: str) -> None:
        """Make the account, with these rights and no others."""
        self.forget()
        statements = [f"GRANT {grant} TO {LIMITED}@'%'" for grant in grants]
        self.run(f"CREATE USER {LIMITED}@'%' IDENTIFIED BY 'let me in'", *statements)

    def forget(self) -> None:
        """Leave the server as it was, but for schemas."""
        self.server.restore_globals()
        self.run(f"DROP USER IF EXISTS {LIMITED}@'%'", "DROP ROLE IF EXISTS helper")


@pytest.fixture(params=FLAVOURS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(request.getfixturevalue(f"{request.param}_server"), tmp_path)
    yield bench
    bench.forget()


@pytest.fixture
def mysql(mysql_server: Server, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(mysql_server, tmp_path)
    yield bench
    bench.forget()


@pytest.fixture
def mariadb(mariadb_server: Server, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(mariadb_server, tmp_path)
    yield bench
    bench.forget()


def kinds(findings: tuple[Finding, ...]) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.errno) for finding in findings]


def foretold(
    bench: Bench,
    script: str | bytes,
    *,
    settings: ConnectionSettings | None = None,
    **options: Any,
) -> Finding:
    """Check a script, load it anyway, and return the only problem: it must have been the error."""
    settings = settings or bench.settings
    file = bench.file(script)
    report = check(file, settings, **options)
    assert len(report.problems) == 1, report
    assert not report.ok
    finding = report.problems[0]
    again = check(file, settings, **options)
    assert (again.problems, again.objects) == (report.problems, report.objects)
    with pytest.raises(StatementError) as caught:
        load(file, settings, **options)
    assert caught.value.errno == finding.errno, (caught.value, finding)
    assert finding.hint
    if finding.place and finding.kind != "packet":
        # The first statement that it names is where the load stops.
        place = f"{caught.value.source}:{caught.value.line}:{caught.value.column}"
        assert finding.place == place
    return finding


def fine(
    bench: Bench,
    script: str | bytes,
    *,
    settings: ConnectionSettings | None = None,
    **options: Any,
) -> CheckReport:
    """Check a script, load it, and return what was said: it must have held no problem."""
    settings = settings or bench.settings
    file = bench.file(script)
    report = check(file, settings, **options)
    assert report.ok, report
    done = load(file, settings, **options)
    if not options:  # a schema given beside the script is entered by a statement more
        assert report.statements == done.statements
    return report


# What there is, and what is not there -----------------------------------------------------------


class Case(NamedTuple):
    kind: str
    errno: dict[str, int] | int
    setup: tuple[str, ...]
    bad: str
    good: str

    def expected(self, flavour: str) -> tuple[str, int]:
        errno = self.errno[flavour] if isinstance(self.errno, dict) else self.errno
        return self.kind, errno


A = "CREATE DATABASE a"
T = "CREATE TABLE a.t (i INT PRIMARY KEY)"
EVENT = "ON SCHEDULE EVERY 1 YEAR DO SELECT 1"
CLASHES = {
    "table exists": Case(
        "exists", 1050, (A, T), "USE a; CREATE TABLE t (i INT)",
        "USE a; DROP TABLE IF EXISTS `t`; CREATE TABLE t (i INT)",
    ),
    "table exists, with a comment": Case(
        "exists", 1050, (A, T), "USE a\n/*!40000 CREATE TABLE t (i INT) */;",
        "USE a\n/*!99999 CREATE TABLE t (i INT) */;",
    ),
    "made twice by the script itself": Case(
        "exists", 1050, (A,), "CREATE TABLE a.t (i INT);CREATE TABLE a.t (i INT)",
        "CREATE TABLE a.t (i INT);CREATE TABLE IF NOT EXISTS a.t (i INT)",
    ),
    "schema exists": Case("exists", 1007, (A,), A, "CREATE SCHEMA IF NOT EXISTS a"),
    "schema is dropped first": Case(
        "exists", 1007, (A, T), f"{A};", f"DROP DATABASE a; {A}; USE a; CREATE TABLE t (i INT)"
    ),
    "view exists": Case(
        "exists", 1050, (A, "CREATE VIEW a.v AS SELECT 1"), "CREATE VIEW a.v AS SELECT 2",
        "CREATE OR REPLACE VIEW a.v AS SELECT 2",
    ),
    "view in the way of a table": Case(
        "exists", 1050, (A, "CREATE VIEW a.t AS SELECT 1"),
        "DROP TABLE IF EXISTS a.t; CREATE TABLE a.t (i INT)",
        "DROP VIEW IF EXISTS a.t; CREATE TABLE a.t (i INT)",
    ),
    "trigger exists": Case(
        "exists", 1359, (A, T, "CREATE TRIGGER a.g BEFORE INSERT ON a.t FOR EACH ROW SET @i=1"),
        "USE a; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @i=2",
        "USE a; DROP TABLE t; CREATE TABLE t (i INT);"
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @i=2",
    ),
    "procedure exists": Case(
        "exists", 1304, (A, "CREATE PROCEDURE a.p() SELECT 1"), "CREATE PROCEDURE a.P() SELECT 1",
        "DROP PROCEDURE IF EXISTS a.p; CREATE PROCEDURE a.p() SELECT 1",
    ),
    "several statements under one delimiter": Case(
        "exists", 1304, (A, "CREATE PROCEDURE a.p() SELECT 1"),
        "USE a;\nDELIMITER $$\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END $$",
        "USE a;\nDELIMITER $$\n"
        "DROP PROCEDURE IF EXISTS p; CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END $$",
    ),
    "function exists": Case(
        "exists", 1304, (A, "CREATE FUNCTION a.f() RETURNS INT RETURN 1"),
        "CREATE FUNCTION a.f() RETURNS INT RETURN 2",
        "DROP FUNCTION a.f; CREATE FUNCTION a.f() RETURNS INT RETURN 2",
    ),
    "event exists": Case(
        "exists", 1537, (A, f"CREATE EVENT a.e {EVENT}"), f"CREATE EVENT a.e {EVENT}",
        f"DROP EVENT a.e; CREATE EVENT a.e {EVENT}",
    ),
    "no table to drop": Case(
        "missing", 1051, (A,), "DROP TABLE a.t", "DROP TABLE IF EXISTS a.t, a.u"
    ),
    "no view to drop": Case(
        "missing", {"mysql": 1051, "mariadb": 4092}, (A,), "DROP VIEW a.t",
        "DROP VIEW IF EXISTS a.t",
    ),
    "no trigger to drop": Case(
        "missing", 1360, (A,), "DROP TRIGGER a.g", "DROP TRIGGER IF EXISTS a.g"
    ),
    "no procedure to drop": Case(
        "missing", 1305, (A,), "DROP PROCEDURE a.p", "DROP PROCEDURE IF EXISTS a.p"
    ),
    "no event to drop": Case("missing", 1539, (A,), "DROP EVENT a.e", "DROP EVENT IF EXISTS a.e"),
    "no schema to drop": Case(
        "missing", 1008, (), "DROP DATABASE a", "DROP DATABASE IF EXISTS a"
    ),
    "rows for no table": Case(
        "missing", 1146, (A,), "USE a; INSERT INTO t VALUES (1)",
        "USE a; CREATE TABLE t (i INT); INSERT INTO t VALUES (1); INSERT INTO a.t VALUES (2)",
    ),
    "rows for a table that was dropped": Case(
        "missing", 1146, (A, T), "USE a; INSERT INTO t VALUES (1); DROP TABLE t;"
        "INSERT INTO t VALUES (2)",
        "USE a; INSERT INTO t VALUES (1); DROP TABLE t; CREATE TABLE t (i INT);"
        "INSERT INTO t VALUES (2)",
    ),
    "rows for a table that was renamed": Case(
        "missing", 1146, (A, T), "RENAME TABLE a.t TO a.u; INSERT INTO a.t VALUES (2)",
        "ALTER TABLE a.t RENAME TO a.u; INSERT INTO a.u VALUES (2)",
    ),
    "an index on no table": Case(
        "missing", 1146, (A,), "CREATE INDEX k ON a.t (i)",
        "CREATE TABLE a.t (i INT); CREATE INDEX k ON a.t (i)",
    ),
    "a trigger on no table": Case(
        "missing", 1146, (A,), "CREATE TRIGGER a.g BEFORE INSERT ON a.t FOR EACH ROW SET @i=1",
        "CREATE TABLE a.t (i INT); CREATE TRIGGER a.g BEFORE INSERT ON a.t FOR EACH ROW SET @i=1",
    ),
    "no table to alter": Case(
        "missing", 1146, (A,), "ALTER TABLE a.t ADD j INT", "CREATE TEMPORARY TABLE a.t (i INT);"
        "INSERT INTO a.t VALUES (1); DROP TABLE a.t",
    ),
    "no schema to use": Case("schema-missing", 1049, (), "USE a", "CREATE DATABASE a; USE a"),
    "client's use": Case("schema-missing", 1049, (), "use a\n", "CREATE DATABASE a;\nuse a\n"),
    "no schema for a table": Case(
        "schema-missing", 1049, (), "CREATE TABLE a.t (i INT)",
        "DROP TABLE IF EXISTS a.t; CREATE DATABASE a; CREATE TABLE a.t (i INT)",
    ),
    "no schema for rows": Case(
        "schema-missing", {"mysql": 1049, "mariadb": 1146}, (), "INSERT INTO a.t VALUES (1)", ""
    ),
    "no schema chosen": Case(
        "no-schema", 1046, (), "CREATE TABLE t (i INT)", f"{A}; USE a; CREATE TABLE t (i INT)"
    ),
    "the chosen schema was dropped": Case(
        "no-schema", 1046, (A,), "USE a; DROP DATABASE a; CREATE TABLE t (i INT)",
        f"USE a; DROP DATABASE a; {A}; USE a; CREATE TABLE t (i INT)",
    ),
    "a view where a table is dropped": Case(
        "other-kind", {"mysql": 1051, "mariadb": 1965}, (A, "CREATE VIEW a.t AS SELECT 1"),
        "DROP TABLE a.t", "DROP VIEW a.t",
    ),
    "no parent": Case(
        "parent-missing", {"mysql": 1824, "mariadb": 1005}, (A,),
        "USE a; CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i)) ENGINE=InnoDB",
        "USE a; /*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;"
        "CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES p (i)) ENGINE=InnoDB;",
    ),
    "the parent comes later": Case(
        "parent-missing", {"mysql": 1824, "mariadb": 1005}, (A,),
        "USE a; CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES `a`.`p` (i));"
        "CREATE TABLE p (i INT PRIMARY KEY)",
        "USE a; CREATE TABLE p (i INT PRIMARY KEY, j INT, FOREIGN KEY (j) REFERENCES p (i));"
        "CREATE TABLE c (i INT, FOREIGN KEY (i) REFERENCES `a`.`p` (i))",
    ),
    "a foreign key that is added": Case(
        "parent-missing", {"mysql": 1824, "mariadb": 1005}, (A, T),
        "ALTER TABLE a.t ADD FOREIGN KEY (i) REFERENCES p (i)",
        "SET foreign_key_checks = OFF; ALTER TABLE a.t ADD FOREIGN KEY (i) REFERENCES p (i)",
    ),
    "an engine that the server lacks": Case(
        "engine", 1286, (A,), "CREATE TABLE a.t (i INT) ENGINE=FEDERATED",
        "SET sql_mode=''; CREATE TABLE a.t (i INT) ENGINE=FEDERATED",
    ),
    "a character set that the server lacks": Case(
        "charset", 1115, (A,), "CREATE TABLE a.t (c CHAR(1) CHARACTER SET klingon)",
        "CREATE TABLE a.t (c CHAR(1) CHARACTER SET latin1 COMMENT 'character set klingon') "
        "DEFAULT CHARSET=utf8",
    ),
    "SET NAMES": Case("charset", 1115, (), "/*!40101 SET NAMES klingon */", "SET NAMES 'utf8mb4'"),
    "a collation that the server lacks": Case(
        "collation", 1273, (A,), "CREATE TABLE a.t (c CHAR(1)) COLLATE=utf8mb4_klingon_ci",
        "CREATE TABLE a.t (c CHAR(1), `collate` INT) COMMENT='collate utf8mb4_klingon_ci' "
        "COLLATE utf8mb4_unicode_520_ci",
    ),
    "a collation of the connection": Case(
        "collation", 1273, (), "SET collation_connection = utf8mb4_klingon_ci",
        "SET collation_connection = utf8mb4_general_ci",
    ),
    "a mode that the server lacks": Case(
        "sql-mode", 1231, (), "SET sql_mode = 'ANSI_QUOTES,NO_SUCH_MODE'",
        "SET @old=@@sql_mode, sql_mode='NO_AUTO_VALUE_ON_ZERO,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
    ),
    "a time zone that the server lacks": Case(
        "time-zone", 1298, (), "SET TIME_ZONE='Europe/Atlantis'", "SET TIME_ZONE='+00:00'"
    ),
    "a variable that the server lacks": Case(
        "variable", 1193, (), "SET @@SESSION.no_such_thing = 1", "SET @no_such_thing = 1"
    ),
    "a variable that is read": Case(
        "variable", 1193, (), "SET @a = @@no_such_thing; DO @a", "SET @a = @@max_allowed_packet"
    ),
    "a global variable that the server lacks": Case(
        "variable", 1193, (), "SET GLOBAL no_such_thing = 1", "SET GLOBAL connect_timeout = 10"
    ),
    "a variable that a session cannot set": Case(
        "variable", 1229, (), "SET max_connections = 10", "SET lock_wait_timeout = 10"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES.values(), ids=list(CLASHES))
def test_what_the_server_would_refuse_is_foretold(case: Case, bench: Bench) -> None:
    bench.run(*case.setup, "SELECT 1")
    finding = foretold(bench, case.bad)
    assert (finding.kind, finding.errno) == case.expected(bench.flavour)
    bench.server.drop_schemas()
    bench.run(*case.setup, "SELECT 1")
    fine(bench, case.good)


def test_accounts(bench: Bench) -> None:
    bench.limit("SELECT ON own.*")
    for script in (
        f"CREATE USER {LIMITED}",
        "DROP USER nobody_here",
        "CREATE USER u; CREATE USER u",
    ):
        finding = foretold(bench, script)
        assert (finding.kind, finding.errno) == ("account", 1396)
        bench.run("DROP USER IF EXISTS u")
    report = fine(
        bench,
        f"CREATE USER IF NOT EXISTS {LIMITED}@'%' IDENTIFIED BY 'let me in';"
        f"DROP USER IF EXISTS nobody_here; DROP USER {LIMITED}; CREATE USER '{LIMITED}'@`%`",
    )
    assert f"accounts that it names: {LIMITED}@%, nobody_here@%" in report.facts
    report = fine(bench, f"GRANT SELECT ON *.* TO {LIMITED}")
    assert not [fact for fact in report.facts if fact.startswith("accounts that it names")]


def test_what_reaches_beyond_a_schema_is_named(bench: Bench) -> None:
    bench.limit("SELECT ON own.*")
    script = (
        f"CREATE DATABASE a; GRANT SELECT ON a.* TO {LIMITED}; CREATE TABLE a.t (i INT);"
        "FLUSH TABLES; SHUTDOWN; FLUSH STATUS; COMMIT; INSERT INTO a.t VALUES (1);"
        "CREATE USER IF NOT EXISTS `event`@h; SELECT SLEEP(0.1);"
        "CREATE DEFINER = u@h EVENT a.e ON SCHEDULE EVERY 1 DAY DO DO 1;"
    )
    report = check(bench.file(script), bench.settings)
    beyond = "not rehearsed, since they reach beyond a schema: "
    assert f"{beyond}GRANT, FLUSH (2), SHUTDOWN, CREATE USER, SELECT, CREATE EVENT" in report.facts
    assert not [fact for fact in fine(bench, "CREATE DATABASE a").facts if beyond in fact]


def test_the_schema_given_beside_the_script(bench: Bench) -> None:
    finding = check(bench.file("SELECT 1"), bench.settings, database="a").problems[0]
    assert (finding.kind, finding.errno) == ("schema-missing", 1049)
    bench.run(A)
    fine(bench, "CREATE TABLE t (i INT)", database="a")
    assert foretold(bench, "CREATE TABLE t (i INT)", database="a").kind == "exists"


def test_what_would_become_of_each_thing(bench: Bench) -> None:
    bench.run(
        A,
        "CREATE TABLE a.replaced (i INT PRIMARY KEY)",
        "INSERT INTO a.replaced WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 500) SELECT i FROM n",
        "CREATE TABLE a.dropped (i INT)",
        "CREATE TABLE a.altered (i INT)",
        "CREATE TABLE a.kept (i INT)",
        "CREATE TABLE a.untouched (i INT)",
        "CREATE TABLE a.filled (i INT PRIMARY KEY)",
        "INSERT INTO a.filled VALUES (1), (2)",
        "CREATE DATABASE gone",
        "CREATE TABLE gone.t (i INT)",
    )
    bench.run("ANALYZE TABLE a.replaced, a.filled")
    report = fine(
        bench,
        "USE a; DROP TABLE IF EXISTS replaced; CREATE TABLE replaced (i INT);"
        "INSERT INTO replaced VALUES (1);INSERT INTO replaced VALUES (2);DROP TABLE dropped;"
        "ALTER TABLE altered ADD j INT; CREATE TABLE IF NOT EXISTS kept (i INT);"
        "INSERT INTO filled VALUES (3); CREATE TABLE created (i INT);"
        "CREATE VIEW v AS SELECT 1; DROP DATABASE gone; CREATE DATABASE new",
    )
    found = {thing.name: thing.action for thing in report.objects if thing.schema == "a"}
    assert found == {
        "replaced": "replaced",
        "dropped": "dropped",
        "altered": "altered",
        "kept": "kept",
        "filled": "filled",
        "created": "created",
        "v": "created",
    }
    replaced = report.objects[0]
    assert 300 < (replaced.rows or 0) < 700
    assert replaced.statements == 2
    assert replaced.size_bytes == 2 * len("INSERT INTO replaced VALUES (1)")
    schemas = {plan.name: (plan.action, plan.tables) for plan in report.schemas}
    assert schemas == {"a": ("kept", 6), "gone": ("dropped", 1), "new": ("created", 0)}
    assert "schema gone would be dropped, with 1 table" in repr(report)
    assert kinds(report.warnings) == [("filled", 1062)]


def test_rows_that_are_added_to_others_may_be_there_already(bench: Bench) -> None:
    bench.run(A, T, "INSERT INTO a.t VALUES (1)", "ANALYZE TABLE a.t")
    file = bench.file("INSERT INTO a.t VALUES (1)")
    report = check(file, bench.settings)
    assert report.ok
    assert kinds(report.warnings) == [("filled", 1062)]
    with pytest.raises(StatementError) as caught:
        load(file, bench.settings)
    assert caught.value.errno == 1062


def test_behind_a_call_nothing_is_certain(bench: Bench) -> None:
    bench.run(A, "CREATE PROCEDURE a.p() CREATE TABLE a.made (i INT)")
    report = fine(bench, "CALL a.p(); INSERT INTO a.made VALUES (1)")
    assert [finding.kind for finding in report.warnings] == ["missing", "unfollowed"]


def test_into_another_schema(bench: Bench) -> None:
    script = f"{A}; USE a; CREATE TABLE t (i INT); INSERT INTO a.t VALUES (1)"
    report = check(bench.file(script), bench.settings, into="b")  # it is made where it is not there
    assert report.ok
    assert [(schema.name, schema.action) for schema in report.schemas if schema.name == "b"] == [
        ("b", "created")
    ]
    assert [(thing.schema, thing.name) for thing in report.objects] == [("b", "t")]
    assert report.objects[0].statements == 1


def test_only_definitions_or_only_rows(bench: Bench) -> None:
    bench.run(A)
    file = bench.file("CREATE TABLE a.t (i INT); INSERT INTO a.u VALUES (1)")
    assert check(file, bench.settings, schema_only=True).ok
    problems = check(file, bench.settings, data_only=True).problems
    assert [finding.items for finding in problems] == [("a.u",)]


def test_nothing_is_changed_but_what_is_changed_back(bench: Bench) -> None:
    bench.run(A, T, "INSERT INTO a.t VALUES (1)")
    everything = ";".join(
        f"{case.bad};{case.good}" for case in CLASHES.values() if "DELIMITER" not in case.bad
    )
    before = fingerprint(bench.server)
    check(bench.file(everything.replace("use a\n", "USE a")), bench.settings)
    assert difference(before, fingerprint(bench.server)) == ""
    assert bench.run("SHOW SCHEMAS LIKE 'sidecar%'") == []


HARMFUL = """
USE own;
DROP TABLE t;
DROP TABLE own.t;
DROP TABLE IF EXISTS own.t, own.u;
TRUNCATE own.t;
ALTER TABLE own.t DROP COLUMN s;
RENAME TABLE own.t TO own.x;
CREATE INDEX k ON own.t (i);
DROP VIEW own.v;
CREATE OR REPLACE VIEW own.v AS SELECT 2 AS b;
ALTER VIEW own.v AS SELECT 3 AS c;
DROP TRIGGER own.r;
DROP PROCEDURE own.p;
DROP FUNCTION own.f;
DROP EVENT own.e;
CREATE TRIGGER own.r2 BEFORE INSERT ON own.t FOR EACH ROW SET @a = 1;
CREATE TABLE own.y AS SELECT * FROM own.t;
INSERT INTO own.t VALUES (2, 'b');
DELETE FROM own.t;
UPDATE own.t SET i = 5;
REPLACE own.t VALUES (1, 'c');
CALL own.p();
ALTER DATABASE own CHARACTER SET ascii;
DROP DATABASE own;
CREATE TABLE mysql.t (i INT);
DROP TABLE mysql.t;
USE mysql;
CREATE TABLE q (i INT);
CREATE USER somebody;
GRANT ALL ON *.* TO somebody;
SET GLOBAL max_connections = 77;
OPTIMIZE TABLE own.t;
ANALYZE TABLE own.t;
LOCK TABLES own.t WRITE;
FLUSH TABLES;
DROP USER root@localhost;
USE own;
CREATE EVENT z ON SCHEDULE EVERY 1 SECOND DO DELETE FROM own.t;
ALTER TABLE `own` . `t` ADD z INT;
/*!40000 DROP TABLE own.t */;
/*!40000 ALTER TABLE t ADD y INT */;
DROP TABLE own . t;
SELECT own.f();
SET @x = own.f();
SELECT * FROM own.t INTO OUTFILE 'nowhere';
CREATE TABLE mysql.left_behind (i INT);
"""


@pytest.mark.parametrize("is_blind", [False, True])
def test_whatever_a_script_does_the_server_stays_as_it_is(
    is_blind: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no schema's name were replaced."""
    if is_blind:
        monkeypatch.setattr(Mirror, "_edited", lambda _self, sql, _names: sql)
    bench.run(
        "CREATE DATABASE own",
        "CREATE TABLE own.t (i INT PRIMARY KEY, s TEXT) ENGINE=InnoDB",
        "CREATE TABLE own.u (i INT, FOREIGN KEY (i) REFERENCES own.t (i)) ENGINE=InnoDB",
        "INSERT INTO own.t VALUES (1, 'a')",
        "CREATE VIEW own.v AS SELECT 1 AS a",
        "CREATE TRIGGER own.r BEFORE INSERT ON own.t FOR EACH ROW SET NEW.s = 'x'",
        "CREATE PROCEDURE own.p() DELETE FROM own.t",
        "CREATE EVENT own.e ON SCHEDULE EVERY 1 YEAR DO SELECT 1",
    )
    before = fingerprint(bench.server)
    for options in ({}, {"system_schemas": True}):
        for statement in HARMFUL.splitlines():
            check(bench.file(statement), bench.settings, **options)
        check(bench.file(HARMFUL), bench.settings, **options)
    assert difference(before, fingerprint(bench.server)) == ""
    assert bench.run("SHOW TABLES IN mysql LIKE 'left_behind'") == []


def test_what_a_check_that_was_killed_has_left_is_dropped(bench: Bench) -> None:
    bench.run("CREATE DATABASE sidecar_check_0123abcd_0", "CREATE DATABASE sidecar_check_mine")
    check(bench.file("SELECT 1"), bench.settings)
    assert bench.run("SHOW SCHEMAS LIKE 'sidecar%'") == [("sidecar_check_mine",)]


# Dumps ------------------------------------------------------------------------------------------


def dumped(server: Server, *options: str) -> bytes:
    import subprocess

    command = [*server.dump_client, "--routines", "--events", "--triggers", *options]
    return subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S).stdout


def test_a_server_s_own_dump_is_fine_again_and_again(bench: Bench) -> None:
    load(RICH, bench.settings)
    bench.run(
        "CREATE VIEW rich.w AS SELECT * FROM rich.v",
        "CREATE TABLE rich.child (i INT, FOREIGN KEY (i) REFERENCES rich.t (id))",
    )
    own = ["--set-gtid-purged=OFF"] if bench.flavour == "mysql" else []
    script = dumped(bench.server, *own, "--databases", "rich")
    report = fine(bench, script)  # over itself
    assert report.warnings == ()
    assert {thing.action for thing in report.objects} == {"replaced"}
    assert {thing.what for thing in report.objects} == {
        "table", "view", "trigger", "procedure", "function", "event"
    }  # fmt: skip
    bench.server.drop_schemas()
    report = fine(bench, script)  # from nothing
    assert {thing.action for thing in report.objects} == {"created"}


@pytest.mark.thorough
def test_the_spyglass_dump_on_both_servers(mysql: Bench, mariadb: Bench) -> None:
    report = check(DUMP, mysql.settings)
    assert (report.problems, report.warnings) == ((), ())
    assert len(report.objects) == 296
    assert len(report.schemas) == 60
    assert report.statements == 2857
    assert report.script_bytes == len(gzip.decompress(DUMP.read_bytes()))
    assert report.file_bytes == DUMP.stat().st_size
    assert len(repr(report).splitlines()) <= 27
    report = check(DUMP, mariadb.settings)
    assert kinds(report.problems) == [("collation", 1273)]
    assert "utf8mb4_0900_ai_ci=utf8mb4_uca1400_nopad_ai_ci" in report.problems[0].hint
    assert [finding.kind for finding in report.warnings] == ["other-server"]
    mapped = {"utf8mb4_0900_ai_ci": "utf8mb4_uca1400_nopad_ai_ci"}
    assert check(DUMP, mariadb.settings, collation_map=mapped).ok
    mapped = {"utf8mb4_0900_ai_ci": "utf8mb4_klingon_ci"}
    assert kinds(check(DUMP, mariadb.settings, collation_map=mapped).problems) == [
        ("collation", 1273)
    ]
    assert mysql.server.schemas() == mariadb.server.schemas() == []


def test_a_newer_server_s_dump(bench: Bench) -> None:
    name = "99.1.2-MariaDB" if bench.flavour == "mariadb" else "99.1.2"
    report = check(bench.file(f"-- Server version\t{name}\nSELECT 1;"), bench.settings)
    assert [finding.kind for finding in report.warnings] == ["newer-server"]


def test_the_server_s_own_schemas_are_left_out(bench: Bench) -> None:
    script = "CREATE TABLE mysql.t (i INT); USE mysql; INSERT INTO user VALUES (1); DROP TABLE db;"
    report = check(bench.file(script), bench.settings)
    assert report.ok
    assert not report.objects
    assert "4 statements on the server's own schemas would be left out" in report.facts
    report = check(bench.file(script), bench.settings, system_schemas=True)
    assert {thing.name for thing in report.objects} == {"t", "user", "db"}


FEATURES = {
    "mysql": {  # has it, and MariaDB does not
        "functional key part": "CREATE TABLE f.t (i INT, KEY k ((i + 1)))",
        "invisible index": "CREATE TABLE f.t (i INT, KEY `k` (`i`) INVISIBLE)",
        "SRID of a column": "CREATE TABLE f.t (p POINT NOT NULL SRID 4326)",
        "ENFORCED": "CREATE TABLE f.t (i INT, CHECK (i > 0) NOT ENFORCED)",
        "a JSON operator": "CREATE VIEW f.v AS SELECT j->'$.a' FROM f.base",
        "LATERAL": "CREATE VIEW f.v AS SELECT * FROM f.base, LATERAL (SELECT base.i AS z) q",
        "MEMBER OF": "CREATE VIEW f.v AS SELECT i MEMBER OF ('[1]') FROM f.base",
        "VECTOR": "CREATE TABLE f.t (i INT, v VECTOR(3))",
        "a routine in another language": "CREATE PROCEDURE f.p() LANGUAGE JAVASCRIPT AS $$ 1 $$",
        "DEFAULT ENCRYPTION": "CREATE DATABASE g DEFAULT ENCRYPTION='N'",
        "an option of MySQL's tables": "CREATE TABLE f.t (i INT) SECONDARY_ENGINE=x",
    },
    "mariadb": {
        "the type UUID or INET": "CREATE TABLE f.t (i INT, u UUID)",
        "a sequence": "CREATE SEQUENCE f.s",
        "system versioning": "CREATE TABLE f.t (i INT) WITH SYSTEM VERSIONING",
        "OR REPLACE of other things than views": "CREATE OR REPLACE TABLE f.t (i INT)",
        "a compressed column": "CREATE TABLE f.t (c TEXT COMPRESSED)",
        "Aria's options": "CREATE TABLE f.t (i INT) ENGINE=InnoDB PAGE_CHECKSUM=1",
        "a PERSISTENT column": "CREATE TABLE f.t (i INT, j INT AS (i + 1) PERSISTENT)",
        "a package": "CREATE PACKAGE f.p PROCEDURE q(); END",
    },
}


def test_what_only_the_other_kind_of_server_has(bench: Bench) -> None:
    other = next(flavour for flavour in FLAVOURS if flavour != bench.flavour)
    base = ("CREATE DATABASE f", "CREATE TABLE f.base (i INT PRIMARY KEY, j JSON)")
    bench.run(*base)
    for name, script in FEATURES[other].items():
        finding = foretold(bench, f"DELIMITER //\n{script} //")
        assert (finding.kind, name in finding.message) == ("feature", True)
        hidden = "/*!99999 {} */" if bench.flavour == "mysql" else "/*!80000 {} */"
        fine(bench, f"DELIMITER //\n{hidden.format(script)} //")
    for name, script in FEATURES[bench.flavour].items():
        bench.server.drop_schemas()
        bench.run(*base)
        if name == "a package":  # only for sql_mode=ORACLE
            continue
        fine(bench, script)
    fine(
        bench,
        "CREATE TABLE f.words (`invisible` INT, `uuid` INT, `srid` INT, persistent INT, "
        "lateral_ INT, KEY `invisible` (`invisible`)) COMMENT='with system versioning -> ((';"
        "CREATE VIEW f.w AS SELECT 'SRID 1 member of NOT ENFORCED' FROM f.words",
    )


def test_what_mariadb_does_otherwise(mariadb: Bench) -> None:
    report = fine(mariadb, f"{A}; CREATE TABLE a.t (i INT, KEY k (i) /*!80000 INVISIBLE */)")
    assert kinds(report.warnings) == [("feature", None)]
    assert "it is visible" in report.warnings[0].message


def test_a_dump_that_is_cut_off(bench: Bench) -> None:
    load(RICH, bench.settings)
    whole = dumped(bench.server, "--databases", "rich")
    file = bench.file(whole)
    assert "truncated" not in [finding.kind for finding in check(file, bench.settings).warnings]
    report = check(bench.file(whole[: whole.rindex(b"\n-- Dump completed")]), bench.settings)
    assert "truncated" in [finding.kind for finding in report.warnings]


def test_a_folder_of_scripts(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.sql").write_text("CREATE DATABASE a; CREATE TABLE a.t (i INT)")
    (folder / "2.sql.gz").write_bytes(gzip.compress(b"CREATE TABLE a.t (i INT)"))
    report = check(folder, bench.settings)
    assert kinds(report.problems) == [("exists", 1050)]
    assert report.problems[0].place.endswith("2.sql.gz:1:1")
    assert report.file_bytes == sum(file.stat().st_size for file in folder.iterdir())


# What the server is set to ----------------------------------------------------------------------


def test_a_statement_that_is_too_large(bench: Bench) -> None:
    limit = 1 << 20
    bench.set_global("max_allowed_packet", limit)
    before = "CREATE DATABASE a; CREATE TABLE a.t (c LONGTEXT);\n"
    insert = "INSERT INTO a.t VALUES ('{}')"
    most = limit - 2 - len(insert) + 2
    script = before + insert.format("x" * most)
    fine(bench, script)
    bench.server.drop_schemas()
    finding = foretold(bench, script.replace("('", "('y"))
    assert (finding.kind, finding.errno) == ("packet", 1153)
    assert finding.place.endswith(":2:1")
    # The hint's own command makes it fit.
    bench.run(finding.hint[finding.hint.index("SET GLOBAL") : finding.hint.index(";")])
    bench.server.drop_schemas()
    fine(bench, script.replace("('", "('y"))


def test_a_server_that_is_read_only(bench: Bench) -> None:
    bench.run(A)
    bench.limit("ALL ON a.*")
    script = "CREATE TABLE a.t (i INT)"
    bench.set_global("read_only", 1)
    finding = foretold(bench, script, settings=bench.limited)
    assert (finding.kind, finding.errno) == ("read-only", 1290)
    fine(bench, script)  # root may


def test_a_server_that_is_read_only_for_everybody(mysql: Bench) -> None:
    mysql.run(A)
    mysql.set_global("read_only", 0)
    mysql.set_global("super_read_only", 1)
    finding = foretold(mysql, "CREATE TABLE a.t (i INT)")
    assert (finding.kind, finding.errno) == ("read-only", 1290)
    assert "super_read_only=0" in finding.hint


def test_a_server_that_wants_primary_keys(bench: Bench) -> None:
    name = "sql_require_primary_key" if bench.flavour == "mysql" else "innodb_force_primary_key"
    bench.run(A)
    bench.set_global(name, 1)
    finding = foretold(bench, "CREATE TABLE a.t (i INT, `primary` INT)")
    assert finding.kind == "primary-key"
    fine(
        bench,
        "CREATE TABLE a.p (i INT, PRIMARY KEY (i)); CREATE TABLE a.q (i INT KEY);"
        "CREATE TABLE a.u (i INT NOT NULL, UNIQUE KEY (i)); CREATE TABLE a.l LIKE a.p",
    )
    if bench.flavour == "mysql":
        fine(bench, "SET sql_require_primary_key=0; CREATE TABLE a.t (i INT)")


def test_local_files(bench: Bench) -> None:
    bench.run(A, T)
    rows = bench.file("1\n2\n", "rows.txt")
    script = f"LOAD DATA LOCAL INFILE '{rows}' INTO TABLE a.t"
    report = check(bench.file(script), bench.settings)
    assert kinds(report.problems) == [("refused", None)]
    assert "--allow-local-infile" in report.problems[0].hint
    with pytest.raises(ScriptError):
        load(bench.file(script), bench.settings)
    bench.set_global("local_infile", 0)
    finding = foretold(bench, script, allow_local_infile=True)
    assert finding.kind == "local-infile"
    bench.set_global("local_infile", 1)
    report = fine(bench, script, allow_local_infile=True)
    assert report.objects[0].action == "filled"


REFUSED = {
    "system": "system touch /tmp/x\n",
    "tee": "\\T /tmp/x\n",
    "pager": "pager less\n",
    "connect": "connect a b\n",
    "resetconnection": "\\x\n",
    "no such file": "source nothing.sql\n",
    "a file elsewhere": "source /etc/passwd\n",
    "itself": "source script.sql\n",
    "no path": "source ~nobody_at_all/x\n",
    "forbidden": "/*!999999\\- enable the sandbox mode */\nsource other.sql\n",
}


@pytest.mark.parametrize("script", REFUSED.values(), ids=list(REFUSED))
def test_what_the_loader_refuses(script: str, mysql: Bench) -> None:
    mysql.file("SELECT 1;", "other.sql")
    file = mysql.file("SELECT 1;\n" + script)
    report = check(file, mysql.settings)
    assert kinds(report.problems) == [("refused", None)]
    with pytest.raises(ScriptError) as caught:
        load(file, mysql.settings)
    assert report.problems[0].place in str(caught.value)


def test_sourced_files_are_read(bench: Bench) -> None:
    bench.file("CREATE TABLE t (i INT);\nDELIMITER $$\n", "inner.sql")
    report = fine(
        bench, "CREATE DATABASE a;\nuse a\nsource inner.sql\nINSERT INTO t VALUES (1) $$ SELECT 1"
    )
    assert report.statements == 5  # the client's use counts
    finding = foretold(bench, "use a\nsource inner.sql\n")
    assert finding.place.endswith("inner.sql:1:1")


def test_a_broken_script_is_an_error_with_its_place(mysql: Bench, tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"script\.sql:2:8"):
        check(mysql.file("SELECT 1;\nSELECT 'never closed"), mysql.settings)
    with pytest.raises(ScriptError, match="there is no file"):
        check(tmp_path / "nothing.sql", mysql.settings)
    whole = gzip.compress(b"SELECT 1;\n" * 100)
    with pytest.raises(ScriptError, match="cut short"):
        check(mysql.file(whole[:-10]), mysql.settings)


def test_a_connection_that_is_not_to_be_had(mysql: Bench) -> None:
    file = mysql.file("SELECT 1")
    nobody = ConnectionSettings(mysql.settings.host, mysql.settings.port, "nobody", Secret("x"))
    with pytest.raises(AccessError):
        check(file, nobody)
    with pytest.raises(ServerNotReadyError):
        check(file, ConnectionSettings("127.0.0.1", 1, "root", Secret("x")))


def test_few_connections_are_left(mysql: Bench) -> None:
    mysql.limit()
    file = mysql.file("SELECT 1")
    assert check(file, mysql.settings).warnings == ()
    mysql.set_global("max_connections", 2)
    assert kinds(check(file, mysql.settings).warnings) == [("connections", 1040)]
    with (
        connect_now(mysql.limited),
        connect_now(mysql.limited),
        pytest.raises(ServerNotReadyError, match="Too many connections"),
    ):
        connect_now(mysql.limited)


def test_an_engine_that_is_replaced(bench: Bench) -> None:
    bench.run(A)
    report = fine(bench, "SET sql_mode=''; CREATE TABLE a.t (i INT) ENGINE=FEDERATED")
    assert kinds(report.warnings) == [("engine", 1266)]
    assert bench.run("SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_NAME='t'") == [
        ("InnoDB",)
    ]
    report = fine(bench, "CREATE TABLE a.u (engine INT) ENGINE = MyISAM;")
    assert report.warnings == ()


def test_the_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    file = bench.file("SELECT 1")
    report = check(file, bench.settings)
    assert report.warnings == ()
    assert any(fact.endswith("are free") for fact in report.facts)
    monkeypatch.setattr(advice, "DISK_FACTOR", 1e15)
    assert kinds(check(file, bench.settings).warnings) == [("disk", 1114)]


def test_variables_of_the_whole_server(bench: Bench) -> None:
    report = fine(bench, "SET GLOBAL connect_timeout = 10, @a = 1; SET @@GLOBAL.net_retry_count=10")
    assert kinds(report.warnings) == [("global-variables", None)]
    assert report.warnings[0].items == ("connect_timeout", "net_retry_count")


def test_gtids(mysql: Bench, mariadb: Bench) -> None:
    script = "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '';"
    finding = foretold(mariadb, script)
    assert (finding.kind, finding.errno) == ("variable", 1193)
    assert "--set-gtid-purged=OFF" in finding.hint
    mysql.limit()
    finding = foretold(mysql, script, settings=mysql.limited)
    assert (finding.kind, finding.errno) == ("privilege", 1227)


# What an account may do -------------------------------------------------------------------------

OWN = ("CREATE DATABASE own", "CREATE TABLE own.p (i INT PRIMARY KEY)")
DENIED = {
    "CREATE": (1142, "CREATE TABLE own.t (i INT)"),
    "DROP": (1142, "DROP TABLE IF EXISTS own.t"),
    "ALTER": (1142, "ALTER TABLE own.p ADD j INT"),
    "INDEX": (1142, "CREATE INDEX k ON own.p (i)"),
    "INSERT": (1142, "INSERT INTO own.p VALUES (1)"),
    "INSERT, DELETE": (1142, "REPLACE INTO own.p VALUES (1)"),
    "UPDATE": (1142, "UPDATE own.p SET i=1"),
    "DROP (truncate)": (1142, "TRUNCATE TABLE own.p"),
    "CREATE VIEW": (1142, "CREATE VIEW own.v AS SELECT 1"),
    "TRIGGER": (1142, "CREATE TRIGGER own.g BEFORE INSERT ON own.p FOR EACH ROW SET @i=1"),
    "CREATE ROUTINE": (1044, "CREATE PROCEDURE own.q() SELECT 1"),
    "CREATE ROUTINE (function)": (1044, "CREATE FUNCTION own.q() RETURNS INT RETURN 1"),
    "ALTER ROUTINE": (1370, "DROP PROCEDURE IF EXISTS own.q"),
    "EVENT": (1044, f"CREATE EVENT own.e {EVENT}"),
    "CREATE TEMPORARY TABLES": (1044, "CREATE TEMPORARY TABLE own.t (i INT)"),
    "ALTER (schema)": (1044, "ALTER DATABASE own CHARACTER SET latin1"),
    "DROP (schema)": (1044, "DROP DATABASE own"),
    "CREATE (schema)": (1044, "CREATE DATABASE other"),
    "ALTER, DROP": (1142, "RENAME TABLE own.p TO own.r"),
}
ADMINISTRATORS = {
    "CREATE USER": (1227, "CREATE USER somebody"),
    "RELOAD": (1227, "FLUSH TABLES"),
    "SUPER": (1227, "SET GLOBAL connect_timeout = 10"),
    "FILE": (1045, "LOAD DATA INFILE '/nothing' INTO TABLE own.p"),
    "BINLOG": (1227, "SET @@SESSION.SQL_LOG_BIN = 0"),
}


def denied(bench: Bench, script: str, errno: int) -> Finding:
    """Check and load as the limited account, and return the first of the rights that it lacks."""
    file = bench.file(script)
    report = check(file, bench.limited)
    assert report.problems, script
    assert set(kinds(report.problems)) == {("privilege", errno)}, report
    with pytest.raises(StatementError) as caught:
        load(file, bench.limited)
    assert caught.value.errno == errno
    return report.problems[0]


def test_rights_that_an_account_lacks_on_a_schema(bench: Bench) -> None:
    bench.run(*OWN)
    bench.limit("SELECT ON own.*")
    for name, (errno, script) in DENIED.items():
        finding = denied(bench, script, errno)
        assert f"lacks {name.partition(' (')[0].partition(',')[0]} on" in finding.message


def test_rights_that_an_account_has_on_a_schema(bench: Bench) -> None:
    for name, (_, script) in DENIED.items():
        bench.server.drop_schemas()
        bench.run(*OWN, "CREATE TABLE own.unused (i INT)")
        if name == "CREATE (schema)":
            bench.limit("CREATE ON other.*", "SELECT ON own.*")
        elif name == "ALTER, DROP":
            bench.limit("SELECT, ALTER, DROP, CREATE, INSERT ON own.*")
        else:
            bench.limit(f"{name.partition(' (')[0]}, SELECT ON own.*")
        fine(bench, script, settings=bench.limited)


def test_administrators_rights(bench: Bench) -> None:
    bench.run(*OWN)
    bench.limit("ALL ON own.*")
    for errno, script in ADMINISTRATORS.values():
        finding = denied(bench, script, errno)
        assert finding.hint
    assert check(
        bench.file(";".join(script for _, script in ADMINISTRATORS.values())), bench.settings
    ).ok


def test_the_right_to_refer_to_a_table(mysql: Bench, mariadb: Bench) -> None:
    script = "CREATE TABLE own.c (i INT, FOREIGN KEY (i) REFERENCES own.p (i))"
    for bench in (mysql, mariadb):
        bench.run(*OWN)
        bench.limit("SELECT, CREATE ON own.*")
    assert "lacks REFERENCES on own.p" in denied(mysql, script, 1142).message
    fine(mariadb, script, settings=mariadb.limited)
    mysql.limit("SELECT, CREATE, REFERENCES ON own.*")
    fine(mysql, script, settings=mysql.limited)


@pytest.mark.parametrize(
    ("grants", "enough"),
    [
        (("ALL ON own.*",), True),
        (("ALL ON `ow_`.*",), True),
        (("ALL ON `o\\_n`.*", "SELECT ON own.*"), False),
        (("ALL ON own.p", "SELECT ON own.*"), True),
        (("SELECT, INSERT ON own.p",), True),
        (("INSERT ON *.*",), True),
        (("INSERT (i), SELECT ON own.p",), False),
        (("SELECT ON *.*",), False),
    ],
)
def test_where_rights_hold(grants: tuple[str, ...], enough: bool, bench: Bench) -> None:
    bench.run(*OWN)
    bench.limit(*grants)
    # A right on columns is not enough for a statement that names none.
    script = f"{'REPLACE' if '(i)' in grants[0] else 'INSERT'} INTO own.p VALUES (1)"
    if enough:
        fine(bench, script, settings=bench.limited)
    else:
        denied(bench, script, 1142)


def test_rights_by_a_role(bench: Bench) -> None:
    bench.run(*OWN, "CREATE ROLE helper", "GRANT INSERT ON own.* TO helper")
    bench.run(f"CREATE USER {LIMITED}@'%' IDENTIFIED BY 'let me in'")
    bench.run(f"GRANT SELECT ON own.* TO {LIMITED}@'%'", f"GRANT helper TO {LIMITED}@'%'")
    script = "INSERT INTO own.p VALUES (1)"
    denied(bench, script, 1142)  # it is not active
    to = "TO" if bench.flavour == "mysql" else "FOR"
    bench.run(f"SET DEFAULT ROLE helper {to} {LIMITED}@'%'")
    fine(bench, script, settings=bench.limited)


def test_rights_that_the_loader_can_do_without(bench: Bench) -> None:
    bench.run(*OWN)
    bench.limit("SELECT, INSERT ON own.*")
    file = bench.file(
        "LOCK TABLES own.p WRITE; /*!40000 ALTER TABLE own.p DISABLE KEYS */;"
        "INSERT INTO own.p VALUES (1); UNLOCK TABLES;"
    )
    report = check(file, bench.limited)
    assert report.ok
    assert kinds(report.warnings) == [("privilege", 1044), ("privilege", 1142)]


# DEFINERs ---------------------------------------------------------------------------------------

DEFINED = (
    "USE own; CREATE DEFINER=`ghost`@`nowhere` SQL SECURITY DEFINER VIEW v AS SELECT i FROM p;\n"
    "/*!50003 CREATE*/ /*!50020 DEFINER='ghost'@'nowhere'*/ /*!50003 TRIGGER g BEFORE INSERT ON p "
    "FOR EACH ROW SET @a=1 */;\nCREATE DEFINER=CURRENT_USER() PROCEDURE own.r() SELECT 1;"
    "CREATE DEFINER = root@localhost FUNCTION own.f() RETURNS INT DETERMINISTIC RETURN 1;"
)


def test_definers_that_do_not_exist(bench: Bench) -> None:
    bench.run(*OWN)
    report = fine(bench, DEFINED)
    assert kinds(report.warnings) == [("definer", 1449)]
    assert "ghost@nowhere does not exist; 1 view, 1 trigger" in report.warnings[0].message
    import pymysql

    for statement in ("SELECT * FROM own.v", "INSERT INTO own.p VALUES (1)"):
        with pytest.raises(pymysql.err.MySQLError) as caught:
            bench.run(statement)
        assert caught.value.args[0] == 1449
    assert check(bench.file(DEFINED), bench.settings, skip_definer=True).warnings == ()


def test_definers_that_an_account_may_not_name(bench: Bench) -> None:
    bench.run(*OWN)
    bench.limit("ALL ON own.*")
    finding = foretold(bench, DEFINED, settings=bench.limited)
    assert (finding.kind, finding.errno) == ("definer-privilege", 1227)
    assert finding.items == ("ghost@nowhere", "root@localhost")
    report = check(bench.file(DEFINED), bench.limited)
    assert [finding.kind for finding in report.warnings] == ["definer-unknown"]
    assert check(bench.file(DEFINED), bench.limited, skip_definer=True).ok
    own = DEFINED.replace("`ghost`@`nowhere`", f"{LIMITED}@`%`")
    own = own.replace("'ghost'@'nowhere'", f"{LIMITED}").replace("root@localhost", LIMITED)
    if bench.flavour == "mysql":  # for MariaDB a name alone may be a role
        fine(bench, own, settings=bench.limited)
    bench.server.drop_schemas()
    bench.run(*OWN)
    bench.limit(
        "ALL ON own.*",
        "SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.*"
        if bench.flavour == "mysql"
        else "SET USER ON *.*",
    )
    if bench.flavour == "mysql":
        others = DEFINED.replace("root@localhost", "other@`%`")  # root is above such rights
        fine(bench, others, settings=bench.limited)
    else:
        fine(bench, DEFINED, settings=bench.limited)


# Servers of another kind ------------------------------------------------------------------------


@pytest.fixture(scope="module", params=FLAVOURS)
def logging_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    from sidecar_magics.errors import LocalServerError

    options: tuple[str, ...] = ("--log-bin=binlog", "--server-id=1")
    if request.param == "mariadb":
        options += ("--lower-case-table-names=1",)
    try:
        server = Server(request.param, tmp_path_factory.mktemp("logging"), options=options).start()
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no {request.param} server: {error}")
    yield server
    server.stop()


@pytest.fixture
def logging(logging_server: Server, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(logging_server, tmp_path)
    yield bench
    bench.forget()
    logging_server.drop_schemas()


def test_functions_and_triggers_that_a_binary_log_keeps_out(logging: Bench) -> None:
    logging.run(*OWN)
    unsafe = "CREATE FUNCTION own.f() RETURNS INT RETURN 1"
    safe = "CREATE FUNCTION own.g() RETURNS INT DETERMINISTIC RETURN 1"
    trigger = "CREATE TRIGGER own.t BEFORE INSERT ON own.p FOR EACH ROW SET @i=1"
    finding = foretold(logging, unsafe)
    assert (finding.kind, finding.errno) == ("binary-log", 1418)
    fine(logging, f"{safe};{trigger}")
    logging.run("DROP FUNCTION own.g", "DROP TRIGGER own.t")
    # Servers don't care whether this session is logged.
    assert foretold(logging, f"SET @@SESSION.SQL_LOG_BIN= 0; {unsafe}").errno == 1418
    logging.limit("ALL ON own.*")
    for script in (safe, trigger):
        finding = foretold(logging, script, settings=logging.limited)
        assert (finding.kind, finding.errno) == ("binary-log", 1419)
    logging.set_global("log_bin_trust_function_creators", 1)
    fine(logging, f"{unsafe};{safe};{trigger}", settings=logging.limited)


def test_names_that_differ_by_case_only(logging: Bench) -> None:
    script = "CREATE DATABASE a; CREATE TABLE a.t (i INT); CREATE TABLE a.T (i INT);"
    if logging.flavour == "mysql":  # it tells them apart
        fine(logging, script)
        return
    file = logging.file(script)
    report = check(file, logging.settings)
    assert set(kinds(report.problems)) == {("exists", 1050), ("case", 1050)}
    with pytest.raises(StatementError) as caught:
        load(file, logging.settings)
    assert caught.value.errno == 1050
    # With a DROP in front nothing fails: the first table is gone.
    dropping = script.replace("CREATE TABLE a.T", "DROP TABLE IF EXISTS a.T; CREATE TABLE a.T")
    logging.server.drop_schemas()
    report = check(logging.file(dropping), logging.settings)
    assert kinds(report.problems) == [("case", 1050)]
    logging.run("CREATE DATABASE own", "CREATE TABLE own.Word (i INT)")
    assert foretold(logging, "USE OWN; CREATE TABLE WORD (i INT)").kind == "exists"


# How it looks -----------------------------------------------------------------------------------


def test_a_report_holds_no_markup_and_no_password_of_the_script(mysql: Bench) -> None:
    mysql.run(A)
    script = (
        "CREATE USER u@h IDENTIFIED BY 'secret';INSERT INTO a.`<b>` VALUES (1);"
        + "".join(f"DROP VIEW a.v{number};" for number in range(50))
        + "SET @@SESSION.no_such = 'secret2';"
    )
    report = check(mysql.file(script), mysql.settings)
    everything = f"{report!r}{report._repr_html_()}{json.dumps(report.to_dict())}"
    assert "secret" not in everything
    assert "<b>` " not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()
    assert "and 47 more" in repr(report)
    assert len(repr(report).splitlines()) <= 27
    plain = report.to_dict()
    assert plain["ok"] is False
    assert len(plain["problems"][1]["items"]) == 50
    assert str(mysql.settings.password.reveal()) not in everything
