from __future__ import annotations

from typing import Any

import pytest

from sidecar_magics.errors import SettingsError
from sidecar_magics.load.policy import LoadPolicy


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"jobs": 0}, "--jobs 0: at least one connection"),
        ({"jobs": -3}, "--jobs -3"),
        ({"schema_only": True, "data_only": True}, "exclude each other"),
        ({"into": ""}, "no schema to load into"),
        ({"into": "mysql"}, "no schema to load into"),
        ({"tables": ("a", "")}, "pattern of --tables is empty"),
        ({"collation_map": "utf8mb4_bin"}, "not of the form FROM=TO"),
        ({"collation_map": {"utf8mb4_bin": "latin1_bin"}}, "different character sets"),
        ({"collation_map": "utf8mb4_bin=latin1_bin"}, "different character sets"),
    ],
)
def test_contradictions_are_refused_at_once(choices: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LoadPolicy(**choices)
    assert said in str(caught.value)
    assert caught.value.message.endswith(".")


RESULT: list[dict[str, Any]] = [
    {"database": "lab"},
    {"init": ("SET a=1",)},
    {"into": "mine"},
    {"tables": ("a*",)},
    {"schema_only": True},
    {"data_only": True},
    {"skip_definer": True},
    {"collation_map": "nearest"},
    {"collation_map": {"utf8mb4_0900_bin": "utf8mb4_bin"}},
    {"system_schemas": True},
]
WAY: list[dict[str, Any]] = [
    {"jobs": 4},
    {"binlog": True},
    {"once": True},
    {"resume": True},
    {"force": True},
    {"yes_remote": True},
    {"allow_local_infile": True},
    {"allow_outside_source": True},
    {"rows": "insert"},
]


@pytest.mark.parametrize("choices", RESULT)
def test_what_the_result_depends_on_is_part_of_the_identity(choices: dict[str, Any]) -> None:
    identity = LoadPolicy(**choices).identity
    assert identity != LoadPolicy().identity
    assert identity == LoadPolicy(**choices, jobs=3).identity


@pytest.mark.parametrize("choices", WAY)
def test_how_it_is_reached_is_not(choices: dict[str, Any]) -> None:
    assert LoadPolicy(**choices).identity == LoadPolicy().identity


def test_the_identity_tells_no_password() -> None:
    assert "secret" not in LoadPolicy(init=("SET PASSWORD = 'secret'",)).identity


def test_every_choice_is_one_or_the_other() -> None:
    tested = {name for choices in (*RESULT, *WAY) for name in choices}
    assert tested == set(LoadPolicy.__dataclass_fields__)


@pytest.mark.parametrize(
    ("chosen", "collations", "replaced"),
    [
        (None, ["utf8mb4_bin"], {}),
        ("utf8mb4_0900_bin=utf8mb4_bin", [], {"utf8mb4_0900_bin": "utf8mb4_bin"}),
        ({"UTF8MB4_0900_BIN": "utf8mb4_BIN"}, [], {"utf8mb4_0900_bin": "utf8mb4_bin"}),
        ("nearest", [], {}),
    ],
)
def test_collations(chosen: Any, collations: list[str], replaced: dict[str, str]) -> None:
    policy = LoadPolicy(collation_map=chosen)
    assert policy.collations_to_replace(collations) == replaced
    assert policy.wants_collations is (chosen == "nearest")


def test_the_nearest_collations_are_those_of_the_server() -> None:
    replaced = LoadPolicy(collation_map="nearest").collations_to_replace(
        ["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"]
    )
    assert replaced["utf8mb4_0900_ai_ci"] in {"utf8mb4_unicode_ci", "utf8mb4_general_ci"}
    assert set(replaced.values()) <= {"utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"}


def test_the_choices_reach_the_rewriter() -> None:
    sql = b"INSERT INTO `old`.`t` VALUES (1)"
    assert LoadPolicy(into="new").rewriter((), "old").rewrite(sql, schema=None) == (
        b"INSERT INTO `new`.`t` VALUES (1)"
    )
    assert LoadPolicy(schema_only=True).rewriter(()).rewrite(sql, schema=None) is None
    assert LoadPolicy(tables=("u",)).rewriter(()).rewrite(sql, schema=None) is None
    assert LoadPolicy().rewriter(()).rewrite(sql, schema=None) is sql


def test_the_words_that_choose_the_same() -> None:
    policy = LoadPolicy(
        into="lab",
        init=("SET @secret = 'x'",),
        tables=("a", "b*"),
        skip_definer=True,
        collation_map={"utf8mb4_0900_ai_ci": "utf8mb4_general_ci"},
        once=True,
        jobs=2,
    )
    words = "--init ... --into lab --tables a --tables b* --skip-definer --collation-map"
    assert " ".join(policy.words) == f"{words} utf8mb4_0900_ai_ci=utf8mb4_general_ci"
    assert LoadPolicy().words == ()
    assert LoadPolicy(skip_definer=True).target == LoadPolicy(once=True).target
    assert LoadPolicy(tables=("a",)).target != LoadPolicy().target
