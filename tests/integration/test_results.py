"""Rows that a script asks for, on real servers: the same as the client's and JupySQL's driver."""

from __future__ import annotations

import datetime
import json
import pickle
import re
import subprocess
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from sidecar_magics import mysql_doctor
from sidecar_magics.cli import main
from sidecar_magics.errors import StatementError
from sidecar_magics.load import load, load_sql
from sidecar_magics.load.reporting.results import KEPT
from sidecar_magics.wait import wait
from tests.background import LIMIT_S

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar_magics.load import ResultSet
    from sidecar_magics.settings import ConnectionSettings
    from tests.servers import Server

pytestmark = pytest.mark.server

# A column of each kind; values at the edges of what they can hold.
KINDS = """\
CREATE DATABASE lab; USE lab;
CREATE TABLE kinds (
    id INT PRIMARY KEY, tiny TINYINT, big BIGINT UNSIGNED, price DECIMAL(65,30), ratio FLOAT,
    exact DOUBLE, flags BIT(9), day DATE, clock TIME(3), moment DATETIME(6), stamp TIMESTAMP NULL,
    born YEAR, name VARCHAR(50) CHARACTER SET latin1, notes TEXT CHARACTER SET utf8mb4,
    raw VARBINARY(9), pixels BLOB, sort ENUM('a','b'), tags SET('x','y'), doc JSON, place POINT
) ENGINE=InnoDB;
INSERT INTO kinds VALUES (1, -128, 18446744073709551615, 1.5, 0.25, 1e300, b'100000001',
    '1000-01-01', '-838:59:59.000', '9999-12-31 23:59:59.999999', '2026-03-29 02:30:00', 2026,
    'Größe', '名前 \U0001f42d', x'00FF', x'CAFE00', 'a', 'x,y', '{"ü": [1, null]}',
    ST_GeomFromText('POINT(1 2)'));
INSERT INTO kinds (id) VALUES (2);
"""


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def result_of(sql: str, server: Server, **options: Any) -> ResultSet:
    report = load_sql(sql, server.settings, **options)
    assert report.result is not None
    return report.result


def test_every_kind_of_value_is_what_the_driver_of_jupysql_says(server: Server) -> None:
    load_sql(KINDS, server.settings)
    sql = "SELECT * FROM lab.kinds ORDER BY id"
    result = result_of(sql, server)
    engine = wait(server.settings).engine()
    try:
        with engine.connect() as connection:
            expected = connection.execute(sqlalchemy.text(sql))
            assert list(result.columns) == list(expected.keys())
            assert result.rows == [tuple(row) for row in expected]
    finally:
        engine.dispose()
    assert (len(result), result.total_rows, result.is_complete) == (2, 2, True)
    values = dict(zip(result.columns, result.rows[0]))
    assert values["big"] == 2**64 - 1
    assert values["price"] == Decimal("1.5")
    assert values["moment"] == datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert values["clock"] == -datetime.timedelta(hours=838, minutes=59, seconds=59)
    assert (values["name"], values["notes"]) == ("Größe", "名前 \U0001f42d")
    assert (values["raw"], values["pixels"]) == (b"\0\xff", b"\xca\xfe\0")
    assert json.loads(values["doc"]) == {"ü": [1, None]}
    assert set(result.rows[1][1:]) == {None}
    json.dumps(result.to_dict())
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4", "koi8r", "binary", "cp932"])
def test_values_and_names_come_in_the_character_set_of_the_script(
    server: Server, charset: str
) -> None:
    load_sql(KINDS, server.settings)
    sql = f"""\
SET NAMES {charset};
SET character_set_client = utf8mb4, character_set_connection = utf8mb4;
SELECT id, price, day, doc, raw, name AS `name`, 'x' AS `Zoё` FROM lab.kinds ORDER BY id DESC"""
    result = result_of(sql, server)
    row = result.rows[1]
    assert row[:3] == (1, Decimal("1.5"), datetime.date(1000, 1, 1))
    assert row[4] == b"\0\xff"
    if charset in ("utf8mb4", "koi8r"):
        assert result.columns[6] == "Zoё"
    if charset in ("latin1", "utf8mb4"):
        assert row[5] == "Größe"
    if charset == "binary":  # so the server says
        assert row[5] == "Größe".encode("latin-1")


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW TABLES",
        "SELECT id AS a, tiny AS a, 7 FROM kinds ORDER BY id DESC",
        "DESCRIBE kinds",
        "SELECT id FROM kinds WHERE id > 5",
        "SELECT 'tab\\tand\\nline', NULL, 0x00, '<b>'",
        "CHECK TABLE kinds",
        "VALUES ROW(1,2), ROW(3,4)",
        "WITH x AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT n FROM x ORDER BY n DESC",
        "SELECT GROUP_CONCAT(id ORDER BY id) FROM kinds",
        "(SELECT 2 AS n) UNION ALL (SELECT 1)",
    ],
)
def test_columns_and_rows_are_the_clients(mysql_server: Server, sql: str) -> None:
    load_sql(KINDS, mysql_server.settings)
    result = result_of(sql, mysql_server, database="lab")
    command = [*mysql_server.client, "--batch", "--raw", "--column-names", "--database=lab"]
    said = subprocess.run(
        [*command, "-e", sql], check=True, capture_output=True, timeout=LIMIT_S
    ).stdout.decode()
    lines = ["\t".join(result.columns)] if result.rows else []
    lines += [
        "\t".join(
            "NULL" if v is None else v.decode() if isinstance(v, bytes) else str(v) for v in row
        )
        for row in result.rows
    ]
    assert "\n".join(lines) == said.rstrip("\n")


