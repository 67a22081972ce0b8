"""A result set as text, HTML, DataFrame and plain values, whatever a server put into it."""

from __future__ import annotations

import builtins
import datetime
import json
import sys
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.reporting.results import KEPT, Results, ResultSet
from sidecar_magics.server import Fetched, Field

# Not in the environments of the oldest and the newest Python.
pandas = pytest.importorskip("pandas")

NASTY = "研究室<script>alert(1)</script>\x1b[2J\u202e\n"
VALUES = ResultSet(
    ("id", NASTY, "raw", "price", "clock", "day", "none"),
    [
        (1, NASTY, b"\0\xff", Decimal("0E-5"), datetime.timedelta(seconds=-3661), None, None),
        (2**63, "b", b"x" * 5000, Decimal("1.50"), None, datetime.date(1, 1, 1), None),
    ],
    total_rows=2,
)


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError("broken")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)


def test_the_text_is_a_table_that_does_nothing_to_a_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    text = repr(VALUES)
    assert "\x1b" not in text
    assert "\u202e" not in text
    lines = text.splitlines()
    assert len(lines) == 7
    assert len({cell_len(line) for line in lines[:-1]}) == 1
    assert "研究室" in lines[3]
    for word in ("NULL", "0x00FF", "0.00000", "-01:01:01", "0001-01-01", "(5 kB)"):
        assert word in text
    assert lines[-1] == "2 rows"


@pytest.mark.parametrize("has_pandas", [True, False])
def test_the_page_is_escaped_and_not_without_end(
    has_pandas: bool, request: pytest.FixtureRequest
) -> None:
    if not has_pandas:
        request.getfixturevalue("no_pandas")
    html = VALUES._repr_html_()
    assert "<script" not in html.replace("<style scoped>", "")
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html
    assert "NULL" in html
    assert ("scoped" in html) is has_pandas
    assert html.endswith("<div>2 rows</div>")
    row = tuple("<" * 5000 for _ in range(300))
    wide = ResultSet(tuple("x" * 250 for _ in row), [row] * 500, total_rows=12_345)
    html = wide._repr_html_()
    assert len(html) < 3_000_000
    assert html.endswith(
        "<div>The first 100 of 12,345 rows; .result has the first 500; 300 columns</div>"
    )
    assert html.count("<tr") <= 101 + 1
    assert repr(wide).count("\n") == 104


def test_a_user_s_options_of_pandas_hold() -> None:
    with pandas.option_context("display.precision", 2):
        assert "<td>0.33</td>" in ResultSet(("x",), [(1 / 3,)], 1)._repr_html_()


def test_no_rows_and_no_columns() -> None:
    for columns in ((), ("a", "a")):
        empty = ResultSet(columns, [], 0)
        assert repr(empty).endswith("0 rows")
        assert empty._repr_html_().endswith("<div>0 rows</div>")
        assert list(empty.to_frame().columns) == list(columns)
        assert not list(empty)


def test_a_frame_has_every_value_as_it_is() -> None:
    rows = [(2**64 - 1, -1, None, 1.5, "a", Decimal("1.1")), (None, None, None, None, None, None)]
    frame = ResultSet(("u", "i", "n", "f", "s", "s"), rows, 2).to_frame()
    assert list(frame.columns) == ["u", "i", "n", "f", "s", "s"]
    assert frame["u"].iloc[0] == 2**64 - 1
    assert frame["u"].isna().tolist() == [False, True]
    assert [str(kind) for kind in frame.dtypes] == [
        *("UInt64", "Int64", "object", "float64", "object", "object"),
    ]
    assert frame.iloc[0, 5] == Decimal("1.1")
    plain = ResultSet(("a",), [(3,), (1,)], 2).to_frame()
    assert (plain["a"].dtype, plain["a"].tolist()) == ("int64", [3, 1])


def test_without_pandas_there_is_no_frame(no_pandas: None) -> None:
    del no_pandas
    with pytest.raises(ImportError, match="pip install pandas"):
        VALUES.to_frame()


def test_plain_values_are_json() -> None:
    plain = json.loads(json.dumps(VALUES.to_dict()))
    assert plain["rows"][0][2:] == ["00ff", "0.00000", "-01:01:01", None, None]


def test_what_is_not_what_its_type_says_is_kept_as_text() -> None:
    kinds = (3, 246, 12, 11, 5, 10)  # integer, decimal, datetime, time, double, date
    for value in (b"x", b"9" * 300, b"\xff", b"", b"0000-00-00"):
        fetched = Fetched(
            tuple(Field(b"\xff", kind, 63) for kind in kinds), [(value,) * len(kinds)], 1, 0
        )
        result = ResultSet.of(fetched)
        assert len(result.rows[0]) == len(kinds)
        repr(result)
        result._repr_html_()
    odd = Fetched((Field(b"x", 253, 60_000), Field(b"y", 77, 63)), [(b"\xff", b"\0")], 1, 0)
    assert ResultSet.of(odd).rows == [("ÿ", b"\0")]


def test_the_last_in_the_script_is_not_the_last_in_time() -> None:
    def fetched(name: bytes) -> Fetched:
        return Fetched((Field(name, 3, 63),), [], 0, 0)

    results = Results()
    assert results.last() is None
    for order, name in (((2, 1), b"last"), ((1, 5), b"first"), ((2, 0), b"middle")):
        results.add(order, name.decode(), 1, fetched(name))
    results.add((3, 0), "x", 0, None)
    last = results.last()
    assert last is not None
    assert (last.columns, last.place, results.number) == (("last",), "last", 3)


def test_only_a_cell_s_report_shows_its_rows() -> None:
    report = LoadReport("cell", statements=1, results=1, result=VALUES, shows_result=True)
    assert report.summary() == "1 statement, 1 result set of 2 rows"
    assert repr(report).endswith("\n2 rows")
    assert report._repr_html_().endswith("<div>2 rows</div>")
    report.shows_result = False
    assert "+-" not in repr(report)
    assert ".result" in repr(report)
    assert json.loads(json.dumps(report.to_dict()))["result"]["total_rows"] == 2


def test_large_values_are_not_copied_to_be_shown() -> None:
    size = KEPT.value_bytes
    result = ResultSet(("x",), [(b"\1" * size,), ("y" * size,)], 2)
    assert len(repr(result)) < 3000
    assert sys.getsizeof(result._repr_html_()) < 5000


def test_a_command_shows_the_last_rows_since_nobody_can_ask_for_them() -> None:
    report = LoadReport("-", results=1, statements=1)
    report.result = ResultSet(("i",), [(number,) for number in range(200)], 200, place="-:1:1")
    assert "is in .result" in repr(report)
    text = report.for_terminal()
    assert "| 99 |" in text
    assert "| 100 |" not in text
    assert text.endswith("The first 100 of 200 rows")
    assert ".result" not in text
    assert LoadReport("-").for_terminal() == repr(LoadReport("-"))
