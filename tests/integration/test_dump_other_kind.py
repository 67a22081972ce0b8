"""Programs and views that are dumped from one kind of server load on the other one."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump, script
from sidecar_magics.errors import StatementError
from sidecar_magics.load import load
from sidecar_magics.load.check import check
from sidecar_magics.server import pymysql_errors
from tests.servers import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

# Under these programs do something else, and only one of the servers has them.
DIFFERENT = {"ORACLE", "MAXDB", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT"}
DIFFERENT_IN_MYSQL = {"INTERPRET_UTF8_AS_UTF8MB4"}
PROGRAMS = (
    "CREATE TRIGGER shop.r BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.n = shop.f(NEW.n)",
    "CREATE PROCEDURE shop.p() BEGIN SELECT 'a\\'b' AS x; END",
    "CREATE EVENT shop.e ON SCHEDULE EVERY 1 YEAR DISABLE DO CALL shop.p()",
    "CREATE VIEW shop.v AS SELECT id, CONCAT(n, 'x') AS c, NOW() > '2020-01-01' AS d FROM shop.t",
)
TABLES = (
    "CREATE SCHEMA shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
    "CREATE FUNCTION shop.f(n INT) RETURNS INT DETERMINISTIC RETURN n + 1",
)
MODES = (
    "SELECT 'r', sql_mode FROM information_schema.triggers WHERE trigger_schema = 'shop'"
    " UNION ALL SELECT routine_name, sql_mode FROM information_schema.routines"
    " WHERE routine_schema = 'shop' AND routine_name = 'p'"
    " UNION ALL SELECT event_name, sql_mode FROM information_schema.events"
    " WHERE event_schema = 'shop'"
)


def modes_of(server: Server) -> set[str]:
    """Return the names of all sql_modes that a server has."""
    names: set[str] = set()
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for bit in range(64):
            with contextlib.suppress(*pymysql_errors()):  # there is no such mode
                cursor.execute(f"SET sql_mode = {1 << bit}")
                cursor.execute("SELECT @@sql_mode")
                names.update(cursor.fetchall()[0][0].split(","))
    return names - {"", "?", "NOT_USED"}


def takes(server: Server, mode: str) -> bool:
    """Return whether a server takes a mode by its name."""
    with contextlib.suppress(*pymysql_errors()):
        execute(server, f"SET sql_mode = '{mode}'")
        return True
    return False


def test_each_mode_that_one_of_them_lacks_is_known(
    mysql_server: Server, mariadb_server: Server
) -> None:
    mysql = {mode for mode in modes_of(mysql_server) if takes(mysql_server, mode)}
    mariadb = {mode for mode in modes_of(mariadb_server) if takes(mariadb_server, mode)}
    only_mariadb = {mode for mode in mariadb if not takes(mysql_server, mode)}
    only_mysql = {mode for mode in mysql if not takes(mariadb_server, mode)}
    assert only_mariadb == script._WITHOUT_EFFECT_ON_MYSQL | DIFFERENT
    # Not each version of MySQL has all.
    assert only_mysql - DIFFERENT_IN_MYSQL == script._WITHOUT_EFFECT_ON_MARIADB


def own_modes(flavour: str) -> str:
    """Return modes of a kind of server that the other one does not have, and one of both."""
    own = script._WITHOUT_EFFECT_ON_MARIADB
    if flavour == "mariadb":
        # Not those that stand for others: these change how the programs of this test are read, and
        # with HIGH_NOT_PRECEDENCE MySQL does not read what servers show of an event (1064).
        own = script._WITHOUT_EFFECT_ON_MYSQL - {"POSTGRESQL", "DB2", "MSSQL"}
        own -= {"MYSQL323", "MYSQL40"}
    return ",".join(["STRICT_TRANS_TABLES", *sorted(own)])


@pytest.mark.parametrize("way", ["client", "load", "load over four connections"])
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_programs_load_on_the_other_kind(
    mysql_server: Server, mariadb_server: Server, tmp_path: Path, flavour: str, way: str
) -> None:
    source, target = mysql_server, mariadb_server
    if flavour == "mariadb":
        source, target = target, source
    names = "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci"  # both have it
    execute(source, names, *TABLES, f"SET sql_mode = '{own_modes(flavour)}'", *PROGRAMS)
    shown = sorted(execute(source, MODES))
    assert len(shown) == 3
    file = tmp_path / "d.sql"
    dump(file, source.settings)
    first = file.read_bytes()

    if way == "client":
        with file.open("rb") as sql:
            subprocess.run(target.client, stdin=sql, check=True, timeout=120)
    else:
        assert check(file, target.settings, collation_map="nearest").ok
        jobs = 1 if way == "load" else 4
        load(file, target.settings, collation_map="nearest", jobs=jobs)

    rows = execute(target, "INSERT INTO shop.t (n) VALUES (1)", "SELECT n FROM shop.t")
    assert rows == [(2,)]
    assert execute(target, "SELECT c, d FROM shop.v") == [("2x", 1)]
    modes = dict(execute(target, MODES))
    assert set(modes) == {"r", "p", "e"}
    assert {"STRICT_TRANS_TABLES"} == set(modes["r"].split(","))
    # On its own kind nothing has changed.
    source.drop_schemas()
    load(file, source.settings)
    assert sorted(execute(source, MODES)) == shown
    dump(file, source.settings)
    assert file.read_bytes() == first


def test_a_program_that_would_do_something_else_is_refused(
    mysql_server: Server, mariadb_server: Server, tmp_path: Path
) -> None:
    execute(
        mariadb_server,
        "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
        *TABLES,
        "SET sql_mode = 'NO_AUTO_CREATE_USER,EMPTY_STRING_IS_NULL'",
        PROGRAMS[0],
    )
    dump(tmp_path / "d.sql", mariadb_server.settings)
    with pytest.raises(StatementError) as caught:
        load(tmp_path / "d.sql", mysql_server.settings)
    assert caught.value.errno == 1231


def test_modes_that_both_have_are_set_plainly() -> None:
    assert script.set_sql_mode("ANSI_QUOTES,ORACLE") == b"SET sql_mode = 'ANSI_QUOTES,ORACLE'"
    assert script.set_sql_mode("") == b"SET sql_mode = ''"
    assert script.set_sql_mode("NO_AUTO_CREATE_USER") == (
        b"SET sql_mode = /*M!100000 'NO_AUTO_CREATE_USER' */ /*!50700 '' */"
    )
