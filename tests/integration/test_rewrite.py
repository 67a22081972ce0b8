"""Real dumps on their way into another schema, another server, or only a part of them."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.script.classify import Kind, classify
from sidecar_magics.script.collations import names_in
from sidecar_magics.script.features import features
from sidecar_magics.script.rewrite import RewriteError, Rewriter, schema_of_heading
from sidecar_magics.script.splitter import Statement, split
from sidecar_magics.script.substitutes import nearest, substitutes
from tests.background import LIMIT_S
from tests.servers import given_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

pytestmark = pytest.mark.server

SPYGLASS = Path(__file__).parents[2] / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
RICH = Path(__file__).parents[1] / "data" / "rich.sql"
DELIMITER = b"//~//"

# Whatever names its schema or a collation, and what only looks as if it did. A table called as its
# schema is what DataJoint users have.
SHOP = """\
CREATE DATABASE shop;
USE shop;
CREATE TABLE shop (id int PRIMARY KEY AUTO_INCREMENT, name varchar(40) {collate},
  size int GENERATED ALWAYS AS (length(name)) VIRTUAL,
  note text COMMENT 'from shop.item; `shop`.`item`');
CREATE TABLE item (id int PRIMARY KEY, shop int, FOREIGN KEY (shop) REFERENCES shop.shop (id),
  KEY (shop), CHECK (id <> 7)) AUTO_INCREMENT = 5;
CREATE TABLE `odd ``name` (a int);
INSERT INTO shop (id, name, note) VALUES (1, 'Ä', '`shop`.`item`'), (2, 'a', 'it''s -- USE other;');
INSERT INTO item VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO `odd ``name` VALUES (1);
DELIMITER $$
CREATE DEFINER = ghost@nowhere FUNCTION name_of(wanted int) RETURNS varchar(40) CHARSET utf8mb4
  READS SQL DATA RETURN (SELECT shop.name FROM shop.shop WHERE shop.id = wanted LIMIT 1)$$
CREATE DEFINER = ghost@nowhere PROCEDURE clear(IN only_shop int) SQL SECURITY INVOKER BEGIN
  DECLARE n int DEFAULT 0; -- shop.item
  SELECT count(*) INTO n FROM shop.item JOIN shop.shop ON item.shop = shop.id;
  IF n > 0 THEN DELETE FROM shop.item WHERE shop.item.shop = only_shop; END IF;
  SELECT 'DEFINER=`a`@`b` from shop.item';
END$$
CREATE DEFINER = ghost@nowhere TRIGGER cap BEFORE INSERT ON item FOR EACH ROW
  SET NEW.shop = (SELECT min(shop.id) FROM shop.shop WHERE shop.id >= NEW.shop)$$
CREATE DEFINER = ghost@nowhere EVENT tidy ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00'
  DO DELETE FROM shop.item WHERE shop.item.id < 0$$
DELIMITER ;
CREATE DEFINER = ghost@nowhere SQL SECURITY INVOKER VIEW overview AS
  SELECT shop.id, shop.name_of(shop.id) AS named, 'shop.item' AS literal FROM shop.shop
  JOIN item ON item.shop = shop.id WHERE shop.name = 'ä' {collate};
"""
COLLATE = {"mysql": "COLLATE utf8mb4_0900_as_ci", "mariadb": "COLLATE utf8mb4_uca1400_as_ci"}


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Yield each server in turn, with the shop."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    open_shop(server)
    yield server
    feed(server, b"DROP USER ghost@nowhere")


def open_shop(server: Server) -> None:
    feed(server, b"CREATE USER IF NOT EXISTS ghost@nowhere; GRANT ALL ON *.* TO ghost@nowhere")
    feed(server, SHOP.format(collate=COLLATE[server.flavour]).encode())


def feed(server: Server, script: bytes) -> None:
    command = [*server.client, "--comments", "--default-character-set=utf8mb4"]
    command += ["--commands"] * (server.flavour == "mysql")  # MariaDB's obeys them without
    done = subprocess.run(command, input=script, capture_output=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr.decode()


def dump(server: Server, *options: str) -> bytes:
    command = [*server.dump_client, "--skip-dump-date", "--routines", "--events"]
    command += options
    return subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S).stdout


def statements(script: bytes) -> list[bytes]:
    """Return a dump's statements, but for those that restore the state of replication."""
    found = []
    for item in split([script], dollar_quotes=True):
        if isinstance(item, Statement):
            found.append(item.sql)
        elif item.name == "use":
            found.append(b"USE `" + item.argument + b"`")
    return [sql for sql in found if b"GTID_PURGED" not in sql]