def test_the_last_of_several_in_the_order_of_the_script(server: Server) -> None:
    sql = """\
CREATE DATABASE lab; USE lab;
CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB;
SELECT 1 AS first;
INSERT INTO t VALUES (1),(2),(3);
DELIMITER $$
CREATE PROCEDURE p() BEGIN SELECT 2 AS second; SELECT n FROM t ORDER BY n DESC; END$$
DELIMITER ;
CALL p();
SET @x = 5;
INSERT INTO t VALUES (4);
"""
    report = load_sql(sql, server.settings)
    assert report.results == 3
    assert report.result is not None
    assert (report.result.columns, report.result.rows) == (("n",), [(3,), (2,), (1,)])
    assert report.result.place == "cell:8:1"
    assert report.rows == 4
    assert report.summary().startswith("9 statements, 4 rows, 3 result sets (the last of 3 rows)")


def test_a_file_s_are_counted_and_mentioned(server: Server, tmp_path: Path) -> None:
    rows = ",".join(f"({n},'{'x' * 50}')" for n in range(4000))
    tables = "".join(
        f"CREATE TABLE t{k} (n INT PRIMARY KEY, x TEXT) ENGINE=InnoDB;\nINSERT INTO t{k} VALUES "
        f"{rows};\nSELECT COUNT(*) AS c{k} FROM t{k};\nSHOW TABLES;\n"
        for k in range(4)
    )
    (tmp_path / "x.sql").write_text(f"CREATE DATABASE lab; USE lab;\n{tables}SELECT 9 AS n;\n")
    report = load(tmp_path / "x.sql", server.settings, jobs=4)
    assert report.results == 9
    assert report.result is not None
    assert report.result.rows == [(9,)]
    text = repr(report)
    assert "9 result sets (the last of 1 row)" in text
    assert "x.sql:18:1 returned is in .result" in text
    assert "+-" not in text
    assert "<thead>" not in report._repr_html_()


def test_a_statement_that_is_refused_leaves_what_came_before_it(mysql_server: Server) -> None:
    with pytest.raises(StatementError) as caught:
        load_sql("SELECT 7 AS n; SELECT nothing;", mysql_server.settings)
    report = caught.value.report
    assert report is not None
    assert report.result is not None
    assert report.result.rows == [(7,)]


@pytest.mark.thorough
def test_rows_without_end_do_not_fill_the_memory(mysql_server: Server) -> None:
    digits = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)"
    cross = ", ".join(f"{digits} t{n}" for n in range(9))
    load_sql("SELECT 1", mysql_server.settings)  # what is imported is not counted
    tracemalloc.start()
    try:
        result = result_of(f"SELECT REPEAT('x', 40) AS x FROM {cross}", mysql_server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(result), result.total_rows) == (KEPT.rows, 4**9)
    assert not result.is_complete
    assert peak < 4_000_000  # all of it would be 25 MB
    assert "The first 100 of 262,144 rows; .result has the first 10,000" in repr(result)


