from __future__ import annotations

from typing import Any

import pytest

from sidecar_magics.load.reporting.progress import SPEED_FROM_S, Progress
from sidecar_magics.units import duration, size


def progress(done: int, total: int | None, elapsed_s: float, **more: Any) -> Progress:
    return Progress("lab.sql", done, total, elapsed_s, **more)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (progress(0, 0, 0.0), "lab.sql: 0 B of 0 B · 0 s"),
        (progress(5, None, 1.4), "lab.sql: 5 B · 1 s"),
        (progress(2_000_000, None, 4.0), "lab.sql: 2 MB · 500 kB/s · 4 s"),
        (
            progress(2_000_000, 10_000_000, 4.0),
            "lab.sql: 2 MB of 10 MB · 500 kB/s · about 16 s left",
        ),
        (
            progress(2_000_000, 100_000_000, 4.0),
            "lab.sql: 2 MB of 100 MB · 500 kB/s · about 3 min 16 s left",
        ),
        (
            progress(1_000_000, 1_000_001, 4.0),
            "lab.sql: 1 MB of 1 MB · 250 kB/s · about 1 s left",
        ),
        (progress(10, 20, SPEED_FROM_S - 0.1), "lab.sql: 10 B of 20 B · 2 s"),
        (
            progress(10, 10, 10.0, reads=False, builds=(("a.b", 3.0),), tables=("a.b", "c.d")),
            "lab.sql: 10 B of 10 B · finishing, 10 s · building the indexes of a.b (3 s) · c.d",
        ),
        (
            progress(5, 10, 5.0, reads=False),
            "lab.sql: 5 B of 10 B · 1 B/s · about 5 s left",
        ),
        (
            progress(5, None, 1.0, jobs=4, busy=3, tables=("a.b", "c.d")),
            "lab.sql: 5 B · 1 s · 3 of 4 connections · a.b, c.d",
        ),
        (progress(5, None, 1.0, jobs=1, busy=1), "lab.sql: 5 B · 1 s"),
    ],
)
def test_texts(now: Progress, text: str) -> None:
    assert str(now) == text


@pytest.mark.parametrize(
    ("now", "fraction", "speed", "left_s"),
    [
        (progress(25, 100, 5.0), 0.25, 5.0, 15.0),
        (progress(25, None, 5.0), None, 5.0, None),
        (progress(25, 0, 5.0), None, 5.0, 0.0),
        (progress(0, 100, 5.0), 0.0, None, None),
        (progress(25, 100, 1.0), 0.25, None, None),
        (progress(120, 100, 5.0), 1.0, 24.0, 0.0),
        (progress(60, 100, 5.0, skipped_bytes=50), 0.6, 2.0, 20.0),
        (progress(50, 100, 5.0, skipped_bytes=50), 0.5, None, None),
    ],
)
def test_numbers(
    now: Progress, fraction: float | None, speed: float | None, left_s: float | None
) -> None:
    assert (now.fraction, now.speed, now.left_s) == (fraction, speed, left_s)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.4, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (12_345, "12.3 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (999_999, "1 MB"),
        (12_345_678, "12.3 MB"),
        (999_999_999, "1 GB"),
        (123_456_789_012, "123 GB"),
        (999_999_999_999, "1.0 TB"),
        (2_000_000_000_000_000, "2,000.0 TB"),
    ],
)
def test_sizes(size_bytes: float, text: str) -> None:
    assert size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 0 s"),
        (80, "1 min 20 s"),
        (119.6, "2 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_of_many_tables_some_are_named() -> None:
    many = progress(5, 10, 1.0, jobs=8, busy=8, tables=("a.a", "a.b", "a.c", "a.d", "a.e"))
    assert str(many).endswith("8 of 8 connections · a.a, a.b, a.c and 2 more")
    three = progress(5, 10, 1.0, jobs=8, busy=3, tables=("a.a", "a.b", "a.c"))
    assert str(three).endswith("3 of 8 connections · a.a, a.b, a.c")
