"""Loads against the simulated server: thousands of orders of events, each drawn from a seed.

A course that fails prints its seed; `python -m tests.simulation --seed N` plays it again.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.simulation import mutations, scripts
from tests.simulation.course import play
from tests.simulation.model import Server

SHARE = 125
BLOCKS = 8
# What `make test-more` plays on top, from the next seeds.
MORE = 24
# Another each time, so that each run looks somewhere new; in CI the same ones, so that a change is
# judged by itself. SIMULATION_SEED plays others again.
FIRST = int(
    os.environ.get("SIMULATION_SEED")
    or (1 if os.environ.get("CI") else random.SystemRandom().randrange(1, 10**9))
)

# A seed that finds each fault: `python -m tests.simulation --mutation NAME --most 1` finds others.
FOUND_BY = {
    "notes_without_what_is_pending": 149,
    "asks_with_something_uncommitted": 31,
    "a_failed_task_keeps_its_locks": 11554,
    "a_lane_ends_with_a_refusal": 70,
    "a_lane_waits_with_a_transaction": 2,
    "a_refused_set_changes_the_session": 38,
    "warnings_of_load_data_are_not_looked_at": 3,
    "what_load_data_stored_is_not_undone": 3,
    "numbers_stay_where_a_kill_left_them": 435,
    "numbers_stay_where_a_lost_connection_left_them": 1071,
    "the_last_number_is_not_taken_up": 198,
    "a_done_step_is_judged_by_what_the_server_has_now": 1076,
}


@pytest.mark.parametrize(
    "block",
    [
        *range(BLOCKS),
        *(pytest.param(n, marks=pytest.mark.campaign) for n in range(BLOCKS, BLOCKS + MORE)),
    ],
)
def test_every_load_ends_as_it_would_in_order(block: int) -> None:
    for seed in range(FIRST + block * SHARE, FIRST + (block + 1) * SHARE):
        course = play(seed)
        assert not course.failure, f"python -m tests.simulation --seed {seed}\n{course}"


@pytest.mark.parametrize("name", FOUND_BY)
def test_a_fault_that_is_put_back_in_is_found(name: str) -> None:
    seed = FOUND_BY[name]
    assert not play(seed).failure
    with getattr(mutations, name)():
        assert play(seed).failure, f"seed {seed} does not find it any more: look for another"


def test_a_seed_is_played_the_same_way_each_time() -> None:
    one, other = play(19), play(19)
    assert (one.script, one.faults, len(one.steps)) == (
        other.script,
        other.faults,
        len(other.steps),
    )


def test_scripts_hold_what_they_are_made_for() -> None:
    text = "".join(scripts.write(random.Random(seed)).text for seed in range(300))
    for part in (
        "REFERENCES",
        "MyISAM",
        "AUTO_INCREMENT",
        "CREATE TRIGGER",
        "START TRANSACTION",
        "ROLLBACK",
        "RENAME TABLE",
        "INSERT INTO t0 SELECT",
        "UPPER(",
        "CALL p",
        "ADD KEY",
        "CREATE VIEW",
        "SET time_zone",
    ):
        assert part in text


def test_the_server_undoes_what_was_not_committed() -> None:
    from tests.simulation.language import attempt

    server = Server()
    connection = server.connect()
    for sql in ("CREATE DATABASE s", "CREATE TABLE s.t (id INT, PRIMARY KEY (id)) ENGINE=InnoDB"):
        while attempt(connection, sql) is None:
            pass
    attempt(connection, "BEGIN")
    attempt(connection, "INSERT INTO s.t VALUES (1,NULL,'')")
    assert len(server.tables["s", "t"].rows) == 1
    server.crash()
    assert not server.tables["s", "t"].rows
