"""What `make test` runs of a test with many cases, and what it leaves to other targets."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from tests.turns import LINES, SERVERS, share, some


class Item:
    """A test with parameters, as pytest collects it."""

    def __init__(self, function: str, *marks: str, **params: object) -> None:
        self.nodeid = f"tests/test_a.py::{function}[{'-'.join(map(str, params.values()))}]"
        self.callspec = SimpleNamespace(params=params)
        self.marks = list(marks)
        self.decorators: list[str] = []

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark.name)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def iter_markers(self, name: str) -> list[Any]:
        assert name == "parametrize"
        return [SimpleNamespace(args=(names, ())) for names in self.decorators]


def left(items: list[Item], *left_out: str) -> list[Item]:
    """Return what runs where these marks are left out."""
    return [item for item in items if not {*left_out} & {*item.marks}]


def taken(items: list[Item]) -> list[Item]:
    """Return what `make test` runs of some tests."""
    share(items)
    return left(items, "campaign", "corpus", "thorough")


def values(items: list[Item], name: str) -> list[Any]:
    return sorted(item.callspec.params[name] for item in items)


def table(function: str, cases: str, *marks: str) -> list[Item]:
    pairs = product(SERVERS, cases)
    return [Item(function, *marks, server=server, case=case) for server, case in pairs]


def test_each_case_of_a_table_runs_once_and_each_server_has_a_part() -> None:
    items = table("test_a", "abcdefghijklmnop")
    ours = taken(items)
    assert values(ours, "case") == list("abcdefghijklmnop")
    assert {*values(ours, "server")} == {*SERVERS}
    assert left(items, "campaign") == ours  # CI has no more of it


def test_a_test_with_few_cases_runs_on_both_servers_in_ci() -> None:
    items = table("test_a", "abc")
    assert values(taken(items), "case") == list("abc")
    assert len(left(items, "campaign")) == 6


def test_a_test_without_cases_runs_on_one_of_the_servers() -> None:
    names = [f"test_{number}" for number in range(16)]
    items = [Item(name, server=server) for name in names for server in SERVERS]
    ours = taken(items)
    assert len(ours) == len({item.nodeid.partition("[")[0] for item in ours}) == 16
    assert {*values(ours, "server")} == {*SERVERS}
    assert left(items, "campaign") == items


def test_each_value_of_each_parameter_runs_once() -> None:
    cells = product(SERVERS, "abcdefgh", (True, False), (1, 4))
    items = [
        Item("test_a", server=server, case=case, force=force, jobs=jobs)
        for server, case, force, jobs in cells
    ]
    ours = taken(items)
    assert values(ours, "case") == list("abcdefgh")
    assert {*values(ours, "force")} == {True, False}
    assert {*values(ours, "jobs")} == {1, 4}
    assert len(left(items, "campaign")) == 8 * 2 * 2  # each combination on one server


def test_what_stands_in_one_row_of_a_table_stays_together() -> None:
    rows = [("a", 1), ("a", 2), ("b", 1)]
    items = [
        Item("test_a", server=server, what=what, number=number)
        for server in SERVERS
        for what, number in rows
    ]
    for item in items:
        item.decorators.append("what, number")
    ours = taken(items)
    assert sorted((*map(item.callspec.params.get, ("what", "number")),) for item in ours) == rows


def test_so_does_a_slow_test_without_a_server() -> None:
    cells = product("abcde", range(5))
    items = [Item("test_a", "slow", kind=kind, part=part) for kind, part in cells]
    ours = taken(items)
    assert {*values(ours, "kind")} == {*"abcde"}
    assert {*values(ours, "part")} == {*range(5)}
    assert len(ours) < 10
    assert left(items, "campaign") == items


def test_lines_of_datajoint_take_turns_too_and_ci_has_both() -> None:
    items = [Item("test_a", line=line, case=case) for line in LINES for case in "abcdefgh"]
    assert values(taken(items), "case") == list("abcdefgh")
    assert left(items, "campaign") == items


def test_a_test_of_two_servers_stays() -> None:
    pairs = product(SERVERS, SERVERS)
    items = [Item("test_a", source=source, target=target) for source, target in pairs]
    assert taken(items) == items


def test_a_case_of_one_server_stays() -> None:
    only = [Item("test_a", server="mariadb", case=case) for case in "vwxyz"]
    assert len(taken([*table("test_a", "abcd"), *only])) == 4 + 5


@pytest.mark.parametrize("mark", ["campaign", "corpus"])
def test_a_test_that_says_where_it_runs_stays(mark: str) -> None:
    mine = [Item("test_a", server="mysql", case=case) for case in "abcd"]
    others = [Item("test_a", mark, server="mariadb", case=case) for case in "abcd"]
    assert taken([*mine, *others]) == mine


def test_a_long_check_has_its_turns_in_ci() -> None:
    items = table("test_a", "abcd", "thorough")
    assert taken(items) == []
    assert values(left(items, "campaign"), "case") == list("abcd")


def test_of_two_takers_the_one_without_a_mark_is_chosen() -> None:
    names = [f"test_{number}" for number in range(8)]
    dear = [Item(name, "thorough", line="0.14") for name in names]
    cheap = [Item(name, line="2") for name in names]
    assert taken([*dear, *cheap]) == cheap


def test_a_test_needs_no_parameters() -> None:
    plain: Any = SimpleNamespace(nodeid="tests/test_a.py::test_a")
    share([plain])


def test_a_part_of_a_table() -> None:
    rows = some("name, size", [("a", 1), ("b", 2), ("c", 3), ("d", 4)], each=3).args[1]
    assert [row.values for row in rows if not row.marks] == [("a", 1), ("d", 4)]
    assert {mark.name for row in rows for mark in row.marks} == {"thorough"}
