"""A load's report: adding to it from many threads, and every form in which it can be read."""

from __future__ import annotations

import copy
import functools
import json
import pickle
import re
import sys
import threading
from html.parser import HTMLParser

import pytest

from sidecar_magics.errors import StatementError
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.reporting.report_html import MOST_TABLES
from tests.background import LIMIT_S, at_once

VOID = {"br"}
ODD_NAMES = ["a.<b>&\"'", "ü.名前", "s.\x1b[31m", "s.", ".t", "nothing", "s.a.b", "s.\n"]


def loaded(**attributes: object) -> LoadReport:
    report = LoadReport("dump.sql.gz", server="root@127.0.0.1:3306, MySQL 9.7.4", seconds=80.2)
    report.add("lab.mouse", rows=1234, size_bytes=12_300_000, seconds=2.5)
    report.add("lab.session", rows=10, size_bytes=500, seconds=0.5, warnings=2)
    report.add("ephys.unit", rows=1, size_bytes=70, seconds=0.25)
    report.add(None)
    for name, value in attributes.items():
        setattr(report, name, value)
    return report


def refused(report: LoadReport, line: int = 7) -> StatementError:
    return StatementError(
        f"dump.sql:{line}:3: error 1062 (23000): Duplicate entry '1' for <key>",
        source="dump.sql",
        line=line,
        column=3,
        offset=100,
        errno=1062,
        sqlstate="23000",
        statement_start="INSERT INTO mouse",
        table="lab.mouse",
        report=report,
    )