def rewritten(script: bytes, **options: Any) -> tuple[bytes, Rewriter]:
    """Return what is to be sent instead of a dump, as a script for the client."""
    rewriter = Rewriter(**options)
    return as_script(sent(script, rewriter)), rewriter


def sent(script: bytes, rewriter: Rewriter) -> list[bytes]:
    schema = None
    found = []
    for sql in statements(script):
        new = rewriter.rewrite(sql, schema=schema)
        about = classify(sql)
        schema = about.schema if about.kind is Kind.USE else schema
        found += [] if new is None else [new]
    return found


def as_script(found: list[bytes]) -> bytes:
    lines = [b"DELIMITER " + DELIMITER, *(sql + b"\n" + DELIMITER for sql in found), b""]
    return b"\n".join(lines)


def drop(server: Server, *schemas: str) -> None:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for schema in schemas:
            cursor.execute(f"DROP SCHEMA `{schema}`")


def ask(server: Server, sql: str) -> list[tuple[Any, ...]]:
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def content(server: Server, schema: str, *, original: str = "shop") -> str:
    """Return a schema's dump without its name, backticks and definers: all that a copy shares."""
    text = dump(server, "--hex-blob", schema).decode()
    text = re.sub(r"^-- (?:Host|Current).*$", "", text, flags=re.MULTILINE).replace("`", "")
    return re.sub(r"\bcopy\b", original, re.sub(r"DEFINER=\w+@\w+", "DEFINER", text))


LOOK_ALIKES = [
    b"from shop.item; `shop`.`item`",
    b"'`shop`.`item`'",
    b"'it\\'s -- USE other;'",
    b"'shop.item' AS `literal`",
    b"'DEFINER=`a`@`b` from shop.item'",
]


def test_a_dump_of_one_schema_goes_into_another(server: Server) -> None:
    original = content(server, "shop")
    script, rewriter = rewritten(
        dump(server, "--databases", "shop"), into="copy", skip_definer=True
    )
    feed(server, script)
    assert rewriter.source == "shop"
    assert sorted(server.schemas()) == ["copy", "shop"]
    copy = dump(server, "copy")
    assert b"ghost" not in copy
    assert [text for text in LOOK_ALIKES if text not in copy] == []
    assert content(server, "copy") == original
    # It works without the schema that it came from.
    drop(server, "shop")
    assert (
        ask(server, "SELECT id, named, literal FROM copy.overview") == [(1, "Ä", "shop.item")] * 2
    )
    ask(server, "INSERT INTO copy.item VALUES (9, 0)")
    assert ask(server, "SELECT shop FROM copy.item WHERE id = 9") == [(1,)]
    ask(server, "CALL copy.clear(1)")
    assert ask(server, "SELECT id FROM copy.item") == [(3,)]


def test_the_rich_script_goes_into_another_schema(server: Server) -> None:
    feed(server, RICH.read_bytes())
    script, _ = rewritten(dump(server, "--databases", "rich"), into="copy", skip_definer=True)
    feed(server, script)
    assert content(server, "copy", original="rich") == content(server, "rich", original="rich")


def test_a_dump_that_does_not_name_its_schema_says_it_in_its_heading(server: Server) -> None:
    script = dump(server, "shop")
    source = schema_of_heading(script)
    assert source == "shop"
    with pytest.raises(RewriteError, match="has not said yet which schema"):
        rewritten(script, into="copy")
    new, _ = rewritten(script, into="copy", source=source)
    feed(server, b"CREATE DATABASE copy; USE copy;\n" + new)
    assert content(server, "copy") == content(server, "shop")


