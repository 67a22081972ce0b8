from __future__ import annotations

import json

import pytest

from sidecar_magics.errors import StatementError
from sidecar_magics.load.reporting.report import LARGEST_TABLES, UNSHOWN, LoadReport
from tests.background import at_once

EVIL = "a.<script>alert('x')</script>"


def refusal(report: LoadReport, message: str = "Duplicate entry '(x): y'") -> StatementError:
    return StatementError(
        f"s.sql:3:5: error 1062 (23000): {message}",
        source="s.sql",
        line=3,
        column=5,
        offset=40,
        errno=1062,
        sqlstate="23000",
        statement_start="INSERT INTO `t`",
        table="lab.t",
        report=report,
    )


def full() -> LoadReport:
    report = LoadReport("lab.sql", server="me@<host>", sha256="ab" * 32, seconds=80.4, retries=1)
    report.add("lab.t", rows=1000, size_bytes=2_000_000, seconds=1.5, warnings=2)
    report.add(EVIL, statements=3, rows=2, size_bytes=10)
    report.add(None)
    report.add_warnings([("Warning", "1265", "Data <b>truncated</b>\x1b[31m")], 2)
    report.add_error(refusal(report))
    report.notes.append("A <note>.")
    report.skipped["--tables"] = 1
    return report


def test_sums() -> None:
    report = full()
    report.add("lab.t", statements=2, rows=5, seconds=0.5)
    assert (report.statements, report.rows) == (7, 1007)
    tally = report.tables["lab.t"]
    assert (tally.statements, tally.rows, tally.size_bytes) == (3, 1005, 2_000_000)
    assert (tally.seconds, tally.warnings) == (2.0, 2)
    assert list(report.tables) == ["lab.t", EVIL]
    assert report.schemas == ["a", "lab"]


def test_many_threads_may_add() -> None:
    report = LoadReport("s")

    def add() -> None:
        for number in range(2000):
            report.add(f"s.{number % 7}", rows=2, warnings=1)
            report.add_warnings([("Note", "1", "x")], 2)

    at_once(*[add] * 4)
    assert (report.statements, report.rows) == (8000, 16000)
    assert sum(table.statements for table in report.tables.values()) == 8000
    assert sum(table.warnings for table in report.tables.values()) == 8000
    assert [warning.count for warning in report.warnings.values()] == [8000, 8000]


def test_warnings_are_counted_by_their_number() -> None:
    report = LoadReport("s")
    report.add_warnings([("Warning", "1265", "first"), ("Warning", "1265", "second")], 2)
    report.add_warnings([("Note", "1051", "third"), (None, None, None)], 1)
    report.add_warnings([], 7)
    assert {code: warning.count for code, warning in report.warnings.items()} == {
        1265: 2,
        1051: 1,
        UNSHOWN: 8,
    }
    assert report.warnings[1265].message == "first"


def test_what_a_server_says_does_nothing_to_a_screen() -> None:
    assert "\x1b" not in repr(full())
    assert r"\x1b" in full().warnings[1265].message


def test_errors_keep_the_servers_words() -> None:
    (error,) = full().errors
    assert error.message == "Duplicate entry '(x): y'"
    assert (error.place, error.errno, error.sqlstate) == ("s.sql:3:5", 1062, "23000")
    assert (error.table, error.statement_start) == ("lab.t", "INSERT INTO `t`")


def test_plain_values() -> None:
    plain = json.loads(json.dumps(full().to_dict()))
    assert plain["tables"]["lab.t"]["rows"] == 1000
    assert plain["warnings"]["1265"]["count"] == 1
    assert plain["errors"][0]["errno"] == 1062
    assert plain["source"] == "lab.sql"
    assert plain["started"] > 0
    assert not any(name.startswith("_") or name == "is_on_screen" for name in plain)
    assert json.dumps(LoadReport("s").to_dict())


def test_frame() -> None:
    pytest.importorskip("pandas")
    frame = full().to_frame()
    assert list(frame.columns) == ["rows", "statements", "seconds", "megabytes", "warnings"]
    assert frame.index.names == ["schema", "table"]
    assert frame.loc[("lab", "t")].to_dict() == {
        "rows": 1000,
        "statements": 1,
        "seconds": 1.5,
        "megabytes": 2.0,
        "warnings": 2,
    }
    empty = LoadReport("s").to_frame()
    assert len(empty) == 0
    assert empty.index.names == ["schema", "table"]


def test_html_is_escaped() -> None:
    html = full()._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "me@&lt;host&gt;" in html
    assert "A &lt;note&gt;." in html
    assert "<b>truncated" not in html
    assert "abababababababab…" in html
    assert "1,000" in html
    assert "1 min 20 s" in html
    assert "sha256" not in LoadReport("s")._repr_html_()


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (LoadReport("s"), "Nothing was executed before it."),
        (
            LoadReport("s", statements=8),
            "Executed: 8 statements before it, none of which changed a row; whatever they created "
            "stays.",
        ),
        (
            LoadReport("s", statements=1, rows=1),
            "Executed: 1 statement before it (1 row); their changes stay.",
        ),
        (
            LoadReport("s", statements=1200, rows=0, in_transaction=True),
            "Executed: 1,200 statements before it (0 rows); uncommitted work is rolled back.",
        ),
    ],
)
def test_so_far(report: LoadReport, text: str) -> None:
    assert report.so_far() == text


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (LoadReport("s"), "0 statements, 0 rows"),
        (
            full(),
            "1 error, 5 statements, 1,002 rows, 2 tables in 2 schemas, 2 warnings",
        ),
        (
            LoadReport("s", statements=1, resumed=3),
            "1 statement, 0 rows, 3 statements done before",
        ),
        (
            LoadReport("s", statements=5, already_loaded=True, loaded_at="2024-01-02 03:04:05"),
            "already loaded at 2024-01-02 03:04:05; nothing was done",
        ),
    ],
)
def test_summaries(report: LoadReport, text: str) -> None:
    assert report.summary() == text


def test_texts() -> None:
    assert repr(full()).splitlines() == [
        "<LoadReport lab.sql: 1 error, 5 statements, 1,002 rows, 2 tables in 2 schemas, 2 warnings;"
        " 1 min 20 s>",
        "  lab.t: 1,000 rows, 2 MB",
        f"  {EVIL}: 2 rows, 10 B",
        "  s.sql:3:5: error 1062 (23000): Duplicate entry '(x): y'",
        r"  Warning 1265: Data <b>truncated</b>\x1b[31m (once)",
        "  Warning: more warnings, which the server does not show (once)",
        "  Left out: 1 statement (--tables)",
        "  1 connection lost, and re-established.",
        "  A <note>.",
    ]


def test_only_the_largest_tables_are_shown() -> None:
    report = LoadReport("s")
    for number in range(LARGEST_TABLES + 2):
        report.add(f"s.t{number}", rows=1, size_bytes=number)
    lines = repr(report).splitlines()
    assert len(lines) == LARGEST_TABLES + 2
    assert lines[1].startswith("  s.t11: ")
    assert lines[-1] == "  … 2 smaller tables"


@pytest.mark.parametrize("shown", [None, False])
def test_it_is_displayed_unless_the_cell_shows_it(shown: bool | None) -> None:
    report = LoadReport("s")
    if shown is not None:
        report.is_on_screen = lambda: False
    with pytest.raises(NotImplementedError):
        report._ipython_display_()
    report.is_on_screen = lambda: True
    report._ipython_display_()
    assert report == LoadReport("s", started=report.started)