class Checker(HTMLParser):
    """Reads HTML whose tags must match; keeps its tags, styles and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.styles: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert all(name == "style" for name, _ in attrs)
        self.styles += [value or "" for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


# Adding to it ------------------------------------------------------------------------------------


def test_many_threads_add_at_once() -> None:
    report = LoadReport("x")
    start = threading.Barrier(8)

    def lane(number: int) -> None:
        start.wait(LIMIT_S)
        for _ in range(2000):
            report.add(f"s.t{number % 3}", rows=2, size_bytes=5, seconds=0.5, warnings=1)
            report.add_warnings([("Note", "1", "x")], 3)
            report.add_retry()
            report.add_deferred_indexes(2)

    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        at_once(*(functools.partial(lane, number) for number in range(8)))
    finally:
        sys.setswitchinterval(usual_s)
    assert (report.statements, report.rows) == (16_000, 32_000)
    assert (report.retries, report.deferred_indexes) == (16_000, 32_000)
    tables = report.tables.values()
    assert sum(table.rows for table in tables) == 32_000
    assert sum(table.size_bytes for table in tables) == 80_000
    assert sum(table.seconds for table in tables) == 8000.0
    assert sum(table.warnings for table in tables) == 16_000
    assert {number: kind.count for number, kind in report.warnings.items()} == {
        1: 16_000,
        0: 32_000,
    }


def test_a_refused_statement_is_kept_with_its_place() -> None:
    report = loaded()
    report.add_error(refused(report))
    (error,) = report.errors
    assert (error.place, error.errno, error.sqlstate) == ("dump.sql:7:3", 1062, "23000")
    assert error.message == "Duplicate entry '1' for <key>"
    assert (error.statement_start, error.table) == ("INSERT INTO mouse", "lab.mouse")
    assert str(error) == "dump.sql:7:3: error 1062 (23000): Duplicate entry '1' for <key>"


# As text -----------------------------------------------------------------------------------------


def test_what_harms_nothing_is_a_note() -> None:
    report = loaded()
    report.add_warnings([("Warning", "1681", "Integer display width is deprecated")] * 15, 15)
    report.add_warnings([("Note", "1592", "Unsafe statement written to the binary log")], 1)
    assert "2 schemas, 16 notes;" in repr(report).splitlines()[0]
    assert repr(report).splitlines()[-2:] == [
        "  Note 1681: Integer display width is deprecated (15 times; nothing is lost)",
        "  Note 1592: Unsafe statement written to the binary log (once)",
    ]
    # What the server called it stays, for programs.
    assert report.warnings[1681].level == "Warning"
    report.add_warnings([("Warning", "1366", "Incorrect value")], 1)
    assert "2 schemas, 1 warning, 16 notes;" in repr(report).splitlines()[0]


def test_the_text_has_what_matters() -> None:
    report = loaded(retries=1, skipped={"of a system schema": 2}, notes=["Mind the gap."])
    report.add_warnings([("Warning", "1366", "Incorrect value")], 1)
    report.add_warnings([("Warning", "1366", "Incorrect value")], 2)
    assert repr(report).splitlines() == [
        "<LoadReport dump.sql.gz: 4 statements, 1,245 rows, 3 tables in 2 schemas, 3 warnings; "
        "1 min 20 s>",
        "  lab.mouse: 1,234 rows, 12.3 MB",
        "  lab.session: 10 rows, 500 B",
        "  ephys.unit: 1 row, 70 B",
        "  Warning 1366: Incorrect value (2 times)",
        "  Warning: more warnings, which the server does not show (once)",
        "  Left out: 2 statements (of a system schema)",
        "  1 connection lost, and re-established.",
        "  Mind the gap.",
    ]


def test_errors_come_first_and_not_all_of_them() -> None:
    report = loaded()
    for line in range(1, 13):
        report.add_error(refused(report, line))
    assert report.summary().startswith("12 errors, 4 statements")
    text = repr(report)
    assert "dump.sql:10:3: error 1062" in text
    assert "dump.sql:11:3" not in text
    assert "… and 2 more errors, in .errors" in text
    assert text.index("dump.sql:1:3") > text.index("lab.mouse")


def test_of_many_tables_the_ten_largest_are_told() -> None:
    report = LoadReport("x")
    for size in range(1, 31):
        report.add(f"s.t{size}", rows=1, size_bytes=size)
    lines = repr(report).splitlines()
    assert [line.partition(":")[0].strip() for line in lines[1:11]] == [
        f"s.t{size}" for size in range(30, 20, -1)
    ]
    assert lines[11:] == ["  … 20 smaller tables"]


def test_nothing_loaded_has_no_tables() -> None:
    assert LoadReport("x").summary() == "0 statements, 0 rows"
    assert repr(LoadReport("x")) == "<LoadReport x: 0 statements, 0 rows; 0.0 s>"


def test_what_was_loaded_already() -> None:
    report = LoadReport("x", already_loaded=True, loaded_at="2026-11-23 10:02:00", loaded_rows=1234)
    assert report.summary() == (
        "already loaded at 2026-11-23 10:02:00, 1,234 rows; nothing was done"
    )
    assert "table" not in report._repr_html_()


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({}, "Executed: 4 statements before it (1,245 rows); their changes stay."),
        ({"jobs": 4}, "Executed: 4 statements by then (1,245 rows); their changes stay."),
        (
            {"in_transaction": True},
            "Executed: 4 statements before it (1,245 rows); uncommitted work is rolled back.",
        ),
        ({"statements": 0}, "Nothing was executed before it."),
        ({"statements": 0, "jobs": 2}, "Nothing was executed by then."),
    ],
)
def test_an_error_tells_what_was_done(attributes: dict[str, object], sentence: str) -> None:
    assert loaded(**attributes).so_far() == sentence


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_do_nothing_to_a_screen_or_a_page(name: str) -> None:
    report = LoadReport(name, server=name)
    report.add(name, rows=3, size_bytes=10)
    report.add("a.b", rows=4)
    report.skipped[name] = 1
    report.notes.append(name)
    report.add_warnings([("Warning", "1", name)], 1)
    assert all(line.isprintable() for line in repr(report).splitlines())
    assert report._repr_html_().isprintable()
    page = Checker(report._repr_html_())
    assert page.seen.count("tr") - page.seen.count("table") == 2
    assert set(page.seen) <= {
        *("b", "br", "code", "details", "div", "li", "summary", "table", "td", "th", "tr", "ul"),
    }
    assert json.loads(json.dumps(report.to_dict()))["tables"][name]["rows"] == 3


# As HTML -----------------------------------------------------------------------------------------


def test_the_page_has_a_table_for_each_schema() -> None:
    report = loaded(sha256="0123456789abcdef0123")
    report.add_error(refused(report))
    page = Checker(report._repr_html_())
    assert page.words.startswith("1 error, 4 statements, 1,245 rows, 3 tables in 2 schemas")
    assert "from dump.sql.gz (sha256 0123456789abcdef…) into root@127.0.0.1:3306" in page.words
    assert "Duplicate entry '1' for <key>" in page.words
    assert page.seen.count("table") == 2
    assert page.seen.count("details") == 3  # all of them, and each schema
    assert "lab: 2 tables, 1,244 rows" in page.words
    assert "12.3 MB" in page.words


def test_columns_that_have_nothing_in_them_are_left_out() -> None:
    report = LoadReport("x.sql")
    report.add("lab.mouse", seconds=0.5)
    report.add("lab.unit", seconds=1.25, size_bytes=12_300_000)
    page = Checker(report._repr_html_())
    assert re.findall("<th>(.*?)</th>", report._repr_html_()) == [
        *("table", "statements", "size", "server time"),
    ]
    # A number and its unit are not parted on a narrow page.
    assert page.styles.count("white-space:nowrap") == 6
    assert "1.25 s" in page.words


def test_notes_are_no_warnings() -> None:
    report = loaded()
    report.add_warnings([("Note", "1592", "Unsafe"), ("Warning", "1366", "Bad")], 2)
    assert ", 1 warning" in report.summary()
    lines = repr(report).splitlines()
    assert [line for line in lines if "Bad" in line or "Unsafe" in line] == [
        "  Warning 1366: Bad (once)",
        "  Note 1592: Unsafe (once)",
    ]


def test_what_a_script_asks_for_by_if_exists_is_not_shown() -> None:
    plain, report = loaded(), loaded()
    report.add_warnings([("Note", "1051", "Unknown table 'lab.t'")] * 3, 3)
    report.add_warnings([("Note", "1007", "Can't create database 'lab'; database exists")], 1)
    assert repr(report) == repr(plain)
    assert report._repr_html_() == plain._repr_html_()
    assert report.warnings[1051].count == 3  # for programs
    assert report.to_dict()["warnings"][1007]["is_asked_for"]
    # Where the server warns of the same, nothing asked for it.
    warned = loaded()
    warned.add_warnings([("Warning", "1051", "Unknown table 'lab.t'")], 1)
    assert ", 1 warning" in warned.summary()


def test_the_page_fits_dark_and_light() -> None:
    page = Checker(loaded()._repr_html_())
    assert page.styles
    colours = ("#", "white;", "black", "rgb")
    assert not [s for s in page.styles for colour in colours if colour in f"{s};"]
    assert any("width:100px" in style and "currentColor" in style for style in page.styles)


def test_of_very_many_tables_a_page_has_the_largest() -> None:
    report = LoadReport("x")
    for number in range(MOST_TABLES + 5):
        report.add(f"s{number % 2}.t{number}", size_bytes=number, rows=1)
    page = Checker(report._repr_html_())
    assert page.seen.count("tr") == MOST_TABLES + 2
    assert "… and 5 smaller tables" in page.words
    assert "s0: 253 tables, 253 rows" in page.words


# As values ---------------------------------------------------------------------------------------


def test_it_is_a_dictionary_for_json() -> None:
    report = loaded()
    report.add_error(refused(report))
    report.add_warnings([("Warning", "1366", "x")], 1)
    kept = json.loads(json.dumps(report.to_dict()))
    assert kept["tables"]["lab.session"] == {
        "statements": 1,
        "rows": 10,
        "size_bytes": 500,
        "seconds": 0.5,
        "warnings": 2,
    }
    assert kept["errors"][0]["place"] == "dump.sql:7:3"
    warning = {"level": "Warning", "message": "x", "count": 1}
    warning |= {"is_note": False, "is_asked_for": False}
    assert kept["warnings"]["1366"] == warning
    assert not {"is_on_screen", "_lock"} & set(kept)
    kept["tables"].clear()
    report.to_dict()["notes"].append("not in the report itself")
    assert not report.notes


def test_it_is_a_frame_by_schema_and_table() -> None:
    pytest.importorskip("pandas")
    frame = loaded().to_frame()
    assert frame.index.names == ["schema", "table"]
    assert list(frame.columns) == ["rows", "statements", "seconds", "megabytes", "warnings"]
    assert frame.loc[("lab", "mouse"), "rows"] == 1234
    assert frame.loc[("lab", "mouse"), "megabytes"] == 12.3
    assert frame.groupby("schema")["rows"].sum().to_dict() == {"lab": 1244, "ephys": 1}


@pytest.mark.parametrize("tables", [[], *([name] for name in ODD_NAMES)])
def test_a_frame_of_few_and_odd_names(tables: list[str]) -> None:
    pytest.importorskip("pandas")
    report = LoadReport("x")
    for name in tables:
        report.add(name, rows=1)
    frame = report.to_frame()
    assert len(frame) == len(tables)
    assert str(frame["rows"].dtype) == "int64"
    assert frame["rows"].sum() == len(tables)


def test_without_pandas_the_frame_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^to_frame\(\) needs pandas") as caught:
        loaded().to_frame()
    assert caught.value.__suppress_context__


def test_it_can_be_kept_and_copied() -> None:
    report = loaded()
    report.is_on_screen = lambda: True
    for kept in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report)):
        assert kept == report
        assert kept.is_on_screen is None
        kept.add("lab.mouse", rows=1)
        assert kept.rows == report.rows + 1
    assert copy.copy(report)._lock is not report._lock