def test_a_dump_that_drops_its_schema_drops_the_other_one_instead(server: Server) -> None:
    feed(server, b"CREATE DATABASE copy; CREATE TABLE copy.old (a int)")
    script, _ = rewritten(dump(server, "--add-drop-database", "--databases", "shop"), into="copy")
    feed(server, script)
    assert content(server, "copy") == content(server, "shop")


def test_a_dump_of_two_schemas_is_refused(server: Server) -> None:
    feed(server, b"CREATE DATABASE zoo")
    with pytest.raises(RewriteError, match="of `shop`, names `zoo`") as caught:
        rewritten(dump(server, "--databases", "shop", "zoo"), into="copy")
    assert caught.value.hint == "load the tables of one: --tables 'shop.*'."


def test_definitions_and_rows_one_after_the_other_make_the_whole(server: Server) -> None:
    script = dump(server, "--databases", "shop")
    first, _ = rewritten(script, schema_only=True)
    second, _ = rewritten(script, data_only=True)
    drop(server, "shop")
    feed(server, first)
    assert ask(server, "SELECT count(*) FROM shop.shop") == [(0,)]
    feed(server, b"DROP TRIGGER shop.cap")  # it would have its say in the rows
    feed(server, second)
    assert ask(server, "SELECT count(*) FROM shop.item") == [(3,)]
    feed(server, cap_of(script))
    assert dump(server, "--databases", "shop") == script


def cap_of(script: bytes) -> bytes:
    """Return the part of a dump that makes its trigger."""
    wanted = (Kind.SESSION, Kind.TRIGGER)
    return as_script([b"USE shop", *(s for s in statements(script) if classify(s).kind in wanted)])


def test_only_some_tables(server: Server) -> None:
    script = dump(server, "--add-drop-database", "--databases", "shop")
    drop(server, "shop")
    new, rewriter = rewritten(script, tables=["shop.i*", "nothing.*"], skip_definer=True)
    feed(server, new)
    assert ask(server, "SHOW TABLES FROM shop") == [("item",)]
    assert ask(server, "SELECT count(*) FROM shop.item") == [(3,)]
    assert [row[0] for row in ask(server, "SHOW TRIGGERS FROM shop")] == ["cap"]
    assert rewriter.unmatched == ["nothing.*"]
    assert rewriter.notes == ["item refers to shop, which is left out"]


def test_the_servers_own_schemas_stay_as_they_are(server: Server) -> None:
    options = ["--all-databases"] + ["--system=all"] * (server.flavour == "mariadb")
    script = dump(server, *options)
    original = dump(server, "--databases", "shop")
    rewriter = Rewriter()
    # What accounts a dump makes is another matter.
    found = [sql for sql in sent(script, rewriter) if classify(sql).kind is not Kind.ACCOUNT]
    assert rewriter.skipped["system schema mysql"] > 50
    assert [sql for sql in found if re.search(rb"(?i)\bmysql\b", sql)] == []
    drop(server, "shop")
    feed(server, as_script(found))
    assert dump(server, "--databases", "shop") == original


# From one server to the other --------------------------------------------------------------------


def known_collations(server: Server) -> set[str]:
    return {name for (name, *_) in ask(server, "SHOW COLLATION")}


@pytest.mark.thorough
def test_the_spyglass_dump_loads_on_mariadb(mariadb_server: Server) -> None:
    script = gzip.decompress(SPYGLASS.read_bytes())
    new, rewriter = rewritten(script, collation_map=substitutes(known_collations(mariadb_server)))
    feed(mariadb_server, new)
    tables = sum(
        classify(sql).kind is Kind.TABLE and b"CREATE" in sql for sql in statements(script)
    )
    made = ask(
        mariadb_server,
        "SELECT table_collation, count(*) FROM information_schema.tables"
        " WHERE table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
        " GROUP BY 1 ORDER BY 2 DESC",
    )
    assert sum(count for _, count in made) == tables
    assert made[0][0] == "utf8mb4_uca1400_nopad_ai_ci"
    assert rewriter.changed["collation"] > tables


