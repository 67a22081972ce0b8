from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.planning.explain import MOST_SHOWN, LoadPlan, TablePlan, explain
from sidecar_magics.load.planning.planner import LARGE_STATEMENT_BYTES
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.units import size

SCRIPT = f"""\
SET foreign_key_checks=0;
CREATE DATABASE lab;
USE lab;
CREATE TABLE t (a int, b text);
INSERT INTO t VALUES (1,'{"x" * LARGE_STATEMENT_BYTES}');
INSERT INTO t VALUES (2,'');
CREATE TABLE u (a int);
REPLACE INTO u VALUES (1);
CREATE USER 'a' IDENTIFIED BY 'secret';
UPDATE u SET a=2;
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "s.sql"
    path.write_text(SCRIPT)
    return path


def test_what_is_told(script: Path) -> None:
    plan = explain(script)
    assert plan.tables == {
        "lab.t": TablePlan(2, plan.tables["lab.t"].size_bytes, True, True),
        "lab.u": TablePlan(1, len("REPLACE INTO u VALUES (1)"), False, False),
    }
    assert plan.tables["lab.t"].size_bytes > LARGE_STATEMENT_BYTES
    assert plan.in_order_from == ""
    assert [text.partition(": ")[0].rpartition("/")[2] for text in plan.alone] == [
        "s.sql:9:1",
        "s.sql:10:1",
    ]
    assert plan.tasks["rows"] >= 2
    assert plan.tasks["indexes"] == 1
    assert plan.tasks["data"] == 1


def test_texts(script: Path) -> None:
    plan = explain(script)
    text = repr(plan)
    rows_size = size(plan.tables["lab.t"].size_bytes)
    assert f"lab.t: {rows_size} in 2 statements, in any order; secondary indexes after" in text
    assert "lab.u: 25 B in 1 statement, in order" in text
    counts = text.partition(": ")[2].partition(">")[0]
    assert "3 statements of rows, " in counts
    assert "1 build of indexes" in counts
    assert "1 other statement on rows" in counts
    assert "Everything else waits for:" in text
    assert "In order, on one connection" not in text
    assert "secret" not in text
    assert "secret" not in json.dumps(plan.to_dict())
    assert plan._repr_html_().startswith("<pre>&lt;LoadPlan ")


def test_where_the_order_begins(script: Path) -> None:
    script.write_text("SELECT 1;\nCALL p();\nSELECT 2;\nSELECT 3;\n")
    plan = explain(script)
    assert plan.in_order_from.endswith(
        "s.sql:2:1: a statement whose effect on its session is unknown"
    )
    assert f"from {plan.in_order_from}." in repr(plan)
    assert len(plan.alone) == 2  # what comes in order is not told one by one


def test_it_depends_on_the_server(script: Path) -> None:
    script.write_text("/*!80000 CALL p() */;/*M!100100 DO 1 */;")
    assert explain(script, server=("mysql", "8.0.36")).in_order_from
    assert ":1:1:" in explain(script, server=("mysql", "8.0.36")).in_order_from
    assert ":1:22:" in explain(script, server=("mariadb", "10.11.6-MariaDB")).in_order_from


def test_it_depends_on_the_policy(script: Path) -> None:
    plan = explain(script, policy=LoadPolicy(tables=("u",)))
    assert list(plan.tables) == ["lab.u"]
    assert explain(script, policy=LoadPolicy(schema_only=True)).tables == {}


def test_long_lists_are_cut() -> None:
    plan = LoadPlan("s", alone=["<x>"] * (MOST_SHOWN + 3))
    for number in range(MOST_SHOWN + 1):
        plan.tables[f"s.t{number}"] = TablePlan(size_bytes=number)
    text = repr(plan)
    assert "… and 3 such statements more" in text
    assert "… and 1 table more" in text
    assert "s.t0:" not in text
    assert "<x>" not in plan._repr_html_()


def test_nothing() -> None:
    assert repr(LoadPlan("s")) == "<LoadPlan s: nothing to do>"


@pytest.mark.parametrize("text", [None, "SELECT 'a", "LOAD DATA LOCAL INFILE 'x' INTO TABLE t;"])
def test_scripts_that_cannot_be_loaded(script: Path, text: str | None) -> None:
    if text is None:
        script.unlink()
    else:
        script.write_text(text)
    with pytest.raises(ScriptError):
        explain(script)


@pytest.mark.parametrize(
    ("heading", "leaves_out"),
    [
        ("-- MySQL dump 10.13  Distrib 8.0.36", True),
        ("-- mysqldump-php https://github.com/ifsnop/mysqldump-php", True),
        ("-- phpMyAdmin SQL Dump\n-- version 4.9.5", True),
        ("-- Sakila Sample Database Data", False),
    ],
)
def test_a_tool_s_own_transactions_do_not_end_the_plan(
    heading: str, leaves_out: bool, tmp_path: Path
) -> None:
    """What a person writes may roll back; what a dump tool writes does not."""
    path = tmp_path / "dump.sql"
    path.write_text(
        f"{heading}\nCREATE DATABASE d;\nUSE d;\nSET AUTOCOMMIT = 0;\n"
        "CREATE TABLE t (i INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\nCOMMIT;\n"
        "SET AUTOCOMMIT = 1;\n"
    )
    plan = explain(path)
    assert plan.in_order_from == ""
    assert ("rows" in plan.tasks) is leaves_out