def test_large_values_are_cut_and_that_is_said(mysql_server: Server) -> None:
    size = 3 * KEPT.value_bytes
    sql = f"SELECT REPEAT('x', {size}) AS x UNION ALL SELECT 'y'"
    result = result_of(sql, mysql_server)
    assert [len(value) for (value,) in result.rows] == [KEPT.value_bytes, 1]
    assert (result.cut_values, result.is_complete) == (1, False)
    assert "1 value cut at 1.05 MB" in repr(result)
    # Many of them: the rows that are kept have a limit of their own.
    many = " UNION ALL ".join([f"SELECT REPEAT('x', {KEPT.value_bytes}) AS x"] * 40)
    result = result_of(many, mysql_server)
    assert (len(result), result.total_rows) == (16, 40)


def test_what_is_too_slow_is_refused_as_the_client_is(mysql_server: Server) -> None:
    slow = (
        "SELECT /*+ MAX_EXECUTION_TIME(200) */ COUNT(*) FROM information_schema.columns a, "
        "information_schema.columns b, information_schema.columns c"
    )
    with pytest.raises(StatementError) as caught:
        load_sql(slow, mysql_server.settings)
    assert caught.value.errno == 3024


def test_done_statements_are_not_asked_again_when_a_load_is_resumed(
    mysql_server: Server, tmp_path: Path
) -> None:
    script = tmp_path / "x.sql"
    script.write_text(
        "CREATE DATABASE lab; USE lab; CREATE TABLE t (n INT PRIMARY KEY);\nSELECT 1 AS n;\n"
        "INSERT INTO t VALUES (1);\nSELECT 2 AS n;\nINSERT INTO missing VALUES (1);\n"
        "SELECT 3 AS n;\n"
    )
    settings: ConnectionSettings = mysql_server.settings
    with pytest.raises(StatementError) as caught:
        load(script, settings, once=True)
    assert caught.value.report.results == 2
    load_sql("CREATE TABLE lab.missing (n INT)", settings)
    report = load(script, settings, resume=True)
    assert report.result is not None
    assert (report.results, report.result.rows) == (1, [(3,)])
    assert load(script, settings, resume=True).result is None


def test_a_load_that_began_anew_says_what_became_of_the_last(
    mysql_server: Server, tmp_path: Path
) -> None:
    script = tmp_path / "x.sql"
    script.write_text(
        "CREATE DATABASE IF NOT EXISTS lab; USE lab; CREATE TABLE IF NOT EXISTS t (x TEXT);\n"
        f"-- {'x' * (1 << 20)}\nINSERT INTO missing VALUES (1);\n"
    )
    settings: ConnectionSettings = mysql_server.settings
    with pytest.raises(StatementError):
        load(script, settings)
    message = mysql_doctor(settings)["journal"].message
    assert re.search(r"x\.sql \(began 20\d\d-.*, [1-9]\d* pieces? done\)", message)
    load_sql("CREATE TABLE lab.missing (n INT)", settings)
    (note,) = [note for note in load(script, settings).notes if "did not finish" in note]
    assert re.match(r"The load of this script that began at 20\d\d-\d\d-\d\d ", note)
    assert "--resume" not in note  # this one is complete
    assert not [note for note in load(script, settings).notes if "did not finish" in note]
    assert mysql_doctor(settings)["journal"].message == "no load is unfinished."


def test_notes_of_a_server_are_no_warnings(server: Server) -> None:
    report = load_sql(
        "CREATE DATABASE lab; DROP TABLE IF EXISTS lab.t;\n"
        "CREATE TABLE lab.t (n TINYINT); SET sql_mode = '';\n"
        "INSERT INTO lab.t VALUES (1000);\n",
        server.settings,
    )
    assert ", 1 warning" in report.summary()
    assert [(each.level, each.count) for each in report.warnings.values()] == [
        ("Note", 1),
        ("Warning", 1),
    ]
    assert report.tables["lab.t"].warnings == 1


def test_a_command_shows_the_last_rows(
    mysql_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings: ConnectionSettings = mysql_server.settings
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", settings.password)
    (tmp_path / "x.sql").write_text("SELECT 1 AS first; SELECT 2 AS second;")
    line = ["load", str(tmp_path / "x.sql"), "--port", str(settings.port)]
    assert main([*line, "--host", settings.host, "--user", settings.user]) == 0
    shown = capsys.readouterr().out
    assert "| second |" in shown
    assert "first" not in shown
    assert ".result" not in shown
