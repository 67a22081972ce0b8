"""Tests with many cases are shared between the servers, so that each case runs once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.turns import SERVERS, share_tables


class Item:
    """A test with parameters, as pytest collects it."""

    def __init__(self, function: str, server: str, case: str, *marks: str) -> None:
        self.nodeid = f"tests/test_a.py::{function}[{server}-{case}]"
        self.callspec = SimpleNamespace(
            id=f"{server}-{case}", params={"server": server, "case": case}
        )
        self.marks = list(marks)

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark.name)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None


def taken(items: list[Item]) -> list[str]:
    """Return what `make test` runs of some tests."""
    share_tables(items)
    return [item.callspec.id for item in items if "campaign" not in item.marks]


def table(function: str, cases: str, *marks: str) -> list[Item]:
    return [Item(function, server, case, *marks) for server in SERVERS for case in cases]


def test_each_case_of_a_table_runs_once_and_each_server_has_half() -> None:
    assert taken(table("test_a", "abcde")) == [
        "mysql-a", "mysql-c", "mysql-e", "mariadb-b", "mariadb-d",
    ]  # fmt: skip


def test_a_test_with_few_cases_runs_on_both_servers() -> None:
    assert len(taken(table("test_a", "abc"))) == 6


def test_cases_of_different_tests_are_no_table() -> None:
    assert len(taken([*table("test_a", "abc"), *table("test_b", "def")])) == 12


def test_a_case_of_one_server_stays() -> None:
    only: list[Any] = [Item("test_a", "mariadb", case) for case in "vwxyz"]
    assert len(taken([*table("test_a", "abcd"), *only])) == 4 + 5


def test_what_shares_its_cases_itself_stays() -> None:
    mine = [Item("test_a", "mysql", case) for case in "abcd"]
    others = [Item("test_a", "mariadb", case, "campaign") for case in "abcd"]
    assert taken([*mine, *others]) == [f"mysql-{case}" for case in "abcd"]


def test_a_table_needs_no_parameters_of_its_own() -> None:
    plain: Any = SimpleNamespace(nodeid="tests/test_a.py::test_a")
    share_tables([plain])