def test_each_servers_dump_loads_on_the_other_one(
    mysql_server: Server, mariadb_server: Server
) -> None:
    for source, target in ((mysql_server, mariadb_server), (mariadb_server, mysql_server)):
        open_shop(source)
        # MariaDB's dumps have values for it, which MySQL refuses (3105).
        feed(source, b"ALTER TABLE shop.shop DROP COLUMN size")
        script = dump(source, "--databases", "shop")
        known = known_collations(target)
        named = {name for sql in statements(script) for name in names_in(sql).collations}
        offers = {name: nearest(name, known) for name in named}
        assert None not in offers.values()
        collation_map = {name: offer[0] for name, offer in offers.items() if offer}
        assert any(old != new for old, new in collation_map.items())
        new, _ = rewritten(script, collation_map=collation_map, skip_definer=True)
        drop(source, "shop")
        feed(source, b"DROP USER ghost@nowhere")
        # MySQL has no such mode any more (1231).
        feed(target, new.replace(b"NO_AUTO_CREATE_USER,", b""))
        assert ask(target, "SELECT id, literal FROM shop.overview") == [(1, "shop.item")] * 2
        drop(target, "shop")


def test_substitutes_on_mariadb_count_case_accents_and_spaces_as_mysql_does(
    mysql_server: Server, mariadb_server: Server
) -> None:
    found = substitutes(known_collations(mariadb_server))
    assert all("_nopad_" in name for name in found.values())
    assert all("_uca1400_" in name for name in substitutes(known_collations(mysql_server)))
    pairs = ["'a' = 'A'", "'a' = 'á'", "'a' = 'a '", "'ß' = 'ss'", "'a' < 'B'", "'я' = 'Я'"]

    def judged(server: Server, collation: str) -> tuple[Any, ...]:
        return ask(server, "SELECT " + ", ".join(f"{pair} COLLATE {collation}" for pair in pairs))[
            0
        ]

    differing = {
        old: new
        for old, new in found.items()
        if judged(mysql_server, old) != judged(mariadb_server, new)
    }
    assert differing == {}


