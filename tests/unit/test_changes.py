"""In which schemas a statement changes something: what ends the claim that a script is loaded."""

from __future__ import annotations

import pytest

from sidecar_magics.script.changes import ANY_SCHEMA, changed_schemas
from sidecar_magics.script.classify import classify

CHANGES = {
    "INSERT INTO t VALUES ('a.b')": "own",
    "INSERT INTO e.x SELECT * FROM d.t": "e",
    "LOAD DATA INFILE 'x.y' INTO TABLE d.t": "d",
    "TRUNCATE d.t": "d",
    "UPDATE t SET a = 'x.y' WHERE b = 1.5": "own",
    "UPDATE e.k JOIN d.t USING (i) SET t.v = 1": "e d",
    "UPDATE e.k, d.t SET t.v = k.v": "e d",
    "DELETE d.t FROM d.t JOIN e.k USING (i)": "d e",
    "DELETE FROM d.t USING d.t JOIN e.k": "d e",
    "WITH q AS (SELECT 1) DELETE FROM d.t WHERE i IN (SELECT * FROM q)": "d own",
    "WITH q AS (SELECT 1) UPDATE d.t SET i = 1": "d",
    "WITH q AS (SELECT 1) SELECT * FROM d.t": "",
    "DROP TABLE IF EXISTS a, `b`.`c` /* x */, d.e": "own b d",
    "/*!50001 DROP VIEW IF EXISTS e.v, d.v */": "e d",
    "DROP DATABASE d": "d",
    "RENAME TABLE e.a TO d.a, x TO y": "e d own",
    "ALTER TABLE e.a RENAME TO d.b": "e d",
    "ALTER TABLE e.p EXCHANGE PARTITION p0 WITH TABLE d.t": "e d",
    "CREATE TABLE e.c (i INT, FOREIGN KEY (i) REFERENCES d.t (i))": "e",
    "CREATE VIEW e.v AS SELECT * FROM d.t": "e",
    "CREATE TRIGGER e.tr AFTER INSERT ON c FOR EACH ROW DELETE FROM d.t": "e own d",
    "SELECT * FROM d.t": "",
    "SET @a = 1": "",
    "CALL d.p()": ANY_SCHEMA,
    "EXECUTE q": ANY_SCHEMA,
}


@pytest.mark.parametrize("sql", CHANGES)
def test_all_schemas_in_which_a_statement_changes_something_are_named(sql: str) -> None:
    found = changed_schemas(sql.encode(), classify(sql.encode()), schema="own")
    assert sorted(found) == sorted(CHANGES[sql].split())


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("CREATE SCHEMA e; USE d; DELETE FROM t", "e d"),
        ("DROP TABLE a.t; CALL p()", f"a {ANY_SCHEMA}"),
        ("SELECT 1; DO 2", ""),
        ("DROP PROCEDURE a.p; CREATE PROCEDURE b.p() BEGIN DELETE FROM c.t; END", "a b"),
    ],
)
def test_statements_that_are_sent_as_one_are_looked_at_one_by_one(sql: str, changes: str) -> None:
    found = changed_schemas(sql.encode(), classify(sql.encode()), schema="own", several=True)
    assert sorted(found) == sorted(changes.split())
