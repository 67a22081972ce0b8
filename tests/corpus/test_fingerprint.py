"""The yardstick itself: whatever differs between two servers is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from tests.corpus.case import BOTH
from tests.corpus.fingerprint import JOURNAL_SCHEMA, difference, fingerprint

if TYPE_CHECKING:
    from tests.corpus.workshop import Workshop

pytestmark = pytest.mark.server

BEGINNING = """
CREATE DATABASE f; USE f;
CREATE TABLE t (
  id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(9) DEFAULT 'x', KEY (s), KEY k (s, id)
);
INSERT INTO t VALUES (1, 'a'), (2, 'b');
CREATE TABLE no_key (a INT, KEY (a));
INSERT INTO no_key VALUES (1), (2);
CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET @a = 1;
CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW SET @b = 1;
CREATE VIEW v AS SELECT id FROM t;
CREATE PROCEDURE p() SELECT 1;
CREATE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 1;
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO SELECT 1;
CREATE USER somebody@localhost;
"""
CHANGES = {
    "a value": "UPDATE t SET s = 'c' WHERE id = 1",
    "a row": "DELETE FROM t WHERE id = 2",
    "the order of rows": "DELETE FROM no_key WHERE a = 1; INSERT INTO no_key VALUES (1)",
    "the next number": "ALTER TABLE t AUTO_INCREMENT = 50",
    "a default": "ALTER TABLE t ALTER s SET DEFAULT 'y'",
    "the order of keys": "ALTER TABLE t DROP KEY s; ALTER TABLE t ADD KEY (s)",
    "a comment": "ALTER TABLE t COMMENT = 'c'",
    "the order of triggers": "DROP TRIGGER one;"
    " CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
    "a trigger's sql_mode": "SET sql_mode = ''; DROP TRIGGER two;"
    " CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW SET @b = 1",
    "a view's security": "ALTER SQL SECURITY INVOKER VIEW v AS SELECT id FROM t",
    "a view's collation": "SET collation_connection = utf8mb4_bin;"
    " ALTER VIEW v AS SELECT id FROM t",
    "a procedure": "DROP PROCEDURE p; CREATE PROCEDURE p() SELECT 2",
    "a function's comment": "ALTER FUNCTION g COMMENT 'c'",
    "an event's state": "ALTER EVENT e DISABLE",
    "a schema": "CREATE DATABASE g",
    "a schema's collation": "ALTER DATABASE f COLLATE utf8mb4_bin",
    "a right": "GRANT SELECT ON f.* TO somebody@localhost",
    "an account": "DROP USER somebody@localhost",
    "a global setting": "SET GLOBAL max_connections = 99",
}


def execute(workshop: Workshop, script: str) -> None:
    with connect_now(workshop.target.settings) as connection, connection.cursor() as cursor:
        for sql in filter(str.strip, script.split(";")):
            cursor.execute(sql)
        connection.commit()


@pytest.mark.parametrize("flavour", BOTH)
def test_every_change_is_seen(workshop: Workshop) -> None:
    workshop.reset()
    execute(workshop, BEGINNING)
    before = fingerprint(workshop.target)
    assert difference(before, fingerprint(workshop.target)) == ""
    seen = []
    for what, change in CHANGES.items():
        execute(workshop, f"USE f; {change}")
        after = fingerprint(workshop.target)
        if difference(before, after):
            seen.append(what)
        before = after
    workshop.reset()
    assert seen == list(CHANGES)


@pytest.mark.parametrize("flavour", BOTH)
def test_the_loaders_journal_is_none_of_it(workshop: Workshop) -> None:
    workshop.reset()
    before = fingerprint(workshop.target)
    execute(workshop, f"CREATE DATABASE {JOURNAL_SCHEMA}; CREATE TABLE {JOURNAL_SCHEMA}.t (a INT)")
    assert difference(before, fingerprint(workshop.target)) == ""
    assert difference(before, fingerprint(workshop.target, ignore=())).startswith(
        "only in the second"
    )


def test_a_difference_is_readable() -> None:
    first = {"table a": "one\ntwo", "table b": "x", "same": "s"}
    second = {"table a": "one\n2", "table c": "y", "same": "s"}
    lines = difference(first, second).splitlines()
    assert lines[0] == "differs: table a"
    assert {"    -two", "    +2"} <= set(lines)
    assert lines[-2:] == ["only in the first: table b", "only in the second: table c"]