REFUSED = [
    "CREATE DATABASE d DEFAULT ENCRYPTION='N'",
    "CREATE TABLE t (a int, KEY `k` ((`a` + 1)))",
    "CREATE TABLE t (a json, KEY k ((cast(a as unsigned array))))",
    "CREATE INDEX k ON made ((a + 1))",
    "CREATE TABLE t (a int, b int, KEY k (a, b) USING BTREE INVISIBLE)",
    "CREATE TABLE t (a geometry NOT NULL SRID 4326)",
    "CREATE TABLE t (a int, CHECK (a > 0) NOT ENFORCED)",
    "CREATE TABLE t (a int) ENCRYPTION='N'",
    "CREATE TABLE t (a int) COMPRESSION='zlib'",
    "CREATE TABLE t (a int) SECONDARY_ENGINE=RAPID",
    "CREATE TABLE t (a int ENGINE_ATTRIBUTE '{}')",
    "CREATE TABLE t (a int) AUTOEXTEND_SIZE=4M",
    "CREATE TABLE t (a int /*!50606 STORAGE DISK */)",
    "CREATE TABLE t (a vector(3))",
    "CREATE TABLE t (a int) START TRANSACTION",
    "CREATE TABLE t (a text, FULLTEXT KEY (a) /*!50100 WITH PARSER `ngram` */)",
    "CREATE TABLE t (a json, b int GENERATED ALWAYS AS (a->'$.x'))",
    "CREATE VIEW v AS select '{}'->>'$.a'",
    "CREATE VIEW v AS select 1 member of ('[1]')",
    "CREATE VIEW v AS select * from (select 1 as a) x, lateral (select x.a) y",
    "CREATE VIEW v AS select json_value('{}', '$.a' returning signed)",
    "CREATE VIEW v AS select cast('1' as json)",
    "CREATE VIEW v AS select cast('2020' as year)",
    "CREATE VIEW v AS values row(1, 2)",
    "CREATE VIEW v AS select regexp_like('a', 'b')",
    "CREATE VIEW v AS select bin_to_uuid('a')",
    "CREATE VIEW v AS select any_value(1)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE JAVASCRIPT AS $$ return 1 $$",
    "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ ''",
    "SET @x = 1, gtid_next = 'AUTOMATIC'",
    "SET SESSION sql_require_primary_key = 0",
    "SET PERSIST max_connections = 100",
    "CREATE USER u IDENTIFIED WITH 'caching_sha2_password' AS 'x'",
    "CREATE USER u DEFAULT ROLE r",
    "CREATE USER u PASSWORD HISTORY DEFAULT",
    "CREATE USER u IDENTIFIED BY RANDOM PASSWORD",
    "GRANT SELECT, SYSTEM_USER ON *.* TO root@localhost",
    "SET DEFAULT ROLE NONE TO root@localhost",
    "CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x' DEFINITION 'x'",
    "CREATE UNDO TABLESPACE u ADD DATAFILE 'u.ibu'",
    "ALTER INSTANCE ROTATE INNODB MASTER KEY",
    "LOCK INSTANCE FOR BACKUP",
]
TAKEN_OTHERWISE = [
    "CREATE TABLE t (a int, KEY k (a) /*!80000 INVISIBLE */)",
    "CREATE TABLE t (a int, b int /*!80023 INVISIBLE */)",
    "CREATE TABLE t (a geometry NOT NULL /*!80003 SRID 4326 */)",
    "CREATE TABLE t (a int, CHECK (a > 0) /*!80016 NOT ENFORCED */)",
    "CREATE TABLE t (a int) /*!80016 ENCRYPTION='Y' */",
    "CREATE TABLE t (a json DEFAULT (json_array()))",
    "CREATE PROCEDURE p() select any_value(1)",
]
UNDERSTOOD = [
    "CREATE DATABASE d /*!80016 DEFAULT ENCRYPTION='N' */",
    "CREATE TABLE t (a varchar(36) DEFAULT (uuid()), KEY k (a DESC))",
    "CREATE TABLE t (a int COMMENT 'SRID 4326', json int) COMMENT='COMPRESSION'",
    "CREATE TABLE `compression` (`encryption` int, `vector` int, CHECK ((`encryption` > 0)))",
    "CREATE VIEW v AS with recursive c as (select 1 as n) select n, '->' from c",
    "CREATE VIEW v AS select cast('1.5' as float), json_value('{}', '$.a')",
    "SET @gtid_next = 1, @@SESSION.SQL_LOG_BIN = 0",
    "CREATE ROLE r",
    "CREATE USER u REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK",
]


@pytest.mark.parametrize("sql", [*REFUSED, *TAKEN_OTHERWISE, *UNDERSTOOD])
def test_what_mariadb_refuses_is_known(mariadb_server: Server, sql: str) -> None:
    found = features(sql.encode())
    assert any(feature.stops for feature in found) == (sql in REFUSED)
    assert bool(found) == (sql not in UNDERSTOOD)
    with connect_now(mariadb_server.settings) as connection, connection.cursor() as cursor:
        for setup in ("CREATE DATABASE f", "USE f", "CREATE TABLE made (a int)"):
            cursor.execute(setup)
        try:
            cursor.execute(sql)
            refused = False
        except pymysql.MySQLError:
            refused = True
        cursor.execute("DROP ROLE IF EXISTS r")
        cursor.execute("DROP USER IF EXISTS u")
    if given_address() is not None and sql in REFUSED and not refused:
        pytest.skip("a later MariaDB than the one that the rules were made for takes it")
    assert refused == (sql in REFUSED)
