"""Helm's own merging, and that the tests' (`tests.hub.values.merge`) is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub import helm
from tests.hub.values import (
    DEPLOYMENTS,
    HUB_CONFIG,
    SEED,
    Deployment,
    Values,
    merge,
    on_defaults,
    read,
)

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 9),
    st.sampled_from(["", "a", "{x}"]),
    st.lists(st.integers(0, 3), max_size=2),
)
KEYS = st.sampled_from(["a", "b", "c"])


def _values(leaves: Any) -> Any:
    inner = st.recursive(leaves, lambda below: st.dictionaries(KEYS, below, max_size=3))
    return st.dictionaries(KEYS, inner)


VALUES = _values(LEAVES)
# What a null in a chart's own values.yaml comes to below another one depends on how deep it is.
DEFAULTS = _values(LEAVES.filter(lambda leaf: leaf is not None))


@pytest.fixture(autouse=True)
def _helm() -> None:
    helm.needs_helm()


def test_mappings_are_merged_and_the_last_file_wins() -> None:
    assert helm.merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}) == {"a": {"b": 1, "c": 3}}


def test_lists_are_replaced() -> None:
    assert helm.merged({"a": [{"name": "mine"}]}, {"a": [2]}) == {"a": [2]}


def test_a_mapping_replaces_a_list_without_a_word() -> None:
    """So the volumes of a hub that has them as a list are lost to ours, and the other way round."""
    list_, mapping = {"v": [{"name": "mine"}]}, {"v": {"ours": {"name": "ours"}}}
    assert helm.merged(list_, mapping) == mapping
    assert helm.merged(mapping, list_) == list_


def test_null_does_not_take_a_key_of_another_file_away() -> None:
    assert helm.merged({"a": {"b": 1}}, {"a": {"b": None}}) == {"a": {"b": None}}


def test_null_takes_a_default_of_the_chart_away() -> None:
    defaults: Values = {"a": {"b": 1, "c": 2}}
    assert helm.merged({"a": {"b": None}}, defaults=defaults) == {"a": {"c": 2}}


@pytest.mark.timeout(900)
@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_files_are_merged_as_in_the_tests(layers: list[Values]) -> None:
    assert helm.merged(*layers) == merge(*layers)


@pytest.mark.timeout(900)
@settings(max_examples=100, deadline=None)
@given(DEFAULTS, VALUES)
def test_defaults_are_below_as_in_the_tests(defaults: Values, values: Values) -> None:
    assert helm.merged(values, defaults=defaults) == on_defaults(defaults, values)


@pytest.mark.parametrize("deployment", [*DEPLOYMENTS, SEED], ids=str)
def test_the_files_themselves(deployment: Deployment) -> None:
    """As text, and not as PyYAML reads it: `on`, `08` and their like are not the same to all."""
    paths = [HUB_CONFIG / f"{name}.values.yaml" for name in deployment.files]
    assert helm.merged_files(paths) == merge(*(read(name) for name in deployment.files))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_values_of_a_chart_inside_another_stand_below_its_name(depth: int, tmp_path: Path) -> None:
    """A file at the wrong depth is taken without a word, and does nothing."""
    part = tmp_path / "part"
    for place, text in helm.MERGING_CHART.items():
        helm.write(part / place, text.replace("merging", "part"))
    names = [f"chart{index}" for index in range(depth)]
    chart = helm.chart_with(part, tmp_path / "made", *names)
    nested = "{mine: 1}"
    for name in ["part", *reversed(names[1:])]:
        nested = f"{{{name}: {nested}}}"
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(nested)
    wrong.write_text("{mine: 1}")
    assert "mine" in helm.template(chart, [right])
    assert "mine" not in helm.template(chart, [wrong])
